//! Modules that wasmi 2.0.0 runs wrongly.
//!
//! The quick run must not build Wasmtime, and it has the same modules every time.
//! Where wasmi contradicts Damson there, the module was shrunk, Wasmtime was asked
//! about the result, and it agreed with Damson. The outcome is then noted in
//! `wasmi-is-wrong.txt`, one line for each module: the hash of the module and the
//! digest of the outcome, which Damson must go on to give.
//!
//! `damson-diff --note SEED` prints a line from what Damson gives. It belongs in the
//! file only when Wasmtime says the same (`--show SEED` with the feature `wasmtime`).

use crate::outcome::{Case, FNV_START, Outcome, fnv};

/// Whether this is the outcome that was noted.
#[must_use]
pub fn is_right(case: &Case, outcome: &Outcome) -> bool {
    is_among(lines(), case, outcome)
}

fn is_among<'a>(mut lines: impl Iterator<Item = &'a str>, case: &Case, outcome: &Outcome) -> bool {
    lines.any(|line| line == note(case, outcome))
}

/// The line for a module and its outcome.
#[must_use]
pub fn note(case: &Case, outcome: &Outcome) -> String {
    let module = fnv(FNV_START, &case.wasm);
    format!("{module:016x} {:016x}", outcome.digest())
}

fn lines() -> impl Iterator<Item = &'static str> {
    include_str!("../wasmi-is-wrong.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use damson_generator::Program;

    #[test]
    fn only_the_noted_outcome_is_right() {
        let case = Case::of(&Program::generate(1));
        let outcome = Outcome::Refused("an example".to_owned());
        assert!(!is_right(&case, &outcome));
        let noted = [note(&case, &outcome)];
        let noted = || noted.iter().map(String::as_str);
        assert!(is_among(noted(), &case, &outcome));
        let other = Outcome::Refused("another".to_owned());
        assert!(!is_among(noted(), &case, &other));
        for line in lines() {
            let words: Vec<_> = line
                .split(' ')
                .map(|word| u64::from_str_radix(word, 16))
                .collect();
            assert!(
                words.len() == 2 && words.iter().all(Result::is_ok),
                "{line}"
            );
        }
    }
}
