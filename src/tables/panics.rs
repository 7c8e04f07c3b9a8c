//! Parsers of other people's formats may panic on bytes nobody foresaw. Here such a panic becomes an `Err`, without a trace on the screen.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

thread_local! {
    static QUIET_HERE: Cell<usize> = const { Cell::new(0) };
}
/// How many guards are open in the process; polars runs on threads of its own, named after it, which see only this.
static OPEN_GUARDS: AtomicUsize = AtomicUsize::new(0);
static HOOK: Once = Once::new();

struct Guard;

impl Guard {
    fn new() -> Self {
        HOOK.call_once(|| {
            let earlier = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                let here = QUIET_HERE.with(|quiet| quiet.get() > 0);
                let worker = || std::thread::current().name().is_some_and(|name| name.starts_with("polars"));
                if !(here || (OPEN_GUARDS.load(Ordering::Relaxed) > 0 && worker())) {
                    earlier(info);
                }
            }));
        });
        QUIET_HERE.with(|quiet| quiet.set(quiet.get() + 1));
        OPEN_GUARDS.fetch_add(1, Ordering::Relaxed);
        Self
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        OPEN_GUARDS.fetch_sub(1, Ordering::Relaxed);
        QUIET_HERE.with(|quiet| quiet.set(quiet.get().saturating_sub(1)));
    }
}

/// Runs `work`; a panic inside it comes back as its message. Values `work` was changing are lost with it, so nothing half-made is seen.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let _guard = Guard::new();
    panic::catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
        payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "the parser gave up".to_owned())
    })
}

/// As [`caught`], on a thread of its own with room for the recursion that deeply nested contents cause. Only what is used of the room takes memory.
pub(crate) fn caught_on_own_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, String> {
    const STACK: usize = 256 << 20;
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || caught(work));
        match thread.map(|thread| thread.join()) {
            Ok(Ok(done)) => done,
            Ok(Err(_)) | Err(_) => Err("the parser gave up".to_owned()),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_message() {
        assert_eq!(caught(|| 3), Ok(3));
        let failed: Result<(), String> = caught(|| panic!("index {} out of bounds", 7));
        assert_eq!(failed, Err("index 7 out of bounds".to_owned()));
    }
}
