//! Nothing borrowed from a store outlives it.

use damson::{AsContextMut, Engine, Memory, MemoryType, Store};

fn main() {
    let engine = Engine::default();
    let context;
    let bytes;
    {
        let mut store = Store::new(&engine, 1);
        let memory = Memory::new(&mut store, MemoryType::new(1, None)).unwrap();
        bytes = memory.data(&store);
        context = store.as_context_mut().prune();
    }
    println!("{} {}", context.type_name(), bytes.len());
}
