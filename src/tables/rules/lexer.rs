//! Splits the text of a rule or formula into tokens that know where they stand.

use super::Trouble;

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An unquoted word; neighbouring words form one phrase.
    Word,
    /// A text in double quotes, quotes taken off: a column, or a value.
    Quoted,
    /// A text in single quotes, quotes taken off: a value, and a column only where nothing else can stand.
    Text,
    /// `=`, `!=`, `<`, `<=`, `>`, `>=`.
    Operator(Operator),
    /// `->`.
    Arrow,
    /// `(`.
    Open,
    /// `)`.
    Close,
    /// `,`.
    Comma,
    /// `:`.
    Colon,
    /// After the last one.
    End,
}

/// How a column is compared with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operator {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

impl Operator {
    /// The same with left and right changed over.
    pub(super) fn turned(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::AtMost => Self::AtLeast,
            Self::Greater => Self::Less,
            Self::AtLeast => Self::AtMost,
            same => same,
        }
    }

    /// As it is written in a rule.
    pub fn sign(self) -> &'static str {
        match self {
            Operator::Equal => "=",
            Operator::NotEqual => "!=",
            Operator::Less => "<",
            Operator::AtMost => "<=",
            Operator::Greater => ">",
            Operator::AtLeast => ">=",
        }
    }
}

/// One token: kind, text and the place of its first and one past its last character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub kind: Kind,
    pub text: String,
    pub at: usize,
    pub end: usize,
}

/// Quotes as typed, and as word processors turn them: what closes a text, and what it is.
fn closing_quote(open: char) -> Option<(&'static [char], Kind)> {
    match open {
        '"' => Some((&['"'], Kind::Quoted)),
        '`' => Some((&['`'], Kind::Quoted)),
        '\'' => Some((&['\''], Kind::Text)),
        '“' | '”' | '„' => Some((&['”', '“'], Kind::Quoted)),
        '‘' | '’' | '‚' => Some((&['’', '‘'], Kind::Text)),
        '«' => Some((&['»'], Kind::Quoted)),
        _ => None,
    }
}

/// How two values are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    /// `+`
    Plus,
    /// `-`
    Minus,
    /// `*`
    Times,
    /// `/`
    Over,
    /// `||`: one text after the other.
    Then,
}

impl Sign {
    /// The sign that a word is.
    pub fn of(word: &str) -> Option<Self> {
        Some(match word {
            "+" => Self::Plus,
            "-" | "−" | "–" => Self::Minus,
            "*" | "×" => Self::Times,
            "/" | "÷" => Self::Over,
            "||" => Self::Then,
            _ => return None,
        })
    }

    /// As it is written.
    pub fn written(self) -> &'static str {
        match self {
            Self::Plus => "+",
            Self::Minus => "-",
            Self::Times => "*",
            Self::Over => "/",
            Self::Then => "||",
        }
    }
}

/// The sign that starts here, with its length in characters.
fn sign(letters: &[char]) -> Option<(Kind, usize)> {
    let second = letters.get(1).copied();
    Some(match (letters.first().copied()?, second) {
        ('-', Some('>')) => (Kind::Arrow, 2),
        ('→', _) => (Kind::Arrow, 1),
        ('=', Some('=')) => (Kind::Operator(Operator::Equal), 2),
        ('=', _) => (Kind::Operator(Operator::Equal), 1),
        ('!', Some('=')) | ('<', Some('>')) => (Kind::Operator(Operator::NotEqual), 2),
        ('≠', _) => (Kind::Operator(Operator::NotEqual), 1),
        ('<', Some('=')) => (Kind::Operator(Operator::AtMost), 2),
        ('≤', _) => (Kind::Operator(Operator::AtMost), 1),
        ('<', _) => (Kind::Operator(Operator::Less), 1),
        ('>', Some('=')) => (Kind::Operator(Operator::AtLeast), 2),
        ('≥', _) => (Kind::Operator(Operator::AtLeast), 1),
        ('>', _) => (Kind::Operator(Operator::Greater), 1),
        ('(', _) => (Kind::Open, 1),
        (')', _) => (Kind::Close, 1),
        (',', _) => (Kind::Comma, 1),
        (':', _) => (Kind::Colon, 1),
        _ => return None,
    })
}

