//! Constants: at the edges of every width, where immediates, folding and
//! conversions go wrong.

use crate::ast::{Const, Ty};
use crate::rng::Rng;

const INTS: &[i64] = &[
    0,
    1,
    -1,
    2,
    3,
    4,
    7,
    8,
    16,
    31,
    32,
    33,
    63,
    64,
    65,
    127,
    128,
    -128,
    -129,
    255,
    256,
    0x7fff,
    0x8000,
    -0x8000,
    -0x8001,
    0xffff,
    0x1_0000,
    0x7fff_ffff,
    0x8000_0000,
    -0x8000_0000,
    -0x8000_0001,
    0xffff_ffff,
    0x1_0000_0000,
    0x7fff_ffff_ffff,
    -0x8000_0000_0000,
    i64::MAX,
    i64::MIN,
    i64::MIN + 1,
];

const FLOATS: &[f64] = &[
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    1.5,
    2.5,
    -2.5,
    127.0,
    32767.0,
    65536.0,
    2_147_483_520.0,
    2_147_483_647.0,
    2_147_483_648.0,
    -2_147_483_648.0,
    -2_147_483_649.0,
    4_294_967_295.0,
    4_294_967_296.0,
    9_223_372_036_854_774_784.0,
    9_223_372_036_854_775_808.0,
    -9_223_372_036_854_775_808.0,
    18_446_744_073_709_551_616.0,
    1e30,
    -1e300,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
    f64::MAX,
    f64::MIN_POSITIVE,
    f64::EPSILON,
];

impl Rng {
    /// A constant of some type.
    pub(crate) fn constant(&mut self, ty: Ty) -> Const {
        match ty {
            Ty::I32 => Const::I32(self.int() as i32),
            Ty::I64 => Const::I64(self.int()),
            Ty::F32 if self.chance(5) => Const::F32(self.bits() as u32),
            Ty::F32 if self.chance(5) => Const::F32(f32::MIN_POSITIVE.to_bits() - 1),
            Ty::F32 => Const::F32((*self.pick(FLOATS) as f32).to_bits()),
            Ty::F64 if self.chance(5) => Const::F64(self.bits()),
            Ty::F64 if self.chance(5) => Const::F64(f64::MIN_POSITIVE.to_bits() - 1),
            Ty::F64 => Const::F64(self.pick(FLOATS).to_bits()),
            Ty::Func => Const::NullFunc,
        }
    }

    fn int(&mut self) -> i64 {
        match self.below(10) {
            0 => self.bits().cast_signed(),
            1..=4 => self.below(20) as i64 - 4,
            _ => *self.pick(INTS),
        }
    }
}
