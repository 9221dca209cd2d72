//! Globals.

use damson_core::{ForeignHandle, GlobalEntity, GlobalHandle, GlobalType, Mutability, PrunedRef};

use crate::error::GlobalError;
use crate::store::{AsContext, AsContextMut};
use crate::value::Val;

/// A global variable in a store.
///
/// # Example
///
/// ```
/// use damson::{Engine, Global, Mutability, Store, Val};
///
/// let mut store = Store::new(&Engine::default(), ());
/// let counter = Global::new(&mut store, Val::I64(1), Mutability::Var);
/// counter.set(&mut store, Val::I64(2))?;
/// assert_eq!(counter.get(&store).i64(), Some(2));
/// assert!(counter.set(&mut store, Val::I32(3)).is_err(), "another type");
///
/// let constant = Global::new(&mut store, Val::I32(1), Mutability::Const);
/// let error = constant.set(&mut store, Val::I32(2)).unwrap_err();
/// assert_eq!(error.to_string(), "expected a mutable global, found an immutable global i32");
/// # Ok::<(), damson::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Global(GlobalHandle);

impl Global {
    pub(crate) const fn from_handle(handle: GlobalHandle) -> Self {
        Self(handle)
    }

    pub(crate) const fn handle(self) -> GlobalHandle {
        self.0
    }

    /// A global that holds `value`.
    ///
    /// # Panics
    ///
    /// If `value` does not originate from `ctx`.
    pub fn new(mut ctx: impl AsContextMut, value: Val, mutability: Mutability) -> Self {
        let mut ctx = ctx.as_context_mut();
        match value.to_cell(ctx.pruned_ref()) {
            Ok(cell) => {
                let ty = GlobalType::new(value.ty(), mutability);
                Self(ctx.pruned_mut().alloc_global(ty, cell))
            }
            Err(error) => panic!("{error}"),
        }
    }

    fn entity<'a>(&self, store: PrunedRef<'a>) -> Result<&'a GlobalEntity, ForeignHandle> {
        store.global(self.0)
    }

    /// The type.
    ///
    /// # Panics
    ///
    /// Panics if `ctx` does not own this [`Global`].
    pub fn ty(&self, ctx: impl AsContext) -> GlobalType {
        match self.entity(ctx.as_context().pruned_ref()) {
            Ok(entity) => entity.ty(),
            Err(error) => panic!("{error}"),
        }
    }

    /// The value.
    ///
    /// # Panics
    ///
    /// Panics if `ctx` does not own this [`Global`].
    pub fn get(&self, ctx: impl AsContext) -> Val {
        let store = ctx.as_context().pruned_ref();
        match self.entity(store) {
            Ok(entity) => Val::from_cell(store, entity.ty().content(), entity.get()),
            Err(error) => panic!("{error}"),
        }
    }

    /// Sets the value.
    ///
    /// # Errors
    ///
    /// - If the global is constant, or holds another type.
    /// - If the global or the value belongs to another store.
    pub fn set(&self, mut ctx: impl AsContextMut, new_value: Val) -> Result<(), GlobalError> {
        let mut ctx = ctx.as_context_mut();
        let ty = self.entity(ctx.pruned_ref())?.ty();
        let (expected, found) = (ty.content(), new_value.ty());
        if ty.mutability() == Mutability::Const {
            return Err(GlobalError::ImmutableWrite { ty });
        }
        if expected != found {
            return Err(GlobalError::TypeMismatch { expected, found });
        }
        let cell = new_value.to_cell(ctx.pruned_ref())?;
        match ctx.pruned_mut().set_global(self.0, cell) {
            Ok(()) => Ok(()),
            Err(damson_core::GlobalError::ForeignHandle(error)) => Err(error.into()),
            Err(_) => Err(GlobalError::ImmutableWrite { ty }),
        }
    }
}
