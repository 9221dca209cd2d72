#![expect(
    unsafe_code,
    reason = "owns the value stack and reads entities on an executor's behalf"
)]
//! The execution context: what a running executor reads and writes.
//!
//! It lives in the store core, at an address that does not change, and an
//! executor works on it through a raw pointer while the store is mutably borrowed
//! ([`PrunedMut::context`](crate::PrunedMut::context)). The core itself uses it
//! for fuel only.
//!
//! # Invariants
//!
//! - `code` and `globals` are those of `instance`, unless that is null. `mem0_limits`
//!   are, too, as of the last [`Context::enter_instance`] or
//!   [`Context::refresh_mem0`]. A memory can grow behind its back through a handle,
//!   and a call from outside may have entered another instance meanwhile, so an
//!   executor takes them again whenever it comes back from outside.
//! - The value stack is allocated by [`Context::ensure_stack`], zeroed, and
//!   never moved or freed while the store lives.
//!
//! The fields are public because the context is the interface between the store
//! and an executor. It is reached through a raw pointer only: who dereferences
//! that answers for what is written.

use alloc::alloc::{Layout, alloc_zeroed, dealloc};
use alloc::vec::Vec;
use core::ptr::{self, NonNull};

use crate::cell::Cell;
use crate::entry::CodeEntry;
use crate::epoch::{Epoch, NEVER};
use crate::error::StackError;
use crate::instance::InstanceEntity;
use crate::memory::MemoryEntity;

/// The limit of a memory that does not exist: every access is out of bounds.
const NO_LIMIT: i64 = i64::MIN;

/// The registers of the machine, saved where the executor leaves its loop.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct Regs {
    /// The next instruction.
    pub ip: *const Cell,
    /// The frame.
    pub sp: *mut Cell,
    /// The base of memory 0.
    pub mem0: *mut u8,
    /// The integer accumulator.
    pub acc: u64,
    /// Where the last branch backwards went, by its exposed address; zero at first.
    pub head: u64,
    /// The `f32` accumulator.
    pub f32acc: f32,
    /// The `f64` accumulator.
    pub f64acc: f64,
    /// Fuel that code takes from: a whole number that a float holds exactly. Zero outside of
    /// the dispatch loop.
    pub fuel: f64,
}

/// Where to go on after a call that left an instance or the loop.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct Bridge {
    /// The instruction to return to.
    pub ip: *const Cell,
    /// The frame to return to.
    pub sp: *mut Cell,
    /// The instance to return to.
    pub instance: *const InstanceEntity,
}

/// An active call of a Wasm function.
#[derive(Debug, Clone, Copy)]
pub struct ActiveCall {
    /// The instance.
    pub instance: *const InstanceEntity,
    /// Index of the function in its module's function index space.
    pub func_index: u32,
    /// Byte offset of the operator that it was at, from the start of the Wasm binary.
    pub offset: Option<u32>,
}

/// The calls that were active when a call failed, until somebody asks for them.
#[derive(Debug, Default)]
pub struct Trace {
    /// How many calls are recorded at most.
    pub limit: u32,
    /// The innermost ones, innermost first.
    pub calls: Vec<ActiveCall>,
    /// Whether there were more.
    pub truncated: bool,
}

/// The execution context of a store, see the [module documentation](self).
#[derive(Debug)]
#[repr(C)]
pub struct Context {
    /// The largest effective address at which an access of 1, 2, 4, 8 or 16 bytes
    /// (by the logarithm of the size) in memory 0 is in bounds; negative if there
    /// is none. To be compared as a signed number.
    pub mem0_limits: [i64; 5],
    /// The end of the value stack.
    pub stack_end: *mut Cell,
    /// The fuel at hand, less what is lent to the loop while that runs. Means nothing unless
    /// [`metered`](Self::metered).
    pub fuel: u64,
    /// The present epoch. Never null; lives as long as the store.
    pub epoch: *const Epoch,
    /// The epoch from which on code that looks at it has to leave the loop.
    pub epoch_deadline: u64,
    /// Code that no function contains, only linkages point to it; the executor's.
    pub trampolines: [Cell; 2],
    /// Fuel that is left, but not at hand: see [`Context::refuel`].
    pub fuel_reserve: u64,
    /// How much fuel comes out of the reserve at a time.
    pub fuel_interval: u64,
    /// How many more calls may nest.
    pub depth_left: u32,
    /// Whether fuel is consumed.
    pub metered: bool,
    /// The running instance; null if none is.
    pub instance: *const InstanceEntity,
    /// [`InstanceEntity::code`] of the running instance.
    pub code: *const CodeEntry,
    /// [`InstanceEntity::globals`] of the running instance.
    pub globals: *const *mut Cell,
    /// The start of the value stack; null until it is allocated.
    pub stack_base: *mut Cell,
    /// Where the frame of a call from the host starts.
    pub stack_top: *mut Cell,
    /// How many more calls of the host may nest.
    pub host_nesting_left: u32,
    /// The saved registers.
    pub regs: Regs,
    /// The calls to come back from.
    pub bridges: Vec<Bridge>,
    /// Why the loop was left, in the executor's encoding.
    pub exit: usize,
    /// What an exit from the loop wants to tell besides its reason.
    pub exit_detail: [u64; 6],
    /// The calls that were active when a call failed.
    pub trace: Trace,
    stack: Stack,
}

