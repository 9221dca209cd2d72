#![expect(unsafe_code, reason = "implements a storage")]
//! Everything that a store owns is dropped once, on every path.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use damson_core::{
    FuncType, GrowDecision, HeapStorage, HostFunc, MemoryStorage, MemoryType, PrunedStore,
    StorageError, StoreConfig,
};

/// What was dropped, in order.
type Log = Arc<Mutex<Vec<&'static str>>>;

/// Writes its name into the log when it is dropped, and may panic then.
struct Noisy {
    name: &'static str,
    panics: bool,
    log: Log,
}

impl Noisy {
    fn new(log: &Log, name: &'static str) -> Self {
        Self {
            name,
            panics: false,
            log: Arc::clone(log),
        }
    }

    fn panicking(log: &Log, name: &'static str) -> Self {
        let mut noisy = Self::new(log, name);
        noisy.panics = true;
        noisy
    }
}

impl Drop for Noisy {
    fn drop(&mut self) {
        self.log.lock().unwrap().push(self.name);
        assert!(!self.panics, "{} panics", self.name);
    }
}

/// A storage that carries something to drop.
struct NoisyStorage(
    HeapStorage,
    #[expect(dead_code, reason = "is dropped")] Noisy,
);

// SAFETY: forwards to a storage.
unsafe impl MemoryStorage for NoisyStorage {
    fn base(&mut self) -> *mut u8 {
        self.0.base()
    }
    fn len(&self) -> usize {
        self.0.len()
    }
    fn grow(&mut self, new_len: usize) -> Result<(), StorageError> {
        self.0.grow(new_len)
    }
}

/// A store in which everything that can be dropped is; `panicking` panics then.
fn full_store(log: &Log, panicking: &'static str) -> PrunedStore {
    let noisy = |name| {
        if name == panicking {
            Noisy::panicking(log, name)
        } else {
            Noisy::new(log, name)
        }
    };
    let mut config = StoreConfig::default();
    config.embedder = Some(Arc::new(noisy("embedder")));
    let hook = noisy("hook");
    config.vtable.limiter = Some(Box::new(
        move |_: damson_core::HostDataMut<'_>, _: damson_core::GrowRequest| {
            let _owned = &hook;
            GrowDecision::Allow
        },
    ));
    let mut store = PrunedStore::new(noisy("data"), config);
    for name in ["closure 1", "closure 2"] {
        let owned = noisy(name);
        let func = HostFunc::untyped(FuncType::new([], []), move |_, _| {
            let _owned = &owned;
            Ok(())
        });
        store.as_mut().alloc_host_func(func).unwrap();
    }
    for name in ["extern 1", "extern 2"] {
        store.as_mut().alloc_extern(Box::new(noisy(name)));
    }
    for name in ["storage 1", "storage 2"] {
        let storage = Box::new(NoisyStorage(HeapStorage::new(), noisy(name)));
        store
            .as_mut()
            .alloc_memory_with(MemoryType::new(1, None), storage)
            .unwrap();
    }
    store
}

const ALL: [&str; 9] = [
    "data",
    "hook",
    "closure 1",
    "closure 2",
    "extern 1",
    "extern 2",
    "storage 1",
    "storage 2",
    "embedder",
];

fn message(panic: Box<dyn Any + Send>) -> String {
    *panic.downcast::<String>().unwrap()
}

#[test]
fn a_store_drops_everything_once_and_in_order() {
    let log = Log::default();
    drop(full_store(&log, ""));
    assert_eq!(*log.lock().unwrap(), ALL);
}

#[test]
fn whatever_panics_the_rest_is_dropped_once() {
    for panicking in ALL {
        let log = Log::default();
        let store = full_store(&log, panicking);
        let panic = catch_unwind(AssertUnwindSafe(|| drop(store))).unwrap_err();
        assert_eq!(message(panic), format!("{panicking} panics"));
        assert_eq!(*log.lock().unwrap(), ALL);
    }
}

#[test]
fn data_taken_out_is_not_dropped_with_the_store() {
    let log = Log::default();
    let data = full_store(&log, "")
        .into_data::<Noisy>()
        .map_err(|(_, error)| error)
        .unwrap();
    assert_eq!(*log.lock().unwrap(), ALL[1..]);
    drop(data);
    assert_eq!(log.lock().unwrap().last(), Some(&"data"));
    assert_eq!(log.lock().unwrap().len(), ALL.len());
}

#[test]
fn a_failed_recovery_drops_nothing() {
    let log = Log::default();
    let (store, _) = full_store(&log, "").into_data::<u8>().unwrap_err();
    assert_eq!(log.lock().unwrap().len(), 0);
    drop(store);
    assert_eq!(*log.lock().unwrap(), ALL);
}

#[test]
fn taking_data_out_of_a_store_that_panics_drops_it_once() {
    for panicking in &ALL[1..] {
        let log = Log::default();
        let store = full_store(&log, panicking);
        let result = catch_unwind(AssertUnwindSafe(|| store.into_data::<Noisy>().map(drop)));
        let panic = result.map(|_| ()).unwrap_err();
        assert_eq!(message(panic), format!("{panicking} panics"));
        let mut dropped = log.lock().unwrap().clone();
        dropped.sort_unstable();
        let mut all = ALL;
        all.sort_unstable();
        assert_eq!(dropped, all);
    }
}

#[test]
fn changing_the_marker_drops_nothing() {
    let log = Log::default();
    let store = PrunedStore::new_send(Noisy::new(&log, "data"), StoreConfig::default());
    let store = store.into_local();
    assert_eq!(log.lock().unwrap().len(), 0);
    drop(store);
    assert_eq!(*log.lock().unwrap(), ["data"]);
}

#[test]
fn what_a_store_refuses_is_dropped_once() {
    let log = Log::default();
    let mut store = PrunedStore::new((), StoreConfig::default());
    let owned = Noisy::new(&log, "closure");
    let func = HostFunc::new::<u8>(FuncType::new([], []), move |_, _| {
        let _owned = &owned;
        Ok(())
    });
    assert!(store.as_mut().alloc_host_func(func).is_err());
    assert_eq!(*log.lock().unwrap(), ["closure"]);

    let storage = Box::new(NoisyStorage(
        HeapStorage::new(),
        Noisy::new(&log, "storage"),
    ));
    let impossible = MemoryType::new(2, Some(1));
    assert!(
        store
            .as_mut()
            .alloc_memory_with(impossible, storage)
            .is_err()
    );
    assert_eq!(*log.lock().unwrap(), ["closure", "storage"]);
}

#[test]
fn data_without_a_size_is_dropped_once() {
    thread_local! {
        static COUNT: RefCell<u32> = const { RefCell::new(0) };
    }
    struct Nothing;
    impl Drop for Nothing {
        fn drop(&mut self) {
            COUNT.with_borrow_mut(|count| *count += 1);
        }
    }
    drop(PrunedStore::new(Nothing, StoreConfig::default()));
    assert_eq!(COUNT.take(), 1);
    let data = PrunedStore::new(Nothing, StoreConfig::default()).into_data::<Nothing>();
    assert_eq!(COUNT.take(), 0);
    drop(data);
    assert_eq!(COUNT.take(), 1);
}
