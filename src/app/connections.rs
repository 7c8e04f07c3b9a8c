//! Connections: a bounded number, none of which may be slow for ever.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::sync::Semaphore;

use crate::error::{Error, Result};

/// Connections at the same time; more wait in the system's queue.
const MOST: usize = 400;

/// Time for the head of a request.
const HEAD: Duration = Duration::from_secs(15);

/// Time for a whole connection: nobody holds a place for ever by reading slowly.
const WHOLE: Duration = Duration::from_secs(30 * 60);

/// Requests that are worked on at the same time; more wait.
const WORKERS: usize = 8;

/// How often the wish to stop is looked at.
const LOOK: Duration = Duration::from_millis(150);

/// Answers requests until `stop` is raised.
pub(super) fn serve(listener: TcpListener, router: Router, stop: &Arc<AtomicBool>) -> Result<()> {
    let fault = |error: std::io::Error| Error::internal(format!("the server cannot run: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(WORKERS)
        .enable_all()
        .build()
        .map_err(fault)?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).map_err(fault)?;
        let places = Arc::new(Semaphore::new(MOST));
        while !stop.load(Ordering::Relaxed) {
            let Ok(place) = tokio::time::timeout(LOOK, Arc::clone(&places).acquire_owned()).await else {
                continue;
            };
            let place = place.map_err(|_| Error::internal("the places for connections are gone"))?;
            // A connection that ends before it begins, or a moment without file handles, is no reason to stop.
            let Ok(Ok((stream, _))) = tokio::time::timeout(LOOK, listener.accept()).await else {
                continue;
            };
            let router = router.clone();
            tokio::spawn(async move {
                let connection = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(HEAD)
                    .max_buf_size(128 << 10)
                    .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
                let _ = tokio::time::timeout(WHOLE, connection).await;
                drop(place);
            });
        }
        Ok(())
    })?;
    // What still runs (a job that was told to stop) ends by itself; the process does not wait for slow clients.
    runtime.shutdown_timeout(Duration::from_secs(2));
    Ok(())
}
