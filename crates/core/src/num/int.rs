//! Integer arithmetic, bit counting, shifts, comparisons and sign extension
//! (section 4.3.2, "Integer Operations").
//!
//! Shift and rotation counts are taken modulo the width, as Wasm and most
//! processors do; the masks cost nothing.

use super::{instructions, trap};
use crate::trap::TrapCode;

instructions! {
    /// `operand == 0`.
    fn i32_eqz(operand: i32) -> bool { operand == 0 }
    /// Whether the operand is not 0: what `br_if` tests; no instruction of its own in Wasm.
    fn i32_nez(operand: i32) -> bool { operand != 0 }
    /// `lhs == rhs`.
    fn i32_eq(lhs: i32, rhs: i32) -> bool { lhs == rhs }
    /// `lhs != rhs`.
    fn i32_ne(lhs: i32, rhs: i32) -> bool { lhs != rhs }
    /// `lhs < rhs`, signed.
    fn i32_lt_s(lhs: i32, rhs: i32) -> bool { lhs < rhs }
    /// `lhs < rhs`, unsigned.
    fn i32_lt_u(lhs: i32, rhs: i32) -> bool { (lhs as u32) < (rhs as u32) }
    /// `lhs > rhs`, signed.
    fn i32_gt_s(lhs: i32, rhs: i32) -> bool { lhs > rhs }
    /// `lhs > rhs`, unsigned.
    fn i32_gt_u(lhs: i32, rhs: i32) -> bool { (lhs as u32) > (rhs as u32) }
    /// `lhs <= rhs`, signed.
    fn i32_le_s(lhs: i32, rhs: i32) -> bool { lhs <= rhs }
    /// `lhs <= rhs`, unsigned.
    fn i32_le_u(lhs: i32, rhs: i32) -> bool { (lhs as u32) <= (rhs as u32) }
    /// `lhs >= rhs`, signed.
    fn i32_ge_s(lhs: i32, rhs: i32) -> bool { lhs >= rhs }
    /// `lhs >= rhs`, unsigned.
    fn i32_ge_u(lhs: i32, rhs: i32) -> bool { (lhs as u32) >= (rhs as u32) }

    /// Number of leading zero bits; 32 for zero.
    fn i32_clz(operand: i32) -> i32 { operand.leading_zeros() as i32 }
    /// Number of trailing zero bits; 32 for zero.
    fn i32_ctz(operand: i32) -> i32 { operand.trailing_zeros() as i32 }
    /// Number of one bits.
    fn i32_popcnt(operand: i32) -> i32 { operand.count_ones() as i32 }

    /// `lhs + rhs`, wrapping.
    fn i32_add(lhs: i32, rhs: i32) -> i32 { lhs.wrapping_add(rhs) }
    /// `lhs - rhs`, wrapping.
    fn i32_sub(lhs: i32, rhs: i32) -> i32 { lhs.wrapping_sub(rhs) }
    /// `lhs * rhs`, wrapping.
    fn i32_mul(lhs: i32, rhs: i32) -> i32 { lhs.wrapping_mul(rhs) }

    /// `lhs / rhs`, signed, rounded towards zero.
    ///
    /// # Errors
    ///
    /// `IntegerDivisionByZero` if `rhs` is 0, `IntegerOverflow` for `i32::MIN / -1`.
    fn i32_div_s(lhs: i32, rhs: i32) -> Result<i32, TrapCode> {
        if rhs == 0 {
            return trap(TrapCode::IntegerDivisionByZero);
        }
        match lhs.checked_div(rhs) {
            Some(quotient) => Ok(quotient),
            None => trap(TrapCode::IntegerOverflow),
        }
    }
    /// `lhs / rhs`, unsigned, rounded towards zero.
    ///
    /// # Errors
    ///
    /// `IntegerDivisionByZero` if `rhs` is 0.
    fn i32_div_u(lhs: i32, rhs: i32) -> Result<i32, TrapCode> {
        match (lhs as u32).checked_div(rhs as u32) {
            Some(quotient) => Ok(quotient as i32),
            None => trap(TrapCode::IntegerDivisionByZero),
        }
    }
    /// Remainder of the signed division, with the sign of `lhs`. `i32::MIN % -1` is 0.
    ///
    /// # Errors
    ///
    /// `IntegerDivisionByZero` if `rhs` is 0.
    fn i32_rem_s(lhs: i32, rhs: i32) -> Result<i32, TrapCode> {
        if rhs == 0 {
            return trap(TrapCode::IntegerDivisionByZero);
        }
        Ok(lhs.wrapping_rem(rhs))
    }
    /// Remainder of the unsigned division.
    ///
    /// # Errors
    ///
    /// `IntegerDivisionByZero` if `rhs` is 0.
    fn i32_rem_u(lhs: i32, rhs: i32) -> Result<i32, TrapCode> {
        match (lhs as u32).checked_rem(rhs as u32) {
            Some(remainder) => Ok(remainder as i32),
            None => trap(TrapCode::IntegerDivisionByZero),
        }
    }

    /// `lhs & rhs`.
    fn i32_and(lhs: i32, rhs: i32) -> i32 { lhs & rhs }
    /// `lhs | rhs`.
    fn i32_or(lhs: i32, rhs: i32) -> i32 { lhs | rhs }
    /// `lhs ^ rhs`.
    fn i32_xor(lhs: i32, rhs: i32) -> i32 { lhs ^ rhs }
    /// `lhs << (rhs mod 32)`.
    fn i32_shl(lhs: i32, rhs: i32) -> i32 { lhs << (rhs & 31) }
    /// `lhs >> (rhs mod 32)`, copying the sign bit in.
    fn i32_shr_s(lhs: i32, rhs: i32) -> i32 { lhs >> (rhs & 31) }
    /// `lhs >> (rhs mod 32)`, shifting zeros in.
    fn i32_shr_u(lhs: i32, rhs: i32) -> i32 { ((lhs as u32) >> (rhs & 31)) as i32 }
    /// `lhs` rotated left by `rhs mod 32` bits.
    fn i32_rotl(lhs: i32, rhs: i32) -> i32 { lhs.rotate_left((rhs & 31) as u32) }
    /// `lhs` rotated right by `rhs mod 32` bits.
    fn i32_rotr(lhs: i32, rhs: i32) -> i32 { lhs.rotate_right((rhs & 31) as u32) }

    /// The low 8 bits, sign-extended.
    fn i32_extend8_s(operand: i32) -> i32 { operand as i8 as i32 }
    /// The low 16 bits, sign-extended.
    fn i32_extend16_s(operand: i32) -> i32 { operand as i16 as i32 }
}

