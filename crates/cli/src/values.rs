//! Values of WebAssembly in the form in which people write them.
//!
//! What is printed can be read again: floats are printed with the fewest digits
//! that give the same bits, and a NaN that is not the canonical one with its
//! payload.

use damson::{F32, F64, Nullable, Val, ValType};

/// Text that is no value of the type it was meant for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ValueError {
    /// It does not look like one.
    #[error("{text:?} is not {expected}")]
    Syntax {
        /// What was given.
        text: String,
        /// What would do.
        expected: &'static str,
    },
    /// No text stands for values of this type.
    #[error("values of type {0} cannot be given on the command line")]
    Type(ValType),
}

/// Reads a value of type `ty`.
pub(crate) fn parse(text: &str, ty: ValType) -> Result<Val, ValueError> {
    let syntax = |expected| ValueError::Syntax {
        text: text.to_owned(),
        expected,
    };
    match ty {
        ValType::I32 => {
            let value = integer(text).and_then(|value| narrow::<i32, u32>(value, |u| u as i32));
            value
                .map(Val::I32)
                .ok_or_else(|| syntax("an integer of 32 bits"))
        }
        ValType::I64 => {
            let value = integer(text).and_then(|value| narrow::<i64, u64>(value, |u| u as i64));
            value
                .map(Val::I64)
                .ok_or_else(|| syntax("an integer of 64 bits"))
        }
        ValType::F32 => {
            let bits = nan(text, F32_NAN).map(|bits| bits as u32);
            let value = bits.or_else(|| text.parse::<f32>().ok().map(f32::to_bits));
            value
                .map(|bits| Val::F32(F32::from_bits(bits)))
                .ok_or_else(|| syntax("a number"))
        }
        ValType::F64 => {
            let value = nan(text, F64_NAN).or_else(|| text.parse::<f64>().ok().map(f64::to_bits));
            value
                .map(|bits| Val::F64(F64::from_bits(bits)))
                .ok_or_else(|| syntax("a number"))
        }
        ValType::FuncRef if text == "null" => Ok(Val::FuncRef(Nullable::Null)),
        ValType::ExternRef if text == "null" => Ok(Val::ExternRef(Nullable::Null)),
        ValType::FuncRef | ValType::ExternRef => Err(syntax(
            "`null`, the only reference that can be given on the command line",
        )),
        other => Err(ValueError::Type(other)),
    }
}

/// A whole number, decimal or hexadecimal; wide enough to find out later
/// whether it fits.
fn integer(text: &str) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (digits, radix) = match digits
        .strip_prefix("0x")
        .or_else(|| digits.strip_prefix("0X"))
    {
        Some(digits) => (digits, 16),
        None => (digits, 10),
    };
    // `from_str_radix` would take a second sign.
    if !digits.starts_with(|c: char| c.is_digit(radix)) {
        return None;
    }
    let value = i128::from_str_radix(digits, radix).ok()?;
    Some(if negative { -value } else { value })
}

/// Both readings of an integer are welcome: -1 and the largest unsigned value
/// are the same bits.
fn narrow<S: TryFrom<i128>, U: TryFrom<i128>>(value: i128, cast: fn(U) -> S) -> Option<S> {
    S::try_from(value)
        .ok()
        .or_else(|| U::try_from(value).ok().map(cast))
}

/// How a float's bits are laid out, as far as NaNs care.
struct NanLayout {
    sign: u64,
    exponent: u64,
    /// The payload of the canonical NaN.
    quiet: u64,
}

const F32_NAN: NanLayout = NanLayout {
    sign: 1 << 31,
    exponent: 0xff << 23,
    quiet: 1 << 22,
};
const F64_NAN: NanLayout = NanLayout {
    sign: 1 << 63,
    exponent: 0x7ff << 52,
    quiet: 1 << 51,
};

/// The bits of a NaN: `nan`, `-nan`, `nan:0x...`.
fn nan(text: &str, layout: NanLayout) -> Option<u64> {
    let (sign, text) = match text.strip_prefix('-') {
        Some(text) => (layout.sign, text),
        None => (0, text),
    };
    let payload = match text.strip_prefix("nan")? {
        "" => layout.quiet,
        tail => u64::try_from(integer(tail.strip_prefix(':')?)?).ok()?,
    };
    let fits = payload != 0 && payload < 2 * layout.quiet;
    fits.then_some(sign | layout.exponent | payload)
}

