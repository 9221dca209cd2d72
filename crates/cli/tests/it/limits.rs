//! What bounds a program of `damson run`: fuel, stack, memory, time.

use crate::program::{damson, damson_that_waits, damson_unheard, file, wasi_program};

#[test]
fn fuel_bounds_a_program_that_never_ends() {
    let module = r#"(module (func (export "_start") (loop $l (br $l))))"#;
    let path = file("forever.wat", module);
    let stderr = damson(&["run", "--fuel", "10000", &path]).failure(134);
    assert!(stderr.contains("all fuel consumed"), "{stderr}");
    assert!(
        stderr.contains("note: the limit is 10000 units of fuel; `--fuel` raises it\n"),
        "{stderr}"
    );
}

#[test]
fn endless_recursion_is_a_trap() {
    let module = r#"(module (func $f (export "_start") (call $f)))"#;
    let path = file("recursion.wat", module);
    for (args, limit) in [
        (&["run", &path][..], "the default size of the stack"),
        (
            &["run", "--stack-size", "1M", &path],
            "1048576 bytes of stack",
        ),
    ] {
        let stderr = damson(args).failure(134);
        assert!(stderr.contains("call stack exhausted"), "{stderr}");
        let note = format!("note: the limit is {limit}; `--stack-size` raises it\n");
        assert!(stderr.ends_with(&note), "{stderr}");
        assert!(stderr.contains("... and further callers"), "{stderr}");
    }
}

#[test]
fn stack_size_moves_the_limit() {
    // Recursion of the given depth.
    let module = r#"(module (func $f (export "f") (param i32) (result i32)
        (if (result i32) (local.get 0)
            (then (i32.add (call $f (i32.sub (local.get 0) (i32.const 1))) (i32.const 1)))
            (else (i32.const 0)))))"#;
    let path = file("depth.wat", module);
    let run = |bytes, depth| damson(&["run", "--stack-size", bytes, "--invoke", "f", &path, depth]);
    assert_eq!(run("4096", "10").success(), "10\n");
    run("4096", "1000").failure(134);
    assert_eq!(run("50000000", "200000").success(), "200000\n");
}

#[test]
fn memory_is_limited() {
    let module = wasi_program(
        r#"(func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
        (func (export "need") (param i32)
            (if (i32.eq (memory.grow (local.get 0)) (i32.const -1)) (then unreachable)))
        (func (export "_start") (drop (memory.grow (i32.const 1))) (call $proc_exit (i32.const 7)))"#,
    );
    let path = file("memory_limit.wat", module);
    let run =
        |limit: &str, args: &[&str]| damson(&[&["run", "--max-memory", limit], args].concat());
    assert_eq!(
        run("128K", &["--invoke", "grow", &path, "1"]).success(),
        "1\n"
    );
    assert_eq!(
        run("128K", &["--invoke", "grow", &path, "2"]).success(),
        "-1\n"
    );
    let note = "note: it was refused memory: the limit is 131072 bytes and it asked for 196608 \
                in all; `--max-memory` raises it\n";
    let stderr = run("128K", &["--invoke", "need", &path, "2"]).failure(134);
    assert!(stderr.ends_with(note), "{stderr}");
    // A program may see for itself that there is no more.
    let stderr = run("64K", &[&path]).failure(7);
    assert!(
        stderr.starts_with("note: it was refused memory"),
        "{stderr}"
    );
    assert_eq!(run("1M", &[&path]).failure(7), "");
}

/// A program that cannot even begin ends as one that is refused memory later, so that nobody
/// takes its module for a bad one.
#[test]
fn what_a_program_begins_with_is_limited() {
    let memory = r#"(module (memory 2) (func (export "_start")))"#;
    let table = r#"(module (table 1000 funcref) (func (export "_start")))"#;
    for (name, module, begins, wants) in [
        (
            "memory",
            memory,
            "memory 0: cannot make a memory of 2 pages",
            131_072,
        ),
        (
            "table",
            table,
            "table 0: cannot make a table of 1000 elements",
            8000,
        ),
    ] {
        let path = file(&format!("limit_first_{name}.wat"), module);
        for command in ["run", "bench"] {
            let stderr = damson(&[command, "--max-memory", "1K", &path]).failure(134);
            let kind = name;
            let expected = format!(
                "error: {path}: {begins}: the resource limiter refused to let a {kind} grow\n\
                 note: it was refused memory: the limit is 1024 bytes and it asked for {wants} \
                 in all; `--max-memory` raises it\n"
            );
            assert_eq!(stderr, expected);
        }
        assert_eq!(
            damson(&["run", "--max-memory", "128K", &path]).success(),
            ""
        );
    }
}

