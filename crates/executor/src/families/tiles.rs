//! Tiles: one generic type for each shape of the tile table.
//!
//! A tree is a statement on an expression of several operations. A sequence is a statement
//! [`Then`] the last part of an instruction, which goes on; [`Both`] of two are a statement.
#![expect(unsafe_code, reason = "performs what the verifier has checked")]
#![allow(dead_code, reason = "a compact build has some of the shapes only")]

use super::{
    Br, BrTable, CopyValue, FloatBinary, GlobalExpr, GlobalSet, IntBinary, IntCompare, IntTest,
    Load, Return, ReturnValue, SelectExpr, Set, SetThenCall, Statement, Store, ThenCall, jump,
};
use crate::dispatch::{Exit, Instruction, trap};
use crate::expr::{As, BinaryExpr, Fault, LoadExpr, UnaryExpr};
use crate::ops::{Binary, Class, LoadOp, Unary};
use core::marker::PhantomData;
use damson_core::context::{Context, Regs};

/// A binary operation as an operand.
type Bin<Op, A, B> = As<<Op as Binary>::Out, BinaryExpr<Op, A, B>>;
/// A test as an operand.
type Test<Op, A> = UnaryExpr<Op, A>;
/// A read from memory as an operand.
type Read<Op, A, At> = As<<Op as LoadOp>::Out, LoadExpr<Op, A, At>>;
/// A global as an operand.
type Global<Op, G> = As<<Op as Class>::Value, GlobalExpr<G>>;
/// `dst = op(a, b)`
type SetBin<Op, D, A, B> = Set<<Op as Binary>::Out, D, BinaryExpr<Op, A, B>>;
/// Branches on `op(a)`.
type SetTest<Op, D, A> = Set<<Op as Unary>::Out, D, Test<Op, A>>;
/// `dst = memory[a + at]`
type SetLoad<Op, D, A, At> = Set<<Op as LoadOp>::Out, D, LoadExpr<Op, A, At>>;

pub(crate) type BinBin<O, I, D, A, B, C> = SetBin<O, D, Bin<I, A, B>, C>;
pub(crate) type BinBinBin<O, I, J, D, A, B, C, E> = SetBin<O, D, Bin<I, Bin<J, A, B>, C>, E>;
pub(crate) type BinRightBin<O, I, D, A, B, C> = SetBin<O, D, A, Bin<I, B, C>>;
pub(crate) type BinBothBin<O, I, J, D, A, B, C, E> = SetBin<O, D, Bin<I, A, B>, Bin<J, C, E>>;
pub(crate) type BinLoad<O, I, D, A, At, C> = SetBin<O, D, Read<I, A, At>, C>;
pub(crate) type BinRightLoad<O, I, D, A, B, At> = SetBin<O, D, A, Read<I, B, At>>;
pub(crate) type BinLoadLoad<O, I, J, D, A, At, B, Bt> =
    SetBin<O, D, Read<I, A, At>, Read<J, B, Bt>>;
pub(crate) type BinBinLoad<O, I, L, D, A, At, B, C> = SetBin<O, D, Bin<I, Read<L, A, At>, B>, C>;
pub(crate) type LoadBin<O, I, D, A, B, At> = SetLoad<O, D, Bin<I, A, B>, At>;
pub(crate) type LoadBinBin<O, I, J, D, A, B, C, At> = SetLoad<O, D, Bin<I, Bin<J, A, B>, C>, At>;
pub(crate) type LoadLoad<O, I, D, A, InnerAt, At> = SetLoad<O, D, Read<I, A, InnerAt>, At>;
pub(crate) type CompareBin<O, I, D, A, B, C> = BinBin<O, I, D, A, B, C>;
pub(crate) type TestBin<O, I, D, A, B> = SetTest<O, D, Bin<I, A, B>>;
pub(crate) type CompareLoad<O, I, D, A, At, C> = BinLoad<O, I, D, A, At, C>;
pub(crate) type CompareLoadLoad<O, I, J, D, A, At, B, Bt> = BinLoadLoad<O, I, J, D, A, At, B, Bt>;
pub(crate) type TestLoad<O, I, D, A, At> = SetTest<O, D, Read<I, A, At>>;
pub(crate) type TestBinLoad<O, I, L, D, A, At, B> = SetTest<O, D, Bin<I, Read<L, A, At>, B>>;
pub(crate) type CompareBinLoad<O, I, L, D, A, At, B, C> = BinBinLoad<O, I, L, D, A, At, B, C>;
pub(crate) type StoreBin<O, I, A, B, C, At> = Store<O, A, Bin<I, B, C>, At>;
pub(crate) type FloatStoreBin<O, I, A, B, C, At> = StoreBin<O, I, A, B, C, At>;
pub(crate) type StoreBinLoad<O, I, L, A, B, Bt, C, At> = Store<O, A, Bin<I, Read<L, B, Bt>, C>, At>;
pub(crate) type StoreLoad<O, L, A, B, Bt, At> = Store<O, A, Read<L, B, Bt>, At>;
pub(crate) type StoreAt<O, I, A, B, V, At> = Store<O, Bin<I, A, B>, V, At>;
pub(crate) type FloatStoreAt<O, I, A, B, V, At> = StoreAt<O, I, A, B, V, At>;
pub(crate) type StoreAtBinBin<O, I, J, A, B, C, V, At> = Store<O, Bin<I, Bin<J, A, B>, C>, V, At>;
pub(crate) type SelectCompare<O, I, D, A, B, L, R> =
    Set<<O as Class>::Value, D, SelectExpr<Bin<I, A, B>, L, R>>;
