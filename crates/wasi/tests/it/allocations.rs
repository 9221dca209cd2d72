//! No length or count of the guest makes the host allocate.
#![expect(unsafe_code, reason = "counts what the allocator hands out")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use damson_wasi::{Errno, OutputPipe, Permissions, WasiCtxBuilder};

use crate::guest::{Guest, Open, READ};

/// The system's allocator, which counts for each thread.
struct Counting;

thread_local! {
    /// Bytes that this thread has allocated and not freed.
    static LIVE: Cell<isize> = const { Cell::new(0) };
    /// The most there were.
    static MOST: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    // Threads that are ending count no more.
    let _ = LIVE.try_with(|live| {
        live.set(live.get() + bytes);
        MOST.set(MOST.get().max(live.get()));
    });
}

// SAFETY: does what the system's allocator does.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: as the caller promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize - layout.size() as isize);
        // SAFETY: as the caller promises.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// What a call may take, the engine's own part included: some times the longest path.
const LITTLE: isize = 32 * 1024;

/// How many bytes a guest's call has allocated at a time.
fn most(guest: &mut Guest, name: &str, args: &[u64], errno: u16) -> isize {
    // The first time may initialise something for ever.
    for _ in 0..2 {
        MOST.set(LIVE.get());
        let before = LIVE.get();
        let found = guest.try_call(name, args).expect("no trap");
        assert_eq!(found, errno, "{name}{args:?}");
        MOST.set(MOST.get() - before);
    }
    MOST.get()
}

#[test]
fn what_a_call_allocates_does_not_depend_on_the_guests_numbers() {
    // 16 MiB, nearly all of which the calls name.
    let pages = 256_u64;
    let all = (pages << 16) - 65_536;
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("file"), vec![1; 1 << 20]).expect("a writable folder");
    for index in 0..500 {
        std::fs::write(folder.path().join(format!("entry{index:0>100}")), "").expect("as before");
    }
    let builder = WasiCtxBuilder::new()
        .arg("program")
        .stdin(std::io::repeat(7))
        .stdout(std::io::sink())
        .stderr(OutputPipe::new(0))
        .preopened_dir(&folder, "/", Permissions::ReadWrite);
    let memory = format!("(memory (export \"memory\") {pages})");
    let mut guest = Guest::with("wasi_snapshot_preview1", &memory, builder);
    let fd = guest.opened("file", Open::default());
    let dir = guest.opened(
        ".",
        Open {
            flags: 2,
            rights: READ,
            ..Open::default()
        },
    );
    // A path of the greatest length that is looked at, at 1 MiB.
    guest.write(1 << 20, &vec![b'x'; 5000]);
    // One vector with everything, and 1024 with a part.
    guest.write_u32s(64, &[65_536, all as u32]);
    for index in 0..1024 {
        guest.write_u32s(2048 + 8 * index, &[65_536, 8192]);
    }
    let ok = 0;
    let [full, long] = [Errno::NoSpc, Errno::NameTooLong].map(Errno::number);
    for (name, args, errno) in [
        (
            "path_readlink",
            &[3, 1 << 20, 4095, 65_536, all, 0][..],
            long,
        ),
        ("path_filestat_get", &[3, 0, 1 << 20, 4095, 0], long),
        ("path_filestat_get", &[3, 0, 65_536, all, 0], long),
        ("path_symlink", &[65_536, all, 3, 1 << 20, 3], long),
        ("path_rename", &[3, 65_536, all, 3, 65_536, all], long),
        ("fd_write", &[1, 64, 1, 0], ok),
        ("fd_write", &[1, 2048, 1024, 0], ok),
        ("fd_write", &[2, 64, 1, 0], full),
        ("fd_read", &[0, 64, 1, 0], ok),
        ("fd_read", &[0, 2048, 1024, 0], ok),
        ("fd_pread", &[fd, 64, 1, 0, 0], ok),
        ("fd_pread", &[fd, 2048, 1024, 0, 0], ok),
        ("random_get", &[65_536, all], ok),
        ("fd_readdir", &[dir, 65_536, all, 0, 0], ok),
        ("fd_readdir", &[dir, 65_536, all, 400, 0], ok),
        ("fd_prestat_dir_name", &[3, 65_536, all], ok),
    ] {
        let bytes = most(&mut guest, name, args, errno);
        assert!(bytes <= LITTLE, "{name}{args:?}: {bytes} bytes");
    }
}

#[test]
fn subscriptions_of_one_call_are_bounded() {
    let builder = WasiCtxBuilder::new().stdin(std::io::empty());
    let memory = "(memory (export \"memory\") 64)";
    let mut guest = Guest::with("wasi_snapshot_preview1", memory, builder);
    // Zeros are clocks that are due at once.
    let too_many = Errno::NoMem.number();
    for (count, errno) in [(4096, 0), (4097, too_many), (20_000, too_many)] {
        let args = [0, 2 << 20, count, 4_000_000];
        let bytes = most(&mut guest, "poll_oneoff", &args, errno);
        assert!(bytes <= LITTLE, "{count}: {bytes} bytes");
        if errno == 0 {
            assert_eq!(guest.u32(4_000_000), 4096);
            // The next calls find zeros again.
            guest.write(2 << 20, &vec![0; 4096 * 32]);
        }
    }
}
