//! Times of several engines, interleaved.
//!
//! A round runs every workload once on every engine, one right after the other, so that
//! whatever slows the machine down meets all of them. Of the rounds there are two ratios:
//! that of the minima, which is closest to what the code costs, and the median of the
//! rounds' own ratios, which says whether it was always so. The clock is the thread's
//! time on a processor, so that waiting for one does not count.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Args;
use rustix::time::{ClockId, clock_gettime};

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
    /// Only workloads of which the name contains this
    #[arg(long, value_name = "NAME")]
    filter: Option<String>,
}

/// Runs the command.
///
/// # Errors
///
/// When an engine is wrong.
pub(crate) fn run(args: &RunArgs) -> anyhow::Result<()> {
    let results = measure(&set::select(args.filter.as_deref())?, args.rounds)?;
    print!("{}", Report(&results));
    Ok(())
}

/// What was measured of a workload: for each engine, Damson first, the seconds of each
/// round.
pub(crate) struct Times {
    pub(crate) workload: Workload,
    pub(crate) seconds: Vec<Vec<f64>>,
}

/// All that was measured.
pub(crate) struct Results {
    pub(crate) engines: Vec<&'static str>,
    pub(crate) workloads: Vec<Times>,
}

impl Times {
    pub(crate) fn minimum(&self, engine: usize) -> f64 {
        minimum(self.seconds[engine].iter().copied())
    }

    /// Damson's least time over the engine's.
    pub(crate) fn ratio(&self, engine: usize) -> f64 {
        self.minimum(0) / self.minimum(engine)
    }

    /// The median over the rounds of Damson's time over the engine's.
    pub(crate) fn median_ratio(&self, engine: usize) -> f64 {
        let pairs = self.seconds[0].iter().zip(&self.seconds[engine]);
        median(pairs.map(|(damson, peer)| damson / peer))
    }
}

impl Results {
    pub(crate) fn mean(&self, ratio: impl Fn(&Times) -> f64) -> f64 {
        geometric_mean(self.workloads.iter().map(ratio))
    }
}

/// Measures the workloads on Damson and the peers.
///
/// # Errors
///
/// When an engine is wrong.
pub(crate) fn measure(workloads: &[Workload], rounds: u32) -> anyhow::Result<Results> {
    let engines: Vec<&dyn Engine> = std::iter::once::<&dyn Engine>(&Damson)
        .chain(PEERS.iter().copied())
        .collect();
    let mut stands = Vec::new();
    for workload in workloads {
        stands.push(Stand::new(*workload, &engines)?);
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
    guests: Vec<Box<dyn Guest>>,
    expected: i32,
    times: Times,
}

impl Stand {
    fn new(workload: Workload, engines: &[&dyn Engine]) -> anyhow::Result<Self> {
        let mut guests = Vec::new();
        for engine in engines {
            guests.push(workload.load(*engine)?);
        }
        // Touches all memory, too.
        let expected = guests[0].run(workload.timed)?;
        Ok(Self {
            times: Times {
                workload,
                seconds: vec![Vec::new(); guests.len()],
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
            let start = cpu_time();
            let found = self.guests[at].run(size);
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
        write!(f, "{:>10}", engines[0])?;
        for engine in &engines[1..] {
            write!(f, "  |{engine:>10}{:>7}{:>7}", "min", "med")?;
        }
        writeln!(f)?;
        for times in workloads {
            write!(f, "{:16}", times.workload.name)?;
            write!(f, "{:10.2}", times.minimum(0) * 1e3)?;
            for engine in 1..engines.len() {
                write!(
                    f,
                    "  |{:10.2}{:7.3}{:7.3}",
                    times.minimum(engine) * 1e3,
                    times.ratio(engine),
                    times.median_ratio(engine)
                )?;
            }
            writeln!(f)?;
        }
        if engines.len() > 1 {
            write!(f, "{:26}", "geometric mean")?;
            for engine in 1..engines.len() {
                let least = self.0.mean(|times| times.ratio(engine));
                let median = self.0.mean(|times| times.median_ratio(engine));
                write!(f, "  |{:10}{least:7.3}{median:7.3}", "")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results() -> Results {
        let times = |name, damson: [f64; 3], peer: [f64; 3]| Times {
            workload: set::find(name).unwrap(),
            seconds: vec![damson.into(), peer.into()],
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
        assert_eq!(results.workloads[0].ratio(1), 0.5);
        assert_eq!(results.workloads[0].median_ratio(1), 0.5);
        assert_eq!(results.workloads[1].ratio(1), 2.0);
        assert!((results.mean(|times| times.ratio(1)) - 1.0).abs() < 1e-12);
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
    fn a_round_runs_everything_and_takes_time() {
        let fib = Workload {
            timed: 12,
            ..set::find("fib").unwrap()
        };
        let results = measure(&[fib], 2).unwrap();
        assert!(results.workloads[0].seconds.iter().all(|s| s.len() == 2));
        assert!(results.workloads[0].minimum(0) > 0.0);
    }
}
