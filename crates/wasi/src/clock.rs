//! Clocks: the system's, and one whose time only the guest moves.

use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::{ClockId, Errno};

/// Where the guest's time comes from. All times are nanoseconds.
pub trait Clock: Send {
    /// The smallest step of the clock `id`.
    ///
    /// # Errors
    ///
    /// [`Errno::Inval`] for a clock that does not exist here.
    fn resolution(&self, id: ClockId) -> Result<u64, Errno>;

    /// What the clock `id` shows.
    ///
    /// # Errors
    ///
    /// [`Errno::Inval`] for a clock that does not exist here, and
    /// [`Errno::Overflow`] for a time that 64 bits cannot hold.
    fn now(&mut self, id: ClockId) -> Result<u64, Errno>;

    /// Lets `nanoseconds` pass.
    fn sleep(&mut self, nanoseconds: u64);
}

/// The clocks of the operating system: real time and monotonic time. The
/// standard library has no CPU time, so those clocks do not exist here.
#[derive(Debug)]
pub struct SystemClock {
    origin: Instant,
}

impl SystemClock {
    /// The monotonic clock counts from this moment.
    #[must_use]
    pub fn new() -> Self {
        Self {
            origin: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn resolution(&self, id: ClockId) -> Result<u64, Errno> {
        match id {
            ClockId::Realtime | ClockId::Monotonic => Ok(1),
            ClockId::ProcessCpuTime | ClockId::ThreadCpuTime => Err(Errno::Inval),
        }
    }

    fn now(&mut self, id: ClockId) -> Result<u64, Errno> {
        let time = match id {
            ClockId::Realtime => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_err(|_| Errno::Overflow)?,
            ClockId::Monotonic => self.origin.elapsed(),
            ClockId::ProcessCpuTime | ClockId::ThreadCpuTime => return Err(Errno::Inval),
        };
        u64::try_from(time.as_nanos()).map_err(|_| Errno::Overflow)
    }

    fn sleep(&mut self, nanoseconds: u64) {
        thread::sleep(Duration::from_nanos(nanoseconds));
    }
}

/// A clock for runs that must repeat exactly: it moves by a fixed step each
/// time it is read, and sleeping moves it without any waiting.
#[derive(Debug, Clone)]
pub struct VirtualClock {
    realtime: u64,
    elapsed: u64,
    step: u64,
}

impl VirtualClock {
    /// Real time starts at `realtime` nanoseconds after 1970, the other clocks
    /// at zero; each reading is `step` nanoseconds later than the one before.
    #[must_use]
    pub fn new(realtime: u64, step: u64) -> Self {
        Self {
            realtime,
            elapsed: 0,
            step,
        }
    }
}

impl Clock for VirtualClock {
    fn resolution(&self, _id: ClockId) -> Result<u64, Errno> {
        Ok(self.step.max(1))
    }

    fn now(&mut self, id: ClockId) -> Result<u64, Errno> {
        let elapsed = self.elapsed;
        self.elapsed = elapsed.saturating_add(self.step);
        match id {
            ClockId::Realtime => self.realtime.checked_add(elapsed).ok_or(Errno::Overflow),
            ClockId::Monotonic | ClockId::ProcessCpuTime | ClockId::ThreadCpuTime => Ok(elapsed),
        }
    }

    fn sleep(&mut self, nanoseconds: u64) {
        self.elapsed = self.elapsed.saturating_add(nanoseconds);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_virtual_clock_moves_by_steps_and_sleeps() {
        let mut clock = VirtualClock::new(1_000, 10);
        assert_eq!(clock.now(ClockId::Realtime), Ok(1_000));
        assert_eq!(clock.now(ClockId::Realtime), Ok(1_010));
        assert_eq!(clock.now(ClockId::Monotonic), Ok(20));
        clock.sleep(500);
        assert_eq!(clock.now(ClockId::Monotonic), Ok(530));
        assert_eq!(clock.resolution(ClockId::Monotonic), Ok(10));
    }

    #[test]
    fn the_system_clock_moves_on() {
        let mut clock = SystemClock::new();
        let before = clock.now(ClockId::Monotonic).unwrap();
        clock.sleep(1_000_000);
        assert!(clock.now(ClockId::Monotonic).unwrap() >= before + 1_000_000);
        assert!(clock.now(ClockId::Realtime).unwrap() > 1_600_000_000_000_000_000);
        assert_eq!(clock.now(ClockId::ThreadCpuTime), Err(Errno::Inval));
    }
}
