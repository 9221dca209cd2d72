//! Functions on descriptors, as far as streams have them.
//!
//! Which errno a stream gives for a function of files follows POSIX: no
//! position (`spipe`), no length (`inval`), no directory (`notdir`).

use super::Call;
use crate::Errno;
use crate::abi::{Abi, fdflags, rights};
use crate::fd_table::Stream;

impl Call<'_> {
    pub(crate) fn fd_advise(
        &mut self,
        fd: u32,
        _offset: u64,
        _length: u64,
        advice: u32,
    ) -> Result<(), Errno> {
        self.ctx.fds.get(fd)?;
        // Normal, sequential, random, willneed, dontneed, noreuse.
        if advice > 5 {
            Err(Errno::Inval)
        } else {
            Err(Errno::SPipe)
        }
    }

    pub(crate) fn fd_allocate(&mut self, fd: u32, _offset: u64, _length: u64) -> Result<(), Errno> {
        self.ctx.fds.get(fd)?;
        Err(Errno::SPipe)
    }

    pub(crate) fn fd_close(&mut self, fd: u32) -> Result<(), Errno> {
        match self.ctx.fds.close(fd)?.stream {
            Stream::Input(_) => Ok(()),
            Stream::Output(mut output) => Ok(output.flush()?),
        }
    }

    pub(crate) fn fd_datasync(&mut self, fd: u32) -> Result<(), Errno> {
        self.sync(fd, rights::FD_DATASYNC)
    }

    pub(crate) fn fd_sync(&mut self, fd: u32) -> Result<(), Errno> {
        self.sync(fd, rights::FD_SYNC)
    }

    fn sync(&mut self, fd: u32, right: u64) -> Result<(), Errno> {
        let descriptor = self.ctx.fds.get(fd)?;
        match &mut descriptor.stream {
            Stream::Input(_) => Err(Errno::Inval),
            Stream::Output(_) => {
                descriptor.require(right)?;
                Ok(descriptor.output()?.flush()?)
            }
        }
    }

    /// Writes an `fdstat`: type (u8), flags (u16), rights (u64), rights that
    /// descriptors opened through this one get (u64).
    pub(crate) fn fd_fdstat_get(&mut self, fd: u32, stat: u32) -> Result<(), Errno> {
        let descriptor = self.ctx.fds.get(fd)?;
        let mut bytes = [0; 24];
        bytes[0] = descriptor.file_type() as u8;
        bytes[2..4].copy_from_slice(&descriptor.flags.to_le_bytes());
        bytes[8..16].copy_from_slice(&descriptor.rights.to_le_bytes());
        self.memory.write(stat, &bytes)
    }

    /// A stream always appends; the other flags would promise what streams of
    /// the embedder cannot keep.
    pub(crate) fn fd_fdstat_set_flags(&mut self, fd: u32, flags: u32) -> Result<(), Errno> {
        let descriptor = self.ctx.fds.get(fd)?;
        descriptor.require(rights::FD_FDSTAT_SET_FLAGS)?;
        let flags = u16::try_from(flags).map_err(|_| Errno::Inval)?;
        if flags & !fdflags::ALL != 0 {
            return Err(Errno::Inval);
        }
        if flags & !fdflags::APPEND != 0 {
            return Err(Errno::NotSup);
        }
        descriptor.flags = flags;
        Ok(())
    }

    /// Rights can be given up, never regained.
    pub(crate) fn fd_fdstat_set_rights(
        &mut self,
        fd: u32,
        base: u64,
        inheriting: u64,
    ) -> Result<(), Errno> {
        let descriptor = self.ctx.fds.get(fd)?;
        descriptor.require(base)?;
        if inheriting != 0 {
            return Err(Errno::NotCapable);
        }
        descriptor.rights = base;
        Ok(())
    }

    /// Writes a `filestat` of which only the type is known.
    pub(crate) fn fd_filestat_get(&mut self, fd: u32, stat: u32) -> Result<(), Errno> {
        let descriptor = self.ctx.fds.get(fd)?;
        descriptor.require(rights::FD_FILESTAT_GET)?;
        let mut bytes = [0; 64];
        bytes[16] = descriptor.file_type() as u8;
        // The older version counts links in 32 bits.
        let size = match self.abi {
            Abi::Unstable => 56,
            Abi::Preview1 => 64,
        };
        self.memory.write(stat, &bytes[..size])
    }

    pub(crate) fn fd_filestat_set_size(&mut self, fd: u32, _size: u64) -> Result<(), Errno> {
        self.ctx.fds.get(fd)?;
        Err(Errno::Inval)
    }

    pub(crate) fn fd_filestat_set_times(
        &mut self,
        fd: u32,
        _atim: u64,
        _mtim: u64,
        _flags: u32,
    ) -> Result<(), Errno> {
        self.ctx.fds.get(fd)?;
        Err(Errno::NotCapable)
    }

    pub(crate) fn fd_pread(
        &mut self,
        fd: u32,
        _iovs: u32,
        _count: u32,
        _offset: u64,
        _read: u32,
    ) -> Result<(), Errno> {
        self.ctx.fds.get(fd)?.input()?;
        Err(Errno::SPipe)
    }

    pub(crate) fn fd_pwrite(
        &mut self,
        fd: u32,
        _iovs: u32,
        _count: u32,
        _offset: u64,
        _written: u32,
    ) -> Result<(), Errno> {
        self.ctx.fds.get(fd)?.output()?;
        Err(Errno::SPipe)
    }

    /// C libraries count descriptors up until the first `badf` to find what was
    /// preopened. Nothing is.
    pub(crate) fn fd_prestat_get(&mut self, _fd: u32, _prestat: u32) -> Result<(), Errno> {
        Err(Errno::BadF)
    }

    pub(crate) fn fd_prestat_dir_name(
        &mut self,
        _fd: u32,
        _path: u32,
        _length: u32,
    ) -> Result<(), Errno> {
        Err(Errno::BadF)
    }

    /// Reads once, into the first vector that has room. Filling further ones
    /// could block although there are bytes to report.
    pub(crate) fn fd_read(
        &mut self,
        fd: u32,
        iovs: u32,
        count: u32,
        read: u32,
    ) -> Result<(), Errno> {
        let input = self.ctx.fds.get(fd)?.input()?;
        self.memory.check_io_vecs(iovs, count)?;
        // Checked before the stream loses bytes that the guest would never see.
        self.memory.slice(read, 4)?;
        let mut total = 0;
        for index in 0..count {
            let vector = self.memory.io_vec(iovs, index)?;
            if vector.length != 0 {
                total = input.read(self.memory.slice_mut(vector.address, vector.length)?)?;
                break;
            }
        }
        self.memory
            .write_u32(read, u32::try_from(total).map_err(|_| Errno::Overflow)?)
    }

    pub(crate) fn fd_write(
        &mut self,
        fd: u32,
        iovs: u32,
        count: u32,
        written: u32,
    ) -> Result<(), Errno> {
        let output = self.ctx.fds.get(fd)?.output()?;
        self.memory.check_io_vecs(iovs, count)?;
        self.memory.slice(written, 4)?;
        let mut total = 0_u32;
        for index in 0..count {
            let vector = self.memory.io_vec(iovs, index)?;
            if vector.length == 0 {
                continue;
            }
            let done = match output.write(self.memory.slice(vector.address, vector.length)?) {
                Ok(done) => u32::try_from(done).map_err(|_| Errno::Overflow)?,
                // What was written before counts; the next call meets the error.
                Err(_) if total != 0 => break,
                Err(error) => return Err(error.into()),
            };
            total = total.checked_add(done).ok_or(Errno::Overflow)?;
            if done < vector.length {
                break;
            }
        }
        output.flush()?;
        self.memory.write_u32(written, total)
    }

    pub(crate) fn fd_readdir(
        &mut self,
        fd: u32,
        _buffer: u32,
        _length: u32,
        _cookie: u64,
        _used: u32,
    ) -> Result<(), Errno> {
        self.ctx.fds.get(fd)?;
        Err(Errno::NotDir)
    }

    pub(crate) fn fd_renumber(&mut self, from: u32, to: u32) -> Result<(), Errno> {
        self.ctx.fds.renumber(from, to)
    }

    pub(crate) fn fd_seek(
        &mut self,
        fd: u32,
        _offset: u64,
        whence: u32,
        _position: u32,
    ) -> Result<(), Errno> {
        self.ctx.fds.get(fd)?;
        // Set, current, end; the versions order them differently.
        if whence > 2 {
            Err(Errno::Inval)
        } else {
            Err(Errno::SPipe)
        }
    }

    pub(crate) fn fd_tell(&mut self, fd: u32, _position: u32) -> Result<(), Errno> {
        self.ctx.fds.get(fd)?;
        Err(Errno::SPipe)
    }
}
