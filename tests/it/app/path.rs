//! The whole job by forms, as a browser without a script does it; and what a stop, a kill and a second tab leave.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use clap::Parser;
use recant::cli::arguments::{self, CommandLine};
use recant::notes::Notes;
use recant::tables::{ReadOptions, read};

use super::http::{Answer, Served, between, commands};
use crate::check::filled;
use crate::program::{contents, copy, trial};

/// A folder with the shared trial: its sheet, its model, its flags, next week's orders.
pub fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    copy(&trial().join("model"), &at.join("model"));
    for (from, to) in [
        ("trial/corrupted.csv", "corrupted.csv"),
        ("trial/flags.csv", "flags.csv"),
        ("week.csv", "week.csv"),
    ] {
        fs::copy(trial().join(from), at.join(to)).unwrap();
    }
    folder
}

/// How requests name an entry of the folder.
pub fn link(served: &Served, kind: &str, name: &str) -> String {
    let home = served.page("/");
    let ids: Vec<&str> = home.split(&format!("href=\"/{kind}/")).skip(1).map(|rest| &rest[..16]).collect();
    let of_name =
        |id: &&&str| between(&home, &format!("href=\"/{kind}/{id}\">"), "</a>").is_some_and(|text| text.contains(&format!(">{name}<")));
    format!(
        "/{kind}/{}",
        ids.iter().find(of_name).unwrap_or_else(|| panic!("{name} is on the start page"))
    )
}

#[track_caller]
fn place(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{}", answer.body);
    answer.header("location").unwrap().to_owned()
}

/// Waits until a piece of work has ended; its page.
#[track_caller]
fn ended(served: &Served, work: &str) -> String {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let page = served.page(work);
        if !page.contains("◐ runs") && !page.contains("○ waits") {
            return page;
        }
        assert!(Instant::now() < until, "{work} takes too long");
        std::thread::sleep(Duration::from_millis(30));
    }
}

#[track_caller]
pub fn done(served: &Served, answer: &Answer) -> String {
    let page = ended(served, &place(answer));
    assert!(page.contains("✓ done"), "{page}");
    between(&page, "class=\"button\" href=\"", "\"").unwrap().to_owned()
}

/// The command of a page, and its words as a shell reads them.
fn command(page: &str) -> (String, Vec<String>) {
    let shown = commands(page).unwrap();
    let line = shown.lines().find(|line| line.starts_with("recant ")).unwrap().to_owned();
    let words = Command::new("sh")
        .args(["-c", &format!("printf '%s\\n' {line}")])
        .output()
        .unwrap()
        .stdout;
    (
        shown.clone(),
        String::from_utf8(words).unwrap().lines().map(str::to_owned).collect(),
    )
}

