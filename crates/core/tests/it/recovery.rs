//! The host data loses its type and gets it back, by value and by reference.

use std::rc::Rc;
use std::sync::Arc;
use std::thread;

use damson_core::{MemoryType, PrunedStore, Sendable, StoreConfig, TypeMismatch};

fn store(data: &str) -> PrunedStore {
    PrunedStore::new(String::from(data), StoreConfig::default())
}

fn mismatch<T>() -> TypeMismatch {
    TypeMismatch {
        expected: std::any::type_name::<T>(),
        found: "alloc::string::String",
    }
}

#[test]
fn data_comes_back_by_value() {
    assert_eq!(store("data").into_data::<String>().unwrap(), "data");
}

#[test]
fn the_wrong_type_gives_the_store_back_unchanged() {
    let mut store = store("data");
    let memory = store
        .as_mut()
        .alloc_memory(MemoryType::new(1, None))
        .unwrap();
    let id = store.as_ref().id();
    let (store, error) = store.into_data::<&'static str>().unwrap_err();
    assert_eq!(error, mismatch::<&'static str>());
    let (store, error) = store.into_data::<Vec<u8>>().unwrap_err();
    assert_eq!(error, mismatch::<Vec<u8>>());
    assert_eq!(store.as_ref().id(), id);
    assert!(store.as_ref().memory(memory).is_ok());
    assert_eq!(store.into_data::<String>().unwrap(), "data");
}

#[test]
fn data_comes_back_by_reference() {
    let mut store = store("da");
    store.as_mut().data_mut::<String>().unwrap().push('t');
    store.as_mut().into_data_mut::<String>().unwrap().push('a');
    assert_eq!(store.as_ref().data::<String>().unwrap(), "data");
    assert_eq!(store.as_mut().data::<String>().unwrap(), "data");
    assert_eq!(store.as_mut().into_ref().data::<String>().unwrap(), "data");
    // A type of the same size and layout is another type all the same.
    assert_eq!(store.as_ref().data::<Vec<u8>>(), Err(mismatch::<Vec<u8>>()));
    assert_eq!(
        store.as_mut().data_mut::<Vec<u8>>(),
        Err(mismatch::<Vec<u8>>())
    );
    assert_eq!(
        store.as_mut().into_data_mut::<Vec<u8>>(),
        Err(mismatch::<Vec<u8>>())
    );
}

#[test]
fn the_type_can_be_asked_for() {
    let mut store = store("");
    assert!(store.holds::<String>());
    assert!(!store.holds::<()>());
    assert_eq!(store.check::<()>(), Err(mismatch::<()>()));
    assert_eq!(store.as_ref().check::<String>(), Ok(()));
    assert_eq!(store.as_mut().check::<()>(), Err(mismatch::<()>()));
    assert_eq!(store.type_name(), "alloc::string::String");
}

#[test]
fn a_mismatch_names_both_types() {
    assert_eq!(
        store("").check::<u8>().unwrap_err().to_string(),
        "expected a store with host data of type `u8`, found one with `alloc::string::String`"
    );
}

#[test]
fn data_without_a_size_and_with_a_large_alignment() {
    struct Nothing;
    #[repr(align(4096))]
    struct Page([u8; 4096]);

    let store = PrunedStore::new(Nothing, StoreConfig::default());
    assert!(store.as_ref().data::<Nothing>().is_ok());
    assert!(store.into_data::<Nothing>().is_ok());

    let mut store = PrunedStore::new(Page([3; 4096]), StoreConfig::default());
    let page = store.as_mut().into_data_mut::<Page>().unwrap();
    assert_eq!(std::ptr::from_ref(page).addr() % 4096, 0);
    page.0[4095] = 4;
    let page = store
        .into_data::<Page>()
        .map_err(|(_, error)| error)
        .unwrap();
    assert_eq!((page.0[0], page.0[4095]), (3, 4));
}

#[test]
fn a_store_with_sendable_data_can_be_sent() {
    let mut store = PrunedStore::new_send(Arc::new(5), StoreConfig::default());
    let memory = store
        .as_mut()
        .alloc_memory(MemoryType::new(1, None))
        .unwrap();
    let mut store = thread::spawn(move || {
        store
            .as_mut()
            .memory_mut(memory)
            .unwrap()
            .write(0, b"there")
            .unwrap();
        store
    })
    .join()
    .unwrap();
    assert_eq!(
        store.as_ref().memory(memory).unwrap().data()[..5],
        *b"there"
    );
    assert_eq!(**store.as_mut().data_mut::<Arc<i32>>().unwrap(), 5);
    let store: PrunedStore = store.into_local();
    assert_eq!(*store.into_data::<Arc<i32>>().unwrap(), 5);
}

#[test]
fn the_marker_decides_what_is_send_and_sync() {
    fn send<T: Send>() {}
    fn sync<T: Sync>() {}
    send::<PrunedStore<Sendable>>();
    // A typed view uses its `T`: what is not there is in the compile-fail tests.
    send::<PrunedStore<Vec<u8>>>();
    sync::<PrunedStore<Vec<u8>>>();
    send::<PrunedStore<std::cell::Cell<u8>>>();
}

#[test]
fn data_may_be_bound_to_its_thread() {
    let data = Rc::new(7);
    let store = PrunedStore::new(Rc::clone(&data), StoreConfig::default());
    assert_eq!(Rc::strong_count(&data), 2);
    assert_eq!(store.as_ref().data::<Rc<i32>>().unwrap(), &data);
    drop(store);
    assert_eq!(Rc::strong_count(&data), 1);
}

#[test]
fn handles_tell_their_store_when_printed() {
    let mut store = store("");
    let id = store.as_ref().id();
    for text in [
        format!("{store:?}"),
        format!("{:?}", store.as_ref()),
        format!("{:?}", store.as_mut()),
    ] {
        assert!(text.contains(&format!("{id:?}")), "{text}");
        assert!(text.contains("alloc::string::String"), "{text}");
    }
}
