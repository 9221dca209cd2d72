//! Calls that stop where a host function fails or the fuel is used up, and go on later.

use damson::errors::{ErrorKind, FuncError};
use damson::{
    AsContextMut, Caller, Config, Engine, Error, Extern, Func, Instance, Linker, ResumableCall,
    ResumableCallOutOfFuel, Store, TrapCode, TypedFunc, TypedResumableCall, Val,
};

use crate::{MODES, module};

/// `run(x)` asks the host three times, at different depths, with live values everywhere.
const ASKING: &str = r#"(module
    (import "host" "ask" (func $ask (param i32) (result i32)))
    (import "host" "float" (func $float (param f64) (result f64)))
    (memory (export "memory") 1 3)
    (func $deep (param i32 i32) (result i32)
      (if (result i32) (local.get 1)
        (then (i32.add (local.get 0)
          (call $deep (i32.mul (local.get 0) (i32.const 3)) (i32.sub (local.get 1) (i32.const 1)))))
        (else (call $ask (local.get 0)))))
    (func $tail (param i32) (result i32) (return_call $ask (local.get 0)))
    (func (export "run") (param i32) (result i32)
      (local $kept i32)
      (local.set $kept (i32.const 1000000))
      (i32.store (i32.const 8) (i32.const 7))
      (local.set 0 (call $deep (local.get 0) (i32.const 5)))
      (local.set 0 (i32.add (local.get 0) (call $tail (local.get 0))))
      (i32.add (i32.add (local.get $kept) (local.get 0)) (i32.load (i32.const 8))))
    (func (export "float") (param f64) (result f64)
      (f64.add (call $float (local.get 0)) (local.get 0)))
    (func (export "down") (param i32) (result i32)
      (if (result i32) (local.get 0)
        (then (i32.add (i32.const 1) (call 6 (i32.sub (local.get 0) (i32.const 1)))))
        (else (i32.const 0)))))"#;

/// The result of `run` if the host answers each question with `answer`.
fn expected(x: i32, answer: i32) -> i32 {
    let deep: i32 = (0..5).map(|n| x * 3_i32.pow(n)).sum::<i32>() + answer;
    1_000_000 + deep + answer + 7
}

/// The host functions note their parameter and fail.
fn asking<T: 'static>(engine: &Engine, data: T, note: fn(&mut T, i32)) -> (Store<T>, Instance) {
    let mut linker = Linker::<T>::new(engine);
    linker
        .func_wrap(
            "host",
            "ask",
            move |mut caller: Caller<'_, T>, x: i32| -> Result<i32, Error> {
                note(caller.data_mut(), x);
                Err(Error::new("ask again later"))
            },
        )
        .expect("not defined yet");
    linker
        .func_wrap("host", "float", |_: f64| -> Result<f64, Error> {
            Err(Error::i32_exit(3))
        })
        .expect("not defined yet");
    let mut store = Store::new(engine, data);
    let instance = linker
        .instantiate_and_start(&mut store, &module(engine, ASKING))
        .expect("it fits");
    (store, instance)
}

fn run_of<T: 'static>(store: &Store<T>, instance: Instance) -> TypedFunc<i32, i32> {
    instance
        .get_typed_func(store, "run")
        .expect("the module exports it")
}

#[test]
fn a_call_goes_on_as_if_the_host_function_had_returned() {
    for mode in MODES {
        let engine = crate::engine_in(mode);
        let (mut store, instance) = asking(&engine, Vec::new(), Vec::push);
        let run = run_of(&store, instance);
        let mut call = run.call_resumable(&mut store, 2).expect("it waits");
        let mut stops = 0;
        let result = loop {
            match call {
                TypedResumableCall::Finished(result) => break result,
                TypedResumableCall::HostTrap(waiting) => {
                    stops += 1;
                    assert_eq!(waiting.host_error().to_string(), "ask again later");
                    assert_eq!(waiting.host_func().ty(&store).params().len(), 1);
                    // Other calls work meanwhile, and run where the frames were.
                    let down = instance
                        .get_typed_func::<i32, i32>(&store, "down")
                        .expect("its type");
                    assert_eq!(down.call(&mut store, 200).expect("no host"), 200);
                    let memory = instance.get_memory(&store, "memory").expect("exported");
                    memory.grow(&mut store, 1).expect("within its maximum");
                    call = waiting
                        .resume(&mut store, &[Val::I32(50)])
                        .expect("it goes on");
                }
                TypedResumableCall::OutOfFuel(_) => panic!("not metered"),
            }
        };
        assert_eq!((result, stops), (expected(2, 50), 2));
        assert_eq!(store.data()[0], 2 * 3_i32.pow(5));
    }
}

