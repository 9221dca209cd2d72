//! Functions on descriptors of any kind: streams, files and directories.

use super::Call;
use crate::Errno;
use crate::abi::{FdFlags, FileType, Rights, TimeFlags};
use crate::fd_table::Object;
use crate::fs::Times;
use crate::guest::{Fill, IoVecs};

impl Call<'_> {
    pub(crate) fn fd_close(&mut self, fd: u32) -> Result<(), Errno> {
        match self.ctx.fds.close(fd)?.object {
            Object::Output(output) => Ok(output.close()?),
            Object::Input(_) | Object::File(_) | Object::Dir(_) => Ok(()),
        }
    }

    pub(crate) fn fd_renumber(&mut self, from: u32, to: u32) -> Result<(), Errno> {
        self.ctx.fds.renumber(from, to)
    }

    /// Writes an `fdstat`: type (u8), flags (u16), rights (u64), rights that
    /// descriptors opened through this one get (u64).
    pub(crate) fn fd_fdstat_get(&mut self, fd: u32, stat: u32) -> Result<(), Errno> {
        let descriptor = self.ctx.fds.get(fd)?;
        let mut bytes = [0; 24];
        bytes[0] = descriptor.file_type() as u8;
        bytes[2..4].copy_from_slice(&descriptor.flags().bits().to_le_bytes());
        bytes[8..16].copy_from_slice(&descriptor.rights().bits().to_le_bytes());
        bytes[16..24].copy_from_slice(&descriptor.inheriting().bits().to_le_bytes());
        self.memory.write(stat, &bytes)
    }

    pub(crate) fn fd_fdstat_set_flags(&mut self, fd: u32, flags: u32) -> Result<(), Errno> {
        let file = self.ctx.fds.file(fd, Rights::FD_FDSTAT_SET_FLAGS)?;
        file.set_flags(FdFlags::try_from(flags)?)
    }

    /// Rights can be given up, never regained.
    pub(crate) fn fd_fdstat_set_rights(
        &mut self,
        fd: u32,
        base: u64,
        inheriting: u64,
    ) -> Result<(), Errno> {
        let descriptor = self.ctx.fds.get_mut(fd)?;
        descriptor.keep_rights(
            Rights::from_bits_truncate(base),
            Rights::from_bits_truncate(inheriting),
        )
    }

    pub(crate) fn fd_filestat_get(&mut self, fd: u32, stat: u32) -> Result<(), Errno> {
        let descriptor = self.ctx.fds.get(fd)?;
        descriptor.require(Rights::FD_FILESTAT_GET)?;
        let (bytes, length) = descriptor.stat()?.encode(self.abi);
        self.memory.write(stat, &bytes[..length])
    }

    pub(crate) fn fd_filestat_set_times(
        &mut self,
        fd: u32,
        atim: u64,
        mtim: u64,
        flags: u32,
    ) -> Result<(), Errno> {
        let times = self.times([atim, mtim], flags)?;
        let descriptor = self.ctx.fds.get_mut(fd)?;
        descriptor.require(Rights::FD_FILESTAT_SET_TIMES)?;
        match &mut descriptor.object {
            Object::File(file) => file.set_times(times),
            Object::Dir(dir) => dir.set_times(times),
            Object::Input(_) | Object::Output(_) => Err(Errno::BadF),
        }
    }

    /// The times that a guest asks for. "Now" is what its own clock shows.
    pub(super) fn times(&mut self, [atim, mtim]: [u64; 2], flags: u32) -> Result<Times, Errno> {
        let clock = &mut self.ctx.clock;
        Times::new(TimeFlags::try_from(flags)?, atim, mtim, || {
            clock.now(crate::ClockId::Realtime)
        })
    }

    pub(crate) fn fd_read(&mut self, fd: u32, iovs: IoVecs, read: u32) -> Result<(), Errno> {
        let descriptor = self.ctx.fds.get_mut(fd)?;
        let kept = descriptor.require(Rights::FD_READ);
        let iovs = self.memory.check_io_vecs(iovs)?;
        // Checked before the stream loses bytes that the guest would never see.
        self.memory.slice(read, 4)?;
        let total = match &mut descriptor.object {
            Object::Input(input) => {
                kept?;
                self.memory
                    .scatter(iovs, Fill::Once, |buffer, _| input.read(buffer))?
            }
            Object::File(file) => {
                file.require_readable()?;
                kept?;
                let fill = match file.file_type() {
                    FileType::RegularFile => Fill::All,
                    _ => Fill::Once,
                };
                self.memory
                    .scatter(iovs, fill, |buffer, _| file.read(buffer))?
            }
            Object::Output(_) | Object::Dir(_) => return Err(Errno::BadF),
        };
        self.memory.write_u32(read, total)
    }

    pub(crate) fn fd_write(&mut self, fd: u32, iovs: IoVecs, written: u32) -> Result<(), Errno> {
        let descriptor = self.ctx.fds.get_mut(fd)?;
        let kept = descriptor.require(Rights::FD_WRITE);
        let iovs = self.memory.check_io_vecs(iovs)?;
        self.memory.slice(written, 4)?;
        let total = match &mut descriptor.object {
            Object::Output(output) => {
                kept?;
                let total = self.memory.gather(iovs, |bytes, _| output.write(bytes))?;
                output.flush_after(total)?;
                total
            }
            Object::File(file) => {
                file.require_writable()?;
                kept?;
                self.memory.gather(iovs, |bytes, _| file.write(bytes))?
            }
            Object::Input(_) | Object::Dir(_) => return Err(Errno::BadF),
        };
        self.memory.write_u32(written, total)
    }

    /// C libraries count descriptors up until the first `badf` to find what was
    /// preopened. The type of a preopened directory is 0.
    pub(crate) fn fd_prestat_get(&mut self, fd: u32, prestat: u32) -> Result<(), Errno> {
        let name = self.guest_path(fd)?.ok_or(Errno::BadF)?;
        let length = u32::try_from(name.len()).map_err(|_| Errno::Overflow)?;
        self.memory.slice(prestat, 8)?;
        self.memory.write_u32(prestat, 0)?;
        self.memory
            .write_u32(prestat.checked_add(4).ok_or(Errno::Fault)?, length)
    }

    pub(crate) fn fd_prestat_dir_name(
        &mut self,
        fd: u32,
        path: u32,
        length: u32,
    ) -> Result<(), Errno> {
        let name = self.guest_path(fd)?.ok_or(Errno::NotDir)?.to_owned();
        match usize::try_from(length) {
            Ok(length) if length < name.len() => Err(Errno::NameTooLong),
            _ => self.memory.write(path, name.as_bytes()),
        }
    }

    /// The name of a preopened directory; `None` for another open descriptor.
    fn guest_path(&self, fd: u32) -> Result<Option<&str>, Errno> {
        Ok(match &self.ctx.fds.get(fd)?.object {
            Object::Dir(dir) => dir.guest_path(),
            _ => None,
        })
    }

    pub(crate) fn fd_readdir(
        &mut self,
        fd: u32,
        buffer: u32,
        length: u32,
        cookie: u64,
        used: u32,
    ) -> Result<(), Errno> {
        let dir = self.ctx.fds.dir_to_read(fd, cookie)?;
        self.memory.slice(used, 4)?;
        let count = dir.read(cookie, self.memory.slice_mut(buffer, length)?)?;
        self.memory
            .write_u32(used, u32::try_from(count).map_err(|_| Errno::Overflow)?)
    }
}
