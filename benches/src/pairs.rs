//! What the bytecode executes: how many instructions, which ones, and which of them one
//! after the other.
//!
//! The evidence for fused instructions. A form of two or three operations that is chosen
//! because programs need it must earn its place on programs that it was not chosen on, so
//! the set has two halves: choose on one, judge on the other. Shares are of a workload's
//! own dispatches, and each workload counts the same, however long it runs.
//!
//! Only what follows one another without a jump is a pair or a triple: nothing else could
//! be one instruction.

mod operators;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::hash::Hash;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use damson_executor::count::{self, Counts, Detail};
use damson_executor::ir::Opcode;

use crate::engine::{Engine, damson::Damson};
use crate::set::{self, Half, Workload};
use crate::stats::geometric_mean;

/// Count the bytecode instructions of the set, and which follow which
#[derive(Args)]
pub(crate) struct PairsArgs {
    /// Only workloads of which the name contains this
    #[arg(long, value_name = "NAME")]
    filter: Option<String>,
    /// How many opcodes, pairs and triples to show
    #[arg(long, default_value_t = 40)]
    top: usize,
    /// Only count, at the sizes for times, and write the numbers to this file
    #[arg(long, value_name = "FILE")]
    totals: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
///
/// When a workload fails.
pub(crate) fn run(args: &PairsArgs) -> anyhow::Result<()> {
    let selected = set::select(args.filter.as_deref())?;
    if let Some(path) = &args.totals {
        let mut text = String::new();
        for workload in selected {
            let Run { counts, operators } = observe(&workload, workload.timed, Detail::Number)?;
            let _ = writeln!(text, "{} {} {operators}", workload.name, counts.dispatches);
        }
        return fs::write(path, text).with_context(|| format!("{}", path.display()));
    }
    let mut runs = Vec::new();
    for workload in selected {
        let run = observe(&workload, workload.counted, Detail::Sequences)?;
        runs.push((workload, run));
    }
    print!("{}", totals(&runs));
    let counts: Vec<_> = runs.iter().map(|(w, run)| (*w, &run.counts)).collect();
    let singles = |counts: &Counts| -> HashMap<[Opcode; 1], u64> {
        let all = Opcode::all().map(|opcode| ([opcode], counts.singles[opcode.number()]));
        all.filter(|(_, count)| *count > 0).collect()
    };
    print!("{}", table("opcodes", &counts, singles, args.top));
    print!("{}", table("pairs", &counts, |c| c.pairs.clone(), args.top));
    let triples = table("triples", &counts, |c| c.triples.clone(), args.top);
    print!("{triples}");
    Ok(())
}

/// What one run of a workload executed.
struct Run {
    counts: Counts,
    /// WebAssembly operators, without those that only mark the structure.
    operators: u64,
}

fn observe(workload: &Workload, size: i32, detail: Detail) -> anyhow::Result<Run> {
    let observe = || {
        let mut guest = workload.load(&Damson)?;
        count::start(detail);
        let result = guest.run(size)?;
        let counts = count::take();
        let mut counting = Damson.load(&operators::counted(&workload.wasm()?)?)?;
        anyhow::ensure!(
            counting.run(size)? == result,
            "with a counter of operators the result is another one"
        );
        let operators = counting.global(operators::COUNTER);
        let operators = operators
            .context("the counter is not there")?
            .cast_unsigned();
        Ok(Run { counts, operators })
    };
    observe().with_context(|| workload.name)
}

fn totals(runs: &[(Workload, Run)]) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{:20}{:>14}{:>14}{:>14}  half",
        "", "dispatches", "operators", "per operator"
    );
    let ratio = |run: &Run| run.counts.dispatches as f64 / run.operators as f64;
    for (workload, run) in runs {
        let (dispatches, operators) = (run.counts.dispatches, run.operators);
        let (ratio, half) = (ratio(run), workload.half);
        let name = workload.name;
        let _ = writeln!(
            text,
            "{name:20}{dispatches:14}{operators:14}{ratio:14.3}  {half:?}"
        );
    }
    if let Some(mean) = geometric_mean(runs.iter().map(|(_, run)| ratio(run))) {
        let _ = writeln!(text, "{:48}{mean:14.3}", "geometric mean");
    }
    text
}

