#![expect(unsafe_code, reason = "implements an unsafe trait")]
//! Reserved address space: memory that grows in place.
//!
//! The whole capacity is mapped when the storage is made, and the operating system
//! gives it pages, zeroed, as they are touched. Growing changes a number: nothing is
//! copied, and the base address stays. Bounds are checked in code, so the unused rest
//! needs no protection.
//!
//! Once a memory has four mebibytes, the system is asked to give it pages of two at a time
//! (on Linux, where it may): a program that uses all of them waits for a few such pages
//! instead of a thousand small ones, and reaches its memory faster.
//!
//! A mapping is not free: it counts against the limit of the address space
//! (`RLIMIT_AS`) on Unix, and where the system promises memory for every mapping, as
//! Windows does, against that.

use memmap2::{MmapOptions, MmapRaw};

use super::{MemoryStorage, StorageError};
use crate::limits::MemoryType;
use crate::types::{MAX_PAGES, PAGE_SIZE};

/// Memory in reserved address space, which grows without being copied.
///
/// # Example
///
/// ```
/// use damson_core::storage::ReservedStorage;
/// use damson_core::{MemoryType, PrunedStore, StoreConfig};
///
/// let mut store = PrunedStore::new((), StoreConfig::default());
/// let ty = MemoryType::new(1, Some(1000));
/// let storage = Box::new(ReservedStorage::for_type(ty)?);
/// let memory = store.as_mut().alloc_memory_with(ty, storage)?;
/// let before = store.as_ref().memory(memory)?.base;
/// store.as_mut().grow_memory(memory, 999)?;
/// assert_eq!(store.as_ref().memory(memory)?.base, before);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ReservedStorage {
    /// `None` reserves nothing: a mapping cannot be empty.
    mapping: Option<MmapRaw>,
    len: usize,
}

/// How long a memory is when large pages begin to pay: less than that, and most of a page
/// may never be used.
#[cfg(target_os = "linux")]
const LARGE: usize = 4 << 20;

impl ReservedStorage {
    /// Reserves room for `capacity` bytes; the storage has none of them yet.
    ///
    /// # Errors
    ///
    /// [`StorageError::OutOfMemory`] if there is not so much address space.
    pub fn new(capacity: usize) -> Result<Self, StorageError> {
        let mapping = if capacity == 0 {
            None
        } else {
            let mapped = MmapOptions::new()
                .len(capacity)
                .no_reserve_swap()
                .map_anon()
                .map_err(|_| StorageError::OutOfMemory {
                    requested: capacity as u64,
                })?;
            Some(MmapRaw::from(mapped))
        };
        Ok(Self { mapping, len: 0 })
    }

    /// Reserves room for whatever a memory of a type may grow to: 4 GiB if it has no
    /// maximum.
    ///
    /// # Errors
    ///
    /// As [`ReservedStorage::new`].
    pub fn for_type(ty: MemoryType) -> Result<Self, StorageError> {
        let pages = ty.maximum().unwrap_or(MAX_PAGES).min(MAX_PAGES);
        let requested = pages * PAGE_SIZE as u64;
        let capacity = usize::try_from(requested);
        Self::new(capacity.map_err(|_| StorageError::OutOfMemory { requested })?)
    }

    /// The most bytes that the storage can have.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.mapping.as_ref().map_or(0, MmapRaw::len)
    }
}

// SAFETY: the mapping is anonymous, private, readable and writable, zeroed by the
// operating system, owned by this value alone and in place until it is dropped; `len`
// never exceeds it. Its address is taken without a reference to the bytes.
unsafe impl MemoryStorage for ReservedStorage {
    fn base(&mut self) -> *mut u8 {
        match &self.mapping {
            Some(mapping) => mapping.as_mut_ptr(),
            None => core::ptr::dangling_mut(),
        }
    }

    fn len(&self) -> usize {
        self.len
    }

    fn grow(&mut self, new_len: usize) -> Result<(), StorageError> {
        debug_assert!(new_len >= self.len);
        if new_len > self.capacity() {
            return Err(StorageError::Capacity {
                requested: new_len as u64,
                capacity: self.capacity() as u64,
            });
        }
        #[cfg(target_os = "linux")]
        if self.len < LARGE
            && new_len >= LARGE
            && let Some(mapping) = &self.mapping
        {
            // Advice, which not every system takes; good for all that is still to come.
            let _ = mapping.advise(memmap2::Advice::HugePage);
        }
        // Bytes between the old and the new length were never written.
        self.len = new_len.max(self.len);
        Ok(())
    }
}
