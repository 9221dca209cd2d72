//! Why guest code stopped: trap codes and where they happened.
//!
//! A trap is an orderly end of a call: the store stays usable. The messages
//! contain the phrases that the specification's test scripts expect.

use core::fmt;

/// The reason of a trap (WebAssembly core specification, section 4.4, "Trap").
///
/// # Example
///
/// ```
/// use damson_core::TrapCode;
///
/// let code = TrapCode::IntegerDivisionByZero;
/// assert_eq!(code.to_string(), "integer divide by zero");
/// assert_eq!(TrapCode::try_from(u8::from(code)), Ok(code));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum TrapCode {
    /// An `unreachable` instruction was executed.
    UnreachableCodeReached,
    /// A load, store or bulk operation touched bytes outside its memory or data segment.
    MemoryOutOfBounds,
    /// An index or range lies outside a table or element segment.
    TableOutOfBounds,
    /// An indirect call through a null reference.
    IndirectCallToNull,
    /// Integer division or remainder by zero.
    IntegerDivisionByZero,
    /// The quotient or converted value does not fit its integer type.
    IntegerOverflow,
    /// A NaN cannot be converted to an integer.
    BadConversionToInteger,
    /// Frames do not fit the value stack, or calls nest deeper than the limit.
    StackOverflow,
    /// An indirect call found a function of another type.
    BadSignature,
    /// The fuel of the store is used up.
    OutOfFuel,
    /// A slot that should hold a reference holds none that this store knows.
    /// Only bytecode that was not translated from valid Wasm can cause it.
    InvalidReference,
    /// The embedder's resource limiter refused a growth and asked for a trap.
    GrowthOperationLimited,
    /// The host has no memory for what running the guest takes, such as its stack.
    OutOfSystemMemory,
    /// The store's deadline has come: another thread has raised the epoch.
    Interrupt,
}

/// A number that is none of a [`TrapCode`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected the number of a trap code, found {0}")]
pub struct InvalidTrapCode(pub u8);

impl From<TrapCode> for u8 {
    fn from(code: TrapCode) -> Self {
        code as Self
    }
}

impl TryFrom<u8> for TrapCode {
    type Error = InvalidTrapCode;

    fn try_from(number: u8) -> Result<Self, InvalidTrapCode> {
        let mut codes = Self::ALL.iter().copied();
        codes
            .find(|&code| code as u8 == number)
            .ok_or(InvalidTrapCode(number))
    }
}

impl fmt::Display for TrapCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.trap_message())
    }
}

impl core::error::Error for TrapCode {}

impl TrapCode {
    /// The reason in words: what [`Display`](fmt::Display) writes.
    #[must_use]
    pub const fn trap_message(&self) -> &'static str {
        match self {
            Self::UnreachableCodeReached => "wasm `unreachable` instruction executed",
            Self::MemoryOutOfBounds => "out of bounds memory access",
            Self::TableOutOfBounds => "undefined element: out of bounds table access",
            Self::IndirectCallToNull => "uninitialized element",
            Self::IntegerDivisionByZero => "integer divide by zero",
            Self::IntegerOverflow => "integer overflow",
            Self::BadConversionToInteger => "invalid conversion to integer",
            Self::StackOverflow => "call stack exhausted",
            Self::BadSignature => "indirect call type mismatch",
            Self::OutOfFuel => "all fuel consumed by WebAssembly",
            Self::InvalidReference => "invalid reference",
            Self::GrowthOperationLimited => "growth operation limited",
            Self::OutOfSystemMemory => "out of system memory",
            Self::Interrupt => "interrupt: the epoch deadline was reached",
        }
    }

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
        Self::OutOfSystemMemory,
        Self::Interrupt,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_numbers_belong_to_each_other() {
        for (number, &code) in (0..).zip(TrapCode::ALL) {
            assert_eq!(u8::from(code), number);
            assert_eq!(TrapCode::try_from(number), Ok(code));
        }
        let beyond = TrapCode::ALL.len() as u8;
        assert_eq!(TrapCode::try_from(beyond), Err(InvalidTrapCode(beyond)));
    }
}
