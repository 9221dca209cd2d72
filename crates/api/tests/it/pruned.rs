//! The rules of the pruned store, seen through the façade.

use std::rc::Rc;
use std::sync::Arc;

use damson::{
    AsContext, AsContextMut, Caller, Engine, Erased, Func, Linker, Memory, MemoryType, PrunedMut,
    PrunedStore, Store, StoreContextMut, Val,
};

use crate::module;

#[test]
fn pruning_and_recovering_keep_the_store() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, String::from("data"));
    let func = Func::wrap(&mut store, |x: i32| x + 1);
    let pruned = store.prune();
    assert!(pruned.type_name().contains("String"));
    assert!(Engine::same(pruned.engine(), &engine));
    let mut store = pruned
        .try_into_store::<String>()
        .expect("it holds a string");
    assert_eq!(store.data(), "data");
    let typed = func
        .typed::<i32, i32>(&store)
        .expect("the function is still there");
    assert_eq!(typed.call(&mut store, 1).expect("it runs"), 2);
    assert_eq!(store.into_data(), "data");
}

#[test]
fn a_mismatch_hands_the_store_back_and_names_both_types() {
    let pruned = Store::new(&Engine::default(), 7_u64).prune();
    let (pruned, mismatch) = pruned.try_into_store::<i64>().expect_err("it holds a u64");
    assert_eq!((mismatch.expected, mismatch.found), ("i64", "u64"));
    let message = mismatch.to_string();
    assert!(
        message.contains("i64") && message.contains("u64"),
        "{message}"
    );
    assert_eq!(
        pruned
            .try_into_store::<u64>()
            .expect("it holds a u64")
            .into_data(),
        7
    );
}

#[test]
fn types_of_the_same_layout_are_told_apart() {
    #[derive(Debug)]
    struct Other(#[expect(dead_code, reason = "only its layout matters")] u32);
    let pruned = Store::new(&Engine::default(), 1_u32).prune();
    assert!(pruned.holds::<u32>());
    assert!(!pruned.holds::<Other>() && !pruned.holds::<i32>() && !pruned.holds::<Erased>());
    assert!(pruned.try_into_store::<Other>().is_err());
}

#[test]
fn a_borrowed_handle_recovers_a_context_with_the_same_check() {
    let mut pruned = Store::new(&Engine::default(), vec![1, 2]).prune();
    assert_eq!(
        pruned
            .try_context::<Vec<i32>>()
            .expect("it holds one")
            .data(),
        &[1, 2]
    );
    pruned
        .try_context_mut::<Vec<i32>>()
        .expect("it holds one")
        .data_mut()
        .push(3);
    let mismatch = pruned
        .try_context_mut::<Vec<u32>>()
        .map(|_| ())
        .expect_err("not that");
    assert_eq!(mismatch.expected, std::any::type_name::<Vec<u32>>());
    assert_eq!(mismatch.found, std::any::type_name::<Vec<i32>>());
    let store = pruned.try_into_store::<Vec<i32>>().expect("it holds one");
    assert_eq!(store.into_data(), [1, 2, 3]);
}

#[test]
fn contexts_are_pruned_and_recovered_too() {
    fn count(store: PrunedMut<'_>) -> Result<(), damson::TypeMismatch> {
        *store.try_context_mut::<u8>()?.data_mut() += 1;
        Ok(())
    }
    let mut store = Store::new(&Engine::default(), 0_u8);
    count(store.as_context_mut().prune()).expect("it holds a u8");
    assert_eq!(
        store
            .as_context()
            .prune()
            .try_context::<u8>()
            .expect("it holds a u8")
            .data(),
        &1
    );
    assert!(store.as_context().prune().try_context::<i8>().is_err());
}

/// Everything that needs no `T`.
#[test]
fn a_pruned_store_runs_modules() {
    let engine = Engine::default();
    let module = module(
        &engine,
        r#"(module
            (import "host" "twice" (func $twice (param i32) (result i32)))
            (memory (export "memory") 1 2)
            (global (export "g") (mut i64) (i64.const 1))
            (func (export "store") (param i32 i32)
              (i32.store (local.get 0) (call $twice (local.get 1)))))"#,
    );
    let mut linker = Linker::<Erased>::new(&engine);
    linker
        .func_wrap("host", "twice", |x: i32| x * 2)
        .expect("not defined yet");
    let mut stores: Vec<PrunedStore> = vec![
        Store::new(&engine, ()).prune(),
        Store::new(&engine, String::from("any")).prune(),
    ];
    for store in &mut stores {
        let instance = linker
            .instantiate_and_start(&mut *store, &module)
            .expect("it fits");
        let func = instance.get_func(&*store, "store").expect("it is exported");
        func.call(&mut *store, &[Val::I32(8), Val::I32(21)], &mut [])
            .expect("it runs");
        let memory = instance
            .get_memory(&*store, "memory")
            .expect("it is exported");
        let mut bytes = [0; 4];
        memory.read(&*store, 8, &mut bytes).expect("in bounds");
        assert_eq!(i32::from_le_bytes(bytes), 42);
        memory.write(&mut *store, 8, &[1, 2]).expect("in bounds");
        assert_eq!(memory.data(&*store)[8..11], [1, 2, 0]);
        assert_eq!(memory.grow(&mut *store, 1).expect("within its maximum"), 1);
        let global = instance.get_global(&*store, "g").expect("it is exported");
        global.set(&mut *store, Val::I64(5)).expect("it is mutable");
        assert_eq!(global.get(&*store).i64(), Some(5));
        assert!(store.get_fuel().is_err());
    }
}