#[test]
fn the_whole_job_goes_by_forms_and_every_page_shows_its_command() {
    let folder = folder();
    let at = folder.path();
    fs::write(
        at.join("costs.csv"),
        "true,early,on time,late\nearly,0,1,4\non time,1,0,2\nlate,5,5,0\n",
    )
    .unwrap();
    let served = Served::open(at);
    let sheet = link(&served, "sheets", "corrupted.csv");
    let rows = served.page(&sheet);
    assert!(rows.contains("2,500 rows") && rows.contains("Order Status"), "{rows}");
    let task = served.page(&format!("{sheet}/task"));
    assert!(
        task.contains("Delivery Status") && task.contains("left out:") && task.contains("on time"),
        "the audit is beside the columns"
    );

    // Train, and the same in the terminal: the same bytes.
    let before = served.page(&format!("{sheet}/train"));
    let shown = commands(&before).unwrap();
    assert!(shown.contains("recant train corrupted.csv --out model-2"), "{shown}");
    let fields = [
        ("out", "trained"),
        ("network", "1x4"),
        ("epochs", "2"),
        ("recipe", ""),
        ("balance_classes", "1"),
    ];
    let ordered = served.send(&format!("{sheet}/train"), &fields);
    let work = place(&ordered);
    let model = done(&served, &ordered);
    let (shown, words) = command(&served.page(&work));
    assert!(shown.starts_with("cd "), "{shown}");
    let other = tempfile::tempdir().unwrap();
    fs::copy(at.join("corrupted.csv"), other.path().join("corrupted.csv")).unwrap();
    let words: Vec<&str> = words[1..].iter().map(String::as_str).collect();
    crate::program::works(other.path(), &words);
    let (own, same) = (contents(&at.join("trained")), contents(&other.path().join("trained")));
    assert!(own.keys().eq(same.keys()));
    // Reports tell how long it took, and their seal is made of them.
    for (path, bytes) in own
        .iter()
        .filter(|(path, _)| !path.starts_with("report") && !path.ends_with("report.seal.json"))
    {
        assert_eq!(*bytes, same[path], "{}", path.display());
    }
    assert!(served.page(&model).contains("on test rows"));
    assert_eq!(
        served.send(&format!("{sheet}/train"), &fields).status,
        422,
        "nothing is overwritten"
    );

    // The wrong rows of a file.
    let model = link(&served, "models", "model");
    let flags = link(&served, "sheets", "flags.csv").rsplit('/').next().unwrap().to_owned();
    let imported = served.send(&format!("{model}/import"), &[("file", &flags), ("how", "flags")]);
    let wrong = served.page(&place(&imported));
    let flagged = fs::read_to_string(at.join("flags.csv")).unwrap().lines().count() - 1;
    assert!(
        wrong.contains(&format!("<div class=\"value\">{flagged}</div>")),
        "{flagged} rows: {wrong}"
    );

    // Repair with them, by one method.
    let repair = served.page(&format!("{model}/repair"));
    assert!(
        repair.contains("value=\"auto\" selected") && commands(&repair).unwrap().contains("--method auto"),
        "auto is preselected"
    );
    // What counts is chosen as in the terminal, class by class.
    for measure in ["accuracy", "balanced-accuracy", "macro-f1", "recall:late", "recall:early", "cost"] {
        assert!(repair.contains(&format!("value=\"{measure}\"")), "{measure}");
    }
    for fields in [
        [("metric", "f2"), ("out", "x")],
        [("metric", "recall:never"), ("out", "x")],
        [("metric", "cost"), ("out", "x")],
    ] {
        assert_eq!(served.send(&format!("{model}/repair"), &fields).status, 422, "{fields:?}");
    }
    let costs = link(&served, "sheets", "costs.csv").rsplit('/').next().unwrap().to_owned();
    let ordered = served.send(
        &format!("{model}/repair"),
        &[("method", "retrain"), ("metric", "cost"), ("costs", &costs), ("out", "repaired")],
    );
    let repaired = done(&served, &ordered);
    let page = served.page(&repaired);
    assert!(page.contains("Accuracy on") && page.contains("<iframe"), "{page}");
    let (_, words) = command(&served.page(&place(&ordered)));
    let arguments::Command::Repair(parsed) = CommandLine::try_parse_from(&words).unwrap().command else {
        panic!("{words:?}")
    };
    assert_eq!((parsed.method.as_str(), parsed.out.to_str()), ("retrain", Some("repaired")));
    assert_eq!(parsed.evidence.metric, "cost:costs.csv");
    let record = fs::read_to_string(at.join("repaired").join("report").join("record.json")).unwrap();
    assert!(
        record.contains("mean cost of a prediction (costs.csv)"),
        "costs count in the record"
    );
    let report = served.get(&format!("{repaired}/report"), &[]);
    assert!(report.header("content-security-policy").unwrap().starts_with("sandbox"));

    // Predict, and draw rows to check.
    let week = link(&served, "sheets", "week.csv");
    let id = repaired.rsplit('/').next().unwrap();
    let predicted = done(
        &served,
        &served.send(&format!("{week}/predict"), &[("model", id), ("out", "week-predicted.csv")]),
    );
    let page = served.page(&predicted);
    assert!(page.contains("probability of late"));
    // The rows are narrowed by class and by warning.
    let by_class = between(&page, "aria-label=\"Rows by predicted\"", "</nav>").unwrap();
    let (_, late) = by_class
        .split_once("%3Dlate")
        .map(|(before, after)| (before, &after[..12]))
        .unwrap();
    let count = |of: &str| of.chars().filter(char::is_ascii_digit).collect::<String>();
    let address = by_class
        .split("href=\"")
        .find_map(|link| link.split_once('"').filter(|(address, _)| address.ends_with("%3Dlate")));
    let rows_of = |address: &str| {
        let page = served.page(&address.replace("&amp;", "&"));
        count(between(&page, "<caption>", " of ").unwrap())
    };
    let (address, _) = address.unwrap();
    assert!(late.starts_with('"') && !rows_of(address).is_empty() && rows_of(address) != "0");
    assert!(!served.page(address).contains("<td>on time</td>"), "only late ones are shown");
    let drawn = done(
        &served,
        &served.send(&format!("{repaired}/check"), &[("rows", "5"), ("out", "check.xlsx")]),
    );
    assert!(served.page(&drawn).contains("check.xlsx") && at.join("check.xlsx.key.json").is_file());
    // The truths are looked up, and read on the same page.
    let check = || {
        let file = link(&served, "sheets", "check.xlsx");
        served.send(&format!("{repaired}/checked"), &[("file", file.rsplit('/').next().unwrap())])
    };
    let empty = check();
    assert!(
        empty.status == 422 && empty.body.contains("no truth is filled in"),
        "{}",
        empty.body
    );
    let form = read(&at.join("check.xlsx"), &ReadOptions::default(), &mut Notes::new()).unwrap();
    let clean = read(&trial().join("orders.csv"), &ReadOptions::default(), &mut Notes::new()).unwrap();
    filled(&form, &clean).write(&at.join("check.xlsx"), &mut Notes::new()).unwrap();
    // So is a copy that was handed in under another name.
    fs::copy(at.join("check.xlsx"), at.join("check-2.xlsx")).unwrap();
    let copy = link(&served, "sheets", "check-2.xlsx").rsplit('/').next().unwrap().to_owned();
    let said = served.send(&format!("{repaired}/checked"), &[("file", &copy)]);
    assert!(said.status == 200 && said.body.contains("What the truths say"), "{}", said.body);
    let said = check();
    assert!(
        said.status == 200 && said.body.contains("What the truths say") && said.body.contains("exact 95"),
        "{}",
        said.body
    );
}

