//! What a hostile page, a hostile neighbour and a hostile file try.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use super::http::{Answer, Served, between, part};
use crate::program::{recant, text};

const SHEET: &[u8] = b"id,late\n1,yes\n2,no\n";

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("orders.csv"), SHEET).unwrap();
    folder
}

/// Names of all that is in a folder, hidden files too, the app's own folder left out.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = entries.filter(|name| name != ".recant").collect();
    names.sort();
    names
}

#[test]
fn only_the_browser_that_was_given_the_link_is_let_in() {
    let folder = folder();
    let mut served = Served::start(folder.path(), &[]);
    for path in [
        "/",
        "/open",
        "/open?token=",
        "/open?token=0000",
        "/app.js",
        "/sheets/0/file",
        "/nothing",
    ] {
        let answer = served.get(path, &[]);
        assert_eq!(answer.status, 403, "{path}");
        assert!(!answer.body.contains("orders.csv"), "{path}");
    }
    for cookie in [
        "x=y",
        "recant=1",
        &format!("recant-{}=", served.port),
        &format!("recant-{}={}", served.port, served.token),
    ] {
        assert_eq!(served.get("/", &[("Cookie", cookie)]).status, 403, "{cookie}");
    }
    let token = served.token.clone();
    served = served.enter();
    assert!(served.page("/").contains("orders.csv"));
    // Once is once; who has the cookie is shown in all the same.
    assert_eq!(served.get(&format!("/open?token={token}"), &[("Cookie", "")]).status, 403);
    assert_eq!(served.get(&format!("/open?token={token}"), &[]).status, 200);
}

#[test]
fn the_next_link_is_printed_when_one_was_used() {
    let folder = folder();
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_recant"))
        .args(["app", ".", "--no-browser"])
        .current_dir(folder.path())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let mut link = || {
        lines
            .by_ref()
            .map(Result::unwrap)
            .find(|line| line.contains("/open?token="))
            .unwrap()
            .trim()
            .to_owned()
    };
    let first = link();
    let (host, path) = first.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    assert_eq!(Answer::read(&mut stream).status, 200);
    let second = link();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_ne!(first, second);
}

#[test]
fn another_host_or_origin_is_refused() {
    let folder = folder();
    let served = Served::open(folder.path());
    let port = served.port;
    for host in [
        "evil.example",
        "127.0.0.1",
        "localhost",
        "127.0.0.1.evil.example",
        "[::1]",
        "0.0.0.0",
    ] {
        for host in [host.to_owned(), format!("{host}:{port}")] {
            if [format!("127.0.0.1:{port}"), format!("localhost:{port}")].contains(&host) {
                continue;
            }
            assert_eq!(served.get("/", &[("Host", &host)]).status, 403, "{host}");
        }
    }
    assert_eq!(served.get("/", &[("Host", &format!("localhost:{port}"))]).status, 200);
    // Two hosts, none, and one in the address.
    let two = format!(
        "GET / HTTP/1.1\r\nHost: {0}\r\nHost: evil.example\r\nConnection: close\r\nCookie: {1}\r\n\r\n",
        served.host(),
        served.cookie
    );
    assert_ne!(served.raw(two.as_bytes()).status, 200);
    let none = format!("GET / HTTP/1.0\r\nCookie: {}\r\n\r\n", served.cookie);
    assert_eq!(served.raw(none.as_bytes()).status, 403);
    assert_eq!(served.get("http://evil.example/", &[]).status, 403);
    for origin in [
        "http://evil.example",
        "null",
        "https://127.0.0.1",
        &format!("http://127.0.0.1:{}", port ^ 1),
        &format!("https://127.0.0.1:{port}"),
    ] {
        assert_eq!(served.get("/", &[("Origin", origin)]).status, 403, "{origin}");
    }
    let own = format!("http://{}", served.host());
    let answer = served.get("/", &[("Origin", &own)]);
    assert_eq!(answer.status, 200);
    assert!(answer.header("access-control-allow-origin").is_none());
}

