//! `damson run`: starts a WASI command module, or calls one function.

use std::io::{self, Write};

use crate::failure::Failure;
use crate::guest::{self, Program, Streams};
use crate::options::RunOptions;
use crate::watchdog::Watchdog;
use crate::{load, values};

pub(crate) fn run(options: &RunOptions) -> Result<(), Failure> {
    let options = &options.guest;
    let (path, _) = guest::command(options)?;
    let name = path.display().to_string();
    let _watchdog = options.timeout.map(|timeout| Watchdog::new(name, timeout));
    let program = Program::new(options, guest::config(options), &load::binary(path)?)?;
    let Some(mut guest) = program.instantiate(Streams::Inherit, options.fuel)? else {
        return Ok(());
    };
    let mut out = io::stdout().lock();
    for result in guest.run()? {
        writeln!(out, "{}", values::text(&result)).map_err(|error| Failure::of_output(&error))?;
    }
    Ok(())
}
