#![expect(unsafe_code, reason = "implements an unsafe trait")]
//! Storage back-ends: every one of them passes the same tests, through Wasm.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use damson::storage::{HeapStorage, MemoryStorage, StaticStorage, StorageError};
use damson::{Config, Engine, Instance, Memory, MemoryType, Module, Store, TrapCode};

use crate::examples::own_storage::Pool;

const PAGE: usize = 65_536;
/// All storages of these tests have room for so many pages at least.
const PAGES: u32 = 6;

const GUEST: &str = r#"(module
    (memory (export "memory") 1 6)
    (data (i32.const 65530) "abc")
    (func (export "size") (result i32) (memory.size))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func (export "store") (param i32 i64) (i64.store (local.get 0) (local.get 1)))
    (func (export "fill") (param i32 i32 i32)
        (memory.fill (local.get 0) (local.get 1) (local.get 2)))
    (func (export "copy") (param i32 i32 i32)
        (memory.copy (local.get 0) (local.get 1) (local.get 2)))
    (func (export "churn") (param $n i32) (result i32)
        (local $sum i32)
        (loop $again
            (i32.store (i32.const 64) (local.get $n))
            (local.set $sum (i32.add (local.get $sum) (i32.load (i32.const 64))))
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (local.get $sum)))"#;

/// The one suite. `config` makes the storage of every memory.
fn suite(config: &Config) {
    let engine = Engine::new(config);
    let module = crate::module(&engine, GUEST);
    let mut store = Store::new(&engine, ());
    // Two instances, so that one's memory is not the other's.
    let other = Instance::new(&mut store, &module, &[]).expect("one page");
    let guest = Instance::new(&mut store, &module, &[]).expect("one page");
    let memory = guest.get_memory(&store, "memory").expect("exported");
    let call = |store: &mut Store<()>, name: &str, params: (i32, i32, i32)| {
        let func = guest.get_typed_func::<(i32, i32, i32), ()>(&*store, name);
        func.expect("its type").call(store, params)
    };
    let load = guest
        .get_typed_func::<u32, i32>(&store, "load")
        .expect("its type");
    let grow = guest
        .get_typed_func::<u32, i32>(&store, "grow")
        .expect("its type");
    let write = guest.get_typed_func::<(u32, i64), ()>(&store, "store");
    let write = write.expect("its type");
    let size = guest
        .get_typed_func::<(), i32>(&store, "size")
        .expect("its type");
    let out = Some(TrapCode::MemoryOutOfBounds);

    // The data segment is there, everything else is zero.
    assert_eq!(memory.data(&store)[65_530..65_533], *b"abc");
    assert!(memory.data(&store)[..65_530].iter().all(|&byte| byte == 0));
    assert_eq!(
        load.call(&mut store, 65_531).expect("inside"),
        i32::from(b'b')
    );
    let error = load.call(&mut store, 65_536).expect_err("outside");
    assert_eq!(error.as_trap_code(), out);
    let error = write.call(&mut store, (65_529, -1)).expect_err("astride");
    assert_eq!(error.as_trap_code(), out);
    assert_eq!(
        load.call(&mut store, 65_530).expect("inside"),
        i32::from(b'a')
    );

    // Growing keeps old bytes and shows zeros, to guest and host.
    for pages in 1..PAGES {
        assert_eq!(
            grow.call(&mut store, 1).expect("it runs"),
            pages.cast_signed()
        );
        let len = memory.data_size(&store);
        assert_eq!(len, (pages as usize + 1) * PAGE);
        assert!(
            memory.data(&store)[len - PAGE..]
                .iter()
                .all(|&byte| byte == 0)
        );
        write
            .call(&mut store, (len as u32 - 8, -1))
            .expect("inside");
        assert_eq!(memory.data(&store)[len - 8..], [0xff; 8]);
        let error = write
            .call(&mut store, (len as u32 - 7, -1))
            .expect_err("astride");
        assert_eq!(error.as_trap_code(), out);
    }
    assert_eq!(memory.data(&store)[65_530..65_533], *b"abc");

    // No further, and nothing has changed.
    assert_eq!(grow.call(&mut store, 1).expect("it runs"), -1);
    assert!(memory.grow(&mut store, 1).is_err());
    assert_eq!(
        size.call(&mut store, ()).expect("it runs"),
        PAGES.cast_signed()
    );
    assert_eq!(
        grow.call(&mut store, 0).expect("it runs"),
        PAGES.cast_signed()
    );

    // Bulk operations across pages, all or nothing.
    call(&mut store, "fill", (PAGE as i32 - 2, 7, 4)).expect("inside");
    call(&mut store, "copy", (PAGE as i32 - 1, PAGE as i32 - 2, 5)).expect("inside");
    assert_eq!(memory.data(&store)[PAGE - 2..PAGE + 3], [7; 5]);
    let end = PAGES as i32 * PAGE as i32;
    let error = call(&mut store, "fill", (end - 1, 9, 2)).expect_err("astride");
    assert_eq!(error.as_trap_code(), out);
    assert_eq!(memory.data(&store)[end as usize - 1], 0xff);
    let mut bytes = [1; 3];
    assert!(memory.read(&store, end as usize - 2, &mut bytes).is_err());
    memory
        .write(&mut store, end as usize - 3, b"xyz")
        .expect("inside");
    memory
        .read(&store, end as usize - 3, &mut bytes)
        .expect("inside");
    assert_eq!(&bytes, b"xyz");

    // The other instance has noticed nothing.
    let untouched = other.get_memory(&store, "memory").expect("exported");
    assert_eq!(untouched.size(&store), 1);
    assert_eq!(untouched.data(&store)[65_530..65_536], *b"abc\0\0\0");

    // A memory of the host's uses the same storage.
    let own = Memory::new(&mut store, MemoryType::new(2, None)).expect("two pages");
    assert_eq!(own.data(&store), vec![0; 2 * PAGE]);
}