#[test]
fn decisions_are_undone_kept_and_written_as_flags() {
    let folder = folder();
    let served = Served::open(folder.path());
    let model = link(&served, "models", "model");
    let decide = |served: &Served, fields: &[(&str, &str)]| served.send(&format!("{model}/decide"), fields).status;
    assert_eq!(decide(&served, &[("one", "wrong:2"), ("label-2", "late")]), 303);
    assert_eq!(
        decide(&served, &[("ticked", "wrong"), ("row", "3"), ("row", "4"), ("row", "5")]),
        303
    );
    for nonsense in [
        &[("one", "wrong:1")][..],
        &[("one", "wrong:999999")],
        &[("one", "x:2")],
        &[("ticked", "wrong")],
        &[("one", "wrong:-1")],
        &[],
    ] {
        assert_eq!(decide(&served, nonsense), 422, "{nonsense:?}");
    }
    // Ended in the middle of everything: what a page said was decided is decided.
    served.kill();
    let served = Served::open(folder.path());
    let page = served.page(&format!("{model}/wrong"));
    assert!(page.contains("<div class=\"value\">4</div>"), "{page}");
    assert_eq!(served.send(&format!("{model}/undo"), &[]).status, 303);
    let page = served.page(&format!("{model}/wrong?stands=wrong"));
    assert!(page.contains("data-row=\"2\"") && !page.contains("data-row=\"3\""), "{page}");
    let history = served.page(&format!("{model}/history"));
    assert!(history.contains("3 rows: wrong") && history.contains("undone"), "{history}");
    let csv = served.send(&format!("{model}/export"), &[("as", "csv")]);
    assert!(csv.header("content-disposition").unwrap().contains("model-wrong-rows.csv"));
    let lines: Vec<&str> = csv.body.lines().collect();
    assert!(
        lines[0].contains("sheet_row") && lines[0].contains("is_label_issue"),
        "{}",
        lines[0]
    );
    assert!(
        lines.len() == 5 && lines[1].contains("2") && lines[1].contains("TRUE") && lines[1].contains("late"),
        "{lines:?}"
    );
    assert!(folder.path().join("model-wrong-rows.csv").is_file());
    // What was written can be taken in again.
    let file = link(&served, "sheets", "model-wrong-rows.csv")
        .rsplit('/')
        .next()
        .unwrap()
        .to_owned();
    assert_eq!(
        served.send(&format!("{model}/import"), &[("file", &file), ("how", "flags")]).status,
        303
    );
    // A page elsewhere is not gone back to.
    for back in ["http://evil.example/", "//evil.example", "/models/0/wrong", "/\\evil"] {
        let answer = served.send(&format!("{model}/undo"), &[("back", back)]);
        assert_eq!(answer.header("location"), Some(format!("{model}/wrong").as_str()));
    }
}

