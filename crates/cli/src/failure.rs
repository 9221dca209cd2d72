//! How a command can fail, and which exit code tells it.
//!
//! | Code | Meaning |
//! |---|---|
//! | the guest's | it ended with `proc_exit` |
//! | 1 | anything that is not below |
//! | 2 | the command line makes no sense (also what `clap` uses) |
//! | 65 | the module is malformed, invalid, or cannot be linked (`EX_DATAERR` of BSD) |
//! | 134 | the guest trapped, or a limit ended it or refused what it begins with; a native program that aborts gives the same |
//! | 141 | nobody reads the output any more; as if SIGPIPE had ended the program |

use std::fmt;
use std::io;
use std::time::Duration;

use damson::errors::{ErrorKind, GrowError, InstantiationError, MemoryError, TableError};
use damson::{Error, WasmBacktrace};

use crate::output::{self, plain, plain_lines, styled};

/// Exit code for a module that cannot be used.
const INVALID: u8 = 65;

/// Exit code for a trap: 128 + the number of SIGABRT.
const TRAP: u8 = 134;

/// Exit code for output that nobody reads: 128 + the number of SIGPIPE.
const CLOSED: u8 = 141;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The guest ended with this code, which is not 0.
    Exit {
        code: u8,
        /// What may have to do with it.
        notes: Vec<String>,
    },
    /// The guest trapped.
    Trap {
        message: String,
        backtrace: Option<WasmBacktrace>,
        notes: Vec<String>,
    },
    /// The arguments do not fit the module.
    Usage(String),
    /// The module cannot be used.
    Invalid(String),
    /// Nobody reads the output any more; nobody wants to hear about it.
    Closed,
    /// Anything else.
    Other {
        message: String,
        backtrace: Option<WasmBacktrace>,
    },
}

impl Failure {
    /// Something that has no kind of its own.
    pub(crate) fn other(message: impl Into<String>) -> Self {
        Self::Other {
            message: message.into(),
            backtrace: None,
        }
    }

    /// The guest took too long.
    pub(crate) fn timeout(message: String, timeout: Duration) -> Self {
        Self::Trap {
            message,
            backtrace: None,
            notes: vec![timeout_note(timeout)],
        }
    }

    /// The same failure, and what else went wrong.
    pub(crate) fn with_note(self, other: Self) -> Self {
        let note = match other {
            Self::Trap { message, .. }
            | Self::Usage(message)
            | Self::Invalid(message)
            | Self::Other { message, .. } => message,
            Self::Exit { .. } | Self::Closed => return self,
        };
        match self {
            Self::Exit { code, mut notes } => {
                notes.push(note);
                Self::Exit { code, notes }
            }
            Self::Trap {
                message,
                backtrace,
                mut notes,
            } => {
                notes.push(note);
                Self::Trap {
                    message,
                    backtrace,
                    notes,
                }
            }
            Self::Usage(message) => Self::Usage(format!("{message}\nnote: {note}")),
            Self::Invalid(message) => Self::Invalid(format!("{message}\nnote: {note}")),
            Self::Other { message, backtrace } => Self::Other {
                message: format!("{message}\nnote: {note}"),
                backtrace,
            },
            Self::Closed => Self::Closed,
        }
    }

