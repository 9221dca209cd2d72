#![expect(unsafe_code, reason = "uses entities as an executor does")]
//! Tests of [`super`].

use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec::Vec;

use super::*;
use crate::func::HostFunc;
use crate::handle::FuncHandle;
use crate::store::{PrunedStore, StoreConfig};
use crate::testing::{raw_table, store};
use crate::types::FuncType;

fn func(store: &mut PrunedStore) -> FuncHandle {
    let func = HostFunc::untyped(FuncType::new([], []), |_, _| Ok(()));
    store.as_mut().alloc_host_func(func).unwrap()
}

fn table(store: &mut PrunedStore, element: RefType, min: u32, init: Cell) -> TableHandle {
    store
        .as_mut()
        .alloc_table(TableType::new(element, min, None), init)
        .unwrap()
}

fn contents(store: &PrunedStore, handle: TableHandle) -> Vec<Cell> {
    let table = store.as_ref().table(handle).unwrap();
    (0..u64::from(table.size()))
        .map(|index| table.get(index).unwrap())
        .collect()
}

#[test]
fn function_tables_hold_pointers_and_give_back_cells() {
    let mut store = store();
    let [a, b] = [func(&mut store), func(&mut store)];
    let cell = store.as_ref().func_ref(b).unwrap();
    assert_eq!(cell, Cell::from_bits(2));
    let handle = table(&mut store, RefType::Func, 2, cell);
    let a_cell = store.as_ref().func_ref(a).unwrap();
    store
        .as_mut()
        .table_mut(handle)
        .unwrap()
        .set(1, a_cell)
        .unwrap();
    assert_eq!(contents(&store, handle), [cell, a_cell]);

    let entity = store.as_ref().table(handle).unwrap();
    let element = entity.elements()[0];
    let func = store.as_ref().func(b).unwrap();
    assert_eq!(element, core::ptr::from_ref(func).addr() as u64);
    assert_eq!(store.as_ref().func_of_ref(cell), Some(b));
}

#[test]
fn what_is_no_reference_does_not_enter_a_table() {
    let mut store = store();
    func(&mut store);
    let object = store.as_mut().alloc_extern(Box::new(5u8));
    let funcs = table(&mut store, RefType::Func, 1, Cell::ZERO);
    let externs = table(&mut store, RefType::Extern, 1, object);
    for (handle, expected) in [(funcs, RefType::Func), (externs, RefType::Extern)] {
        for found in [2, 3, u64::from(u32::MAX) + 2, u64::MAX] {
            let cell = Cell::from_bits(found);
            let error = store
                .as_mut()
                .table_mut(handle)
                .unwrap()
                .set(0, cell)
                .unwrap_err();
            assert_eq!(error, TableError::InvalidReference { expected, found });
            assert_eq!(
                store.as_mut().grow_table(handle, 1, cell),
                Err(GrowError::InvalidReference)
            );
            let ty = TableType::new(expected, 0, None);
            assert!(store.as_mut().alloc_table(ty, cell).is_err());
            let table = raw_table(&mut store, handle);
            // SAFETY: a table of a store that is not used meanwhile.
            let result = unsafe { (*table).init(0, &[cell], 0, 1) };
            assert_eq!(result, Err(TrapCode::InvalidReference));
        }
    }
    assert_eq!(contents(&store, funcs), [Cell::ZERO]);
    assert_eq!(contents(&store, externs), [object]);
}

#[test]
fn growth_keeps_elements_and_ends_at_the_limits() {
    let config = StoreConfig {
        max_table_elements: 10,
        ..StoreConfig::default()
    };
    let mut store = PrunedStore::new((), config);
    let object = store.as_mut().alloc_extern(Box::new(()));
    let handle = table(&mut store, RefType::Extern, 1, object);
    assert_eq!(store.as_mut().grow_table(handle, 2, Cell::ZERO), Ok(1));
    assert_eq!(contents(&store, handle), [object, Cell::ZERO, Cell::ZERO]);
    assert_eq!(store.as_mut().grow_table(handle, 7, object), Ok(3));
    assert_eq!(store.as_mut().grow_table(handle, 0, object), Ok(10));
    let error = store.as_mut().grow_table(handle, 1, object).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a table of size 10 cannot grow by 1: at most 10 are possible"
    );
    assert!(store.as_mut().grow_table(handle, u64::MAX, object).is_err());

    let ty = TableType::new(RefType::Func, 11, None);
    let error = store.as_mut().alloc_table(ty, Cell::ZERO).unwrap_err();
    assert!(matches!(error, TableError::Allocation { .. }), "{error}");
    let ty = TableType::new(RefType::Func, 1, Some(2));
    let handle = store.as_mut().alloc_table(ty, Cell::ZERO).unwrap();
    assert_eq!(store.as_mut().grow_table(handle, 1, Cell::ZERO), Ok(1));
    assert!(store.as_mut().grow_table(handle, 1, Cell::ZERO).is_err());
    let ty = TableType::new(RefType::Func, 3, Some(2));
    let error = store.as_mut().alloc_table(ty, Cell::ZERO).unwrap_err();
    assert_eq!(error, TableError::InvalidType { ty });
}

