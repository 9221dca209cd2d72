#![expect(unsafe_code, reason = "views the raw bytes of a storage as slices")]
//! Linear memories (specification, section 4.2.8, "Memory Instances").
//!
//! # Invariants
//!
//! - `base` and `len` are those of the storage; `MemoryEntity::grow` is the
//!   only place that changes them, and refreshes both.
//! - `len` is a multiple of [`PAGE_SIZE`], at most [`MAX_PAGES`] pages, and never
//!   shrinks.
//! - The entity has a stable address as long as its store lives. Code that
//!   caches `base` or `len` reads them again after anything that may grow it.
//! - A `&mut MemoryEntity` does not reach safe code outside this crate, where it
//!   could be swapped with a memory of another store; [`MemoryMut`] does.
//!
//! Growing is offered by the store, not by [`MemoryMut`], because the embedder's
//! limiter has to be asked.

use alloc::boxed::Box;
use core::ops::Deref;

use crate::error::{CountExceeded, GrowError};
use crate::handle::{ForeignHandle, MemoryHandle};
use crate::limits::MemoryType;
use crate::storage::{MemoryStorage, StorageError};
use crate::trap::TrapCode;
use crate::types::{ExternKind, MAX_PAGES, PAGE_SIZE};

/// A memory could not be made or grown, or was accessed out of its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MemoryError {
    /// The handle belongs to another store.
    #[error(transparent)]
    ForeignHandle(#[from] ForeignHandle),
    /// The store has as many memories as the limiter allows.
    #[error(transparent)]
    TooMany(#[from] CountExceeded),
    /// The memory did not grow.
    #[error(transparent)]
    Grow(GrowError),
    /// No memory can have this type.
    #[error(
        "a {ty} is impossible: the minimum must not exceed the maximum, \
         nor either of them {MAX_PAGES} pages"
    )]
    InvalidMemoryType {
        /// The type.
        ty: MemoryType,
    },
    /// The storage holds bytes already, but not those of a memory of this type.
    #[error("a storage that already has {bytes} bytes cannot hold a {ty}")]
    StorageSize {
        /// The length of the storage.
        bytes: usize,
        /// The type.
        ty: MemoryType,
    },
    /// The initial size could not be had.
    #[error("cannot make a memory of {} page{}: {source}", ty.minimum(), plural(ty.minimum()))]
    Allocation {
        /// The type.
        ty: MemoryType,
        /// Why.
        source: GrowError,
    },
    /// A range of bytes lies outside the memory.
    #[error("{len} bytes at offset {offset} lie outside a memory of {size} bytes")]
    OutOfBoundsAccess {
        /// Where the range starts.
        offset: u64,
        /// Its length in bytes.
        len: u64,
        /// The size of the memory in bytes.
        size: u64,
    },
}

/// The ending of what there is so many of.
pub(crate) const fn plural(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}

impl From<GrowError> for MemoryError {
    fn from(error: GrowError) -> Self {
        match error {
            GrowError::ForeignHandle(error) => Self::ForeignHandle(error),
            error => Self::Grow(error),
        }
    }
}

/// A linear memory.
#[repr(C)]
pub struct MemoryEntity {
    /// The address of the first byte.
    pub base: *mut u8,
    /// The size in bytes.
    pub len: usize,
    ty: MemoryType,
    handle: MemoryHandle,
    storage: Box<dyn MemoryStorage>,
}

impl MemoryEntity {
    /// Checks `ty` and wraps `storage` at the size that it already has.
    ///
    /// The caller grows it to the minimum, after asking the limiter.
    pub(crate) fn new(
        ty: MemoryType,
        handle: MemoryHandle,
        mut storage: Box<dyn MemoryStorage>,
    ) -> Result<Self, MemoryError> {
        let maximum = ty.maximum().unwrap_or(MAX_PAGES);
        if ty.minimum() > maximum || maximum > MAX_PAGES {
            return Err(MemoryError::InvalidMemoryType { ty });
        }
        let len = storage.len();
        if !len.is_multiple_of(PAGE_SIZE) || (len / PAGE_SIZE) as u64 > maximum {
            return Err(MemoryError::StorageSize { bytes: len, ty });
        }
        Ok(Self {
            base: storage.base(),
            len,
            ty,
            handle,
            storage,
        })
    }

