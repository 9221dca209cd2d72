//! Programs as a strategy of `proptest`, which draws and shrinks them.

use proptest::strategy::{NewTree, Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::ast::Program;
use crate::rng::Rng;

/// The strategy that gives programs.
#[derive(Debug, Clone, Copy, Default)]
pub struct Programs;

impl Strategy for Programs {
    type Tree = ProgramTree;
    type Value = Program;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        let seed = proptest::num::u64::ANY.new_tree(runner)?.current();
        Ok(ProgramTree::new(Program::generate(Rng::new(seed).bits())))
    }
}

/// A program and its simplifications.
#[derive(Debug, Clone)]
pub struct ProgramTree {
    current: Program,
    /// What `current` is a simplification of, and its number.
    before: Option<(Program, usize)>,
    /// The next simplification to try.
    next: usize,
    /// Whether something became simpler since the first was tried.
    progress: bool,
}

impl ProgramTree {
    /// Begins with a program.
    #[must_use]
    pub const fn new(program: Program) -> Self {
        Self {
            current: program,
            before: None,
            next: 0,
            progress: false,
        }
    }
}

impl ValueTree for ProgramTree {
    type Value = Program;

    fn current(&self) -> Program {
        self.current.clone()
    }

    fn simplify(&mut self) -> bool {
        // The last simplification was a success: go on from there, at the same
        // place of the series.
        if self.before.take().is_some() {
            self.progress = true;
        }
        loop {
            if let Some((number, simpler)) = self.current.simplify(self.next) {
                let before = std::mem::replace(&mut self.current, simpler);
                self.before = Some((before, number));
                self.next = number;
                return true;
            }
            if !std::mem::take(&mut self.progress) {
                return false;
            }
            self.next = 0;
        }
    }

    fn complicate(&mut self) -> bool {
        let Some((before, number)) = self.before.take() else {
            return false;
        };
        self.current = before;
        self.next = number + 1;
        // `simplify` goes on from here; the value to judge is the old one.
        self.simplify()
    }
}
