//! Functions, of Wasm and of the host.
//!
//! A call moves its parameters and results through untyped cells in one buffer:
//! parameters in, results out. Everything typed around it (checking a `[Val]`
//! against the signature, converting Rust values) is here and in the submodules;
//! the executor never sees a type of the host.

mod asynchronous;
mod caller;
mod into_func;
mod resumable;
mod typed;
mod wasm_ty;

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use damson_core::{
    Cell, ForeignHandle, FuncEntity, FuncHandle, FuncType, HostCall, HostFunc, PrunedMut,
    PrunedRef, ValType,
};

use crate::error::{Error, FuncError};
use crate::store::{AsContext, AsContextMut, Erased};
use crate::value::Val;

pub(crate) use self::asynchronous::{new_async, run_async, wrapped_async};
pub use self::caller::Caller;
pub(crate) use self::into_func::into_body;
pub use self::into_func::{IntoFunc, WasmRet};
pub use self::resumable::{
    ResumableCall, ResumableCallHostTrap, ResumableCallOutOfFuel, TypedResumableCall,
    TypedResumableCallHostTrap, TypedResumableCallOutOfFuel,
};
use self::typed::LONGEST;
pub use self::typed::TypedFunc;
pub use self::wasm_ty::{WasmParams, WasmResults, WasmTy, WasmTyList};

/// A function of Wasm or of the host, in a store.
///
/// # Example
///
/// ```
/// use damson::{Engine, Func, Store, Val};
///
/// let mut store = Store::new(&Engine::default(), ());
/// let max = Func::wrap(&mut store, |a: i64, b: i64| a.max(b));
/// assert_eq!(max.ty(&store).to_string(), "(i64, i64) -> i64");
///
/// let mut results = [Val::I64(0)];
/// max.call(&mut store, &[Val::I64(7), Val::I64(-7)], &mut results)?;
/// assert_eq!(results[0].i64(), Some(7));
/// let max = max.typed::<(i64, i64), i64>(&store)?;
/// assert_eq!(max.call(&mut store, (1, 2))?, 2);
/// # Ok::<(), damson::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Func(FuncHandle);

/// What the core calls: the body of a host function, before it is boxed.
pub(crate) trait Body:
    Fn(HostCall<'_>, &mut [Cell]) -> Result<(), damson_core::HostError> + Send + Sync + 'static
{
}

impl<F> Body for F where
    F: Fn(HostCall<'_>, &mut [Cell]) -> Result<(), damson_core::HostError> + Send + Sync + 'static
{
}

/// A host function for stores with data `T`, or for all stores if `T` is [`Erased`].
///
/// This is the only place of the crate where host functions are made; what a
/// [`Caller`] may rely on is decided here.
pub(crate) fn host_func<T: 'static>(ty: FuncType, body: impl Body) -> HostFunc {
    if Erased::is::<T>() {
        HostFunc::untyped(ty, body)
    } else {
        HostFunc::new::<T>(ty, body)
    }
}

/// The body of a host function that is a closure over values.
pub(crate) fn untyped_body<T, F, P>(ty: FuncType, func: P) -> impl Body
where
    T: 'static,
    F: Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<(), Error> + Send + Sync + 'static,
    P: core::ops::Deref<Target = F> + Send + Sync + 'static,
{
    move |call: HostCall<'_>, cells: &mut [Cell]| {
        call_untyped(&ty, &*func, call, cells).map_err(Into::into)
    }
}

/// The body of a host function that is a closure over cells.
pub(crate) fn raw_body<T, F, P>(func: P) -> impl Body
where
    T: 'static,
    F: Fn(Caller<'_, T>, &mut [Cell]) -> Result<(), Error> + Send + Sync + 'static,
    P: core::ops::Deref<Target = F> + Send + Sync + 'static,
{
    move |call: HostCall<'_>, cells: &mut [Cell]| {
        func(Caller::<T>::of_call(call), cells).map_err(Into::into)
    }
}

