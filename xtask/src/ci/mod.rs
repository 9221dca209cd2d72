//! `cargo xtask ci`: everything that must hold for a commit, in order.
//!
//! A step is a name and one command line ([`steps`]). The cheap checks come
//! first, so that a slip is known in seconds; the test runs come last. The
//! first step that fails ends the run, which names the step and the command
//! that repeats it. The last line is the sum of what the test runners reported
//! ([`counts`]).
//!
//! Deliberately absent: network access, caches, anything that depends on where
//! the run takes place. A continuous-integration service calls this and
//! nothing else.

mod counts;
mod steps;

use std::time::{Duration, Instant};

use clap::Args;

use self::counts::Counts;
use self::steps::Step;

/// Run every check of the project, in order
///
/// Stops at the first step that fails and prints the command that repeats it.
/// A step belongs to the group in front of its colon: `--only no-std` runs all
/// `no-std:...` steps.
#[derive(Args)]
pub(crate) struct CiArgs {
    /// Start at this step or group
    #[arg(long, value_name = "STEP")]
    from: Option<String>,
    /// Run only this step or group (may be repeated)
    #[arg(long, value_name = "STEP")]
    only: Vec<String>,
    /// List the steps and their commands, run nothing
    #[arg(long)]
    list: bool,
    /// Run the remaining steps after one has failed
    #[arg(long)]
    keep_going: bool,
}

/// A step that was run.
struct Report {
    name: String,
    command: String,
    took: Duration,
    passed: bool,
}

/// Runs the task.
///
/// # Errors
///
/// When a step is not known, or one fails.
pub(crate) fn run(args: &CiArgs) -> anyhow::Result<()> {
    let steps = select(steps::all()?, args.from.as_deref(), &args.only)?;
    if args.list {
        let width = steps.iter().map(|step| step.name.len()).max().unwrap_or(0);
        for step in &steps {
            println!("{:width$}  {}", step.name, step.invocation);
        }
        return Ok(());
    }

    let mut counts = Counts::default();
    let mut reports = Vec::new();
    for step in &steps {
        let report = run_step(step, &mut counts)?;
        let passed = report.passed;
        reports.push(report);
        if !passed && !args.keep_going {
            break;
        }
    }
    summarise(&reports, steps.len(), counts)
}

/// Narrows the steps to what the command line asks for.
fn select(steps: Vec<Step>, from: Option<&str>, only: &[String]) -> anyhow::Result<Vec<Step>> {
    for wanted in from.into_iter().chain(only.iter().map(String::as_str)) {
        anyhow::ensure!(
            steps.iter().any(|step| step.is_called(wanted)),
            "there is no step {wanted:?}; the steps are: {}",
            steps
                .iter()
                .map(|step| step.name.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        );
    }
    Ok(steps
        .into_iter()
        .skip_while(|step| from.is_some_and(|from| !step.is_called(from)))
        .filter(|step| only.is_empty() || only.iter().any(|name| step.is_called(name)))
        .collect())
}

fn run_step(step: &Step, counts: &mut Counts) -> anyhow::Result<Report> {
    println!("\n==> {}: {}", step.name, step.invocation);
    let start = Instant::now();
    let mut here = Counts::default();
    let status = step.invocation.run_watched(|line| here.read(line))?;
    let took = start.elapsed();
    // A test that proves something must have run: a filter that matches no
    // test (a renamed one) would otherwise pass for ever.
    let empty = step.needs_tests && here == Counts::default();
    if empty {
        println!(
            "==> {}: no test ran, but this step is there to run some",
            step.name
        );
    }
    let passed = status.success() && !empty && here.failed == 0;
    if !passed {
        // A run that dies, or a check that is no test, counts as one failure.
        here.failed = here.failed.max(1);
    }
    counts.add(here);
    let verdict = if passed { "ok" } else { "FAILED" };
    println!("==> {}: {verdict} in {}", step.name, seconds(took));
    Ok(Report {
        name: step.name.clone(),
        command: step.invocation.to_string(),
        took,
        passed,
    })
}

fn summarise(reports: &[Report], planned: usize, counts: Counts) -> anyhow::Result<()> {
    println!("\n==> summary");
    for report in reports {
        let verdict = if report.passed { "ok" } else { "FAILED" };
        println!("{verdict:>6}  {:>8}  {}", seconds(report.took), report.name);
    }
    println!(
        "        {:>8}  in all",
        seconds(reports.iter().map(|report| report.took).sum())
    );
    let failed: Vec<_> = reports.iter().filter(|report| !report.passed).collect();
    for report in &failed {
        println!(
            "\nstep `{}` failed; repeat it with\n    {}",
            report.name, report.command
        );
    }
    if reports.len() < planned {
        println!("{} further steps were not run", planned - reports.len());
    }
    println!("\n{counts}");
    if let Some(report) = failed.first() {
        anyhow::bail!(
            "step `{}` failed; repeat it with `{}`",
            report.name,
            report.command
        );
    }
    Ok(())
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invocation::Invocation;

    fn steps() -> Vec<Step> {
        ["fmt", "no-std:a", "no-std:b", "test"]
            .map(|name| Step::new(name, Invocation::cargo("--version")))
            .into()
    }

    fn names(from: Option<&str>, only: &[&str]) -> Vec<String> {
        let only: Vec<_> = only.iter().map(|&name| name.to_owned()).collect();
        let steps = select(steps(), from, &only).expect("known steps");
        steps.into_iter().map(|step| step.name).collect()
    }

    #[test]
    fn all_steps_unless_asked_otherwise() {
        assert_eq!(names(None, &[]), ["fmt", "no-std:a", "no-std:b", "test"]);
    }

    #[test]
    fn from_takes_the_rest_and_only_takes_a_step_or_a_group() {
        assert_eq!(names(Some("no-std:b"), &[]), ["no-std:b", "test"]);
        assert_eq!(names(Some("no-std"), &[]), ["no-std:a", "no-std:b", "test"]);
        assert_eq!(names(None, &["no-std"]), ["no-std:a", "no-std:b"]);
        assert_eq!(names(None, &["test", "no-std:a"]), ["no-std:a", "test"]);
    }

    #[test]
    fn an_unknown_step_is_an_error_that_lists_the_known_ones() {
        let error = select(steps(), Some("tests"), &[])
            .err()
            .expect("must fail")
            .to_string();
        assert!(
            error.contains("\"tests\"") && error.contains("no-std:a"),
            "{error}"
        );
    }

    #[test]
    fn a_failed_step_counts_as_a_failure_although_no_test_ran() {
        let mut counts = Counts::default();
        let step = Step::new("broken", Invocation::cargo("no-such-subcommand"));
        let report = run_step(&step, &mut counts).expect("cargo starts");
        assert!(!report.passed);
        assert_eq!(
            counts,
            Counts {
                passed: 0,
                failed: 1
            }
        );
        assert!(summarise(&[report], 1, counts).is_err());
    }

    #[test]
    fn a_step_that_must_run_tests_fails_without_any() {
        let mut counts = Counts::default();
        let step = Step::new("empty", Invocation::cargo("--version")).must_run_tests();
        assert!(!run_step(&step, &mut counts).expect("cargo starts").passed);
        let step = Step::new("fine", Invocation::cargo("--version"));
        assert!(run_step(&step, &mut counts).expect("cargo starts").passed);
    }
}
