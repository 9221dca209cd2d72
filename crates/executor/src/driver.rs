//! The driver: enters the dispatch loop and does what makes it leave.
//!
//! Everything that can panic, block, take long or run Wasm again happens here, as ordinary
//! Rust code: host functions, compilation, growth, calls into other instances. A panic
//! unwinds through the driver, whose guard puts the context back into the state before the
//! call, so the store stays usable.
#![expect(
    unsafe_code,
    reason = "works on the context and the value stack of the store"
)]

use crate::backtrace::{self, code_map};
use crate::code::{Code, CodeMap, CompileError, SupplyError};
use crate::dispatch::{Exit, Handler, handler, run};
use crate::families::{Halt, ReturnToInstance, TailFrame, code_at, expose};
use crate::place::slot_at;
use crate::services::Service;
use core::ptr;
use damson_core::context::{Bridge, Context, Regs};
use damson_core::entry::CodeEntry;
use damson_core::error::StackError;
use damson_core::func::{FuncEntity, HostCall, HostError};
use damson_core::handle::{ForeignHandle, FuncHandle};
use damson_core::instance::InstanceEntity;
use damson_core::store::CallHook;
use damson_core::{Cell, PrunedMut, Trap, TrapCode, TrapSite};

/// Why a call gave no results.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The guest trapped.
    #[error(transparent)]
    Trap(Trap),
    /// A host function failed.
    #[error("{0}")]
    Host(HostError),
    /// The code of a function could not be made.
    #[error("function {func_index} could not be compiled: {source}")]
    Compile {
        /// Index of the function in its module.
        func_index: u32,
        /// What the compiler says.
        source: CompileError,
    },
    /// A function without code was called, and its module has no compiler.
    #[error("function {func_index} has no code, and its module has no compiler")]
    NoCode {
        /// Index of the function in its module.
        func_index: u32,
    },
    /// The number of cells is not that of the function's type.
    #[error("a function of type {ty} takes a buffer of {expected} cells, found {found}")]
    CellCount {
        /// The function's type.
        ty: damson_core::FuncType,
        /// Cells of the type: the number of its parameters or results, whichever is larger.
        expected: usize,
        /// Cells given.
        found: usize,
    },
    /// The function belongs to another store.
    #[error(transparent)]
    ForeignHandle(#[from] ForeignHandle),
    /// There is no memory for the value stack.
    #[error(transparent)]
    Stack(#[from] StackError),
}

impl From<TrapCode> for CallError {
    fn from(code: TrapCode) -> Self {
        Self::Trap(Trap::new(code))
    }
}

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
pub fn call(
    mut store: PrunedMut<'_>,
    func: FuncHandle,
    cells: &mut [Cell],
) -> Result<(), CallError> {
    let entity = store.func(func)?;
    let expected = entity.ty().cells();
    if cells.len() != expected {
        return Err(CallError::CellCount {
            ty: entity.ty().clone(),
            expected,
            found: cells.len(),
        });
    }
    let entity: *const FuncEntity = entity;
    // SAFETY: functions are neither moved nor written nor removed while their store lives.
    let entity = unsafe { &*entity };
    let cx = store.context().as_ptr();
    if entity.is_host() {
        // SAFETY: the store, which the call borrows, outlives the level. `func` resolves the
        // entity in this store.
        return unsafe {
            let _level = Level::enter(cx)?;
            entity.call_host(HostCall::new(store, None), cells)
        }
        .map_err(CallError::Host);
    }
    // SAFETY: the context is the store's, which the driver borrows for as long as it lives.
    unsafe {
        (*cx).ensure_stack()?;
        let store = store.reborrow();
        let mut driver = Driver { store, cx };
        driver.cross(CallHook::CallingWasm)?;
        let result = driver.call_wasm(entity, cells);
        result.and(driver.cross(CallHook::ReturningFromWasm))
    }
}

/// Runs functions on the context of a store.
struct Driver<'a> {
    store: PrunedMut<'a>,
    /// The context of `store`.
    cx: *mut Context,
}

/// Code that no function contains, only linkages point to it.
struct Trampolines {
    halt: Cell,
    return_to_instance: Cell,
}

impl Trampolines {
    fn new() -> Self {
        let (halt, return_to_instance): (Handler, Handler) =
            (handler::<Halt>, handler::<ReturnToInstance>);
        Self {
            halt: expose(halt as *const ()),
            return_to_instance: expose(return_to_instance as *const ()),
        }
    }
}