instructions! {
    /// `operand == 0`.
    fn i64_eqz(operand: i64) -> bool { operand == 0 }
    /// Whether the operand is not 0: what `br_if` tests of a reference; no instruction of its own in Wasm.
    fn i64_nez(operand: i64) -> bool { operand != 0 }
    /// `lhs == rhs`.
    fn i64_eq(lhs: i64, rhs: i64) -> bool { lhs == rhs }
    /// `lhs != rhs`.
    fn i64_ne(lhs: i64, rhs: i64) -> bool { lhs != rhs }
    /// `lhs < rhs`, signed.
    fn i64_lt_s(lhs: i64, rhs: i64) -> bool { lhs < rhs }
    /// `lhs < rhs`, unsigned.
    fn i64_lt_u(lhs: i64, rhs: i64) -> bool { (lhs as u64) < (rhs as u64) }
    /// `lhs > rhs`, signed.
    fn i64_gt_s(lhs: i64, rhs: i64) -> bool { lhs > rhs }
    /// `lhs > rhs`, unsigned.
    fn i64_gt_u(lhs: i64, rhs: i64) -> bool { (lhs as u64) > (rhs as u64) }
    /// `lhs <= rhs`, signed.
    fn i64_le_s(lhs: i64, rhs: i64) -> bool { lhs <= rhs }
    /// `lhs <= rhs`, unsigned.
    fn i64_le_u(lhs: i64, rhs: i64) -> bool { (lhs as u64) <= (rhs as u64) }
    /// `lhs >= rhs`, signed.
    fn i64_ge_s(lhs: i64, rhs: i64) -> bool { lhs >= rhs }
    /// `lhs >= rhs`, unsigned.
    fn i64_ge_u(lhs: i64, rhs: i64) -> bool { (lhs as u64) >= (rhs as u64) }

    /// Number of leading zero bits; 64 for zero.
    fn i64_clz(operand: i64) -> i64 { operand.leading_zeros() as i64 }
    /// Number of trailing zero bits; 64 for zero.
    fn i64_ctz(operand: i64) -> i64 { operand.trailing_zeros() as i64 }
    /// Number of one bits.
    fn i64_popcnt(operand: i64) -> i64 { operand.count_ones() as i64 }

    /// `lhs + rhs`, wrapping.
    fn i64_add(lhs: i64, rhs: i64) -> i64 { lhs.wrapping_add(rhs) }
    /// `lhs - rhs`, wrapping.
    fn i64_sub(lhs: i64, rhs: i64) -> i64 { lhs.wrapping_sub(rhs) }
    /// `lhs * rhs`, wrapping.
    fn i64_mul(lhs: i64, rhs: i64) -> i64 { lhs.wrapping_mul(rhs) }

    /// `lhs / rhs`, signed, rounded towards zero.
    ///
    /// # Errors
    ///
    /// `IntegerDivisionByZero` if `rhs` is 0, `IntegerOverflow` for `i64::MIN / -1`.
    fn i64_div_s(lhs: i64, rhs: i64) -> Result<i64, TrapCode> {
        if rhs == 0 {
            return trap(TrapCode::IntegerDivisionByZero);
        }
        match lhs.checked_div(rhs) {
            Some(quotient) => Ok(quotient),
            None => trap(TrapCode::IntegerOverflow),
        }
    }
    /// `lhs / rhs`, unsigned, rounded towards zero.
    ///
    /// # Errors
    ///
    /// `IntegerDivisionByZero` if `rhs` is 0.
    fn i64_div_u(lhs: i64, rhs: i64) -> Result<i64, TrapCode> {
        match (lhs as u64).checked_div(rhs as u64) {
            Some(quotient) => Ok(quotient as i64),
            None => trap(TrapCode::IntegerDivisionByZero),
        }
    }
    /// Remainder of the signed division, with the sign of `lhs`. `i64::MIN % -1` is 0.
    ///
    /// # Errors
    ///
    /// `IntegerDivisionByZero` if `rhs` is 0.
    fn i64_rem_s(lhs: i64, rhs: i64) -> Result<i64, TrapCode> {
        if rhs == 0 {
            return trap(TrapCode::IntegerDivisionByZero);
        }
        Ok(lhs.wrapping_rem(rhs))
    }
    /// Remainder of the unsigned division.
    ///
    /// # Errors
    ///
    /// `IntegerDivisionByZero` if `rhs` is 0.
    fn i64_rem_u(lhs: i64, rhs: i64) -> Result<i64, TrapCode> {
        match (lhs as u64).checked_rem(rhs as u64) {
            Some(remainder) => Ok(remainder as i64),
            None => trap(TrapCode::IntegerDivisionByZero),
        }
    }

    /// `lhs & rhs`.
    fn i64_and(lhs: i64, rhs: i64) -> i64 { lhs & rhs }
    /// `lhs | rhs`.
    fn i64_or(lhs: i64, rhs: i64) -> i64 { lhs | rhs }
    /// `lhs ^ rhs`.
    fn i64_xor(lhs: i64, rhs: i64) -> i64 { lhs ^ rhs }
    /// `lhs << (rhs mod 64)`.
    fn i64_shl(lhs: i64, rhs: i64) -> i64 { lhs << (rhs & 63) }
    /// `lhs >> (rhs mod 64)`, copying the sign bit in.
    fn i64_shr_s(lhs: i64, rhs: i64) -> i64 { lhs >> (rhs & 63) }
    /// `lhs >> (rhs mod 64)`, shifting zeros in.
    fn i64_shr_u(lhs: i64, rhs: i64) -> i64 { ((lhs as u64) >> (rhs & 63)) as i64 }
    /// `lhs` rotated left by `rhs mod 64` bits.
    fn i64_rotl(lhs: i64, rhs: i64) -> i64 { lhs.rotate_left((rhs & 63) as u32) }
    /// `lhs` rotated right by `rhs mod 64` bits.
    fn i64_rotr(lhs: i64, rhs: i64) -> i64 { lhs.rotate_right((rhs & 63) as u32) }

    /// The low 8 bits, sign-extended.
    fn i64_extend8_s(operand: i64) -> i64 { operand as i8 as i64 }
    /// The low 16 bits, sign-extended.
    fn i64_extend16_s(operand: i64) -> i64 { operand as i16 as i64 }
    /// The low 32 bits, sign-extended.
    fn i64_extend32_s(operand: i64) -> i64 { operand as i32 as i64 }
}

#[cfg(test)]
mod tests;
