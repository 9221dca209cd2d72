//! The tests tested: mistakes made on purpose, one at a time, that a test must notice.
//!
//! A copy of the workspace gets one change of [`list`], and the tests are run on it,
//! those of the changed package first, then what stands farther away: the façade, the
//! official testsuite, the comparison with another engine. The first that fails has
//! caught the mistake. A mistake that none catches is a hole in the tests, and an error.
//!
//! Left out are the golden files of the bytecode: they notice every change of what is
//! generated, right or wrong, and are blessed anew when it is meant.
//!
//! The results of the last run over all of them are in `docs/testing.md`. It is no part
//! of `ci`, because every mistake costs a build.

mod list;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use clap::Args;

use self::list::{MUTATIONS, Mutation};
use crate::invocation::workspace_root;

/// Break the code on purpose, one place at a time, and see which test notices
///
/// Works on a copy in target/mutations. Prints a row of a table for each mistake.
#[derive(Args)]
pub(crate) struct MutationsArgs {
    /// Only these mistakes (all without)
    names: Vec<String>,
    /// List the mistakes, run nothing
    #[arg(long)]
    list: bool,
    /// Minutes after which a run of tests counts as hanging, and so as caught
    #[arg(long, default_value_t = 15)]
    patience: u64,
}

/// Tests that may notice a mistake.
struct Stage {
    name: &'static str,
    /// What cargo is given, from the copy's root.
    command: String,
}

/// The stages for a mistake in a package, in order.
fn stages(package: &str) -> Vec<Stage> {
    let stage = |name, command: &str| Stage {
        name,
        command: command.to_owned(),
    };
    let mut stages = vec![stage(
        "own tests",
        &format!(
            "test -p {package} --lib --test it -- --skip golden --skip bad_input --skip compile_fail --skip ui"
        ),
    )];
    if package == "damson-core" {
        stages.push(stage(
            "models",
            "test -p damson-core --lib --config build.rustflags=[\"--cfg=loom\"] --target-dir target/loom entry",
        ));
    }
    stages.extend([
        stage(
            "façade",
            "test -p damson --lib --test it -- --skip bad_input --skip compile_fail",
        ),
        stage("testsuite", "test -p damson-wast --test it"),
        stage(
            "comparison",
            "run --manifest-path fuzz/Cargo.toml --release -p damson-diff -- --modules 2000 --seed 1",
        ),
    ]);
    stages
}

/// Runs the task.
///
/// # Errors
///
/// When a mistake does not apply, does not build, or is caught by nothing.
pub(crate) fn run(args: &MutationsArgs) -> anyhow::Result<()> {
    let chosen = choose(&args.names)?;
    if args.list {
        for mutation in chosen {
            println!("{:22} {}", mutation.name, mutation.mistake);
        }
        return Ok(());
    }
    let patience = Duration::from_secs(60 * args.patience);
    let copy = workspace_root().join("target/mutations");
    copy_workspace(&copy)?;
    let mut survivors = Vec::new();
    for mutation in chosen {
        match try_out(mutation, &copy, patience)? {
            Some(caught) => println!(
                "| {} | {} | {} | {} |",
                mutation.name, mutation.mistake, caught.stage, caught.tests
            ),
            None => {
                println!("| {} | {} | NOTHING | |", mutation.name, mutation.mistake);
                survivors.push(mutation.name);
            }
        }
    }
    ensure!(
        survivors.is_empty(),
        "no test notices: {}",
        survivors.join(", ")
    );
    Ok(())
}

fn choose(names: &[String]) -> anyhow::Result<Vec<&'static Mutation>> {
    for name in names {
        ensure!(
            MUTATIONS.iter().any(|mutation| mutation.name == name),
            "there is no mistake {name:?}; `--list` shows all"
        );
    }
    let chosen =
        |mutation: &&Mutation| names.is_empty() || names.iter().any(|name| name == mutation.name);
    Ok(MUTATIONS.iter().filter(chosen).collect())
}

/// What noticed a mistake.
struct Caught {
    stage: &'static str,
    /// The first tests that failed, or how it ended otherwise.
    tests: String,
}

fn try_out(mutation: &Mutation, copy: &Path, patience: Duration) -> anyhow::Result<Option<Caught>> {
    let path = copy.join(mutation.file);
    let original = fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
    fs::write(&path, apply(mutation, &original)?)?;
    let result = first_to_notice(mutation, copy, patience);
    fs::write(&path, original)?;
    result
}

/// The text with the mistake.
fn apply(mutation: &Mutation, text: &str) -> anyhow::Result<String> {
    let count = text.matches(mutation.find).count();
    ensure!(
        count == 1,
        "{}: expected the text once in {}, found it {count} times; the list has to follow the code",
        mutation.name,
        mutation.file
    );
    Ok(text.replacen(mutation.find, mutation.replace, 1))
}

fn first_to_notice(
    mutation: &Mutation,
    copy: &Path,
    patience: Duration,
) -> anyhow::Result<Option<Caught>> {
    let builds = Command::new("cargo")
        .args(["build", "--quiet", "-p", mutation.package()])
        .current_dir(copy)
        .env("CARGO_TARGET_DIR", copy.join("target"))
        .env("RUSTFLAGS", "-Awarnings")
        .status()?;
    ensure!(
        builds.success(),
        "{}: the mistake does not compile, so it is none",
        mutation.name
    );
    for stage in stages(mutation.package()) {
        eprintln!("{}: {}", mutation.name, stage.name);
        let log = copy.join("log");
        let mut child = start(&stage, copy, &log)?;
        let ended = wait(&mut child, patience)?;
        let output = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
        let tests = match ended {
            Some(true) => continue,
            Some(false) => what_failed(&output),
            None => "hangs".to_owned(),
        };
        if output.contains("error: could not compile") {
            bail!(
                "{}: {} does not compile:\n{output}",
                mutation.name,
                stage.name
            );
        }
        return Ok(Some(Caught {
            stage: stage.name,
            tests,
        }));
    }
    Ok(None)
}

