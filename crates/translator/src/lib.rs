//! From the Wasm binary to Damson's bytecode.
//!
//! [`Module::parse`] reads a module: everything but function bodies is
//! validated and becomes a [`ModuleShape`](damson_core::ModuleShape).
//! A function's body is validated and translated in one pass over its
//! operators, when and where the caller asks for it: a `Module` is shared
//! between threads, and functions do not depend on each other's translation.
//!
//! # Invariants
//!
//! - Whatever the bytes are, the result is a value or an [`Error`]; no input
//!   makes this crate panic or take more than linear time and memory.
//! - Bytecode is only made from validated operators.
//!
//! # What is deliberately not here
//!
//! No store, no instance and no execution: this crate does not know who runs
//! the bytecode. No optimisation that needs more than one pass.
#![no_std]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod config;
mod convert;
mod custom;
mod error;
mod func;
mod limits;
mod module;
mod parse;

pub use config::{Config, Features};
pub use custom::{CustomSection, DebugInfo};
pub use error::Error;
pub use limits::{AvgBytesPerFunctionLimit, EnforcedLimits, EnforcedLimitsError};
pub use module::{Allocations, Module, validate};
