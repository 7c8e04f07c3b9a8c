//! Files that a person drops: bounded, written to the disk as they come, named safely, never over another.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::multipart::Field;
use axum::extract::{FromRequest, Multipart, Request, State};
use axum::http::{StatusCode, header};
use axum::response::Response;
use tokio::io::AsyncWriteExt;
use tokio::sync::Semaphore;

use super::folder::{self, SHEETS};
use super::requests::{Fault, TOKEN, no_token, see};
use super::{App, pages};
use crate::error::{Error, ErrorKind, Result};
use crate::files;
use crate::report::format;
use crate::tables::limits::MAX_TEXT_BYTES;

/// Largest file: no sheet that can be read is larger.
pub(super) const MOST_BYTES: u64 = MAX_TEXT_BYTES;

/// What the parts of a form take beside the file.
const FRAME: u64 = 64 << 10;

/// Time for the next piece of a file.
const PIECE: Duration = Duration::from_secs(30);

/// Uploads at the same time; more are refused.
static PLACES: Semaphore = Semaphore::const_new(4);

/// Takes a file into the folder and shows it.
pub(super) async fn take(State(app): State<Arc<App>>, request: Request) -> Response {
    match receive(&app, request).await {
        Ok((name, then)) => see(&pages::after_upload(&name, then.as_deref())),
        Err(fault) => fault.respond(&app),
    }
}

async fn receive(app: &App, request: Request) -> Result<(String, Option<String>), Fault> {
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    // Before a byte of it is read.
    if length.is_some_and(|length| length > MOST_BYTES + FRAME) {
        return Err(too_large());
    }
    let Ok(_place) = PLACES.try_acquire() else {
        let error = Error::new(ErrorKind::Io, "other files are on their way").hint("try again when they have arrived");
        return Err(Fault::new(StatusCode::SERVICE_UNAVAILABLE, error));
    };
    let parts = Multipart::from_request(request, &()).await;
    let mut parts = parts.map_err(|_| broken("it is no form with a file"))?;
    let (mut allowed, mut then) = (false, None);
    while let Some(mut part) = waited(parts.next_field()).await? {
        match part.name() {
            Some(TOKEN) => {
                let given = text_of(&mut part).await?;
                allowed = app.keys.is_form(&given);
                if !allowed {
                    return Err(no_token());
                }
            }
            // The token comes before the file: nothing is written for a form that is not ours.
            Some("file") if !allowed => return Err(no_token()),
            Some("file") => return keep(app, part).await.map(|name| (name, then)),
            Some("then") => then = Some(text_of(&mut part).await?),
            _ => {}
        }
    }
    match allowed {
        true => Err(broken("no file was chosen")),
        false => Err(no_token()),
    }
}

/// A field that is short.
async fn text_of(part: &mut Field<'_>) -> Result<String, Fault> {
    let mut text = Vec::new();
    while let Some(piece) = waited(part.chunk()).await? {
        text.extend_from_slice(&piece);
        if text.len() > 1024 {
            return Err(no_token());
        }
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

async fn keep(app: &App, mut part: Field<'_>) -> Result<String, Fault> {
    let wanted = part.file_name().unwrap_or_default().to_owned();
    if wanted.is_empty() {
        return Err(broken("no file was chosen"));
    }
    let name = folder::safe_name(&wanted);
    if !folder::ending(&name).is_some_and(|ending| SHEETS.contains(&ending.as_str())) {
        return Err(broken("its name does not end like that of a sheet"));
    }
    let root = app.folder.root();
    let temporary = files::unnamed_in(root)?;
    let handle = temporary
        .as_file()
        .try_clone()
        .map_err(|error| Error::io("write into", root, &error))?;
    let mut file = tokio::fs::File::from_std(handle);
    let failed = |error: std::io::Error| Fault::from(Error::io("write", &root.join(&name), &error));
    let mut written = 0_u64;
    while let Some(piece) = waited(part.chunk()).await? {
        written += piece.len() as u64;
        if written > MOST_BYTES {
            return Err(too_large());
        }
        file.write_all(&piece).await.map_err(failed)?;
    }
    file.flush().await.map_err(failed)?;
    file.sync_all().await.map_err(failed)?;
    drop(file);
    let name = app.folder.free_name(&name);
    temporary.persist_noclobber(root.join(&name)).map_err(|error| failed(error.error))?;
    Ok(name)
}

/// What a part gives, unless it stalls or breaks off.
async fn waited<T, E>(next: impl Future<Output = Result<T, E>>) -> Result<T, Fault> {
    match tokio::time::timeout(PIECE, next).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(_)) => Err(broken("it broke off")),
        Err(_) => Err(Fault::new(
            StatusCode::REQUEST_TIMEOUT,
            Error::input("the file stopped coming; nothing was kept"),
        )),
    }
}

fn broken(why: &str) -> Fault {
    let error = Error::input(format!("the file did not arrive: {why}")).hint(format!("sheets end in .{}", SHEETS.join(", .")));
    Fault::new(StatusCode::UNPROCESSABLE_ENTITY, error)
}

fn too_large() -> Fault {
    let most = format::count(usize::try_from(MOST_BYTES >> 20).unwrap_or(usize::MAX));
    let error = Error::input(format!("the file is larger than {most} MiB; nothing was kept"))
        .hint("leave out columns that no model needs, or save it as Parquet");
    Fault::new(StatusCode::PAYLOAD_TOO_LARGE, error)
}