pub(crate) type SelectBin<O, I, D, C, A, B, R> =
    Set<<O as Class>::Value, D, SelectExpr<C, Bin<I, A, B>, R>>;
pub(crate) type SelectRightBin<O, I, D, C, L, A, B> =
    Set<<O as Class>::Value, D, SelectExpr<C, L, Bin<I, A, B>>>;
pub(crate) type CompareGlobal<O, I, D, G, C> = BinGlobal<O, I, D, G, C>;
pub(crate) type TestGlobal<O, I, D, G> = SetTest<O, D, Global<I, G>>;
pub(crate) type FloatCompareBin<O, I, D, A, B, C> = BinBin<O, I, D, A, B, C>;
pub(crate) type SwitchLoad<O, L, A, At, T> = BrTable<O, Read<L, A, At>, T>;
pub(crate) type SwitchBin<O, I, A, B, T> = BrTable<O, Bin<I, A, B>, T>;
pub(crate) type ReturnBin<O, I, L, A, B> = ReturnValue<O, L, Bin<I, A, B>>;
pub(crate) type ReturnLoad<O, I, L, A, At> = ReturnValue<O, L, Read<I, A, At>>;
pub(crate) type ReturnLoadLoad<O, I, J, L, A, InnerAt, At> =
    ReturnLoad<O, I, L, Read<J, A, InnerAt>, At>;
pub(crate) type BinGlobal<O, I, D, G, C> = SetBin<O, D, Global<I, G>, C>;
pub(crate) type GlobalSetBin<O, I, G, A, B> = GlobalSet<O, G, Bin<I, A, B>>;
pub(crate) type GlobalSetBinGlobal<O, I, J, G, F, B> = GlobalSet<O, G, Bin<I, Global<J, F>, B>>;

/// The last part of an instruction: goes on.
pub(crate) trait Last {
    /// Size of the operands.
    const BYTES: usize;
    /// Does it; the operands are at the byte `at` of an instruction with `bytes` bytes of
    /// operands, of which `sites` operations before these can trap.
    ///
    /// # Safety
    ///
    /// `cx` and `regs` are those of a handler whose instruction has these operands at `at`.
    unsafe fn run(cx: *mut Context, regs: Regs, at: usize, bytes: usize, sites: usize) -> Exit;
}

/// A statement as the last part.
pub(crate) struct Do<S>(PhantomData<S>);

impl<S: Statement> Last for Do<S> {
    const BYTES: usize = S::BYTES;
    #[inline(always)]
    unsafe fn run(cx: *mut Context, regs: Regs, at: usize, bytes: usize, sites: usize) -> Exit {
        // SAFETY: as the caller promises.
        unsafe { S::finish(cx, regs, at, bytes, sites) }
    }
}

/// A statement, then the last part, unless the statement branches.
pub(crate) struct Then<S, L>(PhantomData<(S, L)>);

