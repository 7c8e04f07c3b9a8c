//! The app in a real browser. Skipped where there is none.

use super::http::Served;
use super::path::folder;
use super::webdriver::Browser;

/// A browser in which the app was opened by its link.
fn opened(served: &Served) -> Option<Browser> {
    let browser = Browser::start()?;
    browser.go(&format!("http://{}/open?token={}", served.host(), served.token));
    browser.wait_for("Sheets");
    Some(browser)
}

/// That the browser complained of nothing, and that nothing is wider than the window.
#[track_caller]
fn is_sound(browser: &Browser) {
    assert_eq!(browser.complaints(), Vec::<String>::new(), "{}", browser.address());
    let wide = browser.script("return document.documentElement.scrollWidth > window.innerWidth + 1");
    assert_eq!(wide, false, "{} is wider than the window", browser.address());
    let broken = browser.script(
        "return [...document.querySelectorAll('.word')].filter(word => word.innerText.length < 25 && word.offsetHeight > 36).map(word => word.innerText)",
    );
    assert_eq!(
        broken,
        serde_json::json!([]),
        "a line breaks within a word of {}",
        browser.address()
    );
    let unnamed = browser.script(
        "return [...document.querySelectorAll('input:not([type=hidden]), select, textarea')].filter(field => !field.labels.length && !field.ariaLabel).length \
         + [...document.querySelectorAll('button, a')].filter(one => !one.textContent.trim() && !one.ariaLabel).length",
    );
    assert_eq!(unnamed, 0, "every field, button and link of {} has a name", browser.address());
}

/// That axe finds nothing to object to, where `RECANT_AXE` names its script (`axe.min.js` of the npm package `axe-core`).
#[track_caller]
fn is_accessible(browser: &Browser) {
    let Some(axe) = std::env::var_os("RECANT_AXE").and_then(|path| std::fs::read_to_string(path).ok()) else {
        return;
    };
    browser.script(&format!("{axe}; return 0"));
    let found = browser.script_with_end(
        "const end = arguments[arguments.length - 1]; \
         axe.run({ iframes: false }).then(found => end(found.violations.map(one => one.id + ': ' + one.nodes[0].html)), fault => end([String(fault)]))",
    );
    assert_eq!(found, serde_json::json!([]), "{}", browser.address());
}

#[test]
fn the_job_is_done_in_a_browser() {
    let folder = folder();
    let dropped = tempfile::tempdir().unwrap();
    let file = dropped.path().join("my orders.csv");
    std::fs::copy(folder.path().join("corrupted.csv"), &file).unwrap();
    let served = Served::start(folder.path(), &[]);
    let Some(browser) = opened(&served) else { return };
    is_sound(&browser);
    // A file is sent as soon as it is dropped.
    browser.type_into("#dropped-file", file.to_str().unwrap());
    browser.wait_for("2,500 rows");
    is_sound(&browser);
    browser.click("nav.steps li:nth-child(2) a");
    browser.wait_for("The profile as text");
    is_sound(&browser);
    browser.click("nav.steps li:nth-child(3) a");
    browser.wait_for("Name of the model");
    browser.click("details summary");
    browser.type_into("#network", "1x4");
    browser.type_into("#epochs", "2");
    is_sound(&browser);
    browser.click("main form button");
    // The page of the work tells by itself that it is done.
    browser.wait_for("✓ done");
    is_sound(&browser);
    browser.click("a.button");
    browser.wait_for("The report");
    assert_eq!(
        browser.script("return document.querySelector('iframe').src.endsWith('/report')"),
        true
    );
    is_sound(&browser);
}

#[test]
fn rows_are_decided_by_keys_alone_and_typing_is_typing() {
    let folder = folder();
    let served = Served::start(folder.path(), &[]);
    let Some(browser) = opened(&served) else { return };
    browser.script("[...document.querySelectorAll('a')].find(link => link.innerText === 'model').click()");
    browser.wait_for("Wrong rows");
    browser.script("[...document.querySelectorAll('a')].find(link => link.innerText === 'Wrong rows').click()");
    browser.wait_for("A file names them");
    browser.script("const list = document.querySelector('#file'); list.value = [...list.options].find(option => option.text === 'flags.csv').value; list.form.requestSubmit()");
    browser.wait_for("Where the rows come from");
    is_sound(&browser);
    let number = |name: &str| {
        let script = format!(
            "return [...document.querySelectorAll('.figures li')].find(card => card.innerText.startsWith('{name}')).querySelector('.value').innerText"
        );
        browser.script(&script).as_str().unwrap().parse::<usize>().unwrap()
    };
    let wait = |name: &str, wanted: usize| {
        let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while number(name) != wanted {
            assert!(std::time::Instant::now() < until, "{name}: {} instead of {wanted}", number(name));
            std::thread::sleep(std::time::Duration::from_millis(30));
        }
    };
    let all = number("Decided to be wrong");
    browser.keys("jr");
    wait("Decided to be right", 1);
    wait("Decided to be wrong", all - 1);
    browser.keys("o");
    wait("Open", 1);
    browser.keys("u");
    wait("Open", 0);
    browser.keys("u");
    wait("Decided to be wrong", all);
    is_sound(&browser);
    // The way by keys from field to field goes everywhere: a letter typed there is a letter.
    browser.script("document.querySelector('.deciding select').focus()");
    browser.keys("r");
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert_eq!(number("Decided to be wrong"), all);
}

/// Follows a link by its words.
#[track_caller]
fn follow(browser: &Browser, words: &str) {
    let script = format!(
        "const link = [...document.querySelectorAll('a')].find(link => link.innerText === '{words}'); link?.click(); return !!link"
    );
    assert_eq!(browser.script(&script), true, "`{words}` is a link of {}", browser.address());
}

