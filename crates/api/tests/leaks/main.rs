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

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::task::{Context, Waker};

use damson::errors::HostError;
use damson::{
    AsContextMut, Caller, CompilationMode, Config, Engine, Error, Extern, ExternRef, Func,
    Instance, Linker, Module, Store, TrapCode, TypedResumableCall, UpdateDeadline,
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
    (import "host" "wait" (func $wait (param i32)))
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
    (func (export "wait") (param i32) (result i32) (call $wait (local.get 0)) (local.get 0))
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

/// The ways in which a call of `GUEST` ends: exports, and the last two of them calls that wait
/// for ever and are dropped.
const ENDS: [&str; 12] = [
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
    "suspended",
    "future",
];

/// What ends a call that would not end by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    /// Nothing, which is the default. Instances share the entries of their module's code.
    Nothing,
    Fuel,
    Epochs,
}

const BOUNDS: [Bound; 3] = [Bound::Nothing, Bound::Fuel, Bound::Epochs];

/// The host's data, with something to free.
struct Host {
    names: Vec<String>,
    bound: Bound,
    /// How often it was asked whether to go on.
    asked: u32,
}

impl Host {
    fn new(bound: Bound) -> Self {
        Self {
            names: Vec::new(),
            bound,
            asked: 0,
        }
    }

    /// What a call of `nest` with this number calls.
    fn nested(&self, n: i32) -> &'static str {
        match ["fine", "trap", "spin", "refuse", "panic"][n as usize % 5] {
            "spin" if self.bound == Bound::Nothing => "trap",
            name => name,
        }
    }
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

fn engine(mode: CompilationMode, bound: Bound) -> Engine {
    let mut config = Config::default();
    config
        .compilation_mode(mode)
        .consume_fuel(bound == Bound::Fuel)
        .epoch_interruption(bound == Bound::Epochs)
        .set_max_stack_height(16 << 10);
    Engine::new(&config)
}

/// Gives the next call what it may use: of a call that would not end, the first rounds.
fn limit(store: &mut Store<Host>, ends: bool) {
    match store.data().bound {
        Bound::Nothing => assert!(ends),
        Bound::Fuel => store.set_fuel(100_000).expect("metered"),
        Bound::Epochs => store.set_epoch_deadline(if ends { u64::MAX } else { 0 }),
    }
}

/// The exported function of a name, called with a number.
fn call(store: &mut Store<Host>, instance: Instance, name: &str, n: i32) -> Result<i32, Error> {
    let func = instance.get_typed_func::<i32, i32>(&*store, name)?;
    func.call(store, n)
}

fn nest(mut caller: Caller<'_, Host>, n: i32) -> Result<i32, Error> {
    let name = caller.data().nested(n);
    caller.data_mut().names.push(name.to_owned());
    // Functions and objects that the guest's call leaves behind in its store.
    ExternRef::new(&mut caller, name.to_owned());
    if name == "spin" && caller.data().bound == Bound::Epochs {
        caller.as_context_mut().set_epoch_deadline(0);
    }
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
        .and_then(|linker| {
            linker.func_wrap_async("host", "wait", |_: Caller<'_, Host>, (n,): (i32,)| {
                Box::new(async move {
                    let kept = vec![n; 100];
                    pending::<()>().await;
                    drop(kept);
                })
            })
        })
        .expect("each is defined once");
    linker
}

