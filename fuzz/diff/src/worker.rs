//! Checks a series of modules and reports each step as a line of text.
//!
//! A worker is a process of its own, because a wrong interpreter may well crash or
//! hang: whoever reads the lines knows which module it was at (see `main.rs`).

use std::io::{self, Write};
use std::time::Duration;

use crate::check::{Beside, Verdict, check, check_alone};
use crate::outcome::{Case, Outcome};
use crate::regression;
use crate::source::Source;

/// How long a failure is made smaller.
const SHRINKING: Duration = Duration::from_secs(120);

/// A number of modules and what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Modules on which Damson and the best judge agree.
    pub agreed: u64,
    /// Those of them on which wasmi agrees as well, where it is not the judge.
    pub both: u64,
    /// Those of them on which wasmi gives another outcome than Wasmtime and Damson.
    pub contradicted: u64,
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

    /// Adds what another process has counted.
    pub const fn add(&mut self, other: &Self) {
        self.agreed += other.agreed;
        self.both += other.both;
        self.contradicted += other.contradicted;
        self.inconclusive += other.inconclusive;
        self.failed += other.failed;
        self.digest ^= other.digest;
    }

    /// The numbers as the rest of a line.
    fn line(&self) -> String {
        let Self {
            agreed,
            both,
            contradicted,
            inconclusive,
            failed,
            digest,
        } = self;
        format!("{agreed} {both} {contradicted} {inconclusive} {failed} {digest}")
    }

    /// The numbers of such a line.
    ///
    /// # Errors
    ///
    /// When the line is another.
    pub fn from_line(line: &str) -> anyhow::Result<Self> {
        let counts: Vec<u64> = line.split(' ').map(str::parse).collect::<Result<_, _>>()?;
        let [agreed, both, contradicted, inconclusive, failed, digest] = counts[..] else {
            anyhow::bail!("expected six numbers, found `{line}`");
        };
        Ok(Self {
            agreed,
            both,
            contradicted,
            inconclusive,
            failed,
            digest,
        })
    }
}

/// Checks the modules with these numbers, `alone` without other engines. Writes a line
/// before each, one with its outcome or that it fails, and one at the end.
///
/// # Errors
///
/// When the lines, or a file of a failure, cannot be written.
pub fn work(seeds: impl Iterator<Item = u64>, store: bool, alone: bool) -> anyhow::Result<()> {
    // The lines say what happened; the text of every panic would hide them.
    std::panic::set_hook(Box::new(|_| {}));
    let mut out = io::stdout().lock();
    let check = if alone { check_alone } else { check };
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
            Verdict::Agreed { outcome, beside } => {
                tally.agreed += 1;
                tally.both += u64::from(beside == Beside::Agrees);
                if beside == Beside::Contradicts {
                    tally.contradicted += 1;
                    writeln!(
                        out,
                        "contradicted {seed}: wasmi alone gives another outcome"
                    )?;
                }
                let digest = outcome.digest();
                tally.add_to_digest(seed, digest);
                writeln!(out, "outcome {seed} {digest:#018x}")?;
            }
            Verdict::Inconclusive { why, outcome } => {
                tally.inconclusive += 1;
                let digest = outcome.digest();
                tally.add_to_digest(seed, digest);
                writeln!(out, "inconclusive {seed}: {}", one_line(&why))?;
                writeln!(out, "outcome {seed} {digest:#018x}")?;
            }
            Verdict::Failed {
                what,
                expected,
                with,
            } => {
                tally.failed += 1;
                writeln!(out, "failed {seed}: {}", one_line(&what))?;
                if store {
                    // Not into a failure of another sort, such as one of wasmi's own.
                    let fails = |case: &Case| check(case).failure() == Some(with);
                    let shrunk = source.shrunk(SHRINKING, fails);
                    let shrunk = shrunk.map(|case| (check(&case), case));
                    let (what, expected, case) = match shrunk {
                        Some((Verdict::Failed { what, expected, .. }, case)) => {
                            (what, expected, case)
                        }
                        _ => (what, expected, case),
                    };
                    keep(seed, &what, &case, &expected)?;
                }
            }
        }
    }
    #[cfg(feature = "count")]
    writeln!(out, "{}", crate::tiles::Executed::line())?;
    writeln!(out, "done {}", tally.line())?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_go_from_process_to_process() {
        let tally = Tally {
            agreed: 1,
            both: 2,
            contradicted: 3,
            inconclusive: 4,
            failed: 5,
            digest: u64::MAX,
        };
        assert_eq!(Tally::from_line(&tally.line()).expect("a line"), tally);
        assert!(Tally::from_line("1 2 3").is_err());
        let mut sum = tally;
        sum.add(&tally);
        assert_eq!((sum.agreed, sum.failed, sum.digest), (2, 10, 0));
    }
}
