//! The differential run: Damson against other engines on generated modules.
//!
//! The programs that do it live in `fuzz/`, a workspace of its own, so that an
//! ordinary build does not compile other engines; see `fuzz/README.md`. This task
//! builds and runs them, twice: with tail calls beside other engines, then with the
//! portable loop, alone, on the same modules, or in a long run on the last 2,000. What
//! both observe must be the same.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use crate::invocation::{Invocation, workspace_root};

/// Compare Damson with other engines on generated modules
///
/// By default checks fresh modules for some minutes, and stores each failure,
/// minimised, in fuzz/regressions. Needs no network once the packages are there.
#[derive(Args)]
pub(crate) struct DiffArgs {
    /// How long to go on
    #[arg(long, default_value_t = 10)]
    minutes: u64,
    /// Check the same modules every time, of which at least 2,000 must be compared, and
    /// run the tests of the programs themselves
    #[arg(long, conflicts_with_all = ["minutes", "wasmtime"])]
    quick: bool,
    /// Compare with Wasmtime as well, which takes minutes to build and then is the judge
    #[arg(long)]
    wasmtime: bool,
    /// Tell which tiles were executed, and which never
    #[arg(long, conflicts_with = "quick")]
    count_tiles: bool,
}

/// Not all of them show something: how many do is counted, and must not become less.
const QUICK: &str = "--modules 2700 --seed 1";
const COMPARED: &str = "--at-least 2600";
const MANIFEST: &str = "--manifest-path fuzz/Cargo.toml";

/// Runs the task.
///
/// # Errors
///
/// When a module fails, the two back-ends differ, or a test fails.
pub(crate) fn run(args: &DiffArgs) -> anyhow::Result<()> {
    if args.quick {
        Invocation::cargo(&format!("test {MANIFEST} --release --locked --workspace")).run()?;
        let jumps = outcomes("jumps")?;
        show(&writing(&jumps, "", &format!("{QUICK} {COMPARED}")))?;
        compare_portable(QUICK, "--alone", &jumps)?;
        replay_portable()?;
        let jumps = digest(&bytecode(""))?;
        let portable = digest(&bytecode("--features portable"))?;
        anyhow::ensure!(
            jumps == portable,
            "the dispatch back-ends differ: digest {jumps} with tail calls, {portable} without"
        );
        return Ok(());
    }
    let features = match (args.wasmtime, args.count_tiles) {
        (false, false) => "",
        (true, false) => "--features wasmtime",
        (false, true) => "--features count",
        (true, true) => "--features wasmtime,count",
    };
    let arguments = format!("--minutes {} --store", args.minutes);
    let jumps = outcomes("jumps")?;
    show(&writing(&jumps, features, &arguments))?;
    if args.count_tiles {
        // That was the portable loop.
        return Ok(());
    }
    let text = read(&jumps)?;
    // With another engine, so that what is wrong with this back-end alone is stored as well.
    compare_portable(&range(&text)?, "--store", &jumps)
}

/// The program that writes its outcomes into the file.
fn writing(file: &Path, features: &str, arguments: &str) -> Invocation {
    program(features, arguments)
        .arg("--outcomes")
        .arg(format!("{}", file.display()))
}

fn show(program: &Invocation) -> anyhow::Result<()> {
    println!("{program}");
    program.run()
}

/// Runs these modules with the portable loop; the outcomes must be those of the file.
fn compare_portable(modules: &str, how: &str, jumps: &Path) -> anyhow::Result<()> {
    let portable = outcomes("portable")?;
    let arguments = format!("{modules} {how}");
    show(&writing(&portable, "--features portable", &arguments))?;
    same(&read(jumps)?, &read(&portable)?)
}

/// Runs what once failed with the portable loop; the tests run it with tail calls.
fn replay_portable() -> anyhow::Result<()> {
    let folder = workspace_root().join("fuzz/regressions");
    let mut replay = program("--features portable", "--replay");
    for entry in std::fs::read_dir(&folder).with_context(|| format!("{}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "wat") {
            replay = replay.arg(format!("{}", path.display()));
        }
    }
    show(&replay)
}

/// Where a run writes what stands for its outcomes.
fn outcomes(of: &str) -> anyhow::Result<PathBuf> {
    let folder = workspace_root().join("fuzz/artifacts");
    std::fs::create_dir_all(&folder).with_context(|| format!("{}", folder.display()))?;
    Ok(folder.join(format!("outcomes-{of}.txt")))
}

fn read(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("{}", file.display()))
}

/// The modules of a file of outcomes, as arguments.
fn range(outcomes: &str) -> anyhow::Result<String> {
    let number = |line: Option<&str>| -> anyhow::Result<u64> {
        let line = line.context("the run has outcomes")?;
        let (number, _) = line.split_once(' ').context("a number and an outcome")?;
        Ok(number.parse()?)
    };
    let first = number(outcomes.lines().next())?;
    let last = number(outcomes.lines().next_back())?;
    let count = last - first + 1;
    Ok(format!("--modules {count} --seed {first}"))
}

/// Compares two files of outcomes.
fn same(jumps: &str, portable: &str) -> anyhow::Result<()> {
    let mut lines = jumps.lines().zip(portable.lines());
    if let Some((ours, theirs)) = lines.find(|(ours, theirs)| ours != theirs) {
        anyhow::bail!(
            "the dispatch back-ends differ: module and outcome are {ours} with tail calls and \
             {theirs} without; `damson-diff --show` prints a module"
        );
    }
    let counts = [jumps, portable].map(|outcomes| outcomes.lines().count());
    anyhow::ensure!(counts[0] == counts[1], "other modules: {counts:?}");
    anyhow::ensure!(counts[0] > 0, "no outcome was compared");
    println!(
        "{} outcomes are the same with both dispatch back-ends",
        counts[0]
    );
    Ok(())
}

fn program(features: &str, arguments: &str) -> Invocation {
    Invocation::cargo(&format!(
        "run {MANIFEST} --release --locked -p damson-diff {features} -- {arguments}"
    ))
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
    fn a_digest_is_found_in_its_line() {
        assert_eq!(find("failed 7: it hangs"), None);
        assert_eq!(find("digest 0x2f"), Some("0x2f".to_owned()));
    }

    #[test]
    fn outcomes_are_compared_one_by_one() {
        let jumps = "5 0xa1\n6 0xa2\n9 0xa3\n";
        same(jumps, jumps).expect("the same");
        let error = same(jumps, "5 0xa1\n6 0xff\n9 0xa3\n").expect_err("6 differs");
        assert!(error.to_string().contains("6 0xa2"), "{error}");
        assert!(same(jumps, "5 0xa1\n6 0xa2\n").is_err());
        assert!(same("", "").is_err());
        assert_eq!(range(jumps).expect("modules"), "--modules 5 --seed 5");
        assert!(range("").is_err());
    }

    #[test]
    fn a_failing_program_gives_no_digest() {
        assert!(digest(&Invocation::cargo("no-such-subcommand")).is_err());
        assert!(digest(&Invocation::cargo("--version")).is_err());
    }
}
