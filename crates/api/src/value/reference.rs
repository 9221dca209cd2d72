//! References to functions and to objects of the host.

use alloc::boxed::Box;
use core::any::Any;

use damson_core::{Cell, ForeignHandle, PrunedRef, RefType, StoreId};

use crate::func::Func;
use crate::store::{AsContextMut, StoreContext};

/// A reference that may be null.
///
/// # Example
///
/// ```
/// use damson::Nullable;
///
/// let some: Nullable<i32> = 5.into();
/// let none: Nullable<i32> = None.into();
/// assert_eq!((some.val(), none.val()), (Some(&5), None));
/// assert!(none.is_null());
/// assert_eq!(Option::from(some), Some(5));
/// ```
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
///
/// # Example
///
/// ```
/// use damson::{Engine, ExternRef, Func, Store};
///
/// let mut store = Store::new(&Engine::default(), ());
/// let object = ExternRef::new(&mut store, String::from("of the host"));
/// let pass = Func::wrap(&mut store, |object: Option<ExternRef>| object);
/// let pass = pass.typed::<Option<ExternRef>, Option<ExternRef>>(&store)?;
/// let back = pass.call(&mut store, Some(object))?.unwrap();
/// assert_eq!(back.data(&store).downcast_ref::<String>().unwrap(), "of the host");
/// # Ok::<(), damson::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ExternRef {
    store: StoreId,
    /// A cell that names an object of the store, so never the null cell.
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
        // Raw cells come from outside: one that names no object is as good as null.
        store.extern_object(cell)?;
        Some(Self {
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
///
/// # Example
///
/// ```
/// use damson::{Engine, Func, Ref, RefType, Store};
///
/// let mut store = Store::new(&Engine::default(), ());
/// let func = Func::wrap(&mut store, || ());
/// let reference = Ref::from(func);
/// assert!(reference.is_func() && reference.is_non_null());
/// assert_eq!(reference.as_func().unwrap().val(), Some(&&func));
/// assert!(Ref::null(RefType::Extern).is_null());
/// ```
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

    /// The function reference.
    ///
    /// # Panics
    ///
    /// If `self` is another kind of reference.
    #[must_use]
    #[track_caller]
    pub fn unwrap_func(&self) -> Nullable<&Func> {
        self.as_func()
            .expect("expected a function reference, found an externref")
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
