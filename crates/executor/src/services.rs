//! What instructions do outside of the dispatch loop.
//!
//! Growth asks the store's limiter, and bulk operations work on whole entities: neither
//! belongs into a handler. Such an instruction leaves the loop, the driver runs its
//! *service*, and the loop goes on with the next instruction. Panics in a limiter unwind
//! through ordinary Rust frames.
//!
//! Leaving the loop takes as long as moving a hundred bytes, so the handlers of `memory.fill` and
//! `memory.copy` do it themselves. Only what they find out of bounds or not paid for is the
//! service's, which says what is wrong.
//!
//! In a store that meters, the work costs fuel in proportion, taken before it is done: a unit
//! for every 64 bytes begun. Growth is paid for unless the type rules it out; what the
//! limiter refuses has been paid for.
#![expect(
    unsafe_code,
    reason = "reads operands and entities that the verifier has checked"
)]

use crate::dispatch::{Exit, Instruction, exit, next};
use crate::driver::REQUIRED_FUEL;
use crate::place::{Place, Slot, cells, read_u16, read_u32};
use core::marker::PhantomData;
use damson_core::context::{Context, Regs};
use damson_core::error::GrowError;
use damson_core::instance::InstanceEntity;
use damson_core::memory::MemoryEntity;
use damson_core::table::TableEntity;
use damson_core::types::{MAX_PAGES, PAGE_SIZE};
use damson_core::{Cell, PrunedMut, TrapCode, fuel};

