//! Calls that wait in place: for async host functions, for fuel's next interval, for an
//! epoch's deadline.
//!
//! No fibre and no thread: frames and registers are in the store, so to wait is to return
//! from [`AsyncCall::poll`], and to go on is to enter the dispatch loop again.
//!
//! # Why the future of a host function may borrow the store
//!
//! It lives beside the call whose store it borrows, in one value, which the borrow checker
//! cannot express. What makes it sound:
//!
//! 1. The call owns the exclusive borrow of the store for `'a`; nobody else can use the store
//!    while the call lives.
//! 2. While the future lives, the call touches of the store only the context, between two
//!    polls of the future: `poll` polls the future as long as there is one, drops it, and
//!    only then goes on.
//! 3. The future is dropped before the borrow of the store ends, and never outside of the call:
//!    its destructor, which may use the store, finds the context as each of its polls does
//!    ([`AsyncCall`]'s `Drop`).
//! 4. The future points to the store's core and to the value stack, which do not move when
//!    the call does.
//!
//! # Why a call may be forgotten
//!
//! A future need not be dropped. So the context is that of the call only while `poll` runs:
//! whenever it returns or unwinds, it has put the context back into the state before the call
//! ([`Machine::detach`]). The frames stay on the stack above its top, where nobody else can
//! come as long as the call has the store, and where nobody misses them afterwards.
#![expect(unsafe_code, reason = "keeps a borrow of the store beside its owner")]

use super::suspended::Frames;
use super::{Halt, Machine, Mode, Pause, copy_cells, failed};
use crate::CallError;
use core::task::{Context as Task, Poll};
use damson_core::func::HostFuture;
use damson_core::handle::FuncHandle;
use damson_core::store::CallHook;
use damson_core::{Cell, PrunedMut};

/// A call that can wait.
pub struct AsyncCall<'a> {
    /// The host function that the call waits for; `None` while it is polled.
    future: Option<HostFuture<'a>>,
    store: PrunedMut<'a>,
    func: FuncHandle,
    /// What the context holds for the call while it runs; `None` when it has ended.
    frames: Option<Frames>,
    begun: bool,
}

impl<'a> AsyncCall<'a> {
    /// A call of a function of the store; nothing runs before it is polled. `cells` holds the
    /// arguments, its length is that of the longer of parameters and results.
    ///
    /// # Errors
    ///
    /// When `cells` has the wrong length, the function belongs to another store, or there is
    /// no room for the call.
    pub fn new(
        mut store: PrunedMut<'a>,
        func: FuncHandle,
        cells: &[Cell],
    ) -> Result<Self, CallError> {
        let machine = Machine::new(store.reborrow(), func, cells, Mode::Async)
            .map_err(|halt| failed(*halt))?;
        let frames = Some(machine.detach(false));
        Ok(Self {
            future: None,
            store,
            func,
            frames,
            begun: false,
        })
    }

    /// Goes on until the call has to wait or is done; then its results are in `cells`, of
    /// which there are as many as before. To be called again when `task` is woken.
    ///
    /// # Errors
    ///
    /// As for [`call`](crate::call), and when the call has ended before.
    ///
    /// # Panics
    ///
    /// When a host function or a resource limiter does, which ends the call.
    pub fn poll(&mut self, task: &mut Task<'_>, cells: &mut [Cell]) -> Poll<Result<(), CallError>> {
        let Some(frames) = self.frames.take() else {
            return Poll::Ready(Err(CallError::Ended));
        };
        let (store, future) = (self.store.reborrow(), &mut self.future);
        let mut machine = match Machine::attach(store, self.func, frames, Mode::Async) {
            Ok(machine) => machine,
            Err(halt) => return Poll::Ready(Err(failed(*halt))),
        };
        let first = !core::mem::replace(&mut self.begun, true);
        let halt = match machine.poll(future, task, first) {
            Ok(()) => {
                let len = cells.len().min(machine.cells().len());
                // SAFETY: both have so many cells, and the stack is not the caller's.
                unsafe { copy_cells(machine.cells().as_ptr(), cells.as_mut_ptr(), len) };
                return Poll::Ready(Ok(()));
            }
            Err(halt) => halt,
        };
        if let Halt::Pause(Pause::Host | Pause::Yield) = *halt {
            self.frames = Some(machine.detach(false));
            return Poll::Pending;
        }
        Poll::Ready(Err(failed(*halt)))
    }
}

impl Machine<'_> {
    /// Goes on, with the future of the host function that the call waits for.
    fn poll<'a>(
        &mut self,
        future: &mut Option<HostFuture<'a>>,
        task: &mut Task<'_>,
        first: bool,
    ) -> super::Flow {
        let host = self.is_host();
        if first && !host {
            self.cross(CallHook::CallingWasm)?;
        }
        let result = self.poll_on(future, task);
        match result.as_ref().map_err(|halt| &**halt) {
            Err(Halt::Pause(Pause::Host | Pause::Yield)) => result,
            _ if host => result,
            _ => self.returned_from_wasm(result),
        }
    }

    fn poll_on<'a>(
        &mut self,
        future: &mut Option<HostFuture<'a>>,
        task: &mut Task<'_>,
    ) -> super::Flow {
        loop {
            // Taken out, so that it is dropped here if it panics.
            if let Some(mut waiting) = future.take() {
                let Poll::Ready(result) = waiting.as_mut().poll(task) else {
                    *future = Some(waiting);
                    return Err(alloc::boxed::Box::new(Pause::Host.into()));
                };
                // It has the store until it is dropped.
                drop(waiting);
                self.finish_host(result)?;
            }
            let Err(halt) = self.advance() else {
                return Ok(());
            };
            match *halt {
                Halt::Pause(Pause::Host) => {
                    let made = self.host_future();
                    // SAFETY: only the lifetime changes, from that of the borrow of the
                    // machine to that of the store's borrow, which the caller owns beside
                    // `future`. The points at the head of this file say why the store is left
                    // alone until the future is dropped.
                    *future = made.map(|made| unsafe {
                        core::mem::transmute::<HostFuture<'_>, HostFuture<'a>>(made)
                    });
                }
                halt => {
                    if let Halt::Pause(Pause::Yield) = halt {
                        task.waker().wake_by_ref();
                    }
                    return Err(alloc::boxed::Box::new(halt));
                }
            }
        }
    }
}

impl Drop for AsyncCall<'_> {
    /// Ends the call. The future of the host function is dropped where it is polled: above the
    /// call's frames, with the call's depth and callers.
    fn drop(&mut self) {
        let Some(future) = self.future.take() else {
            return;
        };
        let store = self.store.reborrow();
        let machine = self
            .frames
            .take()
            .and_then(|frames| Machine::attach(store, self.func, frames, Mode::Async).ok());
        match machine {
            // The future first.
            Some(_machine) => drop(future),
            // Not reached while there is memory for a bridge. What must not be dropped here
            // may be forgotten.
            None => core::mem::forget(future),
        }
    }
}

impl core::fmt::Debug for AsyncCall<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("AsyncCall")
            .field("waits_for_host", &self.future.is_some())
            .field("ended", &self.frames.is_none())
            .finish_non_exhaustive()
    }
}
