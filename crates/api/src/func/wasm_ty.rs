//! Rust types that stand for Wasm types, alone and in lists.

use alloc::fmt::Debug;

use damson_core::{Cell, ForeignHandle, PrunedRef, ValType};

use crate::func::Func;
use crate::value::{ExternRef, F32, F64, Nullable, ref_from_cell, ref_to_cell};

/// A Rust type that stands for a Wasm value type.
///
/// Unsigned integers share the type of the signed ones. Function and extern references
/// are [`Nullable`] or [`Option`]. The trait is sealed by its hidden methods.
pub trait WasmTy: Send {
    /// The Wasm type.
    fn ty() -> ValType;

    #[doc(hidden)]
    fn to_cell(self, store: PrunedRef<'_>) -> Result<Cell, ForeignHandle>;

    #[doc(hidden)]
    fn from_cell(store: PrunedRef<'_>, cell: Cell) -> Self;
}

/// Implements the trait for numbers, which need no store.
macro_rules! numbers {
    ($($rust:ty as $wasm:ident: |$value:ident| $to:expr, |$cell:ident| $from:expr;)*) => { $(
        impl WasmTy for $rust {
            fn ty() -> ValType {
                ValType::$wasm
            }

            #[inline]
            fn to_cell(self, _: PrunedRef<'_>) -> Result<Cell, ForeignHandle> {
                let $value = self;
                Ok(Cell::new($to))
            }

            #[inline]
            fn from_cell(_: PrunedRef<'_>, $cell: Cell) -> Self {
                $from
            }
        }
    )* };
}

numbers! {
    i32 as I32: |value| value, |cell| cell.get();
    u32 as I32: |value| value, |cell| cell.get();
    i64 as I64: |value| value, |cell| cell.get();
    u64 as I64: |value| value, |cell| cell.get();
    f32 as F32: |value| value, |cell| cell.get();
    f64 as F64: |value| value, |cell| cell.get();
    F32 as F32: |value| value.to_bits(), |cell| Self::from_bits(cell.get());
    F64 as F64: |value| value.to_bits(), |cell| Self::from_bits(cell.get());
}

/// Implements the trait for references, which are checked against the store.
macro_rules! references {
    ($($handle:ty as $wasm:ident),*) => { $(
        impl WasmTy for Nullable<$handle> {
            fn ty() -> ValType {
                ValType::$wasm
            }

            fn to_cell(self, store: PrunedRef<'_>) -> Result<Cell, ForeignHandle> {
                ref_to_cell(store, self)
            }

            fn from_cell(store: PrunedRef<'_>, cell: Cell) -> Self {
                ref_from_cell(store, cell)
            }
        }

        impl WasmTy for Option<$handle> {
            fn ty() -> ValType {
                ValType::$wasm
            }

            fn to_cell(self, store: PrunedRef<'_>) -> Result<Cell, ForeignHandle> {
                ref_to_cell(store, Nullable::<$handle>::from(self))
            }

            fn from_cell(store: PrunedRef<'_>, cell: Cell) -> Self {
                ref_from_cell::<$handle>(store, cell).into()
            }
        }
    )* };
}

references!(Func as FuncRef, ExternRef as ExternRef);

/// A list of [`WasmTy`]s: `()`, one alone, or a tuple of up to 16.
///
/// The trait is sealed by its hidden methods.
pub trait WasmTyList: Sized + Send {
    /// The Wasm types, as an array.
    type Types: AsRef<[ValType]> + AsMut<[ValType]> + IntoIterator<Item = ValType> + Copy + Debug;

    /// The Wasm types.
    fn types() -> Self::Types;

    #[doc(hidden)]
    const LEN: usize;

    /// Writes the values to the first `LEN` cells.
    #[doc(hidden)]
    fn to_cells(self, store: PrunedRef<'_>, cells: &mut [Cell]) -> Result<(), ForeignHandle>;

    /// Reads the values from the first `LEN` cells.
    #[doc(hidden)]
    fn from_cells(store: PrunedRef<'_>, cells: &[Cell]) -> Self;
}

/// The parameters of a [`TypedFunc`](crate::TypedFunc).
pub trait WasmParams: WasmTyList {}
impl<L: WasmTyList> WasmParams for L {}

/// The results of a [`TypedFunc`](crate::TypedFunc).
pub trait WasmResults: WasmTyList {}
impl<L: WasmTyList> WasmResults for L {}

impl<T1: WasmTy> WasmTyList for T1 {
    type Types = [ValType; 1];

    fn types() -> Self::Types {
        [T1::ty()]
    }

    const LEN: usize = 1;

    #[inline]
    fn to_cells(self, store: PrunedRef<'_>, cells: &mut [Cell]) -> Result<(), ForeignHandle> {
        cells[0] = self.to_cell(store)?;
        Ok(())
    }

    #[inline]
    fn from_cells(store: PrunedRef<'_>, cells: &[Cell]) -> Self {
        T1::from_cell(store, cells[0])
    }
}

/// Calls a macro for the tuples of 1 to 16 types.
macro_rules! for_each_tuple {
    ($mac:ident) => {
        $mac!(1 A1);
        $mac!(2 A1 A2);
        $mac!(3 A1 A2 A3);
        $mac!(4 A1 A2 A3 A4);
        $mac!(5 A1 A2 A3 A4 A5);
        $mac!(6 A1 A2 A3 A4 A5 A6);
        $mac!(7 A1 A2 A3 A4 A5 A6 A7);
        $mac!(8 A1 A2 A3 A4 A5 A6 A7 A8);
        $mac!(9 A1 A2 A3 A4 A5 A6 A7 A8 A9);
        $mac!(10 A1 A2 A3 A4 A5 A6 A7 A8 A9 A10);
        $mac!(11 A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11);
        $mac!(12 A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12);
        $mac!(13 A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13);
        $mac!(14 A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13 A14);
        $mac!(15 A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13 A14 A15);
        $mac!(16 A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13 A14 A15 A16);
    };
}
pub(super) use for_each_tuple;

impl WasmTyList for () {
    type Types = [ValType; 0];

    fn types() -> Self::Types {
        []
    }

    const LEN: usize = 0;

    #[inline]
    fn to_cells(self, _: PrunedRef<'_>, _: &mut [Cell]) -> Result<(), ForeignHandle> {
        Ok(())
    }

    #[inline]
    fn from_cells(_: PrunedRef<'_>, _: &[Cell]) -> Self {}
}

macro_rules! tuple_list {
    ($len:literal $($ty:ident)*) => {
        #[expect(non_snake_case, reason = "the names of the types serve as variables")]
        impl<$($ty: WasmTy),*> WasmTyList for ($($ty,)*) {
            type Types = [ValType; $len];

            fn types() -> Self::Types {
                [$($ty::ty()),*]
            }

            const LEN: usize = $len;

            #[inline]
            fn to_cells(
                self,
                store: PrunedRef<'_>,
                cells: &mut [Cell],
            ) -> Result<(), ForeignHandle> {
                let ($($ty,)*) = self;
                let mut cells = cells[..$len].iter_mut();
                $( *cells.next().expect("as many as values") = $ty.to_cell(store)?; )*
                Ok(())
            }

            #[inline]
            fn from_cells(store: PrunedRef<'_>, cells: &[Cell]) -> Self {
                let mut cells = cells[..$len].iter();
                ($( $ty::from_cell(store, *cells.next().expect("as many as values")), )*)
            }
        }
    };
}

for_each_tuple!(tuple_list);
