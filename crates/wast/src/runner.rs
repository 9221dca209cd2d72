//! From the text of a script to its report.
//!
//! A script is parsed as a whole before anything runs: one that does not parse
//! reports a single failure at the place where parsing stopped.

use crate::Options;
use crate::directive;
use crate::report::{Failure, Report, Skipped};
use crate::session::{Session, Verdict};
use wast::lexer::Lexer;
use wast::parser::{self, ParseBuffer};
use wast::token::Span;
use wast::{Wast, WastDirective};

/// Runs spec test scripts, each in a fresh store.
#[derive(Debug, Clone, Default)]
pub struct Runner {
    options: Options,
}

impl Runner {
    /// A runner with these options.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { options }
    }

    /// Runs the script `source` and reports under `name`.
    ///
    /// Never panics and does not stop at the first failure. A script that cannot
    /// be parsed gives a report with one failure.
    #[must_use]
    pub fn run_script(&self, name: &str, source: &str) -> Report {
        let mut report = Report::new(name);
        if let Err(error) = self.run_into(source, &mut report) {
            let (line, column) = place(source, error.span());
            report.failures.push(Failure {
                line,
                column,
                assertion: false,
                message: format!("the script cannot be parsed: {}", error.message()),
            });
        }
        report
    }

    fn run_into(&self, source: &str, report: &mut Report) -> Result<(), wast::Error> {
        let mut lexer = Lexer::new(source);
        // The suite contains strings with bidirectional control characters.
        lexer.allow_confusing_unicode(true);
        let buffer = ParseBuffer::new_with_lexer(lexer)?;
        let script = parser::parse::<Wast<'_>>(&buffer)?;
        let mut session = match Session::new(&self.options) {
            Ok(session) => session,
            Err(message) => {
                report.failures.push(Failure {
                    line: 1,
                    column: 1,
                    assertion: false,
                    message,
                });
                return Ok(());
            }
        };
        for directive in script.directives {
            run_directive(&mut session, directive, source, report);
        }
        Ok(())
    }
}

/// Executes one directive and books its verdict.
fn run_directive(
    session: &mut Session<'_>,
    directive: WastDirective<'_>,
    source: &str,
    report: &mut Report,
) {
    let span = directive.span();
    let assertion = directive::is_assertion(&directive);
    match directive::execute(session, directive) {
        Ok(row) => {
            report.rows_used.extend(row);
            report.passed += usize::from(assertion);
        }
        Err(Verdict::Fail(message)) => {
            let (line, column) = place(source, span);
            report.failures.push(Failure {
                line,
                column,
                assertion,
                message,
            });
        }
        Err(Verdict::Skip(reason)) => {
            let (line, _) = place(source, span);
            report.skipped.push(Skipped {
                line,
                assertion,
                reason,
            });
        }
    }
}

/// Line and column of `span`, counted from 1.
///
/// Linear in the source, so it is computed only for what gets reported.
fn place(source: &str, span: Span) -> (usize, usize) {
    let (line, column) = span.linecol_in(source);
    (line + 1, column + 1)
}
