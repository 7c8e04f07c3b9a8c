//! Reports: structure, nothing hostile gets through, files whole and equal, every plot sound.

use std::fs;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use calamine::{Data, Reader, Xlsx};
use recant::evaluate::record::{RepairRecord, Timings};
use recant::evaluate::train_record::TrainRecord;
use recant::report::plots::Plot;
use recant::report::terminal::Look;
use recant::report::{self, terminal, training};

use super::report_plots::parses;
pub(super) use crate::report_fixture as made_up;

/// Every made-up record, with the name of its preview.
pub(super) fn records() -> Vec<(&'static str, RepairRecord, Timings)> {
    vec![
        ("rich", made_up::rich(), made_up::timings()),
        ("no-change", made_up::no_change(), Timings::default()),
        ("bare", made_up::bare(), Timings::default()),
        ("hostile", made_up::hostile(), made_up::timings()),
        ("large", made_up::large(), made_up::timings()),
    ]
}

/// Every made-up training.
pub(super) fn trainings() -> Vec<(&'static str, TrainRecord)> {
    vec![
        ("training", made_up::training()),
        ("training-bare", made_up::bare_training()),
        ("training-hostile", made_up::hostile_training()),
    ]
}

/// Every page, with its plots.
pub(super) fn pages() -> Vec<(&'static str, String, Vec<Plot>)> {
    let repairs = records()
        .into_iter()
        .map(|(name, record, timings)| (name, report::html(&record, &timings).unwrap()));
    let trainings = trainings()
        .into_iter()
        .map(|(name, record)| (name, training::html(&record, &Timings::default()).unwrap()));
    repairs.chain(trainings).map(|(name, (page, plots))| (name, page, plots)).collect()
}

/// Previews lie here after a test run, to be looked at.
pub(super) fn preview(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("report-preview").join(name)
}

#[test]
fn a_report_is_one_page_one_workbook_and_its_plots() {
    for (name, record, timings) in records() {
        let paths = report::write_all(&preview(name), &record, &timings).unwrap();
        assert_eq!(
            fs::read_to_string(&paths.html).unwrap(),
            report::html(&record, &timings).unwrap().0,
            "{name}"
        );
        assert!(fs::metadata(paths.workbook.unwrap()).unwrap().len() > 5_000, "{name}");
        assert_eq!(paths.plots.is_empty(), name == "bare");
        for plot in &paths.plots {
            assert!(
                fs::read_to_string(plot).unwrap().ends_with("</svg>\n"),
                "{name}: {}",
                plot.display()
            );
        }
    }
}

#[test]
fn a_training_report_is_a_page_and_its_plots() {
    for (name, record) in trainings() {
        let paths = report::write_training(&preview(name), &record, &Timings::default()).unwrap();
        assert_eq!(
            fs::read_to_string(&paths.html).unwrap(),
            training::html(&record, &Timings::default()).unwrap().0,
            "{name}"
        );
        assert_eq!(paths.workbook, None);
    }
}

// Structure

/// A tag of a page: its name, and its attributes with their values.
#[derive(Debug)]
struct Tag {
    name: String,
    attributes: Vec<(String, String)>,
}

/// All opening tags of a page, by the rules a browser reads them by: quotes count only inside tags.
fn tags(page: &str) -> Vec<Tag> {
    let mut found = Vec::new();
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        if rest.starts_with('/') || rest.starts_with("!DOCTYPE") {
            continue;
        }
        assert!(
            rest.starts_with(|letter: char| letter.is_ascii_alphabetic()),
            "a bare `<` before {:.40}",
            rest
        );
        let name: String = rest.chars().take_while(|letter| letter.is_ascii_alphanumeric()).collect();
        rest = &rest[name.len()..];
        let mut attributes = Vec::new();
        loop {
            rest = rest.trim_start();
            if let Some(after) = rest.strip_prefix('>').or_else(|| rest.strip_prefix("/>")) {
                rest = after;
                break;
            }
            let (key, after) = rest.split_once("=\"").expect("every attribute has a quoted value");
            let (value, after) = after.split_once('"').expect("quotes come in pairs");
            attributes.push((key.to_owned(), value.to_owned()));
            rest = after;
        }
        if name == "style" {
            rest = rest.split_once("</style>").unwrap().1;
        }
        found.push(Tag { name, attributes });
    }
    found
}

