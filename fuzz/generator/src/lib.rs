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
//!   down a global, see [`FUEL`].
//! - What a program does is determined: the bits of a NaN never reach memory or an
//!   integer, growth has small limits, and recursion is shallow enough for every
//!   engine's stack.
//! - A program is a function of its seed.
//!
//! Deliberately absent: what only one engine supports, threads, several memories,
//! and invalid modules; those are the business of the byte-driven targets.

pub mod ast;
mod build;
mod emit;
pub mod host;
mod memory_ops;
mod numeric;
mod rng;

pub use ast::{Const, Invocation, Program, Ty};
pub use emit::FUEL;
pub use host::{Effect, HostFn};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_is_valid() {
        for seed in 0..2000 {
            let wasm = Program::generate(seed).to_wasm();
            if let Err(error) = wasmparser::Validator::new().validate_all(&wasm) {
                let text = wasmprinter::print_bytes(&wasm).unwrap_or_default();
                panic!("seed {seed}: {error}\n{text}");
            }
        }
    }

    #[test]
    fn a_seed_gives_one_program() {
        assert_eq!(Program::generate(7), Program::generate(7));
        assert_ne!(Program::generate(7), Program::generate(8));
    }
}
