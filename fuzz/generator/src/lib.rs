//! Well-typed WebAssembly modules that are hard on translators.
//!
//! A translator that keeps the operand stack symbolic goes wrong where values stay
//! pending while something else happens: a local is overwritten, memory is
//! written, a branch is taken, a call needs the same slots. General generators
//! seldom produce that. The programs made here consist of little else; see
//! [`ast`] for the one rule that brings it about.
//!
//! # Invariants
//!
//! - Every module is valid, and uses only what every supported engine accepts.
//! - Every call ends: loops that may repeat and functions that may recurse count
//!   down a global, see [`FUEL`]. Who wants programs that need not end leaves that
//!   out ([`Program::to_endless_wasm`]).
//! - What a program does is determined: the bits of a NaN never reach memory or an
//!   integer, growth has small limits, and recursion is shallow enough for every
//!   engine's stack.
//! - A program is a function of its seed.
//!
//! Deliberately absent: what only one engine supports, threads, and invalid modules;
//! those are the business of the byte-driven targets.

pub mod ast;
mod build;
#[cfg(test)]
mod census;
mod emit;
pub mod host;
mod memory_ops;
mod numeric;
mod rng;
mod shrink;
mod strategy;
#[cfg(test)]
mod tiles;

pub use ast::{Const, Invocation, Program, Ty};
pub use emit::FUEL;
pub use host::{Effect, HostFn, PEER};
pub use rng::bytes;
pub use strategy::{ProgramTree, Programs};

#[cfg(test)]
mod tests {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::{Config, TestRunner};

    use super::*;
    use crate::ast::Op;

    fn assert_valid(program: &Program, of: &str) {
        let forms = [
            program.to_wasm(),
            program.to_plain_wasm(),
            program.to_endless_wasm(),
        ];
        for wasm in forms {
            if let Err(error) = wasmparser::Validator::new().validate_all(&wasm) {
                let text = wasmprinter::print_bytes(&wasm).unwrap_or_default();
                panic!("{of}: {error}\n{text}");
            }
        }
    }

    #[test]
    fn every_program_is_valid() {
        for seed in 0..2000 {
            assert_valid(&Program::generate(seed), &format!("seed {seed}"));
        }
    }

    #[test]
    fn a_seed_gives_one_program() {
        assert_eq!(Program::generate(7), Program::generate(7));
        assert_ne!(Program::generate(7), Program::generate(8));
    }

    #[test]
    fn every_simplification_is_valid() {
        let runner = &mut TestRunner::new(Config {
            cases: 8,
            ..Config::default()
        });
        let result = runner.run(&Programs, |program| {
            let mut number = 0;
            while let Some((at, simpler)) = program.simplify(number) {
                assert_valid(&simpler, &format!("simplification {at}"));
                number = at + 1;
            }
            Ok(())
        });
        result.expect("all are valid");
    }

    /// Shrinks to what grows the memory, and nothing else.
    #[test]
    fn shrinking_leaves_what_matters() {
        let grows = |program: &Program| {
            program.invocations().iter().any(|call| {
                let body = &program.funcs[call.func].body;
                body.iter()
                    .any(|node| node.any(&mut |node| matches!(node.op, Op::MemoryGrow(_))))
            })
        };
        let mut shrunk = 0;
        for program in (0..40).map(Program::generate).filter(grows) {
            let mut tree = ProgramTree::new(program);
            let mut goes_on = tree.simplify();
            while goes_on {
                goes_on = if grows(&tree.current()) {
                    tree.simplify()
                } else {
                    tree.complicate()
                };
            }
            let program = tree.current();
            assert!(grows(&program));
            assert_eq!(program.invocations().len(), 1);
            let func = &program.funcs[program.invocations()[0].func];
            let body = &func.body;
            let mut nodes = 0;
            for node in body {
                node.any(&mut |_| {
                    nodes += 1;
                    false
                });
            }
            // Its results are constants by then.
            let most = func.sig.results.len() + 10;
            assert!(nodes <= most, "{nodes} nodes: {body:#?}");
            shrunk += 1;
        }
        assert!(shrunk > 5, "{shrunk}");
    }
}
