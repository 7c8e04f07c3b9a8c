//! Who may ask for what: this browser, from this app's own pages, and nobody else.
//!
//! | danger | answer |
//! |---|---|
//! | another machine | the app listens on the loopback address |
//! | another user of this machine | a cookie that only a one-time link gives; without it 403 |
//! | a name that an attacker points at 127.0.0.1 (DNS rebinding) | the `Host` must be the app's own |
//! | a page elsewhere that posts forms here | `Origin` and `Sec-Fetch-Site` must be the app's own, `SameSite=Strict`, a token in every form |
//! | markup in a sheet that becomes a script | a Content-Security-Policy without inline script or style; everything escaped |
//! | a page elsewhere that shows ours in a frame | no frames |

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use rand::TryRngCore;

use super::{App, Told, pages};
use crate::error::{Error, Result};
use crate::files::hex;

/// What a browser may do with the app's own pages.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
                      frame-src 'self'; frame-ancestors 'none'; base-uri 'none'";

/// What a browser may do with a report, which may come from anywhere: its own inline styles, no script, no form, no link to the rest.
pub(super) const REPORT_POLICY: &str =
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

/// Path of the link that opens the app.
pub(super) const OPEN: &str = "/open";

/// What says nothing of the folder: how the page looks on which a person reads that the door is closed.
const WITHOUT_COOKIE: &[&str] = &["/app.css", "/icon.svg"];

/// Longest link that is looked at.
const LONGEST_TOKEN: usize = 200;

/// The secrets of one run of the app.
pub(super) struct Keys {
    port: u16,
    /// Value of the cookie.
    session: String,
    /// Token of every form.
    form: String,
    /// Token of the next link; each is good for one use.
    link: Mutex<String>,
}

impl Keys {
    pub fn new(port: u16) -> Result<Self> {
        Ok(Self {
            port,
            session: secret()?,
            form: secret()?,
            link: Mutex::new(secret()?),
        })
    }

    /// The link that opens the app.
    pub fn link(&self, address: &str) -> String {
        let link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        format!("{}{OPEN}?token={}", address.trim_end_matches('/'), *link)
    }

    /// The token of forms.
    pub fn form(&self) -> &str {
        &self.form
    }

    /// Whether a form's token is right.
    pub fn is_form(&self, given: &str) -> bool {
        same(given, &self.form)
    }

    /// Cookies are shared by all ports of a machine, so the name has the port.
    fn cookie_name(&self) -> String {
        format!("recant-{}", self.port)
    }

    fn cookie(&self) -> String {
        format!("{}={}; Path=/; HttpOnly; SameSite=Strict", self.cookie_name(), self.session)
    }

    fn has_cookie(&self, headers: &HeaderMap) -> bool {
        let name = self.cookie_name();
        let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
        cookies
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .any(|(key, value)| key == name && same(value, &self.session))
    }

    /// Takes a link's token; it is good once.
    fn spend(&self, given: &str) -> Result<bool> {
        let mut link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        if given.len() > LONGEST_TOKEN || !same(given, &link) {
            return Ok(false);
        }
        *link = secret()?;
        Ok(true)
    }
}

/// 256 random bits.
fn secret() -> Result<String> {
    let mut bytes = [0_u8; 32];
    rand::rngs::OsRng
        .try_fill_bytes(&mut bytes)
        .map_err(|error| Error::internal(format!("the system gives no random numbers: {error}")))?;
    Ok(hex(&bytes))
}

/// Whether two texts are equal, in a time that does not tell where they differ.
fn same(given: &str, secret: &str) -> bool {
    let (given, secret) = (given.as_bytes(), secret.as_bytes());
    given.len() == secret.len() && given.iter().zip(secret).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    Host,
    Elsewhere,
    Method,
    ReadOnly,
    NoCookie,
}

impl Refusal {
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Host => ("This is not the address of the app", "Open the address that the terminal shows."),
            Self::Elsewhere => (
                "This request comes from another page",
                "Only the app's own pages may ask for this. Open the address that the terminal shows.",
            ),
            Self::Method => ("The app knows no such request", "It answers GET and POST."),
            Self::ReadOnly => (
                "The app runs with --read-only",
                "Nothing can be changed. Stop it and start it without --read-only to work in this folder.",
            ),
            Self::NoCookie => (
                "This browser has not opened the app",
                "Open the link that the terminal shows; each link opens the app in one browser.",
            ),
        }
    }
}

/// Lets a request through, or refuses it; puts the safety headers on every answer.
pub(super) async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let refused = refusal(&app, &request);
    let opening = request.uri().path() == OPEN && refused.is_none_or(|refusal| refusal == Refusal::NoCookie);
    let mut answer = match refused {
        _ if opening => open(&app, &request),
        Some(refusal) => refuse(refusal, from_elsewhere(request.headers())),
        None => next.run(request).await,
    };
    for (name, value) in HEADERS {
        let (name, value) = (HeaderName::from_static(name), HeaderValue::from_static(value));
        answer.headers_mut().entry(name).or_insert(value);
    }
    answer
}

