//! `damson run`: starts a WASI command module, or calls one function.

use std::io::{self, Write};

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
        config.consume_fuel(true);
        profiler = Some(Profiler::new(options.fuel));
    }
    let program = Program::new(options, config, &binary, watchdog.as_ref())?;
    let outcome = results(&program, profiler.as_mut());
    if let (Some(target), Some(profiler)) = (target, &profiler) {
        // Whatever became of the guest.
        profiler.write(target, &path.display().to_string())?;
    }
    let mut out = io::stdout().lock();
    for result in outcome? {
        writeln!(out, "{}", values::text(&result)).map_err(|error| Failure::of_output(&error))?;
    }
    Ok(())
}

/// Runs the guest; the results if a function was called.
fn results(program: &Program<'_>, profiler: Option<&mut Profiler>) -> Result<Vec<Val>, Failure> {
    let fuel = program.options.fuel;
    match program.instantiate(Streams::Inherit, fuel, profiler)? {
        Some(mut guest) => guest.run(),
        None => Ok(Vec::new()),
    }
}
