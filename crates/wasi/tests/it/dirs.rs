//! Directories: made, removed, and read with cookies.

use std::fs;

use damson_wasi::Errno;

use crate::files::guest;
use crate::guest::{Guest, Open, READ};

#[test]
fn directories_are_made_and_removed() {
    let (mut guest, folder) = guest();
    let [at, length] = guest.path("sub");
    guest.ok("path_create_directory", &[3, at, length]);
    guest.fails("path_create_directory", &[3, at, length], Errno::Exist);
    fs::write(folder.path().join("sub/file"), "").unwrap();
    guest.fails("path_remove_directory", &[3, at, length], Errno::NotEmpty);
    guest.fails("path_unlink_file", &[3, at, length], Errno::IsDir);
    let [file, file_length] = guest.other_path("sub/file");
    guest.fails(
        "path_remove_directory",
        &[3, file, file_length],
        Errno::NotDir,
    );
    guest.ok("path_unlink_file", &[3, file, file_length]);
    guest.fails("path_unlink_file", &[3, file, file_length], Errno::NoEnt);
    guest.ok("path_remove_directory", &[3, at, length]);
    guest.fails("path_remove_directory", &[3, at, length], Errno::NoEnt);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
}

/// Cookie, type and name of each whole entry, and the bytes used.
fn entries(guest: &mut Guest, fd: u64, room: u64, cookie: u64) -> (Vec<(u64, u8, String)>, usize) {
    guest.ok("fd_readdir", &[fd, 20_000, room, cookie, 64]);
    let used = guest.u32(64) as usize;
    let bytes = guest.bytes(20_000, used);
    let mut found = Vec::new();
    let mut rest = &bytes[..];
    while rest.len() >= 24 {
        let next = u64::from_le_bytes(rest[0..8].try_into().unwrap());
        let length = u32::from_le_bytes(rest[16..20].try_into().unwrap()) as usize;
        let Some(name) = rest.get(24..24 + length) else {
            break;
        };
        found.push((next, rest[20], String::from_utf8(name.to_vec()).unwrap()));
        rest = &rest[24 + length..];
    }
    (found, used)
}

#[test]
fn directories_are_read_whole_and_in_pieces() {
    let (mut guest, folder) = guest();
    fs::create_dir(folder.path().join("sub")).unwrap();
    for index in 0..20 {
        fs::write(folder.path().join(format!("file{index}")), "").unwrap();
    }
    let (all, used) = entries(&mut guest, 3, 10_000, 0);
    assert!(used < 10_000);
    let cookies: Vec<u64> = all.iter().map(|entry| entry.0).collect();
    assert_eq!(cookies, (1..=23).collect::<Vec<_>>());
    assert_eq!((all[0].1, all[0].2.as_str()), (3, "."));
    assert_eq!((all[1].1, all[1].2.as_str()), (3, ".."));
    let mut names: Vec<&str> = all.iter().map(|entry| entry.2.as_str()).collect();
    names.sort_unstable();
    assert_eq!(
        names.iter().filter(|name| name.starts_with("file")).count(),
        20
    );
    assert!(all.contains(&(cookie_of(&all, "sub"), 3, "sub".into())));
    assert!(all.contains(&(cookie_of(&all, "file7"), 4, "file7".into())));

    // Whatever the size of the buffer, each comes once and in the same order.
    for room in [32, 33, 60, 100, 333] {
        let (mut pieces, mut cookie) = (Vec::new(), 0);
        loop {
            let (found, used) = entries(&mut guest, 3, room, cookie);
            cookie = found.last().map_or(cookie, |entry| entry.0);
            let ended = (used as u64) < room;
            pieces.extend(found);
            if ended {
                break;
            }
        }
        assert_eq!(pieces, all, "room for {room}");
    }
    // A buffer too small for one entry is filled with its beginning, again and again.
    for room in [0, 1, 23, 24] {
        for _ in 0..2 {
            assert_eq!(entries(&mut guest, 3, room, 1), (vec![], room as usize));
        }
    }
    // Any cookie can come at any time.
    assert_eq!(entries(&mut guest, 3, 10_000, 20).0, all[20..]);
    assert_eq!(entries(&mut guest, 3, 10_000, 5).0, all[5..]);
    assert_eq!(entries(&mut guest, 3, 10_000, 23), (vec![], 0));
    assert_eq!(entries(&mut guest, 3, 10_000, u64::MAX), (vec![], 0));
}

