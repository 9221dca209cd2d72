//! Which Wasm calls are active, and where each of them is.
//!
//! Frames are on the store's stack, so the chain of calls is read from there: a frame's
//! linkage follows its parameters and names the caller's frame and the instruction after the
//! call. Where that instruction is not one of the instance's code, it is one of the driver's
//! trampolines, and the chain goes on at the next bridge: the caller is in another instance,
//! or a host function is between (see `Machine::bridge_host`).
//!
//! A trace is recorded when a call fails, before its frames are given up, in the store's
//! context; [`take`] fetches it. Recording is bounded, costs nothing while all goes well, and
//! knows functions by their index only: names are the embedder's business.
#![expect(unsafe_code, reason = "reads frames of the value stack")]

use crate::code::{CodeMap, InstanceCode};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;
use core::ptr;
use damson_core::context::{ActiveCall, Bridge, Context};
use damson_core::instance::InstanceEntity;
use damson_core::{Cell, PrunedMut, PrunedRef};

/// An active call of a Wasm function.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Frame {
    /// Index of the function in its module's function index space.
    pub func_index: u32,
    /// Byte offset of the operator that the call is at, from the start of the Wasm binary;
    /// `None` for bytecode that was not translated from Wasm.
    pub offset: Option<u32>,
    /// What the module's code was made of ([`CodeMap::with_origin`]).
    pub origin: Option<Arc<dyn Any + Send + Sync>>,
}

/// The chain of active Wasm calls, innermost first.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Backtrace {
    /// The calls, at most as many as the store was configured to record.
    pub frames: Vec<Frame>,
    /// Whether there are further callers.
    pub truncated: bool,
}

/// The calls that were active when a call on this store last failed: what has been recorded
/// since the last time it was asked for.
///
/// Whoever gets a [`CallError`](crate::CallError) and wants to know asks at once.
#[must_use]
pub fn take(store: &mut PrunedMut<'_>) -> Backtrace {
    let cx = store.context().as_ptr();
    // SAFETY: the context is the store's, and no other reference to it is alive.
    let trace = unsafe { &mut (*cx).trace };
    let truncated = core::mem::take(&mut trace.truncated);
    let calls = core::mem::take(&mut trace.calls);
    Backtrace {
        frames: resolve(calls),
        truncated,
    }
}

/// The calls that are active now, at most `limit`: for a host function that wants to know its
/// callers.
#[must_use]
pub fn capture(store: PrunedRef<'_>, limit: u32) -> Backtrace {
    // SAFETY: the context is the store's. If an instance is running, the host function was
    // called by it, and the driver has left the registers of the call.
    let (calls, truncated) = unsafe { walk(store.context(), limit) };
    Backtrace {
        frames: resolve(calls),
        truncated,
    }
}

pub(crate) fn resolve(calls: Vec<ActiveCall>) -> Vec<Frame> {
    let frame = |call: ActiveCall| {
        // SAFETY: instances live as long as the store, which the caller borrows.
        let instance = unsafe { &*call.instance };
        Frame {
            func_index: call.func_index,
            offset: call.offset,
            origin: code_map(instance).and_then(|map| map.origin().cloned()),
        }
    };
    calls.into_iter().map(frame).collect()
}

/// The code map of an instance.
pub(crate) fn code_map(instance: &InstanceEntity) -> Option<&CodeMap> {
    let owner = instance.code_handle().keep_alive();
    let own = owner.downcast_ref::<InstanceCode>();
    own.map(InstanceCode::map).or_else(|| owner.downcast_ref())
}

/// Records the active calls in the context.
///
/// # Safety
///
/// As for [`walk`].
#[cold]
pub(crate) unsafe fn record(cx: *mut Context) {
    // SAFETY: as the caller promises; no reference to the context is alive.
    unsafe {
        let (calls, truncated) = walk(cx, (*cx).trace.limit);
        let trace = &mut (*cx).trace;
        trace.calls = calls;
        trace.truncated = truncated;
    }
}

/// The innermost active calls, at most `limit`, and whether there are more.
///
/// # Safety
///
/// No unique reference to the context is alive. If an instance is running, the saved registers are
/// those of an instruction of it, whose frame is intact, or lie one cell before where a
/// function returns to whose frame is gone.
unsafe fn walk(cx: *const Context, limit: u32) -> (Vec<ActiveCall>, bool) {
    // SAFETY: as the caller promises. Every frame was set up by a call, with a linkage after
    // its parameters that nothing overwrites while the frame is there (the verifier keeps
    // slots of code away from it), and every bridge by the driver.
    unsafe {
        let place = Place {
            ip: (*cx).regs.ip,
            sp: (*cx).regs.sp,
            instance: (*cx).instance,
        };
        walk_from(place, &(*cx).bridges, |cell| Some(*cell), limit)
    }
}

/// Where an instance is running, or was.
pub(crate) struct Place {
    /// An instruction of it.
    pub(crate) ip: *const Cell,
    /// The frame of the function.
    pub(crate) sp: *mut Cell,
    pub(crate) instance: *const InstanceEntity,
}

/// The calls that lead to a place, innermost first, at most `limit`; `read` knows what is in
/// a cell of the stack.
///
/// # Safety
///
/// The instances are alive, which is all that is followed but for what `read` does.
pub(crate) unsafe fn walk_from(
    place: Place,
    bridges: &[Bridge],
    read: impl Fn(*mut Cell) -> Option<Cell>,
    limit: u32,
) -> (Vec<ActiveCall>, bool) {
    let mut calls = Vec::new();
    let Place {
        mut ip,
        mut sp,
        mut instance,
    } = place;
    let mut bridges = bridges.iter().rev();
    while !instance.is_null() {
        // SAFETY: as the caller promises.
        let running = unsafe { &*instance };
        let located = code_map(running).and_then(|map| map.locate(ip));
        let Some((func_index, offset)) = located else {
            // A trampoline: the caller is beyond a bridge, if there is one.
            let Some(bridge) = bridges.next() else { break };
            ip = bridge.ip.wrapping_sub(1);
            sp = bridge.sp;
            instance = bridge.instance;
            continue;
        };
        if calls.len() == limit as usize {
            return (calls, true);
        }
        calls.push(ActiveCall {
            instance,
            func_index,
            offset,
        });
        let Some(ty) = running.shape().func_type(func_index) else {
            break;
        };
        let link = sp.wrapping_add(ty.cells());
        let (Some(back), Some(caller)) = (read(link), read(link.wrapping_add(1))) else {
            break;
        };
        // The instruction after the call may belong to something else already.
        ip = ptr::with_exposed_provenance::<Cell>(back.to_bits() as usize).wrapping_sub(1);
        sp = ptr::with_exposed_provenance_mut(caller.to_bits() as usize);
    }
    (calls, false)
}