#[test]
fn a_store_may_be_pruned_recovered_and_moved_while_a_call_waits() {
    let (mut store, instance) = asking(&Engine::default(), 0_i32, |data, _| *data += 1);
    let func = instance.get_func(&store, "run").expect("exported");
    let mut outputs = [Val::I32(-1)];
    let call = func
        .call_resumable(&mut store, &[Val::I32(1)], &mut outputs)
        .expect("it waits");
    let ResumableCall::HostTrap(call) = call else {
        panic!("{call:?}")
    };
    let pruned = store.prune_send();
    // The call and the store go to another thread, where the type is unknown.
    let (pruned, call) = std::thread::spawn(move || {
        let mut pruned = pruned;
        let mut outputs = [Val::I32(-1)];
        let call = call
            .resume(&mut pruned, &[Val::I32(10)], &mut outputs)
            .expect("it waits again");
        (pruned, call)
    })
    .join()
    .expect("no panic");
    let ResumableCall::HostTrap(call) = call else {
        panic!("{call:?}")
    };
    let mut store = pruned.try_into_store::<i32>().expect("its type");
    let call = call
        .resume(&mut store, &[Val::I32(10)], &mut outputs)
        .expect("it goes on");
    assert!(matches!(call, ResumableCall::Finished));
    assert_eq!(outputs[0].i32(), Some(expected(1, 10)));
    assert_eq!(*store.data(), 2);
}

/// Like that for fuel, over raw cells: each slice is given to the store in another form.
#[test]
fn a_store_may_be_pruned_recovered_and_moved_between_slices_of_fuel() {
    for mode in MODES {
        let mut config = Config::default();
        config.consume_fuel(true).compilation_mode(mode);
        let engine = Engine::new(&config);
        let (mut store, instance) = asking(&engine, 0_i32, |_, _| ());
        store.set_fuel(100_000).expect("metered");
        let down = instance.get_func(&store, "down").expect("exported");
        let mut cells = [damson::Cell::new(200_i32)];
        down.call_raw(&mut store, &mut cells).expect("enough");
        let expected = cells[0].get::<i32>();

        store.set_fuel(300).expect("metered");
        let mut cells = [damson::Cell::new(200_i32)];
        let mut call = down
            .call_raw_resumable(&mut store, &mut cells)
            .expect("it waits");
        let mut slices = 0;
        while let ResumableCall::OutOfFuel(waiting) = call {
            slices += 1;
            let mut pruned = store.prune_send();
            // Nothing of the store's type is known where the call goes on.
            (pruned, call, cells) = std::thread::spawn(move || {
                let fuel = waiting.required_fuel() + 300;
                pruned.set_fuel(fuel).expect("metered");
                let call = waiting.resume_raw(&mut pruned, &mut cells);
                (pruned, call.expect("it goes on"), cells)
            })
            .join()
            .expect("no panic");
            store = pruned.try_into_store::<i32>().expect("its type");
        }
        assert!(matches!(call, ResumableCall::Finished));
        assert!(slices > 2, "{slices}");
        assert_eq!(cells[0].get::<i32>(), expected);
    }
}

#[test]
fn raw_cells_serve_on_the_pruned_handle() {
    let (store, instance) = asking(&Engine::default(), (), |(), _| ());
    let mut store = store.prune();
    let func = instance.get_func(&store, "float").expect("exported");
    let mut cells = [damson::Cell::new(1.5_f64)];
    let call = func
        .call_raw_resumable(&mut store, &mut cells)
        .expect("it waits");
    let ResumableCall::HostTrap(call) = call else {
        panic!("{call:?}")
    };
    assert_eq!(call.host_error().i32_exit_status(), Some(3));
    let call = call
        .resume_raw(&mut store, &[damson::Cell::new(0.25_f64)], &mut cells)
        .expect("it goes on");
    assert!(matches!(call, ResumableCall::Finished));
    assert_eq!(cells[0].get::<f64>(), 1.75);
}

