//! What guests get that pass wrong addresses, lengths and numbers.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use damson_wasi::{Errno, OutputPipe, Permissions, WasiCtxBuilder};

use crate::guest::{FUNCTIONS, Guest, MEMORY_SIZE};

/// One byte too few for what is read or written there.
const END: u64 = MEMORY_SIZE as u64 - 3;

fn guest() -> Guest {
    Guest::new(
        WasiCtxBuilder::new()
            .arg("program")
            .env("A", "1")
            .stdin(&b"input"[..]),
    )
}

#[test]
fn addresses_outside_the_memory_are_faults() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut guest = Guest::new(
        WasiCtxBuilder::new()
            .arg("program")
            .env("A", "1")
            .preopened_dir(&folder, "/dir", Permissions::ReadWrite),
    );
    guest.write_u32s(0, &[200, 5]);
    guest.write(512, b".");
    for (name, args) in [
        ("args_get", &[END, 0][..]),
        ("args_get", &[0, END]),
        ("args_sizes_get", &[END, 0]),
        ("args_sizes_get", &[0, END]),
        ("environ_get", &[END, 0]),
        ("environ_get", &[0, END]),
        ("environ_sizes_get", &[0, END]),
        ("clock_res_get", &[0, END]),
        ("clock_time_get", &[0, 0, END]),
        ("fd_fdstat_get", &[1, END]),
        ("fd_filestat_get", &[1, END]),
        ("fd_read", &[0, END, 1, 64]),
        ("fd_read", &[0, 0, 1, END]),
        ("fd_write", &[1, END, 1, 64]),
        ("fd_write", &[1, 0, 1, END]),
        ("path_open", &[3, 0, END, 4, 0, 0, 0, 0, 0]),
        ("path_open", &[3, 0, 512, 1, 0, 0, 0, 0, END]),
        ("path_link", &[3, 0, END, 4, 3, 0, 4]),
        ("path_link", &[3, 0, 512, 1, 3, END, 4]),
        ("path_rename", &[3, 512, 1, 3, END, 4]),
        ("path_symlink", &[END, 4, 3, 512, 1]),
        ("path_readlink", &[3, END, 4, 0, 4, 0]),
        ("path_filestat_get", &[3, 0, 512, 1, END]),
        ("path_create_directory", &[3, END, 4]),
        ("path_remove_directory", &[3, END, 4]),
        ("path_unlink_file", &[3, END, 4]),
        ("path_filestat_set_times", &[3, 0, END, 4, 0, 0, 0]),
        ("fd_readdir", &[3, END, 4, 0, 64]),
        ("fd_readdir", &[3, 0, 4, 0, END]),
        ("fd_prestat_get", &[3, END]),
        ("fd_prestat_dir_name", &[3, END, 4]),
        ("poll_oneoff", &[END, 3000, 1, 64]),
        ("poll_oneoff", &[1000, END, 1, 64]),
        ("poll_oneoff", &[1000, 3000, 1, END]),
        ("random_get", &[END, 4]),
    ] {
        guest.fails(name, args, Errno::Fault);
    }
}

#[test]
fn lengths_that_wrap_around_are_faults() {
    let mut guest = guest();
    let huge = u64::from(u32::MAX);
    guest.fails("random_get", &[100, huge], Errno::Fault);
    guest.fails("random_get", &[huge, huge], Errno::Fault);
    guest.fails("poll_oneoff", &[1000, 3000, huge, 64], Errno::Fault);
    guest.fails("poll_oneoff", &[1000, 3000, 0x0800_0001, 64], Errno::Fault);
    guest.write_u32s(0, &[200, u32::MAX]);
    guest.fails("fd_write", &[1, 0, 1, 64], Errno::Fault);
    guest.write_u32s(0, &[u32::MAX, 2]);
    guest.fails("fd_read", &[0, 0, 1, 64], Errno::Fault);
}

