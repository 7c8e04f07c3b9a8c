//! A running app, and requests to it byte by byte.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

/// A running app; ended when dropped.
pub struct Served {
    child: Child,
    /// Kept open: the program prints there.
    _out: BufReader<ChildStdout>,
    pub port: u16,
    /// The one-time token of the link.
    pub token: String,
    /// What the link gave, once [`Served::enter`] has used it.
    pub cookie: String,
    /// The token of forms, once entered.
    pub form: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Served {
    /// Starts the app in a folder, as a program.
    pub fn start(folder: &Path, more: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_recant"))
            .args(["app", ".", "--no-browser", "--json"])
            .args(more)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("the app says where it is: {line:?}"));
        let address = told["address"].as_str().unwrap();
        let port = address.trim_end_matches('/').rsplit(':').next().unwrap().parse().unwrap();
        let token = told["link"].as_str().unwrap().rsplit('=').next().unwrap().to_owned();
        Self {
            child,
            _out: out,
            port,
            token,
            cookie: String::new(),
            form: String::new(),
        }
    }

    /// As a browser that opened the link.
    pub fn enter(mut self) -> Self {
        let answer = self.get(&format!("/open?token={}", self.token), &[]);
        assert_eq!(answer.status, 200, "{}", answer.body);
        let cookie = answer.header("set-cookie").expect("a cookie");
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
        self.cookie = cookie.split(';').next().unwrap().to_owned();
        let home = self.page("/");
        self.form = between(&home, "name=\"token\" value=\"", "\"").unwrap_or_default().to_owned();
        self
    }

    /// As [`enter`](Self::enter), in a folder.
    pub fn open(folder: &Path) -> Self {
        Self::start(folder, &[]).enter()
    }

    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Sends bytes as they are.
    pub fn raw(&self, bytes: &[u8]) -> Answer {
        let mut stream = self.connect();
        // A refusal may come before the request is whole.
        let _ = stream.write_all(bytes);
        Answer::read(&mut stream)
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(40))).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(40))).unwrap();
        stream
    }

    /// The head of a request, with the cookie; `headers` come on top, or replace `Host` and `Cookie`.
    pub fn head(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> String {
        let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        let given = |name: &str| headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
        if !given("Host") {
            head.push_str(&format!("Host: {}\r\n", self.host()));
        }
        if !given("Cookie") && !self.cookie.is_empty() {
            head.push_str(&format!("Cookie: {}\r\n", self.cookie));
        }
        for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head
    }

    pub fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.raw(format!("{}\r\n", self.head("GET", path, headers)).as_bytes())
    }

    /// A page that must be there.
    #[track_caller]
    pub fn page(&self, path: &str) -> String {
        let answer = self.get(path, &[]);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }

    /// A form as it is, without the token of forms.
    pub fn post(&self, path: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Answer {
        let body: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
            .collect();
        let body = body.join("&");
        let head = self.head("POST", path, headers);
        let kind = "Content-Type: application/x-www-form-urlencoded";
        self.raw(format!("{head}{kind}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).as_bytes())
    }

    /// A form of the app.
    pub fn send(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let all: Vec<(&str, &str)> = std::iter::once(("token", self.form.as_str()))
            .chain(fields.iter().copied())
            .collect();
        let origin = format!("http://{}", self.host());
        self.post(path, &all, &[("Origin", &origin), ("Sec-Fetch-Site", "same-origin")])
    }

    /// A file as a browser sends it; `token` comes first.
    pub fn upload(&self, path: &str, token: &str, name: &str, bytes: &[u8]) -> Answer {
        let mut body = part("token", None, token.as_bytes());
        body.extend(part("file", Some(name), bytes));
        body.extend(b"--edge--\r\n");
        let head = self.head("POST", path, &[("Content-Type", "multipart/form-data; boundary=edge")]);
        let mut whole = format!("{head}Content-Length: {}\r\n\r\n", body.len()).into_bytes();
        whole.extend(body);
        self.raw(&whole)
    }

    /// Ends the program at once, as a power cut does.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks the program to end, as Ctrl-C does; whether it ended in time.
    pub fn interrupt(&mut self, time: Duration) -> bool {
        let process = self.child.id().to_string();
        Command::new("kill").args(["-INT", &process]).status().unwrap();
        let until = std::time::Instant::now() + time;
        while std::time::Instant::now() < until {
            if self.child.try_wait().unwrap().is_some() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }

    /// Resident memory of the program in MiB, where the system tells.
    pub fn memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
        Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? >> 10)
    }
}

/// One part of a form with a file.
pub fn part(name: &str, file: Option<&str>, bytes: &[u8]) -> Vec<u8> {
    let file = file.map(|file| format!("; filename=\"{file}\"")).unwrap_or_default();
    let mut part = format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n").into_bytes();
    part.extend(bytes);
    part.extend(b"\r\n");
    part
}

pub fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let each = text.bytes().map(|byte| {
        if plain(byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    });
    each.collect()
}

/// The text between two others.
pub fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let rest = &text[text.find(before)? + before.len()..];
    Some(&rest[..rest.find(after)?])
}

/// The commands that a page shows, as text.
pub fn commands(page: &str) -> Option<String> {
    let shown = between(page, "<pre><code>", "</code></pre>")?;
    let words = shown.replace("<span class=\"word\">", "").replace("</span>", "");
    Some(words.replace("&quot;", "\"").replace("&amp;", "&"))
}

/// An answer, whole.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub fn read(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        // The server may end the connection of a client that sends more than it should.
        let _ = stream.read_to_end(&mut bytes);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).unwrap_or(0);
        let headers = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        Self {
            status,
            headers: headers.collect(),
            body: body.to_owned(),
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}
