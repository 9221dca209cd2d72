//! Memory and threads under tools that watch every access.
//!
//! - `memcheck`: the official testsuite in valgrind, with both dispatch back-ends. It
//!   sees every load of memory that was never written, and whatever is not freed.
//! - `address`: the testsuite and the tests of executor and façade built with
//!   AddressSanitizer, which sees what memcheck cannot: accesses past an object on the
//!   stack or in a static; leaks too.
//! - `thread`: the tests that share an engine, its modules and their code between
//!   threads, built with ThreadSanitizer.
//!
//! AddressSanitizer leaves the handlers' tail calls jumps, so the tests run with the dispatch
//! that users have. ThreadSanitizer notes where a function ends, behind each call: a loop of a
//! guest would fill the native stack. So `thread` takes portable dispatch, and the small
//! instruction table, as the entries and what is around them are the same.
//!
//! Not part of `ci`: they take minutes, and tools that the project does not need
//! otherwise. What they found is in `docs/testing.md`.
//!
//! # What is known to be reported wrongly
//!
//! - wasmparser, optimised, compares bytes of an enum before it has looked which variant
//!   it is. Memcheck reports the branch. It does not with less optimisation, so this one
//!   package is built with `opt-level = 1` for it.
//! - Valgrind's processor rounds the conversion of 64-bit integers to `f32` twice. The
//!   testsuite is told so, and expects exactly the assertions to fail that notice it.
//! - ThreadSanitizer does not see all synchronisation of the standard library, which is
//!   not built with it. `xtask/suppressions/thread.txt` names the places.

use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};

use crate::invocation::Invocation;

