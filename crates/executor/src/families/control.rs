//! Branches, returns, fuel, and what moves several slots.
#![expect(unsafe_code, reason = "moves slots that the verifier has checked")]

use super::Last;
use crate::dispatch::{
    Exit, Instruction, dispatch, dispatch_apart, exit, go_on_as, next, opaque, trap,
};
use crate::driver::REQUIRED_FUEL;
use crate::expr::Expr;
use crate::ops;
use crate::place::{Value, cells, operand, read_u16, read_u32, slot_at};
use crate::threading::{CHARGE_CELLS, CHARGES, LEAST_THAT_CHARGES};
use core::hint::cold_path;
use core::marker::PhantomData;
use core::ptr;
use damson_core::context::{Context, Regs};
use damson_core::{Cell, TrapCode};

/// Whether a branch goes back to a beginning that is kept in a register, by its distance in cells.
#[inline(always)]
fn is_short_way_back(by: isize) -> bool {
    (-24..=0).contains(&by)
}

/// Goes to the target that the operand at `at` gives.
///
/// What comes next, the processor has foreseen. But where that stands it would have to wait
/// for: the distance is read from code, and no operand of what follows can be read before.
/// In a short loop this is what a round takes. So the target of the last branch backwards is
/// kept in a register. If this branch goes there again, which is a thing to foresee as well,
/// `ip` is taken from the register, and nothing waits for the distance but the comparison that
/// confirms it. In long loops other work hides the wait, so they leave the register to those
/// inside of them.
///
/// A branch to what charges fuel charges itself. Where that is not a round of a short loop, one
/// place does it for all: the code would be larger by half otherwise.
///
/// # Safety
///
/// As for [`handler`](crate::dispatch::handler); there is a branch target at `at`.
#[inline(always)]
pub(crate) unsafe fn jump(cx: *mut Context, mut regs: Regs, at: usize) -> Exit {
    // SAFETY: the verifier has checked that an instruction starts at the target, and threading
    // has marked it if that is one that charges. The register holds zero or the exposed address
    // of an instruction; an equal address is the same.
    unsafe {
        let by = read_u32(&regs, at).cast_signed() as isize;
        // A mark leads out of the code, where no pointer may point.
        let target = regs.ip.wrapping_offset(by);
        if is_short_way_back(by) {
            if opaque(target.addr() ^ regs.head as usize) == 0 {
                regs.ip = ptr::with_exposed_provenance(regs.head as usize);
                return dispatch_apart::<1>(cx, regs);
            }
            cold_path();
            regs.head = target.expose_provenance() as u64;
            regs.ip = target;
            return dispatch_apart::<2>(cx, regs);
        }
        if by < LEAST_THAT_CHARGES {
            regs.ip = target;
            return dispatch_apart::<3>(cx, regs);
        }
        let by = by - CHARGES;
        regs.ip = regs.ip.offset(by);
        if !is_short_way_back(by) {
            return go_on_as::<Charge>(cx, regs);
        }
        if opaque(regs.ip.addr() ^ regs.head as usize) == 0 {
            regs.ip = ptr::with_exposed_provenance(regs.head as usize);
            return charge::<4, Charge>(cx, regs);
        }
        cold_path();
        regs.head = regs.ip.expose_provenance() as u64;
        go_on_as::<Charge>(cx, regs)
    }
}

/// Charges for a stretch of code that a branch goes to; `ip` points to what says how much. Not in
/// the table: only branches go on as this.
struct Charge;

impl Instruction for Charge {
    const BYTES: usize = 4;
    #[inline(always)]
    unsafe fn execute(cx: *mut Context, regs: Regs) -> Exit {
        // SAFETY: the registers are those of a `ConsumeFuel`.
        unsafe { charge::<0, OutOfFuel>(cx, regs) }
    }
}

/// `goto target`
pub(crate) struct Br<Op, T>(PhantomData<(Op, T)>);

