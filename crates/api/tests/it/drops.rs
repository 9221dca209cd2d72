//! What a store owns is dropped once, whatever the way it ends.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use damson::{Engine, ExternRef, Func, Linker, Store};

use crate::module;

/// Counts its drops.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A store that owns three counted things: its data, a closure's capture, an object.
fn store(drops: &Arc<AtomicUsize>) -> Store<Counted> {
    let mut store = Store::new(&Engine::default(), Counted(Arc::clone(drops)));
    let captured = Counted(Arc::clone(drops));
    Func::wrap(&mut store, move || {
        let _ = &captured;
    });
    ExternRef::new(&mut store, Counted(Arc::clone(drops)));
    store
}

#[test]
fn a_store_drops_all_it_owns_once() {
    let drops = Arc::new(AtomicUsize::new(0));
    drop(store(&drops));
    assert_eq!(drops.swap(0, Ordering::Relaxed), 3);
    drop(store(&drops).prune());
    assert_eq!(drops.swap(0, Ordering::Relaxed), 3);
    drop(store(&drops).prune_send());
    assert_eq!(drops.swap(0, Ordering::Relaxed), 3);
    let store_again = store(&drops)
        .prune()
        .try_into_store::<Counted>()
        .expect("its type");
    assert_eq!(drops.load(Ordering::Relaxed), 0);
    drop(store_again);
    assert_eq!(drops.swap(0, Ordering::Relaxed), 3);
    let Err((pruned, _)) = store(&drops).prune().try_into_store::<()>() else {
        panic!("it holds another type");
    };
    assert_eq!(drops.load(Ordering::Relaxed), 0);
    drop(pruned);
    assert_eq!(drops.swap(0, Ordering::Relaxed), 3);
}

#[test]
fn into_data_drops_everything_but_the_data() {
    let drops = Arc::new(AtomicUsize::new(0));
    let data = store(&drops).into_data();
    assert_eq!(drops.load(Ordering::Relaxed), 2);
    drop(data);
    assert_eq!(drops.load(Ordering::Relaxed), 3);
}

#[test]
fn data_that_panics_when_dropped_does_not_leak_the_rest() {
    struct Panics(Counted);
    impl Drop for Panics {
        fn drop(&mut self) {
            panic!("in drop of {}", self.0.0.load(Ordering::Relaxed));
        }
    }
    let drops = Arc::new(AtomicUsize::new(0));
    for prune in [false, true] {
        let mut store = Store::new(&Engine::default(), Panics(Counted(Arc::clone(&drops))));
        ExternRef::new(&mut store, Counted(Arc::clone(&drops)));
        let result = catch_unwind(AssertUnwindSafe(|| {
            if prune {
                drop(store.prune())
            } else {
                drop(store)
            }
        }));
        assert!(result.is_err());
        assert_eq!(drops.swap(0, Ordering::Relaxed), 2);
    }
}

#[test]
fn a_linkers_closures_outlive_it_in_the_stores_that_use_them() {
    let drops = Arc::new(AtomicUsize::new(0));
    let engine = Engine::default();
    let module = module(
        &engine,
        r#"(module (import "host" "f" (func $f)) (func (export "f") (call $f)))"#,
    );
    let mut linker = Linker::new(&engine);
    let captured = Counted(Arc::clone(&drops));
    let define = move || {
        let _ = &captured;
    };
    linker
        .func_wrap("host", "f", define)
        .expect("not defined yet");
    let mut store = Store::new(&engine, ());
    let instance = linker
        .instantiate_and_start(&mut store, &module)
        .expect("it fits");
    drop(linker);
    drop(module);
    assert_eq!(drops.load(Ordering::Relaxed), 0);
    let func = instance
        .get_typed_func::<(), ()>(&store, "f")
        .expect("its type");
    func.call(&mut store, ())
        .expect("it runs without its linker and module");
    drop(store);
    assert_eq!(drops.load(Ordering::Relaxed), 1);
}
