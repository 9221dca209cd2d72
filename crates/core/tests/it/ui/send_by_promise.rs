//! Nor can it be declared to be sendable.
use std::rc::Rc;

use damson_core::{PrunedStore, StoreConfig};

fn main() {
    let store = PrunedStore::new_send(Rc::new(1), StoreConfig::default());
    drop(store);
}
