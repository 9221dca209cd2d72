//! Float arithmetic and comparisons (section 4.3.3, "Floating-Point Operations").
//!
//! A comparison with a NaN is false, except `ne`, which is true. `abs`, `neg` and
//! `copysign` are operations on the sign bit: Rust guarantees that its own keep
//! every other bit, of a signalling NaN too.

use super::ieee::{self, Rounding};
use super::instructions;

instructions! {
    /// `lhs == rhs`; the zeros are equal.
    fn f32_eq(lhs: f32, rhs: f32) -> bool { lhs == rhs }
    /// `lhs != rhs`; true if an operand is a NaN.
    fn f32_ne(lhs: f32, rhs: f32) -> bool { lhs != rhs }
    /// `lhs < rhs`.
    fn f32_lt(lhs: f32, rhs: f32) -> bool { lhs < rhs }
    /// `lhs > rhs`.
    fn f32_gt(lhs: f32, rhs: f32) -> bool { lhs > rhs }
    /// `lhs <= rhs`.
    fn f32_le(lhs: f32, rhs: f32) -> bool { lhs <= rhs }
    /// `lhs >= rhs`.
    fn f32_ge(lhs: f32, rhs: f32) -> bool { lhs >= rhs }

    /// The sign bit cleared.
    fn f32_abs(operand: f32) -> f32 { operand.abs() }
    /// The sign bit inverted.
    fn f32_neg(operand: f32) -> f32 { -operand }
    /// `lhs` with the sign bit of `rhs`.
    fn f32_copysign(lhs: f32, rhs: f32) -> f32 { lhs.copysign(rhs) }

    /// Rounded up to an integral value.
    fn f32_ceil(operand: f32) -> f32 { Rounding::ceil(operand) }
    /// Rounded down to an integral value.
    fn f32_floor(operand: f32) -> f32 { Rounding::floor(operand) }
    /// Rounded towards zero to an integral value.
    fn f32_trunc(operand: f32) -> f32 { Rounding::trunc(operand) }
    /// Rounded to the nearest integral value, ties to even.
    fn f32_nearest(operand: f32) -> f32 { Rounding::nearest(operand) }
    /// The square root; a NaN below zero, -0 for -0.
    fn f32_sqrt(operand: f32) -> f32 {
        cfg_select! {
            feature = "std" => { operand.sqrt() }
            _ => { libm::sqrtf(operand) }
        }
    }

    /// `lhs + rhs`.
    fn f32_add(lhs: f32, rhs: f32) -> f32 { lhs + rhs }
    /// `lhs - rhs`.
    fn f32_sub(lhs: f32, rhs: f32) -> f32 { lhs - rhs }
    /// `lhs * rhs`.
    fn f32_mul(lhs: f32, rhs: f32) -> f32 { lhs * rhs }
    /// `lhs / rhs`.
    fn f32_div(lhs: f32, rhs: f32) -> f32 { lhs / rhs }
    /// The smaller operand; a NaN if there is one; -0 is smaller than +0.
    fn f32_min(lhs: f32, rhs: f32) -> f32 { ieee::min(lhs, rhs) }
    /// The larger operand; a NaN if there is one; +0 is larger than -0.
    fn f32_max(lhs: f32, rhs: f32) -> f32 { ieee::max(lhs, rhs) }
}

instructions! {
    /// `lhs == rhs`; the zeros are equal.
    fn f64_eq(lhs: f64, rhs: f64) -> bool { lhs == rhs }
    /// `lhs != rhs`; true if an operand is a NaN.
    fn f64_ne(lhs: f64, rhs: f64) -> bool { lhs != rhs }
    /// `lhs < rhs`.
    fn f64_lt(lhs: f64, rhs: f64) -> bool { lhs < rhs }
    /// `lhs > rhs`.
    fn f64_gt(lhs: f64, rhs: f64) -> bool { lhs > rhs }
    /// `lhs <= rhs`.
    fn f64_le(lhs: f64, rhs: f64) -> bool { lhs <= rhs }
    /// `lhs >= rhs`.
    fn f64_ge(lhs: f64, rhs: f64) -> bool { lhs >= rhs }

    /// The sign bit cleared.
    fn f64_abs(operand: f64) -> f64 { operand.abs() }
    /// The sign bit inverted.
    fn f64_neg(operand: f64) -> f64 { -operand }
    /// `lhs` with the sign bit of `rhs`.
    fn f64_copysign(lhs: f64, rhs: f64) -> f64 { lhs.copysign(rhs) }

    /// Rounded up to an integral value.
    fn f64_ceil(operand: f64) -> f64 { Rounding::ceil(operand) }
    /// Rounded down to an integral value.
    fn f64_floor(operand: f64) -> f64 { Rounding::floor(operand) }
    /// Rounded towards zero to an integral value.
    fn f64_trunc(operand: f64) -> f64 { Rounding::trunc(operand) }
    /// Rounded to the nearest integral value, ties to even.
    fn f64_nearest(operand: f64) -> f64 { Rounding::nearest(operand) }
    /// The square root; a NaN below zero, -0 for -0.
    fn f64_sqrt(operand: f64) -> f64 {
        cfg_select! {
            feature = "std" => { operand.sqrt() }
            _ => { libm::sqrt(operand) }
        }
    }

    /// `lhs + rhs`.
    fn f64_add(lhs: f64, rhs: f64) -> f64 { lhs + rhs }
    /// `lhs - rhs`.
    fn f64_sub(lhs: f64, rhs: f64) -> f64 { lhs - rhs }
    /// `lhs * rhs`.
    fn f64_mul(lhs: f64, rhs: f64) -> f64 { lhs * rhs }
    /// `lhs / rhs`.
    fn f64_div(lhs: f64, rhs: f64) -> f64 { lhs / rhs }
    /// The smaller operand; a NaN if there is one; -0 is smaller than +0.
    fn f64_min(lhs: f64, rhs: f64) -> f64 { ieee::min(lhs, rhs) }
    /// The larger operand; a NaN if there is one; +0 is larger than -0.
    fn f64_max(lhs: f64, rhs: f64) -> f64 { ieee::max(lhs, rhs) }
}

#[cfg(test)]
mod tests;
