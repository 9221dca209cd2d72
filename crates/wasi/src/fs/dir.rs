//! Open directories, and everything that is done to paths below them.

use std::io;

use cap_fs_ext::{
    DirExt, FollowSymlinks, OpenOptionsFollowExt, OpenOptionsMaybeDirExt, OpenOptionsSyncExt,
    SystemTimeSpec,
};
use cap_std::fs::OpenOptions;
use cap_std::time::SystemTime;

use super::listing::Listing;
use super::{File, Permissions, Times};
use crate::Errno;
use crate::abi::{FdFlags, FileStat, FileType, LookupFlags, OpenFlags, Rights};

/// An open directory.
#[derive(Debug)]
pub(crate) struct Dir {
    dir: cap_std::fs::Dir,
    permissions: Permissions,
    /// The name under which the guest finds it, if it was preopened.
    guest_path: Option<String>,
    /// How far `fd_readdir` has come.
    listing: Option<Listing>,
}

/// How `path_open` opens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OpenHow {
    pub(crate) lookup: LookupFlags,
    pub(crate) flags: OpenFlags,
    /// Of these, reading and writing decide how the file is opened.
    pub(crate) rights: Rights,
    pub(crate) fd_flags: FdFlags,
}

/// What `path_open` opened.
#[derive(Debug)]
pub(crate) enum Opened {
    File(File),
    Dir(Dir),
}

impl Dir {
    /// A directory that a guest starts with.
    pub(crate) fn preopened(
        dir: cap_std::fs::Dir,
        guest_path: String,
        permissions: Permissions,
    ) -> Self {
        Self {
            dir,
            permissions,
            guest_path: Some(guest_path),
            listing: None,
        }
    }

    pub(crate) fn guest_path(&self) -> Option<&str> {
        self.guest_path.as_deref()
    }

    /// The rights that make sense for a directory.
    pub(crate) fn applicable_rights() -> Rights {
        Rights::PATH_CREATE_DIRECTORY
            | Rights::PATH_CREATE_FILE
            | Rights::PATH_LINK_SOURCE
            | Rights::PATH_LINK_TARGET
            | Rights::PATH_OPEN
            | Rights::FD_READDIR
            | Rights::PATH_READLINK
            | Rights::PATH_RENAME_SOURCE
            | Rights::PATH_RENAME_TARGET
            | Rights::PATH_FILESTAT_GET
            | Rights::PATH_FILESTAT_SET_SIZE
            | Rights::PATH_FILESTAT_SET_TIMES
            | Rights::FD_FILESTAT_GET
            | Rights::FD_FILESTAT_SET_TIMES
            | Rights::PATH_SYMLINK
            | Rights::PATH_REMOVE_DIRECTORY
            | Rights::PATH_UNLINK_FILE
    }

    /// Opens a file or directory.
    pub(crate) fn open(&self, path: &str, how: OpenHow) -> Result<Opened, Errno> {
        let OpenHow {
            lookup,
            flags,
            rights,
            fd_flags,
        } = how;
        let creating = OpenFlags::CREATE | OpenFlags::EXCLUSIVE | OpenFlags::TRUNCATE;
        if flags.contains(OpenFlags::DIRECTORY) && flags.intersects(creating) {
            return Err(Errno::Inval);
        }
        let create = flags.contains(OpenFlags::CREATE);
        let truncate = flags.contains(OpenFlags::TRUNCATE);
        let write = rights.contains(Rights::FD_WRITE) || create || truncate;
        if write {
            self.permissions.require_write()?;
        }
        let mut options = OpenOptions::new();
        options
            .read(rights.contains(Rights::FD_READ) || !rights.contains(Rights::FD_WRITE))
            .write(write)
            .truncate(truncate)
            .maybe_dir(true)
            .follow(follow(lookup))
            .dsync(fd_flags.contains(FdFlags::DSYNC))
            .rsync(fd_flags.contains(FdFlags::RSYNC))
            .sync(fd_flags.contains(FdFlags::SYNC))
            .nonblock(
                // Opening a pipe instead of a directory must not wait for a writer.
                fd_flags.contains(FdFlags::NONBLOCK) || flags.contains(OpenFlags::DIRECTORY),
            );
        if create && flags.contains(OpenFlags::EXCLUSIVE) {
            options.create_new(true);
        } else {
            options.create(create);
        }
        let file = self.dir.open_with(path, &options)?.into_std();
        let metadata = cap_std::fs::Metadata::from_file(&file)?;
        let file_type = FileType::of(metadata.file_type());
        if file_type == FileType::Directory {
            return Ok(Opened::Dir(Self {
                dir: cap_std::fs::Dir::from_std_file(file),
                permissions: self.permissions,
                guest_path: None,
                listing: None,
            }));
        }
        if flags.contains(OpenFlags::DIRECTORY) {
            return Err(Errno::NotDir);
        }
        let file = File::new(file, file_type, fd_flags, rights, self.permissions);
        Ok(Opened::File(file))
    }

    pub(crate) fn create_directory(&self, path: &str) -> Result<(), Errno> {
        self.permissions.require_write()?;
        Ok(self.dir.create_dir(path)?)
    }

    pub(crate) fn remove_directory(&self, path: &str) -> Result<(), Errno> {
        self.permissions.require_write()?;
        Ok(self.dir.remove_dir(path)?)
    }

