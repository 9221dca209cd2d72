//! Values as hosts see them: [`Val`], references, and floats by their bits.
//!
//! The interpreter itself moves untyped [`Cell`]s. A number crosses without a look
//! at the store; a reference is checked on the way in (it must belong to the store)
//! and rebuilt as a handle on the way out. `v128` is not supported yet.

use alloc::boxed::Box;
use core::any::Any;
use core::fmt;

use damson_core::{Cell, ForeignHandle, PrunedRef, RefType, StoreId, ValType};

use crate::func::Func;
use crate::store::{AsContextMut, StoreContext};

/// Declares a float that is its bits, so that NaN payloads survive.
macro_rules! float_bits {
    ($(#[$doc:meta])* $name:ident, $bits:ty, $float:ty) => {
        $(#[$doc])*
        ///
        /// Equality and hashing compare the bits.
        #[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
        #[repr(transparent)]
        pub struct $name($bits);

        impl $name {
            /// The float with these bits.
            #[must_use]
            pub const fn from_bits(bits: $bits) -> Self {
                Self(bits)
            }

            /// The bits.
            #[must_use]
            pub const fn to_bits(self) -> $bits {
                self.0
            }

            /// From Rust's float type.
            #[must_use]
            pub const fn from_float(float: $float) -> Self {
                Self(float.to_bits())
            }

            /// As Rust's float type.
            #[must_use]
            pub const fn to_float(self) -> $float {
                <$float>::from_bits(self.0)
            }
        }

        impl From<$float> for $name {
            fn from(float: $float) -> Self {
                Self::from_float(float)
            }
        }

        impl From<$name> for $float {
            fn from(value: $name) -> Self {
                value.to_float()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.to_float(), f)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.to_float(), f)
            }
        }
    };
}

float_bits!(
    /// A Wasm `f32`, held as its bits.
    F32, u32, f32
);
float_bits!(
    /// A Wasm `f64`, held as its bits.
    F64, u64, f64
);

/// A reference that may be null.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Nullable<T> {
    /// No referent.
    #[default]
    Null,
    /// A referent.
    Val(T),
}

impl<T> Nullable<T> {
    /// Whether this is null.
    #[must_use]
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The referent, if there is one.
    #[must_use]
    pub fn val(&self) -> Option<&T> {
        match self {
            Self::Null => None,
            Self::Val(value) => Some(value),
        }
    }

    /// The same with a reference to the referent.
    #[must_use]
    pub fn as_ref(&self) -> Nullable<&T> {
        self.val().into()
    }
}

impl<T> From<T> for Nullable<T> {
    fn from(value: T) -> Self {
        Self::Val(value)
    }
}

impl<T> From<Option<T>> for Nullable<T> {
    fn from(value: Option<T>) -> Self {
        match value {
            None => Self::Null,
            Some(value) => Self::Val(value),
        }
    }
}

impl<T> From<Nullable<T>> for Option<T> {
    fn from(value: Nullable<T>) -> Self {
        match value {
            Nullable::Null => None,
            Nullable::Val(value) => Some(value),
        }
    }
}

/// A host object that Wasm code can hold and pass on, but not look into.
///
/// The object lives as long as its store; the handle is copyable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ExternRef {
    store: StoreId,
    /// Never the null cell.
    bits: u64,
}

impl ExternRef {
    /// Moves an object into the store.
    pub fn new<T>(mut ctx: impl AsContextMut, object: T) -> Self
    where
        T: Any + Send + Sync,
    {
        let mut ctx = ctx.as_context_mut();
        let mut store = ctx.pruned_mut();
        let store_id = store.id();
        let cell = store.alloc_extern(Box::new(object));
        Self {
            store: store_id,
            bits: cell.to_bits(),
        }
    }

