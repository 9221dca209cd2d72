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
    /// They agree.
    Agreed {
        /// On this.
        outcome: Outcome,
        /// What wasmi has to say where there is a better judge.
        beside: Beside,
    },
    /// Damson agrees with itself, but no other engine can tell whether it is right:
    /// they refuse the case, contradict themselves, or overflow their stack.
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
        /// With whom.
        with: Party,
    },
}

/// What wasmi says of a case on which Wasmtime and Damson agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beside {
    /// It agrees, too.
    Agrees,
    /// It gives another outcome: it has mistakes of its own.
    Contradicts,
    /// Nothing: it was not asked, or did not run the case.
    Silent,
}

/// With whom Damson disagrees. A failure must not become another one while it is
/// made smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Party {
    /// With itself: it panics, refuses what is valid, or its modes differ.
    Itself,
    /// With another engine.
    Another,
}

impl Verdict {
    /// With whom Damson disagrees, if it does.
    #[must_use]
    pub const fn failure(&self) -> Option<Party> {
        match self {
            Self::Failed { with, .. } => Some(*with),
            _ => None,
        }
    }
}

/// Runs the case everywhere.
#[must_use]
pub fn check(case: &Case) -> Verdict {
    judge(case, oracles(case))
}

/// Runs the case on Damson alone, in all its modes.
#[must_use]
pub fn check_alone(case: &Case) -> Verdict {
    judge(case, Vec::new())
}

/// Compares Damson with itself and with what other engines have observed, the best
/// judge first.
fn judge(case: &Case, oracles: Vec<(&'static str, Outcome)>) -> Verdict {
    let (refused, oracles): (Vec<_>, Vec<_>) = oracles
        .into_iter()
        .partition(|(_, outcome)| matches!(outcome, Outcome::Refused(_)));
    let eager = Mode::ALL[0];
    let wrong = |what| Verdict::Failed {
        what: format!("{}: {what}", eager.name),
        expected: oracles.first().map_or_else(
            || Outcome::Refused("no other engine has run it".to_owned()),
            |(_, expected)| expected.clone(),
        ),
        with: Party::Itself,
    };
    let outcome = match catch(|| eager.run(case, PLENTY)) {
        // Whoever made the module made a valid one.
        Ok((Outcome::Refused(why), _)) => return wrong(format!("refused: {why}")),
        Ok((outcome, _)) => outcome,
        Err(message) => return wrong(format!("panicked: {message}")),
    };
    let doubt = doubt(case, &refused, &oracles, &outcome);
    if let (None, Some((_, expected))) = (&doubt, oracles.first())
        && let Some(what) = outcome.difference(expected)
    {
        return Verdict::Failed {
            what: format!("{}: {what} as expected", eager.name),
            expected: expected.clone(),
            with: Party::Another,
        };
    }
    match (differs(case, &outcome), doubt) {
        (Some(what), _) => Verdict::Failed {
            what,
            expected: outcome,
            with: Party::Itself,
        },
        (None, Some(why)) => Verdict::Inconclusive { why, outcome },
        (None, None) => {
            let beside = match oracles.get(1) {
                Some((_, other)) if *other == outcome => Beside::Agrees,
                Some(_) => Beside::Contradicts,
                None => Beside::Silent,
            };
            Verdict::Agreed { outcome, beside }
        }
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
            None => "no other engine is asked".to_owned(),
        });
    };
    // How much fits the stack differs between engines; our own programs need little.
    let overflow = |outcome: &Outcome| outcome.met(&Stop::STACK_OVERFLOW);
    if case.plain.is_none() && (overflow(expected) || overflow(outcome)) {
        return Some("a stack overflowed".to_owned());
    }
    if *name != "wasmi" || outcome == expected {
        return None;
    }
    // Nobody but wasmi says otherwise, which is wrong about some modules.
    if known::is_right(case, outcome) {
        return Some("wasmi is known to be wrong, and Wasmtime to agree".to_owned());
    }
    excuse(case, outcome).map(str::to_owned)
}

/// Why wasmi may give another outcome than Damson's without one of Damson's mistakes.
#[cfg(feature = "wasmi")]
fn excuse(case: &Case, outcome: &Outcome) -> Option<&'static str> {
    use crate::engine::wasmi::{is_mistranslated, second_opinion};
    if case.plain.is_none() && is_mistranslated(&case.wasm) {
        return Some("wasmi mistranslates such code");
    }
    // Only an opinion that is Damson's speaks for Damson.
    let again = catch(|| second_opinion(case));
    again
        .is_ok_and(|again| again == *outcome)
        .then_some("wasmi disagrees with itself")
}

#[cfg(not(feature = "wasmi"))]
const fn excuse(_: &Case, _: &Outcome) -> Option<&'static str> {
    None
}

