//! The host vtable: how the store asks its embedder.

use damson_core::store::HOST_VTABLE_VERSION;
use damson_core::{
    CallHook, Cell, ExternKind, FuelDecision, FuelDisabled, GrowDecision, GrowError, GrowRequest,
    HostVtable, MemoryError, MemoryType, PrunedStore, RefType, StoreConfig, TableType, TrapCode,
};

/// Host data that counts what it was asked.
#[derive(Default)]
struct Limiter {
    asked: Vec<(ExternKind, u64, u64, Option<u64>)>,
    failed: Vec<GrowError>,
    decision: Option<GrowDecision>,
}

fn limited_store() -> PrunedStore {
    fn ask(mut data: damson_core::HostDataMut<'_>, request: GrowRequest) -> GrowDecision {
        let limiter = data.get::<Limiter>().unwrap();
        limiter.asked.push((
            request.kind,
            request.current,
            request.desired,
            request.maximum,
        ));
        limiter.decision.unwrap_or(GrowDecision::Allow)
    }
    let mut config = StoreConfig::default();
    config.vtable.memory_growing = Some(Box::new(ask));
    config.vtable.table_growing = Some(Box::new(ask));
    config.vtable.grow_failed = Some(Box::new(|mut data, _, error| {
        data.get::<Limiter>().unwrap().failed.push(*error);
    }));
    config.max_table_elements = 100;
    PrunedStore::new(Limiter::default(), config)
}

fn limiter(store: &mut PrunedStore) -> &mut Limiter {
    store.as_mut().into_data_mut().unwrap()
}

#[test]
fn memories_ask_in_bytes_and_tables_in_elements() {
    let mut store = limited_store();
    let memory = store
        .as_mut()
        .alloc_memory(MemoryType::new(1, Some(4)))
        .unwrap();
    store.as_mut().grow_memory(memory, 2).unwrap();
    let ty = TableType::new(RefType::Func, 5, None);
    let table = store.as_mut().alloc_table(ty, Cell::ZERO).unwrap();
    store.as_mut().grow_table(table, 3, Cell::ZERO).unwrap();
    assert_eq!(
        limiter(&mut store).asked,
        [
            (ExternKind::Memory, 0, 0x10000, Some(0x40000)),
            (ExternKind::Memory, 0x10000, 0x30000, Some(0x40000)),
            (ExternKind::Table, 0, 5, None),
            (ExternKind::Table, 5, 8, None),
        ]
    );
}

#[test]
fn what_cannot_be_is_not_asked() {
    let mut store = limited_store();
    let memory = store
        .as_mut()
        .alloc_memory(MemoryType::new(1, Some(2)))
        .unwrap();
    let ty = TableType::new(RefType::Func, 1, None);
    let table = store.as_mut().alloc_table(ty, Cell::ZERO).unwrap();
    limiter(&mut store).asked.clear();
    assert!(store.as_mut().grow_memory(memory, 2).is_err());
    assert!(store.as_mut().grow_table(table, 100, Cell::ZERO).is_err());
    assert!(
        store
            .as_mut()
            .grow_table(table, 1, Cell::from_bits(9))
            .is_err()
    );
    assert_eq!(limiter(&mut store).asked, []);
}

#[test]
fn a_refusal_changes_nothing() {
    let mut store = limited_store();
    let memory = store
        .as_mut()
        .alloc_memory(MemoryType::new(1, None))
        .unwrap();
    let ty = TableType::new(RefType::Extern, 1, None);
    let table = store.as_mut().alloc_table(ty, Cell::ZERO).unwrap();
    for decision in [GrowDecision::Deny, GrowDecision::Trap] {
        limiter(&mut store).decision = Some(decision);
        let mut store = store.as_mut();
        let errors = [
            store.grow_memory(memory, 1).unwrap_err(),
            store.grow_table(table, 1, Cell::ZERO).unwrap_err(),
        ];
        for (error, kind) in errors
            .into_iter()
            .zip([ExternKind::Memory, ExternKind::Table])
        {
            if decision == GrowDecision::Deny {
                assert_eq!(error, GrowError::Denied { kind });
                assert_eq!(error.trap_code(), None);
            } else {
                assert_eq!(error, GrowError::DeniedWithTrap { kind });
                assert_eq!(error.trap_code(), Some(TrapCode::GrowthOperationLimited));
            }
        }
        assert_eq!(store.memory(memory).unwrap().pages(), 1);
        assert_eq!(store.table(table).unwrap().size(), 1);
        let ty = MemoryType::new(1, None);
        let error = store.alloc_memory(ty).unwrap_err();
        assert!(matches!(error, MemoryError::Allocation { source, .. } if source == errors[0]));
    }
    assert_eq!(limiter(&mut store).failed, [], "a refusal is not a failure");
}

