//! Values in every engine's place: one NaN, and references by whether they are null.

use std::fmt;
use std::str::FromStr;

use anyhow::Context;
use damson_generator::Const;
use damson_generator::host::canonical_bits;

/// A value; all NaNs of a type are one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// A number, or the null reference to a function.
    Const(Const),
    /// A reference to a function.
    Func,
    /// A null `externref`.
    NullExtern,
    /// An `externref` that is not null.
    Extern,
}

impl From<Const> for Value {
    fn from(value: Const) -> Self {
        let bits = canonical_bits(value);
        Self::Const(match value {
            Const::F32(_) => Const::F32(bits as u32),
            Const::F64(_) => Const::F64(bits),
            other => other,
        })
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Const(Const::I32(value)) => write!(f, "i32:{value}"),
            Self::Const(Const::I64(value)) => write!(f, "i64:{value}"),
            Self::Const(Const::F32(bits)) => write!(f, "f32:{bits:#010x}"),
            Self::Const(Const::F64(bits)) => write!(f, "f64:{bits:#018x}"),
            Self::Const(Const::NullFunc) => f.write_str("funcref:null"),
            Self::Func => f.write_str("funcref:some"),
            Self::NullExtern => f.write_str("externref:null"),
            Self::Extern => f.write_str("externref:some"),
        }
    }
}

impl FromStr for Value {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (ty, value) = text.split_once(':').context("expected TYPE:VALUE")?;
        let hex = || {
            value
                .strip_prefix("0x")
                .context("expected the bits as 0x...")
        };
        Ok(match (ty, value) {
            ("i32", _) => Const::I32(value.parse()?).into(),
            ("i64", _) => Const::I64(value.parse()?).into(),
            ("f32", _) => Const::F32(u32::from_str_radix(hex()?, 16)?).into(),
            ("f64", _) => Const::F64(u64::from_str_radix(hex()?, 16)?).into(),
            ("funcref", "null") => Const::NullFunc.into(),
            ("externref", "null") => Self::NullExtern,
            _ => anyhow::bail!("{text} is not a value that can be passed"),
        })
    }
}

/// Several values, separated by spaces.
pub(crate) struct Values<'a>(pub(crate) &'a [Value]);

impl fmt::Display for Values<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, value) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            write!(f, "{value}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_they_are_written() {
        let values = [
            Const::I32(-5),
            Const::I64(i64::MIN),
            Const::F32(0x8000_0000),
            Const::F64(1.5_f64.to_bits()),
            Const::NullFunc,
        ];
        for value in values
            .map(Value::from)
            .into_iter()
            .chain([Value::NullExtern])
        {
            let text = value.to_string();
            assert_eq!(
                text.parse::<Value>().expect("what was written"),
                value,
                "{text}"
            );
        }
    }

    #[test]
    fn all_nans_are_one() {
        assert_eq!(
            Value::from(Const::F32(0xffc0_0001)),
            Value::from(Const::F32(0x7fa0_0000))
        );
        assert_ne!(Value::from(Const::F64(0)), Value::from(Const::F64(1 << 63)));
    }
}