/// All tokens of a text, with one `End` after the last. Places count characters, not bytes.
pub(super) fn tokens(letters: &[char]) -> Result<Vec<Token>, Trouble> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < letters.len() {
        let letter = letters[at];
        if letter.is_whitespace() {
            at += 1;
            continue;
        }
        let (kind, text, end) = if let Some((closing, kind)) = closing_quote(letter) {
            let (text, end) = quoted(letters, at, closing)?;
            (kind, text, end)
        } else if let Some((kind, length)) = sign(&letters[at..]) {
            (kind, letters[at..at + length].iter().collect(), at + length)
        } else {
            let end = end_of_word(letters, at, found.last());
            (Kind::Word, letters[at..end].iter().collect(), end)
        };
        found.push(Token { kind, text, at, end });
        at = end;
    }
    found.push(Token {
        kind: Kind::End,
        text: String::new(),
        at: letters.len(),
        end: letters.len(),
    });
    Ok(found)
}

/// Where a bare word ends. A sign of arithmetic is part of a word (`A/C`, `2017-06-01`) but where it touches a quote or bracket: `"Days"*2`.
fn end_of_word(letters: &[char], at: usize, before: Option<&Token>) -> usize {
    let is_sign = |from: usize, to: usize| Sign::of(&letters[from..to].iter().collect::<String>()).is_some();
    let after_whole = before.is_some_and(|token| token.end == at && matches!(token.kind, Kind::Quoted | Kind::Text | Kind::Close));
    for length in [2, 1] {
        if after_whole && at + length <= letters.len() && is_sign(at, at + length) {
            return at + length;
        }
    }
    let mut end = at + 1;
    while end < letters.len() && !letters[end].is_whitespace() && letters[end] != '"' && sign(&letters[end..]).is_none() {
        end += 1;
    }
    if letters.get(end).is_some_and(|next| ['"', '('].contains(next)) {
        for length in [2, 1] {
            if end > at + length && is_sign(end - length, end) {
                return end - length;
            }
        }
    }
    end
}

/// A quoted text from its opening quote at `at`; a doubled closing quote stands for one.
fn quoted(letters: &[char], at: usize, closing: &[char]) -> Result<(String, usize), Trouble> {
    let mut text = String::new();
    let mut end = at + 1;
    while end < letters.len() {
        if closing.contains(&letters[end]) {
            if letters.get(end + 1) != Some(&letters[end]) {
                return Ok((text, end + 1));
            }
            end += 1;
        }
        text.push(letters[end]);
        end += 1;
    }
    Err(Trouble::new(at, "this quote is never closed").hint(format!("close it with `{}`", closing[0])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<(Kind, String)> {
        let letters: Vec<char> = text.chars().collect();
        tokens(&letters)
            .unwrap()
            .into_iter()
            .map(|token| (token.kind, token.text))
            .collect()
    }

    #[test]
    fn signs_words_and_quotes_are_told_apart() {
        let found = kinds("A!=\"b c\" and x<=-5,it's->7 → “q”");
        let texts: Vec<&str> = found.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(
            texts,
            ["A", "!=", "b c", "and", "x", "<=", "-5", ",", "it's", "->", "7", "→", "q", ""]
        );
        assert_eq!(found[2].0, Kind::Quoted);
        assert_eq!(found[9].0, Kind::Arrow);
        assert_eq!(found[11].0, Kind::Arrow);
    }

    #[test]
    fn a_sign_that_touches_a_quote_or_bracket_is_arithmetic() {
        let texts = |text: &str| kinds(text).into_iter().map(|(_, text)| text).collect::<Vec<_>>();
        assert_eq!(texts("\"Days\"*2"), ["Days", "*", "2", ""]);
        assert_eq!(texts("24*\"Days\"||'x'"), ["24", "*", "Days", "||", "x", ""]);
        assert_eq!(texts("2/(a - b)-5"), ["2", "/", "(", "a", "-", "b", ")", "-", "5", ""]);
        assert_eq!(texts("A/C 2017-06-01 -5"), ["A/C", "2017-06-01", "-5", ""]);
    }

    #[test]
    fn a_doubled_quote_stands_for_one() {
        assert_eq!(kinds("\"19\"\" rack\"")[0].1, "19\" rack");
    }

    #[test]
    fn an_open_quote_points_at_its_start() {
        let letters: Vec<char> = "Market = \"LATAM".chars().collect();
        assert_eq!(tokens(&letters).unwrap_err().at, 9);
    }
}
