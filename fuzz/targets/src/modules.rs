//! Targets whose input is a module: bytes, or what bytes stand for.

use damson_diff::check::{Verdict, check};
use damson_diff::engine::damson::Mode;
use damson_diff::input;
use damson_diff::outcome::{Case, Stop};
use damson_translator::{Config, Module, validate};

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
        let body = module.validate_body(func);
        if body.is_err() {
            bodies = false;
            let translated = module.translate(func);
            assert!(
                translated.is_err(),
                "function {func} is translated though invalid"
            );
        }
    }
    assert_eq!(
        valid.is_ok(),
        bodies,
        "validation as a whole and by function differ"
    );
}

/// A module of `wasm-smith`: every function is translated, and the bytecode
/// verifier accepts the result.
pub fn translate(bytes: &[u8]) {
    let Some(case) = input::case(bytes) else {
        return;
    };
    for consume_fuel in [false, true] {
        let mut config = Config::default();
        config.consume_fuel = consume_fuel;
        let module = Module::parse(&case.wasm, &config).expect("a valid module");
        for func in module.defined_funcs() {
            let code = module.translate(func).expect("a valid function");
            code.verify(module.shape(), func)
                .expect("bytecode that may be run");
        }
    }
}

/// A module of `wasm-smith`, run with little fuel: it ends.
pub fn execute(bytes: &[u8]) {
    let Some(case) = input::case(bytes) else {
        return;
    };
    let (outcome, used) = Mode::METERED.run(&case, FUEL);
    assert!(used <= FUEL);
    let other = |stop: &Stop| matches!(stop, Stop::Other(_));
    if let damson_diff::outcome::Outcome::Ran { ended, .. } = &outcome {
        let wrong = ended
            .iter()
            .filter_map(|end| end.as_ref().err())
            .find(|stop| other(stop));
        assert!(wrong.is_none(), "{wrong:?}");
    }
}

const FUEL: u64 = 1_000_000;

/// A module of `wasm-smith` on all engines.
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

    #[test]
    fn execute_ends() {
        on_seeds(execute, 400);
    }

    #[test]
    fn differential_agrees() {
        on_seeds(differential, 200);
    }
}
