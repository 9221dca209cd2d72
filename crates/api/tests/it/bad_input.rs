//! Damaged and random modules: an error or a module that runs, never a panic or a hang.
//!
//! Each input is made from the seed and its number alone, so one that fails can be
//! made again. What is accepted is instantiated with made-up imports and all its
//! exported functions are called, with little fuel.
//!
//! `DAMSON_BAD_INPUT_MODULES` and `DAMSON_BAD_INPUT_SEED` choose another number and seed.

mod damage;

use std::env;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use damson::{
    CompilationMode, Config, Engine, Extern, ExternType, Func, Global, Instance, Memory, Module,
    Ref, Store, Table, Val,
};

use self::damage::{Base, Rng};

/// Enough for a page or two of loops, too little to wait for.
const FUEL: u64 = 20_000;
/// What no input may take; an input is some kilobytes.
const HANG: Duration = Duration::from_secs(20);

fn setting(name: &str, default: u64) -> u64 {
    match env::var(name) {
        Ok(value) => value
            .parse()
            .unwrap_or_else(|_| panic!("{name}={value} is no number")),
        Err(_) => default,
    }
}

fn workloads() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../workloads")
}

/// The modules of the project's workloads, and small ones that use every proposal.
fn bases() -> Vec<Base> {
    let mut files: Vec<PathBuf> = Vec::new();
    for folder in [workloads(), workloads().join("wat")] {
        let entries = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        files.extend(entries.map(|entry| entry.expect("a folder can be read").path()));
    }
    files.sort();
    let mut bases: Vec<Base> = files
        .iter()
        .filter(|path| path.extension().is_some_and(|e| e == "wasm" || e == "wat"))
        .map(|path| {
            let wasm = wat::parse_file(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            Base {
                name: path.file_name().expect("a file").to_string_lossy().into(),
                wasm,
            }
        })
        .collect();
    assert!(
        bases.len() >= 10,
        "the workloads are in {}",
        workloads().display()
    );
    for (number, text) in damage::SMALL.iter().enumerate() {
        let wasm = wat::parse_str(text).expect("a small module");
        bases.push(Base {
            name: format!("small module {number}"),
            wasm,
        });
    }
    bases
}

/// What became of the inputs.
#[derive(Default)]
struct Counts {
    refused: AtomicU64,
    not_instantiated: AtomicU64,
    calls: AtomicU64,
    trapped: AtomicU64,
}

fn engines() -> Vec<Engine> {
    [
        CompilationMode::Eager,
        CompilationMode::LazyTranslation,
        CompilationMode::Lazy,
    ]
    .into_iter()
    .map(|mode| {
        let mut config = Config::default();
        config
            .compilation_mode(mode)
            .consume_fuel(true)
            .set_max_stack_height(64 * 1024);
        Engine::new(&config)
    })
    .collect()
}

/// Something of the type of an import; `None` if it would be too large to make.
fn stand_in(store: &mut Store<()>, ty: &ExternType) -> Option<Extern> {
    Some(match ty {
        ExternType::Func(ty) => Func::new(store, ty.clone(), |_, _, _| Ok(())).into(),
        ExternType::Global(ty) => {
            Global::new(store, Val::default_for_ty(ty.content()), ty.mutability()).into()
        }
        ExternType::Memory(ty) if ty.minimum() <= 64 => Memory::new(store, *ty).ok()?.into(),
        ExternType::Table(ty) if ty.minimum() <= 100_000 => {
            Table::new(store, *ty, Ref::null(ty.element())).ok()?.into()
        }
        _ => return None,
    })
}

/// Brings a module to life and calls what it exports.
fn run(engine: &Engine, module: &Module, counts: &Counts) {
    let mut store = Store::new(engine, ());
    store.set_fuel(FUEL).expect("metered");
    let imports: Option<Vec<Extern>> = module
        .imports()
        .map(|import| stand_in(&mut store, import.ty()))
        .collect();
    let instance = imports.map(|imports| Instance::new(&mut store, module, &imports));
    let Some(Ok(instance)) = instance else {
        counts.not_instantiated.fetch_add(1, Ordering::Relaxed);
        return;
    };
    let funcs: Vec<Func> = instance
        .exports(&store)
        .filter_map(|export| export.into_func())
        .take(8)
        .collect();
    for func in funcs {
        let ty = func.ty(&store);
        let inputs: Vec<Val> = ty
            .params()
            .iter()
            .map(|ty| Val::default_for_ty(*ty))
            .collect();
        let mut outputs = vec![Val::I32(0); ty.results().len()];
        store.set_fuel(FUEL).expect("metered");
        let result = func.call(&mut store, &inputs, &mut outputs);
        counts.calls.fetch_add(1, Ordering::Relaxed);
        counts
            .trapped
            .fetch_add(u64::from(result.is_err()), Ordering::Relaxed);
    }
}

/// One input, from its bytes to its end.
fn feed(engines: &[Engine], wasm: &[u8], number: u64, counts: &Counts) {
    let engine = &engines[number as usize % engines.len()];
    let lazy = engine.config().get_compilation_mode() == CompilationMode::Lazy;
    match Module::new(engine, wasm) {
        Ok(module) => {
            assert!(
                lazy || Module::validate(engine, wasm).is_ok(),
                "accepted though invalid"
            );
            run(engine, &module, counts);
        }
        Err(error) => {
            // A function may be too large for the bytecode though it is valid.
            let limit = error.to_string().contains("at most");
            assert!(
                limit || Module::validate(engine, wasm).is_err(),
                "refused though valid: {error}"
            );
            counts.refused.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[test]
fn no_input_makes_the_interpreter_panic_or_hang() {
    let total = setting(
        "DAMSON_BAD_INPUT_MODULES",
        if cfg!(debug_assertions) {
            1_000
        } else {
            100_000
        },
    );
    let seed = setting("DAMSON_BAD_INPUT_SEED", 1);
    let (bases, engines, counts) = (bases(), engines(), Counts::default());
    let next = AtomicU64::new(0);
    let workers = thread::available_parallelism().map_or(1, |n| n.get().min(8));
    let slowest = thread::scope(|scope| {
        let work = || {
            let mut slowest = (Duration::ZERO, 0);
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= total {
                    return slowest;
                }
                let mut rng = Rng::new(seed, number);
                let (wasm, story) = damage::damaged(&mut rng, &bases);
                let start = Instant::now();
                let result =
                    catch_unwind(AssertUnwindSafe(|| feed(&engines, &wasm, number, &counts)));
                let time = start.elapsed();
                slowest = slowest.max((time, number));
                let what = format!(
                    "input {number} of seed {seed} ({story}, {} bytes)",
                    wasm.len()
                );
                assert!(result.is_ok(), "{what} panicked, see above");
                assert!(time < HANG, "{what} took {time:?}");
            }
        };
        let handles: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        handles
            .into_iter()
            .map(|handle| handle.join().expect("no input fails"))
            .max()
    });

    let [refused, not_instantiated, calls, trapped] = [
        &counts.refused,
        &counts.not_instantiated,
        &counts.calls,
        &counts.trapped,
    ]
    .map(|count| count.load(Ordering::Relaxed));
    let (time, number) = slowest.expect("there are workers");
    println!(
        "{total} inputs of seed {seed}: {refused} refused, {not_instantiated} not instantiated, \
         {} run, {calls} calls of which {trapped} failed; the slowest, {number}, took {time:?}",
        total - refused - not_instantiated
    );
    // Otherwise the damage is too rough or too gentle to test anything.
    assert!(
        refused > total / 10 && calls > total / 10,
        "{refused} refused, {calls} calls"
    );
}
