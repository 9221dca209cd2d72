//! Calls that leave the running instance, and the way back.
#![expect(unsafe_code, reason = "makes frames on the value stack")]

use super::{After, CallError, Flow, Machine, Mode, Pause, PendingHost, RETURN_TO_INSTANCE, State};
use crate::code::Code;
use crate::families::{TailFrame, expose};
use crate::place::slot_at;
use alloc::boxed::Box;
use core::ptr;
use damson_core::context::{Bridge, Regs};
use damson_core::func::{FuncEntity, HostCall, HostError, HostFuture};
use damson_core::store::CallHook;
use damson_core::{Cell, TrapCode, fuel};

/// The slot number that the operand at the byte `at` of the instruction at `ip` is.
///
/// # Safety
///
/// As for [`slot_at`].
#[inline]
unsafe fn read_slot(ip: *const Cell, at: usize) -> usize {
    // SAFETY: as the caller promises; operands follow the opcode, packed.
    let operand = unsafe { ip.add(1).cast::<u8>().add(at).cast::<u16>() };
    // SAFETY: as above.
    usize::from(unsafe { operand.read_unaligned() })
}

impl Machine<'_> {
    /// Goes back to the instance that called the function that has returned.
    ///
    /// # Safety
    ///
    /// The loop was left with [`Exit::RETURN_TO_INSTANCE`](crate::dispatch::Exit).
    pub(super) unsafe fn return_to_instance(&mut self) {
        // SAFETY: the linkage that led here was written together with a bridge.
        unsafe {
            let bridge = (*self.cx).bridges.pop();
            debug_assert!(
                bridge.is_some(),
                "a bridge for every linkage that leads to one"
            );
            if let Some(Bridge { ip, sp, instance }) = bridge {
                let mem0 = (*self.cx).enter_instance(instance);
                let regs = &raw mut (*self.cx).regs;
                (*regs).ip = ip;
                (*regs).sp = sp;
                (*regs).mem0 = mem0;
            }
        }
    }

    /// Calls a function of the host or of another instance for the saved instruction.
    ///
    /// # Safety
    ///
    /// The loop was left with [`Exit::CALL`](crate::dispatch::Exit).
    pub(super) unsafe fn call_out(&mut self) -> Flow {
        // SAFETY: as the caller promises: the details are those of `call_entity`, and the
        // verifier has checked that arguments and results lie in the caller's frame.
        unsafe {
            // Number by number: what was just written in pieces is slow to read as a whole.
            let detail = &raw const (*self.cx).exit_detail;
            let func = (&raw const (*detail)[0]).read_volatile() as usize;
            let at = (&raw const (*detail)[1]).read_volatile() as usize;
            let cells = (&raw const (*detail)[2]).read_volatile() as usize;
            let saved = &raw const (*self.cx).regs;
            let ip = (&raw const (*saved).ip).read_volatile();
            let frame = (&raw const (*saved).sp).read_volatile();
            let func = &*ptr::with_exposed_provenance::<FuncEntity>(func);
            let return_ip = ip.add(cells);
            if func.is_host() {
                if !self.charge(fuel::HOST_CALL)? {
                    return Ok(());
                }
                let sp = frame.add(read_slot(ip, at));
                let head = (&raw const (*saved).head).read_volatile();
                let after = After {
                    ip: return_ip,
                    sp: frame,
                    head,
                };
                return self.call_host(func, sp, after);
            }
            let regs = *saved;
            let sp = slot_at(&regs, at);
            let Some(code) = self.code_of(func)? else {
                return Ok(());
            };
            if !self.fits(sp, (*code).frame_bytes) || (*self.cx).depth_left == 0 {
                return Err(self.trap(TrapCode::StackOverflow));
            }
            self.push_bridge(return_ip, regs.sp)?;
            (*self.cx).depth_left -= 1;
            let link = slot_at(&regs, at + 2);
            *link = expose(&raw const (*self.cx).trampolines[RETURN_TO_INSTANCE]);
            *link.add(1) = expose(regs.sp);
            self.enter(func, code, sp, regs);
            Ok(())
        }
    }

    /// Replaces the frame of the saved instruction by a call of a function of the host or of
    /// another instance.
    ///
    /// # Safety
    ///
    /// The loop was left with [`Exit::TAIL_CALL`](crate::dispatch::Exit).
    pub(super) unsafe fn tail_call_out(&mut self) -> Flow {
        // SAFETY: as the caller promises: the details are those of `tail_call_entity`. The
        // linkage is read before the arguments are moved over it. The frame of a Wasm function
        // is checked to fit; a host function needs no more than the frame it replaces.
        unsafe {
            let [func, at, ..] = (*self.cx).exit_detail;
            let func = &*ptr::with_exposed_provenance::<FuncEntity>(func as usize);
            let regs = (*self.cx).regs;
            let frame = TailFrame::read(&regs, at as usize);
            let (sp, src, count) = (regs.sp, frame.src, frame.count as usize);
            let link = sp.add(frame.linkage);
            let return_ip: *const Cell = ptr::with_exposed_provenance((*link).to_bits() as usize);
            let caller_sp: *mut Cell =
                ptr::with_exposed_provenance_mut((*link.add(1)).to_bits() as usize);
            if func.is_host() {
                if !self.charge(fuel::HOST_CALL)? {
                    return Ok(());
                }
                // The arguments are in the frame, and as many results are before its linkage.
                debug_assert!(self.fits(sp, func.cells() * size_of::<Cell>()));
                ptr::copy(sp.add(src), sp, count);
                // Its linkage may be overwritten, so a backtrace begins at its caller.
                (*self.cx).regs.ip = return_ip.wrapping_sub(1);
                (*self.cx).regs.sp = caller_sp;
                // The frame is gone, its depth with it.
                (*self.cx).depth_left += 1;
                let after = After {
                    ip: return_ip,
                    sp: caller_sp,
                    head: regs.head,
                };
                return self.call_host(func, sp, after);
            }
            let Some(code) = self.code_of(func)? else {
                return Ok(());
            };
            if !self.fits(sp, (*code).frame_bytes) {
                return Err(self.trap(TrapCode::StackOverflow));
            }
            let bridge = &raw const (*self.cx).trampolines[RETURN_TO_INSTANCE];
            // A frame that returns to another instance already needs no second bridge: a
            // chain of tail calls takes constant space.
            if !ptr::eq(return_ip, bridge) {
                self.push_bridge(return_ip, caller_sp)?;
            }
            ptr::copy(sp.add(src), sp, count);
            let link = sp.add(frame.callee_linkage);
            *link = expose(bridge);
            *link.add(1) = expose(caller_sp);
            self.enter(func, code, sp, regs);
            Ok(())
        }
    }

    /// Remembers to go back to the running instance.
    ///
    /// # Safety
    ///
    /// There is a running instance, and `ip` and `sp` are of it.
    pub(super) unsafe fn push_bridge(&mut self, ip: *const Cell, sp: *mut Cell) -> Flow {
        // SAFETY: no other reference to the context is alive.
        let cx = unsafe { &mut *self.cx };
        if cx.bridges.try_reserve(1).is_err() {
            return Err(self.trap(TrapCode::StackOverflow));
        }
        cx.bridges.push(Bridge {
            ip,
            sp,
            instance: cx.instance,
        });
        Ok(())
    }

    /// Makes the first instruction of a function of another instance the next one.
    ///
    /// # Safety
    ///
    /// The frame at `sp` is set up.
    unsafe fn enter(&mut self, func: &FuncEntity, code: *const Code, sp: *mut Cell, regs: Regs) {
        // SAFETY: the instance of a Wasm function is alive; the code is the function's.
        unsafe {
            let mem0 = (*self.cx).enter_instance(func.instance);
            (*self.cx).regs = Regs {
                ip: Code::start(code),
                sp,
                mem0,
                ..regs
            };
        }
    }

    /// Calls a host function with the cells at `sp`, then goes on with the registers `after`.
    ///
    /// # Safety
    ///
    /// As many cells as the type says are on the stack at `sp`, above what is in use.
    #[inline]
    unsafe fn call_host(&mut self, func: &FuncEntity, sp: *mut Cell, after: After) -> Flow {
        // SAFETY: as the caller promises. Calls that the host makes start above these cells,
        // so nothing else refers to them. The function is one of this store.
        unsafe {
            let len = func.cells();
            if func.is_async() {
                self.require_async()?;
            }
            let stack_top = (*self.cx).stack_top;
            (*self.cx).stack_top = sp.add(len);
            self.cross(CallHook::CallingHost)?;
            if func.is_async() {
                self.state = State::Host(Box::new(PendingHost {
                    func,
                    sp,
                    after: Some(after),
                    stack_top,
                }));
                return Err(self.pause(Pause::Host));
            }
            let cells = core::slice::from_raw_parts_mut(sp, len);
            let instance = (*(*self.cx).instance).handle();
            let call = HostCall::new(self.store.reborrow(), Some(instance));
            let result = func.call_host(call, cells);
            (*self.cx).stack_top = stack_top;
            if let Err(error) = result {
                self.state = State::Host(Box::new(PendingHost {
                    func,
                    sp,
                    after: Some(after),
                    stack_top,
                }));
                return self.host_failed(error);
            }
            self.cross(CallHook::ReturningFromHost)?;
            self.go_on(sp, len, after);
        }
        Ok(())
    }

    /// Goes on after a host function.
    ///
    /// # Safety
    ///
    /// Its results are in the `len` cells at `sp`, and `after` are registers of the running
    /// instance but for its memory and the accumulators.
    #[inline]
    unsafe fn go_on(&mut self, sp: *mut Cell, len: usize, after: After) {
        // SAFETY: as the caller promises. The host may have let the memory grow.
        unsafe {
            let first = if len == 0 { Cell::ZERO } else { *sp };
            let After { ip, sp, head } = after;
            (*self.cx).regs = Regs {
                ip,
                sp,
                mem0: (*self.cx).refresh_mem0(),
                acc: first.to_bits(),
                head,
                f32acc: first.get(),
                f64acc: first.get(),
                fuel: 0.0,
            };
        }
    }

    /// Ends the call because a host function failed, or waits for somebody to give the results
    /// that it did not give.
    #[cold]
    fn host_failed(&mut self, error: HostError) -> Flow {
        let crossed = self.cross(CallHook::ReturningFromHost);
        if crossed.is_ok() && self.mode == Mode::Resumable {
            return Err(self.pause(Pause::HostError(error)));
        }
        Err(CallError::Host(error).into())
    }

    /// Goes on after a host function that failed, if that is what the call waits for.
    ///
    /// # Safety
    ///
    /// The results are in their cells.
    pub(super) unsafe fn go_on_after_error(&mut self) {
        if let State::Host(pending) = &self.state
            && let Some(after) = pending.after
        {
            let (func, sp) = (pending.func, pending.sp);
            // SAFETY: as the caller promises; `after` was made for the running instance.
            unsafe { self.go_on(sp, (*func).cells(), after) };
            self.state = State::Running;
        }
    }

    /// The host function that the call waits for.
    pub(super) fn pending(&self) -> Option<&PendingHost> {
        match &self.state {
            State::Host(pending) => Some(pending),
            _ => None,
        }
    }

    /// The future of the async host function that the call waits for.
    ///
    /// Neither the machine nor anything else may use the store or the stack while the future
    /// lives, which the borrow sees to.
    pub(super) fn host_future(&mut self) -> Option<HostFuture<'_>> {
        let pending = self.pending()?;
        let direct = pending.after.is_none();
        let (func, sp) = (pending.func, pending.sp);
        // SAFETY: functions are neither moved nor written nor removed while their store lives,
        // and the function is one of this store. Its cells are on the stack, above all frames
        // and below the top. The caller of Wasm's is the running instance.
        unsafe {
            let instance = (!direct).then(|| (*(*self.cx).instance).handle());
            let cells = core::slice::from_raw_parts_mut(sp, (*func).cells());
            let call = HostCall::new(self.store.reborrow(), instance);
            Some((*func).call_host_async(call, cells))
        }
    }

    /// Gives the machine the results of the host function that it waits for, which are in
    /// their cells, or its error.
    pub(super) fn finish_host(&mut self, result: Result<(), HostError>) -> Flow {
        let state = core::mem::replace(&mut self.state, State::Done);
        let State::Host(pending) = state else {
            self.state = state;
            return Ok(());
        };
        // SAFETY: the context is alive.
        unsafe { (*self.cx).stack_top = pending.stack_top };
        let Some(after) = pending.after else {
            return result.map_err(|error| CallError::Host(error).into());
        };
        let crossed = self.cross(CallHook::ReturningFromHost);
        result.map_err(CallError::Host)?;
        crossed?;
        // SAFETY: the results are in their cells; `after` was made for the running instance.
        unsafe { self.go_on(pending.sp, (*pending.func).cells(), after) };
        self.state = State::Running;
        Ok(())
    }
}