/// The most frequent sequences of some length: their shares over the set and in each
/// half, and the workload in which they are most frequent.
fn table<const N: usize>(
    title: &str,
    runs: &[(Workload, &Counts)],
    counts: impl Fn(&Counts) -> HashMap<[Opcode; N], u64>,
    top: usize,
) -> String
where
    [Opcode; N]: Hash + Eq + Ord,
{
    let mut rows = HashMap::<[Opcode; N], Row>::new();
    let of_half = |half| runs.iter().filter(|(w, _)| w.half == half).count().max(1) as f64;
    let sizes = [of_half(Half::Choose), of_half(Half::Judge)];
    for (workload, run) in runs {
        for (sequence, count) in counts(run) {
            let share = count as f64 / run.dispatches as f64;
            let row = rows.entry(sequence).or_default();
            row.shares[workload.half as usize] += share / sizes[workload.half as usize];
            row.share += share / runs.len() as f64;
            if share > row.most.0 {
                row.most = (share, workload.name);
            }
        }
    }
    let mut rows: Vec<_> = rows.into_iter().collect();
    rows.sort_by(|(a_sequence, a), (b_sequence, b)| {
        let by_share = b.share.total_cmp(&a.share);
        by_share.then_with(|| a_sequence.cmp(b_sequence))
    });
    let mut text = format!(
        "\n{title}: {} different; shares of dispatches in %\n{:>7}{:>8}{:>8}  {:28}\n",
        rows.len(),
        "all",
        "choose",
        "judge",
        "most"
    );
    for (sequence, row) in rows.iter().take(top) {
        let names: Vec<_> = sequence.iter().map(|opcode| opcode.to_string()).collect();
        let _ = writeln!(
            text,
            "{:7.2}{:8.2}{:8.2}  {:7.2} {:20}{}",
            row.share * 100.0,
            row.shares[0] * 100.0,
            row.shares[1] * 100.0,
            row.most.0 * 100.0,
            row.most.1,
            names.join("  ")
        );
    }
    text
}

#[derive(Default)]
struct Row {
    share: f64,
    /// By half.
    shares: [f64; 2],
    /// The greatest share, and where.
    most: (f64, &'static str),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_counted_the_same_each_time() {
        let fib = set::find("fib").unwrap();
        let first = observe(&fib, 10, Detail::Sequences).unwrap();
        let second = observe(&fib, 10, Detail::Number).unwrap();
        assert_eq!(first.counts.dispatches, second.counts.dispatches);
        assert_eq!(first.operators, second.operators);
        assert_eq!(
            first.counts.singles.iter().sum::<u64>(),
            first.counts.dispatches
        );
        assert!(second.counts.singles.is_empty());
        let pairs: u64 = first.counts.pairs.values().sum();
        let triples: u64 = first.counts.triples.values().sum();
        assert!(triples > 0 && triples < pairs && pairs < first.counts.dispatches);
    }

    #[test]
    fn each_workload_counts_the_same_in_a_share() {
        let [a, b] = [0, 1].map(|number| Opcode::new(number).unwrap());
        let counts = |dispatches, singles: [u64; 2]| Counts {
            dispatches,
            singles: singles.into(),
            ..Counts::default()
        };
        let (short, long) = (counts(10, [10, 0]), counts(1000, [0, 1000]));
        let mut workloads = [set::SET[0], set::SET[1]];
        workloads[0].half = Half::Choose;
        workloads[1].half = Half::Judge;
        let text = table(
            "opcodes",
            &[(workloads[0], &short), (workloads[1], &long)],
            |c| HashMap::from([([a], c.singles[0]), ([b], c.singles[1])]),
            1,
        );
        let shares: Vec<_> = text.lines().nth(3).unwrap().split_whitespace().collect();
        assert_eq!(
            shares[..5],
            ["50.00", "100.00", "0.00", "100.00", workloads[0].name]
        );
    }
}