#[test]
fn suspects_are_put_on_the_list_and_taken_or_left_as_a_whole() {
    let folder = folder();
    let served = Served::open(folder.path());
    let model = link(&served, "models", "model");
    let wrong = done(&served, &served.send(&format!("{model}/suspects"), &[]));
    let page = served.page(&wrong);
    assert!(
        page.contains("suspect") && page.contains("data-row=") && page.contains("Chance wrong"),
        "{page}"
    );
    assert!(folder.path().join("model-suspects.xlsx").is_file(), "as the command writes it");
    assert_eq!(
        served
            .send(&format!("{model}/decide"), &[("every", "right"), ("kind", "suspect")])
            .status,
        303
    );
    // The way from the search leads to the rows that are open.
    let page = served.page(&wrong);
    assert!(wrong.ends_with("?stands=open") && page.contains("No row is here."), "{page}");
    let expand = served.send(&format!("{model}/expand"), &[]);
    assert_eq!(expand.status, 422, "nothing is wrong yet: {}", expand.body);
}

/// A training that takes its time.
fn long(served: &Served) -> String {
    let sheet = link(served, "sheets", "corrupted.csv");
    let fields = [("out", "long"), ("network", "3x200"), ("epochs", "10000"), ("recipe", "paper")];
    let work = place(&served.send(&format!("{sheet}/train"), &fields));
    let until = Instant::now() + Duration::from_secs(30);
    while !served.page(&work).contains("<progress max=") {
        assert!(Instant::now() < until, "{}", served.page(&work));
        std::thread::sleep(Duration::from_millis(20));
    }
    work
}

fn nothing_half_written(at: &Path) {
    let left: Vec<String> = fs::read_dir(at)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(!left.iter().any(|name| name.starts_with("long")), "{left:?}");
}

#[test]
fn work_survives_a_reload_waits_its_turn_and_is_stopped() {
    let folder = folder();
    let served = Served::open(folder.path());
    let work = long(&served);
    // Another tab, and another piece of work behind the first.
    let sheet = link(&served, "sheets", "corrupted.csv");
    let second = place(&served.send(&format!("{sheet}/train"), &[("out", "second"), ("network", "1x4")]));
    assert!(served.page(&second).contains("○ waits") && served.page("/").contains("2 under way"));
    assert_eq!(served.send(&format!("{second}/stop"), &[]).status, 303);
    assert!(ended(&served, &second).contains("■ stopped by you"));
    assert_eq!(served.send(&format!("{work}/stop"), &[]).status, 303);
    let page = ended(&served, &work);
    assert!(page.contains("■ stopped by you") && page.contains("Do it again"), "{page}");
    nothing_half_written(folder.path());
}

#[test]
fn a_kill_in_the_middle_of_work_is_told_at_the_next_start() {
    let folder = folder();
    let served = Served::open(folder.path());
    let work = long(&served);
    served.kill();
    let mut served = Served::open(folder.path());
    let page = served.page(&work);
    assert!(page.contains("▼ broken off") && page.contains("Do it again"), "{page}");
    nothing_half_written(folder.path());
    let again = place(&served.send(&format!("{work}/again"), &[]));
    assert!(again != work);
    // Ctrl-C ends the work at a safe point, and the app with it.
    assert!(served.interrupt(Duration::from_secs(30)));
    nothing_half_written(folder.path());
}

