#![expect(
    unsafe_code,
    reason = "adds entities to the store core through a raw pointer"
)]
//! Making and growing the entities of a store.
//!
//! Growth, and the first size as well, is put before the embedder's limiter
//! before anything changes.

use alloc::boxed::Box;
use core::any::Any;
use core::ptr::NonNull;

use super::StoreCore;
use super::borrowed::PrunedMut;
use super::vtable::{Counted, GrowDecision, GrowFailure, GrowRequest};
use crate::cell::Cell;
use crate::error::{CountExceeded, GrowError, TypeMismatch};
use crate::func::{FuncEntity, HostFunc};
use crate::global::GlobalEntity;
use crate::handle::{FuncHandle, GlobalHandle, Handle, MemoryHandle, TableHandle};
use crate::memory::{MemoryEntity, MemoryError};
use crate::storage::{HeapStorage, MemoryStorage};
use crate::table::{TableEntity, TableError};
use crate::types::{ExternKind, FuncType, GlobalType, MemoryType, PAGE_SIZE, TableType};

impl PrunedMut<'_> {
    /// Adds a memory, in what [`StoreConfig::memory_storage`](super::StoreConfig::memory_storage)
    /// makes for it or on the heap.
    ///
    /// # Errors
    ///
    /// [`MemoryError`] if the type is impossible, the limiter refuses, or there is
    /// no room.
    pub fn alloc_memory(&mut self, ty: MemoryType) -> Result<MemoryHandle, MemoryError> {
        let storage = self.make_storage(ty)?;
        self.alloc_memory_with(ty, storage)
    }

    /// Adds a memory in `storage`, which grows to the minimum of `ty`. Bytes that
    /// the storage already has are kept; they must be whole pages.
    ///
    /// # Errors
    ///
    /// As for [`alloc_memory`](Self::alloc_memory).
    pub fn alloc_memory_with(
        &mut self,
        ty: MemoryType,
        storage: Box<dyn MemoryStorage>,
    ) -> Result<MemoryHandle, MemoryError> {
        let memory = self.new_memory(ty, storage, 0)?;
        let handle = memory.handle();
        self.push_memory(memory);
        Ok(handle)
    }

    /// Adds a table with all elements set to `init`.
    ///
    /// # Errors
    ///
    /// [`TableError`] if the type is impossible, the limiter refuses, there is no
    /// room, or `init` is no reference that the table can hold.
    pub fn alloc_table(&mut self, ty: TableType, init: Cell) -> Result<TableHandle, TableError> {
        let table = self.new_table(ty, 0, init)?;
        let handle = table.handle();
        self.push_table(table);
        Ok(handle)
    }

    /// Adds a global.
    pub fn alloc_global(&mut self, ty: GlobalType, value: Cell) -> GlobalHandle {
        let id = self.id();
        // SAFETY: the core is valid and used through this borrow only.
        let globals = unsafe { &mut (*self.core()).globals };
        let handle = Handle::new(id, globals.next_index());
        globals.push(GlobalEntity::new(ty, value, handle));
        handle
    }

    /// Links a host function into this store. The type of host data that it was
    /// made for is compared with the store's here, once and for all.
    ///
    /// # Errors
    ///
    /// [`TypeMismatch`] if it was made for other host data.
    pub fn alloc_host_func(&mut self, func: HostFunc) -> Result<FuncHandle, TypeMismatch> {
        self.check_host_func(&func)?;
        let func = self.push_host_func(func);
        // SAFETY: just pushed; functions are never written.
        Ok(unsafe { func.as_ref() }.handle())
    }

    /// Checks that a host function was made for this store's host data.
    pub(crate) fn check_host_func(&mut self, func: &HostFunc) -> Result<(), TypeMismatch> {
        // SAFETY: the core is valid and used through this borrow only.
        let data = unsafe { &(*self.core()).data };
        if let Some((type_id, expected)) = func.data
            && type_id != data.type_id()
        {
            return Err(TypeMismatch {
                expected,
                found: data.type_name(),
            });
        }
        Ok(())
    }

    /// Puts a host function that was checked into the store.
    pub(crate) fn push_host_func(&mut self, func: HostFunc) -> NonNull<FuncEntity> {
        let type_id = self.intern_type(&func.ty);
        let handle = self.next_func();
        self.push_func(FuncEntity::host(func.ty, type_id, handle, func.body))
    }

    /// Gives the store an object that Wasm can refer to. It is dropped with the
    /// store.
    pub fn alloc_extern(&mut self, object: Box<dyn Any + Send + Sync>) -> Cell {
        // SAFETY: the core is valid and used through this borrow only.
        unsafe { (*self.core()).references.push_extern(object) }
    }

    /// The number of a function type in this store.
    ///
    /// # Panics
    ///
    /// After 2³² different types, which need hundreds of gigabytes before.
    pub fn intern_type(&mut self, ty: &FuncType) -> u32 {
        // SAFETY: the core is valid and used through this borrow only.
        let types = unsafe { &mut (*self.core()).types };
        if let Some(&number) = types.get(ty) {
            return number;
        }
        let number = u32::try_from(types.len()).expect("less than 2^32 function types");
        types.insert(ty.clone(), number);
        number
    }

    /// `memory.grow`: adds `delta` pages; returns the old size in pages.
    ///
    /// An executor that runs in this store has to take the base and limits of the
    /// memory anew.
    ///
    /// # Errors
    ///
    /// [`GrowError`]; the memory is as before then.
    pub fn grow_memory(&mut self, handle: MemoryHandle, delta: u64) -> Result<u64, GrowError> {
        let memory = self.memory(handle)?;
        let (kind, ty) = (ExternKind::Memory, memory.ty());
        let old = memory.pages();
        if delta == 0 {
            return Ok(old);
        }
        let desired = memory.grown(delta)?;
        self.ask_limiter(kind, old, desired, ty.maximum(), PAGE_SIZE as u64)?;
        let id = self.id();
        // SAFETY: the core is valid and used through this borrow only.
        let memories = unsafe { &mut (*self.core()).memories };
        let index = handle.index_in(id)?;
        // SAFETY: entities are valid, and used through this borrow only.
        let memory = unsafe { memories.get(index).expect("found above").as_mut() };
        let result = memory.grow(delta);
        self.tell_failure(kind, result)
    }

    /// `table.grow`: adds `delta` elements of value `init`; returns the old size.
    ///
    /// # Errors
    ///
    /// [`GrowError`]; the table is as before then.
    pub fn grow_table(
        &mut self,
        handle: TableHandle,
        delta: u64,
        init: Cell,
    ) -> Result<u64, GrowError> {
        let table = self.table(handle)?;
        let (kind, ty) = (ExternKind::Table, table.ty());
        if !table.accepts(init) {
            return Err(GrowError::InvalidReference);
        }
        let old = table.size().into();
        if delta == 0 {
            return Ok(old);
        }
        let desired = table.grown(delta)?;
        self.ask_limiter(kind, old, desired, ty.maximum(), 1)?;
        let id = self.id();
        // SAFETY: the core is valid and used through this borrow only.
        let tables = unsafe { &mut (*self.core()).tables };
        let index = handle.index_in(id)?;
        // SAFETY: entities are valid, and used through this borrow only.
        let table = unsafe { tables.get(index).expect("found above").as_mut() };
        let result = table.grow(delta, init);
        self.tell_failure(kind, result)
    }

    /// `table.copy`: copies `len` elements from one table to another, or within one.
    ///
    /// # Errors
    ///
    /// [`TableError`] if a range lies outside its table, or the tables hold different
    /// elements; nothing is written then.
    pub fn copy_table(
        &mut self,
        (dst_table, dst): (TableHandle, u64),
        (src_table, src): (TableHandle, u64),
        len: u64,
    ) -> Result<(), TableError> {
        let (to, from) = (self.table(dst_table)?, self.table(src_table)?);
        let (expected, found) = (to.ty().element(), from.ty().element());
        if expected != found {
            return Err(TableError::ElementTypeMismatch { expected, found });
        }
        for (table, index) in [(to, dst), (from, src)] {
            let size = table.size().into();
            if index.checked_add(len).is_none_or(|end| end > size) {
                return Err(TableError::OutOfBounds { index, len, size });
            }
        }
        let id = self.id();
        let (dst_index, src_index) = (dst_table.index_in(id)?, src_table.index_in(id)?);
        // SAFETY: the core is valid and used through this borrow only.
        let tables = unsafe { &mut (*self.core()).tables };
        let mut to = tables.get(dst_index).expect("found above");
        let from = tables.get(src_index).expect("found above");
        // SAFETY: entities are valid, and used through this borrow only; in the second
        // case they are different ones.
        let copied = unsafe {
            if dst_index == src_index {
                to.as_mut().copy_within(dst, src, len)
            } else {
                to.as_mut().copy_from(dst, from.as_ref(), src, len)
            }
        };
        copied.expect("ranges and elements were checked above");
        Ok(())
    }

    /// Puts a growth before the limiter; sizes count units of `unit`.
    fn ask_limiter(
        &mut self,
        kind: ExternKind,
        current: u64,
        desired: u64,
        maximum: Option<u64>,
        unit: u64,
    ) -> Result<(), GrowError> {
        let core = self.core();
        // SAFETY: the core is valid and used through this borrow only; the fields
        // are distinct, and the hook does not get the store.
        let (vtable, data) = unsafe { (&mut (*core).vtable, &mut (*core).data) };
        let Some(limiter) = &mut vtable.limiter else {
            return Ok(());
        };
        let request = GrowRequest {
            kind,
            current: current.saturating_mul(unit),
            desired: desired.saturating_mul(unit),
            maximum: maximum.map(|maximum| maximum.saturating_mul(unit)),
        };
        match limiter.growing(data.as_mut(), request) {
            GrowDecision::Allow => Ok(()),
            GrowDecision::Deny => Err(GrowError::Denied { kind }),
            GrowDecision::Trap => Err(GrowError::DeniedWithTrap { kind }),
        }
    }

    /// Tells the embedder if a growth failed that it had allowed.
    fn tell_failure<V>(
        &mut self,
        kind: ExternKind,
        result: Result<V, GrowError>,
    ) -> Result<V, GrowError> {
        if let Err(error) = &result {
            let core = self.core();
            // SAFETY: as in `ask_limiter`.
            let (vtable, data) = unsafe { (&mut (*core).vtable, &mut (*core).data) };
            if let Some(limiter) = &mut vtable.limiter
                && limiter.grow_failed(data.as_mut(), kind, error) == GrowFailure::Trap
                && let GrowError::Storage(error) = *error
            {
                return Err(GrowError::StorageWithTrap(error));
            }
        }
        result
    }

    /// Checks that the limiter allows `more` entities of a kind.
    pub(crate) fn check_count(
        &mut self,
        counted: Counted,
        more: usize,
    ) -> Result<(), CountExceeded> {
        let core = self.core();
        // SAFETY: as in `ask_limiter`.
        let (vtable, data) = unsafe { (&mut (*core).vtable, &mut (*core).data) };
        let Some(limiter) = &mut vtable.limiter else {
            return Ok(());
        };
        let limit = limiter.max_count(data.as_mut(), counted);
        // SAFETY: as in `ask_limiter`.
        let present = unsafe {
            match counted {
                Counted::Instances => (*core).instances.next_index(),
                Counted::Tables => (*core).tables.next_index(),
                Counted::Memories => (*core).memories.next_index(),
            }
        };
        let wanted = (present as usize).saturating_add(more);
        if wanted <= limit {
            Ok(())
        } else {
            Err(CountExceeded {
                counted,
                limit,
                wanted,
            })
        }
    }

    /// What a memory is kept in, unless the host says otherwise.
    pub(crate) fn make_storage(
        &mut self,
        ty: MemoryType,
    ) -> Result<Box<dyn MemoryStorage>, MemoryError> {
        // SAFETY: the core is valid and used through this borrow only.
        match unsafe { &(*self.core()).memory_storage } {
            None => Ok(Box::new(HeapStorage::new())),
            Some(make) => make(ty).map_err(|error| {
                let source = error.into();
                MemoryError::Allocation { ty, source }
            }),
        }
    }

    /// A memory that is not in the store yet. It will be if the caller pushes
    /// `ahead` other memories and then this one.
    pub(crate) fn new_memory(
        &mut self,
        ty: MemoryType,
        storage: Box<dyn MemoryStorage>,
        ahead: u32,
    ) -> Result<MemoryEntity, MemoryError> {
        let id = self.id();
        // SAFETY: the core is valid and used through this borrow only.
        let index = unsafe { (*self.core()).memories.next_index_after(ahead) };
        self.check_count(Counted::Memories, ahead as usize + 1)?;
        let mut memory = MemoryEntity::new(ty, Handle::new(id, index), storage)?;
        let initial = memory.pages().max(ty.minimum());
        let kind = ExternKind::Memory;
        self.ask_limiter(kind, 0, initial, ty.maximum(), PAGE_SIZE as u64)
            .and_then(|()| {
                let result = memory.grow(initial - memory.pages());
                self.tell_failure(kind, result)
            })
            .map_err(|source| MemoryError::Allocation { ty, source })?;
        Ok(memory)
    }

    /// A table that is not in the store yet, see [`Self::new_memory`].
    pub(crate) fn new_table(
        &mut self,
        ty: TableType,
        ahead: u32,
        init: Cell,
    ) -> Result<TableEntity, TableError> {
        self.check_count(Counted::Tables, ahead as usize + 1)?;
        let (id, core) = (self.id(), self.core());
        // SAFETY: the core is valid and used through this borrow only.
        let (index, max_elements) = unsafe {
            (
                (*core).tables.next_index_after(ahead),
                (*core).max_table_elements,
            )
        };
        // SAFETY: the references belong to this store, which will own the table,
        // and stay in place with the core. They change in methods of `PrunedMut`
        // only, while no reference to a table is alive.
        let mut table = unsafe {
            let references = NonNull::new_unchecked(&raw mut (*core).references);
            TableEntity::new(ty, Handle::new(id, index), max_elements, references)?
        };
        if !table.accepts(init) {
            return Err(TableError::InvalidReference {
                expected: ty.element(),
                found: init.to_bits(),
            });
        }
        let (kind, initial) = (ExternKind::Table, ty.minimum());
        table
            .grown(initial)
            .and_then(|_| self.ask_limiter(kind, 0, initial, ty.maximum(), 1))
            .and_then(|()| {
                let result = table.grow(initial, init);
                self.tell_failure(kind, result)
            })
            .map_err(|source| TableError::Allocation { ty, source })?;
        Ok(table)
    }

    /// The handle that the next function will get.
    pub(crate) fn next_func(&mut self) -> FuncHandle {
        let id = self.id();
        // SAFETY: the core is valid and used through this borrow only.
        Handle::new(id, unsafe { (*self.core()).references.funcs.next_index() })
    }

    pub(crate) fn push_memory(&mut self, memory: MemoryEntity) -> NonNull<MemoryEntity> {
        // SAFETY: the core is valid and used through this borrow only.
        unsafe { (*self.core()).memories.push(memory) }
    }

    pub(crate) fn push_table(&mut self, table: TableEntity) -> NonNull<TableEntity> {
        // SAFETY: the core is valid and used through this borrow only.
        unsafe { (*self.core()).tables.push(table) }
    }

    pub(crate) fn push_func(&mut self, func: FuncEntity) -> NonNull<FuncEntity> {
        // SAFETY: the core is valid and used through this borrow only.
        unsafe { (*self.core()).references.funcs.push(func) }
    }

    /// The core, for instantiation.
    pub(crate) fn core_ptr(&mut self) -> *mut StoreCore {
        self.core()
    }
}
