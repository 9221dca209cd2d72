//! The driver: enters the dispatch loop and does what makes it leave.
//!
//! Everything that can panic, block, take long or run Wasm again happens here, as ordinary
//! Rust code: host functions, compilation, growth, calls into other instances. A panic
//! unwinds through the driver, whose guard puts the context back into the state before the
//! call, so the store stays usable.
//!
//! # Calls that wait
//!
//! A call is a [`Machine`]: the frames on the value stack, the saved registers, and what the
//! guard has to put back. Nothing of it is on the native stack, so it can stop between two
//! instructions and go on later:
//!
//! - in place, while it borrows the store: calls that [wait for a future](asynchronous);
//! - or taken off the stack, frames and all, while the store is free for other calls:
//!   [suspended calls](suspended).
//!
//! | file | holds |
//! |---|---|
//! | `mod` | the machine |
//! | `calls` | calls that leave the instance |
//! | `exits` | other exits: fuel, epochs, missing code, services |
//! | `suspended` | calls that were taken off the stack |
//! | `asynchronous` | calls that wait in place |
//! | `error` | errors |
#![expect(
    unsafe_code,
    reason = "works on the context and the value stack of the store"
)]

mod asynchronous;
mod calls;
mod error;
mod exits;
mod suspended;

use crate::backtrace::{self, code_map};
use crate::code::Code;
use crate::dispatch::{Exit, Handler, handler, run};
use crate::families::{Halt as HaltInstruction, ReturnToInstance, expose};
use alloc::boxed::Box;
use damson_core::context::{Context, Regs};
use damson_core::func::{FuncEntity, HostCall};
use damson_core::handle::FuncHandle;
use damson_core::instance::InstanceEntity;
use damson_core::store::CallHook;
use damson_core::{Cell, PrunedMut, Trap, TrapCode, TrapSite};

pub use asynchronous::AsyncCall;
pub use error::CallError;
use error::{Flow, Halt, Pause};
pub use suspended::{Progress, Reason, Suspended, call_resumable};

/// Where in `exit_detail` an instruction that lacks fuel says how much it needs.
pub(crate) const REQUIRED_FUEL: usize = 5;

/// Which trampoline of the context is what.
const HALT: usize = 0;
const RETURN_TO_INSTANCE: usize = 1;

/// Calls a function of the store.
///
/// `cells` holds the arguments when it is called and the results when it returns. Its length
/// is that of the longer of the two.
///
/// # Errors
///
/// When the guest traps, a host function fails, code is missing, `cells` has the wrong
/// length, or the function belongs to another store. The store stays usable.
///
/// # Panics
///
/// When a host function or a resource limiter does. The store stays usable.
pub fn call(store: PrunedMut<'_>, func: FuncHandle, cells: &mut [Cell]) -> Result<(), CallError> {
    match Machine::new(store, func, cells, Mode::Plain) {
        Ok(mut machine) => machine.call(cells).map_err(|halt| failed(*halt)),
        Err(halt) => Err(failed(*halt)),
    }
}

/// The error of a call that cannot wait.
#[cold]
fn failed(halt: Halt) -> CallError {
    match halt {
        Halt::Error(error) => error,
        Halt::Pause(Pause::Host) => CallError::AsyncHostFunc,
        Halt::Pause(Pause::Yield) => CallError::CannotYield,
        Halt::Pause(Pause::HostError(error)) => CallError::Host(error),
        Halt::Pause(Pause::OutOfFuel(_)) => TrapCode::OutOfFuel.into(),
    }
}

/// Copies a few cells. A loop that the compiler must not turn into a call: that takes longer
/// than to copy the parameters of most functions.
///
/// # Safety
///
/// Both are valid for `len` cells and do not overlap.
#[inline]
unsafe fn copy_cells(from: *const Cell, to: *mut Cell, len: usize) {
    for index in 0..len {
        // SAFETY: as the caller promises.
        unsafe { to.add(index).write_volatile(*from.add(index)) };
    }
}

/// What a call can wait for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Nothing.
    Plain,
    /// Results of a host function that fails, and fuel.
    Resumable,
    /// Futures, and others to run.
    Async,
}

/// How far a call has come.
enum State {
    /// The arguments are on the stack.
    Fresh,
    /// The saved registers are those of the next instruction.
    Running,
    /// A host function has been called; its results are missing.
    Host(Box<PendingHost>),
    /// It has returned or failed.
    Done,
}

