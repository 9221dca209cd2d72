//! The oracle is integer arithmetic: conversion to `i128`, which holds every
//! value in question, and rounding of bit strings by hand.

use core::hint::black_box;

use proptest::prelude::*;

use super::*;
use crate::num::testing::{
    any_f32, any_f64, check_nan_f32, f32_edges, f64_edges, is_arithmetic_f32, is_arithmetic_f64,
    is_canonical_f64,
};

const NAN: TrapCode = TrapCode::BadConversionToInteger;
const OVERFLOW: TrapCode = TrapCode::IntegerOverflow;

/// Checks both conversions of one pair of types against a conversion to `i128`.
macro_rules! check_truncation {
    ($operand:expr, $trapping:ident, $saturating:ident, $int:ident, $result:ident) => {{
        let x = $operand;
        let (min, max) = (i128::from($int::MIN), i128::from($int::MAX));
        let exact = x as i128;
        let expected = match exact {
            _ if x.is_nan() => Err(NAN),
            _ if exact < min || exact > max => Err(OVERFLOW),
            _ => Ok(exact as $result),
        };
        assert_eq!($trapping(x), expected, "{} of {x:?}", stringify!($trapping));
        let expected = if x.is_nan() {
            0
        } else {
            exact.clamp(min, max) as $result
        };
        assert_eq!(
            $saturating(x),
            expected,
            "{} of {x:?}",
            stringify!($saturating)
        );
    }};
}

fn check_f32_truncations(x: f32) {
    check_truncation!(x, i32_trunc_f32_s, i32_trunc_sat_f32_s, i32, i32);
    check_truncation!(x, i32_trunc_f32_u, i32_trunc_sat_f32_u, u32, i32);
    check_truncation!(x, i64_trunc_f32_s, i64_trunc_sat_f32_s, i64, i64);
    check_truncation!(x, i64_trunc_f32_u, i64_trunc_sat_f32_u, u64, i64);
}

fn check_f64_truncations(x: f64) {
    check_truncation!(x, i32_trunc_f64_s, i32_trunc_sat_f64_s, i32, i32);
    check_truncation!(x, i32_trunc_f64_u, i32_trunc_sat_f64_u, u32, i32);
    check_truncation!(x, i64_trunc_f64_s, i64_trunc_sat_f64_s, i64, i64);
    check_truncation!(x, i64_trunc_f64_u, i64_trunc_sat_f64_u, u64, i64);
}

#[test]
fn truncation_of_edges() {
    f32_edges().into_iter().for_each(check_f32_truncations);
    f64_edges().into_iter().for_each(check_f64_truncations);
}

/// The first and last operands in range with their results; the operands next to
/// them must be out of range.
macro_rules! bounds {
    ($($test:ident: $trapping:ident, $saturating:ident,
        $low:literal => $min:expr, $high:literal => $max:expr, limit $limit:expr;)+) => {$(
        #[test]
        fn $test() {
            let (low, high) = black_box(($low, $high));
            assert_eq!($trapping(low), Ok($min));
            assert_eq!($trapping(high), Ok($max));
            assert_eq!($saturating(low), $min);
            assert_eq!($saturating(high), $max);
            for below in [low.next_down(), low * 2.0 - 1.0, low / 0.0] {
                assert_eq!($trapping(below), Err(OVERFLOW), "{below}");
                assert_eq!($saturating(below), $min);
            }
            for above in [high.next_up(), high * 2.0, high / 0.0] {
                assert_eq!($trapping(above), Err(OVERFLOW), "{above}");
                assert_eq!($saturating(above), $limit);
            }
            let nan = low / 0.0 + high / 0.0;
            for nan in [nan, -nan] {
                assert_eq!($trapping(nan), Err(NAN));
                assert_eq!($saturating(nan), 0);
            }
            assert_eq!($trapping(-0.0), Ok(0));
            assert_eq!($trapping(-0.9), Ok(0));
            assert_eq!($trapping(1.9), Ok(1));
        }
    )+};
}

