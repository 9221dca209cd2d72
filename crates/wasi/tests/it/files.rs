//! Files, as a guest sees them and as they are on the host.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use damson_wasi::{Errno, Permissions, VirtualClock, WasiCtxBuilder};
use tempfile::TempDir;

use crate::guest::{Guest, Open, READ, WRITE};

const CREATE: u64 = 1;
const DIRECTORY: u64 = 2;
const EXCLUSIVE: u64 = 4;
const TRUNCATE: u64 = 8;
const APPEND: u64 = 1;
const NONBLOCK: u64 = 4;

/// A guest with one preopened directory, at descriptor 3, and that directory.
pub(crate) fn guest() -> (Guest, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let guest = on(folder.path(), Permissions::ReadWrite);
    (guest, folder)
}

fn on(folder: &Path, permissions: Permissions) -> Guest {
    Guest::new(WasiCtxBuilder::new().preopened_dir(folder, "/dir", permissions))
}

fn flags(flags: u64) -> Open {
    Open {
        flags,
        ..Open::default()
    }
}

fn rights(rights: u64) -> Open {
    Open {
        rights,
        ..Open::default()
    }
}

fn fd_flags(fd_flags: u64) -> Open {
    Open {
        flags: CREATE,
        fd_flags,
        ..Open::default()
    }
}

#[test]
fn preopened_directories_are_found_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let opened = cap_std::fs::Dir::open_ambient_dir(&folder, cap_std::ambient_authority());
    let mut guest = Guest::new(
        WasiCtxBuilder::new()
            .preopened_dir(&folder, "/first", Permissions::ReadWrite)
            .preopened_cap_dir(opened.expect("open"), ".", Permissions::ReadOnly),
    );
    for (fd, name) in [(3, &b"/first"[..]), (4, b".")] {
        guest.write(100, &[0xff; 16]);
        guest.ok("fd_prestat_get", &[fd, 100]);
        assert_eq!(guest.bytes(100, 4), [0; 4]);
        assert_eq!(guest.u32(104) as usize, name.len());
        guest.ok("fd_prestat_dir_name", &[fd, 200, name.len() as u64]);
        assert_eq!(guest.bytes(200, name.len()), name);
    }
    guest.fails("fd_prestat_dir_name", &[3, 200, 5], Errno::NameTooLong);
    guest.fails("fd_prestat_get", &[5, 100], Errno::BadF);
    let sub = guest.opened(".", rights(READ));
    guest.fails("fd_prestat_get", &[sub, 100], Errno::BadF);
    guest.fails("fd_prestat_dir_name", &[sub, 200, 9], Errno::NotDir);
}

#[test]
fn files_are_written_read_and_positioned() {
    let (mut guest, folder) = guest();
    let file = guest.opened("file", flags(CREATE));
    assert_eq!(guest.write_fd(file, b"hello, world"), 12);
    assert_eq!(
        fs::read(folder.path().join("file")).unwrap(),
        b"hello, world"
    );
    assert_eq!(guest.tell(file), 12);
    guest.ok("fd_seek", &[file, (-5_i64) as u64, 2, 64]);
    assert_eq!(guest.u64(64), 7);
    assert_eq!(guest.read_fd(file, 100), b"world");
    assert_eq!(guest.read_fd(file, 100), b"");
    guest.ok("fd_seek", &[file, (-5_i64) as u64, 1, 64]);
    guest.ok("fd_seek", &[file, 1, 0, 64]);
    assert_eq!(guest.read_fd(file, 4), b"ello");
    for (offset, whence) in [(-1, 0), (-6, 1), (-13, 2), (i64::MIN, 0)] {
        guest.fails("fd_seek", &[file, offset as u64, whence, 64], Errno::Inval);
    }
    assert_eq!(guest.tell(file), 5);
    // Behind the end there is a hole of zeros.
    guest.ok("fd_seek", &[file, 2, 2, 64]);
    guest.write_fd(file, b"!");
    assert_eq!(
        fs::read(folder.path().join("file")).unwrap(),
        b"hello, world\0\0!"
    );
}

