#![expect(
    unsafe_code,
    reason = "owns a raw array that executors read, and follows checked pointers"
)]
//! Tables (specification, section 4.2.7, "Table Instances").
//!
//! # Elements
//!
//! An element of a `funcref` table is the exposed address of a
//! [`FuncEntity`], or 0: `call_indirect` follows it without a check. So every
//! cell is checked and resolved when it *enters* a table, against the functions
//! of the table's own store, and every write goes through
//! `TableEntity::encode`. An element of an `externref` table is the cell itself.
//!
//! # Invariants
//!
//! - `elems` points to `len` initialised elements of an array of `capacity`, which
//!   the entity owns; `TableEntity::grow` is the only place that changes them.
//! - `references` points into the core of the store that owns the entity.
//! - A `&mut TableEntity` does not reach safe code outside this crate: swapping a
//!   `funcref` table with an `externref` table would turn cells into pointers.
//!   [`TableMut`] cannot be swapped that way.
//!
//! A store limits the elements of a table (10 million unless configured), since
//! a guest can ask for 2³² in five bytes.

use alloc::vec::Vec;
use core::mem::ManuallyDrop;
use core::ops::{Deref, Range};
use core::ptr::{self, NonNull};

use crate::cell::Cell;
use crate::error::{CountExceeded, GrowError};
use crate::func::FuncEntity;
use crate::handle::{ForeignHandle, TableHandle};
use crate::limits::TableType;
use crate::storage::StorageError;
use crate::store::References;
use crate::trap::TrapCode;
use crate::types::{ExternKind, RefType};

/// A table could not be made, grown or accessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// The handle belongs to another store.
    #[error(transparent)]
    ForeignHandle(#[from] ForeignHandle),
    /// The store has as many tables as the limiter allows.
    #[error(transparent)]
    TooMany(#[from] CountExceeded),
    /// The table did not grow.
    #[error(transparent)]
    Grow(GrowError),
    /// A reference or another table has other elements.
    #[error("the table holds {expected} elements, found {found}")]
    ElementTypeMismatch {
        /// The type of the table's elements.
        expected: RefType,
        /// The type of what should be stored.
        found: RefType,
    },
    /// No table can have this type.
    #[error("a {ty} is impossible: the minimum must not exceed the maximum")]
    InvalidType {
        /// The type.
        ty: TableType,
    },
    /// The initial size could not be had.
    #[error(
        "cannot make a table of {} element{}: {source}",
        ty.minimum(),
        crate::memory::plural(ty.minimum())
    )]
    Allocation {
        /// The type.
        ty: TableType,
        /// Why.
        source: GrowError,
    },
    /// A range of elements lies outside the table.
    #[error("{len} elements from {index} on lie outside a table of {size} elements")]
    OutOfBounds {
        /// The index of the first element.
        index: u64,
        /// The number of elements.
        len: u64,
        /// The size of the table.
        size: u64,
    },
    /// What should be stored is no reference of the store.
    #[error("expected a {expected} of this store, found the bits {found:#x}")]
    InvalidReference {
        /// The type of the table's elements.
        expected: RefType,
        /// The bits of the cell.
        found: u64,
    },
}

impl From<GrowError> for TableError {
    fn from(error: GrowError) -> Self {
        match error {
            GrowError::ForeignHandle(error) => Self::ForeignHandle(error),
            error => Self::Grow(error),
        }
    }
}

/// A table.
#[repr(C)]
pub struct TableEntity {
    /// The elements: exposed addresses of [`FuncEntity`]s or 0 in a `funcref`
    /// table, cells in an `externref` table.
    pub elems: *mut u64,
    /// The number of elements.
    pub len: usize,
    capacity: usize,
    ty: TableType,
    /// The store's limit on the number of elements.
    max_elements: u32,
    handle: TableHandle,
    references: NonNull<References>,
}

impl TableEntity {
    /// Checks `ty` and makes a table without elements.
    ///
    /// The caller grows it to the minimum, after asking the limiter.
    ///
    /// # Safety
    ///
    /// `references` belongs to the store that will own the entity, outlives it,
    /// and is not written while a method of the entity runs.
    pub(crate) unsafe fn new(
        ty: TableType,
        handle: TableHandle,
        max_elements: u32,
        references: NonNull<References>,
    ) -> Result<Self, TableError> {
        if ty.maximum().is_some_and(|maximum| ty.minimum() > maximum) {
            return Err(TableError::InvalidType { ty });
        }
        let elems = NonNull::<u64>::dangling().as_ptr();
        Ok(Self {
            elems,
            len: 0,
            capacity: 0,
            ty,
            max_elements,
            handle,
            references,
        })
    }

    /// The handle that names this table.
    #[must_use]
    pub const fn handle(&self) -> TableHandle {
        self.handle
    }

