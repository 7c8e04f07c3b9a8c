//! A list of images that are known to be wrong: a name a row, as the set has them.

use std::collections::{BTreeSet, HashMap};

use crate::error::{Error, Result, closest};
use crate::features::ticks;
use crate::label_errors::proposals::TICK;
use crate::notes::Notes;
use crate::tables::{Table, Texts};

/// Columns that name images, the first of them that is there.
const NAMES: [&str; 8] = ["image", "images", "file", "filename", "path", "name", "number", "index"];
/// Names that an error lists.
const LISTED: usize = 3;

/// How names are found among those of a set.
struct Known<'a> {
    exact: HashMap<&'a str, u32>,
    /// By the whole name, in the spelling of [`plain`].
    whole: HashMap<String, u32>,
    /// By the file's name alone.
    files: HashMap<String, Vec<u32>>,
}

/// A name without what differs between programs and systems: slashes, a dot in front, capital letters.
fn plain(name: &str) -> String {
    let parts = name.trim().split(['/', '\\']).filter(|part| !part.is_empty() && *part != ".");
    parts.map(str::to_lowercase).collect::<Vec<_>>().join("/")
}

impl<'a> Known<'a> {
    fn new(names: &'a [String]) -> Self {
        let mut known = Self {
            exact: (0..).zip(names).map(|(row, name)| (name.as_str(), row)).collect(),
            whole: HashMap::new(),
            files: HashMap::new(),
        };
        for (row, name) in (0..).zip(names) {
            let name = plain(name);
            let file = name.rsplit('/').next().unwrap_or_default().to_owned();
            known.files.entry(file).or_default().push(row);
            known.whole.insert(name, row);
        }
        known
    }

    /// The images that a name may mean: by its path below the folder, whatever folders stand before, or by the file's name alone.
    fn find(&self, name: &str) -> Vec<u32> {
        if let Some(row) = self.exact.get(name) {
            return vec![*row];
        }
        let name = plain(name);
        let parts: Vec<&str> = name.split('/').collect();
        // A path that names another class means no image of this one.
        let below = (0..parts.len()).filter(|first| *first == 0 || first + 1 < parts.len());
        let found = below.into_iter().find_map(|first| self.whole.get(&parts[first..].join("/")));
        match (found, &parts[..]) {
            (Some(row), _) => vec![*row],
            (None, [file]) => self.files.get(*file).cloned().unwrap_or_default(),
            (None, _) => Vec::new(),
        }
    }
}

/// The numbers of the images that a list names, ascending. Where it has a column `is_label_issue`, as the lists that Recant writes, only rows
/// with TRUE count.
///
/// # Errors
/// Where no column names images, a name is of no image or of several, or none is named.
pub fn known_images(table: &Table, names: &[String], notes: &mut Notes) -> Result<Vec<u32>> {
    let known = Known::new(names);
    let (column, headed) = column(table, &known)?;
    let ticked = ticked(table)?;
    let texts = table.texts(column)?;
    let (mut rows, mut unknown, mut blank, mut twice) = (BTreeSet::new(), Vec::new(), 0, 0);
    let header = (!headed).then_some((None, column));
    let lines = (0..table.height()).filter(|row| ticked.as_ref().is_none_or(|ticked| ticked[*row]));
    for (place, name) in header
        .into_iter()
        .chain(lines.map(|row| (Some(row), texts.get(row).unwrap_or_default())))
    {
        let at = |error: Error| match place {
            Some(row) => table.at(error, row, column),
            None => table.in_place(error).at_row(table.source().header_row),
        };
        match known.find(name)[..] {
            _ if name.is_empty() => blank += 1,
            [row] => twice += usize::from(!rows.insert(row)),
            [] => unknown.push((place, name)),
            ref several => {
                let listed: Vec<String> = several
                    .iter()
                    .take(LISTED)
                    .map(|row| format!("`{}`", names[*row as usize]))
                    .collect();
                let (count, first) = (several.len(), &names[several[0] as usize]);
                return Err(
                    at(Error::input(format!("{count} images are called `{name}`: {}", listed.join(", "))))
                        .hint(format!("write the folder as well, such as `{first}`")),
                );
            }
        }
    }
    if let Some((place, name)) = unknown.first() {
        let listed: Vec<String> = unknown.iter().take(LISTED).map(|(_, name)| format!("`{name}`")).collect();
        let more = if unknown.len() > LISTED { ", ..." } else { "" };
        let what = match unknown.len() {
            1 => format!("no image is called {}", listed[0]),
            count => format!("{count} names are of no image: {}{more}", listed.join(", ")),
        };
        let hint = match closest(name, names.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("names are as in the set, such as `{}`", names.first().map_or("", String::as_str)),
        };
        let error = match place {
            Some(row) => table.at(Error::input(what), *row, column),
            None => table.in_place(Error::input(what)).at_row(table.source().header_row),
        };
        return Err(error.hint(hint));
    }
    if blank > 0 {
        notes.add(
            "blank-names",
            format!("{blank} rows of the list name no image"),
            "they were left out",
        );
    }
    if twice > 0 {
        notes.add(
            "named-twice",
            format!("{twice} rows of the list name an image again"),
            "each image counts once",
        );
    }
    if rows.is_empty() {
        let hint = format!(
            "write a name a row below the column name `{}`, such as `{}`",
            NAMES[0],
            names.first().map_or("", String::as_str)
        );
        return Err(table
            .in_place(Error::input("the list names no image that is known to be wrong"))
            .hint(hint));
    }
    Ok(rows.into_iter().collect())
}

