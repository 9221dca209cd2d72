//! Data that can be sent cannot therefore be shared.
use std::cell::Cell;
use std::thread;

use damson_core::{PrunedStore, StoreConfig};

fn main() {
    let store = PrunedStore::new_send(Cell::new(1), StoreConfig::default());
    thread::scope(|scope| {
        scope.spawn(|| store.as_ref().data::<Cell<i32>>().unwrap().set(2));
    });
}
