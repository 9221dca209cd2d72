//! The hooks: the way from the executor and the entities to the embedder's code.
//!
//! A hook is a closure that gets the host data in its erased form and takes it
//! back by a checked [`HostDataMut::get`]. It does not get the store, so it
//! cannot come back into a store that is in the middle of something. It may
//! panic: whoever asks it has not changed anything yet.
//!
//! The store itself asks the limiter. The other two are for the executor, which
//! asks through [`PrunedMut::call_hook`](super::PrunedMut::call_hook) and
//! [`PrunedMut::fuel_exhausted`](super::PrunedMut::fuel_exhausted); an executor
//! that has no such points leaves them alone.
//!
//! Host functions are not in this table. They are entities of the store, linked
//! one by one ([`crate::func`]). The glue that drops the host data belongs to the
//! data itself.
//!
//! The table is made by `Default` and has no public constructor, so it can grow;
//! [`HostVtable::abi_version`] tells what it has.

use alloc::boxed::Box;
use core::fmt;

use super::data::HostDataMut;
use crate::error::GrowError;
use crate::func::HostError;
use crate::types::ExternKind;

/// The number of the present set of hooks; raised when one is added.
pub const HOST_VTABLE_VERSION: u32 = 2;

/// A memory or table wants to grow, or to be made (then the current size is 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct GrowRequest {
    /// [`ExternKind::Memory`], with sizes in bytes, or [`ExternKind::Table`], with
    /// sizes in elements.
    pub kind: ExternKind,
    /// The size now.
    pub current: u64,
    /// The size after growing.
    pub desired: u64,
    /// The greatest size that its type allows, if that says anything.
    pub maximum: Option<u64>,
}

/// A limiter's answer to a [`GrowRequest`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum GrowDecision {
    /// Go on.
    Allow,
    /// The guest is told that growing failed.
    Deny,
    /// The guest is stopped by a trap.
    Trap,
}

/// What happens to the guest after a growth that was allowed has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum GrowFailure {
    /// The guest is told that growing failed.
    Report,
    /// The guest is stopped by a trap.
    Trap,
}

/// What a store can be limited to a number of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Counted {
    /// Instances.
    Instances,
    /// Tables, of instances and of the host.
    Tables,
    /// Linear memories, of instances and of the host.
    Memories,
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Instances => "instances",
            Self::Tables => "tables",
            Self::Memories => "memories",
        })
    }
}

/// Decides what a store may have.
///
/// Every closure that answers a [`GrowRequest`] is a limiter that allows any
/// number of entities and takes failures as they come.
pub trait Limiter: Send + Sync {
    /// Asked before a memory or table is made or grows. What the type of the entity
    /// forbids is not asked.
    fn growing(&mut self, data: HostDataMut<'_>, request: GrowRequest) -> GrowDecision;

    /// Told when a growth that was allowed fails.
    fn grow_failed(
        &mut self,
        data: HostDataMut<'_>,
        kind: ExternKind,
        error: &GrowError,
    ) -> GrowFailure {
        let _ = (data, kind, error);
        GrowFailure::Report
    }

    /// How many entities of a kind the store may have.
    fn max_count(&mut self, data: HostDataMut<'_>, counted: Counted) -> usize {
        let _ = (data, counted);
        usize::MAX
    }
}

impl<F> Limiter for F
where
    F: FnMut(HostDataMut<'_>, GrowRequest) -> GrowDecision + Send + Sync,
{
    fn growing(&mut self, data: HostDataMut<'_>, request: GrowRequest) -> GrowDecision {
        self(data, request)
    }
}

/// What a store that ran out of fuel does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FuelDecision {
    /// Stop the guest by a trap.
    Trap,
    /// Add so much fuel and go on; none at all is a trap.
    Add(u64),
}

/// A border between Wasm and the host is being crossed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallHook {
    /// The host calls a Wasm function.
    CallingWasm,
    /// A Wasm function returns to the host.
    ReturningFromWasm,
    /// Wasm calls a host function.
    CallingHost,
    /// A host function returns to Wasm.
    ReturningFromHost,
}

/// A hook at the border between Wasm and the host.
pub type CallHookFn =
    Box<dyn FnMut(HostDataMut<'_>, CallHook) -> Result<(), HostError> + Send + Sync>;
/// A hook that decides what happens without fuel.
pub type FuelFn = Box<dyn FnMut(HostDataMut<'_>) -> FuelDecision + Send + Sync>;

/// The hooks of a store, see the [module documentation](self).
#[non_exhaustive]
pub struct HostVtable {
    abi_version: u32,
    /// Decides what the store may have. Default: everything.
    pub limiter: Option<Box<dyn Limiter>>,
    /// For executors: control crosses between Wasm and the host. Default: go on.
    pub call_hook: Option<CallHookFn>,
    /// For executors: metered code has used up its fuel. Default: trap.
    pub fuel_exhausted: Option<FuelFn>,
}

impl HostVtable {
    /// The version of this table, [`HOST_VTABLE_VERSION`] of the crate that made it.
    #[must_use]
    pub const fn abi_version(&self) -> u32 {
        self.abi_version
    }
}

impl Default for HostVtable {
    fn default() -> Self {
        Self {
            abi_version: HOST_VTABLE_VERSION,
            limiter: None,
            call_hook: None,
            fuel_exhausted: None,
        }
    }
}

impl fmt::Debug for HostVtable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostVtable")
            .field("abi_version", &self.abi_version)
            .field("limiter", &self.limiter.is_some())
            .field("call_hook", &self.call_hook.is_some())
            .field("fuel_exhausted", &self.fuel_exhausted.is_some())
            .finish_non_exhaustive()
    }
}
