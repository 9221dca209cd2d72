//! The file system: what descriptors of files and directories stand for.
//!
//! A guest sees the directories that were preopened for it and what lies below
//! them, nothing else. All lookups go through `cap-std`, which refuses every way
//! out (`..`, absolute paths, symbolic links that lead outside) also while the
//! tree is being changed by others; no path of a guest ever reaches a function
//! of the standard library that would start at the root.
//!
//! [`Permissions`] of a preopened directory hold for everything that is opened
//! through it. They are checked here, beside the operation, and not by the rights
//! of descriptors, which are the guest's own business: it may give up rights to
//! protect itself, but what it must not do does not depend on them.
//!
//! Deliberately not done: names are not translated. The guest's path is the
//! host's, in UTF-8.

mod dir;
mod file;
mod listing;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cap_fs_ext::{FileTypeExt, MetadataExt};
use cap_std::fs::Metadata;

use crate::Errno;
use crate::abi::{FileStat, FileType, TimeFlags};

pub(crate) use self::dir::{Dir, OpenHow, Opened, open_ambient};
pub(crate) use self::file::File;

/// What a guest may do in a preopened directory and everything below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Permissions {
    /// List directories and read files. Whatever would change something fails
    /// with [`Errno::Perm`].
    ReadOnly,
    /// Read and change everything that this process may.
    ReadWrite,
}

impl Permissions {
    /// Fails unless changes are permitted.
    fn require_write(self) -> Result<(), Errno> {
        match self {
            Self::ReadOnly => Err(Errno::Perm),
            Self::ReadWrite => Ok(()),
        }
    }
}

impl FileType {
    fn of(file_type: cap_std::fs::FileType) -> Self {
        if file_type.is_file() {
            Self::RegularFile
        } else if file_type.is_dir() {
            Self::Directory
        } else if file_type.is_symlink() {
            Self::SymbolicLink
        } else if file_type.is_char_device() {
            Self::CharacterDevice
        } else if file_type.is_block_device() {
            Self::BlockDevice
        } else if file_type.is_socket() {
            Self::SocketStream
        } else {
            Self::Unknown
        }
    }
}

impl FileStat {
    fn of(metadata: &Metadata) -> Self {
        let modified = metadata
            .modified()
            .map_or(0, |time| nanoseconds(time.into_std()));
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            file_type: FileType::of(metadata.file_type()),
            links: metadata.nlink(),
            size: metadata.len(),
            accessed: metadata
                .accessed()
                .map_or(0, |time| nanoseconds(time.into_std())),
            modified,
            changed: changed(metadata).unwrap_or(modified),
        }
    }
}

/// Nanoseconds since 1970; earlier times are 1970, because `timestamp` has no sign.
fn nanoseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// When the attributes were changed last, where the system keeps that.
#[cfg(unix)]
fn changed(metadata: &Metadata) -> Option<u64> {
    use cap_std::fs::MetadataExt;
    let seconds = u64::try_from(metadata.ctime()).ok()?;
    let nanoseconds = u64::try_from(metadata.ctime_nsec()).ok()?;
    seconds.checked_mul(1_000_000_000)?.checked_add(nanoseconds)
}

#[cfg(not(unix))]
fn changed(_metadata: &Metadata) -> Option<u64> {
    None
}

/// The times to set on a file; `None` leaves one as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Times {
    accessed: Option<SystemTime>,
    modified: Option<SystemTime>,
}

impl Times {
    /// The times that a guest asks for: its numbers, or what its clock shows.
    pub(crate) fn new(
        flags: TimeFlags,
        accessed: u64,
        modified: u64,
        now: impl FnOnce() -> Result<u64, Errno>,
    ) -> Result<Self, Errno> {
        let accessed_to_now = flags.contains(TimeFlags::ATIM_NOW);
        let modified_to_now = flags.contains(TimeFlags::MTIM_NOW);
        if flags.contains(TimeFlags::ATIM) && accessed_to_now
            || flags.contains(TimeFlags::MTIM) && modified_to_now
        {
            return Err(Errno::Inval);
        }
        let now = if accessed_to_now || modified_to_now {
            now()?
        } else {
            0
        };
        let choose = |given: bool, value: u64, to_now: bool| match (given, to_now) {
            (true, _) => system_time(value).map(Some),
            (false, true) => system_time(now).map(Some),
            (false, false) => Ok(None),
        };
        Ok(Self {
            accessed: choose(flags.contains(TimeFlags::ATIM), accessed, accessed_to_now)?,
            modified: choose(flags.contains(TimeFlags::MTIM), modified, modified_to_now)?,
        })
    }
}

fn system_time(nanoseconds: u64) -> Result<SystemTime, Errno> {
    UNIX_EPOCH
        .checked_add(Duration::from_nanos(nanoseconds))
        .ok_or(Errno::Overflow)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_given_or_now_or_left() {
        let flags = |bits| TimeFlags::try_from(bits).unwrap();
        let new = |bits| Times::new(flags(bits), 5, 6, || Ok(7));
        let at = |nanoseconds| Some(system_time(nanoseconds).unwrap());
        for (bits, accessed, modified) in [
            (0, None, None),
            (1, at(5), None),
            (2, at(7), None),
            (4, None, at(6)),
            (8, None, at(7)),
            (6, at(7), at(6)),
        ] {
            let times = Times { accessed, modified };
            assert_eq!(new(bits), Ok(times), "{bits}");
        }
        for bits in [3, 7, 11, 12, 15] {
            assert_eq!(new(bits), Err(Errno::Inval), "{bits}");
        }
    }

    #[test]
    fn the_clock_is_read_only_when_asked_for() {
        let flags = TimeFlags::try_from(5).unwrap();
        let times = Times::new(flags, 1, 2, || Err(Errno::Inval));
        assert!(times.is_ok());
    }

    #[test]
    fn times_before_1970_are_1970() {
        assert_eq!(nanoseconds(UNIX_EPOCH - Duration::from_secs(1)), 0);
        assert_eq!(nanoseconds(UNIX_EPOCH + Duration::from_nanos(3)), 3);
    }
}
