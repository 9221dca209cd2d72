//! Runs modules on Damson, in all its modes, and on other engines, and compares
//! everything that can be observed: results, traps, the calls of host functions,
//! and memories, globals and tables afterwards.
//!
//! What an outcome is stands in [`outcome`], who is compared with whom in
//! [`check`]. The other engines are features, so that nothing else builds them.

#[cfg(test)]
mod calls;
pub mod check;
pub mod engine;
pub mod input;
pub mod known;
pub mod outcome;
pub mod post_mortem;
pub mod regression;
mod sections;
pub mod smith;
pub mod source;
#[cfg(feature = "count")]
pub mod tiles;
pub mod value;
pub mod worker;
