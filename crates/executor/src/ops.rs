//! The semantics of operations as types: one for each operation of the instruction table.
//!
//! Numeric operations call the function of `damson_core::num` that the table names, so this
//! file does not change when one is added.

use crate::place::Value;
use damson_core::{TrapCode, num};

/// An operation on two operands.
pub(crate) trait Binary {
    /// Type of the left operand.
    type Lhs: Value;
    /// Type of the right operand.
    type Rhs: Value;
    /// Type of the result.
    type Out: Value;
    /// Does it.
    fn apply(lhs: Self::Lhs, rhs: Self::Rhs) -> Result<Self::Out, TrapCode>;
}

/// An operation on one operand.
pub(crate) trait Unary {
    /// Type of the operand.
    type In: Value;
    /// Type of the result.
    type Out: Value;
    /// Does it.
    fn apply(value: Self::In) -> Result<Self::Out, TrapCode>;
}

/// A read from memory.
pub(crate) trait LoadOp {
    /// What is in memory, in little-endian order.
    type Mem: Memory;
    /// What it is extended to.
    type Out: Value;
    /// Extends.
    fn extend(value: Self::Mem) -> Self::Out;
}

/// A write to memory.
pub(crate) trait StoreOp {
    /// What is written.
    type In: Value;
    /// What is in memory, in little-endian order.
    type Mem: Memory;
    /// Truncates.
    fn truncate(value: Self::In) -> Self::Mem;
}

/// An operation that moves a value without looking at it.
pub(crate) trait Class {
    /// Its type: which accumulator is concerned.
    type Value: Value;
}

/// A number in memory: WebAssembly's byte order is little-endian.
pub(crate) trait Memory: Copy {
    /// From memory to the machine.
    fn decode(self) -> Self;
    /// From the machine to memory.
    fn encode(self) -> Self;
}

macro_rules! impl_memory {
    ($($ty:ty)*) => {$(
        impl Memory for $ty {
            #[inline(always)]
            fn decode(self) -> Self {
                <$ty>::from_le(self)
            }
            #[inline(always)]
            fn encode(self) -> Self {
                <$ty>::to_le(self)
            }
        }
    )*};
}

impl_memory!(i8 u8 i16 u16 i32 u32 i64 u64);

macro_rules! impl_float_memory {
    ($($ty:ident)*) => {$(
        impl Memory for $ty {
            #[inline(always)]
            fn decode(self) -> Self {
                $ty::from_bits(self.to_bits().to_le())
            }
            #[inline(always)]
            fn encode(self) -> Self {
                self.decode()
            }
        }
    )*};
}

impl_float_memory!(f32 f64);

/// What a function of `damson_core::num` returns: a value, or a value or a trap.
trait Outcome<T> {
    fn outcome(self) -> Result<T, TrapCode>;
}

impl<T: Value> Outcome<T> for T {
    #[inline(always)]
    fn outcome(self) -> Result<T, TrapCode> {
        Ok(self)
    }
}

impl<T: Value> Outcome<T> for Result<T, TrapCode> {
    #[inline(always)]
    fn outcome(self) -> Result<T, TrapCode> {
        self
    }
}

macro_rules! semantics {
    ($Op:ident [$function:ident: $lhs:ident, $rhs:ident -> $out:ident]) => {
        impl Binary for $Op {
            type Lhs = $lhs;
            type Rhs = $rhs;
            type Out = $out;
            #[inline(always)]
            fn apply(lhs: $lhs, rhs: $rhs) -> Result<$out, TrapCode> {
                num::$function(lhs, rhs).outcome()
            }
        }
    };
    ($Op:ident [$function:ident: $in:ident -> $out:ident]) => {
        impl Unary for $Op {
            type In = $in;
            type Out = $out;
            #[inline(always)]
            fn apply(value: $in) -> Result<$out, TrapCode> {
                num::$function(value).outcome()
            }
        }
    };
    ($Op:ident [load $mem:ident -> $out:ident]) => {
        impl LoadOp for $Op {
            type Mem = $mem;
            type Out = $out;
            #[inline(always)]
            fn extend(value: $mem) -> $out {
                value as $out
            }
        }
    };
    ($Op:ident [store $in:ident -> $mem:ident]) => {
        impl StoreOp for $Op {
            type In = $in;
            type Mem = $mem;
            #[inline(always)]
            fn truncate(value: $in) -> $mem {
                value as $mem
            }
        }
    };
    ($Op:ident [class $value:ident]) => {
        impl Class for $Op {
            type Value = $value;
        }
    };
    ($Op:ident []) => {};
}

macro_rules! derive_ops {
    ($(
        $(#[$family_doc:meta])*
        $Family:ident {
            ops { $( $(#[$op_doc:meta])* $Op:ident $name:literal $semantics:tt, )* }
            operands $operands:tt
            forms $forms:tt
        }
    )*) => {$($(
        $(#[$op_doc])*
        pub(crate) struct $Op;
        semantics!($Op $semantics);
    )*)*};
}

damson_ir::instruction_table!(derive_ops);
