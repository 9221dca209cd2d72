//! Interruption: another thread raises the engine's epoch.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use damson::{
    Caller, CompilationMode, Config, Engine, Error, Instance, Linker, Store, StoreContextMut,
    TrapCode, UpdateDeadline,
};

use crate::{MODES, module};

const GUEST: &str = r#"(module
    (import "host" "ready" (func $ready))
    (memory 1)
    (func (export "loop") (call $ready) (loop $again (br $again)))
    (func (export "conditional") (param i32) (call $ready)
      (loop $again (br_if $again (local.get 0))))
    (func $even (param i32) (result i32) (return_call $odd (local.get 0)))
    (func $odd (param i32) (result i32) (return_call $even (local.get 0)))
    (func (export "tail") (param i32) (result i32) (call $ready) (call $even (local.get 0)))
    (func $nothing)
    (func (export "bulk") (call $ready)
      (loop $again
        (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536))
        (call $nothing)
        (br $again)))
    (func (export "one") (result i32) (i32.const 1))
    (func (export "rounds") (param i32) (result i32)
      (loop $again
        (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
      (local.get 0)))"#;

/// The data says whether the guest has begun.
type Data = Arc<AtomicBool>;

fn guest(mode: CompilationMode) -> (Engine, Store<Data>, Instance) {
    let mut config = Config::default();
    config.epoch_interruption(true).compilation_mode(mode);
    let engine = Engine::new(&config);
    let mut linker = Linker::<Data>::new(&engine);
    linker
        .func_wrap("host", "ready", |caller: Caller<'_, Data>| {
            caller.data().store(true, Ordering::Release);
        })
        .expect("not defined yet");
    let mut store = Store::new(&engine, Data::default());
    let instance = linker
        .instantiate_and_start(&mut store, &module(&engine, GUEST))
        .expect("it fits");
    (engine, store, instance)
}

#[test]
fn another_thread_stops_whatever_never_ends() {
    for mode in MODES {
        let (engine, mut store, instance) = guest(mode);
        for name in ["loop", "conditional", "tail", "bulk"] {
            let func = instance.get_func(&store, name).expect("exported");
            store.set_epoch_deadline(2);
            let begun = Arc::clone(store.data());
            begun.store(false, Ordering::Release);
            let other = engine.clone();
            let stop = thread::spawn(move || {
                while !begun.load(Ordering::Acquire) {
                    thread::yield_now();
                }
                other.increment_epoch();
                other.increment_epoch();
            });
            let ty = func.ty(&store);
            let inputs = vec![damson::Val::I32(1); ty.params().len()];
            let mut outputs = vec![damson::Val::I32(0); ty.results().len()];
            let error = func
                .call(&mut store, &inputs, &mut outputs)
                .expect_err("it never ends otherwise");
            assert_eq!(error.as_trap_code(), Some(TrapCode::Interrupt), "{name}");
            assert!(error.trap().expect("a trap").site.is_some(), "{name}");
            stop.join().expect("no panic");
            // The store is usable.
            store.set_epoch_deadline(1);
            let one = instance
                .get_typed_func::<(), i32>(&store, "one")
                .expect("its type");
            assert_eq!(one.call(&mut store, ()).expect("usable"), 1);
        }
    }
}

#[test]
fn functions_and_loops_look_at_the_deadline() {
    let (engine, mut store, instance) = guest(CompilationMode::Eager);
    let one = instance
        .get_typed_func::<(), i32>(&store, "one")
        .expect("its type");
    let interrupted = |store: &mut Store<Data>| {
        one.call(store, ())
            .err()
            .and_then(|error| error.as_trap_code())
    };
    // A store begins with its deadline reached.
    assert_eq!(interrupted(&mut store), Some(TrapCode::Interrupt));
    store.set_epoch_deadline(1);
    assert_eq!(interrupted(&mut store), None);
    engine.increment_epoch();
    assert_eq!(interrupted(&mut store), Some(TrapCode::Interrupt));
    store.set_epoch_deadline(u64::MAX);
    engine.increment_epoch();
    assert_eq!(interrupted(&mut store), None);
}

