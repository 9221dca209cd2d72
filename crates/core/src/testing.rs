#![expect(unsafe_code, reason = "makes code handles that no executor ever runs")]
//! What the unit tests of this crate share.

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::code::CodeHandle;
use crate::entry::CodeEntry;
use crate::handle::{InstanceHandle, MemoryHandle, TableHandle};
use crate::instance::InstanceEntity;
use crate::memory::MemoryEntity;
use crate::shape::ModuleShape;
use crate::store::{PrunedStore, StoreConfig};
use crate::table::TableEntity;

/// A store without anything of interest.
pub(crate) fn store() -> PrunedStore {
    PrunedStore::new((), StoreConfig::default())
}

/// Code for every function of `shape`; there is no executor that would run it.
pub(crate) fn code(shape: &Arc<ModuleShape>) -> CodeHandle {
    let len = shape.num_defined_funcs() as usize;
    let entries: Vec<CodeEntry> = (0..len).map(|_| CodeEntry::new()).collect();
    let entries = Arc::new(entries);
    let first = entries.as_ptr();
    // SAFETY: the vector stays in place inside its `Arc`, and nothing is run.
    unsafe { CodeHandle::new(entries, first, len, Arc::clone(shape)) }
}

/// Entities as an executor has them: pointers that a write is allowed through,
/// unlike those from a shared reference.
pub(crate) fn raw_memory(store: &mut PrunedStore, handle: MemoryHandle) -> *mut MemoryEntity {
    let core = store.as_mut().core_ptr();
    // SAFETY: the core is valid and borrowed by `store`.
    unsafe {
        (*core)
            .memories
            .get(handle.index() as usize)
            .unwrap()
            .as_ptr()
    }
}

/// See [`raw_memory`].
pub(crate) fn raw_table(store: &mut PrunedStore, handle: TableHandle) -> *mut TableEntity {
    let core = store.as_mut().core_ptr();
    // SAFETY: the core is valid and borrowed by `store`.
    unsafe {
        (*core)
            .tables
            .get(handle.index() as usize)
            .unwrap()
            .as_ptr()
    }
}

/// See [`raw_memory`].
pub(crate) fn raw_instance(store: &mut PrunedStore, handle: InstanceHandle) -> *mut InstanceEntity {
    let core = store.as_mut().core_ptr();
    // SAFETY: the core is valid and borrowed by `store`.
    unsafe {
        (*core)
            .instances
            .get(handle.index() as usize)
            .unwrap()
            .as_ptr()
    }
}