    /// The exit code of this process.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Exit { code, .. } => *code,
            Self::Trap { .. } => TRAP,
            Self::Usage(_) => 2,
            Self::Invalid(_) => INVALID,
            Self::Closed => CLOSED,
            Self::Other { .. } => 1,
        }
    }

    /// What an error on standard output comes to.
    pub(crate) fn of_output(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::other(format!("standard output: {error}")),
        }
    }

    /// What an error of the interpreter while `what` was made or running comes to; a
    /// guest that ended with code 0 has not failed.
    pub(crate) fn of_guest(what: &str, error: &Error, notes: Vec<String>) -> Result<(), Self> {
        if let Some(status) = error.i32_exit_status() {
            return match u8::try_from(status) {
                Ok(0) => Ok(()),
                Ok(code) => Err(Self::Exit { code, notes }),
                // The system would keep the low byte, which may say success.
                Err(_) => Err(Self::other(format!(
                    "{what}: ended with exit code {status}, which is not between 0 and 255"
                ))),
            };
        }
        let mut message = format!("{what}: {}", plain(&error.to_string()));
        let backtrace = error.wasm_backtrace().cloned();
        let refused = refused_at_first(error);
        let limit = matches!(
            refused,
            Some(GrowError::Denied { .. } | GrowError::DeniedWithTrap { .. })
        );
        if error.as_trap_code().is_none() && !limit {
            for note in &notes {
                message += &format!("\nnote: {note}");
            }
        }
        Err(match error.kind() {
            _ if limit => Self::Trap {
                message,
                backtrace,
                notes,
            },
            // It is the host that has too little.
            _ if matches!(
                refused,
                Some(GrowError::Storage(_) | GrowError::StorageWithTrap(_))
            ) =>
            {
                Self::Other { message, backtrace }
            }
            ErrorKind::TrapCode(_) => Self::Trap {
                message,
                backtrace,
                notes,
            },
            ErrorKind::Wasm(_) | ErrorKind::Linker(_) | ErrorKind::Instantiation(_) => {
                Self::Invalid(message)
            }
            _ => Self::Other { message, backtrace },
        })
    }
}

/// Why a memory or a table of the module could not be made at the size it begins with.
fn refused_at_first(error: &Error) -> Option<&GrowError> {
    match error.kind() {
        ErrorKind::Instantiation(
            InstantiationError::Memory {
                source: MemoryError::Allocation { source, .. },
                ..
            }
            | InstantiationError::Table {
                source: TableError::Allocation { source, .. },
                ..
            },
        ) => Some(source),
        _ => None,
    }
}

/// What to say of the time that a guest had.
pub(crate) fn timeout_note(timeout: Duration) -> String {
    let time = humantime::format_duration(timeout);
    format!("the time limit is {time}; `--timeout` raises it")
}

/// What to print, with nothing in it that acts on a terminal; a guest that chose its exit code has said it all.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (message, backtrace, notes) = match self {
            Self::Closed => return Ok(()),
            Self::Exit { notes, .. } => (None, None, &notes[..]),
            Self::Trap {
                message,
                backtrace,
                notes,
            } => (Some(message), backtrace.as_ref(), &notes[..]),
            Self::Usage(message) | Self::Invalid(message) => (Some(message), None, &[][..]),
            Self::Other { message, backtrace } => (Some(message), backtrace.as_ref(), &[][..]),
        };
        if let Some(message) = message {
            let message = plain_lines(message);
            writeln!(f, "{} {message}", styled(output::ERROR, "error:"))?;
        }
        if let Some(backtrace) = backtrace {
            writeln!(f, "{backtrace}")?;
        }
        for note in notes {
            let note = plain_lines(note);
            writeln!(f, "{} {note}", styled(output::NOTE, "note:"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use damson::TrapCode;

    #[test]
    fn exit_codes_that_a_process_cannot_have_are_failures() {
        let outcome = |status| Failure::of_guest("x", &Error::i32_exit(status), vec![]);
        assert!(outcome(0).is_ok());
        for (status, code) in [(1, 1), (134, 134), (255, 255), (256, 1), (-1, 1)] {
            assert_eq!(outcome(status).unwrap_err().exit_code(), code, "{status}");
        }
        assert_eq!(outcome(255).unwrap_err().to_string(), "");
        assert!(outcome(256).unwrap_err().to_string().contains("256"));
    }

    #[test]
    fn notes_follow_the_message() {
        let notes = vec!["raise it".to_owned()];
        let failure = Failure::of_guest("x", &Error::from(TrapCode::OutOfFuel), notes);
        let failure = failure.unwrap_err();
        assert_eq!(failure.exit_code(), 134);
        let text = anstream::adapter::strip_str(&failure.to_string()).to_string();
        assert_eq!(
            text,
            "error: x: all fuel consumed by WebAssembly\nnote: raise it\n"
        );
    }
}
