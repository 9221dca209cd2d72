//! Async host functions, and the calls that wait for them.
//!
//! There is no fibre and no thread: frames are in the store, so a call that has to wait
//! returns from its `poll`, and goes on in the next one. The future of such a call owns
//! the borrow of the store, which the host function that it waits for has meanwhile;
//! dropping the future drops the host function's, ends the call, and leaves the store
//! as after a call that has failed.
//!
//! Async host functions are made for a type of data that is `Send`, because their futures
//! are. `Erased` is not (it stands for data that may not be), so that no such function is
//! made for stores of every type, and a call by a pruned handle is a future that stays on its
//! thread. Both work through a typed view of the pruned store.
#![expect(unsafe_code, reason = "a call is as `Send` as the data of its store")]

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::marker::PhantomData;
use core::pin::Pin;
use core::task::{Context, Poll};

use damson_core::{AsyncHostBody, Cell, FuncType, HostCall, HostError, HostFunc, HostFuture};
use damson_executor::{AsyncCall, CallError};

use super::{
    Caller, Func, LONGEST, TypedFunc, WasmParams, WasmResults, WasmRet, WasmTyList, check_call,
    read_params, write_cells, write_outputs, write_params,
};
use crate::error::Error;
use crate::store::{AsContextMut, StoreContextMut};
use crate::value::Val;

/// What an async host function returns: a future that has the store while it waits.
type BoxFuture<'a, R> = Box<dyn Future<Output = R> + Send + 'a>;

/// The host function of an async closure behind a pointer.
pub(crate) fn wrapped_async<T, F, Params, Results>(func: Arc<F>) -> HostFunc
where
    T: Send + 'static,
    F: for<'a> Fn(Caller<'a, T>, Params) -> BoxFuture<'a, Results> + Send + Sync + 'static,
    Params: WasmTyList + 'static,
    Results: WasmRet,
{
    fn call<'a, T, F, Params, Results>(
        func: Arc<F>,
        call: HostCall<'a>,
        cells: &'a mut [Cell],
    ) -> HostFuture<'a>
    where
        T: Send + 'static,
        F: for<'b> Fn(Caller<'b, T>, Params) -> BoxFuture<'b, Results> + Send + Sync + 'static,
        Params: WasmTyList + 'static,
        Results: WasmRet,
    {
        let mut caller = Caller::<T>::of_call(call);
        let params = Params::from_cells(caller.pruned_ref(), cells);
        Box::pin(async move {
            let future = Box::into_pin(func(caller.reborrow(), params));
            let results = future.await.into_fallible().map_err(HostError::from)?;
            results
                .to_cells(caller.pruned_ref(), cells)
                .map_err(|error| HostError::from(Error::from(error)))
        })
    }
    let ty = FuncType::new(Params::types(), Results::Ok::types());
    let body: AsyncHostBody = Box::new(move |host_call, cells| {
        call::<T, F, Params, Results>(Arc::clone(&func), host_call, cells)
    });
    HostFunc::new_async::<T>(ty, body)
}

/// The host function of an async closure over values.
pub(crate) fn new_async<T, F>(ty: FuncType, func: Arc<F>) -> HostFunc
where
    T: Send + 'static,
    F: for<'a> Fn(Caller<'a, T>, &'a [Val], &'a mut [Val]) -> BoxFuture<'a, Result<(), Error>>
        + Send
        + Sync
        + 'static,
{
    fn call<'a, T, F>(
        (ty, func): (FuncType, Arc<F>),
        call: HostCall<'a>,
        cells: &'a mut [Cell],
    ) -> HostFuture<'a>
    where
        T: Send + 'static,
        F: for<'b> Fn(Caller<'b, T>, &'b [Val], &'b mut [Val]) -> BoxFuture<'b, Result<(), Error>>
            + Send
            + Sync
            + 'static,
    {
        let mut caller = Caller::<T>::of_call(call);
        let inputs = read_params(caller.pruned_ref(), &ty, cells);
        let mut outputs: Vec<Val> = ty
            .results()
            .iter()
            .map(|ty| Val::default_for_ty(*ty))
            .collect();
        Box::pin(async move {
            let future = Box::into_pin(func(caller.reborrow(), &inputs, &mut outputs));
            future.await.map_err(HostError::from)?;
            write_cells(caller.pruned_ref(), ty.results(), &outputs, cells).map_err(HostError::from)
        })
    }
    let shared = ty.clone();
    let body: AsyncHostBody = Box::new(move |host_call, cells| {
        call::<T, F>((shared.clone(), Arc::clone(&func)), host_call, cells)
    });
    HostFunc::new_async::<T>(ty, body)
}