impl<S: Statement, L: Last> Instruction for Then<S, L> {
    const BYTES: usize = S::BYTES + L::BYTES;
    #[inline(always)]
    unsafe fn execute(cx: *mut Context, mut regs: Regs) -> Exit {
        // SAFETY: the registers are those of this instruction, whose operands are those of
        // both parts one after the other.
        unsafe {
            match S::perform(cx, &mut regs, 0, 0) {
                Ok(false) => L::run(cx, regs, S::BYTES, Self::BYTES, S::SITES),
                Ok(true) => jump(cx, regs, 0),
                Err(fault) => trap(cx, regs, fault),
            }
        }
    }
}

/// Two statements, the second unless the first branches. The second never does.
pub(crate) struct Both<S, T>(PhantomData<(S, T)>);

impl<S: Statement, T: Statement> Statement for Both<S, T> {
    const BYTES: usize = S::BYTES + T::BYTES;
    const SITES: usize = S::SITES + T::SITES;
    const BRANCHES: bool = S::BRANCHES;
    #[inline(always)]
    unsafe fn perform(
        cx: *mut Context,
        regs: &mut Regs,
        at: usize,
        sites: usize,
    ) -> Result<bool, Fault> {
        // SAFETY: as the caller promises, the operands are those of both one after the other.
        unsafe {
            // The target of a branch is the first operand.
            const { assert!(!T::BRANCHES, "only the first and the last part may branch") };
            if S::perform(cx, regs, at, sites)? {
                return Ok(true);
            }
            T::perform(cx, regs, at + S::BYTES, sites + S::SITES)
        }
    }
}

pub(crate) type AddThenBin<O, P, D, A, B, E, F, G> =
    Then<IntBinary<O, D, A, B>, Do<IntBinary<P, E, F, G>>>;
pub(crate) type AddThenBr<O, P, D, A, B, T> = Then<IntBinary<O, D, A, B>, Br<P, T>>;
pub(crate) type AddThenCompare<O, P, D, A, B, E, F, G> =
    Then<IntBinary<O, D, A, B>, Do<IntCompare<P, E, F, G>>>;
pub(crate) type AddThenTest<O, P, D, A, B, E, F> =
    Then<IntBinary<O, D, A, B>, Do<IntTest<P, E, F>>>;
pub(crate) type AddThenCopy<O, P, D, A, B, E, F> =
    Then<IntBinary<O, D, A, B>, Do<CopyValue<P, E, F>>>;
pub(crate) type AddThenLoad<O, P, D, A, B, E, F, At> =
    Then<IntBinary<O, D, A, B>, Do<Load<P, E, F, At>>>;
pub(crate) type AddThenStore<O, P, D, A, B, E, F, At> =
    Then<IntBinary<O, D, A, B>, Do<Store<P, E, F, At>>>;
pub(crate) type CopyThenBin<O, P, D, A, E, F, G> =
    Then<CopyValue<O, D, A>, Do<IntBinary<P, E, F, G>>>;
pub(crate) type CopyThenCopy<O, P, D, A, E, F> = Then<CopyValue<O, D, A>, Do<CopyValue<P, E, F>>>;
pub(crate) type CopyThenBr<O, P, D, A, T> = Then<CopyValue<O, D, A>, Br<P, T>>;
pub(crate) type CopyThenCompare<O, P, D, A, E, F, G> =
    Then<CopyValue<O, D, A>, Do<IntCompare<P, E, F, G>>>;
pub(crate) type CopyThenTest<O, P, D, A, E, F> = Then<CopyValue<O, D, A>, Do<IntTest<P, E, F>>>;
pub(crate) type CopyThenLoad<O, P, D, A, E, F, At> =
    Then<CopyValue<O, D, A>, Do<Load<P, E, F, At>>>;
pub(crate) type CopyThenStore<O, P, D, A, E, F, At> =
    Then<CopyValue<O, D, A>, Do<Store<P, E, F, At>>>;
pub(crate) type LoadThenLoad<O, P, D, A, At, E, F, Bt> =
    Then<Load<O, D, A, At>, Do<Load<P, E, F, Bt>>>;
pub(crate) type LoadThenBin<O, P, D, A, At, E, F, G> =
    Then<Load<O, D, A, At>, Do<IntBinary<P, E, F, G>>>;
pub(crate) type LoadThenCompare<O, P, D, A, At, E, F, G> =
    Then<Load<O, D, A, At>, Do<IntCompare<P, E, F, G>>>;
