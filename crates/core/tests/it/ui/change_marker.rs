//! Changing what is known about the data is not for safe code.
use damson_core::{PrunedStore, Sendable, StoreConfig};

fn main() {
    let store = PrunedStore::new((), StoreConfig::default());
    drop(store.assume_marker::<Sendable>());
}