#[test]
fn a_sheet_that_cannot_be_read_says_why_and_can_be_read_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("broken.xlsx"), b"PK\x03\x04 not a workbook").unwrap();
    fs::write(
        folder.path().join("title.csv"),
        "Orders of March\n\nid;amount;late\n1;1,5;yes\n2;2,5;no\n",
    )
    .unwrap();
    let served = Served::open(folder.path());
    let broken = served.page(&link(&served, "sheets", "broken.xlsx"));
    assert!(broken.contains("▼ stopped") && broken.contains("Read it otherwise"), "{broken}");
    let sheet = link(&served, "sheets", "title.csv");
    assert!(served.page(&sheet).contains("2 rows"));
    let said = served.send(
        &format!("{sheet}/reading"),
        &[("header_row", "3"), ("decimal", "--decimal ,"), ("dates", "--dates dmy")],
    );
    let page = served.page(&place(&said));
    assert!(
        commands(&page)
            .unwrap()
            .contains("recant inspect title.csv --header-row 3 --decimal , --dates dmy"),
        "{page}"
    );
    let other = served.send(&format!("{sheet}/reading"), &[("encoding", "windows-1250")]);
    let page = served.page(&place(&other));
    assert!(
        commands(&page)
            .unwrap()
            .ends_with("recant inspect title.csv --encoding windows-1250"),
        "{page}"
    );
    for wrong in [
        ("encoding", "x"),
        ("header_row", "0"),
        ("header_row", "x"),
        ("decimal", ";"),
        ("dates", "ydm"),
    ] {
        assert_eq!(served.send(&format!("{sheet}/reading"), &[wrong]).status, 422, "{wrong:?}");
    }
}

#[test]
fn a_task_is_kept_beside_the_sheet_where_commands_find_it() {
    let folder = tempfile::tempdir().unwrap();
    let rows: String = (0..400)
        .map(|row| format!("{row},{},{},{}\n", row % 7, ["air", "sea"][row % 2], ["yes", "no"][(row / 3) % 2]))
        .collect();
    fs::write(folder.path().join("mine.csv"), format!("id,size,mode,late\n{rows}")).unwrap();
    let served = Served::open(folder.path());
    let sheet = link(&served, "sheets", "mine.csv");
    let task = served.page(&format!("{sheet}/task"));
    assert!(commands(&task).unwrap().contains("--write-profile mine.recant.toml"), "{task}");
    let fields = [
        ("label", "late"),
        ("key", "id"),
        ("use-1", "category"),
        ("use-2", "left-out"),
        ("filter_column", "mode"),
        ("filter_values", "air; sea"),
    ];
    assert_eq!(served.send(&format!("{sheet}/task"), &fields).status, 303);
    let kept = fs::read_to_string(folder.path().join("mine.recant.toml")).unwrap();
    let profile = recant::features::Profile::from_toml(&kept).unwrap();
    assert_eq!((profile.label.sources(), profile.key.as_deref()), (vec!["late"], Some("id")));
    assert!(
        profile.features.categorical.contains(&"size".to_owned()) && profile.filter.lists[0].values == ["air", "sea"],
        "{kept}"
    );
    let task = served.page(&format!("{sheet}/task"));
    assert!(
        task.contains("beside the sheet") && commands(&task).unwrap().contains("--profile mine.recant.toml"),
        "{task}"
    );
    // Text that is no profile is refused, and the profile stays.
    let refused = served.send(&format!("{sheet}/profile"), &[("toml", "name = \"x\"\nlabl = 1")]);
    assert!(refused.status == 422 && refused.body.contains("labl"), "{}", refused.body);
    assert_eq!(fs::read_to_string(folder.path().join("mine.recant.toml")).unwrap(), kept);
    assert_eq!(served.send(&format!("{sheet}/profile"), &[("toml", &kept)]).status, 303);
    let download = served.get(&format!("{sheet}/profile"), &[]);
    assert!(download.header("content-disposition").unwrap().contains("mine.recant.toml"));
    for (name, value) in [("label", "nothing"), ("label", "")] {
        assert_eq!(served.send(&format!("{sheet}/task"), &[(name, value)]).status, 422);
    }
}
