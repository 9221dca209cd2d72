//! Borrowed handles stay on their thread: they do not know the data's type.
use std::thread;

use damson_core::{PrunedStore, StoreConfig};

fn main() {
    let mut store = PrunedStore::new_send((), StoreConfig::default());
    let borrowed = store.as_mut();
    thread::scope(|scope| {
        scope.spawn(move || drop(borrowed));
    });
}