/// Headers of every answer that does not set its own.
const HEADERS: &[(&str, &str)] = &[
    ("content-security-policy", POLICY),
    ("x-frame-options", "SAMEORIGIN"),
    ("x-content-type-options", "nosniff"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    // Not `no-referrer`: browsers would then send `Origin: null` with the app's own forms.
    ("referrer-policy", "same-origin"),
    ("permissions-policy", "camera=(), microphone=(), geolocation=()"),
    ("cache-control", "no-store"),
];

fn refusal(app: &App, request: &Request) -> Option<Refusal> {
    let headers = request.headers();
    let own = [format!("127.0.0.1:{}", app.keys.port), format!("localhost:{}", app.keys.port)];
    let mut hosts = headers.get_all(header::HOST).into_iter();
    let host = match (hosts.next().and_then(|host| host.to_str().ok()), hosts.next()) {
        (Some(host), None) if own.iter().any(|own| own == host) => host,
        _ => return Some(Refusal::Host),
    };
    if request.uri().authority().is_some_and(|authority| authority.as_str() != host) {
        return Some(Refusal::Host);
    }
    if ![Method::GET, Method::HEAD, Method::POST].contains(request.method()) {
        return Some(Refusal::Method);
    }
    let origin = format!("http://{host}");
    if headers.get_all(header::ORIGIN).into_iter().any(|given| given != origin.as_str()) {
        return Some(Refusal::Elsewhere);
    }
    let navigates = headers.get("sec-fetch-mode").is_some_and(|mode| mode == "navigate")
        && headers.get("sec-fetch-dest").is_none_or(|dest| dest == "document");
    if from_elsewhere(headers) && !(navigates && request.method() == Method::GET) {
        return Some(Refusal::Elsewhere);
    }
    if !app.keys.has_cookie(headers) && !WITHOUT_COOKIE.contains(&request.uri().path()) {
        return Some(Refusal::NoCookie);
    }
    (app.read_only && request.method() == Method::POST).then_some(Refusal::ReadOnly)
}

/// Whether the browser says that a page elsewhere made it ask.
fn from_elsewhere(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site");
    site.is_some_and(|site| site != "same-origin" && site != "none")
}

fn refuse(refusal: Refusal, elsewhere: bool) -> Response {
    let (title, advice) = refusal.words();
    let status = match refusal {
        Refusal::Method => StatusCode::METHOD_NOT_ALLOWED,
        _ => StatusCode::FORBIDDEN,
    };
    // A link in a mail brings no cookie along; one of our own does.
    let way_in = refusal == Refusal::NoCookie && elsewhere;
    (status, html(pages::bare(title, advice, way_in.then_some("/"), None))).into_response()
}

/// Exchanges a link's token for the cookie. The page that follows is asked for by a page of the app, so that the cookie goes with it: it
/// would not after a redirect from a page elsewhere.
fn open(app: &App, request: &Request) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let token = query.split('&').find_map(|pair| pair.strip_prefix("token=")).unwrap_or_default();
    let known = app.keys.has_cookie(request.headers());
    if request.method() != Method::GET {
        return refuse(Refusal::Method, false);
    }
    match app.keys.spend(token) {
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.message().to_owned()).into_response(),
        Ok(false) if known => html(pages::bare("Recant", "Opening your folder.", Some("/"), Some("/"))),
        Ok(false) => refuse(Refusal::NoCookie, false),
        Ok(true) => {
            app.opener.lock().unwrap_or_else(PoisonError::into_inner).take();
            (app.tell)(&Told::AnotherLink(&app.keys.link(&app.address)));
            let mut answer = html(pages::bare("Recant", "Opening your folder.", Some("/"), Some("/")));
            if let Ok(cookie) = HeaderValue::from_str(&app.keys.cookie()) {
                answer.headers_mut().insert(header::SET_COOKIE, cookie);
            }
            answer
        }
    }
}

/// A page as an answer.
pub(super) fn html(page: String) -> Response {
    let mut answer = Response::new(Body::from(page));
    answer
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_good_once_and_secrets_differ() {
        let keys = Keys::new(80).unwrap();
        let link = keys.link("http://127.0.0.1:80/");
        let token = link.strip_prefix("http://127.0.0.1:80/open?token=").unwrap().to_owned();
        assert!(token.len() == 64 && token != keys.form && keys.form != keys.session);
        assert!(!keys.spend("").unwrap() && !keys.spend(&token[1..]).unwrap());
        assert!(keys.spend(&token).unwrap() && !keys.spend(&token).unwrap());
        assert!(keys.is_form(keys.form()) && !keys.is_form("") && !keys.is_form(&token));
    }
}
