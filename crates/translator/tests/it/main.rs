//! Tests of the translator through its public interface.

mod support;
mod workloads;
