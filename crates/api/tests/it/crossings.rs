//! What else is there while a call waits: hooks, destructors, backtraces, other calls.

use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use damson::errors::{ErrorKind, FuncError};
use damson::{
    CallHook, Caller, Config, Engine, Error, Extern, Func, Instance, Linker, ResumableCall, Store,
    TrapCode, TypedResumableCall, Val, WasmBacktrace,
};

use crate::module;

fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Pending once.
#[derive(Default)]
struct Once(bool);

impl Future for Once {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

const GUEST: &str = r#"(module
    (import "host" "wait" (func $wait (param i32) (result i32)))
    (import "host" "fail" (func $fail (param i32) (result i32)))
    (memory (export "memory") 1 2)
    (func $inner (param i32) (result i32) (i32.add (call $wait (local.get 0)) (i32.const 1)))
    (func (export "waits") (param i32) (result i32)
      (i32.add (call $inner (local.get 0)) (i32.const 100)))
    (func (export "fails") (param i32) (result i32)
      (i32.add (call $fail (local.get 0)) (i32.const 1)))
    (func (export "sum") (param i32) (result i32)
      (if (result i32) (local.get 0)
        (then (i32.add (local.get 0) (call 5 (i32.sub (local.get 0) (i32.const 1)))))
        (else (i32.const 0)))))"#;

fn names(trace: &WasmBacktrace) -> Vec<u32> {
    let frames = trace.frames().iter();
    frames.map(damson::FrameInfo::func_index).collect()
}

/// What the host has seen.
#[derive(Default)]
struct Seen {
    crossings: Vec<CallHook>,
    refuse: Option<CallHook>,
    sums: Vec<i32>,
    callers: Vec<Vec<u32>>,
}

/// A caller whose destructor uses the store.
struct Last<'a>(Caller<'a, Seen>);

impl Drop for Last<'_> {
    fn drop(&mut self) {
        let sum = self.0.get_export("sum").and_then(Extern::into_func);
        let sum = sum.and_then(|sum| sum.typed::<i32, i32>(&self.0).ok());
        let Some(sum) = sum else { return };
        let found = sum.call(&mut self.0, 10).expect("it runs");
        let callers = names(&WasmBacktrace::capture(&self.0));
        self.0.data_mut().sums.push(found);
        self.0.data_mut().callers.push(callers);
    }
}

fn guest(config: &Config) -> (Store<Seen>, Instance) {
    let engine = Engine::new(config);
    let mut linker = Linker::<Seen>::new(&engine);
    linker
        .func_wrap_async(
            "host",
            "wait",
            |caller: Caller<'_, Seen>, (how,): (i32,)| {
                Box::new(async move {
                    let _last = Last(caller);
                    Once::default().await;
                    match how {
                        0 => 7,
                        1 => pending().await,
                        _ => panic!("a host future panics"),
                    }
                })
            },
        )
        .expect("not defined yet");
    linker
        .func_wrap("host", "fail", |how: i32| -> Result<i32, Error> {
            assert_ne!(how, 2, "a host function panics");
            Err(Error::new("later"))
        })
        .expect("not defined yet");
    let mut store = Store::new(&engine, Seen::default());
    store.call_hook(|seen, crossing| {
        seen.crossings.push(crossing);
        if seen.refuse == Some(crossing) {
            return Err(Error::new("refused"));
        }
        Ok(())
    });
    let instance = linker
        .instantiate_and_start(&mut store, &module(&engine, GUEST))
        .expect("it fits");
    (store, instance)
}

#[test]
fn the_destructor_of_a_host_future_finds_the_call_that_it_is_part_of() {
    let (mut store, instance) = guest(&Config::default());
    let waits = instance
        .get_typed_func::<i32, i32>(&store, "waits")
        .expect("its type");
    // It ends, it is dropped in the middle, it panics.
    let mut call = Box::pin(waits.call_async(&mut store, 0));
    assert!(poll_once(call.as_mut()).is_pending());
    let Poll::Ready(result) = poll_once(call.as_mut()) else {
        panic!("nothing else to wait for")
    };
    drop(call);
    assert_eq!(result.expect("no trap"), 108);
    for polls in 1..3 {
        let mut call = pin!(waits.call_async(&mut store, 1));
        for _ in 0..polls {
            assert!(poll_once(call.as_mut()).is_pending());
        }
    }
    {
        let mut call = Box::pin(waits.call_async(&mut store, 2));
        assert!(poll_once(call.as_mut()).is_pending());
        let next = AssertUnwindSafe(|| poll_once(call.as_mut()));
        catch_unwind(next).expect_err("it panics");
    }
    assert_eq!(store.data().sums, [55; 4]);
    // Each time above the frames of `waits` and what it called.
    assert_eq!(store.data().callers, vec![vec![2, 3]; 4]);
}

