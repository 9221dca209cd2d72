//! `cargo xtask real --compare`: whole processes of Damson and wasmi, side by side.
//!
//! The two run in turns, so that what else the machine does hits both, and the fastest run
//! of each counts, besides the median of the ratios of neighbours. The time is that of the
//! processor, system calls included. Both translate lazily.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use nix::sys::resource::{UsageWho, getrusage};

use super::{Real, dir};
use crate::invocation::Invocation;

/// The version to compare with.
const WASMI: &str = "2.0.0";

/// Most that Damson may need of wasmi's time for start-up, and for the script.
const GOALS: [f64; 2] = [0.7, 0.6];

/// A script in the manner of `workloads/real/cpython.py`, of JSON and sorting alone.
const JSON_AND_SORT: &str = "\
import json
data = {'numbers': list(range(2000)), 'nested': [{'k': i} for i in range(500)]}
for _ in range(20):
    assert json.loads(json.dumps(data, sort_keys=True, indent=1)) == data
state, items = 1, []
for _ in range(100000):
    state = state * 6364136223846793005 + 1442695040888963407 & 0xFFFFFFFFFFFFFFFF
    items.append(state >> 33)
items.sort()
print(items[0], items[50000], items[-1])
";

pub(super) fn run(real: &Real, rounds: usize) -> anyhow::Result<()> {
    let wasmi = install(&real.folder)?;
    let python = real.cpython()?;
    for ((what, script), goal) in [("print(1)", "print(1)"), ("JSON and sort", JSON_AND_SORT)]
        .into_iter()
        .zip(GOALS)
    {
        let damson = || {
            let mut command = real.run();
            command.args(["--compilation-mode", "lazy", "--dir"]);
            command.arg(dir(&real.files, "/in")).arg(&python);
            command.args(["-c", script]);
            command
        };
        let other = || {
            let mut command = Command::new(&wasmi);
            command.args(["run", "--compilation-mode", "lazy", "--dir"]);
            command.arg(&real.files).arg(&python);
            command.args(["-c", script]);
            command
        };
        let mut times = Vec::new();
        for _ in 0..rounds.max(1) {
            let (ours, printed) = timed(damson())?;
            let (theirs, other_printed) = timed(other())?;
            ensure!(
                printed == other_printed,
                "{what}: Damson and wasmi print different things"
            );
            times.push((ours, theirs));
        }
        let best = |time: fn(&(Duration, Duration)) -> Duration| {
            times.iter().map(time).min().unwrap_or_default()
        };
        let (ours, theirs) = (best(|pair| pair.0), best(|pair| pair.1));
        println!(
            "{what}: Damson {ours:.3?}, wasmi {theirs:.3?}, ratio {:.2} of the best, {:.2} in the \
             middle; the goal is {goal}",
            ratio((ours, theirs)),
            median(times.into_iter().map(ratio).collect())
        );
    }
    Ok(())
}

fn ratio((ours, theirs): (Duration, Duration)) -> f64 {
    ours.as_secs_f64() / theirs.as_secs_f64().max(1e-9)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The processor time of all processes that this one has started and that have ended.
fn processor_time() -> anyhow::Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).context("the time of other processes")?;
    let [user, system] = [usage.user_time(), usage.system_time()].map(|time| {
        let seconds = Duration::from_secs(time.tv_sec().unsigned_abs());
        seconds + Duration::from_micros(time.tv_usec().unsigned_abs())
    });
    Ok(user + system)
}

/// How long a process works, and what it prints.
fn timed(mut command: Command) -> anyhow::Result<(Duration, Vec<u8>)> {
    let before = processor_time()?;
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("could not start {command:?}"))?;
    let time = processor_time()? - before;
    ensure!(
        output.status.success(),
        "{command:?} ended with {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok((time, output.stdout))
}

/// Installs wasmi's program, unless that was done before.
fn install(folder: &Path) -> anyhow::Result<PathBuf> {
    let root = folder.join(format!("wasmi-{WASMI}"));
    let program = root.join("bin/wasmi");
    if !program.exists() {
        Invocation::cargo(&format!(
            "install wasmi_cli --version ={WASMI} --locked --root"
        ))
        .arg(root.display().to_string())
        .run()?;
    }
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_work_of_a_process_counts_when_it_has_ended() {
        let mut busy = Command::new("sh");
        busy.args(["-c", "i=0; while [ $i -lt 200000 ]; do i=$((i + 1)); done"]);
        let (time, printed) = timed(busy).unwrap();
        assert!(time > Duration::from_millis(10), "{time:?}");
        assert!(printed.is_empty());
    }

    #[test]
    fn the_middle_one_counts() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert!(median(vec![]).is_nan());
        let pair = [3, 2].map(Duration::from_secs);
        assert_eq!(ratio(pair.into()), 1.5);
    }
}