/// The column that names images, and whether its header is a header: a list of names alone has none.
fn column<'t>(table: &'t Table, known: &Known) -> Result<(&'t str, bool)> {
    let folded = |name: &str| name.trim().to_lowercase().replace([' ', '-', '_'], "");
    let columns = || table.names().iter().map(String::as_str);
    let named = NAMES.iter().find_map(|name| columns().find(|column| folded(column) == *name));
    match (named, table.names()) {
        (Some(column), _) => Ok((column, true)),
        (None, [only]) => Ok((only, known.find(only).is_empty())),
        (None, _) => Err(table
            .in_place(Error::input("no column of the list names images"))
            .hint(format!("call the column with their names `{}`", NAMES[0]))),
    }
}

/// Which rows are ticked, where rows are.
fn ticked(table: &Table) -> Result<Option<Vec<bool>>> {
    if !table.has(TICK) {
        return Ok(None);
    }
    let texts = table.texts(TICK)?;
    let meanings = ticks::meanings(&texts.values);
    let each = (0..table.height()).map(|row| match texts.codes[row] {
        Texts::MISSING => Ok(false),
        code => meanings[code as usize].ok_or_else(|| {
            let error = Error::input(format!("`{}` does not say whether the image is wrong", texts.values[code as usize]));
            table
                .at(error, row, TICK)
                .hint("use TRUE for wrong images and FALSE for the others")
        }),
    });
    each.collect::<Result<Vec<bool>>>().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        ["cat/1.png", "cat/2.png", "dog/2.png", "dog/Old Ones/3.jpg"]
            .map(str::to_owned)
            .to_vec()
    }

    fn list(columns: &[(&str, &[&str])]) -> Table {
        let mut table = Table::new("wrong.csv", columns[0].1.len());
        for (name, cells) in columns {
            let cells = cells.iter().map(|cell| (!cell.is_empty()).then(|| (*cell).to_owned())).collect();
            table = table.with_column(name, cells).unwrap();
        }
        table
    }

    fn found(columns: &[(&str, &[&str])]) -> Result<Vec<u32>> {
        known_images(&list(columns), &names(), &mut Notes::new())
    }

    #[test]
    fn names_are_found_by_path_by_file_and_however_systems_write_them() {
        let rows = found(&[("image", &["CAT\\1.PNG", "./dog/2.png", "/home/me/set/dog/old ones/3.jpg"])]).unwrap();
        assert_eq!(rows, [0, 2, 3]);
        assert_eq!(found(&[("Note", &["a"]), ("File Name", &["1.png"])]).unwrap(), [0]);
        // Without a header, the first name is one.
        assert_eq!(found(&[("cat/2.png", &["cat/1.png"])]).unwrap(), [0, 1]);
        assert_eq!(
            known_images(
                &list(&[("image", &["2", "0"])]),
                &["0", "1", "2"].map(str::to_owned),
                &mut Notes::new()
            )
            .unwrap(),
            [0, 2]
        );
    }

    #[test]
    fn of_recants_own_lists_only_ticked_images_count_and_what_was_left_out_is_told() {
        let mut notes = Notes::new();
        let table = list(&[
            ("image", &["cat/1.png", "cat/2.png", "cat/1.png", "", "dog/2.png"]),
            (TICK, &["TRUE", "FALSE", "x", "TRUE", ""]),
        ]);
        assert_eq!(known_images(&table, &names(), &mut notes).unwrap(), [0]);
        assert!(notes.has("blank-names") && notes.has("named-twice"));
    }

    #[test]
    fn what_names_no_image_or_several_is_refused_with_its_place_and_the_nearest_name() {
        let refused = |columns: &[(&str, &[&str])], says: &str, hints: &str, row: Option<usize>| {
            let error = found(columns).unwrap_err();
            assert!(error.to_string().contains(says), "{error}");
            assert!(error.hint_text().unwrap().contains(hints), "{:?}", error.hint_text());
            assert_eq!((error.row(), error.exit_code()), (row, 2));
        };
        refused(
            &[("image", &["cat/1.png", "cat/12.png"])],
            "no image is called `cat/12.png`",
            "did you mean",
            Some(3),
        );
        refused(
            &[("image", &["a", "b", "c", "d"])],
            "4 names are of no image: `a`, `b`, `c`, ...",
            "such as `cat/1.png`",
            Some(2),
        );
        refused(
            &[("image", &["dog/1.png"])],
            "no image is called `dog/1.png`",
            "did you mean",
            Some(2),
        );
        refused(
            &[("image", &["2.png"])],
            "2 images are called `2.png`: `cat/2.png`, `dog/2.png`",
            "`cat/2.png`",
            Some(2),
        );
        refused(
            &[("a", &["x"]), ("b", &["y"])],
            "no column of the list names images",
            "`image`",
            None,
        );
        refused(&[("image", &[""])], "names no image that is known to be wrong", "cat/1.png", None);
        refused(
            &[("image", &["cat/1.png"]), (TICK, &["perhaps"])],
            "`perhaps` does not say",
            "TRUE",
            Some(2),
        );
    }
}
