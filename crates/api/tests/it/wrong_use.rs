//! Wrong use: a typed error that says what is wrong, or the panic that is documented.

use std::panic::{AssertUnwindSafe, catch_unwind};

use damson::errors::{ErrorKind, FuncError};
use damson::{
    Engine, Error, ExternRef, Func, FuncType, Global, Instance, Linker, Memory, MemoryType,
    Mutability, Ref, RefType, Store, Table, TableType, Val, ValType,
};

use crate::{instance_of, module};

/// A foreign handle, with both stores named in the message.
fn is_foreign(error: &Error) {
    assert!(
        matches!(error.kind(), ErrorKind::ForeignHandle(_)),
        "{error:?}"
    );
    let message = error.to_string();
    assert!(message.contains("was used with"), "{message}");
}

#[test]
fn handles_of_another_store_are_errors() {
    let engine = Engine::default();
    let mut home = Store::new(&engine, ());
    let mut abroad = Store::new(&engine, ());
    // Something of the same index exists in both stores.
    let make = |store: &mut Store<()>| {
        let func = Func::wrap(&mut *store, |_: Option<Func>, _: Option<ExternRef>| {});
        let memory = Memory::new(&mut *store, MemoryType::new(1, None)).expect("one page");
        let ty = TableType::new(RefType::Func, 1, None);
        let table = Table::new(&mut *store, ty, func.into()).expect("one element");
        let global = Global::new(&mut *store, Val::I32(0), Mutability::Var);
        let object = ExternRef::new(&mut *store, ());
        (func, memory, table, global, object)
    };
    let (func, memory, table, global, object) = make(&mut home);
    let (own_func, _, own_table, _, _) = make(&mut abroad);
    let null = Ref::null(RefType::Func);

    let null_func = Val::default_for_ty(ValType::FuncRef);
    let null_extern = Val::default_for_ty(ValType::ExternRef);
    let store = &mut abroad;
    let errors = [
        func.call(&mut *store, &[null_func, null_extern], &mut [])
            .expect_err("call"),
        func.call_raw(&mut *store, &mut []).expect_err("call_raw"),
        func.typed::<(), ()>(&*store).map(drop).expect_err("typed"),
        own_func
            .call(&mut *store, &[func.into(), null_extern], &mut [])
            .expect_err("a parameter"),
        own_func
            .call(&mut *store, &[null_func, object.into()], &mut [])
            .expect_err("an object"),
        memory.read(&*store, 0, &mut []).expect_err("read"),
        memory.write(&mut *store, 0, &[]).expect_err("write"),
        memory.grow(&mut *store, 0).map(drop).expect_err("grow"),
        table.set(&mut *store, 0, null).expect_err("set"),
        table
            .grow(&mut *store, 0, null)
            .map(drop)
            .expect_err("grow"),
        own_table
            .set(&mut *store, 0, func.into())
            .expect_err("an element"),
        own_table
            .grow(&mut *store, 1, func.into())
            .map(drop)
            .expect_err("an element"),
        global.set(&mut *store, Val::I32(0)).expect_err("set"),
    ];
    errors.iter().for_each(is_foreign);

    let typed = func
        .typed::<(Option<Func>, Option<ExternRef>), ()>(&home)
        .expect("its type");
    is_foreign(
        &typed
            .call(&mut abroad, (None, None))
            .expect_err("typed call"),
    );
    let typed = own_func
        .typed::<(Option<Func>, Option<ExternRef>), ()>(&abroad)
        .expect("its type");
    is_foreign(
        &typed
            .call(&mut abroad, (Some(func), None))
            .expect_err("a typed parameter"),
    );
}

