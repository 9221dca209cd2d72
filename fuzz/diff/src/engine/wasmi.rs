//! wasmi.
//!
//! wasmi 2.0.0 mistranslates
//!
//! - some `if` with parameters and an `else`: values on the operand stack get mixed
//!   up (a build with debug assertions panics: "a register operand already exists on
//!   the stack");
//! - some `select` whose condition is an `i32.eqz`: it gives the wrong operand, as in
//!   `(select (f32.const 0) (f32.const 1) (i32.eqz (local.get 0)))` for the local 1.
//!
//! and it reads stack slots that nothing has written, so that the same call may give
//! another result after other calls.
//!
//! It gets programs without the first two where there is such a form, and otherwise
//! abstains; where it disagrees, it is asked again about the original form.

use std::thread;

use wasmparser::{BlockType, Operator, Parser, Payload};

use super::embedder::embedder;

embedder!(wasmi);

/// Runs the case on wasmi.
#[must_use]
pub fn observe_run(case: &Case) -> Outcome {
    match &case.plain {
        Some(plain) => bounded_run(case, plain),
        None if is_mistranslated(&case.wasm) => {
            Outcome::Refused("wasmi mistranslates such code".to_owned())
        }
        None => bounded_run(case, &case.wasm),
    }
}

/// Runs the case in its original form.
#[must_use]
pub fn second_opinion(case: &Case) -> Outcome {
    bounded_run(case, &case.wasm)
}

fn bounded_run(case: &Case, wasm: &[u8]) -> Outcome {
    let mut config = Config::default();
    config
        .compilation_mode(wasmi::CompilationMode::Eager)
        .consume_fuel(true);
    // Its handlers do not always end in jumps, so that it needs a large stack.
    let run = || run(case, wasm, &config, Some(FUEL_LIMIT)).0;
    let outcome = thread::scope(|scope| {
        let builder = thread::Builder::new().stack_size(STACK);
        builder.spawn_scoped(scope, run).expect("a thread").join()
    });
    match outcome {
        Ok(outcome) if outcome.met(&Stop::OUT_OF_FUEL) => {
            Outcome::Refused("wasmi does not come to an end".to_owned())
        }
        Ok(outcome) => outcome,
        Err(_) => Outcome::Refused("wasmi panics".to_owned()),
    }
}

/// Much more than any case needs: another of wasmi's mistakes is to never end.
const FUEL_LIMIT: u64 = 100_000_000;
const STACK: usize = 256 << 20;

/// Whether there is an `if` with a function type, as one with parameters has, or a
/// `select` right after an `i32.eqz`.
fn is_mistranslated(wasm: &[u8]) -> bool {
    Parser::new(0).parse_all(wasm).any(|payload| {
        let Ok(Payload::CodeSectionEntry(body)) = payload else {
            return false;
        };
        let Ok(operators) = body.get_operators_reader() else {
            return false;
        };
        let mut after_eqz = false;
        operators.into_iter().any(|operator| {
            let is_condition =
                std::mem::replace(&mut after_eqz, matches!(operator, Ok(Operator::I32Eqz)));
            match operator {
                Ok(Operator::If {
                    blockty: BlockType::FuncType(_),
                }) => true,
                Ok(Operator::Select | Operator::TypedSelect { .. }) => is_condition,
                _ => false,
            }
        })
    })
}
