//! The executor used alone: bytecode from the builder, run on a pruned store.

mod calls;
mod hosts;
mod instances;
mod limits;
mod memory;
mod numeric;
mod support;
mod tables;
mod values;