#[test]
fn a_failure_after_the_permission_is_told() {
    let mut store = limited_store();
    let buffer = Box::leak(vec![0; 0x10000].into_boxed_slice());
    let storage = Box::new(damson_core::StaticStorage::new(buffer));
    let ty = MemoryType::new(1, None);
    let memory = store.as_mut().alloc_memory_with(ty, storage).unwrap();
    let error = store.as_mut().grow_memory(memory, 1).unwrap_err();
    assert!(matches!(error, GrowError::Storage(_)));
    assert_eq!(limiter(&mut store).failed, [error]);
}

#[test]
fn a_panicking_hook_leaves_the_store_usable() {
    let mut store = PrunedStore::new((), StoreConfig::default());
    let memory = store
        .as_mut()
        .alloc_memory(MemoryType::new(1, None))
        .unwrap();
    store.as_mut().vtable_mut().memory_growing = Some(Box::new(|_, _| panic!("hook")));
    let grown = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        store.as_mut().grow_memory(memory, 1)
    }));
    assert!(grown.is_err());
    store.as_mut().vtable_mut().memory_growing = None;
    assert_eq!(store.as_mut().grow_memory(memory, 1), Ok(1));
}

#[test]
fn a_hook_for_other_data_is_told_so() {
    let mut store = PrunedStore::new(5u8, StoreConfig::default());
    store.as_mut().vtable_mut().call_hook = Some(Box::new(|mut data, crossing| {
        assert_eq!(crossing, CallHook::CallingHost);
        assert!(!data.as_ptr().is_null());
        assert_eq!(data.get::<u8>(), Ok(&mut 5));
        data.get::<u16>()?;
        Ok(())
    }));
    let error = store.as_mut().call_hook(CallHook::CallingHost).unwrap_err();
    assert!(error.is::<damson_core::TypeMismatch>());
    store.as_mut().vtable_mut().call_hook = None;
    assert!(store.as_mut().call_hook(CallHook::CallingHost).is_ok());
}

#[test]
fn fuel_is_there_only_if_configured() {
    let mut store = PrunedStore::new((), StoreConfig::default());
    assert_eq!(store.as_ref().fuel(), None);
    assert_eq!(store.as_mut().set_fuel(1), Err(FuelDisabled));
    assert_eq!(store.as_ref().fuel(), None);

    let mut config = StoreConfig::default();
    config.fuel = Some(10);
    let mut store = PrunedStore::new((), config);
    assert_eq!(store.as_ref().fuel(), Some(10));
    store.as_mut().set_fuel(3).unwrap();
    assert_eq!(store.as_mut().fuel(), Some(3));
}

#[test]
fn fuel_can_be_added_when_it_runs_out() {
    let mut config = StoreConfig::default();
    config.fuel = Some(0);
    let mut store = PrunedStore::new(0u64, config);
    assert!(!store.as_mut().fuel_exhausted(), "without a hook it stops");
    store.as_mut().vtable_mut().fuel_exhausted = Some(Box::new(|mut data| {
        let refills = data.get::<u64>().unwrap();
        *refills += 1;
        if *refills < 3 {
            FuelDecision::Add(*refills * 10)
        } else {
            FuelDecision::Trap
        }
    }));
    assert!(store.as_mut().fuel_exhausted());
    assert_eq!(store.as_ref().fuel(), Some(10));
    assert!(store.as_mut().fuel_exhausted());
    assert_eq!(store.as_ref().fuel(), Some(30));
    assert!(!store.as_mut().fuel_exhausted());
    assert_eq!(store.as_ref().fuel(), Some(30));
}

#[test]
fn a_hook_that_adds_nothing_does_not_go_on_for_ever() {
    let mut config = StoreConfig::default();
    // What is left is too little for the next instruction.
    config.fuel = Some(3);
    let mut store = PrunedStore::new((), config);
    store.as_mut().vtable_mut().fuel_exhausted = Some(Box::new(|_| FuelDecision::Add(0)));
    assert!(!store.as_mut().fuel_exhausted());
    assert_eq!(store.as_ref().fuel(), Some(3));
}

#[test]
fn the_table_tells_its_version() {
    assert_eq!(HostVtable::default().abi_version(), HOST_VTABLE_VERSION);
}
