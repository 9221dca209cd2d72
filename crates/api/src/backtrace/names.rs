//! Names of functions, for people.
//!
//! Compilers encode whole signatures in them. With the feature `demangle` they are written
//! as in the source; what cannot be decoded, or is suspiciously long, is written as it is.

use core::fmt;

/// Longer names are not decoded: a short one can stand for a very long text already.
#[cfg(feature = "demangle")]
const LONGEST: usize = 2048;

/// Writes the name of a function.
#[cfg(feature = "demangle")]
pub(super) fn write(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    if name.len() <= LONGEST {
        if let Ok(demangled) = rustc_demangle::try_demangle(name) {
            // Without the hash at the end.
            return write!(f, "{demangled:#}");
        }
        if name.starts_with("_Z")
            && let Ok(symbol) = cpp_demangle::Symbol::new(name)
            && let Ok(demangled) = symbol.demangle()
        {
            return f.write_str(&demangled);
        }
    }
    f.write_str(name)
}

/// Writes the name of a function.
#[cfg(not(feature = "demangle"))]
pub(super) fn write(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    f.write_str(name)
}
