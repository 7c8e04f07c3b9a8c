//! From a request to plain values, and from an answer to a response. Handlers are plain functions that may take their time: they run
//! apart from the connections, a bounded number at a time.

use std::fs::File;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Form;
use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Query, RawPathParams, Request, State};
use axum::http::header::{self, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};

use super::{App, gate, pages};
use crate::error::{Error, ErrorKind};

/// Name of the field that carries a form's token.
pub(super) const TOKEN: &str = "token";

/// Time for the fields of a form.
const FORM: Duration = Duration::from_secs(20);

/// What was asked for.
#[derive(Default)]
pub(super) struct Asked {
    /// The id in the path; empty where there is none.
    pub id: String,
    query: Vec<(String, String)>,
    fields: Vec<(String, String)>,
}

impl Asked {
    /// A value of the query; absent where empty.
    pub fn query(&self, name: &str) -> Option<&str> {
        find(&self.query, name)
    }

    /// All values of a name in the query.
    pub fn queries<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        all(&self.query, name)
    }

    /// A field of the form; absent where empty.
    pub fn field(&self, name: &str) -> Option<&str> {
        find(&self.fields, name)
    }

    /// All values of a field.
    pub fn fields<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        all(&self.fields, name)
    }
}

fn all<'a>(pairs: &'a [(String, String)], name: &'a str) -> impl Iterator<Item = &'a str> {
    pairs.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// A text as part of an address.
pub(super) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

fn find<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let value = pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.trim());
    value.filter(|value| !value.is_empty())
}

/// What is answered.
pub(super) enum Answer {
    /// A page of the app.
    Page(String),
    /// A report, which is not ours to trust.
    Report(PathBuf),
    /// Go there.
    See(String),
    /// A file to keep, under a name.
    File(PathBuf, String),
    /// A text of our own to keep, under a name.
    Text(String, String),
}

/// Why there is no answer.
pub(super) struct Fault {
    status: StatusCode,
    error: Error,
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let status = match error.kind() {
            ErrorKind::Input => StatusCode::UNPROCESSABLE_ENTITY,
            ErrorKind::Io | ErrorKind::Interrupted => StatusCode::CONFLICT,
            ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self { status, error }
    }
}

impl Fault {
    /// With a status of its own.
    pub fn new(status: StatusCode, error: Error) -> Self {
        Self { status, error }
    }

    /// Nothing of this name is there.
    pub fn missing(what: &str) -> Self {
        let error =
            Error::input(format!("there is no such {what} in the folder")).hint("it may have been moved or deleted: go back to the start");
        Self::new(StatusCode::NOT_FOUND, error)
    }

    pub fn respond(&self, app: &App) -> Response {
        (self.status, gate::html(pages::fault(app, &self.error))).into_response()
    }
}

/// A handler of the app.
pub(super) type Handler = fn(&App, &Asked) -> Result<Answer, Fault>;

type Answering = Pin<Box<dyn Future<Output = Response> + Send>>;

/// A handler that looks.
pub(super) fn view(handler: Handler) -> impl Fn(State<Arc<App>>, Request) -> Answering + Clone + Send + Sync + 'static {
    move |State(app): State<Arc<App>>, request: Request| {
        Box::pin(async move {
            match parts(request).await {
                Ok((asked, _)) => run(app, asked, handler).await,
                Err(fault) => fault.respond(&app),
            }
        })
    }
}

/// A handler that changes something: only for a form of the app.
pub(super) fn act(handler: Handler) -> impl Fn(State<Arc<App>>, Request) -> Answering + Clone + Send + Sync + 'static {
    move |State(app): State<Arc<App>>, request: Request| {
        Box::pin(async move {
            let outcome = match parts(request).await {
                Ok((mut asked, request)) => fields(&app, request).await.map(|fields| {
                    asked.fields = fields;
                    asked
                }),
                Err(fault) => Err(fault),
            };
            match outcome {
                Ok(asked) => run(app, asked, handler).await,
                Err(fault) => fault.respond(&app),
            }
        })
    }
}

async fn parts(request: Request) -> Result<(Asked, Request), Fault> {
    let unreadable = || Fault::new(StatusCode::BAD_REQUEST, Error::input("the address cannot be read"));
    let (mut head, body) = request.into_parts();
    let names = RawPathParams::from_request_parts(&mut head, &()).await.map_err(|_| unreadable())?;
    let id = names.iter().next().map(|(_, value)| value.to_owned()).unwrap_or_default();
    let query = Query::<Vec<(String, String)>>::from_request_parts(&mut head, &()).await;
    let Query(query) = query.map_err(|_| unreadable())?;
    let asked = Asked {
        id,
        query,
        ..Asked::default()
    };
    Ok((asked, Request::from_parts(head, body)))
}

