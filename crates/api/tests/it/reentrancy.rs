//! Wasm calls the host, which calls Wasm, and so on, in every compilation mode.

use damson::{Caller, Engine, Error, Extern, Instance, Linker, Module, Store, TrapCode, Val};

use crate::{MODES, engine_in, module};

/// Every function is called for the first time from deep inside, so that a lazy mode
/// compiles it there.
const TOWER: &str = r#"(module
    (import "host" "down" (func $down (param i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "f0") (param i32) (result i32)
      (i32.add (call $down (i32.sub (local.get 0) (i32.const 1))) (i32.const 1)))
    (func (export "f1") (param i32) (result i32)
      (local i32)
      (local.set 1 (i32.mul (local.get 0) (i32.const 1000)))
      (drop (memory.grow (i32.const 1)))
      (i32.store (i32.const 0) (local.get 0))
      (i32.sub
        (i32.add (call $down (i32.sub (local.get 0) (i32.const 1))) (local.get 1))
        (i32.sub (local.get 1) (i32.load (i32.const 0)))))
    (func (export "f2") (param i32) (result i32)
      (call $down (i32.sub (local.get 0) (i32.const 1)))
      (call $down (i32.const 0))
      (i32.add)))"#;

fn down(mut caller: Caller<'_, Vec<i32>>, n: i32) -> Result<i32, Error> {
    caller.data_mut().push(n);
    if n <= 0 {
        return Ok(0);
    }
    let name = format!("f{}", n % 3);
    let func = caller.get_export(&name).and_then(Extern::into_func);
    let func = func
        .ok_or_else(|| Error::new("not exported"))?
        .typed::<i32, i32>(&caller)?;
    let result = func.call(&mut caller, n)?;
    // The instance's memory may have grown and moved meanwhile.
    let memory = caller.get_export("memory").and_then(Extern::into_memory);
    let memory = memory.ok_or_else(|| Error::new("not exported"))?;
    memory.write(&mut caller, 0, &1_i32.to_le_bytes())?;
    Ok(result)
}

fn tower(engine: &Engine) -> (Store<Vec<i32>>, Instance) {
    let module = module(engine, TOWER);
    let mut linker = Linker::new(engine);
    linker
        .func_wrap("host", "down", down)
        .expect("not defined yet");
    let mut store = Store::new(engine, Vec::new());
    let instance = linker
        .instantiate_and_start(&mut store, &module)
        .expect("it fits");
    (store, instance)
}

#[test]
fn levels_alternate_in_every_mode() {
    let mut results = Vec::new();
    for mode in MODES {
        let (mut store, instance) = tower(&engine_in(mode));
        let f0 = instance
            .get_typed_func::<i32, i32>(&store, "f0")
            .expect("its type");
        let result = f0.call(&mut store, 30).expect("it runs");
        results.push((result, store.data().clone()));
    }
    // f0 adds 1 (30, 27, .., 3: the call with 30 comes from outside), f1 adds what the
    // level below left in memory (1 from every host function but the last), f2 nothing.
    let (result, calls) = &results[0];
    assert_eq!(*result, 10 + 10);
    assert_eq!(calls.iter().filter(|n| **n > 0).count(), 29);
    assert!(
        results.iter().all(|other| other == &results[0]),
        "{results:?}"
    );
}

#[test]
fn nesting_without_end_is_a_trap_not_a_native_overflow() {
    let engine = Engine::default();
    let module = module(
        &engine,
        r#"(module
            (import "host" "again" (func $again))
            (func (export "run") (call $again)))"#,
    );
    let mut linker = Linker::<u64>::new(&engine);
    linker
        .func_wrap(
            "host",
            "again",
            |mut caller: Caller<'_, u64>| -> Result<(), Error> {
                *caller.data_mut() += 1;
                let run = caller
                    .get_export("run")
                    .and_then(Extern::into_func)
                    .expect("exported");
                run.call(&mut caller, &[], &mut [])
            },
        )
        .expect("not defined yet");
    let mut store = Store::new(&engine, 0);
    let instance = linker
        .instantiate_and_start(&mut store, &module)
        .expect("it fits");
    let run = instance
        .get_typed_func::<(), ()>(&store, "run")
        .expect("its type");
    for _ in 0..3 {
        let error = run
            .call(&mut store, ())
            .expect_err("it never ends otherwise");
        assert_eq!(error.as_trap_code(), Some(TrapCode::StackOverflow));
        assert!(error.to_string().contains("calls of the host"), "{error}");
        let levels = std::mem::take(store.data_mut());
        assert!(levels > 10, "only {levels} levels");
    }
}

#[test]
fn a_host_function_instantiates_and_calls_a_module() {
    let engine = Engine::default();
    let inner = module(
        &engine,
        r#"(module
            (import "outer" "memory" (memory 1))
            (func (export "poke") (i32.store (i32.const 4) (i32.const 77))))"#,
    );
    let outer = module(
        &engine,
        r#"(module
            (import "host" "spawn" (func $spawn))
            (memory (export "memory") 1)
            (func (export "run") (result i32) (call $spawn) (i32.load (i32.const 4))))"#,
    );
    let mut linker = Linker::<()>::new(&engine);
    let captured: (Engine, Module) = (engine.clone(), inner);
    linker
        .func_wrap(
            "host",
            "spawn",
            move |mut caller: Caller<'_, ()>| -> Result<(), Error> {
                let memory = caller.get_export("memory").expect("exported");
                let mut linker = Linker::new(&captured.0);
                linker.define("outer", "memory", memory)?;
                let instance = linker.instantiate_and_start(&mut caller, &captured.1)?;
                let poke = instance.get_func(&caller, "poke").expect("exported");
                poke.call(&mut caller, &[], &mut [])
            },
        )
        .expect("not defined yet");
    let mut store = Store::new(&engine, ());
    let instance = linker
        .instantiate_and_start(&mut store, &outer)
        .expect("it fits");
    let run = instance.get_func(&store, "run").expect("exported");
    let mut outputs = [Val::I32(0)];
    run.call(&mut store, &[], &mut outputs).expect("it runs");
    assert_eq!(outputs[0].i32(), Some(77));
}

#[test]
fn the_start_function_may_call_back_into_its_instance() {
    let engine = Engine::default();
    let module = module(
        &engine,
        r#"(module
            (import "host" "call" (func $call))
            (global $g (export "g") (mut i32) (i32.const 0))
            (func (export "set") (global.set $g (i32.const 8)))
            (func $start (call $call))
            (start $start))"#,
    );
    let mut linker = Linker::<()>::new(&engine);
    linker
        .func_wrap(
            "host",
            "call",
            |mut caller: Caller<'_, ()>| -> Result<(), Error> {
                let set = caller
                    .get_export("set")
                    .and_then(Extern::into_func)
                    .expect("exported");
                set.call(&mut caller, &[], &mut [])
            },
        )
        .expect("not defined yet");
    let mut store = Store::new(&engine, ());
    let instance = linker
        .instantiate_and_start(&mut store, &module)
        .expect("it fits");
    let global = instance.get_global(&store, "g").expect("exported");
    assert_eq!(global.get(&store).i32(), Some(8));
}
