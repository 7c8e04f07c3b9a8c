//! The command of the terminal that does what a page does, as a person would paste it.

/// A command: the words after `recant`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line(Vec<String>);

impl Line {
    pub fn new(command: &str) -> Self {
        Self(vec![command.to_owned()])
    }

    /// A file or folder, which a leading dash must not turn into an option.
    #[must_use]
    pub fn path(mut self, name: &str) -> Self {
        self.0.push(if name.starts_with('-') {
            format!("./{name}")
        } else {
            name.to_owned()
        });
        self
    }

    /// An option with a value.
    #[must_use]
    pub fn option(mut self, name: &str, value: &str) -> Self {
        // A value that begins with a dash would be read as an option.
        if value.starts_with('-') {
            self.0.push(format!("{name}={value}"));
        } else {
            self.0.extend([name.to_owned(), value.to_owned()]);
        }
        self
    }

    /// An option with a value, where there is one.
    #[must_use]
    pub fn maybe(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.option(name, value),
            None => self,
        }
    }

    /// An option without a value.
    #[must_use]
    pub fn flag(mut self, name: &str, given: bool) -> Self {
        self.0.extend(given.then(|| name.to_owned()));
        self
    }

    /// Words of options as the reader of sheets names them, such as `--decimal ,`.
    #[must_use]
    pub fn words(mut self, words: &str) -> Self {
        self.0.extend(words.split(' ').map(str::to_owned));
        self
    }

    /// As a shell takes it, word by word.
    pub fn words_shown(&self) -> Vec<String> {
        let own = self.0.iter().map(|word| shell_word(word));
        std::iter::once("recant".to_owned()).chain(own).collect()
    }

    /// As records have it: what the terminal would write there.
    pub fn recorded(&self) -> String {
        // File names only, no folders.
        let bare = |word: &String| match word.rsplit_once('/') {
            Some((_, name)) if !word.starts_with("--") => name.to_owned(),
            _ => word.clone(),
        };
        let word = |word: &String| match bare(word) {
            word if word.contains(' ') => format!("'{word}'"),
            word => word,
        };
        let words: Vec<String> = self.0.iter().map(word).collect();
        format!("recant {}", words.join(" "))
    }
}

/// A word that a shell takes for itself: quoted where it holds anything that a shell would read.
pub(super) fn shell_word(word: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || "/._-:+,=@%".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_the_words_that_were_meant() {
        for (word, shown) in [
            ("orders.csv", "orders.csv"),
            ("my orders.csv", "'my orders.csv'"),
            ("$(rm -rf x).csv", "'$(rm -rf x).csv'"),
            ("it's", "'it'\\''s'"),
            ("", "''"),
            (",", ","),
            ("Aufträge.csv", "Aufträge.csv"),
        ] {
            assert_eq!(shell_word(word), shown);
        }
        let line = Line::new("train")
            .path("-x.csv")
            .option("--network", "3x100")
            .flag("--force", false);
        assert_eq!(line.words_shown().join(" "), "recant train ./-x.csv --network 3x100");
        assert_eq!(Line::new("predict").path("x/a b.csv").recorded(), "recant predict 'a b.csv'");
    }
}