    /// The type that the table was made with.
    #[must_use]
    pub const fn ty(&self) -> TableType {
        self.ty
    }

    /// The number of elements.
    #[must_use]
    pub const fn size(&self) -> u32 {
        // At most `max_elements`: the conversion is exact.
        self.len as u32
    }

    /// The type with the current size as its minimum, which is what an import
    /// is compared with.
    #[must_use]
    pub const fn current_type(&self) -> TableType {
        self.ty.with_minimum(self.size())
    }

    fn elements(&self) -> &[u64] {
        // SAFETY: `elems` points to `len` initialised elements (module invariant);
        // changing that needs `&mut self`.
        unsafe { core::slice::from_raw_parts(self.elems, self.len) }
    }

    fn elements_mut(&mut self) -> &mut [u64] {
        // SAFETY: as in `elements`, and `&mut self` makes the access exclusive.
        unsafe { core::slice::from_raw_parts_mut(self.elems, self.len) }
    }

    /// The form in which a table of `element`s keeps the reference in `cell`;
    /// `None` if the store has no such reference.
    fn encode(&self, cell: Cell) -> Option<u64> {
        // SAFETY: the promise made to `new`: the store owns both, and does not
        // change its references while this method runs.
        let references = unsafe { self.references.as_ref() };
        match self.ty.element() {
            RefType::Func if cell == Cell::ZERO => Some(0),
            RefType::Func => {
                let func = references.func_of_cell(cell)?;
                Some(func.as_ptr().expose_provenance() as u64)
            }
            RefType::Extern => references.is_extern(cell).then_some(cell.to_bits()),
        }
    }

    /// The reference in a cell again.
    fn decode(&self, element: u64) -> Cell {
        match self.ty.element() {
            RefType::Func if element != 0 => {
                let func = ptr::with_exposed_provenance::<FuncEntity>(element as usize);
                // SAFETY: elements of funcref tables are 0 or the exposed address
                // of a function of the same store (`encode`), which are never
                // removed, moved or written.
                let index = unsafe { (*func).index };
                Cell::from_bits(u64::from(index) + 1)
            }
            RefType::Func | RefType::Extern => Cell::from_bits(element),
        }
    }

    /// The reference at `index`; `None` if that is out of bounds.
    #[must_use]
    pub fn get(&self, index: u64) -> Option<Cell> {
        let element = *self.elements().get(usize::try_from(index).ok()?)?;
        Some(self.decode(element))
    }

    /// `table.set`: replaces the reference at `index`.
    ///
    /// # Errors
    ///
    /// [`TrapCode::TableOutOfBounds`], or [`TrapCode::InvalidReference`] if the
    /// store has no such reference.
    pub fn set(&mut self, index: u64, value: Cell) -> Result<(), TrapCode> {
        self.fill(index, value, 1)
    }

    fn range(&self, start: u64, len: u64) -> Result<Range<usize>, TrapCode> {
        checked_range(start, len, self.len)
    }

    /// `table.fill`: sets `len` elements from `start` on to `value`.
    ///
    /// # Errors
    ///
    /// [`TrapCode::TableOutOfBounds`], or [`TrapCode::InvalidReference`] if the
    /// store has no such reference; nothing is written then.
    pub fn fill(&mut self, start: u64, value: Cell, len: u64) -> Result<(), TrapCode> {
        let range = self.range(start, len)?;
        let value = self.encode(value).ok_or(TrapCode::InvalidReference)?;
        self.elements_mut()[range].fill(value);
        Ok(())
    }

    /// `table.copy` within one table; the ranges may overlap.
    ///
    /// # Errors
    ///
    /// [`TrapCode::TableOutOfBounds`]; nothing is written then.
    pub fn copy_within(&mut self, dst: u64, src: u64, len: u64) -> Result<(), TrapCode> {
        let src = self.range(src, len)?;
        let dst = self.range(dst, len)?;
        self.elements_mut().copy_within(src, dst.start);
        Ok(())
    }

    /// `table.copy` from another table.
    ///
    /// # Errors
    ///
    /// [`TrapCode::TableOutOfBounds`], or [`TrapCode::InvalidReference`] if the
    /// tables have different elements or stores; nothing is written then.
    pub fn copy_from(
        &mut self,
        dst: u64,
        source: &Self,
        src: u64,
        len: u64,
    ) -> Result<(), TrapCode> {
        let src = source.range(src, len)?;
        let dst = self.range(dst, len)?;
        if self.ty.element() != source.ty.element() || self.references != source.references {
            return Err(TrapCode::InvalidReference);
        }
        self.elements_mut()[dst].copy_from_slice(&source.elements()[src]);
        Ok(())
    }

