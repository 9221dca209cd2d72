//! Layouts and constants of WASI's guest interface.
//!
//! Two versions of the interface exist in the wild. `wasi_unstable` ("snapshot
//! 0") and `wasi_snapshot_preview1` have functions with equal signatures, but
//! they differ in three places: the structures `filestat` and `subscription` are
//! laid out differently, and the numbers of `whence` are permuted. [`Abi`]
//! carries these differences; nothing else depends on the version.

use bitflags::bitflags;

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

    /// What the number of a `whence` means.
    pub(crate) const fn whence(self, number: u32) -> Result<Whence, Errno> {
        match (self, number) {
            (Self::Preview1, 0) | (Self::Unstable, 2) => Ok(Whence::Start),
            (Self::Preview1, 1) | (Self::Unstable, 0) => Ok(Whence::Current),
            (Self::Preview1, 2) | (Self::Unstable, 1) => Ok(Whence::End),
            _ => Err(Errno::Inval),
        }
    }
}

/// What an offset is relative to (`whence`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whence {
    Start,
    Current,
    End,
}

/// Bytes of an `event`.
pub(crate) const EVENT_SIZE: u32 = 32;
/// Bytes of a `dirent`, which the entry's name follows.
pub(crate) const DIRENT_SIZE: usize = 24;

/// What a descriptor or a directory entry is (`filetype`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum FileType {
    /// Nothing that WASI has a name for; a pipe, for instance.
    Unknown = 0,
    BlockDevice = 1,
    CharacterDevice = 2,
    Directory = 3,
    RegularFile = 4,
    SocketStream = 6,
    SymbolicLink = 7,
}

/// Attributes of a file (`filestat`). The default is that of a stream, of which
/// nothing but the type is known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FileStat {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) file_type: FileType,
    pub(crate) links: u64,
    pub(crate) size: u64,
    pub(crate) accessed: u64,
    pub(crate) modified: u64,
    pub(crate) changed: u64,
}

impl FileStat {
    /// All that is known of a stream.
    pub(crate) const fn of_type(file_type: FileType) -> Self {
        Self {
            device: 0,
            inode: 0,
            file_type,
            links: 0,
            size: 0,
            accessed: 0,
            modified: 0,
            changed: 0,
        }
    }

    /// The bytes for the guest, and how many of them count.
    ///
    /// The older version counts links in 32 bits, which moves up what follows.
    pub(crate) fn encode(&self, abi: Abi) -> ([u8; 64], usize) {
        let mut bytes = [0; 64];
        bytes[0..8].copy_from_slice(&self.device.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.inode.to_le_bytes());
        bytes[16] = self.file_type as u8;
        let sizes_and_times = match abi {
            Abi::Preview1 => {
                bytes[24..32].copy_from_slice(&self.links.to_le_bytes());
                32
            }
            Abi::Unstable => {
                let links = u32::try_from(self.links).unwrap_or(u32::MAX);
                bytes[20..24].copy_from_slice(&links.to_le_bytes());
                24
            }
        };
        let fields = [self.size, self.accessed, self.modified, self.changed];
        for (index, field) in fields.into_iter().enumerate() {
            let at = sizes_and_times + 8 * index;
            bytes[at..at + 8].copy_from_slice(&field.to_le_bytes());
        }
        (bytes, sizes_and_times + 32)
    }
}

bitflags! {
    /// Flags of a descriptor (`fdflags`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) struct FdFlags: u16 {
        /// Writes go to the end.
        const APPEND = 1 << 0;
        /// A write returns when the data is on the device.
        const DSYNC = 1 << 1;
        const NONBLOCK = 1 << 2;
        /// As `DSYNC` or `SYNC`, for reads.
        const RSYNC = 1 << 3;
        /// A write returns when data and attributes are on the device.
        const SYNC = 1 << 4;
    }

    /// How a file is opened (`oflags`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) struct OpenFlags: u16 {
        const CREATE = 1 << 0;
        const DIRECTORY = 1 << 1;
        const EXCLUSIVE = 1 << 2;
        const TRUNCATE = 1 << 3;
    }

    /// How a path is looked up (`lookupflags`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) struct LookupFlags: u32 {
        /// A symbolic link at the end of the path is followed.
        const SYMLINK_FOLLOW = 1 << 0;
    }

    /// Which times are set, and to what (`fstflags`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) struct TimeFlags: u16 {
        const ATIM = 1 << 0;
        const ATIM_NOW = 1 << 1;
        const MTIM = 1 << 2;
        const MTIM_NOW = 1 << 3;
    }

    /// What a descriptor may be used for (`rights`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) struct Rights: u64 {
        const FD_DATASYNC = 1 << 0;
        const FD_READ = 1 << 1;
        const FD_SEEK = 1 << 2;
        const FD_FDSTAT_SET_FLAGS = 1 << 3;
        const FD_SYNC = 1 << 4;
        const FD_TELL = 1 << 5;
        const FD_WRITE = 1 << 6;
        const FD_ADVISE = 1 << 7;
        const FD_ALLOCATE = 1 << 8;
        const PATH_CREATE_DIRECTORY = 1 << 9;
        const PATH_CREATE_FILE = 1 << 10;
        const PATH_LINK_SOURCE = 1 << 11;
        const PATH_LINK_TARGET = 1 << 12;
        const PATH_OPEN = 1 << 13;
        const FD_READDIR = 1 << 14;
        const PATH_READLINK = 1 << 15;
        const PATH_RENAME_SOURCE = 1 << 16;
        const PATH_RENAME_TARGET = 1 << 17;
        const PATH_FILESTAT_GET = 1 << 18;
        const PATH_FILESTAT_SET_SIZE = 1 << 19;
        const PATH_FILESTAT_SET_TIMES = 1 << 20;
        const FD_FILESTAT_GET = 1 << 21;
        const FD_FILESTAT_SET_SIZE = 1 << 22;
        const FD_FILESTAT_SET_TIMES = 1 << 23;
        const PATH_SYMLINK = 1 << 24;
        const PATH_REMOVE_DIRECTORY = 1 << 25;
        const PATH_UNLINK_FILE = 1 << 26;
        const POLL_FD_READWRITE = 1 << 27;
        const SOCK_SHUTDOWN = 1 << 28;
        const SOCK_ACCEPT = 1 << 29;
    }
}

/// Fails on bits that are no flags: they may mean something in a later version,
/// which a guest must not believe to have got.
macro_rules! checked_from_u32 {
    ($($name:ident)*) => {
        $(
            impl TryFrom<u32> for $name {
                type Error = Errno;

                fn try_from(bits: u32) -> Result<Self, Errno> {
                    bits.try_into()
                        .ok()
                        .and_then(Self::from_bits)
                        .ok_or(Errno::Inval)
                }
            }
        )*
    };
}

checked_from_u32! { FdFlags OpenFlags LookupFlags TimeFlags }

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
