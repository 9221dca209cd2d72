//! The float algorithms behind `min`, `max`, `ceil`, `floor`, `trunc`,
//! `nearest`, `demote` and `promote`, written once for both widths.
//!
//! # Rounding
//!
//! Where the processor has rounding instructions and the standard library is
//! there to emit them, those are used; everywhere else it is [`portable`]. The
//! choice is made in this file only. Detection at run time would cost more than
//! it saves.

use core::ops::{Add, Neg, Sub};

/// A binary interchange format of IEEE 754.
pub(super) trait Ieee:
    Copy + PartialOrd + Neg<Output = Self> + Add<Output = Self> + Sub<Output = Self>
{
    const ZERO: Self;
    const ONE: Self;
    /// Two to the number of fraction bits: from here on, every value is integral.
    const INTEGRAL: Self;

    fn abs(self) -> Self;
    fn copysign(self, sign: Self) -> Self;
    fn is_nan(self) -> bool;
    /// Sets the top fraction bit, which tells quiet NaNs from signalling ones.
    fn set_quiet_bit(self) -> Self;
    /// The bitwise "or" of both operands.
    fn or_bits(self, other: Self) -> Self;
    /// The bitwise "and" of both operands.
    fn and_bits(self, other: Self) -> Self;
}

macro_rules! impl_ieee {
    ($float:ident, $bits:ident) => {
        impl Ieee for $float {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const INTEGRAL: Self = ((1 as $bits) << ($float::MANTISSA_DIGITS - 1)) as $float;

            #[inline(always)]
            fn abs(self) -> Self {
                $float::abs(self)
            }

            #[inline(always)]
            fn copysign(self, sign: Self) -> Self {
                $float::copysign(self, sign)
            }

            #[inline(always)]
            fn is_nan(self) -> bool {
                $float::is_nan(self)
            }

            #[inline(always)]
            fn set_quiet_bit(self) -> Self {
                const QUIET: $bits = 1 << ($float::MANTISSA_DIGITS - 2);
                $float::from_bits(self.to_bits() | QUIET)
            }

            #[inline(always)]
            fn or_bits(self, other: Self) -> Self {
                $float::from_bits(self.to_bits() | other.to_bits())
            }

            #[inline(always)]
            fn and_bits(self, other: Self) -> Self {
                $float::from_bits(self.to_bits() & other.to_bits())
            }
        }
    };
}

impl_ieee!(f32, u32);
impl_ieee!(f64, u64);

/// `x`, with the quiet bit set if it is a NaN. Works on the bits because an
/// identity such as `x * 1.0` is removed by the optimizer.
#[inline(always)]
pub(super) fn quiet<F: Ieee>(x: F) -> F {
    if x.is_nan() {
        core::hint::cold_path();
        x.set_quiet_bit()
    } else {
        x
    }
}

/// The smaller operand; a NaN if there is one; -0 is smaller than +0.
///
/// Both selections are the `min` instruction of x86: they agree unless the
/// operands are zeros of different sign, and there "or" prefers the negative one.
#[inline(always)]
pub(super) fn min<F: Ieee>(lhs: F, rhs: F) -> F {
    if lhs.is_nan() || rhs.is_nan() {
        core::hint::cold_path();
        // The addition passes the NaN on and makes it quiet.
        return lhs + rhs;
    }
    let left_first = if lhs < rhs { lhs } else { rhs };
    let right_first = if rhs < lhs { rhs } else { lhs };
    left_first.or_bits(right_first)
}

/// The larger operand; a NaN if there is one; +0 is larger than -0. See [`min`].
#[inline(always)]
pub(super) fn max<F: Ieee>(lhs: F, rhs: F) -> F {
    if lhs.is_nan() || rhs.is_nan() {
        core::hint::cold_path();
        return lhs + rhs;
    }
    let left_first = if lhs > rhs { lhs } else { rhs };
    let right_first = if rhs > lhs { rhs } else { lhs };
    left_first.and_bits(right_first)
}

/// Rounding to an integral value (section 4.3.3, "Floating-Point Operations").
pub(super) trait Rounding: Ieee {
    fn ceil(self) -> Self;
    fn floor(self) -> Self;
    fn trunc(self) -> Self;
    /// To the nearest integer, ties to even.
    fn nearest(self) -> Self;
}

macro_rules! impl_rounding {
    ($float:ty: $ceil:path, $floor:path, $trunc:path, $nearest:path) => {
        impl Rounding for $float {
            #[inline(always)]
            fn ceil(self) -> Self {
                $ceil(self)
            }

            #[inline(always)]
            fn floor(self) -> Self {
                $floor(self)
            }

            #[inline(always)]
            fn trunc(self) -> Self {
                $trunc(self)
            }

            #[inline(always)]
            fn nearest(self) -> Self {
                $nearest(self)
            }
        }
    };
}

cfg_select! {
    // One instruction each, which also makes NaNs quiet.
    all(feature = "std", any(target_arch = "aarch64", target_feature = "sse4.1")) => {
        impl_rounding!(f32: f32::ceil, f32::floor, f32::trunc, f32::round_ties_even);
        impl_rounding!(f64: f64::ceil, f64::floor, f64::trunc, f64::round_ties_even);

        /// Compiled all the same, so that no configuration leaves it unchecked.
        #[cfg_attr(not(test), expect(dead_code, reason = "the processor rounds"))]
        pub(super) mod portable;
    }
    _ => {
        impl_rounding!(f32: portable::ceil, portable::floor, portable::trunc, portable::nearest);
        impl_rounding!(f64: portable::ceil, portable::floor, portable::trunc, portable::nearest);

        pub(super) mod portable;
    }
}
