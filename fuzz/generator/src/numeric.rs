//! The numeric instructions.

use wasm_encoder::Instruction;

use crate::ast::Ty::{self, F32, F64, I32, I64};

/// What the generator must know of an instruction besides its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Plain,
    /// Gives 0 or 1: what branches and selects like to take.
    Compare,
    /// Traps when the second operand is zero.
    Divide,
    /// Traps when the operand does not fit.
    Convert,
    /// Makes the bits of its last operand visible, also those of a NaN.
    Sink,
    /// A float whose bits are the same on every engine, also when it is a NaN.
    Exact,
}

/// A numeric instruction.
pub struct Numeric {
    pub(crate) params: &'static [Ty],
    pub(crate) result: Ty,
    pub(crate) kind: Kind,
    pub(crate) instruction: Instruction<'static>,
}

impl std::fmt::Debug for Numeric {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.instruction.fmt(f)
    }
}

impl PartialEq for Numeric {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Numeric {}

macro_rules! numeric {
    ($( $name:ident: [$($param:ident),*] $result:ident $kind:ident; )*) => {
        /// All of them.
        pub(crate) static NUMERIC: &[Numeric] = &[$( Numeric {
            params: &[$($param),*],
            result: $result,
            kind: Kind::$kind,
            instruction: Instruction::$name,
        } ),*];
    };
}

numeric! {
    I32Add: [I32, I32] I32 Plain;
    I32Sub: [I32, I32] I32 Plain;
    I32Mul: [I32, I32] I32 Plain;
    I32And: [I32, I32] I32 Plain;
    I32Or: [I32, I32] I32 Plain;
    I32Xor: [I32, I32] I32 Plain;
    I32Shl: [I32, I32] I32 Plain;
    I32ShrS: [I32, I32] I32 Plain;
    I32ShrU: [I32, I32] I32 Plain;
    I32Rotl: [I32, I32] I32 Plain;
    I32Rotr: [I32, I32] I32 Plain;
    I32DivS: [I32, I32] I32 Divide;
    I32DivU: [I32, I32] I32 Divide;
    I32RemS: [I32, I32] I32 Divide;
    I32RemU: [I32, I32] I32 Divide;
    I32Eq: [I32, I32] I32 Compare;
    I32Ne: [I32, I32] I32 Compare;
    I32LtS: [I32, I32] I32 Compare;
    I32LtU: [I32, I32] I32 Compare;
    I32GtS: [I32, I32] I32 Compare;
    I32GtU: [I32, I32] I32 Compare;
    I32LeS: [I32, I32] I32 Compare;
    I32LeU: [I32, I32] I32 Compare;
    I32GeS: [I32, I32] I32 Compare;
    I32GeU: [I32, I32] I32 Compare;
    I32Eqz: [I32] I32 Compare;
    I32Clz: [I32] I32 Plain;
    I32Ctz: [I32] I32 Plain;
    I32Popcnt: [I32] I32 Plain;
    I32Extend8S: [I32] I32 Plain;
    I32Extend16S: [I32] I32 Plain;
    I64Add: [I64, I64] I64 Plain;
    I64Sub: [I64, I64] I64 Plain;
    I64Mul: [I64, I64] I64 Plain;
    I64And: [I64, I64] I64 Plain;
    I64Or: [I64, I64] I64 Plain;
    I64Xor: [I64, I64] I64 Plain;
    I64Shl: [I64, I64] I64 Plain;
    I64ShrS: [I64, I64] I64 Plain;
    I64ShrU: [I64, I64] I64 Plain;
    I64Rotl: [I64, I64] I64 Plain;
    I64Rotr: [I64, I64] I64 Plain;
    I64DivS: [I64, I64] I64 Divide;
    I64DivU: [I64, I64] I64 Divide;
    I64RemS: [I64, I64] I64 Divide;
    I64RemU: [I64, I64] I64 Divide;
    I64Eq: [I64, I64] I32 Compare;
    I64Ne: [I64, I64] I32 Compare;
    I64LtS: [I64, I64] I32 Compare;
    I64LtU: [I64, I64] I32 Compare;
    I64GtS: [I64, I64] I32 Compare;
    I64GtU: [I64, I64] I32 Compare;
    I64LeS: [I64, I64] I32 Compare;
    I64LeU: [I64, I64] I32 Compare;
    I64GeS: [I64, I64] I32 Compare;
    I64GeU: [I64, I64] I32 Compare;
    I64Eqz: [I64] I32 Compare;
    I64Clz: [I64] I64 Plain;
    I64Ctz: [I64] I64 Plain;
    I64Popcnt: [I64] I64 Plain;
    I64Extend8S: [I64] I64 Plain;
    I64Extend16S: [I64] I64 Plain;
    I64Extend32S: [I64] I64 Plain;
    I32WrapI64: [I64] I32 Plain;
    I64ExtendI32S: [I32] I64 Plain;
    I64ExtendI32U: [I32] I64 Plain;
    F32Add: [F32, F32] F32 Plain;
    F32Sub: [F32, F32] F32 Plain;
    F32Mul: [F32, F32] F32 Plain;
    F32Div: [F32, F32] F32 Plain;
    F32Min: [F32, F32] F32 Plain;
    F32Max: [F32, F32] F32 Plain;
    F32Copysign: [F32, F32] F32 Sink;
    F32Abs: [F32] F32 Plain;
    F32Neg: [F32] F32 Plain;
    F32Ceil: [F32] F32 Plain;
    F32Floor: [F32] F32 Plain;
    F32Trunc: [F32] F32 Plain;
    F32Nearest: [F32] F32 Plain;
    F32Sqrt: [F32] F32 Plain;
    F32Eq: [F32, F32] I32 Compare;
    F32Ne: [F32, F32] I32 Compare;
    F32Lt: [F32, F32] I32 Compare;
    F32Gt: [F32, F32] I32 Compare;
    F32Le: [F32, F32] I32 Compare;
    F32Ge: [F32, F32] I32 Compare;
    I32TruncF32S: [F32] I32 Convert;
    I32TruncF32U: [F32] I32 Convert;
    I32TruncSatF32S: [F32] I32 Plain;
    I32TruncSatF32U: [F32] I32 Plain;
    F32ConvertI32S: [I32] F32 Exact;
    F32ConvertI32U: [I32] F32 Exact;
    I64TruncF32S: [F32] I64 Convert;
    I64TruncF32U: [F32] I64 Convert;
    I64TruncSatF32S: [F32] I64 Plain;
    I64TruncSatF32U: [F32] I64 Plain;
    F32ConvertI64S: [I64] F32 Exact;
    F32ConvertI64U: [I64] F32 Exact;
    F64Add: [F64, F64] F64 Plain;
    F64Sub: [F64, F64] F64 Plain;
    F64Mul: [F64, F64] F64 Plain;
    F64Div: [F64, F64] F64 Plain;
    F64Min: [F64, F64] F64 Plain;
    F64Max: [F64, F64] F64 Plain;
    F64Copysign: [F64, F64] F64 Sink;
    F64Abs: [F64] F64 Plain;
    F64Neg: [F64] F64 Plain;
    F64Ceil: [F64] F64 Plain;
    F64Floor: [F64] F64 Plain;
    F64Trunc: [F64] F64 Plain;
    F64Nearest: [F64] F64 Plain;
    F64Sqrt: [F64] F64 Plain;
    F64Eq: [F64, F64] I32 Compare;
    F64Ne: [F64, F64] I32 Compare;
    F64Lt: [F64, F64] I32 Compare;
    F64Gt: [F64, F64] I32 Compare;
    F64Le: [F64, F64] I32 Compare;
    F64Ge: [F64, F64] I32 Compare;
    I32TruncF64S: [F64] I32 Convert;
    I32TruncF64U: [F64] I32 Convert;
    I32TruncSatF64S: [F64] I32 Plain;
    I32TruncSatF64U: [F64] I32 Plain;
    F64ConvertI32S: [I32] F64 Exact;
    F64ConvertI32U: [I32] F64 Exact;
    I64TruncF64S: [F64] I64 Convert;
    I64TruncF64U: [F64] I64 Convert;
    I64TruncSatF64S: [F64] I64 Plain;
    I64TruncSatF64U: [F64] I64 Plain;
    F64ConvertI64S: [I64] F64 Exact;
    F64ConvertI64U: [I64] F64 Exact;
    F32DemoteF64: [F64] F32 Plain;
    F64PromoteF32: [F32] F64 Plain;
    I32ReinterpretF32: [F32] I32 Sink;
    I64ReinterpretF64: [F64] I64 Sink;
    F32ReinterpretI32: [I32] F32 Exact;
    F64ReinterpretI64: [I64] F64 Exact;
}
