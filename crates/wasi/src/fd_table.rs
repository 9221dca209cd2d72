//! The table of open descriptors.
//!
//! A new descriptor takes the lowest free number. How many there can be is
//! limited, so that a guest cannot take all the descriptors of the process; a directory
//! that is being read takes more than one of those.

use crate::Errno;
use crate::abi::{FdFlags, FileStat, FileType, Rights};
use crate::fs::{Dir, File};
use crate::stream::{Input, Output};

/// What a descriptor leads to.
#[derive(Debug)]
pub(crate) enum Object {
    Input(Input),
    Output(Output),
    File(File),
    Dir(Dir),
}

/// An open descriptor.
///
/// The rights are what the guest has not given up yet. Which of them make sense
/// is up to the object: a guest that never gave up any gets the object's own error
/// for what cannot be done.
#[derive(Debug)]
pub(crate) struct Descriptor {
    pub(crate) object: Object,
    rights: Rights,
    inheriting: Rights,
}

impl From<Object> for Descriptor {
    fn from(object: Object) -> Self {
        Self::inherited(object, Rights::all())
    }
}

impl Descriptor {
    /// A descriptor opened through one that passes on `rights`.
    pub(crate) fn inherited(object: Object, rights: Rights) -> Self {
        Self {
            object,
            rights,
            inheriting: rights,
        }
    }

    /// Fails unless the guest has kept all of `rights`.
    pub(crate) fn require(&self, rights: Rights) -> Result<(), Errno> {
        if self.rights.contains(rights) {
            Ok(())
        } else {
            Err(Errno::NotCapable)
        }
    }

    /// The rights that the guest has and that make sense.
    pub(crate) fn rights(&self) -> Rights {
        let stream = Rights::FD_FILESTAT_GET | Rights::POLL_FD_READWRITE;
        self.rights
            & (match &self.object {
                Object::Input(_) => stream | Rights::FD_READ,
                Object::Output(_) => stream | Rights::FD_WRITE,
                Object::File(file) => file.applicable_rights(),
                Object::Dir(_) => Dir::applicable_rights(),
            })
    }

    /// The rights of descriptors that are opened through this one.
    pub(crate) fn inheriting(&self) -> Rights {
        match &self.object {
            Object::Dir(_) => self.inheriting,
            _ => Rights::empty(),
        }
    }

    /// Gives up all rights but these, which it must have.
    pub(crate) fn keep_rights(&mut self, rights: Rights, inheriting: Rights) -> Result<(), Errno> {
        if !self.rights().contains(rights) || !self.inheriting().contains(inheriting) {
            return Err(Errno::NotCapable);
        }
        self.rights = rights;
        self.inheriting = inheriting;
        Ok(())
    }

    /// What the guest is told that this is.
    pub(crate) fn file_type(&self) -> FileType {
        match &self.object {
            Object::Input(input) => input.file_type(),
            Object::Output(output) => output.file_type(),
            Object::File(file) => file.file_type(),
            Object::Dir(_) => FileType::Directory,
        }
    }

    pub(crate) fn flags(&self) -> FdFlags {
        match &self.object {
            Object::File(file) => file.flags(),
            _ => FdFlags::empty(),
        }
    }

    pub(crate) fn stat(&self) -> Result<FileStat, Errno> {
        match &self.object {
            Object::Input(_) | Object::Output(_) => Ok(FileStat::of_type(self.file_type())),
            Object::File(file) => file.stat(),
            Object::Dir(dir) => dir.stat(),
        }
    }
}

/// Descriptors by number.
#[derive(Debug)]
pub(crate) struct FdTable {
    slots: Vec<Option<Descriptor>>,
    limit: usize,
}

impl FdTable {
    /// A table of these, with room for `limit` ones at most.
    pub(crate) fn new(descriptors: Vec<Descriptor>, limit: usize) -> Self {
        Self {
            slots: descriptors.into_iter().map(Some).collect(),
            limit,
        }
    }

    fn slot(&mut self, fd: u32) -> Result<&mut Option<Descriptor>, Errno> {
        let index = usize::try_from(fd).map_err(|_| Errno::BadF)?;
        self.slots.get_mut(index).ok_or(Errno::BadF)
    }

