//! What the tests of all groups share: operands at the edges of the float
//! formats, strategies that mix them with arbitrary bits, and the rules for NaNs.

extern crate std;

use core::hint::black_box;

use alloc::vec::Vec;
use proptest::prelude::*;
use proptest::sample::select;

macro_rules! float_testing {
    ($float:ident, $bits:ident, $edges:ident, $any:ident, $is_arithmetic:ident, $is_canonical:ident, $check_nan:ident) => {
        /// Zeros, subnormals, ties, integer bounds, infinities and NaNs, each with
        /// its neighbours and of both signs. Opaque to the optimizer, so that
        /// tests of release builds see the processor's results.
        pub(super) fn $edges() -> Vec<$float> {
            let fraction_bits = $float::MANTISSA_DIGITS - 1;
            let power = |exponent: u32| (1_u128 << exponent) as $float;
            let magnitudes = [
                $float::from_bits(1),
                $float::MIN_POSITIVE,
                0.25,
                0.5,
                1.0,
                1.5,
                2.0,
                2.5,
                3.5,
                power(fraction_bits - 1),
                power(fraction_bits - 1) + 0.5,
                power(fraction_bits - 1) + 1.5,
                power(fraction_bits),
                power(fraction_bits + 1),
                power(31),
                power(32),
                power(63),
                power(64),
                power(127),
                // Its neighbours are the largest finite value and a signalling NaN.
                $float::INFINITY,
            ];
            let quiet_bit = 1 << (fraction_bits - 1);
            let infinity = $float::INFINITY.to_bits();
            let nans = [
                infinity | quiet_bit,
                infinity | quiet_bit | 1,
                infinity | quiet_bit | (quiet_bit - 1),
                infinity | (quiet_bit - 1),
                infinity | (quiet_bit >> 1),
            ];
            magnitudes
                .into_iter()
                .flat_map(|x| [x.to_bits() - 1, x.to_bits(), x.to_bits() + 1])
                .chain(nans)
                .flat_map(|bits| [$float::from_bits(bits), -$float::from_bits(bits)])
                .map(black_box)
                .collect()
        }

        /// Arbitrary bits, small numbers with few fraction bits, and edges.
        pub(super) fn $any() -> impl Strategy<Value = $float> {
            prop_oneof![
                any::<$bits>().prop_map($float::from_bits),
                (-1000_i16..1000).prop_map(|quarters| <$float>::from(quarters) / 4.0),
                select($edges()),
            ]
        }

        pub(super) fn $is_arithmetic(x: $float) -> bool {
            x.is_nan() && x.to_bits() >> ($float::MANTISSA_DIGITS - 2) & 1 == 1
        }

        pub(super) fn $is_canonical(x: $float) -> bool {
            let canonical = $float::INFINITY.to_bits() | 1 << ($float::MANTISSA_DIGITS - 2);
            x.to_bits() & ($bits::MAX >> 1) == canonical
        }

        /// Asserts the specification's rule for a NaN that an operation produced:
        /// arithmetic, and canonical if all NaNs among the operands were.
        #[track_caller]
        pub(super) fn $check_nan(result: $float, operands: &[$float]) {
            let expect_canonical = operands.iter().all(|x| !x.is_nan() || $is_canonical(*x));
            assert!(
                $is_arithmetic(result) && (!expect_canonical || $is_canonical(result)),
                "{:#x} from {:x?}",
                result.to_bits(),
                operands.iter().map(|x| x.to_bits()).collect::<Vec<_>>(),
            );
        }
    };
}

float_testing!(
    f32,
    u32,
    f32_edges,
    any_f32,
    is_arithmetic_f32,
    is_canonical_f32,
    check_nan_f32
);
float_testing!(
    f64,
    u64,
    f64_edges,
    any_f64,
    is_arithmetic_f64,
    is_canonical_f64,
    check_nan_f64
);