bounds! {
    bounds_of_i32_from_f32: i32_trunc_f32_s, i32_trunc_sat_f32_s,
        -2147483648.0_f32 => i32::MIN, 2147483520.0_f32 => 2147483520, limit i32::MAX;
    bounds_of_u32_from_f32: i32_trunc_f32_u, i32_trunc_sat_f32_u,
        -0.99999994_f32 => 0, 4294967040.0_f32 => -256, limit -1;
    bounds_of_i32_from_f64: i32_trunc_f64_s, i32_trunc_sat_f64_s,
        -2147483648.9999995_f64 => i32::MIN, 2147483647.9999998_f64 => i32::MAX, limit i32::MAX;
    bounds_of_u32_from_f64: i32_trunc_f64_u, i32_trunc_sat_f64_u,
        -0.9999999999999999_f64 => 0, 4294967295.9999995_f64 => -1, limit -1;
    bounds_of_i64_from_f32: i64_trunc_f32_s, i64_trunc_sat_f32_s,
        -9223372036854775808.0_f32 => i64::MIN, 9223371487098961920.0_f32 => 0x7fff_ff80_0000_0000,
        limit i64::MAX;
    bounds_of_u64_from_f32: i64_trunc_f32_u, i64_trunc_sat_f32_u,
        -0.99999994_f32 => 0, 18446742974197923840.0_f32 => -0x100_0000_0000, limit -1;
    bounds_of_i64_from_f64: i64_trunc_f64_s, i64_trunc_sat_f64_s,
        -9223372036854775808.0_f64 => i64::MIN, 9223372036854774784.0_f64 => 0x7fff_ffff_ffff_fc00,
        limit i64::MAX;
    bounds_of_u64_from_f64: i64_trunc_f64_u, i64_trunc_sat_f64_u,
        -0.9999999999999999_f64 => 0, 18446744073709549568.0_f64 => -0x800, limit -1;
}

/// `magnitude` rounded to `precision` significant bits, ties to even.
fn round_to(precision: u32, magnitude: u64) -> u128 {
    let dropped = (u64::BITS - magnitude.leading_zeros()).saturating_sub(precision);
    let (kept, rest) = (magnitude >> dropped, magnitude & !(u64::MAX << dropped));
    let half = 1_u64.unbounded_shl(dropped) >> 1;
    let up = dropped > 0 && (rest > half || rest == half && kept & 1 == 1);
    u128::from(kept + u64::from(up)) << dropped
}

fn check_int_to_float(x: i64) {
    let f32_of = |x: i128| {
        let magnitude = round_to(f32::MANTISSA_DIGITS, x.unsigned_abs() as u64) as f32;
        if x < 0 { -magnitude } else { magnitude }
    };
    let f64_of = |x: i128| {
        let magnitude = round_to(f64::MANTISSA_DIGITS, x.unsigned_abs() as u64) as f64;
        if x < 0 { -magnitude } else { magnitude }
    };
    let low = x as i32;
    assert_eq!(f32_convert_i32_s(low), f32_of(low.into()));
    assert_eq!(f32_convert_i32_u(low), f32_of((low as u32).into()));
    assert_eq!(f32_convert_i64_s(x), f32_of(x.into()));
    assert_eq!(f32_convert_i64_u(x), f32_of((x as u64).into()));
    assert_eq!(f64_convert_i32_s(low), f64_of(low.into()));
    assert_eq!(f64_convert_i32_u(low), f64_of((low as u32).into()));
    assert_eq!(f64_convert_i64_s(x), f64_of(x.into()));
    assert_eq!(f64_convert_i64_u(x), f64_of((x as u64).into()));
}

#[test]
fn integers_round_to_even() {
    // Around every power of two, and around every halfway point of both formats.
    for shift in 0..64 {
        for base in [1_i64 << shift, 3_i64 << shift, i64::MIN >> shift] {
            for half in [
                0,
                1 << 7,
                1 << 10,
                1 << 39,
                (1_i64 << shift) >> 24,
                (1_i64 << shift) >> 53,
            ] {
                for delta in -2..=2 {
                    check_int_to_float(base.wrapping_add(half).wrapping_add(delta));
                }
            }
        }
    }
}

#[test]
fn integers_round_by_hand() {
    assert_eq!(f32_convert_i32_s(0x0100_0001), 16777216.0);
    assert_eq!(f32_convert_i32_s(0x0100_0003), 16777220.0);
    assert_eq!(f32_convert_i32_u(-1), 4294967296.0);
    assert_eq!(f64_convert_i32_u(-1), 4294967295.0);
    assert_eq!(f64_convert_i64_s(i64::MIN), -9223372036854775808.0);
    assert_eq!(f64_convert_i64_u(-1), 18446744073709551616.0);
    // A tie, broken by the last bit: rounding by way of f64 would lose it.
    assert_eq!(
        f32_convert_i64_u(0x8000_0080_0000_0000_u64 as i64),
        9223372036854775808.0
    );
    assert_eq!(
        f32_convert_i64_u(0x8000_0080_0000_0001_u64 as i64),
        9223373136366403584.0
    );
    assert_eq!(
        f64_convert_i64_u(0x8000_0000_0000_0400_u64 as i64),
        9223372036854775808.0
    );
    assert_eq!(
        f64_convert_i64_u(0x8000_0000_0000_0401_u64 as i64),
        9223372036854777856.0
    );
    assert!(f32_convert_i32_s(0).is_sign_positive());
}

