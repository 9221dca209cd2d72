#![expect(unsafe_code, reason = "owns raw memory and implements an unsafe trait")]
//! Where the bytes of a linear memory live.
//!
//! A memory sits behind the trait [`MemoryStorage`], so that the back-end (heap,
//! static buffer, reserved address space, the embedder's own) is chosen per
//! memory and is a type parameter of nothing. It is asked only when a memory is
//! made and grown; loads and stores use the base address and the length that the
//! [memory entity](crate::memory::MemoryEntity) keeps a copy of.
//!
//! Not here: shrinking (Wasm has none), and pages (a storage counts bytes).

#[cfg(feature = "virtual-memory")]
mod reserved;

#[cfg(feature = "virtual-memory")]
pub use self::reserved::ReservedStorage;

use alloc::alloc::{Layout, alloc_zeroed, dealloc};
use core::ptr::NonNull;

/// A storage could not provide the memory asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The allocator has no more, or the size exceeds the address space.
    #[error("no memory for {requested} bytes")]
    OutOfMemory {
        /// The new size in bytes.
        requested: u64,
    },
    /// The storage has a fixed capacity, and it is used up.
    #[error("{requested} bytes do not fit a storage of {capacity} bytes")]
    Capacity {
        /// The new size in bytes.
        requested: u64,
        /// The capacity in bytes.
        capacity: u64,
    },
}

/// Provides the bytes of a linear memory.
///
/// # Safety
///
/// After [`grow`](Self::grow) returned `Ok`, and before it is called again,
/// [`base`](Self::base) returns the same address each time, and
/// 1. [`len`](Self::len) bytes from there are initialised and may be read and
///    written through the returned pointer, from any thread that has exclusive
///    access to the memory, until the next `grow` or until the storage is dropped,
/// 2. nothing else reads or writes them meanwhile; calls of `base` and `len` do
///    not invalidate pointers that `base` returned before,
/// 3. `len` is what `grow` was last asked for (before the first `grow`, any
///    length for which 1 and 2 hold).
///
/// The same holds after an `Err`, with the length from before. If `grow` panics,
/// base and length are as before the call. Moving the value of the storage type
/// does not move the bytes.
pub unsafe trait MemoryStorage: Send + Sync {
    /// The address of the first byte; anything non-null while the length is 0.
    fn base(&mut self) -> *mut u8;

    /// The number of usable bytes.
    fn len(&self) -> usize;

    /// Whether there are no usable bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Changes the length to `new_len`, which is not less than the current one.
    ///
    /// Old bytes keep their values, new bytes are zero, and the base address may
    /// change.
    ///
    /// # Errors
    ///
    /// If there is no room; nothing has changed then.
    fn grow(&mut self, new_len: usize) -> Result<(), StorageError>;
}

/// Memory from the global allocator; the default.
///
/// Allocations are asked for as zeroed, so that an allocator that takes large
/// ones from the operating system does not touch their pages. Growth reserves
/// half of the size again, if that is to be had, so that a guest that grows page
/// by page is not copied each time.
#[derive(Debug)]
pub struct HeapStorage {
    /// Points to `capacity` bytes from the allocator; dangling if that is 0.
    base: NonNull<u8>,
    len: usize,
    /// Bytes in `len..capacity` are zero.
    capacity: usize,
}

// SAFETY: the allocation is owned by this value alone, and plain bytes may be
// used from any thread.
unsafe impl Send for HeapStorage {}
// SAFETY: a shared reference gives access to the length only.
unsafe impl Sync for HeapStorage {}

impl HeapStorage {
    /// Wasm accesses are unaligned, so the alignment only has to suit natural
    /// 8-byte accesses. A greater one would make the standard library's
    /// allocator clear the pages by hand.
    const ALIGN: usize = 8;

