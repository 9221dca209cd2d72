#![expect(
    unsafe_code,
    reason = "owns a value that is shared through a pointer once it is published"
)]
//! The entry of a function's code: empty at first, then published, once.
//!
//! Threads that share a module call its functions at the same time, and code that
//! is compiled lazily appears while they do. What happens then is decided here
//! alone:
//!
//! ```text
//!            publish                      drop of the entry
//! empty ---------------------> published ------------------> freed
//!   |  another was faster: the value is given back, nothing changes
//! ```
//!
//! There is no lock. Two threads may make the same code; one of them publishes,
//! the other drops its own and uses what is there. An attempt that fails leaves
//! the entry empty, so the next call tries again.
//!
//! # Invariants
//!
//! - The pointer is null, or to a value that the entry owns. (An entry that is lent a
//!   value is never dropped.)
//! - It changes once, from null. Whoever sees it not null sees the whole value:
//!   it is written with `Release` and read with `Acquire`.
//! - A published value is not changed, and lives as long as its entry.
//!
//! Built with `--cfg loom`, the tests below run this very code in every order that
//! the memory model allows; see the chapter on concurrency in `docs/testing.md`.

use alloc::boxed::Box;
use core::fmt;
use core::marker::PhantomData;
use core::ptr;

#[cfg(not(loom))]
use core::sync::atomic::{AtomicPtr, Ordering};
#[cfg(loom)]
use loom::sync::atomic::{AtomicPtr, Ordering};

/// Something that owns a value as a [`Box`] does.
///
/// # Safety
///
/// `into_raw` gives a pointer to a value, valid as a reference, that stays where it is, alive
/// and unchanged, until `from_raw` takes it back and the owner frees it. If the owner is `Sync`,
/// threads may share the value.
pub unsafe trait Owner: Sized {
    /// What it owns; more may stand behind it in memory.
    type Value;
    /// The pointer, which nobody owns from now on.
    fn into_raw(self) -> *mut Self::Value;
    /// The owner again.
    ///
    /// # Safety
    ///
    /// The pointer is from `into_raw`, and taken back once.
    unsafe fn from_raw(value: *mut Self::Value) -> Self;
}

// SAFETY: a box does not move what it owns.
unsafe impl<T> Owner for Box<T> {
    type Value = T;
    fn into_raw(self) -> *mut T {
        Self::into_raw(self)
    }
    unsafe fn from_raw(value: *mut T) -> Self {
        // SAFETY: as the caller promises.
        unsafe { Self::from_raw(value) }
    }
}

/// A place for a value of which there is none at first and one for ever.
///
/// The default type parameter stands for code of which only the address is known:
/// an entry is laid out in the same way whatever it holds.
///
/// Threads that share an entry hand values over to each other, so values must be `Send`:
///
/// ```compile_fail,E0277
/// # fn shared<T: Sync>() {}
/// shared::<damson_core::CodeEntry<Box<std::sync::MutexGuard<'static, ()>>>>();
/// ```
#[repr(transparent)]
pub struct CodeEntry<O: Owner = Box<()>> {
    code: AtomicPtr<O::Value>,
    /// It owns an `O` that any thread may have given it: see below.
    owns: PhantomData<*mut O>,
}

// SAFETY: sending it sends the owner.
unsafe impl<O: Owner + Send> Send for CodeEntry<O> {}
// SAFETY: a thread that shares it gives it an owner, which another thread may get back or drop,
// and both read the value.
unsafe impl<O: Owner + Send + Sync> Sync for CodeEntry<O> {}

impl<O: Owner> CodeEntry<O> {
    /// An empty entry.
    #[must_use]
    pub fn new() -> Self {
        Self {
            code: AtomicPtr::new(ptr::null_mut()),
            owns: PhantomData,
        }
    }

    /// The value, if there is one.
    #[must_use]
    #[inline(always)]
    pub fn get(&self) -> Option<&O::Value> {
        // SAFETY: null, or a value that was written before it was published, which
        // `Acquire` makes visible, and which lives and stays as it is as long as
        // the entry.
        unsafe { self.as_ptr().as_ref() }
    }

    /// A pointer to the value and to what stands behind it in memory; null if there is no
    /// value.
    #[must_use]
    #[inline(always)]
    pub fn as_ptr(&self) -> *const O::Value {
        self.code.load(Ordering::Acquire)
    }

    /// Publishes a value unless there is one.
    ///
    /// # Errors
    ///
    /// The value again, if there is one already.
    pub fn publish(&self, code: O) -> Result<&O::Value, O> {
        let code = code.into_raw();
        match self
            .code
            .compare_exchange(ptr::null_mut(), code, Ordering::AcqRel, Ordering::Acquire)
        {
            // SAFETY: the value that was just published.
            Ok(_) => Ok(unsafe { &*code }),
            // SAFETY: from the owner above, and not published.
            Err(_) => Err(unsafe { O::from_raw(code) }),
        }
    }

    /// Publishes a value that another entry owns, unless there is one.
    ///
    /// # Safety
    ///
    /// The pointer is another entry's, whose value lives as long as this entry is used, and
    /// this entry is never dropped.
    pub unsafe fn lend(&self, code: *const O::Value) {
        let code = code.cast_mut();
        // Whatever was published before stays.
        let _ =
            self.code
                .compare_exchange(ptr::null_mut(), code, Ordering::AcqRel, Ordering::Acquire);
    }

    /// The value, made by `make` if there is none. Several threads may make one; all of
    /// them get the same, and what the others have made is given to `discard`.
    ///
    /// # Errors
    ///
    /// When `make` fails. The entry stays as it is.
    pub fn get_or_publish<E>(
        &self,
        make: impl FnOnce() -> Result<O, E>,
        discard: impl FnOnce(O),
    ) -> Result<&O::Value, E> {
        if let Some(code) = self.get() {
            return Ok(code);
        }
        let mut made = make()?;
        loop {
            match self.publish(made) {
                Ok(code) => return Ok(code),
                Err(mine) => match self.get() {
                    // Another thread was faster.
                    Some(code) => {
                        discard(mine);
                        return Ok(code);
                    }
                    // An entry that was not empty does not become so.
                    None => made = mine,
                },
            }
        }
    }
}

impl<O: Owner> Default for CodeEntry<O> {
    fn default() -> Self {
        Self::new()
    }
}

impl<O: Owner> Drop for CodeEntry<O> {
    fn drop(&mut self) {
        let code = self.code.load(Ordering::Acquire);
        if !code.is_null() {
            // SAFETY: from an owner whose value was published, which the entry owns; nobody
            // borrows the entry any more, so nobody refers to the value.
            drop(unsafe { O::from_raw(code) });
        }
    }
}

impl<O: Owner> fmt::Debug for CodeEntry<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CodeEntry")
            .field("published", &self.get().is_some())
            .finish()
    }
}

#[cfg(not(loom))]
const _: () = {
    assert!(size_of::<CodeEntry>() == size_of::<*mut ()>());
    assert!(align_of::<CodeEntry>() == align_of::<*mut ()>());
};

#[cfg(all(test, loom))]
mod models;
#[cfg(all(test, not(loom)))]
mod tests;
