//! Scripts that must fail, one for each kind of directive.
//!
//! Without these, a runner that lets everything pass would look perfect.

use damson_wast::{Failure, Options, Report, Runner};

/// Exports a function for each way a call can end.
const MODULE: &str = r#"
(module
    (global (export "g") i32 (i32.const 7))
    (func (export "one") (result i32) (i32.const 1))
    (func (export "nan") (result f32) (f32.const nan:0x200001))
    (func (export "trap") unreachable)
    (func (export "divide") (result i32) (i32.div_u (i32.const 1) (i32.const 0)))
    (func $recurse (export "recurse") (call $recurse) (call $recurse))
    (func (export "null") (param externref) (result externref) (local.get 0)))
"#;

fn run(directives: &str) -> Report {
    Runner::default().run_script("test.wast", &format!("{MODULE}{directives}"))
}

/// Runs the one assertion `directive`, which must be reported as failing with a
/// message that contains `words`.
#[track_caller]
fn fails(directive: &str, words: &str) {
    let report = run(directive);
    assert_eq!(report.passed, 0, "passes: {directive}");
    assert_eq!(report.skipped, [], "is skipped: {directive}");
    let [failure] = &report.failures[..] else {
        panic!("expected one failure of {directive}, found {report}");
    };
    assert!(
        failure.message.contains(words),
        "{directive}: expected {words:?} in {:?}",
        failure.message
    );
    assert!(failure.assertion, "counts as an assertion: {directive}");
    assert_eq!(failure.line, MODULE.lines().count() + 1);
    assert_eq!(failure.column, 2);
    assert!(!report.is_success());
}

/// Runs the one assertion `directive`, which must pass.
#[track_caller]
fn passes(directive: &str) {
    let report = run(directive);
    assert!(report.is_success() && report.passed == 1, "{report}");
}

