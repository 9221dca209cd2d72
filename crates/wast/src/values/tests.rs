//! The rules of comparison, on results parsed from script text.

use super::*;
use wast::parser::{ParseBuffer, parse};

/// Whether `found` matches the expected result written `(…)` in `text`.
fn holds(found: Value, text: &str) -> bool {
    check(found, text).expect("the pattern is supported")
}

fn check(found: Value, text: &str) -> Result<bool, Verdict> {
    let buffer = ParseBuffer::new(text).expect("lexes");
    let expected = parse::<WastRetCore<'_>>(&buffer).expect("parses");
    matches(found, &expected)
}

#[test]
fn integers_match_by_value_and_type() {
    assert!(holds(Value::I32(-1), "i32.const 0xffffffff"));
    assert!(!holds(Value::I32(1), "i32.const 2"));
    assert!(!holds(Value::I64(1), "i32.const 1"));
    assert!(holds(Value::I64(i64::MIN), "i64.const -0x8000000000000000"));
    assert!(!holds(Value::I32(1), "i64.const 1"));
}

#[test]
fn floats_match_by_bits() {
    assert!(holds(Value::F32(0x8000_0000), "f32.const -0"));
    assert!(!holds(Value::F32(0), "f32.const -0"));
    assert!(holds(Value::F64(1.5_f64.to_bits()), "f64.const 1.5"));
    assert!(!holds(Value::F32(1.5_f32.to_bits()), "f64.const 1.5"));
    assert!(!holds(Value::I32(0), "f32.const 0"));
    assert!(holds(Value::F32(0x7fa0_0000), "f32.const nan:0x200000"));
    assert!(!holds(Value::F32(0x7fe0_0000), "f32.const nan:0x200000"));
}

#[test]
fn canonical_nan_has_only_the_quiet_bit() {
    for bits in [0x7fc0_0000, 0xffc0_0000] {
        assert!(holds(Value::F32(bits), "f32.const nan:canonical"));
    }
    for bits in [0x7fc0_0001, 0x7fe0_0000, 0x7fa0_0000, 0x7f80_0000, 0] {
        assert!(
            !holds(Value::F32(bits), "f32.const nan:canonical"),
            "{bits:#x}"
        );
    }
    for bits in [0x7ff8_0000_0000_0000, 0xfff8_0000_0000_0000] {
        assert!(holds(Value::F64(bits), "f64.const nan:canonical"));
    }
    for bits in [
        0x7ff8_0000_0000_0001,
        0x7ff4_0000_0000_0000,
        0x7ff0_0000_0000_0000,
        0,
    ] {
        assert!(
            !holds(Value::F64(bits), "f64.const nan:canonical"),
            "{bits:#x}"
        );
    }
    assert!(!holds(Value::I32(0x7fc0_0000), "f32.const nan:canonical"));
}

#[test]
fn arithmetic_nan_has_the_quiet_bit() {
    for bits in [0x7fc0_0000, 0xffc0_0000, 0x7fc0_0001, 0xffff_ffff] {
        assert!(holds(Value::F32(bits), "f32.const nan:arithmetic"));
    }
    // A signalling NaN, an infinity, a number with the quiet bit's position set.
    for bits in [0x7fa0_0000, 0x7f80_0000, 0x3fc0_0000] {
        assert!(
            !holds(Value::F32(bits), "f32.const nan:arithmetic"),
            "{bits:#x}"
        );
    }
    for bits in [0x7ff8_0000_0000_0000, 0xffff_ffff_ffff_ffff] {
        assert!(holds(Value::F64(bits), "f64.const nan:arithmetic"));
    }
    for bits in [
        0x7ff4_0000_0000_0000,
        0x7ff0_0000_0000_0000,
        0x3ff8_0000_0000_0000,
    ] {
        assert!(
            !holds(Value::F64(bits), "f64.const nan:arithmetic"),
            "{bits:#x}"
        );
    }
}

#[test]
fn null_references_match_their_type() {
    assert!(holds(Value::NullFunc, "ref.null func"));
    assert!(!holds(Value::NullFunc, "ref.null extern"));
    assert!(!holds(Value::Func, "ref.null func"));
    assert!(holds(Value::NullExtern, "ref.null extern"));
    assert!(!holds(Value::Extern(Some(0)), "ref.null extern"));
    assert!(holds(Value::NullExtern, "ref.null"));
    assert!(holds(Value::NullFunc, "ref.null"));
    assert!(!holds(Value::I32(0), "ref.null"));
}

#[test]
fn external_references_match_by_number() {
    assert!(holds(Value::Extern(Some(7)), "ref.extern 7"));
    assert!(!holds(Value::Extern(Some(8)), "ref.extern 7"));
    assert!(!holds(Value::Extern(None), "ref.extern 7"));
    assert!(!holds(Value::NullExtern, "ref.extern 7"));
    assert!(holds(Value::Extern(None), "ref.extern"));
    assert!(!holds(Value::NullExtern, "ref.extern"));
}

#[test]
fn function_references_match_unless_null() {
    assert!(holds(Value::Func, "ref.func"));
    assert!(!holds(Value::NullFunc, "ref.func"));
    assert!(!holds(Value::Extern(None), "ref.func"));
    assert!(check(Value::Func, "ref.func 0").is_err());
}

#[test]
fn either_needs_one_case() {
    let text = "either (i32.const 1) (i32.const 2)";
    assert!(holds(Value::I32(1), text));
    assert!(holds(Value::I32(2), text));
    assert!(!holds(Value::I32(3), text));
}

#[test]
fn unsupported_patterns_are_skipped_not_failed() {
    for text in ["v128.const i32x4 0 0 0 0", "ref.i31", "ref.null any"] {
        assert!(
            matches!(check(Value::I32(0), text), Err(Verdict::Skip(_))),
            "{text}"
        );
    }
}

#[test]
fn result_count_and_position_are_reported() {
    let buffer = ParseBuffer::new("(i32.const 1) (f32.const nan:canonical)").expect("lexes");
    let expected = parse::<Results<'_>>(&buffer).expect("parses").0;
    let Err(Verdict::Fail(message)) = check_results(&[Value::I32(1)], &expected) else {
        panic!("one result is missing");
    };
    assert_eq!(message, "expected 2 results, found 1: [(i32.const 1)]");
    let found = [Value::I32(1), Value::F32(0x3fc0_0000)];
    let Err(Verdict::Fail(message)) = check_results(&found, &expected) else {
        panic!("the second result is wrong");
    };
    assert_eq!(
        message,
        "result 1: expected (f32.const nan:canonical), found (f32.const 1.5) (bits 0x3fc00000)"
    );
    let found = [Value::I32(1), Value::F32(0x7fc0_0000)];
    assert!(check_results(&found, &expected).is_ok());
}

/// A sequence of parenthesised results, as `assert_return` ends with.
struct Results<'a>(Vec<WastRet<'a>>);

impl<'a> wast::parser::Parse<'a> for Results<'a> {
    fn parse(parser: wast::parser::Parser<'a>) -> wast::parser::Result<Self> {
        let mut results = Vec::new();
        while !parser.is_empty() {
            results.push(parser.parens(|parser| parser.parse())?);
        }
        Ok(Self(results))
    }
}
