//! The instructions: one generic type for each family of the table, over its operation and
//! the places of its operands.
//!
//! Families that compute a value are all [`Set`]: a destination and an expression.
#![expect(
    unsafe_code,
    reason = "reads and writes slots, memory and globals that the verifier has checked"
)]

mod call;
mod control;
mod tiles;

pub(crate) use call::{
    Call, CallImport, CallIndirect, ReturnCall, ReturnCallImport, ReturnCallIndirect, SetThenCall,
    TailFrame, ThenCall, code_at, expose,
};
pub(crate) use control::{
    Br, BrTable, CheckEpoch, ConsumeFuel, CopySpan, Halt, Return, ReturnSpan, ReturnToInstance,
    ReturnValue, Unreachable, Zero, jump,
};

pub(crate) use tiles::*;

pub(crate) use crate::services::{
    DataDrop, ElemDrop, MemoryCopy, MemoryFill, MemoryGrow, MemoryInit, TableCopy, TableFill,
    TableGrow, TableInit, TableSet,
};

use crate::dispatch::{Exit, Instruction, next, trap};
use crate::expr::{BinaryExpr, Expr, Fault, LoadExpr, UnaryExpr};
use crate::ops::{self, Memory as _, StoreOp};
use crate::place::{Access, Dst, Place, Value, cells, read_u32};
use core::marker::PhantomData;
use damson_core::context::{Context, Regs};
use damson_core::types::PAGE_SIZE;
use damson_core::{Cell, TrapCode};

/// What an instruction does before control goes on.
pub(crate) trait Statement {
    /// Size of the operands.
    const BYTES: usize;
    /// How many of its operations can trap, see [`Expr::SITES`].
    const SITES: usize;
    /// Whether it may branch.
    const BRANCHES: bool;
    /// Does it; the operands are at the byte `at`, and `sites` operations before it can trap.
    /// Tells whether to branch to the target that is the first operand.
    ///
    /// # Errors
    ///
    /// When an operation traps.
    ///
    /// # Safety
    ///
    /// `cx` and `regs` are those of a handler whose instruction has these operands at `at`.
    unsafe fn perform(
        cx: *mut Context,
        regs: &mut Regs,
        at: usize,
        sites: usize,
    ) -> Result<bool, Fault>;

    /// Does it as the last part of an instruction with `bytes` bytes of operands, and goes on.
    ///
    /// # Safety
    ///
    /// As for [`perform`](Self::perform).
    #[inline(always)]
    unsafe fn finish(
        cx: *mut Context,
        mut regs: Regs,
        at: usize,
        bytes: usize,
        sites: usize,
    ) -> Exit {
        // SAFETY: as the caller promises.
        unsafe {
            match Self::perform(cx, &mut regs, at, sites) {
                Ok(false) => next(cx, regs, cells(bytes)),
                Ok(true) => jump(cx, regs, at),
                Err(fault) => trap(cx, regs, fault),
            }
        }
    }
}

/// `dst = expression`, where the destination may be a branch.
pub(crate) struct Set<V, D, E>(PhantomData<(V, D, E)>);

impl<V, D: Dst<V>, E: Expr<V>> Statement for Set<V, D, E> {
    const BYTES: usize = D::BYTES + E::BYTES;
    const SITES: usize = E::SITES;
    const BRANCHES: bool = D::BRANCHES;
    #[inline(always)]
    unsafe fn perform(
        cx: *mut Context,
        regs: &mut Regs,
        at: usize,
        sites: usize,
    ) -> Result<bool, Fault> {
        // SAFETY: as the caller promises.
        unsafe {
            let value = E::eval(cx, regs, at + D::BYTES, sites)?;
            Ok(D::put(regs, value, at))
        }
    }
}

impl<V, D: Dst<V>, E: Expr<V>> Instruction for Set<V, D, E> {
    const BYTES: usize = <Self as Statement>::BYTES;
    #[inline(always)]
    unsafe fn execute(cx: *mut Context, regs: Regs) -> Exit {
        // SAFETY: the registers are those of this instruction.
        unsafe { Self::finish(cx, regs, 0, <Self as Statement>::BYTES, 0) }
    }
}

