//! Calls that can be resumed after a host function failed or the fuel was used up.
//!
//! A suspended call is a value of its own: it borrows nothing of the store, which is free
//! for other calls, can be pruned and recovered, and can be moved to another thread. It
//! goes on in the store that it belongs to, and in no other. To drop it is to give the
//! call up: nothing of it is left in the store.
//!
//! One thing is impossible: to resume a call inside of another one (in a host function that
//! this one calls) if it was suspended outside of it, because its frames would have to be
//! where those of the other one are. That is an error
//! ([`FuncError::CannotResumeHere`](crate::errors::FuncError::CannotResumeHere)).

use core::fmt;
use core::marker::PhantomData;
use core::ops::Deref;

use damson_core::{Cell, PrunedMut};
use damson_executor::{Progress, Reason, Suspended};

use super::{
    Func, LONGEST, TypedFunc, WasmParams, WasmResults, check_call, check_outputs, check_results,
    write_cells, write_outputs, write_params,
};
use crate::backtrace::WasmBacktrace;
use crate::engine::Engine;
use crate::error::Error;
use crate::store::{AsContext, AsContextMut};
use crate::value::Val;

/// What has become of a call, from [`Func::call_resumable`].
///
/// # Example
///
/// ```
/// # #[cfg(feature = "wat")] {
/// use damson::{Engine, Error, Linker, Module, ResumableCall, Store, Val};
///
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"
///     (module (import "host" "ask" (func $ask (result i32)))
///       (func (export "run") (result i32) (i32.add (call $ask) (i32.const 2))))
/// "#)?;
/// let mut linker = Linker::<()>::new(&engine);
/// linker.func_wrap("host", "ask", || Err::<i32, _>(Error::new("later")))?;
/// let mut store = Store::new(&engine, ());
/// let run = linker.instantiate(&mut store, &module)?.get_func(&store, "run").unwrap();
/// let mut results = [Val::I32(0)];
/// let mut call = run.call_resumable(&mut store, &[], &mut results)?;
/// loop {
///     call = match call {
///         ResumableCall::Finished => break,
///         ResumableCall::HostTrap(waiting) => {
///             assert_eq!(waiting.wasm_backtrace(&store)?.frames().len(), 1);
///             waiting.resume(&mut store, &[Val::I32(40)], &mut results)?
///         }
///         ResumableCall::OutOfFuel(waiting) => waiting.resume(&mut store, &mut results)?,
///     };
/// }
/// assert_eq!(results[0].i32(), Some(42));
/// # }
/// # Ok::<(), damson::Error>(())
/// ```
#[derive(Debug)]
pub enum ResumableCall {
    /// It is done; the results are in the outputs.
    Finished,
    /// A host function has failed.
    HostTrap(ResumableCallHostTrap),
    /// The fuel is used up.
    OutOfFuel(ResumableCallOutOfFuel),
}

/// A call that waits because a host function has failed.
///
/// # Example
///
/// A host function that cannot give its result at once returns an error; the host finds
/// the result at leisure and goes on.
///
/// ```
/// # #[cfg(feature = "wat")]
/// # fn main() -> Result<(), damson::Error> {
/// use damson::{Engine, Error, Linker, Module, Store, TypedResumableCall, Val};
///
/// let engine = Engine::default();
/// let mut linker = Linker::new(&engine);
/// linker.func_wrap("host", "ask", || -> Result<i32, Error> { Err(Error::new("later")) })?;
/// let module = Module::new(&engine, r#"
///     (module
///       (import "host" "ask" (func $ask (result i32)))
///       (func (export "run") (result i32) (i32.mul (call $ask) (i32.const 2))))
/// "#)?;
/// let mut store = Store::new(&engine, ());
/// let instance = linker.instantiate_and_start(&mut store, &module)?;
/// let run = instance.get_typed_func::<(), i32>(&store, "run")?;
/// let TypedResumableCall::HostTrap(call) = run.call_resumable(&mut store, ())? else {
///     panic!("the host function fails")
/// };
/// assert_eq!(call.host_error().to_string(), "later");
/// let TypedResumableCall::Finished(result) = call.resume(&mut store, &[Val::I32(21)])? else {
///     panic!("there is nothing else to wait for")
/// };
/// assert_eq!(result, 42);
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "wat"))]
/// # fn main() {}
/// ```
#[derive(Debug)]
pub struct ResumableCallHostTrap {
    call: Suspended,
    host_func: Func,
    host_error: Error,
}