#[test]
fn dropped_calls_leave_nothing_behind() {
    let mut config = Config::default();
    config.set_max_recursion_depth(60);
    let engine = Engine::new(&config);
    let (mut store, instance) = asking(&engine, (), |(), _| ());
    let run = run_of(&store, instance);
    let down = instance
        .get_typed_func::<i32, i32>(&store, "down")
        .expect("its type");
    let mut kept = Vec::new();
    for _ in 0..500 {
        let call = run.call_resumable(&mut store, 2).expect("it waits");
        assert!(matches!(call, TypedResumableCall::HostTrap(_)));
        if kept.len() < 3 {
            kept.push(call);
        }
        // Neither depth nor nesting is taken by a call that waits.
        assert_eq!(down.call(&mut store, 59).expect("deep enough"), 59);
    }
    assert!(
        down.call(&mut store, 60).is_err(),
        "the limit is where it was"
    );
    drop(store);
    // Calls that outlive their store are harmless.
    drop(kept);
}

#[test]
fn calls_that_wait_are_resumed_in_any_order() {
    let (mut store, instance) = asking(&Engine::default(), (), |(), _| ());
    let run = run_of(&store, instance);
    let mut waiting: Vec<_> = (1..=4)
        .map(|x| (x, run.call_resumable(&mut store, x).expect("it waits")))
        .collect();
    let mut done = Vec::new();
    // The last first, then the first, and so on.
    while let Some((x, call)) = waiting.pop() {
        match call {
            TypedResumableCall::Finished(result) => done.push((x, result)),
            TypedResumableCall::HostTrap(call) => {
                let call = call.resume(&mut store, &[Val::I32(x)]).expect("it goes on");
                waiting.insert(0, (x, call));
            }
            TypedResumableCall::OutOfFuel(_) => panic!("not metered"),
        }
    }
    assert_eq!(done.len(), 4);
    for (x, result) in done {
        assert_eq!(result, expected(x, x));
    }
}

#[test]
fn wrong_use_is_an_error_that_says_so() {
    let (mut store, instance) = asking(&Engine::default(), (), |(), _| ());
    let run = run_of(&store, instance);
    let mut wait = || match run.call_resumable(&mut store, 1).expect("it waits") {
        TypedResumableCall::HostTrap(call) => call,
        other => panic!("{other:?}"),
    };
    let (first, second, third) = (wait(), wait(), wait());
    let error = first.resume(&mut store, &[]).expect_err("no result");
    let ErrorKind::Func(FuncError::MismatchingResultLen {
        expected: 1,
        found: 0,
    }) = error.kind()
    else {
        panic!("{error}")
    };
    let error = second
        .resume(&mut store, &[Val::I64(1)])
        .expect_err("another type");
    assert!(matches!(
        error.kind(),
        ErrorKind::Func(FuncError::MismatchingResultType { .. })
    ));
    let mut other = Store::new(&Engine::default(), ());
    let error = third
        .resume(&mut other, &[Val::I32(1)])
        .expect_err("another store");
    assert!(
        matches!(error.kind(), ErrorKind::ForeignHandle(_)),
        "{error}"
    );
    // A host function that is called itself has nothing to go on with.
    let fails = Func::wrap(&mut store, || -> Result<(), Error> {
        Err(Error::new("no"))
    });
    let error = fails
        .call_resumable(&mut store, &[], &mut [])
        .expect_err("nothing to resume");
    assert_eq!(error.to_string(), "no");
}

#[test]
fn traps_end_a_call_that_could_be_resumed() {
    let engine = Engine::default();
    let (mut store, instance) = asking(&engine, (), |(), _| ());
    let down = instance
        .get_typed_func::<i32, i32>(&store, "down")
        .expect("its type");
    let error = down
        .call_resumable(&mut store, 1_000_000)
        .expect_err("too deep");
    assert_eq!(error.as_trap_code(), Some(TrapCode::StackOverflow));
}

/// The suspended calls of a host that keeps them in its own data.
#[derive(Default)]
struct Shelf {
    waiting: Option<ResumableCallOutOfFuel>,
    inner: Option<Func>,
}

