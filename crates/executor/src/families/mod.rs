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

pub(crate) use call::{
    Call, CallImport, CallIndirect, ReturnCall, ReturnCallImport, ReturnCallIndirect, TailFrame,
    code_at, expose,
};
pub(crate) use control::{
    Br, BrTable, ConsumeFuel, CopySpan, Halt, Return, ReturnSpan, ReturnToInstance, ReturnValue,
    Unreachable, Zero,
};

pub(crate) use crate::services::{
    DataDrop, ElemDrop, MemoryCopy, MemoryFill, MemoryGrow, MemoryInit, TableCopy, TableFill,
    TableGrow, TableInit, TableSet,
};

use crate::dispatch::{Exit, Instruction, next, trap};
use crate::expr::{BinaryExpr, Expr, LoadExpr, UnaryExpr};
use crate::ops::{self, Memory as _, StoreOp};
use crate::place::{Access, Dst, Place, Value, cells, read_u32};
use core::marker::PhantomData;
use damson_core::context::{Context, Regs};
use damson_core::types::PAGE_SIZE;
use damson_core::{Cell, TrapCode};

/// `dst = expression`, where the destination may be a branch.
pub(crate) struct Set<V, D, E>(PhantomData<(V, D, E)>);

impl<V, D: Dst<V>, E: Expr<V>> Instruction for Set<V, D, E> {
    const BYTES: usize = D::BYTES + E::BYTES;
    #[inline(always)]
    unsafe fn execute(cx: *mut Context, regs: Regs) -> Exit {
        // SAFETY: the registers are those of this instruction.
        unsafe {
            match E::eval(cx, &regs, D::BYTES) {
                Ok(value) => D::finish(cx, regs, value, Self::BYTES),
                Err(code) => trap(cx, regs, code),
            }
        }
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

impl<V: Value, C: Expr<u32>, L: Place, R: Place> Expr<V> for SelectExpr<C, L, R> {
    const BYTES: usize = C::BYTES + L::BYTES + R::BYTES;
    #[inline(always)]
    unsafe fn eval(cx: *mut Context, regs: &Regs, at: usize) -> Result<V, TrapCode> {
        // SAFETY: as the caller promises.
        unsafe {
            let cond = C::eval(cx, regs, at)?;
            let lhs = L::read(regs, at + C::BYTES);
            let rhs = R::read(regs, at + C::BYTES + L::BYTES);
            Ok(if cond != 0 { lhs } else { rhs })
        }
    }
}

/// The value of a global.
pub(crate) struct GlobalExpr<G>(PhantomData<G>);

impl<V: Value, G> Expr<V> for GlobalExpr<G> {
    const BYTES: usize = 4;
    #[inline(always)]
    unsafe fn eval(cx: *mut Context, regs: &Regs, at: usize) -> Result<V, TrapCode> {
        // SAFETY: the verifier has checked that the instance has this global; its cell does
        // not move.
        unsafe { Ok((**(*cx).globals.add(read_u32(regs, at) as usize)).get()) }
    }
}

/// A reference to a function of the instance.
pub(crate) struct RefFuncExpr<Op, F>(PhantomData<(Op, F)>);

impl<Op, F> Expr<u64> for RefFuncExpr<Op, F> {
    const BYTES: usize = 4;
    #[inline(always)]
    unsafe fn eval(cx: *mut Context, regs: &Regs, at: usize) -> Result<u64, TrapCode> {
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
    #[inline(always)]
    unsafe fn eval(cx: *mut Context, regs: &Regs, at: usize) -> Result<u32, TrapCode> {
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
    #[inline(always)]
    unsafe fn eval(cx: *mut Context, regs: &Regs, at: usize) -> Result<u64, TrapCode> {
        // SAFETY: the verifier has checked that the instance has this table.
        unsafe {
            let table = *(*(*cx).instance).tables.add(read_u32(regs, at) as usize);
            let index: u32 = I::read(regs, at + 4);
            (*table)
                .get(u64::from(index))
                .map(Cell::to_bits)
                .ok_or(TrapCode::TableOutOfBounds)
        }
    }
}

/// The size of a table in elements.
pub(crate) struct TableSizeExpr<Op, T>(PhantomData<(Op, T)>);

impl<Op, T> Expr<u32> for TableSizeExpr<Op, T> {
    const BYTES: usize = 4;
    #[inline(always)]
    unsafe fn eval(cx: *mut Context, regs: &Regs, at: usize) -> Result<u32, TrapCode> {
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

impl<Op: StoreOp, A: Expr<u32>, S: Expr<Op::In>, At: Access> Store<Op, A, S, At> {
    #[inline(always)]
    unsafe fn store(cx: *mut Context, regs: &Regs) -> Result<(), TrapCode> {
        // SAFETY: the registers are those of this instruction; `resolve` gives that many
        // writable bytes, which WebAssembly does not align.
        unsafe {
            let index = A::eval(cx, regs, 0)?;
            let value = S::eval(cx, regs, A::BYTES)?;
            let to = At::resolve::<Op::Mem>(cx, regs, A::BYTES + S::BYTES, index)?;
            to.write_unaligned(Op::truncate(value).encode());
            Ok(())
        }
    }
}

impl<Op: StoreOp, A: Expr<u32>, S: Expr<Op::In>, At: Access> Instruction for Store<Op, A, S, At> {
    const BYTES: usize = A::BYTES + S::BYTES + At::BYTES;
    #[inline(always)]
    unsafe fn execute(cx: *mut Context, regs: Regs) -> Exit {
        // SAFETY: the registers are those of this instruction.
        unsafe {
            match Self::store(cx, &regs) {
                Ok(()) => next(cx, regs, cells(Self::BYTES)),
                Err(code) => trap(cx, regs, code),
            }
        }
    }
}

/// `globals[global] = value`
pub(crate) struct GlobalSet<Op, G, S>(PhantomData<(Op, G, S)>);

impl<Op: ops::Class, G, S: Place> Instruction for GlobalSet<Op, G, S> {
    const BYTES: usize = 4 + S::BYTES;
    #[inline(always)]
    unsafe fn execute(cx: *mut Context, regs: Regs) -> Exit {
        // SAFETY: the verifier has checked that the instance has this mutable global; its
        // cell does not move.
        unsafe {
            let value: Op::Value = S::read(&regs, 4);
            **(*cx).globals.add(read_u32(&regs, 0) as usize) = Cell::new(value);
            next(cx, regs, cells(Self::BYTES))
        }
    }
}
