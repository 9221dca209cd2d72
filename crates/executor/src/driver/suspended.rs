//! Calls that were taken off the stack.
//!
//! A suspended call owns copies of its frames and of everything else that the context held
//! for it; the store is as if the call had never been, and free for any other calls. Frames
//! refer to each other by address, so the call goes on at the very place where it was: that
//! place has to be free, which it is unless the call is resumed inside of another one that
//! has taken it.
//!
//! Nothing is lost when a suspended call is dropped but its own memory.
#![expect(unsafe_code, reason = "moves frames between the stack and the heap")]

use super::{CallError, Flow, Halt, Machine, Mode, Pause, State, failed};
use crate::backtrace::{self, Backtrace, Place};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use damson_core::context::{Bridge, Regs};
use damson_core::func::HostError;
use damson_core::handle::FuncHandle;
use damson_core::instance::InstanceEntity;
use damson_core::{Cell, ForeignHandle, PrunedMut, PrunedRef, TrapCode};

/// What has become of a call that can be resumed.
#[derive(Debug)]
pub enum Progress {
    /// It is done, the results are in the cells.
    Finished,
    /// It waits, for the reason.
    Suspended(Reason, Suspended),
}

/// Why a call waits.
#[derive(Debug)]
#[non_exhaustive]
pub enum Reason {
    /// A host function has failed. The call can go on as if it had given results.
    Host {
        /// The host function.
        func: FuncHandle,
        /// What it returned.
        error: HostError,
    },
    /// The fuel is used up. The call can go on when there is more.
    OutOfFuel {
        /// How much the next instruction needs.
        required: u64,
    },
}

/// A call that waits outside of its store, which may be used and moved meanwhile. It goes on
/// in that store, at the place of the stack where it was; dropped, it leaves nothing behind.
pub struct Suspended {
    func: FuncHandle,
    frames: Frames,
}

/// What the context held for a call. The pointers are into the store that the call belongs
/// to, whose entities, code and stack stay where they are while it lives.
pub(super) struct Frames {
    base: *mut Cell,
    /// The frames, if they were taken off the stack.
    cells: Option<Box<[Cell]>>,
    state: State,
    regs: Regs,
    instance: *const InstanceEntity,
    bridges: Vec<Bridge>,
    /// How many calls are active.
    depth: u32,
}

// SAFETY: the pointers are followed in `resume` only, with the store that they point into
// exclusively borrowed; which thread that happens on does not matter. The rest is plain data.
unsafe impl Send for Suspended {}
// SAFETY: what a shared reference gives access to is read only: the handle, and, with the store
// that the pointers are into shared as well, the frames (`backtrace`).
unsafe impl Sync for Suspended {}

/// Calls a function of the store like [`call`](crate::call), but a host function that fails
/// and fuel that is used up leave a call behind that can go on.
///
/// A failure of the host function that is called itself is an error: there is nothing to go
/// on with.
///
/// # Errors
///
/// As for [`call`](crate::call).
///
/// # Panics
///
/// As for [`call`](crate::call).
pub fn call_resumable(
    store: PrunedMut<'_>,
    func: FuncHandle,
    cells: &mut [Cell],
) -> Result<Progress, CallError> {
    Machine::new(store, func, cells, Mode::Resumable)
        .map_err(|halt| failed(*halt))?
        .call_or_suspend(cells)
}

impl Suspended {
    /// The function that was called.
    #[must_use]
    pub fn func(&self) -> FuncHandle {
        self.func
    }

    /// The Wasm calls that are active in it, at most `limit`; none if no code of it has run.
    ///
    /// # Errors
    ///
    /// If it belongs to another store.
    pub fn backtrace(&self, store: PrunedRef<'_>, limit: u32) -> Result<Backtrace, ForeignHandle> {
        store.func(self.func)?;
        let frames = &self.frames;
        // Where a host function was called, the registers are those of the call.
        let in_wasm = match &frames.state {
            State::Running => true,
            State::Host(pending) => pending.after.is_some(),
            State::Fresh | State::Done => false,
        };
        if !in_wasm {
            return Ok(Backtrace::default());
        }
        let cells = frames.cells.as_deref().unwrap_or_default();
        let read = |cell: *mut Cell| {
            let bytes = cell.addr().checked_sub(frames.base.addr())?;
            cells.get(bytes / size_of::<Cell>()).copied()
        };
        let place = Place {
            ip: frames.regs.ip,
            sp: frames.regs.sp,
            instance: frames.instance,
        };
        // SAFETY: instances live as long as their store, which is this one, as its function is.
        let (calls, truncated) =
            unsafe { backtrace::walk_from(place, &frames.bridges, read, limit) };
        Ok(Backtrace {
            frames: backtrace::resolve(calls),
            truncated,
        })
    }