impl Func {
    /// An async host function from a closure with typed parameters and results.
    ///
    /// The closure receives a [`Caller`] and the parameters as a tuple (one alone needs
    /// none), and returns a boxed future, which may keep the caller while it waits. The
    /// future's output is a [`WasmTy`](crate::WasmTy), a tuple of up to 16, or a `Result`
    /// of these.
    ///
    /// Such a function can be called by [`Func::call_async`] and its relatives only. From
    /// any other call that reaches it comes an error
    /// ([`FuncError::NeedsAsync`](crate::errors::FuncError::NeedsAsync)).
    ///
    /// # Example
    ///
    /// ```
    /// use damson::{Caller, Engine, Func, Store};
    /// # use core::{future::{ready, Future}, pin::pin, task::{Context, Poll, Waker}};
    /// # fn block_on<F: Future>(future: F) -> F::Output {
    /// #     let mut future = pin!(future);
    /// #     loop {
    /// #         let mut context = Context::from_waker(Waker::noop());
    /// #         if let Poll::Ready(output) = future.as_mut().poll(&mut context) { break output }
    /// #     }
    /// # }
    ///
    /// # fn main() -> Result<(), damson::Error> {
    /// let mut store = Store::new(&Engine::default(), 40_i32);
    /// let add = Func::wrap_async(&mut store, |mut caller: Caller<'_, i32>, (n,): (i32,)| {
    ///     Box::new(async move {
    ///         ready(()).await; // A timer or a socket, as a rule.
    ///         *caller.data_mut() += n;
    ///         *caller.data()
    ///     })
    /// });
    /// let add = add.typed::<i32, i32>(&store)?;
    /// assert_eq!(block_on(add.call_async(&mut store, 2))?, 42);
    /// # Ok(())
    /// # }
    /// ```
    pub fn wrap_async<T, F, Params, Results>(mut ctx: impl AsContextMut<Data = T>, func: F) -> Self
    where
        T: Send + 'static,
        F: for<'a> Fn(Caller<'a, T>, Params) -> Box<dyn Future<Output = Results> + Send + 'a>
            + Send
            + Sync
            + 'static,
        Params: WasmTyList + 'static,
        Results: WasmRet,
    {
        let func = wrapped_async::<T, F, Params, Results>(Arc::new(func));
        Self::alloc_own(&mut ctx.as_context_mut().pruned_mut(), func)
    }

    /// An async host function of any signature, over values: see [`Func::new`] and
    /// [`Func::wrap_async`].
    ///
    /// # Example
    ///
    /// ```
    /// use damson::{Engine, Func, FuncType, Store, Val, ValType};
    /// # use core::{pin::pin, task::{Context, Poll, Waker}};
    ///
    /// let mut store = Store::new(&Engine::default(), ());
    /// let ty = FuncType::new([ValType::I32], [ValType::I32]);
    /// let next = Func::new_async(&mut store, ty, |_caller, params, results| {
    ///     Box::new(async move {
    ///         std::future::ready(()).await; // a timer or a socket, as a rule
    ///         results[0] = Val::I32(params[0].i32().unwrap_or(0) + 1);
    ///         Ok(())
    ///     })
    /// });
    /// let mut results = [Val::I32(0)];
    /// # {
    /// let params = [Val::I32(41)];
    /// let mut call = pin!(next.call_async(&mut store, &params, &mut results));
    /// let Poll::Ready(result) = call.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
    ///     panic!("it has nothing to wait for")
    /// };
    /// result?;
    /// # }
    /// assert_eq!(results[0].i32(), Some(42));
    /// # Ok::<(), damson::Error>(())
    /// ```
    pub fn new_async<T, F>(mut ctx: impl AsContextMut<Data = T>, ty: FuncType, func: F) -> Self
    where
        T: Send + 'static,
        F: for<'a> Fn(
                Caller<'a, T>,
                &'a [Val],
                &'a mut [Val],
            ) -> Box<dyn Future<Output = Result<(), Error>> + Send + 'a>
            + Send
            + Sync
            + 'static,
    {
        let func = new_async::<T, F>(ty, Arc::new(func));
        Self::alloc_own(&mut ctx.as_context_mut().pruned_mut(), func)
    }

    /// Calls the function like [`Func::call`], and can wait: for async host functions, and
    /// for others to run when fuel or an epoch says so
    /// ([`Store::fuel_async_yield_interval`](crate::Store::fuel_async_yield_interval),
    /// [`Store::epoch_deadline_async_yield_and_update`](crate::Store::epoch_deadline_async_yield_and_update)).
    ///
    /// The future works on any executor, and is [`Send`] if the data of the context is. That
    /// of a pruned store is [`Erased`](crate::Erased), which is not, even where the store may
    /// move to another thread: to call with a future that moves, recover the type first
    /// ([`PrunedStore::try_context_mut`](crate::PrunedStore::try_context_mut)).
    ///
    /// Nothing runs before the future is polled. Dropping it ends the call; the store is
    /// usable then.
    ///
    /// # Errors
    ///
    /// As [`Func::call`].
    ///
    /// # Example
    ///
    /// ```
    /// # #[cfg(feature = "wat")] {
    /// use damson::{Engine, Instance, Module, Store, Val};
    /// use std::{pin::pin, task::{Context, Poll, Waker}};
    ///
    /// let engine = Engine::default();
    /// let module = Module::new(&engine, r#"(module (func (export "one") (result i32) i32.const 1))"#)?;
    /// let mut store = Store::new(&engine, ());
    /// let one = Instance::new(&mut store, &module, &[])?.get_func(&store, "one").unwrap();
    /// let mut results = [Val::I32(0)];
    /// {
    ///     // As an executor does.
    ///     let mut call = pin!(one.call_async(&mut store, &[], &mut results));
    ///     let mut task = Context::from_waker(Waker::noop());
    ///     assert!(matches!(call.as_mut().poll(&mut task), Poll::Ready(Ok(()))));
    /// }
    /// assert_eq!(results[0].i32(), Some(1));
    /// # }
    /// # Ok::<(), damson::Error>(())
    /// ```
    pub async fn call_async(
        &self,
        mut ctx: impl AsContextMut,
        inputs: &[Val],
        outputs: &mut [Val],
    ) -> Result<(), Error> {
        let mut ctx = ctx.as_context_mut();
        let ty = check_call(ctx.pruned_ref(), *self, inputs, outputs)?;
        let mut cells = alloc::vec![Cell::ZERO; ty.cells()];
        write_params(ctx.pruned_ref(), inputs, &mut cells)?;
        run_async(&mut ctx, *self, &mut cells).await?;
        write_outputs(ctx.pruned_ref(), &ty, &cells, outputs);
        Ok(())
    }

    /// Calls the function like [`Func::call_raw`], and can wait: see [`Func::call_async`].
    ///
    /// # Errors
    ///
    /// As [`Func::call_raw`].
    pub async fn call_raw_async(
        &self,
        mut ctx: impl AsContextMut,
        cells: &mut [Cell],
    ) -> Result<(), Error> {
        run_async(&mut ctx.as_context_mut(), *self, cells).await
    }
}

