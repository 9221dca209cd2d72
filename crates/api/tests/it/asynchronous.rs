//! Async host functions, and calls that wait for them, on executors of two kinds.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use damson::errors::{ErrorKind, FuncError};
use damson::{
    Caller, Config, Engine, Error, Extern, Func, FuncType, Instance, Linker, Store, Val, ValType,
};

use crate::module;

/// Wakes a thread that sleeps.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The smallest executor: one future, one thread. Also counts how often it polled.
pub(crate) fn block_on_counting<F: Future>(future: F) -> (F::Output, usize) {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut polls = 0;
    loop {
        polls += 1;
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return (output, polls),
            Poll::Pending => thread::park(),
        }
    }
}

pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    block_on_counting(future).0
}

/// Polls once, with a waker that does nothing.
fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// A future that is pending so many times, and wakes its task each time.
struct After(usize);

impl Future for After {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<()> {
        if self.0 == 0 {
            return Poll::Ready(());
        }
        self.0 -= 1;
        task.waker().wake_by_ref();
        Poll::Pending
    }
}

/// A future that never is ready, and counts its end.
struct Never(Arc<AtomicUsize>);

impl Future for Never {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

impl Drop for Never {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

const GUEST: &str = r#"(module
    (import "host" "wait" (func $wait (param i32 i64) (result i64)))
    (import "host" "sync" (func $sync (param i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "sum") (param i32) (result i64) (local i64 i32)
      (loop $again
        (local.set 1 (i64.add (local.get 1)
          (call $wait (local.get 0) (i64.extend_i32_u (call $sync (local.get 0))))))
        (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
      (local.get 1))
    (func (export "tail") (param i32) (result i64)
      (return_call $wait (local.get 0) (i64.const 40)))
    (func (export "double") (param i64) (result i64) (i64.mul (local.get 0) (i64.const 2)))
    (func (export "deep") (param i32) (result i32)
      (if (result i32) (local.get 0)
        (then (i32.add (i32.const 1) (call 5 (i32.sub (local.get 0) (i32.const 1)))))
        (else (i32.const 0)))))"#;

/// `wait(n, x)` waits `n` times, then gives `x + n`, and notes it in the data.
fn linker(engine: &Engine) -> Linker<Vec<i64>> {
    let mut linker = Linker::new(engine);
    linker
        .func_wrap_async(
            "host",
            "wait",
            |mut caller: Caller<'_, Vec<i64>>, (n, x): (u32, i64)| {
                Box::new(async move {
                    After(n as usize).await;
                    caller.data_mut().push(x);
                    After(1).await;
                    x + i64::from(n)
                })
            },
        )
        .expect("not defined yet");
    linker
        .func_wrap("host", "sync", |x: i32| x * 100)
        .expect("not defined yet");
    linker
}

fn guest(engine: &Engine) -> (Store<Vec<i64>>, Instance) {
    let mut store = Store::new(engine, Vec::new());
    let instance = linker(engine)
        .instantiate_and_start(&mut store, &module(engine, GUEST))
        .expect("it fits");
    (store, instance)
}

#[test]
fn a_call_waits_where_its_host_function_waits() {
    let (mut store, instance) = guest(&Engine::default());
    let sum = instance
        .get_typed_func::<i32, i64>(&store, "sum")
        .expect("its type");
    let (result, polls) = block_on_counting(sum.call_async(&mut store, 4));
    assert_eq!(result.expect("no trap"), 1010);
    assert_eq!(store.data(), &[400, 300, 200, 100]);
    // Each call waits once more than its parameter.
    assert_eq!(polls, 1 + (4 + 3 + 2 + 1) + 4);
    let tail = instance.get_func(&store, "tail").expect("exported");
    let mut outputs = [Val::I64(0)];
    block_on(tail.call_async(&mut store, &[Val::I32(2)], &mut outputs)).expect("no trap");
    assert_eq!(outputs[0].i64(), Some(42));
    let mut cells = [damson::Cell::new(3_i32)];
    block_on(tail.call_raw_async(&mut store, &mut cells)).expect("no trap");
    assert_eq!(cells[0].get::<i64>(), 43);
}

#[test]
fn nothing_runs_before_the_first_poll() {
    let (mut store, instance) = guest(&Engine::default());
    let tail = instance
        .get_typed_func::<i32, i64>(&store, "tail")
        .expect("its type");
    drop(tail.call_async(&mut store, 0));
    assert!(store.data().is_empty());
}

#[test]
fn futures_are_send_if_the_data_is_and_run_on_tokio() {
    fn assert_send<T: Send>(value: T) -> T {
        value
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .expect("a runtime");
    let engine = Engine::default();
    let mut linker = linker(&engine);
    linker
        .func_wrap_async("host", "sleep", |_: Caller<'_, Vec<i64>>, ()| {
            Box::new(tokio::time::sleep(Duration::from_millis(1)))
        })
        .expect("not defined yet");
    let module = module(
        &engine,
        r#"(module
            (import "host" "sleep" (func $sleep))
            (import "host" "wait" (func $wait (param i32 i64) (result i64)))
            (start $begin)
            (func $begin (call $sleep))
            (func (export "run") (param i64) (result i64)
              (call $sleep)
              (call $wait (i32.const 3) (local.get 0))))"#,
    );
    let linker = Arc::new(linker);
    let tasks: Vec<_> = (0..8)
        .map(|n| {
            let (engine, linker, module) = (engine.clone(), Arc::clone(&linker), module.clone());
            runtime.spawn(assert_send(async move {
                let mut store = Store::new(&engine, Vec::new());
                let instance = linker.instantiate_async(&mut store, &module).await?;
                let run = instance.get_typed_func::<i64, i64>(&store, "run")?;
                let result = run.call_async(&mut store, n).await?;
                Ok::<_, Error>((result, store.into_data()))
            }))
        })
        .collect();
    for (n, task) in (0..8).zip(tasks) {
        let result = runtime.block_on(task).expect("no panic");
        assert_eq!(result.expect("no trap"), (n + 3, vec![n]));
    }
}

#[test]
fn data_that_is_not_send_serves_on_one_thread() {
    use std::rc::Rc;
    let engine = Engine::default();
    let mut store = Store::new(&engine, Rc::new(5_i32));
    let get = Func::wrap(&mut store, |caller: Caller<'_, Rc<i32>>| **caller.data());
    let get = get.typed::<(), i32>(&store).expect("its type");
    assert_eq!(
        block_on(get.call_async(&mut store, ())).expect("no trap"),
        5
    );
}

#[test]
fn a_start_function_waits() {
    let engine = Engine::default();
    let module = module(
        &engine,
        r#"(module
            (import "host" "wait" (func $wait (param i32 i64) (result i64)))
            (global (export "got") (mut i64) (i64.const 0))
            (func $start (global.set 0 (call $wait (i32.const 2) (i64.const 5))))
            (start $start))"#,
    );
    let linker = linker(&engine);
    let mut store = Store::new(&engine, Vec::new());
    let error = linker
        .instantiate(&mut store, &module)
        .expect_err("it cannot wait");
    assert!(
        matches!(error.kind(), ErrorKind::Func(FuncError::NeedsAsync)),
        "{error}"
    );
    let pre = linker.instantiate_pre(&module).expect("all is defined");
    for by_pre in [false, true] {
        let instance = if by_pre {
            block_on(pre.instantiate_async(&mut store))
        } else {
            block_on(linker.instantiate_async(&mut store, &module))
        };
        let instance = instance.expect("no trap");
        let got = instance.get_global(&store, "got").expect("exported");
        assert_eq!(got.get(&store).i64(), Some(7));
    }
}

#[test]
fn calls_that_cannot_wait_say_so() {
    let (mut store, instance) = guest(&Engine::default());
    let tail = instance.get_func(&store, "tail").expect("exported");
    let mut outputs = [Val::I64(0)];
    let error = tail
        .call(&mut store, &[Val::I32(1)], &mut outputs)
        .expect_err("it cannot wait");
    assert!(
        matches!(error.kind(), ErrorKind::Func(FuncError::NeedsAsync)),
        "{error}"
    );
    let error = tail
        .call_resumable(&mut store, &[Val::I32(1)], &mut outputs)
        .expect_err("it cannot wait");
    assert!(matches!(
        error.kind(),
        ErrorKind::Func(FuncError::NeedsAsync)
    ));
    let direct = Func::wrap_async(&mut store, |_: Caller<'_, Vec<i64>>, (x,): (i32,)| {
        Box::new(async move {
            After(3).await;
            x + 1
        })
    });
    let direct = direct.typed::<i32, i32>(&store).expect("its type");
    let error = direct.call(&mut store, 1).expect_err("it cannot wait");
    assert!(matches!(
        error.kind(),
        ErrorKind::Func(FuncError::NeedsAsync)
    ));
    // And it can be called by a call that waits.
    assert_eq!(
        block_on(direct.call_async(&mut store, 1)).expect("no trap"),
        2
    );
    assert!(store.data().is_empty());
}

/// A module that calls an async function of values of two kinds.
#[test]
fn host_functions_over_values_are_checked() {
    let engine = Engine::default();
    let ty = FuncType::new([ValType::I32, ValType::F64], [ValType::F64, ValType::I32]);
    let mut linker = Linker::<i32>::new(&engine);
    linker
        .func_new_async("host", "swap", ty, |mut caller, params, results| {
            Box::new(async move {
                After(2).await;
                *caller.data_mut() += 1;
                if params[0].i32() == Some(-1) {
                    results[0] = Val::I64(0);
                    return Ok(());
                }
                if params[0].i32() == Some(-2) {
                    return Err(Error::new("refused"));
                }
                results[0] = params[1];
                results[1] = params[0];
                Ok(())
            })
        })
        .expect("not defined yet");
    let module = module(
        &engine,
        r#"(module
            (import "host" "swap" (func $swap (param i32 f64) (result f64 i32)))
            (func (export "run") (param i32 f64) (result f64 i32)
              (call $swap (local.get 0) (local.get 1))))"#,
    );
    let mut store = Store::new(&engine, 0);
    let instance = linker.instantiate(&mut store, &module).expect("it fits");
    let run = instance
        .get_typed_func::<(i32, f64), (f64, i32)>(&store, "run")
        .expect("its type");
    let result = block_on(run.call_async(&mut store, (3, 0.5)));
    assert_eq!(result.expect("no trap"), (0.5, 3));
    let error = block_on(run.call_async(&mut store, (-1, 0.5))).expect_err("a wrong type");
    assert!(matches!(
        error.kind(),
        ErrorKind::Func(FuncError::MismatchingResultType { index: 0, .. })
    ));
    let error = block_on(run.call_async(&mut store, (-2, 0.5))).expect_err("refused");
    assert_eq!(error.to_string(), "refused");
    assert_eq!(*store.data(), 3);
}

