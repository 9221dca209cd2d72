//! Every instruction is there, with the signature of its group.

use alloc::collections::BTreeSet;

use super::*;

macro_rules! signatures {
    ($($signature:ty: $($name:ident)+;)+) => {
        #[test]
        fn every_instruction_has_its_function() {
            let names = [$($({
                let _: $signature = $name;
                stringify!($name)
            }),+),+];
            let distinct: BTreeSet<&str> = names.into_iter().collect();
            // Opcodes 0x45 to 0xc4, and eight behind the prefix 0xfc.
            assert_eq!(distinct.len(), 0xc4 - 0x45 + 1 + 8);
            assert_eq!(distinct.len(), names.len());
        }
    };
}

signatures! {
    fn(i32) -> bool: i32_eqz;
    fn(i64) -> bool: i64_eqz;
    fn(i32, i32) -> bool:
        i32_eq i32_ne i32_lt_s i32_lt_u i32_gt_s i32_gt_u i32_le_s i32_le_u i32_ge_s i32_ge_u;
    fn(i64, i64) -> bool:
        i64_eq i64_ne i64_lt_s i64_lt_u i64_gt_s i64_gt_u i64_le_s i64_le_u i64_ge_s i64_ge_u;
    fn(f32, f32) -> bool: f32_eq f32_ne f32_lt f32_gt f32_le f32_ge;
    fn(f64, f64) -> bool: f64_eq f64_ne f64_lt f64_gt f64_le f64_ge;
    fn(i32) -> i32: i32_clz i32_ctz i32_popcnt i32_extend8_s i32_extend16_s;
    fn(i64) -> i64: i64_clz i64_ctz i64_popcnt i64_extend8_s i64_extend16_s i64_extend32_s;
    fn(i32, i32) -> i32:
        i32_add i32_sub i32_mul i32_and i32_or i32_xor
        i32_shl i32_shr_s i32_shr_u i32_rotl i32_rotr;
    fn(i64, i64) -> i64:
        i64_add i64_sub i64_mul i64_and i64_or i64_xor
        i64_shl i64_shr_s i64_shr_u i64_rotl i64_rotr;
    fn(i32, i32) -> Result<i32, TrapCode>: i32_div_s i32_div_u i32_rem_s i32_rem_u;
    fn(i64, i64) -> Result<i64, TrapCode>: i64_div_s i64_div_u i64_rem_s i64_rem_u;
    fn(f32) -> f32: f32_abs f32_neg f32_ceil f32_floor f32_trunc f32_nearest f32_sqrt;
    fn(f64) -> f64: f64_abs f64_neg f64_ceil f64_floor f64_trunc f64_nearest f64_sqrt;
    fn(f32, f32) -> f32: f32_add f32_sub f32_mul f32_div f32_min f32_max f32_copysign;
    fn(f64, f64) -> f64: f64_add f64_sub f64_mul f64_div f64_min f64_max f64_copysign;
    fn(i64) -> i32: i32_wrap_i64;
    fn(i32) -> i64: i64_extend_i32_s i64_extend_i32_u;
    fn(f32) -> Result<i32, TrapCode>: i32_trunc_f32_s i32_trunc_f32_u;
    fn(f64) -> Result<i32, TrapCode>: i32_trunc_f64_s i32_trunc_f64_u;
    fn(f32) -> Result<i64, TrapCode>: i64_trunc_f32_s i64_trunc_f32_u;
    fn(f64) -> Result<i64, TrapCode>: i64_trunc_f64_s i64_trunc_f64_u;
    fn(f32) -> i32: i32_trunc_sat_f32_s i32_trunc_sat_f32_u i32_reinterpret_f32;
    fn(f64) -> i32: i32_trunc_sat_f64_s i32_trunc_sat_f64_u;
    fn(f32) -> i64: i64_trunc_sat_f32_s i64_trunc_sat_f32_u;
    fn(f64) -> i64: i64_trunc_sat_f64_s i64_trunc_sat_f64_u i64_reinterpret_f64;
    fn(i32) -> f32: f32_convert_i32_s f32_convert_i32_u f32_reinterpret_i32;
    fn(i64) -> f32: f32_convert_i64_s f32_convert_i64_u;
    fn(i32) -> f64: f64_convert_i32_s f64_convert_i32_u;
    fn(i64) -> f64: f64_convert_i64_s f64_convert_i64_u f64_reinterpret_i64;
    fn(f64) -> f32: f32_demote_f64;
    fn(f32) -> f64: f64_promote_f32;
}
