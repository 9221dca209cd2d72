//! The thread behind `--timeout`.
//!
//! It ends the process: a guest can wait in a host function for what never comes, where
//! nothing could interrupt it.

use std::io::Write;
use std::process;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use crate::failure::Failure;

/// A guest that is being watched; dropping it ends that.
pub(crate) struct Watchdog {
    _alive: Sender<()>,
}

impl Watchdog {
    /// Ends the process after `timeout`, as for a trap of `what`.
    pub(crate) fn new(what: String, timeout: Duration) -> Self {
        let (alive, ended) = mpsc::channel::<()>();
        thread::spawn(move || {
            if ended.recv_timeout(timeout) == Err(RecvTimeoutError::Timeout) {
                let failure = Failure::timeout(&what, timeout);
                // Without a place to complain there is still the exit code.
                let _ = write!(anstream::stderr(), "{failure}");
                process::exit(failure.exit_code().into());
            }
        });
        Self { _alive: alive }
    }
}
