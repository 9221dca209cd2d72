//! Executes directives: one function per kind.
//!
//! Each answers with the row of the message table it needed, if any, or with the
//! [`Verdict`] that explains why the directive did not pass.

use crate::messages::{self, Row};
use crate::session::{Session, Verdict};
use crate::values::{self, Value};
use damson::errors::{ErrorKind, WasmError};
use damson::{Error, Instance, TrapCode};
use wast::token::Id;
use wast::{QuoteWat, WastDirective, WastExecute, WastInvoke, WastRet, Wat};

/// What executing a directive gives.
pub(crate) type Outcome = Result<Option<Row>, Verdict>;

/// Whether a directive asserts something, and so counts.
pub(crate) fn is_assertion(directive: &WastDirective<'_>) -> bool {
    match directive {
        WastDirective::AssertMalformed { .. }
        | WastDirective::AssertInvalid { .. }
        | WastDirective::AssertMalformedCustom { .. }
        | WastDirective::AssertInvalidCustom { .. }
        | WastDirective::AssertTrap { .. }
        | WastDirective::AssertReturn { .. }
        | WastDirective::AssertExhaustion { .. }
        | WastDirective::AssertUnlinkable { .. }
        | WastDirective::AssertException { .. }
        | WastDirective::AssertSuspension { .. } => true,
        WastDirective::Module(_)
        | WastDirective::ModuleDefinition(_)
        | WastDirective::ModuleInstance { .. }
        | WastDirective::Register { .. }
        | WastDirective::Invoke(_)
        | WastDirective::Thread(_)
        | WastDirective::Wait { .. } => false,
    }
}

/// Executes one directive.
pub(crate) fn execute(session: &mut Session<'_>, directive: WastDirective<'_>) -> Outcome {
    match directive {
        WastDirective::Module(module) => instantiate(session, module),
        WastDirective::ModuleDefinition(module) => define(session, module),
        WastDirective::ModuleInstance {
            instance, module, ..
        } => instantiate_definition(session, instance, module),
        WastDirective::Register { name, module, .. } => {
            session.register(name, module).map(|()| None)
        }
        WastDirective::Invoke(invoke) => match session.invoke(&invoke)? {
            Ok(_) => Ok(None),
            Err(error) => fail(format!("the call failed: {error}")),
        },
        WastDirective::AssertReturn { exec, results, .. } => assert_return(session, exec, &results),
        WastDirective::AssertTrap { exec, message, .. } => assert_trap(session, exec, message),
        WastDirective::AssertExhaustion { call, message, .. } => {
            assert_exhaustion(session, &call, message)
        }
        WastDirective::AssertUnlinkable {
            module, message, ..
        } => assert_unlinkable(session, module, message),
        WastDirective::AssertInvalid {
            module, message, ..
        }
        | WastDirective::AssertMalformed {
            module, message, ..
        } => assert_rejected(session, module, message),
        WastDirective::AssertInvalidCustom { .. } | WastDirective::AssertMalformedCustom { .. } => {
            skip("the contents of custom sections are not interpreted")
        }
        WastDirective::AssertException { .. } => skip("needs the exception-handling proposal"),
        WastDirective::AssertSuspension { .. } => skip("needs the stack-switching proposal"),
        WastDirective::Thread(_) | WastDirective::Wait { .. } => skip("needs the threads proposal"),
    }
}

fn fail<T>(message: impl Into<String>) -> Result<T, Verdict> {
    Err(Verdict::Fail(message.into()))
}

fn skip<T>(reason: impl Into<String>) -> Result<T, Verdict> {
    Err(Verdict::Skip(reason.into()))
}

/// `(module ...)`: compiles, instantiates, and makes it the current instance.
fn instantiate(session: &mut Session<'_>, mut module: QuoteWat<'_>) -> Outcome {
    let name = module.name();
    let slot = encode(&mut module).and_then(|wasm| instantiate_binary(session, &wasm));
    let verdict = slot.as_ref().err().cloned();
    session.bind(name, slot);
    verdict.map_or(Ok(None), Err)
}

/// `(module definition ...)`: compiles only.
fn define(session: &mut Session<'_>, mut module: QuoteWat<'_>) -> Outcome {
    let name = module.name();
    let compiled = encode(&mut module)
        .and_then(|wasm| session.compile(&wasm).map_err(|error| rejected(&error)));
    let verdict = compiled.as_ref().err().cloned();
    session.define(name, compiled);
    verdict.map_or(Ok(None), Err)
}

/// `(module instance $instance $module)`.
fn instantiate_definition(
    session: &mut Session<'_>,
    instance: Option<Id<'_>>,
    module: Option<Id<'_>>,
) -> Outcome {
    let slot = session.definition(module).and_then(|module| {
        session
            .instantiate(&module)
            .map_err(|error| Verdict::Fail(format!("instantiation failed: {error}")))
    });
    let verdict = slot.as_ref().err().cloned();
    session.bind(instance, slot);
    verdict.map_or(Ok(None), Err)
}

fn instantiate_binary(session: &mut Session<'_>, wasm: &[u8]) -> Result<Instance, Verdict> {
    let module = session.compile(wasm).map_err(|error| rejected(&error))?;
    session
        .instantiate(&module)
        .map_err(|error| Verdict::Fail(format!("instantiation failed: {error}")))
}