/// A store with a function that waits for ever, with a frame and a nested call below it.
fn endless(drops: &Arc<AtomicUsize>) -> (Store<Vec<i64>>, Instance) {
    let mut config = Config::default();
    config.set_max_recursion_depth(50);
    let engine = Engine::new(&config);
    let mut linker = linker(&engine);
    let dropped = Arc::clone(drops);
    linker
        .func_wrap_async("host", "nest", |mut caller: Caller<'_, Vec<i64>>, ()| {
            Box::new(async move {
                let never = caller.get_export("never").and_then(Extern::into_func);
                let never = never.ok_or_else(|| Error::new("not exported"))?;
                never.call_async(&mut caller, &[], &mut []).await
            })
        })
        .expect("not defined yet");
    linker
        .func_wrap_async("host", "never", move |_: Caller<'_, Vec<i64>>, ()| {
            Box::new(Never(Arc::clone(&dropped)))
        })
        .expect("not defined yet");
    let module = module(
        &engine,
        r#"(module
            (import "host" "nest" (func $nest))
            (import "host" "never" (func $never))
            (func $frames (param i32)
              (if (local.get 0)
                (then (call $frames (i32.sub (local.get 0) (i32.const 1))))
                (else (call $nest))))
            (func (export "run") (call $frames (i32.const 20)))
            (func (export "never") (call $never))
            (func $deep (export "deep") (param i32) (result i32)
              (if (result i32) (local.get 0)
                (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))
                (else (i32.const 0)))))"#,
    );
    let mut store = Store::new(&engine, Vec::new());
    let instance = linker.instantiate(&mut store, &module).expect("it fits");
    (store, instance)
}

