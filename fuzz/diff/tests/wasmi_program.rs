//! The program of Damson's tests that is written against wasmi's interface, with
//! wasmi: what it uses is really there, and behaves as it asserts.
#![allow(
    clippy::unneeded_struct_pattern,
    reason = "the same patterns match Damson's variants, which say more"
)]

#[path = "../../../crates/api/tests/it/wasmi_program/mod.rs"]
mod wasmi_program;
