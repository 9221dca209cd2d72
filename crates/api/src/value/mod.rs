//! Values as hosts see them: [`Val`], references, and floats by their bits.
//!
//! The interpreter itself moves untyped [`Cell`]s. A number crosses without a look
//! at the store; a reference is checked on the way in (it must belong to the store)
//! and rebuilt as a handle on the way out. `v128` is not supported yet.

mod float;
mod reference;

use damson_core::{Cell, ForeignHandle, PrunedRef, ValType};

use crate::error::Error;
use crate::func::Func;
use crate::store::AsContext;

pub use self::float::{F32, F64};
pub use self::reference::{ExternRef, Nullable, Ref};
pub(crate) use self::reference::{ref_from_cell, ref_to_cell};

/// A value of any type.
///
/// # Example
///
/// ```
/// use damson::{F32, Val, ValType};
///
/// let values = [Val::I32(-1), Val::from(2_i64), Val::F32(F32::from(0.5)), 0.25_f64.into()];
/// assert_eq!(values.map(|value| value.ty()), [ValType::I32, ValType::I64, ValType::F32, ValType::F64]);
/// assert_eq!(values[0].i32(), Some(-1));
/// assert_eq!(values[0].i64(), None);
/// assert_eq!(values[2].f32().map(F32::to_float), Some(0.5));
/// assert!(Val::default_for_ty(ValType::FuncRef).funcref().unwrap().is_null());
/// ```
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Val {
    /// An `i32`, signed or unsigned.
    I32(i32),
    /// An `i64`, signed or unsigned.
    I64(i64),
    /// An `f32`.
    F32(F32),
    /// An `f64`.
    F64(F64),
    /// A function reference.
    FuncRef(Nullable<Func>),
    /// A reference to a host object.
    ExternRef(Nullable<ExternRef>),
}

impl Val {
    /// The default value of a type: zero or null.
    #[must_use]
    pub fn default_for_ty(ty: ValType) -> Self {
        match ty {
            ValType::I32 => Self::I32(0),
            ValType::I64 => Self::I64(0),
            ValType::F32 => Self::F32(F32::from_bits(0)),
            ValType::F64 => Self::F64(F64::from_bits(0)),
            ValType::FuncRef => Self::FuncRef(Nullable::Null),
            ValType::ExternRef => Self::ExternRef(Nullable::Null),
            other => unreachable!("the engine supports no values of type {other}"),
        }
    }

    /// The default value of a type: zero or null.
    #[must_use]
    pub fn default(ty: ValType) -> Self {
        Self::default_for_ty(ty)
    }

    /// The type.
    #[must_use]
    pub fn ty(&self) -> ValType {
        match self {
            Self::I32(_) => ValType::I32,
            Self::I64(_) => ValType::I64,
            Self::F32(_) => ValType::F32,
            Self::F64(_) => ValType::F64,
            Self::FuncRef(_) => ValType::FuncRef,
            Self::ExternRef(_) => ValType::ExternRef,
        }
    }

    /// The `i32`, if this is one.
    #[must_use]
    pub fn i32(&self) -> Option<i32> {
        if let Self::I32(value) = self {
            Some(*value)
        } else {
            None
        }
    }

    /// The `i64`, if this is one.
    #[must_use]
    pub fn i64(&self) -> Option<i64> {
        if let Self::I64(value) = self {
            Some(*value)
        } else {
            None
        }
    }

    /// The `f32`, if this is one.
    #[must_use]
    pub fn f32(&self) -> Option<F32> {
        if let Self::F32(value) = self {
            Some(*value)
        } else {
            None
        }
    }

    /// The `f64`, if this is one.
    #[must_use]
    pub fn f64(&self) -> Option<F64> {
        if let Self::F64(value) = self {
            Some(*value)
        } else {
            None
        }
    }

    /// The function reference, if this is one.
    #[must_use]
    pub fn funcref(&self) -> Option<Nullable<&Func>> {
        if let Self::FuncRef(value) = self {
            Some(value.as_ref())
        } else {
            None
        }
    }

