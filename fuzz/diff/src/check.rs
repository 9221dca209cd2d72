//! One case on all engines.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::engine::damson::Mode;
use crate::known;
use crate::outcome::{Case, Outcome, Stop};

/// Enough for every case: what is generated ends soon.
const PLENTY: u64 = 1 << 40;

/// What the engines have to say about a case.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// They agree on this.
    Agreed(Outcome),
    /// Damson agrees with itself, but no other engine can tell whether it is right:
    /// they refuse the case, disagree with each other, or overflow their stack.
    Inconclusive {
        /// What the matter is.
        why: String,
        /// What Damson observed.
        outcome: Outcome,
    },
    /// Damson disagrees with the others, or with itself.
    Failed {
        /// Who disagrees, and in what.
        what: String,
        /// What should have been observed.
        expected: Outcome,
    },
}

/// Runs the case everywhere.
#[must_use]
pub fn check(case: &Case) -> Verdict {
    let (refused, oracles): (Vec<_>, Vec<_>) = oracles(case)
        .into_iter()
        .partition(|(_, outcome)| matches!(outcome, Outcome::Refused(_)));
    let eager = Mode::ALL[0];
    let outcome = match catch(|| eager.run(case, PLENTY)) {
        Ok((outcome, _)) => outcome,
        Err(message) => {
            let unknown = || Outcome::Refused("no other engine has run it".to_owned());
            return Verdict::Failed {
                what: format!("{}: panicked: {message}", eager.name),
                expected: oracles
                    .first()
                    .map_or_else(unknown, |(_, expected)| expected.clone()),
            };
        }
    };
    let doubt = doubt(case, &refused, &oracles, &outcome);
    if let (None, Some((_, expected))) = (&doubt, oracles.first())
        && let Some(what) = outcome.difference(expected)
    {
        return Verdict::Failed {
            what: format!("{}: {what} as expected", eager.name),
            expected: expected.clone(),
        };
    }
    match (differs(case, &outcome), doubt) {
        (Some(what), _) => Verdict::Failed {
            what,
            expected: outcome,
        },
        (None, Some(why)) => Verdict::Inconclusive { why, outcome },
        (None, None) => Verdict::Agreed(outcome),
    }
}

/// Why the other engines cannot tell whether the outcome is right.
fn doubt(
    case: &Case,
    refused: &[(&str, Outcome)],
    oracles: &[(&str, Outcome)],
    outcome: &Outcome,
) -> Option<String> {
    let Some((name, expected)) = oracles.first() else {
        return Some(match refused.first() {
            Some((name, refusal)) => format!("{name}: {}", refusal.lines().concat()),
            None => "no other engine is built in".to_owned(),
        });
    };
    if *name == "wasmi" && outcome != expected && known::is_right(case, outcome) {
        return Some("wasmi is known to be wrong, and Wasmtime to agree".to_owned());
    }
    // How much fits the stack differs between engines; our own programs need little.
    let overflow = |outcome: &Outcome| outcome.met(&Stop::STACK_OVERFLOW);
    if case.plain.is_none() && (overflow(expected) || overflow(outcome)) {
        return Some("a stack overflowed".to_owned());
    }
    (outcome != expected && changes_its_mind(case, expected))
        .then(|| "wasmi disagrees with itself".to_owned())
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

/// How Damson's outcome differs from the expected one in some mode.
#[must_use]
pub fn differs(case: &Case, expected: &Outcome) -> Option<String> {
    let mut cost = None;
    for mode in Mode::ALL {
        let name = mode.name;
        let (outcome, used) = match catch(|| mode.run(case, PLENTY)) {
            Ok(ran) => ran,
            Err(message) => return Some(format!("{name}: panicked: {message}")),
        };
        if let Some(what) = outcome.difference(expected) {
            return Some(format!("{name}: {what} as expected"));
        }
        if used > 0 {
            // What a program costs does not depend on when its code is made.
            let (first, first_used) = *cost.get_or_insert((name, used));
            if used != first_used {
                return Some(format!(
                    "{name}: used {used} fuel, and {first_used} when {first}"
                ));
            }
            if let Some(what) = cut_off(case, mode, &outcome, used) {
                return Some(what);
            }
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

/// What should be observed, by the first other engine that takes the case.
#[must_use]
pub fn expected(case: &Case) -> Outcome {
    oracles(case)
        .into_iter()
        .map(|(_, outcome)| outcome)
        .find(|outcome| !matches!(outcome, Outcome::Refused(_)))
        .unwrap_or_else(|| Outcome::Refused("no other engine has run it".to_owned()))
}

/// What the other engines observe: Wasmtime alone if it is there, as wasmi has
/// mistakes of its own, and otherwise wasmi.
fn oracles(case: &Case) -> Vec<(&'static str, Outcome)> {
    let mut all = Vec::new();
    let mut add = |name, run: fn(&Case) -> Outcome| {
        let outcome = catch(|| run(case))
            .unwrap_or_else(|message| Outcome::Refused(format!("it panics: {message}")));
        all.push((name, outcome));
    };
    #[cfg(feature = "wasmtime")]
    add("Wasmtime", crate::engine::wasmtime::observe_run);
    #[cfg(feature = "wasmi")]
    if cfg!(not(feature = "wasmtime")) {
        add("wasmi", crate::engine::wasmi::observe_run);
    }
    all
}
