//! Layouts and constants of WASI's guest interface.
//!
//! Two versions of the interface exist in the wild. `wasi_unstable` ("snapshot
//! 0") and `wasi_snapshot_preview1` have functions with equal signatures, but
//! two structures are laid out differently: `filestat` and `subscription`.
//! [`Abi`] carries that difference; nothing else depends on the version.

use crate::Errno;

/// Which import module a function was called through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Abi {
    /// `wasi_unstable`.
    Unstable,
    /// `wasi_snapshot_preview1`.
    Preview1,
}

impl Abi {
    /// The name of the import module.
    pub(crate) const fn module(self) -> &'static str {
        match self {
            Self::Unstable => "wasi_unstable",
            Self::Preview1 => "wasi_snapshot_preview1",
        }
    }

    /// Bytes of a `subscription`.
    pub(crate) const fn subscription_size(self) -> u32 {
        match self {
            Self::Unstable => 56,
            Self::Preview1 => 48,
        }
    }

    /// Offset of a clock subscription's clock identifier. The older layout has
    /// a user-defined 64-bit number before it.
    pub(crate) const fn subscription_clock(self) -> u32 {
        match self {
            Self::Unstable => 24,
            Self::Preview1 => 16,
        }
    }
}

/// Bytes of an `event`.
pub(crate) const EVENT_SIZE: u32 = 32;

/// What a descriptor stands for (`filetype`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum FileType {
    /// Nothing that WASI has a name for; a pipe, for instance.
    Unknown = 0,
    /// A terminal.
    CharacterDevice = 2,
}

/// Descriptor flags (`fdflags`).
pub(crate) mod fdflags {
    /// Writes go to the end.
    pub(crate) const APPEND: u16 = 1;
    /// All flags that exist: append, dsync, nonblock, rsync, sync.
    pub(crate) const ALL: u16 = 0x1f;
}

/// Rights of a descriptor, as bits (`rights`).
pub(crate) mod rights {
    /// `fd_datasync`.
    pub(crate) const FD_DATASYNC: u64 = 1 << 0;
    /// `fd_read`.
    pub(crate) const FD_READ: u64 = 1 << 1;
    /// `fd_fdstat_set_flags`.
    pub(crate) const FD_FDSTAT_SET_FLAGS: u64 = 1 << 3;
    /// `fd_sync`.
    pub(crate) const FD_SYNC: u64 = 1 << 4;
    /// `fd_write`.
    pub(crate) const FD_WRITE: u64 = 1 << 6;
    /// `fd_filestat_get`.
    pub(crate) const FD_FILESTAT_GET: u64 = 1 << 21;
    /// `poll_oneoff` on the descriptor.
    pub(crate) const POLL_FD_READWRITE: u64 = 1 << 27;
}

/// The clocks that a guest can name (`clockid`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClockId {
    /// Time since 1970-01-01T00:00:00Z.
    Realtime,
    /// Time since some moment, never set back.
    Monotonic,
    /// CPU time of the process.
    ProcessCpuTime,
    /// CPU time of the thread.
    ThreadCpuTime,
}

impl TryFrom<u32> for ClockId {
    type Error = Errno;

    fn try_from(number: u32) -> Result<Self, Errno> {
        match number {
            0 => Ok(Self::Realtime),
            1 => Ok(Self::Monotonic),
            2 => Ok(Self::ProcessCpuTime),
            3 => Ok(Self::ThreadCpuTime),
            _ => Err(Errno::Inval),
        }
    }
}
