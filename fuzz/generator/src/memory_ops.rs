//! Loads and stores.

use wasm_encoder::{Instruction, MemArg};

use crate::ast::Ty::{self, F32, F64, I32, I64};

macro_rules! access {
    ($(#[$doc:meta])* $kind:ident, $all:ident; $( $name:ident: $ty:ident $width:literal; )*) => {
        $(#[$doc])*
        pub struct $kind {
            pub(crate) ty: Ty,
            /// In bytes.
            pub(crate) width: u64,
            pub(crate) instruction: fn(MemArg) -> Instruction<'static>,
            name: &'static str,
        }

        impl std::fmt::Debug for $kind {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name)
            }
        }

        impl PartialEq for $kind {
            fn eq(&self, other: &Self) -> bool {
                std::ptr::eq(self, other)
            }
        }

        impl Eq for $kind {}

        /// All of them.
        pub(crate) static $all: &[$kind] = &[$( $kind {
            ty: $ty,
            width: $width,
            instruction: Instruction::$name,
            name: stringify!($name),
        } ),*];
    };
}

access! {
    /// A load.
    Load, LOADS;
    I32Load: I32 4;
    I64Load: I64 8;
    F32Load: F32 4;
    F64Load: F64 8;
    I32Load8S: I32 1;
    I32Load8U: I32 1;
    I32Load16S: I32 2;
    I32Load16U: I32 2;
    I64Load8S: I64 1;
    I64Load8U: I64 1;
    I64Load16S: I64 2;
    I64Load16U: I64 2;
    I64Load32S: I64 4;
    I64Load32U: I64 4;
}

access! {
    /// A store.
    Store, STORES;
    I32Store: I32 4;
    I64Store: I64 8;
    F32Store: F32 4;
    F64Store: F64 8;
    I32Store8: I32 1;
    I32Store16: I32 2;
    I64Store8: I64 1;
    I64Store16: I64 2;
    I64Store32: I64 4;
}