fn nan_text(bits: u64, layout: NanLayout) -> String {
    let sign = if bits & layout.sign == 0 { "" } else { "-" };
    match bits & (2 * layout.quiet - 1) {
        payload if payload == layout.quiet => format!("{sign}nan"),
        payload => format!("{sign}nan:{payload:#x}"),
    }
}

/// The text of a value.
pub(crate) fn text(value: &Val) -> String {
    match value {
        Val::I32(value) => value.to_string(),
        Val::I64(value) => value.to_string(),
        Val::F32(value) => match value.to_float() {
            float if float.is_nan() => nan_text(u64::from(value.to_bits()), F32_NAN),
            // `Debug` turns to exponents where `Display` would fill lines.
            float => format!("{float:?}"),
        },
        Val::F64(value) => match value.to_float() {
            float if float.is_nan() => nan_text(value.to_bits(), F64_NAN),
            float => format!("{float:?}"),
        },
        Val::FuncRef(Nullable::Null) | Val::ExternRef(Nullable::Null) => "null".to_owned(),
        Val::FuncRef(_) => "funcref".to_owned(),
        Val::ExternRef(_) => "externref".to_owned(),
        #[allow(unreachable_patterns, reason = "further types of values may come")]
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again(input: &str, ty: ValType) -> Result<String, ValueError> {
        parse(input, ty).map(|value| text(&value))
    }

    #[test]
    fn integers_may_be_signed_or_unsigned() {
        for (input, output) in [
            ("0", "0"),
            ("-2147483648", "-2147483648"),
            ("4294967295", "-1"),
            ("0xffffffff", "-1"),
            ("-0x1", "-1"),
            ("2147483648", "-2147483648"),
        ] {
            assert_eq!(again(input, ValType::I32).as_deref(), Ok(output), "{input}");
        }
        assert_eq!(
            again("0xffffffffffffffff", ValType::I64).as_deref(),
            Ok("-1")
        );
        assert_eq!(
            again("-9223372036854775808", ValType::I64).unwrap(),
            i64::MIN.to_string()
        );
    }

    #[test]
    fn what_is_no_integer_of_the_width_is_refused() {
        for input in [
            "",
            "-",
            "--1",
            "+1",
            "-+1",
            "1.5",
            "x",
            "0x",
            "0x-1",
            "4294967296",
            "-2147483649",
            " 1",
        ] {
            let error = again(input, ValType::I32).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("{input:?} is not an integer of 32 bits")
            );
        }
        assert!(again("18446744073709551616", ValType::I64).is_err());
        assert!(again(&"9".repeat(100), ValType::I64).is_err());
    }

    #[test]
    fn floats_keep_all_their_bits() {
        for input in [
            "1.0", "-0.0", "0.1", "1e300", "inf", "-inf", "nan", "-nan", "nan:0x1",
        ] {
            assert_eq!(again(input, ValType::F64).as_deref(), Ok(input));
        }
        for input in [
            "0.1",
            "3.4028235e38",
            "1e-45",
            "nan",
            "-nan:0x200000",
            "nan:0x7fffff",
        ] {
            assert_eq!(again(input, ValType::F32).as_deref(), Ok(input));
        }
        assert_eq!(again("2", ValType::F32).as_deref(), Ok("2.0"));
        for input in ["", "one", "nan:0x800000", "nan:0x0", "nan:", "nan1", "0x10"] {
            assert!(again(input, ValType::F32).is_err(), "{input}");
        }
        assert!(
            matches!(parse("nan", ValType::F32), Ok(Val::F32(v)) if v.to_bits() == 0x7fc0_0000)
        );
    }

    #[test]
    fn the_only_reference_is_null() {
        assert_eq!(again("null", ValType::FuncRef).as_deref(), Ok("null"));
        assert_eq!(again("null", ValType::ExternRef).as_deref(), Ok("null"));
        assert!(again("0", ValType::ExternRef).is_err());
    }
}