#[test]
fn reads_and_writes_use_all_vectors() {
    let (mut guest, _folder) = guest();
    let file = guest.opened("file", flags(CREATE));
    guest.write(200, b"abcdef");
    guest.write_u32s(0, &[200, 2, 0, 0, 203, 3, 200, 1]);
    guest.ok("fd_write", &[file, 0, 4, 64]);
    assert_eq!(guest.u32(64), 6);
    guest.ok("fd_seek", &[file, 0, 0, 64]);
    guest.write_u32s(0, &[300, 4, 400, 0, 400, 4]);
    guest.ok("fd_read", &[file, 0, 3, 64]);
    assert_eq!(guest.u32(64), 6);
    assert_eq!(guest.bytes(300, 5), b"abde\0");
    assert_eq!(guest.bytes(400, 3), b"fa\0");
}

#[test]
fn reading_and_writing_at_an_offset_leaves_the_position() {
    let (mut guest, folder) = guest();
    let file = guest.opened("file", flags(CREATE));
    guest.write_fd(file, b"0123456789");
    guest.write(200, b"abc");
    guest.write_u32s(0, &[200, 1, 201, 2]);
    guest.ok("fd_pwrite", &[file, 0, 2, 4, 64]);
    assert_eq!(guest.u32(64), 3);
    assert_eq!(fs::read(folder.path().join("file")).unwrap(), b"0123abc789");
    guest.write_u32s(0, &[300, 4, 310, 40]);
    guest.ok("fd_pread", &[file, 0, 2, 3, 64]);
    assert_eq!((guest.u32(64), guest.bytes(300, 4)), (7, b"3abc".to_vec()));
    assert_eq!(guest.bytes(310, 4), b"789\0");
    guest.ok("fd_pread", &[file, 0, 2, 100, 64]);
    assert_eq!(guest.u32(64), 0);
    guest.fails("fd_pread", &[file, 0, 2, u64::MAX, 64], Errno::Inval);
    guest.fails("fd_pwrite", &[file, 0, 2, u64::MAX, 64], Errno::Inval);
    assert_eq!(guest.tell(file), 10);
}

#[test]
fn appending_goes_to_the_end_and_can_be_switched() {
    let (mut guest, folder) = guest();
    let contents = || fs::read_to_string(folder.path().join("file")).unwrap();
    let file = guest.opened("file", fd_flags(APPEND));
    guest.write_fd(file, b"abc");
    guest.ok("fd_seek", &[file, 0, 0, 64]);
    guest.write_fd(file, b"def");
    assert_eq!((contents().as_str(), guest.tell(file)), ("abcdef", 6));
    // An offset is an offset in append mode, too.
    guest.write(200, b"X");
    guest.write_u32s(0, &[200, 1]);
    guest.ok("fd_pwrite", &[file, 0, 1, 1, 64]);
    assert_eq!(contents(), "aXcdef");
    guest.ok("fd_fdstat_set_flags", &[file, 0]);
    guest.ok("fd_seek", &[file, 0, 0, 64]);
    guest.write_fd(file, b"Y");
    assert_eq!(contents(), "YXcdef");
    guest.ok("fd_fdstat_set_flags", &[file, APPEND]);
    guest.write_fd(file, b"Z");
    assert_eq!(contents(), "YXcdefZ");
}

#[test]
fn flags_of_a_file_are_kept_and_checked() {
    let (mut guest, _folder) = guest();
    let shown = |guest: &mut Guest, fd| {
        guest.ok("fd_fdstat_get", &[fd, 96]);
        u64::from(guest.u32(96) >> 16)
    };
    let file = guest.opened("file", fd_flags(APPEND | NONBLOCK));
    assert_eq!(shown(&mut guest, file), APPEND | NONBLOCK);
    for flags in [APPEND, NONBLOCK, 0] {
        guest.ok("fd_fdstat_set_flags", &[file, flags]);
        assert_eq!(shown(&mut guest, file), flags);
    }
    // Synchronous writing is decided when the file is opened.
    for flags in [2, 8, 16, 0x20, 0x1_0000] {
        guest.fails("fd_fdstat_set_flags", &[file, flags], Errno::Inval);
    }
    let synchronous = guest.opened("file", fd_flags(2 | 8 | 16));
    assert_eq!(shown(&mut guest, synchronous), 2 | 8 | 16);
    guest.ok("fd_fdstat_set_flags", &[synchronous, 2 | 8 | 16 | APPEND]);
    guest.write_fd(synchronous, b"data");
    assert_eq!(
        guest.open("file", fd_flags(0x20)),
        Err(Errno::Inval.number())
    );
}

