//! Damson, a WebAssembly interpreter for embedding.
//!
//! This crate is the typed façade: an [`Engine`] holds the configuration, a
//! [`Module`] is a validated program, a [`Store<T>`] owns everything that runs and
//! the host's own data of type `T`, a [`Linker<T>`] names what a module may import.
//!
//! ```
//! use damson::{Caller, Engine, Linker, Module, Store};
//!
//! # #[cfg(feature = "wat")]
//! # fn main() -> Result<(), damson::Error> {
//! let engine = Engine::default();
//! let module = Module::new(&engine, r#"
//!     (module
//!       (import "host" "add_total" (func $add_total (param i32)))
//!       (func (export "run") (param i32)
//!         (call $add_total (local.get 0))
//!         (call $add_total (i32.const 2))))
//! "#)?;
//!
//! let mut linker = Linker::new(&engine);
//! linker.func_wrap("host", "add_total", |mut caller: Caller<'_, i64>, n: i32| {
//!     *caller.data_mut() += i64::from(n);
//! })?;
//!
//! let mut store = Store::new(&engine, 0_i64);
//! let instance = linker.instantiate_and_start(&mut store, &module)?;
//! let run = instance.get_typed_func::<i32, ()>(&store, "run")?;
//! run.call(&mut store, 40)?;
//! assert_eq!(*store.data(), 42);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "wat"))]
//! # fn main() {}
//! ```
//!
//! # The pruned store
//!
//! Everything below this crate works on a store whose `T` is erased. `Store<T>` is
//! a typed view of such a [`PrunedStore`]: [`Store::prune`] gives up the type,
//! [`PrunedStore::try_into_store`] recovers it with a check. What does not need the
//! host's data (instantiating, calling, memory, fuel) works on a pruned store too,
//! because a pruned store is a context like any other, with [`Erased`] for its data.
//!
//! # Names
//!
//! Names and shapes follow wasmi 2.0 and, where that has none, Wasmtime, so that
//! programs written for either need few edits. Handles ([`Func`], [`Memory`], ...)
//! are small copyable values that belong to one store; using one with another store
//! is an error that names both, except in the accessors that document a panic.
//!
//! # Features
//!
//! | Feature | Default | Effect |
//! |---|---|---|
//! | `std` | yes | uses the standard library; without it the crate needs `alloc` only |
//! | `wat` | yes | [`Module::new`] also accepts the text format; costs the parser `wat` |
//! | `addr2line` | no | backtraces have file and line where the module has DWARF; costs `addr2line` and `gimli`, and `std` |
//! | `demangle` | no | backtraces show names of Rust and C++ functions as in the source; costs `rustc-demangle` and `cpp_demangle` |
//! | `virtual-memory` | no | [`storage`]`::ReservedStorage`: memories that grow in place; costs `memmap2` |
//! | `compact` | no | most fused instructions are left out: the interpreter is smaller and slower, and faster to build |
//! | `portable-dispatch` | no | the portable dispatch loop, also where tail calls are available |
#![no_std]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod backtrace;
mod config;
mod engine;
mod error;
mod externals;
mod foreign;
mod func;
mod global;
mod instance;
mod limiter;
mod linker;
mod memory;
mod module;
mod store;
mod table;
mod value;

/// The errors of the single operations, as found in an [`ErrorKind`](errors::ErrorKind).
pub mod errors {
    pub use crate::error::{
        CompilationError, EngineMismatch, ErrorKind, FuelError, FuncError, GlobalError, HostError,
        LinkerError,
    };
    pub use damson_core::{
        CountExceeded, ForeignHandle, GrowError, ImportMismatch,
        InstantiateError as InstantiationError, InvalidTrapCode, MemoryError, MemoryTypeError,
        MissingImport, TableError, TypeMismatch,
    };
    pub use damson_translator::{EnforcedLimitsError, Error as WasmError};

    pub use crate::limiter::LimiterError;
}

pub use self::backtrace::{FrameInfo, FrameSymbol, WasmBacktrace};
pub use self::config::{CompilationMode, Config};
pub use self::engine::{Engine, EngineWeak};
pub use self::error::Error;
pub use self::externals::{Export, ExportsIter, Extern};
pub use self::foreign::{Finalizer, ForeignData};
pub use self::func::{
    Caller, Func, IntoFunc, ResumableCall, ResumableCallHostTrap, ResumableCallOutOfFuel,
    TypedFunc, TypedResumableCall, TypedResumableCallHostTrap, TypedResumableCallOutOfFuel,
    WasmParams, WasmResults, WasmRet, WasmTy, WasmTyList,
};
pub use self::global::Global;
pub use self::instance::Instance;
pub use self::limiter::{ResourceLimiter, StoreLimits, StoreLimitsBuilder};
pub use self::linker::{InstancePre, Linker};
pub use self::memory::Memory;
pub use self::module::{
    CustomSection, CustomSectionsIter, DisassembledInstr, Disassembly, ExportType, ImportType,
    Module, ModuleExportsIter, ModuleImportsIter,
};
pub use self::store::{
    AsContext, AsContextMut, Erased, PrunedMut, PrunedRef, PrunedStore, Store, StoreContext,
    StoreContextMut, UpdateDeadline,
};
pub use self::table::Table;
pub use self::value::{ExternRef, F32, F64, Nullable, Ref, Val};
/// The number of the costs in fuel; it is raised when a program's cost changes.
pub use damson_core::fuel::VERSION as FUEL_COSTS_VERSION;
pub use damson_core::{
    Bytes, CallHook, Cell, ExternType, FuncType, GlobalType, Local, MemoryType, MemoryTypeBuilder,
    Mutability, RefType, Sendable, TableType, Trap, TrapCode, TrapSite, TypeMismatch, ValType,
};
pub use damson_translator::{AvgBytesPerFunctionLimit, EnforcedLimits};

/// Where the bytes of memories live: on the heap, in a buffer of the caller, in reserved
/// address space (feature `virtual-memory`), or in what the embedder implements.
///
/// [`Config::memory_storage`] chooses for the memories of instances,
/// [`Memory::with_storage`] for one of the host. Loads and stores use the address and
/// length that the memory keeps, whatever the storage is: it is asked when the memory is
/// made and when it grows.
pub mod storage {
    pub use damson_core::storage::*;
}

/// Compiles and runs the code of the guides.
#[cfg(all(doctest, feature = "wat"))]
mod guides {
    #[doc = include_str!("../../../docs/usage.md")]
    struct Usage;
    #[doc = include_str!("../../../docs/migrating-from-wasmi.md")]
    struct FromWasmi;
    #[doc = include_str!("../../../docs/migrating-from-wasmtime.md")]
    struct FromWasmtime;
}
