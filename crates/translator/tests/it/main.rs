//! Tests of the translator through its public interface.

mod golden;
mod modules;
mod proposals;
mod support;
mod workloads;