    /// The handle that names this memory.
    #[must_use]
    pub const fn handle(&self) -> MemoryHandle {
        self.handle
    }

    /// The type that the memory was made with.
    #[must_use]
    pub const fn ty(&self) -> MemoryType {
        self.ty
    }

    /// The type with the current size as its minimum, which is what an import
    /// is compared with.
    #[must_use]
    pub const fn current_type(&self) -> MemoryType {
        MemoryType::of_pages(self.pages(), self.ty.maximum())
    }

    /// The size in pages.
    #[must_use]
    pub const fn pages(&self) -> u64 {
        (self.len / PAGE_SIZE) as u64
    }

    /// The greatest size that the type allows, in pages.
    #[must_use]
    pub(crate) fn max_pages(&self) -> u64 {
        self.ty.maximum().unwrap_or(MAX_PAGES)
    }

    /// The largest effective address at which an access of 1, 2, 4, 8 or 16
    /// bytes (indexed by the logarithm of the size) is in bounds; negative if
    /// there is none. To be compared as a signed number.
    #[inline]
    #[must_use]
    pub fn limits(&self) -> [i64; 5] {
        // At most 2³² bytes: the conversion is exact.
        core::array::from_fn(|log| self.len as i64 - (1 << log))
    }

    /// All bytes.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        // SAFETY: `base` and `len` are those of the storage, whose contract makes
        // them valid until it grows or is dropped; both need `&mut self`.
        unsafe { core::slice::from_raw_parts(self.base, self.len) }
    }

    /// All bytes, to be written.
    #[must_use]
    pub fn data_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `data`; `&mut self` and the contract of the storage make
        // the access exclusive.
        unsafe { core::slice::from_raw_parts_mut(self.base, self.len) }
    }

    /// Copies the bytes at `offset` into `buffer`.
    ///
    /// # Errors
    ///
    /// [`MemoryError::OutOfBoundsAccess`]; nothing is copied then.
    pub fn read(&self, offset: u64, buffer: &mut [u8]) -> Result<(), MemoryError> {
        let range = self.range(offset, buffer.len() as u64)?;
        buffer.copy_from_slice(&self.data()[range]);
        Ok(())
    }

    /// Copies `bytes` to `offset`.
    ///
    /// # Errors
    ///
    /// [`MemoryError::OutOfBoundsAccess`]; nothing is written then.
    pub fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), MemoryError> {
        let range = self.range(offset, bytes.len() as u64)?;
        self.data_mut()[range].copy_from_slice(bytes);
        Ok(())
    }

    /// The index range of `len` bytes at `offset`.
    fn range(&self, offset: u64, len: u64) -> Result<core::ops::Range<usize>, MemoryError> {
        let size = self.len as u64;
        match offset.checked_add(len) {
            // Both are at most `self.len`: the conversions are exact.
            Some(end) if end <= size => Ok(offset as usize..end as usize),
            _ => Err(MemoryError::OutOfBoundsAccess { offset, len, size }),
        }
    }

    fn trapping_range(&self, offset: u64, len: u64) -> Result<core::ops::Range<usize>, TrapCode> {
        self.range(offset, len)
            .map_err(|_| TrapCode::MemoryOutOfBounds)
    }

    /// `memory.fill`: sets `len` bytes at `dst` to `value`.
    ///
    /// # Errors
    ///
    /// [`TrapCode::MemoryOutOfBounds`]; nothing is written then.
    pub fn fill(&mut self, dst: u64, value: u8, len: u64) -> Result<(), TrapCode> {
        let range = self.trapping_range(dst, len)?;
        self.data_mut()[range].fill(value);
        Ok(())
    }

    /// `memory.copy` within one memory; the ranges may overlap.
    ///
    /// # Errors
    ///
    /// [`TrapCode::MemoryOutOfBounds`]; nothing is written then.
    pub fn copy_within(&mut self, dst: u64, src: u64, len: u64) -> Result<(), TrapCode> {
        let src = self.trapping_range(src, len)?;
        let dst = self.trapping_range(dst, len)?;
        self.data_mut().copy_within(src, dst.start);
        Ok(())
    }

    /// `memory.copy` from another memory.
    ///
    /// # Errors
    ///
    /// [`TrapCode::MemoryOutOfBounds`]; nothing is written then.
    pub fn copy_from(
        &mut self,
        dst: u64,
        source: &Self,
        src: u64,
        len: u64,
    ) -> Result<(), TrapCode> {
        self.init(dst, source.data(), src, len)
    }

    /// `memory.init`: copies from a data segment (empty if it was dropped).
    ///
    /// # Errors
    ///
    /// [`TrapCode::MemoryOutOfBounds`] for either range; nothing is written then.
    pub fn init(&mut self, dst: u64, segment: &[u8], src: u64, len: u64) -> Result<(), TrapCode> {
        let end = src.checked_add(len).ok_or(TrapCode::MemoryOutOfBounds)?;
        if end > segment.len() as u64 {
            return Err(TrapCode::MemoryOutOfBounds);
        }
        let range = self.trapping_range(dst, len)?;
        self.data_mut()[range].copy_from_slice(&segment[src as usize..end as usize]);
        Ok(())
    }

    /// The size in pages after growing by `delta`, if the type allows it.
    pub(crate) fn grown(&self, delta: u64) -> Result<u64, GrowError> {
        let maximum = self.max_pages();
        self.pages()
            .checked_add(delta)
            .filter(|&pages| pages <= maximum)
            .ok_or(GrowError::BeyondMaximum {
                kind: ExternKind::Memory,
                current: self.pages(),
                delta,
                maximum,
            })
    }

    /// Grows by `delta` pages without asking the limiter; the old size in pages.
    pub(crate) fn grow(&mut self, delta: u64) -> Result<u64, GrowError> {
        let old = self.pages();
        let pages = self.grown(delta)?;
        if delta == 0 {
            return Ok(old);
        }
        let bytes = pages * PAGE_SIZE as u64;
        let len =
            usize::try_from(bytes).map_err(|_| StorageError::OutOfMemory { requested: bytes })?;
        let result = self.storage.grow(len);
        // Also after an error: the storage was touched, so its pointer is taken anew.
        self.base = self.storage.base();
        self.len = self.storage.len();
        debug_assert!(result.is_err() || self.len == len);
        result?;
        Ok(old)
    }
}

