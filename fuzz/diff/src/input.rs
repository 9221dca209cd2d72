//! What bytes stand for: the input of the targets that take modules.
//!
//! The first byte says whose module it is: in one of four cases `wasm-smith`'s,
//! otherwise our generator's, each of whose choices is a byte.

use damson_generator::Program;

use crate::outcome::Case;
use crate::smith;

/// The case that these bytes stand for; none when they stand for none. All its calls end.
#[must_use]
pub fn case(bytes: &[u8]) -> Option<Case> {
    let (whose, rest) = bytes.split_first()?;
    match whose % 4 {
        3 => smith::case(rest),
        _ => Some(Case::of(&Program::from_bytes(rest))),
    }
}

/// The same without anything that makes loops and recursion end.
#[must_use]
pub fn endless(bytes: &[u8]) -> Option<Case> {
    let (whose, rest) = bytes.split_first()?;
    match whose % 4 {
        3 => smith::endless(rest),
        _ => Some(Case::of_endless(&Program::from_bytes(rest))),
    }
}