pub(crate) type IntBinary<Op, D, L, R> = Set<<Op as ops::Binary>::Out, D, BinaryExpr<Op, L, R>>;
pub(crate) type FloatBinary<Op, D, L, R> = IntBinary<Op, D, L, R>;
pub(crate) type IntCompare<Op, D, L, R> = IntBinary<Op, D, L, R>;
pub(crate) type FloatCompare<Op, D, L, R> = IntBinary<Op, D, L, R>;
pub(crate) type Unary<Op, D, S> = Set<<Op as ops::Unary>::Out, D, UnaryExpr<Op, S>>;
pub(crate) type IntTest<Op, D, S> = Unary<Op, D, S>;
pub(crate) type Load<Op, D, A, At> = Set<<Op as ops::LoadOp>::Out, D, LoadExpr<Op, A, At>>;
pub(crate) type CopyValue<Op, D, S> = Set<<Op as ops::Class>::Value, D, S>;
pub(crate) type IntSelect<Op, D, C, L, R> = Set<<Op as ops::Class>::Value, D, SelectExpr<C, L, R>>;
pub(crate) type FloatSelect<Op, D, C, L, R> = IntSelect<Op, D, C, L, R>;
pub(crate) type GlobalGet<Op, D, G> = Set<<Op as ops::Class>::Value, D, GlobalExpr<G>>;
pub(crate) type RefFunc<Op, D, F> = Set<u64, D, RefFuncExpr<Op, F>>;
pub(crate) type MemorySize<Op, D, M> = Set<u32, D, MemorySizeExpr<Op, M>>;
pub(crate) type TableGet<Op, D, T, I> = Set<u64, D, TableGetExpr<Op, T, I>>;
pub(crate) type TableSize<Op, D, T> = Set<u32, D, TableSizeExpr<Op, T>>;

/// `if cond != 0 { lhs } else { rhs }`
pub(crate) struct SelectExpr<C, L, R>(PhantomData<(C, L, R)>);

impl<V: Value, C: Expr<u32>, L: Expr<V>, R: Expr<V>> Expr<V> for SelectExpr<C, L, R> {
    const BYTES: usize = C::BYTES + L::BYTES + R::BYTES;
    const SITES: usize = C::SITES + L::SITES + R::SITES;
    #[inline(always)]
    unsafe fn eval(cx: *mut Context, regs: &Regs, at: usize, sites: usize) -> Result<V, Fault> {
        // SAFETY: as the caller promises.
        unsafe {
            // Neither value traps, so nobody sees the order.
            const { assert!(L::SITES + R::SITES == 0) };
            let cond = C::eval(cx, regs, at, sites)?;
            let lhs = L::eval(cx, regs, at + C::BYTES, sites)?;
            let rhs = R::eval(cx, regs, at + C::BYTES + L::BYTES, sites)?;
            Ok(if cond != 0 { lhs } else { rhs })
        }
    }
}

/// The value of a global.
pub(crate) struct GlobalExpr<G>(PhantomData<G>);

impl<V: Value, G> Expr<V> for GlobalExpr<G> {
    const BYTES: usize = 4;
    const SITES: usize = 0;
    #[inline(always)]
    unsafe fn eval(cx: *mut Context, regs: &Regs, at: usize, _sites: usize) -> Result<V, Fault> {
        // SAFETY: the verifier has checked that the instance has this global; its cell does
        // not move.
        unsafe { Ok((**(*cx).globals.add(read_u32(regs, at) as usize)).get()) }
    }
}

/// A reference to a function of the instance.
pub(crate) struct RefFuncExpr<Op, F>(PhantomData<(Op, F)>);

impl<Op, F> Expr<u64> for RefFuncExpr<Op, F> {
    const BYTES: usize = 4;
    const SITES: usize = 0;
    #[inline(always)]
    unsafe fn eval(cx: *mut Context, regs: &Regs, at: usize, _sites: usize) -> Result<u64, Fault> {
        // SAFETY: the verifier has checked that the instance has this function.
        unsafe {
            let func = *(*(*cx).instance).funcs.add(read_u32(regs, at) as usize);
            Ok((*func).to_cell().to_bits())
        }
    }
}

/// The size of a memory in pages.
pub(crate) struct MemorySizeExpr<Op, M>(PhantomData<(Op, M)>);

impl<Op, M> Expr<u32> for MemorySizeExpr<Op, M> {
    const BYTES: usize = 4;
    const SITES: usize = 0;
    #[inline(always)]
    unsafe fn eval(cx: *mut Context, regs: &Regs, at: usize, _sites: usize) -> Result<u32, Fault> {
        // SAFETY: the verifier has checked that the instance has this memory.
        unsafe {
            let memory = *(*(*cx).instance).memories.add(read_u32(regs, at) as usize);
            Ok(((*memory).len / PAGE_SIZE) as u32)
        }
    }
}

/// An element of a table.
pub(crate) struct TableGetExpr<Op, T, I>(PhantomData<(Op, T, I)>);