fn call_untyped<T: 'static>(
    ty: &FuncType,
    func: &impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<(), Error>,
    call: HostCall<'_>,
    cells: &mut [Cell],
) -> Result<(), Error> {
    let mut caller = Caller::<T>::of_call(call);
    let store = caller.pruned_ref();
    let (params, results) = (ty.params(), ty.results());
    let mut values: Vec<Val> = Vec::with_capacity(params.len() + results.len());
    values.extend(
        params
            .iter()
            .zip(&*cells)
            .map(|(ty, cell)| Val::from_cell(store, *ty, *cell)),
    );
    values.extend(results.iter().map(|ty| Val::default_for_ty(*ty)));
    let (inputs, outputs) = values.split_at_mut(params.len());
    func(caller.reborrow(), inputs, outputs)?;
    write_cells(caller.pruned_ref(), results, outputs, cells)
}

impl Func {
    pub(crate) const fn from_handle(handle: FuncHandle) -> Self {
        Self(handle)
    }

    pub(crate) const fn handle(self) -> FuncHandle {
        self.0
    }

    /// Puts a host function into the store. Its check against the store's data
    /// happens here, once.
    pub(crate) fn alloc(store: &mut PrunedMut<'_>, func: HostFunc) -> Result<Self, Error> {
        Ok(Self(store.alloc_host_func(func)?))
    }

