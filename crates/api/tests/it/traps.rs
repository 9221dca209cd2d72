//! Traps: what they say, where they were, and that the store goes on.

use damson::{Config, Engine, Instance, Linker, Module, Store, TrapCode};

use crate::{MODES, engine_in, instance_of, module};

const TRAPS: &str = r#"(module
    (type $nullary (func))
    (memory 1)
    (table $t 2 funcref)
    (elem (i32.const 1) func $typed)
    (func $typed (param i32))
    (func (export "unreachable") unreachable)
    (func (export "memory") (drop (i32.load (i32.const 65533))))
    (func (export "div0") (drop (i32.div_s (i32.const 1) (i32.const 0))))
    (func (export "overflow") (drop (i32.div_s (i32.const 0x80000000) (i32.const -1))))
    (func (export "nan") (drop (i32.trunc_f32_s (f32.const nan))))
    (func (export "null") (call_indirect (type $nullary) (i32.const 0)))
    (func (export "signature") (call_indirect (type $nullary) (i32.const 1)))
    (func (export "table") (call_indirect (type $nullary) (i32.const 2)))
    (func $recurse (export "recurse") (call $recurse))
    (func (export "fine") (result i32) (i32.const 11)))"#;

#[test]
fn every_trap_has_its_code_and_leaves_the_store_usable() {
    let expected = [
        (
            "unreachable",
            TrapCode::UnreachableCodeReached,
            "unreachable",
        ),
        (
            "memory",
            TrapCode::MemoryOutOfBounds,
            "out of bounds memory access",
        ),
        (
            "div0",
            TrapCode::IntegerDivisionByZero,
            "integer divide by zero",
        ),
        ("overflow", TrapCode::IntegerOverflow, "integer overflow"),
        (
            "nan",
            TrapCode::BadConversionToInteger,
            "invalid conversion to integer",
        ),
        (
            "null",
            TrapCode::IndirectCallToNull,
            "uninitialized element",
        ),
        (
            "signature",
            TrapCode::BadSignature,
            "indirect call type mismatch",
        ),
        ("table", TrapCode::TableOutOfBounds, "undefined element"),
        ("recurse", TrapCode::StackOverflow, "call stack exhausted"),
    ];
    let (mut store, instance) = instance_of(TRAPS);
    let fine = instance
        .get_typed_func::<(), i32>(&store, "fine")
        .expect("its type");
    for round in 0..3 {
        for (name, code, phrase) in expected {
            let func = instance
                .get_typed_func::<(), ()>(&store, name)
                .expect("its type");
            let error = func.call(&mut store, ()).expect_err(name);
            assert_eq!(error.as_trap_code(), Some(code), "{name}");
            assert!(error.to_string().contains(phrase), "{name}: {error}");
            assert!(error.i32_exit_status().is_none() && error.downcast_ref::<u8>().is_none());
            assert_eq!(
                fine.call(&mut store, ()).expect("it runs"),
                11,
                "{name}, round {round}"
            );
        }
    }
}

#[test]
fn a_trap_names_its_function_and_place() {
    let engine = Engine::default();
    let module = module(
        &engine,
        r#"(module
            (import "host" "f" (func))
            (func)
            (func $inner (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0)))
            (func (export "run") (param i32) (result i32) (call $inner (local.get 0))))"#,
    );
    let mut linker = Linker::new(&engine);
    linker
        .func_wrap("host", "f", || ())
        .expect("not defined yet");
    let mut store = Store::new(&engine, ());
    let instance = linker
        .instantiate_and_start(&mut store, &module)
        .expect("it fits");
    let run = instance
        .get_typed_func::<i32, i32>(&store, "run")
        .expect("its type");
    assert_eq!(run.call(&mut store, 1).expect("it runs"), 1);
    let error = run.call(&mut store, 0).expect_err("division by zero");
    let site = error.trap().expect("a trap").site.expect("it has a place");
    assert_eq!(site.func_index, 2);
    let offset = u64::from(site.offset.expect("translated from Wasm"));
    let body = module.body_range(2).expect("defined");
    assert!(body.contains(&offset), "{offset:#x} is not in {body:#x?}");
    const I32_DIV_U: u8 = 0x6e;
    let bytes = module.body_bytes(2).expect("defined");
    assert_eq!(bytes[(offset - body.start) as usize], I32_DIV_U);
    assert!(error.to_string().contains("function 2"), "{error}");
}

