//! `damson run --profile`: where a guest spends its work, by function.
//!
//! The guest runs in slices of fuel. At the end of each, the call is suspended, its chain of
//! active functions is noted with the slice as its weight, and the call goes on. Fuel is
//! charged before the code that it is for, in the very function, so a sample names the
//! function that did the work. It counts the basic instructions that run, not time: the same
//! program has the same profile at every run, and what the host does costs nothing. With
//! `--fuel` it counts what the limit counts, which is what branches skip as well. Without `--profile`
//! nothing is metered, and there is nothing of this in the code.
//!
//! Slices begin small, so that short programs have a profile, and grow with what has run;
//! their lengths vary, so as not to fall into step with a loop. What is left at the end counts
//! for the function that was called, so that the weights add up to the fuel that was used, but
//! for a slice.
//!
//! A guest that `--timeout` ends while it waits in a host function leaves no profile: nobody
//! can look at it, because its own thread is in that function.
//!
//! In a build with the feature `count` a profile in text form also has the pairs of bytecode
//! instructions. Every handler runs the next one itself, so nobody is there to count them in
//! other builds, and a second copy of 16,000 handlers that do would cost everybody something.

#[cfg(feature = "count")]
mod pairs;
mod report;

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::path::PathBuf;

use damson::{Error, FrameInfo, Func, Module, ResumableCall, Store, Val, WasmBacktrace};

use crate::failure::Failure;
use crate::names::Names;
use crate::output::plain;

/// A slice is this part of the work so far.
const SLICES: u64 = 1000;
/// The shortest slice, but for its variation.
const SHORTEST: u64 = 64;
/// The longest.
const LONGEST: u64 = 1 << 20;

/// What tables end with where nobody counts.
#[cfg(not(feature = "count"))]
const NO_PAIRS: &str = "\nFor pairs of bytecode instructions build with: --features count\n";

/// What the file holds, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A flame graph.
    Svg,
    /// Tables for people.
    Text,
    /// A line for each stack, which other tools read.
    Folded,
}

/// Where a profile goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) path: PathBuf,
    pub(crate) form: Form,
}

impl Target {
    /// Reads a path, which says by its ending what is to be written.
    pub(crate) fn parse(text: &OsStr) -> Result<Self, String> {
        let path = PathBuf::from(text);
        let form = match path.extension().and_then(|ending| ending.to_str()) {
            Some("svg") => Form::Svg,
            Some("txt") => Form::Text,
            Some("folded") => Form::Folded,
            _ => {
                return Err(
                    "expected a file that ends in .svg (a flame graph), .txt (tables) or \
                     .folded (stacks for other tools)"
                        .to_owned(),
                );
            }
        };
        Ok(Self { path, form })
    }

    /// Finds out whether the file can be written, before anything runs for it. What it
    /// holds stays until there is something else to write.
    pub(crate) fn create(&self) -> Result<(), Failure> {
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(false);
        let opened = options.open(&self.path);
        opened.map(drop).map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &impl fmt::Display) -> Failure {
        Failure::other(format!(
            "the profile cannot be written to {}: {error}",
            self.path.display()
        ))
    }
}

/// What a profile counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// Basic instructions that ran.
    Instruction,
    /// What `--fuel` limits.
    Fuel,
}

impl Unit {
    /// What to write behind a number of them. A flame graph takes off what stands in its last
    /// parentheses, so there are none in it.
    fn text(self) -> &'static str {
        match self {
            Self::Instruction => "instructions executed",
            Self::Fuel => "units of fuel, skipped code included",
        }
    }

    /// Where that comes from, if it was chosen.
    fn reason(self) -> &'static str {
        match self {
            Self::Instruction => "",
            Self::Fuel => " (--fuel)",
        }
    }
}