/// No system has that much; the option that asks for it is named.
#[test]
fn a_stack_that_cannot_be_had_names_its_option() {
    let module = r#"(module (func $f (export "_start") (call $f)))"#;
    let path = file("stack_huge.wat", module);
    let stderr = damson(&["run", "--stack-size", "17179869183G", &path]).failure(134);
    assert!(stderr.contains(": out of system memory"), "{stderr}");
    let note = "note: the system has no memory for a stack of up to 18446744072635809792 bytes, \
                which `--stack-size` allows\n";
    assert!(stderr.ends_with(note), "{stderr}");
}

#[test]
fn time_is_limited() {
    let module = r#"(module
        (func $spin (loop $l (br $l)))
        (func $start (export "_start") (call $spin))
        (func (export "f")))"#;
    let path = file("timeout.wat", module);
    let note = "note: the time limit is 100ms; `--timeout` raises it\n";
    for mode in ["eager", "lazy"] {
        let args = [
            "run",
            "--timeout",
            "100ms",
            "--compilation-mode",
            mode,
            &path,
        ];
        let stderr = damson(&args).failure(134);
        assert!(stderr.contains("interrupt"), "{stderr}");
        // It is a trap like others, which knows where the guest was.
        for place in ["0: ", " - spin\n", "1: ", " - start\n"] {
            assert!(stderr.contains(place), "{place}: {stderr}");
        }
        assert!(stderr.ends_with(note), "{stderr}");
    }
    // A guest that is done is not waited for.
    let output = damson(&["run", "--timeout", "1000000", "--invoke", "f", &path]);
    assert_eq!(output.success(), "");
    // All runs together.
    let stderr = damson(&["bench", "--timeout", "100ms", &path]).failure(134);
    assert!(stderr.ends_with(note), "{stderr}");
}

/// Where no code runs, nothing can trap.
#[test]
fn time_is_limited_in_host_functions() {
    let poll = r#"(module
        (import "wasi_snapshot_preview1" "poll_oneoff"
            (func $poll (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (func (export "_start")
            (i64.store (i32.const 24) (i64.const 1_000_000_000_000_000))
            (drop (call $poll (i32.const 0) (i32.const 100) (i32.const 1) (i32.const 200)))))"#;
    let read = wasi_program(
        r#"(func (export "_start")
            (i32.store (i32.const 0) (i32.const 100))
            (i32.store (i32.const 4) (i32.const 1))
            (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8))))"#,
    );
    for (name, module) in [("poll_long.wat", poll), ("read_long.wat", &read)] {
        let path = file(name, module);
        let stderr = damson_that_waits(&["run", "--timeout", "100ms", &path]).failure(134);
        assert_eq!(
            stderr,
            format!(
                "error: {path}: interrupted while it waited in a host function\n\
                 note: the time limit is 100ms; `--timeout` raises it\n"
            )
        );
    }
}

/// A guest that writes more than a pipe holds waits for a reader, and so would the message.
#[test]
fn time_is_limited_when_nobody_reads_the_output() {
    for stream in [1, 2] {
        let module = wasi_program(&format!(
            r#"(func (export "_start") (loop $l
                (i32.store (i32.const 0) (i32.const 0))
                (i32.store (i32.const 4) (i32.const 65536))
                (drop (call $fd_write (i32.const {stream}) (i32.const 0) (i32.const 1) (i32.const 8)))
                (br $l)))"#
        ));
        let path = file(&format!("timeout_unheard_{stream}.wat"), module);
        assert_eq!(
            damson_unheard(&["run", "--timeout", "100ms", &path]),
            Some(134),
            "stream {stream}"
        );
    }
}

/// A guest that calls the host again and again stops in its own code.
#[test]
fn time_is_limited_between_host_functions() {
    let module = wasi_program(
        r#"(func $busy (export "_start") (loop $l
            (drop (call $args_sizes_get (i32.const 16) (i32.const 20)))
            (br $l)))"#,
    );
    let path = file("timeout_busy.wat", module);
    let stderr = damson(&["run", "--timeout", "100ms", &path]).failure(134);
    assert!(stderr.contains(" - busy\n"), "{stderr}");
}
