//! Fuel: set, spent, exhausted, and refused where it is not metered.

use damson::errors::{ErrorKind, FuelError};
use damson::{Caller, CompilationMode, Config, Engine, Instance, Linker, Store, TrapCode};

use crate::{MODES, module};

const PROGRAM: &str = r#"(module
    (memory 2)
    (func (export "spin") (param i32)
      (loop $again
        (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
        (br_if $again (local.get 0))))
    (func (export "forever") (loop $again (br $again)))
    (func (export "fill") (param i32)
      (memory.fill (i32.const 0) (i32.const 1) (local.get 0))))"#;

fn metered(mode: CompilationMode) -> (Store<()>, Instance) {
    let mut config = Config::default();
    config.consume_fuel(true).compilation_mode(mode);
    let engine = Engine::new(&config);
    let module = module(&engine, PROGRAM);
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine)
        .instantiate_and_start(&mut store, &module)
        .expect("it fits");
    (store, instance)
}

/// The fuel that a call with one parameter spends.
fn cost(store: &mut Store<()>, instance: Instance, name: &str, param: i32) -> u64 {
    const PLENTY: u64 = 1 << 40;
    store.set_fuel(PLENTY).expect("metered");
    let func = instance
        .get_typed_func::<i32, ()>(&*store, name)
        .expect("its type");
    func.call(&mut *store, param).expect("enough fuel");
    PLENTY - store.get_fuel().expect("metered")
}

#[test]
fn a_store_begins_without_fuel() {
    let (mut store, instance) = metered(CompilationMode::Eager);
    assert_eq!(store.get_fuel().expect("metered"), 0);
    let spin = instance
        .get_typed_func::<i32, ()>(&store, "spin")
        .expect("its type");
    let error = spin.call(&mut store, 1).expect_err("no fuel");
    assert_eq!(error.as_trap_code(), Some(TrapCode::OutOfFuel));
}

#[test]
fn fuel_is_spent_in_proportion_to_work() {
    let (mut store, instance) = metered(CompilationMode::Eager);
    let one = cost(&mut store, instance, "spin", 1);
    let thousand = cost(&mut store, instance, "spin", 1000);
    let per_round = (thousand - one) / 999;
    assert!(one > 0 && per_round > 0);
    assert_eq!(
        thousand,
        one + 999 * per_round,
        "every round costs the same"
    );
    assert_eq!(
        cost(&mut store, instance, "spin", 1000),
        thousand,
        "each time"
    );

    let nothing = cost(&mut store, instance, "fill", 0);
    let page = cost(&mut store, instance, "fill", 65_536);
    let two = cost(&mut store, instance, "fill", 131_072);
    assert!(
        page > nothing + 100,
        "a page is not free: {nothing}, {page}"
    );
    assert_eq!(two - nothing, 2 * (page - nothing));
}

#[test]
fn running_out_is_a_trap_after_which_more_can_be_given() {
    for mode in MODES {
        let (mut store, instance) = metered(mode);
        let needed = cost(&mut store, instance, "spin", 100);
        let spin = instance
            .get_typed_func::<i32, ()>(&store, "spin")
            .expect("its type");
        for fuel in [0, 1, needed / 2, needed - 1] {
            store.set_fuel(fuel).expect("metered");
            let error = spin.call(&mut store, 100).expect_err("too little");
            assert_eq!(
                error.as_trap_code(),
                Some(TrapCode::OutOfFuel),
                "{fuel} of {needed}"
            );
        }
        store.set_fuel(needed).expect("metered");
        spin.call(&mut store, 100).expect("exactly enough");
        assert_eq!(store.get_fuel().expect("metered"), 0);
        let forever = instance
            .get_typed_func::<(), ()>(&store, "forever")
            .expect("its type");
        store.set_fuel(100_000).expect("metered");
        let error = forever
            .call(&mut store, ())
            .expect_err("it never ends otherwise");
        assert_eq!(error.as_trap_code(), Some(TrapCode::OutOfFuel));
    }
}

#[test]
fn a_program_costs_the_same_in_every_mode() {
    let costs: Vec<u64> = MODES
        .iter()
        .map(|mode| {
            let (mut store, instance) = metered(*mode);
            // The first call compiles, the second does not.
            cost(&mut store, instance, "spin", 10);
            cost(&mut store, instance, "spin", 10)
        })
        .collect();
    assert!(costs.iter().all(|cost| cost == &costs[0]), "{costs:?}");
}

#[test]
fn host_functions_see_and_set_fuel() {
    let mut config = Config::default();
    config.consume_fuel(true);
    let engine = Engine::new(&config);
    let module = module(
        &engine,
        r#"(module
            (import "host" "refuel" (func $refuel))
            (func (export "run") (call $refuel) (loop (nop)) (call $refuel)))"#,
    );
    let mut linker = Linker::<Vec<u64>>::new(&engine);
    linker
        .func_wrap("host", "refuel", |mut caller: Caller<'_, Vec<u64>>| {
            let left = caller.get_fuel()?;
            caller.data_mut().push(left);
            caller.set_fuel(1000)
        })
        .expect("not defined yet");
    let mut store = Store::new(&engine, Vec::new());
    store.set_fuel(50).expect("metered");
    let instance = linker
        .instantiate_and_start(&mut store, &module)
        .expect("it fits");
    let run = instance
        .get_typed_func::<(), ()>(&store, "run")
        .expect("its type");
    run.call(&mut store, ()).expect("enough fuel");
    let [first, second] = store.data()[..] else {
        panic!("{:?}", store.data())
    };
    assert!(first < 50, "the call was paid for: {first}");
    assert!(
        (900..1000).contains(&second),
        "counted from what was set: {second}"
    );
}

#[test]
fn fuel_without_metering_is_a_typed_error() {
    let mut store = Store::new(&Engine::default(), ());
    for error in [
        store.get_fuel().expect_err("not metered"),
        store.set_fuel(1).expect_err("not metered"),
        store.prune().set_fuel(1).expect_err("not metered"),
    ] {
        assert!(matches!(
            error.kind(),
            ErrorKind::Fuel(FuelError::FuelMeteringDisabled)
        ));
        assert!(error.to_string().contains("consume_fuel"), "{error}");
    }
}
