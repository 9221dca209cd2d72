//! Checks a series of modules and reports each step as a line of text.
//!
//! A worker is a process of its own, because a wrong interpreter may well crash or
//! hang: whoever reads the lines knows which module it was at (see `main.rs`).

use std::io::{self, Write};
use std::time::Duration;

use crate::check::{Verdict, check};
use crate::outcome::{Case, Outcome};
use crate::regression;
use crate::source::Source;

/// How long a failure is made smaller.
const SHRINKING: Duration = Duration::from_secs(120);

/// A number of modules and what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Modules on which all engines agree.
    pub agreed: u64,
    /// Modules that show nothing.
    pub inconclusive: u64,
    /// Modules on which Damson is wrong.
    pub failed: u64,
    /// Stands for the outcomes of all modules that did not fail.
    pub digest: u64,
}

impl Tally {
    const fn add_to_digest(&mut self, seed: u64, outcome: u64) {
        self.digest ^= outcome.rotate_left((seed % 64) as u32);
    }
}

/// Checks the modules with these numbers, and writes a line before each, one for
/// each that fails and one at the end.
///
/// # Errors
///
/// When the lines, or a file of a failure, cannot be written.
pub fn work(seeds: impl Iterator<Item = u64>, store: bool) -> anyhow::Result<()> {
    // The lines say what happened; the text of every panic would hide them.
    std::panic::set_hook(Box::new(|_| {}));
    let mut out = io::stdout().lock();
    let mut tally = Tally::default();
    #[cfg(feature = "count")]
    crate::tiles::Executed::start();
    for seed in seeds {
        writeln!(out, "at {seed}")?;
        out.flush()?;
        let source = Source::of(seed);
        let Some(case) = source.case() else {
            tally.inconclusive += 1;
            writeln!(out, "inconclusive {seed}: the bytes make no module")?;
            continue;
        };
        match check(&case) {
            Verdict::Agreed(outcome) => {
                tally.agreed += 1;
                tally.add_to_digest(seed, outcome.digest());
            }
            Verdict::Inconclusive { why, outcome } => {
                tally.inconclusive += 1;
                tally.add_to_digest(seed, outcome.digest());
                writeln!(out, "inconclusive {seed}: {}", one_line(&why))?;
            }
            Verdict::Failed { what, expected } => {
                tally.failed += 1;
                writeln!(out, "failed {seed}: {}", one_line(&what))?;
                if store {
                    let shrunk = source.shrunk(SHRINKING, |case| {
                        matches!(check(case), Verdict::Failed { .. })
                    });
                    let shrunk = shrunk.map(|case| (check(&case), case));
                    let (what, expected, case) = match shrunk {
                        Some((Verdict::Failed { what, expected }, case)) => (what, expected, case),
                        _ => (what, expected, case),
                    };
                    keep(seed, &what, &case, &expected)?;
                }
            }
        }
    }
    let Tally {
        agreed,
        inconclusive,
        failed,
        digest,
    } = tally;
    #[cfg(feature = "count")]
    writeln!(out, "{}", crate::tiles::Executed::line())?;
    writeln!(out, "done {agreed} {inconclusive} {failed} {digest}")?;
    Ok(())
}

/// Writes the file of a failure.
///
/// # Errors
///
/// When that is not possible.
pub fn keep(seed: u64, what: &str, case: &Case, expected: &Outcome) -> anyhow::Result<()> {
    std::fs::create_dir_all(regression::folder())?;
    let path = regression::folder().join(format!("seed-{seed}.wat"));
    std::fs::write(path, regression::to_text(what, case, expected)?)?;
    Ok(())
}

fn one_line(text: &str) -> String {
    text.replace('\n', " ")
}
