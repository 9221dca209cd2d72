//! The reasons of an [`Error`], and how the errors of single operations become one.

use alloc::boxed::Box;

use damson_core::{
    ForeignHandle, FuelDisabled, GrowError, InstantiateError, MemoryError, TableError, Trap,
    TrapCode, TypeMismatch,
};
use damson_translator::{EnforcedLimitsError, Error as WasmError};

use super::details::{
    CompilationError, EngineMismatch, FuelError, FuncError, GlobalError, LinkerError,
};
use super::{Error, HostError};

/// The reason of an [`Error`].
///
/// # Example
///
/// ```
/// use damson::errors::{ErrorKind, FuncError};
/// use damson::{Engine, Func, Store};
///
/// let mut store = Store::new(&Engine::default(), ());
/// let func = Func::wrap(&mut store, |n: i32| n);
/// let error = func.call(&mut store, &[], &mut []).unwrap_err();
/// match error.kind() {
///     ErrorKind::Func(FuncError::MismatchingParameterLen { expected, found }) => {
///         assert_eq!((*expected, *found), (1, 0));
///     }
///     kind => panic!("{kind}"),
/// }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Wasm code trapped; [`Error::trap`] also says where.
    #[error("{0}")]
    TrapCode(TrapCode),
    /// A message made with [`Error::new`].
    #[error("{0}")]
    Message(Box<str>),
    /// The guest asked to end with an exit status.
    #[error("the guest ended with exit status {0}")]
    I32ExitStatus(i32),
    /// An error of the host's own type.
    #[error("{0}")]
    Host(Box<dyn HostError>),
    /// The module is malformed, invalid, or uses what is not supported.
    #[error("{0}")]
    Wasm(WasmError),
    /// The text format could not be parsed.
    #[cfg(feature = "wat")]
    #[error("{0}")]
    Wat(wat::Error),
    /// The module exceeds the limits of the engine's configuration.
    #[error("{0}")]
    UserLimits(EnforcedLimitsError),
    /// A function could not be turned into code for a reason that is not the module's.
    #[error("{0}")]
    Compilation(CompilationError),
    /// A linear memory could not be made, grown, read or written.
    #[error("{0}")]
    Memory(MemoryError),
    /// A table could not be made, grown, read or written.
    #[error("{0}")]
    Table(TableError),
    /// A global could not be written.
    #[error("{0}")]
    Global(GlobalError),
    /// A linker could not define or resolve an import.
    #[error("{0}")]
    Linker(LinkerError),
    /// A module could not be instantiated.
    #[error("{0}")]
    Instantiation(InstantiateError),
    /// A fuel operation on a store that does not meter.
    #[error("{0}")]
    Fuel(FuelError),
    /// A function was called or typed with other parameters or results than it has.
    #[error("{0}")]
    Func(FuncError),
    /// A handle was used with a store it does not belong to.
    #[error("{0}")]
    ForeignHandle(ForeignHandle),
    /// Something was used with an engine it was not made for.
    #[error("{0}")]
    Engine(EngineMismatch),
    /// A store does not hold data of the expected type.
    #[error("{0}")]
    TypeMismatch(TypeMismatch),
}

impl ErrorKind {
    /// The code of the trap, if this is one, or that of the trap which the same would have
    /// been in Wasm code: a range outside of a memory or table, a growth beyond the maximum,
    /// a growth for which the limiter wants a trap, an element of another type, calls that nest
    /// too deeply.
    ///
    /// So a host function may return such an error with `?`, and the guest ends as by a trap
    /// of its own.
    #[must_use]
    pub fn as_trap_code(&self) -> Option<TrapCode> {
        Some(match self {
            Self::TrapCode(code) => *code,
            Self::Memory(
                MemoryError::OutOfBoundsAccess { .. }
                | MemoryError::Grow(GrowError::BeyondMaximum { .. }),
            ) => TrapCode::MemoryOutOfBounds,
            Self::Table(
                TableError::OutOfBounds { .. } | TableError::Grow(GrowError::BeyondMaximum { .. }),
            ) => TrapCode::TableOutOfBounds,
            Self::Memory(MemoryError::Grow(error)) | Self::Table(TableError::Grow(error)) => {
                return error.trap_code();
            }
            Self::Table(TableError::ElementTypeMismatch { .. }) => TrapCode::BadSignature,
            Self::Func(FuncError::TooDeeplyNested { .. }) => TrapCode::StackOverflow,
            _ => return None,
        })
    }