#[test]
fn a_page_elsewhere_can_neither_post_nor_embed() {
    let folder = folder();
    let served = Served::open(folder.path());
    let home = served.page("/");
    let action = between(&home, "action=\"/sheets/", "\"").unwrap();
    let action = format!("/sheets/{action}");
    let fields = [("token", served.form.as_str()), ("name", "orders.csv")];
    for (wrong, fields) in [
        ("no token", &fields[1..]),
        ("wrong token", &[("token", "0"), ("name", "orders.csv")][..]),
        ("link's", &[("token", served.token.as_str())][..]),
    ] {
        assert_eq!(served.post(&action, fields, &[]).status, 403, "{wrong}");
    }
    for site in ["cross-site", "same-site"] {
        assert_eq!(served.post(&action, &fields, &[("Sec-Fetch-Site", site)]).status, 403);
        let embedded = [("Sec-Fetch-Site", site), ("Sec-Fetch-Mode", "no-cors"), ("Sec-Fetch-Dest", "image")];
        assert_eq!(served.get("/icon.svg", &embedded).status, 403);
        let framed = [
            ("Sec-Fetch-Site", site),
            ("Sec-Fetch-Mode", "navigate"),
            ("Sec-Fetch-Dest", "iframe"),
        ];
        assert_eq!(served.get("/", &framed).status, 403);
    }
    assert_eq!(served.post(&action, &fields, &[("Origin", "http://evil.example")]).status, 403);
    assert_eq!(served.post(&action, &fields, &[("Cookie", "")]).status, 403);
    assert_eq!(names(folder.path()), ["orders.csv"]);
    for method in ["PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PATCH"] {
        let answer = served.raw(format!("{}\r\n", served.head(method, "/", &[])).as_bytes());
        assert!([400, 403, 405].contains(&answer.status), "{method}: {}", answer.status);
    }
    // With all that a form of the app has, it works, and the file is in the bin.
    assert_eq!(served.send(&action, &[("name", "other")]).status, 422);
    assert_eq!(served.send(&action, &[("name", "orders.csv")]).status, 303);
    assert!(names(folder.path()).is_empty());
    let bin: Vec<_> = fs::read_dir(folder.path().join(".recant/bin"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .collect();
    assert_eq!(fs::read(bin[0].path()).unwrap(), SHEET);
}

#[test]
fn every_answer_is_strict() {
    let folder = folder();
    let served = Served::open(folder.path());
    for path in ["/", "/nothing", "/app.css", "/app.js"] {
        let answer = served.get(path, &[]);
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.contains("default-src 'none'") && !policy.contains("unsafe"),
            "{path}: {policy}"
        );
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("cross-origin-resource-policy"), Some("same-origin"));
        assert!(answer.header("cache-control").is_some() && answer.header("server").is_none());
        for inline in [" style=\"", " onclick", "<style", "javascript:"] {
            assert!(!answer.body.contains(inline) || path.starts_with("/app"), "{path}: {inline}");
        }
    }
    let script = served.page("/");
    assert_eq!(script.matches("<script").count(), 1, "one script, from a file");
}

#[cfg(unix)]
#[test]
fn nothing_outside_the_folder_is_reached() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret.csv"), "id,late\nsecret,yes\n").unwrap();
    let folder = folder();
    std::os::unix::fs::symlink(outside.path().join("secret.csv"), folder.path().join("link.csv")).unwrap();
    std::os::unix::fs::symlink(outside.path(), folder.path().join("linked")).unwrap();
    let served = Served::open(folder.path());
    let home = served.page("/");
    assert!(
        home.contains("orders.csv") && !home.contains("link.csv") && !home.contains("linked"),
        "{home}"
    );
    for path in [
        "/../../etc/passwd",
        "/sheets/..%2F..%2Fetc%2Fpasswd/file",
        "/sheets/../../../etc/passwd/file",
        "/sheets/%2e%2e/file",
        "/sheets/orders.csv/file",
        "/sheets/link.csv/file",
        "/sheets/%00/file",
        "/sheets/%ff/file",
        "/models/linked/report",
        "/reports/..",
        "//etc/passwd",
        "/file?path=/etc/passwd",
    ] {
        let answer = served.get(path, &[]);
        assert!([400, 404].contains(&answer.status), "{path}: {}", answer.status);
        assert!(!answer.body.contains("root:") && !answer.body.contains("secret"), "{path}");
    }
}

