//! The façade as an embedder meets it.

mod asynchronous;
mod backtraces;
mod bad_input;
mod compile_fail;
mod crossings;
mod drops;
mod epochs;
mod examples;
mod externals;
mod foreign;
mod fuel;
mod host_funcs;
mod instances;
mod limits;
mod linking;
mod modes;
mod nesting;
mod panics;
mod pruned;
mod reentrancy;
mod resumable;
mod storages;
mod threads;
mod translation;
mod traps;
#[allow(clippy::clone_on_copy, reason = "in wasmi these types are not `Copy`")]
mod wasmi_program;
mod wrong_use;
mod yielding;

/// `wasmi_program` names Damson so.
extern crate damson as wasmi;

use damson::{CompilationMode, Config, Engine, Instance, Linker, Module, Store};

/// A module from text; does not need the crate's feature `wat`.
fn module(engine: &Engine, wat: &str) -> Module {
    let wasm = wat::parse_str(wat).expect("the test's text is a module");
    Module::new(engine, wasm).expect("the test's module is valid")
}

/// An instance of a module without imports, in a store of its own.
fn instance_of(wat: &str) -> (Store<()>, Instance) {
    let engine = Engine::default();
    let module = module(&engine, wat);
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine)
        .instantiate_and_start(&mut store, &module)
        .expect("the test's module can be instantiated");
    (store, instance)
}

/// Polls a future that has nothing to wait for.
fn at_once<F: std::future::Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(output) => output,
        std::task::Poll::Pending => panic!("it waits"),
    }
}

/// An engine in a compilation mode.
fn engine_in(mode: CompilationMode) -> Engine {
    let mut config = Config::default();
    config.compilation_mode(mode);
    Engine::new(&config)
}

const MODES: [CompilationMode; 3] = [
    CompilationMode::Eager,
    CompilationMode::LazyTranslation,
    CompilationMode::Lazy,
];
