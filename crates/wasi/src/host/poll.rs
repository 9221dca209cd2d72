//! `poll_oneoff`: waiting for clocks, streams and files.
//!
//! Regular files are always ready. The process's own standard input and files that
//! are pipes or devices are waited for by the operating system, where it has such a
//! call. Everything else counts as ready, because the streams of an embedder cannot
//! be asked; a read may then block.
//!
//! The lists stay in the guest's memory and are read twice, once to find out what
//! happens first and once to report it. What is allocated is one entry for each
//! descriptor that the system waits for, of at most [`SUBSCRIPTIONS_MAX`]. A guest
//! that lets its two lists overlap gets strange events and nothing worse.

use super::Call;
use crate::Errno;
use crate::abi::{ClockId, EVENT_SIZE, FileType, Rights};
use crate::fd_table::Object;
use crate::guest::offset;
use crate::wait::{Interest, Ready, wait};

/// The most subscriptions of one call; more are [`Errno::NoMem`], as in Wasmtime,
/// whose limit is another.
const SUBSCRIPTIONS_MAX: u32 = 4096;

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
    /// At once, for a stream or file.
    Ready(Ready),
    /// At once, because it failed.
    Failed(Errno),
    /// When so many nanoseconds have passed.
    In(u64),
    /// When the operating system says that this descriptor is ready.
    System(u32),
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

        if count > SUBSCRIPTIONS_MAX {
            return Err(Errno::NoMem);
        }
        let times = Times::now(self);
        let mut earliest: Option<u64> = None;
        let mut interests: Vec<Interest> = Vec::new();
        for index in 0..count {
            let subscription = self.subscription(subscriptions, index, &times)?;
            let happens_in = match subscription.wait {
                Wait::Ready(_) | Wait::Failed(_) => 0,
                Wait::In(duration) => duration,
                Wait::System(fd) => {
                    let interest = Interest::new(fd, subscription.writes());
                    if !interests.iter().any(|known| known.is_for(&interest)) {
                        interests.push(interest);
                    }
                    continue;
                }
            };
            earliest = Some(earliest.map_or(happens_in, |known| known.min(happens_in)));
        }
        let passed = self.pass(&mut interests, earliest)?;

        let mut written = 0;
        for index in 0..count {
            let subscription = self.subscription(subscriptions, index, &times)?;
            let (errno, ready) = match subscription.wait {
                Wait::Ready(ready) => (0, Some(ready)),
                Wait::Failed(errno) => (errno.number(), None),
                Wait::In(duration) if duration <= passed => (0, None),
                Wait::In(_) => continue,
                Wait::System(fd) => {
                    let wanted = Interest::new(fd, subscription.writes());
                    let found = interests.iter().find(|interest| interest.is_for(&wanted));
                    match found.and_then(|interest| interest.ready) {
                        Some(ready) => (0, Some(ready)),
                        None => continue,
                    }
                }
            };
            let at = offset(events, written, EVENT_SIZE)?;
            self.write_event(at, &subscription, errno, ready)?;
            written += 1;
        }
        self.memory.write_u32(occurred, written)
    }

    /// Waits until the system finds one of the descriptors ready, or so much time has
    /// passed; how much has passed for the clocks.
    fn pass(&mut self, interests: &mut [Interest], earliest: Option<u64>) -> Result<u64, Errno> {
        if !interests.is_empty() {
            let moves = self.ctx.clock.moves_by_itself();
            let timeout = earliest.map(|nanoseconds| if moves { nanoseconds } else { 0 });
            wait(&self.ctx.fds, interests, timeout)?;
            if interests.iter().any(|interest| interest.ready.is_some()) {
                return Ok(0);
            }
            if moves {
                return Ok(earliest.unwrap_or(0));
            }
        }
        let earliest = earliest.unwrap_or(0);
        if earliest != 0 {
            self.ctx.clock.sleep(earliest);
        }
        Ok(earliest)
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
                self.readiness(fd, event_type).unwrap_or_else(Wait::Failed)
            }
            _ => return Err(Errno::Inval),
        };
        Ok(Subscription {
            user_data,
            event_type,
            wait,
        })
    }

    fn readiness(&mut self, fd: u32, event_type: u8) -> Result<Wait, Errno> {
        let descriptor = self.ctx.fds.get(fd)?;
        descriptor.require(Rights::POLL_FD_READWRITE)?;
        let reads = event_type == event_type::FD_READ;
        match &descriptor.object {
            Object::Input(input) if reads => Ok(if input.is_inherited() {
                Wait::System(fd)
            } else {
                Wait::Ready(Ready::SOMETHING)
            }),
            Object::Output(_) if !reads => Ok(Wait::Ready(Ready::SOMETHING)),
            Object::File(file) => {
                if reads {
                    file.require_readable()?;
                } else {
                    file.require_writable()?;
                }
                Ok(match file.file_type() {
                    FileType::RegularFile if reads => Wait::Ready(match file.remaining()? {
                        // Nothing comes any more, as from a pipe that was closed.
                        0 => Ready {
                            hangup: true,
                            ..Ready::SOMETHING
                        },
                        bytes => Ready {
                            bytes,
                            hangup: false,
                        },
                    }),
                    FileType::RegularFile => Wait::Ready(Ready::SOMETHING),
                    _ => Wait::System(fd),
                })
            }
            _ => Err(Errno::BadF),
        }
    }

    /// Writes an `event`: user data (u64), errno (u16), type (u8), and for streams
    /// and files how many bytes can be moved (u64) and flags (u16).
    fn write_event(
        &mut self,
        at: u32,
        subscription: &Subscription,
        errno: u16,
        ready: Option<Ready>,
    ) -> Result<(), Errno> {
        let mut bytes = [0; EVENT_SIZE as usize];
        bytes[0..8].copy_from_slice(&subscription.user_data.to_le_bytes());
        bytes[8..10].copy_from_slice(&errno.to_le_bytes());
        bytes[10] = subscription.event_type;
        if let Some(ready) = ready {
            bytes[16..24].copy_from_slice(&ready.bytes.to_le_bytes());
            // The flag `fd_readwrite_hangup`.
            bytes[24] = ready.hangup.into();
        }
        self.memory.write(at, &bytes)
    }
}

impl Subscription {
    fn writes(&self) -> bool {
        self.event_type == event_type::FD_WRITE
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
