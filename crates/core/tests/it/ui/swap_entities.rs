//! Nor must entities: a table of functions is not a table of objects.
use damson_core::{Cell, MemoryType, PrunedStore, RefType, StoreConfig, TableType};

fn main() {
    let mut a = PrunedStore::new((), StoreConfig::default());
    let mut b = PrunedStore::new((), StoreConfig::default());
    let (mut a, mut b) = (a.as_mut(), b.as_mut());

    let first = a.alloc_table(TableType::new(RefType::Func, 1, None), Cell::ZERO).unwrap();
    let second = b.alloc_table(TableType::new(RefType::Extern, 1, None), Cell::ZERO).unwrap();
    std::mem::swap(&mut *a.table_mut(first).unwrap(), &mut *b.table_mut(second).unwrap());

    let first = a.alloc_memory(MemoryType::new(1, None)).unwrap();
    let second = b.alloc_memory(MemoryType::new(2, None)).unwrap();
    std::mem::swap(&mut *a.memory_mut(first).unwrap(), &mut *b.memory_mut(second).unwrap());
}
