//! Epochs: how another thread stops a running call.
//!
//! An epoch is a number that only grows. Whoever wants calls to stop after some
//! time raises it now and then, from any thread; each store has a *deadline*, and
//! code that was translated with epoch checks looks at both wherever a function
//! or a round of a loop begins. What happens then is the store's [`EpochBehaviour`].

use alloc::boxed::Box;
use core::fmt;
use core::sync::atomic::Ordering;

use crate::func::HostError;
use crate::store::PrunedMut;

#[cfg(target_has_atomic = "64")]
type Counter = core::sync::atomic::AtomicU64;
#[cfg(not(target_has_atomic = "64"))]
type Counter = core::sync::atomic::AtomicUsize;

/// A number that all stores of an engine compare their deadlines with.
///
/// It has 64 bits; on targets without 64-bit atomics it has those of a `usize`.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct Epoch(Counter);

impl Epoch {
    /// The first epoch.
    #[must_use]
    pub const fn new() -> Self {
        Self(Counter::new(0))
    }

    /// Begins the next epoch. Does not block, so a signal handler may do it.
    pub fn increment(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// The present epoch.
    #[inline(always)]
    #[must_use]
    #[cfg_attr(
        target_has_atomic = "64",
        expect(clippy::unnecessary_cast, reason = "the counter is narrower elsewhere")
    )]
    pub fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed) as u64
    }
}

/// The epoch of stores that have none: it never changes.
pub(crate) static NEVER: Epoch = Epoch::new();

/// What a store's code does when it reaches the deadline, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EpochDecision {
    /// Go on, with a deadline so many epochs after the present one.
    Continue(u64),
    /// Let others run first, then go on, with a deadline so many epochs after the
    /// present one. Only a call that can wait can do so.
    Yield(u64),
    /// Stop by a trap.
    Trap,
}

/// Decides what happens at the deadline. Unlike a hook it gets the store: it runs
/// where a host function could, with the frames of the running code out of reach.
pub type EpochFn = Box<dyn FnMut(PrunedMut<'_>) -> Result<EpochDecision, HostError> + Send + Sync>;

/// What a store's code does when it reaches the deadline.
#[derive(Default)]
#[non_exhaustive]
pub enum EpochBehaviour {
    /// Always the same.
    Always(EpochDecision),
    /// What the function says.
    Ask(EpochFn),
    /// Trap.
    #[default]
    Trap,
}

impl fmt::Debug for EpochBehaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Always(decision) => f.debug_tuple("Always").field(decision).finish(),
            Self::Ask(_) => f.write_str("Ask"),
            Self::Trap => f.write_str("Trap"),
        }
    }
}
