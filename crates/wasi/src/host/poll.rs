//! `poll_oneoff`: waiting for clocks and streams.
//!
//! A stream always counts as ready, because the streams of an embedder cannot
//! be asked; a read may then block. So a call with a stream in it returns at
//! once, and a call with clocks only sleeps until the earliest of them.
//!
//! The lists stay in the guest's memory and are read twice, once to find out
//! what happens first and once to report it: nothing is allocated. A guest that
//! lets its two lists overlap gets strange events and nothing worse.

use super::Call;
use crate::Errno;
use crate::abi::{ClockId, EVENT_SIZE, Rights};
use crate::fd_table::Object;
use crate::guest::offset;

/// Numbers of `eventtype`.
mod event_type {
    pub(super) const CLOCK: u8 = 0;
    pub(super) const FD_READ: u8 = 1;
    pub(super) const FD_WRITE: u8 = 2;
}

/// The flag of a clock subscription whose time is a moment, not a duration.
const ABSTIME: u16 = 1;

/// One subscription, as far as it could be understood.
struct Subscription {
    user_data: u64,
    event_type: u8,
    wait: Wait,
}

/// When a subscription's event happens.
enum Wait {
    /// At once, for a stream.
    Ready,
    /// At once, because it failed.
    Failed(Errno),
    /// When so many nanoseconds have passed.
    In(u64),
}

impl Call<'_> {
    pub(crate) fn poll_oneoff(
        &mut self,
        subscriptions: u32,
        events: u32,
        count: u32,
        occurred: u32,
    ) -> Result<(), Errno> {
        if count == 0 {
            return Err(Errno::Inval);
        }
        // All results must have a place before time passes.
        self.memory.slice(
            subscriptions,
            offset(0, count, self.abi.subscription_size())?,
        )?;
        self.memory.slice(events, offset(0, count, EVENT_SIZE)?)?;
        self.memory.slice(occurred, 4)?;

        let times = Times::now(self);
        let mut earliest = u64::MAX;
        for index in 0..count {
            earliest = earliest.min(
                match self.subscription(subscriptions, index, &times)?.wait {
                    Wait::Ready | Wait::Failed(_) => 0,
                    Wait::In(duration) => duration,
                },
            );
        }
        if earliest != 0 {
            self.ctx.clock.sleep(earliest);
        }

        let mut written = 0;
        for index in 0..count {
            let subscription = self.subscription(subscriptions, index, &times)?;
            let errno = match subscription.wait {
                Wait::Ready => 0,
                Wait::Failed(errno) => errno.number(),
                Wait::In(duration) if duration <= earliest => 0,
                Wait::In(_) => continue,
            };
            self.write_event(offset(events, written, EVENT_SIZE)?, &subscription, errno)?;
            written += 1;
        }
        self.memory.write_u32(occurred, written)
    }

    fn subscription(
        &mut self,
        list: u32,
        index: u32,
        times: &Times,
    ) -> Result<Subscription, Errno> {
        let at = offset(list, index, self.abi.subscription_size())?;
        let user_data = self.memory.read_u64(at)?;
        let event_type = self.memory.read_u8(offset(at, 8, 1)?)?;
        let wait = match event_type {
            event_type::CLOCK => {
                let clock = offset(at, self.abi.subscription_clock(), 1)?;
                let id = self.memory.read_u32(clock)?;
                let timeout = self.memory.read_u64(offset(clock, 8, 1)?)?;
                let flags = self.memory.read_u16(offset(clock, 24, 1)?)?;
                times.wait(id, timeout, flags)
            }
            event_type::FD_READ | event_type::FD_WRITE => {
                let fd = self.memory.read_u32(offset(at, 16, 1)?)?;
                match self.ready(fd, event_type) {
                    Ok(()) => Wait::Ready,
                    Err(errno) => Wait::Failed(errno),
                }
            }
            _ => return Err(Errno::Inval),
        };
        Ok(Subscription {
            user_data,
            event_type,
            wait,
        })
    }

    fn ready(&mut self, fd: u32, event_type: u8) -> Result<(), Errno> {
        let descriptor = self.ctx.fds.get(fd)?;
        descriptor.require(Rights::POLL_FD_READWRITE)?;
        match (&descriptor.object, event_type) {
            (Object::Input(_), event_type::FD_READ) => Ok(()),
            (Object::Output(_), event_type::FD_WRITE) => Ok(()),
            (Object::File(file), event_type::FD_READ) => file.require_readable(),
            (Object::File(file), _) => file.require_writable(),
            _ => Err(Errno::BadF),
        }
    }

    /// Writes an `event`: user data (u64), errno (u16), type (u8), and for
    /// streams how many bytes can be moved (u64; one at least) and flags (u16).
    fn write_event(
        &mut self,
        at: u32,
        subscription: &Subscription,
        errno: u16,
    ) -> Result<(), Errno> {
        let mut bytes = [0; EVENT_SIZE as usize];
        bytes[0..8].copy_from_slice(&subscription.user_data.to_le_bytes());
        bytes[8..10].copy_from_slice(&errno.to_le_bytes());
        bytes[10] = subscription.event_type;
        if matches!(subscription.wait, Wait::Ready) {
            bytes[16..24].copy_from_slice(&1_u64.to_le_bytes());
        }
        self.memory.write(at, &bytes)
    }
}

/// What the clocks showed when the call began. Both readings of a subscription
/// must agree on how long it waits.
struct Times {
    realtime: Result<u64, Errno>,
    monotonic: Result<u64, Errno>,
}

impl Times {
    fn now(call: &mut Call<'_>) -> Self {
        Self {
            realtime: call.ctx.clock.now(ClockId::Realtime),
            monotonic: call.ctx.clock.now(ClockId::Monotonic),
        }
    }

    fn wait(&self, id: u32, timeout: u64, flags: u16) -> Wait {
        let now = match ClockId::try_from(id) {
            Ok(ClockId::Realtime) => self.realtime,
            Ok(ClockId::Monotonic) => self.monotonic,
            // Waiting for CPU time to pass would wait for ever.
            Ok(ClockId::ProcessCpuTime | ClockId::ThreadCpuTime) => Err(Errno::NotSup),
            Err(errno) => Err(errno),
        };
        match now {
            Err(errno) => Wait::Failed(errno),
            Ok(_) if flags & !ABSTIME != 0 => Wait::Failed(Errno::Inval),
            Ok(now) if flags & ABSTIME != 0 => Wait::In(timeout.saturating_sub(now)),
            Ok(_) => Wait::In(timeout),
        }
    }
}
