//! The semantics of every scalar numeric instruction (WebAssembly core
//! specification, section 4.3, "Numerics"): the MVP, sign extension and
//! non-trapping float-to-int conversion.
//!
//! One function per instruction, named after it: `i32.trunc_sat_f64_u` is
//! [`i32_trunc_sat_f64_u`]. The executor's handlers inline them, the translator
//! folds constants with them, so the two cannot disagree.
//!
//! # Shapes
//!
//! - A value is an `i32`, `i64`, `f32` or `f64`. An instruction that reads an
//!   integer as unsigned casts inside.
//! - Tests and comparisons return `bool`; it is the caller who widens.
//! - The instructions that can trap (`div`, `rem`, `trunc`) return
//!   `Result<_, TrapCode>`. All others are total.
//!
//! # Invariants
//!
//! - **No calls.** Every function is inlined and, on 64-bit targets with
//!   hardware floats and feature `std`, compiles to straight instructions. A
//!   call inside a tail-calling handler would force it to spill the interpreter's
//!   registers. This is why the rounding functions are not those of the standard
//!   library, which call out on x86-64 without SSE4.1. Only `sqrt` without `std`
//!   is a call, to `libm`.
//! - **NaNs are exact where the specification is exact.** `abs`, `neg`,
//!   `copysign` and `reinterpret` change nothing but the sign bit. Every other
//!   float result that is a NaN is quiet (an *arithmetic NaN*), and canonical if
//!   all NaN operands were. Sign and payload beyond that are the processor's:
//!   the specification leaves them open.
//! - **The optimizer may not undo it.** LLVM takes signalling NaNs for quiet ones
//!   when it simplifies, and fused instructions give it pairs to simplify: it
//!   folds a promotion followed by a demotion to nothing. Where such a rewrite
//!   could let a signalling NaN through, the quiet bit is set on the bits.
//!
//! # Not done here
//!
//! Loads, stores, constants, SIMD, and the encoding of values in slots. NaNs are
//! not canonicalized beyond what the specification asks. Targets that compute
//! with excess precision (x87) are not supported: there Rust's own float
//! arithmetic is not IEEE 754.

mod convert;
mod float;
mod ieee;
mod int;
#[cfg(test)]
mod testing;

pub use convert::*;
pub use float::*;
pub use int::*;

use crate::trap::TrapCode;

/// Declares instructions: each row becomes a public, always inlined function.
macro_rules! instructions {
    ($(
        $(#[$meta:meta])+
        fn $name:ident($($operand:ident: $ty:ty),+) -> $result:ty $body:block
    )+) => {$(
        $(#[$meta])+
        #[inline(always)]
        pub fn $name($($operand: $ty),+) -> $result $body
    )+};
}
use instructions;

/// The cold exit of a trapping instruction. The hint keeps LLVM from computing
/// both results and selecting one: the trap has to be a branch.
#[inline(always)]
fn trap<T>(code: TrapCode) -> Result<T, TrapCode> {
    core::hint::cold_path();
    Err(code)
}

#[cfg(test)]
mod tests;
