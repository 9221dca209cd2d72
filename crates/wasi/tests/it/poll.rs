//! `poll_oneoff`: waiting for clocks, streams and files.

use damson_wasi::{Errno, Permissions, VirtualClock, WasiCtxBuilder};

use crate::guest::{Guest, Open, READ};

/// Writes a subscription in the layout of preview 1.
fn subscribe(guest: &mut Guest, index: usize, user_data: u64, tag: u8, body: &[(usize, &[u8])]) {
    let at = 1000 + 48 * index;
    guest.write(at, &[0; 48]);
    guest.write(at, &user_data.to_le_bytes());
    guest.write(at + 8, &[tag]);
    for (offset, bytes) in body {
        guest.write(at + offset, bytes);
    }
}

fn clock(guest: &mut Guest, index: usize, user_data: u64, id: u32, timeout: u64, flags: u16) {
    let body = [
        (16, &id.to_le_bytes()[..]),
        (24, &timeout.to_le_bytes()[..]),
        (40, &flags.to_le_bytes()[..]),
    ];
    subscribe(guest, index, user_data, 0, &body);
}

fn event(guest: &Guest, index: usize) -> (u64, u16, u8) {
    let bytes = guest.bytes(3000 + 32 * index, 11);
    let user_data = u64::from_le_bytes(bytes[0..8].try_into().expect("8 bytes"));
    (
        user_data,
        u16::from_le_bytes([bytes[8], bytes[9]]),
        bytes[10],
    )
}

#[test]
fn polling_clocks_waits_for_the_earliest() {
    let mut guest = Guest::new(WasiCtxBuilder::new().clock(VirtualClock::new(0, 0)));
    clock(&mut guest, 0, 10, 1, 5_000, 0);
    clock(&mut guest, 1, 11, 1, 3_000, 0);
    clock(&mut guest, 2, 12, 0, 3_000, 1);
    guest.ok("poll_oneoff", &[1000, 3000, 3, 64]);
    assert_eq!(guest.u32(64), 2);
    assert_eq!(
        (event(&guest, 0), event(&guest, 1)),
        ((11, 0, 0), (12, 0, 0))
    );
    guest.ok("clock_time_get", &[1, 0, 8]);
    assert_eq!(guest.u64(8), 3_000);
    // A moment that has passed is reported at once.
    guest.ok("poll_oneoff", &[1000 + 2 * 48, 3000, 1, 64]);
    assert_eq!(guest.u32(64), 1);
    guest.ok("clock_time_get", &[1, 0, 8]);
    assert_eq!(guest.u64(8), 3_000);
}

#[test]
fn polling_really_waits_on_the_system_clock() {
    let mut guest = Guest::new(WasiCtxBuilder::new());
    let start = std::time::Instant::now();
    clock(&mut guest, 0, 10, 1, 20_000_000, 0);
    guest.ok("poll_oneoff", &[1000, 3000, 1, 64]);
    assert!(start.elapsed().as_millis() >= 20);
}

#[test]
fn polling_finds_streams_ready_and_reports_bad_ones() {
    let mut guest = Guest::new(WasiCtxBuilder::new().clock(VirtualClock::new(0, 0)));
    subscribe(&mut guest, 0, 20, 1, &[(16, &0_u32.to_le_bytes())]);
    subscribe(&mut guest, 1, 21, 2, &[(16, &1_u32.to_le_bytes())]);
    subscribe(&mut guest, 2, 22, 2, &[(16, &9_u32.to_le_bytes())]);
    clock(&mut guest, 3, 23, 1, 1_000, 0);
    clock(&mut guest, 4, 24, 3, 1_000, 0);
    clock(&mut guest, 5, 25, 77, 1_000, 0);
    guest.ok("poll_oneoff", &[1000, 3000, 6, 64]);
    assert_eq!(guest.u32(64), 5);
    assert_eq!(event(&guest, 0), (20, 0, 1));
    assert_eq!(guest.u64(3016), 1);
    assert_eq!(event(&guest, 1), (21, 0, 2));
    assert_eq!(event(&guest, 2), (22, Errno::BadF.number(), 2));
    assert_eq!(event(&guest, 3), (24, Errno::NotSup.number(), 0));
    assert_eq!(event(&guest, 4), (25, Errno::Inval.number(), 0));
    guest.ok("clock_time_get", &[1, 0, 8]);
    assert_eq!(guest.u64(8), 0);
}

#[test]
fn polling_understands_the_older_layout() {
    let memory = "(memory (export \"memory\") 1)";
    let wasi = WasiCtxBuilder::new().clock(VirtualClock::new(0, 0));
    let mut guest = Guest::with("wasi_unstable", memory, wasi);
    for (index, timeout) in [7_000_u64, 4_000].into_iter().enumerate() {
        let at = 1000 + 56 * index;
        guest.write(at, &(30 + index as u64).to_le_bytes());
        guest.write(at + 16, &[0xff; 8]);
        guest.write(at + 24, &1_u32.to_le_bytes());
        guest.write(at + 32, &timeout.to_le_bytes());
    }
    guest.ok("poll_oneoff", &[1000, 3000, 2, 64]);
    assert_eq!((guest.u32(64), event(&guest, 0)), (1, (31, 0, 0)));
    guest.ok("clock_time_get", &[1, 0, 8]);
    assert_eq!(guest.u64(8), 4_000);
}

#[test]
fn polling_nothing_or_something_unknown_is_invalid() {
    let mut guest = Guest::new(WasiCtxBuilder::new());
    guest.fails("poll_oneoff", &[1000, 3000, 0, 64], Errno::Inval);
    subscribe(&mut guest, 0, 0, 3, &[]);
    guest.fails("poll_oneoff", &[1000, 3000, 1, 64], Errno::Inval);
}

