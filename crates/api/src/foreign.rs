#![expect(unsafe_code, reason = "calls finalizers of other languages")]
//! Data of other languages: an address, and what frees it.
//!
//! Together with raw cells ([`Func::call_raw`](crate::Func::call_raw),
//! [`Func::new_raw`](crate::Func::new_raw)) and stores without a type
//! ([`PrunedStore`](crate::PrunedStore)) this is what a binding for C needs: one type
//! serves as the data of a store, of a host function and of an extern reference.

use core::ffi::c_void;
use core::fmt;

/// Frees what an address stands for.
///
/// # Safety
///
/// It may be called once, with the address it was given for.
pub type Finalizer = unsafe extern "C" fn(*mut c_void);

/// An address whose meaning only its maker knows, and the finalizer that is called when
/// it is dropped.
///
/// # Example
///
/// ```
/// use core::ffi::c_void;
/// use damson::{Engine, ForeignData, Store};
///
/// unsafe extern "C" fn free(data: *mut c_void) {
///     // SAFETY: called once, with the address from below.
///     drop(unsafe { Box::from_raw(data.cast::<u32>()) });
/// }
///
/// let address = Box::into_raw(Box::new(7_u32)).cast();
/// // SAFETY: nobody else has the address, and a `u32` may be used on any thread.
/// let data = unsafe { ForeignData::new(address, Some(free)) };
/// let store = Store::new(&Engine::default(), data).prune();
/// let view = store.try_context::<ForeignData>().unwrap();
/// assert_eq!(view.data().as_ptr(), address);
/// drop(store); // calls `free`
/// ```
pub struct ForeignData {
    address: *mut c_void,
    finalizer: Option<Finalizer>,
}

// SAFETY: the promise made to `ForeignData::new`.
unsafe impl Send for ForeignData {}
// SAFETY: the promise made to `ForeignData::new`; a shared reference gives the address.
unsafe impl Sync for ForeignData {}

impl ForeignData {
    /// An address with its finalizer, if it needs one.
    ///
    /// # Safety
    ///
    /// - `finalizer` may be called with `address`, once, on any thread, at any time after
    ///   this.
    /// - Whoever uses the address may do so on any thread. (A store, and what it owns, is
    ///   used by one thread at a time, so the data need not be synchronised for that.)
    #[must_use]
    pub const unsafe fn new(address: *mut c_void, finalizer: Option<Finalizer>) -> Self {
        Self { address, finalizer }
    }

    /// The address.
    #[must_use]
    pub const fn as_ptr(&self) -> *mut c_void {
        self.address
    }
}

impl Drop for ForeignData {
    fn drop(&mut self) {
        if let Some(finalizer) = self.finalizer {
            // SAFETY: the promise made to `new`; this is the only call.
            unsafe { finalizer(self.address) };
        }
    }
}

impl fmt::Debug for ForeignData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ForeignData").field(&self.address).finish()
    }
}