/// Functions of two addresses, of which each is where an operator traps if it is the argument.
/// What one instruction does here are several operators.
const TRAPPING_TILES: &str = r#"(module
    (memory 1)
    (func (export "difference") (param i32 i32) (result i32)
      (i32.sub (i32.load (local.get 0)) (i32.load (local.get 1))))
    (func (export "chain") (param i32 i32) (result i32)
      (i32.store (i32.const 8) (local.get 1))
      (i32.load8_u (i32.load (local.get 0))))
    (func (export "update") (param i32 i32) (result i32)
      (i32.store16 (local.get 1) (i32.xor (i32.load (local.get 0)) (i32.const 1)))
      (i32.const 0))
    (func (export "two_reads") (param i32 i32) (result i32) (local i32 i32)
      (local.set 2 (i32.load (local.get 0)))
      (local.set 3 (i32.load8_u (local.get 1)))
      (i32.add (local.get 2) (local.get 3)))
    (func (export "two_writes") (param i32 i32) (result i32)
      (i32.store8 (local.get 0) (i32.const 1))
      (i32.store (local.get 1) (i32.const 2))
      (i32.const 0))
    (func (export "branch") (param i32 i32) (result i32)
      (if (result i32) (i32.eq (i32.load8_u (local.get 0)) (i32.load8_u (local.get 1)))
        (then (i32.const 1))
        (else (i32.const 0)))))"#;

#[test]
fn each_operator_of_a_tile_traps_at_its_own_place() {
    const LOAD: u8 = 0x28;
    const LOAD8_U: u8 = 0x2d;
    const STORE: u8 = 0x36;
    const STORE8: u8 = 0x3a;
    const STORE16: u8 = 0x3b;
    let traps = [
        ("difference", LOAD, LOAD),
        ("chain", LOAD, LOAD8_U),
        ("update", LOAD, STORE16),
        ("two_reads", LOAD, LOAD8_U),
        ("two_writes", STORE8, STORE),
        ("branch", LOAD8_U, LOAD8_U),
    ];
    for mode in MODES {
        let engine = engine_in(mode);
        let module = module(&engine, TRAPPING_TILES);
        let mut store = Store::new(&engine, ());
        let instance = Linker::new(&engine)
            .instantiate_and_start(&mut store, &module)
            .expect("it imports nothing");
        for (name, first, second) in traps {
            let func = instance
                .get_typed_func::<(i32, i32), i32>(&store, name)
                .expect("its type");
            func.call(&mut store, (8, 16)).expect("both are in bounds");
            let mut trap_of = |arguments| {
                let error = func.call(&mut store, arguments).expect_err(name);
                assert_eq!(error.as_trap_code(), Some(TrapCode::MemoryOutOfBounds));
                let site = error.trap().expect("a trap").site.expect("it has a place");
                let offset = u64::from(site.offset.expect("translated from Wasm"));
                let body = module.body_range(site.func_index).expect("defined");
                let bytes = module.body_bytes(site.func_index).expect("defined");
                let operator = bytes[(offset - body.start) as usize];
                (operator, offset)
            };
            let (first_found, first_place) = trap_of((65536, 16));
            let (second_found, second_place) = trap_of((8, 65536));
            assert_eq!(
                (first_found, second_found),
                (first, second),
                "{mode:?}: {name}"
            );
            assert!(first_place < second_place, "{mode:?}: {name}");
        }
    }
}

