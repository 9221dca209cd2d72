#![expect(
    unsafe_code,
    reason = "calling a host body relies on the type check made when it was linked"
)]
//! Functions, of Wasm and of the host (specification, section 4.2.6).
//!
//! A host function is made for the type `T` of a store's data, and its body
//! relies on it. So a body is called in no other way than through a store that
//! it was linked into ([`PrunedMut::alloc_host_func`] compares the types once),
//! and a call costs no more than the indirect call itself.

use alloc::boxed::Box;
use core::any::{TypeId, type_name};
use core::fmt;
use core::pin::Pin;

use crate::cell::Cell;
use crate::entry::CodeEntry;
use crate::handle::{FuncHandle, InstanceHandle};
use crate::instance::InstanceEntity;
use crate::store::PrunedMut;
use crate::types::FuncType;

/// An error of the host's own, carried through Wasm frames unchanged.
pub type HostError = Box<dyn core::error::Error + Send + Sync + 'static>;

/// What a host function gets besides its parameters.
#[derive(Debug)]
#[non_exhaustive]
pub struct HostCall<'a> {
    /// The store that the function was called in.
    pub store: PrunedMut<'a>,
    /// The instance whose code made the call; `None` if the host did.
    pub instance: Option<InstanceHandle>,
}

impl<'a> HostCall<'a> {
    /// A call in `store` from `instance`.
    #[must_use]
    pub fn new(store: PrunedMut<'a>, instance: Option<InstanceHandle>) -> Self {
        Self { store, instance }
    }
}

/// The body of a host function.
///
/// The slice has [`FuncType::cells`] cells: the parameters come first in it, and
/// the results are to be left there.
pub type HostBody = Box<dyn Fn(HostCall<'_>, &mut [Cell]) -> Result<(), HostError> + Send + Sync>;

/// What an async host function does, to be polled.
pub type HostFuture<'a> = Pin<Box<dyn Future<Output = Result<(), HostError>> + Send + 'a>>;

/// The body of an async host function: as [`HostBody`], in a future. It has the store and
/// the cells until it is ready or dropped.
pub type AsyncHostBody =
    Box<dyn for<'a> Fn(HostCall<'a>, &'a mut [Cell]) -> HostFuture<'a> + Send + Sync>;

/// The two kinds of bodies.
pub(crate) enum Body {
    Sync(HostBody),
    Async(AsyncHostBody),
}

/// A host function that is not in a store yet.
pub struct HostFunc {
    pub(crate) ty: FuncType,
    /// The type of host data that the body relies on, and its name; `None` if
    /// the body works in every store.
    pub(crate) data: Option<(TypeId, &'static str)>,
    pub(crate) body: Body,
}

impl HostFunc {
    /// A function for stores with host data of type `T` only.
    pub fn new<T: 'static>(
        ty: FuncType,
        body: impl Fn(HostCall<'_>, &mut [Cell]) -> Result<(), HostError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            ty,
            data: Some((TypeId::of::<T>(), type_name::<T>())),
            body: Body::Sync(Box::new(body)),
        }
    }

    /// An async function for stores with host data of type `T` only.
    #[must_use]
    pub fn new_async<T: 'static>(ty: FuncType, body: AsyncHostBody) -> Self {
        Self {
            ty,
            data: Some((TypeId::of::<T>(), type_name::<T>())),
            body: Body::Async(body),
        }
    }

    /// A function for every store.
    pub fn untyped(
        ty: FuncType,
        body: impl Fn(HostCall<'_>, &mut [Cell]) -> Result<(), HostError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            ty,
            data: None,
            body: Body::Sync(Box::new(body)),
        }
    }

    /// The type of the function.
    #[must_use]
    pub const fn ty(&self) -> &FuncType {
        &self.ty
    }
}

impl fmt::Debug for HostFunc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostFunc")
            .field("ty", &self.ty)
            .field("data", &self.data.map(|(_, name)| name))
            .finish_non_exhaustive()
    }
}

