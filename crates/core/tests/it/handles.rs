//! Handles carry the identity of their store.

use std::sync::Arc;

use damson_core::{
    Cell, CodeHandle, ExternHandle, ExternType, ForeignHandle, FuncType, GlobalError, GlobalType,
    GrowError, HostFunc, MemoryType, ModuleShape, Mutability, PrunedStore, RefType, StoreConfig,
    TableType, ValType,
};

fn store() -> PrunedStore {
    PrunedStore::new((), StoreConfig::default())
}

#[test]
fn every_use_with_another_store_is_an_error_that_names_both() {
    let [mut a, mut b] = [store(), store()];
    let mut owner = a.as_mut();
    let memory = owner.alloc_memory(MemoryType::new(1, None)).unwrap();
    let table = owner
        .alloc_table(TableType::new(RefType::Func, 1, None), Cell::ZERO)
        .unwrap();
    let global = owner.alloc_global(GlobalType::new(ValType::I32, Mutability::Var), Cell::ZERO);
    let func = HostFunc::untyped(FuncType::new([], []), |_, _| Ok(()));
    let func = owner.alloc_host_func(func).unwrap();
    let shape = Arc::new(ModuleShape::default());
    let code = CodeHandle::empty(Arc::clone(&shape));
    let instance = owner.instantiate(&shape, code.clone(), &[]).unwrap();

    // The other store has an entity of each index, which must not be reached.
    let mut other = b.as_mut();
    other.alloc_memory(MemoryType::new(1, None)).unwrap();
    other
        .alloc_table(TableType::new(RefType::Func, 1, None), Cell::ZERO)
        .unwrap();
    other.alloc_global(GlobalType::new(ValType::I32, Mutability::Var), Cell::ZERO);
    let same = HostFunc::untyped(FuncType::new([], []), |_, _| Ok(()));
    other.alloc_host_func(same).unwrap();
    other.instantiate(&shape, code, &[]).unwrap();

    let (found, expected) = (a.as_ref().id(), b.as_ref().id());
    let foreign = |kind| ForeignHandle {
        kind,
        expected,
        found,
    };
    let read = b.as_ref();
    assert_eq!(read.memory(memory).unwrap_err(), foreign("memory"));
    assert_eq!(read.table(table).unwrap_err(), foreign("table"));
    assert_eq!(read.global(global).unwrap_err(), foreign("global"));
    assert_eq!(read.func(func).unwrap_err(), foreign("function"));
    assert_eq!(read.instance(instance).unwrap_err(), foreign("instance"));
    assert_eq!(read.func_ref(func).unwrap_err(), foreign("function"));
    for handle in [
        ExternHandle::from(memory),
        table.into(),
        global.into(),
        func.into(),
    ] {
        assert!(read.extern_type(handle).is_err());
        assert!(a.as_ref().extern_type(handle).is_ok());
        assert_eq!(handle.store_id(), found);
    }
    let mut write = b.as_mut();
    assert_eq!(write.memory_mut(memory).unwrap_err(), foreign("memory"));
    assert_eq!(write.table_mut(table).unwrap_err(), foreign("table"));
    assert_eq!(
        write.grow_memory(memory, 1),
        Err(GrowError::ForeignHandle(foreign("memory")))
    );
    assert_eq!(
        write.grow_table(table, 1, Cell::ZERO),
        Err(GrowError::ForeignHandle(foreign("table")))
    );
    assert_eq!(
        write.set_global(global, Cell::ZERO),
        Err(GlobalError::ForeignHandle(foreign("global")))
    );
    assert_eq!(
        write.memory(memory).unwrap_err().to_string(),
        format!("a memory of {found} was used with {expected}")
    );
}

#[test]
fn a_store_after_another_does_not_take_its_handles() {
    let mut first = store();
    let memory = first
        .as_mut()
        .alloc_memory(MemoryType::new(1, None))
        .unwrap();
    drop(first);
    let mut second = store();
    second
        .as_mut()
        .alloc_memory(MemoryType::new(1, None))
        .unwrap();
    assert!(second.as_ref().memory(memory).is_err());
}

