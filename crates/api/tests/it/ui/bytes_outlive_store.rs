//! Nothing borrowed from a store outlives it.

use damson::{Engine, Memory, MemoryType, Store};

fn main() {
    let engine = Engine::default();
    let bytes;
    let data;
    {
        let mut store = Store::new(&engine, 1);
        let memory = Memory::new(&mut store, MemoryType::new(1, None)).unwrap();
        (bytes, data) = memory.data_and_store_mut(&mut store);
    }
    println!("{} {}", data, bytes.len());
}
