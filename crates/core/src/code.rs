#![expect(
    unsafe_code,
    reason = "carries a pointer to code that an executor vouches for"
)]
//! Code, as far as the store knows it: one pointer for each function.
//!
//! What the pointers point at is the executor's business. The store keeps the
//! owner of the code alive, and sees to it that code meets only instances of the
//! module that it was verified for.

use alloc::sync::Arc;
use core::any::Any;
use core::fmt;
use core::ptr::NonNull;

use crate::entry::CodeEntry;
use crate::shape::ModuleShape;

/// The code of a module. Cheap to clone.
#[derive(Clone)]
pub struct CodeHandle {
    keep_alive: Arc<dyn Any + Send + Sync>,
    /// `len` entries, one for each function that the module defines.
    entries: *const CodeEntry,
    len: usize,
    shape: Arc<ModuleShape>,
}

// SAFETY: `new` requires entries that any thread may read; the rest is `Send`.
unsafe impl Send for CodeHandle {}
// SAFETY: as for `Send`: entries are atomics and read only.
unsafe impl Sync for CodeHandle {}

impl CodeHandle {
    /// The code of a module of this `shape`.
    ///
    /// # Safety
    ///
    /// - `entries` points to `len` values that stay valid and in place as long as
    ///   `keep_alive` lives, on whatever thread.
    /// - The executor may run what each entry points at, at any time, as the code
    ///   of the defined function of that index, in an instance made from the very
    ///   `shape`. In particular no entry is empty unless the executor expects that.
    #[must_use]
    pub unsafe fn new(
        keep_alive: Arc<dyn Any + Send + Sync>,
        entries: *const CodeEntry,
        len: usize,
        shape: Arc<ModuleShape>,
    ) -> Self {
        Self {
            keep_alive,
            entries,
            len,
            shape,
        }
    }

    /// The code of a module that defines no functions.
    ///
    /// A module that does define functions cannot be instantiated with it.
    #[must_use]
    pub fn empty(shape: Arc<ModuleShape>) -> Self {
        let entries = NonNull::<CodeEntry>::dangling().as_ptr();
        Self {
            keep_alive: Arc::new(()),
            entries,
            len: 0,
            shape,
        }
    }

    /// What the code is a part of.
    #[must_use]
    pub fn keep_alive(&self) -> &Arc<dyn Any + Send + Sync> {
        &self.keep_alive
    }

    /// The first entry.
    #[must_use]
    pub const fn entries(&self) -> *const CodeEntry {
        self.entries
    }

    /// The number of entries: of functions with code.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no function with code.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The module that the code was verified for.
    #[must_use]
    pub const fn shape(&self) -> &Arc<ModuleShape> {
        &self.shape
    }
}

impl fmt::Debug for CodeHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CodeHandle")
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}
