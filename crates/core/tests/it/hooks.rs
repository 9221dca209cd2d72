//! The host vtable: how the store asks its embedder.

use std::sync::Arc;

use damson_core::epoch::{Epoch, EpochBehaviour, EpochDecision};
use damson_core::store::HOST_VTABLE_VERSION;
use damson_core::{
    CallHook, Cell, CodeHandle, CountExceeded, Counted, ExternKind, FuelDecision, FuelDisabled,
    GrowDecision, GrowError, GrowFailure, GrowRequest, HostDataMut, HostVtable, InstantiateError,
    Limiter, MemoryError, MemoryType, ModuleShape, PrunedStore, RefType, StoreConfig, TableDecl,
    TableType, TrapCode,
};

/// Host data that counts what it was asked.
#[derive(Default)]
struct Asked {
    asked: Vec<(ExternKind, u64, u64, Option<u64>)>,
    failed: Vec<GrowError>,
    decision: Option<GrowDecision>,
    after_failure: Option<GrowFailure>,
    counts: Option<(Counted, usize)>,
}

/// Does what the host data says.
struct Obedient;

impl Limiter for Obedient {
    fn growing(&mut self, mut data: HostDataMut<'_>, request: GrowRequest) -> GrowDecision {
        let asked = data.get::<Asked>().unwrap();
        asked.asked.push((
            request.kind,
            request.current,
            request.desired,
            request.maximum,
        ));
        asked.decision.unwrap_or(GrowDecision::Allow)
    }

    fn grow_failed(
        &mut self,
        mut data: HostDataMut<'_>,
        _: ExternKind,
        error: &GrowError,
    ) -> GrowFailure {
        let asked = data.get::<Asked>().unwrap();
        asked.failed.push(*error);
        asked.after_failure.unwrap_or(GrowFailure::Report)
    }

    fn max_count(&mut self, mut data: HostDataMut<'_>, counted: Counted) -> usize {
        match data.get::<Asked>().unwrap().counts {
            Some((limited, limit)) if limited == counted => limit,
            _ => usize::MAX,
        }
    }
}

fn limited_store() -> PrunedStore {
    let mut config = StoreConfig::default();
    config.vtable.limiter = Some(Box::new(Obedient));
    config.max_table_elements = 100;
    PrunedStore::new(Asked::default(), config)
}

fn limiter(store: &mut PrunedStore) -> &mut Asked {
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
    assert_eq!(error.trap_code(), None);

    limiter(&mut store).after_failure = Some(GrowFailure::Trap);
    let error = store.as_mut().grow_memory(memory, 1).unwrap_err();
    assert!(matches!(error, GrowError::StorageWithTrap(_)));
    assert_eq!(error.trap_code(), Some(TrapCode::GrowthOperationLimited));
    assert_eq!(store.as_ref().memory(memory).unwrap().pages(), 1);
}

#[test]
fn entities_are_counted() {
    let memory = MemoryType::new(1, None);
    let table = TableType::new(RefType::Func, 1, None);
    let shape = Arc::new(ModuleShape {
        memories: [memory, memory].into(),
        tables: [table, table].map(|ty| TableDecl { ty, init: None }).into(),
        ..ModuleShape::default()
    });
    let instantiate = |store: &mut PrunedStore| {
        let code = CodeHandle::empty(Arc::clone(&shape));
        store.as_mut().instantiate(&shape, code, &[]).map(drop)
    };
    for counted in [Counted::Instances, Counted::Memories, Counted::Tables] {
        let mut store = limited_store();
        limiter(&mut store).counts = Some((counted, 1));
        let made = [
            store.as_mut().alloc_memory(memory).is_ok(),
            store.as_mut().alloc_memory(memory).is_ok(),
            store.as_mut().alloc_table(table, Cell::ZERO).is_ok(),
            store.as_mut().alloc_table(table, Cell::ZERO).is_ok(),
        ];
        let second = [
            true,
            counted != Counted::Memories,
            true,
            counted != Counted::Tables,
        ];
        assert_eq!(made, second, "{counted}");

        let mut store = limited_store();
        let each = if counted == Counted::Instances { 1 } else { 2 };
        limiter(&mut store).counts = Some((counted, 2 * each - 1));
        assert_eq!(instantiate(&mut store), Ok(()));
        let exceeded = CountExceeded {
            counted,
            limit: 2 * each - 1,
            wanted: 2 * each,
        };
        let error = InstantiateError::TooMany(exceeded);
        assert_eq!(instantiate(&mut store), Err(error), "{counted}");
        // Nothing of the second attempt is left.
        limiter(&mut store).counts = Some((counted, 2 * each));
        assert_eq!(instantiate(&mut store), Ok(()), "{counted}");
    }
    assert_eq!(
        CountExceeded {
            counted: Counted::Memories,
            limit: 1,
            wanted: 2
        }
        .to_string(),
        "the resource limiter allows 1 memories, and 2 would be in the store"
    );
}

#[test]
fn a_panicking_hook_leaves_the_store_usable() {
    let mut store = PrunedStore::new((), StoreConfig::default());
    let memory = store
        .as_mut()
        .alloc_memory(MemoryType::new(1, None))
        .unwrap();
    store.as_mut().vtable_mut().limiter = Some(Box::new(
        |_: HostDataMut<'_>, _: GrowRequest| -> GrowDecision { panic!("hook") },
    ));
    let grown = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        store.as_mut().grow_memory(memory, 1)
    }));
    assert!(grown.is_err());
    store.as_mut().vtable_mut().limiter = None;
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

#[test]
fn what_is_set_while_the_deadline_is_asked_about_stays() {
    let mut config = StoreConfig::default();
    config.epoch = Some(Arc::new(Epoch::new()));
    let mut store = PrunedStore::new((), config);
    let ask = |behaviour: fn() -> EpochBehaviour| -> EpochBehaviour {
        EpochBehaviour::Ask(Box::new(move |mut store| {
            store.set_epoch_behaviour(behaviour()).unwrap();
            Ok(EpochDecision::Continue(1))
        }))
    };
    let reach = |store: &mut PrunedStore| store.as_mut().epoch_deadline_reached().unwrap();
    for behaviour in [
        || EpochBehaviour::Trap,
        || EpochBehaviour::Always(EpochDecision::Trap),
        || EpochBehaviour::Ask(Box::new(|_| Ok(EpochDecision::Trap))),
    ] {
        store.as_mut().set_epoch_behaviour(ask(behaviour)).unwrap();
        assert_eq!(reach(&mut store), EpochDecision::Continue(1));
        for _ in 0..2 {
            assert_eq!(reach(&mut store), EpochDecision::Trap);
        }
    }
    // One that sets nothing is asked again.
    let always = || EpochBehaviour::Ask(Box::new(|_| Ok(EpochDecision::Yield(2))));
    store.as_mut().set_epoch_behaviour(always()).unwrap();
    for _ in 0..3 {
        assert_eq!(reach(&mut store), EpochDecision::Yield(2));
    }
}
