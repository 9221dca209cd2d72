//! Calls and tail calls.
//!
//! A call within an instance happens here. Everything else leaves the loop: calls of host
//! functions and of other instances, and functions without code.
#![expect(unsafe_code, reason = "makes frames that the verifier has checked")]

use super::control::copy_down;
use super::{Set, Statement};
use crate::code::{Code, CodeBox};
use crate::dispatch::{Exit, Instruction, dispatch, exit, trap};
use crate::expr::{Expr, Fault};
use crate::place::{Dst, Place, Value, cells, read_u16, read_u32};
use core::hint::cold_path;
use core::marker::PhantomData;
use core::ptr;
use damson_core::context::{Context, Regs};
use damson_core::entry::CodeEntry;
use damson_core::func::FuncEntity;
use damson_core::instance::InstanceEntity;
use damson_core::{Cell, TrapCode};

/// Exposes a pointer as the content of a cell.
#[inline(always)]
pub(crate) fn expose<T>(pointer: *const T) -> Cell {
    Cell::from_bits(pointer.expose_provenance() as u64)
}

/// Whether a frame of `code` at `sp` fits the stack.
///
/// # Safety
///
/// `cx` is the running context, `sp` on its stack, `code` code.
#[inline(always)]
unsafe fn fits(cx: *mut Context, sp: *mut Cell, code: *const Code) -> bool {
    // SAFETY: as the caller promises; the stack's end is not below any frame.
    unsafe { ((*cx).stack_end.addr() - sp.addr()) >= (*code).frame_bytes }
}

/// The code at an entry of an instance's functions, or null.
///
/// # Safety
///
/// `entry` is valid, and from a [`CodeMap`](crate::CodeMap).
#[inline(always)]
pub(crate) unsafe fn code_at(entry: *const CodeEntry) -> *const Code {
    // SAFETY: as the caller promises; every entry that a code map hands out is one of `Code`.
    unsafe { (*entry.cast::<CodeEntry<CodeBox>>()).as_ptr() }
}

/// The running instance. Read anew each time: to keep it would take a register that is not
/// there.
///
/// # Safety
///
/// `cx` is the running context.
#[inline(always)]
unsafe fn instance(cx: *mut Context) -> *const InstanceEntity {
    // SAFETY: as the caller promises.
    unsafe { (&raw const (*cx).instance).read_volatile() }
}

/// Where the operands of a call stand that say where its frame goes. They are read late:
/// there are three registers to work with, and cold paths leave them to the driver.
#[derive(Clone, Copy)]
struct Frame {
    /// Byte position of the callee's base, counted from the caller's, with the callee's
    /// linkage after it.
    at: usize,
    /// Length of the call instruction in cells.
    cells: usize,
    /// How many operations before the call can trap: where a failure of the call is.
    site: usize,
}

impl Frame {
    /// The call does not happen.
    #[inline(always)]
    const fn overflow(self) -> Fault {
        Fault {
            code: TrapCode::StackOverflow,
            site: self.site,
        }
    }
}

/// Calls a function of the running instance.
///
/// # Safety
///
/// As for [`handler`](crate::dispatch::handler); `entry` is the one of a function whose type
/// agrees with `frame`.
#[inline(always)]
unsafe fn call_code(cx: *mut Context, regs: Regs, entry: *const CodeEntry, frame: Frame) -> Exit {
    // SAFETY: the verifier has checked that arguments and results are in the caller's frame
    // above its linkage; that the callee's frame fits is checked here.
    unsafe {
        let code = code_at(entry);
        if code.is_null() {
            return need_code(cx, regs, entry, 0);
        }
        enter(cx, regs, code, frame)
    }
}

/// The same with the callee's code.
///
/// # Safety
///
/// As for [`call_code`]; `code` is that of the function.
#[inline(always)]
unsafe fn enter(cx: *mut Context, mut regs: Regs, code: *const Code, frame: Frame) -> Exit {
    // SAFETY: as in `call_code`.
    unsafe {
        let sp = regs.sp.add(read_u16(&regs, frame.at));
        if !fits(cx, sp, code) {
            return trap(cx, regs, frame.overflow());
        }
        let depth_left = (*cx).depth_left;
        if depth_left == 0 {
            return trap(cx, regs, frame.overflow());
        }
        (*cx).depth_left = depth_left - 1;
        let link = regs.sp.add(read_u16(&regs, frame.at + 2));
        *link = expose(regs.ip.add(frame.cells));
        *link.add(1) = expose(regs.sp);
        regs.sp = sp;
        regs.ip = Code::start(code);
        dispatch(cx, regs)
    }
}

