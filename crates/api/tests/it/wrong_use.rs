//! Wrong use: a typed error that says what is wrong, or the panic that is documented.

use damson::errors::{ErrorKind, FuncError};
use damson::{
    Caller, Engine, Error, ExternRef, Func, FuncType, Global, Instance, Linker, Memory, MemoryType,
    Mutability, Ref, RefType, Store, Table, TableType, Val, ValType,
};

use crate::{at_once, instance_of, module};

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
    let instance = Instance::new(&mut home, &module, &[func.into()]).expect("its own store");
    let error = instance.get_typed_func::<(), ()>(&abroad, "f");
    is_foreign(&error.map(drop).expect_err("foreign"));
    let error = linker.instance(&abroad, "name", instance).map(drop);
    is_foreign(&error.expect_err("foreign"));
    pre.instantiate(&mut home).expect("its own store");

    is_foreign(&Instance::new(&mut abroad, &module, &[func.into()]).expect_err("foreign"));
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
    let errors = [
        (
            Linker::<()>::new(&two).instantiate_pre(&module).map(drop),
            "module",
        ),
        (
            Linker::<()>::new(&two).define_unknown_imports_as_traps(&module),
            "module",
        ),
        (
            at_once(Instance::new_async(&mut store, &module, &[])).map(drop),
            "module",
        ),
        (
            at_once(Linker::new(&two).instantiate_async(&mut store, &module)).map(drop),
            "module",
        ),
        (
            Linker::<()>::new(&one)
                .resolve(&mut store, "m", "f")
                .map(drop),
            "linker",
        ),
    ];
    for (result, what) in errors {
        let error = result.expect_err("another engine");
        assert!(matches!(error.kind(), ErrorKind::Engine(_)), "{error}");
        assert!(error.to_string().contains(what), "{error}");
    }
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
        "expected 1 imports, found 0: the first one missing is `now` from `env`, a function () -> i64",
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
    for error in [
        at_once(func.call_raw_async(&mut home, &mut two)).expect_err(cells),
        func.call_raw_resumable(&mut home, &mut two)
            .expect_err(cells),
        func.call_raw(&mut home, &mut two).expect_err(cells),
    ] {
        assert_eq!(error.to_string(), cells);
        let ErrorKind::Func(FuncError::MismatchingCellLen {
            expected, found, ..
        }) = error.kind()
        else {
            panic!("{error:?}")
        };
        assert_eq!((*expected, *found), (1, 2));
    }

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

/// Raw results are counted, where a call goes on with those of a host function.
#[test]
fn a_wrong_number_of_raw_results_is_named() {
    let engine = Engine::default();
    let text = r#"(module (import "m" "f" (func $f (result i32 i64)))
        (func (export "run") (result i32) (drop (call $f))))"#;
    let mut linker = Linker::<()>::new(&engine);
    linker
        .func_wrap("m", "f", || Err::<(i32, i64), _>(Error::new("later")))
        .expect("not defined yet");
    let mut store = Store::new(&engine, ());
    let instance = linker
        .instantiate(&mut store, &module(&engine, text))
        .expect("it fits");
    let run = instance.get_func(&store, "run").expect("exported");
    for inputs in [0, 1, 3] {
        let mut cells = [damson::Cell::ZERO];
        let call = run.call_raw_resumable(&mut store, &mut cells);
        let Ok(damson::ResumableCall::HostTrap(call)) = call else {
            panic!("{call:?}")
        };
        let inputs = vec![damson::Cell::ZERO; inputs];
        let error = call
            .resume_raw(&mut store, &inputs, &mut cells)
            .expect_err("it has two results");
        let ErrorKind::Func(FuncError::MismatchingHostResultLen {
            expected, found, ..
        }) = error.kind()
        else {
            panic!("{error:?}")
        };
        assert_eq!((*expected, *found), (2, inputs.len()));
        let message = format!(
            "a host function of type () -> (i32, i64) gives 2 results, found {}",
            inputs.len()
        );
        assert_eq!(error.to_string(), message);
    }
}