#[test]
fn open_flags_decide_what_may_be_there() {
    let (mut guest, folder) = guest();
    fs::write(folder.path().join("file"), "12345").unwrap();
    fs::create_dir(folder.path().join("sub")).unwrap();
    let size = |name: &str| fs::metadata(folder.path().join(name)).unwrap().len();
    for (path, open, errno) in [
        ("missing", flags(0), Errno::NoEnt),
        ("missing", flags(TRUNCATE), Errno::NoEnt),
        ("missing/file", flags(CREATE), Errno::NoEnt),
        ("file", flags(CREATE | EXCLUSIVE), Errno::Exist),
        ("file", flags(DIRECTORY), Errno::NotDir),
        ("file/", flags(0), Errno::NotDir),
        ("file/x", flags(0), Errno::NotDir),
        ("sub", flags(0), Errno::IsDir),
        ("sub", flags(DIRECTORY), Errno::IsDir),
        ("", flags(0), Errno::NoEnt),
        ("sub", flags(DIRECTORY | CREATE), Errno::Inval),
        ("sub", flags(DIRECTORY | TRUNCATE), Errno::Inval),
        ("file", flags(16), Errno::Inval),
        (
            "file",
            Open {
                lookup: 2,
                ..flags(0)
            },
            Errno::Inval,
        ),
    ] {
        assert_eq!(guest.open(path, open), Err(errno.number()), "{path}");
    }
    assert_eq!(size("file"), 5);
    guest.opened("file", flags(CREATE));
    assert_eq!(size("file"), 5);
    guest.opened("file", flags(CREATE | TRUNCATE));
    assert_eq!(size("file"), 0);
    guest.opened(
        "new",
        Open {
            rights: READ,
            ..flags(CREATE | EXCLUSIVE)
        },
    );
    assert_eq!(size("new"), 0);
    let sub = guest.opened(
        "sub",
        Open {
            rights: READ,
            ..flags(DIRECTORY)
        },
    );
    guest.opened(
        "inner",
        Open {
            dir: sub,
            ..flags(CREATE)
        },
    );
    assert_eq!(size("sub/inner"), 0);
}

#[test]
fn a_file_can_be_used_as_it_was_opened() {
    let (mut guest, folder) = guest();
    fs::write(folder.path().join("file"), "12345").unwrap();
    guest.write_u32s(0, &[200, 1]);
    let reading = guest.opened("file", rights(READ));
    assert_eq!(guest.read_fd(reading, 2), b"12");
    guest.fails("fd_write", &[reading, 0, 1, 64], Errno::BadF);
    guest.fails("fd_pwrite", &[reading, 0, 1, 0, 64], Errno::BadF);
    guest.fails("fd_filestat_set_size", &[reading, 0], Errno::Inval);
    guest.fails("fd_allocate", &[reading, 0, 10], Errno::BadF);
    let writing = guest.opened("file", rights(WRITE));
    guest.write_fd(writing, b"x");
    guest.fails("fd_read", &[writing, 0, 1, 64], Errno::BadF);
    guest.fails("fd_pread", &[writing, 0, 1, 0, 64], Errno::BadF);
    // Who asks for nothing may read.
    let nothing = guest.opened(
        "file",
        Open {
            flags: CREATE,
            ..rights(0)
        },
    );
    assert_eq!(guest.read_fd(nothing, 2), b"x2");
    // Creating opens the host's file for writing, the guest's still for reading only.
    guest.fails("fd_write", &[nothing, 0, 1, 64], Errno::BadF);
    guest.fails("fd_filestat_set_size", &[nothing, 0], Errno::Inval);
    // C libraries tell terminals from files by type and the rights to seek and tell.
    guest.ok("fd_fdstat_get", &[reading, 96]);
    let shown = guest.u64(104);
    assert_eq!(guest.bytes(96, 1), [4]);
    assert_eq!(
        shown & (READ | WRITE | 1 << 2 | 1 << 5),
        READ | 1 << 2 | 1 << 5
    );
}