#[test]
fn uploads_are_bounded_named_safely_and_never_over_another() {
    let folder = folder();
    let served = Served::open(folder.path());
    let own = served.form.clone();
    for (name, kept) in [
        ("orders.csv", "orders-2.csv"),
        ("../../../evil.csv", "evil.csv"),
        ("..\\\\..\\\\other.csv", "other.csv"),
        (".hidden.csv", "hidden.csv"),
        ("<img src=x onerror=alert(1)>.csv", "_img src_x onerror_alert(1)_.csv"),
    ] {
        let answer = served.upload("/upload", &own, name, b"a,b\n1,2\n");
        assert_eq!(answer.status, 303, "{name}: {}", answer.body);
        assert!(folder.path().join(kept).is_file(), "{name}: {:?}", names(folder.path()));
    }
    assert_eq!(fs::read(folder.path().join("orders.csv")).unwrap(), SHEET);
    let before = names(folder.path());
    for (name, status) in [("page.html", 422), ("run.sh", 422), ("", 422), ("csv", 422)] {
        assert_eq!(served.upload("/upload", &own, name, b"x").status, status, "{name}");
    }
    assert_eq!(served.upload("/upload", "wrong", "new.csv", b"x").status, 403);
    // The file before the token.
    let mut body = part("file", Some("new.csv"), b"x");
    body.extend(part("token", None, own.as_bytes()));
    body.extend(b"--edge--\r\n");
    let head = served.head("POST", "/upload", &[("Content-Type", "multipart/form-data; boundary=edge")]);
    let mut whole = format!("{head}Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    whole.extend(body);
    assert_eq!(served.raw(&whole).status, 403);
    // Five gigabytes are refused by what they claim.
    let head = served.head(
        "POST",
        "/upload",
        &[
            ("Content-Type", "multipart/form-data; boundary=edge"),
            ("Content-Length", "5000000000"),
        ],
    );
    assert_eq!(served.raw(format!("{head}\r\n").as_bytes()).status, 413);
    // A file that breaks off leaves nothing.
    let mut stream = served.connect();
    let head = served.head(
        "POST",
        "/upload",
        &[("Content-Type", "multipart/form-data; boundary=edge"), ("Content-Length", "100000")],
    );
    stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
    stream.write_all(&part("token", None, own.as_bytes())).unwrap();
    stream
        .write_all(b"--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"half.csv\"\r\n\r\na,b\n1")
        .unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let answer = Answer::read(&mut stream);
    assert!([0, 400, 422].contains(&answer.status), "{}", answer.status);
    assert_eq!(names(folder.path()), before);
}

#[test]
fn markup_in_names_stays_text() {
    let folder = folder();
    let name = "<script>alert(1)</script>\"'&.csv".replace('/', "_");
    fs::write(folder.path().join(&name), SHEET).unwrap();
    let served = Served::open(folder.path());
    let home = served.page("/");
    assert!(home.contains("&lt;script&gt;alert(1)") && !home.contains("<script>alert"));
    let id = between(&home, "<a id=\"", "\"").unwrap();
    let file = served.get(&format!("/sheets/{id}/file"), &[]);
    assert_eq!((file.status, file.body.as_bytes()), (200, SHEET));
    let kept = file.header("content-disposition").unwrap();
    assert!(
        kept.starts_with("attachment; filename=\"_script_alert(1)__script____.csv\""),
        "{kept}"
    );
}

#[test]
fn a_report_in_the_folder_may_do_nothing() {
    let folder = folder();
    fs::create_dir(folder.path().join("old")).unwrap();
    fs::write(folder.path().join("old/report.html"), "<script>alert(1)</script>").unwrap();
    let served = Served::open(folder.path());
    let home = served.page("/");
    let id = between(&home, "href=\"/reports/", "\"").unwrap();
    let answer = served.get(&format!("/reports/{id}"), &[]);
    let policy = answer.header("content-security-policy").unwrap();
    assert_eq!(answer.status, 200);
    assert!(
        policy.starts_with("sandbox") && !policy.contains("allow-scripts") && policy.contains("default-src 'none'"),
        "{policy}"
    );
}

#[test]
fn a_hundred_at_once_and_the_slow_are_served_or_refused() {
    let folder = folder();
    let served = Served::open(folder.path());
    // Clients that begin and say no more.
    let slow: Vec<_> = (0..50)
        .map(|_| {
            let mut stream = served.connect();
            stream.write_all(b"GET / HTTP/1.1\r\nHost: ").unwrap();
            stream
        })
        .collect();
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..100).map(|_| scope.spawn(|| served.get("/", &[]).status)).collect();
        assert!(all.into_iter().all(|one| one.join().unwrap() == 200));
    });
    drop(slow);
    if let Some(memory) = served.memory() {
        assert!(memory < 300, "{memory} MiB");
    }
    // Heads and forms without end.
    let long = served.get("/", &[("X-Long", &"x".repeat(300_000))]);
    assert!([400, 413, 431].contains(&long.status), "{}", long.status);
    let large = served.post("/sheets/0/delete", &[("token", &"x".repeat(600_000))], &[]);
    assert!([403, 413].contains(&large.status), "{}", large.status);
    assert_eq!(served.get("/", &[]).status, 200);
}