#[test]
fn raw_cells_are_enough_to_call() {
    use damson::Cell;
    let engine = Engine::default();
    let mut pruned = Store::new(&engine, ()).prune();
    let func = Func::wrap(&mut pruned, |a: i32, b: i64| (i64::from(a) - b, a));
    let mut cells = [Cell::new(-2_i32), Cell::new(40_i64)];
    func.call_raw(&mut pruned, &mut cells).expect("it runs");
    assert_eq!((cells[0].get::<i64>(), cells[1].get::<i32>()), (-42, -2));
    let mut cells = [Cell::ZERO];
    assert!(
        func.call_raw(&mut pruned, &mut cells).is_err(),
        "one cell is too few"
    );
}

#[test]
fn a_raw_cell_that_names_nothing_is_null_to_the_host() {
    use damson::{Cell, ExternRef};
    let mut store = Store::new(&Engine::default(), ());
    let func = Func::wrap(&mut store, |f: Option<Func>, e: Option<ExternRef>| {
        (i32::from(f.is_some()), i32::from(e.is_some()))
    });
    ExternRef::new(&mut store, "object");
    // The store has one function and one object; a cell counts from one.
    for (bits, expected) in [(0, (0, 0)), (1, (1, 1)), (2, (0, 0)), (u64::MAX, (0, 0))] {
        let mut cells = [Cell::from_bits(bits); 2];
        func.call_raw(&mut store, &mut cells).expect("it runs");
        assert_eq!(
            (cells[0].get::<i32>(), cells[1].get::<i32>()),
            expected,
            "{bits:#x}"
        );
    }
}

/// A host function for stores of every type sees the data only after a check.
#[test]
fn an_erased_host_function_recovers_the_data_with_a_check() {
    fn add(mut caller: Caller<'_, Erased>, n: i32) -> i32 {
        let Ok(mut store) = caller.as_context_mut().try_context_mut::<i32>() else {
            return -1;
        };
        *store.data_mut() += n;
        *store.data()
    }
    let engine = Engine::default();
    let mut with_i32 = Store::new(&engine, 40).prune();
    let func = Func::wrap(&mut with_i32, add)
        .typed::<i32, i32>(&with_i32)
        .expect("its type");
    assert_eq!(func.call(&mut with_i32, 2).expect("it runs"), 42);
    let mut with_u32 = Store::new(&engine, 40_u32).prune();
    let func = Func::wrap(&mut with_u32, add)
        .typed::<i32, i32>(&with_u32)
        .expect("its type");
    assert_eq!(func.call(&mut with_u32, 2).expect("it runs"), -1);
    assert_eq!(
        with_u32.try_into_store::<u32>().expect("a u32").into_data(),
        40
    );
}

#[test]
fn typed_host_functions_survive_pruning() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, 1_i64);
    let func = Func::wrap(&mut store, |mut caller: Caller<'_, i64>, n: i64| {
        *caller.data_mut() += n;
    });
    let mut pruned = store.prune();
    func.call(&mut pruned, &[Val::I64(2)], &mut [])
        .expect("it runs");
    assert_eq!(
        pruned.try_into_store::<i64>().expect("an i64").into_data(),
        3
    );
}

#[test]
fn a_sendable_store_moves_to_another_thread_and_back() {
    let engine = Engine::default();
    let pruned = Store::new(&engine, 20_u32).prune_send();
    let pruned = std::thread::spawn(move || {
        let mut pruned = pruned;
        *pruned.try_context_mut::<u32>().expect("a u32").data_mut() += 1;
        pruned
    })
    .join()
    .expect("the thread ends well");
    let local = pruned.into_local();
    assert_eq!(
        local.try_into_store::<u32>().expect("a u32").into_data(),
        21
    );
}

#[test]
fn stores_are_as_send_and_sync_as_their_data() {
    /// `IS` is true if, and only if, the bound in the inherent implementation holds.
    macro_rules! implements {
        ($ty:ty: $bound:path) => {{
            struct Probe<T>(std::marker::PhantomData<T>);
            #[allow(dead_code, reason = "which of the two is used is the question")]
            trait Fallback {
                const IS: bool = false;
            }
            impl<T> Fallback for Probe<T> {}
            #[allow(dead_code, reason = "which of the two is used is the question")]
            impl<T: $bound> Probe<T> {
                const IS: bool = true;
            }
            <Probe<$ty>>::IS
        }};
    }
    assert!(implements!(Store<u32>: Send));
    assert!(implements!(Store<u32>: Sync));
    assert!(!implements!(Store<Rc<u32>>: Send));
    assert!(!implements!(Store<Rc<u32>>: Sync));
    assert!(implements!(Store<std::cell::Cell<u32>>: Send));
    assert!(!implements!(Store<std::cell::Cell<u32>>: Sync));
    assert!(!implements!(PrunedStore: Send));
    assert!(!implements!(PrunedStore: Sync));
    assert!(implements!(PrunedStore<damson::Sendable>: Send));
    // A linker and what it makes hold closures only, which are `Send + Sync`.
    assert!(implements!(Linker<Rc<u32>>: Send));
    assert!(implements!(damson::Module: Sync));
    assert!(implements!(damson::Error: Send));
}

