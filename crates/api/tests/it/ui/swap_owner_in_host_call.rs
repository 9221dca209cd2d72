//! A host function sees a view of the store, never its owner: it cannot swap it.

use damson::{AsContextMut, Caller, Engine, Func, PrunedStore, Store};

fn main() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    Func::wrap(&mut store, |mut caller: Caller<'_, ()>| {
        let mut other = Store::new(caller.engine(), ());
        std::mem::swap(&mut other, &mut caller.as_context_mut());
    });
    Func::wrap(&mut store, |mut caller: Caller<'_, ()>| {
        let owner: &mut PrunedStore = &mut caller.as_context_mut().prune();
    });
}
