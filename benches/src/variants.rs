//! What fuel, epochs and storages cost: Damson configured otherwise over Damson as it is.
//!
//! Measured like peers ([`crate::rounds`]): in one process, in turns, every result compared.
//! A ratio above 1 says how much longer the variant takes.

use std::fmt::Write as _;

use clap::Args;

use crate::engine::variant::VARIANTS;
use crate::rounds::{self, Results, Times, decimal, milliseconds};
use crate::set;

/// Time the set on Damson as configured otherwise
#[derive(Args)]
pub(crate) struct VariantsArgs {
    /// How often each workload runs with each configuration
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
/// When a run fails, or gives another result than the first.
pub(crate) fn run(args: &VariantsArgs) -> anyhow::Result<()> {
    let workloads = set::select(args.filter.as_deref())?;
    let results = rounds::measure(&workloads, VARIANTS, args.rounds, |_, _| Ok(true))?;
    print!("{}", table(&results));
    Ok(())
}

/// The variant's least time over the plain one's, and the median over the rounds.
fn over_plain(times: &Times, variant: usize) -> [Option<f64>; 2] {
    [times.ratio(variant), times.median_ratio(variant)].map(|ratio| Some(1.0 / ratio?))
}

fn table(results: &Results) -> String {
    let mut text = format!("{:16}{:>10}", "least ms; ratios", results.engines[0]);
    let variants = 1..results.engines.len();
    for name in &results.engines[1..] {
        let _ = write!(text, "  |{name:>10}{:>7}", "med");
    }
    text.push('\n');
    for times in &results.workloads {
        let plain = milliseconds(times.minimum(0));
        let _ = write!(text, "{:16}{plain:>10}", times.workload.name);
        for variant in variants.clone() {
            let [least, median] = over_plain(times, variant).map(decimal);
            let _ = write!(text, "  |{least:>10}{median:>7}");
        }
        text.push('\n');
    }
    let _ = write!(text, "{:26}", "geometric mean");
    for variant in variants.clone() {
        let mean = |at: usize| decimal(results.mean(|times| over_plain(times, variant)[at]));
        let _ = write!(text, "  |{:>10}{:>7}", mean(0), mean(1));
    }
    let _ = write!(text, "\n{:26}", "worst");
    for variant in variants {
        let worst = |at: usize| {
            let ratios = results.workloads.iter();
            let ratios = ratios.filter_map(|times| over_plain(times, variant)[at]);
            decimal(ratios.reduce(f64::max))
        };
        let _ = write!(text, "  |{:>10}{:>7}", worst(0), worst(1));
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_of_the_variant_over_plain() {
        let text = table(&crate::rounds::tests::results());
        let words = |line: &str| -> Vec<String> {
            let words = line.split_whitespace();
            words.map(str::to_owned).collect()
        };
        let lines: Vec<_> = text.lines().map(words).collect();
        assert_eq!(lines[1], ["fib", "10.00", "|", "2.000", "2.000"]);
        assert_eq!(lines[2], ["json", "20.00", "|", "0.500", "0.500"]);
        assert_eq!(lines[3], ["geometric", "mean", "|", "1.000", "1.000"]);
        assert_eq!(lines[4], ["worst", "|", "2.000", "2.000"]);
    }

    #[test]
    fn every_variant_gives_the_result_of_the_plain_configuration() {
        let workloads = set::select(Some("fib")).unwrap();
        let small: Vec<_> = workloads
            .into_iter()
            .map(|workload| set::Workload {
                timed: workload.counted,
                ..workload
            })
            .collect();
        let results = rounds::measure(&small, VARIANTS, 1, |_, _| Ok(true)).unwrap();
        assert_eq!(results.engines.len(), VARIANTS.len() + 1);
        for times in &results.workloads {
            assert!(times.seconds.iter().all(|seconds| seconds.len() == 1));
        }
    }
}
