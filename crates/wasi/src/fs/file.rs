//! Open files.
//!
//! The position is the operating system's. Appending is not: the host's file is
//! never opened in append mode, because the guest may switch the mode at any time,
//! and because on some systems an append mode would redirect `fd_pwrite`, too.

use std::fs;
use std::io::{self, Read, Seek, SeekFrom, Write};

use cap_std::fs::Metadata;

use super::{Permissions, Times};
use crate::Errno;
use crate::abi::{FdFlags, FileStat, FileType, Rights, Whence};

/// An open file that is no directory.
#[derive(Debug)]
pub(crate) struct File {
    file: fs::File,
    file_type: FileType,
    flags: FdFlags,
    readable: bool,
    writable: bool,
    permissions: Permissions,
}

impl File {
    pub(super) fn new(
        file: fs::File,
        file_type: FileType,
        flags: FdFlags,
        access: Rights,
        permissions: Permissions,
    ) -> Self {
        Self {
            file,
            file_type,
            flags,
            // Something must be possible: a file opened for nothing can be read.
            readable: access.contains(Rights::FD_READ) || !access.contains(Rights::FD_WRITE),
            writable: access.contains(Rights::FD_WRITE),
            permissions,
        }
    }

    pub(crate) fn file_type(&self) -> FileType {
        self.file_type
    }

    pub(crate) fn flags(&self) -> FdFlags {
        self.flags
    }

    /// The rights that make sense for the file as it was opened.
    pub(crate) fn applicable_rights(&self) -> Rights {
        let mut rights = Rights::FD_SEEK
            | Rights::FD_TELL
            | Rights::FD_FDSTAT_SET_FLAGS
            | Rights::FD_SYNC
            | Rights::FD_DATASYNC
            | Rights::FD_ADVISE
            | Rights::FD_FILESTAT_GET
            | Rights::FD_FILESTAT_SET_TIMES
            | Rights::POLL_FD_READWRITE;
        if self.readable {
            rights |= Rights::FD_READ;
        }
        if self.writable {
            rights |= Rights::FD_WRITE | Rights::FD_ALLOCATE | Rights::FD_FILESTAT_SET_SIZE;
        }
        rights
    }

    /// Fails unless the file was opened for reading.
    pub(crate) fn require_readable(&self) -> Result<(), Errno> {
        if self.readable {
            Ok(())
        } else {
            Err(Errno::BadF)
        }
    }

    /// Fails unless the file was opened for writing.
    pub(crate) fn require_writable(&self) -> Result<(), Errno> {
        if self.writable {
            Ok(())
        } else {
            Err(Errno::BadF)
        }
    }

    /// Reads at the position and moves it.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }

    /// Reads at `offset`; the position stays.
    pub(crate) fn read_at(&mut self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        positioned::read_at(&self.file, buffer, offset)
    }

