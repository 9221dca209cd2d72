//! What a module's number stands for, and how a failing module becomes small.

use std::time::{Duration, Instant};

use damson_generator::{Program, ProgramTree};
use proptest::strategy::ValueTree;

use crate::outcome::Case;
use crate::sections::with_empty_body;
use crate::smith;

/// A module before it is one: three in four are our own.
#[derive(Debug, Clone)]
pub enum Source {
    /// Of our generator.
    Own(Box<Program>),
    /// Of `wasm-smith`, from these bytes.
    Smith(Vec<u8>),
}

impl Source {
    /// What the number stands for.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        if seed % 4 == 3 {
            Self::Smith(damson_generator::bytes(
                seed,
                1000 + (seed % 7) as usize * 600,
            ))
        } else {
            Self::Own(Box::new(Program::generate(seed)))
        }
    }

    /// The case, if there is one.
    #[must_use]
    pub fn case(&self) -> Option<Case> {
        match self {
            Self::Own(program) => Some(Case::of(program)),
            Self::Smith(bytes) => smith::case(bytes),
        }
    }

    /// The smallest case that still fails, as far as one is found in about this time.
    #[must_use]
    pub fn shrunk(self, limit: Duration, fails: impl Fn(&Case) -> bool) -> Option<Case> {
        let start = Instant::now();
        let goes_on = || start.elapsed() < limit;
        match self {
            Self::Own(program) => {
                let fails = |program: &Program| fails(&Case::of(program));
                Some(Case::of(&shrink(*program, goes_on, fails)))
            }
            Self::Smith(bytes) => {
                let fails_as_case = &fails;
                let fails = |bytes: &[u8]| smith::case(bytes).is_some_and(|case| fails(&case));
                let mut len = bytes.len();
                let mut step = len / 2;
                while step > 0 && goes_on() {
                    if step < len && fails(&bytes[..len - step]) {
                        len -= step;
                    } else {
                        step /= 2;
                    }
                }
                let case = smith::case(&bytes[..len])?;
                Some(reduced(case, goes_on, fails_as_case))
            }
        }
    }
}

/// Leaves calls and bodies of functions out as long as the case fails.
fn reduced(mut case: Case, goes_on: impl Fn() -> bool, fails: impl Fn(&Case) -> bool) -> Case {
    let mut at = 0;
    while at < case.calls.len() && goes_on() {
        let mut simpler = case.clone();
        simpler.calls.remove(at);
        if fails(&simpler) {
            case = simpler;
        } else {
            at += 1;
        }
    }
    let mut number = 0;
    while let Some(wasm) = with_empty_body(&case.wasm, number)
        && goes_on()
    {
        let simpler = Case {
            wasm,
            ..case.clone()
        };
        if fails(&simpler) {
            case = simpler;
        }
        number += 1;
    }
    case
}

/// Shrinks a program as long as it fails.
fn shrink(
    program: Program,
    goes_on: impl Fn() -> bool,
    fails: impl Fn(&Program) -> bool,
) -> Program {
    let mut smallest = program.clone();
    let mut tree = ProgramTree::new(program);
    let mut is_another = tree.simplify();
    while is_another && goes_on() {
        let current = tree.current();
        is_another = if fails(&current) {
            smallest = current;
            tree.simplify()
        } else {
            tree.complicate()
        };
    }
    smallest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both sorts shrink to something shorter that still has what was looked for.
    #[test]
    fn what_fails_shrinks() {
        let mut smith = 0;
        for seed in [4, 5, 7, 11, 15] {
            let source = Source::of(seed);
            let Some(whole) = source.case() else { continue };
            let fails = |case: &Case| !case.wasm.is_empty() && case.calls.len() > 1;
            if !fails(&whole) {
                continue;
            }
            let small = source
                .shrunk(Duration::from_secs(5), fails)
                .expect("a case");
            assert!(fails(&small));
            assert!(small.wasm.len() <= whole.wasm.len(), "seed {seed}");
            assert_eq!(small.calls.len(), 2, "seed {seed}");
            if let Source::Smith(_) = Source::of(seed) {
                let emptied = (0..).map_while(|at| with_empty_body(&small.wasm, at));
                assert!(emptied.into_iter().all(|wasm| wasm == small.wasm));
                smith += 1;
            }
        }
        assert!(smith > 0);
    }
}
