//! Functions whose signature was checked against Rust types once.

use core::fmt;
use core::marker::PhantomData;

use damson_core::Cell;

use super::{Func, WasmParams, WasmResults, run};
use crate::error::Error;
use crate::store::AsContextMut;

/// Lists of parameters and results are at most this long.
pub(super) const LONGEST: usize = 16;

/// A function with typed parameters and results, from [`Func::typed`].
///
/// A call checks no types and allocates nothing.
///
/// # Example
///
/// ```
/// # #[cfg(feature = "wat")] {
/// use damson::{Engine, Instance, Module, Store, TypedFunc};
///
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"
///     (module (func (export "swap") (param i32 i64) (result i64 i32)
///       (local.get 1) (local.get 0)))
/// "#)?;
/// let mut store = Store::new(&engine, ());
/// let instance = Instance::new(&mut store, &module, &[])?;
/// let swap: TypedFunc<(i32, i64), (i64, i32)> = instance.get_typed_func(&store, "swap")?;
/// assert_eq!(swap.call(&mut store, (1, 2))?, (2, 1));
/// assert!(instance.get_typed_func::<i32, ()>(&store, "swap").is_err());
/// # }
/// # Ok::<(), damson::Error>(())
/// ```
pub struct TypedFunc<Params, Results> {
    func: Func,
    /// Invariant: the function's signature is `Params` to `Results`.
    signature: PhantomData<fn(Params) -> Results>,
}

impl<Params, Results> TypedFunc<Params, Results> {
    /// `func` must have been checked to have this signature.
    pub(super) const fn new(func: Func) -> Self {
        Self {
            func,
            signature: PhantomData,
        }
    }

    /// The function without types.
    #[must_use]
    pub const fn func(&self) -> &Func {
        &self.func
    }
}

impl<Params: WasmParams, Results: WasmResults> TypedFunc<Params, Results> {
    /// How many cells a call needs.
    pub(super) const CELLS: usize = {
        assert!(Params::LEN <= LONGEST && Results::LEN <= LONGEST);
        if Params::LEN > Results::LEN {
            Params::LEN
        } else {
            Results::LEN
        }
    };

    /// Calls the function.
    ///
    /// # Errors
    ///
    /// - If the function or a reference among the parameters belongs to another store.
    /// - If the call traps, or a host function fails; that function's own error comes back.
    pub fn call(&self, mut ctx: impl AsContextMut, params: Params) -> Result<Results, Error> {
        let mut cells = [Cell::ZERO; LONGEST];
        let cells = &mut cells[..Self::CELLS];
        let mut ctx = ctx.as_context_mut();
        params.to_cells(ctx.pruned_ref(), cells)?;
        run(&mut ctx.pruned_mut(), self.func.handle(), cells)?;
        Ok(Results::from_cells(ctx.pruned_ref(), cells))
    }
}

impl<Params, Results> Copy for TypedFunc<Params, Results> {}

impl<Params, Results> Clone for TypedFunc<Params, Results> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Params, Results> fmt::Debug for TypedFunc<Params, Results> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedFunc")
            .field("func", &self.func)
            .field("params", &core::any::type_name::<Params>())
            .field("results", &core::any::type_name::<Results>())
            .finish()
    }
}
