//! The executor of Damson: runs verified bytecode on a pruned store.
//!
//! It is compiled once: it knows neither the host data's type, nor WebAssembly's binary
//! format, nor the translator. What it needs from above comes in three ways: code through
//! [`CodeMap`], missing code through a [`Compiler`], host functions through the store.
//!
//! # The way of a call
//!
//! [`call`] puts a frame on the store's stack and runs the *dispatch loop*: each instruction
//! is a *handler*, a function that ends by jumping to the handler of the next instruction.
//! Handlers never call code that can panic, block or run Wasm again. What may do so (host
//! functions, growth, compilation, calls into other instances) leaves the loop with an exit;
//! the *driver* ([`drive`](self)) does it as ordinary Rust code and enters the loop again.
//!
//! # What verification promises
//!
//! Verified code touches no memory but its own: whatever it computes, it is as safe as any
//! safe Rust function. It is not blind, though. A slot that a function reads before it writes
//! it holds what an earlier frame left there, which may be another instance's value or an
//! address of the host. Translated WebAssembly never reads such a slot; whoever runs bytecode
//! of strangers has to demand the same of it.
//!
//! | file | holds |
//! |---|---|
//! | `dispatch` | the handler's signature, the two dispatch backends and the choice between them |
//! | `place` | operands and destinations |
//! | `ops` | the semantics of operations, as types |
//! | `expr` | expressions: operations on operands, and loads |
//! | `families` | the instructions: one generic type for each family of the table |
//! | `handlers` | the table from opcode to handler |
//! | `count` | with the feature `count`: what was executed how often |
//! | `code` | code in its threaded form, and the map of a module's functions |
//! | `threading` | brings verified bytecode into that form |
//! | `driver` | calls, exits, traps |
//! | `backtrace` | which calls are active |
//! | `services` | what instructions do outside of the loop |
#![no_std]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod backtrace;
mod code;
#[cfg(feature = "count")]
pub mod count;
mod dispatch;
mod driver;
mod expr;
mod families;
mod handlers;
mod ops;
mod place;
mod services;
mod threading;

pub use backtrace::Backtrace;
pub use code::{CodeMap, CompileError, Compiler, DefineError};
pub use driver::{AsyncCall, CallError, Progress, Reason, Suspended, call, call_resumable};

/// The instruction set, to build code with.
pub use damson_ir as ir;

/// The store and everything in it.
pub use damson_core as store;
