//! The executor used alone: bytecode from the builder, run on a pruned store.

mod allocations;
mod calls;
mod generator;
mod hosts;
mod instances;
mod lazy;
mod limits;
mod memory;
mod numeric;
mod random;
mod support;
mod tables;
mod tiles;
mod torture;
mod values;
mod world;