#[test]
fn entities_know_their_handles_and_keep_their_addresses() {
    let mut store = store();
    let ty = MemoryType::new(1, None);
    let first = store.as_mut().alloc_memory(ty).unwrap();
    let address = std::ptr::from_ref(store.as_ref().memory(first).unwrap());
    let more: Vec<_> = (0..100)
        .map(|_| store.as_mut().alloc_memory(ty).unwrap())
        .collect();
    store.as_mut().grow_memory(first, 10).unwrap();
    assert_eq!(
        std::ptr::from_ref(store.as_ref().memory(first).unwrap()),
        address
    );
    for handle in more {
        assert_eq!(store.as_ref().memory(handle).unwrap().handle(), handle);
    }
}

#[test]
fn constants_stay_constant() {
    let mut store = store();
    let constant = GlobalType::new(ValType::I64, Mutability::Const);
    let variable = GlobalType::new(ValType::I64, Mutability::Var);
    let [a, b] = [constant, variable].map(|ty| store.as_mut().alloc_global(ty, Cell::new(1u64)));
    let error = store.as_mut().set_global(a, Cell::new(2u64)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected a mutable global, found an immutable global i64"
    );
    store.as_mut().set_global(b, Cell::new(2u64)).unwrap();
    assert_eq!(store.as_ref().global(a).unwrap().get(), Cell::new(1u64));
    assert_eq!(store.as_ref().global(b).unwrap().get(), Cell::new(2u64));
}

#[test]
fn globals_keep_no_bits_that_their_type_does_not_use() {
    let mut store = store();
    let ty = GlobalType::new(ValType::I32, Mutability::Var);
    let global = store.as_mut().alloc_global(ty, Cell::from_bits(u64::MAX));
    assert_eq!(
        store.as_ref().global(global).unwrap().get(),
        Cell::new(-1i32)
    );
    store
        .as_mut()
        .set_global(global, Cell::from_bits(1 << 32))
        .unwrap();
    assert_eq!(store.as_ref().global(global).unwrap().get(), Cell::ZERO);
}

#[test]
fn references_lead_back_to_what_they_name() {
    let mut store = store();
    let func = HostFunc::untyped(FuncType::new([], []), |_, _| Ok(()));
    let func = store.as_mut().alloc_host_func(func).unwrap();
    let object = store
        .as_mut()
        .alloc_extern(Box::new(String::from("object")));
    let store = store.as_ref();
    let cell = store.func_ref(func).unwrap();
    assert_ne!(cell, Cell::ZERO);
    assert_eq!(store.func_of_ref(cell), Some(func));
    let found = store
        .extern_object(object)
        .unwrap()
        .downcast_ref::<String>();
    assert_eq!(found.unwrap(), "object");
    for bits in [0, 2, u64::from(u32::MAX), 1 << 32, (1 << 32) + 1, u64::MAX] {
        assert_eq!(store.func_of_ref(Cell::from_bits(bits)), None);
        assert!(store.extern_object(Cell::from_bits(bits)).is_none());
    }
}

#[test]
fn types_of_memories_and_tables_follow_their_size() {
    let mut store = store();
    let memory = store
        .as_mut()
        .alloc_memory(MemoryType::new(1, Some(9)))
        .unwrap();
    let ty = TableType::new(RefType::Extern, 1, None);
    let table = store.as_mut().alloc_table(ty, Cell::ZERO).unwrap();
    store.as_mut().grow_memory(memory, 2).unwrap();
    store.as_mut().grow_table(table, 3, Cell::ZERO).unwrap();
    let store = store.as_ref();
    assert_eq!(
        store.extern_type(memory.into()).unwrap(),
        ExternType::Memory(MemoryType::new(3, Some(9)))
    );
    assert_eq!(
        store.extern_type(table.into()).unwrap(),
        ExternType::Table(TableType::new(RefType::Extern, 4, None))
    );
    assert_eq!(
        store.memory(memory).unwrap().ty(),
        MemoryType::new(1, Some(9))
    );
}

#[test]
fn the_embedder_finds_what_it_put_in() {
    assert!(store().as_ref().embedder().is_none());
    let mut config = StoreConfig::default();
    config.embedder = Some(Arc::new(42u8));
    let mut store = PrunedStore::new((), config);
    assert_eq!(
        store.as_ref().embedder().unwrap().downcast_ref::<u8>(),
        Some(&42)
    );
    assert!(store.as_mut().embedder().is_some());
}