impl<Params: WasmParams, Results: WasmResults> TypedFunc<Params, Results> {
    /// Calls the function like [`TypedFunc::call`], and can wait: see [`Func::call_async`].
    ///
    /// # Errors
    ///
    /// As [`TypedFunc::call`].
    pub async fn call_async(
        &self,
        mut ctx: impl AsContextMut,
        params: Params,
    ) -> Result<Results, Error> {
        let mut ctx = ctx.as_context_mut();
        let mut cells = [Cell::ZERO; LONGEST];
        let cells = &mut cells[..Self::CELLS];
        params.to_cells(ctx.pruned_ref(), cells)?;
        run_async(&mut ctx, *self.func(), cells).await?;
        Ok(Results::from_cells(ctx.pruned_ref(), cells))
    }
}

/// Calls a function, parameters and results in `cells`, in a future.
pub(crate) async fn run_async<T: 'static>(
    ctx: &mut StoreContextMut<'_, T>,
    func: Func,
    cells: &mut [Cell],
) -> Result<(), Error> {
    let result = match Call::new(ctx, func, cells) {
        Ok(call) => call.await,
        Err(error) => Err(error),
    };
    result.map_err(|error| Error::from_call(&mut ctx.pruned_mut(), error))
}

/// A call in a store with data `T`, as a future.
struct Call<'a, 'c, T> {
    call: AsyncCall<'a>,
    /// Where the results go.
    cells: &'c mut [Cell],
    data: PhantomData<fn(T) -> T>,
}

impl<'a, 'c, T: 'static> Call<'a, 'c, T> {
    fn new(
        ctx: &'a mut StoreContextMut<'_, T>,
        func: Func,
        cells: &'c mut [Cell],
    ) -> Result<Self, CallError> {
        Ok(Self {
            call: AsyncCall::new(ctx.pruned_mut(), func.handle(), cells)?,
            cells,
            data: PhantomData,
        })
    }
}

// SAFETY: it borrows a store exclusively, of which all but the host data is `Send`; the data
// is a `T` (the promise of the view that it was made from), or `T` is `Erased`, which is not
// `Send`. The future of a host function, which it may own, is `Send`.
unsafe impl<T: Send> Send for Call<'_, '_, T> {}

/// Nothing in it refers to itself: the future of a host function is in a box.
impl<T> Unpin for Call<'_, '_, T> {}

impl<T> Future for Call<'_, '_, T> {
    type Output = Result<(), CallError>;

    fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        this.call.poll(task, this.cells)
    }
}