/// The bytes and flags of an event.
fn moved(guest: &Guest, index: usize) -> (u64, u64) {
    let at = 3000 + 32 * index;
    (guest.u64(at + 16), guest.u64(at + 24) & 0xffff)
}

#[test]
fn regular_files_are_always_ready() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("file"), "12345").expect("a file");
    let mut guest =
        Guest::new(WasiCtxBuilder::new().preopened_dir(&folder, "/", Permissions::ReadWrite));
    let file = guest.opened("file", Open::default());
    let fd = (file as u32).to_le_bytes();
    guest.read_fd(file, 2);
    subscribe(&mut guest, 0, 1, 1, &[(16, &fd)]);
    subscribe(&mut guest, 1, 2, 2, &[(16, &fd)]);
    clock(&mut guest, 2, 3, 1, u64::MAX, 0);
    guest.ok("poll_oneoff", &[1000, 3000, 3, 64]);
    assert_eq!(guest.u32(64), 2);
    assert_eq!((event(&guest, 0), moved(&guest, 0)), ((1, 0, 1), (3, 0)));
    assert_eq!((event(&guest, 1), moved(&guest, 1)), ((2, 0, 2), (1, 0)));
    let reading = guest.opened(
        "file",
        Open {
            rights: READ,
            ..Open::default()
        },
    );
    let fd = (reading as u32).to_le_bytes();
    subscribe(&mut guest, 0, 1, 2, &[(16, &fd)]);
    guest.ok("poll_oneoff", &[1000, 3000, 1, 64]);
    assert_eq!(event(&guest, 0), (1, Errno::BadF.number(), 2));
}

/// A guest that has a named pipe open, and the host's end of it.
#[cfg(unix)]
fn with_pipe(wasi: WasiCtxBuilder) -> (Guest, std::fs::File, tempfile::TempDir) {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("pipe");
    let mode = Mode::RUSR | Mode::WUSR;
    mknodat(CWD, &path, FileType::Fifo, mode, 0).expect("a pipe");
    let mut options = std::fs::OpenOptions::new();
    // Both, or opening would wait for the guest.
    let host = options.read(true).write(true).open(&path).expect("a pipe");
    let mut guest = Guest::new(wasi.preopened_dir(&folder, "/", Permissions::ReadWrite));
    let pipe = guest.opened(
        "pipe",
        Open {
            rights: READ,
            ..Open::default()
        },
    );
    subscribe(&mut guest, 0, 1, 1, &[(16, &(pipe as u32).to_le_bytes())]);
    (guest, host, folder)
}

#[test]
#[cfg(unix)]
fn pipes_are_waited_for() {
    use std::io::Write;
    let (mut guest, mut host, _folder) = with_pipe(WasiCtxBuilder::new());
    let start = std::time::Instant::now();
    clock(&mut guest, 1, 2, 1, 20_000_000, 0);
    guest.ok("poll_oneoff", &[1000, 3000, 2, 64]);
    assert_eq!((guest.u32(64), event(&guest, 0)), (1, (2, 0, 0)));
    assert!(start.elapsed().as_millis() >= 20);

    host.write_all(b"abc").expect("room in the pipe");
    clock(&mut guest, 1, 2, 1, u64::MAX, 0);
    // The same descriptor twice is two events.
    let subscription = guest.bytes(1000, 48);
    guest.write(1000 + 2 * 48, &subscription);
    guest.ok("poll_oneoff", &[1000, 3000, 3, 64]);
    assert_eq!((guest.u32(64), event(&guest, 0)), (2, (1, 0, 1)));
    assert_eq!(moved(&guest, 0), (3, 0));
    assert_eq!((event(&guest, 1), moved(&guest, 1)), ((1, 0, 1), (3, 0)));

    // Written from elsewhere while the guest waits, without a time limit.
    guest.read_fd(4, 3);
    let writer = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(20));
        host.write_all(b"de").expect("room in the pipe");
        host
    });
    guest.ok("poll_oneoff", &[1000, 3000, 1, 64]);
    assert_eq!((event(&guest, 0), moved(&guest, 0)), ((1, 0, 1), (2, 0)));
    assert_eq!(guest.read_fd(4, 9), b"de");
    drop(writer.join().expect("the writer ends"));
    guest.ok("poll_oneoff", &[1000, 3000, 1, 64]);
    assert_eq!((event(&guest, 0), moved(&guest, 0)), ((1, 0, 1), (0, 1)));
}

/// A virtual clock runs out as soon as nothing else is there.
#[test]
#[cfg(unix)]
fn virtual_time_does_not_wait_for_pipes() {
    let wasi = WasiCtxBuilder::new().clock(VirtualClock::new(0, 0));
    let (mut guest, _host, _folder) = with_pipe(wasi);
    let year = 31_536_000_000_000_000;
    clock(&mut guest, 1, 2, 1, year, 0);
    guest.ok("poll_oneoff", &[1000, 3000, 2, 64]);
    assert_eq!((guest.u32(64), event(&guest, 0)), (1, (2, 0, 0)));
    guest.ok("clock_time_get", &[1, 0, 8]);
    assert_eq!(guest.u64(8), year);
}

#[test]
fn the_number_of_subscriptions_is_limited() {
    let memory = "(memory (export \"memory\") 16)";
    let mut guest = Guest::with("wasi_snapshot_preview1", memory, WasiCtxBuilder::new());
    // All zeros is a clock that has run out.
    guest.ok("poll_oneoff", &[100_000, 400_000, 4096, 64]);
    assert_eq!(guest.u32(64), 4096);
    let args = [100_000, 400_000, 4097, 64];
    guest.fails("poll_oneoff", &args, Errno::NoMem);
}
