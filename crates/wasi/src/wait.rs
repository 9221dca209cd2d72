//! Waiting for descriptors of the operating system.

use crate::Errno;
use crate::fd_table::FdTable;
#[cfg(unix)]
use crate::fd_table::Object;

/// A descriptor of the guest that the system shall watch.
#[derive(Debug)]
pub(crate) struct Interest {
    fd: u32,
    /// For room to write instead of something to read.
    writes: bool,
    /// What the system found.
    pub(crate) ready: Option<Ready>,
}

/// That a descriptor is ready, and for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ready {
    /// How many bytes can be moved.
    pub(crate) bytes: u64,
    /// The other end is closed.
    pub(crate) hangup: bool,
}

impl Ready {
    /// How much can be moved is not known.
    pub(crate) const SOMETHING: Self = Self {
        bytes: 1,
        hangup: false,
    };
}

impl Interest {
    pub(crate) fn new(fd: u32, writes: bool) -> Self {
        Self {
            fd,
            writes,
            ready: None,
        }
    }

    /// Whether both are for the same descriptor and direction.
    pub(crate) fn is_for(&self, other: &Self) -> bool {
        (self.fd, self.writes) == (other.fd, other.writes)
    }
}

/// Waits until one of the descriptors is ready, at most for so many nanoseconds.
#[cfg(unix)]
pub(crate) fn wait(
    fds: &FdTable,
    interests: &mut [Interest],
    timeout: Option<u64>,
) -> Result<(), Errno> {
    use std::io;
    use std::os::fd::AsFd;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::io::ioctl_fionread;

    let stdin = io::stdin();
    let mut watched = Vec::with_capacity(interests.len());
    for interest in &*interests {
        let fd = match &fds.get(interest.fd)?.object {
            Object::Input(_) => stdin.as_fd(),
            Object::File(file) => file.as_fd(),
            Object::Output(_) | Object::Dir(_) => return Err(Errno::BadF),
        };
        let flags = if interest.writes {
            PollFlags::OUT
        } else {
            PollFlags::IN
        };
        watched.push(PollFd::from_borrowed_fd(fd, flags));
    }
    let timeout = timeout.map(|nanoseconds| Timespec {
        tv_sec: (nanoseconds / 1_000_000_000).cast_signed(),
        tv_nsec: (nanoseconds % 1_000_000_000).cast_signed(),
    });
    poll(&mut watched, timeout.as_ref()).map_err(io::Error::from)?;
    for (interest, watched) in interests.iter_mut().zip(&watched) {
        let found = watched.revents();
        if found.is_empty() {
            continue;
        }
        let bytes = if interest.writes {
            1
        } else {
            ioctl_fionread(watched).unwrap_or(1)
        };
        interest.ready = Some(Ready {
            bytes,
            hangup: found.contains(PollFlags::HUP),
        });
    }
    Ok(())
}

/// Without a call to wait with, everything counts as ready.
#[cfg(not(unix))]
pub(crate) fn wait(
    _fds: &FdTable,
    interests: &mut [Interest],
    _timeout: Option<u64>,
) -> Result<(), Errno> {
    for interest in interests {
        interest.ready = Some(Ready::SOMETHING);
    }
    Ok(())
}
