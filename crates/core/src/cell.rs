//! One value slot of the machine.
//!
//! Frames, globals and the parameters and results of host functions are made
//! of cells of eight bytes. A cell does not know the type of its value: the
//! bytecode, or a [`FuncType`](crate::FuncType), does.
//!
//! # Representation
//!
//! | Wasm type | Bits of the cell |
//! |---|---|
//! | `i32`, `f32` | the low 32 bits; written zero-extended, read by truncation |
//! | `i64`, `f64` | all 64 bits |
//! | `funcref` | 0 for null, else the function's index in its store plus one |
//! | `externref` | 0 for null, else the object's index in its store plus one |
//!
//! A cell is plain data, so a reference in a cell proves nothing. Whoever turns
//! it into a pointer (a table, see [`crate::table`]) checks it first.

use core::fmt;

use crate::types::ValType;

/// A value slot of eight bytes, see the [module](self) for its representation.
#[derive(Copy, Clone, Default, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Cell(u64);

const _: () = assert!(size_of::<Cell>() == 8);

impl Cell {
    /// All bits zero: the initial value of every Wasm local, and the null reference.
    pub const ZERO: Self = Self(0);

    /// A cell with exactly these bits.
    #[inline]
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// All 64 bits.
    #[inline]
    #[must_use]
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// A cell that holds `value`.
    #[inline]
    #[must_use]
    pub fn new<V: CellValue>(value: V) -> Self {
        value.into_cell()
    }

    /// The value of the cell read as a `V`, whatever was written to it.
    #[inline]
    #[must_use]
    pub fn get<V: CellValue>(self) -> V {
        V::from_cell(self)
    }
}

impl Cell {
    /// The cell as an instruction would have written it: without bits that a `ty`
    /// does not use. For cells that come from outside.
    #[inline]
    #[must_use]
    pub const fn canonical(self, ty: ValType) -> Self {
        match ty {
            ValType::I32 | ValType::F32 => Self(self.0 & 0xffff_ffff),
            ValType::I64 | ValType::F64 | ValType::FuncRef | ValType::ExternRef => self,
        }
    }
}

impl fmt::Debug for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cell({:#x})", self.0)
    }
}

mod sealed {
    pub trait Sealed {}
}

/// The Rust types that fit in a [`Cell`].
pub trait CellValue: Copy + sealed::Sealed {
    /// Reads the value; bits that the type does not use are ignored.
    fn from_cell(cell: Cell) -> Self;
    /// Writes the value; bits that the type does not use become zero.
    fn into_cell(self) -> Cell;
}

macro_rules! cell_values {
    ($($ty:ty: |$cell:ident| $from:expr, |$value:ident| $into:expr;)*) => {$(
        impl sealed::Sealed for $ty {}

        impl CellValue for $ty {
            #[inline]
            fn from_cell($cell: Cell) -> Self {
                $from
            }

            #[inline]
            fn into_cell(self) -> Cell {
                let $value = self;
                Cell($into)
            }
        }

        impl From<$ty> for Cell {
            #[inline]
            fn from(value: $ty) -> Self {
                value.into_cell()
            }
        }
    )*};
}

cell_values! {
    bool: |cell| cell.0 as u32 != 0, |value| u64::from(value);
    i32: |cell| cell.0 as i32, |value| u64::from(value.cast_unsigned());
    u32: |cell| cell.0 as u32, |value| u64::from(value);
    i64: |cell| cell.0.cast_signed(), |value| value.cast_unsigned();
    u64: |cell| cell.0, |value| value;
    f32: |cell| f32::from_bits(cell.0 as u32), |value| u64::from(value.to_bits());
    f64: |cell| f64::from_bits(cell.0), |value| value.to_bits();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrow_values_are_zero_extended_and_read_by_truncation() {
        assert_eq!(Cell::new(-1i32).to_bits(), 0xffff_ffff);
        assert_eq!(Cell::new(-0.0f32).to_bits(), 0x8000_0000);
        assert_eq!(Cell::from_bits(0xdead_beef_0000_0007).get::<i32>(), 7);
        assert_eq!(
            Cell::from_bits(0xdead_beef_ffff_ffff).get::<u32>(),
            u32::MAX
        );
        assert!(!Cell::from_bits(0xdead_beef_0000_0000).get::<bool>());
    }

    #[test]
    fn a_canonical_cell_has_no_unused_bits() {
        let all = Cell::from_bits(u64::MAX);
        for ty in [ValType::I32, ValType::F32] {
            assert_eq!(all.canonical(ty).to_bits(), 0xffff_ffff);
        }
        for ty in [
            ValType::I64,
            ValType::F64,
            ValType::FuncRef,
            ValType::ExternRef,
        ] {
            assert_eq!(all.canonical(ty), all);
        }
    }

    #[test]
    fn nan_payloads_survive() {
        let signalling32 = 0x7fa1_2345;
        let signalling64 = 0x7ff4_0000_dead_beef;
        assert_eq!(
            Cell::new(f32::from_bits(signalling32))
                .get::<f32>()
                .to_bits(),
            signalling32
        );
        assert_eq!(
            Cell::new(f64::from_bits(signalling64))
                .get::<f64>()
                .to_bits(),
            signalling64
        );
    }

    proptest::proptest! {
        #[test]
        fn every_value_comes_back(a: i32, b: u32, c: i64, d: u64, e: bool) {
            assert_eq!(Cell::new(a).get::<i32>(), a);
            assert_eq!(Cell::new(b).get::<u32>(), b);
            assert_eq!(Cell::new(c).get::<i64>(), c);
            assert_eq!(Cell::new(d).get::<u64>(), d);
            assert_eq!(Cell::new(e).get::<bool>(), e);
            assert_eq!(Cell::new(f64::from_bits(d)).get::<f64>().to_bits(), d);
        }
    }
}
