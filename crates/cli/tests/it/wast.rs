//! `damson wast`.

use crate::program::{damson, file};

#[test]
fn scripts_are_counted() {
    let script = r#"(module (func (export "one") (result i32) (i32.const 1)))
        (assert_return (invoke "one") (i32.const 1))
        (assert_return (invoke "one") (i32.const 1))"#;
    let path = file("good.wast", script);
    let output = damson(&["wast", &path]).success();
    assert!(
        output.contains(&path) && output.contains("2 assertions passed"),
        "{output}"
    );
}

#[test]
fn one_failure_is_shown_and_does_not_stop_the_rest() {
    let good = file(
        "after.wast",
        "(assert_invalid (module (func i32.add)) \"type mismatch\")",
    );
    let bad = file(
        "bad.wast",
        "(module (func (export \"one\") (result i32) (i32.const 1)))\n\
         (assert_return (invoke \"one\") (i32.const 2))",
    );
    let outcome = damson(&["wast", &bad, "no/such.wast", &good]);
    assert_eq!(outcome.code, Some(1));
    assert!(
        outcome.stdout.contains(&format!("{bad}:2:")),
        "{}",
        outcome.stdout
    );
    assert!(
        outcome.stdout.contains("no/such.wast: "),
        "{}",
        outcome.stdout
    );
    assert!(
        outcome
            .stdout
            .contains(&format!("{good}: 1 assertions passed")),
        "{}",
        outcome.stdout
    );
    assert_eq!(outcome.stderr, "error: 2 of 3 scripts failed\n");
}

#[test]
fn a_script_that_cannot_be_read_as_one_fails() {
    let outcome = damson(&["wast", &file("broken.wast", "(assert_return")]);
    assert_eq!(outcome.code, Some(1));
}