impl<Op, T> Instruction for Br<Op, T> {
    const BYTES: usize = 4;
    #[inline(always)]
    unsafe fn execute(cx: *mut Context, regs: Regs) -> Exit {
        // SAFETY: the registers are those of this instruction, whose operand is a target.
        unsafe { jump(cx, regs, 0) }
    }
}

impl<Op, T> Last for Br<Op, T> {
    const BYTES: usize = 4;
    #[inline(always)]
    unsafe fn run(cx: *mut Context, regs: Regs, at: usize, _bytes: usize, _sites: usize) -> Exit {
        // SAFETY: as the caller promises; the operand is a target.
        unsafe { jump(cx, regs, at) }
    }
}

/// `goto targets[min(index, last)]`
pub(crate) struct BrTable<Op, I, T>(PhantomData<(Op, I, T)>);

impl<Op, I: Expr<u32>, T> Instruction for BrTable<Op, I, T> {
    const BYTES: usize = I::BYTES + 4;
    #[inline(always)]
    unsafe fn execute(cx: *mut Context, mut regs: Regs) -> Exit {
        // SAFETY: the verifier has checked that there is at least one target, that the
        // targets follow the operands, and that instructions start there. Threading has
        // marked those that charge.
        unsafe {
            let index = match I::eval(cx, &regs, 0, 0) {
                Ok(index) => index,
                Err(fault) => return trap(cx, regs, fault),
            };
            let last = read_u32(&regs, I::BYTES) - 1;
            let targets = regs.ip.add(cells(Self::BYTES)).cast::<i32>();
            let by = *targets.add(index.min(last) as usize) as isize;
            if by >= LEAST_THAT_CHARGES {
                regs.ip = regs.ip.offset(by - CHARGES);
                return charge::<1, Charge>(cx, regs);
            }
            regs.ip = regs.ip.offset(by);
            dispatch(cx, regs)
        }
    }
}

/// Traps.
pub(crate) struct Unreachable<Op>(PhantomData<Op>);

impl<Op> Instruction for Unreachable<Op> {
    const BYTES: usize = 0;
    #[inline(always)]
    unsafe fn execute(cx: *mut Context, regs: Regs) -> Exit {
        // SAFETY: the registers are those of this instruction.
        unsafe { trap(cx, regs, TrapCode::UnreachableCodeReached) }
    }
}

/// `fuel -= amount`. Without enough fuel the loop is left with all registers, as the embedder
/// may give some more.
pub(crate) struct ConsumeFuel<Op, N>(PhantomData<(Op, N)>);

impl<Op, N> Instruction for ConsumeFuel<Op, N> {
    const BYTES: usize = 4;
    #[inline(always)]
    unsafe fn execute(cx: *mut Context, regs: Regs) -> Exit {
        const { assert!(cells(Self::BYTES) == 1 + CHARGE_CELLS) };
        // SAFETY: the registers are those of this instruction.
        unsafe { charge::<0, OutOfFuel>(cx, regs) }
    }
}

/// Charges fuel as the instruction at `ip` says, and goes on after it; if there is too little, as
/// `Without`.
///
/// # Safety
///
/// As for [`handler`](crate::dispatch::handler) of [`ConsumeFuel`].
#[inline(always)]
unsafe fn charge<const WAY: u8, Without: Instruction>(cx: *mut Context, mut regs: Regs) -> Exit {
    // SAFETY: threading has made the operand a float, which has the cell to itself; the running
    // context is alive and no reference to it is.
    unsafe {
        let amount = operand::<f64>(&regs, 0);
        if regs.fuel >= amount {
            regs.fuel -= amount;
            regs.ip = regs.ip.add(1 + CHARGE_CELLS);
            dispatch_apart::<WAY>(cx, regs)
        } else {
            cold_path();
            go_on_as::<Without>(cx, regs)
        }
    }
}

/// Leaves the loop for more fuel; `ip` points to what says how much. Not in the table.
struct OutOfFuel;

