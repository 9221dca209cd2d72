//! What can be chosen when a store is made.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::any::Any;
use core::fmt;

use super::vtable::HostVtable;
use crate::epoch::Epoch;
use crate::limits::MemoryType;
use crate::storage::{MemoryStorage, StorageError};

/// Makes the storage of one memory, empty or at a size that its type allows.
pub type MakeStorage =
    Arc<dyn Fn(MemoryType) -> Result<Box<dyn MemoryStorage>, StorageError> + Send + Sync>;

/// The configuration of a store.
#[non_exhaustive]
pub struct StoreConfig {
    /// The size of the value stack in bytes, rounded down to whole cells. It is
    /// allocated when the first function is called. Default: 1 MiB.
    pub stack_bytes: usize,
    /// How deep calls may nest. Default: 10,000.
    pub max_call_depth: u32,
    /// How deep calls that the host makes may nest, of Wasm and of host functions:
    /// each takes native stack. Default: 100.
    pub max_host_nesting: u32,
    /// The greatest size of a table. Default: 10,000,000 elements (80 MB).
    pub max_table_elements: u32,
    /// The initial fuel; `None`, the default, disables metering. Fuel is taken by
    /// instructions, so it bounds metered code only: an executor's map for stores that
    /// meter takes no other.
    pub fuel: Option<u64>,
    /// How many of the calls that are active when a call fails are recorded, at most,
    /// the innermost ones. Default: 20.
    pub max_trace: u32,
    /// Makes what memories are kept in; `None`, the default, stands for
    /// [`HeapStorage`](crate::HeapStorage).
    pub memory_storage: Option<MakeStorage>,
    /// The epoch that the deadline is compared with; code that looks at it stops
    /// at once until a deadline is set. `None`, the default: there is no deadline.
    pub epoch: Option<Arc<Epoch>>,
    /// Something of the embedder's, for [`PrunedRef::embedder`](super::PrunedRef::embedder).
    pub embedder: Option<Arc<dyn Any + Send + Sync>>,
    /// The hooks. Default: none.
    pub vtable: HostVtable,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            stack_bytes: 1 << 20,
            max_call_depth: 10_000,
            max_host_nesting: 100,
            max_table_elements: 10_000_000,
            fuel: None,
            max_trace: 20,
            memory_storage: None,
            epoch: None,
            embedder: None,
            vtable: HostVtable::default(),
        }
    }
}

impl fmt::Debug for StoreConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreConfig")
            .field("stack_bytes", &self.stack_bytes)
            .field("max_call_depth", &self.max_call_depth)
            .field("max_host_nesting", &self.max_host_nesting)
            .field("max_table_elements", &self.max_table_elements)
            .field("fuel", &self.fuel)
            .field("max_trace", &self.max_trace)
            .field("memory_storage", &self.memory_storage.is_some())
            .field("epoch", &self.epoch)
            .field("vtable", &self.vtable)
            .finish_non_exhaustive()
    }
}