/// A store with two instances that call each other and the host.
fn populated(engine: &Engine, modules: &[Module; 2], bound: Bound) -> (Store<Host>, Instance) {
    let mut store = Store::new(engine, Host::new(bound));
    limit(&mut store, true);
    store.epoch_deadline_callback(|mut context| {
        context.data_mut().asked += 1;
        match context.data().asked % 4 {
            0 => Ok(UpdateDeadline::Interrupt),
            _ => Ok(UpdateDeadline::Continue(0)),
        }
    });
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
    let name = match name {
        "spin" if store.data().bound == Bound::Nothing => "trap",
        name => name,
    };
    limit(store, name != "spin");
    match name {
        "suspended" => return suspend_and_drop(store, instance, n),
        "future" => return poll_and_drop(store, instance, n),
        _ => {}
    }
    let result = catch_unwind(AssertUnwindSafe(|| call(store, instance, name, n)));
    let name = match name {
        "nest" => store.data().nested(n),
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
        "spin" if store.data().bound == Bound::Epochs => {
            assert_eq!(code, Some(TrapCode::Interrupt));
        }
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

/// Takes a call off the stack where the host refuses or the fuel ends, and drops it.
fn suspend_and_drop(store: &mut Store<Host>, instance: Instance, n: i32) {
    let out_of_fuel = store.data().bound == Bound::Fuel && n % 2 == 0;
    let name = if out_of_fuel { "spin" } else { "refuse" };
    let func = instance
        .get_typed_func::<i32, i32>(&*store, name)
        .expect("its type");
    match func.call_resumable(&mut *store, n).expect("it waits") {
        TypedResumableCall::HostTrap(waiting) => {
            assert!(!out_of_fuel);
            assert!(waiting.host_error().downcast_ref::<Refused>().is_some());
        }
        TypedResumableCall::OutOfFuel(_) => assert!(out_of_fuel),
        TypedResumableCall::Finished(n) => panic!("finished with {n}"),
    }
}

/// Polls a call once, which waits for the host or lets others go first, and drops it.
fn poll_and_drop(store: &mut Store<Host>, instance: Instance, n: i32) {
    let yields = store.data().bound == Bound::Fuel && n % 2 == 0;
    if yields {
        store
            .fuel_async_yield_interval(Some(1000))
            .expect("metered");
    }
    let name = if yields { "spin" } else { "wait" };
    let func = instance
        .get_typed_func::<i32, i32>(&*store, name)
        .expect("its type");
    {
        let mut call = pin!(func.call_async(&mut *store, n));
        let mut task = Context::from_waker(Waker::noop());
        assert!(call.as_mut().poll(&mut task).is_pending());
    }
    if yields {
        store.fuel_async_yield_interval(None).expect("metered");
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
    let bound = BOUNDS[round / 3 % BOUNDS.len()];
    let engine = engine(mode, bound);
    let modules = modules(&engine, programs);
    let (mut store, instance) = populated(&engine, &modules, bound);
    let name = ENDS[round / 9 % ENDS.len()];
    ends_as_expected(&mut store, instance, name, 1 + (round / 108 % 5) as i32);
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
        fails_to_compile(programs, bound);
    } else {
        let engine = self::engine(mode, bound);
        Module::new(&engine, &programs.invalid).expect_err("one of its functions is invalid");
        Module::new(&engine, &programs.guest[..programs.guest.len() / 2]).expect_err("cut");
    }
}

/// A function is compiled when it is called, which fails; the others are fine.
fn fails_to_compile(programs: &Programs, bound: Bound) {
    let engine = engine(CompilationMode::Lazy, bound);
    let module = Module::new(&engine, &programs.invalid).expect("not called yet");
    let mut store = Store::new(&engine, Host::new(bound));
    limit(&mut store, true);
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
    const COMBINATIONS: usize = 540;
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
    for (mode, bound) in MODES
        .into_iter()
        .flat_map(|mode| BOUNDS.map(|bound| (mode, bound)))
    {
        let engine = engine(mode, bound);
        let modules = modules(&engine, &programs);
        let (mut store, instance) = populated(&engine, &modules, bound);
        let round = |store: &mut Store<Host>, round: usize| {
            // Without `nest`, which gives its store a new object each time, for good.
            let name = ENDS[round % ENDS.len()];
            let name = if name == "nest" { "trap" } else { name };
            let n = 1 + (round / ENDS.len() % 2) as i32;
            ends_as_expected(store, instance, name, n);
        };
        // Several times, after which table and memory have grown to their limits.
        for number in 0..4 * ENDS.len() {
            round(&mut store, number);
        }
        let before = live();
        for number in 0..ROUNDS {
            round(&mut store, number);
        }
        assert_eq!(live(), before, "in {mode:?}, bounded by {bound:?}");
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
    let engine = engine(CompilationMode::Eager, Bound::Fuel);
    let mut store = Store::new(&engine, ());
    let stored = live();
    Func::wrap(&mut store, || ());
    assert!(live().bytes > stored.bytes, "a store keeps its functions");
    drop((kept, store, engine));
    assert_eq!(live(), before);
}
