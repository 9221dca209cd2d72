//! The error of this crate.
//!
//! [`Error`] is one pointer wide and opaque; [`Error::kind`] gives the error of the
//! operation that failed. Two properties matter to hosts:
//!
//! - An error that a host function returns reaches the caller as the same `Error`
//!   object, through any number of Wasm and host levels; [`Error::downcast_ref`]
//!   finds the host's own type in it.
//! - A trap keeps where it happened ([`Error::trap`]), and passes through host
//!   functions that return it with `?` unchanged.

use alloc::boxed::Box;
use alloc::string::String;
use core::any::Any;
use core::fmt::{self, Debug, Display};

use damson_core::{
    ExternType, ForeignHandle, FuelDisabled, GlobalType, GrowError, InstantiateError, MemoryError,
    RefType, TableError, Trap, TrapCode, TypeMismatch, ValType,
};
use damson_executor::CallError;
use damson_translator::Error as WasmError;

/// An error type of the host that a host function may return.
///
/// Implement it for the type (the trait has no methods to write), return it with
/// [`Error::host`], find it again with [`Error::downcast_ref`]. A type that implements
/// [`core::error::Error`] needs no implementation: use [`Error::other`].
pub trait HostError: Any + Display + Debug + Send + Sync {}

/// What this crate's operations fail with.
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    kind: ErrorKind,
    /// Set if, and only if, the kind is `TrapCode`.
    trap: Option<Trap>,
}

/// The reason of an [`Error`].
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
    /// A function could not be turned into code for a reason that is not the module's.
    #[error("{0}")]
    Compilation(CompilationError),
    /// A linear memory could not be made, grown, read or written.
    #[error("{0}")]
    Memory(MemoryError),
    /// A table could not be made, read or written.
    #[error("{0}")]
    Table(TableError),
    /// A memory or table could not be grown.
    #[error("{0}")]
    Grow(GrowError),
    /// A reference has another type than the elements of the table.
    #[error("{0}")]
    ElementType(ElementTypeMismatch),
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

/// A function could not be turned into code.
#[derive(Debug, thiserror::Error)]
#[error("function {func_index} could not be compiled: {source}")]
pub struct CompilationError {
    /// Index of the function in its module's function index space.
    pub func_index: u32,
    /// What went wrong.
    pub source: Box<dyn core::error::Error + Send + Sync>,
}

/// Something was used with an engine it was not made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the {what} was made for another engine than the store or linker it is used with")]
pub struct EngineMismatch {
    /// The kind of thing: `"module"`, `"linker"`, ...
    pub what: &'static str,
}

/// A fuel operation failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FuelError {
    /// The engine of the store was configured without
    /// [`Config::consume_fuel`](crate::Config::consume_fuel).
    #[error("fuel metering is disabled: the engine was configured without `consume_fuel`")]
    FuelMeteringDisabled,
}

impl From<FuelDisabled> for FuelError {
    fn from(_: FuelDisabled) -> Self {
        Self::FuelMeteringDisabled
    }
}

/// A function was called or typed with other parameters or results than it has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FuncError {
    /// The instance exports no function of that name.
    #[error("the instance exports no function named `{name}`")]
    ExportedFuncNotFound {
        /// The name looked for.
        name: Box<str>,
    },
    /// A parameter has another type.
    #[error("parameter {index}: expected {expected}, found {found}")]
    MismatchingParameterType {
        /// Index of the parameter.
        index: usize,
        /// The type in the function's signature.
        expected: ValType,
        /// The type given.
        found: ValType,
    },
    /// The number of parameters differs.
    #[error("expected {expected} parameters, found {found}")]
    MismatchingParameterLen {
        /// The number in the function's signature.
        expected: usize,
        /// The number given.
        found: usize,
    },
    /// A result has another type.
    #[error("result {index}: expected {expected}, found {found}")]
    MismatchingResultType {
        /// Index of the result.
        index: usize,
        /// The type in the function's signature.
        expected: ValType,
        /// The type given.
        found: ValType,
    },
    /// The number of results differs.
    #[error("expected {expected} results, found {found}")]
    MismatchingResultLen {
        /// The number in the function's signature.
        expected: usize,
        /// The number given.
        found: usize,
    },
}

/// A reference has another type than the elements of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the table holds {expected} elements, found a {found}")]
pub struct ElementTypeMismatch {
    /// The type of the table's elements.
    pub expected: RefType,
    /// The type of the reference.
    pub found: RefType,
}

/// A global could not be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GlobalError {
    /// The global is constant.
    #[error("expected a mutable global, found an immutable {ty}")]
    ImmutableWrite {
        /// The type of the global.
        ty: GlobalType,
    },
    /// The value has another type than the global.
    #[error("the global holds {expected}, found {found}")]
    TypeMismatch {
        /// The type of the global.
        expected: ValType,
        /// The type of the value.
        found: ValType,
    },
}

impl From<damson_core::GlobalError> for Error {
    fn from(error: damson_core::GlobalError) -> Self {
        match error {
            damson_core::GlobalError::ForeignHandle(error) => error.into(),
            damson_core::GlobalError::Immutable { ty } => GlobalError::ImmutableWrite { ty }.into(),
            error => Self::other(error),
        }
    }
}