#[test]
fn a_broken_sheet_is_told_and_work_goes_on_through_reloads_until_it_is_stopped() {
    let folder = folder();
    let dropped = tempfile::tempdir().unwrap();
    let broken = dropped.path().join("broken.xlsx");
    std::fs::write(&broken, b"PK\x03\x04 not a workbook").unwrap();
    let served = Served::start(folder.path(), &[]);
    let Some(browser) = opened(&served) else { return };
    browser.type_into("#dropped-file", broken.to_str().unwrap());
    browser.wait_for("Read it otherwise");
    assert!(browser.text().contains("broken.xlsx"), "{}", browser.text());
    is_sound(&browser);
    // A training of thousands of epochs, from the form.
    browser.go(&format!("http://{}/", served.host()));
    follow(&browser, "corrupted.csv");
    browser.wait_for("2,500 rows");
    browser.click("nav.steps li:nth-child(3) a");
    browser.wait_for("Name of the model");
    browser.click("details summary");
    browser.script("document.querySelector('#recipe').value = 'paper'; document.querySelector('#out').value = 'long'");
    browser.type_into("#network", "3x200");
    browser.type_into("#epochs", "10000");
    browser.click("main form button");
    browser.wait_for("◐ runs");
    let work = browser.address();
    browser.reload();
    browser.wait_for("◐ runs");
    is_sound(&browser);
    browser.go(&format!("http://{}/", served.host()));
    browser.wait_for("1 under way");
    browser.go(&work);
    browser.wait_for("◐ runs");
    browser.script("[...document.querySelectorAll('main button')].find(button => button.innerText.includes('Stop')).click()");
    browser.wait_for("■ stopped by you");
    is_sound(&browser);
    let left = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(
        !left.into_iter().any(|name| name.to_string_lossy().starts_with("long")),
        "nothing half-written"
    );
}

#[test]
fn two_tabs_do_not_disturb_each_other() {
    let folder = folder();
    let served = Served::start(folder.path(), &[]);
    let Some(browser) = opened(&served) else { return };
    follow(&browser, "model");
    browser.wait_for("Wrong rows");
    follow(&browser, "Wrong rows");
    browser.wait_for("A file names them");
    browser.script("const list = document.querySelector('#file'); list.value = [...list.options].find(option => option.text === 'flags.csv').value; list.form.requestSubmit()");
    browser.wait_for("Where the rows come from");
    let wrong = browser.address();
    let (one, other) = (browser.tab(), browser.new_tab());
    browser.switch_to(&other);
    browser.go(&wrong);
    browser.wait_for("Where the rows come from");
    // Each decides about another row; the page of the first is older than the decision of the second.
    let decide = |place: usize, verdict: &str| {
        let script = format!(
            "const row = document.querySelectorAll('[data-row]')[{place}]; \
             [...row.querySelectorAll('button')].find(button => button.value.startsWith('{verdict}:')).click(); return row.dataset.row"
        );
        let row = browser.script(&script).as_str().unwrap().to_owned();
        let word = match verdict {
            "right" => "✓ right",
            _ => "○ open",
        };
        let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
        let shown = format!("return document.querySelector('[data-row=\"{row}\"]')?.innerText ?? ''");
        while !browser.script(&shown).as_str().unwrap().contains(word) {
            assert!(std::time::Instant::now() < until, "row {row} is not {word}: {}", browser.text());
            std::thread::sleep(std::time::Duration::from_millis(30));
        }
        row
    };
    let second = decide(1, "open");
    browser.switch_to(&one);
    let first = decide(0, "right");
    assert_ne!(first, second);
    // Both hold, in both tabs.
    let stands = |row: &str| {
        let script = format!("return document.querySelector('[data-row=\"{row}\"]').innerText");
        browser.script(&script).as_str().unwrap().to_owned()
    };
    for tab in [&one, &other] {
        browser.switch_to(tab);
        browser.reload();
        browser.wait_for("Where the rows come from");
        assert!(
            stands(&first).contains("✓ right") && stands(&second).contains("○ open"),
            "{}",
            browser.text()
        );
        is_sound(&browser);
    }
}

#[test]
fn every_page_fits_a_phone_and_is_accessible() {
    let folder = folder();
    let served = Served::start(folder.path(), &[]);
    let Some(browser) = opened(&served) else { return };
    browser.size(360, 740);
    let links = browser.script("return [...document.querySelectorAll('main a')].map(link => link.href)");
    let mut pages: Vec<String> = links
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|link| link.as_str().map(str::to_owned))
        .collect();
    // The pages of one sheet are those of another.
    let sheet = pages.iter().find(|page| page.contains("/sheets/")).cloned();
    pages.retain(|page| !page.contains("/sheets/") || Some(page) == sheet.as_ref());
    let more: Vec<String> = pages
        .iter()
        .flat_map(|page| match page.contains("/models/") {
            true => ["/wrong", "/rows", "/history", "/repair", "/predict"]
                .map(|part| format!("{page}{part}"))
                .to_vec(),
            false => ["/task", "/train", "/predict"].map(|part| format!("{page}{part}")).to_vec(),
        })
        .collect();
    pages.extend(more);
    pages.push(format!("http://{}/work", served.host()));
    assert!(pages.len() >= 10, "{pages:?}");
    for page in pages {
        browser.go(&page);
        is_sound(&browser);
        is_accessible(&browser);
    }
    if std::env::var_os("RECANT_AXE").is_none() {
        eprintln!("skipped: what axe says of the pages (`RECANT_AXE` names no axe.min.js)");
    }
}
