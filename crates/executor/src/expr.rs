//! Expressions: operations on places, which are expressions themselves.
//!
//! An instruction is a generic over expressions, so an operand may be an operation in its
//! turn: `Set<Rs, BinaryExpr<I32Add, Slot, BinaryExpr<I32Shl, Slot, Imm>>>` is a handler
//! like any other. The table instantiates single operations.
#![expect(
    unsafe_code,
    reason = "reads operands and memory without checks that the verifier made"
)]

use crate::ops::{Binary, LoadOp, Memory as _, Unary};
use crate::place::{Acc, Access, Imm, Imm64, Place, Slot, Value};
use core::marker::PhantomData;
use damson_core::TrapCode;
use damson_core::context::{Context, Regs};

/// An expression that gives a `V`.
pub(crate) trait Expr<V> {
    /// Size of its operands.
    const BYTES: usize;
    /// Evaluates it; its operands start at the byte `at`.
    ///
    /// # Errors
    ///
    /// When an operation traps.
    ///
    /// # Safety
    ///
    /// `cx` and `regs` are those of a handler whose instruction has these operands at `at`.
    unsafe fn eval(cx: *mut Context, regs: &Regs, at: usize) -> Result<V, TrapCode>;
}

macro_rules! impl_expr_for_places {
    ($($Place:ident)*) => {$(
        impl<V: Value> Expr<V> for $Place {
            const BYTES: usize = <$Place as Place>::BYTES;
            #[inline(always)]
            unsafe fn eval(_cx: *mut Context, regs: &Regs, at: usize) -> Result<V, TrapCode> {
                // SAFETY: as the caller promises.
                Ok(unsafe { <$Place as Place>::read(regs, at) })
            }
        }
    )*};
}

impl_expr_for_places!(Slot Acc Imm Imm64);

/// An operation on two expressions.
pub(crate) struct BinaryExpr<Op, L, R>(PhantomData<(Op, L, R)>);

impl<Op: Binary, L: Expr<Op::Lhs>, R: Expr<Op::Rhs>> Expr<Op::Out> for BinaryExpr<Op, L, R> {
    const BYTES: usize = L::BYTES + R::BYTES;
    #[inline(always)]
    unsafe fn eval(cx: *mut Context, regs: &Regs, at: usize) -> Result<Op::Out, TrapCode> {
        // SAFETY: as the caller promises.
        let (lhs, rhs) = unsafe { (L::eval(cx, regs, at)?, R::eval(cx, regs, at + L::BYTES)?) };
        Op::apply(lhs, rhs)
    }
}

/// An operation on one expression.
pub(crate) struct UnaryExpr<Op, S>(PhantomData<(Op, S)>);

impl<Op: Unary, S: Expr<Op::In>> Expr<Op::Out> for UnaryExpr<Op, S> {
    const BYTES: usize = S::BYTES;
    #[inline(always)]
    unsafe fn eval(cx: *mut Context, regs: &Regs, at: usize) -> Result<Op::Out, TrapCode> {
        // SAFETY: as the caller promises.
        Op::apply(unsafe { S::eval(cx, regs, at)? })
    }
}

/// A read from memory at the address that an expression gives.
pub(crate) struct LoadExpr<Op, A, At>(PhantomData<(Op, A, At)>);

impl<Op: LoadOp, A: Expr<u32>, At: Access> Expr<Op::Out> for LoadExpr<Op, A, At> {
    const BYTES: usize = A::BYTES + At::BYTES;
    #[inline(always)]
    unsafe fn eval(cx: *mut Context, regs: &Regs, at: usize) -> Result<Op::Out, TrapCode> {
        // SAFETY: as the caller promises; `resolve` gives that many readable bytes, which
        // WebAssembly does not align.
        unsafe {
            let index = A::eval(cx, regs, at)?;
            let from = At::resolve::<Op::Mem>(cx, regs, at + A::BYTES, index)?;
            Ok(Op::extend(from.read_unaligned().decode()))
        }
    }
}
