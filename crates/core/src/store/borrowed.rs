#![expect(
    unsafe_code,
    reason = "borrows parts of the store core through a raw pointer"
)]
//! The borrowed handles of a store: how it is read, and what needs no more than
//! one entity. Making and growing entities is in [`super::entities`].
//!
//! Neither handle is `Send` or `Sync` (their pointer is not): whether the host
//! data may leave its thread is known to the owner only.

use alloc::sync::Arc;
use core::any::Any;
use core::fmt;
use core::marker::PhantomData;
use core::num::NonZeroU64;
use core::ptr::NonNull;

use super::StoreCore;
use super::vtable::{CallHook, FuelDecision, HostVtable};
use crate::arena::Arena;
use crate::cell::Cell;
use crate::context::Context;
use crate::epoch::{EpochBehaviour, EpochDecision, EpochFn};
use crate::error::{EpochDisabled, FuelDisabled, StackError, TypeMismatch};
use crate::func::{FuncEntity, HostError};
use crate::global::{GlobalEntity, GlobalError};
use crate::handle::{
    Entity, ExternHandle, ForeignHandle, FuncHandle, GlobalHandle, Handle, InstanceHandle,
    MemoryHandle, StoreId, TableHandle,
};
use crate::instance::InstanceEntity;
use crate::memory::{MemoryEntity, MemoryMut};
use crate::table::{TableEntity, TableMut};
use crate::types::ExternType;

/// A shared borrow of a store.
#[derive(Clone, Copy)]
pub struct PrunedRef<'a> {
    core: NonNull<StoreCore>,
    borrow: PhantomData<&'a ()>,
}

/// An exclusive borrow of a store: what the executor, host functions and foreign
/// languages work with.
pub struct PrunedMut<'a> {
    core: NonNull<StoreCore>,
    borrow: PhantomData<&'a mut ()>,
}

/// The entity that a handle names, if it lives in `store`.
#[inline]
fn find<E: Entity>(
    store: StoreId,
    arena: &Arena<E>,
    handle: Handle<E>,
) -> Result<NonNull<E>, ForeignHandle> {
    let index = handle.index_in(store)?;
    // The store makes handles for entities that it has, and never removes one.
    Ok(arena
        .get(index)
        .expect("a handle names an entity that exists"))
}

impl<'a> PrunedRef<'a> {
    /// # Safety
    ///
    /// `core` is valid, and nobody writes what it owns, for `'a`.
    #[inline]
    pub(super) unsafe fn new(core: NonNull<StoreCore>) -> Self {
        Self {
            core,
            borrow: PhantomData,
        }
    }

    #[inline]
    fn core(self) -> *const StoreCore {
        self.core.as_ptr()
    }

    /// The identity of the store.
    #[inline]
    #[must_use]
    pub fn id(self) -> StoreId {
        // SAFETY: the core is valid and not written for 'a (`new`).
        unsafe { (*self.core()).id }
    }

