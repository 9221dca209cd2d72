//! The rules of the pruned store, from outside the crate.

mod drops;
mod handles;
mod hooks;
mod host_calls;
mod recovery;
mod ui;
