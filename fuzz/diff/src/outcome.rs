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

    /// The same without anything that makes loops and recursion end.
    #[must_use]
    pub fn of_endless(program: &damson_generator::Program) -> Self {
        Self {
            wasm: program.to_endless_wasm(),
            plain: None,
            ..Self::of(program)
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
    /// A table's elements.
    Table(Vec<Element>),
}

/// An element of a table, as far as every engine can tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Element {
    /// The null reference.
    Null,
    /// The function with this export of the instance, the first by name.
    Export(String),
    /// Anything else.
    Other,
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

    /// The outcome in words, one observation a line; a long log is cut.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.lines_with_log(MAX_LOG_LINES)
    }

    fn lines_with_log(&self, most: usize) -> Vec<String> {
        match self {
            Self::Refused(why) => vec![format!("refused: {why}")],
            Self::Ran { ended, log, state } => {
                let mut lines: Vec<_> = ended.iter().enumerate().map(end_line).collect();
                lines.extend(
                    log.iter()
                        .take(most)
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

    /// A number that stands for the outcome, the whole log included.
    #[must_use]
    pub fn digest(&self) -> u64 {
        self.lines_with_log(usize::MAX)
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
            let marks: Vec<_> = elements
                .iter()
                .map(|element| match element {
                    Element::Null => "-",
                    Element::Export(name) => name,
                    Element::Other => "x",
                })
                .collect();
            format!("{name} = [{}]", marks.join(" "))
        }
    }
}

#[cfg(test)]
mod tests {
    use damson_generator::Const;

    use super::*;

    fn ran(calls: usize, table: Vec<Element>) -> Outcome {
        let nop = HostFn::all().next().expect("there are host functions");
        let mut log = vec![(nop, Vec::new()); calls];
        if let Some((_, last)) = log.last_mut() {
            last.push(Const::I32(calls as i32).into());
        }
        let state = vec![("t0".to_owned(), State::Table(table))];
        Outcome::Ran {
            ended: vec![Ok(Vec::new())],
            log,
            state,
        }
    }

    /// Also where what differs is beyond what a report shows.
    #[test]
    fn a_digest_is_of_everything() {
        let long = MAX_LOG_LINES + 5;
        let one = ran(long, vec![Element::Null]);
        assert_eq!(one.digest(), ran(long, vec![Element::Null]).digest());
        let mut other = one.clone();
        let Outcome::Ran { log, .. } = &mut other else {
            unreachable!("it ran")
        };
        log[long - 1].1 = vec![Const::I32(7).into()];
        assert_eq!(one.lines(), other.lines());
        assert_ne!(one.digest(), other.digest());
        assert!(one.difference(&other).is_some());
    }

    #[test]
    fn tables_differ_in_which_function_they_hold() {
        let holds = |name: &str| ran(0, vec![Element::Export(name.to_owned()), Element::Other]);
        let what = holds("f0").difference(&holds("f1")).expect("they differ");
        assert_eq!(what, "`t0 = [f0 x]` against `t0 = [f1 x]`");
        assert_ne!(holds("f0").digest(), holds("f1").digest());
    }
}