/// How Damson's outcome differs from the expected one in some mode.
#[must_use]
pub fn differs(case: &Case, expected: &Outcome) -> Option<String> {
    let mut metered: Option<Metered> = None;
    for mode in Mode::ALL {
        let name = mode.name;
        let (outcome, used) = match catch(|| mode.run(case, PLENTY)) {
            Ok(ran) => ran,
            Err(message) => return Some(format!("{name}: panicked: {message}")),
        };
        if let Some(what) = outcome.difference(expected) {
            return Some(format!("{name}: {what} as expected"));
        }
        if used == 0 {
            if mode.exact && metered.is_some() {
                return Some(format!("{name}: used no fuel"));
            }
            continue;
        }
        let cut_off = match cut_off(case, mode, &outcome, used) {
            Ok(cut_off) => cut_off,
            Err(what) => return Some(what),
        };
        if mode.exact {
            let most = metered.as_ref().map_or(u64::MAX, |first| first.used);
            if used > most {
                return Some(format!("{name}: used {used} fuel, more than {most}"));
            }
            continue;
        }
        // What a program costs, and how far it comes, does not depend on when its code
        // is made.
        let Some(first) = &metered else {
            metered = Some(Metered {
                name,
                used,
                cut_off,
            });
            continue;
        };
        if used != first.used {
            let (other, first) = (first.name, first.used);
            return Some(format!(
                "{name}: used {used} fuel, and {first} when {other}"
            ));
        }
        for ((fuel, here), (_, there)) in cut_off.iter().zip(&first.cut_off) {
            if let Some(what) = here.difference(there) {
                let other = first.name;
                return Some(format!(
                    "{name}, fuel {fuel} of {used}: {what} when {other}"
                ));
            }
        }
    }
    None
}

/// What a mode that meters has come to.
struct Metered {
    name: &'static str,
    used: u64,
    /// The fuel, and the outcome with no more than that.
    cut_off: Vec<(u64, Outcome)>,
}

/// With exactly the fuel it needs a run is the same, with less it is cut off. Gives the
/// outcomes of the latter.
fn cut_off(
    case: &Case,
    mode: Mode,
    whole: &Outcome,
    used: u64,
) -> Result<Vec<(u64, Outcome)>, String> {
    let name = mode.name;
    let mut outcomes = Vec::new();
    for fuel in [used, used - 1, used / 2] {
        let (outcome, now_used) = catch(|| mode.run(case, fuel))
            .map_err(|message| format!("{name}, fuel {fuel}: panicked: {message}"))?;
        if fuel == used {
            if let Some(what) = outcome.difference(whole) {
                return Err(format!(
                    "{name}, fuel {fuel}, all it needs: {what} with more"
                ));
            }
            if now_used != used {
                return Err(format!("{name}: used {now_used} fuel instead of {used}"));
            }
            continue;
        }
        if !outcome.met(&Stop::OUT_OF_FUEL) {
            return Err(format!(
                "{name}: needs {used} fuel and did not run out of {fuel}"
            ));
        }
        if !outcome.is_cut_off_from(whole) {
            let what = outcome.difference(whole).unwrap_or_default();
            return Err(format!(
                "{name}, fuel {fuel} of {used}: not how the run begins: {what}"
            ));
        }
        outcomes.push((fuel, outcome));
    }
    Ok(outcomes)
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

/// What the other engines observe, the best judge first: wasmi has mistakes of its own.
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
    add("wasmi", crate::engine::wasmi::observe_run);
    all
}

#[cfg(test)]
mod tests {
    use damson_generator::{Const, Program};

    use super::*;
    use crate::regression;

    fn case(text: &str) -> Case {
        Case {
            wasm: wat::parse_str(text).expect("a valid text"),
            plain: None,
            calls: vec![("f".to_owned(), vec![Const::I32(1).into()])],
        }
    }

    fn right(case: &Case) -> Outcome {
        Mode::ALL[0].run(case, 0).0
    }

    /// Another outcome than that of `case`.
    fn other() -> Outcome {
        let case = case("(module (func (export \"f\") (param i32) (result i32) i32.const 77))");
        right(&case)
    }

