//! Help, version, and command lines that make no sense.

use crate::program::damson;

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
    ] {
        assert!(help.contains(part), "{part}\n{help}");
    }
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
        (&["run", "--env", "X", "x.wasm"], "expected NAME=VALUE"),
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
