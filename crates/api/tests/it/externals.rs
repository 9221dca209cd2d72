//! Memories, tables, globals and references made and used by the host.

use damson::errors::{ErrorKind, MemoryError, TableError};
use damson::{
    Config, Engine, ExternRef, Func, Global, GlobalType, Linker, Memory, MemoryType, Mutability,
    Nullable, Ref, RefType, Store, Table, TableType, Val, ValType,
};

use crate::{instance_of, module};

#[test]
fn a_memory_is_read_written_and_grown() {
    let mut store = Store::new(&Engine::default(), ());
    let memory = Memory::new(&mut store, MemoryType::new(1, Some(3))).expect("one page");
    assert_eq!((memory.size(&store), memory.data_size(&store)), (1, 65_536));
    memory
        .write(&mut store, 65_534, &[1, 2])
        .expect("in bounds");
    assert_eq!(memory.data(&store)[65_533..], [0, 1, 2]);
    memory.data_mut(&mut store)[0] = 9;
    let mut bytes = [0; 1];
    memory.read(&store, 0, &mut bytes).expect("in bounds");
    assert_eq!(bytes, [9]);

    assert_eq!(memory.grow(&mut store, 2).expect("within its maximum"), 1);
    assert_eq!(memory.ty(&store), MemoryType::new(1, Some(3)));
    assert_eq!(memory.size(&store), 3);
    assert_eq!(memory.data(&store)[65_534..65_538], [1, 2, 0, 0]);
    let error = memory.grow(&mut store, 1).expect_err("beyond its maximum");
    assert!(matches!(error, MemoryError::Grow(_)), "{error}");
    assert_eq!(memory.grow(&mut store, 0).expect("nothing to do"), 3);
}

#[test]
fn memory_outside_its_bounds_is_a_typed_error_and_nothing_is_copied() {
    let mut store = Store::new(&Engine::default(), ());
    let memory = Memory::new(&mut store, MemoryType::new(1, None)).expect("one page");
    for offset in [65_535, 65_536, usize::MAX, usize::MAX - 1] {
        let error = memory
            .write(&mut store, offset, &[1, 2])
            .expect_err("out of bounds");
        assert!(
            matches!(error, MemoryError::OutOfBoundsAccess { .. }),
            "{error}"
        );
        let error = memory
            .read(&store, offset, &mut [0; 2])
            .expect_err("out of bounds");
        assert!(error.to_string().contains(&offset.to_string()), "{error}");
    }
    assert!(memory.data(&store).iter().all(|byte| *byte == 0));
    memory
        .write(&mut store, 65_536, &[])
        .expect("nothing, at the very end");
}

#[test]
fn impossible_types_are_typed_errors() {
    let mut store = Store::new(&Engine::default(), ());
    for ty in [
        MemoryType::new(2, Some(1)),
        MemoryType::new(65_537, None),
        MemoryType::of_pages(u64::MAX, None),
    ] {
        let error = Memory::new(&mut store, ty).expect_err("impossible");
        assert!(matches!(error.kind(), ErrorKind::Memory(_)), "{error}");
    }
    let ty = TableType::new(RefType::Func, 2, Some(1));
    let error = Table::new(&mut store, ty, Ref::null(RefType::Func)).expect_err("impossible");
    assert!(matches!(error.kind(), ErrorKind::Table(_)), "{error}");
}

#[test]
fn a_memory_may_live_in_the_hosts_buffer() {
    let buffer: &'static mut [u8] = Box::leak(vec![0xff; 2 * 65_536].into_boxed_slice());
    let address = buffer.as_ptr();
    let mut store = Store::new(&Engine::default(), ());
    let memory = Memory::new_static(&mut store, MemoryType::new(1, None), buffer).expect("it fits");
    assert_eq!(memory.data(&store).as_ptr(), address);
    assert_eq!(
        memory
            .grow(&mut store, 1)
            .expect("the buffer has two pages"),
        1
    );
    assert!(memory.data(&store).iter().all(|byte| *byte == 0));
    assert!(
        memory.grow(&mut store, 1).is_err(),
        "the buffer has no third page"
    );
}