#[test]
fn definitions_of_another_store_are_errors() {
    let engine = Engine::default();
    let module = module(&engine, r#"(module (import "m" "f" (func)))"#);
    let mut home = Store::new(&engine, ());
    let mut abroad = Store::new(&engine, ());
    let func = Func::wrap(&mut home, || ());
    Func::wrap(&mut abroad, || ());
    let mut linker = Linker::new(&engine);
    linker.define("m", "f", func).expect("not defined yet");
    is_foreign(
        &linker
            .instantiate_and_start(&mut abroad, &module)
            .expect_err("foreign"),
    );
    let pre = linker
        .instantiate_pre(&module)
        .expect("known when instantiated only");
    is_foreign(&pre.instantiate(&mut abroad).expect_err("foreign"));
    pre.instantiate(&mut home).expect("its own store");

    is_foreign(&Instance::new(&mut abroad, &module, &[func.into()]).expect_err("foreign"));
}

#[test]
fn the_accessors_that_say_so_panic_on_a_foreign_handle() {
    let (mut home, instance) = instance_of(r#"(module (memory (export "m") 1))"#);
    let mut abroad = Store::new(&Engine::default(), ());
    let memory = Memory::new(&mut home, MemoryType::new(1, None)).expect("one page");
    let func = Func::wrap(&mut home, || ());
    let object = ExternRef::new(&mut home, ());
    let global = Global::new(&mut home, Val::I32(0), Mutability::Var);
    let panics = |f: &mut dyn FnMut()| {
        let payload = catch_unwind(AssertUnwindSafe(f)).expect_err("a documented panic");
        let message = payload.downcast_ref::<String>().expect("a message");
        assert!(message.contains("was used with"), "{message}");
    };
    panics(&mut || _ = memory.ty(&abroad));
    panics(&mut || _ = memory.size(&abroad));
    panics(&mut || _ = memory.data(&abroad).len());
    panics(&mut || _ = func.ty(&abroad));
    panics(&mut || _ = global.get(&abroad));
    panics(&mut || _ = object.data(&abroad).is::<()>());
    panics(&mut || _ = instance.get_export(&abroad, "m"));
    panics(&mut || _ = Global::new(&mut abroad, func.into(), Mutability::Const));
    panics(&mut || _ = memory.data_mut(&mut abroad).len());
}

#[test]
fn engines_are_not_mixed() {
    let (one, two) = (Engine::default(), Engine::default());
    let module = module(&one, "(module)");
    let mut store = Store::new(&two, ());
    let errors = [
        (
            Linker::new(&two).instantiate_and_start(&mut store, &module),
            "module",
        ),
        (
            Linker::new(&one).instantiate_and_start(&mut store, &module),
            "linker",
        ),
        (Instance::new(&mut store, &module, &[]), "module"),
        (
            Linker::new(&one)
                .instantiate_pre(&module)
                .and_then(|pre| pre.instantiate(&mut store)),
            "module",
        ),
    ];
    for (result, what) in errors {
        let error = result.expect_err("another engine");
        assert!(matches!(error.kind(), ErrorKind::Engine(_)), "{error}");
        assert!(error.to_string().contains(what), "{error}");
    }
    assert!(Linker::<()>::new(&two).instantiate_pre(&module).is_err());
    assert!(
        Linker::<()>::new(&one)
            .resolve(&mut store, "m", "f")
            .is_err()
    );
}

#[test]
fn wrong_parameters_and_results_are_named() {
    let mut store = Store::new(&Engine::default(), ());
    let ty = FuncType::new([ValType::I32, ValType::I64], [ValType::F32]);
    let func = Func::new(&mut store, ty, |_, _, _| Ok(()));
    let call = |store: &mut Store<()>, inputs: &[Val], outputs: usize| {
        let error = func
            .call(store, inputs, &mut vec![Val::I32(0); outputs])
            .expect_err("wrong");
        assert!(matches!(error.kind(), ErrorKind::Func(_)), "{error:?}");
        error.to_string()
    };
    let good = [Val::I32(0), Val::I64(0)];
    assert_eq!(
        call(&mut store, &good[..1], 1),
        "expected 2 parameters, found 1"
    );
    assert_eq!(call(&mut store, &[], 1), "expected 2 parameters, found 0");
    assert_eq!(call(&mut store, &good, 0), "expected 1 results, found 0");
    assert_eq!(call(&mut store, &good, 2), "expected 1 results, found 2");
    let wrong = [Val::I32(0), Val::F64(0.0.into())];
    assert_eq!(
        call(&mut store, &wrong, 1),
        "parameter 1: expected i64, found f64"
    );

    let typed = |error: Error| match error.kind() {
        ErrorKind::Func(error) => error.clone(),
        kind => panic!("{kind:?}"),
    };
    let error = typed(
        func.typed::<i32, f32>(&store)
            .expect_err("too few parameters"),
    );
    assert_eq!(
        error,
        FuncError::MismatchingParameterLen {
            expected: 2,
            found: 1
        }
    );
    let error = typed(
        func.typed::<(i32, i64), ()>(&store)
            .expect_err("too few results"),
    );
    assert_eq!(
        error,
        FuncError::MismatchingResultLen {
            expected: 1,
            found: 0
        }
    );
    let error = typed(
        func.typed::<(i32, i32), f32>(&store)
            .expect_err("a wrong parameter"),
    );
    let (expected, found) = (ValType::I64, ValType::I32);
    assert_eq!(
        error,
        FuncError::MismatchingParameterType {
            index: 1,
            expected,
            found
        }
    );
    let error = typed(
        func.typed::<(u32, u64), f64>(&store)
            .expect_err("a wrong result"),
    );
    let (expected, found) = (ValType::F32, ValType::F64);
    assert_eq!(
        error,
        FuncError::MismatchingResultType {
            index: 0,
            expected,
            found
        }
    );
    func.typed::<(u32, u64), damson::F32>(&store)
        .expect("all of these are its type");
}

#[test]
fn a_missing_export_is_named() {
    let (store, instance) = instance_of(r#"(module (memory (export "memory") 1))"#);
    for name in ["nothing", "memory"] {
        let error = instance
            .get_typed_func::<(), ()>(&store, name)
            .expect_err("no function");
        assert!(error.to_string().contains(name), "{error}");
    }
}
