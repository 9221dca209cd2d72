//! What bounds how long code runs: fuel, and the deadline of an epoch.

use core::num::NonZeroU64;

use damson_core::{EpochBehaviour, EpochDecision, HostError, PrunedMut};

use super::Store;
use super::context::{AsContextMut, StoreContextMut};
use super::pruned::{Erased, PrunedStore};
use crate::error::{Error, FuelError};
use crate::func::Caller;

/// What code does when it has reached the deadline, as the function says that was given to
/// [`Store::epoch_deadline_callback`], where there is an example.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum UpdateDeadline {
    /// Go on, with a deadline so many epochs after the present one.
    Continue(u64),
    /// Let others run first, then go on, with a deadline so many epochs after the present
    /// one. Only async calls can do so; others end with
    /// [`FuncError::CannotYield`](crate::errors::FuncError::CannotYield).
    Yield(u64),
    /// Stop with [`TrapCode::Interrupt`](crate::TrapCode::Interrupt).
    Interrupt,
}

impl From<UpdateDeadline> for EpochDecision {
    fn from(update: UpdateDeadline) -> Self {
        match update {
            UpdateDeadline::Continue(epochs) => Self::Continue(epochs),
            UpdateDeadline::Yield(epochs) => Self::Yield(epochs),
            UpdateDeadline::Interrupt => Self::Trap,
        }
    }
}

fn set_deadline(store: &mut PrunedMut<'_>, epochs: u64) {
    store
        .set_epoch_deadline(epochs)
        .expect("a store of this crate is made with the epoch of its engine");
}

fn set_behaviour(store: &mut PrunedMut<'_>, behaviour: EpochBehaviour) {
    store
        .set_epoch_behaviour(behaviour)
        .expect("a store of this crate is made with the epoch of its engine");
}

/// Asks `callback` at the deadline. It is put into the very store that is a context for `T`, so
/// that the context it gets is one for `T`, too.
fn ask_at_deadline<T: 'static>(
    mut context: StoreContextMut<'_, T>,
    mut callback: impl FnMut(StoreContextMut<'_, T>) -> Result<UpdateDeadline, Error>
    + Send
    + Sync
    + 'static,
) {
    let ask = move |store: PrunedMut<'_>| {
        let decision = callback(StoreContextMut::of_deadline(store));
        decision.map(EpochDecision::from).map_err(HostError::from)
    };
    let behaviour = EpochBehaviour::Ask(alloc::boxed::Box::new(ask));
    set_behaviour(&mut context.pruned_mut(), behaviour);
}

impl<T: 'static> StoreContextMut<'_, T> {
    /// Sets the deadline, see [`Store::set_epoch_deadline`].
    pub fn set_epoch_deadline(&mut self, ticks_beyond_current: u64) {
        set_deadline(&mut self.pruned_mut(), ticks_beyond_current);
    }

    /// Sets how much fuel async calls use before they let others run, see
    /// [`Store::fuel_async_yield_interval`].
    ///
    /// # Errors
    ///
    /// As for that.
    pub fn fuel_async_yield_interval(&mut self, interval: Option<u64>) -> Result<(), Error> {
        let interval = match interval {
            Some(units) => Some(NonZeroU64::new(units).ok_or(FuelError::ZeroInterval)?),
            None => None,
        };
        Ok(self.pruned_mut().set_fuel_interval(interval)?)
    }
}

impl<T: 'static> Caller<'_, T> {
    /// Sets the deadline, see [`Store::set_epoch_deadline`].
    pub fn set_epoch_deadline(&mut self, ticks_beyond_current: u64) {
        self.as_context_mut()
            .set_epoch_deadline(ticks_beyond_current);
    }
}

impl<M> PrunedStore<M> {
    /// Sets the deadline, see [`Store::set_epoch_deadline`].
    pub fn set_epoch_deadline(&mut self, ticks_beyond_current: u64) {
        self.as_context_mut()
            .set_epoch_deadline(ticks_beyond_current);
    }

    /// Stops code that has reached the deadline, see [`Store::epoch_deadline_trap`].
    pub fn epoch_deadline_trap(&mut self) {
        set_behaviour(
            &mut self.as_context_mut().pruned_mut(),
            EpochBehaviour::Trap,
        );
    }

