//! Sums of what the test runners report.
//!
//! Each test binary, and each run of documentation tests, closes with a line
//! `test result: ok. 3 passed; 0 failed; ...`. A test that runs in several
//! steps (debug, release) is counted in each of them.

use std::fmt;

/// How many test runs passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Counts {
    /// Adds what a line of a test runner's output reports, if it is a closing
    /// line.
    pub(crate) fn read(&mut self, line: &str) {
        let Some(result) = line.trim().strip_prefix("test result: ") else {
            return;
        };
        for part in result.split([';', '.']) {
            let mut words = part.split_whitespace();
            let Some(Ok(count)) = words.next().map(str::parse::<u64>) else {
                continue;
            };
            match words.next() {
                Some("passed") => self.passed += count,
                Some("failed") => self.failed += count,
                _ => {}
            }
        }
    }

    /// Adds the counts of another run.
    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_the_closing_lines_and_nothing_else() {
        let output = "\
running 3 tests
test a ... ok
test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 9 filtered out; finished in 0.02s

test result: FAILED. 12 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.50s
a test that prints test result: ok. 100 passed
all doctests ran in 0.39s; merged doctests compilation took 0.38s
";
        let mut counts = Counts::default();
        output.lines().for_each(|line| counts.read(line));
        assert_eq!(
            counts,
            Counts {
                passed: 15,
                failed: 2
            }
        );
        assert_eq!(counts.to_string(), "15 passed, 2 failed");
    }

    #[test]
    fn adds_runs() {
        let mut sum = Counts {
            passed: 1,
            failed: 0,
        };
        sum.add(Counts {
            passed: 2,
            failed: 3,
        });
        assert_eq!(
            sum,
            Counts {
                passed: 3,
                failed: 3
            }
        );
    }
}
