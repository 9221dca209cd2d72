//! Fuel: set, spent, exhausted, and refused where it is not metered.

use damson::errors::{ErrorKind, FuelError};
use damson::{Caller, CompilationMode, Config, Engine, Instance, Linker, Module, Store, TrapCode};

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

/// The same for a function that has been called before.
fn warm_cost(store: &mut Store<()>, instance: Instance, name: &str, param: i32) -> u64 {
    cost(store, instance, name, param);
    cost(store, instance, name, param)
}

#[test]
fn first_calls_cost_nothing_more_where_they_are_not_charged() {
    for mode in MODES {
        let mut config = Config::default();
        config
            .consume_fuel(true)
            .charge_first_calls(false)
            .compilation_mode(mode);
        let engine = Engine::new(&config);
        let mut store = Store::new(&engine, ());
        let instance = Linker::new(&engine)
            .instantiate_and_start(&mut store, &module(&engine, PROGRAM))
            .expect("it fits");
        let first = cost(&mut store, instance, "spin", 10);
        assert_eq!(cost(&mut store, instance, "spin", 10), first);
        let (mut charged, instance) = metered(mode);
        assert!(cost(&mut charged, instance, "spin", 10) > first);
        assert_eq!(cost(&mut charged, instance, "spin", 10), first);
    }
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
    let one = warm_cost(&mut store, instance, "spin", 1);
    let thousand = warm_cost(&mut store, instance, "spin", 1000);
    let per_round = (thousand - one) / 999;
    assert!(one > 0 && per_round > 0);
    assert_eq!(
        thousand,
        one + 999 * per_round,
        "every round costs the same"
    );
    assert_eq!(
        warm_cost(&mut store, instance, "spin", 1000),
        thousand,
        "each time"
    );

    let nothing = warm_cost(&mut store, instance, "fill", 0);
    let page = warm_cost(&mut store, instance, "fill", 65_536);
    let two = warm_cost(&mut store, instance, "fill", 131_072);
    assert!(
        page > nothing + 100,
        "a page is not free: {nothing}, {page}"
    );
    assert_eq!(two - nothing, 2 * (page - nothing));
}

/// Running code counts in a float, which does not hold every amount.
#[test]
fn large_amounts_are_exact() {
    for mode in MODES {
        let (mut store, instance) = metered(mode);
        let expected = warm_cost(&mut store, instance, "spin", 1000);
        let spin = instance
            .get_typed_func::<i32, ()>(&store, "spin")
            .expect("its type");
        for fuel in [
            (1 << 53) - 1,
            1 << 53,
            (1 << 53) + 1,
            (1 << 60) + 7,
            u64::MAX,
        ] {
            store.set_fuel(fuel).expect("metered");
            spin.call(&mut store, 1000).expect("enough fuel");
            let left = store.get_fuel().expect("metered");
            assert_eq!(fuel - left, expected, "{mode:?} {fuel}");
        }
        // Exactly what it takes, and one unit less.
        store.set_fuel(expected).expect("metered");
        spin.call(&mut store, 1000).expect("enough fuel");
        assert_eq!(store.get_fuel().expect("metered"), 0);
        store.set_fuel(expected - 1).expect("metered");
        let error = spin.call(&mut store, 1000).expect_err("not enough fuel");
        assert_eq!(error.as_trap_code(), Some(TrapCode::OutOfFuel));
    }
}

