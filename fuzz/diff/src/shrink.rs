//! From a case that fails to the smallest that does.

use std::time::{Duration, Instant};

use damson_generator::{Program, ProgramTree};
use proptest::strategy::ValueTree;

use crate::check::{Verdict, check};
use crate::outcome::Case;

/// Shrinks a program as long as it fails, but not much longer than `limit`.
#[must_use]
pub fn shrink(program: Program, limit: Duration) -> Program {
    let start = Instant::now();
    let fails = |program: &Program| matches!(check(&Case::of(program)), Verdict::Failed { .. });
    let mut smallest = program.clone();
    let mut tree = ProgramTree::new(program);
    let mut goes_on = tree.simplify();
    while goes_on && start.elapsed() < limit {
        let current = tree.current();
        goes_on = if fails(&current) {
            smallest = current;
            tree.simplify()
        } else {
            tree.complicate()
        };
    }
    smallest
}