#[test]
fn sizes_can_be_set_and_room_reserved() {
    let (mut guest, folder) = guest();
    let file = guest.opened("file", flags(CREATE));
    let contents = || fs::read(folder.path().join("file")).unwrap();
    guest.write_fd(file, b"12345");
    guest.ok("fd_filestat_set_size", &[file, 2]);
    assert_eq!(contents(), b"12");
    guest.ok("fd_filestat_set_size", &[file, 4]);
    assert_eq!(contents(), b"12\0\0");
    guest.fails("fd_filestat_set_size", &[file, 1 << 63], Errno::Inval);
    guest.ok("fd_allocate", &[file, 2, 8]);
    assert_eq!(contents(), b"12\0\0\0\0\0\0\0\0");
    guest.ok("fd_allocate", &[file, 0, 3]);
    assert_eq!(contents().len(), 10);
    guest.fails("fd_allocate", &[file, 0, 0], Errno::Inval);
    guest.fails("fd_allocate", &[file, u64::MAX, 2], Errno::FBig);
    for advice in 0..6 {
        guest.ok("fd_advise", &[file, 0, 10, advice]);
    }
    guest.fails("fd_advise", &[file, 0, 10, 6], Errno::Inval);
    guest.ok("fd_sync", &[file]);
    guest.ok("fd_datasync", &[file]);
}

/// The fields of the `filestat` at address 100: type, links, size, times.
fn stat(guest: &Guest) -> (u8, u64, u64, [u64; 2]) {
    let times = [guest.u64(140), guest.u64(148)];
    (
        guest.bytes(116, 1)[0],
        guest.u64(124),
        guest.u64(132),
        times,
    )
}

#[test]
fn attributes_are_those_of_the_host() {
    let (mut guest, folder) = guest();
    fs::write(folder.path().join("file"), "12345").unwrap();
    fs::hard_link(folder.path().join("file"), folder.path().join("other")).unwrap();
    let file = guest.opened("file", flags(0));
    guest.ok("fd_filestat_get", &[file, 100]);
    let of_file = guest.bytes(100, 64);
    let (file_type, links, size, [_, modified]) = stat(&guest);
    assert_eq!((file_type, links, size), (4, 2, 5));
    let real = fs::metadata(folder.path().join("file"))
        .unwrap()
        .modified()
        .unwrap();
    assert_eq!(UNIX_EPOCH + Duration::from_nanos(modified), real);
    let [at, length] = guest.path("other");
    guest.ok("path_filestat_get", &[3, 0, at, length, 100]);
    // The same device and number: two names of one file.
    assert_eq!(guest.bytes(100, 64), of_file);
    guest.ok("fd_filestat_get", &[3, 100]);
    assert_eq!(stat(&guest).0, 3);
}

#[test]
fn times_are_set_to_a_moment_or_to_the_guests_now() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file");
    fs::write(&path, "").unwrap();
    let now = 1_234_567_890_000_000_000;
    let mut guest = Guest::new(
        WasiCtxBuilder::new()
            .clock(VirtualClock::new(now, 0))
            .preopened_dir(&folder, "/", Permissions::ReadWrite),
    );
    let times = |guest: &mut Guest| {
        let [at, length] = guest.path("file");
        guest.ok("path_filestat_get", &[3, 1, at, length, 100]);
        stat(guest).3
    };
    let [at, length] = guest.path("file");
    guest.ok(
        "path_filestat_set_times",
        &[3, 0, at, length, 1_000_000_001, 2_000_000_002, 5],
    );
    assert_eq!(times(&mut guest), [1_000_000_001, 2_000_000_002]);
    guest.ok("path_filestat_set_times", &[3, 1, at, length, 7, 8, 4]);
    assert_eq!(times(&mut guest), [1_000_000_001, 8]);
    guest.ok("path_filestat_set_times", &[3, 1, at, length, 7, 8, 8 | 1]);
    assert_eq!(times(&mut guest), [7, now]);
    for both in [3, 12, 16] {
        let args = [3, 1, at, length, 7, 8, both];
        guest.fails("path_filestat_set_times", &args, Errno::Inval);
    }
    let file = guest.opened("file", rights(READ));
    guest.ok("fd_filestat_set_times", &[file, 11, 12, 5]);
    assert_eq!(times(&mut guest), [11, 12]);
    guest.ok("fd_filestat_set_times", &[file, 0, 0, 2]);
    assert_eq!(times(&mut guest), [now, 12]);
    guest.ok("fd_filestat_set_times", &[3, 0, 5_000_000_000, 4]);
    let of_folder = fs::metadata(&folder).unwrap().modified().unwrap();
    assert_eq!(of_folder, UNIX_EPOCH + Duration::from_secs(5));
}