#[test]
fn running_out_is_a_trap_after_which_more_can_be_given() {
    for mode in MODES {
        let (mut store, instance) = metered(mode);
        let needed = warm_cost(&mut store, instance, "spin", 100);
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

/// The cost of the first and the second call of each function of a program, in two
/// instances of it.
fn all_costs(engine: &Engine, wasm: &damson::Module) -> Vec<u64> {
    let mut store = Store::new(engine, ());
    let mut costs = Vec::new();
    for _ in 0..2 {
        let instance = Linker::new(engine)
            .instantiate_and_start(&mut store, wasm)
            .expect("it fits");
        for name in ["spin", "fill", "spin", "fill"] {
            costs.push(cost(&mut store, instance, name, 10));
        }
    }
    costs
}

#[test]
fn a_program_costs_the_same_in_every_mode_and_whoever_ran_it_before() {
    let mut all = Vec::new();
    for mode in MODES {
        let mut config = Config::default();
        config.consume_fuel(true).compilation_mode(mode);
        let engine = Engine::new(&config);
        let wasm = module(&engine, PROGRAM);
        // In the second store, all code is there already.
        for _ in 0..2 {
            all.push(all_costs(&engine, &wasm));
        }
    }
    for costs in &all {
        assert_eq!(costs, &all[0]);
    }
    // Both instances pay for the code of both functions, once.
    let [spin, fill, spin_again, fill_again, ..] = all[0][..] else {
        panic!("{all:?}")
    };
    let body = |index| {
        let engine = Engine::default();
        let range = module(&engine, PROGRAM).body_range(index);
        range.map_or(0, |range| range.end - range.start)
    };
    assert_eq!(spin - spin_again, 8 * body(0));
    assert_eq!(fill - fill_again, 8 * body(2));
    assert_eq!(all[0][..4], all[0][4..]);
}

#[test]
fn these_are_the_costs_of_version_1() {
    // Whoever changes a number here raises the version, and says so in docs/fuel.md.
    assert_eq!(damson::FUEL_COSTS_VERSION, 1);
    let (mut store, instance) = metered(CompilationMode::Eager);
    // The function: `loop`, its `end`... the loop: six operators a round.
    let one = warm_cost(&mut store, instance, "spin", 1);
    assert_eq!(one, 2 + 7);
    assert_eq!(warm_cost(&mut store, instance, "spin", 11), one + 10 * 7);
    assert_eq!(warm_cost(&mut store, instance, "fill", 0), 5);
    assert_eq!(warm_cost(&mut store, instance, "fill", 6401), 5 + 101);
}

#[test]
fn host_calls_cost_the_same_wherever_they_are() {
    let mut config = Config::default();
    config.consume_fuel(true);
    let engine = Engine::new(&config);
    let wasm = module(
        &engine,
        r#"(module
            (import "host" "nothing" (func $nothing))
            (table funcref (elem $nothing))
            (func $same)
            (func (export "direct") (param i32) (call $nothing))
            (func (export "indirect") (param i32) (call_indirect (i32.const 0)))
            (func (export "tail") (param i32) (return_call $nothing))
            (func (export "wasm") (param i32) (call $same)))"#,
    );
    let mut linker = Linker::<()>::new(&engine);
    linker
        .func_wrap("host", "nothing", || ())
        .expect("not defined yet");
    let mut store = Store::new(&engine, ());
    let instance = linker
        .instantiate_and_start(&mut store, &wasm)
        .expect("it fits");
    let mut of = |name| warm_cost(&mut store, instance, name, 0);
    // One for the call, one for the end, eight for the host call.
    assert_eq!(of("direct"), 2 + 8);
    assert_eq!(of("indirect"), 3 + 8);
    assert_eq!(of("tail"), 1 + 8);
    // The other function's `end`.
    assert_eq!(of("wasm"), 2 + 1);
    // Without the fuel for it, the host function is not called.
    store.set_fuel(2 + 7).expect("metered");
    let direct = instance
        .get_typed_func::<i32, ()>(&store, "direct")
        .expect("its type");
    let error = direct.call(&mut store, 0).expect_err("too little");
    assert_eq!(error.as_trap_code(), Some(TrapCode::OutOfFuel));
    assert_eq!(store.get_fuel().expect("metered"), 7);
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
    store.set_fuel(1050).expect("metered");
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
    // The function's three operators, and a host call; all of it is known to the unit, however
    // much there is.
    let cost = 1050 - first;
    assert!(cost > 8, "the call was paid for: {first}");
    store.set_fuel(u64::MAX - 7).expect("metered");
    run.call(&mut store, ()).expect("enough fuel");
    let warm = u64::MAX - 7 - store.data()[2];
    assert!((1..=cost).contains(&warm), "{warm} of {cost}");
    store.set_fuel(500).expect("metered");
    run.call(&mut store, ()).expect("enough fuel");
    assert_eq!(store.data()[4], 500 - warm);
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

/// What `run(size)` of a workload gives and costs, in this mode.
fn workload(wasm: &[u8], size: i32, mode: CompilationMode) -> (i32, u64) {
    let mut config = Config::default();
    config.consume_fuel(true).compilation_mode(mode);
    let engine = Engine::new(&config);
    let module = damson::Module::new(&engine, wasm).expect("it is valid");
    let mut linker = Linker::new(&engine);
    linker
        .define_unknown_imports_as_traps(&module)
        .expect("the same engine");
    let mut store = Store::new(&engine, ());
    store.set_fuel(u64::MAX).expect("metered");
    let instance = linker
        .instantiate_and_start(&mut store, &module)
        .expect("it fits");
    let run = instance.get_typed_func::<i32, i32>(&store, "run");
    let result = run
        .expect("its type")
        .call(&mut store, size)
        .expect("it ends");
    (result, u64::MAX - store.get_fuel().expect("metered"))
}

/// Metered code is refused by its code map where it could go on without taking fuel, so every
/// way to loop has to be known to take some: also in code that costs nothing otherwise, that
/// checks epochs, too, and that keeps a value in the accumulator from one round to the next.
#[test]
fn every_way_to_loop_takes_fuel() {
    let text = r#"(module (table 1 funcref) (memory 1)
        (func) (func (loop (br 0))) (func (loop)) (func (block (loop (br 1))))
        (func unreachable (loop (br 0)))
        (func (loop (loop (loop (br 2)) (br 1)) (br 0)))
        (func (param i32) (loop (br_if 0 (local.get 0))))
        (func (param i32) (loop (br_table 0 0 1 0 (local.get 0))))
        (func (param i32) (loop (br_if 0 (i32.eqz (local.tee 0
          (i32.add (local.get 0) (i32.const 1)))))))
        (func (param i32) (local i32) (loop
          (local.set 1 (i32.add (local.get 1) (i32.mul (local.get 0) (local.get 0))))
          (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
        (func (param i64) (result i64) (local.get 0)
          (loop (param i64) (result i64)
            (i64.add (i64.const 1)) (local.tee 0) (br_if 0 (i64.lt_u (local.get 0) (i64.const 9)))))
        (func (param i32) (loop (if (local.get 0) (then (br 1)) (else (br 1)))))
        (func $f (param i32) (return_call $f (local.get 0)))
        (func (param f64) (result f64) (local f64) (loop
          (local.set 1 (f64.add (local.get 1) (f64.load (i32.const 8))))
          (br_if 0 (f64.lt (local.get 1) (local.get 0)))) (local.get 1)))"#;
    let wasm = wat::parse_str(text).expect("a module");
    for (mode, epochs, first_calls) in [
        (CompilationMode::Eager, false, true),
        (CompilationMode::Eager, true, true),
        (CompilationMode::Eager, true, false),
        (CompilationMode::Lazy, true, true),
        (CompilationMode::Lazy, false, false),
    ] {
        let mut config = Config::default();
        config
            .consume_fuel(true)
            .epoch_interruption(epochs)
            .charge_first_calls(first_calls)
            .compilation_mode(mode);
        let module = Module::new(&Engine::new(&config), &wasm).expect("all of it is metered");
        for index in module.defined_funcs() {
            module.precompile(index).expect("it is metered");
        }
    }
}

/// The cost of real programs, in a file: the same wherever the tests run, in either dispatch
/// back-end, whatever instructions the translator chooses, and in every mode.
///
/// Whoever blesses other numbers (`DAMSON_BLESS=1`) raises the version.
#[test]
fn real_programs_cost_what_is_written() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../workloads/");
    let list = std::fs::read_to_string(format!("{root}expected.txt")).expect("the list");
    let mut found = format!("version {}\n", damson::FUEL_COSTS_VERSION);
    for line in list.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split(' ').collect();
        let [name, size, checksum, ..] = fields[..] else {
            panic!("expected a name, a size and a checksum, found {line:?}")
        };
        let wasm = std::fs::read(format!("{root}{name}.wasm")).expect("the module");
        let size = size.parse().expect("a number");
        let [first, others @ ..] = MODES.map(|mode| workload(&wasm, size, mode));
        assert_eq!(others, [first; 2], "{name}");
        assert_eq!(format!("{:08x}", first.0), checksum, "{name}");
        found += &format!("{name} {size} {}\n", first.1);
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/fuel.txt");
    if std::env::var_os("DAMSON_BLESS").is_some() {
        std::fs::write(path, &found).expect("the file of costs");
    }
    let expected = std::fs::read_to_string(path).expect("the file of costs");
    assert_eq!(found, expected);
}

/// What exact fuel costs, counted by hand: `local.get`, `br_if` and so on, and each `block`,
/// `loop`, `else` and `end` that code passes.
const EXACT: &str = r#"(module
    (func (export "branch") (param i32)
      (br_if 0 (local.get 0))                               ;; 2
      (nop) (nop) (nop))                                    ;; 3 and the end
    (func (export "block") (param i32)
      (block                                                ;; 1
        (br_if 0 (local.get 0))                             ;; 2
        (nop))                                              ;; 1 and the end
      (nop) (nop))                                          ;; 2 and the end
    (func (export "choice") (param i32)
      (if (local.get 0)                                     ;; 2
        (then (nop) (nop))                                  ;; 2, and else
        (else (nop)))                                       ;; 1, and the end
      (nop))                                                ;; 1 and the end
    (func (export "perhaps") (param i32)
      (if (local.get 0)                                     ;; 2
        (then (nop) (nop)))                                 ;; 2 and the end
      (nop))                                                ;; 1 and the end
    (func (export "rounds") (param i32)
      (block                                                ;; 1
        (loop                                               ;; 1
          (br_if 1 (i32.eqz (local.get 0)))                 ;; 3
          (local.set 0 (i32.sub (local.get 0) (i32.const 1))) ;; 4
          (br 0)))                                          ;; 1
      (nop))                                                ;; 1 and the end
    (func (export "left") (param i32)
      (loop                                                 ;; 1
        (br_if 1 (local.get 0))                             ;; 2
        (nop))                                              ;; 1 and the end
      (nop) (nop))                                          ;; 2 and the end
    (func (export "cases") (param i32)
      (block                                                ;; 1
        (block                                              ;; 1
          (block                                            ;; 1
            (br_table 0 1 2 (local.get 0)))                 ;; 2
          (br_if 1 (local.get 0))                           ;; 2
          (nop))                                            ;; 1 and the end
        (nop))                                              ;; 1 and the end
      (nop))                                                ;; 1 and the end
    (func (export "value") (param i32)
      (drop (block (result i32)                             ;; 1
        (br_if 0 (i32.const 5) (local.get 0))               ;; 3
        (drop) (nop) (i32.const 6))))                       ;; 3 and the end; drop and the end
    (func $chosen (param i32) (result i32)
      (if (result i32) (local.get 0)                        ;; 2
        (then (i32.const 1))                                ;; 1, and else
        (else (i32.const 2))))                              ;; 1, and the end; the end
    (func (export "chosen") (param i32)
      (drop (call $chosen (local.get 0))))                  ;; 3 and the end
    (func $returned (param i32) (result i32)
      (block (result i32)                                   ;; 1
        (br_if 0 (i32.const 5) (local.get 0))               ;; 3
        (drop) (i32.const 6)))                              ;; 2 and the end; the end
    (func (export "returned") (param i32)
      (drop (call $returned (local.get 0))))                ;; 3 and the end
    (func (export "certain") (param i32)
      (block                                                ;; 1
        (br_if 0 (i32.const 0))                             ;; 2
        (br_if 0 (i32.const 1))                             ;; 2
        (nop)))                                             ;; never; the end
    )"#;

#[test]
fn exact_fuel_counts_the_operators_that_run() {
    let expected = [
        ("branch", 0, 6),
        ("branch", 1, 2),
        ("block", 0, 8),
        ("block", 1, 6),
        ("choice", 0, 6),
        ("choice", 1, 7),
        ("perhaps", 0, 4),
        ("perhaps", 1, 7),
        ("rounds", 0, 7),
        ("rounds", 3, 31),
        ("left", 0, 8),
        ("left", 1, 3),
        ("cases", 0, 13),
        ("cases", 1, 9),
        ("cases", 2, 7),
        ("value", 0, 10),
        ("value", 1, 6),
        ("chosen", 0, 9),
        ("chosen", 1, 9),
        ("returned", 0, 12),
        ("returned", 1, 9),
        ("certain", 0, 6),
    ];
    for mode in MODES {
        let costs = |exact| {
            let mut config = Config::default();
            config
                .consume_fuel(true)
                .exact_fuel(exact)
                .charge_first_calls(false)
                .compilation_mode(mode);
            let engine = Engine::new(&config);
            let mut store = Store::new(&engine, ());
            let instance = Linker::new(&engine)
                .instantiate_and_start(&mut store, &module(&engine, EXACT))
                .expect("it fits");
            expected.map(|(name, param, _)| cost(&mut store, instance, name, param))
        };
        assert_eq!(costs(true), expected.map(|(_, _, cost)| cost), "{mode:?}");
        let bounds = costs(false).into_iter().zip(expected);
        for (cost, (name, param, exact)) in bounds {
            assert!(cost >= exact, "{name}({param}) in {mode:?}");
        }
    }
}
