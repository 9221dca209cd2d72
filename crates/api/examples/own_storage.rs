//! Memories in buffers of a pool: a storage of the embedder's own.
#![expect(unsafe_code, reason = "implements an unsafe trait")]

use std::ptr::NonNull;
use std::sync::{Arc, Mutex, PoisonError};

use damson::storage::{MemoryStorage, StorageError};
use damson::{Config, Engine, Error, Linker, Module, Store};

/// Buffers of one size, used again and again.
#[derive(Clone)]
pub struct Pool {
    /// The size of a buffer in bytes.
    size: usize,
    free: Arc<Mutex<Vec<Box<[u8]>>>>,
}

impl Pool {
    /// A pool of so many buffers of `size` bytes.
    pub fn new(buffers: usize, size: usize) -> Self {
        let free = (0..buffers).map(|_| vec![0; size].into()).collect();
        Self {
            size,
            free: Arc::new(Mutex::new(free)),
        }
    }

    /// How many buffers nobody uses.
    pub fn free(&self) -> usize {
        self.free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }

    /// A storage in a buffer of the pool.
    pub fn take(&self) -> Result<PooledStorage, StorageError> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let buffer = free.pop().ok_or(StorageError::OutOfMemory {
            requested: self.size as u64,
        })?;
        Ok(PooledStorage {
            pool: self.clone(),
            buffer: NonNull::from(Box::leak(buffer)),
            len: 0,
        })
    }
}

/// A buffer of a pool, which it goes back to.
pub struct PooledStorage {
    pool: Pool,
    /// Leaked from a box, which is made again when this is dropped.
    buffer: NonNull<[u8]>,
    len: usize,
}

// SAFETY: the buffer is owned by this value alone, and plain bytes may be used from any
// thread.
unsafe impl Send for PooledStorage {}
// SAFETY: a shared reference gives access to the length only.
unsafe impl Sync for PooledStorage {}

// SAFETY: `buffer` is valid, initialised and exclusive until this is dropped, and stays
// in place; `len` never exceeds its length.
unsafe impl MemoryStorage for PooledStorage {
    fn base(&mut self) -> *mut u8 {
        self.buffer.as_ptr().cast()
    }

    fn len(&self) -> usize {
        self.len
    }

    fn grow(&mut self, new_len: usize) -> Result<(), StorageError> {
        let capacity = self.buffer.len();
        if new_len > capacity {
            return Err(StorageError::Capacity {
                requested: new_len as u64,
                capacity: capacity as u64,
            });
        }
        // An earlier user may have left something there.
        // SAFETY: `len <= new_len <= capacity`, so the range lies in the buffer.
        unsafe { self.base().add(self.len).write_bytes(0, new_len - self.len) };
        self.len = new_len;
        Ok(())
    }
}

impl Drop for PooledStorage {
    fn drop(&mut self) {
        // SAFETY: leaked from a box in `Pool::take`, and used by nobody else any more.
        let buffer = unsafe { Box::from_raw(self.buffer.as_ptr()) };
        let mut free = self
            .pool
            .free
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        free.push(buffer);
    }
}

/// Runs ten guests in two buffers.
pub fn main() -> Result<(), Error> {
    const SIZE: usize = 4 * 65_536;
    let pool = Pool::new(2, SIZE);
    let mut config = Config::default();
    let source = pool.clone();
    config.memory_storage(move |_| source.take());
    let engine = Engine::new(&config);
    let module = Module::new(
        &engine,
        r#"(module
            (memory 1)
            (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
            (func (export "swap") (param i32 i32) (result i32)
                (i32.load (local.get 0))
                (i32.store (local.get 0) (local.get 1))))"#,
    )?;
    let linker = Linker::new(&engine);
    for _ in 0..10 {
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate_and_start(&mut store, &module)?;
        assert_eq!(pool.free(), 1);
        let grow = instance.get_typed_func::<i32, i32>(&store, "grow")?;
        assert_eq!(grow.call(&mut store, 3)?, 1);
        assert_eq!(grow.call(&mut store, 1)?, -1);
        // What the last guest wrote is gone.
        let swap = instance.get_typed_func::<(i32, i32), i32>(&store, "swap")?;
        assert_eq!(swap.call(&mut store, (SIZE as i32 - 4, 77))?, 0);
    }
    println!("10 guests in {} buffers", pool.free());
    assert_eq!(pool.free(), 2);
    Ok(())
}