impl Context {
    pub(crate) fn new(stack_bytes: usize, depth: u32, nesting: u32, fuel: Option<u64>) -> Self {
        Self {
            mem0_limits: [NO_LIMIT; 5],
            stack_end: ptr::null_mut(),
            fuel: fuel.unwrap_or(0),
            epoch: &raw const NEVER,
            epoch_deadline: u64::MAX,
            trampolines: [Cell::ZERO; 2],
            fuel_reserve: 0,
            fuel_interval: u64::MAX,
            depth_left: depth,
            metered: fuel.is_some(),
            instance: ptr::null(),
            code: ptr::null(),
            globals: ptr::null(),
            stack_base: ptr::null_mut(),
            stack_top: ptr::null_mut(),
            host_nesting_left: nesting,
            regs: Regs {
                ip: ptr::null(),
                sp: ptr::null_mut(),
                mem0: NonNull::dangling().as_ptr(),
                acc: 0,
                head: 0,
                f32acc: 0.0,
                f64acc: 0.0,
                fuel: 0.0,
            },
            bridges: Vec::new(),
            exit: 0,
            exit_detail: [0; 6],
            trace: Trace::default(),
            stack: Stack {
                base: None,
                cells: stack_bytes / size_of::<Cell>(),
            },
        }
    }

    /// Sets the fuel: as much as one interval at hand, the rest in reserve.
    pub fn set_fuel(&mut self, fuel: u64) {
        self.fuel = fuel.min(self.fuel_interval);
        self.fuel_reserve = fuel - self.fuel;
    }

    /// Takes one interval of fuel out of the reserve; tells whether there was any.
    pub fn refuel(&mut self) -> bool {
        let more = self.fuel_interval.min(self.fuel_reserve);
        // What is at hand and in reserve was one number once: no overflow.
        self.fuel += more;
        self.fuel_reserve -= more;
        more > 0
    }

    /// All fuel that is left.
    #[must_use]
    pub fn total_fuel(&self) -> u64 {
        self.fuel.saturating_add(self.fuel_reserve)
    }

    /// Makes `instance` the running one and returns the base of its memory 0
    /// (dangling if it has none; the limits then exclude every access).
    ///
    /// # Safety
    ///
    /// `instance` lives in the store of this context, and neither it nor its
    /// memory 0 is mutably borrowed.
    #[inline]
    pub unsafe fn enter_instance(&mut self, instance: *const InstanceEntity) -> *mut u8 {
        // SAFETY: the caller vouches for the instance; memories of an instance
        // live in its store, too.
        unsafe {
            self.select_instance(instance);
            self.cache_memory((*instance).memory(0))
        }
    }

    /// Makes `instance` the running one, or none if it is null, but leaves the limits of
    /// its memory as they are: whoever runs its code takes them first
    /// ([`refresh_mem0`](Self::refresh_mem0)).
    ///
    /// For where a host function has the store, and may be writing the memory.
    ///
    /// # Safety
    ///
    /// `instance` is null, or lives in the store of this context and is not mutably
    /// borrowed.
    #[inline]
    pub unsafe fn select_instance(&mut self, instance: *const InstanceEntity) {
        self.instance = instance;
        if !instance.is_null() {
            // SAFETY: the caller vouches for the instance.
            unsafe {
                self.code = (*instance).code;
                self.globals = (*instance).globals;
            }
        }
    }

    /// Takes the limits of memory 0 of the running instance anew, and returns its
    /// base: what has to happen after anything that may have grown it.
    ///
    /// # Safety
    ///
    /// There is a running instance, and neither it nor its memory 0 is mutably
    /// borrowed.
    #[inline]
    pub unsafe fn refresh_mem0(&mut self) -> *mut u8 {
        debug_assert!(!self.instance.is_null());
        // SAFETY: the running instance and its memories live in the store of this
        // context (`enter_instance`), whose entities are never removed.
        unsafe { self.cache_memory((*self.instance).memory(0)) }
    }

