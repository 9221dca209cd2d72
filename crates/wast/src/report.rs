//! What came of running a script.

use crate::messages::Row;
use core::fmt;
use std::collections::BTreeSet;

/// The outcome of one script.
///
/// Every assertion is counted once: as passed, among the failures or among the
/// skipped directives. These two also hold directives that assert nothing.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The name the script was run under, usually its file name.
    pub script: String,
    /// How many assertions held.
    pub passed: usize,
    /// Directives that did not do what the script says, in script order.
    pub failures: Vec<Failure>,
    /// Directives that were not executed, in script order.
    pub skipped: Vec<Skipped>,
    /// Rows of the [message table](crate::messages) without which an assertion
    /// would have failed.
    pub rows_used: BTreeSet<Row>,
}

impl Report {
    /// An empty report for the script called `script`.
    pub(crate) fn new(script: &str) -> Self {
        Self {
            script: script.to_owned(),
            ..Self::default()
        }
    }

    /// How many assertions the script contains: passed, failed and skipped ones.
    #[must_use]
    pub fn assertions(&self) -> usize {
        let failed = self.failures.iter().filter(|failure| failure.assertion);
        let skipped = self.skipped.iter().filter(|skipped| skipped.assertion);
        self.passed + failed.count() + skipped.count()
    }

    /// True if no directive failed; skipped ones are no failures.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.failures.is_empty()
    }
}

/// A directive that did not do what the script says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The line of the directive, counted from 1.
    pub line: usize,
    /// The column of the directive's keyword, in bytes, counted from 1.
    pub column: usize,
    /// True if the directive is an assertion (and so counts as one).
    pub assertion: bool,
    /// What was expected and what was found.
    pub message: String,
}

/// A directive that was not executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The line of the directive, counted from 1.
    pub line: usize,
    /// True if the directive is an assertion (and so counts as one).
    pub assertion: bool,
    /// Why it was not executed.
    pub reason: String,
}

/// One line per failed and skipped directive (`script:line:column: message`),
/// then a summary line.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let script = &self.script;
        for failure in &self.failures {
            let Failure {
                line,
                column,
                message,
                ..
            } = failure;
            writeln!(f, "{script}:{line}:{column}: failed: {message}")?;
        }
        for Skipped { line, reason, .. } in &self.skipped {
            writeln!(f, "{script}:{line}: skipped: {reason}")?;
        }
        write!(
            f,
            "{script}: {} assertions passed, {} directives failed, {} skipped",
            self.passed,
            self.failures.len(),
            self.skipped.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_names_the_place_and_sums_up() {
        let report = Report {
            script: "a.wast".into(),
            passed: 3,
            failures: vec![Failure {
                line: 7,
                column: 2,
                assertion: true,
                message: "expected 1, found 2".into(),
            }],
            skipped: vec![Skipped {
                line: 9,
                assertion: true,
                reason: "needs the threads proposal".into(),
            }],
            rows_used: BTreeSet::new(),
        };
        assert_eq!(
            report.to_string(),
            "a.wast:7:2: failed: expected 1, found 2\n\
             a.wast:9: skipped: needs the threads proposal\n\
             a.wast: 3 assertions passed, 1 directives failed, 1 skipped"
        );
        assert!(!report.is_success());
        assert_eq!(report.assertions(), 5);
    }

    #[test]
    fn only_assertions_are_counted() {
        let mut report = Report::new("a.wast");
        report.failures.push(Failure {
            line: 1,
            column: 2,
            assertion: false,
            message: "a module is rejected".into(),
        });
        assert_eq!(report.assertions(), 0);
        report.passed = 1;
        assert_eq!(report.assertions(), 1);
    }
}