pub(crate) type LoadThenTest<O, P, D, A, At, E, F> = Then<Load<O, D, A, At>, Do<IntTest<P, E, F>>>;
pub(crate) type LoadThenCopy<O, P, D, A, At, E, F> =
    Then<Load<O, D, A, At>, Do<CopyValue<P, E, F>>>;
pub(crate) type StoreThenAdd<O, P, A, V, At, E, F, G> =
    Then<Store<O, A, V, At>, Do<IntBinary<P, E, F, G>>>;
pub(crate) type FloatStoreThenAdd<O, P, A, V, At, E, F, G> = StoreThenAdd<O, P, A, V, At, E, F, G>;
pub(crate) type StoreThenStore<O, P, A, V, At, B, W, Bt> =
    Then<Store<O, A, V, At>, Do<Store<P, B, W, Bt>>>;
pub(crate) type StoreThenBr<O, P, A, V, At, T> = Then<Store<O, A, V, At>, Br<P, T>>;
pub(crate) type CompareThenAdd<O, P, D, A, B, E, F, G> =
    Then<IntCompare<O, D, A, B>, Do<IntBinary<P, E, F, G>>>;
pub(crate) type CompareThenCopy<O, P, D, A, B, E, F> =
    Then<IntCompare<O, D, A, B>, Do<CopyValue<P, E, F>>>;

// Three parts.
pub(crate) type AddThenAddThenBr<O, P, Q, A0, A1, A2, B0, B1, B2, T> =
    Then<Both<IntBinary<O, A0, A1, A2>, IntBinary<P, B0, B1, B2>>, Br<Q, T>>;
pub(crate) type AddThenAddThenTest<O, P, Q, A0, A1, A2, B0, B1, B2, C0, C1> =
    Then<Both<IntBinary<O, A0, A1, A2>, IntBinary<P, B0, B1, B2>>, Do<IntTest<Q, C0, C1>>>;
pub(crate) type AddThenAddThenCompare<O, P, Q, A0, A1, A2, B0, B1, B2, C0, C1, C2> =
    Then<Both<IntBinary<O, A0, A1, A2>, IntBinary<P, B0, B1, B2>>, Do<IntCompare<Q, C0, C1, C2>>>;
pub(crate) type AddThenCopyThenBr<O, P, Q, A0, A1, A2, B0, B1, T> =
    Then<Both<IntBinary<O, A0, A1, A2>, CopyValue<P, B0, B1>>, Br<Q, T>>;
pub(crate) type AddThenCopyThenTest<O, P, Q, A0, A1, A2, B0, B1, C0, C1> =
    Then<Both<IntBinary<O, A0, A1, A2>, CopyValue<P, B0, B1>>, Do<IntTest<Q, C0, C1>>>;
pub(crate) type AddThenCopyThenCompare<O, P, Q, A0, A1, A2, B0, B1, C0, C1, C2> =
    Then<Both<IntBinary<O, A0, A1, A2>, CopyValue<P, B0, B1>>, Do<IntCompare<Q, C0, C1, C2>>>;
pub(crate) type CopyThenAddThenBr<O, P, Q, A0, A1, B0, B1, B2, T> =
    Then<Both<CopyValue<O, A0, A1>, IntBinary<P, B0, B1, B2>>, Br<Q, T>>;
pub(crate) type CopyThenAddThenTest<O, P, Q, A0, A1, B0, B1, B2, C0, C1> =
    Then<Both<CopyValue<O, A0, A1>, IntBinary<P, B0, B1, B2>>, Do<IntTest<Q, C0, C1>>>;
pub(crate) type CopyThenAddThenCompare<O, P, Q, A0, A1, B0, B1, B2, C0, C1, C2> =
    Then<Both<CopyValue<O, A0, A1>, IntBinary<P, B0, B1, B2>>, Do<IntCompare<Q, C0, C1, C2>>>;
pub(crate) type CopyThenCopyThenBr<O, P, Q, A0, A1, B0, B1, T> =
    Then<Both<CopyValue<O, A0, A1>, CopyValue<P, B0, B1>>, Br<Q, T>>;
pub(crate) type CopyThenCopyThenTest<O, P, Q, A0, A1, B0, B1, C0, C1> =
    Then<Both<CopyValue<O, A0, A1>, CopyValue<P, B0, B1>>, Do<IntTest<Q, C0, C1>>>;
