//! What a pruned store holds may not be `Send`, so calls by it stay on their thread.

use damson::{Engine, Func, PrunedStore, Sendable, Store};

fn is_send(_: impl Send) {}

fn main() {
    let store = Store::new(&Engine::default(), ());
    let mut store: PrunedStore<Sendable> = store.prune_send();
    let func = Func::wrap(&mut store, || {});
    is_send(func.call_async(&mut store, &[], &mut []));
}
