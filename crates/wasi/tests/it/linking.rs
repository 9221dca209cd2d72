//! Linkers and stores that WASI is added to.

use damson::{Engine, Erased, Error, Linker, Module, PrunedStore, Store};
use damson_wasi::{OutputPipe, ThreadsUnsupported, WasiCtx, WasiCtxBuilder};

const HELLO: &str = r#"
    (module
      (import "wasi_snapshot_preview1" "fd_write"
        (func $fd_write (param i32 i32 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
      (memory (export "memory") 1)
      (data (i32.const 0) "\08\00\00\00\05\00\00\00hello")
      (func (export "_start")
        (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))
        (call $proc_exit (i32.const 9))))
"#;

/// Data of an embedder that holds more than WASI.
struct Plugin {
    calls: u32,
    wasi: WasiCtx,
}

fn plugin(output: &OutputPipe) -> Plugin {
    let wasi = WasiCtxBuilder::new().stdout(output.clone()).build();
    Plugin {
        calls: 0,
        wasi: wasi.expect("a context"),
    }
}

fn start(store: &mut PrunedStore, linker: &Linker<Erased>, module: &Module) -> Error {
    let instance = linker
        .instantiate_and_start(&mut *store, module)
        .expect("all imports are defined");
    instance
        .get_typed_func::<(), ()>(&*store, "_start")
        .expect("a command")
        .call(store, ())
        .expect_err("the guest is ended")
}

#[test]
fn a_context_can_be_part_of_the_stores_data() {
    let engine = Engine::default();
    let output = OutputPipe::new(100);
    let mut store = Store::new(&engine, plugin(&output));
    let mut linker = <Linker<Plugin>>::new(&engine);
    damson_wasi::add_to_linker(&mut linker, |plugin| {
        plugin.calls += 1;
        &mut plugin.wasi
    })
    .expect("an empty linker");
    let module = Module::new(&engine, HELLO).expect("a valid module");
    let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
    let start = instance.get_typed_func::<(), ()>(&store, "_start").unwrap();
    let error = start.call(&mut store, ()).unwrap_err();
    assert_eq!(error.i32_exit_status(), Some(9));
    assert_eq!((output.take(), store.data().calls), (b"hello".to_vec(), 1));
}

#[test]
fn pruned_stores_of_several_types_share_a_linker_of_one() {
    let engine = Engine::default();
    let mut linker = <Linker<Erased>>::new(&engine);
    damson_wasi::add_to_pruned_linker(&mut linker, |plugin: &mut Plugin| &mut plugin.wasi)
        .expect("an empty linker");
    let module = Module::new(&engine, HELLO).expect("a valid module");

    let output = OutputPipe::new(100);
    let mut store = Store::new(&engine, plugin(&output)).prune();
    let error = start(&mut store, &linker, &module);
    assert_eq!(error.i32_exit_status(), Some(9));
    assert_eq!(output.take(), b"hello");

    // Data of another type is an error that names both.
    let mut wrong = Store::new(&engine, 5_u8).prune();
    let message = start(&mut wrong, &linker, &module).to_string();
    assert!(
        message.contains("Plugin") && message.contains("u8"),
        "{message}"
    );
}

#[test]
fn a_name_that_is_taken_is_an_error() {
    let engine = Engine::default();
    let mut linker = <Linker<WasiCtx>>::new(&engine);
    damson_wasi::add_to_linker(&mut linker, |wasi| wasi).expect("an empty linker");
    let error = damson_wasi::add_to_linker(&mut linker, |wasi| wasi).unwrap_err();
    assert!(
        error.to_string().contains("wasi_snapshot_preview1"),
        "{error}"
    );
}

#[test]
fn asking_for_a_thread_ends_the_guest_and_says_why() {
    let engine = Engine::default();
    let wasi = WasiCtxBuilder::new().build().expect("a context");
    let mut store = Store::new(&engine, wasi);
    let mut linker = <Linker<WasiCtx>>::new(&engine);
    damson_wasi::add_to_linker(&mut linker, |wasi| wasi).expect("an empty linker");
    let module = r#"
        (module
          (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
          (func (export "_start") (drop (call $spawn (i32.const 0)))))
    "#;
    let module = Module::new(&engine, module).expect("a valid module");
    let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
    let start = instance.get_typed_func::<(), ()>(&store, "_start").unwrap();
    let error = start.call(&mut store, ()).unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&ThreadsUnsupported), "{error}");
    assert!(error.to_string().contains("threads"), "{error}");
    assert!(error.to_string().contains("thread-spawn"), "{error}");
}

/// Programs compiled for threads have a shared memory.
#[test]
fn a_shared_memory_is_refused_by_the_name_of_the_proposal() {
    let module = r#"(module (import "env" "memory" (memory 1 1 shared)))"#;
    let error = Module::new(&Engine::default(), module).unwrap_err();
    assert!(error.to_string().contains("threads"), "{error}");
}
