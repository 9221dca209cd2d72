//! `damson run`: starts a WASI command module, or calls one function.

use std::io::{self, Write};
use std::mem::ManuallyDrop;

use damson::Val;

use crate::failure::Failure;
use crate::guest::{self, Program, Streams};
use crate::options::RunOptions;
use crate::profile::Profiler;
use crate::{load, values};

pub(crate) fn run(options: &RunOptions) -> Result<(), Failure> {
    let target = options.profile.as_ref();
    let options = &options.guest;
    let (path, _) = guest::command(options)?;
    let watchdog = guest::watchdog(options)?;
    let binary = load::binary(path)?;
    let mut config = guest::config(options);
    let mut profiler = None;
    if let Some(target) = target {
        target.create()?;
        // What is executed, and not what was translated for it; but the same as without a
        // profile if that is limited.
        config.consume_fuel(true);
        config.exact_fuel(options.fuel.is_none());
        config.charge_first_calls(options.fuel.is_some());
        profiler = Some(Profiler::new(options.fuel));
    }
    let program = Program::new(options, config, &binary, watchdog.as_ref())?;
    // The process ends with the program: nothing of it is worth the time to free it.
    let program = ManuallyDrop::new(program);
    let outcome = results(&program, profiler.as_mut());
    // Whatever became of the guest.
    let written = match (target, &profiler) {
        (Some(target), Some(profiler)) => profiler.write(target, &path.display().to_string()),
        _ => Ok(()),
    };
    let shown = outcome.and_then(|results| show(&results));
    match (shown, written) {
        // What became of the guest is what the exit code tells.
        (Err(failure), Err(unwritten)) => Err(failure.with_note(unwritten)),
        (shown, written) => shown.and(written),
    }
}

/// Prints the results of a function.
fn show(results: &[Val]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    for result in results {
        writeln!(out, "{}", values::text(result)).map_err(|error| Failure::of_output(&error))?;
    }
    Ok(())
}

/// Runs the guest; the results if a function was called.
fn results(program: &Program<'_>, profiler: Option<&mut Profiler>) -> Result<Vec<Val>, Failure> {
    let fuel = program.options.fuel;
    match program.instantiate(Streams::Inherit, fuel, profiler)? {
        Some(guest) => ManuallyDrop::new(guest).run(),
        None => Ok(Vec::new()),
    }
}