/// Before each call is an operation that may be one instruction with it: the call is where the
/// stack ends, and where there is no fuel for a first call.
#[test]
fn a_call_that_fails_is_where_it_stands() {
    const CALL: u8 = 0x10;
    let text = r#"(module
        (memory 1)
        (func $deep (param i32) (result i32)
          (i32.add (call $deep (local.get 0)) (i32.const 1)))
        (func $late (param i32) (result i32) (i32.xor (local.get 0) (i32.const -1)))
        (func (export "read") (param i32) (result i32)
          (call $deep (i32.load offset=4 (local.get 0))))
        (func (export "recursive_read") (param i32) (result i32)
          (call 3 (i32.load8_u offset=4 (local.get 0))))
        (func (export "recursive_sum") (param i32) (result i32)
          (call 4 (i32.add (local.get 0) (i32.const 1))))
        (func (export "late_read") (param i32) (result i32)
          (call $late (i32.load offset=4 (local.get 0))))
        (func (export "late_sum") (param i32) (result i32)
          (call $late (i32.add (local.get 0) (i32.const 4)))))"#;
    let operator = |error: &damson::Error, module: &Module| {
        let site = error.trap().expect("a trap").site.expect("it has a place");
        let offset = u64::from(site.offset.expect("translated from Wasm"));
        let body = module.body_range(site.func_index).expect("defined");
        let bytes = module.body_bytes(site.func_index).expect("defined");
        let innermost = error.wasm_backtrace().expect("Wasm ran").frames()[0].func_offset();
        assert_eq!(innermost, Some((offset - body.start) as usize), "{error}");
        (site.func_index, bytes[(offset - body.start) as usize])
    };
    for mode in MODES {
        let mut config = Config::default();
        config.compilation_mode(mode);
        let engine = Engine::new(&config);
        let module = module(&engine, text);
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).expect("it imports nothing");
        for (name, func_index) in [("read", 0), ("recursive_read", 3), ("recursive_sum", 4)] {
            let func = instance.get_typed_func::<i32, i32>(&store, name);
            let func = func.expect("its type");
            let error = func.call(&mut store, 8).expect_err("it never ends");
            assert_eq!(error.as_trap_code(), Some(TrapCode::StackOverflow));
            assert_eq!(
                operator(&error, &module),
                (func_index, CALL),
                "{name} in {mode:?}"
            );
        }
    }
    for (mode, name) in MODES
        .into_iter()
        .flat_map(|mode| ["late_read", "late_sum"].map(|name| (mode, name)))
    {
        let mut config = Config::default();
        config.compilation_mode(mode).consume_fuel(true);
        let engine = Engine::new(&config);
        let module = module(&engine, text);
        let func_index = if name == "late_read" { 5 } else { 6 };
        let own = module.body_range(func_index).expect("defined");
        let callee = module.body_range(1).expect("defined");
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).expect("it imports nothing");
        let func = instance
            .get_typed_func::<i32, i32>(&store, name)
            .expect("its type");
        // For the function itself, and the operators of both.
        store
            .set_fuel(8 * (own.end - own.start) + 10)
            .expect("metered");
        let error = func
            .call(&mut store, 8)
            .expect_err("nothing for the callee");
        assert_eq!(error.as_trap_code(), Some(TrapCode::OutOfFuel));
        assert_eq!(
            operator(&error, &module),
            (func_index, CALL),
            "{name} in {mode:?}"
        );
        // It goes on as if nothing had been, and the read is repeated.
        store.set_fuel(10).expect("metered");
        let mut results = [damson::Val::I32(0)];
        let func = instance.get_func(&store, name).expect("a function");
        let waits = func.call_resumable(&mut store, &[damson::Val::I32(8)], &mut results);
        let damson::ResumableCall::OutOfFuel(waits) = waits.expect("it waits") else {
            panic!("{name} does not wait in {mode:?}");
        };
        store
            .set_fuel(8 * (callee.end - callee.start) + 10)
            .expect("metered");
        let ended = waits.resume(&mut store, &mut results).expect("enough now");
        assert!(matches!(ended, damson::ResumableCall::Finished));
        let argument = if name == "late_read" { 0 } else { 12 };
        assert_eq!(results[0].i32(), Some(!argument), "{name} in {mode:?}");
    }
}

