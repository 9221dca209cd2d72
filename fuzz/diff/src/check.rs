//! One case on all engines.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::engine::damson::Mode;
use crate::outcome::{Case, Outcome, Stop};

/// Enough for every case: what is generated ends soon.
const PLENTY: u64 = 1 << 40;

/// What the engines have to say about a case.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// They agree on this.
    Agreed(Outcome),
    /// The case shows nothing: the oracles disagree with each other or refuse it,
    /// or the stack was too small for some engine.
    Inconclusive(String),
    /// Damson disagrees with the others, or with itself.
    Failed {
        /// Who disagrees, and in what.
        what: String,
        /// What the oracle observed.
        expected: Outcome,
    },
}

/// Runs the case everywhere.
#[must_use]
pub fn check(case: &Case) -> Verdict {
    let (refused, oracles): (Vec<_>, Vec<_>) = oracles(case)
        .into_iter()
        .partition(|(_, outcome)| matches!(outcome, Outcome::Refused(_)));
    let Some((name, expected)) = oracles.first() else {
        return agrees_with_itself(case, &refused);
    };
    for (other_name, other) in &oracles[1..] {
        if let Some(what) = expected.difference(other) {
            return Verdict::Inconclusive(format!("{name} and {other_name} differ: {what}"));
        }
    }
    if expected.met(&Stop::STACK_OVERFLOW) {
        return Verdict::Inconclusive("the stack overflowed".to_owned());
    }
    match differs(case, expected) {
        None => Verdict::Agreed(expected.clone()),
        Some(_) if changes_its_mind(case, expected) => {
            Verdict::Inconclusive("wasmi disagrees with itself".to_owned())
        }
        Some(what) => Verdict::Failed {
            what,
            expected: expected.clone(),
        },
    }
}

/// Whether the oracle is wasmi alone and gives more than one outcome.
#[cfg(all(feature = "wasmi", not(feature = "wasmtime")))]
fn changes_its_mind(case: &Case, expected: &Outcome) -> bool {
    let again = catch(|| crate::engine::wasmi::second_opinion(case));
    again.is_ok_and(|again| again != *expected)
}

#[cfg(not(all(feature = "wasmi", not(feature = "wasmtime"))))]
const fn changes_its_mind(_: &Case, _: &Outcome) -> bool {
    false
}

/// Without an oracle Damson's modes must still agree with each other.
fn agrees_with_itself(case: &Case, refused: &[(&str, Outcome)]) -> Verdict {
    let expected = match catch(|| Mode::ALL[0].run(case, PLENTY)) {
        Ok((expected, _)) => expected,
        Err(message) => {
            let expected = Outcome::Refused("no other engine has run it".to_owned());
            return Verdict::Failed {
                what: format!("panicked: {message}"),
                expected,
            };
        }
    };
    match differs(case, &expected) {
        Some(what) => Verdict::Failed { what, expected },
        None => Verdict::Inconclusive(match refused.first() {
            Some((name, outcome)) => format!("{name}: {}", outcome.lines().concat()),
            None => "no other engine is built in".to_owned(),
        }),
    }
}

/// How Damson's outcome differs from the expected one in some mode.
#[must_use]
pub fn differs(case: &Case, expected: &Outcome) -> Option<String> {
    for mode in Mode::ALL {
        let name = mode.name;
        let (outcome, used) = match catch(|| mode.run(case, PLENTY)) {
            Ok(ran) => ran,
            Err(message) => return Some(format!("{name}: panicked: {message}")),
        };
        if let Some(what) = outcome.difference(expected) {
            return Some(format!("{name}: {what} as expected"));
        }
        if used > 0
            && let Some(what) = cut_off(case, mode, &outcome, used)
        {
            return Some(what);
        }
    }
    None
}

/// With exactly the fuel it needs a run is the same, with less it is cut off.
fn cut_off(case: &Case, mode: Mode, whole: &Outcome, used: u64) -> Option<String> {
    let name = mode.name;
    for fuel in [used, used - 1, used / 2] {
        let (outcome, now_used) = match catch(|| mode.run(case, fuel)) {
            Ok(ran) => ran,
            Err(message) => return Some(format!("{name}, fuel {fuel}: panicked: {message}")),
        };
        if fuel == used {
            if let Some(what) = outcome.difference(whole) {
                return Some(format!(
                    "{name}, fuel {fuel}, all it needs: {what} with more"
                ));
            }
            if now_used != used {
                return Some(format!("{name}: used {now_used} fuel instead of {used}"));
            }
        } else if !outcome.met(&Stop::OUT_OF_FUEL) {
            return Some(format!(
                "{name}: needs {used} fuel and did not run out of {fuel}"
            ));
        } else if !outcome.is_cut_off_from(whole) {
            let what = outcome.difference(whole).unwrap_or_default();
            return Some(format!(
                "{name}, fuel {fuel} of {used}: not how the run begins: {what}"
            ));
        }
    }
    None
}

fn catch<R>(run: impl FnOnce() -> R) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_else(|| "without a message".to_owned())
    })
}

/// What the other engines observe.
fn oracles(case: &Case) -> Vec<(&'static str, Outcome)> {
    let mut all = Vec::new();
    let mut add = |name, run: fn(&Case) -> Outcome| {
        let outcome = catch(|| run(case))
            .unwrap_or_else(|message| Outcome::Refused(format!("it panics: {message}")));
        all.push((name, outcome));
    };
    #[cfg(feature = "wasmi")]
    add("wasmi", crate::engine::wasmi::observe_run);
    #[cfg(feature = "wasmtime")]
    add("Wasmtime", crate::engine::wasmtime::observe_run);
    all
}
