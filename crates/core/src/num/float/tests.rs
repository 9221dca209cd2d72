//! The oracle is the standard library for rounding and square roots, comparison
//! of bits for signs and NaNs, and arithmetic in `f64` for `f32`.

use core::cmp::Ordering;

use proptest::prelude::*;

/// The properties of both widths. The invoking module imports the instructions
/// without their prefix.
macro_rules! properties {
    ($float:ident, $bits:ident) => {
        const SIGN: $bits = 1 << ($bits::BITS - 1);
        const QUIET: $bits = 1 << ($float::MANTISSA_DIGITS - 2);

        #[track_caller]
        fn check_same(what: &str, result: $float, expected: $float, operands: &[$float]) {
            assert!(
                result.to_bits() == expected.to_bits(),
                "{what}: {result} ({:#x}) instead of {expected} ({:#x}) from {operands:?}",
                result.to_bits(),
                expected.to_bits(),
            );
        }

        /// `result` is what arithmetic has to deliver where `expected` is right up
        /// to the bits of a NaN.
        #[track_caller]
        fn check_arithmetic(what: &str, result: $float, expected: $float, operands: &[$float]) {
            if expected.is_nan() {
                check_nan(result, operands);
            } else {
                check_same(what, result, expected, operands);
            }
        }

        fn check_rounding(x: $float) {
            type Case = (&'static str, fn($float) -> $float, fn($float) -> $float);
            let cases: [Case; 8] = [
                ("ceil", ceil, $float::ceil),
                ("floor", floor, $float::floor),
                ("trunc", trunc, $float::trunc),
                ("nearest", nearest, $float::round_ties_even),
                ("portable ceil", portable::ceil, $float::ceil),
                ("portable floor", portable::floor, $float::floor),
                ("portable trunc", portable::trunc, $float::trunc),
                (
                    "portable nearest",
                    portable::nearest,
                    $float::round_ties_even,
                ),
            ];
            for (what, function, expected) in cases {
                if x.is_nan() {
                    // One operand: its sign and payload are kept, only the quiet bit is set.
                    let quiet = $float::from_bits(x.to_bits() | QUIET);
                    check_same(what, function(x), quiet, &[x]);
                } else {
                    check_same(what, function(x), expected(x), &[x]);
                }
            }
        }

        fn check_unary(x: $float) {
            check_rounding(x);
            let bits = x.to_bits();
            check_same("abs", abs(x), $float::from_bits(bits & !SIGN), &[x]);
            check_same("neg", neg(x), $float::from_bits(bits ^ SIGN), &[x]);
            check_arithmetic("sqrt", sqrt(x), x.sqrt(), &[x]);
        }

        /// -0 before +0, otherwise the order of the numbers.
        fn total_order(x: $float, y: $float) -> Ordering {
            let key = |x: $float| {
                let magnitude = i128::from(x.to_bits() & !SIGN);
                if x.is_sign_negative() {
                    -magnitude - 1
                } else {
                    magnitude
                }
            };
            key(x).cmp(&key(y))
        }

        fn check_binary(x: $float, y: $float) {
            let order = x.partial_cmp(&y);
            assert_eq!(eq(x, y), order == Some(Ordering::Equal));
            assert_eq!(ne(x, y), order != Some(Ordering::Equal));
            assert_eq!(lt(x, y), order == Some(Ordering::Less));
            assert_eq!(gt(x, y), order == Some(Ordering::Greater));
            assert_eq!(
                le(x, y),
                matches!(order, Some(Ordering::Less | Ordering::Equal))
            );
            assert_eq!(
                ge(x, y),
                matches!(order, Some(Ordering::Greater | Ordering::Equal))
            );

            let signed = $float::from_bits(x.to_bits() & !SIGN | y.to_bits() & SIGN);
            check_same("copysign", copysign(x, y), signed, &[x, y]);

            check_arithmetic("add", add(x, y), wide(x, y, |x, y| x + y), &[x, y]);
            check_arithmetic("sub", sub(x, y), wide(x, y, |x, y| x - y), &[x, y]);
            check_arithmetic("mul", mul(x, y), wide(x, y, |x, y| x * y), &[x, y]);
            check_arithmetic("div", div(x, y), wide(x, y, |x, y| x / y), &[x, y]);

            let (smaller, larger) = match total_order(x, y) {
                _ if order.is_none() => ($float::NAN, $float::NAN),
                Ordering::Less => (x, y),
                _ => (y, x),
            };
            check_arithmetic("min", min(x, y), smaller, &[x, y]);
            check_arithmetic("max", max(x, y), larger, &[x, y]);
        }

        #[test]
        fn edges_alone() {
            for x in edges() {
                check_unary(x);
            }
        }

        #[test]
        fn edges_in_pairs() {
            for x in edges() {
                for y in edges() {
                    check_binary(x, y);
                }
            }
        }

        #[test]
        fn rounding_across_the_format() {
            // An odd step, so that every exponent and both signs meet many fractions.
            let step = $bits::MAX / 400_009 | 1;
            let mut bits: $bits = 0;
            while let Some(next) = bits.checked_add(step) {
                check_rounding($float::from_bits(bits));
                bits = next;
            }
        }

        #[test]
        fn rounding_across_small_halves() {
            for quarters in -4000..4000_i16 {
                let x = <$float>::from(quarters) / 4.0;
                check_rounding(x);
                check_rounding(x.next_up());
                check_rounding(x.next_down());
            }
        }

        #[test]
        fn rounding_by_hand() {
            let rows: [[$float; 5]; 11] = [
                // operand, ceil, floor, trunc, nearest
                [0.0, 0.0, 0.0, 0.0, 0.0],
                [-0.0, -0.0, -0.0, -0.0, -0.0],
                [0.5, 1.0, 0.0, 0.0, 0.0],
                [-0.5, -0.0, -1.0, -0.0, -0.0],
                [1.5, 2.0, 1.0, 1.0, 2.0],
                [-1.5, -1.0, -2.0, -1.0, -2.0],
                [2.5, 3.0, 2.0, 2.0, 2.0],
                [-0.75, -0.0, -1.0, -0.0, -1.0],
                [0.75, 1.0, 0.0, 0.0, 1.0],
                [4194304.5, 4194305.0, 4194304.0, 4194304.0, 4194304.0],
                [-$float::INFINITY; 5],
            ];
            for [x, up, down, to_zero, near] in rows {
                check_same("ceil", ceil(x), up, &[x]);
                check_same("floor", floor(x), down, &[x]);
                check_same("trunc", trunc(x), to_zero, &[x]);
                check_same("nearest", nearest(x), near, &[x]);
            }
        }

        #[test]
        fn min_and_max_of_zeros() {
            for (x, y) in [(0.0, -0.0), (-0.0, 0.0)] {
                check_same("min", min(x, y), -0.0, &[x, y]);
                check_same("max", max(x, y), 0.0, &[x, y]);
            }
        }

        #[test]
        fn min_and_max_propagate_nans() {
            let signalling = $float::from_bits($float::INFINITY.to_bits() | 1);
            for nan in [$float::NAN, -$float::NAN, signalling, -signalling] {
                for other in [0.0, -1.0, $float::INFINITY, -$float::INFINITY, $float::NAN] {
                    let (nan, other) = core::hint::black_box((nan, other));
                    for result in [
                        min(nan, other),
                        min(other, nan),
                        max(nan, other),
                        max(other, nan),
                    ] {
                        check_nan(result, &[nan, other]);
                    }
                }
            }
        }

        #[test]
        fn square_roots_by_hand() {
            check_same("sqrt", sqrt(-0.0), -0.0, &[-0.0]);
            check_same("sqrt", sqrt(6.25), 2.5, &[6.25]);
            check_nan(sqrt(core::hint::black_box(-1.0)), &[-1.0]);
            check_nan(sqrt(-$float::INFINITY), &[-$float::INFINITY]);
        }

        #[test]
        fn invalid_operations_give_a_canonical_nan() {
            let infinity = core::hint::black_box($float::INFINITY);
            let zero = core::hint::black_box(0.0);
            check_nan(sub(infinity, infinity), &[]);
            check_nan(add(infinity, -infinity), &[]);
            check_nan(mul(zero, infinity), &[]);
            check_nan(div(zero, zero), &[]);
            check_nan(div(infinity, infinity), &[]);
            check_same("div", div(1.0, -zero), -$float::INFINITY, &[1.0, -0.0]);
        }

        proptest! {
            #[test]
            fn properties_of_one(x in any_float()) {
                check_unary(x);
            }

            #[test]
            fn properties_of_two(x in any_float(), y in any_float()) {
                check_binary(x, y);
            }
        }
    };
}

mod single {
    use super::super::{
        f32_abs as abs, f32_add as add, f32_ceil as ceil, f32_copysign as copysign, f32_div as div,
        f32_eq as eq, f32_floor as floor, f32_ge as ge, f32_gt as gt, f32_le as le, f32_lt as lt,
        f32_max as max, f32_min as min, f32_mul as mul, f32_ne as ne, f32_nearest as nearest,
        f32_neg as neg, f32_sqrt as sqrt, f32_sub as sub, f32_trunc as trunc,
    };
    use super::*;
    use crate::num::ieee::portable;
    use crate::num::testing::{
        any_f32 as any_float, check_nan_f32 as check_nan, f32_edges as edges,
    };

    /// `f64` has more than twice the precision of `f32`, which makes the second
    /// rounding harmless.
    fn wide(x: f32, y: f32, op: fn(f64, f64) -> f64) -> f32 {
        op(f64::from(x), f64::from(y)) as f32
    }

    properties!(f32, u32);
}

mod double {
    use super::super::{
        f64_abs as abs, f64_add as add, f64_ceil as ceil, f64_copysign as copysign, f64_div as div,
        f64_eq as eq, f64_floor as floor, f64_ge as ge, f64_gt as gt, f64_le as le, f64_lt as lt,
        f64_max as max, f64_min as min, f64_mul as mul, f64_ne as ne, f64_nearest as nearest,
        f64_neg as neg, f64_sqrt as sqrt, f64_sub as sub, f64_trunc as trunc,
    };
    use super::*;
    use crate::num::ieee::portable;
    use crate::num::testing::{
        any_f64 as any_float, check_nan_f64 as check_nan, f64_edges as edges,
    };

    /// Nothing wider is at hand: the language's own operation.
    fn wide(x: f64, y: f64, op: fn(f64, f64) -> f64) -> f64 {
        op(x, y)
    }

    properties!(f64, u64);
}
