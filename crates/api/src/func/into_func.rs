//! Rust closures as host functions.

use core::ops::Deref;

use damson_core::{Cell, FuncType, HostCall};

use super::Body;
use super::caller::Caller;
use super::wasm_ty::{WasmTy, WasmTyList, for_each_tuple};
use crate::error::Error;

/// A closure that can be a host function of stores with data `T`.
///
/// Implemented for `Fn(A1, ..) -> R` and `Fn(Caller<'_, T>, A1, ..) -> R` with up to
/// 16 parameters, each a [`WasmTy`], and `R` a [`WasmRet`]. `Params` and `Results` tell
/// the implementations apart; they are always inferred.
///
/// # Example
///
/// ```
/// use damson::{Caller, Engine, Error, ExternRef, Func, Store};
///
/// let mut store = Store::new(&Engine::default(), 3_i32);
/// let types = [
///     Func::wrap(&mut store, || ()),
///     Func::wrap(&mut store, |a: u32, b: f64| (b, a)),
///     Func::wrap(&mut store, |_: Option<ExternRef>| -> Result<i64, Error> { Ok(1) }),
///     Func::wrap(&mut store, |caller: Caller<'_, i32>| *caller.data()),
/// ]
/// .map(|func| func.ty(&store).to_string());
/// let expected = ["() -> ()", "(i32, f64) -> (f64, i32)", "(externref) -> i64", "() -> i32"];
/// assert_eq!(types, expected);
/// ```
pub trait IntoFunc<T, Params, Results>: Send + Sync + 'static {
    /// The parameters of the Wasm function.
    type Params: WasmTyList;
    /// The results of the Wasm function.
    type Results: WasmTyList;

    /// Reads the parameters from the cells, calls the closure, writes its results.
    #[doc(hidden)]
    fn call(&self, caller: Caller<'_, T>, cells: &mut [Cell]) -> Result<(), Error>
    where
        T: 'static;
}

/// The host function of a closure behind a pointer, for stores with data `T`.
pub(crate) fn into_body<T, Params, Results, F, P>(func: P) -> (FuncType, impl Body)
where
    T: 'static,
    F: IntoFunc<T, Params, Results>,
    P: Deref<Target = F> + Send + Sync + 'static,
{
    let ty = FuncType::new(F::Params::types(), F::Results::types());
    let body = move |call: HostCall<'_>, cells: &mut [Cell]| {
        func.call(Caller::of_call(call), cells).map_err(Into::into)
    };
    (ty, body)
}

/// What a typed host function may return: `()`, a [`WasmTy`], a tuple of up to 16, or
/// a `Result` of these with this crate's [`Error`].
pub trait WasmRet {
    /// The results without the error.
    type Ok: WasmTyList;

    #[doc(hidden)]
    fn into_fallible(self) -> Result<Self::Ok, Error>;
}

impl<T1: WasmTy> WasmRet for T1 {
    type Ok = T1;

    #[inline]
    fn into_fallible(self) -> Result<T1, Error> {
        Ok(self)
    }
}

impl<T1: WasmTy> WasmRet for Result<T1, Error> {
    type Ok = T1;

    #[inline]
    fn into_fallible(self) -> Result<T1, Error> {
        self
    }
}

macro_rules! returns {
    ($len:literal $($ty:ident)*) => {
        impl<$($ty: WasmTy),*> WasmRet for ($($ty,)*) {
            type Ok = ($($ty,)*);

            #[inline]
            fn into_fallible(self) -> Result<Self::Ok, Error> {
                Ok(self)
            }
        }

        impl<$($ty: WasmTy),*> WasmRet for Result<($($ty,)*), Error> {
            type Ok = ($($ty,)*);

            #[inline]
            fn into_fallible(self) -> Self {
                self
            }
        }
    };
}

returns!(0);
for_each_tuple!(returns);

/// Writes what a closure returned.
#[inline]
fn write_results<T: 'static, R: WasmRet>(
    caller: &Caller<'_, T>,
    cells: &mut [Cell],
    returned: R,
) -> Result<(), Error> {
    returned
        .into_fallible()?
        .to_cells(caller.pruned_ref(), cells)?;
    Ok(())
}

macro_rules! closures {
    ($len:literal $($ty:ident)*) => {
        #[allow(
            non_snake_case,
            reason = "the names of the types serve as variables"
        )]
        impl<T, F, $($ty,)* R> IntoFunc<T, ($($ty,)*), R> for F
        where
            F: Fn($($ty),*) -> R + Send + Sync + 'static,
            $($ty: WasmTy,)*
            R: WasmRet,
        {
            type Params = ($($ty,)*);
            type Results = R::Ok;

            fn call(&self, caller: Caller<'_, T>, cells: &mut [Cell]) -> Result<(), Error>
            where
                T: 'static,
            {
                let ($($ty,)*) = Self::Params::from_cells(caller.pruned_ref(), cells);
                write_results(&caller, cells, self($($ty),*))
            }
        }

        #[allow(
            non_snake_case,
            reason = "the names of the types serve as variables"
        )]
        impl<T, F, $($ty,)* R> IntoFunc<T, (Caller<'_, T>, $($ty,)*), R> for F
        where
            F: Fn(Caller<'_, T>, $($ty),*) -> R + Send + Sync + 'static,
            $($ty: WasmTy,)*
            R: WasmRet,
            T: 'static,
        {
            type Params = ($($ty,)*);
            type Results = R::Ok;

            fn call(&self, mut caller: Caller<'_, T>, cells: &mut [Cell]) -> Result<(), Error> {
                let ($($ty,)*) = Self::Params::from_cells(caller.pruned_ref(), cells);
                let returned = self(caller.reborrow(), $($ty),*);
                write_results(&caller, cells, returned)
            }
        }
    };
}

closures!(0);
for_each_tuple!(closures);