/// Starts the tests in a process group of their own, all output going to `log`.
fn start(stage: &Stage, copy: &Path, log: &Path) -> anyhow::Result<Child> {
    let out = fs::File::create(log)?;
    let err = out.try_clone()?;
    let mut command = Command::new("cargo");
    command
        .args(stage.command.split_whitespace())
        .current_dir(copy)
        .env("CARGO_TARGET_DIR", copy.join("target"))
        .env("RUSTFLAGS", "-Awarnings")
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err);
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command
        .spawn()
        .with_context(|| format!("could not start `cargo {}`", stage.command))
}

/// Whether the tests pass; `None` if they go on for too long.
fn wait(child: &mut Child, patience: Duration) -> anyhow::Result<Option<bool>> {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status.success()));
        }
        if Instant::now() > deadline {
            // The whole group: the tests are the children of cargo.
            let group = format!("-{}", child.id());
            let killed = Command::new("kill").args(["-9", "--", &group]).status();
            if !killed.is_ok_and(|status| status.success()) {
                child.kill()?;
            }
            child.wait()?;
            return Ok(None);
        }
        sleep(Duration::from_millis(300));
    }
}

/// The names of some tests that failed, or the signal or message that ended them.
fn what_failed(output: &str) -> String {
    let failed: BTreeSet<&str> = output
        .lines()
        .filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"))
        .collect();
    if failed.is_empty() {
        let reason = |line: &&str| {
            line.contains("signal: ") || line.starts_with("failed ") || line.starts_with("error: ")
        };
        let line = output.lines().find(reason).unwrap_or("it fails");
        return line.trim().chars().take(120).collect();
    }
    let shown: Vec<_> = failed
        .iter()
        .take(3)
        .map(|name| format!("`{name}`"))
        .collect();
    let more = failed.len().saturating_sub(shown.len());
    match more {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Brings the copy up to date with the workspace; files that are the same stay as they
/// are, so that they are not built again.
fn copy_workspace(copy: &Path) -> anyhow::Result<()> {
    let root = workspace_root();
    let mut wanted = BTreeSet::new();
    for name in [
        "Cargo.toml",
        "Cargo.lock",
        ".cargo",
        "crates",
        "benches",
        "xtask",
        "fuzz",
        "workloads",
        "README.md",
    ] {
        list_files(&root, Path::new(name), &mut wanted)?;
    }
    for file in &wanted {
        let (from, to) = (root.join(file), copy.join(file));
        let new = fs::read(&from).with_context(|| format!("{}", from.display()))?;
        if fs::read(&to).ok().as_ref() != Some(&new) {
            fs::create_dir_all(to.parent().context("a file has a folder")?)?;
            fs::write(&to, new)?;
        }
    }
    // What the workspace no longer has.
    let mut found = BTreeSet::new();
    for name in ["crates", "benches", "xtask", "fuzz", "workloads"] {
        list_files(copy, Path::new(name), &mut found)?;
    }
    for file in found.difference(&wanted) {
        fs::remove_file(copy.join(file))?;
    }
    Ok(())
}

/// All files below `path`, which is relative to `root`, but for what builds leave there.
fn list_files(root: &Path, path: &Path, files: &mut BTreeSet<PathBuf>) -> anyhow::Result<()> {
    let full = root.join(path);
    if full.is_dir() {
        for entry in fs::read_dir(&full)? {
            let name = entry?.file_name();
            if !["target", "corpus", "artifacts"]
                .iter()
                .any(|left_out| name == *left_out)
            {
                list_files(root, &path.join(name), files)?;
            }
        }
    } else if full.is_file() {
        files.insert(path.to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_known() {
        let names: BTreeSet<_> = MUTATIONS.iter().map(|mutation| mutation.name).collect();
        assert_eq!(names.len(), MUTATIONS.len());
        assert_eq!(choose(&[]).expect("all").len(), MUTATIONS.len());
        assert_eq!(
            choose(&["table-bounds".to_owned()]).expect("known").len(),
            1
        );
        assert!(choose(&["no-such".to_owned()]).is_err());
    }

    #[test]
    fn a_mistake_applies_to_exactly_one_place() {
        let mutation = Mutation {
            name: "m",
            mistake: "",
            file: "f",
            find: "a",
            replace: "b",
        };
        assert_eq!(apply(&mutation, "xay").expect("once"), "xby");
        assert!(apply(&mutation, "xy").is_err());
        assert!(apply(&mutation, "aa").is_err());
    }

    #[test]
    fn failed_tests_are_named() {
        let output = "test a::b ... ok\ntest a::c ... FAILED\ntest result: FAILED. 1 passed";
        assert_eq!(what_failed(output), "`a::c`");
        assert_eq!(
            what_failed("process didn't exit: (signal: 11, SIGSEGV)").len(),
            42
        );
        assert_eq!(what_failed(""), "it fails");
    }
}
