//! What can be observed of a run.

use std::fmt::Write as _;
use std::sync::OnceLock;

use damson_generator::HostFn;

use crate::value::{Value, Values};

/// Calls to make on a module.
#[derive(Debug, Clone)]
pub struct Case {
    /// The binary module.
    pub wasm: Vec<u8>,
    /// The same program in a form that more engines translate well, if it is known.
    pub plain: Option<Vec<u8>>,
    /// Exported functions and arguments, in order.
    pub calls: Vec<(String, Vec<Value>)>,
}

impl Case {
    /// The case that a generated program is.
    #[must_use]
    pub fn of(program: &damson_generator::Program) -> Self {
        let calls = program
            .invocations()
            .iter()
            .map(|call| {
                let args = call.args.iter().copied().map(Value::from).collect();
                (format!("f{}", call.func), args)
            })
            .collect();
        Self {
            wasm: program.to_wasm(),
            plain: Some(program.to_plain_wasm()),
            calls,
        }
    }
}

/// The binary of the module that programs may import from.
#[must_use]
pub(crate) fn peer() -> &'static [u8] {
    static PEER: OnceLock<Vec<u8>> = OnceLock::new();
    PEER.get_or_init(|| wat::parse_str(damson_generator::PEER).expect("a valid text"))
}

/// Why a call, or the instantiation, did not end normally.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// A trap; the name is that of Damson's trap code.
    Trap(&'static str),
    /// The host function `fail` was called.
    HostFailed,
    /// Anything else: no engine should come to this.
    Other(String),
}

impl Stop {
    /// Metering ended the run.
    pub const OUT_OF_FUEL: Self = Self::Trap("OutOfFuel");
    /// The stack was too small, which differs between engines.
    pub const STACK_OVERFLOW: Self = Self::Trap("StackOverflow");
}

/// The results of a call, or why there are none.
pub type Ended = Result<Vec<Value>, Stop>;

/// A call of a host function.
pub type Logged = (HostFn, Vec<Value>);

/// What a host function finds in the store.
#[derive(Debug, Default)]
pub struct HostData {
    /// The calls until now.
    pub log: Vec<Logged>,
    /// How many calls back are active.
    pub nesting: u32,
}

/// What is left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// A global's value.
    Global(Value),
    /// A memory's bytes.
    Memory(Vec<u8>),
    /// Which of a table's elements are not null.
    Table(Vec<bool>),
}

/// Everything that can be observed of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The engine does not take the module.
    Refused(String),
    /// The engine took it.
    Ran {
        /// Instantiation, then each call.
        ended: Vec<Ended>,
        /// The calls of host functions.
        log: Vec<Logged>,
        /// The exports that are not functions, by name, in order.
        state: Vec<(String, State)>,
    },
}

/// Limit on the length of reports.
const MAX_LOG_LINES: usize = 200;

impl Outcome {
    /// Whether the run met the given end.
    #[must_use]
    pub fn met(&self, stop: &Stop) -> bool {
        match self {
            Self::Refused(_) => false,
            Self::Ran { ended, .. } => ended.iter().any(|end| end.as_ref().err() == Some(stop)),
        }
    }

    /// The outcome in words, one observation a line.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Refused(why) => vec![format!("refused: {why}")],
            Self::Ran { ended, log, state } => {
                let mut lines: Vec<_> = ended.iter().enumerate().map(end_line).collect();
                lines.extend(
                    log.iter()
                        .take(MAX_LOG_LINES)
                        .map(|(host, args)| format!("log {}({})", host.name(), Values(args))),
                );
                lines.push(format!("{} calls of the host", log.len()));
                lines.extend(state.iter().map(|(name, state)| state_line(name, state)));
                lines
            }
        }
    }

    /// The first observation in which two outcomes differ.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<String> {
        if self == other {
            return None;
        }
        let (ours, theirs) = (self.lines(), other.lines());
        let at = ours.iter().zip(&theirs).position(|(a, b)| a != b);
        let mut text = match at {
            Some(at) => format!("`{}` against `{}`", ours[at], theirs[at]),
            None => "the logs differ after their first lines, or in length".to_owned(),
        };
        if let (Self::Ran { state: ours, .. }, Self::Ran { state: theirs, .. }) = (self, other) {
            for ((_, ours), (name, theirs)) in ours.iter().zip(theirs) {
                if let (State::Memory(ours), State::Memory(theirs)) = (ours, theirs)
                    && let Some(at) = ours.iter().zip(theirs).position(|(a, b)| a != b)
                {
                    let (ours, theirs) = (ours[at], theirs[at]);
                    let _ = write!(
                        text,
                        "; {name} differs first at {at}: {ours} against {theirs}"
                    );
                }
            }
        }
        Some(text)
    }

    /// Whether this is how the other outcome begins: a run that was cut off by
    /// metering.
    #[must_use]
    pub fn is_cut_off_from(&self, whole: &Self) -> bool {
        let (
            Self::Ran { ended, log, .. },
            Self::Ran {
                ended: all,
                log: all_logged,
                ..
            },
        ) = (self, whole)
        else {
            return self == whole;
        };
        let until = ended.iter().position(|end| *end == Err(Stop::OUT_OF_FUEL));
        match until {
            None => self == whole,
            Some(until) => ended[..until] == all[..until] && all_logged.starts_with(log),
        }
    }

    /// A number that stands for the outcome.
    #[must_use]
    pub fn digest(&self) -> u64 {
        self.lines()
            .iter()
            .fold(FNV_START, |digest, line| fnv(digest, line.as_bytes()))
    }
}

pub(crate) const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;

pub(crate) fn fnv(start: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(start, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    })
}

fn end_line((index, ended): (usize, &Ended)) -> String {
    let what = match index {
        0 => "instantiation".to_owned(),
        _ => format!("call {index}"),
    };
    match ended {
        Ok(values) => format!("{what} = ({})", Values(values)),
        Err(Stop::Trap(code)) => format!("{what} trapped: {code}"),
        Err(Stop::HostFailed) => format!("{what} failed in the host"),
        Err(Stop::Other(message)) => format!("{what} went wrong: {message}"),
    }
}

fn state_line(name: &str, state: &State) -> String {
    match state {
        State::Global(value) => format!("{name} = {value}"),
        State::Memory(bytes) => {
            format!(
                "{name} = {} bytes, hash {:#x}",
                bytes.len(),
                fnv(FNV_START, bytes)
            )
        }
        State::Table(elements) => {
            let marks: String = elements
                .iter()
                .map(|some| if *some { 'x' } else { '-' })
                .collect();
            format!("{name} = [{marks}]")
        }
    }
}