impl Instruction for OutOfFuel {
    const BYTES: usize = 4;
    #[inline(always)]
    unsafe fn execute(cx: *mut Context, regs: Regs) -> Exit {
        // SAFETY: as in `charge`.
        unsafe {
            (*cx).exit_detail[REQUIRED_FUEL] = operand::<f64>(&regs, 0) as u64;
            exit(cx, regs, Exit::OUT_OF_FUEL)
        }
    }
}

/// Leaves the loop if the epoch has reached the deadline.
pub(crate) struct CheckEpoch<Op>(PhantomData<Op>);

impl<Op> Instruction for CheckEpoch<Op> {
    const BYTES: usize = 0;
    #[inline(always)]
    unsafe fn execute(cx: *mut Context, regs: Regs) -> Exit {
        // SAFETY: the registers are those of this instruction; the running context is alive
        // and no reference to it is, and its epoch lives as long.
        unsafe {
            if (*(*cx).epoch).now() < (*cx).epoch_deadline {
                next(cx, regs, cells(Self::BYTES))
            } else {
                exit(cx, regs, Exit::EPOCH)
            }
        }
    }
}

/// Leaves the frame: goes on where its linkage says.
///
/// # Safety
///
/// As for [`handler`](crate::dispatch::handler); `linkage` is the first linkage slot.
#[inline(always)]
unsafe fn leave_frame(cx: *mut Context, mut regs: Regs, linkage: usize) -> Exit {
    // SAFETY: the linkage was written by the call that made this frame, and the verifier has
    // checked that no instruction of the frame's function writes it; both pointers were
    // exposed then. The caller's code is alive: its instance is.
    unsafe {
        let link = regs.sp.add(linkage);
        regs.ip = ptr::with_exposed_provenance((*link).to_bits() as usize);
        regs.sp = ptr::with_exposed_provenance_mut((*link.add(1)).to_bits() as usize);
        (*cx).depth_left += 1;
        dispatch(cx, regs)
    }
}

/// Returns; the results are in place.
pub(crate) struct Return<Op, L>(PhantomData<(Op, L)>);

impl<Op, L> Instruction for Return<Op, L> {
    const BYTES: usize = <Self as Last>::BYTES;
    #[inline(always)]
    unsafe fn execute(cx: *mut Context, regs: Regs) -> Exit {
        // SAFETY: the registers are those of this instruction.
        unsafe { Self::run(cx, regs, 0, <Self as Last>::BYTES, 0) }
    }
}

impl<Op, L> Last for Return<Op, L> {
    const BYTES: usize = 2;
    #[inline(always)]
    unsafe fn run(cx: *mut Context, regs: Regs, at: usize, _bytes: usize, _sites: usize) -> Exit {
        // SAFETY: the operand is the linkage slot.
        unsafe { leave_frame(cx, regs, read_u16(&regs, at)) }
    }
}

/// Returns one value.
pub(crate) struct ReturnValue<Op, L, S>(PhantomData<(Op, L, S)>);

impl<Op: ops::Class, L, S: Expr<Op::Value>> Instruction for ReturnValue<Op, L, S> {
    const BYTES: usize = <Self as Last>::BYTES;
    #[inline(always)]
    unsafe fn execute(cx: *mut Context, regs: Regs) -> Exit {
        // SAFETY: the registers are those of this instruction.
        unsafe { Self::run(cx, regs, 0, <Self as Last>::BYTES, 0) }
    }
}

impl<Op: ops::Class, L, S: Expr<Op::Value>> Last for ReturnValue<Op, L, S> {
    const BYTES: usize = 2 + S::BYTES;
    #[inline(always)]
    unsafe fn run(
        cx: *mut Context,
        mut regs: Regs,
        at: usize,
        _bytes: usize,
        sites: usize,
    ) -> Exit {
        // SAFETY: the operand is the linkage slot; the function has one result, so slot 0 is
        // below it.
        unsafe {
            let value = match S::eval(cx, &regs, at + 2, sites) {
                Ok(value) => value,
                Err(fault) => return trap(cx, regs, fault),
            };
            value.to_acc(&mut regs);
            let linkage = read_u16(&regs, at);
            *regs.sp = Cell::new(value);
            leave_frame(cx, regs, linkage)
        }
    }
}