    /// # Safety
    ///
    /// `memory` is null or valid and not mutably borrowed.
    #[inline]
    unsafe fn cache_memory(&mut self, memory: *const MemoryEntity) -> *mut u8 {
        // SAFETY: the caller's promise.
        match unsafe { memory.as_ref() } {
            Some(memory) => {
                self.mem0_limits = memory.limits();
                memory.base
            }
            None => {
                self.mem0_limits = [NO_LIMIT; 5];
                NonNull::dangling().as_ptr()
            }
        }
    }

    /// Allocates the value stack, unless that has happened: all cells are zero,
    /// and [`stack_base`](Self::stack_base), [`stack_top`](Self::stack_top) and
    /// [`stack_end`](Self::stack_end) are set.
    ///
    /// # Errors
    ///
    /// [`StackError`] if there is no memory for it.
    #[inline]
    pub fn ensure_stack(&mut self) -> Result<(), StackError> {
        if self.stack.base.is_some() {
            Ok(())
        } else {
            self.make_stack()
        }
    }

    #[cold]
    fn make_stack(&mut self) -> Result<(), StackError> {
        let base = self.stack.allocate()?.as_ptr();
        self.stack_base = base;
        self.stack_top = base;
        // Within or one past the allocation, without relying on it.
        self.stack_end = base.wrapping_add(self.stack.cells);
        Ok(())
    }
}

/// The owner of the value stack; the public pointers are copies.
#[derive(Debug)]
struct Stack {
    base: Option<NonNull<Cell>>,
    cells: usize,
}

impl Stack {
    fn layout(&self) -> Option<Layout> {
        Layout::array::<Cell>(self.cells).ok()
    }

    fn allocate(&mut self) -> Result<NonNull<Cell>, StackError> {
        let bytes = self.cells.saturating_mul(size_of::<Cell>());
        let layout = self.layout().ok_or(StackError { bytes })?;
        let base = if layout.size() == 0 {
            NonNull::dangling()
        } else {
            // SAFETY: the size is not 0.
            let base = unsafe { alloc_zeroed(layout) };
            NonNull::new(base.cast()).ok_or(StackError { bytes })?
        };
        self.base = Some(base);
        Ok(base)
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        if let (Some(base), Some(layout)) = (self.base, self.layout())
            && layout.size() != 0
        {
            // SAFETY: allocated in `allocate` with the same layout, as `cells`
            // never changes.
            unsafe { dealloc(base.as_ptr().cast(), layout) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stack_is_made_once_zeroed_and_as_large_as_configured() {
        let mut context = Context::new(1000, 1, 1, None);
        assert!(context.stack_base.is_null());
        context.ensure_stack().unwrap();
        let base = context.stack_base;
        assert_eq!(context.stack_top, base);
        assert_eq!(context.stack_end, base.wrapping_add(125));
        // SAFETY: the cells of the stack that was just made.
        let cells = unsafe { core::slice::from_raw_parts_mut(base, 125) };
        assert!(cells.iter().all(|&cell| cell == Cell::ZERO));
        cells[124] = Cell::new(7u32);
        context.ensure_stack().unwrap();
        assert_eq!(context.stack_base, base);
        // SAFETY: as before.
        assert_eq!(unsafe { *base.add(124) }, Cell::new(7u32));
    }

    #[test]
    fn impossible_and_empty_stacks() {
        let mut context = Context::new(usize::MAX, 1, 1, None);
        let error = context.ensure_stack().unwrap_err();
        assert_eq!(
            error,
            StackError {
                bytes: usize::MAX - 7
            }
        );
        assert!(context.stack_base.is_null());

        let mut context = Context::new(7, 1, 1, None);
        context.ensure_stack().unwrap();
        assert_eq!(context.stack_base, context.stack_end);
        assert!(!context.stack_base.is_null());
    }

    #[test]
    fn fuel_comes_in_intervals_and_none_is_lost() {
        let mut context = Context::new(0, 1, 1, Some(0));
        context.fuel_interval = 10;
        context.set_fuel(25);
        assert_eq!((context.fuel, context.fuel_reserve), (10, 15));
        context.fuel = 3;
        assert!(context.refuel());
        assert_eq!((context.fuel, context.total_fuel()), (13, 18));
        context.fuel = 0;
        assert!(context.refuel());
        assert_eq!((context.fuel, context.fuel_reserve), (5, 0));
        assert!(!context.refuel());
        context.fuel_interval = u64::MAX;
        context.set_fuel(u64::MAX);
        assert_eq!(context.total_fuel(), u64::MAX);
    }

    #[test]
    fn without_a_memory_every_access_is_out_of_bounds() {
        let context = Context::new(0, 1, 1, None);
        assert!(context.mem0_limits.iter().all(|&limit| limit < 0));
    }
}
