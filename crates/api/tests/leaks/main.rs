//! Nothing is left behind: thousands of rounds of making stores, modules and
//! instances, cutting their calls off in every way there is, and dropping all of
//! it, end with as much allocated as they began with.
//!
//! A binary of its own, because it replaces the allocator by one that counts, for
//! each thread: the test runner's threads do not disturb the numbers. What is
//! compared is exact, in bytes and in blocks; there is no tolerance that a slow
//! leak could hide in.

mod bounded;
mod counting;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use damson::errors::HostError;
use damson::{
    Caller, CompilationMode, Config, Engine, Error, Extern, ExternRef, Func, Instance, Linker,
    Module, Store, TrapCode,
};

use counting::{forget_peak, live};

/// How often everything is made and dropped, where code is optimised; a tenth of it
/// elsewhere, which finds the same and saves half a minute.
const ROUNDS: usize = if cfg!(debug_assertions) {
    1_000
} else {
    10_000
};

/// A call ends in one of these ways; `$nest` calls the host, which calls the export
/// that the number names, and so on until there is none.
const GUEST: &str = r#"(module
    (import "host" "refuse" (func $refuse))
    (import "host" "panic" (func $panic))
    (import "host" "nest" (func $nest (param i32) (result i32)))
    (import "other" "f" (func $other (param i32) (result i32)))
    (memory (export "memory") 1 4)
    (data (i32.const 8) "active")
    (data $passive "passive")
    (table $t 2 64 funcref)
    (elem (i32.const 0) $deep)
    (elem $elements func $deep $spin)
    (global $g (mut i32) (i32.const 0))
    (func (export "fine") (param i32) (result i32)
      (memory.init $passive (i32.const 0) (i32.const 0) (i32.const 7))
      (table.init $t $elements (i32.const 0) (i32.const 0) (i32.const 2))
      (i32.add (local.get 0) (call $other (i32.const 1))))
    (func (export "trap") (param i32) (result i32)
      (global.set $g (local.get 0))
      (i32.div_u (local.get 0) (i32.const 0)))
    (func (export "out_of_bounds") (param i32) (result i32)
      (i32.load (i32.sub (i32.const 0) (local.get 0))))
    (func $spin (export "spin") (param i32) (result i32)
      (loop $again (br $again)) (unreachable))
    (func $deep (export "deep") (param i32) (result i32)
      (i32.add (call $deep (local.get 0)) (i32.const 1)))
    (func (export "deep_across") (param i32) (result i32)
      (i32.add (call $other (i32.const 0)) (i32.const 1)))
    (func (export "refuse") (param i32) (result i32) (call $refuse) (local.get 0))
    (func (export "panic") (param i32) (result i32) (call $panic) (local.get 0))
    (func (export "nest") (param i32) (result i32)
      (i32.add (call $nest (local.get 0)) (i32.const 1)))
    (func (export "grow") (param i32) (result i32)
      (drop (table.grow $t (ref.null func) (i32.const 30)))
      (i32.load (i32.add (memory.grow (i32.const 2)) (i32.const 0x2fffd)))))"#;

/// `f(0)` recurses until the stack ends, `f(n)` is n.
const OTHER: &str = r#"(module
    (func $f (export "f") (param i32) (result i32)
      (if (local.get 0) (then (return (local.get 0))))
      (i32.add (call $f (i32.const 0)) (i32.const 1))))"#;

/// A body that does not validate: what a lazy mode finds when it is called.
const INVALID: &str = r#"(module
    (func (export "fine") (param i32) (result i32) (local.get 0))
    (func (export "invalid") (param i32) (result i32) (i64.const 0)))"#;

/// The ways in which a call of `GUEST` ends.
const ENDS: [&str; 10] = [
    "fine",
    "trap",
    "out_of_bounds",
    "spin",
    "deep",
    "deep_across",
    "refuse",
    "panic",
    "nest",
    "grow",
];

/// The host's data, with something to free.
struct Host {
    names: Vec<String>,
}

/// An error of the host's own, with something to free.
#[derive(Debug)]
struct Refused(String);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Refused {}

impl HostError for Refused {}