/// What an instruction does outside of the loop.
///
/// # Safety
///
/// The saved registers of the store's context are those of the instruction.
pub(crate) type Service = unsafe fn(&mut PrunedMut<'_>) -> Result<(), TrapCode>;

/// A thing to do for the running instance.
trait Serve {
    /// Size of the operands.
    const BYTES: usize;
    /// Whether a memory may be another size afterwards, or elsewhere.
    const GROWS: bool = false;
    /// Does it.
    ///
    /// # Safety
    ///
    /// `at` holds the registers of an instruction with these operands, `cx` is the context of
    /// `store` and runs that instruction.
    unsafe fn serve(store: &mut PrunedMut<'_>, cx: *mut Context, at: &Regs)
    -> Result<(), TrapCode>;
}

/// Runs the service and makes the registers those of the next instruction.
///
/// # Safety
///
/// As for [`Service`].
unsafe fn run_service<S: Serve>(store: &mut PrunedMut<'_>) -> Result<(), TrapCode> {
    let cx = store.context().as_ptr();
    // SAFETY: as the caller promises; no reference to the context is alive.
    unsafe {
        let regs = (*cx).regs;
        S::serve(store, cx, &regs)?;
        (*cx).regs.ip = regs.ip.add(cells(S::BYTES));
        if S::GROWS {
            (*cx).regs.mem0 = (*cx).refresh_mem0();
        }
    }
    Ok(())
}

/// Leaves the loop for the service `S`.
///
/// # Safety
///
/// As for [`handler`](crate::dispatch::handler).
#[inline(always)]
unsafe fn exit_for<S: Serve>(cx: *mut Context, regs: Regs) -> Exit {
    // SAFETY: as the caller promises.
    unsafe {
        let service: Service = run_service::<S>;
        (*cx).exit_detail[0] = (service as *const ()).expose_provenance() as u64;
        exit(cx, regs, Exit::SERVICE)
    }
}

/// Does in the loop what a service would do, if that is a matter of moving bytes.
trait InLoop: Serve {
    /// Does it if the operands allow that and it is paid for; otherwise nothing has happened.
    ///
    /// # Safety
    ///
    /// As for [`handler`](crate::dispatch::handler).
    unsafe fn try_run(cx: *mut Context, regs: &mut Regs) -> bool;
}

/// Declares the instructions of families whose work is a service. The word `in_loop` stands
/// where the handler tries to do it first, `grows` where a memory may grow.
macro_rules! services {
    (@try in_loop $cx:ident $regs:ident) => {
        if Self::try_run($cx, &mut $regs) {
            return next($cx, $regs, cells(<Self as Serve>::BYTES));
        }
    };
    (@try grows $cx:ident $regs:ident) => {};
    (@grows grows) => { true };
    (@grows in_loop) => { false };
    ($( $(#[$doc:meta])* $Family:ident<$($Place:ident),*> = $bytes:literal $($how:ident)?, |$store:ident, $cx:ident, $at:ident| $serve:expr; )*) => {$(
        $(#[$doc])*
        pub(crate) struct $Family<Op, $($Place),*>(PhantomData<(Op, $($Place),*)>);

        impl<Op, $($Place),*> Serve for $Family<Op, $($Place),*> {
            const BYTES: usize = $bytes;
            $(const GROWS: bool = services!(@grows $how);)?
            unsafe fn serve($store: &mut PrunedMut<'_>, $cx: *mut Context, $at: &Regs) -> Result<(), TrapCode> {
                // SAFETY: as the caller promises; the verifier has checked that the instance
                // has the entities that the operands name.
                unsafe { $serve }
            }
        }

        impl<Op, $($Place),*> Instruction for $Family<Op, $($Place),*> {
            const BYTES: usize = <Self as Serve>::BYTES;
            #[inline(always)]
            #[allow(unused_mut, reason = "what is done in the loop may take fuel")]
            unsafe fn execute(cx: *mut Context, mut regs: Regs) -> Exit {
                // SAFETY: the registers are those of this instruction.
                unsafe {
                    $(services!(@try $how cx regs);)?
                    exit_for::<Self>(cx, regs)
                }
            }
        }
    )*};
}

services! {
    /// `memory.grow`
    MemoryGrow<D, M, N> = 8 grows, |store, cx, at| {
        let (handle, delta) = ((*memory(cx, at, 2)).handle(), word(at, 6));
        let (ty, size) = ((*memory(cx, at, 2)).ty(), (*memory(cx, at, 2)).pages());
        if size + delta <= ty.maximum().unwrap_or(MAX_PAGES) {
            charge(cx, delta * PAGE_SIZE as u64)?;
        }
        let result = grown(store.grow_memory(handle, delta))?;
        set_result(cx, at, Cell::new(result));
        Ok(())
    };
    /// `table.grow`
    TableGrow<D, T, V, N> = 10, |store, cx, at| {
        let (handle, value, delta) = ((*table(cx, at, 2)).handle(), cell(at, 6), word(at, 8));
        let (ty, size) = ((*table(cx, at, 2)).ty(), (*table(cx, at, 2)).size());
        if u64::from(size) + delta <= ty.maximum().unwrap_or(u32::MAX.into()) {
            charge_elements(cx, delta)?;
        }
        let result = grown(store.grow_table(handle, delta, value))?;
        set_result(cx, at, Cell::new(result));
        Ok(())
    };
    /// `memory.fill`
    MemoryFill<M, D, V, N> = 10 in_loop, |_store, cx, at| {
        let (dst, value, len) = (word(at, 4), Slot::read::<u32>(at, 6), word(at, 8));
        charge(cx, len)?;
        (*memory(cx, at, 0)).fill(dst, value as u8, len)
    };
    /// `memory.copy`
    MemoryCopy<T, F, D, S, N> = 14 in_loop, |_store, cx, at| {
        let (to, from) = (memory(cx, at, 0), memory(cx, at, 4));
        let (dst, src, len) = (word(at, 8), word(at, 10), word(at, 12));
        charge(cx, len)?;
        if core::ptr::eq(to, from) { (*to).copy_within(dst, src, len) } else { (*to).copy_from(dst, &*from, src, len) }
    };
    /// `memory.init`
    MemoryInit<M, S, D, F, N> = 14, |_store, cx, at| {
        let (dst, src, len) = (word(at, 8), word(at, 10), word(at, 12));
        charge(cx, len)?;
        let segment = (*(*cx).instance).data_segment(read_u32(at, 4));
        (*memory(cx, at, 0)).init(dst, segment, src, len)
    };
    /// `data.drop`
    DataDrop<S> = 4, |_store, cx, at| {
        (*instance(cx)).drop_data(read_u32(at, 0));
        Ok(())
    };
    /// `table.set`
    TableSet<T, I, V> = 8, |_store, cx, at| {
        (*table(cx, at, 0)).set(word(at, 4), cell(at, 6))
    };
    /// `table.fill`
    TableFill<T, D, V, N> = 10, |_store, cx, at| {
        let (dst, value, len) = (word(at, 4), cell(at, 6), word(at, 8));
        charge_elements(cx, len)?;
        (*table(cx, at, 0)).fill(dst, value, len)
    };
    /// `table.copy`
    TableCopy<T, F, D, S, N> = 14, |_store, cx, at| {
        let (to, from) = (table(cx, at, 0), table(cx, at, 4));
        let (dst, src, len) = (word(at, 8), word(at, 10), word(at, 12));
        charge_elements(cx, len)?;
        if core::ptr::eq(to, from) { (*to).copy_within(dst, src, len) } else { (*to).copy_from(dst, &*from, src, len) }
    };
    /// `table.init`
    TableInit<T, E, D, S, N> = 14, |_store, cx, at| {
        let (dst, src, len) = (word(at, 8), word(at, 10), word(at, 12));
        charge_elements(cx, len)?;
        let segment = (*(*cx).instance).element_segment(read_u32(at, 4));
        (*table(cx, at, 0)).init(dst, segment, src, len)
    };
    /// `elem.drop`
    ElemDrop<E> = 4, |_store, cx, at| {
        (*instance(cx)).drop_element(read_u32(at, 0));
        Ok(())
    };
}

impl<Op, M, D, V, N> InLoop for MemoryFill<Op, M, D, V, N> {
    #[inline(always)]
    unsafe fn try_run(cx: *mut Context, regs: &mut Regs) -> bool {
        // SAFETY: the registers are those of this instruction; the memory is one of a running
        // instance, and nothing refers to its bytes. Sums of 32-bit numbers fit.
        unsafe {
            let to = memory(cx, regs, 0);
            let (dst, value, len) = (word(regs, 4), word(regs, 6), word(regs, 8));
            if dst + len > (*to).len as u64 || !pay(cx, regs, len) {
                return false;
            }
            (*to)
                .base
                .add(dst as usize)
                .write_bytes(value as u8, len as usize);
        }
        true
    }
}

impl<Op, T, F, D, S, N> InLoop for MemoryCopy<Op, T, F, D, S, N> {
    #[inline(always)]
    unsafe fn try_run(cx: *mut Context, regs: &mut Regs) -> bool {
        // SAFETY: as for `MemoryFill`. The two may be one, and the bytes overlap.
        unsafe {
            let (to, from) = (memory(cx, regs, 0), memory(cx, regs, 4));
            let (dst, src, len) = (word(regs, 8), word(regs, 10), word(regs, 12));
            if dst + len > (*to).len as u64 || src + len > (*from).len as u64 || !pay(cx, regs, len)
            {
                return false;
            }
            let bytes = (*from).base.add(src as usize);
            (*to).base.add(dst as usize).copy_from(bytes, len as usize);
        }
        true
    }
}

/// Takes fuel from the register for a bulk operation on `len` bytes, if there is enough.
///
/// # Safety
///
/// `cx` is the running context.
#[inline(always)]
unsafe fn pay(cx: *mut Context, regs: &mut Regs, len: u64) -> bool {
    // SAFETY: as the caller promises.
    if unsafe { (*cx).metered } {
        let units = fuel::of_bytes(len) as f64;
        if regs.fuel < units {
            return false;
        }
        regs.fuel -= units;
    }
    true
}

/// The cell in the slot that the operand at `at` names.
///
/// # Safety
///
/// As for [`Place::read`].
unsafe fn cell(regs: &Regs, at: usize) -> Cell {
    // SAFETY: as the caller promises.
    Cell::from_bits(unsafe { Slot::read::<u64>(regs, at) })
}

/// The unsigned 32-bit number in the slot that the operand at `at` names.
///
/// # Safety
///
/// As for [`Place::read`].
unsafe fn word(regs: &Regs, at: usize) -> u64 {
    // SAFETY: as the caller promises.
    u64::from(unsafe { Slot::read::<u32>(regs, at) })
}

/// The memory that the operand at `at` names.
///
/// # Safety
///
/// As for [`Serve::serve`].
unsafe fn memory(cx: *mut Context, regs: &Regs, at: usize) -> *mut MemoryEntity {
    // SAFETY: as the caller promises; the verifier has checked the index.
    unsafe { *(*(*cx).instance).memories.add(read_u32(regs, at) as usize) }
}

/// The table that the operand at `at` names.
///
/// # Safety
///
/// As for [`Serve::serve`].
unsafe fn table(cx: *mut Context, regs: &Regs, at: usize) -> *mut TableEntity {
    // SAFETY: as the caller promises; the verifier has checked the index.
    unsafe { *(*(*cx).instance).tables.add(read_u32(regs, at) as usize) }
}

/// The running instance, to write to.
///
/// # Safety
///
/// As for [`Serve::serve`]: nothing else refers to the instance.
unsafe fn instance(cx: *mut Context) -> *mut InstanceEntity {
    // SAFETY: as the caller promises.
    unsafe { (*cx).instance.cast_mut() }
}

/// Writes the result of an instruction whose first operand is an `Rs`.
///
/// # Safety
///
/// As for [`Serve::serve`].
unsafe fn set_result(cx: *mut Context, at: &Regs, result: Cell) {
    // SAFETY: as the caller promises; the slot is in the frame.
    unsafe {
        *at.sp.add(read_u16(at, 0)) = result;
        (*cx).regs.acc = result.to_bits();
    }
}

/// The result of a growth: the old size, or -1 if there is none.
fn grown(result: Result<u64, GrowError>) -> Result<u32, TrapCode> {
    match result {
        // Memories have at most 2^16 pages, tables fewer than 2^32 elements.
        Ok(old) => Ok(old as u32),
        Err(error) => error.trap_code().map_or(Ok(u32::MAX), Err),
    }
}

/// Takes fuel for a bulk operation on `len` bytes.
///
/// # Safety
///
/// As for [`Serve::serve`].
unsafe fn charge(cx: *mut Context, len: u64) -> Result<(), TrapCode> {
    // SAFETY: as the caller promises.
    unsafe {
        if (*cx).metered {
            let units = fuel::of_bytes(len);
            let Some(left) = (*cx).fuel.checked_sub(units) else {
                (*cx).exit_detail[REQUIRED_FUEL] = units;
                return Err(TrapCode::OutOfFuel);
            };
            (*cx).fuel = left;
        }
    }
    Ok(())
}

/// Takes fuel for a bulk operation on `len` table elements of 8 bytes.
///
/// # Safety
///
/// As for [`Serve::serve`].
unsafe fn charge_elements(cx: *mut Context, len: u64) -> Result<(), TrapCode> {
    // SAFETY: as the caller promises.
    unsafe { charge(cx, len * size_of::<Cell>() as u64) }
}