    /// `table.init`: copies from an element segment (empty if it was dropped).
    ///
    /// # Errors
    ///
    /// [`TrapCode::TableOutOfBounds`] for either range, and nothing is written
    /// then; [`TrapCode::InvalidReference`] if the store has no such reference.
    pub fn init(&mut self, dst: u64, segment: &[Cell], src: u64, len: u64) -> Result<(), TrapCode> {
        let src = checked_range(src, len, segment.len())?;
        let dst = self.range(dst, len)?;
        for (index, &cell) in dst.zip(&segment[src]) {
            let element = self.encode(cell).ok_or(TrapCode::InvalidReference)?;
            self.elements_mut()[index] = element;
        }
        Ok(())
    }

    /// The greatest size that the type and the store allow.
    pub(crate) fn max_elements(&self) -> u64 {
        self.ty
            .maximum()
            .unwrap_or(u64::MAX)
            .min(self.max_elements.into())
    }

    /// The size after growing by `delta`, if the type and the store allow it.
    pub(crate) fn grown(&self, delta: u64) -> Result<u64, GrowError> {
        let (current, maximum) = (self.len as u64, self.max_elements());
        current
            .checked_add(delta)
            .filter(|&len| len <= maximum)
            .ok_or(GrowError::BeyondMaximum {
                kind: ExternKind::Table,
                current,
                delta,
                maximum,
            })
    }

    /// Whether `cell` is a reference that this table can hold.
    pub(crate) fn accepts(&self, cell: Cell) -> bool {
        self.encode(cell).is_some()
    }

    /// Grows by `delta` elements of value `init` without asking the limiter; the
    /// old size.
    pub(crate) fn grow(&mut self, delta: u64, init: Cell) -> Result<u64, GrowError> {
        let init = self.encode(init).ok_or(GrowError::InvalidReference)?;
        let old = self.len;
        let new_len = self.grown(delta)?;
        let out_of_memory = StorageError::OutOfMemory {
            requested: new_len.saturating_mul(8),
        };
        let new_len = usize::try_from(new_len).map_err(|_| out_of_memory)?;
        // SAFETY: the three parts came out of a `Vec<u64>` (module invariant; the
        // dangling pointer of `new` is that of an empty one). It is not dropped
        // here, and its parts are written back before this method returns.
        let elements = unsafe { Vec::from_raw_parts(self.elems, self.len, self.capacity) };
        let mut elements = ManuallyDrop::new(elements);
        let reserved = elements.try_reserve(new_len - old);
        if reserved.is_ok() {
            elements.resize(new_len, init);
        }
        self.elems = elements.as_mut_ptr();
        self.len = elements.len();
        self.capacity = elements.capacity();
        reserved.map_err(|_| out_of_memory)?;
        Ok(old as u64)
    }
}

fn checked_range(start: u64, len: u64, size: usize) -> Result<Range<usize>, TrapCode> {
    match start.checked_add(len) {
        // Both are at most `size`: the conversions are exact.
        Some(end) if end <= size as u64 => Ok(start as usize..end as usize),
        _ => Err(TrapCode::TableOutOfBounds),
    }
}

impl Drop for TableEntity {
    fn drop(&mut self) {
        // SAFETY: the three parts came out of a `Vec<u64>` (module invariant) and
        // nobody uses them after this.
        drop(unsafe { Vec::from_raw_parts(self.elems, self.len, self.capacity) });
    }
}

impl core::fmt::Debug for TableEntity {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("TableEntity")
            .field("handle", &self.handle)
            .field("ty", &self.ty)
            .field("size", &self.len)
            .finish_non_exhaustive()
    }
}

/// A table that may be written, see the [module documentation](self).
#[derive(Debug)]
pub struct TableMut<'a>(&'a mut TableEntity);

impl<'a> TableMut<'a> {
    pub(crate) fn new(entity: &'a mut TableEntity) -> Self {
        Self(entity)
    }

    /// Replaces the reference at `index`.
    ///
    /// # Errors
    ///
    /// [`TableError::OutOfBounds`] or [`TableError::InvalidReference`].
    pub fn set(&mut self, index: u64, value: Cell) -> Result<(), TableError> {
        self.fill(index, value, 1)
    }

    /// Sets `len` elements from `start` on to `value`.
    ///
    /// # Errors
    ///
    /// [`TableError::OutOfBounds`] or [`TableError::InvalidReference`]; nothing is
    /// written then.
    pub fn fill(&mut self, start: u64, value: Cell, len: u64) -> Result<(), TableError> {
        let (size, expected) = (self.0.len as u64, self.0.ty.element());
        self.0.fill(start, value, len).map_err(|code| match code {
            TrapCode::InvalidReference => TableError::InvalidReference {
                expected,
                found: value.to_bits(),
            },
            _ => TableError::OutOfBounds {
                index: start,
                len,
                size,
            },
        })
    }
}

impl Deref for TableMut<'_> {
    type Target = TableEntity;

    fn deref(&self) -> &TableEntity {
        self.0
    }
}

#[cfg(test)]
mod tests;
