//! What a person does with wrong rows: import, look for more, decide, undo, export.

use std::collections::HashSet;
use std::path::Path;

use super::{DECISION, Place, flags_of, who};
use crate::app::App;
use crate::app::folder::{Item, Kind};
use crate::app::pages::sheet::reading_of;
use crate::app::requests::{Answer, Asked, Fault};
use crate::app::store::{Decision, Listed, Verdict, View};
use crate::app::work::{Sheet, Work, listed as listed_rows};
use crate::commands::{FlaggedSheet, SheetSource, WrongRows, flagged_rows};
use crate::error::Error;
use crate::label_errors::flags::FlagOptions;
use crate::label_errors::proposals::LIKELIEST_LABEL;
use crate::label_errors::sheet::SHEET_ROW;
use crate::notes::Notes;
use crate::report::format;
use crate::tables::ReadOptions;

/// Takes the rows that a file of the folder names: all are decided to be wrong, and every decision can be undone.
pub(in crate::app) fn import(app: &App, asked: &Asked) -> Result<Answer, Fault> {
    let place = Place::of(app, asked)?;
    let store = app.store()?;
    let file = asked
        .field("file")
        .map(|id| app.folder.item(id, Kind::Sheet))
        .transpose()?
        .flatten();
    let file = file.ok_or_else(|| Fault::missing("file"))?;
    let reading = reading_of(app, &place.sheet.name)?;
    let wrong = match asked.field("how") {
        Some("corrected") => WrongRows::Corrected(SheetSource::File(&file.path)),
        _ => WrongRows::Flags(&file.path),
    };
    let (rows, _) = flagged_rows(&FlaggedSheet {
        model: &place.item.path,
        wrong,
        flag_options: FlagOptions::default(),
        sheet: SheetSource::File(&place.sheet.path),
        reading: reading.options(),
    })?;
    let number = |row: usize| i64::try_from(row).unwrap_or(i64::MAX);
    let mut listed: Vec<Listed> = rows
        .iter()
        .map(|row| Listed {
            sheet_row: number(row.sheet_row),
            kind: "flagged".to_owned(),
            given: row.given.clone(),
            likeliest: row.correct.clone(),
            chance: None,
            score: None,
            why: None,
        })
        .collect();
    let mut decisions: Vec<Decision> = rows
        .into_iter()
        .map(|row| Decision {
            sheet_row: number(row.sheet_row),
            verdict: Verdict::Wrong,
            label: row.correct,
        })
        .collect();
    let what = format!("{} of {} taken as wrong", format::counted(decisions.len(), "row"), file.name);
    let before = match wrong {
        WrongRows::Flags(_) => decided_before(app, &place, &file)?,
        _ => Vec::new(),
    };
    if before.is_empty() {
        store.decide(&place.list, &what, &who(), &decisions, &listed)?;
        return Ok(Answer::See(format!("{}/wrong?kind=flagged", place.base())));
    }
    // What an exported list says of its other rows holds again, under the kinds that it names.
    let right = before.iter().filter(|(_, verdict)| *verdict == Verdict::Right);
    decisions.extend(right.clone().map(|(row, _)| Decision {
        sheet_row: row.sheet_row,
        verdict: Verdict::Right,
        label: None,
    }));
    let what = format!("{what}, {} as right", format::count(right.count()));
    let named: HashSet<i64> = before.iter().map(|(row, _)| row.sheet_row).collect();
    listed.retain(|row| !named.contains(&row.sheet_row));
    listed.extend(before.into_iter().map(|(row, _)| row));
    store.decide(&place.list, &what, &who(), &decisions, &listed)?;
    Ok(Answer::See(format!("{}/wrong", place.base())))
}

/// The rows of a list that was exported here or elsewhere, with what was decided about each; none of any other file.
fn decided_before(app: &App, place: &Place, file: &Item) -> Result<Vec<(Listed, Verdict)>, Fault> {
    let table = SheetSource::File(&file.path).read(&ReadOptions::default(), &mut Notes::new())?;
    if ![DECISION, SHEET_ROW, "kind", LIKELIEST_LABEL, "chance_wrong", "why"]
        .iter()
        .all(|name| table.has(name))
    {
        return Ok(Vec::new());
    }
    let opened = place.opened(app)?;
    let texts = table.texts(DECISION)?;
    let verdicts = (0..table.height()).map(|row| texts.get(row).and_then(Verdict::of_name).unwrap_or(Verdict::Open));
    let rows = listed_rows(&table)?;
    if rows.len() != table.height() {
        return Err(Error::input(format!("not every line of `{}` has its `{SHEET_ROW}`", file.name)).into());
    }
    let there = |row: &Listed| usize::try_from(row.sheet_row).is_ok_and(|row| opened.table.row_with_number(row).is_some());
    if let Some(row) = rows.iter().find(|row| !there(row)) {
        return Err(Error::input(format!(
            "`{}` has no row {}, which `{}` names",
            place.sheet.name, row.sheet_row, file.name
        ))
        .into());
    }
    Ok(rows.into_iter().zip(verdicts).collect())
}

/// A search for suspects.
pub(super) fn suspects_of(app: &App, place: &Place) -> Result<Work, Fault> {
    Ok(Work::Suspects {
        out: app.folder.free_name(&format!("{}-suspects.xlsx", place.item.name)),
        sheet: Sheet {
            reading: reading_of(app, &place.sheet.name)?,
            name: place.sheet.name.clone(),
        },
        model: place.item.name.clone(),
        list: place.list.clone(),
    })
}

