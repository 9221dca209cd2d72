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

    /// Whether time passes while the host waits for something else. If not, nothing
    /// but [`sleep`](Self::sleep) makes a guest's time run out that waits for a
    /// stream and a clock at once. By default it does.
    fn moves_by_itself(&self) -> bool {
        true
    }
}

/// The clocks of the operating system: real time, monotonic time and, on Unix, the
/// CPU time of this process and of the thread that runs the guest.
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
            ClockId::ProcessCpuTime | ClockId::ThreadCpuTime => cpu_time::resolution(id),
        }
    }

    fn now(&mut self, id: ClockId) -> Result<u64, Errno> {
        let time = match id {
            ClockId::Realtime => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_err(|_| Errno::Overflow)?,
            ClockId::Monotonic => self.origin.elapsed(),
            ClockId::ProcessCpuTime | ClockId::ThreadCpuTime => return cpu_time::now(id),
        };
        u64::try_from(time.as_nanos()).map_err(|_| Errno::Overflow)
    }

    fn sleep(&mut self, nanoseconds: u64) {
        thread::sleep(Duration::from_nanos(nanoseconds));
    }
}

/// CPU time, which the standard library does not have.
#[cfg(unix)]
mod cpu_time {
    use rustix::time::{Timespec, clock_getres, clock_gettime};

    use crate::{ClockId, Errno};

    pub(super) fn resolution(id: ClockId) -> Result<u64, Errno> {
        nanoseconds(clock_getres(system(id)))
    }

    pub(super) fn now(id: ClockId) -> Result<u64, Errno> {
        nanoseconds(clock_gettime(system(id)))
    }

    fn system(id: ClockId) -> rustix::time::ClockId {
        match id {
            ClockId::ThreadCpuTime => rustix::time::ClockId::ThreadCPUTime,
            _ => rustix::time::ClockId::ProcessCPUTime,
        }
    }

    fn nanoseconds(time: Timespec) -> Result<u64, Errno> {
        let seconds = u64::try_from(time.tv_sec).map_err(|_| Errno::Overflow)?;
        let rest = u64::try_from(time.tv_nsec).map_err(|_| Errno::Overflow)?;
        let whole = seconds.checked_mul(1_000_000_000);
        whole
            .and_then(|whole| whole.checked_add(rest))
            .ok_or(Errno::Overflow)
    }
}

#[cfg(not(unix))]
mod cpu_time {
    use crate::{ClockId, Errno};

    pub(super) fn resolution(_id: ClockId) -> Result<u64, Errno> {
        Err(Errno::Inval)
    }

    pub(super) fn now(_id: ClockId) -> Result<u64, Errno> {
        Err(Errno::Inval)
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

    fn moves_by_itself(&self) -> bool {
        false
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
    #[cfg(unix)]
    fn cpu_time_is_spent_by_working() {
        let mut clock = SystemClock::new();
        for id in [ClockId::ProcessCpuTime, ClockId::ThreadCpuTime] {
            assert!(clock.resolution(id).unwrap() > 0);
            let before = clock.now(id).unwrap();
            while clock.now(id).unwrap() == before {
                std::hint::black_box(before);
            }
            assert!(clock.now(id).unwrap() > before);
        }
    }

    #[test]
    fn the_system_clock_moves_on() {
        let mut clock = SystemClock::new();
        let before = clock.now(ClockId::Monotonic).unwrap();
        clock.sleep(1_000_000);
        assert!(clock.now(ClockId::Monotonic).unwrap() >= before + 1_000_000);
        assert!(clock.now(ClockId::Realtime).unwrap() > 1_600_000_000_000_000_000);
    }
}
