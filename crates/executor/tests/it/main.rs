//! The executor used alone: bytecode from the builder, run on a pruned store.

mod calls;
mod instances;
mod memory;
mod numeric;
mod support;
mod tables;
mod values;