/// Leaves the loop to get the code for `entry`; the instruction is repeated then. `site`
/// operations before the call can trap.
///
/// # Safety
///
/// As for [`call_code`].
#[inline(always)]
unsafe fn need_code(cx: *mut Context, regs: Regs, entry: *const CodeEntry, site: usize) -> Exit {
    // SAFETY: the running context is alive and no reference to it is.
    unsafe {
        (*cx).exit_detail[0] = entry.expose_provenance() as u64;
        (*cx).exit_detail[1] = site as u64;
        exit(cx, regs, Exit::NEEDS_CODE)
    }
}

/// Calls any function of the store.
///
/// # Safety
///
/// As for [`call_code`]; the type of `func` agrees with `frame`.
#[inline(always)]
unsafe fn call_entity(cx: *mut Context, regs: Regs, func: *const FuncEntity, frame: Frame) -> Exit {
    // SAFETY: functions of a store are alive as long as it is.
    unsafe {
        if ptr::eq((*func).instance, instance(cx)) {
            return call_code(cx, regs, (*func).code, frame);
        }
        let detail = &raw mut (*cx).exit_detail;
        (*detail)[0] = func.expose_provenance() as u64;
        (*detail)[1] = frame.at as u64;
        (*detail)[2] = frame.cells as u64;
        exit(cx, regs, Exit::CALL)
    }
}

/// The element `index` of the table of functions that the operand at the byte `at` names, if
/// it is a function of the type that the operand after it names.
///
/// # Safety
///
/// As for [`handler`](crate::dispatch::handler); the instruction has these operands.
#[inline(always)]
unsafe fn table_func(
    cx: *mut Context,
    regs: &Regs,
    at: usize,
    index: u32,
) -> Result<*const FuncEntity, TrapCode> {
    // SAFETY: as the caller promises; the verifier has checked that the instance has both, and
    // that the table is one of functions: it holds zero or the exposed address of a function
    // of its store.
    unsafe {
        let table = *(*instance(cx)).tables.add(read_u32(regs, at) as usize);
        if index as usize >= (*table).len {
            return Err(TrapCode::TableOutOfBounds);
        }
        let func = *(*table).elems.add(index as usize);
        if func == 0 {
            return Err(TrapCode::IndirectCallToNull);
        }
        let func = ptr::with_exposed_provenance::<FuncEntity>(func as usize);
        let type_ids = (*instance(cx)).type_ids;
        let expected = *type_ids.add(read_u32(regs, at + 4) as usize);
        if expected != (*func).type_id {
            return Err(TrapCode::BadSignature);
        }
        Ok(func)
    }
}

/// Calls a function that the same module defines.
pub(crate) struct Call<Op, F, B, L>(PhantomData<(Op, F, B, L)>);

impl<Op, F, B, L> Instruction for Call<Op, F, B, L> {
    const BYTES: usize = 8;
    #[inline(always)]
    unsafe fn execute(cx: *mut Context, regs: Regs) -> Exit {
        // SAFETY: threading has made the operand an index of the module's own functions.
        unsafe {
            let entry = (*cx).code.add(read_u32(&regs, 0) as usize);
            let frame = Frame {
                at: 4,
                cells: cells(Self::BYTES),
                site: 0,
            };
            call_code(cx, regs, entry, frame)
        }
    }
}

/// A statement that neither branches nor traps, then a call of a function that the same module
/// defines.
pub(crate) struct ThenCall<S, Op, F, B, L>(PhantomData<(S, Op, F, B, L)>);

impl<S: Statement, Op, F, B, L> ThenCall<S, Op, F, B, L> {
    /// The entry of the callee.
    ///
    /// # Safety
    ///
    /// As for [`execute`](Instruction::execute).
    #[inline(always)]
    unsafe fn entry(cx: *mut Context, regs: &Regs) -> *const CodeEntry {
        // SAFETY: threading has made the operand an index of the module's own functions. Read
        // anew for the same reason as the instance.
        unsafe {
            let entries = (&raw const (*cx).code).read_volatile();
            entries.add(read_u32(regs, S::BYTES) as usize)
        }
    }
}

impl<S: Statement, Op, F, B, L> Instruction for ThenCall<S, Op, F, B, L> {
    const BYTES: usize = S::BYTES + 8;
    #[inline(always)]
    unsafe fn execute(cx: *mut Context, mut regs: Regs) -> Exit {
        // SAFETY: the registers are those of this instruction, whose operands are those of
        // both parts one after the other.
        unsafe {
            const { assert!(S::SITES == 0 && !S::BRANCHES) };
            // First: without code the instruction is repeated, and the statement may not be.
            let entry = Self::entry(cx, &regs);
            if code_at(entry).is_null() {
                return need_code(cx, regs, entry, 0);
            }
            if let Err(fault) = S::perform(cx, &mut regs, 0, 0) {
                return trap(cx, regs, fault);
            }
            // Code that is there stays there.
            let code = code_at(Self::entry(cx, &regs));
            let frame = Frame {
                at: S::BYTES + 4,
                cells: cells(Self::BYTES),
                site: 0,
            };
            enter(cx, regs, code, frame)
        }
    }
}

