//! What well-behaved guests see.

use std::io::{self, Read, Write};

use damson_wasi::{Errno, OutputPipe, SeededRandom, VirtualClock, WasiCtxBuilder};

use crate::guest::{FUNCTIONS, Guest};

const UNKNOWN: u8 = 0;

#[test]
fn both_import_modules_have_all_functions() {
    for wasi_module in ["wasi_snapshot_preview1", "wasi_unstable"] {
        let memory = "(memory (export \"memory\") 1)";
        let mut guest = Guest::with(wasi_module, memory, WasiCtxBuilder::new());
        guest.ok("sched_yield", &[]);
    }
    assert_eq!(FUNCTIONS.len(), 46);
}

#[test]
fn arguments_arrive_as_c_strings() {
    let wasi = WasiCtxBuilder::new()
        .args(["prog", "", "\u{e9}"])
        .arg(b"\xff");
    let mut guest = Guest::new(wasi);
    guest.ok("args_sizes_get", &[0, 4]);
    assert_eq!((guest.u32(0), guest.u32(4)), (4, 5 + 1 + 3 + 2));
    guest.ok("args_get", &[16, 100]);
    let pointers: Vec<u32> = (0..4).map(|index| guest.u32(16 + 4 * index)).collect();
    assert_eq!(pointers, [100, 105, 106, 109]);
    assert_eq!(guest.bytes(100, 11), b"prog\0\0\xc3\xa9\0\xff\0");
}

#[test]
fn the_environment_arrives_as_c_strings() {
    let mut guest = Guest::new(WasiCtxBuilder::new().env("A", "1").env("EMPTY", ""));
    guest.ok("environ_sizes_get", &[0, 4]);
    assert_eq!((guest.u32(0), guest.u32(4)), (2, 4 + 7));
    guest.ok("environ_get", &[16, 100]);
    assert_eq!((guest.u32(16), guest.u32(20)), (100, 104));
    assert_eq!(guest.bytes(100, 11), b"A=1\0EMPTY=\0");
}

#[test]
fn without_arguments_nothing_is_written() {
    let mut guest = Guest::new(WasiCtxBuilder::new());
    guest.ok("args_sizes_get", &[0, 4]);
    assert_eq!((guest.u32(0), guest.u32(4)), (0, 0));
    // Nothing is read or written at the two addresses.
    guest.ok("args_get", &[0xffff_ffff, 0xffff_ffff]);
}

#[test]
fn writes_gather_their_vectors() {
    let (out, err) = (OutputPipe::new(100), OutputPipe::new(100));
    let mut guest = Guest::new(
        WasiCtxBuilder::new()
            .stdout(out.clone())
            .stderr(err.clone()),
    );
    guest.write(200, b"hello, world");
    guest.write_u32s(0, &[200, 5, 0, 0, 205, 7]);
    guest.ok("fd_write", &[1, 0, 3, 64]);
    assert_eq!(guest.u32(64), 12);
    assert_eq!(out.contents(), b"hello, world");
    guest.ok("fd_write", &[2, 0, 1, 64]);
    assert_eq!((guest.u32(64), err.contents()), (5, b"hello".to_vec()));
    guest.ok("fd_write", &[1, 0, 0, 64]);
    assert_eq!(guest.u32(64), 0);
}

#[test]
fn a_full_pipe_takes_what_fits_and_then_fails() {
    let out = OutputPipe::new(7);
    let mut guest = Guest::new(WasiCtxBuilder::new().stdout(out.clone()));
    guest.write(200, b"hello, world");
    guest.write_u32s(0, &[200, 5, 205, 7]);
    guest.ok("fd_write", &[1, 0, 2, 64]);
    assert_eq!((guest.u32(64), out.contents()), (7, b"hello, ".to_vec()));
    guest.fails("fd_write", &[1, 0, 2, 64], Errno::NoSpc);
}

#[test]
fn errors_of_a_stream_become_errnos() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::WouldBlock.into())
        }
    }
    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut guest = Guest::new(WasiCtxBuilder::new().stdin(Broken).stdout(Broken));
    guest.write_u32s(0, &[200, 5]);
    guest.fails("fd_write", &[1, 0, 1, 64], Errno::Pipe);
    guest.fails("fd_read", &[0, 0, 1, 64], Errno::Again);
}

#[test]
fn bytes_are_handed_on_before_a_write_returns() {
    let out = OutputPipe::new(100);
    let buffered = io::BufWriter::new(out.clone());
    let mut guest = Guest::new(WasiCtxBuilder::new().stdout(buffered));
    guest.write_u32s(0, &[200, 5]);
    guest.ok("fd_write", &[1, 0, 1, 64]);
    assert_eq!(out.contents().len(), 5);
}

