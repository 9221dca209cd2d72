//! Times of several engines, interleaved.
//!
//! A round runs every workload once on every engine, one right after the other, so that
//! whatever slows the machine down meets all of them. Of the rounds there are two ratios:
//! that of the minima, which is closest to what the code costs, and the median of the
//! rounds' own ratios, which says whether it was always so. The clock is the thread's
//! time on a processor, so that waiting for one does not count.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Args;
use rustix::time::{ClockId, clock_gettime};

use crate::docs;
use crate::engine::damson::Damson;
use crate::engine::{Engine, Guest, PEERS};
use crate::set::{self, Workload};
use crate::stats::{geometric_mean, median, minimum};

/// Time the set on Damson and on the peers
#[derive(Args)]
pub(crate) struct RunArgs {
    /// How often each workload runs on each engine
    #[arg(long, default_value_t = 15)]
    rounds: u32,
    /// Whom to compare with, separated by commas; by default all that this was built with
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    peers: Option<Vec<String>>,
    /// Only workloads of which the name contains this
    #[arg(long, value_name = "NAME")]
    filter: Option<String>,
    /// What `pairs --totals` wrote: dispatches and operators of each workload
    #[arg(long, value_name = "FILE")]
    totals: Option<PathBuf>,
    /// Put the results into docs/performance.md, as those of this build profile
    #[arg(long, value_name = "PROFILE")]
    write_docs: Option<String>,
}

/// Runs the command.
///
/// # Errors
///
/// When an engine is wrong.
pub(crate) fn run(args: &RunArgs) -> anyhow::Result<()> {
    let workloads = set::select(args.filter.as_deref())?;
    let peers = select_peers(args.peers.as_deref())?;
    let mut results = measure(&workloads, &peers, args.rounds, survives)?;
    if let Some(path) = &args.totals {
        let text = fs::read_to_string(path).with_context(|| format!("{}", path.display()))?;
        results.add_totals(&text)?;
    }
    print!("{}", Report(&results));
    match &args.write_docs {
        Some(profile) => docs::write(&results, profile),
        None => Ok(()),
    }
}

/// What was measured of a workload: for each engine, Damson first, the seconds of each
/// round, or none if the engine does not take it.
pub(crate) struct Times {
    pub(crate) workload: Workload,
    pub(crate) seconds: Vec<Vec<f64>>,
    /// Dispatches and WebAssembly operators of a run, if they were counted.
    pub(crate) totals: Option<(u64, u64)>,
}

/// All that was measured.
pub(crate) struct Results {
    pub(crate) engines: Vec<&'static str>,
    pub(crate) workloads: Vec<Times>,
}

impl Times {
    pub(crate) fn minimum(&self, engine: usize) -> Option<f64> {
        minimum(self.seconds[engine].iter().copied())
    }

    /// Dispatches for each WebAssembly operator.
    pub(crate) fn density(&self) -> Option<f64> {
        let (dispatches, operators) = self.totals?;
        Some(dispatches as f64 / operators as f64)
    }

    /// Damson's least time over the engine's.
    pub(crate) fn ratio(&self, engine: usize) -> Option<f64> {
        Some(self.minimum(0)? / self.minimum(engine)?)
    }

    /// The median over the rounds of Damson's time over the engine's.
    pub(crate) fn median_ratio(&self, engine: usize) -> Option<f64> {
        let pairs = self.seconds[0].iter().zip(&self.seconds[engine]);
        median(pairs.map(|(damson, peer)| damson / peer))
    }
}

impl Results {
    /// Reads lines of name, dispatches and operators.
    fn add_totals(&mut self, text: &str) -> anyhow::Result<()> {
        for line in text.lines() {
            let fields: Vec<_> = line.split(' ').collect();
            let [name, dispatches, operators] = fields[..] else {
                anyhow::bail!("expected a name and two numbers, found {line:?}");
            };
            let totals = (dispatches.parse()?, operators.parse()?);
            for times in &mut self.workloads {
                if times.workload.name == name {
                    times.totals = Some(totals);
                }
            }
        }
        Ok(())
    }

    /// The mean over the workloads that have the ratio.
    pub(crate) fn mean(&self, ratio: impl Fn(&Times) -> Option<f64>) -> Option<f64> {
        geometric_mean(self.workloads.iter().filter_map(ratio))
    }
}

/// Tries a workload on a peer in a process of its own: some end it where they should
/// refuse a module.
fn survives(workload: &Workload, peer: &dyn Engine) -> anyhow::Result<bool> {
    let status = Command::new(std::env::current_exe()?)
        .args(["try", peer.name(), workload.name])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    // What it says in the end will be found here again.
    Ok(matches!(status.code(), Some(0 | 1)))
}

