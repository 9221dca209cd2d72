//! The oracle is arithmetic in `i128`, where nothing wraps, and bit strings.

use proptest::prelude::*;

use crate::trap::TrapCode;

/// The properties of both widths. The invoking module imports the instructions
/// without their prefix.
macro_rules! properties {
    ($int:ident, $uint:ident) => {
        const WIDTH: usize = $int::BITS as usize;
        const EDGES: [$int; 12] = [
            0,
            1,
            2,
            3,
            -1,
            -2,
            $int::MIN,
            $int::MIN + 1,
            $int::MAX,
            $int::MAX - 1,
            0x55555555,
            WIDTH as $int,
        ];

        fn operand() -> impl Strategy<Value = $int> {
            prop_oneof![
                any::<$int>(),
                -70..70 as $int,
                proptest::sample::select(&EDGES[..])
            ]
        }

        fn signed(x: $int) -> i128 {
            i128::from(x)
        }

        fn unsigned(x: $int) -> i128 {
            i128::from(x as $uint)
        }

        /// The bits, least significant first.
        fn bits(x: $int) -> [bool; WIDTH] {
            core::array::from_fn(|i| unsigned(x) >> i & 1 == 1)
        }

        fn from_bits(bits: impl Fn(usize) -> bool) -> $int {
            (0..WIDTH).fold(0_u128, |acc, i| acc | u128::from(bits(i)) << i) as $int
        }

        /// The traps of a division: none, or which.
        fn div_trap(rhs: $int, quotient: i128, fits: bool) -> Result<i128, TrapCode> {
            match (rhs, fits) {
                (0, _) => Err(TrapCode::IntegerDivisionByZero),
                (_, false) => Err(TrapCode::IntegerOverflow),
                _ => Ok(quotient),
            }
        }

        fn check_binary(a: $int, b: $int) {
            assert_eq!(eqz(a), signed(a) == 0);
            assert_eq!(eq(a, b), signed(a) == signed(b));
            assert_eq!(ne(a, b), signed(a) != signed(b));
            assert_eq!(lt_s(a, b), signed(a) < signed(b));
            assert_eq!(lt_u(a, b), unsigned(a) < unsigned(b));
            assert_eq!(gt_s(a, b), signed(a) > signed(b));
            assert_eq!(gt_u(a, b), unsigned(a) > unsigned(b));
            assert_eq!(le_s(a, b), signed(a) <= signed(b));
            assert_eq!(le_u(a, b), unsigned(a) <= unsigned(b));
            assert_eq!(ge_s(a, b), signed(a) >= signed(b));
            assert_eq!(ge_u(a, b), unsigned(a) >= unsigned(b));

            assert_eq!(add(a, b), (signed(a) + signed(b)) as $int);
            assert_eq!(sub(a, b), (signed(a) - signed(b)) as $int);
            assert_eq!(mul(a, b), (signed(a) * signed(b)) as $int);

            let quotient = signed(a).checked_div(signed(b)).unwrap_or(0);
            let fits = quotient <= signed($int::MAX);
            assert_eq!(div_s(a, b).map(signed), div_trap(b, quotient, fits));
            let quotient = unsigned(a).checked_div(unsigned(b)).unwrap_or(0);
            assert_eq!(div_u(a, b).map(unsigned), div_trap(b, quotient, true));
            let remainder = signed(a).checked_rem(signed(b)).unwrap_or(0);
            assert_eq!(rem_s(a, b).map(signed), div_trap(b, remainder, true));
            let remainder = unsigned(a).checked_rem(unsigned(b)).unwrap_or(0);
            assert_eq!(rem_u(a, b).map(unsigned), div_trap(b, remainder, true));

            let (x, y) = (bits(a), bits(b));
            let count = unsigned(b) as usize % WIDTH;
            let sign = x[WIDTH - 1];
            assert_eq!(and(a, b), from_bits(|i| x[i] && y[i]));
            assert_eq!(or(a, b), from_bits(|i| x[i] || y[i]));
            assert_eq!(xor(a, b), from_bits(|i| x[i] != y[i]));
            assert_eq!(shl(a, b), from_bits(|i| i >= count && x[i - count]));
            assert_eq!(
                shr_s(a, b),
                from_bits(|i| *x.get(i + count).unwrap_or(&sign))
            );
            assert_eq!(
                shr_u(a, b),
                from_bits(|i| *x.get(i + count).unwrap_or(&false))
            );
            assert_eq!(rotl(a, b), from_bits(|i| x[(i + WIDTH - count) % WIDTH]));
            assert_eq!(rotr(a, b), from_bits(|i| x[(i + count) % WIDTH]));
        }

        fn check_unary(a: $int) {
            let x = bits(a);
            let trailing = x.iter().take_while(|bit| !**bit).count();
            let leading = x.iter().rev().take_while(|bit| !**bit).count();
            assert_eq!(clz(a), leading as $int);
            assert_eq!(ctz(a), trailing as $int);
            assert_eq!(popcnt(a), x.iter().filter(|bit| **bit).count() as $int);
            assert_eq!(extend8_s(a), from_bits(|i| x[i.min(7)]));
            assert_eq!(extend16_s(a), from_bits(|i| x[i.min(15)]));
        }

        #[test]
        fn edges() {
            for a in EDGES {
                check_unary(a);
                for b in EDGES {
                    check_binary(a, b);
                }
            }
        }

        #[test]
        fn every_single_bit_is_counted() {
            for i in 0..WIDTH {
                check_unary(1 << i);
                check_unary(!(1 << i));
                check_unary(-1 << i);
            }
        }

        #[test]
        fn division_traps() {
            use TrapCode::{IntegerDivisionByZero, IntegerOverflow};
            assert_eq!(div_s($int::MIN, -1), Err(IntegerOverflow));
            assert_eq!(div_s(0, 0), Err(IntegerDivisionByZero));
            assert_eq!(div_s($int::MIN, 0), Err(IntegerDivisionByZero));
            assert_eq!(div_s($int::MIN, 1), Ok($int::MIN));
            assert_eq!(div_s(-7, 2), Ok(-3));
            assert_eq!(div_u($int::MIN, -1), Ok(0));
            assert_eq!(div_u(-1, 0), Err(IntegerDivisionByZero));
            assert_eq!(rem_s($int::MIN, -1), Ok(0));
            assert_eq!(rem_s(-7, 2), Ok(-1));
            assert_eq!(rem_s($int::MIN, 0), Err(IntegerDivisionByZero));
            assert_eq!(rem_u($int::MIN, -1), Ok($int::MIN));
            assert_eq!(rem_u(5, 0), Err(IntegerDivisionByZero));
        }

        #[test]
        fn counts_are_modulo_the_width() {
            let width = WIDTH as $int;
            for count in [width, width * 2, $int::MIN] {
                for shift in [shl, shr_s, shr_u, rotl, rotr] {
                    assert_eq!(shift(-5, count), -5);
                    assert_eq!(shift(-5, count + 1), shift(-5, 1));
                }
            }
            assert_eq!(shl(1, -1), $int::MIN);
            assert_eq!(shr_u(-1, -1), 1);
            assert_eq!(shr_s($int::MIN, -1), -1);
            assert_eq!(rotl(1, -1), $int::MIN);
        }

        proptest! {
            #[test]
            fn agrees_with_wide_arithmetic(a in operand(), b in operand()) {
                check_unary(a);
                check_binary(a, b);
            }
        }
    };
}