/// A call that waits for fuel.
///
/// # Example
///
/// ```
/// # #[cfg(feature = "wat")]
/// # fn main() -> Result<(), damson::Error> {
/// use damson::{Config, Engine, Linker, Module, Store, TypedResumableCall};
///
/// let mut config = Config::default();
/// config.consume_fuel(true);
/// let engine = Engine::new(&config);
/// let module = Module::new(&engine, r#"
///     (module (func (export "count") (param $to i32) (result i32) (local $n i32)
///       (loop $again
///         (local.set $n (i32.add (local.get $n) (i32.const 1)))
///         (br_if $again (i32.lt_u (local.get $n) (local.get $to))))
///       (local.get $n)))
/// "#)?;
/// let mut store = Store::new(&engine, ());
/// let instance = Linker::new(&engine).instantiate_and_start(&mut store, &module)?;
/// let count = instance.get_typed_func::<i32, i32>(&store, "count")?;
/// store.set_fuel(1000)?;
/// let mut call = count.call_resumable(&mut store, 1000)?;
/// let mut slices = 1;
/// let result = loop {
///     match call {
///         TypedResumableCall::Finished(result) => break result,
///         TypedResumableCall::OutOfFuel(paused) => {
///             store.set_fuel(1000.max(paused.required_fuel()))?;
///             slices += 1;
///             call = paused.resume(&mut store)?;
///         }
///         TypedResumableCall::HostTrap(_) => unreachable!("it calls no host function"),
///     }
/// };
/// assert_eq!(result, 1000);
/// assert!(slices > 5);
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "wat"))]
/// # fn main() {}
/// ```
#[derive(Debug)]
pub struct ResumableCallOutOfFuel {
    call: Suspended,
    required_fuel: u64,
}

/// The same for results of any kind.
enum Outcome {
    Finished,
    HostTrap(ResumableCallHostTrap),
    OutOfFuel(ResumableCallOutOfFuel),
}

impl Outcome {
    /// The outcome of a call in `store`.
    fn new(
        store: &mut PrunedMut<'_>,
        result: Result<Progress, damson_executor::CallError>,
    ) -> Result<Self, Error> {
        match result {
            Ok(Progress::Finished) => Ok(Self::Finished),
            Ok(Progress::Suspended(Reason::Host { func, error }, call)) => {
                let limit = Engine::of(store.as_ref()).config().max_backtrace;
                let frames = call.backtrace(store.as_ref(), limit)?;
                Ok(Self::HostTrap(ResumableCallHostTrap {
                    call,
                    host_func: Func::from_handle(func),
                    host_error: Error::from_host_box(error).with_backtrace(frames),
                }))
            }
            Ok(Progress::Suspended(Reason::OutOfFuel { required }, call)) => {
                Ok(Self::OutOfFuel(ResumableCallOutOfFuel {
                    call,
                    required_fuel: required,
                }))
            }
            // A reason that this crate does not know is one that it cannot resume.
            Ok(Progress::Suspended(reason, _)) => Err(Error::new(alloc::format!(
                "the call was suspended: {reason:?}"
            ))),
            Err(error) => Err(Error::from_call(store, error)),
        }
    }
}

impl ResumableCallHostTrap {
    /// The host function that has failed.
    #[must_use]
    pub fn host_func(&self) -> Func {
        self.host_func
    }

    /// What the host function returned, with a backtrace as the error of [`Func::call`] has
    /// it.
    #[must_use]
    pub fn host_error(&self) -> &Error {
        &self.host_error
    }

