//! What bytes stand for: the input of the targets that take modules.

use damson_generator::Program;

use crate::outcome::Case;
use crate::smith;

/// The case that these bytes stand for; none when they stand for none.
///
/// The first byte says whose module it is: in one of four cases our generator's,
/// each of whose choices is a byte, otherwise `wasm-smith`'s.
#[must_use]
pub fn case(bytes: &[u8]) -> Option<Case> {
    let (whose, rest) = bytes.split_first()?;
    if whose % 4 == 3 {
        Some(Case::of(&Program::from_bytes(rest)))
    } else {
        smith::case(rest)
    }
}