    /// Goes on with the call.
    ///
    /// `host_results` holds the results of the host function that failed, if that is what the
    /// call waits for, and nothing otherwise; `cells` is as for [`call_resumable`].
    ///
    /// # Errors
    ///
    /// As for [`call`](crate::call), and when the number of `host_results` is wrong or the
    /// place of the call's frames is taken.
    ///
    /// # Panics
    ///
    /// As for [`call`](crate::call).
    pub fn resume(
        self,
        store: PrunedMut<'_>,
        host_results: &[Cell],
        cells: &mut [Cell],
    ) -> Result<Progress, CallError> {
        let mut machine = Machine::attach(store, self.func, self.frames, Mode::Resumable)
            .map_err(|halt| failed(*halt))?;
        let (ty, sp) = match machine.pending() {
            // SAFETY: functions are alive and unchanged while their store lives.
            Some(pending) => (unsafe { (*pending.func).ty().clone() }, pending.sp),
            None => (damson_core::FuncType::new([], []), machine.base),
        };
        let (expected, found) = (ty.results().len(), host_results.len());
        if expected != found {
            return Err(CallError::ResultCount {
                ty,
                expected,
                found,
            });
        }
        let expected = machine.cells().len();
        if cells.len() != expected {
            // SAFETY: as above.
            let (ty, found) = (unsafe { (*machine.func).ty().clone() }, cells.len());
            return Err(CallError::CellCount {
                ty,
                expected,
                found,
            });
        }
        // SAFETY: the cells of the host function are on the stack, and nothing runs.
        unsafe { core::ptr::copy_nonoverlapping(host_results.as_ptr(), sp, found) };
        // SAFETY: the results are in their cells.
        unsafe { machine.go_on_after_error() };
        machine.call_or_suspend(cells)
    }
}

impl<'a> Machine<'a> {
    /// Goes on until the call is done, or takes it off the stack.
    fn call_or_suspend(mut self, cells: &mut [Cell]) -> Result<Progress, CallError> {
        let halt = match self.call(cells) {
            Ok(()) => return Ok(Progress::Finished),
            Err(halt) => halt,
        };
        let reason = match *halt {
            Halt::Pause(Pause::OutOfFuel(required)) => Reason::OutOfFuel { required },
            Halt::Pause(Pause::HostError(error)) => match self.pending() {
                Some(pending) => Reason::Host {
                    // SAFETY: functions live as long as their store.
                    func: unsafe { (*pending.func).handle() },
                    error,
                },
                None => return Err(CallError::Host(error)),
            },
            halt => return Err(failed(halt)),
        };
        // SAFETY: as above.
        let func = unsafe { (*self.func).handle() };
        let frames = self.detach(true);
        Ok(Progress::Suspended(reason, Suspended { func, frames }))
    }

    /// Takes what the context holds for the call, and puts the context back into the state
    /// before the call. The frames stay where they are, for as long as nobody else uses the
    /// store, or are taken off the stack.
    pub(super) fn detach(mut self, off_stack: bool) -> Frames {
        let cx = self.cx;
        let state = core::mem::replace(&mut self.state, State::Done);
        // SAFETY: the context is alive and no reference to it is. The cells from the base to
        // the end of the innermost frame are on the stack.
        unsafe {
            let copy = || {
                let end = match &state {
                    State::Fresh => self.base.add((*self.func).cells()),
                    State::Host(pending) => pending.sp.add((*pending.func).cells()),
                    State::Running | State::Done => self.frame_end(),
                };
                let len = (end.addr() - self.base.addr()) / size_of::<Cell>();
                core::slice::from_raw_parts(self.base, len).into()
            };
            Frames {
                base: self.base,
                cells: off_stack.then(copy),
                regs: (*cx).regs,
                instance: (*cx).instance,
                bridges: (&(*cx).bridges)[self.level.bridges + self.host_bridges..].to_vec(),
                depth: self.level.depth_left - (*cx).depth_left,
                state,
            }
        }
    }

    /// Puts a call back where it was.
    pub(super) fn attach(
        store: PrunedMut<'a>,
        func: FuncHandle,
        frames: Frames,
        mode: Mode,
    ) -> Flow<Self> {
        // SAFETY: functions are neither moved nor removed while their store lives, and it is
        // the store of the function, which is where the pointers in the frames belong. From
        // its top on the stack is free; where the frames were, they fit.
        unsafe {
            let entity: *const _ = store.func(func)?;
            let mut machine = Self::at_top(store, entity, mode)?;
            let cx = machine.cx;
            if frames.base < (*cx).stack_top {
                return Err(CallError::CannotResumeHere.into());
            }
            let left = (*cx).depth_left.checked_sub(frames.depth);
            (*cx).depth_left = left.ok_or(TrapCode::StackOverflow)?;
            machine.base = frames.base;
            machine.state = frames.state;
            if let State::Host(pending) = &mut machine.state {
                pending.stack_top = (*cx).stack_top;
                if mode == Mode::Async {
                    // Its future goes on.
                    (*cx).stack_top = pending.sp.add((*pending.func).cells());
                }
            }
            if let Some(cells) = &frames.cells {
                let (from, len) = (cells.as_ptr(), cells.len());
                core::ptr::copy_nonoverlapping(from, frames.base, len);
            }
            let in_wasm = match &machine.state {
                State::Host(pending) => pending.after.is_some(),
                State::Running => true,
                State::Fresh | State::Done => false,
            };
            if in_wasm {
                machine.bridge_host()?;
                (*cx).bridges.extend(frames.bridges);
                (*cx).regs = frames.regs;
                // The base and the limits of the memory are taken anew before code runs: a
                // host function, whose future may have the memory now, comes first.
                (*cx).select_instance(frames.instance);
                if let State::Running = machine.state {
                    (*cx).regs.mem0 = (*cx).refresh_mem0();
                }
            }
            Ok(machine)
        }
    }
}

impl fmt::Debug for Suspended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Suspended")
            .field("func", &self.func)
            .field("depth", &self.frames.depth)
            .finish_non_exhaustive()
    }
}
