//! The command line of the Damson WebAssembly interpreter.
//!
//! Each command has a module; this file only finds out which one is meant and
//! turns its outcome into an exit code ([`failure`] has the list). Results go
//! to standard output, everything else to standard error. Nothing is coloured,
//! and nothing is printed that was not asked for.

mod dump;
mod failure;
mod load;
mod options;
mod run;
mod values;
mod wast;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::options::{Cli, Command};

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Run(options) => run::run(&options),
        Command::Wast(options) => wast::run(&options),
        Command::Dump(options) => dump::run(&options),
    };
    let Err(failure) = outcome else {
        return ExitCode::SUCCESS;
    };
    if let Some(message) = failure.message() {
        // Without a place to complain there is still the exit code.
        let _ = writeln!(io::stderr(), "error: {message}");
    }
    ExitCode::from(failure.exit_code())
}
