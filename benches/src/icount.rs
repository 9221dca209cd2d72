//! Counts of native instructions, by valgrind's callgrind.
//!
//! Unlike times they are the same in each run, on a busy machine too, so that a change
//! can be held to them: [`BASELINE`] holds what each workload takes on Damson, and more
//! than [`TOLERANCE`] above it is a failure. They are no times: a count does not know
//! what a cache miss or a wrongly predicted jump costs.
//!
//! Counted is one call of `run`, not what comes before it. The counts belong to the
//! compiler that the baseline names, and to x86-64. Handlers with the same code may be one
//! function, which then has the name of any of them.

mod profile;

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use clap::Args;

use self::profile::Profile;
use crate::engine::Guest;
use crate::engine::damson::Damson;
use crate::set::{self, Workload};

/// Where the counts are kept, in the folder of this package.
const BASELINE: &str = "icount.txt";
/// How much more than the baseline is a failure.
const TOLERANCE: f64 = 0.02;
/// How many functions of a workload the baseline holds.
const FUNCTIONS: usize = 12;

/// Count the native instructions of the set on Damson, with valgrind
#[derive(Args)]
pub(crate) struct IcountArgs {
    /// Only workloads of which the name contains this
    filter: Option<String>,
    /// Make the counts the baseline
    #[arg(long)]
    bless: bool,
}

/// Runs the command.
///
/// # Errors
///
/// When valgrind cannot be run, or a workload takes more instructions than it should.
pub(crate) fn run(args: &IcountArgs) -> anyhow::Result<()> {
    let selected = set::select(args.filter.as_deref())?;
    let compiler = compiler()?;
    let old = match fs::read_to_string(baseline_path()) {
        Ok(text) => Baseline::parse(&text).context(BASELINE)?,
        Err(_) => Baseline::default(),
    };
    if !args.bless && old.compiler != compiler {
        println!(
            "the baseline is of {}, this is {compiler}: differences may be the compiler's",
            old.compiler
        );
    }
    let mut worse = Vec::new();
    let mut new = Baseline {
        compiler,
        ..Baseline::default()
    };
    println!("{:16}{:>14}{:>14}{:>9}", "", "baseline", "now", "change");
    for workload in &selected {
        let profile = measure(workload)?;
        match old.profiles.iter().find(|p| p.name == workload.name) {
            Some(before) => {
                let change = profile.total as f64 / before.total as f64 - 1.0;
                let percent = change * 100.0;
                println!(
                    "{:16}{:14}{:14}{percent:+8.2}%",
                    workload.name, before.total, profile.total
                );
                if change.abs() > TOLERANCE {
                    print!("{}", profile.differences(before));
                }
                if change > TOLERANCE {
                    worse.push(workload.name);
                }
            }
            None => println!("{:16}{:>14}{:14}", workload.name, "none", profile.total),
        }
        new.profiles.push(profile);
    }
    if args.bless {
        for profile in old.profiles {
            let known = set::find(&profile.name).is_ok();
            if known && !new.profiles.iter().any(|p| p.name == profile.name) {
                new.profiles.push(profile);
            }
        }
        new.profiles.sort_by(|a, b| a.name.cmp(&b.name));
        fs::write(baseline_path(), new.to_string()).context(BASELINE)?;
        return Ok(());
    }
    ensure!(
        worse.is_empty(),
        "more than {} % more instructions than the baseline: {}; if that is wanted, \
         `cargo xtask icount --bless` makes it the baseline",
        TOLERANCE * 100.0,
        worse.join(", ")
    );
    for profile in &new.profiles {
        ensure!(
            old.profiles.iter().any(|p| p.name == profile.name),
            "{} has no baseline; `cargo xtask icount --bless` makes one",
            profile.name
        );
    }
    Ok(())
}

/// What runs under valgrind.
///
/// # Errors
///
/// When the workload fails.
pub(crate) fn once(name: &str) -> anyhow::Result<()> {
    let workload = set::find(name)?;
    let mut guest = workload.load(&Damson)?;
    let result = counted_run(&mut *guest, workload.counted)?;
    println!("{result:08x}");
    Ok(())
}

/// What is counted: callgrind knows it by its name.
#[inline(never)]
fn counted_run(guest: &mut dyn Guest, size: i32) -> anyhow::Result<i32> {
    guest.run(size)
}

/// Runs this program under callgrind.
fn measure(workload: &Workload) -> anyhow::Result<Profile> {
    let program = std::env::current_exe().context("the path of this program")?;
    let folder = program.with_file_name("icount");
    fs::create_dir_all(&folder).with_context(|| format!("{}", folder.display()))?;
    let file = folder.join(format!("{}.out", workload.name));
    let status = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet", "--demangle=no"])
        .args(["--compress-strings=no", "--compress-pos=no"])
        .arg("--toggle-collect=*counted_run*")
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(&program)
        .args(["once", workload.name])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .context("could not start valgrind (on Debian: apt-get install valgrind)")?;
    ensure!(
        status.success(),
        "{} under valgrind: {status}",
        workload.name
    );
    let text = fs::read_to_string(&file).with_context(|| format!("{}", file.display()))?;
    Profile::parse(workload.name, &text).with_context(|| format!("{}", file.display()))
}

