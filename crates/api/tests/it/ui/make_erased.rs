//! No store can be made with `Erased` for its data.

use damson::{Engine, Erased, Store};

fn main() {
    Store::new(&Engine::default(), Erased(()));
}
