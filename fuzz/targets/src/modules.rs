//! Targets whose input is a module: bytes, or what bytes stand for.

use damson_diff::check::{Verdict, check};
use damson_diff::engine::damson::Mode;
use damson_diff::input;
use damson_diff::outcome::{Case, Outcome, Stop};
use damson_translator::{Config, Error, Module, validate};

/// Arbitrary bytes: a module or an error. What validates is also translated.
pub fn parse(bytes: &[u8]) {
    let config = Config::default();
    let valid = validate(bytes, &config);
    let Ok(module) = Module::parse(bytes, &config) else {
        assert!(valid.is_err(), "a valid module is not parsed");
        return;
    };
    let mut bodies = true;
    for func in module.defined_funcs() {
        let translated = module.translate(func);
        if module.validate_body(func).is_err() {
            bodies = false;
            assert!(
                translated.is_err(),
                "function {func} is translated though invalid"
            );
            continue;
        }
        match translated {
            Ok(code) => {
                code.verify(module.shape(), func)
                    .expect("bytecode that may be run");
            }
            // What the bytecode cannot express, as the documentation says.
            Err(Error::Limit { .. }) => {}
            Err(error) => panic!("function {func} is valid and not translated: {error}"),
        }
    }
    assert_eq!(
        valid.is_ok(),
        bodies,
        "validation as a whole and by function differ"
    );
}

/// A module of a generator, as it is and without what makes it end: every function is
/// translated, and the bytecode verifier accepts the result.
///
/// What makes modules end stands at the head of most loops, so that it hides what a loop
/// begins with.
pub fn translate(bytes: &[u8]) {
    for case in [input::case(bytes), input::endless(bytes)] {
        let Some(case) = case else { continue };
        for (consume_fuel, epoch_interruption) in [(false, false), (true, false), (false, true)] {
            let mut config = Config::default();
            config.consume_fuel = consume_fuel;
            config.epoch_interruption = epoch_interruption;
            let module = Module::parse(&case.wasm, &config).expect("a valid module");
            for func in module.defined_funcs() {
                let code = module.translate(func).expect("a valid function");
                code.verify(module.shape(), func)
                    .expect("bytecode that may be run");
            }
        }
    }
}

/// A module of a generator of which nothing but fuel makes loops and recursion end: it ends,
/// and at the same place whenever its code is made.
pub fn execute(bytes: &[u8]) {
    run_endless(bytes);
}

fn run_endless(bytes: &[u8]) -> Option<Outcome> {
    let case = input::endless(bytes)?;
    let [eager, lazy] = Mode::METERED.map(|mode| {
        let (outcome, used) = mode.run(&case, FUEL);
        assert!(used <= FUEL, "{}: {used} of {FUEL}", mode.name);
        (outcome, used)
    });
    if let Some(what) = eager.0.difference(&lazy.0) {
        panic!("eager against lazy: {what}");
    }
    assert_eq!(eager.1, lazy.1, "the same costs other fuel");
    let Outcome::Ran { ended, .. } = &eager.0 else {
        panic!("a valid module is refused: {:?}", eager.0);
    };
    let other = |stop: &Stop| matches!(stop, Stop::Other(_));
    let wrong = ended
        .iter()
        .filter_map(|end| end.as_ref().err())
        .find(|stop| other(stop));
    assert!(wrong.is_none(), "{wrong:?}");
    Some(eager.0)
}

const FUEL: u64 = 100_000;

/// A module of a generator on all engines.
pub fn differential(bytes: &[u8]) {
    if let Some(case) = input::case(bytes) {
        assert_agreed(&case);
    }
}

fn assert_agreed(case: &Case) {
    if let Verdict::Failed { what, .. } = check(case) {
        panic!("{what}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_seeds(target: fn(&[u8]), count: u64) {
        for seed in 0..count {
            target(&damson_generator::bytes(
                seed,
                200 + (seed % 10) as usize * 300,
            ));
        }
    }

    /// Modules with a few bytes changed: most get past the header.
    #[test]
    fn parse_survives_damaged_modules() {
        for seed in 0..300 {
            let Some(case) = input::case(&damson_generator::bytes(seed, 2000)) else {
                continue;
            };
            parse(&case.wasm);
            for round in 0..20 {
                let mut wasm = case.wasm.clone();
                for change in damson_generator::bytes(seed << 8 | round, 9).chunks(3) {
                    let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % wasm.len();
                    wasm[at] = change[2];
                }
                parse(&wasm);
            }
        }
    }

    #[test]
    fn translate_gives_verified_code() {
        on_seeds(translate, 400);
    }

    /// By fuel, not because all modules end anyway.
    #[test]
    fn execute_ends() {
        let (mut modules, mut cut_off) = (0, 0);
        for seed in 0..400 {
            let bytes = damson_generator::bytes(seed, 200 + (seed % 10) as usize * 300);
            if let Some(outcome) = run_endless(&bytes) {
                modules += 1;
                cut_off += usize::from(outcome.met(&Stop::OUT_OF_FUEL));
            }
        }
        assert!(modules > 300 && cut_off > 40, "{cut_off} of {modules}");
    }

    /// One that goes back to its beginning, one that calls itself.
    #[test]
    fn nothing_but_fuel_ends_an_endless_module() {
        let ends = [0, 3].map(|whose| {
            (0..40)
                .filter_map(|seed| {
                    let mut bytes = damson_generator::bytes(seed, 3000);
                    bytes[0] = whose;
                    run_endless(&bytes)
                })
                .filter(|outcome| outcome.met(&Stop::OUT_OF_FUEL))
                .count()
        });
        assert!(ends.iter().all(|count| *count > 0), "{ends:?}");
    }

    #[test]
    fn differential_agrees() {
        on_seeds(differential, 200);
    }
}