    /// The reference to a host object, if this is one.
    #[must_use]
    pub fn externref(&self) -> Option<Nullable<&ExternRef>> {
        if let Self::ExternRef(value) = self {
            Some(value.as_ref())
        } else {
            None
        }
    }

    /// The value as a raw cell of a store, for [`Func::call_raw`](crate::Func::call_raw).
    ///
    /// # Errors
    ///
    /// If it is a reference to something in another store.
    ///
    /// # Example
    ///
    /// ```
    /// use damson::{Engine, ExternRef, Store, Val, ValType};
    ///
    /// let mut store = Store::new(&Engine::default(), ());
    /// let object = ExternRef::new(&mut store, "an object");
    /// let cell = Val::from(object).to_raw(&store)?;
    /// let value = Val::from_raw(&store, ValType::ExternRef, cell);
    /// assert_eq!(value.externref().unwrap().val(), Some(&&object));
    /// assert!(Val::from(object).to_raw(&Store::new(&Engine::default(), ())).is_err());
    /// # Ok::<(), damson::Error>(())
    /// ```
    pub fn to_raw(self, ctx: impl AsContext) -> Result<Cell, Error> {
        Ok(self.to_cell(ctx.as_context().pruned_ref())?)
    }

    /// The value in a raw cell of a store. What is no reference of the store is null.
    pub fn from_raw(ctx: impl AsContext, ty: ValType, cell: Cell) -> Self {
        Self::from_cell(ctx.as_context().pruned_ref(), ty, cell)
    }

    pub(crate) fn to_cell(self, store: PrunedRef<'_>) -> Result<Cell, ForeignHandle> {
        Ok(match self {
            Self::I32(value) => Cell::new(value),
            Self::I64(value) => Cell::new(value),
            Self::F32(value) => Cell::new(value.to_bits()),
            Self::F64(value) => Cell::new(value.to_bits()),
            Self::FuncRef(value) => ref_to_cell(store, value)?,
            Self::ExternRef(value) => ref_to_cell(store, value)?,
        })
    }

    pub(crate) fn from_cell(store: PrunedRef<'_>, ty: ValType, cell: Cell) -> Self {
        match ty {
            ValType::I32 => Self::I32(cell.get()),
            ValType::I64 => Self::I64(cell.get()),
            ValType::F32 => Self::F32(F32::from_bits(cell.get())),
            ValType::F64 => Self::F64(F64::from_bits(cell.get())),
            ValType::FuncRef => Self::FuncRef(ref_from_cell(store, cell)),
            ValType::ExternRef => Self::ExternRef(ref_from_cell(store, cell)),
            other => unreachable!("the engine supports no values of type {other}"),
        }
    }
}

/// Conversions that wrap.
macro_rules! from_wrapped {
    ($($from:ty => $to:ident::$variant:ident),* $(,)?) => { $(
        impl From<$from> for $to {
            fn from(value: $from) -> Self {
                Self::$variant(value.into())
            }
        }
    )* };
}

from_wrapped! {
    i32 => Val::I32,
    i64 => Val::I64,
    f32 => Val::F32,
    f64 => Val::F64,
    F32 => Val::F32,
    F64 => Val::F64,
    Func => Val::FuncRef,
    Nullable<Func> => Val::FuncRef,
    Option<Func> => Val::FuncRef,
    ExternRef => Val::ExternRef,
    Nullable<ExternRef> => Val::ExternRef,
    Option<ExternRef> => Val::ExternRef,
    Func => Ref::Func,
    Nullable<Func> => Ref::Func,
    Option<Func> => Ref::Func,
    ExternRef => Ref::Extern,
    Nullable<ExternRef> => Ref::Extern,
    Option<ExternRef> => Ref::Extern,
}

impl From<Ref> for Val {
    fn from(value: Ref) -> Self {
        match value {
            Ref::Func(value) => Self::FuncRef(value),
            Ref::Extern(value) => Self::ExternRef(value),
        }
    }
}