    /// A host function of any signature, over values.
    ///
    /// The closure receives the parameters, and the results with the default values
    /// of their types to overwrite. Writing a value of another type is an error of
    /// the call.
    ///
    /// # Example
    ///
    /// ```
    /// use damson::{Engine, Func, FuncType, Store, Val, ValType};
    ///
    /// let mut store = Store::new(&Engine::default(), ());
    /// let ty = FuncType::new([ValType::I32; 3], [ValType::I32]);
    /// let sum = Func::new(&mut store, ty, |_caller, params, results| {
    ///     results[0] = Val::I32(params.iter().filter_map(Val::i32).sum());
    ///     Ok(())
    /// });
    /// let mut results = [Val::I32(0)];
    /// sum.call(&mut store, &[1, 2, 3].map(Val::I32), &mut results)?;
    /// assert_eq!(results[0].i32(), Some(6));
    /// # Ok::<(), damson::Error>(())
    /// ```
    pub fn new<T: 'static>(
        mut ctx: impl AsContextMut<Data = T>,
        ty: FuncType,
        func: impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<(), Error> + Send + Sync + 'static,
    ) -> Self {
        let body = untyped_body::<T, _, _>(ty.clone(), Box::new(func));
        Self::alloc_checked::<T>(&mut ctx.as_context_mut().pruned_mut(), ty, body)
    }

    /// A host function of any signature, over raw cells: parameters in, results out.
    ///
    /// For embedders that move values themselves, such as bindings of other languages;
    /// see [`Func::call_raw`] for what cells hold. The closure receives as many cells as
    /// there are parameters or results, whichever are more.
    ///
    /// # Example
    ///
    /// ```
    /// use damson::{Cell, Engine, Func, FuncType, Store, ValType};
    ///
    /// let mut store = Store::new(&Engine::default(), ()).prune();
    /// let ty = FuncType::new([ValType::F64], [ValType::F64]);
    /// let halve = Func::new_raw(&mut store, ty, |_caller, cells| {
    ///     cells[0] = Cell::new(cells[0].get::<f64>() / 2.0);
    ///     Ok(())
    /// });
    /// let mut cells = [Cell::new(5.0_f64)];
    /// halve.call_raw(&mut store, &mut cells)?;
    /// assert_eq!(cells[0].get::<f64>(), 2.5);
    /// # Ok::<(), damson::Error>(())
    /// ```
    pub fn new_raw<T: 'static>(
        mut ctx: impl AsContextMut<Data = T>,
        ty: FuncType,
        func: impl Fn(Caller<'_, T>, &mut [Cell]) -> Result<(), Error> + Send + Sync + 'static,
    ) -> Self {
        let body = raw_body::<T, _, _>(Box::new(func));
        Self::alloc_checked::<T>(&mut ctx.as_context_mut().pruned_mut(), ty, body)
    }

    /// A host function from a closure with typed parameters and results.
    ///
    /// The closure may take a [`Caller`] first, then up to 16 parameters; it returns
    /// a [`WasmTy`], a tuple of up to 16, or a `Result` of these.
    ///
    /// # Example
    ///
    /// ```
    /// use damson::{Caller, Engine, Error, Func, Store};
    ///
    /// let mut store = Store::new(&Engine::default(), 100_u32);
    /// let spend = Func::wrap(&mut store, |mut caller: Caller<'_, u32>, amount: u32| {
    ///     let left = caller.data().checked_sub(amount);
    ///     *caller.data_mut() = left.ok_or_else(|| Error::new("not enough"))?;
    ///     Ok::<u32, Error>(*caller.data())
    /// });
    /// let spend = spend.typed::<u32, u32>(&store)?;
    /// assert_eq!(spend.call(&mut store, 70)?, 30);
    /// assert_eq!(spend.call(&mut store, 70).unwrap_err().to_string(), "not enough");
    /// # Ok::<(), damson::Error>(())
    /// ```
    pub fn wrap<T: 'static, Params, Results>(
        mut ctx: impl AsContextMut<Data = T>,
        func: impl IntoFunc<T, Params, Results>,
    ) -> Self {
        let (ty, body) = into_body(Box::new(func));
        Self::alloc_checked::<T>(&mut ctx.as_context_mut().pruned_mut(), ty, body)
    }

    fn alloc_checked<T: 'static>(store: &mut PrunedMut<'_>, ty: FuncType, body: impl Body) -> Self {
        Self::alloc_own(store, host_func::<T>(ty, body))
    }

    /// Puts a host function for `T` into a store that has been seen as one with data `T`.
    fn alloc_own(store: &mut PrunedMut<'_>, func: HostFunc) -> Self {
        Self::alloc(store, func).expect("a context with data `T` comes from a store with data `T`")
    }

    pub(crate) fn entity<'a>(&self, store: PrunedRef<'a>) -> Result<&'a FuncEntity, ForeignHandle> {
        store.func(self.0)
    }

    /// The signature.
    ///
    /// # Panics
    ///
    /// Panics if `ctx` does not own this [`Func`].
    pub fn ty(&self, ctx: impl AsContext) -> FuncType {
        match self.entity(ctx.as_context().pruned_ref()) {
            Ok(entity) => entity.ty().clone(),
            Err(error) => panic!("{error}"),
        }
    }

    /// Calls the function.
    ///
    /// `outputs` must have one place for each result; what the values are before the
    /// call does not matter.
    ///
    /// # Errors
    ///
    /// - If the numbers or types of `inputs` do not fit the signature, or the number of `outputs`.
    /// - If the function or a reference among `inputs` belongs to another store.
    /// - If the call traps, or a host function fails; that function's own error comes back.
    ///
    /// # Example
    ///
    /// ```
    /// use damson::{Engine, Func, Store, Val};
    ///
    /// let mut store = Store::new(&Engine::default(), ());
    /// let divide = Func::wrap(&mut store, |a: i32, b: i32| (a / b, a % b));
    /// let mut results = [Val::I32(0), Val::I32(0)];
    /// divide.call(&mut store, &[Val::I32(17), Val::I32(5)], &mut results)?;
    /// assert_eq!(results.map(|value| value.i32()), [Some(3), Some(2)]);
    /// // What does not fit is an error, and nothing is called.
    /// let error = divide.call(&mut store, &[Val::I32(1)], &mut results).unwrap_err();
    /// assert_eq!(error.to_string(), "expected 2 parameters, found 1");
    /// # Ok::<(), damson::Error>(())
    /// ```
    pub fn call<T: 'static>(
        &self,
        mut ctx: impl AsContextMut<Data = T>,
        inputs: &[Val],
        outputs: &mut [Val],
    ) -> Result<(), Error> {
        let mut ctx = ctx.as_context_mut();
        let ty = check_call(ctx.pruned_ref(), *self, inputs, outputs)?;
        with_cells(ty.cells(), |cells| {
            write_params(ctx.pruned_ref(), inputs, cells)?;
            run(&mut ctx.pruned_mut(), self.0, cells)?;
            write_outputs(ctx.pruned_ref(), &ty, cells, outputs);
            Ok(())
        })
    }

    /// Calls the function with raw cells: parameters in, results out.
    ///
    /// For embedders that move values themselves, such as bindings of other languages.
    /// A cell holds an `i32` or `f32` in its low half; a reference is zero for null.
    /// Cells that name no function or object of the store make the call fail or trap
    /// where they are used; they cannot reach into another store.
    ///
    /// # Errors
    ///
    /// - If `cells` has another length than the larger of the numbers of parameters and results.
    /// - If the function belongs to another store.
    /// - If the call traps, or a host function fails; that function's own error comes back.
    ///
    /// # Example
    ///
    /// ```
    /// use damson::{Cell, Engine, Func, Store};
    ///
    /// let mut store = Store::new(&Engine::default(), ()).prune();
    /// let mix = Func::wrap(&mut store, |a: i32, b: f32| f64::from(a) * f64::from(b));
    /// let mut cells = [Cell::new(3_i32), Cell::new(0.5_f32)];
    /// mix.call_raw(&mut store, &mut cells)?;
    /// assert_eq!(cells[0].get::<f64>(), 1.5);
    /// # Ok::<(), damson::Error>(())
    /// ```
    pub fn call_raw(&self, mut ctx: impl AsContextMut, cells: &mut [Cell]) -> Result<(), Error> {
        let mut ctx = ctx.as_context_mut();
        run(&mut ctx.pruned_mut(), self.0, cells)
    }

    /// The function with typed parameters and results, checked here once.
    ///
    /// # Errors
    ///
    /// - If the signature is another one.
    /// - If the function belongs to another store.
    pub fn typed<Params, Results>(
        &self,
        ctx: impl AsContext,
    ) -> Result<TypedFunc<Params, Results>, Error>
    where
        Params: WasmParams,
        Results: WasmResults,
    {
        let ctx = ctx.as_context();
        let ty = self.entity(ctx.pruned_ref())?.ty();
        check_types::<Params, Results>(ty)?;
        Ok(TypedFunc::new(*self))
    }
}

