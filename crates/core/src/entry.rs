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
//! - The pointer is null, or from a box that the entry owns. (An entry that is lent a
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

/// A place for a value of which there is none at first and one for ever.
///
/// The default type parameter stands for code of which only the address is known:
/// an entry is laid out in the same way whatever it holds.
#[repr(transparent)]
pub struct CodeEntry<C = ()> {
    code: AtomicPtr<C>,
    owns: PhantomData<Box<C>>,
}

impl<C> CodeEntry<C> {
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
    pub fn get(&self) -> Option<&C> {
        let code = self.code.load(Ordering::Acquire);
        // SAFETY: null, or a value that was written before it was published, which
        // `Acquire` makes visible, and which lives and stays as it is as long as
        // the entry.
        unsafe { code.as_ref() }
    }

    /// Publishes a value unless there is one.
    ///
    /// # Errors
    ///
    /// The value again, if there is one already.
    pub fn publish(&self, code: Box<C>) -> Result<&C, Box<C>> {
        let code = Box::into_raw(code);
        match self
            .code
            .compare_exchange(ptr::null_mut(), code, Ordering::AcqRel, Ordering::Acquire)
        {
            // SAFETY: the value that was just published.
            Ok(_) => Ok(unsafe { &*code }),
            // SAFETY: from the box above, and not published.
            Err(_) => Err(unsafe { Box::from_raw(code) }),
        }
    }

    /// Publishes a value that another entry owns, unless there is one.
    ///
    /// # Safety
    ///
    /// The value lives as long as this entry is used, and this entry is never dropped.
    pub unsafe fn lend(&self, code: &C) {
        let code = ptr::from_ref(code).cast_mut();
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
        make: impl FnOnce() -> Result<Box<C>, E>,
        discard: impl FnOnce(Box<C>),
    ) -> Result<&C, E> {
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

impl<C> Default for CodeEntry<C> {
    fn default() -> Self {
        Self::new()
    }
}

impl<C> Drop for CodeEntry<C> {
    fn drop(&mut self) {
        let code = self.code.load(Ordering::Acquire);
        if !code.is_null() {
            // SAFETY: from a box that was published, which the entry owns; nobody
            // borrows the entry any more, so nobody refers to the value.
            drop(unsafe { Box::from_raw(code) });
        }
    }
}

impl<C> fmt::Debug for CodeEntry<C> {
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