#[test]
fn integers_extend_and_wrap() {
    for x in [0, 1, -1, i32::MIN, i32::MAX] {
        assert_eq!(i64_extend_i32_s(x), i64::from(x));
        assert_eq!(i64_extend_i32_u(x) as u64, u64::from(x as u32));
        for high in [0, 1, -1, i64::from(i32::MIN)] {
            assert_eq!(i32_wrap_i64(high << 32 | i64_extend_i32_u(x)), x);
        }
    }
}

/// The demotion must be at least as near as both neighbours, and even at a tie.
fn check_demotion(x: f64) {
    let result = f32_demote_f64(x);
    if x.is_nan() {
        assert!(is_arithmetic_f32(result), "{:#x}", result.to_bits());
        if is_canonical_f64(x) {
            check_nan_f32(result, &[]);
        }
        return;
    }
    assert_eq!(result.is_sign_negative(), x.is_sign_negative(), "{x:?}");
    // Halfway between the largest finite value and the power of two behind it.
    let end = f64::from(f32::MAX) + (F64_POW_63 * F64_POW_32 * 256.0);
    assert_eq!(result.is_infinite(), x.abs() >= end, "{x:?}");
    if result.is_finite() {
        let distance = (x - f64::from(result)).abs();
        for neighbour in [result.next_up(), result.next_down()] {
            let other = (x - f64::from(neighbour)).abs();
            let even = result.to_bits() & 1 == 0;
            assert!(
                distance < other || distance == other && even,
                "{x:?}: {result:?}"
            );
        }
    }
}

fn check_promotion(x: f32) {
    let result = f64_promote_f32(x);
    if x.is_nan() {
        assert!(is_arithmetic_f64(result), "{:#x}", result.to_bits());
        assert_eq!(result.is_sign_negative(), x.is_sign_negative());
    } else {
        // Exact: the way back finds the same bits.
        assert_eq!((result as f32).to_bits(), x.to_bits());
    }
    // The optimizer folds the pair; a signalling NaN must not survive it.
    let back = f32_demote_f64(f64_promote_f32(x));
    let quiet_bit = if x.is_nan() { 1 << 22 } else { 0 };
    assert_eq!(back.to_bits(), x.to_bits() | quiet_bit);
}

#[test]
fn demotion_of_edges() {
    f64_edges().into_iter().for_each(check_demotion);
    for x in f32_edges().into_iter().filter(|x| x.is_finite()) {
        // Every tie between an edge and its neighbour, and what lies next to it.
        let tie = (f64::from(x) + f64::from(x.next_up())) / 2.0;
        for x in [tie.next_down(), tie, tie.next_up()] {
            check_demotion(x);
        }
    }
}

#[test]
fn promotion_of_edges() {
    f32_edges().into_iter().for_each(check_promotion);
}

#[test]
fn reinterpretation_keeps_every_bit() {
    for x in f32_edges() {
        let bits = i32_reinterpret_f32(x);
        assert_eq!(bits as u32, x.to_bits());
        assert_eq!(f32_reinterpret_i32(bits).to_bits(), x.to_bits());
    }
    for x in f64_edges() {
        let bits = i64_reinterpret_f64(x);
        assert_eq!(bits as u64, x.to_bits());
        assert_eq!(f64_reinterpret_i64(bits).to_bits(), x.to_bits());
    }
    // A signalling NaN, from and to integers.
    assert_eq!(
        i32_reinterpret_f32(f32_reinterpret_i32(0x7fa0_0001)),
        0x7fa0_0001
    );
    assert_eq!(
        i64_reinterpret_f64(f64_reinterpret_i64(-0xf_ffff)),
        -0xf_ffff
    );
}

proptest! {
    #[test]
    fn properties_of_f32(x in any_f32()) {
        check_f32_truncations(x);
        check_promotion(x);
    }

    #[test]
    fn properties_of_f64(x in any_f64()) {
        check_f64_truncations(x);
        check_demotion(x);
    }

    #[test]
    fn properties_of_f64_in_the_range_of_f32(x in any_f32(), nudge in -3..4_i64) {
        let bits = f64::from(x).to_bits().wrapping_add_signed(nudge << 27);
        check_demotion(f64::from_bits(bits));
    }

    #[test]
    fn properties_of_integers(x in any::<i64>(), shift in 0..64_u32) {
        check_int_to_float(x >> shift);
        check_int_to_float((x as u64 >> shift) as i64);
    }
}
