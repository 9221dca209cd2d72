//! How one instruction leads to the next.
//!
//! A handler receives the machine's registers as arguments, does its work and hands them on
//! to the next handler, of which the address stands in the code. There are two ways to do so:
//!
//! - *tail calls*, where the compiler turns the last call into a jump: every register stays
//!   where it is, and the processor predicts each handler's jump by itself;
//! - the *portable loop*, where a handler stores the registers and returns to a loop that
//!   calls the next one. It works everywhere, in unoptimised builds too.
//!
//! The choice is made by the build script, and this is the only file that knows of it.
//!
//! # Rules for handlers
//!
//! They keep a handler a handful of instructions without a stack frame; `cargo xtask
//! dispatch-audit` checks the result.
//!
//! - At most six integer arguments, and floats in registers of their own: LLVM makes no jump of a
//!   call that changes what is passed on the stack.
//! - No reference to a local may escape into a call.
//! - Slow paths are `#[cold] #[inline(never)]`, take scalars, and hide their result from the
//!   optimiser.
//! - `ip` never depends on data: a conditional branch is a branch, and both ways dispatch.
#![expect(unsafe_code, reason = "runs handlers by their address")]

use crate::driver::REQUIRED_FUEL;
use crate::expr::Fault;
use damson_core::context::{Context, Regs};
use damson_core::{Cell, TrapCode};

/// Why the dispatch loop was left: one machine word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct Exit(usize);

impl Exit {
    /// The function that the driver called has returned.
    pub(crate) const DONE: Self = Self(1);
    /// A function of another instance has returned.
    pub(crate) const RETURN_TO_INSTANCE: Self = Self(2);
    /// The entry in `exit_detail[0]` has no code; repeat the instruction when it has. The call
    /// is behind `exit_detail[1]` operations that can trap.
    pub(crate) const NEEDS_CODE: Self = Self(3);
    /// Call the function in `exit_detail[0]`, which is a host function or belongs to another
    /// instance. The instruction's operands from the byte `exit_detail[1]` on are base and
    /// linkage, its length in cells is in `exit_detail[2]`.
    pub(crate) const CALL: Self = Self(4);
    /// The same as a tail call; the operands are those of a `TailFrame`.
    pub(crate) const TAIL_CALL: Self = Self(5);
    /// Run the service in `exit_detail[0]`.
    pub(crate) const SERVICE: Self = Self(6);
    /// There is not enough fuel for the instruction; repeat it when there is.
    pub(crate) const OUT_OF_FUEL: Self = Self(7);
    /// The epoch's deadline is reached; go on with the next instruction.
    pub(crate) const EPOCH: Self = Self(8);
    /// The portable loop goes on; never leaves this file.
    #[cfg(not(damson_tail_dispatch))]
    const NEXT: Self = Self(0);
    /// Traps are above this number.
    const TRAP: usize = 0x100;

    /// A trap.
    #[inline(always)]
    pub(crate) const fn trap(code: TrapCode) -> Self {
        Self(Self::TRAP + code as usize)
    }

    /// The code of a trap.
    pub(crate) fn trap_code(self) -> Option<TrapCode> {
        let number = self.0.checked_sub(Self::TRAP)?;
        TrapCode::ALL
            .iter()
            .copied()
            .find(|&code| code as usize == number)
    }
}