    /// The Wasm functions that are active in the call, from the one that called the host
    /// function on: with all frames, also if backtraces are off.
    ///
    /// # Errors
    ///
    /// If the call belongs to another store.
    pub fn wasm_backtrace(&self, ctx: impl AsContext) -> Result<WasmBacktrace, Error> {
        WasmBacktrace::of_suspended(&self.call, ctx)
    }

    /// Gives the call up for the error.
    #[must_use]
    pub fn into_host_error(self) -> Error {
        self.host_error
    }

    /// The cells of the results that the host function is to have given.
    fn results(&self, ctx: impl AsContext, inputs: &[Val]) -> Result<alloc::vec::Vec<Cell>, Error> {
        let store = ctx.as_context().pruned_ref();
        let ty = self.host_func.entity(store)?.ty();
        check_results(ty, inputs)?;
        let mut cells = alloc::vec![Cell::ZERO; inputs.len()];
        write_cells(store, ty.results(), inputs, &mut cells)?;
        Ok(cells)
    }

    /// Goes on as if the host function had returned `inputs`.
    ///
    /// # Errors
    ///
    /// - If the number or types of `inputs` are not those of the host function's results,
    ///   or the number of `outputs` is not that of the called function's. The call is lost.
    /// - If the call belongs to another store, or its place is taken by a call that is
    ///   running now. The call is lost.
    /// - As [`Func::call`].
    pub fn resume<T: 'static>(
        self,
        mut ctx: impl AsContextMut<Data = T>,
        inputs: &[Val],
        outputs: &mut [Val],
    ) -> Result<ResumableCall, Error> {
        let results = self.results(ctx.as_context(), inputs)?;
        resume(self.call, &mut ctx, &results, outputs)
    }

    /// Goes on with raw cells, see [`Func::call_raw_resumable`]: `inputs` holds the host
    /// function's results, `cells` takes those of the call.
    ///
    /// # Errors
    ///
    /// As for [`ResumableCallHostTrap::resume`].
    pub fn resume_raw(
        self,
        mut ctx: impl AsContextMut,
        inputs: &[Cell],
        cells: &mut [Cell],
    ) -> Result<ResumableCall, Error> {
        let mut ctx = ctx.as_context_mut();
        let result = self.call.resume(ctx.pruned_mut(), inputs, cells);
        Outcome::new(&mut ctx.pruned_mut(), result).map(ResumableCall::from)
    }
}

impl ResumableCallOutOfFuel {
    /// The Wasm functions that are active in the call: where it waits, with all frames, also
    /// if backtraces are off.
    ///
    /// It has no frame if not even the function itself has begun.
    ///
    /// # Errors
    ///
    /// If the call belongs to another store.
    pub fn wasm_backtrace(&self, ctx: impl AsContext) -> Result<WasmBacktrace, Error> {
        WasmBacktrace::of_suspended(&self.call, ctx)
    }

    /// How much fuel the store must have at least, so that the call can go on at all.
    #[must_use]
    pub fn required_fuel(&self) -> u64 {
        self.required_fuel
    }

    /// Goes on.
    ///
    /// # Errors
    ///
    /// - If the number of `outputs` is not that of the called function's results. The call
    ///   is lost.
    /// - If the call belongs to another store, or its place is taken by a call that is
    ///   running now. The call is lost.
    /// - As [`Func::call`].
    pub fn resume<T: 'static>(
        self,
        mut ctx: impl AsContextMut<Data = T>,
        outputs: &mut [Val],
    ) -> Result<ResumableCall, Error> {
        resume(self.call, &mut ctx, &[], outputs)
    }

    /// Goes on with raw cells, see [`Func::call_raw_resumable`].
    ///
    /// # Errors
    ///
    /// As for [`ResumableCallOutOfFuel::resume`].
    pub fn resume_raw(
        self,
        mut ctx: impl AsContextMut,
        cells: &mut [Cell],
    ) -> Result<ResumableCall, Error> {
        let mut ctx = ctx.as_context_mut();
        let result = self.call.resume(ctx.pruned_mut(), &[], cells);
        Outcome::new(&mut ctx.pruned_mut(), result).map(ResumableCall::from)
    }
}

