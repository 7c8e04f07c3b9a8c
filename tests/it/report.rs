//! Reports: structure, nothing hostile gets through, files whole and equal, every plot sound.

use std::fs;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use calamine::{Data, Reader, Xlsx};
use recant::evaluate::record::{RepairRecord, Timings};
use recant::evaluate::train_record::TrainRecord;
use recant::report::plots::{BoxGroup, BoxPlot, CurvePlot, IntervalPlot, IntervalRow, Marker, Plot, RatioPlot, Series, WIDTH, text_width};
use recant::report::terminal::Look;
use recant::report::{self, terminal, training};

use crate::report_fixture as made_up;

/// Every made-up record, with the name of its preview.
fn records() -> Vec<(&'static str, RepairRecord, Timings)> {
    vec![
        ("rich", made_up::rich(), made_up::timings()),
        ("no-change", made_up::no_change(), Timings::default()),
        ("bare", made_up::bare(), Timings::default()),
        ("hostile", made_up::hostile(), made_up::timings()),
        ("large", made_up::large(), made_up::timings()),
    ]
}

/// Every made-up training.
fn trainings() -> Vec<(&'static str, TrainRecord)> {
    vec![
        ("training", made_up::training()),
        ("training-bare", made_up::bare_training()),
        ("training-hostile", made_up::hostile_training()),
    ]
}

/// Every page, with its plots.
fn pages() -> Vec<(&'static str, String, Vec<Plot>)> {
    let repairs = records()
        .into_iter()
        .map(|(name, record, timings)| (name, report::html(&record, &timings).unwrap()));
    let trainings = trainings()
        .into_iter()
        .map(|(name, record)| (name, training::html(&record, &Timings::default()).unwrap()));
    repairs.chain(trainings).map(|(name, (page, plots))| (name, page, plots)).collect()
}