    /// Asks a function what to do when code has reached the deadline, see
    /// [`Store::epoch_deadline_callback`].
    pub fn epoch_deadline_callback(
        &mut self,
        callback: impl FnMut(StoreContextMut<'_, Erased>) -> Result<UpdateDeadline, Error>
        + Send
        + Sync
        + 'static,
    ) {
        ask_at_deadline(self.as_context_mut(), callback);
    }

    /// Lets async calls that have reached the deadline yield to others, see
    /// [`Store::epoch_deadline_async_yield_and_update`].
    pub fn epoch_deadline_async_yield_and_update(&mut self, delta: u64) {
        let behaviour = EpochBehaviour::Always(EpochDecision::Yield(delta));
        set_behaviour(&mut self.as_context_mut().pruned_mut(), behaviour);
    }

    /// Sets how much fuel async calls use before they let others run, see
    /// [`Store::fuel_async_yield_interval`].
    ///
    /// # Errors
    ///
    /// As for that.
    pub fn fuel_async_yield_interval(&mut self, interval: Option<u64>) -> Result<(), Error> {
        self.as_context_mut().fuel_async_yield_interval(interval)
    }
}

impl<T: 'static> Store<T> {
    /// Sets the deadline to so many epochs after the present one of the engine.
    ///
    /// Where [`Config::epoch_interruption`](crate::Config::epoch_interruption) is on, code
    /// stops when the engine's epoch reaches the deadline
    /// ([`Engine::increment_epoch`](crate::Engine::increment_epoch)). A store begins with
    /// the deadline reached: set one before anything is called. Elsewhere the deadline has
    /// no effect.
    ///
    /// # Example
    ///
    /// ```
    /// # #[cfg(feature = "wat")]
    /// # fn main() -> Result<(), damson::Error> {
    /// use damson::{Config, Engine, Linker, Module, Store, TrapCode};
    ///
    /// let mut config = Config::default();
    /// config.epoch_interruption(true);
    /// let engine = Engine::new(&config);
    /// let module = Module::new(&engine, "(module (func (export \"spin\") (loop (br 0))))")?;
    /// let mut store = Store::new(&engine, ());
    /// store.set_epoch_deadline(1);
    /// let instance = Linker::new(&engine).instantiate_and_start(&mut store, &module)?;
    /// let spin = instance.get_typed_func::<(), ()>(&store, "spin")?;
    ///
    /// let other = engine.clone();
    /// std::thread::spawn(move || other.increment_epoch());
    /// let error = spin.call(&mut store, ()).unwrap_err();
    /// assert_eq!(error.as_trap_code(), Some(TrapCode::Interrupt));
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "wat"))]
    /// # fn main() {}
    /// ```
    pub fn set_epoch_deadline(&mut self, ticks_beyond_current: u64) {
        self.as_context_mut()
            .set_epoch_deadline(ticks_beyond_current);
    }

    /// Stops code that has reached the deadline with the trap
    /// [`TrapCode::Interrupt`](crate::TrapCode::Interrupt), which is how a store begins.
    pub fn epoch_deadline_trap(&mut self) {
        set_behaviour(
            &mut self.as_context_mut().pruned_mut(),
            EpochBehaviour::Trap,
        );
    }

    /// Asks a function what to do when code has reached the deadline.
    ///
    /// The function is called like a host function: it may use the store, and call into it.
    /// Its error becomes the error of the call; if it panics, the panic goes on through the
    /// call, and the store stays usable.
    ///
    /// The deadline is reached while the function runs, and nobody is asked a second time:
    /// a call that it makes ends with [`TrapCode::Interrupt`](crate::TrapCode::Interrupt),
    /// unless the function sets a deadline first
    /// ([`StoreContextMut::set_epoch_deadline`]).
    ///
    /// # Example
    ///
    /// ```
    /// # #[cfg(feature = "wat")] {
    /// use damson::{Config, Engine, Instance, Module, Store, UpdateDeadline};
    ///
    /// let mut config = Config::default();
    /// config.epoch_interruption(true);
    /// let engine = Engine::new(&config);
    /// let module = Module::new(&engine, r#"(module (func (export "spin") (loop (br 0))))"#)?;
    /// // The guest may go on five times. Nobody raises the epoch here, so the deadline is
    /// // reached at once, and again with each `Continue(0)`.
    /// let mut store = Store::new(&engine, 5_u32);
    /// store.epoch_deadline_callback(|mut context| {
    ///     let left = context.data_mut();
    ///     *left = match left.checked_sub(1) {
    ///         Some(left) => left,
    ///         None => return Ok(UpdateDeadline::Interrupt),
    ///     };
    ///     Ok(UpdateDeadline::Continue(0))
    /// });
    /// let spin = Instance::new(&mut store, &module, &[])?.get_typed_func::<(), ()>(&store, "spin")?;
    /// assert!(spin.call(&mut store, ()).is_err());
    /// assert_eq!(*store.data(), 0);
    /// # }
    /// # Ok::<(), damson::Error>(())
    /// ```
    pub fn epoch_deadline_callback(
        &mut self,
        callback: impl FnMut(StoreContextMut<'_, T>) -> Result<UpdateDeadline, Error>
        + Send
        + Sync
        + 'static,
    ) {
        ask_at_deadline(self.as_context_mut(), callback);
    }

    /// Lets async calls that have reached the deadline yield to others, then go on with a
    /// deadline `delta` epochs after the present one.
    ///
    /// Calls that cannot wait end with
    /// [`FuncError::CannotYield`](crate::errors::FuncError::CannotYield).
    ///
    /// # Example
    ///
    /// ```
    /// # #[cfg(feature = "wat")] {
    /// use damson::{Config, Engine, Instance, Module, Store};
    /// use std::{pin::pin, task::{Context, Waker}};
    ///
    /// let mut config = Config::default();
    /// config.epoch_interruption(true);
    /// let engine = Engine::new(&config);
    /// let module = Module::new(&engine, r#"
    ///     (module (func (export "count") (param i32) (loop
    ///       (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))
    /// "#)?;
    /// let mut store = Store::new(&engine, ());
    /// store.epoch_deadline_async_yield_and_update(1);
    /// let count = Instance::new(&mut store, &module, &[])?.get_typed_func::<i32, ()>(&store, "count")?;
    /// let mut call = pin!(count.call_async(&mut store, 1000));
    /// let mut task = Context::from_waker(Waker::noop());
    /// // The deadline is reached: others first. Then it is an epoch away.
    /// assert!(call.as_mut().poll(&mut task).is_pending());
    /// assert!(call.as_mut().poll(&mut task).is_ready());
    /// # }
    /// # Ok::<(), damson::Error>(())
    /// ```
    pub fn epoch_deadline_async_yield_and_update(&mut self, delta: u64) {
        let behaviour = EpochBehaviour::Always(EpochDecision::Yield(delta));
        set_behaviour(&mut self.as_context_mut().pruned_mut(), behaviour);
    }

    /// Lets async calls yield to others each time they have used so much fuel; `None`, which
    /// is how a store begins, lets them use all of it at once.
    ///
    /// The fuel that there is does not change, and neither does what a program costs.
    ///
    /// # Errors
    ///
    /// If the engine does not meter ([`Config::consume_fuel`](crate::Config::consume_fuel)),
    /// or if the interval is zero.
    ///
    /// # Example
    ///
    /// ```
    /// # #[cfg(feature = "wat")] {
    /// use damson::{Config, Engine, Instance, Module, Store};
    /// use std::{pin::pin, task::{Context, Waker}};
    ///
    /// let mut config = Config::default();
    /// config.consume_fuel(true);
    /// let engine = Engine::new(&config);
    /// let module = Module::new(&engine, r#"
    ///     (module (func (export "count") (param i32) (loop
    ///       (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))
    /// "#)?;
    /// let mut store = Store::new(&engine, ());
    /// store.set_fuel(100_000)?;
    /// store.fuel_async_yield_interval(Some(1000))?;
    /// let count = Instance::new(&mut store, &module, &[])?.get_typed_func::<i32, ()>(&store, "count")?;
    /// let mut call = pin!(count.call_async(&mut store, 1000));
    /// let mut task = Context::from_waker(Waker::noop());
    /// let mut yields = 0;
    /// while call.as_mut().poll(&mut task).is_pending() {
    ///     yields += 1;
    /// }
    /// assert!(yields > 1);
    /// # }
    /// # Ok::<(), damson::Error>(())
    /// ```
    pub fn fuel_async_yield_interval(&mut self, interval: Option<u64>) -> Result<(), Error> {
        self.as_context_mut().fuel_async_yield_interval(interval)
    }
}
