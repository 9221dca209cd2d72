//! Tables.

use damson_core::{
    ForeignHandle, PrunedRef, RefType, TableEntity, TableError, TableHandle, TableType,
};

use crate::error::Error;
use crate::store::{AsContext, AsContextMut};
use crate::value::Ref;

/// A table in a store.
///
/// # Example
///
/// ```
/// use damson::{Engine, Func, Nullable, Ref, RefType, Store, Table, TableType};
///
/// let mut store = Store::new(&Engine::default(), ());
/// let ty = TableType::new(RefType::Func, 2, Some(10));
/// let table = Table::new(&mut store, ty, Ref::null(RefType::Func))?;
/// let func = Func::wrap(&mut store, || 1);
/// table.set(&mut store, 1, func.into())?;
///
/// let element = table.get(&store, 1).unwrap();
/// assert_eq!(element.unwrap_func(), Nullable::Val(&func));
/// assert!(table.get(&store, 0).unwrap().is_null());
/// assert!(table.get(&store, 2).is_none());
/// assert_eq!(table.grow(&mut store, 3, func.into())?, 2);
/// # Ok::<(), damson::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Table(TableHandle);

/// Checks the type of a reference against that of a table's elements.
fn check_element(expected: RefType, value: Ref) -> Result<(), TableError> {
    let found = value.ty();
    if expected == found {
        Ok(())
    } else {
        Err(TableError::ElementTypeMismatch { expected, found })
    }
}

impl Table {
    pub(crate) const fn from_handle(handle: TableHandle) -> Self {
        Self(handle)
    }

    pub(crate) const fn handle(self) -> TableHandle {
        self.0
    }

    /// A table whose elements are all `init`.
    ///
    /// # Errors
    ///
    /// - If the type cannot exist, or there is no memory for it.
    /// - If `init` has another type than the elements, or belongs to another store.
    pub fn new(mut ctx: impl AsContextMut, ty: TableType, init: Ref) -> Result<Self, Error> {
        let mut ctx = ctx.as_context_mut();
        check_element(ty.element(), init)?;
        let cell = init.to_cell(ctx.pruned_ref())?;
        Ok(Self(ctx.pruned_mut().alloc_table(ty, cell)?))
    }

    fn entity<'a>(&self, store: PrunedRef<'a>) -> Result<&'a TableEntity, ForeignHandle> {
        store.table(self.0)
    }

    /// [`Table::entity`] where a foreign handle is documented to panic.
    #[track_caller]
    fn own<'a>(&self, store: PrunedRef<'a>) -> &'a TableEntity {
        match self.entity(store) {
            Ok(entity) => entity,
            Err(error) => panic!("{error}"),
        }
    }

    /// The type that it was made with. For how large it is now, see [`size`](Self::size).
    ///
    /// # Panics
    ///
    /// Panics if `ctx` does not own this [`Table`].
    pub fn ty(&self, ctx: impl AsContext) -> TableType {
        self.own(ctx.as_context().pruned_ref()).ty()
    }

    /// The number of elements.
    ///
    /// # Panics
    ///
    /// Panics if `ctx` does not own this [`Table`].
    pub fn size(&self, ctx: impl AsContext) -> u64 {
        self.own(ctx.as_context().pruned_ref()).size().into()
    }

    /// Adds `delta` elements, all `init`, and gives the number of elements before.
    ///
    /// # Errors
    ///
    /// - If the maximum would be exceeded, or there is no memory.
    /// - If `init` has another type than the elements.
    /// - If the table or `init` belongs to another store.
    pub fn grow(
        &self,
        mut ctx: impl AsContextMut,
        delta: u64,
        init: Ref,
    ) -> Result<u64, TableError> {
        let mut ctx = ctx.as_context_mut();
        let store = ctx.pruned_ref();
        check_element(self.entity(store)?.ty().element(), init)?;
        let cell = init.to_cell(store)?;
        Ok(ctx.pruned_mut().grow_table(self.0, delta, cell)?)
    }

    /// An element; `None` outside the table.
    ///
    /// # Panics
    ///
    /// Panics if `ctx` does not own this [`Table`].
    pub fn get(&self, ctx: impl AsContext, index: u64) -> Option<Ref> {
        let store = ctx.as_context().pruned_ref();
        let entity = self.own(store);
        let cell = entity.get(index)?;
        Some(Ref::from_cell(store, entity.ty().element(), cell))
    }

    /// Sets an element.
    ///
    /// # Errors
    ///
    /// - If the index lies outside the table.
    /// - If `value` has another type than the elements.
    /// - If the table or `value` belongs to another store.
    pub fn set(&self, ctx: impl AsContextMut, index: u64, value: Ref) -> Result<(), TableError> {
        self.fill(ctx, index, value, 1)
    }

    /// Sets `len` elements from `dst` on.
    ///
    /// # Errors
    ///
    /// - If the range lies outside the table; then nothing is set.
    /// - If `value` has another type than the elements.
    /// - If the table or `value` belongs to another store.
    pub fn fill(
        &self,
        mut ctx: impl AsContextMut,
        dst: u64,
        value: Ref,
        len: u64,
    ) -> Result<(), TableError> {
        let mut ctx = ctx.as_context_mut();
        let store = ctx.pruned_ref();
        check_element(self.entity(store)?.ty().element(), value)?;
        let cell = value.to_cell(store)?;
        ctx.pruned_mut().table_mut(self.0)?.fill(dst, cell, len)
    }

    /// Copies `len` elements from one table to another, or within one; the ranges may
    /// overlap.
    ///
    /// # Errors
    ///
    /// - If a range lies outside its table; then nothing is copied.
    /// - If the tables have elements of different types.
    /// - If one of the tables belongs to another store.
    ///
    /// # Example
    ///
    /// ```
    /// use damson::{Engine, Func, Ref, RefType, Store, Table, TableType};
    ///
    /// let mut store = Store::new(&Engine::default(), ());
    /// let func = Func::wrap(&mut store, || ());
    /// let ty = TableType::new(RefType::Func, 3, None);
    /// let from = Table::new(&mut store, ty, func.into())?;
    /// let to = Table::new(&mut store, ty, Ref::null(RefType::Func))?;
    /// Table::copy(&mut store, &to, 1, &from, 0, 2)?;
    /// let nulls = [0, 1, 2].map(|index| to.get(&store, index).unwrap().is_null());
    /// assert_eq!(nulls, [true, false, false]);
    /// assert!(Table::copy(&mut store, &to, 2, &from, 0, 2).is_err());
    /// # Ok::<(), damson::Error>(())
    /// ```
    pub fn copy(
        mut store: impl AsContextMut,
        dst_table: &Table,
        dst_index: u64,
        src_table: &Table,
        src_index: u64,
        len: u64,
    ) -> Result<(), TableError> {
        store.as_context_mut().pruned_mut().copy_table(
            (dst_table.0, dst_index),
            (src_table.0, src_index),
            len,
        )
    }
}