impl From<Outcome> for ResumableCall {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Finished => Self::Finished,
            Outcome::HostTrap(call) => Self::HostTrap(call),
            Outcome::OutOfFuel(call) => Self::OutOfFuel(call),
        }
    }
}

/// Goes on with a call over values.
fn resume(
    call: Suspended,
    ctx: &mut impl AsContextMut,
    host_results: &[Cell],
    outputs: &mut [Val],
) -> Result<ResumableCall, Error> {
    let mut ctx = ctx.as_context_mut();
    let ty = ctx.pruned_ref().func(call.func())?.ty().clone();
    check_outputs(&ty, outputs)?;
    let mut cells = alloc::vec![Cell::ZERO; ty.cells()];
    let result = call.resume(ctx.pruned_mut(), host_results, &mut cells);
    let outcome = Outcome::new(&mut ctx.pruned_mut(), result)?;
    if let Outcome::Finished = outcome {
        write_outputs(ctx.pruned_ref(), &ty, &cells, outputs);
    }
    Ok(outcome.into())
}

impl Func {
    /// Calls the function like [`Func::call`]; if a host function fails or the fuel is used
    /// up, the call can be resumed.
    ///
    /// # Errors
    ///
    /// - As [`Func::call`], but for the two cases above.
    /// - If the function itself is a host function and fails: there is nothing to go on with.
    pub fn call_resumable<T: 'static>(
        &self,
        mut ctx: impl AsContextMut<Data = T>,
        inputs: &[Val],
        outputs: &mut [Val],
    ) -> Result<ResumableCall, Error> {
        let mut ctx = ctx.as_context_mut();
        let ty = check_call(ctx.pruned_ref(), *self, inputs, outputs)?;
        let mut cells = alloc::vec![Cell::ZERO; ty.cells()];
        write_params(ctx.pruned_ref(), inputs, &mut cells)?;
        let call = self.call_raw_resumable(&mut ctx, &mut cells)?;
        if let ResumableCall::Finished = call {
            write_outputs(ctx.pruned_ref(), &ty, &cells, outputs);
        }
        Ok(call)
    }

    /// Calls the function with raw cells like [`Func::call_raw`], and can be resumed like
    /// [`Func::call_resumable`].
    ///
    /// # Errors
    ///
    /// As for these two.
    pub fn call_raw_resumable(
        &self,
        mut ctx: impl AsContextMut,
        cells: &mut [Cell],
    ) -> Result<ResumableCall, Error> {
        let mut ctx = ctx.as_context_mut();
        let result = damson_executor::call_resumable(ctx.pruned_mut(), self.handle(), cells);
        Outcome::new(&mut ctx.pruned_mut(), result).map(ResumableCall::from)
    }
}

/// What has become of a call, from [`TypedFunc::call_resumable`].
#[derive(Debug)]
pub enum TypedResumableCall<Results> {
    /// It is done, with these results.
    Finished(Results),
    /// A host function has failed.
    HostTrap(TypedResumableCallHostTrap<Results>),
    /// The fuel is used up.
    OutOfFuel(TypedResumableCallOutOfFuel<Results>),
}

/// A [`ResumableCallHostTrap`] with typed results.
pub struct TypedResumableCallHostTrap<Results> {
    call: ResumableCallHostTrap,
    results: PhantomData<fn() -> Results>,
}

/// A [`ResumableCallOutOfFuel`] with typed results.
pub struct TypedResumableCallOutOfFuel<Results> {
    call: ResumableCallOutOfFuel,
    results: PhantomData<fn() -> Results>,
}