/// `outer` calls the host, which calls `count` and lets it run out of fuel.
fn nested() -> (Store<Shelf>, Instance) {
    let mut config = Config::default();
    config.consume_fuel(true);
    let engine = Engine::new(&config);
    let module = module(
        &engine,
        r#"(module
            (import "host" "inner" (func $inner))
            (import "host" "resume" (func $resume))
            (func (export "outer") (param i32) (result i32)
              (call $inner) (i32.add (local.get 0) (i32.const 1)))
            (func (export "other") (call $resume))
            (func (export "count") (result i32) (local i32)
              (loop $again
                (local.set 0 (i32.add (local.get 0) (i32.const 1)))
                (br_if $again (i32.lt_u (local.get 0) (i32.const 1000))))
              (local.get 0)))"#,
    );
    let mut linker = Linker::<Shelf>::new(&engine);
    linker
        .func_wrap(
            "host",
            "inner",
            |mut caller: Caller<'_, Shelf>| -> Result<(), Error> {
                let count = caller.get_export("count").and_then(Extern::into_func);
                let count = count.ok_or_else(|| Error::new("not exported"))?;
                caller.data_mut().inner = Some(count);
                caller.set_fuel(500)?;
                let call = count.call_resumable(&mut caller, &[], &mut [Val::I32(0)])?;
                let ResumableCall::OutOfFuel(call) = call else {
                    return Err(Error::new("there was enough fuel"));
                };
                caller.data_mut().waiting = Some(call);
                caller.set_fuel(100_000)
            },
        )
        .expect("not defined yet");
    linker
        .func_wrap(
            "host",
            "resume",
            |mut caller: Caller<'_, Shelf>| -> Result<(), Error> {
                let call = caller.data_mut().waiting.take();
                let call = call.ok_or_else(|| Error::new("nothing waits"))?;
                let mut result = [Val::I32(0)];
                match call.resume(&mut caller, &mut result)? {
                    ResumableCall::Finished => Ok(()),
                    other => Err(Error::new(format!("{other:?}"))),
                }
            },
        )
        .expect("not defined yet");
    let mut store = Store::new(&engine, Shelf::default());
    store.set_fuel(100_000).expect("metered");
    let instance = linker
        .instantiate_and_start(&mut store, &module)
        .expect("it fits");
    (store, instance)
}

#[test]
fn a_call_suspended_inside_of_another_one_outlives_it() {
    let (mut store, instance) = nested();
    let outer = instance
        .get_typed_func::<i32, i32>(&store, "outer")
        .expect("its type");
    assert_eq!(outer.call(&mut store, 4).expect("enough fuel"), 5);
    let call = store.data_mut().waiting.take().expect("it waits");
    let mut result = [Val::I32(0)];
    let call = call.resume(&mut store, &mut result).expect("it goes on");
    assert!(matches!(call, ResumableCall::Finished));
    assert_eq!(result[0].i32(), Some(1000));
}

#[test]
fn a_call_cannot_be_resumed_where_another_one_runs() {
    let (mut store, instance) = nested();
    let count = instance.get_func(&store, "count").expect("exported");
    let other = instance
        .get_typed_func::<(), ()>(&store, "other")
        .expect("its type");
    store.set_fuel(1000).expect("metered");
    let call = count
        .call_resumable(&mut store, &[], &mut [Val::I32(0)])
        .expect("it waits");
    let ResumableCall::OutOfFuel(call) = call else {
        panic!("{call:?}")
    };
    store.data_mut().waiting = Some(call);
    store.set_fuel(100_000).expect("metered");
    let error = other.call(&mut store, ()).expect_err("its place is taken");
    assert!(
        matches!(error.kind(), ErrorKind::Func(FuncError::CannotResumeHere)),
        "{error}"
    );
    // The store is usable.
    let outer = instance
        .get_typed_func::<i32, i32>(&store, "outer")
        .expect("its type");
    assert_eq!(outer.call(&mut store, 4).expect("enough fuel"), 5);
}

