//! The table of open descriptors.
//!
//! Only the standard streams exist so far. A number that was closed stays
//! closed; nothing of the process below is closed with it.

use crate::Errno;
use crate::abi::{FileType, rights};
use crate::stream::{Input, Output};

/// What a descriptor leads to.
#[derive(Debug)]
pub(crate) enum Stream {
    Input(Input),
    Output(Output),
}

/// An open descriptor.
#[derive(Debug)]
pub(crate) struct Descriptor {
    pub(crate) stream: Stream,
    pub(crate) flags: u16,
    pub(crate) rights: u64,
}

impl Descriptor {
    /// A descriptor with all rights that make sense for its stream.
    pub(crate) fn new(stream: Stream) -> Self {
        let common =
            rights::FD_FDSTAT_SET_FLAGS | rights::FD_FILESTAT_GET | rights::POLL_FD_READWRITE;
        let rights = match stream {
            Stream::Input(_) => common | rights::FD_READ,
            Stream::Output(_) => common | rights::FD_WRITE | rights::FD_SYNC | rights::FD_DATASYNC,
        };
        Self {
            stream,
            flags: 0,
            rights,
        }
    }

    /// Fails unless the guest has kept all of `rights`.
    pub(crate) fn require(&self, rights: u64) -> Result<(), Errno> {
        if self.rights & rights == rights {
            Ok(())
        } else {
            Err(Errno::NotCapable)
        }
    }

    /// The input to read from; a descriptor for writing is none.
    pub(crate) fn input(&mut self) -> Result<&mut Input, Errno> {
        if matches!(self.stream, Stream::Input(_)) {
            self.require(rights::FD_READ)?;
        }
        match &mut self.stream {
            Stream::Input(input) => Ok(input),
            Stream::Output(_) => Err(Errno::BadF),
        }
    }

    /// The output to write to; a descriptor for reading is none.
    pub(crate) fn output(&mut self) -> Result<&mut Output, Errno> {
        if matches!(self.stream, Stream::Output(_)) {
            self.require(rights::FD_WRITE)?;
        }
        match &mut self.stream {
            Stream::Output(output) => Ok(output),
            Stream::Input(_) => Err(Errno::BadF),
        }
    }

    /// What the guest is told that this is.
    pub(crate) fn file_type(&self) -> FileType {
        match &self.stream {
            Stream::Input(input) => input.file_type(),
            Stream::Output(output) => output.file_type(),
        }
    }
}

/// Descriptors by number.
#[derive(Debug)]
pub(crate) struct FdTable {
    slots: [Option<Descriptor>; 3],
}

impl FdTable {
    /// A table of the three standard streams.
    pub(crate) fn new(streams: [Descriptor; 3]) -> Self {
        Self {
            slots: streams.map(Some),
        }
    }

    fn slot(&mut self, fd: u32) -> Result<&mut Option<Descriptor>, Errno> {
        let index = usize::try_from(fd).map_err(|_| Errno::BadF)?;
        self.slots.get_mut(index).ok_or(Errno::BadF)
    }

    /// The open descriptor `fd`.
    pub(crate) fn get(&mut self, fd: u32) -> Result<&mut Descriptor, Errno> {
        self.slot(fd)?.as_mut().ok_or(Errno::BadF)
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
