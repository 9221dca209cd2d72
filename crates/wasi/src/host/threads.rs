//! What a guest gets that asks for threads.
//!
//! Threads of WASI are instances of the same module that share a memory. An engine
//! that runs everything of a store on one thread cannot offer that, and a guest would
//! wait for ever for a thread that never runs. So the function exists, in order that
//! the answer is not that some import is missing, and calling it ends the guest. Its
//! memory would be shared, which modules cannot have here in the first place.

use damson::{Error, Linker};

/// Why the guest was ended: it asked for a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the program asks for a thread (`wasi.thread-spawn`), and threads of WASI are not supported"
)]
pub struct ThreadsUnsupported;

/// Defines `wasi.thread-spawn`.
pub(super) fn define<S: 'static>(linker: &mut Linker<S>) -> Result<(), Error> {
    linker.func_wrap(
        "wasi",
        "thread-spawn",
        |_argument: u32| -> Result<u32, Error> { Err(Error::other(ThreadsUnsupported)) },
    )?;
    Ok(())
}
