//! Stores whose data type is given up.
//!
//! A pruned store is a context like any other: its [`AsContext::Data`] is [`Erased`],
//! a type with nothing in it. So instantiating, calling, memories, tables, globals
//! and fuel need no second set of functions here, and a `Linker<Erased>` serves
//! stores of every type. What a host function for `Erased` gets is a
//! `Caller<'_, Erased>`, from which it may recover the real type with a check.
#![expect(
    unsafe_code,
    reason = "recovers the typed view of a store after a check"
)]

use alloc::boxed::Box;
use core::any::{Any, TypeId};
use core::fmt;
use core::marker::PhantomData;

use damson_core::{CallHook, Local, Sendable, TypeMismatch};

use super::Store;
use super::context::{AsContext, AsContextMut, StoreContext, StoreContextMut};
use crate::engine::Engine;
use crate::error::Error;
use crate::limiter::{ResourceLimiter, limit_by};

/// Stands for the data of a store whose type is given up.
///
/// No value of it can be made, so no store really holds one; what
/// [`StoreContext::data`] gives for it is an empty placeholder.
///
/// It is neither [`Send`] nor [`Sync`], because the data that it stands for may be neither. So
/// async host functions, whose data has to be `Send`, are not made for it but for the store's
/// own type, before the store is pruned or through a typed view.
///
/// # Example
///
/// ```
/// use damson::{Caller, Engine, Erased, Error, Extern, Linker, Store};
///
/// // One linker for stores of every type; a function may look for the one that it knows.
/// let engine = Engine::default();
/// let mut linker = Linker::<Erased>::new(&engine);
/// linker.func_wrap("host", "count", |mut caller: Caller<'_, Erased>| {
///     use damson::AsContextMut;
///     let context = caller.as_context_mut();
///     *context.try_context_mut::<u32>()?.data_mut() += 1;
///     Ok::<(), Error>(())
/// })?;
/// for (mut store, counts) in [
///     (Store::new(&engine, 0_u32).prune(), true),
///     (Store::new(&engine, "no number").prune(), false),
/// ] {
///     let count = linker.resolve(&mut store, "host", "count")?.and_then(Extern::into_func);
///     let result = count.unwrap().call(&mut store, &[], &mut []);
///     assert_eq!(result.is_ok(), counts);
/// }
/// # Ok::<(), damson::Error>(())
/// ```
#[derive(Debug)]
pub struct Erased(PhantomData<*const ()>);

impl Erased {
    /// Whether `T` is this type.
    pub(crate) fn is<T: 'static>() -> bool {
        TypeId::of::<T>() == TypeId::of::<Self>()
    }

    /// The placeholder, if `T` is this type.
    pub(super) fn shared<T: 'static>() -> Option<&'static T> {
        (&Self(PhantomData) as &'static dyn Any).downcast_ref()
    }

    /// The placeholder, if `T` is this type. It has no size, so nothing is leaked.
    pub(super) fn exclusive<T: 'static>() -> Option<&'static mut T> {
        if !Self::is::<T>() {
            return None;
        }
        (Box::leak(Box::new(Self(PhantomData))) as &mut dyn Any).downcast_mut()
    }
}

const _: () = assert!(size_of::<Erased>() == 0);

/// A shared view of a store whose data type is given up.
pub type PrunedRef<'a> = StoreContext<'a, Erased>;

/// An exclusive view of a store whose data type is given up.
pub type PrunedMut<'a> = StoreContextMut<'a, Erased>;

/// Owner of a store whose data type is given up.
///
/// The marker `M` remembers whether it may move to another thread: [`Local`] may not,
/// `Sendable` (from [`Store::prune_send`]) may.
///
/// # Example
///
/// A registry of stores of different types, used without naming one:
///
/// ```
/// use damson::{Engine, PrunedStore, Store};
///
/// let engine = Engine::default();
/// let mut stores: Vec<PrunedStore> = vec![
///     Store::new(&engine, 1_u8).prune(),
///     Store::new(&engine, "two").prune(),
/// ];
/// assert_eq!(*stores[0].try_context::<u8>().unwrap().data(), 1);
/// *stores[1].try_context_mut::<&str>().unwrap().data_mut() = "three";
/// assert!(stores[1].try_context::<u8>().is_err());
/// ```
#[repr(transparent)]
pub struct PrunedStore<M = Local> {
    core: damson_core::PrunedStore<M>,
}