/// A host function that was called and has not given its results.
struct PendingHost {
    func: *const FuncEntity,
    /// Where its arguments are, and its results will be.
    sp: *mut Cell,
    /// Where to go on; `None` if the host called the function.
    after: Option<After>,
    /// The top of the stack before the call.
    stack_top: *mut Cell,
}

/// Where to go on after a host function: the registers that its results and the instance do
/// not give.
#[derive(Clone, Copy)]
struct After {
    ip: *const Cell,
    sp: *mut Cell,
    head: u64,
}

/// A call from the host.
struct Machine<'a> {
    store: PrunedMut<'a>,
    /// The context of `store`.
    cx: *mut Context,
    mode: Mode,
    func: *const FuncEntity,
    /// The arguments, later the results, of `func`.
    base: *mut Cell,
    state: State,
    level: Level,
    /// How many of the bridges since `level` are not of the call itself: one if it was made
    /// by a host function that Wasm called.
    host_bridges: usize,
}

/// Puts the context back into the state before a call from the host, however that ends.
struct Level {
    cx: *mut Context,
    instance: *const InstanceEntity,
    /// Where the call is that the host function belongs to which makes this one.
    ip: *const Cell,
    sp: *mut Cell,
    stack_top: *mut Cell,
    depth_left: u32,
    host_nesting_left: u32,
    bridges: usize,
}

impl Level {
    /// Begins a call, unless calls of the host nest too deeply. A guest can have chosen the function, and let it call itself, so calls
    /// of host functions take from the limit on nesting, too.
    ///
    /// # Safety
    ///
    /// `cx` outlives the level.
    unsafe fn enter(cx: *mut Context) -> Option<Self> {
        // SAFETY: as the caller promises; no reference to the context is alive.
        unsafe {
            let left = (*cx).host_nesting_left;
            let level = Self {
                cx,
                instance: (*cx).instance,
                ip: (*cx).regs.ip,
                sp: (*cx).regs.sp,
                stack_top: (*cx).stack_top,
                depth_left: (*cx).depth_left,
                host_nesting_left: left,
                bridges: (*cx).bridges.len(),
            };
            (*cx).host_nesting_left = left.checked_sub(1)?;
            Some(level)
        }
    }
}

impl Drop for Level {
    fn drop(&mut self) {
        // SAFETY: the context outlives the guard; no reference to it is alive, as the driver
        // uses it through a pointer only.
        unsafe {
            let cx = &mut *self.cx;
            cx.regs.ip = self.ip;
            cx.regs.sp = self.sp;
            cx.stack_top = self.stack_top;
            cx.depth_left = self.depth_left;
            cx.host_nesting_left = self.host_nesting_left;
            cx.bridges.truncate(self.bridges);
            // The caller's driver takes the base and the limits of its memory itself. Not
            // here: the future of a host function may have the memory.
            cx.select_instance(self.instance);
        }
    }
}

impl<'a> Machine<'a> {
    /// A call that has not begun: the arguments are on the stack.
    #[inline(always)]
    fn new(store: PrunedMut<'a>, func: FuncHandle, cells: &[Cell], mode: Mode) -> Flow<Self> {
        let entity = store.func(func)?;
        let expected = entity.cells();
        if cells.len() != expected {
            let (ty, found) = (entity.ty().clone(), cells.len());
            return Err(CallError::CellCount {
                ty,
                expected,
                found,
            }
            .into());
        }
        let func: *const FuncEntity = entity;
        // SAFETY: the function is one of the store. The cells fit: it is checked.
        unsafe {
            let machine = Self::at_top(store, func, mode)?;
            let base = machine.base;
            let room = (*machine.cx).stack_end.addr() - base.addr();
            if room / size_of::<Cell>() < cells.len() {
                return Err(TrapCode::StackOverflow.into());
            }
            copy_cells(cells.as_ptr(), base, cells.len());
            Ok(machine)
        }
    }

    /// A call at the top of the stack, without arguments yet.
    ///
    /// # Safety
    ///
    /// `func` is a function of the store.
    #[inline(always)]
    unsafe fn at_top(mut store: PrunedMut<'a>, func: *const FuncEntity, mode: Mode) -> Flow<Self> {
        let cx = store.context().as_ptr();
        // SAFETY: the context is the store's, which the machine borrows for as long as it
        // lives.
        unsafe {
            (*cx).ensure_stack()?;
            let Some(level) = Level::enter(cx) else {
                return Err(CallError::HostNesting.into());
            };
            Ok(Self {
                store,
                cx,
                mode,
                func,
                base: (*cx).stack_top,
                state: State::Fresh,
                level,
                host_bridges: 0,
            })
        }
    }