/// A linker could not define or resolve an import.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkerError {
    /// The name is defined already and shadowing is not allowed.
    #[error("`{module}::{name}` is defined already")]
    DuplicateDefinition {
        /// Module name of the definition.
        module: Box<str>,
        /// Its own name.
        name: Box<str>,
    },
    /// The module imports what the linker does not define.
    #[error("unknown import: `{module}::{name}` is not defined, expected {ty}")]
    MissingDefinition {
        /// Module name of the import.
        module: Box<str>,
        /// Its own name.
        name: Box<str>,
        /// The type that the module expects.
        ty: ExternType,
    },
    /// The definition has another type than the import.
    #[error("incompatible import type: `{module}::{name}`: expected {expected}, found {found}")]
    InvalidTypeDefinition {
        /// Module name of the import.
        module: Box<str>,
        /// Its own name.
        name: Box<str>,
        /// The type that the module expects.
        expected: ExternType,
        /// The type of the definition.
        found: ExternType,
    },
    /// No definition has that module name.
    #[error("no definition has the module name `{module}`")]
    UnknownModule {
        /// The name looked for.
        module: Box<str>,
    },
}

/// Carries any standard error as a [`HostError`].
struct Wrapped<E>(E);

impl<E: core::error::Error> Debug for Wrapped<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Debug::fmt(&self.0, f)
    }
}

impl<E: core::error::Error> Display for Wrapped<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.0, f)
    }
}

impl<E: core::error::Error + Send + Sync + 'static> HostError for Wrapped<E> {}

/// A boxed error whose type only its maker knows, as [`HostError`].
#[derive(Debug)]
struct Boxed(Box<dyn core::error::Error + Send + Sync>);

impl Display for Boxed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.0, f)
    }
}

impl HostError for Boxed {}

impl Error {
    fn from_kind(kind: ErrorKind) -> Self {
        Self {
            inner: Box::new(Inner { kind, trap: None }),
        }
    }

    /// An error that is a message.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self::from_kind(ErrorKind::Message(message.into().into_boxed_str()))
    }

    /// An error of the host's own type, found again with [`Error::downcast_ref`].
    #[must_use]
    pub fn host<E: HostError>(error: E) -> Self {
        Self::from_kind(ErrorKind::Host(Box::new(error)))
    }

    /// Any standard error, found again with [`Error::downcast_ref`].
    #[must_use]
    pub fn other<E: core::error::Error + Send + Sync + 'static>(error: E) -> Self {
        Self::host(Wrapped(error))
    }

    /// The end of the guest's program with an exit status.
    #[must_use]
    pub fn i32_exit(status: i32) -> Self {
        Self::from_kind(ErrorKind::I32ExitStatus(status))
    }

    /// The reason.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.inner.kind
    }

    /// The trap, with its place, if this is one.
    ///
    /// A module whose active segments do not fit, or whose start function traps,
    /// traps during its instantiation.
    #[must_use]
    pub fn trap(&self) -> Option<&Trap> {
        self.inner.trap.as_ref()
    }

    /// The code of the trap, if this is one.
    #[must_use]
    pub fn as_trap_code(&self) -> Option<TrapCode> {
        self.trap().map(|trap| trap.code)
    }

    /// The exit status, if the guest ended with one.
    #[must_use]
    pub fn i32_exit_status(&self) -> Option<i32> {
        match self.kind() {
            ErrorKind::I32ExitStatus(status) => Some(*status),
            _ => None,
        }
    }

    /// The host's error, if this holds one of type `E`.
    #[must_use]
    pub fn downcast_ref<E: 'static>(&self) -> Option<&E> {
        let ErrorKind::Host(host) = self.kind() else {
            return None;
        };
        let any: &dyn Any = &**host;
        any.downcast_ref::<E>()
            .or_else(|| any.downcast_ref::<Wrapped<E>>().map(|w| &w.0))
    }

    /// The host's error, if this holds one of type `E`.
    #[must_use]
    pub fn downcast_mut<E: 'static>(&mut self) -> Option<&mut E> {
        let ErrorKind::Host(host) = &mut self.inner.kind else {
            return None;
        };
        let any: &mut dyn Any = &mut **host;
        if any.is::<E>() {
            any.downcast_mut::<E>()
        } else {
            any.downcast_mut::<Wrapped<E>>().map(|w| &mut w.0)
        }
    }

    /// The host's error by value, if this holds one of type `E`.
    #[must_use]
    pub fn downcast<E: 'static>(self) -> Option<E> {
        let ErrorKind::Host(host) = self.inner.kind else {
            return None;
        };
        let any: Box<dyn Any> = host;
        match any.downcast::<E>() {
            Ok(error) => Some(*error),
            Err(any) => any.downcast::<Wrapped<E>>().ok().map(|wrapped| wrapped.0),
        }
    }

    /// What a call came back with: a host function's own error comes out as the
    /// object that went in.
    pub(crate) fn from_call(error: CallError) -> Self {
        match error {
            CallError::Trap(trap) => trap.into(),
            CallError::Host(host) => Self::from_host_box(host),
            CallError::Compile { func_index, source } => Self::from_compile(func_index, source),
            CallError::ForeignHandle(error) => error.into(),
            other => Self::other(other),
        }
    }

    fn from_host_box(host: Box<dyn core::error::Error + Send + Sync>) -> Self {
        match host.downcast::<Self>() {
            Ok(error) => *error,
            Err(host) => Self::host(Boxed(host)),
        }
    }

    /// A compiler of this crate fails with the translator's error if the module is at
    /// fault, with another one if this program is.
    pub(crate) fn from_compile(
        func_index: u32,
        source: Box<dyn core::error::Error + Send + Sync>,
    ) -> Self {
        match source.downcast::<WasmError>() {
            Ok(error) => (*error).into(),
            Err(source) => CompilationError { func_index, source }.into(),
        }
    }
}