#[test]
fn the_call_depth_is_limited_as_configured() {
    /// How many levels of a recursion an engine allows.
    fn levels(config: &Config) -> u32 {
        let engine = Engine::new(config);
        let module = module(
            &engine,
            r#"(module
                (global $n (export "n") (mut i32) (i32.const 0))
                (func $f (export "f")
                  (global.set $n (i32.add (global.get $n) (i32.const 1))) (call $f)))"#,
        );
        let mut store = Store::new(&engine, ());
        let instance = Linker::new(&engine)
            .instantiate_and_start(&mut store, &module)
            .expect("it fits");
        let f = instance
            .get_typed_func::<(), ()>(&store, "f")
            .expect("its type");
        let error = f.call(&mut store, ()).expect_err("without end");
        assert_eq!(error.as_trap_code(), Some(TrapCode::StackOverflow));
        let count = instance
            .get_global(&store, "n")
            .expect("exported")
            .get(&store);
        u32::try_from(count.i32().expect("an i32")).expect("it counts up")
    }
    let mut config = Config::default();
    config.set_max_recursion_depth(100);
    assert!((99..=101).contains(&levels(&config)), "{}", levels(&config));
    config
        .set_max_recursion_depth(1_000_000)
        .set_max_stack_height(64 * 1024);
    let by_stack = levels(&config);
    assert!((500..50_000).contains(&by_stack), "{by_stack}");
    config.set_max_stack_height(128 * 1024);
    assert!(levels(&config) > by_stack * 3 / 2);
}

#[test]
fn frames_that_do_not_fit_are_a_trap() {
    let mut config = Config::default();
    config.set_max_stack_height(0);
    let engine = Engine::new(&config);
    let module = module(
        &engine,
        r#"(module (func (export "f") (result i32) (i32.const 1)))"#,
    );
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine)
        .instantiate_and_start(&mut store, &module)
        .expect("it fits");
    let f = instance
        .get_typed_func::<(), i32>(&store, "f")
        .expect("its type");
    let error = f.call(&mut store, ()).expect_err("no stack at all");
    assert_eq!(error.as_trap_code(), Some(TrapCode::StackOverflow));
}

#[test]
fn deep_recursion_gives_the_same_result_in_every_mode() {
    for mode in MODES {
        let engine = engine_in(mode);
        let module = module(
            &engine,
            r#"(module (func $sum (export "sum") (param i64) (result i64)
                (if (result i64) (i64.eqz (local.get 0))
                  (then (i64.const 0))
                  (else (i64.add (local.get 0)
                    (call $sum (i64.sub (local.get 0) (i64.const 1))))))))"#,
        );
        let mut store = Store::new(&engine, ());
        let instance = Linker::new(&engine)
            .instantiate_and_start(&mut store, &module)
            .expect("it fits");
        let sum = instance
            .get_typed_func::<i64, i64>(&store, "sum")
            .expect("its type");
        assert_eq!(
            sum.call(&mut store, 5000).expect("deep, but not too deep"),
            5000 * 5001 / 2
        );
    }
}

#[test]
fn a_trap_during_instantiation_is_a_trap() {
    let engine = Engine::default();
    let modules = [
        (
            r#"(module (memory 1) (data (i32.const 65536) "x"))"#,
            TrapCode::MemoryOutOfBounds,
        ),
        (
            r#"(module (table 1 funcref) (elem (i32.const 1) func 0) (func))"#,
            TrapCode::TableOutOfBounds,
        ),
        (
            r#"(module (func unreachable) (start 0))"#,
            TrapCode::UnreachableCodeReached,
        ),
    ];
    let mut store = Store::new(&engine, ());
    for (wat, code) in modules {
        let module = module(&engine, wat);
        let error = Linker::new(&engine)
            .instantiate_and_start(&mut store, &module)
            .expect_err("it does not fit");
        assert_eq!(error.as_trap_code(), Some(code), "{wat}");
    }
}
