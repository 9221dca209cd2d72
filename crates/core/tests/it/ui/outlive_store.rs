//! A borrowed handle, and what it leads to, ends before its store.
use damson_core::{MemoryType, PrunedStore, StoreConfig};

fn main() {
    let mut store = PrunedStore::new(String::from("data"), StoreConfig::default());
    let borrowed = store.as_mut();
    drop(store);
    drop(borrowed);

    let store = PrunedStore::new(String::from("data"), StoreConfig::default());
    let data = store.as_ref().data::<String>().unwrap();
    drop(store);
    println!("{data}");

    let mut store = PrunedStore::new(String::from("data"), StoreConfig::default());
    let memory = store.as_mut().alloc_memory(MemoryType::new(1, None)).unwrap();
    let bytes = store.as_mut().into_memory_mut(memory).unwrap().into_data_mut();
    let data = store.into_data::<String>();
    bytes[0] = 1;
    drop(data);
}