/// `(assert_return (invoke ...) result*)`, also with `get` or a module.
fn assert_return(
    session: &mut Session<'_>,
    exec: WastExecute<'_>,
    expected: &[WastRet<'_>],
) -> Outcome {
    match perform(session, exec)? {
        Ok(found) => values::check_results(&found, expected).map(|()| None),
        Err(error) => fail(format!("expected results, found an error: {error}")),
    }
}

/// `(assert_trap (invoke ...) "message")`, also with a module.
fn assert_trap(session: &mut Session<'_>, exec: WastExecute<'_>, expected: &str) -> Outcome {
    let trap = expect_trap(perform(session, exec)?, expected)?;
    check_trap(trap, expected)
}

/// `(assert_exhaustion (invoke ...) "message")`.
fn assert_exhaustion(session: &mut Session<'_>, call: &WastInvoke<'_>, expected: &str) -> Outcome {
    match expect_trap(session.invoke(call)?, expected)? {
        trap @ TrapCode::StackOverflow => check_trap(trap, expected),
        other => fail(format!(
            "expected exhaustion {expected:?}, found the trap {:?}",
            other.to_string()
        )),
    }
}

/// `(assert_unlinkable (module ...) "message")`.
fn assert_unlinkable(session: &mut Session<'_>, module: Wat<'_>, expected: &str) -> Outcome {
    let wasm = encode(&mut QuoteWat::Wat(module))?;
    let module = session.compile(&wasm).map_err(|error| rejected(&error))?;
    match session.instantiate(&module) {
        Ok(_) => fail(format!(
            "expected the link error {expected:?}, but instantiation succeeded"
        )),
        Err(error) if error.as_trap_code().is_some() => fail(format!(
            "expected the link error {expected:?}, found the trap {:?}",
            error.to_string()
        )),
        Err(error) => check_message(&error.to_string(), expected),
    }
}

/// `(assert_invalid (module ...) "message")` and `assert_malformed`.
///
/// Which of the two a module is follows from the message. A module in quoted
/// text may be turned down by the text parser already.
fn assert_rejected(session: &mut Session<'_>, mut module: QuoteWat<'_>, expected: &str) -> Outcome {
    if is_component(&module) {
        return skip("needs the component model");
    }
    let wasm = match module.encode() {
        Ok(wasm) => wasm,
        Err(error) => return check_message(&error.message(), expected),
    };
    match session.rejection(&wasm) {
        None => fail(format!(
            "expected the module to be rejected with {expected:?}, but it was accepted"
        )),
        Some(error) => {
            check_message(&error.to_string(), expected).map_err(|verdict| match rejected(&error) {
                skip @ Verdict::Skip(_) => skip,
                Verdict::Fail(_) => verdict,
            })
        }
    }
}

/// Performs the action of an assertion. The outer error tells that it cannot be
/// performed; the inner one is what came of it.
fn perform(
    session: &mut Session<'_>,
    exec: WastExecute<'_>,
) -> Result<Result<Vec<Value>, Error>, Verdict> {
    match exec {
        WastExecute::Invoke(invoke) => session.invoke(&invoke),
        WastExecute::Get { module, global, .. } => {
            session.global(module, global).map(|value| Ok(vec![value]))
        }
        WastExecute::Wat(module) => {
            let wasm = encode(&mut QuoteWat::Wat(module))?;
            let module = session.compile(&wasm).map_err(|error| rejected(&error))?;
            Ok(session.instantiate(&module).map(|_| Vec::new()))
        }
    }
}

fn expect_trap(found: Result<Vec<Value>, Error>, expected: &str) -> Result<TrapCode, Verdict> {
    match found {
        Ok(values) => {
            let values: Vec<String> = values.iter().map(Value::to_string).collect();
            fail(format!(
                "expected the trap {expected:?}, found the results [{}]",
                values.join(" ")
            ))
        }
        Err(error) => match error.as_trap_code() {
            Some(code) => Ok(code),
            None => fail(format!(
                "expected the trap {expected:?}, found another error: {error}"
            )),
        },
    }
}

fn check_trap(found: TrapCode, expected: &str) -> Outcome {
    let found = found.to_string();
    if messages::is_trap(&found, expected) {
        return Ok(None);
    }
    fail(format!("expected the trap {expected:?}, found {found:?}"))
}

fn check_message(found: &str, expected: &str) -> Outcome {
    match messages::matching(found, expected) {
        Some(messages::Match::Phrase) => Ok(None),
        Some(messages::Match::Row(row)) => Ok(Some(row)),
        None => fail(format!("expected the error {expected:?}, found {found:?}")),
    }
}

/// The binary form of a module that the script takes for correct text.
fn encode(module: &mut QuoteWat<'_>) -> Result<Vec<u8>, Verdict> {
    if is_component(module) {
        return skip("needs the component model");
    }
    module
        .encode()
        .map_err(|error| Verdict::Fail(format!("the text is rejected: {}", error.message())))
}

fn is_component(module: &QuoteWat<'_>) -> bool {
    matches!(
        module,
        QuoteWat::QuoteComponent(..) | QuoteWat::Wat(Wat::Component(_))
    )
}

/// The verdict on a module that should have been accepted: skipped if it needs a
/// proposal that Damson does not have, or that the configuration switches off.
fn rejected(error: &Error) -> Verdict {
    match error.kind() {
        ErrorKind::Wasm(WasmError::Unsupported { proposal, .. }) => {
            Verdict::Skip(format!("needs the {proposal} proposal"))
        }
        _ => Verdict::Fail(format!("the module is rejected: {error}")),
    }
}