impl<M> PrunedStore<M> {
    /// `core` must be a store of this crate: it carries its engine.
    pub(super) fn from_core(core: damson_core::PrunedStore<M>) -> Self {
        Self { core }
    }

    /// Recovers the typed store, with a check.
    ///
    /// # Errors
    ///
    /// If the data is not a `T`: gives back the store, and an error that names both types.
    ///
    /// # Example
    ///
    /// ```
    /// use damson::{Engine, Store};
    ///
    /// let pruned = Store::new(&Engine::default(), 7_u8).prune();
    /// let (pruned, mismatch) = pruned.try_into_store::<u16>().unwrap_err();
    /// assert!(mismatch.to_string().contains("`u16`"));
    /// assert_eq!(pruned.try_into_store::<u8>().unwrap().into_data(), 7);
    /// ```
    pub fn try_into_store<T: 'static>(self) -> Result<Store<T>, (Self, TypeMismatch)> {
        match self.core.as_ref().check::<T>() {
            Ok(()) => {
                // SAFETY: `Local` promises nothing.
                let core = unsafe { self.core.assume_marker::<Local>() };
                // SAFETY: just checked that the data is a `T`.
                Ok(unsafe { Store::from_core(core) })
            }
            Err(mismatch) => Err((self, mismatch)),
        }
    }

    /// Whether the data is a `T`.
    #[must_use]
    pub fn holds<T: 'static>(&self) -> bool {
        self.core.as_ref().check::<T>().is_ok()
    }

    /// The name of the data's type, for people.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        self.core.as_ref().type_name()
    }

    /// A typed view, with a check.
    ///
    /// # Errors
    ///
    /// If the data is not a `T`; the error names both types.
    pub fn try_context<T: 'static>(&self) -> Result<StoreContext<'_, T>, TypeMismatch> {
        self.as_context().try_context()
    }

    /// A typed view, with a check.
    ///
    /// # Errors
    ///
    /// If the data is not a `T`; the error names both types.
    pub fn try_context_mut<T: 'static>(&mut self) -> Result<StoreContextMut<'_, T>, TypeMismatch> {
        self.as_context_mut().try_context_mut()
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        Engine::of(self.core.as_ref())
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
        self.as_context_mut().set_fuel(fuel)
    }
}

/// What takes the place of [`Store::limiter`] and [`Store::call_hook`], which name the
/// type of the data.
impl<M> PrunedStore<M> {
    /// Puts a limiter in charge that is no part of the host's data.
    ///
    /// # Example
    ///
    /// ```
    /// use damson::{Engine, Memory, MemoryType, Store, StoreLimitsBuilder};
    ///
    /// let mut store = Store::new(&Engine::default(), "no limits in here").prune();
    /// store.limiter(StoreLimitsBuilder::new().memories(1).build());
    /// let one_page = MemoryType::new(1, None);
    /// assert!(Memory::new(&mut store, one_page).is_ok());
    /// assert!(Memory::new(&mut store, one_page).is_err());
    /// ```
    pub fn limiter(&mut self, limiter: impl ResourceLimiter + Send + Sync + 'static) {
        limit_by(self.core.as_mut(), limiter);
    }

    /// Sets what is called whenever control crosses between the host and Wasm.
    ///
    /// An error that `hook` returns ends the call and comes back from it.
    pub fn call_hook(
        &mut self,
        mut hook: impl FnMut(CallHook) -> Result<(), Error> + Send + Sync + 'static,
    ) {
        let mut store = self.core.as_mut();
        store.vtable_mut().call_hook = Some(Box::new(move |_, crossing| Ok(hook(crossing)?)));
    }
}

impl PrunedStore<Sendable> {
    /// Gives up the right to move to another thread.
    #[must_use]
    pub fn into_local(self) -> PrunedStore<Local> {
        PrunedStore {
            core: self.core.into_local(),
        }
    }
}

impl<M> AsContext for PrunedStore<M> {
    type Data = Erased;

    fn as_context(&self) -> PrunedRef<'_> {
        // SAFETY: the view's promise holds for `Erased` with every store.
        unsafe { StoreContext::from_core(self.core.as_ref()) }
    }
}

impl<M> AsContextMut for PrunedStore<M> {
    fn as_context_mut(&mut self) -> PrunedMut<'_> {
        // SAFETY: the view's promise holds for `Erased` with every store.
        unsafe { StoreContextMut::from_core(self.core.as_mut()) }
    }
}

impl<M> fmt::Debug for PrunedStore<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrunedStore")
            .field("type", &self.type_name())
            .finish_non_exhaustive()
    }
}