    /// Checks that the host data is a `T`.
    ///
    /// # Errors
    ///
    /// [`TypeMismatch`], which names both types.
    #[inline]
    pub fn check<T: 'static>(self) -> Result<(), TypeMismatch> {
        // SAFETY: as in `id`.
        unsafe { (*self.core()).data.check::<T>() }
    }

    /// The name of the type of the host data.
    #[must_use]
    pub fn type_name(self) -> &'static str {
        // SAFETY: as in `id`.
        unsafe { (*self.core()).data.type_name() }
    }

    /// The host data.
    ///
    /// # Errors
    ///
    /// [`TypeMismatch`] if it is no `T`.
    #[inline]
    pub fn data<T: 'static>(self) -> Result<&'a T, TypeMismatch> {
        self.check::<T>()?;
        // SAFETY: just checked.
        Ok(unsafe { self.data_unchecked::<T>() })
    }

    /// The host data.
    ///
    /// # Safety
    ///
    /// It is a `T`: [`check`](Self::check) succeeded for this store.
    #[inline]
    #[must_use]
    pub unsafe fn data_unchecked<T: 'static>(self) -> &'a T {
        debug_assert!(self.check::<T>().is_ok());
        // SAFETY: the core is valid and not written for 'a (`new`); the data is a
        // `T` by the caller's promise.
        unsafe { (*self.core()).data.as_ptr().cast::<T>().as_ref() }
    }

    /// What the embedder put into the configuration.
    #[must_use]
    pub fn embedder(self) -> Option<&'a Arc<dyn Any + Send + Sync>> {
        // SAFETY: as in `id`.
        unsafe { (*self.core()).embedder.as_ref() }
    }

    /// The fuel left; `None` if the store does not meter.
    #[must_use]
    pub fn fuel(self) -> Option<u64> {
        // SAFETY: as in `id`.
        let context = unsafe { &(*self.core()).context };
        context.metered.then_some(context.total_fuel())
    }

    /// The execution context, to be read.
    #[must_use]
    pub fn context(self) -> *const Context {
        // SAFETY: a field of a valid allocation; no reference is made.
        unsafe { &raw const (*self.core()).context }
    }

    /// A memory.
    ///
    /// # Errors
    ///
    /// [`ForeignHandle`] if it lives in another store.
    #[inline]
    pub fn memory(self, handle: MemoryHandle) -> Result<&'a MemoryEntity, ForeignHandle> {
        // SAFETY: the core and its entities are valid and not written for 'a (`new`).
        unsafe { Ok(find(self.id(), &(*self.core()).memories, handle)?.as_ref()) }
    }

    /// A table.
    ///
    /// # Errors
    ///
    /// [`ForeignHandle`] if it lives in another store.
    pub fn table(self, handle: TableHandle) -> Result<&'a TableEntity, ForeignHandle> {
        // SAFETY: as in `memory`.
        unsafe { Ok(find(self.id(), &(*self.core()).tables, handle)?.as_ref()) }
    }

    /// A global.
    ///
    /// # Errors
    ///
    /// [`ForeignHandle`] if it lives in another store.
    pub fn global(self, handle: GlobalHandle) -> Result<&'a GlobalEntity, ForeignHandle> {
        // SAFETY: as in `memory`.
        unsafe { Ok(find(self.id(), &(*self.core()).globals, handle)?.as_ref()) }
    }

    /// A function.
    ///
    /// # Errors
    ///
    /// [`ForeignHandle`] if it lives in another store.
    #[inline]
    pub fn func(self, handle: FuncHandle) -> Result<&'a FuncEntity, ForeignHandle> {
        // SAFETY: as in `memory`.
        unsafe { Ok(find(self.id(), &(*self.core()).references.funcs, handle)?.as_ref()) }
    }

    /// An instance.
    ///
    /// # Errors
    ///
    /// [`ForeignHandle`] if it lives in another store.
    pub fn instance(self, handle: InstanceHandle) -> Result<&'a InstanceEntity, ForeignHandle> {
        // SAFETY: as in `memory`.
        unsafe { Ok(find(self.id(), &(*self.core()).instances, handle)?.as_ref()) }
    }

    /// The type of something that can be imported, as it is now: the minimum of
    /// a memory or table is its current size.
    ///
    /// # Errors
    ///
    /// [`ForeignHandle`] if it lives in another store.
    pub fn extern_type(self, handle: ExternHandle) -> Result<ExternType, ForeignHandle> {
        Ok(match handle {
            ExternHandle::Func(handle) => self.func(handle)?.ty().clone().into(),
            ExternHandle::Memory(handle) => self.memory(handle)?.current_type().into(),
            ExternHandle::Table(handle) => self.table(handle)?.current_type().into(),
            ExternHandle::Global(handle) => self.global(handle)?.ty().into(),
        })
    }

    /// The reference to a function, as a cell.
    ///
    /// # Errors
    ///
    /// [`ForeignHandle`] if it lives in another store.
    pub fn func_ref(self, handle: FuncHandle) -> Result<Cell, ForeignHandle> {
        Ok(self.func(handle)?.to_cell())
    }

    /// The function that a cell refers to; `None` for null, and for a cell that
    /// is no reference to a function of this store.
    #[must_use]
    pub fn func_of_ref(self, cell: Cell) -> Option<FuncHandle> {
        // SAFETY: as in `memory`.
        unsafe {
            Some(
                (*self.core())
                    .references
                    .func_of_cell(cell)?
                    .as_ref()
                    .handle(),
            )
        }
    }

    /// The object that a cell refers to; `None` for null, and for a cell that is
    /// no reference to an object of this store.
    #[must_use]
    pub fn extern_object(self, cell: Cell) -> Option<&'a (dyn Any + Send + Sync)> {
        // SAFETY: as in `id`.
        unsafe { (*self.core()).references.extern_of_cell(cell) }
    }

    pub(super) fn fmt_named(self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("id", &self.id())
            .field("data", &self.type_name())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for PrunedRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_named("PrunedRef", f)
    }
}

