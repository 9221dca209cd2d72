//! `damson run --invoke`.

use crate::program::{damson, file, wasi_program};

const VALUES: &str = r#"(module
    (func (export "swap") (param i32 i64) (result i64 i32) (local.get 1) (local.get 0))
    (func (export "half") (param f32 f64) (result f32 f64)
        (f32.mul (local.get 0) (f32.const 0.5)) (f64.mul (local.get 1) (f64.const 0.5)))
    (func (export "same") (param funcref externref) (result funcref externref)
        (local.get 0) (local.get 1))
    (func $none (export "none"))
    (elem declare func $none)
    (func (export "ref") (result funcref) (ref.func $none))
    (func (export "trap") unreachable)
    (global (export "g") i32 (i32.const 0)))"#;

#[test]
fn results_are_printed_one_to_a_line() {
    let path = file("invoke_values.wat", VALUES);
    let invoke = |name, args: &[&str]| {
        damson(&[&["run", "--invoke", name, path.as_str()], args].concat()).success()
    };
    assert_eq!(
        invoke("swap", &["-1", "0x7fffffffffffffff"]),
        "9223372036854775807\n-1\n"
    );
    assert_eq!(invoke("half", &["3", "-inf"]), "1.5\n-inf\n");
    assert_eq!(invoke("half", &["nan", "1e300"]), "nan\n5e299\n");
    assert_eq!(invoke("same", &["null", "null"]), "null\nnull\n");
    assert_eq!(invoke("none", &[]), "");
    assert_eq!(invoke("ref", &[]), "funcref\n");
}

#[test]
fn arguments_that_do_not_fit_the_function_are_wrong_usage() {
    let path = file("invoke_usage.wat", VALUES);
    for (args, complaint) in [
        (
            &["swap", &path, "1"][..],
            "`swap` has type (i32, i64) -> (i64, i32): expected 2 arguments, found 1",
        ),
        (&["none", &path, "1"], "expected 0 arguments, found 1"),
        (
            &["swap", &path, "1.5", "1"],
            "argument 1 of `swap`: \"1.5\" is not an integer of 32 bits",
        ),
        (
            &["swap", &path, "1", "x"],
            "argument 2 of `swap`: \"x\" is not an integer of 64 bits",
        ),
        (
            &["half", &path, "x", "1"],
            "argument 1 of `half`: \"x\" is not a number",
        ),
        (
            &["same", &path, "1", "null"],
            "argument 1 of `same`: \"1\" is not `null`",
        ),
        (
            &["nothing", &path],
            "no function is exported as `nothing`; `--invoke` can call `swap`,",
        ),
        (&["g", &path], "the export `g` is no function"),
    ] {
        let stderr = damson(&[&["run", "--invoke"], args].concat()).failure(2);
        assert!(stderr.contains(complaint), "{args:?}: {stderr}");
    }
}

#[test]
fn a_trap_is_a_trap() {
    let path = file("invoke_trap.wat", VALUES);
    let stderr = damson(&["run", "--invoke", "trap", &path]).failure(134);
    assert!(
        stderr.contains("`unreachable` instruction executed in function 5 at"),
        "{stderr}"
    );
}

#[test]
fn a_reactor_is_initialized_first() {
    let module = wasi_program(
        r#"(global $ready (mut i32) (i32.const 0))
        (func (export "_initialize") (global.set $ready (i32.const 7)))
        (func (export "ready") (result i32) (global.get $ready))"#,
    );
    let path = file("reactor.wat", module);
    assert_eq!(
        damson(&["run", "--invoke", "ready", &path]).success(),
        "7\n"
    );
}

#[test]
fn an_invoked_function_may_exit() {
    let module = wasi_program(
        r#"(func (export "leave") (param i32) (result i32)
            (call $proc_exit (local.get 0)) unreachable)"#,
    );
    let path = file("invoke_exit.wat", module);
    assert_eq!(
        damson(&["run", "--invoke", "leave", &path, "9"]).failure(9),
        ""
    );
    assert_eq!(
        damson(&["run", "--invoke", "leave", &path, "0"]).success(),
        ""
    );
}
