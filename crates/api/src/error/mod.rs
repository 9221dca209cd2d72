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

mod details;
mod kind;

use alloc::boxed::Box;
use alloc::string::String;
use core::any::Any;
use core::fmt::{self, Debug, Display};

use damson_core::{PrunedMut, Trap, TrapCode};
use damson_executor::{Backtrace, CallError};
use damson_translator::Error as WasmError;

use crate::backtrace::WasmBacktrace;
use crate::engine::Engine;

pub use self::details::{
    CompilationError, EngineMismatch, FuelError, FuncError, GlobalError, LinkerError,
};
pub use self::kind::ErrorKind;

/// An error type of the host that a host function may return.
///
/// Implement it for the type (the trait has no methods to write), return it with
/// [`Error::host`], find it again with [`Error::downcast_ref`]. A type that implements
/// [`core::error::Error`] needs no implementation: use [`Error::other`].
///
/// # Example
///
/// ```
/// use damson::errors::HostError;
/// use damson::{Engine, Error, Func, Store};
///
/// #[derive(Debug)]
/// struct Denied {
///     path: String,
/// }
///
/// impl std::fmt::Display for Denied {
///     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
///         write!(f, "{} is denied", self.path)
///     }
/// }
///
/// impl HostError for Denied {}
///
/// let mut store = Store::new(&Engine::default(), ());
/// let open = Func::wrap(&mut store, || -> Result<(), Error> {
///     Err(Error::host(Denied { path: "/etc".into() }))
/// });
/// let error = open.call(&mut store, &[], &mut []).unwrap_err();
/// assert_eq!(error.to_string(), "/etc is denied");
/// assert_eq!(error.downcast_ref::<Denied>().unwrap().path, "/etc");
/// ```
pub trait HostError: Any + Display + Debug + Send + Sync {}

/// What this crate's operations fail with.
///
/// # Example
///
/// ```
/// use damson::{Engine, Error, Func, Store, TrapCode};
///
/// let mut store = Store::new(&Engine::default(), ());
/// let fail = Func::wrap(&mut store, |how: i32| match how {
///     0 => Err(Error::new("a message")),
///     1 => Err(Error::other("x".parse::<i32>().unwrap_err())),
///     2 => Err(Error::i32_exit(3)),
///     3 => Err(TrapCode::IntegerOverflow.into()),
///     _ => Ok(()),
/// });
/// let fail = fail.typed::<i32, ()>(&store)?;
/// let mut error = |how| fail.call(&mut store, how).unwrap_err();
/// assert_eq!(error(0).to_string(), "a message");
/// assert!(error(1).downcast_ref::<std::num::ParseIntError>().is_some());
/// assert_eq!(error(2).i32_exit_status(), Some(3));
/// assert_eq!(error(3).as_trap_code(), Some(TrapCode::IntegerOverflow));
/// # Ok::<(), damson::Error>(())
/// ```
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    kind: ErrorKind,
    /// Set if, and only if, the kind is `TrapCode`.
    trap: Option<Trap>,
    /// Set if the error comes from a call that was in Wasm code when it failed.
    backtrace: Option<WasmBacktrace>,
}