    /// The object.
    ///
    /// # Panics
    ///
    /// Panics if `ctx` does not own this [`ExternRef`].
    pub fn data<'a, T: 'static>(&self, ctx: impl Into<StoreContext<'a, T>>) -> &'a dyn Any {
        let store = ctx.into().pruned_ref();
        match self.to_cell(store) {
            Ok(cell) => store
                .extern_object(cell)
                .expect("an `ExternRef` names an object of its store"),
            Err(error) => panic!("{error}"),
        }
    }

    fn to_cell(self, store: PrunedRef<'_>) -> Result<Cell, ForeignHandle> {
        if self.store == store.id() {
            Ok(Cell::from_bits(self.bits))
        } else {
            Err(ForeignHandle {
                kind: "externref",
                expected: store.id(),
                found: self.store,
            })
        }
    }
}

/// How a nullable reference crosses between its handle and a cell.
pub(crate) trait Reference: Copy {
    fn handle_to_cell(self, store: PrunedRef<'_>) -> Result<Cell, ForeignHandle>;
    fn handle_from_cell(store: PrunedRef<'_>, cell: Cell) -> Option<Self>;
}

impl Reference for Func {
    fn handle_to_cell(self, store: PrunedRef<'_>) -> Result<Cell, ForeignHandle> {
        store.func_ref(self.handle())
    }

    fn handle_from_cell(store: PrunedRef<'_>, cell: Cell) -> Option<Self> {
        store.func_of_ref(cell).map(Self::from_handle)
    }
}

impl Reference for ExternRef {
    fn handle_to_cell(self, store: PrunedRef<'_>) -> Result<Cell, ForeignHandle> {
        self.to_cell(store)
    }

    fn handle_from_cell(store: PrunedRef<'_>, cell: Cell) -> Option<Self> {
        (cell != Cell::ZERO).then(|| Self {
            store: store.id(),
            bits: cell.to_bits(),
        })
    }
}

/// The cell of a nullable reference; it must belong to the store.
pub(crate) fn ref_to_cell<T: Reference>(
    store: PrunedRef<'_>,
    reference: Nullable<T>,
) -> Result<Cell, ForeignHandle> {
    match reference {
        Nullable::Null => Ok(Cell::ZERO),
        Nullable::Val(value) => value.handle_to_cell(store),
    }
}

/// The reference in a cell of the store.
pub(crate) fn ref_from_cell<T: Reference>(store: PrunedRef<'_>, cell: Cell) -> Nullable<T> {
    T::handle_from_cell(store, cell).into()
}

/// A reference of any type, as tables hold them.
#[derive(Debug, Clone, Copy)]
pub enum Ref {
    /// A function reference.
    Func(Nullable<Func>),
    /// A reference to a host object.
    Extern(Nullable<ExternRef>),
}

impl Ref {
    /// The null reference of a type.
    #[must_use]
    pub fn null(ty: RefType) -> Self {
        match ty {
            RefType::Func => Self::Func(Nullable::Null),
            RefType::Extern => Self::Extern(Nullable::Null),
            other => unreachable!("the engine supports no references of type {other}"),
        }
    }

    /// The default value of a type: its null reference.
    #[must_use]
    pub fn default_for_ty(ty: RefType) -> Self {
        Self::null(ty)
    }

    /// The type.
    #[must_use]
    pub const fn ty(&self) -> RefType {
        match self {
            Self::Func(_) => RefType::Func,
            Self::Extern(_) => RefType::Extern,
        }
    }

    /// Whether this is a null reference.
    #[must_use]
    pub const fn is_null(&self) -> bool {
        match self {
            Self::Func(value) => value.is_null(),
            Self::Extern(value) => value.is_null(),
        }
    }

    /// Whether this refers to something.
    #[must_use]
    pub const fn is_non_null(&self) -> bool {
        !self.is_null()
    }

    /// Whether this is a function reference.
    #[must_use]
    pub const fn is_func(&self) -> bool {
        matches!(self, Self::Func(_))
    }

    /// Whether this is a reference to a host object.
    #[must_use]
    pub const fn is_extern(&self) -> bool {
        matches!(self, Self::Extern(_))
    }

    /// The function reference, if this is one.
    #[must_use]
    pub fn as_func(&self) -> Option<Nullable<&Func>> {
        match self {
            Self::Func(value) => Some(value.as_ref()),
            Self::Extern(_) => None,
        }
    }

    /// The reference to a host object, if this is one.
    #[must_use]
    pub fn as_extern(&self) -> Option<Nullable<&ExternRef>> {
        match self {
            Self::Extern(value) => Some(value.as_ref()),
            Self::Func(_) => None,
        }
    }

    pub(crate) fn to_cell(self, store: PrunedRef<'_>) -> Result<Cell, ForeignHandle> {
        match self {
            Self::Func(value) => ref_to_cell(store, value),
            Self::Extern(value) => ref_to_cell(store, value),
        }
    }

    pub(crate) fn from_cell(store: PrunedRef<'_>, ty: RefType, cell: Cell) -> Self {
        match ty {
            RefType::Func => Self::Func(ref_from_cell(store, cell)),
            RefType::Extern => Self::Extern(ref_from_cell(store, cell)),
            other => unreachable!("the engine supports no references of type {other}"),
        }
    }
}

/// A value of any type.
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