/// A function of a store. Never moved or written while the store lives.
#[repr(C)]
pub struct FuncEntity {
    /// The number of its type in the store: equal types have equal numbers.
    pub type_id: u32,
    /// Its index in the store.
    pub index: u32,
    /// The instance that its code runs in; null for a host function.
    pub instance: *const InstanceEntity,
    /// Where its code's entry is found; null for a host function.
    pub code: *const CodeEntry,
    /// Its index in the function index space of its module; 0 for a host function.
    pub func_index: u32,
    ty: FuncType,
    handle: FuncHandle,
    /// What a call needs: [`FuncType::cells`].
    cells: u32,
    host: Option<Body>,
}

impl FuncEntity {
    pub(crate) fn host(ty: FuncType, type_id: u32, handle: FuncHandle, body: Body) -> Self {
        Self {
            type_id,
            index: handle.index(),
            instance: core::ptr::null(),
            code: core::ptr::null(),
            func_index: 0,
            cells: ty.cells() as u32,
            ty,
            handle,
            host: Some(body),
        }
    }

    pub(crate) fn wasm(
        ty: FuncType,
        type_id: u32,
        handle: FuncHandle,
        instance: *const InstanceEntity,
        code: *const CodeEntry,
        func_index: u32,
    ) -> Self {
        let index = handle.index();
        Self {
            type_id,
            index,
            instance,
            code,
            func_index,
            cells: ty.cells() as u32,
            ty,
            handle,
            host: None,
        }
    }

    /// The type.
    #[must_use]
    pub const fn ty(&self) -> &FuncType {
        &self.ty
    }

    /// The handle that names this function.
    #[must_use]
    pub const fn handle(&self) -> FuncHandle {
        self.handle
    }

    /// Whether the function is of the host.
    #[must_use]
    #[inline]
    pub const fn is_host(&self) -> bool {
        self.instance.is_null()
    }

    /// Whether the function is an async one of the host.
    #[must_use]
    #[inline]
    pub const fn is_async(&self) -> bool {
        matches!(self.host, Some(Body::Async(_)))
    }

    /// How many cells a call needs: [`FuncType::cells`] of the type.
    #[must_use]
    #[inline]
    pub const fn cells(&self) -> usize {
        self.cells as usize
    }

    /// The reference to this function, as a cell.
    #[must_use]
    pub const fn to_cell(&self) -> Cell {
        Cell::from_bits(self.index as u64 + 1)
    }

    /// Calls the body of a host function.
    ///
    /// # Errors
    ///
    /// What the body returns.
    ///
    /// # Panics
    ///
    /// If the body does, or if this is no synchronous host function.
    ///
    /// # Safety
    ///
    /// `call.store` is the store that this function lives in.
    #[inline]
    pub unsafe fn call_host(
        &self,
        call: HostCall<'_>,
        cells: &mut [Cell],
    ) -> Result<(), HostError> {
        debug_assert_eq!(call.store.id(), self.handle.store_id());
        debug_assert_eq!(cells.len(), self.ty.cells());
        match &self.host {
            Some(Body::Sync(body)) => body(call, cells),
            _ => panic!("expected a synchronous host function"),
        }
    }

    /// Calls the body of an async host function: gives its future.
    ///
    /// # Panics
    ///
    /// If the body does, or if this is no async host function.
    ///
    /// # Safety
    ///
    /// `call.store` is the store that this function lives in.
    #[must_use]
    pub unsafe fn call_host_async<'a>(
        &self,
        call: HostCall<'a>,
        cells: &'a mut [Cell],
    ) -> HostFuture<'a> {
        debug_assert_eq!(call.store.id(), self.handle.store_id());
        debug_assert_eq!(cells.len(), self.ty.cells());
        match &self.host {
            Some(Body::Async(body)) => body(call, cells),
            _ => panic!("expected an async host function"),
        }
    }
}

impl fmt::Debug for FuncEntity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FuncEntity")
            .field("handle", &self.handle)
            .field("ty", &self.ty)
            .field("host", &self.is_host())
            .finish_non_exhaustive()
    }
}
