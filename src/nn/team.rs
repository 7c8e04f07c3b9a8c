//! Threads that work on one thing together and wait for each other between phases.
//!
//! What a member does must not depend on how many members there are: work is cut into parts of fixed size, each part is
//! done whole by one member, and results are combined in the order of the parts. That is what makes every result of this
//! room the same bits for any number of threads.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// So many looks at the barrier before the waiting thread offers its core to others.
const SPINS: usize = 4_000;

/// The barrier and the number of members.
struct Team {
    /// 0 until all threads have been started.
    size: AtomicUsize,
    arrived: AtomicUsize,
    generation: AtomicUsize,
    /// A member panicked: waiting for it would last for ever.
    broken: AtomicBool,
}

/// One thread of a team.
pub(super) struct Member<'a> {
    team: &'a Team,
    /// 0 for the thread that called [`run`].
    pub index: usize,
    /// Members in all.
    pub size: usize,
}

impl Member<'_> {
    /// Returns once every member has called it equally often.
    pub fn wait(&self) {
        if self.size == 1 {
            return;
        }
        let team = self.team;
        let generation = team.generation.load(Ordering::Acquire);
        if team.arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.size {
            team.arrived.store(0, Ordering::Relaxed);
            team.generation.store(generation.wrapping_add(1), Ordering::Release);
            return;
        }
        let mut looks = 0;
        while team.generation.load(Ordering::Acquire) == generation {
            assert!(!team.broken.load(Ordering::Relaxed), "another thread of the team failed");
            looks += 1;
            if looks < SPINS {
                std::hint::spin_loop();
            } else {
                std::thread::yield_now();
            }
        }
    }

    /// The parts, out of `parts`, that this member does.
    pub fn share(&self, parts: usize) -> std::iter::StepBy<std::ops::Range<usize>> {
        (self.index..parts).step_by(self.size)
    }
}

impl Drop for Member<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.team.broken.store(true, Ordering::Relaxed);
        }
    }
}

/// Runs `work` on up to `threads` threads, the calling one among them, and returns what each gave, by member index.
/// Where the system refuses a thread, the team is smaller, which changes nothing but the time.
pub(super) fn run<R: Send>(threads: usize, work: impl Fn(Member) -> R + Sync) -> Vec<R> {
    let team = Team {
        size: AtomicUsize::new(0),
        arrived: AtomicUsize::new(0),
        generation: AtomicUsize::new(0),
        broken: AtomicBool::new(false),
    };
    let (team, work) = (&team, &work);
    std::thread::scope(|scope| {
        let mut handles = Vec::new();
        for index in 1..threads.max(1) {
            let started = std::thread::Builder::new()
                .name(format!("recant-{index}"))
                .spawn_scoped(scope, move || {
                    let mut size = team.size.load(Ordering::Acquire);
                    while size == 0 {
                        std::thread::yield_now();
                        size = team.size.load(Ordering::Acquire);
                    }
                    work(Member { team, index, size })
                });
            match started {
                Ok(handle) => handles.push(handle),
                Err(_) => break,
            }
        }
        let size = handles.len() + 1;
        team.size.store(size, Ordering::Release);
        let mut results = vec![work(Member { team, index: 0, size })];
        for handle in handles {
            match handle.join() {
                Ok(result) => results.push(result),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        results
    })
}

/// Reads a lock whose holders never leave anything half-done behind.
pub(super) fn read<T: ?Sized>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

/// The same for writing.
pub(super) fn write<T: ?Sized>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_meet_at_every_barrier() {
        let counter = AtomicUsize::new(0);
        let seen = run(3, |member| {
            let mut seen = Vec::new();
            for round in 1..=200 {
                counter.fetch_add(1, Ordering::Relaxed);
                member.wait();
                seen.push(counter.load(Ordering::Relaxed) == 3 * round);
                member.wait();
            }
            seen
        });
        assert_eq!(seen.len(), 3);
        assert!(seen.iter().flatten().all(|all_were_there| *all_were_there));
    }

    #[test]
    fn shares_cover_every_part_once() {
        let parts = run(3, |member| member.share(10).collect::<Vec<_>>());
        let mut all: Vec<usize> = parts.concat();
        all.sort_unstable();
        assert_eq!(all, (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn a_panic_in_one_thread_ends_the_others_instead_of_hanging() {
        let result = std::panic::catch_unwind(|| {
            run(2, |member| {
                assert!(member.index != 1, "on purpose");
                member.wait();
            })
        });
        assert!(result.is_err());
    }
}