#[test]
fn a_host_function_called_by_a_host_function_has_its_callers_once() {
    let engine = Engine::default();
    let callers = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&callers);
    let mut store = Store::new(&engine, None::<Func>);
    let direct = Func::wrap_async(&mut store, move |caller: Caller<'_, Option<Func>>, ()| {
        let seen = Arc::clone(&seen);
        Box::new(async move {
            for _ in 0..2 {
                let trace = WasmBacktrace::capture(&caller);
                seen.lock().expect("not poisoned").push(names(&trace));
                Once::default().await;
            }
        })
    });
    *store.data_mut() = Some(direct);
    let call = Func::wrap(&mut store, |mut caller: Caller<'_, Option<Func>>| {
        let direct = caller.data().expect("set");
        let mut waiting = pin!(direct.call_async(&mut caller, &[], &mut []));
        while poll_once(waiting.as_mut()).is_pending() {}
    });
    let module = module(
        &engine,
        r#"(module (import "host" "call" (func $call))
            (func $deep (call $call)) (func (export "run") (call $deep)))"#,
    );
    let instance = Instance::new(&mut store, &module, &[call.into()]).expect("it fits");
    let run = instance
        .get_typed_func::<(), ()>(&store, "run")
        .expect("its type");
    run.call(&mut store, ()).expect("no trap");
    assert_eq!(*callers.lock().expect("not poisoned"), [[1, 2], [1, 2]]);
}

#[test]
fn every_crossing_is_told_also_of_calls_that_wait() {
    use CallHook::{CallingHost, CallingWasm, ReturningFromHost, ReturningFromWasm};
    let (mut store, instance) = guest(&Config::default());
    let take = |store: &mut Store<Seen>| std::mem::take(&mut store.data_mut().crossings);
    let fails = instance
        .get_typed_func::<i32, i32>(&store, "fails")
        .expect("its type");
    let waits = instance
        .get_typed_func::<i32, i32>(&store, "waits")
        .expect("its type");

    let call = fails.call_resumable(&mut store, 0).expect("it waits");
    let whole = [
        CallingWasm,
        CallingHost,
        ReturningFromHost,
        ReturningFromWasm,
    ];
    assert_eq!(take(&mut store), whole);
    let TypedResumableCall::HostTrap(call) = call else {
        panic!("{call:?}")
    };
    let call = call.resume(&mut store, &[Val::I32(1)]).expect("it goes on");
    assert!(matches!(call, TypedResumableCall::Finished(2)));
    assert_eq!(take(&mut store), [CallingWasm, ReturningFromWasm]);

    // A call that waits in place has not returned while it waits.
    let mut call = Box::pin(waits.call_async(&mut store, 0));
    assert!(poll_once(call.as_mut()).is_pending());
    assert!(poll_once(call.as_mut()).is_ready());
    drop(call);
    let mut with_destructor = vec![CallingWasm, CallingHost, CallingWasm, ReturningFromWasm];
    with_destructor.extend([ReturningFromHost, ReturningFromWasm]);
    assert_eq!(take(&mut store), with_destructor);

    // A host function that cannot be called is not.
    let error = waits.call(&mut store, 0).expect_err("it cannot wait");
    assert!(matches!(
        error.kind(),
        ErrorKind::Func(FuncError::NeedsAsync)
    ));
    assert_eq!(take(&mut store), [CallingWasm, ReturningFromWasm]);
}

#[test]
fn an_error_of_the_hook_ends_a_call_that_could_go_on() {
    let mut config = Config::default();
    config.consume_fuel(true);
    let (mut store, instance) = guest(&config);
    let fails = instance.get_func(&store, "fails").expect("exported");
    let sum = instance.get_func(&store, "sum").expect("exported");
    let mut outputs = [Val::I32(0)];
    for fuel in [100_000, 300] {
        let func = if fuel == 300 { sum } else { fails };
        store.set_fuel(fuel).expect("metered");
        let call = func.call_resumable(&mut store, &[Val::I32(40)], &mut outputs);
        let call = call.expect("it waits");
        assert!(!matches!(call, ResumableCall::Finished));
        for refused in [CallHook::CallingWasm, CallHook::ReturningFromWasm] {
            store.set_fuel(fuel).expect("metered");
            store.data_mut().refuse = Some(refused);
            let call = func.call_resumable(&mut store, &[Val::I32(40)], &mut outputs);
            assert_eq!(call.expect_err("refused").to_string(), "refused");
            store.data_mut().refuse = None;
        }
    }
    store.set_fuel(100_000).expect("metered");
    sum.call(&mut store, &[Val::I32(3)], &mut outputs)
        .expect("usable");
    assert_eq!(outputs[0].i32(), Some(6));
}