#[test]
fn a_memory_of_the_host_is_shared_with_wasm() {
    let engine = Engine::default();
    let module = module(
        &engine,
        r#"(module
            (import "host" "memory" (memory 1 4))
            (func (export "peek") (param i32) (result i32) (i32.load8_u (local.get 0)))
            (func (export "grow") (result i32) (memory.grow (i32.const 1))))"#,
    );
    let mut store = Store::new(&engine, ());
    let memory = Memory::new(&mut store, MemoryType::new(1, Some(4))).expect("one page");
    let mut linker = Linker::new(&engine);
    linker
        .define("host", "memory", memory)
        .expect("not defined yet");
    let instance = linker
        .instantiate_and_start(&mut store, &module)
        .expect("it fits");
    let peek = instance
        .get_typed_func::<u32, u32>(&store, "peek")
        .expect("its type");
    let grow = instance
        .get_typed_func::<(), i32>(&store, "grow")
        .expect("its type");
    memory.write(&mut store, 100, &[42]).expect("in bounds");
    assert_eq!(peek.call(&mut store, 100).expect("it runs"), 42);
    assert!(peek.call(&mut store, 65_536).is_err());
    memory.grow(&mut store, 1).expect("within its maximum");
    assert_eq!(
        peek.call(&mut store, 65_536)
            .expect("Wasm sees the new page"),
        0
    );
    assert_eq!(grow.call(&mut store, ()).expect("it runs"), 2);
    memory
        .write(&mut store, 3 * 65_536 - 1, &[7])
        .expect("the host sees the new page");
    assert_eq!(peek.call(&mut store, 3 * 65_536 - 1).expect("it runs"), 7);
}

#[test]
fn a_table_of_functions_is_shared_with_wasm() {
    let engine = Engine::default();
    let module = module(
        &engine,
        r#"(module
            (type $f (func (result i32)))
            (import "host" "table" (table $t 1 funcref))
            (func (export "call") (param i32) (result i32)
              (call_indirect $t (type $f) (local.get 0)))
            (func (export "seven") (result i32) (i32.const 7)))"#,
    );
    let mut store = Store::new(&engine, ());
    let host = Func::wrap(&mut store, || 5);
    let null = Ref::null(RefType::Func);
    let table = Table::new(
        &mut store,
        TableType::new(RefType::Func, 2, None),
        host.into(),
    )
    .expect("two elements");
    let mut linker = Linker::new(&engine);
    linker
        .define("host", "table", table)
        .expect("not defined yet");
    let instance = linker
        .instantiate_and_start(&mut store, &module)
        .expect("it fits");
    let call = instance
        .get_typed_func::<u32, i32>(&store, "call")
        .expect("its type");
    assert_eq!(call.call(&mut store, 1).expect("it runs"), 5);

    let seven = instance.get_func(&store, "seven").expect("exported");
    table.set(&mut store, 1, seven.into()).expect("in bounds");
    assert_eq!(call.call(&mut store, 1).expect("it runs"), 7);
    let element = table.get(&store, 1).expect("in bounds");
    assert!(matches!(element, Ref::Func(Nullable::Val(func)) if func == seven));
    assert_eq!(table.grow(&mut store, 3, null).expect("no maximum"), 2);
    assert_eq!((table.size(&store), table.ty(&store).minimum()), (5, 2));
    assert!(table.get(&store, 4).expect("in bounds").is_null());
    assert!(table.get(&store, 5).is_none() && table.get(&store, u64::MAX).is_none());
    assert!(call.call(&mut store, 4).is_err(), "null");
    table
        .fill(&mut store, 2, host.into(), 3)
        .expect("in bounds");
    assert_eq!(call.call(&mut store, 4).expect("it runs"), 5);

    for (dst, len) in [(5, 1), (2, 4), (u64::MAX, 1), (1, u64::MAX)] {
        let error = table
            .fill(&mut store, dst, null, len)
            .expect_err("out of bounds");
        assert!(matches!(error, TableError::OutOfBounds { .. }), "{error}");
    }
    assert!(
        table.get(&store, 2).expect("in bounds").is_non_null(),
        "nothing was set"
    );
}