/// Functions of a module are counted from those that it imports.
#[test]
fn functions_that_a_module_does_not_define_are_named() {
    for mode in crate::MODES {
        let engine = crate::engine_in(mode);
        let module = module(&engine, r#"(module (import "m" "f" (func)) (func))"#);
        module.precompile(1).expect("it defines one");
        for func_index in [0, 2, u32::MAX] {
            let error = module.precompile(func_index).expect_err("not defined");
            assert!(
                matches!(
                    error.kind(),
                    ErrorKind::Func(FuncError::NoSuchFunction { func_index: found })
                        if *found == func_index
                ),
                "{error:?}"
            );
            let message = format!("the module defines no function of index {func_index}");
            assert_eq!(error.to_string(), message);
            let error = module.disassemble(func_index).expect_err("not defined");
            assert!(
                error.to_string().contains(&func_index.to_string()),
                "{error}"
            );
        }
    }
}

/// A host function passes on what its own use of the store came to, and the guest ends as by a
/// trap of its own.
#[test]
fn errors_of_the_hosts_own_accesses_are_like_traps() {
    use damson::TrapCode;
    type Access = fn(&mut Caller<'_, ()>, Memory, Table) -> Result<(), Error>;
    let accesses: [(Access, Option<TrapCode>); 8] = [
        (
            |caller, memory, _| Ok(memory.read(caller, 65_535, &mut [0; 2])?),
            Some(TrapCode::MemoryOutOfBounds),
        ),
        (
            |caller, memory, _| Ok(memory.write(caller, usize::MAX, &[0])?),
            Some(TrapCode::MemoryOutOfBounds),
        ),
        (
            |caller, memory, _| Ok(memory.grow(caller, 1).map(drop)?),
            Some(TrapCode::MemoryOutOfBounds),
        ),
        (
            |caller, _, table| Ok(table.set(caller, 1, Ref::null(RefType::Func))?),
            Some(TrapCode::TableOutOfBounds),
        ),
        (
            |caller, _, table| Ok(table.fill(caller, 0, Ref::null(RefType::Func), 2)?),
            Some(TrapCode::TableOutOfBounds),
        ),
        (
            |caller, _, table| {
                let grown = table.grow(caller, 1, Ref::null(RefType::Func));
                Ok(grown.map(drop)?)
            },
            Some(TrapCode::TableOutOfBounds),
        ),
        (
            |caller, _, table| Ok(table.set(caller, 0, Ref::null(RefType::Extern))?),
            Some(TrapCode::BadSignature),
        ),
        (|caller, _, _| caller.set_fuel(1), None),
    ];
    for (number, (access, code)) in accesses.into_iter().enumerate() {
        let mut store = Store::new(&Engine::default(), ());
        let memory = Memory::new(&mut store, MemoryType::new(1, Some(1))).expect("one page");
        let ty = TableType::new(RefType::Func, 1, Some(1));
        let table = Table::new(&mut store, ty, Ref::null(RefType::Func)).expect("one element");
        let func = Func::wrap(&mut store, move |mut caller: Caller<'_, ()>| {
            access(&mut caller, memory, table)
        });
        let error = func
            .call(&mut store, &[], &mut [])
            .expect_err("wrong access");
        assert_eq!(error.as_trap_code(), code, "{number}: {error}");
        assert_eq!(error.kind().as_trap_code(), code);
        // It is no trap: no instruction has one.
        assert!(error.trap().is_none());
    }
}

/// Names are the guest's: what they would do to a terminal is only shown.
#[test]
fn names_in_messages_are_escaped() {
    let engine = Engine::default();
    let module = module(
        &engine,
        "(module (import \"m\\1b\" \"f\\0a\" (func)) (func (export \"e\")))",
    );
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::<()>::new(&engine);
    let mut errors = Vec::new();
    errors.push(
        linker
            .instantiate_pre(&module)
            .map(drop)
            .expect_err("missing"),
    );
    errors.push(Instance::new(&mut store, &module, &[]).expect_err("missing"));
    let global = Global::new(&mut store, Val::I32(0), Mutability::Const);
    errors.push(Instance::new(&mut store, &module, &[global.into()]).expect_err("no function"));
    linker
        .define("m\x1b", "f\n", global)
        .expect("not defined yet");
    errors.push(
        linker
            .instantiate_and_start(&mut store, &module)
            .map(drop)
            .expect_err("no function"),
    );
    let again = linker.define("m\x1b", "f\n", global).map(drop);
    errors.push(Error::from(again.expect_err("defined")));
    for error in errors {
        let message = error.to_string();
        assert!(
            message.contains("m\\u{1b}") && message.contains("f\\n"),
            "{message:?}"
        );
        assert!(!message.contains(char::is_control), "{message:?}");
    }
    let error = linker.alias_module("m\x07", "other").expect_err("unknown");
    assert!(error.to_string().contains("m\\u{7}"), "{error:?}");
    let func = Func::wrap(&mut store, || ());
    let instance = Instance::new(&mut store, &module, &[func.into()]).expect("it fits");
    let error = instance.get_typed_func::<(), ()>(&store, "e\x1b");
    let error = error.map(drop).expect_err("not exported");
    assert!(error.to_string().contains("e\\u{1b}"), "{error:?}");
}