mod width_32 {
    use super::super::{
        i32_add as add, i32_and as and, i32_clz as clz, i32_ctz as ctz, i32_div_s as div_s,
        i32_div_u as div_u, i32_eq as eq, i32_eqz as eqz, i32_extend8_s as extend8_s,
        i32_extend16_s as extend16_s, i32_ge_s as ge_s, i32_ge_u as ge_u, i32_gt_s as gt_s,
        i32_gt_u as gt_u, i32_le_s as le_s, i32_le_u as le_u, i32_lt_s as lt_s, i32_lt_u as lt_u,
        i32_mul as mul, i32_ne as ne, i32_or as or, i32_popcnt as popcnt, i32_rem_s as rem_s,
        i32_rem_u as rem_u, i32_rotl as rotl, i32_rotr as rotr, i32_shl as shl, i32_shr_s as shr_s,
        i32_shr_u as shr_u, i32_sub as sub, i32_xor as xor,
    };
    use super::*;

    properties!(i32, u32);
}

mod width_64 {
    use super::super::{
        i64_add as add, i64_and as and, i64_clz as clz, i64_ctz as ctz, i64_div_s as div_s,
        i64_div_u as div_u, i64_eq as eq, i64_eqz as eqz, i64_extend8_s as extend8_s,
        i64_extend16_s as extend16_s, i64_extend32_s as extend32_s, i64_ge_s as ge_s,
        i64_ge_u as ge_u, i64_gt_s as gt_s, i64_gt_u as gt_u, i64_le_s as le_s, i64_le_u as le_u,
        i64_lt_s as lt_s, i64_lt_u as lt_u, i64_mul as mul, i64_ne as ne, i64_or as or,
        i64_popcnt as popcnt, i64_rem_s as rem_s, i64_rem_u as rem_u, i64_rotl as rotl,
        i64_rotr as rotr, i64_shl as shl, i64_shr_s as shr_s, i64_shr_u as shr_u, i64_sub as sub,
        i64_xor as xor,
    };
    use super::*;

    properties!(i64, u64);

    proptest! {
        #[test]
        fn extends_32_bits(a in operand()) {
            let x = bits(a);
            assert_eq!(extend32_s(a), from_bits(|i| x[i.min(31)]));
        }
    }

    #[test]
    fn extends_the_sign_of_32_bits() {
        assert_eq!(extend32_s(0x1_8000_0000), -0x8000_0000);
        assert_eq!(extend32_s(-0x8000_0001), 0x7fff_ffff);
    }
}
