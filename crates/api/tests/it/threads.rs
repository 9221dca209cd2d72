//! An engine and its modules, shared by threads that do everything at once:
//! instantiate, compile the same functions lazily, trap, fail and drop.
//!
//! Bounded, so that it runs with all other tests. What makes it sharp is the thread
//! sanitizer, under which `cargo xtask sanitize thread` runs it; without one, it
//! notices wrong results and crashes.

use std::sync::Barrier;
use std::thread;

use damson::{
    Caller, CompilationMode, Config, Engine, Error, Instance, Linker, Module, Store, TrapCode,
};

/// How many threads work at once: more than there are likely to be processors.
const THREADS: usize = 4;

/// How many modules they share, one after the other. A module's functions are compiled
/// once, so each is good for one race.
const MODULES: usize = 16;

/// Functions in a chain, each calling the next in another way; the last one, and what
/// the host does when it is asked, end calls in every way.
const CHAIN: &str = r#"(module
    (type $f (func (param i32) (result i32)))
    (import "host" "ask" (func $ask (type $f)))
    (memory 1 2)
    (table 1 funcref)
    (elem (i32.const 0) $by_table)
    (global $calls (export "calls") (mut i32) (i32.const 0))
    (func (export "run") (type $f)
      (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
      (i32.add (call $direct (local.get 0)) (i32.const 1)))
    (func $direct (type $f)
      (i32.store (i32.const 8) (local.get 0))
      (i32.add (call_indirect (type $f) (i32.load (i32.const 8)) (i32.const 0)) (i32.const 10)))
    (func $by_table (type $f)
      (return_call $by_tail (i32.add (local.get 0) (i32.const 100))))
    (func $by_tail (type $f)
      (i32.add (call $ask (local.get 0)) (call $end (local.get 0))))
    (func $end (type $f)
      (block $three (block $two (block $one (block $zero
        (br_table $zero $one $two $three (i32.sub (local.get 0) (i32.const 100))))
        (return (i32.const 1000)))
        (unreachable))
        (return (i32.load (i32.const 0x7fffffff))))
      (loop $again (br $again))
      (unreachable))
    (func (export "invalid") (type $f) (i64.const 0)))"#;

/// What the number makes of a call.
fn check(result: Result<i32, Error>, n: i32) {
    let code = result.as_ref().err().and_then(Error::as_trap_code);
    match n {
        0 => assert_eq!(result.expect("it returns"), 1 + 10 + 100 + 1000),
        1 => assert_eq!(code, Some(TrapCode::UnreachableCodeReached)),
        2 => assert_eq!(code, Some(TrapCode::MemoryOutOfBounds)),
        3 => assert_eq!(code, Some(TrapCode::OutOfFuel)),
        _ => {
            let error = result.expect_err("the host refuses").to_string();
            assert!(error.contains("refused"), "{error}");
        }
    }
}

fn ask(mut caller: Caller<'_, u64>, n: i32) -> Result<i32, Error> {
    *caller.data_mut() += 1;
    match n {
        104 => Err(Error::new("refused")),
        n => Ok(n),
    }
}

fn instance(engine: &Engine, module: &Module) -> (Store<u64>, Instance) {
    let mut linker = Linker::new(engine);
    linker.func_wrap("host", "ask", ask).expect("defined once");
    let mut store = Store::new(engine, 0);
    let instance = linker
        .instantiate_and_start(&mut store, module)
        .expect("all is defined");
    (store, instance)
}

/// What one of the threads does with a module that is new to all of them.
fn work(engine: &Engine, module: &Module, start: &Barrier, thread: usize) {
    let (mut store, instance) = instance(engine, module);
    let run = instance
        .get_typed_func::<i32, i32>(&store, "run")
        .expect("its type");
    start.wait();
    // Each begins with another end.
    for n in (0..5).map(|n| ((n + thread) % 5) as i32) {
        store.set_fuel(2_000).expect("metered");
        check(run.call(&mut store, n), n);
        let invalid = instance
            .get_typed_func::<i32, i32>(&store, "invalid")
            .expect("its type");
        invalid
            .call(&mut store, n)
            .expect_err("it does not validate, whoever asks");
    }
    let calls = instance.get_global(&store, "calls").expect("exported");
    assert_eq!(calls.get(&store).i32(), Some(5), "its own global");
    assert_eq!(store.into_data(), 5, "its own host data");
}

#[test]
fn threads_compile_run_trap_and_drop_at_once() {
    let mut config = Config::default();
    config
        .compilation_mode(CompilationMode::Lazy)
        .consume_fuel(true);
    let engine = Engine::new(&config);
    let wasm = wat::parse_str(CHAIN).expect("the text format does not validate");
    let start = Barrier::new(THREADS);
    for _ in 0..MODULES {
        let module = Module::new(&engine, &wasm).expect("nobody called the invalid function");
        thread::scope(|scope| {
            for thread in 0..THREADS {
                // The last handle is dropped by one of the threads.
                let (engine, module, start) = (engine.clone(), module.clone(), &start);
                scope.spawn(move || work(&engine, &module, start, thread));
            }
            drop(module);
        });
    }
}

#[test]
fn stores_move_between_threads_with_what_they_run() {
    let mut config = Config::default();
    config
        .compilation_mode(CompilationMode::Lazy)
        .consume_fuel(true);
    let engine = Engine::new(&config);
    let wasm = wat::parse_str(CHAIN).expect("the text format does not validate");
    let module = Module::new(&engine, &wasm).expect("nobody called the invalid function");
    let (mut store, instance) = instance(&engine, &module);
    drop((engine, module));
    // A call in each thread, of which the first compiles and the last drops the store.
    for n in [0, 1, 2, 3, 4, 0] {
        store = thread::spawn(move || {
            let run = instance
                .get_typed_func::<i32, i32>(&store, "run")
                .expect("its type");
            store.set_fuel(2_000).expect("metered");
            check(run.call(&mut store, n), n);
            store
        })
        .join()
        .expect("it ends");
    }
    thread::spawn(move || assert_eq!(store.into_data(), 6))
        .join()
        .expect("it ends");
}