#[test]
fn fuel_of_a_call_inside_is_an_error_of_the_host_function() {
    let mut config = Config::default();
    config.consume_fuel(true);
    let engine = Engine::new(&config);
    let module = module(
        &engine,
        r#"(module
            (import "host" "spin" (func $spin (result i32)))
            (func (export "forever") (loop (br 0)))
            (func (export "run") (result i32) (i32.add (call $spin) (i32.const 1))))"#,
    );
    let mut linker = Linker::<()>::new(&engine);
    linker
        .func_wrap(
            "host",
            "spin",
            |mut caller: Caller<'_, ()>| -> Result<i32, Error> {
                let forever = caller.get_export("forever").and_then(Extern::into_func);
                let forever = forever.ok_or_else(|| Error::new("not exported"))?;
                forever.call(&mut caller, &[], &mut [])?;
                Ok(0)
            },
        )
        .expect("not defined yet");
    let mut store = Store::new(&engine, ());
    store.set_fuel(10_000).expect("metered");
    let instance = linker
        .instantiate_and_start(&mut store, &module)
        .expect("it fits");
    let run = instance
        .get_typed_func::<(), i32>(&store, "run")
        .expect("its type");
    // What is inside of the host function is lost, what is outside of it is not.
    let TypedResumableCall::HostTrap(call) = run.call_resumable(&mut store, ()).expect("it waits")
    else {
        panic!("the host function fails")
    };
    assert_eq!(call.host_error().as_trap_code(), Some(TrapCode::OutOfFuel));
    store.set_fuel(100).expect("metered");
    let TypedResumableCall::Finished(result) = call
        .resume(&mut store, &[Val::I32(41)])
        .expect("it goes on")
    else {
        panic!("nothing else to wait for")
    };
    assert_eq!(result, 42);
}