#[test]
fn a_reference_of_another_type_does_not_enter_a_table() {
    let mut store = Store::new(&Engine::default(), ());
    let funcs = Table::new(
        &mut store,
        TableType::new(RefType::Func, 1, None),
        Ref::null(RefType::Func),
    )
    .expect("one element");
    // Both references have the same bits inside.
    Func::wrap(&mut store, || ());
    let object: Ref = ExternRef::new(&mut store, 1_u8).into();
    let errors = [
        funcs.set(&mut store, 0, object).expect_err("set"),
        funcs
            .fill(&mut store, 0, Ref::null(RefType::Extern), 1)
            .expect_err("fill"),
        funcs
            .grow(&mut store, 1, object)
            .map(drop)
            .expect_err("grow"),
        Table::new(&mut store, TableType::new(RefType::Func, 1, None), object)
            .map(drop)
            .map_err(|error| match error.kind() {
                ErrorKind::Table(error) => *error,
                kind => panic!("{kind}"),
            })
            .expect_err("new"),
    ];
    for error in errors {
        assert!(
            matches!(error, TableError::ElementTypeMismatch { .. }),
            "{error}"
        );
        let message = error.to_string();
        assert!(
            message.contains("funcref") && message.contains("externref"),
            "{message}"
        );
    }
}

#[test]
fn globals_are_read_and_written_by_type() {
    let mut store = Store::new(&Engine::default(), ());
    let global = Global::new(&mut store, Val::F32(1.5.into()), Mutability::Var);
    assert_eq!(
        global.ty(&store),
        GlobalType::new(ValType::F32, Mutability::Var)
    );
    global
        .set(&mut store, Val::F32(2.5.into()))
        .expect("mutable");
    assert_eq!(global.get(&store).f32().map(f32::from), Some(2.5));
    let error = global
        .set(&mut store, Val::I32(1))
        .expect_err("another type");
    assert_eq!(error.to_string(), "the global holds f32, found i32");

    let constant = Global::new(&mut store, Val::I64(-1), Mutability::Const);
    let error = constant.set(&mut store, Val::I64(0)).expect_err("constant");
    assert!(error.to_string().contains("immutable"), "{error}");
    assert_eq!(constant.get(&store).i64(), Some(-1));

    let object = ExternRef::new(&mut store, "object");
    let reference = Global::new(&mut store, object.into(), Mutability::Var);
    let Val::ExternRef(Nullable::Val(back)) = reference.get(&store) else {
        panic!("null")
    };
    assert_eq!(back.data(&store).downcast_ref::<&str>(), Some(&"object"));
    reference
        .set(&mut store, Val::default_for_ty(ValType::ExternRef))
        .expect("mutable");
    assert!(
        reference
            .get(&store)
            .externref()
            .expect("an externref")
            .is_null()
    );
}

#[test]
fn exports_come_in_the_modules_order() {
    let (store, instance) = instance_of(
        r#"(module
            (func (export "z")) (memory (export "a") 1)
            (global (export "m") i32 (i32.const 4)) (table (export "b") 1 funcref))"#,
    );
    let exports = instance.exports(&store);
    assert_eq!(exports.len(), 4);
    let names: Vec<_> = exports.clone().map(|export| export.name()).collect();
    assert_eq!(names, ["z", "a", "m", "b"]);
    let types: Vec<_> = exports
        .map(|export| export.ty(&store).to_string())
        .collect();
    assert_eq!(types[0], "function () -> ()");
    assert!(instance.get_memory(&store, "a").is_some());
    assert!(
        instance.get_memory(&store, "z").is_none(),
        "a function is no memory"
    );
    assert!(
        instance.get_global(&store, "m").is_some() && instance.get_table(&store, "b").is_some()
    );
    assert!(instance.get_export(&store, "c").is_none());
}

#[test]
fn several_memories_are_told_apart() {
    let mut config = Config::default();
    config.wasm_multi_memory(true);
    let engine = Engine::new(&config);
    let module = module(
        &engine,
        r#"(module
            (memory $a (export "a") 1) (memory $b (export "b") 1)
            (func (export "copy")
              (i32.store $b (i32.const 8) (i32.load $a (i32.const 4)))))"#,
    );
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine)
        .instantiate_and_start(&mut store, &module)
        .expect("it fits");
    let [a, b] = ["a", "b"].map(|name| instance.get_memory(&store, name).expect("exported"));
    a.write(&mut store, 4, &[1, 2, 3, 4]).expect("in bounds");
    instance
        .get_func(&store, "copy")
        .expect("exported")
        .call(&mut store, &[], &mut [])
        .expect("runs");
    assert_eq!(b.data(&store)[8..12], [1, 2, 3, 4]);
    assert_eq!(a.data(&store)[8..12], [0; 4]);
}
