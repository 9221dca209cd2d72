#![expect(
    unsafe_code,
    reason = "follows the pointers to the entities of its store"
)]
//! Module instances (specification, section 4.2.5).
//!
//! # Invariants
//!
//! - The public pointers point to arrays which the entity owns, with as many
//!   elements as the index space of the same name in [`InstanceEntity::shape`]
//!   has (`type_ids`: as its `types`, `code`: as functions are defined), and
//!   which are never moved or written. What they point at belongs to the same
//!   store and is never moved or removed.
//! - The entity itself is never moved while its store lives. Only its segments
//!   are ever written, through a pointer to it that comes from the store.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::ptr;

use crate::arena::PinnedArray;
use crate::cell::Cell;
use crate::code::CodeHandle;
use crate::entry::CodeEntry;
use crate::func::FuncEntity;
use crate::global::GlobalEntity;
use crate::handle::{ExternHandle, InstanceHandle};
use crate::memory::MemoryEntity;
use crate::segment::Segments;
use crate::shape::{Export, ModuleShape};
use crate::table::TableEntity;
use crate::types::ExternKind;

/// An instance of a module.
#[repr(C)]
pub struct InstanceEntity {
    /// The entries of the functions that the module defines.
    pub code: *const CodeEntry,
    /// The values of the globals.
    pub globals: *const *mut Cell,
    /// The memories.
    pub memories: *const *mut MemoryEntity,
    /// The tables.
    pub tables: *const *mut TableEntity,
    /// The functions.
    pub funcs: *const *mut FuncEntity,
    /// The numbers in the store of the module's function types.
    pub type_ids: *const u32,
    arrays: Arrays,
    handle: InstanceHandle,
    shape: Arc<ModuleShape>,
    code_handle: CodeHandle,
    segments: Segments,
    /// The indices of the exports, in the order of their names.
    by_name: Box<[u32]>,
}

/// The owners of the arrays that an instance points to.
pub(crate) struct Arrays {
    pub(crate) globals: PinnedArray<*mut GlobalEntity>,
    /// The address of each global's value.
    pub(crate) global_values: PinnedArray<*mut Cell>,
    pub(crate) memories: PinnedArray<*mut MemoryEntity>,
    pub(crate) tables: PinnedArray<*mut TableEntity>,
    pub(crate) funcs: PinnedArray<*mut FuncEntity>,
    pub(crate) type_ids: PinnedArray<u32>,
}

/// The indices of `exports` in the order of their names.
pub(crate) fn sort_exports(exports: &[Export]) -> Box<[u32]> {
    let mut order: Vec<u32> = (0..exports.len() as u32).collect();
    order.sort_unstable_by(|&a, &b| exports[a as usize].name.cmp(&exports[b as usize].name));
    order.into()
}

impl InstanceEntity {
    /// An instance whose index spaces are empty until [`Self::complete`]: its
    /// functions point to it, so they are made after it.
    pub(crate) fn new(
        handle: InstanceHandle,
        shape: Arc<ModuleShape>,
        code_handle: CodeHandle,
    ) -> Self {
        let by_name = sort_exports(&shape.exports);
        let arrays = Arrays {
            globals: PinnedArray::new([]),
            global_values: PinnedArray::new([]),
            memories: PinnedArray::new([]),
            tables: PinnedArray::new([]),
            funcs: PinnedArray::new([]),
            type_ids: PinnedArray::new([]),
        };
        Self {
            code: code_handle.entries(),
            globals: arrays.global_values.as_ptr(),
            memories: arrays.memories.as_ptr(),
            tables: arrays.tables.as_ptr(),
            funcs: arrays.funcs.as_ptr(),
            type_ids: arrays.type_ids.as_ptr(),
            arrays,
            handle,
            shape,
            code_handle,
            segments: Segments::default(),
            by_name,
        }
    }