    /// A storage of length 0; nothing is allocated yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            base: NonNull::dangling(),
            len: 0,
            capacity: 0,
        }
    }

    /// A zeroed allocation; `None` if it cannot be had. `capacity` is not 0.
    fn allocate(capacity: usize) -> Option<NonNull<u8>> {
        debug_assert_ne!(capacity, 0);
        let layout = Layout::from_size_align(capacity, Self::ALIGN).ok()?;
        // SAFETY: the size is not 0: both callers ask for more than a length.
        NonNull::new(unsafe { alloc_zeroed(layout) })
    }

    fn release(&mut self) {
        if self.capacity != 0 {
            // SAFETY: `base` came from `allocate(self.capacity)`, which accepted
            // the same layout, and is not used afterwards by the callers.
            unsafe {
                let layout = Layout::from_size_align_unchecked(self.capacity, Self::ALIGN);
                dealloc(self.base.as_ptr(), layout);
            }
        }
    }
}

impl Default for HeapStorage {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: `base` points to an allocation of `capacity >= len` initialised bytes
// which is owned by this value and replaced in `grow` only.
unsafe impl MemoryStorage for HeapStorage {
    fn base(&mut self) -> *mut u8 {
        self.base.as_ptr()
    }

    fn len(&self) -> usize {
        self.len
    }

    fn grow(&mut self, new_len: usize) -> Result<(), StorageError> {
        debug_assert!(new_len >= self.len);
        if new_len > self.capacity {
            let roomy = new_len.saturating_add(self.len / 2);
            let (base, capacity) = Self::allocate(roomy)
                .map(|base| (base, roomy))
                .or_else(|| Self::allocate(new_len).map(|base| (base, new_len)))
                .ok_or(StorageError::OutOfMemory {
                    requested: new_len as u64,
                })?;
            // SAFETY: the old allocation has `len` readable bytes, the new one
            // has more, and it is new, so they do not overlap.
            unsafe { self.base.copy_to_nonoverlapping(base, self.len) };
            self.release();
            self.base = base;
            self.capacity = capacity;
        }
        self.len = new_len;
        Ok(())
    }
}

impl Drop for HeapStorage {
    fn drop(&mut self) {
        self.release();
    }
}

/// Memory in a buffer that the embedder provides, for machines without an
/// allocator to spare.
///
/// The length starts at 0 and grows up to that of the buffer. Grown bytes are
/// cleared when they become visible.
#[derive(Debug)]
pub struct StaticStorage {
    /// The buffer; kept as a pointer so that moving this value does not assert
    /// uniqueness over bytes that a memory entity points at.
    buffer: NonNull<[u8]>,
    len: usize,
}

// SAFETY: the buffer was borrowed for ever and uniquely; this value owns the
// access to it.
unsafe impl Send for StaticStorage {}
// SAFETY: a shared reference gives access to the length only.
unsafe impl Sync for StaticStorage {}

impl StaticStorage {
    /// A storage in `buffer`.
    #[must_use]
    pub fn new(buffer: &'static mut [u8]) -> Self {
        Self {
            buffer: NonNull::from(buffer),
            len: 0,
        }
    }
}

// SAFETY: `buffer` is valid for ever, exclusive, and initialised; `len` never
// exceeds its length.
unsafe impl MemoryStorage for StaticStorage {
    fn base(&mut self) -> *mut u8 {
        self.buffer.as_ptr().cast()
    }

    fn len(&self) -> usize {
        self.len
    }