/// To find the type behind a host error, as [`ErrorKind::as_host`] gives it. What
/// [`Error::other`] carries is found by its own type.
impl dyn HostError {
    /// Whether this is an `E`.
    #[must_use]
    pub fn is<E: 'static>(&self) -> bool {
        self.downcast_ref::<E>().is_some()
    }

    /// The error, if this is an `E`.
    #[must_use]
    pub fn downcast_ref<E: 'static>(&self) -> Option<&E> {
        let any: &dyn Any = self;
        any.downcast_ref::<E>()
            .or_else(|| any.downcast_ref::<Wrapped<E>>().map(|wrapped| &wrapped.0))
    }

    /// The error, if this is an `E`.
    #[must_use]
    pub fn downcast_mut<E: 'static>(&mut self) -> Option<&mut E> {
        let any: &mut dyn Any = self;
        if any.is::<E>() {
            any.downcast_mut::<E>()
        } else {
            any.downcast_mut::<Wrapped<E>>()
                .map(|wrapped| &mut wrapped.0)
        }
    }

    /// The error by value, if this is an `E`.
    ///
    /// # Errors
    ///
    /// Gives the error back if it is of another type.
    pub fn downcast<E: 'static>(self: Box<Self>) -> Result<Box<E>, Box<Self>> {
        if !self.is::<E>() {
            return Err(self);
        }
        let any: Box<dyn Any> = self;
        Ok(match any.downcast::<E>() {
            Ok(error) => error,
            Err(any) => match any.downcast::<Wrapped<E>>() {
                Ok(wrapped) => Box::new(wrapped.0),
                Err(_) => unreachable!("it is one of the two"),
            },
        })
    }
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
        Self::from_parts(kind, None)
    }

    fn from_parts(kind: ErrorKind, trap: Option<Trap>) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                trap,
                backtrace: None,
            }),
        }
    }

    /// An error that is a message.
    #[must_use]
    pub fn new<T: Into<String>>(message: T) -> Self {
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

    /// The code of the trap, if this is one, or that of the trap which the same would have
    /// been in Wasm code, see [`ErrorKind::as_trap_code`].
    #[must_use]
    pub fn as_trap_code(&self) -> Option<TrapCode> {
        self.kind().as_trap_code()
    }

    /// The exit status, if the guest ended with one.
    #[must_use]
    pub fn i32_exit_status(&self) -> Option<i32> {
        self.kind().as_i32_exit_status()
    }

    /// The Wasm functions that were active when the call failed that this error comes
    /// from, with the functions around host functions that passed the error on.
    ///
    /// There is none if backtraces are off
    /// ([`Config::wasm_backtrace`](crate::Config::wasm_backtrace)), or if the call had not
    /// reached Wasm code.
    #[must_use]
    pub fn wasm_backtrace(&self) -> Option<&WasmBacktrace> {
        self.inner.backtrace.as_ref()
    }

    /// The host's error, if this holds one of type `E`; or the backtrace, if `E` is
    /// [`WasmBacktrace`].
    #[must_use]
    pub fn downcast_ref<E: 'static>(&self) -> Option<&E> {
        if let Some(backtrace) = self.wasm_backtrace()
            && let Some(backtrace) = (backtrace as &dyn Any).downcast_ref()
        {
            return Some(backtrace);
        }
        self.kind().as_host()?.downcast_ref()
    }

    /// The host's error, if this holds one of type `E`.
    #[must_use]
    pub fn downcast_mut<E: 'static>(&mut self) -> Option<&mut E> {
        self.inner.kind.as_host_mut()?.downcast_mut()
    }

    /// The host's error by value, if this holds one of type `E`.
    #[must_use]
    pub fn downcast<E: 'static>(self) -> Option<E> {
        let error = self.inner.kind.into_host()?.downcast();
        error.ok().map(|error| *error)
    }

    /// What a call on `store` came back with: a host function's own error comes out as the
    /// object that went in.
    #[cold]
    pub(crate) fn from_call(store: &mut PrunedMut<'_>, error: CallError) -> Self {
        let frames = damson_executor::backtrace::take(store);
        let error = match error {
            CallError::HostNesting => {
                let config = Engine::of(store.as_ref()).config();
                let limit = config.max_host_nesting;
                FuncError::TooDeeplyNested { limit }.into()
            }
            error => Self::from_call_error(error),
        };
        error.with_backtrace(frames)
    }

    /// The error with the frames that were active, unless it has passed through others: then
    /// it has the whole chain already.
    pub(crate) fn with_backtrace(mut self, frames: Backtrace) -> Self {
        if self.inner.backtrace.is_none() {
            self.inner.backtrace = WasmBacktrace::new(frames);
        }
        self
    }

    pub(crate) fn from_call_error(error: CallError) -> Self {
        match error {
            CallError::Trap(trap) => trap.into(),
            CallError::Host(host) => Self::from_host_box(host),
            CallError::Compile { func_index, source } => Self::from_compile(func_index, source),
            CallError::ForeignHandle(error) => error.into(),
            CallError::Stack(_) => TrapCode::OutOfSystemMemory.into(),
            CallError::AsyncHostFunc => FuncError::NeedsAsync.into(),
            CallError::CannotYield => FuncError::CannotYield.into(),
            CallError::CannotResumeHere => FuncError::CannotResumeHere.into(),
            CallError::CellCount {
                ty,
                expected,
                found,
            } => FuncError::MismatchingCellLen {
                ty,
                expected,
                found,
            }
            .into(),
            CallError::ResultCount {
                ty,
                expected,
                found,
            } => FuncError::MismatchingHostResultLen {
                ty,
                expected,
                found,
            }
            .into(),
            CallError::NoCode { func_index } => FuncError::NoSuchFunction { func_index }.into(),
            other => Self::other(other),
        }
    }

    pub(crate) fn from_host_box(host: Box<dyn core::error::Error + Send + Sync>) -> Self {
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

/// The message and the backtrace, which is what a person wants to see where a program gives
/// up; `{:#?}` shows the parts.
impl Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            let mut s = f.debug_struct("Error");
            match &self.inner.trap {
                Some(trap) => s.field("trap", trap),
                None => s.field("kind", &self.inner.kind),
            };
            return s.field("backtrace", &self.inner.backtrace).finish();
        }
        Display::fmt(self, f)?;
        match &self.inner.backtrace {
            Some(backtrace) => write!(f, "\n{backtrace}"),
            None => Ok(()),
        }
    }
}

/// The message, on one line.
impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.inner.trap {
            Some(trap) => Display::fmt(trap, f),
            None => Display::fmt(&self.inner.kind, f),
        }
    }
}

impl core::error::Error for Error {}

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
        let back = Error::from_call_error(CallError::Host(Box::new(error)));
        assert!(core::ptr::eq(back.kind(), object));
    }

    #[test]
    fn a_host_error_is_found_behind_its_trait() {
        let mut own = Error::host(Own(4));
        let standard = Error::other(Standard(5));
        let kind = &mut own.inner.kind;
        kind.as_host_mut()
            .and_then(|host| host.downcast_mut::<Own>())
            .expect("it holds one")
            .0 = 6;
        let host = own.kind().as_host().expect("one of the host");
        assert!(host.is::<Own>() && !host.is::<Standard>());
        let host = own.inner.kind.into_host().expect("one of the host");
        let host = host.downcast::<Standard>().expect_err("another type");
        assert_eq!(*host.downcast::<Own>().expect("its type"), Own(6));
        let mut host = standard.inner.kind.into_host().expect("one of the host");
        assert!(host.is::<Standard>() && !host.is::<Own>());
        host.downcast_mut::<Standard>().expect("its type").0 = 7;
        assert_eq!(host.downcast_ref(), Some(&Standard(7)));
        let own = host.downcast::<Own>().expect_err("another type");
        assert_eq!(own.to_string(), "standard 7");
        assert_eq!(*own.downcast::<Standard>().expect("its type"), Standard(7));
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
