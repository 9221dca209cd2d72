//! Directories read entry by entry, with cookies.
//!
//! A cookie is the number of entries before the one it names: 0 is `.`, 1 is
//! `..`, and then come the others in the order of the host. Reading on where the
//! last call stopped, which is what programs do, takes the next entries of an open
//! iterator. So a program that removes what it has read misses nothing, and a
//! directory of any length is read in linear time and constant memory. Any other
//! cookie starts anew and skips.
//!
//! An open iterator takes descriptors of the process. It is closed when it has come to the
//! end, and counts against the guest's limit before.
//!
//! `..` carries the number of the directory itself: what lies above a preopened
//! directory is no business of the guest.

use cap_fs_ext::MetadataExt;
use cap_std::fs::{Dir, DirEntry, ReadDir};

use crate::Errno;
use crate::abi::{DIRENT_SIZE, FileType};

/// An iteration over a directory.
pub(super) struct Listing {
    entries: ReadDir,
    /// The number of the directory itself.
    inode: u64,
    /// The cookie of the entry that comes next.
    position: u64,
    /// The next entry, if it was read and did not fit the guest's buffer.
    held: Option<Entry>,
    /// The end was found.
    is_over: bool,
}

struct Entry {
    name: Vec<u8>,
    inode: u64,
    file_type: FileType,
}

impl Listing {
    /// An iteration that stands before the entry that `cookie` names.
    pub(super) fn open(dir: &Dir, cookie: u64) -> Result<Self, Errno> {
        let mut listing = Self {
            entries: dir.entries()?,
            inode: dir.dir_metadata()?.ino(),
            position: 0,
            held: None,
            is_over: false,
        };
        while listing.position < cookie {
            if listing.next()?.is_none() {
                // Past the end nothing comes, whatever the number.
                listing.position = cookie;
                break;
            }
            listing.position += 1;
        }
        Ok(listing)
    }

    /// The cookie of the entry that comes next.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Whether nothing comes any more.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Writes entries to `buffer` until it is full or the directory ends; the last
    /// entry may be cut off, and then comes again.
    pub(super) fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, Errno> {
        let mut used = 0;
        while used < buffer.len() {
            let Some(entry) = self.next()? else {
                self.is_over = true;
                break;
            };
            let room = &mut buffer[used..];
            let length = entry.write(self.position.saturating_add(1), room)?;
            if length > room.len() {
                used = buffer.len();
                self.held = Some(entry);
                break;
            }
            used += length;
            self.position = self.position.saturating_add(1);
        }
        Ok(used)
    }

    fn next(&mut self) -> Result<Option<Entry>, Errno> {
        if let Some(entry) = self.held.take() {
            return Ok(Some(entry));
        }
        let itself = |name: &[u8]| Entry {
            name: name.to_vec(),
            inode: self.inode,
            file_type: FileType::Directory,
        };
        match self.position {
            0 => Ok(Some(itself(b"."))),
            1 => Ok(Some(itself(b".."))),
            _ => Ok(self.entries.next().transpose()?.map(Entry::new)),
        }
    }
}

impl Entry {
    fn new(entry: DirEntry) -> Self {
        Self {
            inode: inode(&entry),
            // An entry that vanished meanwhile still has its name.
            file_type: entry.file_type().map_or(FileType::Unknown, FileType::of),
            name: entry.file_name().into_encoded_bytes(),
        }
    }

    /// Writes a `dirent` and the name, as much as fits, and returns how long they
    /// are together.
    fn write(&self, next: u64, room: &mut [u8]) -> Result<usize, Errno> {
        let name_length = u32::try_from(self.name.len()).map_err(|_| Errno::Overflow)?;
        let mut head = [0; DIRENT_SIZE];
        head[0..8].copy_from_slice(&next.to_le_bytes());
        head[8..16].copy_from_slice(&self.inode.to_le_bytes());
        head[16..20].copy_from_slice(&name_length.to_le_bytes());
        head[20] = self.file_type as u8;
        let mut room = room;
        for part in [&head[..], &self.name] {
            let fits = part.len().min(room.len());
            let (now, later) = room.split_at_mut(fits);
            now.copy_from_slice(&part[..fits]);
            room = later;
        }
        Ok(head.len() + self.name.len())
    }
}

#[cfg(unix)]
fn inode(entry: &DirEntry) -> u64 {
    std::os::unix::fs::DirEntryExt::ino(entry)
}

/// Zero tells C libraries to ask for the file's attributes.
#[cfg(not(unix))]
fn inode(_entry: &DirEntry) -> u64 {
    0
}

impl std::fmt::Debug for Listing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listing")
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}