impl<'a> PrunedMut<'a> {
    /// # Safety
    ///
    /// `core` is valid and used through the result only, for `'a`.
    #[inline]
    pub(super) unsafe fn new(core: NonNull<StoreCore>) -> Self {
        Self {
            core,
            borrow: PhantomData,
        }
    }

    /// The core; to be used field by field, see the [module](super).
    #[inline]
    pub(super) const fn core(&mut self) -> *mut StoreCore {
        self.core.as_ptr()
    }

    /// The same borrow for a shorter time.
    #[inline]
    #[must_use]
    pub fn reborrow(&mut self) -> PrunedMut<'_> {
        PrunedMut {
            core: self.core,
            borrow: PhantomData,
        }
    }

    /// A shared borrow out of this one.
    #[inline]
    #[must_use]
    pub fn as_ref(&self) -> PrunedRef<'_> {
        PrunedRef {
            core: self.core,
            borrow: PhantomData,
        }
    }

    /// A shared borrow for the rest of this one.
    #[inline]
    #[must_use]
    pub fn into_ref(self) -> PrunedRef<'a> {
        PrunedRef {
            core: self.core,
            borrow: PhantomData,
        }
    }

    /// The host data.
    ///
    /// # Errors
    ///
    /// [`TypeMismatch`] if it is no `T`.
    #[inline]
    pub fn data_mut<T: 'static>(&mut self) -> Result<&mut T, TypeMismatch> {
        self.reborrow().into_data_mut()
    }

    /// The host data, for the rest of the borrow.
    ///
    /// # Errors
    ///
    /// [`TypeMismatch`] if it is no `T`.
    #[inline]
    pub fn into_data_mut<T: 'static>(self) -> Result<&'a mut T, TypeMismatch> {
        self.check::<T>()?;
        // SAFETY: just checked.
        Ok(unsafe { self.into_data_mut_unchecked::<T>() })
    }

    /// The host data.
    ///
    /// # Safety
    ///
    /// It is a `T`: [`check`](Self::check) succeeded for this store.
    #[inline]
    #[must_use]
    pub unsafe fn data_mut_unchecked<T: 'static>(&mut self) -> &mut T {
        // SAFETY: the caller's promise.
        unsafe { self.reborrow().into_data_mut_unchecked() }
    }

    /// The host data, for the rest of the borrow.
    ///
    /// # Safety
    ///
    /// It is a `T`: [`check`](Self::check) succeeded for this store.
    #[inline]
    #[must_use]
    pub unsafe fn into_data_mut_unchecked<T: 'static>(mut self) -> &'a mut T {
        debug_assert!(self.check::<T>().is_ok());
        // SAFETY: the core is valid and used through this borrow only (`new`); the
        // data is a `T` by the caller's promise, and the result keeps the borrow.
        unsafe { (*self.core()).data.as_ptr().cast::<T>().as_mut() }
    }

    /// Sets the fuel.
    ///
    /// # Errors
    ///
    /// [`FuelDisabled`] if the store does not meter.
    pub fn set_fuel(&mut self, fuel: u64) -> Result<(), FuelDisabled> {
        // SAFETY: the core is valid and used through this borrow only (`new`).
        let context = unsafe { &mut (*self.core()).context };
        if context.metered {
            context.set_fuel(fuel);
            Ok(())
        } else {
            Err(FuelDisabled)
        }
    }

    /// Sets how much fuel is at hand at a time: where it is used up, the executor
    /// comes to the driver for more, and a call that can wait lets others run first.
    /// `None` for all at once, which is how a store begins.
    ///
    /// # Errors
    ///
    /// [`FuelDisabled`] if the store does not meter.
    pub fn set_fuel_interval(&mut self, interval: Option<NonZeroU64>) -> Result<(), FuelDisabled> {
        // SAFETY: as in `set_fuel`.
        let context = unsafe { &mut (*self.core()).context };
        if !context.metered {
            return Err(FuelDisabled);
        }
        context.fuel_interval = interval.map_or(u64::MAX, NonZeroU64::get);
        context.set_fuel(context.total_fuel());
        Ok(())
    }

    /// Sets the deadline to so many epochs after the present one.
    ///
    /// # Errors
    ///
    /// [`EpochDisabled`] if the store was made without an epoch.
    pub fn set_epoch_deadline(&mut self, epochs: u64) -> Result<(), EpochDisabled> {
        let core = self.core();
        // SAFETY: as in `set_fuel`.
        let epoch = unsafe { &(*core).epoch };
        let now = epoch.as_ref().ok_or(EpochDisabled)?.now();
        // SAFETY: as in `set_fuel`.
        unsafe { (*core).context.epoch_deadline = now.saturating_add(epochs) };
        Ok(())
    }

    /// Sets what code does when it reaches the deadline.
    ///
    /// # Errors
    ///
    /// [`EpochDisabled`] if the store was made without an epoch.
    pub fn set_epoch_behaviour(&mut self, behaviour: EpochBehaviour) -> Result<(), EpochDisabled> {
        let core = self.core();
        // SAFETY: as in `set_fuel`; the fields are distinct.
        let (epoch, slot) = unsafe { (&(*core).epoch, &mut (*core).epoch_behaviour) };
        if epoch.is_none() {
            return Err(EpochDisabled);
        }
        *slot = behaviour;
        // SAFETY: as above.
        unsafe { (*core).epoch_behaviour_is_out = false };
        Ok(())
    }

    /// Asks what to do at the deadline, which has been reached.
    ///
    /// # Errors
    ///
    /// What the embedder's function returns.
    ///
    /// # Panics
    ///
    /// If the embedder's function does. It stays in place.
    pub fn epoch_deadline_reached(&mut self) -> Result<EpochDecision, HostError> {
        /// Puts the behaviour back, unless the function has set another one.
        struct PutBack<'a> {
            store: PrunedMut<'a>,
            ask: Option<EpochFn>,
        }
        impl Drop for PutBack<'_> {
            fn drop(&mut self) {
                let core = self.store.core();
                // SAFETY: as in `set_fuel`; the fields are distinct.
                let (behaviour, out) = unsafe {
                    (
                        &mut (*core).epoch_behaviour,
                        &mut (*core).epoch_behaviour_is_out,
                    )
                };
                if let (true, Some(ask)) = (core::mem::take(out), self.ask.take()) {
                    *behaviour = EpochBehaviour::Ask(ask);
                }
            }
        }
        // SAFETY: as in `set_fuel`.
        let behaviour = unsafe { &mut (*self.core()).epoch_behaviour };
        let decision = match behaviour {
            EpochBehaviour::Trap => return Ok(EpochDecision::Trap),
            EpochBehaviour::Always(decision) => *decision,
            EpochBehaviour::Ask(_) => {
                // Taken out while it runs: it gets the whole store.
                let EpochBehaviour::Ask(ask) = core::mem::take(behaviour) else {
                    return Ok(EpochDecision::Trap);
                };
                // SAFETY: as in `set_fuel`.
                unsafe { (*self.core()).epoch_behaviour_is_out = true };
                let store = self.reborrow();
                let mut taken = PutBack {
                    store,
                    ask: Some(ask),
                };
                match &mut taken.ask {
                    Some(ask) => ask(taken.store.reborrow())?,
                    None => EpochDecision::Trap,
                }
            }
        };
        if let EpochDecision::Continue(epochs) | EpochDecision::Yield(epochs) = decision {
            // The store has an epoch, or its behaviour would never have been set.
            let _ = self.set_epoch_deadline(epochs);
        }
        Ok(decision)
    }

    /// The execution context, for an executor. Its address never changes, and the
    /// pointer stays good while this borrow, and what is borrowed from it, lasts.
    #[inline]
    #[must_use]
    pub fn context(&mut self) -> NonNull<Context> {
        // SAFETY: a field of a valid allocation; no reference is made.
        unsafe { NonNull::new_unchecked(&raw mut (*self.core()).context) }
    }

    /// Allocates the value stack, unless that has happened.
    ///
    /// # Errors
    ///
    /// [`StackError`] if there is no memory for it.
    pub fn ensure_stack(&mut self) -> Result<(), StackError> {
        // SAFETY: as in `set_fuel`.
        unsafe { (*self.core()).context.ensure_stack() }
    }

    /// The hooks.
    #[must_use]
    pub fn vtable_mut(&mut self) -> &mut HostVtable {
        // SAFETY: as in `set_fuel`.
        unsafe { &mut (*self.core()).vtable }
    }

    /// Tells the embedder that a border is being crossed.
    ///
    /// # Errors
    ///
    /// What the hook returns; the call must not go on then.
    #[inline]
    pub fn call_hook(&mut self, crossing: CallHook) -> Result<(), HostError> {
        let core = self.core();
        // SAFETY: as in `set_fuel`; the fields are distinct, and the hook does not
        // get the store.
        let (vtable, data) = unsafe { (&mut (*core).vtable, &mut (*core).data) };
        match &mut vtable.call_hook {
            Some(hook) => hook(data.as_mut(), crossing),
            None => Ok(()),
        }
    }

    /// Asks the embedder what to do without fuel; adds what it gives.
    ///
    /// Returns whether there is more now. No fuel added is an answer like
    /// [`FuelDecision::Trap`]: what is left was not enough, and never would be.
    pub fn fuel_exhausted(&mut self) -> bool {
        let core = self.core();
        // SAFETY: as in `call_hook`.
        let (vtable, data) = unsafe { (&mut (*core).vtable, &mut (*core).data) };
        let decision = match &mut vtable.fuel_exhausted {
            Some(hook) => hook(data.as_mut()),
            None => FuelDecision::Trap,
        };
        // SAFETY: as in `set_fuel`.
        let context = unsafe { &mut (*core).context };
        match decision {
            FuelDecision::Trap => false,
            FuelDecision::Add(fuel) => {
                let before = context.fuel;
                // There is nothing in reserve: it is used up first.
                context.fuel = before.saturating_add(fuel);
                context.fuel > before
            }
        }
    }

    /// A memory, to be written.
    ///
    /// # Errors
    ///
    /// [`ForeignHandle`] if it lives in another store.
    #[inline]
    pub fn memory_mut(&mut self, handle: MemoryHandle) -> Result<MemoryMut<'_>, ForeignHandle> {
        self.reborrow().into_memory_mut(handle)
    }

    /// A memory, to be written, for the rest of the borrow.
    ///
    /// # Errors
    ///
    /// [`ForeignHandle`] if it lives in another store.
    #[inline]
    pub fn into_memory_mut(mut self, handle: MemoryHandle) -> Result<MemoryMut<'a>, ForeignHandle> {
        let id = self.id();
        // SAFETY: the core and its entities are valid and used through this borrow
        // only (`new`), which the result keeps.
        let memory = unsafe { find(id, &(*self.core()).memories, handle)?.as_mut() };
        Ok(MemoryMut::new(memory))
    }

    /// A memory, to be written, and the host data.
    ///
    /// # Errors
    ///
    /// [`ForeignHandle`] if the memory lives in another store.
    ///
    /// # Safety
    ///
    /// The host data is a `T`: [`check`](Self::check) succeeded for this store.
    pub unsafe fn into_memory_and_data_unchecked<T: 'static>(
        mut self,
        handle: MemoryHandle,
    ) -> Result<(MemoryMut<'a>, &'a mut T), ForeignHandle> {
        debug_assert!(self.check::<T>().is_ok());
        // SAFETY: as in `into_data_mut_unchecked`. The bytes of a memory and the
        // entity are other allocations than the data.
        let data = unsafe { (*self.core()).data.as_ptr().cast::<T>().as_mut() };
        Ok((self.into_memory_mut(handle)?, data))
    }

    /// A table, to be written.
    ///
    /// # Errors
    ///
    /// [`ForeignHandle`] if it lives in another store.
    pub fn table_mut(&mut self, handle: TableHandle) -> Result<TableMut<'_>, ForeignHandle> {
        let id = self.id();
        // SAFETY: as in `into_memory_mut`.
        let table = unsafe { find(id, &(*self.core()).tables, handle)?.as_mut() };
        Ok(TableMut::new(table))
    }

    /// Sets a global.
    ///
    /// # Errors
    ///
    /// [`GlobalError`] if it lives in another store or is immutable.
    pub fn set_global(&mut self, handle: GlobalHandle, value: Cell) -> Result<(), GlobalError> {
        let id = self.id();
        // SAFETY: as in `into_memory_mut`.
        unsafe {
            find(id, &(*self.core()).globals, handle)?
                .as_mut()
                .set(value)
        }
    }
}