/// Returns several values.
pub(crate) struct ReturnSpan<Op, L, S, N>(PhantomData<(Op, L, S, N)>);

impl<Op, L, S, N> Instruction for ReturnSpan<Op, L, S, N> {
    const BYTES: usize = 8;
    #[inline(always)]
    unsafe fn execute(cx: *mut Context, regs: Regs) -> Exit {
        // SAFETY: the verifier has checked the span; the results fit below the linkage.
        unsafe {
            copy_down(regs.sp, slot_at(&regs, 2), read_u32(&regs, 4));
            leave_frame(cx, regs, read_u16(&regs, 0))
        }
    }
}

/// Copies `count` cells to a lower or the same address.
///
/// # Safety
///
/// Both spans are on the stack, and `to` is not above `from`.
#[inline(always)]
pub(crate) unsafe fn copy_down(to: *mut Cell, from: *const Cell, count: u32) {
    let (mut index, count) = (0, count as usize);
    while index < count {
        // SAFETY: as the caller promises.
        unsafe { *to.add(index) = *from.add(index) };
        index = opaque(index + 1);
    }
}

/// Copies several slots; the spans may overlap.
pub(crate) struct CopySpan<Op, D, S, N>(PhantomData<(Op, D, S, N)>);

impl<Op, D, S, N> Instruction for CopySpan<Op, D, S, N> {
    const BYTES: usize = 8;
    #[inline(always)]
    unsafe fn execute(cx: *mut Context, regs: Regs) -> Exit {
        // SAFETY: the verifier has checked both spans.
        unsafe {
            let (to, from, count) = (slot_at(&regs, 0), slot_at(&regs, 2), read_u32(&regs, 4));
            if to <= from {
                copy_down(to, from, count);
            } else {
                let mut index = count as usize;
                while index > 0 {
                    index = opaque(index - 1);
                    *to.add(index) = *from.add(index);
                }
            }
            next(cx, regs, cells(Self::BYTES))
        }
    }
}

/// Sets several slots to zero.
pub(crate) struct Zero<Op, D, N>(PhantomData<(Op, D, N)>);

impl<Op, D, N> Instruction for Zero<Op, D, N> {
    const BYTES: usize = 6;
    #[inline(always)]
    unsafe fn execute(cx: *mut Context, regs: Regs) -> Exit {
        // SAFETY: the verifier has checked the span.
        unsafe {
            let (to, mut index) = (slot_at(&regs, 0), read_u32(&regs, 2) as usize);
            while index > 0 {
                index = opaque(index - 1);
                *to.add(index) = Cell::ZERO;
            }
            next(cx, regs, cells(Self::BYTES))
        }
    }
}

/// What a function called by the driver returns to. Not in the table: only the driver makes
/// it.
pub(crate) struct Halt;

impl Instruction for Halt {
    const BYTES: usize = 0;
    #[inline(always)]
    unsafe fn execute(cx: *mut Context, regs: Regs) -> Exit {
        // SAFETY: the registers are those of this instruction.
        unsafe { exit(cx, regs, Exit::DONE) }
    }
}

/// What a function of another instance returns to. Not in the table: only the driver makes it.
pub(crate) struct ReturnToInstance;

impl Instruction for ReturnToInstance {
    const BYTES: usize = 0;
    #[inline(always)]
    unsafe fn execute(cx: *mut Context, regs: Regs) -> Exit {
        // SAFETY: the registers are those of this instruction.
        unsafe { exit(cx, regs, Exit::RETURN_TO_INSTANCE) }
    }
}
