//! Conversions between the four types (section 4.3.4, "Conversions").
#![expect(
    unsafe_code,
    reason = "a conversion after a range check, without the checks of a saturating one"
)]

use super::ieee::quiet;
use super::{instructions, trap};
use crate::trap::TrapCode;

/// Whether the processor's widening conversion makes a NaN quiet. Float support
/// in software may keep a signalling one.
const PROMOTION_QUIETS: bool = cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));

/// Exact powers of two, the bounds of the integer types.
const F32_POW_31: f32 = (1_u64 << 31) as f32;
const F32_POW_32: f32 = (1_u64 << 32) as f32;
const F32_POW_63: f32 = (1_u64 << 63) as f32;
const F32_POW_64: f32 = (1_u128 << 64) as f32;
const F64_POW_31: f64 = (1_u64 << 31) as f64;
const F64_POW_32: f64 = (1_u64 << 32) as f64;
const F64_POW_63: f64 = (1_u64 << 63) as f64;
const F64_POW_64: f64 = (1_u128 << 64) as f64;

/// Rounds towards zero to an integer type whose exact range, seen from the float
/// type, is `$in_range`. Traps outside of it and for NaNs, for which no comparison
/// holds.
macro_rules! truncate {
    ($operand:ident as $int:ident if $in_range:expr) => {
        if $in_range {
            debug_assert_eq!($operand as $int as i128, $operand as i128);
            // SAFETY: the operand is no NaN, and rounded towards zero it fits the
            // type: just checked by `$in_range`, and tested at both bounds.
            Ok(unsafe { $operand.to_int_unchecked::<$int>() })
        } else if $operand.is_nan() {
            trap(TrapCode::BadConversionToInteger)
        } else {
            trap(TrapCode::IntegerOverflow)
        }
    };
}

instructions! {
    /// The low 32 bits.
    fn i32_wrap_i64(operand: i64) -> i32 { operand as i32 }
    /// The same value, sign-extended.
    fn i64_extend_i32_s(operand: i32) -> i64 { operand as i64 }
    /// The same value, zero-extended.
    fn i64_extend_i32_u(operand: i32) -> i64 { operand as u32 as i64 }
}

// Below the signed minimum, f32 has no value before the next integer, and neither
// has f64 at 64 bits: there the bound itself is the check. At 32 bits, f64 has
// fractions between the bound and the next integer, which round into the range.
instructions! {
    /// Rounded towards zero to a signed integer.
    ///
    /// # Errors
    ///
    /// `BadConversionToInteger` for a NaN, `IntegerOverflow` out of range.
    fn i32_trunc_f32_s(operand: f32) -> Result<i32, TrapCode> {
        truncate!(operand as i32 if (-F32_POW_31..F32_POW_31).contains(&operand))
    }
    /// Rounded towards zero to an unsigned integer.
    ///
    /// # Errors
    ///
    /// `BadConversionToInteger` for a NaN, `IntegerOverflow` out of range.
    fn i32_trunc_f32_u(operand: f32) -> Result<i32, TrapCode> {
        truncate!(operand as u32 if operand > -1.0 && operand < F32_POW_32).map(|result| result as i32)
    }
    /// Rounded towards zero to a signed integer.
    ///
    /// # Errors
    ///
    /// `BadConversionToInteger` for a NaN, `IntegerOverflow` out of range.
    fn i32_trunc_f64_s(operand: f64) -> Result<i32, TrapCode> {
        truncate!(operand as i32 if operand > -F64_POW_31 - 1.0 && operand < F64_POW_31)
    }
    /// Rounded towards zero to an unsigned integer.
    ///
    /// # Errors
    ///
    /// `BadConversionToInteger` for a NaN, `IntegerOverflow` out of range.
    fn i32_trunc_f64_u(operand: f64) -> Result<i32, TrapCode> {
        truncate!(operand as u32 if operand > -1.0 && operand < F64_POW_32).map(|result| result as i32)
    }
    /// Rounded towards zero to a signed integer.
    ///
    /// # Errors
    ///
    /// `BadConversionToInteger` for a NaN, `IntegerOverflow` out of range.
    fn i64_trunc_f32_s(operand: f32) -> Result<i64, TrapCode> {
        truncate!(operand as i64 if (-F32_POW_63..F32_POW_63).contains(&operand))
    }
    /// Rounded towards zero to an unsigned integer.
    ///
    /// # Errors
    ///
    /// `BadConversionToInteger` for a NaN, `IntegerOverflow` out of range.
    fn i64_trunc_f32_u(operand: f32) -> Result<i64, TrapCode> {
        truncate!(operand as u64 if operand > -1.0 && operand < F32_POW_64).map(|result| result as i64)
    }
    /// Rounded towards zero to a signed integer.
    ///
    /// # Errors
    ///
    /// `BadConversionToInteger` for a NaN, `IntegerOverflow` out of range.
    fn i64_trunc_f64_s(operand: f64) -> Result<i64, TrapCode> {
        truncate!(operand as i64 if (-F64_POW_63..F64_POW_63).contains(&operand))
    }
    /// Rounded towards zero to an unsigned integer.
    ///
    /// # Errors
    ///
    /// `BadConversionToInteger` for a NaN, `IntegerOverflow` out of range.
    fn i64_trunc_f64_u(operand: f64) -> Result<i64, TrapCode> {
        truncate!(operand as u64 if operand > -1.0 && operand < F64_POW_64).map(|result| result as i64)
    }
}