#[test]
fn a_callback_counts_rounds_uses_the_store_and_stops_the_guest() {
    let (_, mut store, instance) = guest(CompilationMode::Eager);
    let one = instance
        .get_typed_func::<(), i32>(&store, "one")
        .expect("its type");
    let rounds = instance
        .get_typed_func::<i32, i32>(&store, "rounds")
        .expect("its type");
    let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    // With a deadline that is always reached, each check asks.
    store.epoch_deadline_callback(move |mut context: StoreContextMut<'_, Data>| {
        context.data().store(true, Ordering::Relaxed);
        let n = count.fetch_add(1, Ordering::Relaxed);
        context.set_epoch_deadline(1);
        // Runs above the frames of the code that was interrupted.
        assert_eq!(one.call(&mut context, ())?, 1);
        if n < 1000 {
            Ok(UpdateDeadline::Continue(0))
        } else {
            Ok(UpdateDeadline::Interrupt)
        }
    });
    assert_eq!(rounds.call(&mut store, 10).expect("it goes on"), 0);
    // The function, and ten rounds.
    assert_eq!(asked.load(Ordering::Relaxed), 11);
    assert!(store.data().load(Ordering::Relaxed));
    let error = rounds.call(&mut store, i32::MAX).expect_err("stopped");
    assert_eq!(error.as_trap_code(), Some(TrapCode::Interrupt));
    assert_eq!(asked.load(Ordering::Relaxed), 1001);
}

#[test]
fn the_error_and_the_panic_of_a_callback_end_the_call() {
    let (_, mut store, instance) = guest(CompilationMode::Eager);
    let one = instance
        .get_typed_func::<(), i32>(&store, "one")
        .expect("its type");
    store.epoch_deadline_callback(|_| Err(Error::new("time is over")));
    let error = one.call(&mut store, ()).expect_err("refused");
    assert_eq!(error.to_string(), "time is over");
    let mut first = true;
    store.epoch_deadline_callback(move |_| {
        assert!(!std::mem::take(&mut first), "the callback panics");
        Ok(UpdateDeadline::Continue(1))
    });
    let call = std::panic::AssertUnwindSafe(|| one.call(&mut store, ()));
    std::panic::catch_unwind(call).expect_err("it panics");
    // The callback is still there, and is asked again.
    assert_eq!(one.call(&mut store, ()).expect("it goes on"), 1);
    store.epoch_deadline_trap();
    store.set_epoch_deadline(0);
    let error = one.call(&mut store, ()).expect_err("interrupted");
    assert_eq!(error.as_trap_code(), Some(TrapCode::Interrupt));
}

#[test]
fn a_pruned_store_is_asked_too_and_can_be_recovered_by_the_callback() {
    let (engine, store, instance) = guest(CompilationMode::Lazy);
    let rounds = instance
        .get_typed_func::<i32, i32>(&store, "rounds")
        .expect("its type");
    let mut store = store.prune();
    store.epoch_deadline_callback(|context| {
        let typed = context.try_context_mut::<Data>()?;
        typed.data().store(true, Ordering::Relaxed);
        Ok(UpdateDeadline::Continue(1))
    });
    assert_eq!(rounds.call(&mut store, 10).expect("it goes on"), 0);
    assert!(
        store
            .try_context::<Data>()
            .expect("its type")
            .data()
            .load(Ordering::Relaxed)
    );
    store.epoch_deadline_async_yield_and_update(1);
    engine.increment_epoch();
    let error = rounds.call(&mut store, 10).expect_err("it cannot wait");
    assert!(matches!(
        error.kind(),
        damson::errors::ErrorKind::Func(damson::errors::FuncError::CannotYield)
    ));
    store.epoch_deadline_trap();
    engine.increment_epoch();
    let error = rounds.call(&mut store, 10).expect_err("stopped");
    assert_eq!(error.as_trap_code(), Some(TrapCode::Interrupt));
}

/// What the function calls is stopped at its deadline like everything else: nobody is asked
/// while one is being asked.
#[test]
fn calls_of_the_callback_need_a_deadline_of_their_own() {
    for (deadline, expected) in [(None, None), (Some(5), Some(1))] {
        let (_, mut store, instance) = guest(CompilationMode::Eager);
        let one = instance
            .get_typed_func::<(), i32>(&store, "one")
            .expect("its type");
        store.epoch_deadline_callback(move |mut context| {
            if let Some(epochs) = deadline {
                context.set_epoch_deadline(epochs);
            }
            assert_eq!(one.call(&mut context, ())?, 1);
            Ok(UpdateDeadline::Continue(1))
        });
        let result = one.call(&mut store, ());
        match expected {
            Some(_) => assert_eq!(result.ok(), expected),
            None => {
                let error = result.expect_err("the inner call is stopped");
                assert_eq!(error.as_trap_code(), Some(TrapCode::Interrupt));
            }
        }
    }
}

#[test]
fn without_interruption_no_deadline_matters() {
    let engine = Engine::default();
    let (mut store, one) = (Store::new(&engine, ()), "one");
    let text = r#"(module (func (export "one") (result i32) (i32.const 1)))"#;
    let instance = Linker::new(&engine)
        .instantiate(&mut store, &module(&engine, text))
        .expect("it fits");
    let one = instance
        .get_typed_func::<(), i32>(&store, one)
        .expect("its type");
    store.set_epoch_deadline(0);
    engine.increment_epoch();
    assert_eq!(one.call(&mut store, ()).expect("not asked"), 1);
}
