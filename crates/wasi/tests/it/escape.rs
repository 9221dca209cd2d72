//! Ways out of a preopened directory, and what a read-only one refuses.

use std::fs;
use std::path::Path;

use damson_wasi::{Errno, Permissions, WasiCtxBuilder};
use tempfile::TempDir;

use crate::guest::{Guest, Open, READ, WRITE};

/// A folder with a secret beside the one that the guest gets.
struct World {
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(folder.path().join("inside/sub")).unwrap();
        fs::create_dir(folder.path().join("outside")).unwrap();
        fs::write(folder.path().join("inside/file"), "mine").unwrap();
        fs::write(folder.path().join("secret"), "secret").unwrap();
        fs::write(folder.path().join("outside/secret"), "secret").unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn guest(&self, permissions: Permissions) -> Guest {
        let inside = self.path("inside");
        Guest::new(WasiCtxBuilder::new().preopened_dir(inside, "/", permissions))
    }

    /// Nothing outside has changed.
    #[track_caller]
    fn check(&self) {
        let names = |path: &Path| {
            let mut names: Vec<_> = fs::read_dir(path)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort();
            names
        };
        assert_eq!(names(self.folder.path()), ["inside", "outside", "secret"]);
        assert_eq!(names(&self.path("outside")), ["secret"]);
        for name in ["secret", "outside/secret"] {
            assert_eq!(fs::read_to_string(self.path(name)).unwrap(), "secret");
            assert_eq!(links(&self.path(name)), 1);
        }
    }
}

#[cfg(unix)]
fn links(path: &Path) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(&fs::metadata(path).unwrap())
}

#[cfg(not(unix))]
fn links(_path: &Path) -> u64 {
    1
}

/// Every function that takes a path refuses this one.
#[track_caller]
fn refused_everywhere(guest: &mut Guest, path: &str, errno: Errno) {
    let [at, length] = guest.path(path);
    let [file, file_length] = guest.other_path("file");
    for lookup in [0, 1] {
        for flags in [0, 1, 2, 1 | 4, 8] {
            for rights in [0, READ, WRITE, READ | WRITE] {
                let open = Open {
                    lookup,
                    flags,
                    rights,
                    ..Open::default()
                };
                assert_eq!(guest.open(path, open), Err(errno.number()), "{path}");
            }
        }
        guest.fails("path_filestat_get", &[3, lookup, at, length, 100], errno);
        let args = [3, lookup, at, length, 0, 0, 0xa];
        guest.fails("path_filestat_set_times", &args, errno);
    }
    for (name, args) in [
        ("path_create_directory", &[3, at, length][..]),
        ("path_remove_directory", &[3, at, length]),
        ("path_unlink_file", &[3, at, length]),
        ("path_readlink", &[3, at, length, 200, 100, 64]),
        ("path_rename", &[3, at, length, 3, file, file_length]),
        ("path_rename", &[3, file, file_length, 3, at, length]),
        ("path_link", &[3, 0, at, length, 3, file, file_length]),
        ("path_link", &[3, 0, file, file_length, 3, at, length]),
        ("path_symlink", &[file, file_length, 3, at, length]),
    ] {
        let found = guest.try_call(name, args).expect("no trap");
        assert_eq!(found, errno.number(), "{name} of {path}");
    }
}

#[test]
fn paths_do_not_lead_outside() {
    let world = World::new();
    let mut guest = world.guest(Permissions::ReadWrite);
    let absolute = world.path("secret").to_str().unwrap().to_owned();
    for path in [
        "../secret",
        "../outside/secret",
        "sub/../../secret",
        "./../secret",
        "sub/../../inside/file",
        "../inside/file",
        "/secret",
        "//secret",
        "/etc/passwd",
        &absolute,
    ] {
        refused_everywhere(&mut guest, path, Errno::Perm);
    }
    world.check();
}

#[test]
fn the_parent_of_an_opened_directory_is_its_own() {
    let world = World::new();
    let mut guest = world.guest(Permissions::ReadWrite);
    let sub = guest.opened(
        "sub",
        Open {
            rights: READ,
            ..Open::default()
        },
    );
    // Even what the guest could reach by another descriptor.
    for path in ["../file", "..", "../sub", "../../secret"] {
        let open = Open {
            dir: sub,
            rights: READ,
            ..Open::default()
        };
        assert_eq!(guest.open(path, open), Err(Errno::Perm.number()), "{path}");
    }
}

