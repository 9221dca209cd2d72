//! Help, version, and command lines that make no sense.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::program::{damson, file, wasi_program};

#[test]
fn help_shows_examples_and_exit_codes() {
    let help = damson(&["--help"]).success();
    for part in [
        "Examples:",
        "damson run",
        "damson wast",
        "damson dump",
        "Exit codes:",
        "134",
    ] {
        assert!(help.contains(part), "{part}\n{help}");
    }
    let help = damson(&["run", "--help"]).success();
    for part in [
        "Usage: damson run [OPTIONS] FILE [ARGS]...",
        "--env",
        "--invoke",
        "--fuel",
        "--stack-size",
        "--dir",
        "--timeout",
        "--max-memory",
        "--wasm",
        "--profile",
    ] {
        assert!(help.contains(part), "{part}\n{help}");
    }
    // What a profile counts.
    let words: Vec<&str> = help.split_whitespace().collect();
    let sentence = "It counts instructions and not time";
    assert!(words.join(" ").contains(sentence), "{help}");
}

#[test]
fn the_version_is_the_packages() {
    let version = damson(&["--version"]).success();
    assert_eq!(version, format!("damson {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn wrong_usage_is_explained_with_code_2() {
    for (args, complaint) in [
        (&[][..], "Usage:"),
        (&["walk"], "unrecognized subcommand 'walk'"),
        (&["run"], "required"),
        (&["run", "--walk", "x.wasm"], "unexpected argument '--walk'"),
        (
            &["run", "--fuel", "much", "x.wasm"],
            "invalid value 'much' for '--fuel <N>'",
        ),
        (
            &["run", "--fuel", "-1", "x.wasm"],
            "unexpected argument '-1'",
        ),
        (
            &["run", "--env", "", "x.wasm"],
            "expected NAME or NAME=VALUE",
        ),
        (
            &["run", "--env", "=X", "x.wasm"],
            "the name before `=` is empty",
        ),
        (
            &["run", "--stack-size", "1", "x.wasm"],
            "a stack has at least 1024 bytes",
        ),
        (&["run", "--wasm", "gc", "x.wasm"], "only mutable-global, "),
        (&["run", "--wasm", "tail-call=x", "x.wasm"], "`y` or `n`"),
        (&["run", "--dir", "::", "x.wasm"], "HOST::GUEST"),
        (&["bench", "--runs", "0", "x.wasm"], "0 is not in 1.."),
        (&["run", "--timeout", "0", "x.wasm"], "expected a time"),
        (&["run", "--max-memory", "x", "x.wasm"], "number of bytes"),
        (&["compile"], "required"),
        (&["inspect"], "required"),
        (&["completions", "sh"], "invalid value 'sh'"),
        (
            &["run", "--compilation-mode", "jit", "x.wasm"],
            "lazy-translation",
        ),
        (&["wast"], "required"),
        (&["dump"], "required"),
        (
            &["dump", "x.wasm", "y.wasm"],
            "unexpected argument 'y.wasm'",
        ),
    ] {
        let stderr = damson(args).failure(2);
        assert!(stderr.contains(complaint), "{args:?}: {stderr}");
    }
}

/// People who know other runtimes leave out the command.
#[test]
fn a_file_where_a_command_should_be_gets_a_tip() {
    let path = file("tip.wat", "(module)");
    let stderr = damson(&[&path]).failure(2);
    assert!(stderr.contains("unrecognized subcommand"), "{stderr}");
    let tip = format!("tip: to run this file: damson run {path}\n");
    assert!(stderr.contains(&tip), "{stderr}");
    let stderr = damson(&["no/such/file.wasm"]).failure(2);
    assert!(!stderr.contains("tip"), "{stderr}");
}

/// Every example of the help, in a folder that has the files it is about.
#[test]
fn examples_work() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("examples");
    let program = wasi_program("(func $main (export \"_start\"))");
    let program = wat::parse_str(program).expect("a module");
    let math = r#"(module (func (export "add") (param i32 i32) (result i32)
        (i32.add (local.get 0) (local.get 1))))"#;
    let fib = r#"(module (func (export "fib") (param i32) (result i32) (local.get 0)))"#;
    for name in ["tests", "workloads"] {
        fs::create_dir_all(folder.join(name)).expect("a writable folder");
    }
    for (name, contents) in [
        ("program.wasm", &program[..]),
        ("python.wasm", &program),
        ("untrusted.wasm", &program),
        ("workloads/json.wasm", &program),
        ("math.wat", math.as_bytes()),
        ("fib.wat", fib.as_bytes()),
        (
            "tests/a.wast",
            b"(assert_invalid (module (func i32.add)) \"type mismatch\")",
        ),
    ] {
        fs::write(folder.join(name), contents).expect("a writable folder");
    }
    let mut examples = 0;
    for command in ["", "run", "compile", "inspect", "dump", "bench", "wast"] {
        let args: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        let help = damson(&args).success();
        for line in help
            .lines()
            .filter_map(|line| line.strip_prefix("  damson "))
        {
            // What it is for stands behind.
            let line = line.split("  ").next().expect("a command");
            let line = line.replace("*.wast", "a.wast");
            let args = line.split_whitespace();
            let output = Command::new(env!("CARGO_BIN_EXE_damson"))
                .args(args)
                .current_dir(&folder)
                .output()
                .expect("the program starts");
            assert!(output.status.success(), "{line}: {output:?}");
            examples += 1;
        }
    }
    assert!(examples >= 12, "{examples} examples were found");
}