/// A call of a host function from the host. A guest can have chosen the function, and let it
/// call itself, so such calls take from the limit on nesting, too.
struct Level {
    cx: *mut Context,
}

impl Level {
    /// # Safety
    ///
    /// `cx` outlives the level.
    unsafe fn enter(cx: *mut Context) -> Result<Self, TrapCode> {
        // SAFETY: as the caller promises; no reference to the context is alive.
        let left = unsafe { &mut (*cx).host_nesting_left };
        *left = left.checked_sub(1).ok_or(TrapCode::StackOverflow)?;
        Ok(Self { cx })
    }
}

impl Drop for Level {
    fn drop(&mut self) {
        // SAFETY: the context outlives the level; no reference to it is alive. Calls inside of
        // this one have put the number back to what it was.
        unsafe { (*self.cx).host_nesting_left += 1 };
    }
}

/// Puts the context back into the state before a call from the host, however that ends.
struct Restore {
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

impl Restore {
    /// # Safety
    ///
    /// `cx` outlives the guard.
    unsafe fn new(cx: *mut Context) -> Self {
        // SAFETY: as the caller promises.
        unsafe {
            Self {
                cx,
                instance: (*cx).instance,
                ip: (*cx).regs.ip,
                sp: (*cx).regs.sp,
                stack_top: (*cx).stack_top,
                depth_left: (*cx).depth_left,
                host_nesting_left: (*cx).host_nesting_left,
                bridges: (*cx).bridges.len(),
            }
        }
    }
}

impl Drop for Restore {
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
            if self.instance.is_null() {
                cx.instance = ptr::null();
            } else {
                // The caller's driver takes the new base of its memory itself.
                let _ = cx.enter_instance(self.instance);
            }
        }
    }
}

