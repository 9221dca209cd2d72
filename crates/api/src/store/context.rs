//! Borrowed views of a store, typed by its data.
//!
//! Invariant of both views, called *the view's promise* below: the store's data is a
//! `T`, or `T` is [`Erased`] and nothing is known of it. Every constructor is unsafe
//! or checks; a store never changes its data's type, so the promise holds as long as
//! the view lives. That is why nothing on the call path compares type ids.
#![expect(
    unsafe_code,
    reason = "the promise makes reading the host data without a check sound"
)]

use core::fmt;
use core::marker::PhantomData;

use damson_core::{ForeignHandle, MemoryHandle, PrunedMut, PrunedRef, TypeMismatch};

use super::pruned::Erased;
use crate::engine::Engine;
use crate::error::Error;

/// What gives shared access to a store: stores, contexts, callers, and references to them.
///
/// # Example
///
/// ```
/// use damson::{AsContext, Engine, Store};
///
/// fn length(context: impl AsContext<Data = String>) -> usize {
///     context.as_context().data().len()
/// }
///
/// let mut store = Store::new(&Engine::default(), String::from("four"));
/// assert_eq!(length(&store), 4);
/// assert_eq!(length(&mut store), 4);
/// assert_eq!(length(store.as_context()), 4);
/// ```
pub trait AsContext {
    /// The type of the host's data, [`Erased`] for pruned stores.
    type Data: 'static;

    /// The view.
    fn as_context(&self) -> StoreContext<'_, Self::Data>;
}

/// What gives exclusive access to a store.
///
/// # Example
///
/// ```
/// use damson::{AsContextMut, Caller, Engine, Error, Func, Store, Val};
///
/// /// For stores, contexts and callers, whatever their data.
/// fn call_twice(func: Func, mut context: impl AsContextMut) -> Result<(), Error> {
///     let mut context = context.as_context_mut();
///     func.call(&mut context, &[], &mut [])?;
///     func.call(&mut context, &[], &mut [])
/// }
///
/// let mut store = Store::new(&Engine::default(), 0);
/// let count = Func::wrap(&mut store, |mut caller: Caller<'_, i32>| *caller.data_mut() += 1);
/// let four = Func::wrap(&mut store, move |mut caller: Caller<'_, i32>| {
///     call_twice(count, &mut caller)
/// });
/// call_twice(four, &mut store)?;
/// assert_eq!(*store.data(), 4);
/// # Ok::<(), damson::Error>(())
/// ```
pub trait AsContextMut: AsContext {
    /// The view.
    fn as_context_mut(&mut self) -> StoreContextMut<'_, Self::Data>;
}

/// A shared view of a store.
pub struct StoreContext<'a, T> {
    core: PrunedRef<'a>,
    /// Invariant in `T`, as in [`Store`](super::Store).
    data: PhantomData<fn(T) -> T>,
}

/// An exclusive view of a store.
///
/// It is a view, never the owner: the store cannot be swapped or dropped through it.
///
/// # Example
///
/// ```
/// use damson::{AsContextMut, Engine, Store};
///
/// let mut store = Store::new(&Engine::default(), 1_u64);
/// let mut context = store.as_context_mut();
/// *context.data_mut() += 1;
/// // The type of the data can be given up, and recovered with a check.
/// let pruned = context.prune();
/// assert!(pruned.type_name().contains("u64"));
/// let context = pruned.try_context_mut::<u64>().unwrap();
/// assert_eq!(*context.data(), 2);
/// ```
pub struct StoreContextMut<'a, T> {
    core: PrunedMut<'a>,
    /// Invariant in `T`, as in [`Store`](super::Store).
    data: PhantomData<fn(T) -> T>,
}

// SAFETY: a shared view of a store gives shared references to its data, a `T` by the view's
// promise (`Erased` is not `Sync`), and read-only access to what is `Sync` otherwise.
unsafe impl<T: Sync> Send for StoreContext<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for StoreContext<'_, T> {}
// SAFETY: an exclusive view of a store is what the store itself is: `Send` if its data is,
// which is a `T` by the view's promise (`Erased` is not `Send`).
unsafe impl<T: Send> Send for StoreContextMut<'_, T> {}
// SAFETY: a shared reference to the view gives what a `StoreContext` gives.
unsafe impl<T: Sync> Sync for StoreContextMut<'_, T> {}

