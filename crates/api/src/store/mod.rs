//! The typed store, a view of a pruned one.
//!
//! The store itself lives in the core with its data type erased. [`Store<T>`] wraps
//! the core's owning handle transparently and adds one promise, made when it is
//! built and never changed: **the host data has type `T`**. Giving up the type and
//! recovering it are therefore moves of the same handle; no layout of a generic
//! struct is assumed anywhere.
//!
//! What is deliberately not here: access to the owner while Wasm runs. Whatever a
//! host function receives is a borrowed view ([`Caller`](crate::Caller),
//! [`StoreContextMut`]), so it can neither swap nor drop the store under the
//! executor.
#![expect(
    unsafe_code,
    reason = "the typed view reads the host data without a check and is as `Send` as its data"
)]

mod context;
mod metering;
mod pruned;

use alloc::boxed::Box;
use core::fmt;
use core::marker::PhantomData;

use damson_core::{CallHook, Local, Sendable};

use crate::engine::Engine;
use crate::error::Error;
use crate::limiter::{ResourceLimiter, limit_by_data};

pub use self::context::{AsContext, AsContextMut, StoreContext, StoreContextMut};
pub use self::metering::UpdateDeadline;
pub use self::pruned::{Erased, PrunedMut, PrunedRef, PrunedStore};

/// Owner of instances, memories, tables, globals and functions, and of the host's
/// own data of type `T`.
///
/// Nothing in a store is freed before the store is. A store is [`Send`] if `T` is,
/// and [`Sync`] if `T` is.
///
/// # Example
///
/// ```
/// use damson::{Caller, Engine, Func, Store};
///
/// let mut store = Store::new(&Engine::default(), Vec::<i32>::new());
/// let push = Func::wrap(&mut store, |mut caller: Caller<'_, Vec<i32>>, n: i32| {
///     caller.data_mut().push(n);
/// });
/// let push = push.typed::<i32, ()>(&store)?;
/// push.call(&mut store, 1)?;
/// store.data_mut().push(2);
/// push.call(&mut store, 3)?;
/// assert_eq!(store.into_data(), [1, 2, 3]);
/// # Ok::<(), damson::Error>(())
/// ```
#[repr(transparent)]
pub struct Store<T> {
    /// Invariant: the data held is a `T`. Established by `Store::new` (which puts it
    /// there) and `PrunedStore::try_into_store` (which checks); the core never
    /// changes the type of a store's data.
    core: damson_core::PrunedStore<Local>,
    /// Invariant in `T`: a store must not coerce to one of a subtype, because the
    /// check by `TypeId` tells those apart.
    data: PhantomData<fn(T) -> T>,
}

// SAFETY: the store core owns, besides the data, only what its own interfaces demand
// to be `Send + Sync` (host functions, extern objects, memory storage, compilers, the
// embedder object) and plain entities reached through the handle alone. The data is a
// `T` (invariant of `Store`), so moving the store to another thread moves a `T`.
unsafe impl<T: Send> Send for Store<T> {}

// SAFETY: as above; a shared store gives out shared references to the data, a `T`, and
// read-only views of entities, none of which has interior mutability that is not
// synchronised. Everything that changes the store takes it exclusively.
unsafe impl<T: Sync> Sync for Store<T> {}

impl<T: Default + 'static> Default for Store<T> {
    fn default() -> Self {
        Self::new(&Engine::default(), T::default())
    }
}

