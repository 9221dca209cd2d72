//! The list of directives that do not pass, `listed.txt`.
//!
//! A line is `GROUP/SCRIPT:LINE KIND REASON`, where KIND is `skipped` (the
//! directive is not executed) or `superseded` (it is executed and fails, because
//! a later version of the specification decided otherwise). Empty lines and lines
//! that begin with `#` are comments.
//!
//! The list can only shrink: a directive that does not pass and is not listed
//! fails the test, and so does a listed one that passes.

use damson_wast::Report;
use std::collections::BTreeMap;

const LIST: &str = include_str!("listed.txt");

/// Why a listed directive does not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It is not executed.
    Skipped,
    /// It is executed, and fails as later versions of the specification want.
    Superseded,
}

/// The listed directives of one group, by script and line.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    entries: BTreeMap<(String, usize), Kind>,
}

impl Listed {
    /// The entries of the group called `name`.
    pub(crate) fn of_group(name: &str) -> Self {
        Self::parse(LIST, name)
    }

    fn parse(list: &str, group: &str) -> Self {
        let mut entries = BTreeMap::new();
        for line in list.lines().map(str::trim) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (place, kind) = parse_entry(line).unwrap_or_else(|| {
                panic!("expected `GROUP/SCRIPT:LINE KIND REASON`, found {line:?}")
            });
            if place.group == group {
                let old = entries.insert((place.script.to_owned(), place.line), kind);
                assert!(old.is_none(), "listed twice: {line:?}");
            }
        }
        Self { entries }
    }

    /// Strikes out what `report` shows not to pass, and returns what is wrong:
    /// directives that do not pass for a reason that is not listed.
    pub(crate) fn strike_out(&mut self, report: &Report) -> Vec<String> {
        let script = &report.script;
        let failures = report
            .failures
            .iter()
            .map(|failure| (failure.line, Kind::Superseded, "failed", &failure.message));
        let skipped = report
            .skipped
            .iter()
            .map(|skipped| (skipped.line, Kind::Skipped, "skipped", &skipped.reason));
        let mut unlisted = Vec::new();
        for (line, kind, word, text) in failures.chain(skipped) {
            let key = (script.clone(), line);
            if self.entries.get(&key) == Some(&kind) {
                self.entries.remove(&key);
            } else {
                unlisted.push(format!(
                    "{script}:{line}: {word}, but not listed so: {text}"
                ));
            }
        }
        unlisted
    }

    /// What was not struck out, and so passes although it is listed.
    pub(crate) fn leftovers(&self) -> Vec<String> {
        self.entries
            .iter()
            .map(|((script, line), kind)| {
                format!(
                    "{script}:{line}: listed as {kind:?}, but it passes: delete it from the list"
                )
            })
            .collect()
    }
}

struct Place<'a> {
    group: &'a str,
    script: &'a str,
    line: usize,
}

fn parse_entry(entry: &str) -> Option<(Place<'_>, Kind)> {
    let (place, rest) = entry.split_once(' ')?;
    let (kind, reason) = rest.trim_start().split_once(' ')?;
    let kind = match kind {
        "skipped" => Kind::Skipped,
        "superseded" => Kind::Superseded,
        _ => return None,
    };
    if reason.trim().is_empty() {
        return None;
    }
    let (group, rest) = place.split_once('/')?;
    let (script, line) = rest.rsplit_once(':')?;
    let line = line.parse().ok()?;
    Some((
        Place {
            group,
            script,
            line,
        },
        kind,
    ))
}

#[test]
fn unlisted_and_passing_directives_are_found() {
    let list = "# comment\n\ng/a.wast:3 skipped because\ng/a.wast:5 superseded because\nh/a.wast:1 skipped because\n";
    let mut listed = Listed::parse(list, "g");
    assert_eq!(listed.entries.len(), 2);
    let script = "(assert_return (invoke \"f\"))\n\n(assert_exception (invoke \"f\"))\n";
    let mut report = damson_wast::Runner::default().run_script("a.wast", script);
    // Line 1 fails and is not listed; line 3 is skipped and listed; line 5 is
    // listed and does not even exist.
    assert_eq!(listed.strike_out(&report).len(), 1);
    assert_eq!(listed.leftovers().len(), 1);
    // Being listed as superseded does not allow to skip.
    report.failures.clear();
    let mut listed = Listed::parse("g/a.wast:3 superseded because", "g");
    assert_eq!(listed.strike_out(&report).len(), 1);
    assert_eq!(listed.leftovers().len(), 1);
}

#[test]
#[should_panic(expected = "expected `GROUP/SCRIPT:LINE KIND REASON`")]
fn an_entry_without_a_reason_is_refused() {
    Listed::parse("g/a.wast:3 skipped", "g");
}