#[test]
fn assert_return() {
    passes(r#"(assert_return (invoke "one") (i32.const 1))"#);
    fails(
        r#"(assert_return (invoke "one") (i32.const 2))"#,
        "found (i32.const 1)",
    );
    fails(r#"(assert_return (invoke "one"))"#, "expected 0 results");
    fails(
        r#"(assert_return (invoke "one") (i64.const 1))"#,
        "expected (i64.const 1)",
    );
    fails(r#"(assert_return (invoke "trap"))"#, "found an error");
    fails(r#"(assert_return (invoke "absent"))"#, "no function");
    fails(r#"(assert_return (invoke $m "one"))"#, "$m");
    passes(r#"(assert_return (invoke "nan") (f32.const nan:0x200001))"#);
    fails(
        r#"(assert_return (invoke "nan") (f32.const nan:arithmetic))"#,
        "nan:arithmetic",
    );
    passes(r#"(assert_return (invoke "one") (either (i32.const 0) (i32.const 1)))"#);
    fails(
        r#"(assert_return (invoke "one") (either (i32.const 0) (i32.const 2)))"#,
        "(either (i32.const 0) (i32.const 2))",
    );
    passes(r#"(assert_return (invoke "null" (ref.extern 3)) (ref.extern 3))"#);
    fails(
        r#"(assert_return (invoke "null" (ref.extern 3)) (ref.extern 4))"#,
        "found (ref.extern 3)",
    );
    passes(r#"(assert_return (invoke "null" (ref.null extern)) (ref.null extern))"#);
}

#[test]
fn assert_return_of_a_global() {
    passes(r#"(assert_return (get "g") (i32.const 7))"#);
    fails(
        r#"(assert_return (get "g") (i32.const 8))"#,
        "found (i32.const 7)",
    );
    fails(r#"(assert_return (get "one") (i32.const 8))"#, "no global");
}

#[test]
fn assert_trap() {
    passes(r#"(assert_trap (invoke "divide") "integer divide by zero")"#);
    fails(
        r#"(assert_trap (invoke "divide") "integer overflow")"#,
        "integer divide by zero",
    );
    fails(
        r#"(assert_trap (invoke "one") "unreachable")"#,
        "found the results [(i32.const 1)]",
    );
    fails(
        r#"(assert_trap (module (import "spectest" "absent" (func))) "unreachable")"#,
        "found another error",
    );
}

#[test]
fn assert_trap_of_a_module() {
    passes(r#"(assert_trap (module (func $f unreachable) (start $f)) "unreachable")"#);
    fails(
        r#"(assert_trap (module (func $f unreachable) (start $f)) "integer overflow")"#,
        "unreachable",
    );
    fails(
        r#"(assert_trap (module (func $f) (start $f)) "unreachable")"#,
        "found the results []",
    );
}

#[test]
fn assert_exhaustion() {
    passes(r#"(assert_exhaustion (invoke "recurse") "call stack exhausted")"#);
    fails(
        r#"(assert_exhaustion (invoke "recurse") "out of memory")"#,
        "call stack exhausted",
    );
    fails(
        r#"(assert_exhaustion (invoke "one") "call stack exhausted")"#,
        "results",
    );
    fails(
        r#"(assert_exhaustion (invoke "trap") "unreachable")"#,
        "expected exhaustion",
    );
}

#[test]
fn assert_invalid() {
    passes(r#"(assert_invalid (module (func (result i32))) "type mismatch")"#);
    fails(
        r#"(assert_invalid (module (func (result i32))) "unknown label")"#,
        "type mismatch",
    );
    fails(
        r#"(assert_invalid (module (func)) "type mismatch")"#,
        "accepted",
    );
}

#[test]
fn assert_malformed() {
    passes(r#"(assert_malformed (module quote "(func br $l)") "unknown label")"#);
    fails(
        r#"(assert_malformed (module quote "(func br $l)") "duplicate func")"#,
        "unknown label",
    );
    fails(
        r#"(assert_malformed (module quote "(func)") "unknown label")"#,
        "accepted",
    );
    passes(r#"(assert_malformed (module binary "") "unexpected end")"#);
    fails(
        r#"(assert_malformed (module binary "\00asm\01\00\00\00") "unexpected end")"#,
        "accepted",
    );
}

#[test]
fn assert_unlinkable() {
    passes(r#"(assert_unlinkable (module (import "spectest" "x" (func))) "unknown import")"#);
    fails(
        r#"(assert_unlinkable (module (import "spectest" "x" (func))) "incompatible import type")"#,
        "expected the error",
    );
    passes(
        r#"(assert_unlinkable (module (import "spectest" "print" (func (param i64)))) "incompatible import type")"#,
    );
    fails(
        r#"(assert_unlinkable (module (import "spectest" "print" (func (param i64)))) "unknown import")"#,
        "expected the error",
    );
    fails(
        r#"(assert_unlinkable (module (import "spectest" "print" (func))) "unknown import")"#,
        "succeeded",
    );
    fails(
        r#"(assert_unlinkable (module (func $f unreachable) (start $f)) "unreachable")"#,
        "found the trap",
    );
    fails(
        r#"(assert_unlinkable (module (func (result i32))) "unknown import")"#,
        "rejected",
    );
}

/// Runs a script whose directives assert nothing, one of which must fail.
#[track_caller]
fn command_fails(script: &str, words: &str) {
    let report = Runner::default().run_script("test.wast", script);
    assert_eq!(report.passed, 0);
    let [
        Failure {
            assertion: false,
            message,
            ..
        },
    ] = &report.failures[..]
    else {
        panic!("expected one failed command in {script}, found {report}");
    };
    assert!(message.contains(words), "expected {words:?} in {message:?}");
}

#[test]
fn commands() {
    command_fails("(module (func (result i32)))", "rejected");
    command_fails(r#"(module quote "(func br $l)")"#, "unknown label");
    command_fails(
        r#"(module (import "m" "f" (func)))"#,
        "instantiation failed",
    );
    command_fails(
        "(module (func $f unreachable) (start $f))",
        "instantiation failed",
    );
    command_fails(r#"(register "m")"#, "no module was instantiated");
    command_fails(r#"(module) (register "m" $absent)"#, "$absent");
    command_fails(
        r#"(module (func (export "f") unreachable)) (invoke "f")"#,
        "the call failed",
    );
    command_fails("(module definition $d (func (result i32)))", "rejected");
    command_fails("(module instance $i $absent)", "$absent");
    command_fails("(module) (assert_retur", "cannot be parsed");
}

#[test]
fn definitions_are_instantiated_separately() {
    let report = run(r#"
        (module definition $d
            (global $g (mut i32) (i32.const 0))
            (func (export "next") (result i32)
                (global.set $g (i32.add (global.get $g) (i32.const 1)))
                (global.get $g)))
        (module instance $a $d)
        (module instance $b $d)
        (assert_return (invoke $a "next") (i32.const 1))
        (assert_return (invoke $a "next") (i32.const 2))
        (assert_return (invoke $b "next") (i32.const 1))
        (register "a" $a)
        (module (import "a" "next" (func $next (result i32)))
            (func (export "next") (result i32) (call $next)))
        (assert_return (invoke "next") (i32.const 3))
        "#);
    assert!(report.is_success(), "{report}");
    assert_eq!(report.passed, 4);
}

/// After a module that could not be instantiated, calls must not reach the
/// instance before it.
#[test]
fn a_failed_module_takes_its_assertions_along() {
    let report = run(r#"
        (module (func (result i32)))
        (assert_return (invoke "one") (i32.const 1))
        "#);
    assert_eq!(report.passed, 0);
    assert_eq!(report.failures.len(), 2, "{report}");
}

#[test]
fn what_is_not_supported_is_skipped_with_its_reason() {
    for (directive, words) in [
        (r#"(assert_exception (invoke "one"))"#, "exception"),
        (
            r#"(assert_suspension (invoke "one") "")"#,
            "stack-switching",
        ),
        (r#"(thread $t)"#, "threads"),
        (
            r#"(assert_return (invoke "null" (ref.host 1)) (ref.host 1))"#,
            "gc",
        ),
    ] {
        let report = run(directive);
        assert_eq!(report.passed, 0, "passes: {directive}");
        assert_eq!(report.failures, [], "fails: {directive}");
        assert_eq!(report.skipped.len(), 1);
        assert!(report.skipped[0].reason.contains(words), "{report}");
    }
}

#[test]
fn fuel_is_given_to_each_directive_anew() {
    // One call costs more than a tenth of the fuel, so ten calls need it anew.
    let fuel = 1_000;
    let runner = Runner::new(Options::default().fuel(fuel));
    let script = r#"
        (module (func (export "spin") (local i32)
            (local.set 0 (i32.const 100))
            (loop
                (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))
    "#;
    let call = r#"(assert_return (invoke "spin"))"#;
    let report = runner.run_script("test.wast", &format!("{script}{}", call.repeat(10)));
    assert_eq!(report.passed, 10, "{report}");
    let script = format!(r#"{MODULE}(assert_return (invoke "recurse"))"#);
    let report = runner.run_script("test.wast", &script);
    assert_eq!(report.failures.len(), 1);
    assert!(report.failures[0].message.contains("fuel"), "{report}");
}