#[test]
#[cfg(unix)]
fn symbolic_links_of_the_host_do_not_lead_outside() {
    use std::os::unix::fs::symlink;
    let world = World::new();
    symlink("../outside", world.path("inside/up")).unwrap();
    symlink(world.path("outside"), world.path("inside/absolute")).unwrap();
    symlink("up", world.path("inside/twice")).unwrap();
    symlink("../../outside", world.path("inside/sub/deep")).unwrap();
    let mut guest = world.guest(Permissions::ReadWrite);
    for path in [
        "up/secret",
        "absolute/secret",
        "twice/secret",
        "sub/deep/secret",
    ] {
        refused_everywhere(&mut guest, path, Errno::Perm);
    }
    // The link itself can be seen and removed, but not followed.
    let [at, length] = guest.path("up");
    guest.ok("path_filestat_get", &[3, 0, at, length, 100]);
    guest.fails("path_filestat_get", &[3, 1, at, length, 100], Errno::Perm);
    let [at, length] = guest.path("absolute");
    guest.fails("path_readlink", &[3, at, length, 200, 100, 64], Errno::Perm);
    guest.ok("path_unlink_file", &[3, at, length]);
    world.check();
}

#[test]
fn symbolic_links_of_the_guest_do_not_lead_outside() {
    let world = World::new();
    let mut guest = world.guest(Permissions::ReadWrite);
    let mut symlink = |contents: &str, path: &str| {
        let ([to, to_length], [at, length]) = (guest.path(contents), guest.other_path(path));
        let args = [to, to_length, 3, at, length];
        guest.try_call("path_symlink", &args).expect("no trap")
    };
    assert_eq!(symlink("/etc", "root"), Errno::Perm.number());
    assert_eq!(symlink("..", "up"), 0);
    assert_eq!(symlink("../outside", "out"), 0);
    assert_eq!(symlink("sub/../../secret", "file2"), 0);
    for path in ["up/secret", "out/secret", "up/inside/file"] {
        refused_everywhere(&mut guest, path, Errno::Perm);
    }
    for flags in [0, 1, 8] {
        let open = Open {
            flags,
            ..Open::default()
        };
        assert_eq!(guest.open("file2", open), Err(Errno::Perm.number()));
    }
    world.check();
}

/// A link that is harmless where it was made, and is then moved up.
#[test]
fn renaming_a_link_does_not_open_a_way() {
    let world = World::new();
    let mut guest = world.guest(Permissions::ReadWrite);
    let ([to, to_length], [at, length]) = (guest.path("../file"), guest.other_path("sub/link"));
    guest.ok("path_symlink", &[to, to_length, 3, at, length]);
    assert!(guest.open("sub/link", Open::default()).is_ok());
    let [moved, moved_length] = guest.path("link");
    guest.ok("path_rename", &[3, at, length, 3, moved, moved_length]);
    assert_eq!(
        guest.open("link", Open::default()),
        Err(Errno::Perm.number())
    );
    // Nor does a directory that moves up while it is open.
    let [at, length] = guest.path("sub/deep");
    guest.ok("path_create_directory", &[3, at, length]);
    let deep = guest.opened(
        "sub/deep",
        Open {
            rights: READ,
            ..Open::default()
        },
    );
    let [moved, moved_length] = guest.other_path("deep");
    let [at, length] = guest.path("sub/deep");
    guest.ok("path_rename", &[3, at, length, 3, moved, moved_length]);
    for path in ["..", "../file", "../../secret"] {
        let open = Open {
            dir: deep,
            rights: READ,
            ..Open::default()
        };
        assert_eq!(guest.open(path, open), Err(Errno::Perm.number()), "{path}");
    }
    world.check();
}