/// Headings, captions, column titles and plots of a page, without the figures in them.
fn structure(page: &str) -> String {
    let body = page.split_once("<body>").unwrap().1;
    let mut lines = Vec::new();
    for (tag, indent) in [
        ("h1", ""),
        ("h2", ""),
        ("h3", "  "),
        ("caption", "  table: "),
        ("th scope=\"col\"", "    | "),
        ("title", "  plot: "),
    ] {
        let mut from = 0;
        while let Some(start) = body[from..].find(&format!("<{tag}")) {
            let start = from + start;
            let content = &body[start + body[start..].find('>').unwrap() + 1..];
            let close = format!("</{}>", tag.split(' ').next().unwrap());
            let text = &content[..content.find(&close).unwrap()];
            let mut plain = String::new();
            let mut inside = false;
            for letter in text.chars() {
                match letter {
                    '<' => inside = true,
                    '>' => inside = false,
                    letter if !inside => plain.push(if letter.is_ascii_digit() { '#' } else { letter }),
                    _ => {}
                }
            }
            lines.push((start, format!("{indent}{plain}")));
            from = start + 1;
        }
    }
    lines.sort();
    lines.into_iter().map(|(_, line)| line).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_structure_of_a_repair_report_stays() {
    let of = |record: &RepairRecord| structure(&report::html(record, &made_up::timings()).unwrap().0);
    insta::assert_snapshot!("repair", of(&made_up::rich()));
    insta::assert_snapshot!("repair_no_change", of(&made_up::no_change()));
    insta::assert_snapshot!("repair_bare", of(&made_up::bare()));
}

#[test]
fn the_structure_of_a_training_report_stays() {
    let of = |record: &TrainRecord| structure(&training::html(record, &Timings::default()).unwrap().0);
    insta::assert_snapshot!("training", of(&made_up::training()));
    insta::assert_snapshot!("training_bare", of(&made_up::bare_training()));
    insta::assert_snapshot!("model_card", training::model_card(&made_up::training()));
}

#[test]
fn every_table_and_plot_of_a_page_can_be_read_aloud() {
    for (name, page, _) in pages() {
        let tags = tags(&page);
        let count = |wanted: &str| tags.iter().filter(|tag| tag.name == wanted).count();
        assert_eq!(count("table"), count("caption"), "{name}");
        assert_eq!(count("h1"), 1, "{name}");
        let mut ids = Vec::new();
        for tag in &tags {
            let value = |key: &str| tag.attributes.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str());
            ids.extend(value("id"));
            match tag.name.as_str() {
                "th" => assert!(value("scope").is_some(), "{name}: a heading without scope"),
                "svg" => assert!(value("role") == Some("img") && value("aria-labelledby").is_some(), "{name}"),
                _ => {}
            }
        }
        let unique: std::collections::BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(unique.len(), ids.len(), "{name}: an id occurs twice");
        for tag in &tags {
            for (key, value) in &tag.attributes {
                let targets: Vec<&str> = match key.as_str() {
                    "aria-labelledby" => value.split(' ').collect(),
                    "href" => vec![value.trim_start_matches('#')],
                    _ => continue,
                };
                for target in targets {
                    assert!(unique.contains(target), "{name}: nothing has the id {target}");
                }
            }
        }
    }
}

// Hostile text