/// Gives a [`PrunedMut`] the reading methods of [`PrunedRef`].
macro_rules! reading {
    ($($(#[$meta:meta])* fn $name:ident $(<$T:ident>)? ($($arg:ident: $ty:ty),*) -> $result:ty;)*) => {
        impl PrunedMut<'_> {$(
            #[doc = concat!("See [`PrunedRef::", stringify!($name), "`].")]
            $(#[$meta])*
            #[inline]
            pub fn $name $(<$T: 'static>)? (&self $(, $arg: $ty)*) -> $result {
                self.as_ref().$name $(::<$T>)? ($($arg),*)
            }
        )*}
    };
}

reading! {
    #[must_use]
    fn id() -> StoreId;
    #[doc = "\n# Errors\n\n[`TypeMismatch`], which names both types."]
    fn check<T>() -> Result<(), TypeMismatch>;
    #[must_use]
    fn type_name() -> &'static str;
    #[doc = "\n# Errors\n\n[`TypeMismatch`] if it is no `T`."]
    fn data<T>() -> Result<&T, TypeMismatch>;
    #[must_use]
    fn embedder() -> Option<&Arc<dyn Any + Send + Sync>>;
    #[must_use]
    fn fuel() -> Option<u64>;
    #[doc = "\n# Errors\n\n[`ForeignHandle`] if it lives in another store."]
    fn memory(handle: MemoryHandle) -> Result<&MemoryEntity, ForeignHandle>;
    #[doc = "\n# Errors\n\n[`ForeignHandle`] if it lives in another store."]
    fn table(handle: TableHandle) -> Result<&TableEntity, ForeignHandle>;
    #[doc = "\n# Errors\n\n[`ForeignHandle`] if it lives in another store."]
    fn global(handle: GlobalHandle) -> Result<&GlobalEntity, ForeignHandle>;
    #[doc = "\n# Errors\n\n[`ForeignHandle`] if it lives in another store."]
    fn func(handle: FuncHandle) -> Result<&FuncEntity, ForeignHandle>;
    #[doc = "\n# Errors\n\n[`ForeignHandle`] if it lives in another store."]
    fn instance(handle: InstanceHandle) -> Result<&InstanceEntity, ForeignHandle>;
    #[doc = "\n# Errors\n\n[`ForeignHandle`] if it lives in another store."]
    fn extern_type(handle: ExternHandle) -> Result<ExternType, ForeignHandle>;
    #[doc = "\n# Errors\n\n[`ForeignHandle`] if it lives in another store."]
    fn func_ref(handle: FuncHandle) -> Result<Cell, ForeignHandle>;
    #[must_use]
    fn func_of_ref(cell: Cell) -> Option<FuncHandle>;
    #[must_use]
    fn extern_object(cell: Cell) -> Option<&(dyn Any + Send + Sync)>;
}

impl PrunedMut<'_> {
    /// See [`PrunedRef::data_unchecked`].
    ///
    /// # Safety
    ///
    /// The host data is a `T`: [`check`](Self::check) succeeded for this store.
    #[inline]
    #[must_use]
    pub unsafe fn data_unchecked<T: 'static>(&self) -> &T {
        // SAFETY: the caller's promise.
        unsafe { self.as_ref().data_unchecked::<T>() }
    }
}

impl fmt::Debug for PrunedMut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt_named("PrunedMut", f)
    }
}
