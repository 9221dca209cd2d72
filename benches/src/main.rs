//! Measures Damson: alone, and beside other interpreters.
//!
//! `cargo xtask bench`, `icount` and `pairs` build this program with what they need and
//! run it. Everything it runs is in [`set`], and every result is checked before a
//! number is printed: an engine that is wrong is not fast.
//!
//! Two kinds of numbers come from here.
//!
//! - *Times*, always of several engines interleaved in one process ([`rounds`]). Machines
//!   are noisy, so there are minima and medians, and nothing is ever asserted on a time.
//! - *Counts* of native instructions ([`icount`]) and of bytecode instructions (`pairs`,
//!   with the feature `count`), which are the same in every run, so that they can guard
//!   what times cannot.

mod docs;
mod engine;
mod host_calls;
mod icount;
mod kernels;
#[cfg(feature = "count")]
mod pairs;
mod rounds;
mod set;
mod stats;
mod translate;
mod variants;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Measure Damson
#[derive(Parser)]
#[command(name = "damson-bench", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(rounds::RunArgs),
    HostCalls(host_calls::HostCallsArgs),
    Variants(variants::VariantsArgs),
    Translate(translate::TranslateArgs),
    Icount(icount::IcountArgs),
    #[cfg(feature = "count")]
    Pairs(pairs::PairsArgs),
    /// Run a workload on a peer, which may end the process
    #[command(hide = true)]
    Try {
        peer: String,
        workload: String,
    },
    /// Run one workload once, for the tools that `icount` starts
    #[command(hide = true)]
    Once {
        workload: String,
    },
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Run(args) => rounds::run(&args),
        Command::HostCalls(args) => host_calls::run(&args),
        Command::Variants(args) => variants::run(&args),
        Command::Translate(args) => translate::run(&args),
        Command::Icount(args) => icount::run(&args),
        #[cfg(feature = "count")]
        Command::Pairs(args) => pairs::run(&args),
        Command::Try { peer, workload } => rounds::try_on(&peer, &workload),
        Command::Once { workload } => icount::once(&workload),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
