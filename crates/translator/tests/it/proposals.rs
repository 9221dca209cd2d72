//! What is not supported, or switched off, is refused by name.

use damson_translator::{Config, Error, Features, validate};

/// A module in text form with the proposal that it needs.
const UNSUPPORTED: &[(&str, &str)] = &[
    ("simd", "(module (func (param v128)))"),
    ("simd", "(module (func (drop (i32x4.splat (i32.const 0)))))"),
    ("simd", "(module (global v128 (v128.const i32x4 0 0 0 0)))"),
    (
        "simd",
        "(module (func (drop (i8x16.relaxed_swizzle (v128.const i32x4 0 0 0 0) (v128.const i32x4 0 0 0 0)))))",
    ),
    ("threads", "(module (memory 1 1 shared))"),
    (
        "threads",
        "(module (memory 1) (func (drop (i32.atomic.load (i32.const 0)))))",
    ),
    ("threads", "(module (func atomic.fence))"),
    (
        "shared-everything-threads",
        "(module (table shared 1 (ref null (shared func))))",
    ),
    ("exception-handling", "(module (tag (param i32)))"),
    (
        "exception-handling",
        r#"(module (import "m" "t" (tag (param i32))))"#,
    ),
    ("exception-handling", "(module (func (throw 0)))"),
    ("exception-handling", "(module (func try_table end))"),
    ("legacy-exceptions", "(module (func try catch_all end))"),
    ("memory64", "(module (memory i64 1))"),
    ("memory64", "(module (table i64 1 funcref))"),
    (
        "function-references",
        "(module (type $t (func)) (func (param (ref $t))))",
    ),
    (
        "function-references",
        "(module (type $t (func)) (func (param (ref null $t)) (call_ref $t (local.get 0))))",
    ),
    ("function-references", "(module (func (param (ref func))))"),
    (
        "function-references",
        "(module (func $f) (table 1 funcref (ref.func $f)))",
    ),
    (
        "function-references",
        "(module (func (param funcref) (drop (ref.as_non_null (local.get 0)))))",
    ),
    ("gc", "(module (type (struct (field i32))))"),
    ("gc", "(module (type (array i8)))"),
    ("gc", "(module (rec (type (func)) (type (func))))"),
    ("gc", "(module (func (param anyref)))"),
    ("gc", "(module (func (drop (ref.i31 (i32.const 0)))))"),
    (
        "gc",
        "(module (global $g i32 (i32.const 0)) (global i32 (global.get $g)))",
    ),
    ("custom-page-sizes", "(module (memory 1 (pagesize 1)))"),
    (
        "stack-switching",
        "(module (type $f (func)) (type (cont $f)))",
    ),
    (
        "wide-arithmetic",
        "(module (func (drop (i64.add128 (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0))) drop))",
    ),
    ("component-model", "(component)"),
];

/// A proposal, how it is switched off, and a module that needs it.
type Case = (&'static str, fn(&mut Features), &'static str);

fn wasm(wat: &str) -> Vec<u8> {
    wat::parse_str(wat).unwrap_or_else(|error| panic!("{wat}: {error}"))
}

/// The proposal that the module is refused for.
fn refused(wasm: &[u8], config: &Config) -> Result<&'static str, String> {
    match validate(wasm, config) {
        Err(Error::Unsupported {
            proposal,
            message,
            offset,
        }) => {
            if message.is_empty() {
                return Err("no message".into());
            }
            if offset >= wasm.len() as u64 {
                return Err(format!("offset {offset} of {} bytes", wasm.len()));
            }
            Ok(proposal)
        }
        Err(other) => Err(format!("{other:?}")),
        Ok(()) => Err("accepted".into()),
    }
}

#[test]
fn what_is_not_supported_is_refused_by_name() {
    for (proposal, wat) in UNSUPPORTED {
        assert_eq!(
            refused(&wasm(wat), &Config::default()),
            Ok(*proposal),
            "{wat}"
        );
    }
}

#[test]
fn what_is_switched_off_is_refused_by_name() {
    let off = |switch: fn(&mut Features)| {
        let mut config = Config::default();
        switch(&mut config.features);
        config
    };
    let cases: &[Case] = &[
        (
            "mutable-global",
            |f| f.mutable_global = false,
            r#"(module (global (export "g") (mut i32) (i32.const 0)))"#,
        ),
        (
            "sign-extension",
            |f| f.sign_extension = false,
            "(module (func (drop (i32.extend8_s (i32.const 0)))))",
        ),
        (
            "nontrapping-float-to-int",
            |f| f.saturating_float_to_int = false,
            "(module (func (drop (i32.trunc_sat_f32_s (f32.const 0)))))",
        ),
        (
            "multi-value",
            |f| f.multi_value = false,
            "(module (func (result i32 i32) unreachable))",
        ),
        (
            "bulk-memory",
            |f| f.bulk_memory = false,
            "(module (memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))))",
        ),
        (
            "bulk-memory",
            |f| f.bulk_memory = false,
            "(module (memory 1) (data \"x\"))",
        ),
        (
            "reference-types",
            |f| f.reference_types = false,
            "(module (func (param externref)))",
        ),
        (
            "reference-types",
            |f| f.reference_types = false,
            "(module (table 1 funcref) (table 1 funcref))",
        ),
        (
            "tail-call",
            |f| f.tail_call = false,
            "(module (func $f (return_call $f)))",
        ),
        (
            "extended-const",
            |f| f.extended_const = false,
            "(module (global i32 (i32.add (i32.const 1) (i32.const 2))))",
        ),
        (
            "multi-memory",
            |f| f.multi_memory = false,
            "(module (memory 1) (memory 1))",
        ),
    ];
    for (proposal, switch, wat) in cases {
        let wasm = wasm(wat);
        assert_eq!(validate(&wasm, &Config::default()), Ok(()), "{wat}");
        assert_eq!(refused(&wasm, &off(*switch)), Ok(*proposal), "{wat}");
        let mut mvp = Config::default();
        mvp.features = Features::mvp();
        assert_eq!(refused(&wasm, &mvp), Ok(*proposal), "{wat}");
    }
}

#[test]
fn the_message_names_proposal_reason_and_place() {
    let error = validate(&wasm("(module (memory i64 1))"), &Config::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the `memory64` proposal is not supported or not enabled: \
         memory64 must be enabled for 64-bit memories (at offset 0xb)"
    );
    assert_eq!(error.offset(), Some(0xb));
}
