//! Linkers: definitions, lookups, and what they say when something does not fit.

use damson::errors::{ErrorKind, LinkerError};
use damson::{
    Caller, Engine, Extern, Func, FuncType, Global, Instance, Linker, Memory, MemoryType,
    Mutability, Ref, RefType, Store, Table, TableType, Val, ValType,
};

use crate::module;

fn linker_error(error: &damson::Error) -> &LinkerError {
    match error.kind() {
        ErrorKind::Linker(error) => error,
        kind => panic!("expected a linker error, found {kind:?}"),
    }
}

#[test]
fn a_missing_import_is_named_with_its_type() {
    let engine = Engine::default();
    let module = module(
        &engine,
        r#"(module (import "host" "now" (func (param i32) (result i64))))"#,
    );
    let mut store = Store::new(&engine, ());
    let error = Linker::new(&engine)
        .instantiate_and_start(&mut store, &module)
        .expect_err("nothing is defined");
    assert!(matches!(
        linker_error(&error),
        LinkerError::MissingDefinition { .. }
    ));
    let message = error.to_string();
    for part in ["host", "now", "(i32) -> i64", "unknown import"] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_definition_of_another_type_is_named_with_both_types() {
    let engine = Engine::default();
    let imports = [
        (r#"(import "m" "x" (func (param i64)))"#, "(i64) -> ()"),
        (r#"(import "m" "x" (global i32))"#, "global i32"),
        (r#"(import "m" "x" (memory 1))"#, "memory"),
        (r#"(import "m" "x" (table 1 funcref))"#, "table"),
    ];
    for (import, expected) in imports {
        let module = module(&engine, &format!("(module {import})"));
        let mut linker = Linker::new(&engine);
        linker
            .func_wrap("m", "x", |_: i32| {})
            .expect("not defined yet");
        let mut store = Store::new(&engine, ());
        let error = linker
            .instantiate_and_start(&mut store, &module)
            .expect_err("a wrong type");
        assert!(matches!(
            linker_error(&error),
            LinkerError::InvalidTypeDefinition { .. }
        ));
        let message = error.to_string();
        for part in [
            "`m::x`",
            expected,
            "(i32) -> ()",
            "incompatible import type",
        ] {
            assert!(message.contains(part), "{message} lacks {part}");
        }
        assert!(
            linker.instantiate_pre(&module).is_err(),
            "known without a store too"
        );
    }
}

#[test]
fn types_of_things_in_stores_are_checked_with_their_current_size() {
    let engine = Engine::default();
    let wants_two = module(&engine, r#"(module (import "m" "memory" (memory 2)))"#);
    let mut store = Store::new(&engine, ());
    let memory = Memory::new(&mut store, MemoryType::new(1, None)).expect("one page");
    let mut linker = Linker::new(&engine);
    linker
        .define("m", "memory", memory)
        .expect("not defined yet");
    let error = linker
        .instantiate_and_start(&mut store, &wants_two)
        .expect_err("one page only");
    assert!(matches!(
        linker_error(&error),
        LinkerError::InvalidTypeDefinition { .. }
    ));
    memory.grow(&mut store, 1).expect("no maximum");
    linker
        .instantiate_and_start(&mut store, &wants_two)
        .expect("two pages now");
}

#[test]
fn names_are_defined_once_unless_shadowing_is_allowed() {
    let engine = Engine::default();
    let mut linker = Linker::<()>::new(&engine);
    linker.func_wrap("m", "f", || 1).expect("not defined yet");
    let error = linker.func_wrap("m", "f", || 2).expect_err("defined");
    assert!(matches!(error, LinkerError::DuplicateDefinition { .. }));
    assert!(error.to_string().contains("`m::f`"));
    linker.func_wrap("m", "g", || 3).expect("another name");
    linker.func_wrap("n", "f", || 4).expect("another module");

    let value_of = |linker: &Linker<()>, module: &str| {
        let mut store = Store::new(&engine, ());
        let item = linker
            .resolve(&mut store, module, "f")
            .expect("the same engine");
        let func = item.and_then(Extern::into_func).expect("a function");
        let func = func.typed::<(), i32>(&store).expect("its type");
        func.call(&mut store, ()).expect("it runs")
    };
    assert_eq!(value_of(&linker, "m"), 1);
    let mut copy = linker.clone();
    copy.allow_shadowing(true)
        .func_wrap("m", "f", || 2)
        .expect("shadowing is allowed");
    assert_eq!(value_of(&copy, "m"), 2);
    assert_eq!(value_of(&linker, "m"), 1, "a clone is independent");
    assert_eq!(value_of(&linker, "n"), 4);
}

#[test]
fn an_instances_exports_become_definitions_and_aliases() {
    let engine = Engine::default();
    let exporter = module(
        &engine,
        r#"(module
            (memory (export "memory") 1)
            (global $g (export "g") (mut i32) (i32.const 5))
            (func (export "get") (result i32) (global.get $g)))"#,
    );
    let importer = module(
        &engine,
        r#"(module
            (import "two" "get" (func $get (result i32)))
            (import "one" "g" (global $g (mut i32)))
            (func (export "run") (result i32)
              (global.set $g (i32.const 9)) (call $get)))"#,
    );
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    let instance = linker
        .instantiate_and_start(&mut store, &exporter)
        .expect("no imports");
    linker
        .instance(&mut store, "one", instance)
        .expect("not defined yet");
    linker.alias_module("one", "two").expect("not defined yet");
    assert!(
        linker.alias_module("zero", "three").is_err(),
        "there is no `zero`"
    );
    assert!(
        linker.instance(&mut store, "one", instance).is_err(),
        "defined already"
    );
    assert_eq!(
        linker.get(&store, "two", "g"),
        instance.get_export(&store, "g"),
        "the alias names the same global"
    );
    assert_eq!(linker.get(&store, "two", "nothing"), None);
    let instance = linker
        .instantiate_and_start(&mut store, &importer)
        .expect("all defined");
    let run = instance
        .get_typed_func::<(), i32>(&store, "run")
        .expect("its type");
    assert_eq!(run.call(&mut store, ()).expect("it runs"), 9);
}

#[test]
fn get_finds_what_lives_in_the_store_and_resolve_all() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let global = Global::new(&mut store, Val::I32(1), Mutability::Const);
    let mut linker = Linker::new(&engine);
    linker.define("m", "g", global).expect("not defined yet");
    linker.func_wrap("m", "f", || ()).expect("not defined yet");
    assert_eq!(linker.get(&store, "m", "g"), Some(global.into()));
    assert_eq!(linker.get(&store, "m", "f"), None);
    assert!(
        linker
            .resolve(&mut store, "m", "f")
            .expect("the same engine")
            .is_some()
    );
    assert!(
        linker
            .resolve(&mut store, "m", "h")
            .expect("the same engine")
            .is_none()
    );
    let other = Store::new(&engine, ());
    assert_eq!(
        linker.get(&other, "m", "g"),
        None,
        "it lives in another store"
    );
}

#[test]
fn one_prelinked_module_serves_many_stores() {
    let engine = Engine::default();
    let module = module(
        &engine,
        r#"(module
            (import "host" "next" (func $next (result i32)))
            (func (export "run") (result i32) (i32.mul (call $next) (call $next))))"#,
    );
    let mut linker = Linker::<i32>::new(&engine);
    linker
        .func_wrap("host", "next", |mut caller: Caller<'_, i32>| {
            *caller.data_mut() += 1;
            *caller.data()
        })
        .expect("not defined yet");
    let pre = linker.instantiate_pre(&module).expect("all defined");
    drop(linker);
    for start in [1, 10, 100] {
        let mut store = Store::new(&engine, start);
        let instance = pre.clone().instantiate(&mut store).expect("it fits");
        let run = instance
            .get_typed_func::<(), i32>(&store, "run")
            .expect("its type");
        assert_eq!(
            run.call(&mut store, ()).expect("it runs"),
            (start + 1) * (start + 2)
        );
    }
}

#[test]
fn linking_without_names() {
    let engine = Engine::default();
    let module = module(
        &engine,
        r#"(module
            (import "" "" (func $f (result i32)))
            (import "" "" (table $t 1 funcref))
            (func (export "f") (result i32) (call $f)))"#,
    );
    let mut store = Store::new(&engine, ());
    let func = Func::new(
        &mut store,
        FuncType::new([], [ValType::I32]),
        |_, _, outputs| {
            outputs[0] = Val::I32(3);
            Ok(())
        },
    );
    let table = Table::new(
        &mut store,
        TableType::new(RefType::Func, 1, None),
        Ref::null(RefType::Func),
    )
    .expect("one element");
    let instance = Instance::new(&mut store, &module, &[func.into(), table.into()]).expect("fits");
    let func = instance
        .get_typed_func::<(), i32>(&store, "f")
        .expect("its type");
    assert_eq!(func.call(&mut store, ()).expect("it runs"), 3);

    let error = Instance::new(&mut store, &module, &[func.func().to_owned().into()]);
    let message = error.expect_err("one import too few").to_string();
    assert!(message.contains('1') && message.contains('2'), "{message}");
    let error = Instance::new(&mut store, &module, &[table.into(), table.into()]);
    assert!(matches!(
        error.expect_err("a wrong type").kind(),
        ErrorKind::Instantiation(_)
    ));
}

#[test]
fn imports_and_exports_are_described() {
    let engine = Engine::default();
    let module = module(
        &engine,
        r#"(module
            (import "a" "f" (func (param i32)))
            (import "b" "m" (memory 1 2))
            (global (export "g") f64 (f64.const 0))
            (table (export "t") 3 externref)
            (export "f" (func 0)))"#,
    );
    let imports: Vec<_> = module
        .imports()
        .map(|import| (import.module(), import.name(), import.ty().to_string()))
        .collect();
    assert_eq!(
        imports,
        [
            ("a", "f", "function (i32) -> ()".to_owned()),
            ("b", "m", "memory of 1..=2 pages".to_owned())
        ]
    );
    let exports: Vec<_> = module
        .exports()
        .map(|export| (export.name(), export.ty().to_string()))
        .collect();
    assert_eq!(
        exports,
        [
            ("g", "global f64".to_owned()),
            ("t", "table of 3.. externref".to_owned()),
            ("f", "function (i32) -> ()".to_owned())
        ]
    );
    assert_eq!(module.imports().len(), 2);
    assert_eq!(
        module.get_export("t").expect("exported").to_string(),
        exports[1].1
    );
    assert!(module.get_export("x").is_none());
}
