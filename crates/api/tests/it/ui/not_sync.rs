//! A store is shared between threads only if its data may be.

use std::cell::Cell;

use damson::{Engine, Store};

fn share<T: Sync>(_: &T) {}

fn main() {
    let engine = Engine::default();
    share(&Store::new(&engine, Cell::new(1)));
    share(&Store::new(&engine, Cell::new(1)).prune_send());
}