#[test]
fn bytes_written_before_an_error_count() {
    struct Once(bool);
    impl Write for Once {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if std::mem::replace(&mut self.0, true) {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut guest = Guest::new(WasiCtxBuilder::new().stdout(Once(false)));
    guest.write_u32s(0, &[200, 5, 205, 7]);
    guest.ok("fd_write", &[1, 0, 2, 64]);
    assert_eq!(guest.u32(64), 5);
    guest.fails("fd_write", &[1, 0, 2, 64], Errno::Pipe);
}

#[test]
fn reads_fill_the_first_vector_that_has_room_until_the_end() {
    let mut guest = Guest::new(WasiCtxBuilder::new().stdin(&b"abcdefg"[..]));
    guest.write_u32s(0, &[0, 0, 200, 4, 300, 4]);
    guest.ok("fd_read", &[0, 0, 3, 64]);
    assert_eq!(
        (guest.u32(64), guest.bytes(200, 5)),
        (4, b"abcd\0".to_vec())
    );
    assert_eq!(guest.bytes(300, 4), [0; 4]);
    guest.ok("fd_read", &[0, 0, 3, 64]);
    assert_eq!((guest.u32(64), guest.bytes(200, 4)), (3, b"efgd".to_vec()));
    guest.ok("fd_read", &[0, 0, 3, 64]);
    assert_eq!(guest.u32(64), 0);
}

#[test]
fn streams_have_a_direction() {
    let mut guest = Guest::new(WasiCtxBuilder::new());
    guest.write_u32s(0, &[200, 5]);
    guest.fails("fd_write", &[0, 0, 1, 64], Errno::BadF);
    guest.fails("fd_read", &[1, 0, 1, 64], Errno::BadF);
    guest.fails("fd_pread", &[0, 0, 1, 0, 64], Errno::SPipe);
    guest.fails("fd_pread", &[1, 0, 1, 0, 64], Errno::BadF);
    guest.fails("fd_pwrite", &[2, 0, 1, 0, 64], Errno::SPipe);
    guest.fails("fd_pwrite", &[0, 0, 1, 0, 64], Errno::BadF);
}

#[test]
fn streams_have_no_position_and_are_no_files() {
    let mut guest = Guest::new(WasiCtxBuilder::new());
    for fd in 0..3 {
        guest.fails("fd_seek", &[fd, 0, 1, 64], Errno::SPipe);
        guest.fails("fd_seek", &[fd, 0, 3, 64], Errno::Inval);
        guest.fails("fd_tell", &[fd, 64], Errno::SPipe);
        for (name, args) in [
            ("fd_advise", &[fd, 0, 0, 0][..]),
            ("fd_allocate", &[fd, 0, 1]),
            ("fd_sync", &[fd]),
            ("fd_datasync", &[fd]),
            ("fd_fdstat_set_flags", &[fd, 1]),
            ("fd_filestat_set_size", &[fd, 0]),
            ("fd_filestat_set_times", &[fd, 0, 0, 0]),
            ("fd_readdir", &[fd, 100, 50, 0, 64]),
            ("fd_prestat_get", &[fd, 64]),
            ("path_open", &[fd, 0, 100, 4, 0, 0, 0, 0, 64]),
            ("path_unlink_file", &[fd, 100, 4]),
            ("path_rename", &[fd, 100, 4, fd, 100, 4]),
            ("path_symlink", &[100, 4, fd, 100, 4]),
        ] {
            guest.fails(name, args, Errno::BadF);
        }
        guest.fails("fd_prestat_dir_name", &[fd, 64, 8], Errno::NotDir);
        guest.fails("sock_recv", &[fd, 0, 1, 0, 64, 68], Errno::NotSock);
        guest.fails("sock_shutdown", &[fd, 3], Errno::NotSock);
    }
}

#[test]
fn the_type_of_a_stream_in_memory_is_unknown() {
    let mut guest = Guest::new(WasiCtxBuilder::new());
    guest.write(96, &[0xff; 32]);
    guest.ok("fd_fdstat_get", &[0, 96]);
    assert_eq!(guest.bytes(96, 4), [UNKNOWN, 0, 0, 0]);
    let fd_read = 1 << 1;
    let fd_write = 1 << 6;
    let seek_and_tell = 1 << 2 | 1 << 5;
    assert_eq!(
        guest.u64(104) & (fd_read | fd_write | seek_and_tell),
        fd_read
    );
    assert_eq!(guest.u64(112), 0);
    assert_eq!(guest.bytes(120, 8), [0xff; 8]);
    guest.ok("fd_fdstat_get", &[1, 96]);
    assert_eq!(
        guest.u64(104) & (fd_read | fd_write | seek_and_tell),
        fd_write
    );
}

#[test]
fn filestat_has_the_size_of_its_version() {
    for (wasi_module, size) in [("wasi_snapshot_preview1", 64), ("wasi_unstable", 56)] {
        let memory = "(memory (export \"memory\") 1)";
        let mut guest = Guest::with(wasi_module, memory, WasiCtxBuilder::new());
        guest.write(100, &[0xff; 72]);
        guest.ok("fd_filestat_get", &[1, 100]);
        assert_eq!(guest.bytes(100, size), vec![0; size]);
        assert_eq!(guest.bytes(100 + size, 8), [0xff; 8]);
    }
}

#[test]
fn rights_can_be_given_up_and_not_regained() {
    let mut guest = Guest::new(WasiCtxBuilder::new());
    guest.write_u32s(0, &[200, 5]);
    guest.ok("fd_fdstat_get", &[1, 96]);
    let all = guest.u64(104);
    let fd_write = 1 << 6;
    guest.ok("fd_write", &[1, 0, 1, 64]);
    guest.ok("fd_fdstat_set_rights", &[1, all & !fd_write, 0]);
    guest.fails("fd_write", &[1, 0, 1, 64], Errno::NotCapable);
    guest.fails("fd_fdstat_set_rights", &[1, all, 0], Errno::NotCapable);
    guest.fails("fd_fdstat_set_rights", &[2, all, 1], Errno::NotCapable);
    guest.ok("fd_fdstat_set_rights", &[1, 0, 0]);
    guest.fails("fd_filestat_get", &[1, 96], Errno::NotCapable);
}

#[test]
fn closed_descriptors_are_gone() {
    let out = OutputPipe::new(100);
    let mut guest = Guest::new(WasiCtxBuilder::new().stderr(out.clone()));
    guest.write(200, b"hello");
    guest.write_u32s(0, &[200, 5]);
    guest.ok("fd_close", &[0]);
    guest.fails("fd_close", &[0], Errno::BadF);
    guest.fails("fd_renumber", &[1, 0], Errno::BadF);
    guest.ok("fd_renumber", &[2, 1]);
    guest.ok("fd_write", &[1, 0, 1, 64]);
    assert_eq!(out.contents(), b"hello");
    guest.fails("fd_write", &[2, 0, 1, 64], Errno::BadF);
    guest.ok("fd_renumber", &[1, 1]);
    guest.ok("fd_write", &[1, 0, 1, 64]);
}

#[test]
fn clocks_show_the_time_they_are_given() {
    let mut guest = Guest::new(WasiCtxBuilder::new().clock(VirtualClock::new(1 << 60, 5)));
    guest.ok("clock_time_get", &[0, 0, 8]);
    assert_eq!(guest.u64(8), 1 << 60);
    guest.ok("clock_time_get", &[1, 0, 8]);
    assert_eq!(guest.u64(8), 5);
    guest.ok("clock_res_get", &[1, 8]);
    assert_eq!(guest.u64(8), 5);
    guest.fails("clock_time_get", &[4, 0, 8], Errno::Inval);
    guest.fails("clock_res_get", &[4, 8], Errno::Inval);
}

#[test]
fn the_default_clock_is_that_of_the_system() {
    let mut guest = Guest::new(WasiCtxBuilder::new());
    guest.ok("clock_time_get", &[0, 0, 8]);
    let year_2020 = 1_577_836_800_000_000_000;
    assert!(guest.u64(8) > year_2020);
    guest.ok("clock_res_get", &[1, 8]);
    assert_ne!(guest.u64(8), 0);
    #[cfg(unix)]
    for cpu_time in [2, 3] {
        guest.ok("clock_time_get", &[cpu_time, 0, 8]);
        assert_ne!(guest.u64(8), 0);
        guest.ok("clock_res_get", &[cpu_time, 8]);
    }
}

#[test]
fn random_bytes_come_from_the_source() {
    let mut guest = Guest::new(WasiCtxBuilder::new().random(SeededRandom::new(0)));
    guest.ok("random_get", &[100, 11]);
    assert_eq!(guest.u64(100), 0xe220_a839_7b1d_cdaf);
    assert_ne!(guest.bytes(108, 3), [0; 3]);
    assert_eq!(guest.bytes(111, 1), [0]);
    guest.ok("random_get", &[65536, 0]);
}

#[test]
fn proc_exit_ends_the_call_with_the_code() {
    for code in [0, 7, 255, 0xffff_ffff] {
        let mut guest = Guest::new(WasiCtxBuilder::new());
        let error = guest
            .try_call("proc_exit", &[code])
            .expect_err("the call ends");
        assert_eq!(error.i32_exit_status(), Some(code as u32 as i32));
    }
}

#[test]
fn signals_are_not_supported() {
    Guest::new(WasiCtxBuilder::new()).fails("proc_raise", &[6], Errno::NotSup);
}