/// A search for the rest of the rows that are decided to be wrong, in a file of their own.
pub(super) fn rest_of(app: &App, place: &Place) -> Result<Work, Fault> {
    Ok(Work::Expand {
        out: app.folder.free_name(&format!("{}-proposals.xlsx", place.item.name)),
        sheet: Sheet {
            reading: reading_of(app, &place.sheet.name)?,
            name: place.sheet.name.clone(),
        },
        model: place.item.name.clone(),
        flags: app.folder.free_name(&format!("{}-wrong-rows.csv", place.item.name)),
        list: place.list.clone(),
    })
}

/// Orders a search for suspects.
pub(in crate::app) fn suspects(app: &App, asked: &Asked) -> Result<Answer, Fault> {
    let place = Place::of(app, asked)?;
    let id = app.queue.order(app.store()?, &suspects_of(app, &place)?)?;
    Ok(Answer::See(format!("/work/{id}")))
}

/// Writes the wrong rows to a file and orders a search for the rest.
pub(in crate::app) fn expand(app: &App, asked: &Asked) -> Result<Answer, Fault> {
    let place = Place::of(app, asked)?;
    let work = rest_of(app, &place)?;
    if let Work::Expand { flags, .. } = &work {
        flags_of(app, &place.item, &place.sheet, Path::new(flags), false)?;
    }
    let id = app.queue.order(app.store()?, &work)?;
    Ok(Answer::See(format!("/work/{id}")))
}

/// What the person says of one row, of ticked ones, or of all that are looked at.
pub(in crate::app) fn decide(app: &App, asked: &Asked) -> Result<Answer, Fault> {
    let place = Place::of(app, asked)?;
    let store = app.store()?;
    let unknown = || Error::input("the form says nothing that can be decided");
    let (rows, verdict) = match asked.field("one").and_then(|one| one.split_once(':')) {
        Some((verdict, row)) => (vec![row.parse::<i64>().map_err(|_| unknown())?], verdict),
        None => {
            let ticked = asked.fields("row").map(str::parse::<i64>).collect::<Result<Vec<_>, _>>();
            (
                ticked.map_err(|_| unknown())?,
                asked.field("ticked").or(asked.field("every")).unwrap_or_default(),
            )
        }
    };
    let verdict = Verdict::of_name(verdict).ok_or_else(unknown)?;
    let view = View {
        kind: asked.field("kind").map(str::to_owned),
        why: asked.field("why").map(str::to_owned),
        verdict: asked.field("stands").and_then(Verdict::of_name),
    };
    let rows = match asked.field("every") {
        Some(_) => store
            .rows(&place.list, &view, 0, i64::MAX)?
            .into_iter()
            .map(|row| row.listed.sheet_row)
            .collect(),
        None => rows,
    };
    let opened = place.opened(app)?;
    let known = |row: &i64| {
        usize::try_from(*row)
            .ok()
            .and_then(|row| opened.table.row_with_number(row))
            .is_some()
    };
    if rows.is_empty() || !rows.iter().all(known) {
        return Err(Error::input("no row of the sheet is chosen").hint("tick rows first").into());
    }
    let label = |row: i64| {
        asked
            .field(&format!("label-{row}"))
            .filter(|label| place.classes.iter().any(|class| class == label))
            .map(str::to_owned)
    };
    let decisions: Vec<Decision> = rows
        .iter()
        .map(|row| Decision {
            sheet_row: *row,
            verdict,
            label: label(*row).filter(|_| verdict == Verdict::Wrong),
        })
        .collect();
    let ticked: Vec<Listed> = rows
        .iter()
        .map(|row| Listed {
            sheet_row: *row,
            kind: "ticked".to_owned(),
            given: None,
            likeliest: None,
            chance: None,
            score: None,
            why: None,
        })
        .collect();
    let what = match rows.as_slice() {
        [row] => format!("row {row}: {}", verdict.name()),
        rows => format!("{}: {}", format::counted(rows.len(), "row"), verdict.name()),
    };
    store.decide(&place.list, &what, &who(), &decisions, &ticked)?;
    Ok(Answer::See(back(&place, asked)))
}

/// Takes back what was decided last.
pub(in crate::app) fn undo(app: &App, asked: &Asked) -> Result<Answer, Fault> {
    let place = Place::of(app, asked)?;
    app.store()?.undo(&place.list, &who())?;
    Ok(Answer::See(back(&place, asked)))
}

/// The page that the form was on.
fn back(place: &Place, asked: &Asked) -> String {
    let base = place.base();
    let own = |to: &&str| {
        let rest = to.strip_prefix(&base);
        rest.is_some_and(|rest| ["/wrong", "/rows", "/history"].iter().any(|page| rest.starts_with(page)))
            && to.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
    };
    asked
        .field("back")
        .filter(own)
        .map_or_else(|| format!("{base}/wrong"), str::to_owned)
}

/// The list as a file.
pub(in crate::app) fn export(app: &App, asked: &Asked) -> Result<Answer, Fault> {
    let place = Place::of(app, asked)?;
    let ending = match asked.field("as") {
        Some("xlsx") => "xlsx",
        _ => "csv",
    };
    let name = app.folder.free_name(&format!("{}-wrong-rows.{ending}", place.item.name));
    flags_of(app, &place.item, &place.sheet, Path::new(&name), true)?;
    Ok(Answer::File(Path::new(&name).to_path_buf(), name))
}