impl Driver<'_> {
    /// Tells the embedder that control crosses between Wasm and the host.
    fn cross(&mut self, crossing: CallHook) -> Result<(), CallError> {
        self.store.call_hook(crossing).map_err(CallError::Host)
    }

    /// Calls a Wasm function from the host.
    ///
    /// # Safety
    ///
    /// `entity` is a Wasm function of the store, `cells` has the length that its type says.
    unsafe fn call_wasm(
        &mut self,
        entity: &FuncEntity,
        cells: &mut [Cell],
    ) -> Result<(), CallError> {
        let cx = self.cx;
        // SAFETY: the context is alive and only this driver uses it; the instance of a Wasm
        // function is alive. The frame fits: it is checked.
        unsafe {
            if (*cx).host_nesting_left == 0 || (*cx).depth_left == 0 {
                return Err(TrapCode::StackOverflow.into());
            }
            let code = self.code_of(entity)?;
            let sp = (*cx).stack_top;
            if !self.fits(sp, (*code).frame_bytes) {
                return Err(TrapCode::StackOverflow.into());
            }
            let restore = Restore::new(cx);
            self.bridge_host()?;
            (*cx).host_nesting_left -= 1;
            (*cx).depth_left -= 1;
            let trampolines = Trampolines::new();
            ptr::copy_nonoverlapping(cells.as_ptr(), sp, cells.len());
            let link = sp.add(cells.len());
            *link = expose(&raw const trampolines.halt);
            *link.add(1) = expose(sp);
            let mem0 = (*cx).enter_instance(entity.instance);
            (*cx).regs = Regs {
                ip: (*code).start,
                sp,
                mem0,
                acc: 0,
                x: 0,
                f32acc: 0.0,
                f64acc: 0.0,
            };
            if let Err(error) = self.drive(&trampolines) {
                backtrace::record(cx);
                return Err(error);
            }
            ptr::copy_nonoverlapping(sp, cells.as_mut_ptr(), cells.len());
            drop(restore);
        }
        Ok(())
    }

    /// Leaves a bridge over a host function that calls Wasm, for backtraces: the frame that
    /// the host calls does not know its caller's.
    ///
    /// # Safety
    ///
    /// If an instance is running, the saved registers are those of the call that it is in.
    unsafe fn bridge_host(&mut self) -> Result<(), CallError> {
        // SAFETY: as the caller promises; no reference to the context is alive.
        unsafe {
            let cx = &*self.cx;
            if cx.instance.is_null() {
                return Ok(());
            }
            // Bridges hold what is returned to, one cell after what is going on.
            let (ip, sp) = (cx.regs.ip.wrapping_add(1), cx.regs.sp);
            self.push_bridge(ip, sp)
        }
    }

    /// Runs until the function that the host called returns.
    ///
    /// # Safety
    ///
    /// The saved registers are those of an instruction of the running instance.
    unsafe fn drive(&mut self, trampolines: &Trampolines) -> Result<(), CallError> {
        loop {
            // SAFETY: as the caller promises at first; every arm below leaves registers of an
            // instruction of the instance that it leaves running.
            unsafe {
                match run(self.cx) {
                    Exit::DONE => return Ok(()),
                    Exit::SERVICE => self.serve()?,
                    Exit::CALL => self.call_out(trampolines)?,
                    Exit::TAIL_CALL => self.tail_call_out(trampolines)?,
                    Exit::NEEDS_CODE => self.supply_code()?,
                    Exit::RETURN_TO_INSTANCE => self.return_to_instance(),
                    // With new fuel, the instruction is repeated.
                    Exit::OUT_OF_FUEL if self.store.fuel_exhausted() => {}
                    Exit::OUT_OF_FUEL => return Err(self.trap(TrapCode::OutOfFuel)),
                    exit => {
                        // Every other exit is a trap.
                        let code = exit.trap_code().unwrap_or(TrapCode::UnreachableCodeReached);
                        return Err(self.trap(code));
                    }
                }
            }
        }
    }

    /// A trap at the saved instruction.
    ///
    /// # Safety
    ///
    /// There is a running instance.
    unsafe fn trap(&self, code: TrapCode) -> CallError {
        // SAFETY: as the caller promises; instances live as long as their store.
        let (instance, ip) = unsafe { (&*(*self.cx).instance, (*self.cx).regs.ip) };
        let located = code_map(instance).and_then(|map| map.locate(ip));
        let site = located.map(|(func_index, offset)| TrapSite { func_index, offset });
        CallError::Trap(Trap { code, site })
    }

    /// Whether a frame fits the stack at `sp`.
    fn fits(&self, sp: *mut Cell, frame_bytes: usize) -> bool {
        // SAFETY: the context is alive.
        let end = unsafe { (*self.cx).stack_end };
        end.addr() - sp.addr() >= frame_bytes
    }

    /// The code of a Wasm function, made if it is missing.
    fn code_of(&self, func: &FuncEntity) -> Result<*const Code, CallError> {
        // SAFETY: the entry of a Wasm function is alive, and so is its instance.
        let (code, instance) = unsafe { (code_at(func.code), &*func.instance) };
        if code.is_null() {
            supply(instance, func.func_index)
        } else {
            Ok(code)
        }
    }

    /// Makes the code that the saved instruction needs; it is repeated then.
    ///
    /// # Safety
    ///
    /// The loop was left with [`Exit::NEEDS_CODE`].
    unsafe fn supply_code(&mut self) -> Result<(), CallError> {
        // SAFETY: as the caller promises: the detail is an entry of the running instance.
        let (instance, defined) = unsafe {
            let entry = (*self.cx).exit_detail[0] as usize;
            let first = (*self.cx).code.addr();
            let defined = (entry - first) / size_of::<CodeEntry>();
            (&*(*self.cx).instance, defined)
        };
        let imported = code_map(instance).map_or(0, CodeMap::imported);
        supply(instance, imported + defined as u32)?;
        Ok(())
    }

    /// Runs the service that the saved instruction asks for.
    ///
    /// # Safety
    ///
    /// The loop was left with [`Exit::SERVICE`].
    unsafe fn serve(&mut self) -> Result<(), CallError> {
        // SAFETY: the exit's detail is a `Service`, exposed by the handler.
        let served = unsafe {
            let address = ptr::with_exposed_provenance::<()>((*self.cx).exit_detail[0] as usize);
            let service = core::mem::transmute::<*const (), Service>(address);
            service(&mut self.store)
        };
        match served {
            // Nothing is done yet: with new fuel, the instruction is repeated.
            Err(TrapCode::OutOfFuel) if self.store.fuel_exhausted() => Ok(()),
            // SAFETY: the running instance is still the one of the instruction.
            served => served.map_err(|code| unsafe { self.trap(code) }),
        }
    }

    /// Goes back to the instance that called the function that has returned.
    ///
    /// # Safety
    ///
    /// The loop was left with [`Exit::RETURN_TO_INSTANCE`].
    unsafe fn return_to_instance(&mut self) {
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
    /// The loop was left with [`Exit::CALL`].
    unsafe fn call_out(&mut self, trampolines: &Trampolines) -> Result<(), CallError> {
        // SAFETY: as the caller promises: the details are those of `call_entity`, and the
        // verifier has checked that arguments and results lie in the caller's frame.
        unsafe {
            let [func, at, cells, ..] = (*self.cx).exit_detail;
            let func = &*ptr::with_exposed_provenance::<FuncEntity>(func as usize);
            let regs = (*self.cx).regs;
            let return_ip = regs.ip.add(cells as usize);
            let sp = slot_at(&regs, at as usize);
            if func.is_host() {
                return self.call_host(
                    func,
                    sp,
                    Regs {
                        ip: return_ip,
                        ..regs
                    },
                );
            }
            let code = self.code_of(func)?;
            if !self.fits(sp, (*code).frame_bytes) || (*self.cx).depth_left == 0 {
                return Err(self.trap(TrapCode::StackOverflow));
            }
            self.push_bridge(return_ip, regs.sp)?;
            (*self.cx).depth_left -= 1;
            let link = slot_at(&regs, at as usize + 2);
            *link = expose(&raw const trampolines.return_to_instance);
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
    /// The loop was left with [`Exit::TAIL_CALL`].
    unsafe fn tail_call_out(&mut self, trampolines: &Trampolines) -> Result<(), CallError> {
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
                // The arguments are in the frame, and as many results are before its linkage.
                debug_assert!(self.fits(sp, func.ty().cells() * size_of::<Cell>()));
                ptr::copy(sp.add(src), sp, count);
                // Its linkage may be overwritten, so a backtrace begins at its caller.
                (*self.cx).regs.ip = return_ip.wrapping_sub(1);
                (*self.cx).regs.sp = caller_sp;
                // The frame is gone when the host function returns, its depth with it.
                self.call_host(
                    func,
                    sp,
                    Regs {
                        ip: return_ip,
                        sp: caller_sp,
                        ..regs
                    },
                )?;
                (*self.cx).depth_left += 1;
                return Ok(());
            }
            let code = self.code_of(func)?;
            if !self.fits(sp, (*code).frame_bytes) {
                return Err(self.trap(TrapCode::StackOverflow));
            }
            let bridge = &raw const trampolines.return_to_instance;
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
    unsafe fn push_bridge(&mut self, ip: *const Cell, sp: *mut Cell) -> Result<(), CallError> {
        // SAFETY: no other reference to the context is alive.
        let cx = unsafe { &mut *self.cx };
        if cx.bridges.try_reserve(1).is_err() {
            // SAFETY: there is a running instance.
            return Err(unsafe { self.trap(TrapCode::StackOverflow) });
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
                ip: (*code).start,
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
    unsafe fn call_host(
        &mut self,
        func: &FuncEntity,
        sp: *mut Cell,
        after: Regs,
    ) -> Result<(), CallError> {
        // SAFETY: as the caller promises. Calls that the host makes start above these cells,
        // so nothing else refers to them. The function is one of this store.
        unsafe {
            let len = func.ty().cells();
            let stack_top = (*self.cx).stack_top;
            (*self.cx).stack_top = sp.add(len);
            let cells = core::slice::from_raw_parts_mut(sp, len);
            let instance = (*(*self.cx).instance).handle();
            self.cross(CallHook::CallingHost)?;
            let call = HostCall::new(self.store.reborrow(), Some(instance));
            let result = func.call_host(call, cells).map_err(CallError::Host);
            (*self.cx).stack_top = stack_top;
            result.and(self.cross(CallHook::ReturningFromHost))?;
            let first = cells.first().copied().unwrap_or(Cell::ZERO);
            (*self.cx).regs = Regs {
                mem0: (*self.cx).refresh_mem0(),
                acc: first.to_bits(),
                f32acc: first.get(),
                f64acc: first.get(),
                ..after
            };
        }
        Ok(())
    }
}

/// Makes missing code.
fn supply(instance: &InstanceEntity, func_index: u32) -> Result<*const Code, CallError> {
    let map = code_map(instance).ok_or(CallError::NoCode { func_index })?;
    match map.supply(func_index) {
        Ok(code) => Ok(code),
        Err(SupplyError::NoCode) => Err(CallError::NoCode { func_index }),
        Err(SupplyError::Compile(source)) => Err(CallError::Compile { func_index, source }),
    }
}