impl<T> Clone for StoreContext<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for StoreContext<'_, T> {}

impl<'a, T: 'static> StoreContext<'a, T> {
    /// The view as the core knows it.
    pub(crate) fn pruned_ref(self) -> PrunedRef<'a> {
        self.core
    }

    /// # Safety
    ///
    /// The view's promise: the data is a `T`, or `T` is [`Erased`].
    pub(super) unsafe fn from_core(core: PrunedRef<'a>) -> Self {
        debug_assert!(Erased::is::<T>() || core.check::<T>().is_ok());
        Self {
            core,
            data: PhantomData,
        }
    }

    /// The data for as long as the view's borrow.
    pub(crate) fn into_data(self) -> &'a T {
        if let Some(erased) = Erased::shared::<T>() {
            return erased;
        }
        // SAFETY: `T` is not `Erased`, so the data is a `T`: the view's promise.
        unsafe { self.core.data_unchecked::<T>() }
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &'a Engine {
        Engine::of(self.core)
    }

    /// The host's data.
    #[must_use]
    pub fn data(&self) -> &'a T {
        self.into_data()
    }

    /// The fuel left.
    ///
    /// # Errors
    ///
    /// If the engine does not meter ([`Config::consume_fuel`](crate::Config::consume_fuel)).
    pub fn get_fuel(&self) -> Result<u64, Error> {
        self.core
            .fuel()
            .ok_or(crate::error::FuelError::FuelMeteringDisabled.into())
    }

    /// Gives up the type of the data.
    #[must_use]
    pub fn prune(self) -> StoreContext<'a, Erased> {
        StoreContext {
            core: self.core,
            data: PhantomData,
        }
    }
}

impl<'a, T: 'static> StoreContextMut<'a, T> {
    /// The view as the core knows it.
    pub(crate) fn pruned_ref(&self) -> PrunedRef<'_> {
        self.core.as_ref()
    }

    /// The view as the core knows it.
    pub(crate) fn pruned_mut(&mut self) -> PrunedMut<'_> {
        self.core.reborrow()
    }

    /// The view as the core knows it.
    pub(crate) fn into_pruned_mut(self) -> PrunedMut<'a> {
        self.core
    }

    /// # Safety
    ///
    /// The view's promise: the data is a `T`, or `T` is [`Erased`].
    pub(crate) unsafe fn from_core(core: PrunedMut<'a>) -> Self {
        debug_assert!(Erased::is::<T>() || core.as_ref().check::<T>().is_ok());
        Self {
            core,
            data: PhantomData,
        }
    }

    /// The view for what is asked at an epoch's deadline.
    pub(super) fn of_deadline(core: PrunedMut<'a>) -> Self {
        // SAFETY: the core calls the function with the store that it was given to, through a
        // context for `T` (`ask_at_deadline`); this is one of the same store.
        unsafe { Self::from_core(core) }
    }

    /// The data for as long as the view's borrow.
    pub(crate) fn into_data_mut(self) -> &'a mut T {
        if let Some(erased) = Erased::exclusive::<T>() {
            return erased;
        }
        // SAFETY: `T` is not `Erased`, so the data is a `T`: the view's promise.
        unsafe { self.core.into_data_mut_unchecked::<T>() }
    }

    /// A memory's bytes and the data, for as long as the view's borrow.
    pub(crate) fn into_memory_and_data_mut(
        self,
        memory: MemoryHandle,
    ) -> Result<(&'a mut [u8], &'a mut T), ForeignHandle> {
        if let Some(erased) = Erased::exclusive::<T>() {
            return Ok((self.core.into_memory_mut(memory)?.into_data_mut(), erased));
        }
        // SAFETY: `T` is not `Erased`, so the data is a `T`: the view's promise.
        let (memory, data) = unsafe { self.core.into_memory_and_data_unchecked::<T>(memory)? };
        Ok((memory.into_data_mut(), data))
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        Engine::of(self.core.as_ref())
    }

    /// The host's data.
    #[must_use]
    pub fn data(&self) -> &T {
        self.as_context().into_data()
    }

    /// The host's data.
    #[must_use]
    pub fn data_mut(&mut self) -> &mut T {
        self.as_context_mut().into_data_mut()
    }

    /// The fuel left.
    ///
    /// # Errors
    ///
    /// If the engine does not meter ([`Config::consume_fuel`](crate::Config::consume_fuel)).
    pub fn get_fuel(&self) -> Result<u64, Error> {
        self.as_context().get_fuel()
    }

    /// Sets the fuel left.
    ///
    /// # Errors
    ///
    /// If the engine does not meter ([`Config::consume_fuel`](crate::Config::consume_fuel)).
    pub fn set_fuel(&mut self, fuel: u64) -> Result<(), Error> {
        Ok(self.core.set_fuel(fuel)?)
    }

    /// Gives up the type of the data.
    #[must_use]
    pub fn prune(self) -> StoreContextMut<'a, Erased> {
        StoreContextMut {
            core: self.core,
            data: PhantomData,
        }
    }
}

