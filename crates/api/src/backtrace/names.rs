//! Names of functions, for people.
//!
//! Compilers encode whole signatures in them. With the feature `demangle` they are written
//! as in the source; what cannot be decoded, or is suspiciously long, is written as it is.

use core::fmt::{self, Write as _};

/// Longer names are not decoded: a short one can stand for a very long text already.
#[cfg(feature = "demangle")]
const LONGEST: usize = 2048;

/// Writes the name of a function.
#[cfg(feature = "demangle")]
pub(super) fn write(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    if name.len() <= LONGEST {
        if let Ok(demangled) = rustc_demangle::try_demangle(name) {
            // Without the hash at the end.
            return write!(Plain(f), "{demangled:#}");
        }
        if name.starts_with("_Z")
            && let Ok(symbol) = cpp_demangle::Symbol::new(name)
            && let Ok(demangled) = symbol.demangle()
        {
            return plain(f, &demangled);
        }
    }
    plain(f, name)
}

/// Writes the name of a function.
#[cfg(not(feature = "demangle"))]
pub(super) fn write(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    plain(f, name)
}

/// Writes text of a module as one line: names can hold anything, and a backtrace is
/// printed on terminals, which take control characters for commands.
pub(super) fn plain(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    Plain(f).write_str(text)
}

/// Writes control characters, and those that reorder text, as escapes.
struct Plain<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl fmt::Write for Plain<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let acts = |c: char| {
            c.is_control()
                || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        let mut rest = text;
        while let Some(at) = rest.find(acts) {
            let (before, from) = rest.split_at(at);
            let mut chars = from.chars();
            self.0.write_str(before)?;
            if let Some(c) = chars.next() {
                write!(self.0, "{}", c.escape_default())?;
            }
            rest = chars.as_str();
        }
        self.0.write_str(rest)
    }
}