#[test]
fn dropping_the_future_ends_the_call_and_leaves_the_store_usable() {
    let drops = Arc::new(AtomicUsize::new(0));
    let (mut store, instance) = endless(&drops);
    let run = instance
        .get_typed_func::<(), ()>(&store, "run")
        .expect("its type");
    let deep = instance
        .get_typed_func::<i32, i32>(&store, "deep")
        .expect("its type");
    for round in 1..=200 {
        {
            let mut call = pin!(run.call_async(&mut store, ()));
            for _ in 0..3 {
                assert!(poll_once(call.as_mut()).is_pending());
            }
            assert_eq!(drops.load(Ordering::Relaxed), round - 1);
        }
        assert_eq!(drops.load(Ordering::Relaxed), round);
        // As deep as ever.
        assert_eq!(deep.call(&mut store, 49).expect("deep enough"), 49);
    }
    assert!(
        deep.call(&mut store, 50).is_err(),
        "the limit is where it was"
    );
}

#[test]
fn forgetting_the_future_leaves_nothing_behind() {
    let drops = Arc::new(AtomicUsize::new(0));
    let (mut store, instance) = endless(&drops);
    let run = instance
        .get_typed_func::<(), ()>(&store, "run")
        .expect("its type");
    let deep = instance
        .get_typed_func::<i32, i32>(&store, "deep")
        .expect("its type");
    for _ in 0..100 {
        let mut call = Box::pin(run.call_async(&mut store, ()));
        assert!(poll_once(call.as_mut()).is_pending());
        std::mem::forget(call);
        assert_eq!(deep.call(&mut store, 49).expect("deep enough"), 49);
    }
    let mut call = Box::pin(run.call_async(&mut store, ()));
    assert!(poll_once(call.as_mut()).is_pending());
    drop(call);
    assert_eq!(drops.load(Ordering::Relaxed), 1);
}

