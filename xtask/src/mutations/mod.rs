//! The tests tested: mistakes made on purpose, one at a time, that a test must notice.
//!
//! A copy of the workspace gets all changes of [`list`], each behind a switch that an
//! environment variable turns on, so that all of them take one build. With one switched on
//! the tests are run: those of the changed package first, then what stands farther away:
//! the façade, the official testsuite, the comparison with another engine. The first that
//! fails has caught the mistake. A mistake that none catches is a hole in the tests, and an
//! error. With none switched on all tests have to pass, which is checked, too.
//!
//! Left out are the golden files of the bytecode and the digest of the random programs: they
//! notice every change of what is generated, right or wrong, and are blessed anew when it is
//! meant.
//!
//! The results of the last run are in `docs/testing.md`.

mod list;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use clap::Args;

use self::list::{MUTATIONS, Mutation, SWITCH};
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
    /// See whether the code compiles with all of them, run nothing
    #[arg(long, conflicts_with_all = ["list", "names"])]
    check: bool,
    /// Minutes after which a run of tests counts as hanging, and so as caught
    #[arg(long, default_value_t = 15)]
    patience: u64,
    /// Ask only so many stages of each mistake, the nearest first
    #[arg(long, value_name = "NUMBER")]
    stages: Option<usize>,
}

/// Has tests see the whole instruction table, which builds without optimisation do not: it is
/// chosen with the bytecode's crate (`crates/ir/build.rs`). Everything else stays as it is there,
/// debug assertions included. Both packages at once, so that they share one build of the handlers.
const WHOLE_TABLE: &str = "test -p damson-executor -p damson --test it --config profile.dev.package.damson-ir.opt-level=1 --";

/// Tests that may notice a mistake.
struct Stage {
    name: &'static str,
    /// What cargo is given, from the copy's root.
    command: String,
}

impl Stage {
    /// What builds the tests, and does not run them.
    fn build(&self) -> String {
        let (build, _) = self
            .command
            .split_once(" -- ")
            .unwrap_or((&self.command, ""));
        match build.strip_prefix("run ") {
            Some(rest) => format!("build {rest}"),
            None => format!("{build} --no-run"),
        }
    }
}