/// Why a sampled call ended early.
pub(crate) enum Stop {
    /// As any other call.
    Error(Error),
    /// The fuel is used up; where that was.
    OutOfFuel(WasmBacktrace),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// A guest that is being sampled.
#[derive(Debug, Default)]
pub(crate) struct Profiler {
    work: Work,
    /// How much was given to the guest altogether, which the next slice depends on.
    given: u64,
    variation: Variation,
    /// What `--fuel` allows and was not given to the guest yet.
    reserve: Option<u64>,
}

impl Profiler {
    /// A profiler of a guest that has so much fuel, if that is limited.
    pub(crate) fn new(fuel: Option<u64>) -> Self {
        #[cfg(feature = "count")]
        pairs::start();
        Self {
            reserve: fuel,
            ..Self::default()
        }
    }

    /// Learns the names of functions that have none but those of their exports.
    pub(crate) fn name(&mut self, module: &Module) {
        let names = Names::new(module);
        let of_others: HashSet<&str> = module
            .defined_funcs()
            .filter_map(|index| module.func_name(index))
            .collect();
        for index in module.defined_funcs() {
            if let (None, Some(name)) = (module.func_name(index), names.get(index))
                && !of_others.contains(name)
            {
                let number = self.work.number(&plain(name));
                self.work.by_index.insert(index, number);
            }
        }
    }

    /// The fuel for instantiation: all there is.
    pub(crate) fn all(&self) -> u64 {
        self.reserve.unwrap_or(u64::MAX)
    }

    /// Notes what instantiation has used: one frame for the start function and all it calls,
    /// because instantiation is not suspended.
    pub(crate) fn instantiated<T: 'static>(&mut self, store: &Store<T>) -> Result<(), Error> {
        let used = self.all() - store.get_fuel()?;
        self.reserve = self.reserve.map(|reserve| reserve - used);
        let start = self.work.number("(start function)");
        self.work.note(vec![start], used);
        Ok(())
    }

    /// Calls the function that is exported as `name`, and samples it.
    pub(crate) fn call<T: 'static>(
        &mut self,
        store: &mut Store<T>,
        name: &str,
        func: Func,
        args: &[Val],
        results: &mut [Val],
    ) -> Result<(), Stop> {
        // What was used while no function was active: it is the function's that is called,
        // whose name in backtraces is not known yet.
        let mut unplaced = 0;
        let mut root = None;
        // The first slice is empty, to learn that name.
        let mut slice = 0;
        store.set_fuel(slice)?;
        let mut call = func.call_resumable(&mut *store, args, &mut *results);
        let outcome = loop {
            match call {
                Ok(ResumableCall::Finished) => break Ok(()),
                Ok(ResumableCall::HostTrap(trap)) => break Err(trap.into_host_error().into()),
                Err(error) => break Err(error.into()),
                Ok(ResumableCall::OutOfFuel(waiting)) => {
                    let backtrace = waiting.wasm_backtrace(&*store)?;
                    let stack = self.work.stack(&backtrace);
                    match stack.first() {
                        None => unplaced += slice,
                        Some(first) => {
                            root = root.or(Some(*first));
                            self.work.note(stack, slice);
                        }
                    }
                    slice = self.slice();
                    if slice == 0 {
                        break Err(Stop::OutOfFuel(backtrace));
                    }
                    let left = store.get_fuel()?;
                    store.set_fuel(left.saturating_add(slice))?;
                    call = waiting.resume(&mut *store, &mut *results);
                }
            }
        };
        let unused = store.get_fuel()?;
        self.reserve = self.reserve.map(|reserve| reserve.saturating_add(unused));
        let root = root.unwrap_or_else(|| self.work.number(name));
        let rest = slice.saturating_sub(unused);
        self.work.note(vec![root], unplaced + rest);
        outcome
    }

    /// The next slice; 0 if there is no more fuel.
    fn slice(&mut self) -> u64 {
        let length = (self.given / SLICES).clamp(SHORTEST, LONGEST);
        let slice = length / 2 + self.variation.below(length);
        let slice = self.reserve.map_or(slice, |reserve| reserve.min(slice));
        self.reserve = self.reserve.map(|reserve| reserve - slice);
        self.given += slice;
        slice
    }

    fn unit(&self) -> Unit {
        match self.reserve {
            None => Unit::Instruction,
            Some(_) => Unit::Fuel,
        }
    }

    /// Writes what was found.
    pub(crate) fn write(&self, target: &Target, title: &str) -> Result<(), Failure> {
        let content = match target.form {
            Form::Svg => report::flame_graph(&self.work, self.unit(), title)?,
            Form::Folded => report::folded(&self.work).into_bytes(),
            Form::Text => {
                #[cfg(feature = "count")]
                let pairs = pairs::table();
                #[cfg(not(feature = "count"))]
                let pairs = NO_PAIRS.to_owned();
                (report::tables(&self.work, self.unit()) + &pairs).into_bytes()
            }
        };
        fs::write(&target.path, content).map_err(|error| target.failed(&error))
    }
}