/// A host function begins a call in another instance, and forgets it while it waits: the
/// caller must go on in its own instance, with its own memory.
#[test]
fn a_call_forgotten_inside_of_a_host_function_does_not_disturb_its_caller() {
    struct Data {
        other: Option<Func>,
        how: usize,
    }
    let engine = Engine::default();
    let mut linker = Linker::<Data>::new(&engine);
    let never = Arc::new(AtomicUsize::new(0));
    linker
        .func_wrap_async("host", "never", move |_: Caller<'_, Data>, ()| {
            Box::new(Never(Arc::clone(&never)))
        })
        .expect("not defined yet");
    linker
        .func_wrap(
            "host",
            "begin",
            |mut caller: Caller<'_, Data>| -> Result<(), Error> {
                let (other, how) = (caller.data().other, caller.data().how);
                let other = other.ok_or_else(|| Error::new("there is none"))?;
                let mut call = Box::pin(other.call_raw_async(&mut caller, &mut []));
                if how > 0 {
                    assert!(poll_once(call.as_mut()).is_pending());
                }
                if how > 1 {
                    // Not even its end is seen.
                    std::mem::forget(call);
                }
                Ok(())
            },
        )
        .expect("not defined yet");
    let other = module(
        &engine,
        r#"(module
            (import "host" "never" (func $never))
            (global (mut i32) (i32.const 77))
            (func $down (param i32)
              (if (local.get 0)
                (then (call $down (i32.sub (local.get 0) (i32.const 1))))
                (else (call $never))))
            (func (export "wait") (call $down (i32.const 3))))"#,
    );
    let caller = module(
        &engine,
        r#"(module
            (import "host" "begin" (func $begin))
            (memory 1)
            (global $mine (mut i32) (i32.const 5))
            (func $inner (param i32) (result i32)
              (call $begin)
              (i32.store (i32.const 65532) (i32.const 4))
              (i32.add (local.get 0) (i32.add (global.get $mine) (i32.load (i32.const 65532)))))
            (func (export "run") (result i32) (i32.add (call $inner (i32.const 100)) (i32.const 1))))"#,
    );
    let mut store = Store::new(
        &engine,
        Data {
            other: None,
            how: 0,
        },
    );
    let other = linker.instantiate(&mut store, &other).expect("it fits");
    let caller = linker.instantiate(&mut store, &caller).expect("it fits");
    store.data_mut().other = other.get_func(&store, "wait");
    let run = caller
        .get_typed_func::<(), i32>(&store, "run")
        .expect("its type");
    for how in [0, 1, 2, 2, 1, 0] {
        store.data_mut().how = how;
        assert_eq!(run.call(&mut store, ()).expect("no trap"), 110);
        let waiting = run.call_async(&mut store, ());
        assert_eq!(block_on(waiting).expect("no trap"), 110);
    }
}