/// The binary modules, made once.
struct Programs {
    guest: Vec<u8>,
    other: Vec<u8>,
    invalid: Vec<u8>,
}

impl Programs {
    fn new() -> Self {
        let binary = |text| wat::parse_str(text).expect("the text format does not validate");
        Self {
            guest: binary(GUEST),
            other: binary(OTHER),
            invalid: binary(INVALID),
        }
    }
}

fn engine(mode: CompilationMode) -> Engine {
    let mut config = Config::default();
    config
        .compilation_mode(mode)
        .consume_fuel(true)
        .set_max_stack_height(16 << 10);
    Engine::new(&config)
}

/// The exported function of a name, called with a number.
fn call(store: &mut Store<Host>, instance: Instance, name: &str, n: i32) -> Result<i32, Error> {
    let func = instance.get_typed_func::<i32, i32>(&*store, name)?;
    func.call(store, n)
}

fn nest(mut caller: Caller<'_, Host>, n: i32) -> Result<i32, Error> {
    let names = ["fine", "trap", "spin", "refuse", "panic"];
    let name = names[n as usize % names.len()];
    caller.data_mut().names.push(name.to_owned());
    // Functions and objects that the guest's call leaves behind in its store.
    ExternRef::new(&mut caller, name.to_owned());
    let func = caller.get_export(name).and_then(Extern::into_func);
    let func = func.ok_or_else(|| Error::new("not exported"))?;
    func.typed::<i32, i32>(&caller)?.call(&mut caller, n)
}

fn linker(engine: &Engine) -> Linker<Host> {
    let mut linker = Linker::new(engine);
    linker
        .func_wrap("host", "refuse", || {
            Err::<(), _>(Error::host(Refused("no".to_owned())))
        })
        .and_then(|linker| {
            linker.func_wrap("host", "panic", || -> () {
                resume_unwind(Box::new("on purpose"))
            })
        })
        .and_then(|linker| linker.func_wrap("host", "nest", nest))
        .expect("each is defined once");
    linker
}

/// A store with two instances that call each other and the host.
fn populated(engine: &Engine, modules: &[Module; 2]) -> (Store<Host>, Instance) {
    let mut store = Store::new(engine, Host { names: Vec::new() });
    store.set_fuel(100_000).expect("metered");
    let mut linker = linker(engine);
    let other = linker
        .instantiate_and_start(&mut store, &modules[1])
        .expect("it imports nothing");
    linker
        .instance(&mut store, "other", other)
        .expect("defined once");
    let instance = linker
        .instantiate_and_start(&mut store, &modules[0])
        .expect("all is defined");
    (store, instance)
}

fn modules(engine: &Engine, programs: &Programs) -> [Module; 2] {
    [&programs.guest, &programs.other].map(|wasm| Module::new(engine, wasm).expect("valid"))
}

/// Calls the function and checks that it ends as its name says.
fn ends_as_expected(store: &mut Store<Host>, instance: Instance, name: &str, n: i32) {
    store.set_fuel(100_000).expect("metered");
    let result = catch_unwind(AssertUnwindSafe(|| call(store, instance, name, n)));
    let name = match name {
        "nest" => ["fine", "trap", "spin", "refuse", "panic"][n as usize % 5],
        name => name,
    };
    let Ok(result) = result else {
        assert_eq!(name, "panic");
        return;
    };
    let code = result.as_ref().err().and_then(Error::as_trap_code);
    match name {
        "fine" => assert!(result.is_ok(), "{result:?}"),
        "trap" => assert_eq!(code, Some(TrapCode::IntegerDivisionByZero)),
        "out_of_bounds" => assert_eq!(code, Some(TrapCode::MemoryOutOfBounds)),
        "spin" => assert_eq!(code, Some(TrapCode::OutOfFuel)),
        "deep" | "deep_across" => assert_eq!(code, Some(TrapCode::StackOverflow)),
        "refuse" => {
            let error = result.expect_err("the host refuses");
            assert!(error.downcast_ref::<Refused>().is_some(), "{error}");
        }
        // The second time in one store, the memory cannot grow any more.
        "grow" => assert!(result.is_ok() || code == Some(TrapCode::MemoryOutOfBounds)),
        name => panic!("{name} has no end"),
    }
}