    #[test]
    fn whoever_judges_best_decides() {
        let case = case("(module (func (export \"f\") (param i32) (result i32) local.get 0))");
        let (right, wrong) = (right(&case), other());
        let refused = Outcome::Refused("an example".to_owned());
        let verdict = |wasmtime: &Outcome, wasmi: &Outcome| {
            let oracles = vec![("Wasmtime", wasmtime.clone()), ("wasmi", wasmi.clone())];
            judge(&case, oracles)
        };
        let beside = |verdict| match verdict {
            Verdict::Agreed { beside, .. } => Some(beside),
            _ => None,
        };
        assert_eq!(beside(verdict(&right, &right)), Some(Beside::Agrees));
        assert_eq!(beside(verdict(&right, &wrong)), Some(Beside::Contradicts));
        assert_eq!(beside(verdict(&right, &refused)), Some(Beside::Silent));
        assert_eq!(beside(verdict(&refused, &right)), Some(Beside::Silent));
        for verdict in [verdict(&wrong, &right), verdict(&wrong, &wrong)] {
            assert_eq!(verdict.failure(), Some(Party::Another));
        }
        let nobody = verdict(&refused, &refused);
        assert!(matches!(nobody, Verdict::Inconclusive { .. }));
        let alone = check_alone(&case);
        assert!(matches!(alone, Verdict::Inconclusive { .. }));
    }

    #[test]
    fn a_refusal_is_a_failure() {
        let mut case = case("(module)");
        case.wasm[4] = 9;
        let refused = Outcome::Refused("an example".to_owned());
        let verdict = judge(&case, vec![("wasmi", refused)]);
        assert_eq!(verdict.failure(), Some(Party::Itself));
    }

    /// What wasmi says of code that it mistranslates is no evidence; of other code it is,
    /// unless it says something else when it is asked again, and that is Damson's outcome.
    #[cfg(feature = "wasmi")]
    #[test]
    fn wasmi_is_doubted_only_where_it_is_known_to_be_wrong() {
        let doubted = case(
            "(module (func (export \"f\") (param i32) (result i32)
               i32.const 5 local.get 0 (if (param i32) (result i32) (then) (else))))",
        );
        let verdict = judge(&doubted, vec![("wasmi", other())]);
        assert!(
            matches!(&verdict, Verdict::Inconclusive { why, .. } if why.contains("mistranslates")),
            "{verdict:?}"
        );
        // Where they agree it counts.
        let verdict = judge(&doubted, vec![("wasmi", right(&doubted))]);
        assert!(matches!(verdict, Verdict::Agreed { .. }), "{verdict:?}");
        let plain = "(module (func (export \"f\") (param i32) (result i32) i32.const 3))";
        let mut case = case(plain);
        let verdict = judge(&case, vec![("wasmi", other())]);
        assert!(
            matches!(&verdict, Verdict::Inconclusive { why, .. } if why.contains("with itself")),
            "{verdict:?}"
        );
        // When it repeats what it said, or says a third thing, that is its opinion.
        let expected = right(&case);
        case.wasm = wat::parse_str(plain.replace("const 3", "const 4")).expect("a valid text");
        assert_eq!(excuse(&case, &expected), None);
    }

    #[cfg(feature = "wasmi")]
    #[test]
    fn modules_are_compared() {
        let agreed = (0..60)
            .map(|seed| Case::of(&Program::generate(seed)))
            .filter(|case| matches!(check(case), Verdict::Agreed { .. }))
            .count();
        assert!(agreed >= 55, "{agreed} of 60");
        let text = include_str!("../../regressions/if-with-parameters.wat");
        let (case, _) = regression::from_text(text).expect("a regression");
        let verdict = check(&case);
        assert_eq!(verdict.failure(), None, "{verdict:?}");
    }

    /// What is stored as wasmi's mistakes are such: else somebody blamed it for ours. Not all
    /// show each time, as it reads what nothing has written.
    #[cfg(feature = "wasmi")]
    #[test]
    fn stored_mistakes_of_wasmi_are_wasmis() {
        let mut count = 0;
        for entry in std::fs::read_dir(regression::folder()).expect("the folder is there") {
            let path = entry.expect("a file").path();
            let Ok(text) = std::fs::read_to_string(&path) else {
                continue;
            };
            if text.starts_with(";; wasmi 2.0.0 ") {
                let (case, expected) = regression::from_text(&text).expect("a regression");
                let found = crate::engine::wasmi::second_opinion(&case);
                count += u32::from(found.lines() != expected);
            }
        }
        assert!(count > 0, "wasmi is right about all of them");
    }

    #[test]
    fn modes_agree_on_where_fuel_ends() {
        let case = case(
            "(module (memory (export \"memory\") 1)
               (func (export \"f\") (param i32) (result i32)
                 (loop (i32.store8 (local.get 0) (i32.const 1))
                   (local.set 0 (i32.add (local.get 0) (i32.const 1)))
                   (br_if 0 (i32.lt_u (local.get 0) (i32.const 60))))
                 local.get 0))",
        );
        let whole = right(&case);
        assert_eq!(differs(&case, &whole), None);
        let mode = Mode::METERED[0];
        let (_, used) = mode.run(&case, PLENTY);
        let cut_off = cut_off(&case, mode, &whole, used).expect("a run that can be cut off");
        assert_eq!(cut_off.len(), 2);
        assert_ne!(cut_off[0].1, cut_off[1].1);
    }
}