/// Spells the signature of a handler for the calling convention of the target.
macro_rules! handler_signature {
    ($abi:literal) => {
        /// The address of a handler.
        pub(crate) type Handler =
            unsafe extern $abi fn(*mut Context, *const Cell, *mut Cell, *mut u8, u64, u64, f32, f64, f64) -> Exit;

        /// The handler of an instruction: its registers are its arguments.
        ///
        /// # Safety
        ///
        /// `ip` points to this instruction in code that was verified for the instance that
        /// `cx` runs, `sp` to a frame of that code on the stack of `cx`, and `mem0` to the
        /// bytes of the instance's memory 0.
        // Never a part of another handler, see `go_on_as`.
        #[inline(never)]
        pub(crate) unsafe extern $abi fn handler<I: Instruction>(
            cx: *mut Context,
            ip: *const Cell,
            sp: *mut Cell,
            mem0: *mut u8,
            acc: u64,
            head: u64,
            f32acc: f32,
            f64acc: f64,
            fuel: f64,
        ) -> Exit {
            // SAFETY: the caller's promise is the same.
            unsafe { I::execute(cx, Regs { ip, sp, mem0, acc, head, f32acc, f64acc, fuel }) }
        }

        /// Leaves the loop with a trap; the registers say where.
        ///
        /// # Safety
        ///
        /// `cx` is the running context.
        #[cold]
        #[inline(never)]
        unsafe extern $abi fn trap_at(
            cx: *mut Context,
            ip: *const Cell,
            sp: *mut Cell,
            code: TrapCode,
            // So that the fuel stays in its register.
            _f32acc: f32,
            _f64acc: f64,
            fuel: f64,
        ) -> Exit {
            // SAFETY: the running context is alive and no reference to it is.
            unsafe {
                (*cx).regs.ip = ip;
                (*cx).regs.sp = sp;
                (*cx).regs.fuel = fuel;
            }
            // The exit must not be known in the handler, or its jump here becomes a call.
            core::hint::black_box(Exit::trap(code))
        }

        /// Leaves the loop with all registers saved.
        ///
        /// # Safety
        ///
        /// `cx` is the running context.
        #[cold]
        #[inline(never)]
        unsafe extern $abi fn save(
            cx: *mut Context,
            ip: *const Cell,
            sp: *mut Cell,
            mem0: *mut u8,
            acc: u64,
            head: u64,
            f32acc: f32,
            f64acc: f64,
            fuel: f64,
        ) -> Exit {
            // SAFETY: the running context is alive and no reference to it is.
            unsafe {
                (*cx).regs = Regs { ip, sp, mem0, acc, head, f32acc, f64acc, fuel };
                core::hint::black_box(Exit((*cx).exit))
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
handler_signature!("sysv64");
#[cfg(not(target_arch = "x86_64"))]
handler_signature!("C");

/// An instruction: what its handler does.
pub(crate) trait Instruction {
    /// Size of the operands; the instruction table says the same, which is checked when the
    /// handler table is made.
    const BYTES: usize;

    /// Executes the instruction and what follows it.
    ///
    /// # Safety
    ///
    /// As for [`handler`].
    unsafe fn execute(cx: *mut Context, regs: Regs) -> Exit;
}

/// Runs the instruction that `regs.ip` points to, and what follows it.
///
/// # Safety
///
/// As for [`handler`].
#[inline(always)]
pub(crate) unsafe fn dispatch(cx: *mut Context, regs: Regs) -> Exit {
    #[cfg(damson_tail_dispatch)]
    {
        // SAFETY: `ip` points to an instruction of threaded code.
        unsafe { enter(handler_at(regs.ip), cx, regs) }
    }
    #[cfg(not(damson_tail_dispatch))]
    {
        // SAFETY: the running context is alive and no reference to it is.
        unsafe { (*cx).regs = regs };
        Exit::NEXT
    }
}

/// Goes on in the handler of `I`, which is no part of this one: what many handlers have in common
/// is there once.
///
/// # Safety
///
/// As for [`handler`], but for what `I` says of `ip`.
#[inline(always)]
pub(crate) unsafe fn go_on_as<I: Instruction>(cx: *mut Context, regs: Regs) -> Exit {
    // SAFETY: as the caller promises.
    unsafe { enter(handler::<I>, cx, regs) }
}

/// Calls a handler: the registers are its arguments.
///
/// # Safety
///
/// As for [`handler`], of which this is one.
#[inline(always)]
unsafe fn enter(handler: Handler, cx: *mut Context, regs: Regs) -> Exit {
    let Regs {
        ip,
        sp,
        mem0,
        acc,
        head,
        f32acc,
        f64acc,
        fuel,
    } = regs;
    // SAFETY: as the caller promises.
    unsafe { handler(cx, ip, sp, mem0, acc, head, f32acc, f64acc, fuel) }
}

/// The same as [`dispatch`] for one of several ways out of a handler, which has a number among
/// those: keeps the compiler from merging the jumps of two into one, which would predict worse.
///
/// # Safety
///
/// As for [`handler`].
#[inline(always)]
#[cfg_attr(
    damson_tail_dispatch,
    expect(
        clippy::pointers_in_nomem_asm_block,
        reason = "the text is a comment: it touches no memory"
    )
)]
pub(crate) unsafe fn dispatch_apart<const WAY: u8>(cx: *mut Context, regs: Regs) -> Exit {
    #[cfg(damson_tail_dispatch)]
    {
        let mut ip = regs.ip;
        // SAFETY: `ip` points to an instruction of threaded code.
        let mut next = unsafe { handler_at(ip) };
        // SAFETY: the text is a comment; the operands only make this place differ from others.
        unsafe {
            core::arch::asm!(
                "/* {0} {1} {2} */", inout(reg) ip, inout(reg) next, const WAY,
                options(pure, nomem, nostack, preserves_flags)
            );
            enter(next, cx, Regs { ip, ..regs })
        }
    }
    #[cfg(not(damson_tail_dispatch))]
    {
        // SAFETY: as the caller promises.
        unsafe { dispatch(cx, regs) }
    }
}

/// The same number, of which the compiler knows nothing: a loop that counts with it is
/// neither unrolled nor replaced by a call, for which a handler would have to save registers.
#[inline(always)]
pub(crate) fn opaque(number: usize) -> usize {
    #[cfg(damson_tail_dispatch)]
    {
        let mut same = number;
        // SAFETY: the text is a comment, the number stays in its register.
        unsafe {
            core::arch::asm!(
                "/* {0} */", inout(reg) same,
                options(pure, nomem, nostack, preserves_flags)
            );
        }
        same
    }
    #[cfg(not(damson_tail_dispatch))]
    number
}

/// The same number, computed before what follows, also if only one way out of what follows
/// needs it: until then its operands would take more registers than it.
#[inline(always)]
pub(crate) fn computed(number: u64) -> u64 {
    #[cfg(damson_tail_dispatch)]
    {
        let mut same = number;
        // SAFETY: the text is a comment, the number stays in its register.
        unsafe {
            core::arch::asm!(
                "/* {0} */", inout(reg) same,
                options(nomem, nostack, preserves_flags)
            );
        }
        same
    }
    #[cfg(not(damson_tail_dispatch))]
    number
}

/// Goes on with the instruction that starts `cells` after this one.
///
/// # Safety
///
/// As for [`handler`]; `cells` is the length of this instruction, which is no terminator.
#[inline(always)]
pub(crate) unsafe fn next(cx: *mut Context, mut regs: Regs, cells: usize) -> Exit {
    // SAFETY: verified code never ends after an instruction that is no terminator.
    unsafe {
        regs.ip = regs.ip.add(cells);
        dispatch(cx, regs)
    }
}

/// Leaves the loop with a trap.
///
/// # Safety
///
/// As for [`handler`].
#[inline(always)]
pub(crate) unsafe fn trap(cx: *mut Context, regs: Regs, fault: impl Into<Fault>) -> Exit {
    let Fault { code, site } = fault.into();
    // A tile has no fewer cells than operations that can trap: each of them stands for one.
    // SAFETY: as the caller promises.
    unsafe {
        let Regs {
            sp,
            f32acc,
            f64acc,
            fuel,
            ..
        } = regs;
        trap_at(
            cx,
            regs.ip.wrapping_add(site),
            sp,
            code,
            f32acc,
            f64acc,
            fuel,
        )
    }
}

/// Leaves the loop for the driver with all registers saved.
///
/// # Safety
///
/// As for [`handler`].
#[inline(always)]
pub(crate) unsafe fn exit(cx: *mut Context, regs: Regs, exit: Exit) -> Exit {
    // SAFETY: as the caller promises.
    unsafe {
        (*cx).exit = exit.0;
        enter(save, cx, regs)
    }
}

/// The handler of the instruction at `ip`.
///
/// # Safety
///
/// `ip` points to an instruction of threaded code.
#[inline(always)]
unsafe fn handler_at(ip: *const Cell) -> Handler {
    // SAFETY: the first cell of an instruction in threaded code holds the address of its
    // handler, which was exposed when the code was threaded.
    unsafe {
        let address = (*ip).to_bits();
        #[cfg(feature = "count")]
        let address = crate::count::address(address);
        let address = core::ptr::with_exposed_provenance::<()>(address as usize);
        core::mem::transmute::<*const (), Handler>(address)
    }
}

/// The most fuel that is lent to the loop at a time: a float holds every whole number up to
/// 2^53. Nobody can wait until that is used up, so debug builds lend less.
const MOST_FUEL: u64 = if cfg!(debug_assertions) { 100 } else { 1 << 53 };

/// Runs from the saved registers on until something leaves the loop.
///
/// The loop has fuel in a register. In memory, what one charge leaves would be what the next
/// one has to wait for, which is most of the time of a short loop. There is a register to
/// spare for a float only: subtracting whole numbers is exact in one.
///
/// # Safety
///
/// `cx` is a context of which the saved registers meet the conditions of [`handler`].
pub(crate) unsafe fn run(cx: *mut Context) -> Exit {
    // SAFETY: the context is alive, and no reference to it is while the loop runs.
    unsafe {
        // There is nothing to lend: as a rule, since the store does not meter.
        if (*cx).fuel == 0 {
            return run_with_saved_fuel(cx);
        }
        let mut required = 0;
        loop {
            let lent = (*cx).fuel.min(MOST_FUEL.max(required));
            (*cx).fuel -= lent;
            (*cx).regs.fuel = lent as f64;
            let exit = run_with_saved_fuel(cx);
            (*cx).fuel += (*cx).regs.fuel as u64;
            (*cx).regs.fuel = 0.0;
            // More than what was lent may be left. What is required fits 32 bits.
            required = (*cx).exit_detail[REQUIRED_FUEL];
            if exit != Exit::OUT_OF_FUEL || (*cx).fuel < required {
                return exit;
            }
        }
    }
}

/// The same with the fuel that is in the saved registers.
///
/// # Safety
///
/// As for [`run`].
unsafe fn run_with_saved_fuel(cx: *mut Context) -> Exit {
    #[cfg(damson_tail_dispatch)]
    // SAFETY: as the caller promises.
    unsafe {
        dispatch(cx, (*cx).regs)
    }
    #[cfg(not(damson_tail_dispatch))]
    loop {
        // SAFETY: the saved registers meet the conditions at first by the caller's promise,
        // then because each handler leaves them so.
        let exit = unsafe {
            let regs = (*cx).regs;
            #[cfg(feature = "count")]
            crate::count::note(regs.ip, *regs.ip);
            enter(handler_at(regs.ip), cx, regs)
        };
        if exit != Exit::NEXT {
            return exit;
        }
    }
}