/// A call uses the first 1024 vectors and reports a short count, as for every stream that
/// takes less than it is offered; a list that is not all there is refused before it is used.
#[test]
fn long_vector_lists_are_used_in_part() {
    let out = OutputPipe::new(10_000);
    let mut guest = Guest::new(
        WasiCtxBuilder::new()
            .stdout(out.clone())
            .stdin(&[b'x'; 3][..]),
    );
    let all = 2000;
    for index in 0..all {
        guest.write_u32s(1024 + 8 * index as usize, &[64, 1]);
    }
    guest.write(64, b"a");
    guest.ok("fd_write", &[1, 1024, all, 0]);
    assert_eq!((guest.u32(0), out.contents().len()), (1024, 1024));
    guest.ok("fd_read", &[0, 1024, all, 0]);
    assert_eq!(guest.u32(0), 1);
    for count in [u64::from(MEMORY_SIZE) / 8 + 1, u64::from(u32::MAX)] {
        guest.fails("fd_write", &[1, 0, count, 64], Errno::Fault);
        guest.fails("fd_read", &[0, 0, count, 64], Errno::Fault);
    }
    assert_eq!(out.contents().len(), 1024);
}

#[test]
fn a_bad_vector_stops_the_write_before_anything_is_written() {
    let out = OutputPipe::new(100);
    let mut guest = Guest::new(WasiCtxBuilder::new().stdout(out.clone()));
    guest.write_u32s(0, &[200, 5, MEMORY_SIZE, 1]);
    guest.fails("fd_write", &[1, 0, 2, 64], Errno::Fault);
    guest.fails("fd_write", &[1, 0, 1, END], Errno::Fault);
    assert_eq!(out.contents(), b"");
}

#[test]
fn a_bad_result_address_does_not_lose_input() {
    struct Witness(Arc<AtomicBool>);
    impl Read for Witness {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            self.0.store(true, Ordering::Relaxed);
            Ok(0)
        }
    }
    let read = Arc::new(AtomicBool::new(false));
    let mut guest = Guest::new(WasiCtxBuilder::new().stdin(Witness(read.clone())));
    guest.write_u32s(0, &[200, 5]);
    guest.fails("fd_read", &[0, 0, 1, END], Errno::Fault);
    assert!(!read.load(Ordering::Relaxed));
    guest.ok("fd_read", &[0, 0, 1, 64]);
    assert!(read.load(Ordering::Relaxed));
}

#[test]
fn unknown_descriptors_are_bad_for_every_function() {
    let mut guest = guest();
    for fd in [3, 4, 0x7fff_ffff, 0xffff_ffff] {
        for (name, params) in FUNCTIONS {
            if !["fd_", "path_", "sock_"]
                .iter()
                .any(|group| name.starts_with(group))
            {
                continue;
            }
            let mut args = vec![0; params.len()];
            args[if name == "path_symlink" { 2 } else { 0 }] = fd;
            guest.fails(name, &args, Errno::BadF);
        }
        guest.fails("path_rename", &[1, 0, 0, fd, 0, 0], Errno::BadF);
        guest.fails("path_link", &[1, 0, 0, 0, fd, 0, 0], Errno::BadF);
        guest.fails("fd_renumber", &[1, fd], Errno::BadF);
    }
}

#[test]
fn every_function_survives_the_largest_arguments() {
    for (name, params) in FUNCTIONS {
        if name == "proc_exit" || name == "sched_yield" {
            continue;
        }
        let mut guest = guest();
        let args: Vec<u64> = params
            .chars()
            .map(|c| {
                if c == 'i' {
                    u64::from(u32::MAX)
                } else {
                    u64::MAX
                }
            })
            .collect();
        assert_ne!(
            guest.try_call(name, &args).expect("an errno, not a trap"),
            0,
            "{name}"
        );
    }
}

#[test]
fn a_module_without_a_memory_is_told_so() {
    for memory in ["", "(global (export \"memory\") i32 (i32.const 0))"] {
        let mut guest = Guest::with("wasi_snapshot_preview1", memory, WasiCtxBuilder::new());
        let error = guest
            .try_call("fd_write", &[1, 0, 0, 0])
            .expect_err("no memory");
        let message = error.to_string();
        assert!(
            message.contains("wasi_snapshot_preview1.fd_write"),
            "{message}"
        );
        assert!(message.contains("exports no memory"), "{message}");
        guest.ok("sched_yield", &[]);
        let exit = guest
            .try_call("proc_exit", &[3])
            .expect_err("the call ends");
        assert_eq!(exit.i32_exit_status(), Some(3));
    }
}
