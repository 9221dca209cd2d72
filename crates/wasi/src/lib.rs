//! WASI preview 1 for the Damson WebAssembly interpreter.
//!
//! A *command module* is a program: it exports `_start` and its memory, and
//! asks the system for arguments, environment, streams, time and random numbers
//! through the functions of `wasi_snapshot_preview1`. This crate defines them:
//!
//! ```
//! use damson::{Engine, Linker, Module, Store};
//! use damson_wasi::{OutputPipe, WasiCtx, WasiCtxBuilder};
//!
//! let engine = Engine::default();
//! let module = Module::new(&engine, r#"
//!     (module
//!       (import "wasi_snapshot_preview1" "fd_write"
//!         (func $fd_write (param i32 i32 i32 i32) (result i32)))
//!       (memory (export "memory") 1)
//!       (data (i32.const 0) "\08\00\00\00\06\00\00\00hello\n")
//!       (func (export "_start")
//!         (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))))
//! "#)?;
//!
//! let output = OutputPipe::new(1 << 20);
//! let wasi = WasiCtxBuilder::new().arg("hello").stdout(output.clone()).build()?;
//! let mut store = Store::new(&engine, wasi);
//! let mut linker = <Linker<WasiCtx>>::new(&engine);
//! damson_wasi::add_to_linker(&mut linker, |wasi| wasi)?;
//!
//! let instance = linker.instantiate_and_start(&mut store, &module)?;
//! instance.get_typed_func::<(), ()>(&store, "_start")?.call(&mut store, ())?;
//! assert_eq!(output.contents(), b"hello\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A guest that ends with `proc_exit` makes the call return an error whose
//! `i32_exit_status` is the exit code.
//!
//! # Files
//!
//! A guest has the directories that [`WasiCtxBuilder::preopened_dir`] gives it,
//! under names of its own, and nothing outside of them: neither `..` nor absolute
//! paths nor symbolic links lead there. [`Permissions`] say whether it may change
//! anything.
//!
//! # Trust
//!
//! Addresses, lengths and descriptors come from the guest and are checked at
//! every use; what goes wrong is an [`Errno`] for the guest, never a panic. No
//! length of the guest makes the host allocate; paths of 4096 bytes and more are
//! refused. A call may block, though: in `fd_read` on a stream that blocks, in
//! `path_open` on a named pipe, and in `poll_oneoff`.
//!
//! # What is there
//!
//! All 46 functions are defined, so that every command module links, under
//! `wasi_snapshot_preview1` and, with the structures and numbers of that older
//! version, under `wasi_unstable`. Where the specification leaves open what a
//! function does, it does what Wasmtime does. There is no network. There are no
//! threads either: `wasi.thread-spawn` ends the guest with [`ThreadsUnsupported`].
//!
//! Everything is developed and tested on Unix. What differs elsewhere: errors are
//! known only by their kind, directory entries have no numbers, descriptors do not
//! switch to non-blocking and always count as ready, and there is no CPU time.

mod abi;
mod clock;
mod ctx;
mod errno;
mod fd_table;
mod fs;
mod guest;
mod host;
mod random;
mod stream;
mod wait;

pub use self::abi::ClockId;
pub use self::clock::{Clock, SystemClock, VirtualClock};
pub use self::ctx::{BuildError, WasiCtx, WasiCtxBuilder};
pub use self::errno::Errno;
pub use self::fs::Permissions;
pub use self::host::{ThreadsUnsupported, add_to_linker, add_to_pruned_linker};
pub use self::random::{RandomSource, SeededRandom, SystemRandom};
pub use self::stream::OutputPipe;