#[test]
fn hostile_text_never_becomes_markup() {
    const TAGS: &[&str] = &[
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "a",
        "header",
        "main",
        "section",
        "nav",
        "footer",
        "p",
        "br",
        "h1",
        "h2",
        "h3",
        "div",
        "span",
        "ul",
        "li",
        "dl",
        "dt",
        "dd",
        "table",
        "caption",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "figure",
        "figcaption",
        "bdi",
        "code",
        "pre",
        "strong",
        "svg",
        "desc",
        "line",
        "polyline",
        "polygon",
        "rect",
        "circle",
        "text",
    ];
    const ATTRIBUTES: &[&str] = &[
        "lang",
        "charset",
        "http-equiv",
        "content",
        "name",
        "class",
        "id",
        "href",
        "aria-label",
        "aria-labelledby",
        "role",
        "tabindex",
        "scope",
        "style",
        "viewBox",
        "opacity",
        "stroke",
        "stroke-width",
        "fill",
        "points",
        "x",
        "y",
        "x1",
        "x2",
        "y1",
        "y2",
        "cx",
        "cy",
        "r",
        "dy",
        "width",
        "height",
        "text-anchor",
        "font-family",
        "font-size",
    ];
    for (name, page, _) in pages() {
        for tag in tags(&page) {
            assert!(TAGS.contains(&tag.name.as_str()), "{name}: <{}>", tag.name);
            for (key, value) in tag.attributes {
                assert!(ATTRIBUTES.contains(&key.as_str()), "{name}: <{} {key}>", tag.name);
                assert!(key != "href" || value.starts_with('#'), "{name}: link to {value}");
                assert!(key != "style" || value.starts_with("--share:0."), "{name}: style {value}");
            }
        }
        assert!(
            !page.chars().any(|letter| letter.is_control() && letter != '\n'),
            "{name}: a control character"
        );
        assert!(
            !page.contains(['\u{202E}', '\u{202D}', '\u{2066}']),
            "{name}: a character that turns the line around"
        );
    }
    let page = &pages().into_iter().find(|page| page.0 == "hostile").unwrap().1;
    assert!(
        page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"),
        "the text itself is still shown"
    );
}

#[test]
fn a_page_loads_nothing_and_forbids_loading() {
    for (name, page, _) in pages() {
        for needle in [
            "http:", "https:", "//", "url(", "@import", "src=", "<script", "<link", "<iframe", "data:",
        ] {
            // What is shown as text cannot load: only what stands inside tags and styles is looked at.
            let style = page.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
            assert!(!style.contains(needle), "{name}: the style has {needle}");
            for tag in tags(&page) {
                for (key, value) in tag.attributes {
                    let own_words = matches!(key.as_str(), "content" | "aria-label");
                    assert!(
                        own_words || !format!("{key}={value}").contains(needle),
                        "{name}: <{} {key}={value}>",
                        tag.name
                    );
                }
            }
        }
        let policy = "http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'";
        assert!(page.contains(policy), "{name}: no policy");
        let title_at = page.find("<title>").unwrap();
        assert!(
            page.find(policy).unwrap() < title_at,
            "{name}: the policy must come before anything it guards"
        );
    }
}

#[test]
fn no_cell_of_a_workbook_is_a_formula() {
    for (name, record, timings) in records() {
        let bytes = report::workbook::workbook(&record, &timings).unwrap();
        let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes.clone())).unwrap();
        for sheet in book.sheet_names() {
            let formulas = book.worksheet_formula(&sheet).unwrap();
            assert!(
                formulas.used_cells().all(|(_, _, formula)| formula.is_empty()),
                "{name}: a formula in {sheet}"
            );
        }
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        for place in 0..archive.len() {
            let mut file = archive.by_index(place).unwrap();
            let path = file.name().unwrap().into_owned();
            let mut xml = String::new();
            file.read_to_string(&mut xml).unwrap();
            parses(&xml, &format!("{name}: {path}"));
            if path.starts_with("xl/worksheets/sheet") {
                assert!(!xml.contains("<f>") && !xml.contains("<f "), "{name}: a formula in {path}");
                assert!(!xml.contains("<hyperlink"), "{name}: a link in {path}");
            }
        }
    }
}

