//! Calls that let others run: after so much fuel, or when an epoch has come.

use damson::errors::{ErrorKind, FuelError, FuncError};
use damson::{Config, Engine, Instance, Linker, Store, TrapCode, UpdateDeadline};

use crate::asynchronous::{block_on, block_on_counting};
use crate::module;

fn counting(configure: impl FnOnce(&mut Config)) -> (Engine, Store<()>, Instance) {
    let mut config = Config::default();
    configure(&mut config);
    let engine = Engine::new(&config);
    let module = module(
        &engine,
        r#"(module (func (export "count") (param i32) (result i32) (local i32)
            (loop $again
              (local.set 1 (i32.add (local.get 1) (i32.const 1)))
              (br_if $again (i32.lt_u (local.get 1) (local.get 0))))
            (local.get 1)))"#,
    );
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine)
        .instantiate_and_start(&mut store, &module)
        .expect("it fits");
    (engine, store, instance)
}

#[test]
fn fuel_lets_others_run_and_costs_the_same() {
    const PLENTY: u64 = 1 << 30;
    let cost = |interval: Option<u64>| {
        let (_, mut store, instance) = counting(|config| {
            config.consume_fuel(true);
        });
        store.set_fuel(PLENTY).expect("metered");
        store.fuel_async_yield_interval(interval).expect("metered");
        assert_eq!(store.get_fuel().expect("metered"), PLENTY);
        let count = instance
            .get_typed_func::<i32, i32>(&store, "count")
            .expect("its type");
        let (result, polls) = block_on_counting(count.call_async(&mut store, 1000));
        assert_eq!(result.expect("enough fuel"), 1000);
        (PLENTY - store.get_fuel().expect("metered"), polls)
    };
    let (all, polls) = cost(None);
    assert_eq!(polls, 1);
    for interval in [1, 7, 100, 1000, all, all + 1] {
        let (spent, polls) = cost(Some(interval));
        assert_eq!(spent, all, "{interval}");
        let yields = (all - 1) / interval;
        assert_eq!(polls as u64, 1 + yields, "{interval}");
    }
}

/// What costs more than an interval waits as often as it takes, and happens once.
#[test]
fn bulk_operations_are_dearer_than_an_interval() {
    let mut config = Config::default();
    config.consume_fuel(true);
    let engine = Engine::new(&config);
    let module = module(
        &engine,
        r#"(module (memory (export "memory") 1)
            (func (export "fill") (param i32)
              (i32.store8 (i32.const 0) (i32.add (i32.load8_u (i32.const 0)) (i32.const 1)))
              (memory.fill (i32.const 1) (i32.const 7) (local.get 0))))"#,
    );
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine)
        .instantiate_and_start(&mut store, &module)
        .expect("it fits");
    store.set_fuel(100_000).expect("metered");
    store.fuel_async_yield_interval(Some(10)).expect("metered");
    let fill = instance
        .get_typed_func::<u32, ()>(&store, "fill")
        .expect("its type");
    let mut spent = [0; 2];
    for (round, spent) in spent.iter_mut().enumerate() {
        let before = store.get_fuel().expect("metered");
        let (result, polls) = block_on_counting(fill.call_async(&mut store, 65_535));
        result.expect("enough fuel");
        *spent = before - store.get_fuel().expect("metered");
        assert!(polls > 1024 / 10, "{polls}");
        let memory = instance.get_memory(&store, "memory").expect("exported");
        let data = memory.data(&store);
        assert_eq!(usize::from(data[0]), round + 1);
        assert!(data[1..].iter().all(|byte| *byte == 7));
    }
    // The first one has paid for its compilation, too.
    assert!(
        (1024..1050).contains(&spent[1]) && spent[0] > spent[1],
        "{spent:?}"
    );
}

#[test]
fn fuel_in_intervals_still_ends() {
    let (_, mut store, instance) = counting(|config| {
        config.consume_fuel(true);
    });
    store.fuel_async_yield_interval(Some(10)).expect("metered");
    store.set_fuel(5_000).expect("metered");
    let count = instance
        .get_typed_func::<i32, i32>(&store, "count")
        .expect("its type");
    let error = block_on(count.call_async(&mut store, -1)).expect_err("it ends");
    assert_eq!(error.as_trap_code(), Some(TrapCode::OutOfFuel));
    // A call that cannot wait takes one interval after the other.
    store.set_fuel(100_000).expect("metered");
    assert_eq!(count.call(&mut store, 1000).expect("enough"), 1000);
    let error = store.fuel_async_yield_interval(Some(0)).expect_err("zero");
    assert!(matches!(
        error.kind(),
        ErrorKind::Fuel(FuelError::ZeroInterval)
    ));
    let mut unmetered = Store::new(&Engine::default(), ());
    assert!(unmetered.fuel_async_yield_interval(Some(1)).is_err());
}

#[test]
fn an_epoch_lets_others_run() {
    let (engine, mut store, instance) = counting(|config| {
        config.epoch_interruption(true);
    });
    store.set_epoch_deadline(1);
    store.epoch_deadline_async_yield_and_update(1);
    let count = instance
        .get_typed_func::<i32, i32>(&store, "count")
        .expect("its type");
    engine.increment_epoch();
    let (result, polls) = block_on_counting(count.call_async(&mut store, 1000));
    assert_eq!((result.expect("it goes on"), polls), (1000, 2));
    // With a deadline that is always reached, each round yields.
    store.epoch_deadline_callback(|_| Ok(UpdateDeadline::Yield(0)));
    engine.increment_epoch();
    let (result, polls) = block_on_counting(count.call_async(&mut store, 20));
    assert_eq!((result.expect("it goes on"), polls), (20, 1 + 1 + 20));
    // A call that cannot wait cannot yield.
    let error = count.call(&mut store, 20).expect_err("it cannot wait");
    assert!(
        matches!(error.kind(), ErrorKind::Func(FuncError::CannotYield)),
        "{error}"
    );
}