/// Goes on with a call with typed results.
fn resume_typed<Results: WasmResults>(
    call: Suspended,
    ctx: &mut impl AsContextMut,
    host_results: &[Cell],
) -> Result<TypedResumableCall<Results>, Error> {
    let mut ctx = ctx.as_context_mut();
    let len = ctx.pruned_ref().func(call.func())?.cells();
    let mut cells = alloc::vec![Cell::ZERO; len];
    let result = call.resume(ctx.pruned_mut(), host_results, &mut cells);
    let outcome = Outcome::new(&mut ctx.pruned_mut(), result)?;
    Ok(typed(ctx, outcome, &cells))
}

fn typed<Results: WasmResults>(
    ctx: impl AsContext,
    outcome: Outcome,
    cells: &[Cell],
) -> TypedResumableCall<Results> {
    let results = PhantomData;
    match outcome {
        Outcome::Finished => {
            let store = ctx.as_context().pruned_ref();
            TypedResumableCall::Finished(Results::from_cells(store, cells))
        }
        Outcome::HostTrap(call) => {
            TypedResumableCall::HostTrap(TypedResumableCallHostTrap { call, results })
        }
        Outcome::OutOfFuel(call) => {
            TypedResumableCall::OutOfFuel(TypedResumableCallOutOfFuel { call, results })
        }
    }
}

impl<Params: WasmParams, Results: WasmResults> TypedFunc<Params, Results> {
    /// Calls the function like [`TypedFunc::call`]; if a host function fails or the fuel is
    /// used up, the call can be resumed. See [`ResumableCallHostTrap`] and
    /// [`ResumableCallOutOfFuel`] for examples.
    ///
    /// # Errors
    ///
    /// As for [`Func::call_resumable`].
    pub fn call_resumable(
        &self,
        mut ctx: impl AsContextMut,
        params: Params,
    ) -> Result<TypedResumableCall<Results>, Error> {
        let mut ctx = ctx.as_context_mut();
        let mut cells = [Cell::ZERO; LONGEST];
        let cells = &mut cells[..Self::CELLS];
        params.to_cells(ctx.pruned_ref(), cells)?;
        let func = self.func().handle();
        let result = damson_executor::call_resumable(ctx.pruned_mut(), func, cells);
        let outcome = Outcome::new(&mut ctx.pruned_mut(), result)?;
        Ok(typed(ctx, outcome, cells))
    }
}

impl<Results: WasmResults> TypedResumableCallHostTrap<Results> {
    /// Gives the call up for the error.
    #[must_use]
    pub fn into_host_error(self) -> Error {
        self.call.into_host_error()
    }

    /// Goes on as if the host function had returned `inputs`.
    ///
    /// # Errors
    ///
    /// As for [`ResumableCallHostTrap::resume`].
    pub fn resume<T: 'static>(
        self,
        mut ctx: impl AsContextMut<Data = T>,
        inputs: &[Val],
    ) -> Result<TypedResumableCall<Results>, Error> {
        let results = self.call.results(ctx.as_context(), inputs)?;
        resume_typed(self.call.call, &mut ctx, &results)
    }
}

impl<Results: WasmResults> TypedResumableCallOutOfFuel<Results> {
    /// Goes on.
    ///
    /// # Errors
    ///
    /// As for [`ResumableCallOutOfFuel::resume`].
    pub fn resume<T: 'static>(
        self,
        mut ctx: impl AsContextMut<Data = T>,
    ) -> Result<TypedResumableCall<Results>, Error> {
        resume_typed(self.call.call, &mut ctx, &[])
    }
}

impl<Results> Deref for TypedResumableCallHostTrap<Results> {
    type Target = ResumableCallHostTrap;

    fn deref(&self) -> &ResumableCallHostTrap {
        &self.call
    }
}

impl<Results> Deref for TypedResumableCallOutOfFuel<Results> {
    type Target = ResumableCallOutOfFuel;

    fn deref(&self) -> &ResumableCallOutOfFuel {
        &self.call
    }
}

impl<Results> fmt::Debug for TypedResumableCallHostTrap<Results> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.call.fmt(f)
    }
}

impl<Results> fmt::Debug for TypedResumableCallOutOfFuel<Results> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.call.fmt(f)
    }
}
