//! Borrowed handles stay on their thread: they do not know the data's type.
use std::thread;

use damson_core::{PrunedStore, StoreConfig};

fn main() {
    let store = PrunedStore::new_send((), StoreConfig::default());
    let shared = store.as_ref();
    thread::scope(|scope| {
        scope.spawn(move || shared.type_name());
    });
}
