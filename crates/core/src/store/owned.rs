#![expect(unsafe_code, reason = "owns the store core through a raw pointer")]
//! The owner of a store.

use alloc::boxed::Box;
use core::cell::Cell as StdCell;
use core::fmt;
use core::marker::PhantomData;
use core::mem;
use core::ptr::NonNull;

use super::StoreCore;
use super::borrowed::{PrunedMut, PrunedRef};
use super::config::StoreConfig;
use super::data::HostData;
use crate::error::TypeMismatch;

/// Marks a store whose host data may be bound to its thread.
pub struct Local(PhantomData<*const ()>);

/// Marks a store whose host data is [`Send`] (and not known to be [`Sync`]).
///
/// # Example
///
/// ```
/// use damson_core::{PrunedStore, Sendable, StoreConfig};
///
/// fn moves<T: Send>(_: &T) {}
///
/// let store: PrunedStore<Sendable> = PrunedStore::new_send(vec![1], StoreConfig::default());
/// moves(&store);
/// assert_eq!(store.into_data::<Vec<i32>>().unwrap(), [1]);
/// ```
pub struct Sendable(PhantomData<StdCell<()>>);

/// The owning handle of a store whose host data has lost its type.
///
/// Pruning must not make data `Send` that is not, and afterwards nobody can ask
/// the data. So the handle carries a marker `M`, and is `Send` or `Sync` exactly
/// if `M` is: [`Local`] is neither, [`Sendable`] is `Send`. A typed view of a
/// store can use its `T` as the marker.
pub struct PrunedStore<M = Local> {
    /// Came from a `Box`, which is made again when this is dropped.
    core: NonNull<StoreCore>,
    marker: PhantomData<M>,
}

// SAFETY: all of a store but its host data is `Send`: hooks, host closures,
// extern objects, storages and code by their bounds, the entities because only
// this owner leads to them. The host data is if `M` is: the constructors see to
// that, and `assume_marker` demands it.
unsafe impl<M: Send> Send for PrunedStore<M> {}
// SAFETY: likewise, and through a shared handle nothing is written.
unsafe impl<M: Sync> Sync for PrunedStore<M> {}

impl PrunedStore<Local> {
    /// A store that holds `data` and stays on its thread.
    #[must_use]
    pub fn new<T: 'static>(data: T, config: StoreConfig) -> Self {
        Self::with_marker(data, config)
    }

    /// A store that holds `data` and can be sent to other threads.
    #[must_use]
    pub fn new_send<T: Send + 'static>(data: T, config: StoreConfig) -> PrunedStore<Sendable> {
        PrunedStore::with_marker(data, config)
    }
}

impl PrunedStore<Sendable> {
    /// Forgets that the store can be sent.
    #[must_use]
    pub fn into_local(self) -> PrunedStore<Local> {
        self.change_marker()
    }
}

impl<M> PrunedStore<M> {
    fn with_marker<T: 'static>(data: T, config: StoreConfig) -> Self {
        let core = Box::new(StoreCore::new(HostData::new(data), config));
        Self {
            core: NonNull::from(Box::leak(core)),
            marker: PhantomData,
        }
    }

    fn change_marker<N>(self) -> PrunedStore<N> {
        let core = self.core;
        mem::forget(self);
        PrunedStore {
            core,
            marker: PhantomData,
        }
    }

    /// Changes what is known about the host data.
    ///
    /// # Safety
    ///
    /// If `N` is `Send`, the host data is; if `N` is `Sync`, the host data is.
    /// (That holds if `N` is the type of the data.)
    #[must_use]
    pub unsafe fn assume_marker<N>(self) -> PrunedStore<N> {
        self.change_marker()
    }

    /// Borrows the store to read it.
    #[inline]
    #[must_use]
    pub fn as_ref(&self) -> PrunedRef<'_> {
        // SAFETY: the core lives as long as `self`, which the result borrows.
        unsafe { PrunedRef::new(self.core) }
    }

    /// Borrows the store to change it, or to run code in it.
    #[inline]
    #[must_use]
    pub fn as_mut(&mut self) -> PrunedMut<'_> {
        // SAFETY: the core lives as long as `self`, which the result borrows
        // exclusively.
        unsafe { PrunedMut::new(self.core) }
    }

    /// Whether the host data is a `T`.
    #[must_use]
    pub fn holds<T: 'static>(&self) -> bool {
        self.check::<T>().is_ok()
    }

    /// The name of the type of the host data.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        self.as_ref().type_name()
    }

    /// Checks that the host data is a `T`.
    ///
    /// # Errors
    ///
    /// [`TypeMismatch`], which names both types.
    pub fn check<T: 'static>(&self) -> Result<(), TypeMismatch> {
        self.as_ref().check::<T>()
    }

    /// Ends the store and gives its data back.
    ///
    /// # Errors
    ///
    /// If the data is no `T`: the store, unchanged, and both types.
    pub fn into_data<T: 'static>(self) -> Result<T, (Self, TypeMismatch)> {
        if let Err(mismatch) = self.check::<T>() {
            return Err((self, mismatch));
        }
        let core = self.core;
        mem::forget(self);
        // SAFETY: the pointer came from a `Box` in `with_marker`; the owner that
        // would have freed it is forgotten, and borrows of it have ended.
        let StoreCore { data, .. } = *unsafe { Box::from_raw(core.as_ptr()) };
        match data.into_inner::<T>() {
            Ok(data) => Ok(data),
            // Checked above, and the type of the data never changes.
            Err((_, mismatch)) => panic!("{mismatch}"),
        }
    }
}

impl<M> Drop for PrunedStore<M> {
    fn drop(&mut self) {
        // SAFETY: the pointer came from a `Box` in `with_marker`, and this is its
        // last owner. A box is freed also if the drop of its content panics.
        drop(unsafe { Box::from_raw(self.core.as_ptr()) });
    }
}

impl<M> fmt::Debug for PrunedStore<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt_named("PrunedStore", f)
    }
}
