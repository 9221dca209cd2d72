//! Expressions: operations on places, which are expressions themselves.
//!
//! An instruction is a generic over expressions, so an operand may be an operation in its
//! turn: `Set<Rs, BinaryExpr<I32Add, Slot, BinaryExpr<I32Shl, Slot, Imm>>>` is a handler
//! like any other. The instruction table instantiates single operations, the tile table trees
//! of two and three.
//!
//! An expression is evaluated as WebAssembly does it: operands from left to right, then the
//! operation.
#![expect(
    unsafe_code,
    reason = "reads operands and memory without checks that the verifier made"
)]

use crate::ops::{Binary, LoadOp, Memory as _, Unary};
use crate::place::{Acc, Access, Imm, Imm64, Place, Slot, Value};
use core::marker::PhantomData;
use damson_core::context::{Context, Regs};
use damson_core::{Cell, TrapCode};

/// A trap of one of the operations of an instruction.
#[derive(Clone, Copy)]
pub(crate) struct Fault {
    /// What happened.
    pub(crate) code: TrapCode,
    /// Which of the operations that can trap it was, in the order of their execution.
    pub(crate) site: usize,
}

impl From<TrapCode> for Fault {
    #[inline(always)]
    fn from(code: TrapCode) -> Self {
        Self { code, site: 0 }
    }
}

/// An expression that gives a `V`.
pub(crate) trait Expr<V> {
    /// Size of its operands.
    const BYTES: usize;
    /// How many reads from memory are in it. Divisions and truncations, which trap as well,
    /// are never part of a larger tile.
    const SITES: usize;
    /// Evaluates it; its operands start at the byte `at`, and `sites` operations before it can
    /// trap.
    ///
    /// # Errors
    ///
    /// When an operation traps.
    ///
    /// # Safety
    ///
    /// `cx` and `regs` are those of a handler whose instruction has these operands at `at`.
    unsafe fn eval(cx: *mut Context, regs: &Regs, at: usize, sites: usize) -> Result<V, Fault>;
}

macro_rules! impl_expr_for_places {
    ($($Place:ident)*) => {$(
        impl<V: Value> Expr<V> for $Place {
            const BYTES: usize = <$Place as Place>::BYTES;
            const SITES: usize = 0;
            #[inline(always)]
            unsafe fn eval(_cx: *mut Context, regs: &Regs, at: usize, _sites: usize) -> Result<V, Fault> {
                // SAFETY: as the caller promises.
                Ok(unsafe { <$Place as Place>::read(regs, at) })
            }
        }
    )*};
}

impl_expr_for_places!(Slot Acc Imm Imm64);

/// An expression that gives a `V`, read as another type of the same bits: what an operation
/// gives and what the next one takes may differ in sign.
pub(crate) struct As<V, E>(PhantomData<(V, E)>);

impl<V: Value, W: Value, E: Expr<V>> Expr<W> for As<V, E> {
    const BYTES: usize = E::BYTES;
    const SITES: usize = E::SITES;
    #[inline(always)]
    unsafe fn eval(cx: *mut Context, regs: &Regs, at: usize, sites: usize) -> Result<W, Fault> {
        // SAFETY: as the caller promises.
        let value = unsafe { E::eval(cx, regs, at, sites)? };
        Ok(Cell::new(value).get())
    }
}

/// An operation on two expressions.
pub(crate) struct BinaryExpr<Op, L, R>(PhantomData<(Op, L, R)>);

impl<Op: Binary, L: Expr<Op::Lhs>, R: Expr<Op::Rhs>> Expr<Op::Out> for BinaryExpr<Op, L, R> {
    const BYTES: usize = L::BYTES + R::BYTES;
    const SITES: usize = L::SITES + R::SITES;
    #[inline(always)]
    unsafe fn eval(
        cx: *mut Context,
        regs: &Regs,
        at: usize,
        sites: usize,
    ) -> Result<Op::Out, Fault> {
        // SAFETY: as the caller promises.
        let (lhs, rhs) = unsafe {
            let lhs = L::eval(cx, regs, at, sites)?;
            let rhs = R::eval(cx, regs, at + L::BYTES, sites + L::SITES)?;
            (lhs, rhs)
        };
        let site = sites + Self::SITES;
        Op::apply(lhs, rhs).map_err(|code| Fault { code, site })
    }
}

/// An operation on one expression.
pub(crate) struct UnaryExpr<Op, S>(PhantomData<(Op, S)>);

impl<Op: Unary, S: Expr<Op::In>> Expr<Op::Out> for UnaryExpr<Op, S> {
    const BYTES: usize = S::BYTES;
    const SITES: usize = S::SITES;
    #[inline(always)]
    unsafe fn eval(
        cx: *mut Context,
        regs: &Regs,
        at: usize,
        sites: usize,
    ) -> Result<Op::Out, Fault> {
        // SAFETY: as the caller promises.
        let value = unsafe { S::eval(cx, regs, at, sites)? };
        let site = sites + Self::SITES;
        Op::apply(value).map_err(|code| Fault { code, site })
    }
}

/// A read from memory at the address that an expression gives.
pub(crate) struct LoadExpr<Op, A, At>(PhantomData<(Op, A, At)>);

impl<Op: LoadOp, A: Expr<u32>, At: Access> Expr<Op::Out> for LoadExpr<Op, A, At> {
    const BYTES: usize = A::BYTES + At::BYTES;
    const SITES: usize = A::SITES + 1;
    #[inline(always)]
    unsafe fn eval(
        cx: *mut Context,
        regs: &Regs,
        at: usize,
        sites: usize,
    ) -> Result<Op::Out, Fault> {
        // SAFETY: as the caller promises; `resolve` gives that many readable bytes, which
        // WebAssembly does not align.
        unsafe {
            let index = A::eval(cx, regs, at, sites)?;
            let site = sites + A::SITES;
            let from = At::resolve::<Op::Mem>(cx, regs, at + A::BYTES, index, site)?;
            Ok(Op::extend(from.read_unaligned().decode()))
        }
    }
}
