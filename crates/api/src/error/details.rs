//! The errors of single operations that are the façade's own.

use alloc::boxed::Box;

use damson_core::{ExternType, ForeignHandle, FuelDisabled, FuncType, GlobalType, ValType};

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
    /// Calls cannot yield after no fuel at all.
    #[error("expected an interval of at least one unit of fuel, found zero")]
    ZeroInterval,
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
    #[error("the instance exports no function named `{}`", name.escape_debug())]
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
    /// A buffer of raw cells has another length than the function needs.
    #[error("a function of type {ty} takes a buffer of {expected} cells, found {found}")]
    MismatchingCellLen {
        /// The function's type.
        ty: FuncType,
        /// The number of its parameters or results, whichever is larger.
        expected: usize,
        /// The length of the buffer.
        found: usize,
    },
    /// A suspended call was resumed with another number of raw results than the host
    /// function that failed has.
    #[error("a host function of type {ty} gives {expected} results, found {found}")]
    MismatchingHostResultLen {
        /// The host function's type.
        ty: FuncType,
        /// The number of its results.
        expected: usize,
        /// The number given.
        found: usize,
    },
    /// The module defines no function of that index: there is none, or it is imported.
    #[error("the module defines no function of index {func_index}")]
    NoSuchFunction {
        /// The index, in the module's function index space.
        func_index: u32,
    },
    /// The calls that the host makes nest too deeply: host functions that call back.
    #[error(
        "call stack exhausted: calls of the host nest more than {limit} deep \
         (`Config::set_max_host_nesting`)"
    )]
    TooDeeplyNested {
        /// How deep they may nest.
        limit: u32,
    },
    /// An async host function was reached by a call that cannot wait for it.
    #[error(
        "an async host function was called, but not by an async call: use `call_async` or \
             `instantiate_async`"
    )]
    NeedsAsync,
    /// The epoch's deadline asked a call to yield that cannot wait.
    #[error("the epoch deadline asks the call to yield, but it is not an async call")]
    CannotYield,
    /// A suspended call was resumed inside of a call that it was suspended outside of.
    #[error(
        "the call was suspended outside of the call that is running now, and its place on \
             the stack is taken: it can be resumed when that call has ended"
    )]
    CannotResumeHere,
}

/// A global could not be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GlobalError {
    /// The global or the value belongs to another store.
    #[error(transparent)]
    ForeignHandle(#[from] ForeignHandle),
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

/// A linker could not define or resolve an import.
///
/// # Example
///
/// ```
/// # #[cfg(feature = "wat")] {
/// use damson::errors::{ErrorKind, LinkerError};
/// use damson::{Engine, Linker, Module};
///
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"(module (import "env" "now" (func (result i64))))"#)?;
/// let error = Linker::<()>::new(&engine).instantiate_pre(&module).unwrap_err();
/// assert!(matches!(error.kind(), ErrorKind::Linker(LinkerError::MissingDefinition { .. })));
/// let message = "unknown import: `env::now` is not defined, expected function () -> i64";
/// assert_eq!(error.to_string(), message);
/// # }
/// # Ok::<(), damson::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkerError {
    /// The name is defined already and shadowing is not allowed.
    #[error("`{}::{}` is defined already", module.escape_debug(), name.escape_debug())]
    DuplicateDefinition {
        /// Module name of the definition.
        module: Box<str>,
        /// Its own name.
        name: Box<str>,
    },
    /// The module imports what the linker does not define.
    #[error("unknown import: `{}::{}` is not defined, expected {ty}", module.escape_debug(), name.escape_debug())]
    MissingDefinition {
        /// Module name of the import.
        module: Box<str>,
        /// Its own name.
        name: Box<str>,
        /// The type that the module expects.
        ty: ExternType,
    },
    /// The definition has another type than the import.
    #[error("incompatible import type: `{}::{}`: expected {expected}, found {found}", module.escape_debug(), name.escape_debug())]
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
    #[error("no definition has the module name `{}`", module.escape_debug())]
    UnknownModule {
        /// The name looked for.
        module: Box<str>,
    },
}
