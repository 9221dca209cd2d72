//! Wrong use: a typed error that says what is wrong, or the panic that is documented.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};

use damson::errors::{ErrorKind, FuncError};
use damson::{
    Caller, Engine, Error, ExternRef, Func, FuncType, Global, Instance, Linker, Memory, MemoryType,
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
        memory.read(&*store, 0, &mut []).expect_err("read").into(),
        memory.write(&mut *store, 0, &[]).expect_err("write").into(),
        memory
            .grow(&mut *store, 0)
            .map(drop)
            .expect_err("grow")
            .into(),
        table.set(&mut *store, 0, null).expect_err("set").into(),
        table
            .grow(&mut *store, 0, null)
            .map(drop)
            .expect_err("grow")
            .into(),
        own_table
            .set(&mut *store, 0, func.into())
            .expect_err("an element")
            .into(),
        own_table
            .grow(&mut *store, 1, func.into())
            .map(drop)
            .expect_err("an element")
            .into(),
        global
            .set(&mut *store, Val::I32(0))
            .expect_err("set")
            .into(),
        Table::copy(&mut *store, &own_table, 0, &table, 0, 0)
            .expect_err("copy")
            .into(),
        Table::copy(&mut *store, &table, 0, &own_table, 0, 0)
            .expect_err("copy")
            .into(),
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
    panics(&mut || _ = memory.data_ptr(&abroad));
    panics(&mut || _ = memory.data_and_store_mut(&mut abroad).0.len());
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

/// One sentence for each way to go wrong, as a person reads it.
#[test]
fn messages_say_what_is_wrong() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let abroad = Store::new(&engine, ());
    let ty = FuncType::new([ValType::I32], []);
    let func = Func::new(&mut store, ty, |_, _, _| Ok(()));
    let memory = Memory::new(&mut store, MemoryType::new(1, Some(1))).expect("one page");
    let table = Table::new(
        &mut store,
        TableType::new(RefType::Func, 1, Some(1)),
        Ref::null(RefType::Func),
    )
    .expect("one element");
    let constant = Global::new(&mut store, Val::I32(0), Mutability::Const);
    let imports = module(
        &engine,
        r#"(module (import "env" "now" (func (result i64))))"#,
    );
    let other_engine = module(&Engine::default(), "(module)");
    let linker = Linker::<()>::new(&engine);
    let mut wrong = Linker::<()>::new(&engine);
    wrong.func_wrap("env", "now", || 0_i32).expect("new");
    let mut unknown = Linker::<()>::new(&engine);
    unknown
        .define_unknown_imports_as_traps(&imports)
        .expect("the same engine");
    let now = unknown
        .resolve(&mut store, "env", "now")
        .expect("the same engine");
    let now = now.and_then(damson::Extern::into_func).expect("defined");

    let foreign = memory
        .read(&abroad, 0, &mut [])
        .expect_err("foreign")
        .to_string();
    assert!(
        foreign.starts_with("a memory of store #") && foreign.contains(" was used with store #"),
        "{foreign}"
    );
    let instantiate = |linker: &Linker<()>, store: &mut Store<()>, module| {
        let error = linker.instantiate_and_start(store, module);
        error.expect_err("wrong").to_string()
    };
    let found = [
        instantiate(&linker, &mut store, &other_engine),
        instantiate(&linker, &mut store, &imports),
        instantiate(&wrong, &mut store, &imports),
        now.call(&mut store, &[], &mut [Val::I64(0)])
            .expect_err("unknown")
            .to_string(),
        Instance::new(&mut store, &imports, &[])
            .expect_err("count")
            .to_string(),
        Instance::new(&mut store, &imports, &[func.into()])
            .expect_err("type")
            .to_string(),
        func.call(&mut store, &[], &mut [])
            .expect_err("count")
            .to_string(),
        func.call(&mut store, &[Val::I64(0)], &mut [])
            .expect_err("type")
            .to_string(),
        func.call_raw(&mut store, &mut [])
            .expect_err("cells")
            .to_string(),
        memory
            .write(&mut store, 65_535, &[0; 2])
            .expect_err("range")
            .to_string(),
        memory.grow(&mut store, 1).expect_err("maximum").to_string(),
        table
            .set(&mut store, 1, Ref::null(RefType::Func))
            .expect_err("range")
            .to_string(),
        table
            .set(&mut store, 0, Ref::null(RefType::Extern))
            .expect_err("type")
            .to_string(),
        constant
            .set(&mut store, Val::I32(1))
            .expect_err("constant")
            .to_string(),
        store.set_fuel(1).expect_err("off").to_string(),
        abroad
            .prune()
            .try_into_store::<u8>()
            .expect_err("type")
            .1
            .to_string(),
    ];
    let expected = [
        "the module was made for another engine than the store or linker it is used with",
        "unknown import: `env::now` is not defined, expected function () -> i64",
        "incompatible import type: `env::now`: expected function () -> i64, found function () -> i32",
        "unknown import: `env::now` is not defined, expected function () -> i64",
        "expected 1 imports, found 0",
        "incompatible import type for `now` from `env` (import 0): expected function () -> i64, \
         found function (i32) -> ()",
        "expected 1 parameters, found 0",
        "parameter 0: expected i32, found i64",
        "a function of type (i32) -> () takes a buffer of 1 cells, found 0",
        "2 bytes at offset 65535 lie outside a memory of 65536 bytes",
        "a memory of size 1 cannot grow by 1: at most 1 are possible",
        "1 elements from 1 on lie outside a table of 1 elements",
        "the table holds funcref elements, found externref",
        "expected a mutable global, found an immutable global i32",
        "fuel metering is disabled: the engine was configured without `consume_fuel`",
        "expected a store with host data of type `u8`, found one with `()`",
    ];
    assert_eq!(found, expected);
}