    /// Sets the index spaces: as many of each as the shape has.
    pub(crate) fn complete(&mut self, arrays: Arrays) {
        debug_assert_eq!(
            arrays.global_values.as_slice().len(),
            self.shape.globals.len()
        );
        debug_assert_eq!(arrays.memories.as_slice().len(), self.shape.memories.len());
        debug_assert_eq!(arrays.tables.as_slice().len(), self.shape.tables.len());
        debug_assert_eq!(arrays.funcs.as_slice().len(), self.shape.funcs.len());
        debug_assert_eq!(arrays.type_ids.as_slice().len(), self.shape.types.len());
        self.globals = arrays.global_values.as_ptr();
        self.memories = arrays.memories.as_ptr();
        self.tables = arrays.tables.as_ptr();
        self.funcs = arrays.funcs.as_ptr();
        self.type_ids = arrays.type_ids.as_ptr();
        self.arrays = arrays;
    }

    /// Sets the segments; returns them to be copied.
    pub(crate) fn set_segments(&mut self, segments: Segments) -> &mut Segments {
        self.segments = segments;
        &mut self.segments
    }

    /// The handle that names this instance.
    #[must_use]
    pub const fn handle(&self) -> InstanceHandle {
        self.handle
    }

    /// The module.
    #[must_use]
    pub const fn shape(&self) -> &Arc<ModuleShape> {
        &self.shape
    }

    /// The code of the module.
    #[must_use]
    pub const fn code_handle(&self) -> &CodeHandle {
        &self.code_handle
    }

    fn resolve(&self, kind: ExternKind, index: u32) -> Option<ExternHandle> {
        let (arrays, index) = (&self.arrays, index as usize);
        // SAFETY: the entities that an instance points at live as long as it does
        // (module invariant), and nobody writes them while the store is borrowed
        // for this shared reference to the instance.
        unsafe {
            Some(match kind {
                ExternKind::Func => (**arrays.funcs.as_slice().get(index)?).handle().into(),
                ExternKind::Table => (**arrays.tables.as_slice().get(index)?).handle().into(),
                ExternKind::Memory => (**arrays.memories.as_slice().get(index)?).handle().into(),
                ExternKind::Global => (**arrays.globals.as_slice().get(index)?).handle().into(),
            })
        }
    }

    /// What is exported under `name`.
    #[must_use]
    pub fn export(&self, name: &str) -> Option<ExternHandle> {
        let exports = &self.shape.exports;
        let found = self
            .by_name
            .binary_search_by(|&index| (*exports[index as usize].name).cmp(name))
            .ok()?;
        let export = &exports[self.by_name[found] as usize];
        self.resolve(export.kind, export.index)
    }

    /// All exports, in their order in the module.
    pub fn exports(&self) -> impl Iterator<Item = (&str, ExternHandle)> {
        self.shape
            .exports
            .iter()
            .filter_map(|export| Some((&*export.name, self.resolve(export.kind, export.index)?)))
    }

    /// Function `index` of the function index space.
    #[must_use]
    pub fn func(&self, index: u32) -> Option<&FuncEntity> {
        let func = *self.arrays.funcs.as_slice().get(index as usize)?;
        // SAFETY: functions live as long as the instance and are never written.
        Some(unsafe { &*func })
    }

    /// Memory `index` of the memory index space; null if there is none.
    #[must_use]
    pub fn memory(&self, index: u32) -> *mut MemoryEntity {
        self.arrays
            .memories
            .as_slice()
            .get(index as usize)
            .copied()
            .unwrap_or(ptr::null_mut())
    }

    /// Table `index` of the table index space; null if there is none.
    #[must_use]
    pub fn table(&self, index: u32) -> *mut TableEntity {
        self.arrays
            .tables
            .as_slice()
            .get(index as usize)
            .copied()
            .unwrap_or(ptr::null_mut())
    }

    /// The bytes of a data segment; empty if it was dropped.
    #[must_use]
    pub fn data_segment(&self, index: u32) -> &[u8] {
        self.segments.data(index)
    }

    /// `data.drop`
    pub fn drop_data(&mut self, index: u32) {
        self.segments.drop_data(index);
    }

    /// The references of an element segment; empty if it was dropped.
    #[must_use]
    pub fn element_segment(&self, index: u32) -> &[Cell] {
        self.segments.elements(index)
    }

    /// `elem.drop`
    pub fn drop_element(&mut self, index: u32) {
        self.segments.drop_elements(index);
    }
}

impl fmt::Debug for InstanceEntity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InstanceEntity")
            .field("handle", &self.handle())
            .finish_non_exhaustive()
    }
}