/// Previews lie here after a test run, to be looked at.
fn preview(name: &str) -> PathBuf {
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

// Plots

fn parses(xml: &str, what: &str) {
    let mut reader = quick_xml::Reader::from_str(xml);
    reader.config_mut().check_end_names = true;
    let mut depth = 0i32;
    loop {
        match reader.read_event().unwrap_or_else(|error| panic!("{what}: {error}")) {
            quick_xml::events::Event::Start(_) => depth += 1,
            quick_xml::events::Event::End(_) => depth -= 1,
            quick_xml::events::Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(depth, 0, "{what}: an element is left open");
}

/// Plots of kinds that no report has yet, and of data at the edge of what can be drawn.
fn extreme_plots() -> Vec<Plot> {
    let interval = |label: &str, estimate: f64, low: f64, high: f64| IntervalRow {
        label: label.to_owned(),
        estimate,
        low,
        high,
        main: true,
    };
    let intervals = |name: &'static str, rows: Vec<IntervalRow>| {
        IntervalPlot {
            name,
            title: "t",
            axis: "a",
            minimum_effect: Some(0.001),
            sides: ("worse", "better"),
            rows,
        }
        .draw()
        .unwrap()
    };
    let groups = ["0.25 %", "1 %", "10 %"].into_iter().enumerate().map(|(place, label)| BoxGroup {
        label: label.to_owned(),
        five: [-0.003, -0.001, 0.0005, 0.002, 0.006].map(|value: f64| value * (1.0 + place as f64)),
        outliers: vec![-0.01, 0.013],
    });
    let line = |label: &str, of: &dyn Fn(f64) -> f64| Series {
        label: label.to_owned(),
        points: (0..100)
            .map(|place| (10f64.powf(f64::from(place) / 20.0 - 2.0), of(f64::from(place))))
            .collect(),
    };
    let curves = CurvePlot {
        name: "curves",
        title: "t",
        across: "alpha",
        up: "accuracy on test rows",
        logarithmic: true,
        percent: true,
        series: vec![
            line("baseline", &|_| 0.871),
            line("repaired", &|place| if place < 40.0 { 0.3 + place / 100.0 } else { 0.876 }),
            line("retrained", &|place| if place == 50.0 { f64::NAN } else { 0.874 + place / 1e5 }),
        ],
        marker: Some(Marker {
            label: "what ASSD picks".to_owned(),
            x: 12.5,
        }),
    };
    let empty = CurvePlot {
        name: "empty-curves",
        series: Vec::new(),
        marker: None,
        ..curves.clone()
    };
    let ratios = |name: &'static str, alpha: f64, bins: Vec<(f64, f64, usize)>| {
        RatioPlot {
            name,
            title: "t",
            bins,
            alpha,
        }
        .draw()
        .unwrap()
    };
    vec![
        intervals("one-far-off", vec![interval(&"long ".repeat(60), 0.9, 0.8, 1.0)]),
        intervals("not-finite", vec![interval("x", f64::NAN, f64::NEG_INFINITY, f64::INFINITY)]),
        intervals("no-rows", Vec::new()),
        intervals("nothing", vec![interval("x", 0.0, 0.0, 0.0)]),
        BoxPlot {
            name: "boxes",
            title: "t",
            axis: "a",
            minimum_effect: Some(0.001),
            groups: groups.collect(),
        }
        .draw()
        .unwrap(),
        curves.draw().unwrap(),
        empty.draw().unwrap(),
        ratios("cut-far-right", 1e12, vec![(-1.0, 0.0, 3), (0.0, 1.0, usize::MAX / 2)]),
        ratios("cut-at-nothing", 0.0, vec![(-1.0, 0.0, 3)]),
        ratios("cut-not-finite", f64::NAN, vec![(f64::NAN, 0.0, 3)]),
        ratios("no-bins", 1.0, Vec::new()),
    ]
}

#[test]
fn every_plot_is_sound_and_nothing_is_drawn_outside_of_it() {
    let mut seen = 0;
    let of_pages = pages()
        .into_iter()
        .flat_map(|(name, _, plots)| plots.into_iter().map(move |plot| (name, plot)));
    for (name, plot) in of_pages.chain(extreme_plots().into_iter().map(|plot| ("extreme", plot))) {
        let file = plot.file();
        fs::create_dir_all(preview(name).join("plots")).unwrap();
        fs::write(preview(name).join("plots").join(format!("{}.svg", plot.name)), &file).unwrap();
        let what = format!("{name}/{}", plot.name);
        parses(&file, &what);
        parses(&plot.inline().into_string(), &what);
        assert!(
            !plot.description.is_empty() || plot.name.starts_with("no-") || plot.name.starts_with("empty"),
            "{what}: no words"
        );
        inside(&file, &what);
        seen += 1;
    }
    assert!(seen > 25);
}

/// Checks that every text and mark lies within the sheet. Texts by their estimated width.
fn inside(svg: &str, what: &str) {
    let outer: Vec<f64> = svg
        .split_once("viewBox=\"0 0 ")
        .unwrap()
        .1
        .split('"')
        .next()
        .unwrap()
        .split(' ')
        .map(|number| number.parse().unwrap())
        .collect();
    let (width, height) = (outer[0], outer[1]);
    assert_eq!(width, WIDTH);
    let drawn = svg.split_once("</desc>").unwrap().1;
    for element in drawn.split('<').filter(|element| !element.starts_with('/')) {
        let number = |key: &str| {
            element
                .split_once(&format!(" {key}=\""))
                .map(|(_, rest)| rest.split('"').next().unwrap().parse::<f64>().unwrap())
        };
        for (key, limit) in [
            ("x1", width),
            ("x2", width),
            ("y1", height),
            ("y2", height),
            ("cx", width),
            ("cy", height),
        ] {
            assert!(
                number(key).is_none_or(|value| (0.0..=limit).contains(&value)),
                "{what}: {key} of <{element}"
            );
        }
        if element.starts_with("text") {
            let text = element.split_once('>').unwrap().1.trim();
            let text = text
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&amp;", "&")
                .replace("&quot;", "\"")
                .replace("&apos;", "'");
            let wide = text_width(&text, number("font-size").unwrap());
            let x = number("x").unwrap();
            let (left, right) = match element.split_once("text-anchor=\"").unwrap().1.split('"').next().unwrap() {
                "start" => (x, x + wide),
                "middle" => (x - wide / 2.0, x + wide / 2.0),
                _ => (x - wide, x),
            };
            assert!(left >= -1.0 && right <= width + 1.0, "{what}: {text:?} from {left} to {right}");
            assert!((8.0..=height - 8.0).contains(&number("y").unwrap()), "{what}: {text:?}");
        }
    }
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

#[test]
fn a_report_can_be_rebuilt_from_its_stored_record() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.json");
    for (name, record, timings) in records() {
        fs::write(&path, serde_json::to_vec_pretty(&record).unwrap()).unwrap();
        let read = report::read_record(&path).unwrap();
        assert_eq!(read, record, "{name}");
        assert_eq!(
            report::html(&read, &timings).unwrap().0,
            report::html(&record, &timings).unwrap().0,
            "{name}"
        );
    }
    let path = folder.path().join("training.json");
    for (name, record) in trainings() {
        fs::write(&path, serde_json::to_vec(&record).unwrap()).unwrap();
        assert_eq!(report::read_training(&path).unwrap(), record, "{name}");
    }
    assert_eq!(
        report::read_timings(&folder.path().join("timings.json")).unwrap(),
        Timings::default()
    );
}

#[test]
fn a_damaged_record_is_told_from_a_newer_one_and_from_no_record() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.json");
    let whole = serde_json::to_string(&made_up::no_change()).unwrap();
    let said = |text: &str| {
        fs::write(&path, text).unwrap();
        let error = report::read_record(&path).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.place().unwrap().contains("record.json"), "{error}");
        assert!(error.hint_text().is_some(), "{error}");
        error.message().to_owned()
    };
    for length in (1..whole.len() - 1).step_by(whole.len() / 40) {
        assert!(said(&whole[..length]).contains("cut off"), "{length}");
    }
    let newer = whole.replacen("\"record_version\":1", "\"record_version\":99", 1);
    assert!(said(&newer).contains("layout 99"));
    assert!(said("{\"a\": 1}").contains("another kind"));
    assert!(said("PK\u{3}\u{4}").contains("not a record"));
    assert!(said(&whole.replacen("\"chosen\":\"assd\"", "\"chosen\":\"magic\"", 1)).contains("`magic`"));
    assert!(said(&whole.replacen("2310", "2311", 1)).contains("counts 11899 rows, not 11898"));
    fs::write(&path, [0xFF, 0xFE, 0x00]).unwrap();
    assert!(report::read_record(&path).unwrap_err().message().contains("UTF-8"));
    assert!(
        report::read_record(&folder.path().join("none.json"))
            .unwrap_err()
            .to_string()
            .contains("no such file")
    );
}