#[test]
fn host_futures_call_wasm_that_waits() {
    let engine = Engine::default();
    let mut linker = linker(&engine);
    linker
        .func_wrap_async(
            "host",
            "nested",
            |mut caller: Caller<'_, Vec<i64>>, (x,): (i64,)| {
                Box::new(async move {
                    After(1).await;
                    let inner = caller.get_export("inner").and_then(Extern::into_func);
                    let inner = inner.ok_or_else(|| Error::new("not exported"))?;
                    let inner = inner.typed::<i64, i64>(&caller)?;
                    let first = inner.call_async(&mut caller, x).await?;
                    let memory = caller.get_export("memory").and_then(Extern::into_memory);
                    let memory = memory.ok_or_else(|| Error::new("not exported"))?;
                    memory.grow(&mut caller, 1)?;
                    let second = inner.call_async(&mut caller, first).await?;
                    Ok::<i64, Error>(second)
                })
            },
        )
        .expect("not defined yet");
    let module = module(
        &engine,
        r#"(module
            (import "host" "nested" (func $nested (param i64) (result i64)))
            (import "host" "wait" (func $wait (param i32 i64) (result i64)))
            (memory (export "memory") 1)
            (func (export "inner") (param i64) (result i64)
              (call $wait (i32.const 2) (local.get 0)))
            (func (export "run") (param i64) (result i64) (local i64)
              (local.set 1 (i64.const 1000))
              (i64.store (i32.const 0) (i64.const 5))
              (local.set 1 (i64.add (local.get 1) (call $nested (local.get 0))))
              (i64.store (i32.const 70000) (i64.const 1))
              (i64.add (local.get 1) (i64.load (i32.const 0)))))"#,
    );
    let mut store = Store::new(&engine, Vec::new());
    let instance = linker.instantiate(&mut store, &module).expect("it fits");
    let run = instance
        .get_typed_func::<i64, i64>(&store, "run")
        .expect("its type");
    let result = block_on(run.call_async(&mut store, 10));
    assert_eq!(result.expect("no trap"), 1000 + 14 + 5);
    assert_eq!(store.data(), &[10, 12]);
}

#[test]
fn a_panic_of_a_host_future_goes_through_the_call() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, 0);
    let mut linker = Linker::<i32>::new(&engine);
    linker
        .func_wrap_async("host", "panic", |mut caller: Caller<'_, i32>, ()| {
            Box::new(async move {
                *caller.data_mut() += 1;
                After(1).await;
                assert!(*caller.data() > 100, "a host function panics");
            })
        })
        .expect("not defined yet");
    let module = module(
        &engine,
        r#"(module (import "host" "panic" (func $panic))
            (func (export "run") (call $panic))
            (func (export "one") (result i32) (i32.const 1)))"#,
    );
    let instance = linker.instantiate(&mut store, &module).expect("it fits");
    let run = instance
        .get_typed_func::<(), ()>(&store, "run")
        .expect("its type");
    let one = instance
        .get_typed_func::<(), i32>(&store, "one")
        .expect("its type");
    for round in 1..=3 {
        let call = AssertUnwindSafe(|| block_on(run.call_async(&mut store, ())));
        catch_unwind(call).expect_err("it panics");
        assert_eq!(*store.data(), round);
        assert_eq!(one.call(&mut store, ()).expect("usable"), 1);
    }
}