#[test]
fn the_heap() {
    suite(&Config::default());
    let mut config = Config::default();
    config.memory_storage(|_| Ok(HeapStorage::new()));
    suite(&config);
}

#[test]
fn buffers_of_the_caller() {
    let mut config = Config::default();
    config.memory_storage(|_| {
        let dirty = vec![0xee_u8; PAGES as usize * PAGE];
        Ok(StaticStorage::new(Box::leak(dirty.into())))
    });
    suite(&config);
}

#[cfg(feature = "virtual-memory")]
#[test]
fn reserved_address_space() {
    let mut config = Config::default();
    config.memory_storage(damson::storage::ReservedStorage::for_type);
    suite(&config);

    // Growing does not move it.
    let mut store = Store::new(&Engine::new(&config), ());
    let memory = Memory::new(&mut store, MemoryType::new(1, None)).expect("one page");
    let before = memory.data_ptr(&store);
    memory.grow(&mut store, 1_000).expect("room for 4 GiB");
    assert_eq!(memory.data_ptr(&store), before);
}

#[test]
fn a_storage_of_the_embedder() {
    let pool = Pool::new(3, PAGES as usize * PAGE);
    let mut config = Config::default();
    let source = pool.clone();
    config.memory_storage(move |_| source.take());
    for _ in 0..3 {
        suite(&config);
        assert_eq!(pool.free(), 3, "all buffers came back");
    }
    // An exhausted pool is an error that says so.
    let module = Module::new(
        &Engine::new(&config),
        wat::parse_str("(module (memory 0) (memory 0) (memory 0) (memory 0))").expect("a module"),
    )
    .expect("valid");
    let mut store = Store::new(module.engine(), ());
    let error = Instance::new(&mut store, &module, &[]).expect_err("four memories");
    assert!(
        error.to_string().contains("no memory for 393216 bytes"),
        "{error}"
    );
    drop(store);
    assert_eq!(pool.free(), 3);
}

/// Counts how often it is asked for anything.
struct Counting {
    heap: HeapStorage,
    asked: Arc<AtomicUsize>,
}

// SAFETY: everything is done by a storage that keeps the contract.
unsafe impl MemoryStorage for Counting {
    fn base(&mut self) -> *mut u8 {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.heap.base()
    }

    fn len(&self) -> usize {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.heap.len()
    }

    fn grow(&mut self, new_len: usize) -> Result<(), StorageError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.heap.grow(new_len)
    }
}

/// Why no storage costs another one speed: code that runs does not ask it.
#[test]
fn running_code_does_not_ask_the_storage() {
    let asked = Arc::new(AtomicUsize::new(0));
    let mut config = Config::default();
    let counter = Arc::clone(&asked);
    config.memory_storage(move |_| {
        Ok(Counting {
            heap: HeapStorage::new(),
            asked: Arc::clone(&counter),
        })
    });
    suite(&config);
    let engine = Engine::new(&config);
    let module = crate::module(&engine, GUEST);
    let mut store = Store::new(&engine, ());
    let guest = Instance::new(&mut store, &module, &[]).expect("one page");
    let churn = guest
        .get_typed_func::<i32, i32>(&store, "churn")
        .expect("its type");
    let before = asked.load(Ordering::Relaxed);
    assert!(before > 0);
    assert_eq!(churn.call(&mut store, 1_000).expect("it runs"), 500_500);
    assert_eq!(asked.load(Ordering::Relaxed), before);
}
