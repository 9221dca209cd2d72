//! Names of functions, for people.
//!
//! Compilers encode whole signatures in them. With the feature `demangle` they are written
//! as in the source; what cannot be decoded, or is suspiciously long, is written as it is.
//! A name is the guest's: a few bytes of it can stand for any amount of text, since parts
//! of a name can refer to others twice. So the decoded text has a limit, too.

use core::fmt::{self, Write as _};

/// Longer names are not decoded.
#[cfg(feature = "demangle")]
const LONGEST_ENCODED: usize = 2048;

/// What is longer when it is decoded is not written.
#[cfg(feature = "demangle")]
const LONGEST_DECODED: usize = 4096;

/// A text that refuses to become longer than [`LONGEST_DECODED`].
#[cfg(feature = "demangle")]
struct Limited(alloc::string::String);

#[cfg(feature = "demangle")]
impl fmt::Write for Limited {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if text.len() > LONGEST_DECODED - self.0.len() {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

/// The name as in the source, if it is known and not too long.
#[cfg(feature = "demangle")]
fn decode(name: &str) -> Option<alloc::string::String> {
    if name.len() > LONGEST_ENCODED {
        return None;
    }
    let mut decoded = Limited(alloc::string::String::new());
    if let Ok(demangled) = rustc_demangle::try_demangle(name) {
        // Without the hash at the end.
        write!(decoded, "{demangled:#}").ok()?;
    } else if name.starts_with("_Z") {
        let symbol = cpp_demangle::Symbol::new(name).ok()?;
        let options = cpp_demangle::DemangleOptions::default();
        symbol.structured_demangle(&mut decoded, &options).ok()?;
    } else {
        return None;
    }
    Some(decoded.0)
}

/// Writes the name of a function.
#[cfg(feature = "demangle")]
pub(super) fn write(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    match decode(name) {
        Some(decoded) => plain(f, &decoded),
        None => plain(f, name),
    }
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

#[cfg(all(test, feature = "demangle"))]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::{String, ToString};

    fn written(name: &str) -> String {
        fmt::from_fn(|f| write(f, name)).to_string()
    }

    /// A function whose parameter is a template of two of a template of two of ...: each
    /// level refers to the one before twice, so the text doubles.
    fn doubling(levels: u32) -> String {
        let mut name = String::from("_Z1f1AIiiE");
        for level in 1..levels {
            // `S_` and `S<number>_`, in base 36: the template's name is the first, then its
            // instances follow.
            let digit = char::from_digit(level - 1, 36).expect("few levels");
            let digit = digit.to_ascii_uppercase();
            name += &format!("S_IS{digit}_S{digit}_E");
        }
        name
    }

    #[test]
    fn a_name_that_stands_for_a_short_text_is_decoded() {
        let text = written(&doubling(3));
        assert!(
            text.starts_with("f(A<int, int>, A<A<int, int>, A<int, int>"),
            "{text}"
        );
        assert_eq!(written("_ZN3foo3barEi"), "foo::bar(int)");
    }

    #[test]
    fn a_name_that_stands_for_a_long_text_is_written_as_it_is() {
        let mut raw = 0;
        for levels in 3..20 {
            let name = doubling(levels);
            let text = written(&name);
            assert!(text.len() <= LONGEST_DECODED, "{levels}: {}", text.len());
            raw += u32::from(text == name);
        }
        assert!(raw > 5, "{raw}");
        let long = format!("_ZN{LONGEST_DECODED}{}E", "x".repeat(LONGEST_DECODED));
        assert_eq!(written(&long), long);
    }
}