    /// Whether the host calls a function of its own.
    fn is_host(&self) -> bool {
        // SAFETY: functions are neither moved nor written nor removed while their store lives.
        unsafe { (*self.func).is_host() }
    }

    /// Goes on until the function returns, and takes its results.
    fn call(&mut self, cells: &mut [Cell]) -> Flow {
        let host = self.is_host();
        if !host {
            self.cross(CallHook::CallingWasm)?;
        }
        let mut result = self.advance();
        if !host {
            result = self.returned_from_wasm(result);
        }
        result?;
        let len = cells.len().min(self.cells().len());
        // SAFETY: both have so many cells, and the stack is not the caller's.
        unsafe { copy_cells(self.cells().as_ptr(), cells.as_mut_ptr(), len) };
        Ok(())
    }

    /// Tells the embedder that Wasm has returned to the host with `result`. The embedder's
    /// error ends the call, also one that could go on; an error of the call itself is kept.
    fn returned_from_wasm(&mut self, result: Flow) -> Flow {
        let crossed = self.cross(CallHook::ReturningFromWasm);
        match &result {
            Err(halt) if matches!(**halt, Halt::Error(_)) => result,
            _ => crossed.and(result),
        }
    }

    /// The cells of the function that the host called.
    fn cells(&self) -> &[Cell] {
        // SAFETY: as many cells as the type says are on the stack there, and nothing runs.
        unsafe { core::slice::from_raw_parts(self.base, (*self.func).cells()) }
    }

    /// Tells the embedder that control crosses between Wasm and the host.
    #[inline]
    fn cross(&mut self, crossing: CallHook) -> Flow {
        match self.store.call_hook(crossing) {
            Ok(()) => Ok(()),
            Err(error) => Err(CallError::Host(error).into()),
        }
    }

    /// Goes on until the function that the host called returns. After a pause, this goes on
    /// where it stopped; after a failure or a panic there is nothing to go on with.
    fn advance(&mut self) -> Flow {
        // SAFETY: the state says what the context holds: the registers, if it runs, are those
        // that this machine has saved.
        unsafe {
            match core::mem::replace(&mut self.state, State::Done) {
                State::Fresh if (*self.func).is_host() => return self.call_host_directly(),
                State::Fresh => self.begin()?,
                State::Running => {}
                // Whoever pauses for a host function calls `finish_host` first.
                host @ State::Host(_) => {
                    self.state = host;
                    return Err(Box::new(Pause::Host.into()));
                }
                State::Done => return Ok(()),
            }
            let result = self.drive();
            if let Err(halt) = &result
                && matches!(**halt, Halt::Error(_))
            {
                backtrace::record(self.cx);
            }
            result
        }
    }

    /// Leaves a bridge over a host function that calls Wasm, for backtraces: the frame that
    /// the host calls does not know its caller's.
    ///
    /// # Safety
    ///
    /// If an instance is running, the saved registers are those of the call that it is in.
    unsafe fn bridge_host(&mut self) -> Flow {
        // SAFETY: as the caller promises; no reference to the context is alive.
        unsafe {
            if (*self.cx).instance.is_null() {
                return Ok(());
            }
            // Bridges hold what is returned to, one cell after what is going on.
            let (ip, sp) = ((*self.cx).regs.ip.wrapping_add(1), (*self.cx).regs.sp);
            self.push_bridge(ip, sp)?;
            self.host_bridges = 1;
        }
        Ok(())
    }

