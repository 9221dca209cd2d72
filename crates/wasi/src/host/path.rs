//! Functions on paths. A path is always relative to a directory's descriptor.

use super::Call;
use crate::Errno;
use crate::abi::{FdFlags, LookupFlags, OpenFlags, Rights};
use crate::fd_table::{Descriptor, Object};
use crate::fs::{Dir, OpenHow, Opened};

/// A path as a guest names it: the descriptor of a directory, and where the path
/// stands in memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At {
    pub(crate) fd: u32,
    pub(crate) path: u32,
    pub(crate) length: u32,
}

impl At {
    pub(crate) const fn new(fd: u32, path: u32, length: u32) -> Self {
        Self { fd, path, length }
    }
}

/// What a guest asks of `path_open`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OpenRequest {
    pub(crate) lookup: u32,
    pub(crate) open_flags: u32,
    pub(crate) rights: u64,
    pub(crate) inheriting: u64,
    pub(crate) fd_flags: u32,
}

/// A path with its directory, both looked up.
#[derive(Debug, Clone, Copy)]
struct Place<'a> {
    dir: &'a Dir,
    path: &'a str,
}

impl Call<'_> {
    /// Finds the directory and the path, if the guest has `rights` there.
    fn place(&self, at: At, rights: Rights) -> Result<Place<'_>, Errno> {
        Ok(Place {
            dir: self.ctx.fds.dir(at.fd, rights)?,
            path: self.memory.path(at.path, at.length)?,
        })
    }

    pub(crate) fn path_create_directory(&mut self, at: At) -> Result<(), Errno> {
        let Place { dir, path } = self.place(at, Rights::PATH_CREATE_DIRECTORY)?;
        dir.create_directory(path)
    }

    pub(crate) fn path_remove_directory(&mut self, at: At) -> Result<(), Errno> {
        let Place { dir, path } = self.place(at, Rights::PATH_REMOVE_DIRECTORY)?;
        dir.remove_directory(path)
    }

    pub(crate) fn path_unlink_file(&mut self, at: At) -> Result<(), Errno> {
        let Place { dir, path } = self.place(at, Rights::PATH_UNLINK_FILE)?;
        dir.unlink(path)
    }

    pub(crate) fn path_filestat_get(
        &mut self,
        at: At,
        lookup: u32,
        stat: u32,
    ) -> Result<(), Errno> {
        let lookup = LookupFlags::try_from(lookup)?;
        let Place { dir, path } = self.place(at, Rights::PATH_FILESTAT_GET)?;
        let (bytes, length) = dir.stat_at(path, lookup)?.encode(self.abi);
        self.memory.write(stat, &bytes[..length])
    }

    pub(crate) fn path_filestat_set_times(
        &mut self,
        at: At,
        lookup: u32,
        times: [u64; 2],
        flags: u32,
    ) -> Result<(), Errno> {
        let lookup = LookupFlags::try_from(lookup)?;
        let times = self.times(times, flags)?;
        let Place { dir, path } = self.place(at, Rights::PATH_FILESTAT_SET_TIMES)?;
        dir.set_times_at(path, lookup, times)
    }

    pub(crate) fn path_link(&mut self, old: At, lookup: u32, new: At) -> Result<(), Errno> {
        let lookup = LookupFlags::try_from(lookup)?;
        let old = self.place(old, Rights::PATH_LINK_SOURCE)?;
        let new = self.place(new, Rights::PATH_LINK_TARGET)?;
        old.dir.link(old.path, lookup, new.dir, new.path)
    }

    pub(crate) fn path_rename(&mut self, old: At, new: At) -> Result<(), Errno> {
        let old = self.place(old, Rights::PATH_RENAME_SOURCE)?;
        let new = self.place(new, Rights::PATH_RENAME_TARGET)?;
        old.dir.rename(old.path, new.dir, new.path)
    }

    pub(crate) fn path_symlink(
        &mut self,
        contents: u32,
        contents_length: u32,
        at: At,
    ) -> Result<(), Errno> {
        let Place { dir, path } = self.place(at, Rights::PATH_SYMLINK)?;
        dir.symlink(self.memory.path(contents, contents_length)?, path)
    }

    /// As in POSIX, the contents of a link that are too long are cut off.
    pub(crate) fn path_readlink(
        &mut self,
        at: At,
        buffer: u32,
        buffer_length: u32,
        used: u32,
    ) -> Result<(), Errno> {
        let Place { dir, path } = self.place(at, Rights::PATH_READLINK)?;
        let contents = dir.read_link(path)?;
        self.memory.slice(used, 4)?;
        let room = self.memory.slice_mut(buffer, buffer_length)?;
        let length = contents.len().min(room.len());
        room[..length].copy_from_slice(&contents[..length]);
        self.memory
            .write_u32(used, u32::try_from(length).map_err(|_| Errno::Overflow)?)
    }

    /// Opens a file or directory.
    ///
    /// Of the rights that are asked for, reading and writing decide how the file is
    /// opened; programs expect the others, whether they name them or not. What
    /// limits them is only what the directory passes on.
    pub(crate) fn path_open(
        &mut self,
        at: At,
        request: OpenRequest,
        opened: u32,
    ) -> Result<(), Errno> {
        let how = OpenHow {
            lookup: LookupFlags::try_from(request.lookup)?,
            flags: OpenFlags::try_from(request.open_flags)?,
            rights: Rights::from_bits_truncate(request.rights),
            fd_flags: FdFlags::try_from(request.fd_flags)?,
        };
        self.memory.slice(opened, 4)?;
        if let Object::File(_) = self.ctx.fds.get(at.fd)?.object {
            return Err(Errno::NotDir);
        }
        let Place { dir, path } = self.place(at, how.required_rights())?;
        let inheriting = self.ctx.fds.get(at.fd)?.inheriting();
        let asked = how.rights | Rights::from_bits_truncate(request.inheriting);
        if !inheriting.contains(asked) {
            return Err(Errno::NotCapable);
        }
        // Before something is created for which there is no number.
        self.ctx.fds.check_room()?;
        let object = match dir.open(path, how)? {
            Opened::File(file) => Object::File(file),
            Opened::Dir(dir) => Object::Dir(dir),
        };
        let fd = self
            .ctx
            .fds
            .insert(Descriptor::inherited(object, inheriting))?;
        self.memory.write_u32(opened, fd)
    }
}

impl OpenHow {
    /// What a guest needs of the directory.
    fn required_rights(&self) -> Rights {
        let mut rights = Rights::PATH_OPEN;
        if self.flags.contains(OpenFlags::CREATE) {
            rights |= Rights::PATH_CREATE_FILE;
        }
        if self.flags.contains(OpenFlags::TRUNCATE) {
            rights |= Rights::PATH_FILESTAT_SET_SIZE;
        }
        rights
    }
}
