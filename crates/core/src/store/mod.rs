//! The pruned store.
//!
//! A store belongs to an embedder, who keeps data of a type `T` in it, and to
//! Wasm, which knows nothing of `T`. Here, `T` is *pruned*: the store keeps its
//! data behind an erased pointer together with the [`TypeId`](core::any::TypeId)
//! and the name of the type, and everything that works on a store (executor,
//! foreign languages, plugins) is compiled once, for the erased form. A typed
//! store is a view of this one; there is no second representation that the two
//! have to agree on.
//!
//! # The three types
//!
//! | Type | Is |
//! |---|---|
//! | [`PrunedStore`] | the owner: frees the core, gives the data back by value |
//! | [`PrunedRef`] | a shared borrow of the core |
//! | [`PrunedMut`] | an exclusive borrow of the core |
//!
//! The borrowed handles are opaque. If they were references to a sized store,
//! `mem::swap` on two of them would exchange stores of different `T` under their
//! typed views. Host functions get borrowed handles only: an owner that could
//! be reached while Wasm runs could be dropped under the executor.
//!
//! # Invariants
//!
//! - **One core, one address.** The core is a heap allocation held through a raw
//!   pointer from its creation to its end. Nobody makes a reference to the whole
//!   of it: methods borrow the fields that they need, so that the executor's raw
//!   pointer to the [`Context`] field stays good across them.
//! - **Entities stay.** Each is a heap value of its own that is neither moved nor
//!   removed while the store lives. References to them come from a borrowed
//!   handle and end with its borrow.
//! - **The data's type is fixed** at creation and checked at each recovery, by an
//!   ordinary comparison in every build profile.
//! - **Nothing runs with half a store.** Hooks and destructors get the host data
//!   at most, never the store, so they cannot come back into it. (What is asked at
//!   an epoch's deadline is no hook: it is called like a host function.)
//!
//! # End of a store
//!
//! Everything is dropped once: the host data first, then hooks, instances,
//! functions with their host closures, extern objects, storages. A destructor
//! that panics does not keep the others from running (a second panic meanwhile
//! aborts the process, as everywhere in Rust).
//!
//! # Not done here
//!
//! Garbage collection (an extern object lives as long as its store), running
//! code, and anything typed by `T` beyond recovering it.

mod borrowed;
mod config;
mod data;
mod entities;
mod owned;
mod references;
pub mod vtable;

pub use borrowed::{PrunedMut, PrunedRef};
pub use config::{MakeStorage, StoreConfig};
pub use data::HostDataMut;
pub use owned::{Local, PrunedStore, Sendable};
pub(crate) use references::References;
pub use vtable::{
    CallHook, CallHookFn, Counted, FuelDecision, FuelFn, GrowDecision, GrowFailure, GrowRequest,
    HOST_VTABLE_VERSION, HostVtable, Limiter,
};

use alloc::sync::Arc;
use core::any::Any;

use hashbrown::HashMap;

use self::data::HostData;
use crate::arena::Arena;
use crate::context::Context;
use crate::epoch::{Epoch, EpochBehaviour};
use crate::global::GlobalEntity;
use crate::handle::StoreId;
use crate::instance::InstanceEntity;
use crate::memory::MemoryEntity;
use crate::table::TableEntity;
use crate::types::FuncType;

/// What a store is. Fields are dropped in this order.
pub(crate) struct StoreCore {
    pub(crate) context: Context,
    pub(crate) id: StoreId,
    pub(crate) data: HostData,
    pub(crate) vtable: HostVtable,
    pub(crate) instances: Arena<InstanceEntity>,
    pub(crate) references: References,
    pub(crate) memories: Arena<MemoryEntity>,
    pub(crate) tables: Arena<TableEntity>,
    pub(crate) globals: Arena<GlobalEntity>,
    /// Numbers the function types of this store, so that equal types of different
    /// modules have equal numbers.
    pub(crate) types: HashMap<FuncType, u32>,
    pub(crate) max_table_elements: u32,
    pub(crate) memory_storage: Option<MakeStorage>,
    pub(crate) embedder: Option<Arc<dyn Any + Send + Sync>>,
    /// Keeps alive what the context points to.
    pub(crate) epoch: Option<Arc<Epoch>>,
    pub(crate) epoch_behaviour: EpochBehaviour,
    /// Whether the behaviour is a function that runs now, and has not been replaced: it is to
    /// be put back.
    pub(crate) epoch_behaviour_is_out: bool,
}

impl StoreCore {
    fn new(data: HostData, config: StoreConfig) -> Self {
        let mut context = Context::new(
            config.stack_bytes,
            config.max_call_depth,
            config.max_host_nesting,
            config.fuel,
        );
        context.trace.limit = config.max_trace;
        if let Some(epoch) = &config.epoch {
            context.epoch = Arc::as_ptr(epoch);
            context.epoch_deadline = 0;
        }
        Self {
            context,
            id: StoreId::unique(),
            data,
            vtable: config.vtable,
            instances: Arena::new(),
            references: References::new(),
            memories: Arena::new(),
            tables: Arena::new(),
            globals: Arena::new(),
            types: HashMap::new(),
            max_table_elements: config.max_table_elements,
            memory_storage: config.memory_storage,
            embedder: config.embedder,
            epoch: config.epoch,
            epoch_behaviour: EpochBehaviour::default(),
            epoch_behaviour_is_out: false,
        }
    }
}