/// What such a process does.
///
/// # Errors
///
/// When the peer does not take the workload, or is wrong.
pub(crate) fn try_on(peer: &str, workload: &str) -> anyhow::Result<()> {
    let workload = set::find(workload)?;
    let peers = select_peers(Some(&[peer.to_owned()]))?;
    for peer in peers {
        let mut guest = workload.try_load(peer)??;
        guest.run(workload.timed)?;
    }
    Ok(())
}

/// The peers of these names.
fn select_peers(names: Option<&[String]>) -> anyhow::Result<Vec<&'static dyn Engine>> {
    let Some(names) = names else {
        return Ok(PEERS.to_vec());
    };
    let find = |name: &String| {
        let peer = PEERS.iter().find(|peer| peer.name() == name);
        peer.copied()
            .with_context(|| format!("{name} is not in this build"))
    };
    names
        .iter()
        .filter(|name| *name != "none")
        .map(find)
        .collect()
}

/// Measures the workloads on Damson and the peers.
///
/// # Errors
///
/// When an engine is wrong.
pub(crate) fn measure(
    workloads: &[Workload],
    peers: &[&dyn Engine],
    rounds: u32,
    survives: impl Fn(&Workload, &dyn Engine) -> anyhow::Result<bool>,
) -> anyhow::Result<Results> {
    let engines: Vec<&dyn Engine> = std::iter::once::<&dyn Engine>(&Damson)
        .chain(peers.iter().copied())
        .collect();
    let mut stands = Vec::new();
    for workload in workloads {
        stands.push(Stand::new(*workload, &engines, &survives)?);
    }
    for round in 0..rounds.max(1) {
        eprint!("\rround {} of {rounds}", round + 1);
        std::io::stderr().flush()?;
        for stand in &mut stands {
            stand.round(round, &engines)?;
        }
    }
    eprint!("\r\x1b[K");
    Ok(Results {
        engines: engines.iter().map(|engine| engine.name()).collect(),
        workloads: stands.into_iter().map(|stand| stand.times).collect(),
    })
}

/// A workload with an instance on every engine.
struct Stand {
    /// None where the engine does not take the module.
    guests: Vec<Option<Box<dyn Guest>>>,
    expected: i32,
    times: Times,
}

impl Stand {
    fn new(
        workload: Workload,
        engines: &[&dyn Engine],
        survives: &impl Fn(&Workload, &dyn Engine) -> anyhow::Result<bool>,
    ) -> anyhow::Result<Self> {
        let mut damson = workload.load(engines[0])?;
        // Touches all memory, too.
        let expected = damson.run(workload.timed)?;
        let mut guests = vec![Some(damson)];
        for engine in &engines[1..] {
            if !survives(&workload, *engine)? {
                eprintln!("{} crashes on {}", engine.name(), workload.name);
                guests.push(None);
                continue;
            }
            guests.push(match workload.try_load(*engine)? {
                Ok(guest) => Some(guest),
                Err(error) => {
                    let (workload, engine) = (workload.name, engine.name());
                    eprintln!("{engine} does not run {workload}: {error:#}");
                    None
                }
            });
        }
        Ok(Self {
            times: Times {
                workload,
                seconds: vec![Vec::new(); guests.len()],
                totals: None,
            },
            guests,
            expected,
        })
    }

    /// Runs once on every engine, beginning with another one each time.
    fn round(&mut self, round: u32, engines: &[&dyn Engine]) -> anyhow::Result<()> {
        let (name, size) = (self.times.workload.name, self.times.workload.timed);
        for turn in 0..engines.len() {
            let at = (turn + round as usize) % engines.len();
            let Some(guest) = &mut self.guests[at] else {
                continue;
            };
            let start = cpu_time();
            let found = guest.run(size);
            let took = cpu_time() - start;
            let place = || format!("{name} on {}", engines[at].name());
            let found = found.with_context(place)?;
            ensure!(
                found == self.expected,
                "{}: expected {:08x} for size {size}, as Damson gave, found {found:08x}",
                place(),
                self.expected
            );
            self.times.seconds[at].push(took.as_secs_f64());
        }
        Ok(())
    }
}

/// Seconds as milliseconds, or a dash.
pub(crate) fn milliseconds(seconds: Option<f64>) -> String {
    seconds.map_or("-".to_owned(), |seconds| format!("{:.2}", seconds * 1e3))
}

/// A ratio, or a dash.
pub(crate) fn decimal(ratio: Option<f64>) -> String {
    ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.3}"))
}

/// How long this thread has been running on a processor.
pub(crate) fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let time = Duration::try_from(time);
    time.expect("a time since the thread began is not negative")
}

/// The results as a table for a terminal.
struct Report<'a>(&'a Results);

