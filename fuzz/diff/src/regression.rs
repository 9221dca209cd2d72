//! Failures that were found, as files: a module in text form under a header.
//!
//! ```text
//! ;; what went wrong when it was found
//! ;; call f1 i32:5 f64:0x0000000000000000
//! ;; expect instantiation = ()
//! ;; expect call 1 = (i32:6)
//! (module ...)
//! ```
//!
//! The expected lines are those of [`Outcome::lines`], as the other engines gave
//! them, so that replaying needs no other engine. Where none of them took the module, there
//! is one line, `expect that all modes agree`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::check::differs;
use crate::outcome::{Case, Outcome};
use crate::value::Values;

/// What stands for expected lines that nobody could say.
const AGREEMENT: &str = "expect that all modes agree";

/// The folder of the files.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../regressions")
}

/// The text of a file.
///
/// # Errors
///
/// When the module cannot be printed.
pub fn to_text(what: &str, case: &Case, expected: &Outcome) -> anyhow::Result<String> {
    let mut text = String::new();
    for line in what.lines() {
        writeln!(text, ";; {line}")?;
    }
    for (name, args) in &case.calls {
        let separator = if args.is_empty() { "" } else { " " };
        writeln!(text, ";; call {name}{separator}{}", Values(args))?;
    }
    match expected {
        // What nobody could say is not expected.
        Outcome::Refused(_) => writeln!(text, ";; {AGREEMENT}")?,
        known => {
            for line in known.lines() {
                writeln!(text, ";; expect {line}")?;
            }
        }
    }
    text.push_str(&wasmprinter::print_bytes(&case.wasm)?);
    Ok(text)
}

/// The case of a file, and what is expected: nothing if it is that all modes agree.
///
/// # Errors
///
/// When the file does not have the form described above.
pub fn from_text(text: &str) -> anyhow::Result<(Case, Vec<String>)> {
    let mut calls = Vec::new();
    let mut expected = Vec::new();
    let mut agreement = false;
    for line in text.lines().map_while(|line| line.strip_prefix(";; ")) {
        if line == AGREEMENT {
            agreement = true;
        } else if let Some(call) = line.strip_prefix("call ") {
            let mut words = call.split_whitespace();
            let name = words.next().context("a call names a function")?;
            let args = words.map(str::parse).collect::<Result<_, _>>()?;
            calls.push((name.to_owned(), args));
        } else if let Some(line) = line.strip_prefix("expect ") {
            expected.push(line.to_owned());
        }
    }
    anyhow::ensure!(agreement == expected.is_empty(), "nothing is expected");
    Ok((
        Case {
            wasm: wat::parse_str(text)?,
            plain: None,
            calls,
        },
        expected,
    ))
}

/// Runs a file on Damson in all modes.
///
/// # Errors
///
/// When the file is malformed or an outcome is not the expected one.
pub fn replay(text: &str) -> anyhow::Result<()> {
    let (case, expected) = from_text(text)?;
    let (outcome, _) = crate::engine::damson::Mode::ALL[0].run(&case, 0);
    let lines = outcome.lines();
    for (at, line) in expected.iter().enumerate() {
        let found = lines.get(at).map_or("nothing", String::as_str);
        anyhow::ensure!(found == line, "expected `{line}`, found `{found}`");
    }
    anyhow::ensure!(
        expected.is_empty() || lines.len() == expected.len(),
        "more was observed: {lines:?}"
    );
    match differs(&case, &outcome) {
        None => Ok(()),
        Some(what) => anyhow::bail!("{what}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::damson::Mode;
    use damson_generator::Program;

    #[test]
    fn all_files_replay() {
        let mut count = 0;
        for entry in std::fs::read_dir(folder()).expect("the folder is there") {
            let path = entry.expect("a file").path();
            if path.extension().is_some_and(|extension| extension == "wat") {
                let text = std::fs::read_to_string(&path).expect("a text file");
                if let Err(error) = replay(&text) {
                    panic!("{}: {error:#}", path.display());
                }
                count += 1;
            }
        }
        assert!(count > 0, "no regression in {}", folder().display());
    }

    #[test]
    fn what_nobody_could_say_is_that_all_modes_agree() {
        let case = Case::of(&damson_generator::Program::generate(7));
        let refused = Outcome::Refused("nobody takes it".to_owned());
        let text = to_text("an example", &case, &refused).expect("a valid module");
        replay(&text).expect("they agree");
        let silent = text.replacen(AGREEMENT, "", 1);
        replay(&silent).expect_err("nothing is expected");
    }

    #[test]
    fn a_file_replays_as_long_as_its_expectation_holds() {
        let case = Case::of(&Program::generate(3));
        let (outcome, _) = Mode::ALL[0].run(&case, 0);
        let text = to_text("an example", &case, &outcome).expect("a valid module");
        replay(&text).expect("what was observed");
        let wrong = text.replacen(";; expect call 1", ";; expect call 2", 1);
        assert_ne!(text, wrong);
        assert!(
            replay(&wrong)
                .expect_err("another outcome")
                .to_string()
                .contains("call 2")
        );
        let less = text
            .lines()
            .filter(|line| !line.contains("calls of the host"));
        replay(&less.collect::<Vec<_>>().join("\n")).expect_err("a line is missing");
    }
}
