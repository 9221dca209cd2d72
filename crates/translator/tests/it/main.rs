//! Tests of the translator through its public interface.

mod fuel;
mod golden;
mod limits;
mod modules;
mod proposals;
mod support;
mod workloads;
