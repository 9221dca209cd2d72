//! Script arguments into values, and values against expected results.
//!
//! Results are compared by bit pattern, through [`Value`]: a plain copy of a
//! value with references reduced to what a script can observe of them. So the
//! rules of comparison need no store and no engine.
//!
//! External references are numbers in scripts, `(ref.extern 7)`; the host object
//! behind one is that number as a `u32`.

use crate::session::Verdict;
use core::fmt;
use damson::{AsContext, AsContextMut, ExternRef, F32 as Float32, F64 as Float64, Nullable, Val};
use wast::core::{AbstractHeapType, HeapType, NanPattern, WastArgCore, WastRetCore};
use wast::token::{F32, F64};
use wast::{WastArg, WastRet};

/// What a script can observe of a value: floats by their bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value {
    I32(i32),
    I64(i64),
    F32(u32),
    F64(u64),
    /// A null function reference.
    NullFunc,
    /// Any other function reference.
    Func,
    /// A null external reference.
    NullExtern,
    /// Any other external reference, with its number if it has one.
    Extern(Option<u32>),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::I32(value) => write!(f, "(i32.const {value})"),
            Self::I64(value) => write!(f, "(i64.const {value})"),
            Self::F32(bits) => write!(
                f,
                "(f32.const {}) (bits {bits:#010x})",
                f32::from_bits(bits)
            ),
            Self::F64(bits) => write!(
                f,
                "(f64.const {}) (bits {bits:#018x})",
                f64::from_bits(bits)
            ),
            Self::NullFunc => f.write_str("(ref.null func)"),
            Self::Func => f.write_str("(ref.func)"),
            Self::NullExtern => f.write_str("(ref.null extern)"),
            Self::Extern(Some(number)) => write!(f, "(ref.extern {number})"),
            Self::Extern(None) => f.write_str("(ref.extern)"),
        }
    }
}

impl Value {
    /// The observable part of `value`, a value of the store `context`.
    pub(crate) fn observe(context: impl AsContext, value: &Val) -> Result<Self, Verdict> {
        Ok(match value {
            Val::I32(value) => Self::I32(*value),
            Val::I64(value) => Self::I64(*value),
            Val::F32(value) => Self::F32(value.to_bits()),
            Val::F64(value) => Self::F64(value.to_bits()),
            Val::FuncRef(Nullable::Null) => Self::NullFunc,
            Val::FuncRef(Nullable::Val(_)) => Self::Func,
            Val::ExternRef(Nullable::Null) => Self::NullExtern,
            Val::ExternRef(Nullable::Val(object)) => {
                Self::Extern(object.data(context.as_context()).downcast_ref().copied())
            }
            other => return Err(Verdict::Skip(format!("a result of type {}", other.ty()))),
        })
    }
}

/// The value of a script's argument; makes a host object for `ref.extern`.
pub(crate) fn argument(context: impl AsContextMut, arg: &WastArg<'_>) -> Result<Val, Verdict> {
    let WastArg::Core(arg) = arg else {
        return Err(needs("component model"));
    };
    Ok(match arg {
        WastArgCore::I32(value) => Val::I32(*value),
        WastArgCore::I64(value) => Val::I64(*value),
        WastArgCore::F32(value) => Val::F32(Float32::from_bits(value.bits)),
        WastArgCore::F64(value) => Val::F64(Float64::from_bits(value.bits)),
        WastArgCore::RefNull(ty) => match null_of(ty)? {
            Value::NullFunc => Val::FuncRef(Nullable::Null),
            _ => Val::ExternRef(Nullable::Null),
        },
        WastArgCore::RefExtern(number) => Val::from(ExternRef::new(context, *number)),
        WastArgCore::V128(_) => return Err(needs("simd")),
        WastArgCore::RefHost(_) => return Err(needs("gc")),
    })
}