const MODES: [CompilationMode; 3] = [
    CompilationMode::Eager,
    CompilationMode::LazyTranslation,
    CompilationMode::Lazy,
];

/// Makes everything anew, lets a call end in the way that the round's number says, and
/// drops everything, in different orders.
fn whole_life(programs: &Programs, round: usize) {
    let mode = MODES[round % MODES.len()];
    let engine = engine(mode);
    let modules = modules(&engine, programs);
    let (mut store, instance) = populated(&engine, &modules);
    let name = ENDS[round / 3 % ENDS.len()];
    ends_as_expected(&mut store, instance, name, 1 + (round / 30 % 5) as i32);
    match round % 4 {
        0 => drop((engine, modules, store)),
        1 => drop((store, modules, engine)),
        2 => {
            drop((modules, engine));
            // Its code lives on in the store.
            ends_as_expected(&mut store, instance, "fine", 1);
            drop(store.prune());
        }
        _ => {
            drop(store.into_data());
            drop((modules, engine));
        }
    }
    if mode == CompilationMode::Lazy {
        fails_to_compile(programs);
    } else {
        let engine = self::engine(mode);
        Module::new(&engine, &programs.invalid).expect_err("one of its functions is invalid");
        Module::new(&engine, &programs.guest[..programs.guest.len() / 2]).expect_err("cut");
    }
}

/// A function is compiled when it is called, which fails; the others are fine.
fn fails_to_compile(programs: &Programs) {
    let engine = engine(CompilationMode::Lazy);
    let module = Module::new(&engine, &programs.invalid).expect("not called yet");
    let mut store = Store::new(&engine, Host { names: Vec::new() });
    store.set_fuel(1000).expect("metered");
    let instance = Linker::new(&engine)
        .instantiate_and_start(&mut store, &module)
        .expect("it imports nothing");
    for _ in 0..2 {
        call(&mut store, instance, "invalid", 1).expect_err("it does not validate");
        call(&mut store, instance, "fine", 1).expect("this one does");
    }
}

#[test]
fn thousands_of_lives_leave_nothing_behind() {
    let programs = Programs::new();
    // Every combination once: what is made once for ever is made here.
    const COMBINATIONS: usize = 300;
    for round in 0..COMBINATIONS {
        whole_life(&programs, round);
    }
    let before = live();
    for round in 0..ROUNDS {
        whole_life(&programs, round);
        if round % COMBINATIONS == 0 {
            assert_eq!(live(), before, "after round {round}");
        }
    }
    assert_eq!(live(), before, "after {ROUNDS} rounds");
}

#[test]
fn thousands_of_cut_off_calls_leave_nothing_in_their_store() {
    let programs = Programs::new();
    for mode in MODES {
        let engine = engine(mode);
        let modules = modules(&engine, &programs);
        let (mut store, instance) = populated(&engine, &modules);
        let round = |store: &mut Store<Host>, round: usize| {
            // Without `nest`, which gives its store a new object each time, for good.
            let name = ENDS[round % ENDS.len()];
            let name = if name == "nest" { "trap" } else { name };
            ends_as_expected(store, instance, name, 1);
        };
        // Three times, after which table and memory have grown to their limits.
        for number in 0..3 * ENDS.len() {
            round(&mut store, number);
        }
        let before = live();
        for number in 0..ROUNDS {
            round(&mut store, number);
        }
        assert_eq!(live(), before, "in {mode:?}");
    }
}

#[test]
fn the_counters_count() {
    let measure = forget_peak();
    drop(vec![1_u8; 500]);
    assert_eq!(measure.peak(), 500);
    let before = live();
    let kept = vec![1_u8; 1000];
    let with = live();
    assert_eq!(measure.peak(), 1000);
    assert_eq!(
        (with.bytes - before.bytes, with.blocks - before.blocks),
        (1000, 1)
    );
    let engine = engine(CompilationMode::Eager);
    let mut store = Store::new(&engine, ());
    let stored = live();
    Func::wrap(&mut store, || ());
    assert!(live().bytes > stored.bytes, "a store keeps its functions");
    drop((kept, store, engine));
    assert_eq!(live(), before);
}