#[test]
fn paths_that_are_no_text_or_too_long_are_refused() {
    let world = World::new();
    let mut guest = world.guest(Permissions::ReadWrite);
    let long_name = "x".repeat(256);
    let deep = "sub/../".repeat(580) + "file";
    let too_long = "sub/../".repeat(585) + "file";
    assert!(deep.len() < 4096 && too_long.len() >= 4096);
    refused_everywhere(&mut guest, "a\0b", Errno::Inval);
    refused_everywhere(&mut guest, &long_name, Errno::NameTooLong);
    refused_everywhere(&mut guest, &too_long, Errno::NameTooLong);
    assert!(guest.open(&deep, Open::default()).is_ok());
    let [at, length] = guest.path(b"\xff");
    guest.fails("path_create_directory", &[3, at, length], Errno::IlSeq);
    // Most of the memory as a path.
    guest.fails("path_unlink_file", &[3, 0, 60_000], Errno::NameTooLong);
    let [at, length] = guest.path("file3");
    guest.fails(
        "path_symlink",
        &[0, 60_000, 3, at, length],
        Errno::NameTooLong,
    );
    world.check();
}

#[test]
fn a_read_only_directory_stays_as_it_is() {
    let world = World::new();
    let before = fs::metadata(world.path("inside/file"))
        .unwrap()
        .modified()
        .unwrap();
    let mut guest = world.guest(Permissions::ReadOnly);
    let sub = guest.opened(
        "sub",
        Open {
            rights: READ,
            ..Open::default()
        },
    );
    for (dir, file, new) in [(3, "file", "new"), (sub, "missing", "new")] {
        for (name, flags, rights) in [
            (file, 0, WRITE),
            (file, 0, READ | WRITE),
            (file, 8, READ),
            (file, 1, READ),
            (new, 1, READ),
            (new, 1 | 4, WRITE),
        ] {
            let open = Open {
                dir,
                flags,
                rights,
                ..Open::default()
            };
            assert_eq!(guest.open(name, open), Err(Errno::Perm.number()), "{name}");
        }
        let ([at, length], [new, new_length]) = (guest.path(file), guest.other_path(new));
        for (name, args) in [
            ("path_create_directory", &[dir, new, new_length][..]),
            ("path_remove_directory", &[dir, at, length]),
            ("path_unlink_file", &[dir, at, length]),
            ("path_rename", &[dir, at, length, dir, new, new_length]),
            ("path_link", &[dir, 0, at, length, dir, new, new_length]),
            ("path_symlink", &[at, length, dir, new, new_length]),
            ("path_filestat_set_times", &[dir, 0, at, length, 0, 0, 5]),
            ("fd_filestat_set_times", &[dir, 0, 0, 5]),
        ] {
            guest.fails(name, args, Errno::Perm);
        }
    }
    let file = guest.opened(
        "file",
        Open {
            rights: READ,
            ..Open::default()
        },
    );
    assert_eq!(guest.read_fd(file, 9), b"mine");
    guest.fails("fd_filestat_set_size", &[file, 0], Errno::Perm);
    guest.fails("fd_filestat_set_times", &[file, 0, 0, 5], Errno::Perm);
    guest.fails("fd_allocate", &[file, 0, 9], Errno::BadF);
    guest.ok("fd_readdir", &[3, 200, 100, 0, 64]);
    assert_eq!(
        fs::read_to_string(world.path("inside/file")).unwrap(),
        "mine"
    );
    let after = fs::metadata(world.path("inside/file"))
        .unwrap()
        .modified()
        .unwrap();
    assert_eq!(before, after);
    assert_eq!(fs::read_dir(world.path("inside")).unwrap().count(), 2);
    world.check();
}

/// Files do not move between directories of different permissions.
#[test]
fn both_directories_of_a_rename_must_be_writable() {
    let world = World::new();
    let mut guest = Guest::new(
        WasiCtxBuilder::new()
            .preopened_dir(world.path("inside"), "/rw", Permissions::ReadWrite)
            .preopened_dir(world.path("outside"), "/ro", Permissions::ReadOnly),
    );
    let ([at, length], [to, to_length]) = (guest.path("secret"), guest.other_path("taken"));
    guest.fails(
        "path_rename",
        &[4, at, length, 3, to, to_length],
        Errno::Perm,
    );
    guest.fails(
        "path_link",
        &[4, 0, at, length, 3, to, to_length],
        Errno::Perm,
    );
    let ([at, length], [to, to_length]) = (guest.path("file"), guest.other_path("given"));
    guest.fails(
        "path_rename",
        &[3, at, length, 4, to, to_length],
        Errno::Perm,
    );
    guest.fails(
        "path_link",
        &[3, 0, at, length, 4, to, to_length],
        Errno::Perm,
    );
    world.check();
}
