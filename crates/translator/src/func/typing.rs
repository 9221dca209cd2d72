//! What the instruction table says about types and meaning: the accumulator
//! that a value uses, and the result of an operation on constants.
//!
//! Both are derived from the table's semantics column, so an instruction added
//! there is typed and folded here without a further line.

use damson_core::Cell;
use damson_core::num;
use damson_core::trap::TrapCode;
use damson_core::types::ValType;
use damson_ir::{
    CopyValue, FloatBinary, FloatCompare, FloatSelect, GlobalGet, GlobalSet, IntBinary, IntCompare,
    IntTest, Load, ReturnValue, Unary,
};

/// The accumulator that a value uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// `i32`, `i64` and references.
    Int,
    /// `f32`
    F32,
    /// `f64`
    F64,
}

impl Class {
    pub(crate) const ALL: [Self; 3] = [Self::Int, Self::F32, Self::F64];

    pub(crate) fn of(ty: ValType) -> Self {
        match ty {
            ValType::F32 => Self::F32,
            ValType::F64 => Self::F64,
            _ => Self::Int,
        }
    }

    pub(crate) fn copy(self) -> CopyValue {
        match self {
            Self::Int => CopyValue::IntCopy,
            Self::F32 => CopyValue::F32Copy,
            Self::F64 => CopyValue::F64Copy,
        }
    }

    pub(crate) fn global_get(self) -> GlobalGet {
        match self {
            Self::Int => GlobalGet::IntGlobalGet,
            Self::F32 => GlobalGet::F32GlobalGet,
            Self::F64 => GlobalGet::F64GlobalGet,
        }
    }

    pub(crate) fn global_set(self) -> GlobalSet {
        match self {
            Self::Int => GlobalSet::IntGlobalSet,
            Self::F32 => GlobalSet::F32GlobalSet,
            Self::F64 => GlobalSet::F64GlobalSet,
        }
    }

    pub(crate) fn return_value(self) -> ReturnValue {
        match self {
            Self::Int => ReturnValue::IntReturn,
            Self::F32 => ReturnValue::F32Return,
            Self::F64 => ReturnValue::F64Return,
        }
    }
}

/// The accumulators of an operation's operands and result.
pub(crate) trait Typed {
    /// Of every operand that is a value of the operation's own type.
    fn operand_class(self) -> Class;
    fn result_class(self) -> Class;
}

/// The result of an operation on constants.
pub(crate) trait Fold<const N: usize>: Copy {
    /// `None` if the operation traps on these operands: then it must be
    /// executed.
    fn fold(self, operands: [u64; N]) -> Option<u64>;
    /// The type of the result.
    fn result_type(self) -> ValType;
}

/// What the functions of `num` return, as the bits of a cell.
trait IntoFolded {
    fn into_folded(self) -> Option<u64>;
}

macro_rules! values_fold {
    ($($ty:ty)*) => {$(
        impl IntoFolded for $ty {
            fn into_folded(self) -> Option<u64> {
                Some(Cell::new(self).to_bits())
            }
        }
    )*};
}

values_fold!(bool i32 u32 i64 u64 f32 f64);

impl<V: IntoFolded> IntoFolded for Result<V, TrapCode> {
    fn into_folded(self) -> Option<u64> {
        self.ok()?.into_folded()
    }
}

macro_rules! class_of {
    (f32) => {
        Class::F32
    };
    (f64) => {
        Class::F64
    };
    ($int:ident) => {
        Class::Int
    };
}

macro_rules! operand_class {
    ([$f:ident : $a:ident, $b:ident -> $c:ident]) => {
        class_of!($a)
    };
    ([$f:ident : $a:ident -> $c:ident]) => {
        class_of!($a)
    };
    // The address.
    ([load $m:ident -> $c:ident]) => {
        Class::Int
    };
    ([class $c:ident]) => {
        class_of!($c)
    };
}