#[test]
#[cfg(unix)]
fn times_of_a_symbolic_link_are_its_own() {
    let (mut guest, folder) = guest();
    fs::write(folder.path().join("file"), "").unwrap();
    std::os::unix::fs::symlink("file", folder.path().join("link")).unwrap();
    let [at, length] = guest.path("link");
    guest.ok("path_filestat_set_times", &[3, 0, at, length, 0, 5, 4]);
    guest.ok("path_filestat_get", &[3, 0, at, length, 100]);
    assert_eq!((stat(&guest).0, stat(&guest).3[1]), (7, 5));
    guest.ok("path_filestat_get", &[3, 1, at, length, 100]);
    assert_eq!(stat(&guest).0, 4);
    assert_ne!(stat(&guest).3[1], 5);
    let file = fs::metadata(folder.path().join("file")).unwrap();
    assert!(file.modified().unwrap() > SystemTime::now() - Duration::from_secs(3600));
}

#[test]
fn renaming_moves_and_replaces() {
    let (mut guest, folder) = guest();
    fs::write(folder.path().join("a"), "A").unwrap();
    fs::write(folder.path().join("b"), "B").unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    fs::create_dir_all(folder.path().join("sub/inner")).unwrap();
    let sub = guest.opened("sub", rights(READ));
    let mut rename = |from: &str, fd: u64, to: &str| {
        let ([at, length], [to, to_length]) = (guest.path(from), guest.other_path(to));
        let args = [3, at, length, fd, to, to_length];
        guest.try_call("path_rename", &args).expect("no trap")
    };
    assert_eq!(rename("a", sub, "a"), 0);
    assert_eq!(rename("b", sub, "a"), 0);
    for (from, to, errno) in [
        ("sub/a", "sub/inner", Errno::IsDir),
        ("sub", "file", Errno::NotDir),
        ("sub", "sub/inner/x", Errno::Inval),
        ("missing", "x", Errno::NoEnt),
        ("sub/a", "x/", Errno::NotDir),
    ] {
        assert_eq!(rename(from, 3, to), errno.number(), "{from} to {to}");
    }
    assert_eq!(rename("sub", 3, "moved"), 0);
    assert_eq!(
        fs::read_to_string(folder.path().join("moved/a")).unwrap(),
        "B"
    );
    assert!(!folder.path().join("sub").exists());
}

#[test]
fn links_are_second_names() {
    let (mut guest, folder) = guest();
    fs::write(folder.path().join("a"), "A").unwrap();
    let mut link = |flags: u64, to: &str| {
        let ([at, length], [to, to_length]) = (guest.path("a"), guest.other_path(to));
        let args = [3, flags, at, length, 3, to, to_length];
        guest.try_call("path_link", &args).expect("no trap")
    };
    assert_eq!(link(0, "b"), 0);
    assert_eq!(link(0, "b"), Errno::Exist.number());
    assert_eq!(link(1, "c"), Errno::Inval.number());
    fs::write(folder.path().join("a"), "changed").unwrap();
    assert_eq!(
        fs::read_to_string(folder.path().join("b")).unwrap(),
        "changed"
    );
}

#[test]
fn symbolic_links_are_made_read_and_followed() {
    let (mut guest, folder) = guest();
    fs::write(folder.path().join("file"), "F").unwrap();
    let ([to, to_length], [at, length]) = (guest.path("file"), guest.other_path("link"));
    guest.ok("path_symlink", &[to, to_length, 3, at, length]);
    guest.fails(
        "path_symlink",
        &[to, to_length, 3, at, length],
        Errno::Exist,
    );
    guest.ok("path_readlink", &[3, at, length, 200, 100, 64]);
    assert_eq!(
        (guest.u32(64), guest.bytes(200, 5)),
        (4, b"file\0".to_vec())
    );
    guest.write(200, &[0; 8]);
    guest.ok("path_readlink", &[3, at, length, 200, 2, 64]);
    assert_eq!(
        (guest.u32(64), guest.bytes(200, 4)),
        (2, b"fi\0\0".to_vec())
    );
    guest.fails(
        "path_readlink",
        &[3, to, to_length, 200, 9, 64],
        Errno::Inval,
    );
    let file = guest.opened("link", rights(READ));
    assert_eq!(guest.read_fd(file, 9), b"F");
    let nofollow = Open {
        lookup: 0,
        ..flags(0)
    };
    assert_eq!(guest.open("link", nofollow), Err(Errno::Loop.number()));
    let ([to, to_length], [at, length]) = (guest.path("circle"), guest.other_path("circle"));
    guest.ok("path_symlink", &[to, to_length, 3, at, length]);
    assert_eq!(guest.open("circle", flags(0)), Err(Errno::Loop.number()));
    let [at, length] = guest.path("link");
    guest.ok("path_unlink_file", &[3, at, length]);
    assert!(folder.path().join("file").exists());
}

