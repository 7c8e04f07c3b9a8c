//! The whole job in the browser, served by this machine to this machine.
//!
//! Pages are made on the server and work without a script. They compute nothing: every action is a command of the terminal, and each
//! page shows which. What keeps other people and other pages out is in `gate`; what keeps requests within the folder is in `folder`.

mod browser;
mod connections;
mod folder;
mod gate;
mod line;
mod lock;
mod made;
mod pages;
mod queue;
mod reading;
mod requests;
mod routes;
mod sheets;
mod store;
mod upload;
mod work;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Error, ErrorKind, Result};
use crate::seed::Seed;
use folder::Folder;
use gate::Keys;
use queue::Queue;
use sheets::Sheets;
use store::Store;

/// What the person says of the app.
pub struct AppOptions<'a> {
    /// Folder to work in.
    pub folder: &'a Path,
    /// Port of the loopback address; the system chooses one where absent.
    pub port: Option<u16>,
    /// Whether nothing may be changed.
    pub read_only: bool,
    /// Whether to open the page in a browser.
    pub browser: bool,
    /// Seed of all random choices.
    pub seed: Seed,
    /// Cores to use.
    pub threads: usize,
}

/// What the person is told.
pub enum Told<'a> {
    /// The app runs: its address, and the link that opens it, once.
    Open {
        /// Address without a secret.
        address: &'a str,
        /// Link that opens the app in one browser.
        link: &'a str,
    },
    /// The link was used; this is another one.
    AnotherLink(&'a str),
    /// No browser could be started.
    NoBrowser(String),
}

/// Tells the person something while the app runs.
pub type Tell = dyn Fn(&Told<'_>) + Send + Sync;

/// What every request has at hand.
struct App {
    folder: Folder,
    keys: Keys,
    /// Absent where nothing may be changed.
    store: Option<Store>,
    queue: Queue,
    sheets: Sheets,
    seed: Seed,
    threads: usize,
    read_only: bool,
    address: String,
    tell: Box<Tell>,
    summaries: pages::Summaries,
    looked: made::Looked,
    /// The file that leads the browser here, until it has.
    opener: Mutex<Option<browser::Opener>>,
}

impl App {
    /// What outlives the app.
    fn store(&self) -> Result<&Store> {
        let missing = || Error::input("the app runs with `--read-only`, so nothing is kept");
        self.store.as_ref().ok_or_else(missing)
    }
}

/// Serves the folder until `stop` is raised.
///
/// # Errors
/// Where the folder cannot be used, another app serves it already, or the port is taken.
pub fn serve(options: &AppOptions, stop: &Arc<AtomicBool>, tell: Box<Tell>) -> Result<()> {
    let folder = Folder::open(options.folder)?.enter()?;
    let listener = listen(options.port)?;
    let port = listener.local_addr().map_err(|error| cannot_listen(options.port, &error))?.port();
    let address = format!("http://127.0.0.1:{port}/");
    // Held until the end; a second app on this folder is told the address.
    let lock = (!options.read_only).then(|| lock::take(&folder, &address)).transpose()?;
    let store = (!options.read_only).then(|| Store::open(&folder)).transpose()?;
    if let Some(store) = &store {
        store.break_off()?;
    }
    let app = Arc::new(App {
        folder,
        keys: Keys::new(port)?,
        store,
        queue: Queue::default(),
        sheets: Sheets::default(),
        seed: options.seed,
        threads: options.threads,
        read_only: options.read_only,
        address,
        tell,
        summaries: pages::Summaries::default(),
        looked: made::Looked::default(),
        opener: Mutex::new(None),
    });
    let link = app.keys.link(&app.address);
    (app.tell)(&Told::Open {
        address: &app.address,
        link: &link,
    });
    if options.browser {
        match browser::open(&app.folder, &link) {
            Ok(opener) => *app.opener.lock().unwrap_or_else(PoisonError::into_inner) = Some(opener),
            Err(error) => (app.tell)(&Told::NoBrowser(error.message().to_owned())),
        }
    }
    let worker = queue::start(&app);
    let served = connections::serve(listener, routes::router(&app), stop);
    app.opener.lock().unwrap_or_else(PoisonError::into_inner).take();
    // The piece of work that runs is stopped at its next safe point; what it has half written is not left behind.
    app.queue.end();
    let ended = worker.join();
    drop((ended, lock));
    served
}

/// Listens on the loopback address: no other machine can connect.
fn listen(port: Option<u16>) -> Result<TcpListener> {
    let place = SocketAddr::from((Ipv4Addr::LOCALHOST, port.unwrap_or(0)));
    let listener = TcpListener::bind(place).and_then(|listener| listener.set_nonblocking(true).map(|()| listener));
    listener.map_err(|error| cannot_listen(port, &error))
}

fn cannot_listen(port: Option<u16>, error: &std::io::Error) -> Error {
    let what = port.map_or_else(|| "a port".to_owned(), |port| format!("port {port}"));
    Error::new(ErrorKind::Io, format!("cannot listen on {what} of 127.0.0.1: {error}"))
        .hint("leave out `--port` to have a free one chosen, or name another")
}