/// Compares the results of a call with what the script expects.
pub(crate) fn check_results(found: &[Value], expected: &[WastRet<'_>]) -> Result<(), Verdict> {
    if found.len() != expected.len() {
        return Err(Verdict::Fail(format!(
            "expected {} results, found {}: {}",
            expected.len(),
            found.len(),
            list(found)
        )));
    }
    for (position, (found, expected)) in found.iter().zip(expected).enumerate() {
        let WastRet::Core(expected) = expected else {
            return Err(needs("component model"));
        };
        if !matches(*found, expected)? {
            return Err(Verdict::Fail(format!(
                "result {position}: expected {}, found {found}",
                Pattern(expected)
            )));
        }
    }
    Ok(())
}

/// Whether `found` is a value that `expected` describes.
pub(crate) fn matches(found: Value, expected: &WastRetCore<'_>) -> Result<bool, Verdict> {
    Ok(match expected {
        WastRetCore::I32(value) => found == Value::I32(*value),
        WastRetCore::I64(value) => found == Value::I64(*value),
        WastRetCore::F32(pattern) => match found {
            Value::F32(bits) => matches_f32(bits, pattern),
            _ => false,
        },
        WastRetCore::F64(pattern) => match found {
            Value::F64(bits) => matches_f64(bits, pattern),
            _ => false,
        },
        WastRetCore::RefNull(None) => matches!(found, Value::NullFunc | Value::NullExtern),
        WastRetCore::RefNull(Some(ty)) => found == null_of(ty)?,
        WastRetCore::RefExtern(None) => matches!(found, Value::Extern(_)),
        WastRetCore::RefExtern(number) => found == Value::Extern(*number),
        WastRetCore::RefFunc(None) => found == Value::Func,
        // Which function it is cannot be seen from outside.
        WastRetCore::RefFunc(Some(_)) => {
            return Err(Verdict::Skip("compares function references".into()));
        }
        WastRetCore::Either(cases) => {
            for case in cases {
                if matches(found, case)? {
                    return Ok(true);
                }
            }
            false
        }
        WastRetCore::V128(_) => return Err(needs("simd")),
        WastRetCore::RefHost(_)
        | WastRetCore::RefAny
        | WastRetCore::RefEq
        | WastRetCore::RefArray
        | WastRetCore::RefStruct
        | WastRetCore::RefI31
        | WastRetCore::RefI31Shared => return Err(needs("gc")),
    })
}

/// A canonical NaN has a payload of only the quiet bit, either sign; an
/// arithmetic NaN has the quiet bit set, whatever else (specification, section
/// 2.2.3, "Floating-Point").
fn matches_f32(bits: u32, pattern: &NanPattern<F32>) -> bool {
    const QUIET_NAN: u32 = 0x7fc0_0000;
    match pattern {
        NanPattern::CanonicalNan => bits & 0x7fff_ffff == QUIET_NAN,
        NanPattern::ArithmeticNan => bits & QUIET_NAN == QUIET_NAN,
        NanPattern::Value(value) => bits == value.bits,
    }
}

/// As [`matches_f32`].
fn matches_f64(bits: u64, pattern: &NanPattern<F64>) -> bool {
    const QUIET_NAN: u64 = 0x7ff8_0000_0000_0000;
    match pattern {
        NanPattern::CanonicalNan => bits & 0x7fff_ffff_ffff_ffff == QUIET_NAN,
        NanPattern::ArithmeticNan => bits & QUIET_NAN == QUIET_NAN,
        NanPattern::Value(value) => bits == value.bits,
    }
}

/// The null of a reference type.
fn null_of(ty: &HeapType<'_>) -> Result<Value, Verdict> {
    match ty {
        HeapType::Abstract {
            shared: false,
            ty: AbstractHeapType::Func,
        } => Ok(Value::NullFunc),
        HeapType::Abstract {
            shared: false,
            ty: AbstractHeapType::Extern,
        } => Ok(Value::NullExtern),
        _ => Err(needs("function-references or gc")),
    }
}

fn needs(proposal: &str) -> Verdict {
    Verdict::Skip(format!("needs the {proposal} proposal"))
}

fn list(values: &[Value]) -> String {
    let texts: Vec<String> = values.iter().map(Value::to_string).collect();
    format!("[{}]", texts.join(" "))
}

/// Displays an expected result the way scripts write it.
struct Pattern<'a>(&'a WastRetCore<'a>);

impl fmt::Display for Pattern<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            WastRetCore::I32(value) => Value::I32(*value).fmt(f),
            WastRetCore::I64(value) => Value::I64(*value).fmt(f),
            WastRetCore::F32(NanPattern::Value(value)) => Value::F32(value.bits).fmt(f),
            WastRetCore::F64(NanPattern::Value(value)) => Value::F64(value.bits).fmt(f),
            WastRetCore::F32(NanPattern::CanonicalNan) => f.write_str("(f32.const nan:canonical)"),
            WastRetCore::F64(NanPattern::CanonicalNan) => f.write_str("(f64.const nan:canonical)"),
            WastRetCore::F32(NanPattern::ArithmeticNan) => {
                f.write_str("(f32.const nan:arithmetic)")
            }
            WastRetCore::F64(NanPattern::ArithmeticNan) => {
                f.write_str("(f64.const nan:arithmetic)")
            }
            WastRetCore::RefExtern(number) => Value::Extern(*number).fmt(f),
            WastRetCore::RefFunc(_) => Value::Func.fmt(f),
            WastRetCore::RefNull(None) => f.write_str("(ref.null)"),
            WastRetCore::RefNull(Some(ty)) => match null_of(ty) {
                Ok(null) => null.fmt(f),
                Err(_) => write!(f, "(ref.null {ty:?})"),
            },
            WastRetCore::Either(cases) => {
                f.write_str("(either")?;
                for case in cases {
                    write!(f, " {}", Pattern(case))?;
                }
                f.write_str(")")
            }
            other => write!(f, "{other:?}"),
        }
    }
}

#[cfg(test)]
mod tests;
