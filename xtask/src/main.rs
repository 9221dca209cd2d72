//! Development tasks of the workspace, started as `cargo xtask <task>`.
//!
//! Everything that must hold for a commit is a step of `cargo xtask ci`; the
//! other tasks are its parts, or longer runs of them. The tasks are ordinary
//! Rust so that they can be read, tested and run wherever the workspace builds;
//! no shell is needed.

mod audit;
mod bad_input;
mod bench;
mod bloat;
mod ci;
mod diff;
mod fuzz;
mod invocation;
mod mutations;
mod real;
mod release;
mod sanitize;
mod size;
mod tidy;
mod wasi_oracle;
mod workloads;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Development tasks of the Damson workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    Ci(ci::CiArgs),
    Real(real::RealArgs),
    Tidy(tidy::TidyArgs),
    DispatchAudit(audit::AuditArgs),
    BadInput(bad_input::BadInputArgs),
    Bench(bench::BenchArgs),
    Bloat(bloat::BloatArgs),
    Diff(diff::DiffArgs),
    Example(release::ExampleArgs),
    Fuzz(fuzz::FuzzArgs),
    Icount(bench::IcountArgs),
    Pairs(bench::PairsArgs),
    Mutations(mutations::MutationsArgs),
    Sanitize(sanitize::SanitizeArgs),
    Size(size::SizeArgs),
    WasiOracle(wasi_oracle::WasiOracleArgs),
    Workloads(workloads::WorkloadsArgs),
}

fn main() -> ExitCode {
    let result = match Cli::parse().task {
        Task::Ci(args) => ci::run(&args),
        Task::Real(args) => real::run(&args),
        Task::Tidy(args) => tidy::run(&args),
        Task::DispatchAudit(args) => audit::run(&args),
        Task::BadInput(args) => bad_input::run(&args),
        Task::Bench(args) => bench::run(&args),
        Task::Bloat(args) => bloat::run(&args),
        Task::Diff(args) => diff::run(&args),
        Task::Example(args) => release::run(&args),
        Task::Fuzz(args) => fuzz::run(&args),
        Task::Icount(args) => bench::icount(&args),
        Task::Pairs(args) => bench::pairs(&args),
        Task::Mutations(args) => mutations::run(&args),
        Task::Sanitize(args) => sanitize::run(&args),
        Task::Size(args) => size::run(&args),
        Task::WasiOracle(args) => wasi_oracle::run(&args),
        Task::Workloads(args) => workloads::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // Without the backtrace: what fails here is a check, not this program.
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
