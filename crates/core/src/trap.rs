//! Why guest code stopped: trap codes and where they happened.
//!
//! A trap is an orderly end of a call: the store stays usable. The messages
//! contain the phrases that the specification's test scripts expect.

use core::fmt;

/// The reason of a trap (WebAssembly core specification, section 4.4, "Trap").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
#[repr(u8)]
pub enum TrapCode {
    /// An `unreachable` instruction was executed.
    #[error("wasm `unreachable` instruction executed")]
    UnreachableCodeReached,
    /// A load, store or bulk operation touched bytes outside its memory or data segment.
    #[error("out of bounds memory access")]
    MemoryOutOfBounds,
    /// An index or range lies outside a table or element segment.
    #[error("undefined element: out of bounds table access")]
    TableOutOfBounds,
    /// An indirect call through a null reference.
    #[error("uninitialized element")]
    IndirectCallToNull,
    /// Integer division or remainder by zero.
    #[error("integer divide by zero")]
    IntegerDivisionByZero,
    /// The quotient or converted value does not fit its integer type.
    #[error("integer overflow")]
    IntegerOverflow,
    /// A NaN cannot be converted to an integer.
    #[error("invalid conversion to integer")]
    BadConversionToInteger,
    /// Frames do not fit the value stack, or calls nest deeper than the limit.
    #[error("call stack exhausted")]
    StackOverflow,
    /// An indirect call found a function of another type.
    #[error("indirect call type mismatch")]
    BadSignature,
    /// The fuel of the store is used up.
    #[error("all fuel consumed by WebAssembly")]
    OutOfFuel,
    /// A slot that should hold a reference holds none that this store knows.
    /// Only bytecode that was not translated from valid Wasm can cause it.
    #[error("invalid reference")]
    InvalidReference,
    /// The embedder's resource limiter refused a growth and asked for a trap.
    #[error("growth operation limited")]
    GrowthOperationLimited,
}

impl TrapCode {
    /// Every trap code.
    pub const ALL: &'static [Self] = &[
        Self::UnreachableCodeReached,
        Self::MemoryOutOfBounds,
        Self::TableOutOfBounds,
        Self::IndirectCallToNull,
        Self::IntegerDivisionByZero,
        Self::IntegerOverflow,
        Self::BadConversionToInteger,
        Self::StackOverflow,
        Self::BadSignature,
        Self::OutOfFuel,
        Self::InvalidReference,
        Self::GrowthOperationLimited,
    ];
}

/// Where in a module a trap happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TrapSite {
    /// Index of the function in its module's function index space.
    pub func_index: u32,
    /// Byte offset of the trapping operator from the start of the Wasm binary;
    /// `None` for bytecode that was not translated from Wasm.
    pub offset: Option<u32>,
}

/// A trap: its code, and where it happened if it happened in Wasm code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Trap {
    /// The reason.
    pub code: TrapCode,
    /// The place; `None` if the trap was not raised by an instruction.
    pub site: Option<TrapSite>,
}

impl Trap {
    /// A trap without a place.
    #[must_use]
    pub const fn new(code: TrapCode) -> Self {
        Self { code, site: None }
    }
}

impl From<TrapCode> for Trap {
    fn from(code: TrapCode) -> Self {
        Self::new(code)
    }
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(site) = &self.site {
            write!(f, " in function {}", site.func_index)?;
            if let Some(offset) = site.offset {
                write!(f, " at byte offset {offset:#x}")?;
            }
        }
        Ok(())
    }
}

impl core::error::Error for Trap {}
