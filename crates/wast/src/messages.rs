//! Which error messages satisfy the message of an assertion.
//!
//! The specification leaves the wording of errors to implementations. Its
//! scripts quote the reference interpreter, and their convention is that an
//! engine's message begins with the quoted phrase. Damson's messages carry
//! context around the phrase, so here it suffices that they *contain* it.
//!
//! Where a message of Damson (that is mostly: of the parsers and validators it
//! uses) has other words for the same finding, a [`Row`] of [`TABLE`] says so,
//! with the reason. A row applies to one expected phrase; there is no row that
//! accepts anything. The testsuite's test fails when a row is no longer needed.
//!
//! Traps have no table: their messages are Damson's own and contain the phrases.

use core::fmt;

/// One accepted difference of wording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row {
    /// The phrase of the script; also every phrase that goes on with a space.
    pub expected: &'static str,
    /// What Damson's message contains instead.
    pub found: &'static str,
    /// Why both mean the same.
    pub reason: Reason,
}

/// Why two phrases mean the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Other words for the same finding.
    Wording,
    /// The message says more precisely which of several rules was broken.
    MorePrecise,
    /// The bytes are wrong in several ways, and the parser meets another one
    /// first: it reads in another order than the reference interpreter, or reads
    /// a byte as a flag or opcode where that reads a number.
    OtherDefectFirst,
    /// The parser counts a missing byte as the end of its input, the reference
    /// interpreter as a wrong value of what it was about to read.
    EndOfInput,
    /// The text parser does not tell unknown keywords from misplaced ones, or
    /// says what it would have accepted instead.
    TextParser,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Wording => "other words for the same",
            Self::MorePrecise => "a more precise message",
            Self::OtherDefectFirst => "another defect of the same bytes is met first",
            Self::EndOfInput => "a missing byte is met as the end of the input",
            Self::TextParser => "the text parser says what it would have accepted",
        })
    }
}

/// How a message satisfies an expectation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// It contains the expected phrase.
    Phrase,
    /// It contains the words of this row.
    Row(Row),
}

/// Whether, and how, the message `found` of a rejected module satisfies the
/// phrase `expected` of a script.
#[must_use]
pub fn matching(found: &str, expected: &str) -> Option<Match> {
    if found.contains(expected) {
        return Some(Match::Phrase);
    }
    TABLE
        .iter()
        .find(|row| row.applies_to(expected) && found.contains(row.found))
        .map(|row| Match::Row(*row))
}

/// Whether the message `found` of a trap satisfies the phrase `expected`.
///
/// Scripts sometimes add a detail ("uninitialized element 2"), so the phrase may
/// also begin with the message.
#[must_use]
pub fn is_trap(found: &str, expected: &str) -> bool {
    found.contains(expected) || (!found.is_empty() && expected.starts_with(found))
}

impl Row {
    fn applies_to(&self, expected: &str) -> bool {
        expected
            .strip_prefix(self.expected)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    }
}

const fn row(expected: &'static str, found: &'static str, reason: Reason) -> Row {
    Row {
        expected,
        found,
        reason,
    }
}

use Reason::{EndOfInput, MorePrecise, OtherDefectFirst, TextParser, Wording};

