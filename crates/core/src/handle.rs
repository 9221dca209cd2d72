//! Handles: how the world outside a store names what is inside.
//!
//! A handle is an index together with the identity of its store, so that using
//! it with another store is an error ([`ForeignHandle`]) that names both stores,
//! and never reaches an entity of the wrong one. A handle stays valid as long as
//! its store lives: entities are never removed.

use core::fmt;
use core::hash::{Hash, Hasher};
use core::marker::PhantomData;
use core::num::NonZeroU64;

use crate::func::FuncEntity;
use crate::global::GlobalEntity;
use crate::instance::InstanceEntity;
use crate::memory::MemoryEntity;
use crate::table::TableEntity;
use crate::types::ExternKind;

/// The identity of a store; unique in the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StoreId(NonZeroU64);

impl StoreId {
    /// An identity that no store has had before.
    ///
    /// # Panics
    ///
    /// If the counter is exhausted, which takes more than 2³² stores where there
    /// are no 64-bit atomics, and 2⁶⁴ elsewhere: a repeated identity would let
    /// a handle reach into the wrong store.
    pub(crate) fn unique() -> Self {
        #[cfg(target_has_atomic = "64")]
        use core::sync::atomic::AtomicU64 as Counter;
        #[cfg(not(target_has_atomic = "64"))]
        use core::sync::atomic::AtomicUsize as Counter;
        use core::sync::atomic::Ordering::Relaxed;

        static LAST: Counter = Counter::new(0);
        let last = LAST
            .fetch_update(Relaxed, Relaxed, |last| last.checked_add(1))
            .expect("no store identities are left in this process");
        #[cfg_attr(
            target_has_atomic = "64",
            expect(clippy::unnecessary_cast, reason = "the counter is narrower elsewhere")
        )]
        let last = last as u64;
        Self(NonZeroU64::MIN.saturating_add(last))
    }
}

impl fmt::Display for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "store #{}", self.0)
    }
}

mod sealed {
    pub trait Sealed {}
}

/// What a [`Handle`] can name.
pub trait Entity: sealed::Sealed {
    /// The field's name for it, used in messages.
    const KIND: &'static str;
}

macro_rules! entities {
    ($($entity:ty: $kind:literal;)*) => {$(
        impl sealed::Sealed for $entity {}
        impl Entity for $entity {
            const KIND: &'static str = $kind;
        }
    )*};
}

entities! {
    FuncEntity: "function";
    MemoryEntity: "memory";
    TableEntity: "table";
    GlobalEntity: "global";
    InstanceEntity: "instance";
}

/// Names an entity of one store.
pub struct Handle<E> {
    store: StoreId,
    index: u32,
    // A handle holds no `E`: it is `Send`, `Sync` and covariant whatever `E` is.
    entity: PhantomData<fn() -> E>,
}

/// Names a function.
pub type FuncHandle = Handle<FuncEntity>;
/// Names a linear memory.
pub type MemoryHandle = Handle<MemoryEntity>;
/// Names a table.
pub type TableHandle = Handle<TableEntity>;
/// Names a global.
pub type GlobalHandle = Handle<GlobalEntity>;
/// Names an instance.
pub type InstanceHandle = Handle<InstanceEntity>;

impl<E> Handle<E> {
    pub(crate) const fn new(store: StoreId, index: u32) -> Self {
        Self {
            store,
            index,
            entity: PhantomData,
        }
    }

    /// The store that the entity lives in.
    #[must_use]
    pub const fn store_id(self) -> StoreId {
        self.store
    }

    /// The index of the entity among those of its kind in the store.
    #[must_use]
    pub const fn index(self) -> u32 {
        self.index
    }
}

impl<E: Entity> Handle<E> {
    /// The index, if the entity lives in `store`.
    #[inline]
    pub(crate) fn index_in(self, store: StoreId) -> Result<usize, ForeignHandle> {
        if self.store == store {
            Ok(self.index as usize)
        } else {
            Err(ForeignHandle {
                kind: E::KIND,
                expected: store,
                found: self.store,
            })
        }
    }
}

// Written out because a derive would ask the same of `E`.
impl<E> Copy for Handle<E> {}
impl<E> Clone for Handle<E> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<E> PartialEq for Handle<E> {
    fn eq(&self, other: &Self) -> bool {
        self.store == other.store && self.index == other.index
    }
}
impl<E> Eq for Handle<E> {}
impl<E> Hash for Handle<E> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.store.hash(state);
        self.index.hash(state);
    }
}
impl<E: Entity> fmt::Debug for Handle<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} of {}", E::KIND, self.index, self.store)
    }
}

/// A handle was used with a store that its entity does not live in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a {kind} of {found} was used with {expected}")]
pub struct ForeignHandle {
    /// What the handle names.
    pub kind: &'static str,
    /// The store that the handle was used with.
    pub expected: StoreId,
    /// The store that the handle belongs to.
    pub found: StoreId,
}

/// Names something that can be imported and exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExternHandle {
    /// A function.
    Func(FuncHandle),
    /// A linear memory.
    Memory(MemoryHandle),
    /// A table.
    Table(TableHandle),
    /// A global.
    Global(GlobalHandle),
}

impl ExternHandle {
    /// What kind of thing it is.
    #[must_use]
    pub const fn kind(self) -> ExternKind {
        match self {
            Self::Func(_) => ExternKind::Func,
            Self::Memory(_) => ExternKind::Memory,
            Self::Table(_) => ExternKind::Table,
            Self::Global(_) => ExternKind::Global,
        }
    }

    /// The store that the entity lives in.
    #[must_use]
    pub const fn store_id(self) -> StoreId {
        match self {
            Self::Func(handle) => handle.store_id(),
            Self::Memory(handle) => handle.store_id(),
            Self::Table(handle) => handle.store_id(),
            Self::Global(handle) => handle.store_id(),
        }
    }
}

macro_rules! extern_handle_from {
    ($($variant:ident($handle:ty)),*) => {$(
        impl From<$handle> for ExternHandle {
            fn from(handle: $handle) -> Self {
                Self::$variant(handle)
            }
        }
    )*};
}

extern_handle_from!(
    Func(FuncHandle),
    Memory(MemoryHandle),
    Table(TableHandle),
    Global(GlobalHandle)
);

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn store_ids_are_unique() {
        let ids: hashbrown::HashSet<_> = (0..100).map(|_| StoreId::unique()).collect();
        assert_eq!(ids.len(), 100);
    }

    #[test]
    fn a_foreign_handle_names_both_stores() {
        let (a, b) = (StoreId::unique(), StoreId::unique());
        let handle = MemoryHandle::new(a, 7);
        assert_eq!(handle.index_in(a), Ok(7));
        let error = handle.index_in(b).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("a memory of {a} was used with {b}")
        );
        assert_eq!(format!("{handle:?}"), format!("memory 7 of {a}"));
    }

    #[test]
    fn handles_of_other_stores_are_different() {
        let (a, b) = (StoreId::unique(), StoreId::unique());
        assert_ne!(FuncHandle::new(a, 0), FuncHandle::new(b, 0));
        assert_ne!(FuncHandle::new(a, 0), FuncHandle::new(a, 1));
        assert_eq!(FuncHandle::new(a, 1), FuncHandle::new(a, 1));
    }
}
