//! Values, traps, entities and the pruned store of Damson.
#![no_std]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod num;
pub mod trap;

pub use trap::{Trap, TrapCode, TrapSite};
