//! The differential run: Damson against other engines on generated modules.
//!
//! The programs that do it live in `fuzz/`, a workspace of its own, so that an
//! ordinary build does not compile other engines; see `fuzz/README.md`. This task
//! builds and runs them, twice: with each dispatch back-end. Both runs check the
//! same modules, and what they observe must be the same.

use anyhow::Context;
use clap::Args;

use crate::invocation::Invocation;

/// Compare Damson with other engines on generated modules
///
/// By default checks fresh modules for some minutes, and stores each failure,
/// minimised, in fuzz/regressions. Needs no network once the packages are there.
#[derive(Args)]
pub(crate) struct DiffArgs {
    /// How long to go on
    #[arg(long, default_value_t = 10)]
    minutes: u64,
    /// Check the same 2,000 modules every time, with both dispatch back-ends, and
    /// run the tests of the programs themselves
    #[arg(long, conflicts_with_all = ["minutes", "wasmtime"])]
    quick: bool,
    /// Compare with Wasmtime as well, which takes minutes to build
    #[arg(long)]
    wasmtime: bool,
    /// Tell which tiles were executed, and which never
    #[arg(long, conflicts_with = "quick")]
    count_tiles: bool,
}

const QUICK: &str = "--modules 2000 --seed 1";
const MANIFEST: &str = "--manifest-path fuzz/Cargo.toml";

/// Runs the task.
///
/// # Errors
///
/// When a module fails, the two back-ends differ, or a test fails.
pub(crate) fn run(args: &DiffArgs) -> anyhow::Result<()> {
    if args.quick {
        Invocation::cargo(&format!("test {MANIFEST} --release --locked --workspace")).run()?;
        for program in [modules as fn(&str) -> Invocation, bytecode] {
            let jumps = digest(&program(""))?;
            let portable = digest(&program("--features portable"))?;
            anyhow::ensure!(
                jumps == portable,
                "the dispatch back-ends differ: digest {jumps} with tail calls, {portable} without"
            );
        }
        return Ok(());
    }
    let features = match (args.wasmtime, args.count_tiles) {
        (false, false) => "",
        (true, false) => "--features wasmtime",
        (false, true) => "--features count",
        (true, true) => "--features wasmtime,count",
    };
    let arguments = format!("--minutes {} --store", args.minutes);
    program(features, &arguments).run()
}

fn program(features: &str, arguments: &str) -> Invocation {
    Invocation::cargo(&format!(
        "run {MANIFEST} --release --locked -p damson-diff {features} -- {arguments}"
    ))
}

/// Always the same modules.
fn modules(features: &str) -> Invocation {
    program(features, QUICK)
}

/// Always the same bytecode.
fn bytecode(features: &str) -> Invocation {
    Invocation::cargo(&format!(
        "run {MANIFEST} --release --locked -p damson-targets {features} --bin damson-smoke \
         -- --digest"
    ))
}

/// Runs the program and gives the number that stands for all it observed.
fn digest(program: &Invocation) -> anyhow::Result<String> {
    println!("{program}");
    let mut digest = None;
    let status = program.run_watched(|line| digest = digest.take().or_else(|| find(line)))?;
    anyhow::ensure!(status.success(), "`{program}` failed: {status}");
    digest.with_context(|| format!("`{program}` printed no digest"))
}

/// The digest in the last line of the program.
fn find(line: &str) -> Option<String> {
    let (_, digest) = line.split_once("digest ")?;
    Some(digest.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_in_the_summary() {
        assert_eq!(find("failed 7: it hangs"), None);
        let line = "1995 modules agree, 5 fail, 0 show nothing, in 8.8 s; digest 0xc1";
        assert_eq!(find(line), Some("0xc1".to_owned()));
        assert_eq!(find("digest 0x2f"), Some("0x2f".to_owned()));
    }

    #[test]
    fn a_failing_program_gives_no_digest() {
        assert!(digest(&Invocation::cargo("no-such-subcommand")).is_err());
        assert!(digest(&Invocation::cargo("--version")).is_err());
    }
}