/// A value that may trap, to its destination, then a call of a function that the same module
/// defines.
pub(crate) struct SetThenCall<S, Op, F, B, L>(PhantomData<(S, Op, F, B, L)>);

impl<V: Value, D: Dst<V>, E: Expr<V>, Op, F, B, L> Instruction
    for SetThenCall<Set<V, D, E>, Op, F, B, L>
{
    const BYTES: usize = D::BYTES + E::BYTES + 8;
    #[inline(always)]
    unsafe fn execute(cx: *mut Context, mut regs: Regs) -> Exit {
        // SAFETY: the registers are those of this instruction, whose operands are those of
        // both parts one after the other.
        unsafe {
            const { assert!(!D::BRANCHES) };
            let entry = |regs: &Regs| ThenCall::<Set<V, D, E>, Op, F, B, L>::entry(cx, regs);
            if code_at(entry(&regs)).is_null() {
                cold_path();
                // A call that does not happen must not ask for code, and nothing may change
                // before the instruction is repeated.
                return match E::eval(cx, &regs, D::BYTES, 0) {
                    Ok(_) => need_code(cx, regs, entry(&regs), E::SITES),
                    Err(fault) => trap(cx, regs, fault),
                };
            }
            match E::eval(cx, &regs, D::BYTES, 0) {
                Ok(value) => D::put(&mut regs, value, 0),
                Err(fault) => return trap(cx, regs, fault),
            };
            // Code that is there stays there.
            let code = code_at(entry(&regs));
            let frame = Frame {
                at: D::BYTES + E::BYTES + 4,
                cells: cells(Self::BYTES),
                site: E::SITES,
            };
            enter(cx, regs, code, frame)
        }
    }
}

/// Calls an imported function.
pub(crate) struct CallImport<Op, F, B, L>(PhantomData<(Op, F, B, L)>);

impl<Op, F, B, L> Instruction for CallImport<Op, F, B, L> {
    const BYTES: usize = 8;
    #[inline(always)]
    unsafe fn execute(cx: *mut Context, regs: Regs) -> Exit {
        // SAFETY: the verifier has checked that the instance imports this function.
        unsafe {
            let func = *(*(*cx).instance).funcs.add(read_u32(&regs, 0) as usize);
            let frame = Frame {
                at: 4,
                cells: cells(Self::BYTES),
                site: 0,
            };
            call_entity(cx, regs, func, frame)
        }
    }
}

/// Calls an element of a table.
pub(crate) struct CallIndirect<Op, I, Tab, Ty, B, L>(PhantomData<(Op, I, Tab, Ty, B, L)>);

impl<Op, I: Place, Tab, Ty, B, L> Instruction for CallIndirect<Op, I, Tab, Ty, B, L> {
    const BYTES: usize = I::BYTES + 12;
    #[inline(always)]
    unsafe fn execute(cx: *mut Context, regs: Regs) -> Exit {
        // SAFETY: the verifier has checked that the instance has this table of functions and
        // this type, and that the frame agrees with the type.
        unsafe {
            let index: u32 = I::read(&regs, 0);
            let at = I::BYTES;
            match table_func(cx, &regs, at, index) {
                Ok(func) => {
                    let frame = Frame {
                        at: at + 8,
                        cells: cells(Self::BYTES),
                        site: 0,
                    };
                    call_entity(cx, regs, func, frame)
                }
                Err(code) => trap(cx, regs, code),
            }
        }
    }
}

/// The operands of a tail call apart from the callee.
#[derive(Clone, Copy)]
pub(crate) struct TailFrame {
    /// The caller's linkage.
    pub(crate) linkage: usize,
    /// The first argument.
    pub(crate) src: usize,
    /// How many arguments there are.
    pub(crate) count: u32,
    /// The callee's linkage.
    pub(crate) callee_linkage: usize,
}

impl TailFrame {
    /// Size of the operands.
    const BYTES: usize = 10;

    /// Reads the operands from the byte `at` on.
    ///
    /// # Safety
    ///
    /// As for [`Place::read`]; the instruction has these operands.
    #[inline(always)]
    pub(crate) unsafe fn read(regs: &Regs, at: usize) -> Self {
        // SAFETY: as the caller promises.
        unsafe {
            Self {
                linkage: read_u16(regs, at),
                src: read_u16(regs, at + 2),
                count: read_u32(regs, at + 4),
                callee_linkage: read_u16(regs, at + 8),
            }
        }
    }
}