impl Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut s = f.debug_struct("Error");
        match &self.inner.trap {
            Some(trap) => s.field("trap", trap),
            None => s.field("kind", &self.inner.kind),
        };
        s.finish()
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.inner.trap {
            Some(trap) => Display::fmt(trap, f),
            None => Display::fmt(&self.inner.kind, f),
        }
    }
}

impl core::error::Error for Error {}

impl From<Trap> for Error {
    fn from(trap: Trap) -> Self {
        Self {
            inner: Box::new(Inner {
                kind: ErrorKind::TrapCode(trap.code),
                trap: Some(trap),
            }),
        }
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
            error => Self::from_kind(ErrorKind::Instantiation(error)),
        }
    }
}

// A foreign handle is one kind of error, whatever the operation that found it.

impl From<GrowError> for Error {
    fn from(error: GrowError) -> Self {
        match error {
            GrowError::ForeignHandle(error) => error.into(),
            error => Self::from_kind(ErrorKind::Grow(error)),
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
    WasmError => Wasm,
    #[cfg(feature = "wat")]
    wat::Error => Wat,
    CompilationError => Compilation,
    MemoryError => Memory,
    ElementTypeMismatch => ElementType,
    GlobalError => Global,
    LinkerError => Linker,
    FuelError => Fuel,
    FuncError => Func,
    ForeignHandle => ForeignHandle,
    EngineMismatch => Engine,
    TypeMismatch => TypeMismatch,
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[derive(Debug, PartialEq)]
    struct Own(u8);
    impl Display for Own {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "own {}", self.0)
        }
    }
    impl HostError for Own {}

    #[derive(Debug, PartialEq, thiserror::Error)]
    #[error("standard {0}")]
    struct Standard(u8);

    #[test]
    fn an_error_is_one_pointer_wide() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }

    #[test]
    fn host_errors_are_found_by_their_type_only() {
        let mut error = Error::host(Own(1));
        assert_eq!(error.to_string(), "own 1");
        assert_eq!(error.downcast_ref::<Own>(), Some(&Own(1)));
        assert_eq!(error.downcast_ref::<Standard>(), None);
        error.downcast_mut::<Own>().expect("it holds one").0 = 2;
        assert_eq!(error.downcast::<Own>(), Some(Own(2)));
        assert_eq!(Error::host(Own(1)).downcast::<Standard>(), None);
    }

    #[test]
    fn standard_errors_are_found_by_their_type() {
        let mut error = Error::other(Standard(1));
        assert_eq!(error.to_string(), "standard 1");
        assert_eq!(error.downcast_ref::<Standard>(), Some(&Standard(1)));
        assert_eq!(error.downcast_ref::<Own>(), None);
        error.downcast_mut::<Standard>().expect("it holds one").0 = 2;
        assert_eq!(error.downcast::<Standard>(), Some(Standard(2)));
    }

    #[test]
    fn a_host_functions_error_comes_back_as_the_same_object() {
        let error = Error::host(Own(3));
        let object: *const ErrorKind = error.kind();
        let back = Error::from_call(CallError::Host(Box::new(error)));
        assert!(core::ptr::eq(back.kind(), object));
    }

    #[test]
    fn a_trap_has_a_code_and_a_place() {
        let site = damson_core::TrapSite {
            func_index: 3,
            offset: Some(0x40),
        };
        let trap = Trap {
            code: TrapCode::IntegerOverflow,
            site: Some(site),
        };
        let error = Error::from(trap);
        assert_eq!(error.trap(), Some(&trap));
        assert_eq!(error.as_trap_code(), Some(TrapCode::IntegerOverflow));
        assert_eq!(
            error.to_string(),
            "integer overflow in function 3 at byte offset 0x40"
        );
        assert_eq!(Error::new("no trap").as_trap_code(), None);
    }

    #[test]
    fn an_exit_status_is_no_trap() {
        let error = Error::i32_exit(-3);
        assert_eq!(error.i32_exit_status(), Some(-3));
        assert_eq!(error.as_trap_code(), None);
        assert_eq!(Error::from(TrapCode::OutOfFuel).i32_exit_status(), None);
    }
}
