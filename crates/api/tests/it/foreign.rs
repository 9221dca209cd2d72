#![expect(unsafe_code, reason = "plays a host of another language")]
//! The untyped interface, as a binding for C would use it: no type of data is named.

use std::ffi::c_void;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use damson::{
    Cell, Config, Engine, Erased, Error, ExternRef, ForeignData, Func, FuncType, Linker, Memory,
    MemoryType, Module, Mutability, PrunedStore, RefType, Store, Table, TableType, TrapCode, Val,
    ValType,
};

/// What the finalizers saw, in order.
static FREED: Mutex<Vec<usize>> = Mutex::new(Vec::new());
static CALLS: AtomicU32 = AtomicU32::new(0);

unsafe extern "C" fn free(data: *mut c_void) {
    FREED.lock().expect("no panics").push(data.addr());
}

/// What a C callback looks like.
type Callback = unsafe extern "C" fn(env: *mut c_void, cells: *mut u64, len: usize) -> i32;

unsafe extern "C" fn add(env: *mut c_void, cells: *mut u64, len: usize) -> i32 {
    CALLS.fetch_add(1, Ordering::Relaxed);
    assert_eq!((env.addr(), len), (2, 2));
    // SAFETY: the caller passes `len` cells.
    let cells = unsafe { std::slice::from_raw_parts_mut(cells, len) };
    if cells[0] == 0 {
        return 17;
    }
    cells[0] = cells[0].wrapping_add(cells[1]);
    0
}

/// A host function from a callback and its environment.
fn from_c(
    callback: Callback,
    env: ForeignData,
) -> impl Fn(damson::Caller<'_, Erased>, &mut [Cell]) -> Result<(), Error> + Send + Sync {
    move |_, cells| {
        let mut raw: Vec<u64> = cells.iter().map(|cell| cell.to_bits()).collect();
        // SAFETY: the buffer has as many cells as it says.
        let status = unsafe { callback(env.as_ptr(), raw.as_mut_ptr(), raw.len()) };
        if status != 0 {
            return Err(Error::i32_exit(status));
        }
        for (cell, raw) in cells.iter_mut().zip(raw) {
            *cell = Cell::from_bits(raw);
        }
        Ok(())
    }
}

fn data(address: usize) -> ForeignData {
    // SAFETY: nobody follows the address; the finalizer takes any.
    unsafe { ForeignData::new(std::ptr::without_provenance_mut(address), Some(free)) }
}

#[test]
fn a_binding_needs_no_type() -> Result<(), Error> {
    let mut config = Config::default();
    config.consume_fuel(true);
    let engine = Engine::new(&config);
    let mut store: PrunedStore = Store::new(&engine, data(1)).prune();
    store.set_fuel(1_000)?;

    let ty = FuncType::new([ValType::I64, ValType::I64], [ValType::I64]);
    let mut linker = Linker::<Erased>::new(&engine);
    linker.func_raw("c", "add", ty.clone(), from_c(add, data(2)))?;
    let module = Module::new(
        &engine,
        wat::parse_str(
            r#"(module
                (import "c" "add" (func $add (param i64 i64) (result i64)))
                (memory (export "memory") 1)
                (func (export "run") (param i64 i64) (result i64)
                    (call $add (local.get 0) (local.get 1)))
                (func (export "echo") (param externref i32) (result externref) (local.get 0)))"#,
        )
        .expect("a module"),
    )?;
    let instance = linker.instantiate_and_start(&mut store, &module)?;
    let names: Vec<_> = instance
        .exports(&store)
        .map(|export| (export.name().to_owned(), export.ty(&store).to_string()))
        .collect();
    assert_eq!(names[0], ("memory".into(), "memory of 1.. pages".into()));

    // Raw calls, there and back.
    let run = instance.get_func(&store, "run").expect("exported");
    let mut cells = [Cell::from_bits(40), Cell::from_bits(2)];
    run.call_raw(&mut store, &mut cells)?;
    assert_eq!(cells[0].to_bits(), 42);
    assert!(store.get_fuel()? < 1_000);
    let mut cells = [Cell::ZERO; 2];
    let error = run
        .call_raw(&mut store, &mut cells)
        .expect_err("it refuses");
    assert_eq!(error.i32_exit_status(), Some(17));
    assert_eq!(CALLS.load(Ordering::Relaxed), 2);
    store.set_fuel(0)?;
    let error = run
        .call_raw(&mut store, &mut [Cell::ZERO; 2])
        .expect_err("no fuel");
    assert_eq!(error.as_trap_code(), Some(TrapCode::OutOfFuel));
    store.set_fuel(1_000)?;

    // A function that belongs to this store alone, and references as raw cells.
    let own = Func::new_raw(&mut store, ty, from_c(add, data(2)));
    let mut cells = [Cell::from_bits(1), Cell::from_bits(2)];
    own.call_raw(&mut store, &mut cells)?;
    assert_eq!(cells[0].to_bits(), 3);
    let object = ExternRef::new(&mut store, data(3));
    let echo = instance.get_func(&store, "echo").expect("exported");
    let mut cells = [Val::from(object).to_raw(&store)?, Cell::new(5_i32)];
    echo.call_raw(&mut store, &mut cells)?;
    let back = Val::from_raw(&store, ValType::ExternRef, cells[0]);
    let Some(damson::Nullable::Val(back)) = back.externref() else {
        panic!("it is not null");
    };
    let found = back.data(&store).downcast_ref::<ForeignData>();
    assert_eq!(found.map(|data| data.as_ptr().addr()), Some(3));
    assert!(matches!(
        Val::from_raw(&store, ValType::ExternRef, Cell::from_bits(99)),
        Val::ExternRef(damson::Nullable::Null)
    ));
    let mut abroad = Store::new(&engine, ()).prune();
    assert!(Val::from(object).to_raw(&abroad).is_err());
    assert!(own.call_raw(&mut abroad, &mut [Cell::ZERO; 2]).is_err());

    // Entities and memory.
    let memory = instance.get_memory(&store, "memory").expect("exported");
    memory.write(&mut store, 3, b"c")?;
    assert_eq!(memory.data(&store)[3], b'c');
    memory.data_mut(&mut store)[3] = b'd';
    memory.grow(&mut store, 1)?;
    Memory::new(&mut store, MemoryType::new(1, None))?;
    let global = damson::Global::new(&mut store, Val::I32(1), Mutability::Var);
    global.set(&mut store, Val::I32(2))?;
    let table = TableType::new(RefType::Func, 1, None);
    let table = Table::new(&mut store, table, own.into())?;
    assert!(
        table
            .get(&store, 0)
            .is_some_and(|element| element.is_non_null())
    );

    // Finalizers run once each: the store's data first, then what it owns; the linker
    // keeps its function's environment for other stores.
    assert!(FREED.lock().expect("no panics").is_empty());
    drop(store);
    let freed = FREED.lock().expect("no panics").clone();
    assert_eq!(freed[0], 1);
    assert_eq!(freed.iter().filter(|&&address| address == 2).count(), 1);
    assert_eq!(freed.iter().filter(|&&address| address == 3).count(), 1);
    drop(linker);
    let freed = FREED.lock().expect("no panics").clone();
    assert_eq!(freed.len(), 4);
    Ok(())
}