impl core::fmt::Debug for MemoryEntity {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("MemoryEntity")
            .field("handle", &self.handle)
            .field("ty", &self.ty)
            .field("pages", &self.pages())
            .finish_non_exhaustive()
    }
}

/// A memory that may be written, see the [module documentation](self).
#[derive(Debug)]
pub struct MemoryMut<'a>(&'a mut MemoryEntity);

impl<'a> MemoryMut<'a> {
    pub(crate) fn new(entity: &'a mut MemoryEntity) -> Self {
        Self(entity)
    }

    /// All bytes, to be written.
    #[must_use]
    pub fn data_mut(&mut self) -> &mut [u8] {
        self.0.data_mut()
    }

    /// All bytes, for as long as the store is borrowed.
    #[must_use]
    pub fn into_data_mut(self) -> &'a mut [u8] {
        self.0.data_mut()
    }

    /// Copies `bytes` to `offset`.
    ///
    /// # Errors
    ///
    /// [`MemoryError::OutOfBoundsAccess`]; nothing is written then.
    pub fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), MemoryError> {
        self.0.write(offset, bytes)
    }
}

impl Deref for MemoryMut<'_> {
    type Target = MemoryEntity;

    fn deref(&self) -> &MemoryEntity {
        self.0
    }
}

#[cfg(test)]
mod tests;