    /// Writes at the position, or at the end in append mode, and moves it.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.flags.contains(FdFlags::APPEND) {
            self.append(bytes)
        } else {
            self.file.write(bytes)
        }
    }

    /// Writes at `offset`; the position stays.
    pub(crate) fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        positioned::write_at(&self.file, bytes, offset)
    }

    /// Writes at the end, in one step where the system has a call for that.
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        #[cfg(target_os = "linux")]
        {
            use rustix::io::{Errno as System, ReadWriteFlags, pwritev2};
            /// Stands for the file's own position, which is then moved.
            const POSITION: u64 = u64::MAX;
            let slices = [io::IoSlice::new(bytes)];
            match pwritev2(&self.file, &slices, POSITION, ReadWriteFlags::APPEND) {
                // Not every kernel and file system has it.
                Err(System::NOSYS | System::OPNOTSUPP | System::INVAL) => {}
                result => return Ok(result?),
            }
        }
        if self.file_type == FileType::RegularFile {
            self.file.seek(SeekFrom::End(0))?;
        }
        self.file.write(bytes)
    }

    /// Moves the position and returns it.
    pub(crate) fn seek(&mut self, offset: i64, whence: Whence) -> Result<u64, Errno> {
        let target = match whence {
            Whence::Start => SeekFrom::Start(u64::try_from(offset).map_err(|_| Errno::Inval)?),
            Whence::Current => SeekFrom::Current(offset),
            Whence::End => SeekFrom::End(offset),
        };
        Ok(self.file.seek(target)?)
    }

    pub(crate) fn sync_all(&mut self) -> io::Result<()> {
        self.file.sync_all()
    }

    pub(crate) fn sync_data(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    pub(crate) fn stat(&self) -> Result<FileStat, Errno> {
        Ok(FileStat::of(&Metadata::from_file(&self.file)?))
    }

    /// How many bytes lie between the position and the end.
    pub(crate) fn remaining(&self) -> io::Result<u64> {
        let position = (&self.file).stream_position()?;
        Ok(self.file.metadata()?.len().saturating_sub(position))
    }

    /// Sets the length. As with POSIX, a file that is not open for writing is an
    /// invalid argument.
    pub(crate) fn set_size(&mut self, size: u64) -> Result<(), Errno> {
        self.permissions.require_write()?;
        self.require_writable().map_err(|_| Errno::Inval)?;
        Ok(self.file.set_len(size)?)
    }

    pub(crate) fn set_times(&mut self, times: Times) -> Result<(), Errno> {
        self.permissions.require_write()?;
        let mut file_times = fs::FileTimes::new();
        if let Some(time) = times.accessed {
            file_times = file_times.set_accessed(time);
        }
        if let Some(time) = times.modified {
            file_times = file_times.set_modified(time);
        }
        Ok(self.file.set_times(file_times)?)
    }

    /// Changes the flags. Synchronous writing is chosen when a file is opened and
    /// cannot be switched.
    pub(crate) fn set_flags(&mut self, flags: FdFlags) -> Result<(), Errno> {
        let switched = FdFlags::APPEND | FdFlags::NONBLOCK;
        if flags - switched != self.flags - switched {
            return Err(Errno::Inval);
        }
        let nonblock = flags.contains(FdFlags::NONBLOCK);
        if nonblock != self.flags.contains(FdFlags::NONBLOCK) {
            self.set_nonblock(nonblock)?;
        }
        self.flags = flags;
        Ok(())
    }

    #[cfg(unix)]
    fn set_nonblock(&self, nonblock: bool) -> Result<(), Errno> {
        use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
        let mut flags = fcntl_getfl(&self.file).map_err(io::Error::from)?;
        flags.set(OFlags::NONBLOCK, nonblock);
        Ok(fcntl_setfl(&self.file, flags).map_err(io::Error::from)?)
    }

    #[cfg(not(unix))]
    fn set_nonblock(&self, _nonblock: bool) -> Result<(), Errno> {
        Err(Errno::NotSup)
    }

    /// Makes sure that the range has room on the device.
    pub(crate) fn allocate(&mut self, offset: u64, length: u64) -> Result<(), Errno> {
        self.require_writable()?;
        let end = offset.checked_add(length).ok_or(Errno::FBig)?;
        if length == 0 {
            return Err(Errno::Inval);
        }
        #[cfg(any(target_os = "linux", target_os = "android"))]
        {
            use rustix::fs::{FallocateFlags, fallocate};
            use rustix::io::Errno as System;
            match fallocate(&self.file, FallocateFlags::empty(), offset, length) {
                Err(System::NOSYS | System::OPNOTSUPP) => {}
                result => return Ok(result.map_err(io::Error::from)?),
            }
        }
        // What can be promised everywhere: the file is that long.
        if self.stat()?.size < end {
            self.file.set_len(end)?;
        }
        Ok(())
    }

    /// Tells the system how a range will be used. That is a hint, so a system
    /// without such a call has taken it as well as any.
    pub(crate) fn advise(&mut self, offset: u64, length: u64, advice: u32) -> Result<(), Errno> {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        {
            use rustix::fs::{Advice, fadvise};
            let advice = match advice {
                0 => Advice::Normal,
                1 => Advice::Sequential,
                2 => Advice::Random,
                3 => Advice::WillNeed,
                4 => Advice::DontNeed,
                5 => Advice::NoReuse,
                _ => return Err(Errno::Inval),
            };
            let length = std::num::NonZeroU64::new(length);
            Ok(fadvise(&self.file, offset, length, advice).map_err(io::Error::from)?)
        }
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        {
            let _ = (offset, length);
            if advice > 5 {
                return Err(Errno::Inval);
            }
            Ok(())
        }
    }
}

#[cfg(unix)]
impl std::os::fd::AsFd for File {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// Reading and writing at an offset.
#[cfg(unix)]
mod positioned {
    use std::fs::File;
    use std::io;
    use std::os::unix::fs::FileExt;

    pub(super) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        file.read_at(buffer, offset)
    }

    pub(super) fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
        file.write_at(bytes, offset)
    }
}

/// Reading and writing at an offset. The system's calls move the position, which
/// is put back.
#[cfg(windows)]
mod positioned {
    use std::fs::File;
    use std::io::{self, Seek, SeekFrom};
    use std::os::windows::fs::FileExt;

    pub(super) fn read_at(mut file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let position = file.stream_position()?;
        let result = file.seek_read(buffer, offset);
        file.seek(SeekFrom::Start(position))?;
        result
    }

    pub(super) fn write_at(mut file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let position = file.stream_position()?;
        let result = file.seek_write(bytes, offset);
        file.seek(SeekFrom::Start(position))?;
        result
    }
}
