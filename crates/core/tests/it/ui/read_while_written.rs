//! What was read through an exclusive handle ends before the next change.
use damson_core::{MemoryType, PrunedMut};

fn grow(mut store: PrunedMut<'_>) {
    let memory = store.alloc_memory(MemoryType::new(1, None)).unwrap();
    let bytes = store.memory(memory).unwrap().data();
    store.grow_memory(memory, 1).unwrap();
    println!("{}", bytes[0]);
}

fn twice(mut store: PrunedMut<'_>) {
    let first = store.reborrow();
    let second = store.reborrow();
    drop((first, second));
}

fn shared<'a>(store: PrunedMut<'a>) -> damson_core::PrunedRef<'a> {
    store.as_ref()
}

fn main() {}
