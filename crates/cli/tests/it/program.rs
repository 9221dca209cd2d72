//! Runs the built program and looks at everything that comes out of it.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

/// What a run left behind.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    /// Asserts that all went well, and returns the output.
    #[track_caller]
    pub(crate) fn success(self) -> String {
        assert_eq!(
            (self.code, self.stderr.as_str()),
            (Some(0), ""),
            "{}",
            self.stdout
        );
        self.stdout
    }

    /// Asserts that it failed with `code` without output, and returns the
    /// complaint.
    #[track_caller]
    pub(crate) fn failure(self, code: i32) -> String {
        assert_eq!(
            (self.code, self.stdout.as_str()),
            (Some(code), ""),
            "{}",
            self.stderr
        );
        self.stderr
    }
}

/// Runs `damson` with these arguments and an empty input.
pub(crate) fn damson(args: &[&str]) -> Outcome {
    damson_with_input(args, b"")
}

/// Runs `damson` with these arguments, an empty input, and further variables.
pub(crate) fn damson_with_env(args: &[&str], env: &[(&str, &str)]) -> Outcome {
    spawn(args, b"", env)
}

/// Runs `damson` with these arguments and this input.
pub(crate) fn damson_with_input(args: &[&str], input: &[u8]) -> Outcome {
    spawn(args, input, &[])
}

/// Runs `damson` with these arguments and an input that neither comes nor ends.
pub(crate) fn damson_that_waits(args: &[&str]) -> Outcome {
    let mut child = start(args, &[]);
    let input = child.stdin.take().expect("a pipe");
    let outcome = outcome(child);
    drop(input);
    outcome
}

/// Runs `damson` with these arguments while nobody reads what it says; the exit code.
pub(crate) fn damson_unheard(args: &[&str]) -> Option<i32> {
    let mut child = start(args, &[]);
    // Far more than it may take; a test must not hang.
    for _ in 0..6000 {
        if let Some(status) = child.try_wait().expect("a child") {
            return status.code();
        }
        thread::sleep(Duration::from_millis(10));
    }
    child.kill().expect("a child");
    panic!("it does not end: {args:?}");
}

fn spawn(args: &[&str], input: &[u8], env: &[(&str, &str)]) -> Outcome {
    let mut child = start(args, env);
    // Inputs are small enough for the pipe; a program may end without reading.
    let _ = child.stdin.take().expect("a pipe").write_all(input);
    outcome(child)
}

fn start(args: &[&str], env: &[(&str, &str)]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_damson"))
        .args(args)
        // The guest must not see any of it.
        .env("DAMSON_TEST_SECRET", "1")
        .envs(env.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts")
}

fn outcome(child: Child) -> Outcome {
    let output = child.wait_with_output().expect("the program ends");
    Outcome {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// Writes a file for a test, and returns its path. Names must be unique among
/// all tests, which run at the same time.
pub(crate) fn file(name: &str, contents: impl AsRef<[u8]>) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, contents).expect("a writable folder");
    path.into_os_string().into_string().expect("UTF-8")
}

/// The imports of a WASI program and a way to print: `(call $print address
/// length)` writes to standard output.
pub(crate) fn wasi_program(body: &str) -> String {
    format!(
        r#"(module
            (import "wasi_snapshot_preview1" "fd_write"
                (func $fd_write (param i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "fd_read"
                (func $fd_read (param i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "args_sizes_get"
                (func $args_sizes_get (param i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "args_get"
                (func $args_get (param i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "environ_sizes_get"
                (func $environ_sizes_get (param i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "environ_get"
                (func $environ_get (param i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
            (memory (export "memory") 1)
            (func $print (param $address i32) (param $length i32)
                (i32.store (i32.const 0) (local.get $address))
                (i32.store (i32.const 4) (local.get $length))
                (if (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))
                    (then unreachable)))
            {body})"#
    )
}