    /// The open descriptor `fd`.
    pub(crate) fn get(&self, fd: u32) -> Result<&Descriptor, Errno> {
        let index = usize::try_from(fd).map_err(|_| Errno::BadF)?;
        self.slots
            .get(index)
            .and_then(Option::as_ref)
            .ok_or(Errno::BadF)
    }

    /// The open descriptor `fd`.
    pub(crate) fn get_mut(&mut self, fd: u32) -> Result<&mut Descriptor, Errno> {
        self.slot(fd)?.as_mut().ok_or(Errno::BadF)
    }

    /// The file `fd`; anything else is a bad descriptor.
    pub(crate) fn file(&mut self, fd: u32, rights: Rights) -> Result<&mut File, Errno> {
        let descriptor = self.get_mut(fd)?;
        if matches!(descriptor.object, Object::File(_)) {
            descriptor.require(rights)?;
        }
        match &mut descriptor.object {
            Object::File(file) => Ok(file),
            _ => Err(Errno::BadF),
        }
    }

    /// The directory `fd`, to look up a path in; anything else is a bad descriptor.
    pub(crate) fn dir(&self, fd: u32, rights: Rights) -> Result<&Dir, Errno> {
        let descriptor = self.get(fd)?;
        let Object::Dir(dir) = &descriptor.object else {
            return Err(Errno::BadF);
        };
        descriptor.require(rights)?;
        Ok(dir)
    }

    /// How many descriptors of the process these may take.
    fn taken(&self) -> usize {
        let one = |descriptor: &Descriptor| match &descriptor.object {
            Object::Dir(dir) => 1 + dir.descriptors_for_reading(),
            Object::Input(_) | Object::Output(_) | Object::File(_) => 1,
        };
        self.slots.iter().flatten().map(one).sum()
    }

    /// Fails when there is no room for one more.
    pub(crate) fn check_room(&self) -> Result<(), Errno> {
        self.check_room_for(1)
    }

    fn check_room_for(&self, count: usize) -> Result<(), Errno> {
        match self.limit.checked_sub(self.taken()) {
            Some(room) if room >= count => Ok(()),
            _ => Err(Errno::MFile),
        }
    }

    /// The directory `fd`, to be read from `cookie` on; anything else is a bad descriptor.
    pub(crate) fn dir_to_read(&mut self, fd: u32, cookie: u64) -> Result<&mut Dir, Errno> {
        let descriptor = self.get_mut(fd)?;
        let kept = descriptor.require(Rights::FD_READDIR);
        let Object::Dir(dir) = &mut descriptor.object else {
            return Err(Errno::BadF);
        };
        kept?;
        let needed = dir.descriptors_needed(cookie);
        self.check_room_for(needed)?;
        match &mut self.get_mut(fd)?.object {
            Object::Dir(dir) => Ok(dir),
            _ => Err(Errno::BadF),
        }
    }

    /// Puts a descriptor at the lowest free number.
    pub(crate) fn insert(&mut self, descriptor: Descriptor) -> Result<u32, Errno> {
        self.check_room()?;
        let free = self.slots.iter().position(Option::is_none);
        let index = free.unwrap_or(self.slots.len());
        let fd = u32::try_from(index).map_err(|_| Errno::MFile)?;
        match self.slots.get_mut(index) {
            Some(slot) => *slot = Some(descriptor),
            None => self.slots.push(Some(descriptor)),
        }
        Ok(fd)
    }

    /// Closes `fd` and returns what it was.
    pub(crate) fn close(&mut self, fd: u32) -> Result<Descriptor, Errno> {
        self.slot(fd)?.take().ok_or(Errno::BadF)
    }

    /// Moves `from` to the number `to`, which must be open and is closed.
    pub(crate) fn renumber(&mut self, from: u32, to: u32) -> Result<(), Errno> {
        self.get(to)?;
        self.get(from)?;
        if from != to {
            let moved = self.close(from)?;
            *self.slot(to)? = Some(moved);
        }
        Ok(())
    }
}
