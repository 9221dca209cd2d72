//! An engine and its modules, shared by threads that do everything at once:
//! instantiate, compile the same functions lazily, trap, fail and drop.
//!
//! Engines that do not meter are the sharper case: there the handlers of all threads read the
//! very entries in which code appears. Where first calls cost fuel, an instance has entries of
//! its own, and threads meet in the driver only. If epochs interrupt, a further thread raises
//! them all the time.
//!
//! Bounded, so that it runs with all other tests. What makes it sharp is the thread
//! sanitizer, under which `cargo xtask sanitize thread` runs it; without one, it
//! notices wrong results and crashes, and traps whose place is not found.

use std::sync::{Arc, Barrier};
use std::thread;

use damson::{
    AsContextMut, Caller, CompilationMode, Config, Engine, Error, Instance, Linker, Module, Store,
    TrapCode,
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

/// What ends a call that would not end by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    Fuel,
    Epochs,
    /// Nothing, which is the default: there is no such call then.
    Nothing,
}

const BOUNDS: [Bound; 3] = [Bound::Nothing, Bound::Epochs, Bound::Fuel];

fn engine(bound: Bound) -> Engine {
    let mut config = Config::default();
    config
        .compilation_mode(CompilationMode::Lazy)
        .consume_fuel(bound == Bound::Fuel)
        .epoch_interruption(bound == Bound::Epochs);
    Engine::new(&config)
}

/// The numbers that end a call one after the other, some of them twice.
fn numbers(bound: Bound) -> &'static [i32] {
    match bound {
        Bound::Nothing => &[0, 1, 2, 4, 0],
        Bound::Epochs | Bound::Fuel => &[0, 1, 2, 3, 4, 0],
    }
}

/// Before a call.
fn limit(store: &mut Store<u64>, bound: Bound) {
    match bound {
        Bound::Fuel => store.set_fuel(2_000).expect("metered"),
        // The endless call has another one when it has asked the host.
        Bound::Epochs => store.set_epoch_deadline(u64::MAX / 2),
        Bound::Nothing => {}
    }
}

/// What the number makes of a call.
fn check(result: Result<i32, Error>, bound: Bound, n: i32) {
    let code = result.as_ref().err().and_then(Error::as_trap_code);
    if let Some(trap) = result.as_ref().err().and_then(Error::trap) {
        // Code is found by its address as soon as it runs, in whichever thread.
        assert!(trap.site.is_some(), "{bound:?}, {n}");
    }
    match n {
        0 => assert_eq!(result.expect("it returns"), 1 + 10 + 100 + 1000),
        1 => assert_eq!(code, Some(TrapCode::UnreachableCodeReached)),
        2 => assert_eq!(code, Some(TrapCode::MemoryOutOfBounds)),
        3 if bound == Bound::Epochs => assert_eq!(code, Some(TrapCode::Interrupt)),
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
        103 => caller.as_context_mut().set_epoch_deadline(3),
        104 => return Err(Error::new("refused")),
        _ => {}
    }
    Ok(n)
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
fn work(engine: &Engine, module: &Module, start: &Barrier, bound: Bound, thread: usize) {
    let (mut store, instance) = instance(engine, module);
    let run = instance
        .get_typed_func::<i32, i32>(&store, "run")
        .expect("its type");
    let numbers = numbers(bound);
    start.wait();
    // Each begins with another end.
    for turn in 0..numbers.len() {
        let n = numbers[(turn + thread) % numbers.len()];
        limit(&mut store, bound);
        check(run.call(&mut store, n), bound, n);
        let invalid = instance
            .get_typed_func::<i32, i32>(&store, "invalid")
            .expect("its type");
        limit(&mut store, bound);
        invalid
            .call(&mut store, n)
            .expect_err("it does not validate, whoever asks");
    }
    let calls = instance.get_global(&store, "calls").expect("exported");
    let expected = numbers.len();
    assert_eq!(calls.get(&store).i32(), Some(expected as i32), "its own");
    assert_eq!(store.into_data(), expected as u64, "its own host data");
}

#[test]
fn threads_compile_run_trap_and_drop_at_once() {
    let wasm = wat::parse_str(CHAIN).expect("the text format does not validate");
    for bound in BOUNDS {
        let engine = engine(bound);
        let start = Barrier::new(THREADS);
        for _ in 0..MODULES {
            let module = Module::new(&engine, &wasm).expect("nobody called the invalid function");
            // Each of the threads that work holds one of these, however it ends.
            let working = Arc::new(());
            thread::scope(|scope| {
                for thread in 0..THREADS {
                    // The last handle is dropped by one of the threads.
                    let (engine, module, start) = (engine.clone(), module.clone(), &start);
                    let working = Arc::clone(&working);
                    scope.spawn(move || {
                        work(&engine, &module, start, bound, thread);
                        drop((engine, module, working));
                    });
                }
                drop(module);
                while bound == Bound::Epochs && Arc::strong_count(&working) > 1 {
                    engine.increment_epoch();
                    thread::yield_now();
                }
            });
        }
    }
}

#[test]
fn stores_move_between_threads_with_what_they_run() {
    for bound in BOUNDS {
        let engine = engine(bound);
        let wasm = wat::parse_str(CHAIN).expect("the text format does not validate");
        let module = Module::new(&engine, &wasm).expect("nobody called the invalid function");
        let (mut store, instance) = instance(&engine, &module);
        let numbers = numbers(bound);
        drop(module);
        // A call in each thread, of which the first compiles and the last drops the store.
        for &n in numbers {
            let engine = engine.clone();
            store = thread::spawn(move || {
                let run = instance
                    .get_typed_func::<i32, i32>(&store, "run")
                    .expect("its type");
                limit(&mut store, bound);
                if bound == Bound::Epochs && n == 3 {
                    // It is too late for the call before it begins.
                    store.set_epoch_deadline(1);
                    engine.increment_epoch();
                }
                check(run.call(&mut store, n), bound, n);
                store
            })
            .join()
            .expect("it ends");
        }
        drop(engine);
        let asked = store.data() + u64::from(bound == Bound::Epochs);
        assert_eq!(asked, numbers.len() as u64);
        thread::spawn(move || drop(store)).join().expect("it ends");
    }
}