impl<'a> StoreContext<'a, Erased> {
    /// Recovers the type of the data, with a check.
    ///
    /// # Errors
    ///
    /// If the data is not a `T`; the error names both types.
    pub fn try_context<T: 'static>(self) -> Result<StoreContext<'a, T>, TypeMismatch> {
        self.core.check::<T>()?;
        // SAFETY: just checked.
        Ok(unsafe { StoreContext::from_core(self.core) })
    }

    /// The name of the data's type, for people.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        self.core.type_name()
    }
}

impl<'a> StoreContextMut<'a, Erased> {
    /// Recovers the type of the data, with a check.
    ///
    /// # Errors
    ///
    /// If the data is not a `T`; the error names both types.
    pub fn try_context_mut<T: 'static>(self) -> Result<StoreContextMut<'a, T>, TypeMismatch> {
        self.core.as_ref().check::<T>()?;
        // SAFETY: just checked.
        Ok(unsafe { StoreContextMut::from_core(self.core) })
    }

    /// The name of the data's type, for people.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        self.core.as_ref().type_name()
    }
}

impl<T: 'static> AsContext for StoreContext<'_, T> {
    type Data = T;

    fn as_context(&self) -> StoreContext<'_, T> {
        *self
    }
}

impl<T: 'static> AsContext for StoreContextMut<'_, T> {
    type Data = T;

    fn as_context(&self) -> StoreContext<'_, T> {
        StoreContext {
            core: self.core.as_ref(),
            data: PhantomData,
        }
    }
}

impl<T: 'static> AsContextMut for StoreContextMut<'_, T> {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        StoreContextMut {
            core: self.core.reborrow(),
            data: PhantomData,
        }
    }
}

impl<C: AsContext + ?Sized> AsContext for &C {
    type Data = C::Data;

    fn as_context(&self) -> StoreContext<'_, C::Data> {
        C::as_context(self)
    }
}

impl<C: AsContext + ?Sized> AsContext for &mut C {
    type Data = C::Data;

    fn as_context(&self) -> StoreContext<'_, C::Data> {
        C::as_context(self)
    }
}

impl<C: AsContextMut + ?Sized> AsContextMut for &mut C {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, C::Data> {
        C::as_context_mut(self)
    }
}

impl<'a, C: AsContext> From<&'a C> for StoreContext<'a, C::Data> {
    fn from(ctx: &'a C) -> Self {
        ctx.as_context()
    }
}

impl<'a, C: AsContext> From<&'a mut C> for StoreContext<'a, C::Data> {
    fn from(ctx: &'a mut C) -> Self {
        (*ctx).as_context()
    }
}

impl<'a, C: AsContextMut> From<&'a mut C> for StoreContextMut<'a, C::Data> {
    fn from(ctx: &'a mut C) -> Self {
        ctx.as_context_mut()
    }
}

impl<T: fmt::Debug + 'static> fmt::Debug for StoreContext<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreContext")
            .field("data", self.data())
            .finish_non_exhaustive()
    }
}

impl<T: fmt::Debug + 'static> fmt::Debug for StoreContextMut<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreContextMut")
            .field("data", self.data())
            .finish_non_exhaustive()
    }
}
