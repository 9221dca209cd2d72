//! Functions on paths.
//!
//! A path is always relative to a directory's descriptor, and no descriptor is
//! a directory yet: an open one is `notdir`, any other number `badf`. The path
//! itself is looked at all the same, because a guest that passes a bad address
//! should learn that first.

use super::Call;
use crate::Errno;

impl Call<'_> {
    /// What any use of `path` relative to `fd` comes to.
    fn relative(&mut self, fd: u32, path: u32, length: u32) -> Result<(), Errno> {
        self.ctx.fds.get(fd)?;
        self.memory.slice(path, length)?;
        Err(Errno::NotDir)
    }

    pub(crate) fn path_create_directory(
        &mut self,
        fd: u32,
        path: u32,
        length: u32,
    ) -> Result<(), Errno> {
        self.relative(fd, path, length)
    }

    pub(crate) fn path_filestat_get(
        &mut self,
        fd: u32,
        _flags: u32,
        path: u32,
        length: u32,
        _stat: u32,
    ) -> Result<(), Errno> {
        self.relative(fd, path, length)
    }

    #[expect(clippy::too_many_arguments, reason = "the signature is WASI's")]
    pub(crate) fn path_filestat_set_times(
        &mut self,
        fd: u32,
        _flags: u32,
        path: u32,
        length: u32,
        _atim: u64,
        _mtim: u64,
        _fst_flags: u32,
    ) -> Result<(), Errno> {
        self.relative(fd, path, length)
    }

    #[expect(clippy::too_many_arguments, reason = "the signature is WASI's")]
    pub(crate) fn path_link(
        &mut self,
        old_fd: u32,
        _flags: u32,
        old: u32,
        old_length: u32,
        new_fd: u32,
        new: u32,
        new_length: u32,
    ) -> Result<(), Errno> {
        self.ctx.fds.get(new_fd)?;
        self.memory.slice(new, new_length)?;
        self.relative(old_fd, old, old_length)
    }

    #[expect(clippy::too_many_arguments, reason = "the signature is WASI's")]
    pub(crate) fn path_open(
        &mut self,
        fd: u32,
        _dir_flags: u32,
        path: u32,
        length: u32,
        _open_flags: u32,
        _base: u64,
        _inheriting: u64,
        _fd_flags: u32,
        _opened: u32,
    ) -> Result<(), Errno> {
        self.relative(fd, path, length)
    }

    pub(crate) fn path_readlink(
        &mut self,
        fd: u32,
        path: u32,
        length: u32,
        _buffer: u32,
        _buffer_length: u32,
        _used: u32,
    ) -> Result<(), Errno> {
        self.relative(fd, path, length)
    }

    pub(crate) fn path_remove_directory(
        &mut self,
        fd: u32,
        path: u32,
        length: u32,
    ) -> Result<(), Errno> {
        self.relative(fd, path, length)
    }

    pub(crate) fn path_rename(
        &mut self,
        fd: u32,
        old: u32,
        old_length: u32,
        new_fd: u32,
        new: u32,
        new_length: u32,
    ) -> Result<(), Errno> {
        self.ctx.fds.get(new_fd)?;
        self.memory.slice(new, new_length)?;
        self.relative(fd, old, old_length)
    }

    pub(crate) fn path_symlink(
        &mut self,
        old: u32,
        old_length: u32,
        fd: u32,
        new: u32,
        new_length: u32,
    ) -> Result<(), Errno> {
        self.memory.slice(old, old_length)?;
        self.relative(fd, new, new_length)
    }

    pub(crate) fn path_unlink_file(
        &mut self,
        fd: u32,
        path: u32,
        length: u32,
    ) -> Result<(), Errno> {
        self.relative(fd, path, length)
    }
}
