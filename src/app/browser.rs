//! Opening the page in the person's browser.

use std::io::Write;
use std::process::{Command, Stdio};

use maud::{DOCTYPE, html};
use tempfile::NamedTempFile;

use super::folder::Folder;
use crate::error::{Error, ErrorKind, Result};

/// The file that leads the browser to the app; gone when dropped.
pub(super) struct Opener {
    _page: NamedTempFile,
}

/// Starts the browser. It gets a file that only this user can read, not the link: other users see the arguments of a process.
///
/// # Errors
/// Where no browser could be started.
pub(super) fn open(folder: &Folder, link: &str) -> Result<Opener> {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head { meta charset="utf-8"; meta http-equiv="refresh" content={ "0; url=" (link) }; title { "Recant" } }
            body { p { a href=(link) { "Open Recant" } } }
        }
    };
    let make = |place: &std::path::Path| tempfile::Builder::new().prefix("recant-open-").suffix(".html").tempfile_in(place);
    // Browsers that are confined see a person's folders, and not the system's temporary one; a folder may be read-only.
    let made = make(folder.root()).or_else(|_| make(&std::env::temp_dir()));
    let mut file = made.map_err(|error| Error::io("write into", folder.root(), &error))?;
    file.write_all(page.into_string().as_bytes())
        .and_then(|()| file.flush())
        .map_err(|error| Error::io("write", file.path(), &error))?;
    let (program, before): (&str, &[&str]) = match std::env::consts::OS {
        "macos" => ("open", &[]),
        "windows" => ("explorer", &[]),
        _ => ("xdg-open", &[]),
    };
    let started = Command::new(program)
        .args(before)
        .arg(file.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    match started {
        Ok(mut child) => {
            // Nobody waits for it otherwise.
            std::thread::spawn(move || child.wait());
            Ok(Opener { _page: file })
        }
        Err(error) => Err(Error::new(
            ErrorKind::Io,
            format!("no browser could be opened (`{program}`: {error})"),
        )),
    }
}