fn compiler() -> anyhow::Result<String> {
    let output = Command::new("rustc").arg("--version").output();
    let output = output.context("could not start rustc")?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn baseline_path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(BASELINE)
}

/// The counts that are kept.
#[derive(Default, Debug, PartialEq, Eq)]
struct Baseline {
    compiler: String,
    profiles: Vec<Profile>,
}

impl Baseline {
    fn parse(text: &str) -> anyhow::Result<Self> {
        let mut baseline = Self::default();
        for line in text.lines() {
            if let Some(comment) = line.strip_prefix('#') {
                if let Some(compiler) = comment.trim().strip_prefix("Compiler: ") {
                    baseline.compiler = compiler.to_owned();
                }
                continue;
            }
            let mut parse = || {
                let profiles = &mut baseline.profiles;
                if let Some(function) = line.strip_prefix("  ") {
                    let (count, name) = function.trim_start().split_once(' ')?;
                    let functions = &mut profiles.last_mut()?.functions;
                    functions.push((name.to_owned(), count.parse().ok()?));
                } else {
                    let (name, total) = line.split_once(' ')?;
                    profiles.push(Profile {
                        name: name.to_owned(),
                        total: total.parse().ok()?,
                        functions: Vec::new(),
                    });
                }
                Some(())
            };
            parse().with_context(|| format!("expected a name and a count, found {line:?}"))?;
        }
        Ok(baseline)
    }
}

impl std::fmt::Display for Baseline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(
            f,
            "# Native instructions of one run of each workload on Damson, and the functions\n\
             # that take most of them. Written by `cargo xtask icount --bless`.\n\
             # Compiler: {}",
            self.compiler
        )?;
        for profile in &self.profiles {
            writeln!(f, "{} {}", profile.name, profile.total)?;
            for (name, count) in profile.functions.iter().take(FUNCTIONS) {
                writeln!(f, "  {count:10} {name}")?;
            }
        }
        Ok(())
    }
}

impl Profile {
    /// The functions of which the count has changed most, as text.
    fn differences(&self, before: &Self) -> String {
        let count = |profile: &Self, name: &str| {
            let found = profile.functions.iter().find(|(n, _)| n == name);
            found.map(|(_, count)| *count)
        };
        // The baseline knows only the most important ones: what it does not know took
        // less than the last of them.
        let unknown = before.functions.last().map_or(0, |(_, count)| *count);
        let mut changes: Vec<_> = self
            .functions
            .iter()
            .map(|(name, now)| (name, count(before, name), *now))
            .chain(before.functions.iter().filter_map(|(name, then)| {
                count(self, name)
                    .is_none()
                    .then_some((name, Some(*then), 0))
            }))
            .collect();
        let change = |then: Option<u64>, now: u64| now.abs_diff(then.unwrap_or(unknown.min(now)));
        changes.sort_by_key(|(_, then, now)| std::cmp::Reverse(change(*then, *now)));
        let mut text = String::new();
        for (name, then, now) in changes.into_iter().take(5) {
            if change(then, now) == 0 {
                continue;
            }
            let then = then.map_or("not known".to_owned(), |then| then.to_string());
            let _ = writeln!(text, "  {then:>12} -> {now:10}  {name}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(functions: &[(&str, u64)]) -> Profile {
        Profile {
            name: "fib".to_owned(),
            total: functions.iter().map(|(_, count)| count).sum(),
            functions: functions
                .iter()
                .map(|(n, c)| ((*n).to_owned(), *c))
                .collect(),
        }
    }

    #[test]
    fn a_baseline_is_read_as_it_was_written() {
        let baseline = Baseline {
            compiler: "rustc 1".to_owned(),
            profiles: vec![profile(&[("Add<u32, R>", 70), ("Call", 30)]), profile(&[])],
        };
        assert_eq!(Baseline::parse(&baseline.to_string()).unwrap(), baseline);
    }

    #[test]
    fn a_damaged_baseline_is_refused() {
        for text in ["fib", "fib many", "  12 Add", "fib 1\n  x Add"] {
            assert!(Baseline::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_differences_name_what_changed_most() {
        let before = profile(&[("Same", 50), ("More", 10), ("Gone", 9)]);
        let after = profile(&[("Same", 50), ("More", 13), ("New", 40)]);
        let text = after.differences(&before);
        let lines: Vec<_> = text.lines().map(str::trim).collect();
        assert_eq!(lines[0], "not known ->         40  New");
        assert_eq!(lines[1], "9 ->          0  Gone");
        assert_eq!(lines[2], "10 ->         13  More");
        assert_eq!(lines.len(), 3, "{text}");
    }
}
