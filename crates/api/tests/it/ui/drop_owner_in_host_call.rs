//! A host function cannot take its own store's owner to drop it.

use damson::{Engine, Func, Store};

fn main() {
    let mut store = Store::new(&Engine::default(), ());
    let func = Func::wrap(&mut store, || drop(store));
    func.call(&mut store, &[], &mut []).unwrap();
}