async fn fields(app: &App, request: Request) -> Result<Vec<(String, String)>, Fault> {
    if request.method() != Method::POST {
        return Err(Fault::new(StatusCode::METHOD_NOT_ALLOWED, Error::input("this is done by a form")));
    }
    let read = tokio::time::timeout(FORM, Form::<Vec<(String, String)>>::from_request(request, &())).await;
    let Form(fields) = match read {
        Ok(Ok(form)) => form,
        Ok(Err(rejection)) => return Err(Fault::new(rejection.status(), Error::input("the form cannot be read"))),
        Err(_) => {
            return Err(Fault::new(
                StatusCode::REQUEST_TIMEOUT,
                Error::input("the form did not arrive in time"),
            ));
        }
    };
    match find(&fields, TOKEN) {
        Some(token) if app.keys.is_form(token) => Ok(fields),
        _ => Err(no_token()),
    }
}

/// The form is not one of this run of the app.
pub(super) fn no_token() -> Fault {
    let error =
        Error::input("this form is not one of the running app").hint("the app was started again since: reload the page and send it again");
    Fault::new(StatusCode::FORBIDDEN, error)
}

/// Runs a handler apart from the connections. A fault of ours ends the request, not the app.
pub(super) async fn run(app: Arc<App>, asked: Asked, handler: Handler) -> Response {
    let worker = Arc::clone(&app);
    let done = tokio::task::spawn_blocking(move || handler(&worker, &asked)).await;
    match done {
        Ok(Ok(answer)) => respond(&app, answer),
        Ok(Err(fault)) => fault.respond(&app),
        Err(_) => Fault::from(Error::internal("Recant ran into a fault of its own")).respond(&app),
    }
}

fn respond(app: &App, answer: Answer) -> Response {
    let outcome = match answer {
        Answer::Page(page) => Ok(gate::html(page)),
        Answer::See(place) => Ok(see(&place)),
        Answer::Report(path) => open(&path).map(|(body, length)| {
            let mut response = with_length(typed(body, "text/html; charset=utf-8"), length);
            let policy = HeaderValue::from_static(gate::REPORT_POLICY);
            response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
            response
        }),
        Answer::File(path, name) => {
            open(&path).map(|(body, length)| attached(with_length(typed(body, "application/octet-stream"), length), &name))
        }
        Answer::Text(text, name) => Ok(attached(typed(Body::from(text), "application/octet-stream"), &name)),
    };
    outcome.unwrap_or_else(|fault| fault.respond(app))
}

/// Goes to another page of the app.
pub(super) fn see(place: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    if let Ok(place) = HeaderValue::from_str(place) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    response
}

pub(super) fn typed(body: Body, kind: &'static str) -> Response {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// A file piece by piece, and its length; links are not followed.
fn open(path: &Path) -> Result<(Body, u64), Fault> {
    if !super::folder::is_plain(path) {
        return Err(Fault::missing("file"));
    }
    let file = File::open(path).map_err(|error| Error::io("read", path, &error))?;
    let length = file.metadata().map_err(|error| Error::io("read", path, &error))?.len();
    Ok((Body::new(Pieces::new(file, length)), length))
}

fn with_length(mut response: Response, length: u64) -> Response {
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    response
}

/// To be kept under a name, which every browser reads the same way.
fn attached(mut response: Response, name: &str) -> Response {
    let plain: String = name
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() || "-_.() ".contains(letter) {
                letter
            } else {
                '_'
            }
        })
        .collect();
    let value = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{}", encoded(name));
    if let Ok(value) = HeaderValue::from_str(&value) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
    response
}

/// The bytes of a file, read as they are sent.
struct Pieces {
    file: tokio::fs::File,
    left: u64,
    buffer: Vec<u8>,
}

impl Pieces {
    fn new(file: File, length: u64) -> Self {
        Self {
            file: tokio::fs::File::from_std(file),
            left: length,
            buffer: vec![0; 128 << 10],
        }
    }
}

impl hyper::body::Body for Pieces {
    type Data = axum::body::Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Self::Data>, Self::Error>>> {
        use std::task::Poll;
        let Self { file, left, buffer } = &mut *self;
        if *left == 0 {
            return Poll::Ready(None);
        }
        let most = usize::try_from(*left).unwrap_or(usize::MAX).min(buffer.len());
        let mut space = tokio::io::ReadBuf::new(&mut buffer[..most]);
        match tokio::io::AsyncRead::poll_read(Pin::new(file), context, &mut space) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(error)) => Poll::Ready(Some(Err(error))),
            Poll::Ready(Ok(())) if space.filled().is_empty() => Poll::Ready(Some(Err(std::io::Error::new(
                std::io::ErrorKind::UnexpectedEof,
                "the file became shorter",
            )))),
            Poll::Ready(Ok(())) => {
                let piece = axum::body::Bytes::copy_from_slice(space.filled());
                *left -= piece.len() as u64;
                Poll::Ready(Some(Ok(hyper::body::Frame::data(piece))))
            }
        }
    }
}