instructions! {
    /// Rounded towards zero and limited to the range of a signed integer; 0 for a NaN.
    fn i32_trunc_sat_f32_s(operand: f32) -> i32 { operand as i32 }
    /// Rounded towards zero and limited to the range of an unsigned integer; 0 for a NaN.
    fn i32_trunc_sat_f32_u(operand: f32) -> i32 { operand as u32 as i32 }
    /// Rounded towards zero and limited to the range of a signed integer; 0 for a NaN.
    fn i32_trunc_sat_f64_s(operand: f64) -> i32 { operand as i32 }
    /// Rounded towards zero and limited to the range of an unsigned integer; 0 for a NaN.
    fn i32_trunc_sat_f64_u(operand: f64) -> i32 { operand as u32 as i32 }
    /// Rounded towards zero and limited to the range of a signed integer; 0 for a NaN.
    fn i64_trunc_sat_f32_s(operand: f32) -> i64 { operand as i64 }
    /// Rounded towards zero and limited to the range of an unsigned integer; 0 for a NaN.
    fn i64_trunc_sat_f32_u(operand: f32) -> i64 { operand as u64 as i64 }
    /// Rounded towards zero and limited to the range of a signed integer; 0 for a NaN.
    fn i64_trunc_sat_f64_s(operand: f64) -> i64 { operand as i64 }
    /// Rounded towards zero and limited to the range of an unsigned integer; 0 for a NaN.
    fn i64_trunc_sat_f64_u(operand: f64) -> i64 { operand as u64 as i64 }
}

instructions! {
    /// The value of a signed integer, rounded to nearest.
    fn f32_convert_i32_s(operand: i32) -> f32 { operand as f32 }
    /// The value of an unsigned integer, rounded to nearest.
    fn f32_convert_i32_u(operand: i32) -> f32 { operand as u32 as f32 }
    /// The value of a signed integer, rounded to nearest.
    fn f32_convert_i64_s(operand: i64) -> f32 { operand as f32 }
    /// The value of an unsigned integer, rounded to nearest.
    fn f32_convert_i64_u(operand: i64) -> f32 { operand as u64 as f32 }
    /// The value of a signed integer, exact.
    fn f64_convert_i32_s(operand: i32) -> f64 { operand as f64 }
    /// The value of an unsigned integer, exact.
    fn f64_convert_i32_u(operand: i32) -> f64 { operand as u32 as f64 }
    /// The value of a signed integer, rounded to nearest.
    fn f64_convert_i64_s(operand: i64) -> f64 { operand as f64 }
    /// The value of an unsigned integer, rounded to nearest.
    fn f64_convert_i64_u(operand: i64) -> f64 { operand as u64 as f64 }

    /// Rounded to nearest, to infinity where the range ends.
    fn f32_demote_f64(operand: f64) -> f32 {
        // The optimizer removes a demotion after a promotion, and with it the
        // step that makes a NaN quiet.
        quiet(operand as f32)
    }
    /// The same value.
    fn f64_promote_f32(operand: f32) -> f64 {
        let result = operand as f64;
        if PROMOTION_QUIETS { result } else { quiet(result) }
    }
}

instructions! {
    /// The bits of a float.
    fn i32_reinterpret_f32(operand: f32) -> i32 { operand.to_bits() as i32 }
    /// The bits of a float.
    fn i64_reinterpret_f64(operand: f64) -> i64 { operand.to_bits() as i64 }
    /// The float with these bits.
    fn f32_reinterpret_i32(operand: i32) -> f32 { f32::from_bits(operand as u32) }
    /// The float with these bits.
    fn f64_reinterpret_i64(operand: i64) -> f64 { f64::from_bits(operand as u64) }
}

#[cfg(test)]
mod tests;
