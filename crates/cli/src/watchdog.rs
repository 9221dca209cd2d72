//! The thread behind `--timeout`.
//!
//! When the time is up, it raises the engine's epoch, so that running code stops with a trap
//! that knows where it was. A guest that waits in a host function for what never comes cannot
//! be reached like that, and neither can the translation before it runs; then the thread ends
//! the process, as for a trap. It tells the cases apart by a hook at the border between Wasm
//! and the host. Without `--timeout` there is no thread, no hook, and no check in the code.

use std::io::Write;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use damson::{CallHook, Engine, Store};

use crate::failure::Failure;

/// How long what cannot be interrupted may go on after the end of the time: a host function
/// that does not wait comes back sooner, to code that traps.
const GRACE: Duration = Duration::from_millis(50);

/// Someone who is being watched; dropping it ends that.
pub(crate) struct Watchdog {
    shared: Arc<Shared>,
    _alive: Sender<()>,
}

/// What the thread and the guest's own know of each other.
#[derive(Default)]
struct Shared {
    epoch: Mutex<Raise>,
    position: AtomicU64,
}

/// Whose epoch is to be raised, and whether it was.
#[derive(Default)]
struct Raise {
    engine: Option<Engine>,
    raised: bool,
}

/// Where control is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// No guest has run yet.
    Before,
    /// In Wasm, which looks at the epoch sooner or later.
    Wasm,
    /// In a host function.
    Host,
    /// The guest has returned.
    After,
}

impl Place {
    const ALL: [Self; 4] = [Self::Before, Self::Wasm, Self::Host, Self::After];

    /// The next position, which is here: no two in a row are the same.
    fn after(self, position: u64) -> u64 {
        (position / 4 + 1) * 4 + self as u64
    }

    fn of(position: u64) -> Self {
        Self::ALL[(position % 4) as usize]
    }

    /// Whether it can take any time without an epoch being noticed.
    fn is_deaf(self) -> bool {
        matches!(self, Self::Before | Self::Host)
    }
}

impl Watchdog {
    /// Stops what is `guard`ed after `timeout`.
    pub(crate) fn new(what: String, timeout: Duration) -> Self {
        let (alive, ended) = mpsc::channel::<()>();
        let shared = Arc::<Shared>::default();
        let watched = Arc::clone(&shared);
        thread::spawn(move || {
            let mut patience = timeout;
            let mut last = None;
            while ended.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
                if last.is_none() {
                    watched.raise();
                    patience = GRACE;
                }
                let position = watched.position.load(Ordering::Relaxed);
                if last == Some(position) && Place::of(position).is_deaf() {
                    give_up(&what, Place::of(position), timeout);
                }
                last = Some(position);
            }
        });
        Self {
            shared,
            _alive: alive,
        }
    }

    /// Lets what runs in `store` stop at the end of the time. The engine must have epochs.
    pub(crate) fn guard<T: 'static>(&self, engine: &Engine, store: &mut Store<T>) {
        store.set_epoch_deadline(1);
        self.shared.follow(engine);
        let shared = Arc::clone(&self.shared);
        store.call_hook(move |_, hook| {
            let place = match hook {
                CallHook::CallingWasm | CallHook::ReturningFromHost => Place::Wasm,
                CallHook::CallingHost => Place::Host,
                CallHook::ReturningFromWasm => Place::After,
            };
            // Only the guest's thread writes.
            let position = shared.position.load(Ordering::Relaxed);
            let position = place.after(position);
            shared.position.store(position, Ordering::Relaxed);
            Ok(())
        });
    }
}

impl Shared {
    /// The end of the time.
    fn raise(&self) {
        let mut raise = self.epoch.lock().unwrap_or_else(PoisonError::into_inner);
        raise.raised = true;
        if let Some(engine) = &raise.engine {
            engine.increment_epoch();
        }
    }

    /// From now on `engine` is the one whose epoch is raised; at once, if it is too late.
    fn follow(&self, engine: &Engine) {
        let mut raise = self.epoch.lock().unwrap_or_else(PoisonError::into_inner);
        if raise.raised {
            engine.increment_epoch();
        }
        raise.engine = Some(engine.clone());
    }
}

/// Ends the process.
fn give_up(what: &str, place: Place, timeout: Duration) {
    let failure = Failure::timeout(
        match place {
            Place::Host => format!("{what}: interrupted while it waited in a host function"),
            _ => format!("{what}: interrupted before it ran"),
        },
        timeout,
    );
    let code = failure.exit_code();
    complain(move || {
        // Without a place to complain there is still the exit code.
        let _ = write!(anstream::stderr(), "{failure}");
    });
    process::exit(code.into());
}

/// Says something, unless nobody listens: a pipe that is not read is full at some time, and
/// then the guest may hold the stream for ever, in the very function that it waits in.
fn complain(say: impl FnOnce() + Send + 'static) {
    let (said, done) = mpsc::channel::<()>();
    thread::spawn(move || {
        say();
        drop(said);
    });
    let _ = done.recv_timeout(GRACE);
}

#[cfg(test)]
mod tests {
    use super::*;
    use damson::{Config, Linker, Module};

    #[test]
    fn positions_tell_the_place_and_never_repeat() {
        let mut position = 0;
        assert_eq!(Place::of(position), Place::Before);
        for place in [
            Place::Wasm,
            Place::Host,
            Place::Wasm,
            Place::Wasm,
            Place::After,
        ] {
            let next = place.after(position);
            assert!(next > position);
            assert_eq!(Place::of(next), place);
            position = next;
        }
    }

    /// Whether a function runs in a store whose deadline is the next epoch.
    fn runs(engine: &Engine, guard: impl FnOnce(&mut Store<()>)) -> bool {
        let binary = wat::parse_str("(module (func (export \"f\")))").unwrap();
        let module = Module::new(engine, &binary).unwrap();
        let mut store = Store::new(engine, ());
        guard(&mut store);
        let linker = Linker::new(engine);
        let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
        let func = instance.get_typed_func::<(), ()>(&store, "f").unwrap();
        func.call(&mut store, ()).is_ok()
    }

    #[test]
    fn guests_stop_whether_the_time_ends_before_or_after_they_are_guarded() {
        let mut config = Config::default();
        config.epoch_interruption(true);
        let hour = Duration::from_secs(3600);
        let guard = |raise_first: bool, raise_then: bool| {
            let engine = Engine::new(&config);
            let watchdog = Watchdog::new(String::new(), hour);
            if raise_first {
                watchdog.shared.raise();
            }
            runs(&engine, |store| {
                watchdog.guard(&engine, store);
                if raise_then {
                    watchdog.shared.raise();
                }
            })
        };
        assert!(guard(false, false));
        assert!(!guard(true, false));
        assert!(!guard(false, true));
    }
}