/// How much work was done in which functions.
#[derive(Debug, Default)]
struct Work {
    /// Chains of functions, outermost first, by their numbers in `names`.
    stacks: HashMap<Vec<usize>, u64>,
    names: Vec<String>,
    by_name: HashMap<String, usize>,
    /// Numbers by index in the module.
    by_index: HashMap<u32, usize>,
}

impl Work {
    /// The number of a function; of the same name is the same function.
    fn number(&mut self, name: &str) -> usize {
        if let Some(number) = self.by_name.get(name) {
            return *number;
        }
        self.names.push(name.to_owned());
        self.by_name.insert(name.to_owned(), self.names.len() - 1);
        self.names.len() - 1
    }

    /// The active functions, outermost first.
    fn stack(&mut self, backtrace: &WasmBacktrace) -> Vec<usize> {
        let frames = backtrace.frames().iter().rev();
        let number = |frame: &FrameInfo| match self.by_index.get(&frame.func_index()) {
            Some(number) => *number,
            None => {
                let number = self.number(&frame.display_name().to_string());
                self.by_index.insert(frame.func_index(), number);
                number
            }
        };
        frames.map(number).collect()
    }

    fn note(&mut self, stack: Vec<usize>, units: u64) {
        if units > 0 {
            *self.stacks.entry(stack).or_default() += units;
        }
    }

    fn total(&self) -> u64 {
        self.stacks.values().sum()
    }
}

/// Numbers without a pattern that a loop could have, the same at every run (xorshift).
#[derive(Debug)]
struct Variation(u64);

impl Default for Variation {
    fn default() -> Self {
        Self(0x9E37_79B9_7F4A_7C15)
    }
}

impl Variation {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_by_its_ending_what_it_gets() {
        for (path, form) in [
            ("a.svg", Form::Svg),
            ("dir.x/a.txt", Form::Text),
            ("a.b.folded", Form::Folded),
        ] {
            assert_eq!(Target::parse(path.as_ref()).unwrap().form, form, "{path}");
        }
        for wrong in ["", "svg", ".svg", "a.png", "a", "a.svg/"] {
            let parsed = Target::parse(wrong.as_ref());
            assert!(parsed.is_err() || wrong == "a.svg/", "{wrong}: {parsed:?}");
        }
    }

    #[test]
    fn slices_grow_vary_and_add_up_to_the_fuel() {
        let mut unlimited = Profiler::new(None);
        let slices: Vec<u64> = (0..20_000).map(|_| unlimited.slice()).collect();
        assert!(slices.iter().all(|slice| *slice >= SHORTEST / 2));
        assert!(slices[19_000] > 100 * slices[0]);
        assert!(slices[..100].iter().any(|slice| *slice != slices[0]));

        let mut limited = Profiler::new(Some(10_000));
        let sum: u64 = (0..1000).map(|_| limited.slice()).sum();
        assert_eq!((sum, limited.slice()), (10_000, 0));
    }
}