/// Calls a function, parameters and results in `cells`: the one way into the executor.
#[inline]
pub(crate) fn run(
    store: &mut PrunedMut<'_>,
    func: FuncHandle,
    cells: &mut [Cell],
) -> Result<(), Error> {
    damson_executor::call(store.reborrow(), func, cells)
        .map_err(|error| Error::from_call(store, error))
}

/// Checks a call over values, and gives the type of the function.
fn check_call(
    store: PrunedRef<'_>,
    func: Func,
    inputs: &[Val],
    outputs: &[Val],
) -> Result<FuncType, Error> {
    let ty = func.entity(store)?.ty().clone();
    check_inputs(&ty, inputs)?;
    check_outputs(&ty, outputs)?;
    Ok(ty)
}

/// Checks that there is one place for each result.
fn check_outputs(ty: &FuncType, outputs: &[Val]) -> Result<(), FuncError> {
    let (expected, found) = (ty.results().len(), outputs.len());
    if expected == found {
        Ok(())
    } else {
        Err(FuncError::MismatchingResultLen { expected, found })
    }
}

/// Writes the parameters of a call to its cells.
fn write_params(store: PrunedRef<'_>, inputs: &[Val], cells: &mut [Cell]) -> Result<(), Error> {
    for (cell, value) in cells.iter_mut().zip(inputs) {
        *cell = value.to_cell(store)?;
    }
    Ok(())
}