    fn grow(&mut self, new_len: usize) -> Result<(), StorageError> {
        debug_assert!(new_len >= self.len);
        let capacity = self.buffer.len();
        if new_len > capacity {
            return Err(StorageError::Capacity {
                requested: new_len as u64,
                capacity: capacity as u64,
            });
        }
        // SAFETY: `len <= new_len <= capacity`, so the range lies in the buffer,
        // which this value has exclusive access to (no pointer below `len` is
        // invalidated, and none above was given out).
        unsafe {
            self.base()
                .add(self.len)
                .write_bytes(0, new_len.saturating_sub(self.len))
        };
        self.len = new_len.max(self.len);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use alloc::boxed::Box;
    use alloc::vec;

    use super::*;

    fn bytes(storage: &mut dyn MemoryStorage) -> &mut [u8] {
        let len = storage.len();
        // SAFETY: the contract of `MemoryStorage`.
        unsafe { core::slice::from_raw_parts_mut(storage.base(), len) }
    }

    /// What every storage of at least 4096 bytes does.
    fn grows_with_zeroes(storage: &mut dyn MemoryStorage) {
        assert!(storage.is_empty());
        let mut written = 0;
        for len in [10, 10, 11, 64, 65, 1000, 4096] {
            storage.grow(len).unwrap();
            assert_eq!(storage.len(), len);
            let bytes = bytes(storage);
            assert!(bytes[..written].iter().all(|&byte| byte == 0xa5));
            assert!(bytes[written..].iter().all(|&byte| byte == 0));
            bytes.fill(0xa5);
            written = len;
        }
    }

    #[test]
    fn heap_storage_keeps_old_bytes_and_clears_new_ones() {
        grows_with_zeroes(&mut HeapStorage::new());
    }

    #[test]
    fn static_storage_clears_a_dirty_buffer_and_ends_at_its_capacity() {
        let mut storage = StaticStorage::new(Box::leak(vec![0xff; 4096].into()));
        grows_with_zeroes(&mut storage);
        let error = storage.grow(4097).unwrap_err();
        assert_eq!(
            error,
            StorageError::Capacity {
                requested: 4097,
                capacity: 4096
            }
        );
        assert_eq!(storage.len(), 4096);
        assert!(bytes(&mut storage).iter().all(|&byte| byte == 0xa5));
    }

    #[cfg(feature = "virtual-memory")]
    #[test]
    fn reserved_storage_stays_in_place_and_ends_at_its_capacity() {
        let mut storage = ReservedStorage::new(4096).unwrap();
        let base = storage.base();
        grows_with_zeroes(&mut storage);
        assert_eq!(storage.base(), base);
        assert_eq!(storage.capacity(), 4096);
        let (requested, capacity) = (4097, 4096);
        assert_eq!(
            storage.grow(4097),
            Err(StorageError::Capacity {
                requested,
                capacity
            })
        );
        assert!(bytes(&mut storage).iter().all(|&byte| byte == 0xa5));

        // Beyond the length where large pages begin.
        let large = 8 << 20;
        let mut storage = ReservedStorage::new(large).unwrap();
        for len in [1 << 20, large] {
            storage.grow(len).unwrap();
            let bytes = bytes(&mut storage);
            assert_eq!((bytes[len / 2], bytes[len - 1]), (0, 0));
            bytes[len - 1] = 7;
        }
        assert_eq!(bytes(&mut storage)[(1 << 20) - 1], 7);

        let mut nothing = ReservedStorage::new(0).unwrap();
        nothing.grow(0).unwrap();
        assert!(!nothing.base().is_null() && nothing.grow(1).is_err());
        let all = ReservedStorage::for_type(crate::MemoryType::new(0, None)).unwrap();
        assert_eq!(all.capacity() as u64, 1 << 32);
        assert!(ReservedStorage::new(usize::MAX).is_err());
    }

    #[test]
    fn impossible_sizes_are_errors_and_change_nothing() {
        let mut storage = HeapStorage::new();
        storage.grow(16).unwrap();
        bytes(&mut storage).fill(7);
        for len in [usize::MAX, isize::MAX as usize, isize::MAX as usize - 64] {
            let error = storage.grow(len).unwrap_err();
            assert_eq!(
                error,
                StorageError::OutOfMemory {
                    requested: len as u64
                }
            );
        }
        assert_eq!(bytes(&mut storage), [7; 16]);
    }

    #[test]
    fn page_by_page_growth_does_not_move_each_time() {
        let mut storage = HeapStorage::new();
        storage.grow(65_536).unwrap();
        let mut moves = 0;
        for pages in 2..200 {
            let before = storage.capacity;
            storage.grow(pages * 65_536).unwrap();
            moves += usize::from(storage.capacity != before);
        }
        assert!(moves < 20, "{moves} moves");
    }
}