    /// The exit status, if the guest ended with one.
    #[must_use]
    pub fn as_i32_exit_status(&self) -> Option<i32> {
        if let Self::I32ExitStatus(status) = self {
            Some(*status)
        } else {
            None
        }
    }

    /// The host's error, if this is one.
    #[must_use]
    pub fn as_host(&self) -> Option<&dyn HostError> {
        if let Self::Host(error) = self {
            Some(&**error)
        } else {
            None
        }
    }

    /// The host's error, if this is one.
    #[must_use]
    pub fn as_host_mut(&mut self) -> Option<&mut dyn HostError> {
        if let Self::Host(error) = self {
            Some(&mut **error)
        } else {
            None
        }
    }

    /// The host's error by value, if this is one.
    #[must_use]
    pub fn into_host(self) -> Option<Box<dyn HostError>> {
        if let Self::Host(error) = self {
            Some(error)
        } else {
            None
        }
    }
}

impl From<Trap> for Error {
    fn from(trap: Trap) -> Self {
        Self::from_parts(ErrorKind::TrapCode(trap.code), Some(trap))
    }
}

impl From<TrapCode> for Error {
    fn from(code: TrapCode) -> Self {
        Trap::new(code).into()
    }
}

impl From<InstantiateError> for Error {
    fn from(error: InstantiateError) -> Self {
        match error {
            InstantiateError::Trap(trap) => trap.into(),
            InstantiateError::ForeignHandle { source, .. } => source.into(),
            InstantiateError::HostData { source, .. } => source.into(),
            error => Self::from_kind(ErrorKind::Instantiation(error)),
        }
    }
}

// A foreign handle is one kind of error, whatever the operation that found it.

impl From<WasmError> for Error {
    fn from(error: WasmError) -> Self {
        match error {
            WasmError::EnforcedLimits(error) => error.into(),
            error => Self::from_kind(ErrorKind::Wasm(error)),
        }
    }
}

impl From<MemoryError> for Error {
    fn from(error: MemoryError) -> Self {
        match error {
            MemoryError::ForeignHandle(error) => error.into(),
            error => Self::from_kind(ErrorKind::Memory(error)),
        }
    }
}

impl From<GlobalError> for Error {
    fn from(error: GlobalError) -> Self {
        match error {
            GlobalError::ForeignHandle(error) => error.into(),
            error => Self::from_kind(ErrorKind::Global(error)),
        }
    }
}

impl From<TableError> for Error {
    fn from(error: TableError) -> Self {
        match error {
            TableError::ForeignHandle(error) => error.into(),
            error => Self::from_kind(ErrorKind::Table(error)),
        }
    }
}

impl From<FuelDisabled> for Error {
    fn from(error: FuelDisabled) -> Self {
        FuelError::from(error).into()
    }
}

/// Converts the errors of single operations.
macro_rules! from_kinds {
    ($($(#[$meta:meta])* $from:ty => $variant:ident),* $(,)?) => { $(
        $(#[$meta])*
        impl From<$from> for Error {
            fn from(error: $from) -> Self {
                Self::from_kind(ErrorKind::$variant(error))
            }
        }
    )* };
}

from_kinds! {
    EnforcedLimitsError => UserLimits,
    #[cfg(feature = "wat")]
    wat::Error => Wat,
    CompilationError => Compilation,
    LinkerError => Linker,
    FuelError => Fuel,
    FuncError => Func,
    ForeignHandle => ForeignHandle,
    EngineMismatch => Engine,
    TypeMismatch => TypeMismatch,
}
