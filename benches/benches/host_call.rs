//! What a host call costs: the type of the host data checked when the function is linked
//! (what Damson does), checked in each call, and not needed at all.
//!
//! A guest loop calls the host 100,000 times, so one iteration is that many host calls.
//! `cargo bench -p damson-bench --bench host_call`

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use damson::{Caller, Engine, Erased, FuncType, Linker, Module, Store, TypedFunc, Val, ValType};

const CALLS: u32 = 100_000;

const GUEST: &str = r#"
    (module
      (import "host" "next" (func $next (param i64) (result i64)))
      (func (export "run") (param $n i32) (result i64)
        (local $sum i64)
        (loop $again
          (local.set $sum (call $next (local.get $sum)))
          (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (local.get $sum)))
"#;

/// Host data that each call reads and writes.
struct Counter {
    calls: u64,
}

/// A guest with its host function linked by `link`.
fn guest(
    link: impl FnOnce(&Engine, &Module, &mut Store<Counter>) -> TypedFunc<u32, i64>,
) -> impl FnMut() -> i64 {
    let engine = Engine::default();
    let module = Module::new(&engine, GUEST).expect("the guest is valid");
    let mut store = Store::new(&engine, Counter { calls: 0 });
    let run = link(&engine, &module, &mut store);
    move || {
        run.call(&mut store, CALLS)
            .expect("the guest does not trap")
    }
}

/// The type is checked once, when the function is linked.
fn checked_at_link(
    engine: &Engine,
    module: &Module,
    store: &mut Store<Counter>,
) -> TypedFunc<u32, i64> {
    let mut linker = Linker::<Counter>::new(engine);
    linker
        .func_wrap(
            "host",
            "next",
            |mut caller: Caller<'_, Counter>, value: i64| {
                caller.data_mut().calls += 1;
                value.wrapping_add(1)
            },
        )
        .expect("the name is free");
    let instance = linker
        .instantiate_and_start(&mut *store, module)
        .expect("all imports are there");
    instance
        .get_typed_func(&*store, "run")
        .expect("the guest exports it")
}

/// The function is linked without a type and recovers the data with a check in each call.
fn checked_per_call(
    engine: &Engine,
    module: &Module,
    store: &mut Store<Counter>,
) -> TypedFunc<u32, i64> {
    let mut linker = Linker::<Erased>::new(engine);
    linker
        .func_wrap(
            "host",
            "next",
            |mut caller: Caller<'_, Erased>, value: i64| {
                let mut context = damson::AsContextMut::as_context_mut(&mut caller)
                    .try_context_mut::<Counter>()
                    .expect("the store holds a counter");
                context.data_mut().calls += 1;
                value.wrapping_add(1)
            },
        )
        .expect("the name is free");
    let instance = linker
        .instantiate_and_start(damson::AsContextMut::as_context_mut(store).prune(), module)
        .expect("all imports are there");
    instance
        .get_typed_func(&*store, "run")
        .expect("the guest exports it")
}

/// The function neither has nor needs a type.
fn no_check(engine: &Engine, module: &Module, store: &mut Store<Counter>) -> TypedFunc<u32, i64> {
    let mut linker = Linker::<Erased>::new(engine);
    linker
        .func_wrap("host", "next", |value: i64| value.wrapping_add(1))
        .expect("the name is free");
    let instance = linker
        .instantiate_and_start(damson::AsContextMut::as_context_mut(store).prune(), module)
        .expect("all imports are there");
    instance
        .get_typed_func(&*store, "run")
        .expect("the guest exports it")
}

/// As `checked_at_link`, with parameters and results as dynamically typed values.
fn untyped_values(
    engine: &Engine,
    module: &Module,
    store: &mut Store<Counter>,
) -> TypedFunc<u32, i64> {
    let mut linker = Linker::<Counter>::new(engine);
    let ty = FuncType::new([ValType::I64], [ValType::I64]);
    linker
        .func_new(
            "host",
            "next",
            ty,
            |mut caller: Caller<'_, Counter>, params, results| {
                caller.data_mut().calls += 1;
                let value = params[0].i64().expect("the type says so");
                results[0] = Val::I64(value.wrapping_add(1));
                Ok(())
            },
        )
        .expect("the name is free");
    let instance = linker
        .instantiate_and_start(&mut *store, module)
        .expect("all imports are there");
    instance
        .get_typed_func(&*store, "run")
        .expect("the guest exports it")
}

fn host_call(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("host-call");
    group.throughput(Throughput::Elements(u64::from(CALLS)));
    let mut case = |name: &str, mut run: Box<dyn FnMut() -> i64>| {
        assert_eq!(run(), i64::from(CALLS), "{name}");
        group.bench_function(name, |bencher| bencher.iter(&mut run));
    };
    case("checked-at-link", Box::new(guest(checked_at_link)));
    case("checked-per-call", Box::new(guest(checked_per_call)));
    case("no-check", Box::new(guest(no_check)));
    case("untyped-values", Box::new(guest(untyped_values)));
    group.finish();
}

criterion_group!(benches, host_call);
criterion_main!(benches);