    pub(crate) fn unlink(&self, path: &str) -> Result<(), Errno> {
        self.permissions.require_write()?;
        Ok(self.dir.remove_file_or_symlink(path)?)
    }

    pub(crate) fn rename(&self, old: &str, to: &Self, new: &str) -> Result<(), Errno> {
        self.permissions.require_write()?;
        to.permissions.require_write()?;
        // Only a directory gets a name with a slash at its end; `cap-std` would drop
        // the slash.
        if new.ends_with('/') && !self.dir.symlink_metadata(old)?.is_dir() {
            return match to.dir.symlink_metadata(new).map_err(Errno::from) {
                Err(Errno::Perm) => Err(Errno::Perm),
                _ => Err(Errno::NotDir),
            };
        }
        Ok(self.dir.rename(old, &to.dir, new)?)
    }

    /// Makes a hard link. A symbolic link is linked itself; following it is not
    /// something that `cap-std` can do safely.
    pub(crate) fn link(
        &self,
        old: &str,
        lookup: LookupFlags,
        to: &Self,
        new: &str,
    ) -> Result<(), Errno> {
        self.permissions.require_write()?;
        to.permissions.require_write()?;
        if lookup.contains(LookupFlags::SYMLINK_FOLLOW) {
            return Err(Errno::Inval);
        }
        Ok(self.dir.hard_link(old, &to.dir, new)?)
    }

    /// Makes a symbolic link. One that is absolute is refused; a relative one may
    /// lead outside and cannot be followed then.
    pub(crate) fn symlink(&self, contents: &str, path: &str) -> Result<(), Errno> {
        self.permissions.require_write()?;
        Ok(self.dir.symlink(contents, path)?)
    }

    /// What is written in a symbolic link.
    pub(crate) fn read_link(&self, path: &str) -> Result<Vec<u8>, Errno> {
        let contents = self.dir.read_link(path)?;
        Ok(contents.into_os_string().into_encoded_bytes())
    }

    /// The attributes of the directory itself.
    pub(crate) fn stat(&self) -> Result<FileStat, Errno> {
        Ok(FileStat::of(&self.dir.dir_metadata()?))
    }

    pub(crate) fn stat_at(&self, path: &str, lookup: LookupFlags) -> Result<FileStat, Errno> {
        let metadata = match follow(lookup) {
            // What comes before a slash at the end is followed anyway, and must be a
            // directory, which `symlink_metadata` does not see to.
            FollowSymlinks::No if !path.ends_with('/') && !path.ends_with("/.") => {
                self.dir.symlink_metadata(path)
            }
            _ => self.dir.metadata(path),
        };
        Ok(FileStat::of(&metadata?))
    }

    /// Sets the times of the directory itself.
    pub(crate) fn set_times(&self, times: Times) -> Result<(), Errno> {
        let itself = LookupFlags::SYMLINK_FOLLOW;
        self.set_times_at(".", itself, times)
    }

    pub(crate) fn set_times_at(
        &self,
        path: &str,
        lookup: LookupFlags,
        times: Times,
    ) -> Result<(), Errno> {
        self.permissions.require_write()?;
        let absolute = |time| SystemTimeSpec::Absolute(SystemTime::from_std(time));
        let accessed = times.accessed.map(absolute);
        let modified = times.modified.map(absolute);
        Ok(match follow(lookup) {
            FollowSymlinks::Yes => self.dir.set_times(path, accessed, modified),
            FollowSymlinks::No => self.dir.set_symlink_times(path, accessed, modified),
        }?)
    }

    /// How many descriptors of the process reading the directory takes at the moment,
    /// besides the directory's own.
    pub(crate) fn descriptors_for_reading(&self) -> usize {
        self.listing.as_ref().map_or(0, |_| Self::LISTING)
    }

    /// Prepares to read from `cookie` on: whatever cannot go on there is closed. How many
    /// descriptors of the process reading will take in addition.
    pub(crate) fn descriptors_needed(&mut self, cookie: u64) -> usize {
        self.listing
            .take_if(|listing| cookie == 0 || listing.position() != cookie);
        if self.listing.is_some() {
            0
        } else {
            Self::LISTING
        }
    }

    /// What `cap-std` keeps open for an iteration: the directory once more, and once more
    /// for the iterator.
    const LISTING: usize = 2;

    /// Fills `buffer` with entries from `cookie` on and returns how much of it.
    pub(crate) fn read(&mut self, cookie: u64, buffer: &mut [u8]) -> Result<usize, Errno> {
        let mut listing = match self.listing.take() {
            Some(listing) if cookie != 0 && listing.position() == cookie => listing,
            _ => Listing::open(&self.dir, cookie)?,
        };
        let used = listing.fill(buffer)?;
        if !listing.is_over() {
            self.listing = Some(listing);
        }
        Ok(used)
    }
}

fn follow(lookup: LookupFlags) -> FollowSymlinks {
    if lookup.contains(LookupFlags::SYMLINK_FOLLOW) {
        FollowSymlinks::Yes
    } else {
        FollowSymlinks::No
    }
}

/// Opens a directory of the host: the one place where a path starts at the root.
pub(crate) fn open_ambient(path: &std::path::Path) -> io::Result<cap_std::fs::Dir> {
    cap_std::fs::Dir::open_ambient_dir(path, cap_std::ambient_authority())
}
