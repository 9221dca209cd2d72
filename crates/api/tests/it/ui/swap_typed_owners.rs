//! A typed store does not give out its erased owner by reference.

use damson::{Engine, PrunedStore, Store};

fn erased<T: 'static>(store: &mut Store<T>) -> &mut PrunedStore {
    store
}

fn main() {
    let engine = Engine::default();
    let mut numbers = Store::new(&engine, 1_u64);
    let mut texts = Store::new(&engine, String::new());
    std::mem::swap(erased(&mut numbers), erased(&mut texts));
    std::mem::swap(&mut numbers, &mut texts);
}