impl<T: 'static> Store<T> {
    /// A store of an engine, with the host's data.
    #[must_use]
    pub fn new(engine: &Engine, data: T) -> Self {
        let core = damson_core::PrunedStore::new(data, engine.store_config());
        Self {
            core,
            data: PhantomData,
        }
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

    /// Drops the store and gives back the host's data.
    ///
    /// # Example
    ///
    /// ```
    /// use damson::{Engine, Store};
    ///
    /// let store = Store::new(&Engine::default(), String::from("mine"));
    /// let data: String = store.into_data();
    /// assert_eq!(data, "mine");
    /// ```
    #[must_use]
    pub fn into_data(self) -> T {
        match self.core.into_data::<T>() {
            Ok(data) => data,
            Err((_, mismatch)) => unreachable!("a typed store was checked when made: {mismatch}"),
        }
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
    ///
    /// # Example
    ///
    /// ```
    /// use damson::{Config, Engine, Func, Store};
    ///
    /// let mut config = Config::default();
    /// config.consume_fuel(true);
    /// let mut store = Store::new(&Engine::new(&config), ());
    /// assert_eq!(store.get_fuel()?, 0);
    /// store.set_fuel(500)?;
    /// assert_eq!(store.get_fuel()?, 500);
    /// assert!(Store::new(&Engine::default(), ()).set_fuel(1).is_err(), "it does not meter");
    /// # Ok::<(), damson::Error>(())
    /// ```
    pub fn set_fuel(&mut self, fuel: u64) -> Result<(), Error> {
        self.as_context_mut().set_fuel(fuel)
    }

    /// Puts a limiter in charge, which `limiter` finds in the host's data: it decides on
    /// every growth and on the number of instances, tables and memories from now on.
    ///
    /// See [`StoreLimits`](crate::StoreLimits) for an example.
    ///
    /// # Example
    ///
    /// ```
    /// use damson::{Engine, Memory, MemoryType, Store, StoreLimits, StoreLimitsBuilder};
    ///
    /// struct Host {
    ///     limits: StoreLimits,
    /// }
    ///
    /// let limits = StoreLimitsBuilder::new().memory_size(2 << 16).build();
    /// let mut store = Store::new(&Engine::default(), Host { limits });
    /// store.limiter(|host| &mut host.limits);
    /// let memory = Memory::new(&mut store, MemoryType::new(1, None))?;
    /// assert_eq!(memory.grow(&mut store, 1)?, 1);
    /// assert!(memory.grow(&mut store, 1).is_err());
    /// # Ok::<(), damson::Error>(())
    /// ```
    pub fn limiter(
        &mut self,
        limiter: impl FnMut(&mut T) -> &mut (dyn ResourceLimiter) + Send + Sync + 'static,
    ) {
        limit_by_data::<T, _>(self.core.as_mut(), limiter);
    }

    /// Sets what is called whenever control crosses between the host and Wasm.
    ///
    /// An error that `hook` returns ends the call and comes back from it. There is one
    /// hook at a time; [`Store::limiter`] is independent of it.
    ///
    /// # Example
    ///
    /// ```
    /// # #[cfg(feature = "wat")] {
    /// use damson::{CallHook, Engine, Linker, Module, Store};
    ///
    /// let engine = Engine::default();
    /// let module = Module::new(&engine, r#"
    ///     (module (import "host" "f" (func $f)) (func (export "run") (call $f)))
    /// "#)?;
    /// let mut linker = Linker::<Vec<CallHook>>::new(&engine);
    /// linker.func_wrap("host", "f", || ())?;
    /// let mut store = Store::new(&engine, Vec::new());
    /// store.call_hook(|crossings, crossing| {
    ///     crossings.push(crossing);
    ///     Ok(())
    /// });
    /// let instance = linker.instantiate(&mut store, &module)?;
    /// instance.get_typed_func::<(), ()>(&store, "run")?.call(&mut store, ())?;
    /// use CallHook::*;
    /// assert_eq!(*store.data(), [CallingWasm, CallingHost, ReturningFromHost, ReturningFromWasm]);
    /// # }
    /// # Ok::<(), damson::Error>(())
    /// ```
    pub fn call_hook(
        &mut self,
        mut hook: impl FnMut(&mut T, CallHook) -> Result<(), Error> + Send + Sync + 'static,
    ) {
        let mut store = self.core.as_mut();
        store.vtable_mut().call_hook = Some(Box::new(move |mut data, crossing| {
            // The hook was put into a store with such data, which never changes its type.
            let data = data.get::<T>().expect("the data of a `Store<T>` is a `T`");
            Ok(hook(data, crossing)?)
        }));
    }

    /// Gives up the type of the data.
    ///
    /// The result stays on this thread; see [`Store::prune_send`] for data that may move.
    ///
    /// # Example
    ///
    /// ```
    /// use damson::{Engine, Store};
    ///
    /// let pruned = Store::new(&Engine::default(), 42_u32).prune();
    /// let (pruned, mismatch) = pruned.try_into_store::<String>().unwrap_err();
    /// assert!(mismatch.to_string().contains("u32"));
    /// assert_eq!(pruned.try_into_store::<u32>().unwrap().into_data(), 42);
    /// ```
    #[must_use]
    pub fn prune(self) -> PrunedStore<Local> {
        PrunedStore::from_core(self.core)
    }

    /// Gives up the type of the data, and remembers that the store may move to other threads.
    ///
    /// # Example
    ///
    /// ```
    /// use damson::{Engine, Func, Store};
    ///
    /// let mut store = Store::new(&Engine::default(), 40);
    /// let add = Func::wrap(&mut store, |mut caller: damson::Caller<'_, i32>, n: i32| {
    ///     *caller.data_mut() += n;
    /// });
    /// let mut pruned = store.prune_send();
    /// let pruned = std::thread::spawn(move || {
    ///     let result = add.typed::<i32, ()>(&pruned).and_then(|add| add.call(&mut pruned, 2));
    ///     result.map(|()| pruned)
    /// });
    /// let pruned = pruned.join().unwrap()?;
    /// assert_eq!(pruned.try_into_store::<i32>().unwrap().into_data(), 42);
    /// # Ok::<(), damson::Error>(())
    /// ```
    #[must_use]
    pub fn prune_send(self) -> PrunedStore<Sendable>
    where
        T: Send,
    {
        // SAFETY: `Sendable` promises that the data is `Send`; it is a `T` (invariant of
        // `Store`), which the bound says is.
        PrunedStore::from_core(unsafe { self.core.assume_marker::<Sendable>() })
    }

    /// The typed view of a core handle.
    ///
    /// # Safety
    ///
    /// The data held must be a `T`.
    unsafe fn from_core(core: damson_core::PrunedStore<Local>) -> Self {
        debug_assert!(core.holds::<T>());
        Self {
            core,
            data: PhantomData,
        }
    }
}

impl<T: 'static> AsContext for Store<T> {
    type Data = T;

    fn as_context(&self) -> StoreContext<'_, T> {
        // SAFETY: the data is a `T`: invariant of `Store`.
        unsafe { StoreContext::from_core(self.core.as_ref()) }
    }
}

impl<T: 'static> AsContextMut for Store<T> {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        // SAFETY: the data is a `T`: invariant of `Store`.
        unsafe { StoreContextMut::from_core(self.core.as_mut()) }
    }
}

impl<T: fmt::Debug + 'static> fmt::Debug for Store<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("data", self.data())
            .finish_non_exhaustive()
    }
}
