//! Globals (specification, section 4.2.9, "Global Instances").

use crate::cell::Cell;
use crate::handle::{ForeignHandle, GlobalHandle};
use crate::types::{GlobalType, Mutability};

/// A global could not be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GlobalError {
    /// The handle belongs to another store.
    #[error(transparent)]
    ForeignHandle(#[from] ForeignHandle),
    /// The global is constant.
    #[error("expected a mutable global, found an immutable {ty}")]
    Immutable {
        /// Its type.
        ty: GlobalType,
    },
}

/// A global. Its value has a stable address as long as the store lives.
#[derive(Debug)]
#[repr(C)]
pub struct GlobalEntity {
    /// The value.
    pub value: Cell,
    ty: GlobalType,
    handle: GlobalHandle,
}

impl GlobalEntity {
    pub(crate) const fn new(ty: GlobalType, value: Cell, handle: GlobalHandle) -> Self {
        Self {
            value: value.canonical(ty.content()),
            ty,
            handle,
        }
    }

    /// The value.
    #[inline]
    #[must_use]
    pub const fn get(&self) -> Cell {
        self.value
    }

    /// The type.
    #[must_use]
    pub const fn ty(&self) -> GlobalType {
        self.ty
    }

    /// The handle that names this global.
    #[must_use]
    pub const fn handle(&self) -> GlobalHandle {
        self.handle
    }

    pub(crate) fn set(&mut self, value: Cell) -> Result<(), GlobalError> {
        match self.ty.mutability() {
            Mutability::Var => {
                self.value = value.canonical(self.ty.content());
                Ok(())
            }
            Mutability::Const => Err(GlobalError::Immutable { ty: self.ty }),
        }
    }
}