impl std::fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(Results { engines, workloads }) = self;
        write!(f, "{:16}", "least ms; ratios")?;
        write!(f, "{:>12}{:>12}{:>7}", "dispatches", "operators", "per")?;
        write!(f, "{:>10}", engines[0])?;
        for engine in &engines[1..] {
            write!(f, "  |{engine:>10}{:>7}{:>7}", "min", "med")?;
        }
        writeln!(f)?;
        for times in workloads {
            write!(f, "{:16}", times.workload.name)?;
            let number = |of: fn((u64, u64)) -> u64| {
                times
                    .totals
                    .map_or("-".to_owned(), |totals| of(totals).to_string())
            };
            let (dispatches, operators) = (number(|t| t.0), number(|t| t.1));
            let density = decimal(times.density());
            write!(f, "{dispatches:>12}{operators:>12}{density:>7}")?;
            write!(f, "{:>10}", milliseconds(times.minimum(0)))?;
            for engine in 1..engines.len() {
                write!(
                    f,
                    "  |{:>10}{:>7}{:>7}",
                    milliseconds(times.minimum(engine)),
                    decimal(times.ratio(engine)),
                    decimal(times.median_ratio(engine))
                )?;
            }
            writeln!(f)?;
        }
        if engines.len() > 1 {
            let density = decimal(self.0.mean(Times::density));
            write!(f, "{:40}{density:>7}{:10}", "geometric mean", "")?;
            for engine in 1..engines.len() {
                let least = decimal(self.0.mean(|times| times.ratio(engine)));
                let median = decimal(self.0.mean(|times| times.median_ratio(engine)));
                let count = workloads
                    .iter()
                    .filter(|t| t.ratio(engine).is_some())
                    .count();
                write!(f, "  |{count:7} of{least:>7}{median:>7}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn results() -> Results {
        let times = |name, damson: [f64; 3], peer: [f64; 3]| Times {
            workload: set::find(name).unwrap(),
            seconds: vec![damson.into(), peer.into()],
            totals: Some((25, 100)),
        };
        Results {
            engines: vec!["damson", "peer"],
            workloads: vec![
                times("fib", [0.03, 0.01, 0.02], [0.06, 0.02, 0.08]),
                times("json", [0.02, 0.02, 0.02], [0.01, 0.01, 0.01]),
            ],
        }
    }

    #[test]
    fn ratios_are_damsons_time_over_the_peers() {
        let results = results();
        assert_eq!(results.workloads[0].ratio(1), Some(0.5));
        assert_eq!(results.workloads[0].median_ratio(1), Some(0.5));
        assert_eq!(results.workloads[1].ratio(1), Some(2.0));
        let mean = results.mean(|times| times.ratio(1)).unwrap();
        assert!((mean - 1.0).abs() < 1e-12);
    }

    #[test]
    fn the_report_has_a_line_for_each_workload_and_one_for_the_mean() {
        let text = Report(&results()).to_string();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 4, "{text}");
        assert!(lines[1].starts_with("fib") && lines[1].contains("0.500"));
        assert!(lines[3].contains("1.000"), "{text}");
        let width = lines[0].len();
        assert!(lines.iter().all(|line| line.len() == width), "{text}");
    }

    #[test]
    fn a_peer_that_was_not_built_is_an_error() {
        assert!(select_peers(Some(&["no such".to_owned()])).is_err());
        assert!(select_peers(Some(&["none".to_owned()])).unwrap().is_empty());
        assert_eq!(select_peers(None).unwrap().len(), PEERS.len());
    }

    #[test]
    fn an_engine_that_does_not_take_a_module_is_left_out() {
        struct Refusing;
        impl Engine for Refusing {
            fn name(&self) -> &'static str {
                "refusing"
            }
            fn load(&self, _: &[u8]) -> anyhow::Result<Box<dyn Guest>> {
                anyhow::bail!("not that one")
            }
        }
        let fib = Workload {
            timed: 12,
            ..set::find("fib").unwrap()
        };
        let results = measure(&[fib], &[&Refusing], 1, |_, _| Ok(true)).unwrap();
        assert_eq!(results.workloads[0].ratio(1), None);
        let text = Report(&results).to_string();
        assert!(text.contains("0 of      -      -"), "{text}");
    }

    #[test]
    fn totals_are_read_by_name_and_damaged_ones_refused() {
        let mut results = results();
        results.add_totals("json 1 4\nother 3 4\n").unwrap();
        assert_eq!(results.workloads[1].totals, Some((1, 4)));
        assert_eq!(results.workloads[0].density(), Some(0.25));
        assert!(results.add_totals("json 1").is_err());
        assert!(results.add_totals("json 1 many").is_err());
    }

    #[test]
    fn a_round_runs_everything_and_takes_time() {
        let fib = Workload {
            timed: 12,
            ..set::find("fib").unwrap()
        };
        let results = measure(&[fib], PEERS, 2, |_, _| Ok(true)).unwrap();
        assert!(results.workloads[0].seconds.iter().all(|s| s.len() == 2));
        assert!(results.workloads[0].minimum(0).unwrap() > 0.0);
    }
}
