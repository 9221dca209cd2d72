//! `damson bench`: how long a program takes.

use std::io::Write;
use std::time::{Duration, Instant};

use damson::Bytes;

use crate::failure::Failure;
use crate::guest::{self, Program, Streams};
use crate::load;
use crate::options::BenchOptions;
use crate::output::time;
use crate::watchdog::Watchdog;

pub(crate) fn run(options: &BenchOptions) -> Result<(), Failure> {
    let guest_options = &options.guest;
    let (path, _) = guest::command(guest_options)?;
    let watchdog = guest::watchdog(guest_options)?;
    let binary = load::binary(path)?;

    let mut making = Vec::new();
    let mut instantiating = Vec::new();
    let mut running = Vec::new();
    for _ in 0..options.runs {
        let start = Instant::now();
        let config = guest::config(guest_options);
        let program = Program::new(guest_options, config, &binary, watchdog.as_ref())?;
        making.push(start.elapsed());
        let start = Instant::now();
        let guest = program.instantiate(Streams::Nothing, guest_options.fuel, None)?;
        instantiating.push(start.elapsed());
        let Some(mut guest) = guest else { continue };
        let start = Instant::now();
        succeed(guest.run().map(drop))?;
        running.push(start.elapsed());
    }

    let mut text = format!("{:13} {:>12} {:>12} {:>12}\n", "", "min", "median", "max");
    for (name, times) in [
        ("module", &mut making),
        ("instantiation", &mut instantiating),
        ("run", &mut running),
    ] {
        text += &line(name, times);
    }
    let instructions = count(options, &binary, watchdog.as_ref())?;
    if let (Some(instructions), Some(best)) = (instructions, running.first()) {
        let each_second = instructions as f64 / best.as_secs_f64().max(1e-9);
        // A limit counts what branches skip, too.
        let about = guest_options.fuel.map_or("", |_| "about ");
        text += &format!(
            "{about}{instructions} instructions, {:.1} million each second in the fastest run\n",
            each_second / 1e6
        );
    }
    let written = anstream::stdout().write_all(text.as_bytes());
    written.map_err(|error| Failure::of_output(&error))
}

/// A program that ends with an exit code of its own has done what it does.
fn succeed(outcome: Result<(), Failure>) -> Result<(), Failure> {
    match outcome {
        Err(Failure::Exit { .. }) => Ok(()),
        other => other,
    }
}

/// How many basic instructions a run takes, by the fuel of one that is metered; those of
/// bulk operations count by their work. Exact, unless it is limited: a limit means what it means
/// elsewhere.
fn count(
    options: &BenchOptions,
    binary: &Bytes,
    watchdog: Option<&Watchdog>,
) -> Result<Option<u64>, Failure> {
    let mut config = guest::config(&options.guest);
    // What is executed, and not what was translated for it.
    config.consume_fuel(true).charge_first_calls(false);
    config.exact_fuel(options.guest.fuel.is_none());
    let program = Program::new(&options.guest, config, binary, watchdog)?;
    let fuel = options.guest.fuel.unwrap_or(u64::MAX);
    let Some(mut guest) = program.instantiate(Streams::Nothing, Some(fuel), None)? else {
        return Ok(None);
    };
    let left = |guest: &guest::Guest<'_>| {
        let left = guest.store.get_fuel();
        left.map_err(|error| load::about(program.path, error))
    };
    let before = left(&guest)?;
    succeed(guest.run().map(drop))?;
    Ok(Some(before - left(&guest)?))
}

/// Sorts the times and shows three of them.
fn line(name: &str, times: &mut [Duration]) -> String {
    times.sort_unstable();
    let (Some(min), Some(max)) = (times.first(), times.last()) else {
        return String::new();
    };
    // Of an even number the two in the middle count.
    let median = (times[(times.len() - 1) / 2] + times[times.len() / 2]) / 2;
    let [min, median, max] = [*min, median, *max].map(time);
    format!("{name:13} {min:>12} {median:>12} {max:>12}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_sorted() {
        let mut times = [3, 1, 20].map(Duration::from_millis);
        let line = line("run", &mut times);
        let fields: Vec<&str> = line.split_whitespace().collect();
        let expected = ["run", "1.000", "ms", "3.000", "ms", "20.000", "ms"];
        assert_eq!(fields, expected);
        let mut times = [40, 3, 1, 20].map(Duration::from_millis);
        let line = super::line("run", &mut times);
        assert!(line.contains(" 11.500 ms "), "{line}");
        assert_eq!(super::line("run", &mut []), "");
    }
}