/// Every accepted difference of wording, by expected phrase.
#[rustfmt::skip]
pub const TABLE: &[Row] = &[
    // Invalid modules.
    row("memory size must be at most 65536 pages (4GiB)", "memory size must be at most 0x10000 65536-byte pages", Wording),

    // Malformed binaries.
    row("END opcode expected", "control frames remain at end of function body or expression", Wording),
    row("data count and data section have inconsistent lengths", "data count is non-zero but data section is absent", MorePrecise),
    row("function and code section have inconsistent lengths", "function section has non-zero count but code section is absent", MorePrecise),
    row("function and code section have inconsistent lengths", "function section is absent but code section has non-zero count", MorePrecise),
    row("illegal opcode", "constant expression required: non-constant operator", OtherDefectFirst),
    row("illegal opcode", "unexpected end-of-file", EndOfInput),
    row("integer representation too long", "invalid leading byte (0xe0) for type", OtherDefectFirst),
    row("integer representation too long", "invalid memory limits flags", OtherDefectFirst),
    row("integer representation too long", "invalid table resizable limits flags", OtherDefectFirst),
    row("integer representation too long", "malformed section id", OtherDefectFirst),
    row("integer representation too long", "unexpected end-of-file", EndOfInput),
    row("integer too large", "invalid memory limits flags", OtherDefectFirst),
    row("integer too large", "invalid table resizable limits flags", OtherDefectFirst),
    row("integer too large", "unexpected end-of-file", EndOfInput),
    row("invalid UTF-8 encoding", "malformed UTF-8 encoding", Wording),
    row("invalid mutability", "malformed global flags", Wording),
    row("invalid mutability", "shared globals require the shared-everything-threads proposal", OtherDefectFirst),
    row("invalid mutability", "unexpected end-of-file", EndOfInput),
    row("invalid section id", "malformed section id", Wording),
    row("invalid value type", "unexpected end-of-file", EndOfInput),
    row("junk after last section", "section out of order", MorePrecise),
    row("length out of bounds", "expected section, got wasm magic number", OtherDefectFirst),
    row("length out of bounds", "unexpected end-of-file", Wording),
    row("malformed elements segment kind", "unexpected end-of-file", EndOfInput),
    row("malformed import kind", "for external kind", Wording),
    row("malformed import kind", "unexpected end-of-file", EndOfInput),
    row("malformed memop flags", "invalid memop alignment: alignment must not be larger than natural", OtherDefectFirst),
    row("malformed memop flags", "malformed memop: reserved flags bits set", MorePrecise),
    row("malformed mutability", "malformed global flags", Wording),
    row("malformed mutability", "shared globals require the shared-everything-threads proposal", OtherDefectFirst),
    row("section size mismatch", "control frames remain at end of function body or expression", OtherDefectFirst),
    row("unexpected content after last section", "function and code section have inconsistent lengths", OtherDefectFirst),
    row("unexpected content after last section", "section out of order", MorePrecise),
    row("unexpected end", "control frames remain at end of function body or expression", Wording),
    row("unexpected end of section or function", "unexpected end-of-file", Wording),
    row("unexpected end of section or function", "unknown label: branch depth too large", OtherDefectFirst),
    row("zero flag expected", "trailing bytes at end of section", OtherDefectFirst),
    row("zero flag expected", "zero byte expected", Wording),

    // Malformed text.
    row("i32 constant", "invalid var_u32: integer too large", OtherDefectFirst),
    row("multiple start sections", "section out of order", MorePrecise),
    row("unexpected token", "expected `(`", TextParser),
    row("unexpected token", "expected a float", TextParser),
    row("unexpected token", "expected a i32", TextParser),
    row("unexpected token", "expected a i64", TextParser),
    row("unknown operator", "expected `(`", TextParser),
    row("unknown operator", "expected a float", TextParser),
    row("unknown operator", "expected a i32", TextParser),
    row("unknown operator", "expected a i64", TextParser),
    row("unknown operator", "expected an instruction", TextParser),
    row("unknown operator", "expected valid module field", TextParser),
    row("unknown operator", "unexpected token, expected an index or an identifier", TextParser),
    row("unknown operator anyfunc", "unexpected token, expected one of: `i32`", TextParser),
    row("unknown operator", "unknown operator or unexpected token", TextParser),

    // Modules that cannot be linked.
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_contains_the_phrase() {
        assert_eq!(
            matching(
                "invalid module: type mismatch: expected i32, found i64 (at offset 0x20)",
                "type mismatch"
            ),
            Some(Match::Phrase)
        );
        assert_eq!(matching("type mismatch", "unknown label"), None);
        assert_eq!(matching("", "type mismatch"), None);
    }

    #[test]
    fn a_row_applies_to_its_phrase_only() {
        let found = "at offset 0x8: malformed global flags";
        let Some(Match::Row(row)) = matching(found, "malformed mutability") else {
            panic!("the table has this row");
        };
        assert_eq!(row.found, "malformed global flags");
        assert_eq!(matching(found, "malformed import kind"), None);
        assert_eq!(
            matching("unexpected end-of-file", "malformed mutability"),
            None
        );
    }

    #[test]
    fn a_row_applies_to_phrases_that_go_on_after_a_space() {
        let found = "unknown operator or unexpected token";
        assert!(matches!(
            matching(found, "unknown operator get_local"),
            Some(Match::Row(_))
        ));
        assert_eq!(matching(found, "unknown operators"), None);
    }

    #[test]
    fn traps_match_in_either_direction() {
        assert!(is_trap(
            "undefined element: out of bounds table access",
            "undefined element"
        ));
        assert!(is_trap("uninitialized element", "uninitialized element 2"));
        assert!(!is_trap("integer overflow", "integer divide by zero"));
        assert!(!is_trap("", "unreachable"));
    }

    #[test]
    fn no_row_is_empty_or_superfluous() {
        for (index, row) in TABLE.iter().enumerate() {
            assert!(!row.expected.is_empty() && !row.found.is_empty());
            assert!(
                !row.found.contains(row.expected) || row.expected == "unknown operator",
                "{row:?} needs no row"
            );
            for other in &TABLE[index + 1..] {
                assert_ne!((row.expected, row.found), (other.expected, other.found));
            }
        }
    }
}