/// Calls, tail calls, two instances, bulk operations, recursion.
const WORK: &str = r#"(module
    (import "lib" "twice" (func $twice (param i32) (result i32)))
    (memory 2)
    (func $fib (param i32) (result i32)
      (if (result i32) (i32.lt_u (local.get 0) (i32.const 2))
        (then (local.get 0))
        (else (i32.add
          (call $fib (i32.sub (local.get 0) (i32.const 1)))
          (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
    (func $fill (param i32)
      (memory.fill (i32.const 100) (local.get 0) (i32.const 30000))
      (memory.copy (i32.const 70000) (i32.const 100) (i32.const 30000)))
    (func (export "work") (param i32) (result i32)
      (call $fill (local.get 0))
      (return_call $twice (i32.add
        (call $twice (call $fib (local.get 0)))
        (i32.load8_u (i32.const 90000))))))"#;

const LIB: &str = r#"(module
    (func $double (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
    (func (export "twice") (param i32) (result i32)
      (local i32)
      (local.set 1 (i32.const 10))
      (loop $again (br_if $again (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))
      (return_call $double (local.get 0))))"#;

fn worker() -> (Store<()>, TypedFunc<i32, i32>) {
    let mut config = Config::default();
    config.consume_fuel(true);
    let engine = Engine::new(&config);
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    let lib = linker
        .instantiate_and_start(&mut store, &module(&engine, LIB))
        .expect("it fits");
    linker.instance(&mut store, "lib", lib).expect("free names");
    let instance = linker
        .instantiate_and_start(&mut store, &module(&engine, WORK))
        .expect("it fits");
    let work = instance
        .get_typed_func(&store, "work")
        .expect("the module exports it");
    (store, work)
}

#[test]
fn slices_of_any_size_give_the_result_and_cost_of_one() {
    const PLENTY: u64 = 1 << 40;
    let (mut store, work) = worker();
    store.set_fuel(PLENTY).expect("metered");
    let result = work.call(&mut store, 12).expect("enough fuel");
    let cost = PLENTY - store.get_fuel().expect("metered");
    assert_eq!(result, 2 * (2 * 144 + 12));
    for slice in [0, 1, 3, 10, 100, 1000, cost - 1, cost] {
        // A new instance, whose functions are called for the first time again.
        let (mut store, work) = worker();
        store.set_fuel(slice).expect("metered");
        let mut given = slice;
        let mut call = work.call_resumable(&mut store, 12).expect("it waits");
        loop {
            match call {
                TypedResumableCall::Finished(found) => {
                    assert_eq!(found, result, "{slice}");
                    break;
                }
                TypedResumableCall::OutOfFuel(waiting) => {
                    let left = store.get_fuel().expect("metered");
                    assert!(left < waiting.required_fuel(), "{slice}");
                    // Not more than is needed to go on, or a slice.
                    let more = slice.max(waiting.required_fuel() - left);
                    store.set_fuel(left + more).expect("metered");
                    given += more;
                    call = waiting.resume(&mut store).expect("it goes on");
                }
                TypedResumableCall::HostTrap(_) => panic!("no host function"),
            }
        }
        let spent = given - store.get_fuel().expect("metered");
        assert_eq!(spent, cost, "slices of {slice}");
    }
}

/// Every unit that is missing shows where: in a loop, in another instance, before anything.
#[test]
fn a_call_without_fuel_knows_where_it_waits() {
    let mut config = Config::default();
    config.consume_fuel(true);
    config.wasm_backtrace(false);
    let engine = Engine::new(&config);
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    let lib = r#"(module (func $lib (export "lib") (param i64 i32)
        (loop $l (local.set 1 (i32.sub (local.get 1) (i32.const 1))) (br_if $l (local.get 1)))))"#;
    let lib = linker
        .instantiate_and_start(&mut store, &module(&engine, lib))
        .expect("it fits");
    linker.instance(&mut store, "lib", lib).expect("free names");
    let main = r#"(module
        (import "lib" "lib" (func $imported (param i64 i32)))
        (func $inner (param i32) (call $imported (i64.const 1) (local.get 0)))
        (func $outer (export "outer") (param i32)
            (call $inner (local.get 0))
            (call $inner (local.get 0))))"#;
    let instance = linker
        .instantiate_and_start(&mut store, &module(&engine, main))
        .expect("it fits");
    let outer = instance
        .get_typed_func::<i32, ()>(&store, "outer")
        .expect("the module exports it");
    // Before the first call of a function is paid, nothing of it has begun.
    let TypedResumableCall::OutOfFuel(fresh) = outer.call_resumable(&mut store, 5).expect("fits")
    else {
        panic!("there is no fuel")
    };
    let backtrace = fresh.wasm_backtrace(&store).expect("its own store");
    assert!(backtrace.frames().is_empty());
    store.set_fuel(1 << 20).expect("metered");
    outer.call(&mut store, 1).expect("enough fuel");

    store.set_fuel(0).expect("metered");
    let mut stacks: Vec<Vec<String>> = Vec::new();
    let mut call = outer.call_resumable(&mut store, 5).expect("it waits");
    while let TypedResumableCall::OutOfFuel(waiting) = call {
        let backtrace = waiting.wasm_backtrace(&store).expect("its own store");
        let names = backtrace.frames().iter().rev();
        let names: Vec<String> = names.map(|f| f.display_name().to_string()).collect();
        // Other calls do not matter to one that waits.
        store.set_fuel(1 << 20).expect("metered");
        outer.call(&mut store, 1).expect("enough fuel");
        assert_eq!(
            waiting
                .wasm_backtrace(&store)
                .expect("still")
                .frames()
                .len(),
            names.len()
        );
        if stacks.last() != Some(&names) {
            stacks.push(names);
        }
        let foreign = Store::new(&engine, ());
        assert!(waiting.wasm_backtrace(&foreign).is_err());
        store.set_fuel(waiting.required_fuel()).expect("metered");
        call = waiting.resume(&mut store).expect("it goes on");
    }
    let stacks: Vec<String> = stacks.iter().map(|names| names.join(" ")).collect();
    let found: Vec<&str> = stacks.iter().map(String::as_str).collect();
    let round = ["outer inner", "outer inner lib"];
    assert_eq!(found, [&["outer"], &round[..], &round[..]].concat());
}

#[test]
fn a_call_resumed_without_enough_fuel_waits_again() {
    let (mut store, work) = worker();
    let mut call = work.call_resumable(&mut store, 3).expect("it waits");
    for _ in 0..10 {
        let TypedResumableCall::OutOfFuel(waiting) = call else {
            panic!("{call:?}")
        };
        let required = waiting.required_fuel();
        assert!(required > 0);
        store.set_fuel(required - 1).expect("metered");
        call = waiting.resume(&mut store).expect("it waits");
    }
    store.as_context_mut().set_fuel(0).expect("metered");
    drop(call);
    store.set_fuel(1 << 20).expect("metered");
    assert_eq!(work.call(&mut store, 1).expect("enough"), 2 * (2 + 1));
}