#[test]
fn descriptors_are_reused_and_limited() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut guest = Guest::new(WasiCtxBuilder::new().max_descriptors(6).preopened_dir(
        &folder,
        "/",
        Permissions::ReadWrite,
    ));
    assert_eq!(guest.opened("a", flags(CREATE)), 4);
    assert_eq!(guest.opened("b", flags(CREATE)), 5);
    assert_eq!(guest.open("c", flags(CREATE)), Err(Errno::MFile.number()));
    assert!(!folder.path().join("c").exists());
    guest.ok("fd_close", &[4]);
    guest.ok("fd_close", &[0]);
    assert_eq!(guest.opened("c", flags(CREATE)), 0);
    assert_eq!(guest.opened("c", flags(0)), 4);
    guest.ok("fd_renumber", &[0, 3]);
    guest.fails("fd_prestat_get", &[3, 64], Errno::BadF);
    assert_eq!(guest.write_fd(3, b"data"), 4);
    assert_eq!(guest.open("d", flags(CREATE)), Err(Errno::NotDir.number()));
}

#[test]
fn rights_given_up_hold_for_what_is_opened_later() {
    let (mut guest, folder) = guest();
    fs::write(folder.path().join("file"), "12345").unwrap();
    guest.ok("fd_fdstat_get", &[3, 96]);
    let (base, inheriting) = (guest.u64(104), guest.u64(112));
    let create_directory = 1 << 9;
    let args = [3, base & !create_directory, inheriting & !WRITE];
    guest.ok("fd_fdstat_set_rights", &args);
    guest.fails("fd_fdstat_set_rights", &[3, base, 0], Errno::NotCapable);
    let [at, length] = guest.path("sub");
    guest.fails("path_create_directory", &[3, at, length], Errno::NotCapable);
    let refused = Err(Errno::NotCapable.number());
    assert_eq!(guest.open("file", rights(WRITE)), refused);
    let file = guest.opened("file", rights(READ));
    assert_eq!(guest.read_fd(file, 2), b"12");
    let again = guest.opened(".", rights(READ));
    assert_eq!(
        guest.open(
            "file",
            Open {
                dir: again,
                ..rights(WRITE)
            }
        ),
        refused
    );
    // Giving up the right to seek leaves the one to tell.
    guest.ok("fd_fdstat_set_rights", &[file, 1 << 5, 0]);
    assert_eq!(guest.tell(file), 2);
    guest.ok("fd_seek", &[file, 0, 1, 64]);
    guest.fails("fd_seek", &[file, 1, 1, 64], Errno::NotCapable);
    guest.fails("fd_read", &[file, 0, 0, 64], Errno::NotCapable);
}

#[test]
fn the_older_version_counts_whence_and_links_otherwise() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("file"), "12345").unwrap();
    let wasi = WasiCtxBuilder::new().preopened_dir(&folder, "/", Permissions::ReadWrite);
    let memory = "(memory (export \"memory\") 1)";
    let mut guest = Guest::with("wasi_unstable", memory, wasi);
    let file = guest.opened("file", flags(0));
    let (current, end, start) = (0, 1, 2);
    for (offset, whence, position) in [(4, start, 4), (1, current, 5), (1, end, 6)] {
        guest.ok("fd_seek", &[file, offset, whence, 64]);
        assert_eq!(guest.u64(64), position);
    }
    guest.fails("fd_seek", &[file, 0, 3, 64], Errno::Inval);
    guest.ok("fd_seek", &[file, 0, current, 64]);
    assert_eq!(guest.u64(64), 6);
    guest.write(100, &[0xff; 72]);
    guest.ok("fd_filestat_get", &[file, 100]);
    assert_eq!((guest.bytes(116, 1)[0], guest.u32(120)), (4, 1));
    assert_eq!(guest.u64(124), 5);
    assert_eq!(guest.bytes(156, 8), [0xff; 8]);
}