macro_rules! result_class {
    ([$f:ident : $a:ident, $b:ident -> $c:ident]) => {
        class_of!($c)
    };
    ([$f:ident : $a:ident -> $c:ident]) => {
        class_of!($c)
    };
    ([load $m:ident -> $c:ident]) => {
        class_of!($c)
    };
    ([class $c:ident]) => {
        class_of!($c)
    };
}

macro_rules! fold {
    ([$f:ident : $a:ident, $b:ident -> $c:ident] $x:ident $y:ident) => {
        num::$f(
            Cell::from_bits($x).get::<$a>(),
            Cell::from_bits($y).get::<$b>(),
        )
        .into_folded()
    };
    ([$f:ident : $a:ident -> $c:ident] $x:ident) => {
        num::$f(Cell::from_bits($x).get::<$a>()).into_folded()
    };
}

macro_rules! result_type {
    (i32) => {
        ValType::I32
    };
    (i64) => {
        ValType::I64
    };
    (u32) => {
        ValType::I32
    };
    (u64) => {
        ValType::I64
    };
    (bool) => {
        ValType::I32
    };
    (f32) => {
        ValType::F32
    };
    (f64) => {
        ValType::F64
    };
    ([$f:ident : $a:ident $(, $b:ident)? -> $c:ident]) => {
        result_type!($c)
    };
}

