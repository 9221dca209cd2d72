//! `damson run` on command modules.

use std::path::Path;

use crate::program::{Outcome, damson, damson_with_env, damson_with_input, file, wasi_program};

/// Prints its arguments as they lie in memory: each with a zero byte behind it.
const ECHO: &str = r#"
    (func (export "_start")
        (drop (call $args_sizes_get (i32.const 16) (i32.const 20)))
        (drop (call $args_get (i32.const 1024) (i32.const 4096)))
        (call $print (i32.const 4096) (i32.load (i32.const 20))))"#;

#[test]
fn arguments_after_the_file_reach_the_guest_untouched() {
    let echo = file("echo_args.wat", wasi_program(ECHO));
    let output = damson(&[
        "run", "--fuel", "100000", &echo, "--fuel", "x", "--", "-h", "",
    ]);
    assert_eq!(output.success(), "echo_args.wat\0--fuel\0x\0--\0-h\0\0");
    assert_eq!(
        damson(&["run", "--", &echo, "--help"]).success(),
        "echo_args.wat\0--help\0"
    );
}

#[cfg(unix)]
#[test]
fn arguments_need_not_be_text() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    let echo = file("echo_bytes.wat", wasi_program(ECHO));
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_damson"))
        .args(["run", &echo])
        .arg(OsStr::from_bytes(b"\xff\xfe=\x80"))
        .output()
        .expect("the program starts");
    assert_eq!(output.stdout, b"echo_bytes.wat\0\xff\xfe=\x80\0");
}

