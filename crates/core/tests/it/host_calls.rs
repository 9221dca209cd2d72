#![expect(unsafe_code, reason = "calls host functions as an executor does")]
//! Host functions: checked when linked, called without a check.

use std::panic::{AssertUnwindSafe, catch_unwind};

use damson_core::{
    Cell, FuncHandle, FuncType, HostCall, HostError, HostFunc, MemoryType, PrunedMut, PrunedStore,
    StoreConfig, TypeMismatch, ValType,
};

/// Calls a host function as an executor does.
fn call(mut store: PrunedMut<'_>, func: FuncHandle, cells: &mut [Cell]) -> Result<(), HostError> {
    let entity = std::ptr::from_ref(store.func(func).unwrap());
    // SAFETY: functions of a store are never moved, written or removed, and this
    // one is called with the store that it lives in.
    unsafe { (*entity).call_host(HostCall::new(store.reborrow(), None), cells) }
}

#[test]
fn a_function_for_other_data_is_refused_when_it_is_linked() {
    let mut store = PrunedStore::new(1u32, StoreConfig::default());
    let ty = FuncType::new([], []);
    let error = store
        .as_mut()
        .alloc_host_func(HostFunc::new::<i32>(ty.clone(), |_, _| Ok(())))
        .unwrap_err();
    assert_eq!(
        error,
        TypeMismatch {
            expected: "i32",
            found: "u32"
        }
    );
    assert!(
        store
            .as_mut()
            .alloc_host_func(HostFunc::untyped(ty.clone(), |_, _| Ok(())))
            .is_ok()
    );
    assert!(
        store
            .as_mut()
            .alloc_host_func(HostFunc::new::<u32>(ty, |_, _| Ok(())))
            .is_ok()
    );
}

#[test]
fn a_function_reads_parameters_data_and_entities_and_leaves_results() {
    let mut store = PrunedStore::new(40i64, StoreConfig::default());
    let memory = store
        .as_mut()
        .alloc_memory(MemoryType::new(1, None))
        .unwrap();
    let ty = FuncType::new([ValType::I64], [ValType::I64, ValType::I32]);
    let func = HostFunc::new::<i64>(ty, move |mut call, cells| {
        let data = call.store.data_mut::<i64>()?;
        *data += cells[0].get::<i64>();
        let sum = *data;
        call.store
            .memory_mut(memory)?
            .write(0, &sum.to_le_bytes())?;
        cells[0] = Cell::new(sum);
        cells[1] = Cell::new(call.store.grow_memory(memory, 1)? as u32);
        Ok(())
    });
    let func = store.as_mut().alloc_host_func(func).unwrap();
    let mut cells = [Cell::new(2i64), Cell::ZERO];
    call(store.as_mut(), func, &mut cells).unwrap();
    assert_eq!(cells, [Cell::new(42i64), Cell::new(1u32)]);
    assert_eq!(store.as_ref().memory(memory).unwrap().data()[0], 42);
    assert_eq!(store.as_ref().data::<i64>(), Ok(&42));
}

#[test]
fn a_function_may_link_and_call_others() {
    let mut store = PrunedStore::new(0u32, StoreConfig::default());
    let ty = FuncType::new([], [ValType::I32]);
    let outer = HostFunc::new::<u32>(ty.clone(), move |mut host, cells| {
        for _ in 0..100 {
            let inner = HostFunc::new::<u32>(ty.clone(), |mut host, cells| {
                let data = host.store.data_mut::<u32>()?;
                *data += 1;
                cells[0] = Cell::new(*data);
                Ok(())
            });
            let inner = host.store.alloc_host_func(inner)?;
            call(host.store.reborrow(), inner, cells)?;
        }
        Ok(())
    });
    let outer = store.as_mut().alloc_host_func(outer).unwrap();
    let mut cells = [Cell::ZERO];
    call(store.as_mut(), outer, &mut cells).unwrap();
    assert_eq!(cells[0].get::<u32>(), 100);
}

#[test]
fn errors_and_panics_leave_the_store_usable() {
    let mut store = PrunedStore::new(0u32, StoreConfig::default());
    let func = HostFunc::new::<u32>(FuncType::new([], []), |mut call, _| {
        let data = call.store.data_mut::<u32>()?;
        *data += 1;
        match *data {
            1 => Err("an error of the host".into()),
            2 => panic!("a panic of the host"),
            _ => Ok(()),
        }
    });
    let func = store.as_mut().alloc_host_func(func).unwrap();
    let error = call(store.as_mut(), func, &mut []).unwrap_err();
    assert_eq!(error.to_string(), "an error of the host");
    let result = catch_unwind(AssertUnwindSafe(|| call(store.as_mut(), func, &mut [])));
    assert!(result.is_err());
    call(store.as_mut(), func, &mut []).unwrap();
    assert_eq!(store.into_data::<u32>().unwrap(), 3);
}

#[test]
fn memory_and_data_can_be_borrowed_together() {
    let mut store = PrunedStore::new(*b"data", StoreConfig::default());
    let memory = store
        .as_mut()
        .alloc_memory(MemoryType::new(1, None))
        .unwrap();
    store.check::<[u8; 4]>().unwrap();
    // SAFETY: just checked.
    let (memory, data) = unsafe {
        store
            .as_mut()
            .into_memory_and_data_unchecked::<[u8; 4]>(memory)
            .unwrap()
    };
    let bytes = memory.into_data_mut();
    bytes[..4].copy_from_slice(data);
    data.copy_from_slice(&bytes[2..6]);
    assert_eq!(store.into_data::<[u8; 4]>().unwrap(), *b"ta\0\0");
}
