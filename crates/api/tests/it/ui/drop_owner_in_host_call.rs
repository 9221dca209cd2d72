//! A host function can neither drop the owner nor get it by value.

use damson::{Caller, Engine, Func, Store};

fn main() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    Func::wrap(&mut store, |caller: Caller<'_, ()>| {
        let owner: Store<()> = caller.into();
        drop(owner);
    });
    let func = Func::wrap(&mut store, || ());
    let dropping = Func::wrap(&mut store, || drop(store));
    func.call(&mut store, &[], &mut []);
}
