//! Data that is bound to its thread stays there when its type is pruned.
use std::rc::Rc;
use std::thread;

use damson_core::{PrunedStore, StoreConfig};

fn main() {
    let store = PrunedStore::new(Rc::new(1), StoreConfig::default());
    thread::spawn(move || drop(store));
}