/// A stream that does not block takes what it has room for, and the guest tries again with
/// the rest: nothing is lost, nothing comes twice.
#[cfg(unix)]
#[test]
fn a_full_stream_that_does_not_block_takes_everything_once() {
    use std::io::Read as _;

    // 300,000 bytes with the values 0 to 255 in turns, until all are written.
    let module = r#"(module
        (import "wasi_snapshot_preview1" "fd_write"
            (func $fd_write (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 5)
        (func (export "_start") (local $n i32) (local $at i32) (local $errno i32)
            (loop $fill
                (i32.store8 (i32.add (local.get $n) (i32.const 64)) (local.get $n))
                (local.set $n (i32.add (local.get $n) (i32.const 1)))
                (br_if $fill (i32.lt_u (local.get $n) (i32.const 300000))))
            (loop $more
                (i32.store (i32.const 0) (i32.add (local.get $at) (i32.const 64)))
                (i32.store (i32.const 4) (i32.sub (i32.const 300000) (local.get $at)))
                (local.set $errno
                    (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
                (if (i32.eqz (local.get $errno))
                    (then (local.set $at (i32.add (local.get $at) (i32.load (i32.const 8)))))
                    ;; `again`
                    (else (if (i32.ne (local.get $errno) (i32.const 6)) (then unreachable))))
                (br_if $more (i32.lt_u (local.get $at) (i32.const 300000))))))"#;
    let path = file("write_all.wat", module);
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    rustix::io::ioctl_fionbio(&writer, true).expect("a pipe has that");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_damson"));
    command.args(["run", &path]).stdout(writer);
    let mut child = command.spawn().expect("the program starts");
    drop(command);
    let mut output = Vec::new();
    let mut buffer = [0; 5000];
    loop {
        match reader.read(&mut buffer).expect("a pipe") {
            0 => break,
            count => output.extend_from_slice(&buffer[..count]),
        }
        std::thread::yield_now();
    }
    assert_eq!(child.wait().expect("a child").code(), Some(0));
    let expected: Vec<u8> = (0..300_000_u32).map(|n| n as u8).collect();
    assert!(output == expected, "{} bytes", output.len());
}

/// Neither need variables and files of the host be.
#[cfg(unix)]
#[test]
fn values_of_options_need_not_be_text() {
    use std::ffi::{OsStr, OsString};
    use std::os::unix::ffi::OsStrExt as _;

    let odd = OsStr::from_bytes(b"odd_\xff");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(odd);
    std::fs::create_dir_all(&folder).expect("a writable folder");
    std::fs::write(folder.join("in.txt"), ": found\n").expect("a writable file");
    let profile = folder.join(odd).with_extension("txt");
    let read = file("read_odd.wat", READ_FILE);
    let run = |options: &[&OsStr], module: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_damson"));
        command.arg("run").args(options).arg(module);
        command.output().expect("the program starts")
    };
    let [mut dir, mut variable] = [folder.clone().into_os_string(), OsString::from("A")];
    dir.push("::/data");
    variable.push(OsStr::from_bytes(b"\xfe=\xff=\x80"));
    let output = run(&["--dir".as_ref(), &dir], &read);
    assert_eq!(output.stdout, b"/data: found\n", "{output:?}");
    // Only the guest's name for it is text.
    let output = run(&["--dir".as_ref(), folder.as_ref()], &read);
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(stderr.contains("must be UTF-8; HOST::GUEST"), "{stderr}");

    let environment = file("echo_odd_env.wat", wasi_program(ECHO_ENVIRONMENT));
    let options = [
        "--env".as_ref(),
        &*variable,
        "--profile".as_ref(),
        profile.as_ref(),
    ];
    let output = run(&options, &environment);
    assert_eq!(output.stdout, b"A\xfe=\xff=\x80\0", "{output:?}");
    assert!(profile.exists());
}

/// Prints its environment as it lies in memory.
const ECHO_ENVIRONMENT: &str = r#"
    (func (export "_start")
        (drop (call $environ_sizes_get (i32.const 16) (i32.const 20)))
        (drop (call $environ_get (i32.const 1024) (i32.const 4096)))
        (call $print (i32.const 4096) (i32.load (i32.const 20))))"#;

#[test]
fn the_guest_gets_only_the_environment_it_is_given() {
    let module = file("echo_env.wat", wasi_program(ECHO_ENVIRONMENT));
    assert_eq!(damson(&["run", &module]).success(), "");
    let output = damson(&["run", "--env", "A=1=2", "--env=B=", "--env", "B=x", &module]);
    assert_eq!(output.success(), "A=1=2\0B=x\0");
    // A name alone stands for the variable of this process.
    let args = ["run", "--env", "DAMSON_TEST_HANDED_ON", &module];
    let output = damson_with_env(&args, &[("DAMSON_TEST_HANDED_ON", "a=b")]);
    assert_eq!(output.success(), "DAMSON_TEST_HANDED_ON=a=b\0");
    let stderr = damson(&args).failure(2);
    assert!(stderr.contains("this variable is not set"), "{stderr}");
}

/// Opens `in.txt` of the first directory, and prints what is in it.
const READ_FILE: &str = r#"(module
    (import "wasi_snapshot_preview1" "path_open" (func $path_open
        (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_prestat_dir_name"
        (func $name (param i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
    (memory (export "memory") 1)
    (data (i32.const 64) "in.txt")
    (func $print (param $length i32)
        (i32.store (i32.const 0) (i32.const 1024))
        (i32.store (i32.const 4) (local.get $length))
        (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
    (func (export "_start")
        (if (call $name (i32.const 3) (i32.const 1024) (i32.const 5))
            (then (call $proc_exit (i32.const 40))))
        (call $print (i32.const 5))
        (if (call $path_open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 6)
                (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 16))
            (then (call $proc_exit (i32.const 41))))
        (i32.store (i32.const 0) (i32.const 1024))
        (i32.store (i32.const 4) (i32.const 100))
        (if (call $fd_read (i32.load (i32.const 16)) (i32.const 0) (i32.const 1) (i32.const 8))
            (then (call $proc_exit (i32.const 42))))
        (call $print (i32.load (i32.const 8)))))"#;

#[test]
fn directories_are_the_guests_under_the_names_given() {
    let path = file("read_file.wat", READ_FILE);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("read_file");
    std::fs::create_dir_all(&folder).expect("a writable folder");
    std::fs::write(folder.join("in.txt"), ": contents\n").expect("a writable file");
    let dir = format!("{}::/data", folder.display());
    let output = damson(&["run", "--dir", &dir, &path]);
    assert_eq!(output.success(), "/data: contents\n");
    // Without it there is no descriptor 3.
    assert_eq!(damson(&["run", &path]).code, Some(40));
    let missing = format!("{}/missing", folder.display());
    let stderr = damson(&["run", "--dir", &missing, &path]).failure(2);
    assert!(stderr.contains("missing"), "{stderr}");
    // And why it cannot be had.
    let reason = std::fs::metadata(&missing).unwrap_err().to_string();
    assert!(stderr.contains(&reason), "{stderr}");
}

#[test]
fn input_is_passed_on() {
    let module = wasi_program(
        r#"(func (export "_start") (local $length i32)
            (i32.store (i32.const 0) (i32.const 1024))
            (loop $more
                (i32.store (i32.const 0) (i32.const 1024))
                (i32.store (i32.const 4) (i32.const 7))
                (if (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8))
                    (then unreachable))
                (local.set $length (i32.load (i32.const 8)))
                (call $print (i32.const 1024) (local.get $length))
                (br_if $more (local.get $length))))"#,
    );
    let module = file("cat.wat", module);
    let text = b"some text that is longer than the buffer";
    assert_eq!(
        damson_with_input(&["run", &module], text)
            .success()
            .as_bytes(),
        text
    );
}

#[test]
fn the_guests_exit_code_is_ours() {
    for (code, found) in [(0, 0), (1, 1), (42, 42), (134, 134), (255, 255)] {
        let module = wasi_program(&format!(
            r#"(data (i32.const 64) "bye\n")
            (func (export "_start")
                (call $print (i32.const 64) (i32.const 4))
                (call $proc_exit (i32.const {code}))
                unreachable)"#
        ));
        let outcome = damson(&["run", &file(&format!("exit_{code}.wat"), module)]);
        let expected = Outcome {
            code: Some(found),
            stdout: "bye\n".to_owned(),
            stderr: String::new(),
        };
        assert_eq!(outcome, expected);
    }
    let module = wasi_program(r#"(func (export "_start") (call $proc_exit (i32.const 256)))"#);
    let stderr = damson(&["run", &file("exit_256.wat", module)]).failure(1);
    assert!(stderr.contains("exit code 256"), "{stderr}");
}

#[test]
fn a_trap_names_its_function_and_offset() {
    let module = r#"(module (func (export "_start") nop i32.const 1 i32.const 0 i32.div_s drop))"#;
    let path = file("trap.wat", module);
    let stderr = damson(&["run", &path]).failure(134);
    let binary = wat::parse_str(module).unwrap();
    let div = binary.iter().rposition(|byte| *byte == 0x6d).unwrap();
    let expected = format!(
        "error: {path}: integer divide by zero in function 0 at byte offset {div:#x}\n\
         wasm backtrace:\n    0: {div:#8x} - <function 0>\n"
    );
    assert_eq!(stderr, expected);
}

#[test]
fn output_before_a_trap_is_not_lost() {
    let module = wasi_program(
        r#"(data (i32.const 64) "so far")
        (func (export "_start") (call $print (i32.const 64) (i32.const 6)) unreachable)"#,
    );
    let outcome = damson(&["run", &file("print_and_trap.wat", module)]);
    assert_eq!(
        (outcome.code, outcome.stdout.as_str()),
        (Some(134), "so far")
    );
    assert!(outcome.stderr.contains("unreachable"), "{}", outcome.stderr);
}

#[test]
fn a_trap_in_the_start_function_is_a_trap() {
    let module = "(module (func $s unreachable) (start $s) (func (export \"_start\")))";
    let stderr = damson(&["run", &file("start_trap.wat", module)]).failure(134);
    assert!(stderr.contains("in function 0"), "{stderr}");
}

#[test]
fn invalid_modules_fail_before_anything_runs() {
    let valid = r#"(module (import "wasi_snapshot_preview1" "fd_write" (func))
        (func (export "_start")))"#;
    for (name, contents, complaint) in [
        ("empty.wasm", "", ""),
        ("text.wasm", "hello", ""),
        ("magic_only.wasm", "\0asm", ""),
        ("typo.wat", "(module (fun))", "typo.wat:1:10"),
        (
            "type_error.wat",
            "(module (func (export \"_start\") i32.const 0))",
            "offset",
        ),
        ("wrong_import.wat", valid, "fd_write"),
        (
            "missing_import.wat",
            r#"(module (import "env" "missing" (func)) (func (export "_start")))"#,
            "`env::missing`",
        ),
    ] {
        let path = file(name, contents);
        let stderr = damson(&["run", &path]).failure(65);
        assert!(
            stderr.starts_with(&format!("error: {path}: ")),
            "{name}: {stderr}"
        );
        assert!(stderr.contains(complaint), "{name}: {stderr}");
    }
    let stderr = damson(&["run", "no/such/file.wasm"]).failure(1);
    assert!(stderr.starts_with("error: no/such/file.wasm: "), "{stderr}");
}

#[test]
fn lazy_modes_run_the_same_programs() {
    let echo = file("echo_lazy.wat", wasi_program(ECHO));
    for mode in ["eager", "lazy-translation", "lazy"] {
        let output = damson(&["run", "--compilation-mode", mode, &echo, "x"]);
        assert_eq!(output.success(), "echo_lazy.wat\0x\0", "{mode}");
    }
    // Only the lazy mode lets an invalid function pass that is never called.
    let module = r#"(module (func (export "_start")) (func i32.add drop))"#;
    let path = file("invalid_unused.wat", module);
    assert_eq!(
        damson(&["run", "--compilation-mode", "lazy", &path]).success(),
        ""
    );
    damson(&["run", "--compilation-mode", "lazy-translation", &path]).failure(65);
    damson(&["run", &path]).failure(65);
}

#[test]
fn modules_that_are_no_programs_are_told_how_to_be_called() {
    let module = r#"(module (func (export "one")) (func (export "two")) (memory (export "m") 1))"#;
    let stderr = damson(&["run", &file("library.wat", module)]).failure(1);
    assert!(stderr.contains("exports no `_start`"), "{stderr}");
    assert!(
        stderr.contains("`--invoke` can call `one`, `two`\n"),
        "{stderr}"
    );
    let stderr = damson(&["run", &file("nothing.wat", "(module)")]).failure(1);
    assert!(stderr.contains("it exports no functions"), "{stderr}");
}

#[test]
fn binaries_run_as_text_does() {
    let path = file("echo.wasm", wat::parse_str(wasi_program(ECHO)).unwrap());
    assert_eq!(damson(&["run", &path]).success(), "echo.wasm\0");
}

#[test]
fn a_trap_shows_how_it_was_reached() {
    let module = r#"(module $guest
        (func $inner unreachable)
        (func $_ZN5plant4growEv (call $inner))
        (func $start (export "_start") (call $_ZN5plant4growEv)))"#;
    let stderr = damson(&["run", &file("backtrace.wat", module)]).failure(134);
    let frames: Vec<&str> = stderr
        .lines()
        .skip_while(|line| *line != "wasm backtrace:")
        .filter_map(|line| line.split(" - ").nth(1))
        .collect();
    let expected = ["guest!inner", "guest!plant::grow()", "guest!start"];
    assert_eq!(frames, expected, "{stderr}");
}

#[test]
fn debug_information_gives_files_and_lines() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../api/tests/it/dwarf/inline.wasm");
    let path = path.to_str().expect("UTF-8");
    let run = |argument| damson(&["run", "--invoke", "outer", path, argument]);
    assert_eq!(run("3").success(), "13\n");
    let stderr = run("1").failure(134);
    for place in [
        "/source/inline.c:7:5",
        "/source/inline.c:12:14",
        "/source/inline.c:17:16",
    ] {
        assert!(stderr.contains(&format!("at {place}")), "{stderr}");
    }
}

#[test]
fn proposals_can_be_turned_off() {
    let module = r#"(module (func $f) (func (export "_start") (return_call $f)))"#;
    let path = file("tail_call.wat", module);
    damson(&["run", "--wasm", "tail-call", "--wasm=multi-value=n", &path]).success();
    let stderr = damson(&["run", "--wasm", "tail-call=n", &path]).failure(65);
    assert!(stderr.contains("tail call"), "{stderr}");
    // The last word counts.
    damson(&[
        "run",
        "--wasm",
        "tail-call=n",
        "--wasm",
        "tail-call=y",
        &path,
    ])
    .success();
}

#[test]
fn colours_are_for_terminals_and_those_who_want_them() {
    let path = file(
        "colours.wat",
        r#"(module (func (export "_start") unreachable))"#,
    );
    let stderr = damson(&["run", &path]).failure(134);
    assert!(!stderr.contains('\u{1b}'), "{stderr}");
    let stderr = damson_with_env(&["run", &path], &[("CLICOLOR_FORCE", "1")]).failure(134);
    assert!(stderr.starts_with("\u{1b}["), "{stderr}");
}

/// Asks whether there is input, waiting a little, before each byte it reads.
const POLL_AND_READ: &str = r#"(module
    (import "wasi_snapshot_preview1" "poll_oneoff"
        (func $poll (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_read"
        (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write"
        (func $write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    ;; Standard input, and a hundred seconds that must not pass.
    (data (i32.const 1000) "\01\00\00\00\00\00\00\00\01")
    (data (i32.const 1048) "\02\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\01")
    (func (export "_start")
        (i64.store (i32.const 1072) (i64.const 100_000_000_000))
        (i32.store (i32.const 0) (i32.const 100))
        (i32.store (i32.const 4) (i32.const 1))
        (loop $more
            (if (call $poll (i32.const 1000) (i32.const 2000) (i32.const 2) (i32.const 64))
                (then unreachable))
            ;; One event, and it is the input's.
            (if (i32.ne (i32.load (i32.const 64)) (i32.const 1)) (then unreachable))
            (if (i32.ne (i32.load (i32.const 2000)) (i32.const 1)) (then unreachable))
            (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 64)))
            (if (i32.load (i32.const 64))
                (then
                    (drop (call $write
                        (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 64)))
                    (br $more))))))"#;

/// The bytes that one read would have taken into a buffer of the host count, too.
#[test]
fn the_guest_can_wait_for_standard_input() {
    let module = file("poll_and_read.wat", POLL_AND_READ);
    let outcome = damson_with_input(&["run", &module], b"some input");
    assert_eq!(outcome.success(), "some input");
}

#[test]
fn a_module_can_come_from_standard_input() {
    let text = wasi_program(ECHO);
    let binary = wat::parse_str(&text).expect("a module");
    for module in [text.as_bytes(), &binary] {
        let outcome = damson_with_input(&["run", "-", "--x"], module);
        assert_eq!(outcome.success(), "-\0--x\0");
    }
    let outcome = damson_with_input(&["inspect", "-"], &binary);
    assert!(
        outcome
            .success()
            .contains("wasi_snapshot_preview1::fd_write")
    );
    let stderr = damson(&["run", "-"]).failure(65);
    assert!(stderr.contains("nothing in it"), "{stderr}");
}

/// One line, and nothing is read that does not end.
#[test]
fn what_is_no_module_is_refused_at_its_beginning() {
    let component = b"\0asm\x0d\0\x01\0";
    let files = [
        (
            file("no_module.py", "print(1)\n"),
            "this is no WebAssembly module, neither binary",
        ),
        (
            file("no_module.elf", b"\x7fELF\x02\x01"),
            "this is no WebAssembly module, neither",
        ),
        (
            file("component.wasm", component),
            "this is a component, not a core module",
        ),
        (
            file("component.wat", "(component)"),
            "this is a component, not a core module",
        ),
    ];
    let mut paths: Vec<(&str, &str)> = files.iter().map(|(path, why)| (&**path, *why)).collect();
    if cfg!(unix) {
        paths.push(("/dev/zero", "this is no WebAssembly module, neither binary"));
    }
    for (path, complaint) in paths {
        for command in ["run", "compile", "inspect", "dump", "bench"] {
            let stderr = damson(&[command, path]).failure(65);
            let expected = format!("error: {path}: {complaint}");
            assert!(stderr.starts_with(&expected), "{command}: {stderr}");
            assert_eq!(stderr.lines().count(), 1, "{stderr}");
        }
    }
}

#[test]
fn entry_points_take_no_parameters() {
    let start = r#"(module (func (export "_start") (param i32)) (func (export "f")))"#;
    let initialize = r#"(module (func (export "_initialize") (param i32)) (func (export "f")))"#;
    let global = r#"(module (global (export "_start") i32 (i32.const 0)))"#;
    for (name, module, options, complaint) in [
        (
            "start",
            start,
            &[][..],
            "`_start` must be a function without parameters; it is a function (i32) -> ()",
        ),
        (
            "initialize",
            initialize,
            &["--invoke", "f"],
            "`_initialize` must be",
        ),
        (
            "global",
            global,
            &[],
            "`_start` must be a function without parameters; it is a global i32",
        ),
    ] {
        let path = file(&format!("entry_{name}.wat"), module);
        let stderr = damson(&[&["run"], options, &[&path]].concat()).failure(65);
        assert!(stderr.contains(complaint), "{stderr}");
    }
    // It is not called here.
    let path = file("entry_other.wat", start);
    assert_eq!(damson(&["run", "--invoke", "f", &path]).success(), "");
    assert_eq!(
        damson(&["run", "--invoke", "_start", &path, "5"]).success(),
        ""
    );
}
