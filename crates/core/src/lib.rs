//! Values, traps, entities and the pruned store of Damson, a WebAssembly
//! interpreter.
//!
//! This crate is what every other one stands on. It knows what a store contains
//! and what a numeric instruction computes; it knows neither bytecode nor the
//! Wasm binary format, and nothing of a store's host data but the `TypeId`.
//!
//! | Module | Holds |
//! |---|---|
//! | [`cell`], [`types`], [`trap`] | the vocabulary: value slots, types, traps |
//! | [`num`] | the semantics of every numeric instruction |
//! | [`shape`] | what a module consists of, apart from code |
//! | [`store`] | the pruned store: [`PrunedStore`], [`PrunedRef`], [`PrunedMut`] |
//! | [`handle`] | names of entities, bound to a store |
//! | [`memory`], [`table`], [`global`], [`func`], [`instance`] | the entities |
//! | [`storage`] | where the bytes of a memory live |
//! | [`instantiate`] | from a shape, code and imports to an instance |
//! | [`code`], [`entry`], [`context`] | the interface between a store and an executor |
//!
//! # Example
//!
//! A store with a memory and a host function, used without knowing its data's
//! type; and the type recovered.
//!
//! ```
//! use damson_core::{FuncType, HostFunc, MemoryType, PrunedStore, StoreConfig, ValType};
//!
//! let mut store = PrunedStore::new(String::from("host data"), StoreConfig::default());
//!
//! let memory = store.as_mut().alloc_memory(MemoryType::new(1, None))?;
//! store.as_mut().memory_mut(memory)?.write(16, b"hello")?;
//! assert_eq!(store.as_ref().memory(memory)?.data()[16..21], *b"hello");
//!
//! let ty = FuncType::new([], [ValType::I32]);
//! let wrong = HostFunc::new::<u64>(ty, |_, _| Ok(()));
//! assert!(store.as_mut().alloc_host_func(wrong).is_err());
//!
//! assert_eq!(store.into_data::<String>().map_err(|(_, error)| error)?, "host data");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![no_std]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod arena;
pub mod cell;
pub mod code;
mod const_expr;
pub mod context;
pub mod entry;
pub mod epoch;
pub mod error;
pub mod fuel;
pub mod func;
pub mod global;
pub mod handle;
pub mod instance;
pub mod instantiate;
mod limits;
pub mod memory;
pub mod num;
mod segment;
pub mod shape;
mod shape_check;
pub mod storage;
pub mod store;
pub mod table;
#[cfg(test)]
mod testing;
pub mod trap;
pub mod types;

/// Bytes that several owners share, of data segments for instance; from the crate `bytes`.
pub use bytes::Bytes;
pub use cell::{Cell, CellValue};
pub use code::CodeHandle;
pub use context::{ActiveCall, Bridge, Context, Regs, Trace};
pub use entry::CodeEntry;
pub use epoch::{Epoch, EpochBehaviour, EpochDecision, EpochFn};
pub use error::{CountExceeded, EpochDisabled, FuelDisabled, GrowError, StackError, TypeMismatch};
pub use func::{AsyncHostBody, FuncEntity, HostBody, HostCall, HostError, HostFunc, HostFuture};
pub use global::{GlobalEntity, GlobalError};
pub use handle::{
    ExternHandle, ForeignHandle, FuncHandle, GlobalHandle, Handle, InstanceHandle, MemoryHandle,
    StoreId, TableHandle,
};
pub use instance::InstanceEntity;
pub use instantiate::{ImportItem, ImportMismatch, InstantiateError, MissingImport};
pub use limits::{MemoryType, MemoryTypeBuilder, MemoryTypeError, TableType};
pub use memory::{MemoryEntity, MemoryError, MemoryMut};
pub use shape::{
    ConstExpr, ConstOp, DataDecl, ElementDecl, ElementItems, Export, GlobalDecl, Import,
    ImportType, ModuleShape, SegmentMode, ShapeError, TableDecl,
};
pub use storage::{HeapStorage, MemoryStorage, StaticStorage, StorageError};
pub use store::{
    CallHook, Counted, FuelDecision, GrowDecision, GrowFailure, GrowRequest, HostDataMut,
    HostVtable, Limiter, Local, PrunedMut, PrunedRef, PrunedStore, Sendable, StoreConfig,
};
pub use table::{TableEntity, TableError, TableMut};
pub use trap::{InvalidTrapCode, Trap, TrapCode, TrapSite};
pub use types::{
    ExternKind, ExternType, FuncType, GlobalType, MAX_PAGES, Mutability, PAGE_SIZE, RefType,
    ValType,
};