/// All places of a JSON value, as pointers.
fn places(value: &serde_json::Value, at: &str, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(fields) => fields.iter().for_each(|(key, field)| places(field, &format!("{at}/{key}"), found)),
        serde_json::Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(place, item)| places(item, &format!("{at}/{place}"), found)),
        _ => {}
    }
    found.push(at.to_owned());
}

#[test]
fn an_altered_record_is_refused_or_drawn_and_never_panics() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.json");
    let mut record = made_up::rich();
    record.methods.truncate(2);
    record.flagged_rows.truncate(1);
    record.changed_rows.truncate(1);
    let whole = serde_json::to_value(&record).unwrap();
    let mut all = Vec::new();
    places(&whole, "", &mut all);
    let strange = [
        "null",
        "0",
        "-1",
        "1e308",
        "-1e-308",
        "18446744073709551615",
        "\"\"",
        "[]",
        "{}",
        "true",
    ];
    let strange: Vec<serde_json::Value> = strange.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    let (mut refused, mut drawn) = (0, 0);
    // Every place and every strange value in turn, in steps that meet all combinations over the places of one kind.
    for (step, place) in all.iter().enumerate().skip(1).step_by(3) {
        let mut altered = whole.clone();
        *altered.pointer_mut(place).unwrap() = strange[(step / 3) % strange.len()].clone();
        fs::write(&path, serde_json::to_vec(&altered).unwrap()).unwrap();
        match report::read_record(&path) {
            Err(_) => refused += 1,
            Ok(record) => {
                drawn += 1;
                let (_, plots) = report::html(&record, &Timings::default()).unwrap();
                plots.iter().for_each(|plot| parses(&plot.file(), place));
                terminal::repair(&record, &Timings::default(), Look { width: 60, colour: false }).unwrap();
                report::workbook::workbook(&record, &Timings::default()).unwrap();
            }
        }
    }
    assert!(refused > 50 && drawn > 20, "{refused} refused, {drawn} drawn");
}

#[test]
fn a_report_that_cannot_be_written_says_so_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("taken");
    fs::write(&file, "a file, not a folder").unwrap();
    let error = report::write_all(&file, &made_up::no_change(), &Timings::default()).unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert_eq!(fs::read_to_string(&file).unwrap(), "a file, not a folder");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
