//! A host function does not get the owner by value either.

use damson::{Caller, Engine, Func, Store};

fn main() {
    let mut store = Store::new(&Engine::default(), ());
    Func::wrap(&mut store, |caller: Caller<'_, ()>| {
        let owner: Store<()> = caller.into();
        drop(owner);
    });
}
