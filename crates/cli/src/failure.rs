//! How a command can fail, and which exit code tells it.
//!
//! | Code | Meaning |
//! |---|---|
//! | the guest's | it ended with `proc_exit` |
//! | 1 | the module cannot be read, is invalid, cannot be linked, or anything else |
//! | 2 | the command line makes no sense (also what `clap` uses) |
//! | 134 | the guest trapped; a native program that aborts gives the same |
//! | 141 | nobody reads the output any more; as if SIGPIPE had ended the program |

use std::io;

use damson::{Error, TrapCode};

/// Exit code for a trap: 128 + the number of SIGABRT.
const TRAP: u8 = 134;

/// Exit code for output that nobody reads: 128 + the number of SIGPIPE.
const CLOSED: u8 = 141;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The guest ended with this code, which is not 0.
    Exit(u8),
    /// The guest trapped.
    Trap(String),
    /// The arguments do not fit the module.
    Usage(String),
    /// Nobody reads the output any more; nobody wants to hear about it.
    Closed,
    /// Anything else.
    Other(String),
}

impl Failure {
    /// What to print; a guest that chose its exit code has said it all.
    pub(crate) fn message(&self) -> Option<&str> {
        match self {
            Self::Exit(_) | Self::Closed => None,
            Self::Trap(message) | Self::Usage(message) | Self::Other(message) => Some(message),
        }
    }

    /// The exit code of this process.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Exit(code) => *code,
            Self::Trap(_) => TRAP,
            Self::Usage(_) => 2,
            Self::Closed => CLOSED,
            Self::Other(_) => 1,
        }
    }

    /// What an error on standard output comes to.
    pub(crate) fn of_output(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Other(format!("standard output: {error}")),
        }
    }

    /// What an error of the interpreter while `what` was running comes to; a
    /// guest that ended with code 0 has not failed.
    pub(crate) fn of_guest(what: &str, error: &Error, fuel: Option<u64>) -> Result<(), Self> {
        if let Some(status) = error.i32_exit_status() {
            return match u8::try_from(status) {
                Ok(0) => Ok(()),
                Ok(code) => Err(Self::Exit(code)),
                // The system would keep the low byte, which may say success.
                Err(_) => Err(Self::Other(format!(
                    "{what}: ended with exit code {status}, which is not between 0 and 255"
                ))),
            };
        }
        let mut message = format!("{what}: {error}");
        let Some(code) = error.as_trap_code() else {
            return Err(Self::Other(message));
        };
        if let (TrapCode::OutOfFuel, Some(fuel)) = (code, fuel) {
            message += &format!("\nnote: it had {fuel} units; `--fuel` gives more");
        }
        if code == TrapCode::StackOverflow {
            message += "\nnote: `--max-stack` allows more";
        }
        Err(Self::Trap(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_that_a_process_cannot_have_are_failures() {
        let outcome = |status| Failure::of_guest("x", &Error::i32_exit(status), None);
        assert!(outcome(0).is_ok());
        for (status, code) in [(1, 1), (134, 134), (255, 255), (256, 1), (-1, 1)] {
            assert_eq!(outcome(status).unwrap_err().exit_code(), code, "{status}");
        }
        assert!(outcome(255).unwrap_err().message().is_none());
        assert!(outcome(256).unwrap_err().message().unwrap().contains("256"));
    }

    #[test]
    fn only_running_out_of_the_given_fuel_explains_fuel() {
        let note = |code, fuel| {
            let failure = Failure::of_guest("x", &Error::from(code), fuel).unwrap_err();
            assert_eq!(failure.exit_code(), 134);
            failure.message().unwrap().contains("--fuel")
        };
        assert!(note(TrapCode::OutOfFuel, Some(5)));
        assert!(!note(TrapCode::IntegerOverflow, Some(5)));
    }
}