#[test]
fn accesses_are_checked() {
    let mut store = store();
    let object = store.as_mut().alloc_extern(Box::new(()));
    let handle = table(&mut store, RefType::Extern, 3, Cell::ZERO);
    assert_eq!(store.as_ref().table(handle).unwrap().get(3), None);
    let mut mutable = store.as_mut();
    let mut table = mutable.table_mut(handle).unwrap();
    let error = table.set(3, object).unwrap_err();
    assert_eq!(
        error,
        TableError::OutOfBounds {
            index: 3,
            len: 1,
            size: 3
        }
    );
    let error = table.fill(1, object, 3).unwrap_err();
    assert_eq!(
        error,
        TableError::OutOfBounds {
            index: 1,
            len: 3,
            size: 3
        }
    );
    assert!(table.fill(u64::MAX, object, 2).is_err());
    table.fill(3, object, 0).unwrap();
    table.fill(1, object, 2).unwrap();
    assert_eq!(contents(&store, handle), [Cell::ZERO, object, object]);
}

#[test]
fn copies_check_both_ranges_and_may_overlap() {
    let mut store = store();
    let cells: Vec<Cell> = (0..4u32)
        .map(|n| store.as_mut().alloc_extern(Box::new(n)))
        .collect();
    let [a, b] = [(); 2].map(|()| table(&mut store, RefType::Extern, 4, Cell::ZERO));
    let [a_raw, b_raw] = [raw_table(&mut store, a), raw_table(&mut store, b)];
    // SAFETY: two different tables of a store that is not used meanwhile.
    let (first, second) = unsafe { (&mut *a_raw, &*b_raw) };
    let out_of_bounds = Err(TrapCode::TableOutOfBounds);
    assert_eq!(first.init(0, &cells, 0, 4), Ok(()));
    assert_eq!(first.init(1, &cells, 0, 4), out_of_bounds);
    assert_eq!(first.init(0, &cells, 1, 4), out_of_bounds);
    assert_eq!(first.init(0, &cells, u64::MAX, 2), out_of_bounds);
    assert_eq!(first.init(4, &[], 0, 0), Ok(()));
    assert_eq!(first.copy_within(1, 0, 3), Ok(()));
    assert_eq!(first.copy_within(2, 0, 3), out_of_bounds);
    assert_eq!(first.copy_within(0, u64::MAX, 1), out_of_bounds);
    assert_eq!(first.copy_from(3, second, 3, 1), Ok(()));
    assert_eq!(first.copy_from(3, second, 3, 2), out_of_bounds);
    assert_eq!(
        contents(&store, a),
        [cells[0], cells[0], cells[1], Cell::ZERO]
    );
}

#[test]
fn elements_of_other_types_and_stores_are_not_copied() {
    let mut stores = [store(), store()];
    func(&mut stores[0]);
    let funcs = table(&mut stores[0], RefType::Func, 1, Cell::from_bits(1));
    let externs = table(&mut stores[0], RefType::Extern, 1, Cell::ZERO);
    let foreign = table(&mut stores[1], RefType::Func, 1, Cell::ZERO);
    let funcs = raw_table(&mut stores[0], funcs);
    for target in [
        raw_table(&mut stores[0], externs),
        raw_table(&mut stores[1], foreign),
    ] {
        // SAFETY: different tables of stores that are not used meanwhile.
        let result = unsafe { (*target).copy_from(0, &*funcs, 0, 1) };
        assert_eq!(result, Err(TrapCode::InvalidReference));
    }
}