#[test]
fn a_second_app_is_told_where_the_first_is_and_a_dead_one_holds_nothing() {
    let folder = folder();
    let first = Served::open(folder.path());
    let second = recant(folder.path(), &["app", ".", "--no-browser"]);
    let said = text(&second);
    assert_eq!(second.status.code(), Some(2), "{said}");
    assert!(
        said.contains(&format!("http://127.0.0.1:{}/", first.port)) && said.contains("hint:") && !said.contains("token"),
        "{said}"
    );
    // Looking is always possible.
    let looking = Served::start(folder.path(), &["--read-only"]).enter();
    assert!(looking.page("/").contains("orders.csv"));
    drop(looking);
    first.kill();
    let third = Served::open(folder.path());
    let taken = recant(folder.path(), &["app", ".", "--no-browser", "--port", &third.port.to_string()]);
    assert_eq!(taken.status.code(), Some(2), "{}", text(&taken));
}

#[test]
fn read_only_changes_nothing() {
    let folder = folder();
    let served = Served::start(folder.path(), &["--read-only"]).enter();
    let home = served.page("/");
    assert!(home.contains("read-only") && !home.contains("<form"), "{home}");
    assert_eq!(served.post("/upload", &[("token", "x")], &[]).status, 403);
    assert!(!folder.path().join(".recant").exists());
}

#[test]
fn a_folder_that_cannot_be_served_is_a_clear_error() {
    let folder = folder();
    for (place, word) in [("missing", "no such file or folder"), ("orders.csv", "is a file, not a folder")] {
        let output = recant(folder.path(), &["app", place, "--no-browser"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output).contains(word), "{}", text(&output));
    }
}

#[test]
fn ctrl_c_ends_it_and_takes_the_address_along() {
    let folder = folder();
    let mut served = Served::start(folder.path(), &[]);
    assert!(folder.path().join(".recant/app.address").is_file());
    let ended = served.interrupt(Duration::from_secs(10));
    assert!(ended, "the app ends");
    assert!(!folder.path().join(".recant/app.address").exists());
}

#[test]
fn a_report_that_was_altered_is_neither_shown_nor_believed() {
    let folder = folder();
    let (from, to) = (Path::new("models/delay-sample"), folder.path().join("model"));
    fs::create_dir_all(to.join("report")).unwrap();
    let names = [
        "report/report.html",
        "report.seal.json",
        "training.json",
        "model.json",
        "MODEL_CARD.md",
    ];
    for name in names {
        fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join(from).join(name), to.join(name)).unwrap();
    }
    let served = Served::open(folder.path());
    let page = format!("/models/{}", between(&served.page("/"), "href=\"/models/", "\"").unwrap());
    let whole = served.page(&page);
    assert!(whole.contains("The report") && !whole.contains("was altered"), "{whole}");
    assert_eq!(served.get(&format!("{page}/report"), &[]).status, 200);

    let alter = |name: &str| {
        let text = fs::read_to_string(to.join(name)).unwrap().replace("better", "worse");
        fs::write(to.join(name), text + " ").unwrap();
    };
    alter("report/report.html");
    for path in ["report", "report.html"] {
        let answer = served.get(&format!("{page}/{path}"), &[]);
        assert_eq!(answer.status, 422, "{path}");
        assert!(answer.body.contains("was altered after it was written"), "{}", answer.body);
    }
    alter("training.json");
    assert!(served.page(&page).contains("was altered after it was written"));
    alter("model.json");
    assert!(served.page(&page).contains("was altered after it was written"));
}