/// Derives [`Typed`] and [`Fold`] for the families that are nodes of trees.
macro_rules! derive_typing {
    ($(
        $(#[$family_doc:meta])*
        $Family:ident {
            ops { $( $(#[$op_doc:meta])* $Op:ident $name:literal $semantics:tt, )* }
            operands $operands:tt
            forms $forms:tt
        }
    )*) => {
        $( derive_typing!(@family $Family { $( $Op $semantics )* }); )*
    };
    (@family IntBinary $ops:tt) => { derive_typing!(@binary IntBinary $ops); };
    (@family FloatBinary $ops:tt) => { derive_typing!(@binary FloatBinary $ops); };
    (@family IntCompare $ops:tt) => { derive_typing!(@binary IntCompare $ops); };
    (@family FloatCompare $ops:tt) => { derive_typing!(@binary FloatCompare $ops); };
    (@family IntTest $ops:tt) => { derive_typing!(@unary IntTest $ops); };
    (@family Unary $ops:tt) => { derive_typing!(@unary Unary $ops); };
    (@family Load $ops:tt) => { derive_typing!(@typed Load $ops); };
    (@family FloatSelect $ops:tt) => { derive_typing!(@typed FloatSelect $ops); };
    (@family GlobalGet $ops:tt) => { derive_typing!(@typed GlobalGet $ops); };
    (@family $Other:ident $ops:tt) => {};
    (@binary $Family:ident { $( $Op:ident $semantics:tt )* }) => {
        derive_typing!(@typed $Family { $( $Op $semantics )* });
        impl Fold<2> for $Family {
            fn fold(self, [x, y]: [u64; 2]) -> Option<u64> {
                match self { $( Self::$Op => fold!($semantics x y), )* }
            }
            fn result_type(self) -> ValType {
                match self { $( Self::$Op => result_type!($semantics), )* }
            }
        }
    };
    (@unary $Family:ident { $( $Op:ident $semantics:tt )* }) => {
        derive_typing!(@typed $Family { $( $Op $semantics )* });
        impl Fold<1> for $Family {
            fn fold(self, [x]: [u64; 1]) -> Option<u64> {
                match self { $( Self::$Op => fold!($semantics x), )* }
            }
            fn result_type(self) -> ValType {
                match self { $( Self::$Op => result_type!($semantics), )* }
            }
        }
    };
    (@typed $Family:ident { $( $Op:ident $semantics:tt )* }) => {
        impl Typed for $Family {
            fn operand_class(self) -> Class {
                match self { $( Self::$Op => operand_class!($semantics), )* }
            }
            fn result_class(self) -> Class {
                match self { $( Self::$Op => result_class!($semantics), )* }
            }
        }
    };
}

damson_ir::instruction_table!(derive_typing);

/// The immediate for a constant of this type; `None` if it does not fit.
///
/// What an immediate means is said at [`damson_ir::Operand::Imm`].
pub(crate) fn immediate(ty: ValType, bits: u64) -> Option<i32> {
    match ty {
        ValType::I32 | ValType::F32 => Some((bits as u32).cast_signed()),
        ValType::F64 => {
            let value = f64::from_bits(bits);
            let narrow = value as f32;
            // Whether a NaN survives the way there and back is the
            // processor's choice, so none is tried.
            let fits = !value.is_nan() && f64::from(narrow).to_bits() == bits;
            fits.then(|| narrow.to_bits().cast_signed())
        }
        _ => i32::try_from(bits.cast_signed()).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_know_their_accumulators() {
        assert_eq!(Unary::F32ConvertI64U.operand_class(), Class::Int);
        assert_eq!(Unary::F32ConvertI64U.result_class(), Class::F32);
        assert_eq!(FloatCompare::F64Lt.operand_class(), Class::F64);
        assert_eq!(FloatCompare::F64Lt.result_class(), Class::Int);
        assert_eq!(Load::F64Load.operand_class(), Class::Int);
        assert_eq!(Load::F64Load.result_class(), Class::F64);
        assert_eq!(Load::I32Load8U.result_class(), Class::Int);
    }

    #[test]
    fn folding_has_the_width_of_the_operation() {
        assert_eq!(IntBinary::I32Add.fold([u64::from(u32::MAX), 1]), Some(0));
        assert_eq!(
            IntBinary::I64Add.fold([u64::from(u32::MAX), 1]),
            Some(1 << 32)
        );
        assert_eq!(
            IntBinary::I32ShrS.fold([0x8000_0000, 33]),
            Some(0xc000_0000)
        );
        assert_eq!(IntCompare::I32LtS.fold([0xffff_ffff, 0]), Some(1));
        assert_eq!(IntCompare::I32LtU.fold([0xffff_ffff, 0]), Some(0));
        assert_eq!(
            Unary::I64ExtendI32S.fold([0x8000_0000]),
            Some(0xffff_ffff_8000_0000)
        );
        assert_eq!(
            Unary::F64PromoteF32.fold([1.5f32.to_bits().into()]),
            Some(1.5f64.to_bits())
        );
    }

    #[test]
    fn what_traps_is_not_folded() {
        assert_eq!(IntBinary::I32DivS.fold([1, 0]), None);
        assert_eq!(IntBinary::I32DivS.fold([0x8000_0000, 0xffff_ffff]), None);
        assert_eq!(IntBinary::I64RemU.fold([1, 0]), None);
        assert_eq!(Unary::I32TruncF32S.fold([f32::NAN.to_bits().into()]), None);
        assert_eq!(IntBinary::I32DivS.fold([7, 2]), Some(3));
    }

    #[test]
    fn immediates_mean_the_same_value() {
        assert_eq!(immediate(ValType::I32, 0xffff_ffff), Some(-1));
        assert_eq!(immediate(ValType::I64, 0xffff_ffff), None);
        assert_eq!(immediate(ValType::I64, u64::MAX), Some(-1));
        assert_eq!(immediate(ValType::I64, 1 << 31), None);
        assert_eq!(immediate(ValType::F32, 0x7fa0_0001), Some(0x7fa0_0001));
        assert_eq!(
            immediate(ValType::F64, 0.5f64.to_bits()),
            Some(0.5f32.to_bits().cast_signed())
        );
        assert_eq!(
            immediate(ValType::F64, (-0.0f64).to_bits()),
            Some((-0.0f32).to_bits().cast_signed())
        );
        assert_eq!(immediate(ValType::F64, 0.1f64.to_bits()), None);
        assert_eq!(immediate(ValType::F64, f64::NAN.to_bits()), None);
        assert_eq!(immediate(ValType::F64, 1e300f64.to_bits()), None);
    }
}
