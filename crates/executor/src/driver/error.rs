//! Why a call gave no results.

use crate::code::CompileError;
use damson_core::error::StackError;
use damson_core::func::HostError;
use damson_core::handle::ForeignHandle;
use damson_core::{Trap, TrapCode};

/// Why a call gave no results.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The guest trapped.
    #[error(transparent)]
    Trap(Trap),
    /// A host function failed.
    #[error("{0}")]
    Host(HostError),
    /// The code of a function could not be made.
    #[error("function {func_index} could not be compiled: {source}")]
    Compile {
        /// Index of the function in its module.
        func_index: u32,
        /// What the compiler says.
        source: CompileError,
    },
    /// A function without code was called, and its module has no compiler.
    #[error("function {func_index} has no code, and its module has no compiler")]
    NoCode {
        /// Index of the function in its module.
        func_index: u32,
    },
    /// The number of cells is not that of the function's type.
    #[error("a function of type {ty} takes a buffer of {expected} cells, found {found}")]
    CellCount {
        /// The function's type.
        ty: damson_core::FuncType,
        /// Cells of the type: the number of its parameters or results, whichever is larger.
        expected: usize,
        /// Cells given.
        found: usize,
    },
    /// The function belongs to another store.
    #[error(transparent)]
    ForeignHandle(#[from] ForeignHandle),
    /// There is no memory for the value stack.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// The calls that the host makes nest more deeply than the store's configuration allows.
    #[error("call stack exhausted: calls of the host nest too deeply")]
    HostNesting,
    /// An async host function was reached by a call that cannot wait for it.
    #[error(
        "an async host function was called, but the call that led to it cannot wait: \
             expected an async call"
    )]
    AsyncHostFunc,
    /// The epoch's deadline asked a call to yield that cannot wait.
    #[error(
        "the epoch deadline asks the call to yield, but it cannot wait: \
             expected an async call"
    )]
    CannotYield,
    /// A suspended call was resumed inside of a call that it does not belong into.
    #[error(
        "the call was suspended outside of the call that is running now, and its place on \
             the stack is taken: it can be resumed when that call has ended"
    )]
    CannotResumeHere,
    /// An async call was polled that had ended, or one of its polls had panicked.
    #[error("the call has ended")]
    Ended,
    /// A suspended call was resumed with a wrong number of results of the host function.
    #[error("a host function of type {ty} gives {expected} results, found {found}")]
    ResultCount {
        /// The host function's type.
        ty: damson_core::FuncType,
        /// Results of the type; none where the call does not wait for a host function.
        expected: usize,
        /// Results given.
        found: usize,
    },
}

impl From<TrapCode> for CallError {
    fn from(code: TrapCode) -> Self {
        Self::Trap(Trap::new(code))
    }
}

/// Why the driver stops before the call is done.
pub(super) enum Halt {
    /// The call has failed.
    Error(CallError),
    /// It can go on later.
    Pause(Pause),
}

/// Why a call waits.
pub(super) enum Pause {
    /// For the future of an async host function.
    Host,
    /// For others to run.
    Yield,
    /// For the results of a host function that failed.
    HostError(HostError),
    /// For so much fuel at least.
    OutOfFuel(u64),
}

/// What a step of the driver comes to. Boxed, because it is one word so: the way of a call
/// that succeeds carries no room for errors around.
pub(super) type Flow<T = ()> = Result<T, alloc::boxed::Box<Halt>>;

impl<E: Into<CallError>> From<E> for alloc::boxed::Box<Halt> {
    #[cold]
    fn from(error: E) -> Self {
        Self::new(Halt::Error(error.into()))
    }
}

impl From<Pause> for Halt {
    fn from(pause: Pause) -> Self {
        Self::Pause(pause)
    }
}