/// The stages for a mistake in a package, in order: what takes seconds, then all tests of the
/// package, then what is farther away.
fn stages(package: &str) -> Vec<Stage> {
    let stage = |name, command: &str| Stage {
        name,
        command: command.to_owned(),
    };
    let mut stages = Vec::new();
    match package {
        "damson-translator" => stages.push(stage(
            "rules of translation",
            "test -p damson --test it -- translation traps fuel",
        )),
        "damson-executor" => {
            stages.push(stage(
                "quick own tests",
                "test -p damson-executor --lib --test it -- --skip random --skip tiles --skip torture --skip lazy",
            ));
            stages.push(stage(
                "tiles",
                "test -p damson-executor --test it -- tiles lazy",
            ));
        }
        _ => {}
    }
    stages.push(stage(
        "own tests",
        &format!(
            "test -p {package} --lib --test it -- --skip golden --skip bad_input:: --skip compile_fail:: --skip ui:: --skip both_dispatch_backends"
        ),
    ));
    if package == "damson-core" {
        stages.push(stage(
            "models",
            "test -p damson-core --lib --config build.rustflags=[\"--cfg=loom\"] --target-dir target/loom entry",
        ));
    }
    stages.push(stage(
        "façade",
        "test -p damson --lib --test it -- --skip bad_input --skip compile_fail",
    ));
    match package {
        "damson-translator" => stages.push(stage(
            "rules, whole table",
            &format!("{WHOLE_TABLE} translation traps fuel"),
        )),
        "damson-ir" => stages.push(stage(
            "own tests, whole table",
            "test -p damson-ir --release --lib --test it",
        )),
        "damson-executor" => {
            stages.push(stage(
                "tiles, whole table",
                &format!("{WHOLE_TABLE} tiles lazy translation traps"),
            ));
            // The others have the portable loop.
            stages.push(stage(
                "own tests, tail calls",
                "test -p damson-executor --release --test it -- limits traps tiles lazy",
            ));
        }
        _ => {}
    }
    stages.extend([
        stage("testsuite", "test -p damson-wast --test spec"),
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
    if args.check {
        // What others have built before can be used.
        let target = workspace_root().join("target");
        let status = Command::new("cargo")
            .args(["check", "--locked", "-p", "damson", "--target-dir"])
            .arg(&target)
            .current_dir(&copy)
            .status()
            .context("could not start cargo")?;
        ensure!(status.success(), "with the mistakes: {status}");
        return Ok(());
    }
    if args.names.is_empty() {
        // In the tests of every package that has mistakes.
        let packages: BTreeSet<_> = MUTATIONS.iter().map(Mutation::package).collect();
        let mut all: Vec<_> = packages.into_iter().flat_map(stages).collect();
        let mut asked = BTreeSet::new();
        all.retain(|stage| asked.insert(stage.command.clone()));
        if let Some(caught) = first_to_notice(all, "none", &copy, patience)? {
            bail!("without a mistake, {} fail: {}", caught.stage, caught.tests);
        }
    }
    let mut survivors = Vec::new();
    for mutation in chosen {
        let mut stages = stages(mutation.package());
        stages.truncate(args.stages.unwrap_or(usize::MAX));
        match first_to_notice(stages, mutation.name, &copy, patience)? {
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

/// What is asked in the place of [`SWITCH`], a module of the copy's core.
const SWITCHES: &str = r#"//! Which mistake is switched on.
extern crate std;

/// Whether it is this one. Not inlined: a handler's tail call stays a jump.
#[inline(never)]
pub fn is(name: &str) -> bool {
    static CHOSEN: std::sync::OnceLock<Option<std::string::String>> = std::sync::OnceLock::new();
    let chosen = CHOSEN.get_or_init(|| std::env::var("DAMSON_MISTAKE").ok());
    chosen.as_deref() == Some(name)
}
"#;

/// The texts of the files that change, with all mistakes in them.
fn mistaken(root: &Path) -> anyhow::Result<BTreeMap<PathBuf, String>> {
    let mut files = BTreeMap::new();
    let lib = fs::read_to_string(root.join("crates/core/src/lib.rs"))?;
    files.insert(
        "crates/core/src/lib.rs".into(),
        format!("{lib}\npub mod mistake;\n"),
    );
    files.insert("crates/core/src/mistake.rs".into(), SWITCHES.to_owned());
    for mutation in MUTATIONS {
        let path = PathBuf::from(mutation.file);
        let text = match files.remove(&path) {
            Some(text) => text,
            None => fs::read_to_string(root.join(&path))
                .with_context(|| format!("{}", path.display()))?,
        };
        let text = apply(mutation, &text)?;
        files.insert(path, text);
    }
    Ok(files)
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
    let core = match mutation.package() {
        "damson-core" => "crate",
        _ => "damson_core",
    };
    let switch = format!("{core}::mistake::is({:?})", mutation.name);
    let replace = mutation.replace.replace(SWITCH, &switch);
    Ok(text.replacen(mutation.find, &replace, 1))
}

fn first_to_notice(
    stages: Vec<Stage>,
    name: &str,
    copy: &Path,
    patience: Duration,
) -> anyhow::Result<Option<Caught>> {
    for stage in stages {
        eprintln!("{name}: {}", stage.name);
        let log = copy.join(format!("{name}.log"));
        // However long that takes: the patience is for tests.
        let built = start(&stage.build(), name, copy, &log)?.wait()?;
        ensure!(
            built.success(),
            "{name}: {} does not compile, see {}",
            stage.name,
            log.display()
        );
        let mut child = start(&stage.command, name, copy, &log)?;
        let ended = wait(&mut child, patience)?;
        let output = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
        let tests = match ended {
            Some(true) => continue,
            Some(false) => what_failed(&output),
            None => "hangs".to_owned(),
        };
        return Ok(Some(Caught {
            stage: stage.name,
            tests,
        }));
    }
    Ok(None)
}

/// Starts cargo in a process group of its own, all output going to `log`.
fn start(arguments: &str, name: &str, copy: &Path, log: &Path) -> anyhow::Result<Child> {
    let out = fs::File::create(log)?;
    let err = out.try_clone()?;
    let mut command = Command::new("cargo");
    command
        .args(arguments.split_whitespace())
        .current_dir(copy)
        .env("CARGO_TARGET_DIR", copy.join("target"))
        .env("RUST_BACKTRACE", "0")
        .env("DAMSON_MISTAKE", name)
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err);
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command
        .spawn()
        .with_context(|| format!("could not start `cargo {arguments}`"))
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
        let reasons = ["signal: ", "failed ", "error: "];
        let line = reasons
            .iter()
            .find_map(|reason| output.lines().find(|line| line.contains(reason)))
            .unwrap_or("it fails");
        let line = line.find("(signal: ").map_or(line, |at| &line[at..]);
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
        "examples",
        "README.md",
    ] {
        list_files(&root, Path::new(name), &mut wanted)?;
    }
    let mut mistaken = mistaken(&root)?;
    wanted.extend(mistaken.keys().cloned());
    for file in &wanted {
        let (from, to) = (root.join(file), copy.join(file));
        let new = match mistaken.remove(file) {
            Some(text) => text.into_bytes(),
            None => fs::read(&from).with_context(|| format!("{}", from.display()))?,
        };
        if fs::read(&to).ok().as_ref() != Some(&new) {
            fs::create_dir_all(to.parent().context("a file has a folder")?)?;
            fs::write(&to, new)?;
        }
    }
    // What the workspace no longer has.
    let mut found = BTreeSet::new();
    for name in [
        "crates",
        "benches",
        "xtask",
        "fuzz",
        "workloads",
        "examples",
    ] {
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
    fn every_mistake_applies_to_the_code_as_it_is() {
        let files = mistaken(&workspace_root()).expect("the list follows the code");
        let changed = MUTATIONS.iter().map(|mutation| mutation.file);
        assert_eq!(files.len(), 2 + changed.collect::<BTreeSet<_>>().len());
    }

    #[test]
    fn a_mistake_applies_to_exactly_one_place() {
        let mutation = Mutation {
            name: "m",
            mistake: "",
            file: "f",
            find: "a",
            replace: "if MISTAKE { b }",
        };
        let text = apply(&mutation, "xay").expect("once");
        assert_eq!(text, "xif damson_core::mistake::is(\"m\") { b }y");
        assert!(apply(&mutation, "xy").is_err());
        assert!(apply(&mutation, "aa").is_err());
    }

    #[test]
    fn stages_are_built_before_they_run() {
        for package in [
            "damson-core",
            "damson-executor",
            "damson-ir",
            "damson-translator",
        ] {
            for stage in stages(package) {
                let build = stage.build();
                assert!(!build.contains(" -- "), "{build}");
                let (ends, begins) = (build.ends_with("--no-run"), build.starts_with("build "));
                assert!(ends != begins, "{build}");
            }
        }
    }

    #[test]
    fn failed_tests_are_named() {
        let output = "test a::b ... ok\ntest a::c ... FAILED\ntest result: FAILED. 1 passed";
        assert_eq!(what_failed(output), "`a::c`");
        assert_eq!(
            what_failed("error: test failed\n  it did not exit: (signal: 11, SIGSEGV)"),
            "(signal: 11, SIGSEGV)"
        );
        assert_eq!(what_failed(""), "it fails");
    }
}
