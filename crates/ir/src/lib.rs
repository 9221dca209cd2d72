//! The bytecode of Damson.
//!
//! This crate knows what instructions look like, not how they run and not where they come
//! from. One [table](instruction_table) declares every instruction; from it are derived
//!
//! - operations and opcodes ([`Op`], [`Opcode`]),
//! - the encoder ([`encode`]) and decoder ([`Instr::decode`]),
//! - the disassembler (`Display` of [`Function`]),
//! - the [verifier](Function::verify),
//! - in `damson-executor`, the handler table.
//!
//! # Frames
//!
//! A function's frame is a row of 8-byte cells, its *slots*:
//!
//! ```text
//! 0..params | .. up to link | link, link + 1              | locals and temporaries
//!           results here    | return ip, caller's base    | .. frame_cells
//! ```
//!
//! where `link = max(params, results)`. A call's frame begins in the caller's frame at the
//! slot of the first argument, so arguments are never copied; the results replace them.
//!
//! # Accumulators
//!
//! There is one for integers and references, one for `f32` and one for `f64`. An instruction
//! that produces a value writes the accumulator of its type; its destination says whether
//! a slot receives the value too. After a call of a function with exactly one result the
//! accumulator of its type holds that result. At the target of a branch and after any other
//! call, the accumulators are unknown.
//!
//! # Encoding
//!
//! An instruction is a whole number of 8-byte cells: the opcode in the first cell, then the
//! operands packed in their order. The executor replaces the opcode by an address, so the
//! positions of instructions do not change when code is prepared for running.
#![no_std]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod builder;
mod code;
mod disasm;
mod lookup;
mod op;
mod operand;
mod sequences;
mod table;
mod tiles;
mod verify;

/// Whether this build has the common tiles only: with the feature `compact`, and without
/// optimisation.
pub const IS_COMPACT: bool = cfg!(damson_compact);

pub use builder::{BuildError, FunctionBuilder};
pub use code::{
    DecodeError, EncodeError, Function, Instr, InstrRef, MAX_CELLS, Operands, encode,
    map_defined_func, map_targets,
};
pub use op::*;
pub use operand::{Kind, Label, Operand, Slot, Target};
pub use verify::{ModuleVerifier, Verified, VerifyError, VerifyErrorKind};