#[test]
fn a_workbook_keeps_every_row_and_every_text_as_it_is() {
    let record = made_up::hostile();
    let bytes = report::workbook::workbook(&record, &made_up::timings()).unwrap();
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).unwrap();
    let names: Vec<&str> = report::workbook::SHEETS.iter().map(|sheet| sheet.name).collect();
    assert_eq!(book.sheet_names(), names);
    let expansion = record.expansion.as_ref().unwrap();
    assert_eq!(book.worksheet_range("Proposed rows").unwrap().height(), expansion.rows.len() + 1);
    let flagged = book.worksheet_range("Flagged rows").unwrap();
    assert_eq!(flagged.height(), record.flagged_rows.len() + 1);
    for (place, row) in record.flagged_rows.iter().enumerate() {
        let cell = |column: u32| flagged.get_value((place as u32 + 1, column)).cloned().unwrap();
        // A code point that XML has no room for is replaced; calamine drops the other control characters' escapes again.
        let plain = |text: &str| text.replace('\u{FFFF}', "\u{FFFD}");
        if !row.key.contains('\u{0}') {
            assert_eq!(cell(0), Data::String(plain(&row.key)), "row {place}");
        }
        assert_eq!(cell(1), Data::Float(row.row.unwrap() as f64));
        assert_eq!(cell(5), Data::Float(row.before_probability));
    }
    let large = made_up::large();
    let bytes = report::workbook::workbook(&large, &made_up::timings()).unwrap();
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).unwrap();
    assert_eq!(book.worksheet_range("Flagged rows").unwrap().height(), 10_001);
    // A repair that did not look beyond the flags has nothing to say of further rows.
    assert!(large.expansion.is_none() && !book.sheet_names().contains(&"Proposed rows".to_owned()));
    assert_eq!(
        book.worksheet_range("Confusion").unwrap().height(),
        1 + 40 * 40 * (1 + large.methods.len())
    );
}

#[test]
fn hostile_text_cannot_steer_a_terminal() {
    let repair = terminal::repair(&made_up::hostile(), &Timings::default(), Look { width: 80, colour: false }).unwrap();
    let training = terminal::training(&made_up::hostile_training(), Look { width: 80, colour: false });
    for text in [repair, training] {
        assert!(!text.chars().any(|letter| letter.is_control() && letter != '\n'), "{text:?}");
        assert!(!text.contains('\u{202E}'));
    }
}

#[test]
fn hostile_text_stays_text_in_a_model_card() {
    let card = training::model_card(&made_up::hostile_training());
    // The command stands in a code block, where Markdown reads no markup.
    let without_command: String = card.lines().filter(|line| !line.starts_with("    ")).collect();
    let unescaped = without_command
        .match_indices('<')
        .filter(|(at, _)| !without_command[..*at].ends_with('\\'));
    assert_eq!(unescaped.count(), 0);
    assert!(card.lines().all(|line| !line.starts_with('<')));
}

// Terminal

#[test]
fn terminal_text_fits_its_width() {
    let check = |name: &str, width: usize, text: &str| {
        for line in text.lines() {
            let wide = unicode_width::UnicodeWidthStr::width(line);
            assert!(wide <= width, "{name} at {width}: {wide} columns in {line:?}");
        }
        assert!(text.ends_with('\n') && !text.contains("\n\n\n"), "{name} at {width}");
    };
    for width in [40, 60, 80, 120] {
        let look = Look { width, colour: false };
        for (name, record, timings) in records() {
            check(name, width, &terminal::repair(&record, &timings, look).unwrap());
        }
        for (name, record) in trainings() {
            check(name, width, &terminal::training(&record, look));
        }
    }
}

#[test]
fn terminal_text_stays_as_it_is() {
    for width in [60, 120] {
        let look = Look { width, colour: false };
        let repair = |record: &RepairRecord| terminal::repair(record, &made_up::timings(), look).unwrap();
        insta::assert_snapshot!(format!("terminal_repair_{width}"), repair(&made_up::rich()));
        insta::assert_snapshot!(format!("terminal_bare_{width}"), repair(&made_up::bare()));
        insta::assert_snapshot!(format!("terminal_training_{width}"), terminal::training(&made_up::training(), look));
    }
}

#[test]
fn colour_adds_nothing_but_colour() {
    let text = |colour| terminal::repair(&made_up::rich(), &Timings::default(), Look { width: 80, colour }).unwrap();
    let (plain, bright) = (text(false), text(true));
    assert!(bright.contains('\u{1b}') && !plain.contains('\u{1b}'));
    assert_eq!(anstream::adapter::strip_str(&bright).to_string(), plain);
}

// Files

#[test]
fn equal_records_give_equal_bytes() {
    let (record, timings) = (made_up::rich(), made_up::timings());
    assert_eq!(
        report::html(&record, &timings).unwrap().0,
        report::html(&record, &timings).unwrap().0
    );
    let book = || report::workbook::workbook(&record, &timings).unwrap();
    let first = book();
    std::thread::sleep(std::time::Duration::from_millis(2_100));
    assert_eq!(first, book(), "a time of day got into the workbook");
}
