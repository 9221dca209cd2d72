//! A context does not outlive its store, pruned or not.

use damson::{AsContext, AsContextMut, Engine, Store};

fn main() {
    let engine = Engine::default();
    let typed;
    let pruned;
    {
        let store = Store::new(&engine, 1);
        typed = store.as_context();
        let mut store = Store::new(&engine, 1).prune();
        pruned = store.as_context_mut();
    }
    println!("{} {}", typed.data(), pruned.type_name());
}