#[test]
fn re_entrancy_ends_at_the_configured_limit() {
    fn again(mut caller: Caller<'_, u32>) -> Result<(), Error> {
        *caller.data_mut() += 1;
        let again = Func::wrap(&mut caller, again);
        again.call(&mut caller, &[], &mut [])
    }
    for limit in [1, 5, 60] {
        let mut config = damson::Config::default();
        config.set_max_host_nesting(limit);
        let mut store = Store::new(&Engine::new(&config), 0_u32);
        let func = Func::wrap(&mut store, again);
        let error = func.call(&mut store, &[], &mut []).expect_err("too deep");
        assert_eq!(error.to_string(), "call stack exhausted");
        assert_eq!(store.into_data(), limit);
    }
}

/// Polls a future that has nothing to wait for.
fn at_once<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(output) => output,
        std::task::Poll::Pending => panic!("it waits"),
    }
}

/// What is checked of a call is checked of one that can wait, with the same words.
#[test]
fn calls_that_can_wait_are_checked_like_others() {
    let engine = Engine::default();
    let (mut home, mut abroad) = (Store::new(&engine, ()), Store::new(&engine, ()));
    let text = r#"(module (import "m" "f" (func)) (func (export "run") (param i32)))"#;
    let module = module(&engine, text);
    let func = Func::wrap(&mut home, |_: i32| 1_i64);
    let import = Func::wrap(&mut home, || ());
    Func::wrap(&mut abroad, |_: i32| 1_i64);
    let typed = func.typed::<i32, i64>(&home).expect("its type");
    let (input, mut output) = ([Val::I32(1)], [Val::I64(0)]);

    is_foreign(&at_once(func.call_async(&mut abroad, &input, &mut output)).expect_err("foreign"));
    is_foreign(&at_once(typed.call_async(&mut abroad, 1)).expect_err("foreign"));
    is_foreign(
        &func
            .call_resumable(&mut abroad, &input, &mut output)
            .expect_err("foreign"),
    );
    is_foreign(&typed.call_resumable(&mut abroad, 1).expect_err("foreign"));
    for (input, outputs, message) in [
        (&[][..], 1, "expected 1 parameters, found 0"),
        (&[Val::I64(0)], 1, "parameter 0: expected i32, found i64"),
        (&[Val::I32(0)], 2, "expected 1 results, found 2"),
    ] {
        let mut output = vec![Val::I32(0); outputs];
        let errors = [
            at_once(func.call_async(&mut home, input, &mut output)).expect_err(message),
            func.call_resumable(&mut home, input, &mut output)
                .expect_err(message),
        ];
        for error in errors {
            assert_eq!(error.to_string(), message);
        }
    }
    let cells = "a function of type (i32) -> i64 takes a buffer of 1 cells, found 2";
    let mut two = [damson::Cell::ZERO; 2];
    let error = at_once(func.call_raw_async(&mut home, &mut two)).expect_err(cells);
    assert_eq!(error.to_string(), cells);
    let error = func
        .call_raw_resumable(&mut home, &mut two)
        .expect_err(cells);
    assert_eq!(error.to_string(), cells);

    // Instances: another engine, nothing defined, a definition of another store.
    let mut linker = Linker::<()>::new(&engine);
    let missing = "unknown import: `m::f` is not defined, expected function () -> ()";
    let error = at_once(linker.instantiate_async(&mut home, &module)).expect_err(missing);
    assert_eq!(error.to_string(), missing);
    linker.define("m", "f", import).expect("not defined yet");
    is_foreign(&at_once(linker.instantiate_async(&mut abroad, &module)).expect_err("foreign"));
    is_foreign(
        &at_once(Instance::new_async(&mut abroad, &module, &[import.into()])).expect_err("foreign"),
    );
    let mut other = Store::new(&Engine::default(), ());
    let error = at_once(linker.instantiate_async(&mut other, &module)).expect_err("engines");
    assert!(matches!(error.kind(), ErrorKind::Engine(_)), "{error}");
    at_once(linker.instantiate_async(&mut home, &module)).expect("its own store");
}

/// A start function is a call like others: it cannot wait unless it may.
#[test]
fn a_start_function_that_has_to_wait_needs_an_async_instantiation() {
    let engine = Engine::default();
    let module = module(
        &engine,
        r#"(module (import "m" "wait" (func $wait)) (func $start (call $wait)) (start $start))"#,
    );
    let mut linker = Linker::<u32>::new(&engine);
    linker
        .func_wrap_async("m", "wait", |mut caller: Caller<'_, u32>, ()| {
            Box::new(async move { *caller.data_mut() += 1 })
        })
        .expect("not defined yet");
    let mut store = Store::new(&engine, 0);
    let error = linker
        .instantiate_and_start(&mut store, &module)
        .expect_err("it cannot wait");
    assert!(
        matches!(error.kind(), ErrorKind::Func(FuncError::NeedsAsync)),
        "{error}"
    );
    assert_eq!(*store.data(), 0);
    at_once(linker.instantiate_async(&mut store, &module)).expect("it can");
    assert_eq!(*store.data(), 1);
}
