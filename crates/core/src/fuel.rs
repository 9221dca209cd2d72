//! What work costs in stores that meter it.
//!
//! The costs are numbers of this file and of nothing else: they depend on the
//! program alone, neither on the machine nor on how or when code is made. Who
//! changes what a program costs raises [`VERSION`], also if the change is one of
//! the rules (which operators are charged where) that the translator documents.

/// The number of the present costs.
pub const VERSION: u32 = 1;

/// One WebAssembly operator.
pub const OPERATOR: u32 = 1;

/// How many bytes are moved, cleared or added for one unit.
pub const BYTES_PER_UNIT: u64 = 64;

/// A call of a host function from Wasm, beyond its operator: leaving and entering
/// the executor. What the host function does is the embedder's to charge.
pub const HOST_CALL: u64 = 8;

/// Each byte of a function's body when the function is called for the first time
/// in an instance: validating and translating it.
pub const COMPILED_BYTE: u64 = 8;

/// The fuel for moving, clearing or adding `len` bytes.
#[inline]
#[must_use]
pub const fn of_bytes(len: u64) -> u64 {
    len.div_ceil(BYTES_PER_UNIT)
}

/// The fuel for making the code of a function whose body has `len` bytes.
#[must_use]
pub const fn of_body(len: u64) -> u64 {
    len.saturating_mul(COMPILED_BYTE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_begun_is_charged() {
        assert_eq!([0, 1, 64, 65].map(of_bytes), [0, 1, 1, 2]);
        assert_eq!(of_bytes(u64::MAX), 1 << 58);
        assert_eq!(of_body(u64::MAX), u64::MAX);
    }
}