pub(crate) type CopyThenCopyThenCompare<O, P, Q, A0, A1, B0, B1, C0, C1, C2> =
    Then<Both<CopyValue<O, A0, A1>, CopyValue<P, B0, B1>>, Do<IntCompare<Q, C0, C1, C2>>>;
pub(crate) type AddThenLoadThenTest<O, P, Q, D, A, B, E, F, At, G, H> =
    Then<Both<IntBinary<O, D, A, B>, Load<P, E, F, At>>, Do<IntTest<Q, G, H>>>;
pub(crate) type AddThenLoadThenCompare<O, P, Q, D, A, B, E, F, At, G, H, I> =
    Then<Both<IntBinary<O, D, A, B>, Load<P, E, F, At>>, Do<IntCompare<Q, G, H, I>>>;
pub(crate) type AddThenReturn<O, P, D, A, B, L, V> =
    Then<IntBinary<O, D, A, B>, ReturnValue<P, L, V>>;
pub(crate) type FloatThenFloat<O, P, D, A, B, E, F, G> =
    Then<FloatBinary<O, D, A, B>, Do<FloatBinary<P, E, F, G>>>;
pub(crate) type FloatThenCopy<O, P, D, A, B, E, F> =
    Then<FloatBinary<O, D, A, B>, Do<CopyValue<P, E, F>>>;

// Those with trees.
pub(crate) type BinGlobalThenStore<O, I, P, D, G, B, A, V, At> =
    Then<BinGlobal<O, I, D, G, B>, Do<Store<P, A, V, At>>>;
pub(crate) type BinGlobalThenGlobalSet<O, I, P, D, G, B, H, V> =
    Then<BinGlobal<O, I, D, G, B>, Do<GlobalSet<P, H, V>>>;
pub(crate) type BinGlobalThenGlobalSetThenStore<O, I, P, Q, D, G, B, H, V, A, W, At> =
    Then<Both<BinGlobal<O, I, D, G, B>, GlobalSet<P, H, V>>, Do<Store<Q, A, W, At>>>;
pub(crate) type GlobalSetBinThenReturn<O, I, P, G, A, B, L> =
    Then<GlobalSetBin<O, I, G, A, B>, Return<P, L>>;
pub(crate) type GlobalSetBinThenReturnValue<O, I, P, G, A, B, L, V> =
    Then<GlobalSetBin<O, I, G, A, B>, ReturnValue<P, L, V>>;
pub(crate) type LoadThenGlobalSetBin<O, P, I, D, A, At, G, B, C> =
    Then<Load<O, D, A, At>, Do<GlobalSetBin<P, I, G, B, C>>>;
pub(crate) type LoadThenGlobalSetBinThenReturnValue<O, P, I, Q, D, A, At, G, B, C, L, V> =
    Then<Both<Load<O, D, A, At>, GlobalSetBin<P, I, G, B, C>>, ReturnValue<Q, L, V>>;

pub(crate) type LoadThenCall<O, C, D, A, At, F, Ba, L> =
    SetThenCall<Load<O, D, A, At>, C, F, Ba, L>;
pub(crate) type BinThenCall<O, C, D, A, B, F, Ba, L> = ThenCall<IntBinary<O, D, A, B>, C, F, Ba, L>;
pub(crate) type CopyThenCall<O, C, D, A, F, Ba, L> = ThenCall<CopyValue<O, D, A>, C, F, Ba, L>;
pub(crate) type CopyThenCopyThenCall<O, P, C, D, A, E, B, F, Ba, L> =
    ThenCall<Both<CopyValue<O, D, A>, CopyValue<P, E, B>>, C, F, Ba, L>;
pub(crate) type CopyThenBinThenCall<O, P, C, D, A, E, G, H, F, Ba, L> =
    ThenCall<Both<CopyValue<O, D, A>, IntBinary<P, E, G, H>>, C, F, Ba, L>;
pub(crate) type BinThenCopyThenCall<O, P, C, D, A, B, E, G, F, Ba, L> =
    ThenCall<Both<IntBinary<O, D, A, B>, CopyValue<P, E, G>>, C, F, Ba, L>;
pub(crate) type BinThenBinThenCall<O, P, C, D, A, B, E, G, H, F, Ba, L> =
    ThenCall<Both<IntBinary<O, D, A, B>, IntBinary<P, E, G, H>>, C, F, Ba, L>;
