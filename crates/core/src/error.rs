//! Errors that belong to the store as a whole.
//!
//! Errors of one kind of entity live beside it: [`crate::memory::MemoryError`],
//! [`crate::table::TableError`], [`crate::instantiate::InstantiateError`].

use crate::handle::ForeignHandle;
use crate::storage::StorageError;
use crate::store::Counted;
use crate::trap::TrapCode;
use crate::types::ExternKind;

/// The host data of a store was asked for as a type that it does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a store with host data of type `{expected}`, found one with `{found}`")]
pub struct TypeMismatch {
    /// The name of the type that was asked for.
    pub expected: &'static str,
    /// The name of the type that the store holds.
    pub found: &'static str,
}

/// Fuel was set in a store that does not meter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a store that meters fuel, but metering is disabled in its configuration")]
pub struct FuelDisabled;

/// An epoch's deadline was set in a store without an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a store with epoch interruption, but it is disabled in its configuration")]
pub struct EpochDisabled;

/// The value stack of a store could not be allocated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no memory for a value stack of {bytes} bytes")]
pub struct StackError {
    /// The configured size.
    pub bytes: usize,
}

/// A store has as many entities of a kind as the embedder's limiter allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the resource limiter allows {limit} {counted}, and {wanted} would be in the store")]
pub struct CountExceeded {
    /// Of what.
    pub counted: Counted,
    /// How many the limiter allows.
    pub limit: usize,
    /// How many there would be.
    pub wanted: usize,
}

/// A memory or table did not grow. It keeps its size and contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GrowError {
    /// The handle belongs to another store.
    #[error(transparent)]
    ForeignHandle(#[from] ForeignHandle),
    /// The new size exceeds the maximum of the type or of the implementation.
    #[error("a {kind} of size {current} cannot grow by {delta}: at most {maximum} are possible")]
    BeyondMaximum {
        /// Memory or table.
        kind: ExternKind,
        /// Its size, in pages or elements.
        current: u64,
        /// What was asked for, in pages or elements.
        delta: u64,
        /// The greatest size possible, in pages or elements.
        maximum: u64,
    },
    /// The embedder's limiter refused.
    #[error("the resource limiter refused to let a {kind} grow")]
    Denied {
        /// Memory or table.
        kind: ExternKind,
    },
    /// The embedder's limiter refused and wants the guest to stop.
    #[error("the resource limiter stopped a guest that asked for a larger {kind}")]
    DeniedWithTrap {
        /// Memory or table.
        kind: ExternKind,
    },
    /// The storage has no room.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The storage has no room, and the embedder's limiter wants the guest to stop.
    #[error("the resource limiter stopped a guest whose growth failed: {0}")]
    StorageWithTrap(StorageError),
    /// The new elements of a table would hold what is no reference of this store.
    #[error("the initial value of new table elements is not a reference of this store")]
    InvalidReference,
}

impl GrowError {
    /// The trap to raise in a guest that asked for the growth; `None` if the
    /// instruction just reports failure (-1).
    #[must_use]
    pub const fn trap_code(&self) -> Option<TrapCode> {
        match self {
            Self::DeniedWithTrap { .. } | Self::StorageWithTrap(_) => {
                Some(TrapCode::GrowthOperationLimited)
            }
            Self::InvalidReference => Some(TrapCode::InvalidReference),
            Self::ForeignHandle(_)
            | Self::BeyondMaximum { .. }
            | Self::Denied { .. }
            | Self::Storage(_) => None,
        }
    }
}
