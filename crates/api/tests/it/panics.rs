//! The panics that are documented: every accessor without a `Result`, with its words.

use std::panic::{AssertUnwindSafe, catch_unwind};

use damson::{
    Engine, ExternRef, Func, Global, Instance, Memory, MemoryType, Mutability, Ref, RefType, Store,
    Table, TableType, Val,
};

use crate::module;

/// The message of a panic.
fn words(f: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(f)).expect_err("a documented panic");
    match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(payload) => (*payload.downcast_ref::<&str>().expect("a message")).to_owned(),
    }
}

/// Every function whose documentation has the section *Panics* for a handle of another store.
#[test]
fn the_accessors_that_say_so_panic_on_a_foreign_handle() {
    let engine = Engine::default();
    let module = module(
        &engine,
        r#"(module (func (export "f")) (memory (export "m") 1)
            (table (export "t") 1 funcref) (global (export "g") i32 (i32.const 0)))"#,
    );
    let mut home = Store::new(&engine, ());
    let mut abroad = Store::new(&engine, ());
    // Something of every kind and the same index exists in both stores.
    let make = |store: &mut Store<()>| {
        let instance = Instance::new(&mut *store, &module, &[]).expect("it imports nothing");
        let func = Func::wrap(&mut *store, || ());
        let memory = Memory::new(&mut *store, MemoryType::new(1, None)).expect("one page");
        let ty = TableType::new(RefType::Func, 1, None);
        let table = Table::new(&mut *store, ty, Ref::null(RefType::Func)).expect("one element");
        let global = Global::new(&mut *store, Val::I32(0), Mutability::Var);
        let object = ExternRef::new(&mut *store, ());
        (instance, func, memory, table, global, object)
    };
    let (instance, func, memory, table, global, object) = make(&mut home);
    make(&mut abroad);
    let exports: Vec<_> = instance.exports(&home).collect();
    assert_eq!(exports.len(), 4);

    macro_rules! panics {
        ($($kind:literal: { $($call:expr;)* })*) => { $( $({
            let message = words(|| _ = $call);
            let expected = concat!("a ", $kind, " of store #");
            assert!(
                message.strip_prefix("an ").map_or(message.clone(), |rest| format!("a {rest}"))
                    .starts_with(expected) && message.contains(" was used with store #"),
                "{}: {message}", stringify!($call)
            );
        })* )* };
    }
    panics! {
        "memory": {
            memory.ty(&abroad);
            memory.size(&abroad);
            memory.data_size(&abroad);
            memory.data_ptr(&abroad);
            memory.data(&abroad).len();
            memory.data_mut(&mut abroad).len();
            memory.data_and_store_mut(&mut abroad).0.len();
            damson::Extern::from(memory).ty(&abroad);
            exports[1].ty(&abroad);
        }
        "table": {
            table.ty(&abroad);
            table.size(&abroad);
            table.get(&abroad, 0);
            damson::Extern::from(table).ty(&abroad);
            exports[2].ty(&abroad);
        }
        "global": {
            global.ty(&abroad);
            global.get(&abroad);
            damson::Extern::from(global).ty(&abroad);
            exports[3].ty(&abroad);
        }
        "function": {
            func.ty(&abroad);
            damson::Extern::from(func).ty(&abroad);
            exports[0].ty(&abroad);
            Global::new(&mut abroad, func.into(), Mutability::Const);
        }
        "externref": {
            object.data(&abroad).is::<()>();
            Global::new(&mut abroad, object.into(), Mutability::Const);
        }
        "instance": {
            instance.exports(&abroad);
            instance.get_export(&abroad, "m");
            instance.get_func(&abroad, "f");
            instance.get_global(&abroad, "g");
            instance.get_table(&abroad, "t");
            instance.get_memory(&abroad, "m");
        }
    }
}

#[test]
fn a_function_reference_is_unwrapped_or_panics() {
    assert!(Ref::null(RefType::Func).unwrap_func().is_null());
    let message = words(|| _ = Ref::null(RefType::Extern).unwrap_func());
    assert_eq!(message, "expected a function reference, found an externref");
}