fn cookie_of(all: &[(u64, u8, String)], name: &str) -> u64 {
    all.iter().find(|entry| entry.2 == name).expect(name).0
}

#[test]
fn removing_while_reading_misses_nothing() {
    let (mut guest, folder) = guest();
    for index in 0..100 {
        fs::write(folder.path().join(format!("file{index}")), "").unwrap();
    }
    let (mut cookie, mut removed) = (2, 0);
    loop {
        let (found, used) = entries(&mut guest, 3, 100, cookie);
        for (next, _, name) in found {
            let [at, length] = guest.path(name);
            guest.ok("path_unlink_file", &[3, at, length]);
            (cookie, removed) = (next, removed + 1);
        }
        if used < 100 {
            break;
        }
    }
    assert_eq!(removed, 100);
    // From the start, what is new is seen.
    fs::write(folder.path().join("late"), "").unwrap();
    let (found, _) = entries(&mut guest, 3, 1000, 0);
    assert_eq!(found.last().unwrap().2, "late");
}

/// A name that no path of the guest can name does not hide the others.
#[test]
#[cfg(target_os = "linux")]
fn names_that_are_no_text_are_listed() {
    use std::os::unix::ffi::OsStrExt;
    let (mut guest, folder) = guest();
    let name = std::ffi::OsStr::from_bytes(b"a\xff");
    fs::write(folder.path().join(name), "").unwrap();
    fs::write(folder.path().join("b"), "").unwrap();
    guest.ok("fd_readdir", &[3, 20_000, 1000, 2, 64]);
    let bytes = guest.bytes(20_000, guest.u32(64) as usize);
    assert_eq!(bytes.len(), 24 + 2 + 24 + 1);
    assert!(bytes.windows(2).any(|found| found == b"a\xff"));
    let [at, length] = guest.path(b"a\xff");
    guest.fails("path_unlink_file", &[3, at, length], Errno::IlSeq);
}

/// How many descriptors this process has open.
#[cfg(target_os = "linux")]
fn of_the_process() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Other tests open files meanwhile, so this runs alone: in a process of its own.
#[cfg(target_os = "linux")]
#[test]
fn a_guest_takes_no_more_descriptors_than_it_may() {
    const ALONE: &str = "DAMSON_TEST_ALONE";
    if std::env::var_os(ALONE).is_none() {
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "dirs::a_guest_takes_no_more_descriptors_than_it_may",
            ])
            .env(ALONE, "1")
            .status();
        assert!(status.unwrap().success());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for index in 0..30 {
        fs::create_dir_all(folder.path().join(format!("{index}/sub"))).unwrap();
    }
    let limit = 40;
    let builder = damson_wasi::WasiCtxBuilder::new().max_descriptors(limit);
    let permissions = damson_wasi::Permissions::ReadWrite;
    let mut guest = Guest::new(builder.preopened_dir(&folder, "/", permissions));
    let before = of_the_process();
    let directory = Open {
        flags: 2,
        rights: READ,
        ..Open::default()
    };
    let mut opened = Vec::new();
    let mut refused = 0;
    for index in 0..30 {
        let Ok(fd) = guest.open(&index.to_string(), directory) else {
            refused += 1;
            continue;
        };
        opened.push(fd);
        // Begun, and not read to the end.
        match guest
            .try_call("fd_readdir", &[fd, 20_000, 30, 0, 64])
            .unwrap()
        {
            0 => {}
            errno => {
                assert_eq!(errno, Errno::MFile.number());
                refused += 1;
            }
        }
        assert!(of_the_process() <= before + limit);
    }
    assert!(refused > 0 && opened.len() >= 12, "{opened:?}");
    // At its end a directory takes one again, so that all can be read one by one.
    for _ in 0..2 {
        for fd in &opened[..12] {
            assert_eq!(entries(&mut guest, *fd, 10_000, 0).0.len(), 3);
        }
    }
    assert_eq!(of_the_process(), before + opened.len());
}
