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
//! It gets programs without the first two where there is such a form. Where it
//! disagrees, it is asked again about the original form, and what it says of a module
//! that has one of the first two is no evidence.

use std::thread;

use wasmparser::{BlockType, Operator, Parser, Payload};

use super::embedder::embedder;

embedder!(wasmi);

/// They cannot be compared, but what is printed of them is their number.
fn is_same(one: &wasmi::Func, other: &wasmi::Func) -> bool {
    format!("{one:?}") == format!("{other:?}")
}

/// It is not called a trap when an element segment is too long.
fn trap_in_words(message: &str) -> Option<&'static str> {
    message
        .starts_with("out of bounds table access")
        .then_some("TableOutOfBounds")
}

/// Runs the case on wasmi.
#[must_use]
pub fn observe_run(case: &Case) -> Outcome {
    bounded_run(case, case.plain.as_deref().unwrap_or(&case.wasm))
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
    let make_ready = |store: &mut Store<HostData>| {
        store
            .set_fuel(FUEL_LIMIT)
            .expect("the configuration meters");
    };
    let run = || run(case, wasm, &config, make_ready).0;
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

/// Whether there is an `if` with parameters, or a `select` right after an `i32.eqz`.
pub(crate) fn is_mistranslated(wasm: &[u8]) -> bool {
    // Which function types have parameters.
    let mut takes: Vec<bool> = Vec::new();
    Parser::new(0).parse_all(wasm).any(|payload| {
        let body = match payload {
            Ok(Payload::TypeSection(section)) => {
                let types = section.into_iter_err_on_gc_types();
                takes.extend(types.map(|ty| ty.is_ok_and(|ty| !ty.params().is_empty())));
                return false;
            }
            Ok(Payload::CodeSectionEntry(body)) => body,
            _ => return false,
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
                    blockty: BlockType::FuncType(ty),
                }) => takes.get(ty as usize).is_none_or(|takes| *takes),
                Ok(Operator::Select | Operator::TypedSelect { .. }) => is_condition,
                _ => false,
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_mistranslated_is_called_so() {
        let is = |body: &str| {
            let text = format!(
                "(module (func (param i32) (result i32 i32) {body} unreachable)
                   (func (param i32) (result i32) local.get 0))"
            );
            is_mistranslated(&wat::parse_str(text).expect("a valid text"))
        };
        assert!(is(
            "i32.const 1 local.get 0 (if (param i32) (then drop) (else drop))"
        ));
        assert!(is(
            "i32.const 1 i32.const 2 local.get 0 i32.eqz select drop"
        ));
        assert!(!is(
            "local.get 0 (if (result i32 i32) (then local.get 0 local.get 0) (else unreachable))"
        ));
        assert!(!is(
            "i32.const 1 i32.const 2 local.get 0 select i32.eqz drop"
        ));
        assert!(!is("local.get 0 (block (param i32) drop)"));
    }
}