    /// Begins the call.
    ///
    /// # Safety
    ///
    /// The arguments are on the stack.
    unsafe fn begin(&mut self) -> Flow {
        let cx = self.cx;
        // SAFETY: the context is alive and only this machine uses it; the instance of a Wasm
        // function is alive. The frame fits: it is checked.
        unsafe {
            let func = &*self.func;
            if (*cx).depth_left == 0 {
                return Err(TrapCode::StackOverflow.into());
            }
            self.state = State::Fresh;
            let code = loop {
                if let Some(code) = self.code_of(func)? {
                    break code;
                }
            };
            self.state = State::Done;
            if !self.fits(self.base, (*code).frame_bytes) {
                return Err(TrapCode::StackOverflow.into());
            }
            self.bridge_host()?;
            (*cx).depth_left -= 1;
            let (halt, back): (Handler, Handler) =
                (handler::<HaltInstruction>, handler::<ReturnToInstance>);
            (*cx).trampolines[HALT] = expose(halt as *const ());
            (*cx).trampolines[RETURN_TO_INSTANCE] = expose(back as *const ());
            let link = self.base.add(func.cells());
            *link = expose(&raw const (*cx).trampolines[HALT]);
            *link.add(1) = expose(self.base);
            let mem0 = (*cx).enter_instance(func.instance);
            (*cx).regs = Regs {
                ip: Code::start(code),
                sp: self.base,
                mem0,
                acc: 0,
                head: 0,
                f32acc: 0.0,
                f64acc: 0.0,
                fuel: 0.0,
            };
        }
        Ok(())
    }

    /// Runs until the function that the host called returns.
    ///
    /// # Safety
    ///
    /// The saved registers are those of an instruction of the running instance.
    unsafe fn drive(&mut self) -> Flow {
        loop {
            // SAFETY: as the caller promises at first; every arm below leaves registers of an
            // instruction of the instance that it leaves running.
            unsafe {
                match run(self.cx) {
                    Exit::DONE => return Ok(()),
                    Exit::CALL => self.call_out()?,
                    Exit::SERVICE => self.serve()?,
                    Exit::TAIL_CALL => self.tail_call_out()?,
                    Exit::NEEDS_CODE => self.supply_code()?,
                    Exit::RETURN_TO_INSTANCE => self.return_to_instance(),
                    // With new fuel, the instruction is repeated.
                    Exit::OUT_OF_FUEL => self.out_of_fuel()?,
                    Exit::EPOCH => self.epoch_deadline()?,
                    exit => {
                        // Every other exit is a trap.
                        let code = exit.trap_code().unwrap_or(TrapCode::UnreachableCodeReached);
                        return Err(self.trap(code));
                    }
                }
            }
        }
    }

    /// A trap at the saved instruction, or of a call that has not begun.
    #[cold]
    fn trap(&self, code: TrapCode) -> Box<Halt> {
        if matches!(self.state, State::Fresh) {
            return code.into();
        }
        // SAFETY: the call has begun, so there is a running instance; instances live as long
        // as their store.
        let (instance, ip) = unsafe { (&*(*self.cx).instance, (*self.cx).regs.ip) };
        let located = code_map(instance).and_then(|map| map.locate(ip));
        let site = located.map(|(func_index, offset)| TrapSite { func_index, offset });
        CallError::Trap(Trap { code, site }).into()
    }

    /// Stops, to go on with the saved instruction, or at the beginning if the call has not
    /// begun.
    #[cold]
    fn pause(&mut self, pause: Pause) -> Box<Halt> {
        if matches!(self.state, State::Done) {
            self.state = State::Running;
        }
        Box::new(Halt::Pause(pause))
    }

    /// Whether a frame fits the stack at `sp`.
    fn fits(&self, sp: *mut Cell, frame_bytes: usize) -> bool {
        // SAFETY: the context is alive.
        let end = unsafe { (*self.cx).stack_end };
        end.addr() - sp.addr() >= frame_bytes
    }

    /// Whether the call can wait for the future of a host function.
    fn require_async(&self) -> Flow {
        if self.mode == Mode::Async {
            return Ok(());
        }
        Err(CallError::AsyncHostFunc.into())
    }

    /// Calls the host function that the host wants to call.
    ///
    /// # Safety
    ///
    /// The machine's function is one of the host, and its arguments are on the stack.
    unsafe fn call_host_directly(&mut self) -> Flow {
        // SAFETY: as the caller promises. Calls that the host function makes start above the
        // cells.
        unsafe {
            let func = &*self.func;
            let stack_top = (*self.cx).stack_top;
            (*self.cx).stack_top = self.base.add(func.cells());
            if func.is_async() {
                self.require_async()?;
                self.state = State::Host(Box::new(PendingHost {
                    func,
                    sp: self.base,
                    after: None,
                    stack_top,
                }));
                return Err(self.pause(Pause::Host));
            }
            let cells = core::slice::from_raw_parts_mut(self.base, func.cells());
            let call = HostCall::new(self.store.reborrow(), None);
            func.call_host(call, cells).map_err(CallError::Host)?;
            (*self.cx).stack_top = stack_top;
        }
        Ok(())
    }
}