/// Run tests under valgrind or a sanitizer
///
/// `memcheck` needs valgrind (on Debian: apt install valgrind); the others need a
/// nightly toolchain (rustup toolchain install nightly) on Linux.
#[derive(Args)]
pub(crate) struct SanitizeArgs {
    /// What watches
    tool: Tool,
    /// Only tests whose name contains this
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Tool {
    /// Valgrind's memcheck over the testsuite, with both dispatch back-ends
    Memcheck,
    /// AddressSanitizer over testsuite (with leaks), executor and façade
    Address,
    /// ThreadSanitizer over what is shared between threads
    Thread,
}

/// How valgrind is called. An error ends in a code that no test runner has.
const VALGRIND: &str = "valgrind --error-exitcode=99 --leak-check=full \
     --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect";

/// What ThreadSanitizer may not report, with the reasons. Tests run in the folder of
/// their package.
const SUPPRESSIONS: &str = "../../xtask/suppressions/thread.txt";

/// Runs the task.
///
/// # Errors
///
/// When the tool is missing, or it or a test finds something.
pub(crate) fn run(args: &SanitizeArgs) -> anyhow::Result<()> {
    let host = match args.tool {
        Tool::Memcheck => {
            answer("valgrind", &["--version"])
                .context("memcheck needs valgrind; on Debian: apt install valgrind")?;
            String::new()
        }
        Tool::Address | Tool::Thread => {
            let version = answer("rustc", &["+nightly", "-vV"])
                .context("sanitizers need a nightly toolchain: rustup toolchain install nightly")?;
            host(&version).context("rustc did not name its host")?
        }
    };
    for invocation in invocations(args.tool, &host) {
        let invocation = match &args.only {
            Some(name) => invocation.arg(name.as_str()),
            None => invocation,
        };
        println!("{invocation}");
        invocation.run()?;
    }
    Ok(())
}

/// What a tool runs, one after the other.
fn invocations(tool: Tool, host: &str) -> Vec<Invocation> {
    match tool {
        Tool::Memcheck => ["", "--features damson/portable-dispatch"]
            .map(|features| {
                let runner: Vec<String> = VALGRIND
                    .split_whitespace()
                    .map(|word| format!("{word:?}"))
                    .collect();
                Invocation::cargo("test -p damson-wast --locked --release --test spec")
                    .args(features)
                    .arg("--config")
                    .arg(format!("target.'cfg(unix)'.runner=[{}]", runner.join(",")))
                    .args("--config profile.release.package.wasmparser.opt-level=1")
                    // In one thread: valgrind runs one at a time anyway.
                    .args("-- --test-threads=1")
                    .env("DAMSON_SPEC_ROUNDS_TWICE", "1")
            })
            .into(),
        // What the system does not give must be an error here, too. Tests of the façade forget
        // futures and buffers on purpose: that nothing leaks otherwise, its test `leaks` counts.
        Tool::Address => [("spec", 1), ("it", 0)]
            .map(|(test, leaks)| {
                let packages = "-p damson-wast -p damson-executor -p damson";
                sanitized("address", host, packages)
                    .args(&format!(
                        "--test {test} -- --skip compile_fail --skip bad_input"
                    ))
                    .env(
                        "ASAN_OPTIONS",
                        format!("allocator_may_return_null=1:detect_leaks={leaks}"),
                    )
            })
            .into(),
        Tool::Thread => vec![
            sanitized(
                "thread",
                host,
                "-p damson --features portable-dispatch,compact",
            )
            .args("--test it -- threads")
            .env("TSAN_OPTIONS", format!("suppressions={SUPPRESSIONS}")),
        ],
    }
}

/// Tests built with a sanitizer of the nightly compiler. The standard library is not: it
/// comes as it is, which only matters to ThreadSanitizer, whose name the compiler wants
/// to hear for the difference.
fn sanitized(sanitizer: &str, host: &str, packages: &str) -> Invocation {
    let mismatch = if sanitizer == "thread" {
        " -Cunsafe-allow-abi-mismatch=sanitizer"
    } else {
        ""
    };
    // The target keeps the flags away from build scripts.
    Invocation::cargo(&format!(
        "test {packages} --locked --release --target {host}"
    ))
    .env("RUSTFLAGS", format!("-Zsanitizer={sanitizer}{mismatch}"))
    .env("RUSTUP_TOOLCHAIN", "nightly")
}

/// What a program prints, if it is there and content.
fn answer(program: &str, args: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .with_context(|| format!("could not start `{program}`"))?;
    ensure!(
        output.status.success(),
        "`{program} {}` failed",
        args.join(" ")
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The host's target triple in what `rustc -vV` prints.
fn host(version: &str) -> Option<String> {
    version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(|host| host.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(tool: Tool) -> Vec<String> {
        let commands = invocations(tool, "x86_64-unknown-linux-gnu");
        commands.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn memcheck_runs_both_dispatch_back_ends_in_valgrind() {
        let commands = commands(Tool::Memcheck);
        assert_eq!(commands.len(), 2);
        assert!(!commands[0].contains("portable-dispatch"));
        assert!(commands[1].contains("portable-dispatch"));
        for command in commands {
            assert!(command.contains("\"--error-exitcode=99\""), "{command}");
            assert!(!command.contains("nightly"), "{command}");
        }
    }

    #[test]
    fn sanitizers_are_nightlys_and_keep_to_the_target() {
        for (tool, name) in [(Tool::Address, "address"), (Tool::Thread, "thread")] {
            for command in commands(tool) {
                assert!(
                    command.contains(&format!("-Zsanitizer={name}")),
                    "{command}"
                );
                assert!(command.contains("RUSTUP_TOOLCHAIN=nightly"), "{command}");
                assert!(
                    command.contains("--target x86_64-unknown-linux-gnu"),
                    "{command}"
                );
            }
        }
    }

    #[test]
    fn no_guest_fills_the_native_stack_under_thread_sanitizer() {
        for command in commands(Tool::Thread) {
            assert!(command.contains("portable-dispatch"), "{command}");
        }
    }

    #[test]
    fn the_host_is_read_from_the_compilers_version() {
        let version = "rustc 1.95.0\nbinary: rustc\nhost: riscv64gc-unknown-linux-gnu\n";
        assert_eq!(
            host(version).as_deref(),
            Some("riscv64gc-unknown-linux-gnu")
        );
        assert_eq!(host("rustc 1.95.0"), None);
    }

    #[test]
    fn a_missing_tool_is_an_error_that_names_it() {
        let error = answer("no-such-program", &[]).expect_err("it does not exist");
        assert!(error.to_string().contains("no-such-program"), "{error}");
    }
}
