//! Exits of the dispatch loop that stay in the running instance: fuel, epochs, missing code,
//! services.
#![expect(unsafe_code, reason = "works on the context of the store")]

use super::{CallError, Flow, Halt, Machine, Mode, Pause, REQUIRED_FUEL};
use crate::backtrace::code_map;
use crate::code::{Code, CodeMap, InstanceCode, SupplyError};
use crate::families::code_at;
use crate::services::Service;
use core::ptr;
use damson_core::entry::CodeEntry;
use damson_core::epoch::EpochDecision;
use damson_core::func::FuncEntity;
use damson_core::instance::InstanceEntity;
use damson_core::{Cell, TrapCode};

impl Machine<'_> {
    /// The end of the frame of the saved instruction.
    ///
    /// # Safety
    ///
    /// The saved registers are those of an instruction of the running instance.
    pub(super) unsafe fn frame_end(&self) -> *mut Cell {
        // SAFETY: as the caller promises; the frame of running code fits the stack.
        unsafe {
            let regs = (*self.cx).regs;
            let code = code_map(&*(*self.cx).instance).and_then(|map| map.find(regs.ip));
            match code {
                Some(code) => regs.sp.byte_add(code.frame_bytes),
                // Not reached: running code is that of its instance.
                None => (*self.cx).stack_end,
            }
        }
    }

    /// Gets more fuel for an instruction that lacks it.
    ///
    /// # Safety
    ///
    /// `exit_detail` says how much it needs. The saved registers are those of the
    /// instruction, if the call has begun.
    #[cold]
    pub(super) unsafe fn out_of_fuel(&mut self) -> Flow {
        // SAFETY: the context is alive.
        if unsafe { (*self.cx).refuel() } {
            return match self.mode {
                Mode::Async => Err(self.pause(Pause::Yield)),
                Mode::Plain | Mode::Resumable => Ok(()),
            };
        }
        if self.store.fuel_exhausted() {
            return Ok(());
        }
        if self.mode == Mode::Resumable {
            // SAFETY: the context is alive.
            let required = unsafe { (*self.cx).exit_detail[REQUIRED_FUEL] };
            return Err(self.pause(Pause::OutOfFuel(required)));
        }
        Err(self.trap(TrapCode::OutOfFuel))
    }

    /// Takes fuel. Where that is impossible, the saved instruction has to be repeated:
    /// `false`, or cannot go on now.
    ///
    /// # Safety
    ///
    /// The saved registers are those of an instruction of which nothing is done yet, if the
    /// call has begun.
    #[inline]
    pub(super) unsafe fn charge(&mut self, fuel: u64) -> Flow<bool> {
        // SAFETY: the context is alive.
        unsafe {
            if !(*self.cx).metered {
                return Ok(true);
            }
            if let Some(left) = (*self.cx).fuel.checked_sub(fuel) {
                (*self.cx).fuel = left;
                return Ok(true);
            }
            (*self.cx).exit_detail[REQUIRED_FUEL] = fuel;
            self.out_of_fuel()?;
        }
        Ok(false)
    }

    /// Asks what to do at the epoch's deadline.
    ///
    /// # Safety
    ///
    /// The loop was left with [`Exit::EPOCH`].
    #[cold]
    pub(super) unsafe fn epoch_deadline(&mut self) -> Flow {
        let cx = self.cx;
        // SAFETY: as the caller promises. Calls that the embedder makes start above the frame.
        let decision = unsafe {
            let (regs, stack_top) = ((*cx).regs, (*cx).stack_top);
            (*cx).stack_top = self.frame_end();
            let decision = self.store.epoch_deadline_reached();
            (*cx).stack_top = stack_top;
            (*cx).regs = regs;
            decision.map_err(CallError::Host)?
        };
        if decision == EpochDecision::Trap {
            return Err(self.trap(TrapCode::Interrupt));
        }
        // SAFETY: the instruction is one cell long, and another one follows it. The embedder
        // may have let the memory grow.
        unsafe {
            (*cx).regs.ip = (*cx).regs.ip.add(1);
            (*cx).regs.mem0 = (*cx).refresh_mem0();
        }
        match (decision, self.mode) {
            (EpochDecision::Yield(_), Mode::Async) => Err(self.pause(Pause::Yield)),
            (EpochDecision::Yield(_), _) => Err(CallError::CannotYield.into()),
            _ => Ok(()),
        }
    }

    /// The code of a Wasm function, made if it is missing. `None`: fuel was missing and has
    /// come, try again.
    ///
    /// # Safety
    ///
    /// As for [`Self::charge`].
    pub(super) unsafe fn code_of(&mut self, func: &FuncEntity) -> Flow<Option<*const Code>> {
        // SAFETY: the entry of a Wasm function is alive, and so is its instance.
        unsafe {
            let mut code = code_at(func.code);
            if code.is_null() {
                self.supply(&*func.instance, func.func_index)?;
                code = code_at(func.code);
            }
            Ok((!code.is_null()).then_some(code))
        }
    }

    /// Makes the code that the saved instruction needs; it is repeated then.
    ///
    /// # Safety
    ///
    /// The loop was left with [`Exit::NEEDS_CODE`].
    pub(super) unsafe fn supply_code(&mut self) -> Flow {
        // SAFETY: as the caller promises: the detail is an entry of the running instance.
        unsafe {
            let entry = (*self.cx).exit_detail[0] as usize;
            let first = (*self.cx).code.addr();
            let defined = (entry - first) / size_of::<CodeEntry>();
            let instance = &*(*self.cx).instance;
            let imported = code_map(instance).map_or(0, CodeMap::imported);
            // What goes wrong does so at the call, which may not come first in its instruction.
            let (ip, site) = ((*self.cx).regs.ip, (*self.cx).exit_detail[1] as usize);
            (*self.cx).regs.ip = ip.wrapping_add(site);
            let flow = self.supply(instance, imported + defined as u32);
            if !matches!(&flow, Err(halt) if !matches!(**halt, Halt::Pause(_))) {
                // It is repeated.
                (*self.cx).regs.ip = ip;
            }
            flow
        }
    }

    /// Makes missing code, and charges for it.
    ///
    /// # Safety
    ///
    /// As for [`Self::charge`].
    #[cold]
    pub(super) unsafe fn supply(&mut self, instance: &InstanceEntity, func_index: u32) -> Flow {
        let map = code_map(instance).ok_or(CallError::NoCode { func_index })?;
        // SAFETY: as the caller promises.
        if !unsafe { self.charge(map.first_call_cost(func_index))? } {
            return Ok(());
        }
        map.supply(func_index).map_err(|error| match error {
            SupplyError::NoCode => CallError::NoCode { func_index },
            SupplyError::Compile(source) => CallError::Compile { func_index, source },
        })?;
        if let Some(own) = instance
            .code_handle()
            .keep_alive()
            .downcast_ref::<InstanceCode>()
        {
            own.take_over(func_index);
        }
        Ok(())
    }

    /// Runs the service that the saved instruction asks for.
    ///
    /// # Safety
    ///
    /// The loop was left with [`Exit::SERVICE`].
    pub(super) unsafe fn serve(&mut self) -> Flow {
        // SAFETY: the exit's detail is a `Service`, exposed by the handler.
        let served = unsafe {
            let address = ptr::with_exposed_provenance::<()>((*self.cx).exit_detail[0] as usize);
            let service = core::mem::transmute::<*const (), Service>(address);
            service(&mut self.store)
        };
        match served {
            Ok(()) => Ok(()),
            // Nothing is done yet: with new fuel, the instruction is repeated.
            // SAFETY: the service has said what it needs.
            Err(TrapCode::OutOfFuel) => unsafe { self.out_of_fuel() },
            Err(code) => Err(self.trap(code)),
        }
    }
}
