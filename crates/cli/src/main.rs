//! The command line of the Damson WebAssembly interpreter.
//!
//! Each command has a module; this file only finds out which one is meant and
//! turns its outcome into an exit code ([`failure`] has the list). Results go
//! to standard output, everything else to standard error. Nothing is coloured
//! where it does not go to a terminal, and nothing is printed that was not asked
//! for.

mod bench;
mod compile;
mod dump;
mod failure;
mod guest;
mod inspect;
mod limits;
mod load;
mod names;
mod options;
mod output;
mod profile;
mod run;
mod values;
mod wast;
mod watchdog;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser};
use clap_complete::Shell;

use crate::failure::Failure;
use crate::options::{Cli, Command};

fn main() -> ExitCode {
    let outcome = match command_line().command {
        Command::Run(options) => run::run(&options),
        Command::Compile(options) => compile::run(&options),
        Command::Inspect(options) => inspect::run(&options),
        Command::Dump(options) => dump::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Wast(options) => wast::run(&options),
        Command::Completions(options) => completions(options.shell),
    };
    let Err(failure) = outcome else {
        return ExitCode::SUCCESS;
    };
    // Without a place to complain there is still the exit code.
    let _ = write!(anstream::stderr(), "{failure}");
    ExitCode::from(failure.exit_code())
}

/// What the command line says; the process ends if it makes no sense.
fn command_line() -> Cli {
    let mut error = match Cli::try_parse() {
        Ok(cli) => return cli,
        Err(error) => error,
    };
    // A module where a command should be.
    if error.kind() == ErrorKind::InvalidSubcommand
        && let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand)
        && Path::new(word).is_file()
    {
        let quote = if word.contains(char::is_whitespace) {
            "\""
        } else {
            ""
        };
        let word = output::plain(word);
        let tip = format!("to run this file: damson run {quote}{word}{quote}");
        let tip = ContextValue::StyledStrs(vec![tip.into()]);
        error.insert(ContextKind::Suggested, tip);
    }
    error.exit()
}

fn completions(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "damson", &mut script);
    let written = io::stdout().write_all(&script);
    written.map_err(|error| Failure::of_output(&error))
}