/// Reads the results of a call from its cells.
fn write_outputs(store: PrunedRef<'_>, ty: &FuncType, cells: &[Cell], outputs: &mut [Val]) {
    for ((output, ty), cell) in outputs.iter_mut().zip(ty.results()).zip(cells) {
        *output = Val::from_cell(store, *ty, *cell);
    }
}

/// Reads what a host function is called with.
fn read_params(store: PrunedRef<'_>, ty: &FuncType, cells: &[Cell]) -> Vec<Val> {
    let params = ty.params().iter().zip(cells);
    params
        .map(|(ty, cell)| Val::from_cell(store, *ty, *cell))
        .collect()
}

/// Writes what a host function has returned, if it has the types of the results.
fn write_cells(
    store: PrunedRef<'_>,
    results: &[ValType],
    outputs: &[Val],
    cells: &mut [Cell],
) -> Result<(), Error> {
    if let Some((index, expected, found)) = first_mismatch(results, outputs.iter().map(Val::ty)) {
        return Err(FuncError::MismatchingResultType {
            index,
            expected,
            found,
        }
        .into());
    }
    for (value, cell) in outputs.iter().zip(cells) {
        *cell = value.to_cell(store)?;
    }
    Ok(())
}

/// Checks the number and types of results that the host gives for a host function.
fn check_results(ty: &FuncType, results: &[Val]) -> Result<(), FuncError> {
    check_outputs(ty, results)?;
    match first_mismatch(ty.results(), results.iter().map(Val::ty)) {
        Some((index, expected, found)) => Err(FuncError::MismatchingResultType {
            index,
            expected,
            found,
        }),
        None => Ok(()),
    }
}

/// Checks the number and types of the parameters of a call.
fn check_inputs(ty: &FuncType, inputs: &[Val]) -> Result<(), FuncError> {
    let params = ty.params();
    if params.len() != inputs.len() {
        let (expected, found) = (params.len(), inputs.len());
        return Err(FuncError::MismatchingParameterLen { expected, found });
    }
    match first_mismatch(params, inputs.iter().map(Val::ty)) {
        Some((index, expected, found)) => Err(FuncError::MismatchingParameterType {
            index,
            expected,
            found,
        }),
        None => Ok(()),
    }
}

/// Checks Rust types against a signature.
fn check_types<Params: WasmTyList, Results: WasmTyList>(ty: &FuncType) -> Result<(), FuncError> {
    let (params, results) = (Params::types(), Results::types());
    let (params, results) = (params.as_ref(), results.as_ref());
    if ty.params().len() != params.len() {
        let (expected, found) = (ty.params().len(), params.len());
        return Err(FuncError::MismatchingParameterLen { expected, found });
    }
    if ty.results().len() != results.len() {
        let (expected, found) = (ty.results().len(), results.len());
        return Err(FuncError::MismatchingResultLen { expected, found });
    }
    if let Some((index, expected, found)) = first_mismatch(ty.params(), params.iter().copied()) {
        return Err(FuncError::MismatchingParameterType {
            index,
            expected,
            found,
        });
    }
    if let Some((index, expected, found)) = first_mismatch(ty.results(), results.iter().copied()) {
        return Err(FuncError::MismatchingResultType {
            index,
            expected,
            found,
        });
    }
    Ok(())
}

/// The first place where the types differ: index, expected, found.
fn first_mismatch(
    expected: &[ValType],
    found: impl Iterator<Item = ValType>,
) -> Option<(usize, ValType, ValType)> {
    let pairs = expected.iter().copied().zip(found).enumerate();
    pairs
        .map(|(index, (expected, found))| (index, expected, found))
        .find(|(_, e, f)| e != f)
}

/// Calls `f` with a zeroed buffer of `len` cells, on the stack if it is short.
fn with_cells<R>(len: usize, f: impl FnOnce(&mut [Cell]) -> R) -> R {
    const SHORT: usize = 16;
    if len <= SHORT {
        f(&mut [Cell::ZERO; SHORT][..len])
    } else {
        f(&mut vec![Cell::ZERO; len])
    }
}
