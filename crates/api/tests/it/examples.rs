//! The examples that other tests build on, and those that a test runs.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each is a program of its own, too"
)]

#[path = "../../examples/own_storage.rs"]
pub(crate) mod own_storage;
#[path = "../../examples/plugin.rs"]
mod plugin;

#[cfg(feature = "wat")]
#[test]
fn plugins_of_different_host_types_live_in_one_registry() {
    plugin::main().expect("the example runs");
}

#[cfg(feature = "wat")]
#[test]
fn memories_can_come_from_a_pool() {
    own_storage::main().expect("the example runs");
}