#[test]
fn zero_sized_and_over_aligned_data_are_kept() {
    #[derive(Debug, PartialEq)]
    #[repr(align(4096))]
    struct Page([u8; 3]);

    let engine = Engine::default();
    let mut store = Store::new(&engine, Page([1, 2, 3]));
    assert_eq!(std::ptr::from_ref(store.data()).addr() % 4096, 0);
    store.data_mut().0[0] = 9;
    let store = store.prune().try_into_store::<Page>().expect("a page");
    assert_eq!(store.into_data(), Page([9, 2, 3]));

    let pruned = Store::new(&engine, ()).prune();
    assert!(pruned.holds::<()>());
    pruned.try_into_store::<()>().expect("it holds a unit");
}

/// `for<'a> fn(&'a u8)` is a subtype of `fn(&'static u8)`, and yet another type.
#[test]
fn a_subtype_is_another_type() {
    type General = for<'a> fn(&'a u8) -> u8;
    type Special = fn(&'static u8) -> u8;
    let general: General = |x| *x;
    let pruned = Store::new(&Engine::default(), general).prune();
    assert!(pruned.holds::<General>() && !pruned.holds::<Special>());
}

#[test]
fn data_and_memory_are_borrowed_together() {
    fn fill(ctx: StoreContextMut<'_, Vec<u8>>, memory: Memory) {
        let mut ctx = ctx;
        let (bytes, data) = memory.data_and_store_mut(&mut ctx);
        bytes[..data.len()].copy_from_slice(data);
        data.clear();
    }
    let mut store = Store::new(&Engine::default(), vec![4, 5]);
    let memory = Memory::new(&mut store, MemoryType::new(1, None)).expect("one page");
    fill(store.as_context_mut(), memory);
    assert_eq!(memory.data(&store)[..3], [4, 5, 0]);
    assert!(store.data().is_empty());

    let mut pruned = store.prune();
    let (bytes, _): (&mut [u8], &mut Erased) = memory.data_and_store_mut(&mut pruned);
    assert_eq!(bytes[1], 5);
}

#[test]
fn an_arc_in_the_data_is_released_once() {
    let shared = Arc::new(());
    let engine = Engine::default();
    drop(Store::new(&engine, Arc::clone(&shared)));
    assert_eq!(Arc::strong_count(&shared), 1);
    drop(Store::new(&engine, Arc::clone(&shared)).prune());
    assert_eq!(Arc::strong_count(&shared), 1);
    let given_back = Store::new(&engine, Arc::clone(&shared)).into_data();
    assert_eq!(Arc::strong_count(&shared), 2);
    drop(given_back);
    let (pruned, _) = Store::new(&engine, Arc::clone(&shared))
        .prune()
        .try_into_store::<u8>()
        .expect_err("not a u8");
    assert_eq!(Arc::strong_count(&shared), 2);
    drop(pruned);
    assert_eq!(Arc::strong_count(&shared), 1);
}

/// Async host functions are made for the type of the data. Who has pruned the store calls them
/// by the pruned handle, or by a typed view where the future has to move.
#[test]
fn async_functions_run_on_pruned_stores() {
    fn moves<F: Future + Send>(future: F) -> F {
        future
    }
    let engine = Engine::default();
    let mut store = Store::new(&engine, 40_i64);
    let add = Func::wrap_async(&mut store, |mut caller: Caller<'_, i64>, (n,): (i64,)| {
        Box::new(async move {
            *caller.data_mut() += n;
            *caller.data()
        })
    });
    let mut store = store.prune_send();
    let mut cells = [damson::Cell::new(1_i64)];
    crate::at_once(add.call_raw_async(&mut store, &mut cells)).expect("it does not wait");
    assert_eq!(cells[0].get::<i64>(), 41);
    let add = add.typed::<i64, i64>(&store).expect("its type");
    assert_eq!(crate::at_once(add.call_async(&mut store, 1)).ok(), Some(42));
    // One can be made through the view, too.
    let mut view = store.try_context_mut::<i64>().expect("its type");
    let future = moves(add.call_async(&mut view, 8));
    assert_eq!(crate::at_once(future).ok(), Some(50));
    let twice = Func::wrap_async(&mut view, |caller: Caller<'_, i64>, (): ()| {
        Box::new(async move { *caller.data() * 2 })
    });
    let twice = twice.typed::<(), i64>(&store).expect("its type");
    assert_eq!(
        crate::at_once(twice.call_async(&mut store, ())).ok(),
        Some(100)
    );
}