#[test]
fn a_panic_beside_and_inside_of_a_call_that_waits() {
    let (mut store, instance) = guest(&Config::default());
    let fails = instance
        .get_typed_func::<i32, i32>(&store, "fails")
        .expect("its type");
    let wait = |store: &mut Store<Seen>| match fails.call_resumable(store, 0) {
        Ok(TypedResumableCall::HostTrap(call)) => call,
        other => panic!("{other:?}"),
    };
    let (first, second) = (wait(&mut store), wait(&mut store));
    let panics = AssertUnwindSafe(|| fails.call(&mut store, 2));
    catch_unwind(panics).expect_err("it panics");
    let panics = AssertUnwindSafe(|| fails.call_resumable(&mut store, 2));
    catch_unwind(panics).expect_err("it panics");
    for (call, answer) in [(second, 5), (first, 8)] {
        let TypedResumableCall::Finished(result) = call
            .resume(&mut store, &[Val::I32(answer)])
            .expect("it goes on")
        else {
            panic!("nothing else to wait for")
        };
        assert_eq!(result, answer + 1);
    }
}

/// Resuming is a call of the host like others: it takes from the same limits, and what it
/// took it gives back.
#[test]
fn a_resumed_call_that_traps_leaves_the_store_as_it_was() {
    let mut config = Config::default();
    config.consume_fuel(true).set_max_recursion_depth(50);
    let (mut store, instance) = guest(&config);
    let sum = instance.get_func(&store, "sum").expect("exported");
    let mut outputs = [Val::I32(0)];
    for _ in 0..100 {
        // It runs out of fuel on the way to a stack overflow.
        store.set_fuel(300).expect("metered");
        let call = sum
            .call_resumable(&mut store, &[Val::I32(60)], &mut outputs)
            .expect("it waits");
        let ResumableCall::OutOfFuel(call) = call else {
            panic!("{call:?}")
        };
        store.set_fuel(100_000).expect("metered");
        let error = call.resume(&mut store, &mut outputs).expect_err("too deep");
        assert_eq!(error.as_trap_code(), Some(TrapCode::StackOverflow));
        assert_eq!(
            error.wasm_backtrace().map(|trace| trace.frames().len()),
            Some(20)
        );
        sum.call(&mut store, &[Val::I32(49)], &mut outputs)
            .expect("as deep as ever");
    }
}

#[test]
fn fuel_is_resumed_with_the_right_outputs_in_the_right_store() {
    let mut config = Config::default();
    config.consume_fuel(true);
    let (mut store, instance) = guest(&config);
    let sum = instance.get_func(&store, "sum").expect("exported");
    let mut wait = || {
        store.set_fuel(300).expect("metered");
        match sum.call_resumable(&mut store, &[Val::I32(40)], &mut [Val::I32(0)]) {
            Ok(ResumableCall::OutOfFuel(call)) => call,
            other => panic!("{other:?}"),
        }
    };
    let (first, second, third, fourth) = (wait(), wait(), wait(), wait());
    let error = first.resume(&mut store, &mut []).expect_err("no place");
    assert!(matches!(
        error.kind(),
        ErrorKind::Func(FuncError::MismatchingResultLen {
            expected: 1,
            found: 0
        })
    ));
    let (mut other, _) = guest(&config);
    for error in [
        second.resume(&mut other, &mut [Val::I32(0)]),
        third.resume_raw(&mut other, &mut [damson::Cell::ZERO]),
    ]
    .map(|result| result.expect_err("another store"))
    {
        assert!(
            matches!(error.kind(), ErrorKind::ForeignHandle(_)),
            "{error}"
        );
    }
    let error = fourth
        .resume_raw(&mut store, &mut [])
        .expect_err("no cells");
    assert!(error.to_string().contains("1 cells"), "{error}");
}
