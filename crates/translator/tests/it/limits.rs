//! Limits on modules, and the switches that are no proposals.

use damson_translator::{
    AvgBytesPerFunctionLimit, Config, EnforcedLimits, EnforcedLimitsError as E, Error, Module,
    validate,
};

use crate::support::module;

fn refused(text: &str, config: &Config) -> Error {
    let wasm = wat::parse_str(text).unwrap();
    let error = Module::parse(&wasm, config).expect_err("refused");
    assert_eq!(validate(&wasm, config), Err(error.clone()));
    error
}

/// A text with `n` copies of an item, and `m` imports of the like before it.
fn items(import: &str, imports: usize, item: &str, n: usize) -> String {
    format!("(module {} {})", import.repeat(imports), item.repeat(n))
}

#[test]
fn each_limit_holds_for_what_it_names() {
    type Set = fn(&mut EnforcedLimits);
    let func = r#"(import "m" "f" (func))"#;
    let table = r#"(import "m" "t" (table 0 funcref))"#;
    let memory = r#"(import "m" "m" (memory 0))"#;
    let global = r#"(import "m" "g" (global i32))"#;
    #[rustfmt::skip]
    let cases: &[(Set, E, &str, &str)] = &[
        (|l| l.max_functions = Some(3), E::TooManyFunctions { limit: 3 }, func, "(func)"),
        (|l| l.max_tables = Some(3), E::TooManyTables { limit: 3 }, table, "(table 0 funcref)"),
        (|l| l.max_memories = Some(3), E::TooManyMemories { limit: 3 }, memory, "(memory 0)"),
        (|l| l.max_globals = Some(3), E::TooManyGlobals { limit: 3 }, global, "(global i32 (i32.const 0))"),
        (|l| l.max_element_segments = Some(3), E::TooManyElementSegments { limit: 3 }, "", "(elem func)"),
        (|l| l.max_data_segments = Some(3), E::TooManyDataSegments { limit: 3 }, "", "(data \"\")"),
    ];
    for &(set, error, import, item) in cases {
        let mut config = Config::default();
        set(&mut config.limits);
        module(&items(import, 0, item, 3), &config);
        assert_eq!(
            refused(&items(import, 0, item, 4), &config),
            Error::EnforcedLimits(error)
        );
        if !import.is_empty() {
            module(&items(import, 1, item, 2), &config);
            for (imports, defined) in [(1, 3), (4, 0)] {
                let text = items(import, imports, item, defined);
                assert_eq!(refused(&text, &config), Error::EnforcedLimits(error));
            }
        }
        // It is the limit that refuses, and no other one.
        module(&items(import, 4, item, 4), &Config::default());
    }
}

#[test]
fn function_types_are_limited() {
    let mut config = Config::default();
    config.limits.max_params = Some(2);
    config.limits.max_results = Some(1);
    module(
        "(module (type (func (param i32 i32) (result i32))))",
        &config,
    );
    assert_eq!(
        refused(
            "(module (type (func)) (type (func (param i32 i32 i32))))",
            &config
        ),
        Error::EnforcedLimits(E::TooManyParameters { limit: 2 })
    );
    // The type of a block, in a module that also imports a function.
    let text =
        r#"(module (import "m" "f" (func)) (func (block (result i32 i32) unreachable) drop drop))"#;
    let error = refused(text, &config);
    assert_eq!(error, Error::EnforcedLimits(E::TooManyResults { limit: 1 }));
    assert_eq!(
        error.to_string(),
        "refused module: a function type with more results than the limit of 1"
    );
}

#[test]
fn short_functions_are_refused_in_large_modules_only() {
    let mut config = Config::default();
    config.limits.min_avg_bytes_per_function = Some(AvgBytesPerFunctionLimit {
        req_funcs_bytes: 100,
        min_avg_bytes_per_function: 10,
    });
    module("(module)", &config);
    module(&items("", 0, "(func)", 10), &config);
    let error = refused(&items("", 0, "(func)", 100), &config);
    assert!(matches!(
        error,
        Error::EnforcedLimits(E::MinAvgBytesPerFunction { limit: 10, avg: 3 })
    ));
    let long = format!("(func {})", "nop ".repeat(10));
    module(&items("", 0, &long, 100), &config);
}

#[test]
fn strict_limits_pass_ordinary_modules() {
    let mut config = Config::default();
    config.limits = EnforcedLimits::strict();
    let long = format!("(func {})", "nop ".repeat(40));
    module(
        &format!("(module (memory 1) {})", long.repeat(100)),
        &config,
    );
    assert_eq!(
        refused("(module (memory 1) (memory 1))", &config),
        Error::EnforcedLimits(E::TooManyMemories { limit: 1 })
    );
}

#[test]
fn floats_can_be_refused() {
    let mut config = Config::default();
    config.floats = false;
    module("(module (func (param i32 i64)))", &config);
    for text in [
        "(module (func (param f32)))",
        "(module (global f64 (f64.const 0)))",
        "(module (func (local f64)))",
        "(module (func (drop (f32.const 0))))",
    ] {
        let wasm = wat::parse_str(text).unwrap();
        let error = validate(&wasm, &config).unwrap_err();
        assert!(
            matches!(
                error,
                Error::Unsupported {
                    proposal: "floats",
                    ..
                }
            ),
            "{text}: {error}"
        );
        module(text, &Config::default());
    }
}

#[test]
fn custom_sections_can_be_ignored() {
    let text = r#"(module (func $named) (@custom "note" "text"))"#;
    let mut config = Config::default();
    let kept = module(text, &config);
    assert_eq!(kept.func_name(0), Some("named"));
    assert_eq!(kept.custom_sections().len(), 2);
    config.ignore_custom_sections = true;
    let ignored = module(text, &config);
    assert_eq!(ignored.func_name(0), None);
    assert_eq!(ignored.custom_sections().len(), 0);
}