impl<Op, T, I: Place> Expr<u64> for TableGetExpr<Op, T, I> {
    const BYTES: usize = 4 + I::BYTES;
    const SITES: usize = 0;
    #[inline(always)]
    unsafe fn eval(cx: *mut Context, regs: &Regs, at: usize, _sites: usize) -> Result<u64, Fault> {
        // SAFETY: the verifier has checked that the instance has this table.
        unsafe {
            let table = *(*(*cx).instance).tables.add(read_u32(regs, at) as usize);
            let index: u32 = I::read(regs, at + 4);
            (*table)
                .get(u64::from(index))
                .map(Cell::to_bits)
                .ok_or(TrapCode::TableOutOfBounds.into())
        }
    }
}

/// The size of a table in elements.
pub(crate) struct TableSizeExpr<Op, T>(PhantomData<(Op, T)>);

impl<Op, T> Expr<u32> for TableSizeExpr<Op, T> {
    const BYTES: usize = 4;
    const SITES: usize = 0;
    #[inline(always)]
    unsafe fn eval(cx: *mut Context, regs: &Regs, at: usize, _sites: usize) -> Result<u32, Fault> {
        // SAFETY: the verifier has checked that the instance has this table.
        unsafe {
            let table = *(*(*cx).instance).tables.add(read_u32(regs, at) as usize);
            Ok((*table).len as u32)
        }
    }
}

/// `memory[addr + at] = value`
pub(crate) struct Store<Op, A, S, At>(PhantomData<(Op, A, S, At)>);

pub(crate) type IntStore<Op, A, S, At> = Store<Op, A, S, At>;
pub(crate) type FloatStore<Op, A, S, At> = Store<Op, A, S, At>;

impl<Op: StoreOp, A: Expr<u32>, S: Expr<Op::In>, At: Access> Statement for Store<Op, A, S, At> {
    const BYTES: usize = A::BYTES + S::BYTES + At::BYTES;
    const SITES: usize = S::SITES + 1;
    const BRANCHES: bool = false;
    #[inline(always)]
    unsafe fn perform(
        cx: *mut Context,
        regs: &mut Regs,
        at: usize,
        sites: usize,
    ) -> Result<bool, Fault> {
        // SAFETY: as the caller promises; `resolve` gives that many writable bytes, which
        // WebAssembly does not align.
        unsafe {
            // The value first: the address would take a register meanwhile. It cannot trap, so
            // nobody sees the order.
            const { assert!(A::SITES == 0) };
            let mut value = S::eval(cx, regs, at + A::BYTES, sites)?;
            if S::SITES > 0 {
                value = value.computed();
            }
            let site = sites + S::SITES;
            let index = A::eval(cx, regs, at, site)?;
            let to = At::resolve::<Op::Mem>(cx, regs, at + A::BYTES + S::BYTES, index, site)?;
            to.write_unaligned(Op::truncate(value).encode());
            Ok(false)
        }
    }
}

impl<Op: StoreOp, A: Expr<u32>, S: Expr<Op::In>, At: Access> Instruction for Store<Op, A, S, At> {
    const BYTES: usize = <Self as Statement>::BYTES;
    #[inline(always)]
    unsafe fn execute(cx: *mut Context, regs: Regs) -> Exit {
        // SAFETY: the registers are those of this instruction.
        unsafe { Self::finish(cx, regs, 0, <Self as Statement>::BYTES, 0) }
    }
}

/// `globals[global] = value`
pub(crate) struct GlobalSet<Op, G, S>(PhantomData<(Op, G, S)>);

impl<Op: ops::Class, G, S: Expr<Op::Value>> Statement for GlobalSet<Op, G, S> {
    const BYTES: usize = 4 + S::BYTES;
    const SITES: usize = S::SITES;
    const BRANCHES: bool = false;
    #[inline(always)]
    unsafe fn perform(
        cx: *mut Context,
        regs: &mut Regs,
        at: usize,
        sites: usize,
    ) -> Result<bool, Fault> {
        // SAFETY: as the caller promises; the verifier has checked that the instance has this
        // mutable global; its cell does not move.
        unsafe {
            let value = S::eval(cx, regs, at + 4, sites)?;
            // Read anew: the value may have come from a global, and there is no register to
            // keep this in.
            let globals = (&raw const (*cx).globals).read_volatile();
            **globals.add(read_u32(regs, at) as usize) = Cell::new(value);
            Ok(false)
        }
    }
}

impl<Op: ops::Class, G, S: Expr<Op::Value>> Instruction for GlobalSet<Op, G, S> {
    const BYTES: usize = <Self as Statement>::BYTES;
    #[inline(always)]
    unsafe fn execute(cx: *mut Context, regs: Regs) -> Exit {
        // SAFETY: the registers are those of this instruction.
        unsafe { Self::finish(cx, regs, 0, <Self as Statement>::BYTES, 0) }
    }
}