/// Replaces the frame by one of a function of the running instance.
///
/// # Safety
///
/// As for [`handler`](crate::dispatch::handler); `entry` is the one of a function whose type
/// agrees with the [`TailFrame`] at the byte `at`.
#[inline(always)]
unsafe fn tail_call_code(
    cx: *mut Context,
    mut regs: Regs,
    entry: *const CodeEntry,
    at: usize,
) -> Exit {
    // SAFETY: the verifier has checked the operands. The arguments may be moved over the
    // linkage, which is therefore read first; the callee's linkage is inside its frame.
    unsafe {
        let code = code_at(entry);
        if code.is_null() {
            return need_code(cx, regs, entry, 0);
        }
        if !fits(cx, regs.sp, code) {
            return trap(cx, regs, TrapCode::StackOverflow);
        }
        let frame = TailFrame::read(&regs, at);
        let link = regs.sp.add(frame.linkage);
        let (return_ip, caller_sp) = (*link, *link.add(1));
        copy_down(regs.sp, regs.sp.add(frame.src), frame.count);
        let link = regs.sp.add(frame.callee_linkage);
        *link = return_ip;
        *link.add(1) = caller_sp;
        regs.ip = Code::start(code);
        dispatch(cx, regs)
    }
}

/// Replaces the frame by one of any function of the store.
///
/// # Safety
///
/// As for [`tail_call_code`], for the type of `func`.
#[inline(always)]
unsafe fn tail_call_entity(
    cx: *mut Context,
    regs: Regs,
    func: *const FuncEntity,
    at: usize,
) -> Exit {
    // SAFETY: functions of a store are alive as long as it is.
    unsafe {
        if ptr::eq((*func).instance, instance(cx)) {
            return tail_call_code(cx, regs, (*func).code, at);
        }
        let detail = &raw mut (*cx).exit_detail;
        (*detail)[0] = func.expose_provenance() as u64;
        (*detail)[1] = at as u64;
        exit(cx, regs, Exit::TAIL_CALL)
    }
}

/// Replaces the frame by a call of a function that the same module defines.
pub(crate) struct ReturnCall<Op, F, L, S, N, C>(PhantomData<(Op, F, L, S, N, C)>);

impl<Op, F, L, S, N, C> Instruction for ReturnCall<Op, F, L, S, N, C> {
    const BYTES: usize = 4 + TailFrame::BYTES;
    #[inline(always)]
    unsafe fn execute(cx: *mut Context, regs: Regs) -> Exit {
        // SAFETY: threading has made the operand an index of the module's own functions.
        unsafe {
            let entry = (*cx).code.add(read_u32(&regs, 0) as usize);
            tail_call_code(cx, regs, entry, 4)
        }
    }
}

/// Replaces the frame by a call of an imported function.
pub(crate) struct ReturnCallImport<Op, F, L, S, N, C>(PhantomData<(Op, F, L, S, N, C)>);

impl<Op, F, L, S, N, C> Instruction for ReturnCallImport<Op, F, L, S, N, C> {
    const BYTES: usize = 4 + TailFrame::BYTES;
    #[inline(always)]
    unsafe fn execute(cx: *mut Context, regs: Regs) -> Exit {
        // SAFETY: the verifier has checked that the instance imports this function.
        unsafe {
            let func = *(*(*cx).instance).funcs.add(read_u32(&regs, 0) as usize);
            tail_call_entity(cx, regs, func, 4)
        }
    }
}

/// Replaces the frame by a call of an element of a table.
pub(crate) struct ReturnCallIndirect<Op, I, Tab, Ty, L, S, N, C>(
    PhantomData<(Op, I, Tab, Ty)>,
    PhantomData<(L, S, N, C)>,
);

impl<Op, I: Place, Tab, Ty, L, S, N, C> Instruction
    for ReturnCallIndirect<Op, I, Tab, Ty, L, S, N, C>
{
    const BYTES: usize = I::BYTES + 8 + TailFrame::BYTES;
    #[inline(always)]
    unsafe fn execute(cx: *mut Context, regs: Regs) -> Exit {
        // SAFETY: the verifier has checked that the instance has this table of functions and
        // this type, and that the frame agrees with the type.
        unsafe {
            let index: u32 = I::read(&regs, 0);
            let at = I::BYTES;
            match table_func(cx, &regs, at, index) {
                Ok(func) => tail_call_entity(cx, regs, func, at + 8),
                Err(code) => trap(cx, regs, code),
            }
        }
    }
}
