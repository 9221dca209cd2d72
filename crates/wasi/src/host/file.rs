//! Functions on files.
//!
//! A stream has no position (`spipe`); for the rest, what is no file is a bad
//! descriptor.

use std::io;

use super::Call;
use crate::Errno;
use crate::abi::{Rights, Whence};
use crate::fd_table::Object;
use crate::fs::File;
use crate::guest::{Fill, IoVecs};

impl Call<'_> {
    pub(crate) fn fd_advise(
        &mut self,
        fd: u32,
        offset: u64,
        length: u64,
        advice: u32,
    ) -> Result<(), Errno> {
        let file = self.ctx.fds.file(fd, Rights::FD_ADVISE)?;
        file.advise(offset, length, advice)
    }

    pub(crate) fn fd_allocate(&mut self, fd: u32, offset: u64, length: u64) -> Result<(), Errno> {
        let file = self.ctx.fds.file(fd, Rights::FD_ALLOCATE)?;
        file.allocate(offset, length)
    }

    pub(crate) fn fd_datasync(&mut self, fd: u32) -> Result<(), Errno> {
        let file = self.ctx.fds.file(fd, Rights::FD_DATASYNC)?;
        Ok(file.sync_data()?)
    }

    pub(crate) fn fd_sync(&mut self, fd: u32) -> Result<(), Errno> {
        let file = self.ctx.fds.file(fd, Rights::FD_SYNC)?;
        Ok(file.sync_all()?)
    }

    pub(crate) fn fd_filestat_set_size(&mut self, fd: u32, size: u64) -> Result<(), Errno> {
        let file = self.ctx.fds.file(fd, Rights::FD_FILESTAT_SET_SIZE)?;
        file.set_size(size)
    }

    pub(crate) fn fd_pread(
        &mut self,
        fd: u32,
        iovs: IoVecs,
        offset: u64,
        read: u32,
    ) -> Result<(), Errno> {
        if let Object::Input(_) = self.ctx.fds.get(fd)?.object {
            return Err(Errno::SPipe);
        }
        let rights = Rights::FD_READ | Rights::FD_SEEK;
        let file = self.ctx.fds.file(fd, rights)?;
        file.require_readable()?;
        let iovs = self.memory.check_io_vecs(iovs)?;
        self.memory.slice(read, 4)?;
        let total = self.memory.scatter(iovs, Fill::All, |buffer, before| {
            file.read_at(buffer, advance(offset, before)?)
        })?;
        self.memory.write_u32(read, total)
    }

    pub(crate) fn fd_pwrite(
        &mut self,
        fd: u32,
        iovs: IoVecs,
        offset: u64,
        written: u32,
    ) -> Result<(), Errno> {
        if let Object::Output(_) = self.ctx.fds.get(fd)?.object {
            return Err(Errno::SPipe);
        }
        let rights = Rights::FD_WRITE | Rights::FD_SEEK;
        let file = self.ctx.fds.file(fd, rights)?;
        file.require_writable()?;
        let iovs = self.memory.check_io_vecs(iovs)?;
        self.memory.slice(written, 4)?;
        let total = self.memory.gather(iovs, |bytes, before| {
            file.write_at(bytes, advance(offset, before)?)
        })?;
        self.memory.write_u32(written, total)
    }

    pub(crate) fn fd_seek(
        &mut self,
        fd: u32,
        offset: u64,
        whence: u32,
        position: u32,
    ) -> Result<(), Errno> {
        let whence = self.abi.whence(whence)?;
        // The parameter is signed; the linker passes its bits.
        let offset = offset.cast_signed();
        let stays = whence == Whence::Current && offset == 0;
        let file = self.positioned(fd, stays)?;
        let moved_to = file.seek(offset, whence)?;
        self.memory.write_u64(position, moved_to)
    }

    pub(crate) fn fd_tell(&mut self, fd: u32, position: u32) -> Result<(), Errno> {
        let told = self.positioned(fd, true)?.seek(0, Whence::Current)?;
        self.memory.write_u64(position, told)
    }

    /// The file `fd`, to move its position or, if that stays, to learn it.
    fn positioned(&mut self, fd: u32, stays: bool) -> Result<&mut File, Errno> {
        let descriptor = self.ctx.fds.get(fd)?;
        if let Object::Input(_) | Object::Output(_) = descriptor.object {
            return Err(Errno::SPipe);
        }
        // The right to seek includes the one to tell.
        let tells = stays && descriptor.require(Rights::FD_TELL).is_ok();
        let right = if tells {
            Rights::FD_TELL
        } else {
            Rights::FD_SEEK
        };
        self.ctx.fds.file(fd, right)
    }
}

/// The offset of a vector with `before` bytes before it.
fn advance(offset: u64, before: u32) -> io::Result<u64> {
    offset
        .checked_add(before.into())
        .ok_or_else(|| io::ErrorKind::InvalidInput.into())
}
