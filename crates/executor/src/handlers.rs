//! The handler table: from opcode to handler, derived from the instruction table.

use crate::dispatch::{Handler, Instruction, handler};
use crate::{families, ops, place};
use damson_ir::{Kind, Opcode};

/// The handler of an instruction type, after a check that it reads the operands that its form
/// in the table has.
macro_rules! checked_handler {
    ($This:ty, $($kind:ident)*) => {{
        assert!(
            <$This as Instruction>::BYTES == 0 $(+ Kind::$kind.bytes())*,
            "a handler reads the operands that its form has"
        );
        handler::<$This> as Handler
    }};
}

/// The handlers of one operation, in the order of its family's forms.
macro_rules! handlers_of_forms {
    ($Family:ident $Op:ident { $( ( $($kind:ident)* ) )* }) => {
        &[$(
            checked_handler!(families::$Family<ops::$Op $(, place::$kind)*>, $($kind)*)
        ),*]
    };
}

/// The handlers of every operation of a tile family: all ways to choose one operation from
/// each list, the last part changing first, each in the order of the forms.
macro_rules! handlers_of_tiles {
    ($Shape:ident $forms:tt $( $Part:ident $ops:tt )*) => {
        handlers_of_tiles!(@choose $Shape [] [$( $ops )*] $forms)
    };
    (@choose $Shape:ident $chosen:tt [$ops:tt $($rest:tt)*] $forms:tt) => {
        handlers_of_tiles!(@each $Shape $chosen $ops [$($rest)*] $forms)
    };
    (@choose $Shape:ident [$($op:ident)*] [] $forms:tt) => {
        handlers_of_tiles!(@forms $Shape ( $(ops::$op,)* ) $forms)
    };
    (@each $Shape:ident $chosen:tt ($($op:ident)*) $rest:tt $forms:tt) => {
        Group::Nested(&[$( handlers_of_tiles!(@with $Shape $chosen $op $rest $forms) ),*])
    };
    (@with $Shape:ident [$($chosen:ident)*] $op:ident $rest:tt $forms:tt) => {
        handlers_of_tiles!(@choose $Shape [$($chosen)* $op] $rest $forms)
    };
    (@forms $Shape:ident $ops:tt { $( ( $($kind:ident)* ) )* }) => {
        Group::Forms(&[$( handlers_of_tiles!(@one $Shape $ops $($kind)*) ),*])
    };
    (@one $Shape:ident ( $($op:path,)* ) $($kind:ident)*) => {
        checked_handler!(families::$Shape<$($op,)* $(place::$kind),*>, $($kind)*)
    };
}

/// Handlers in the order of opcodes.
enum Group {
    /// Those of one operation, for each form.
    Forms(&'static [Handler]),
    /// Those of several operations.
    Nested(&'static [Group]),
}

/// Hands the rows of both tables on.
macro_rules! with_tiles {
    ($($rows:tt)*) => {
        damson_ir::tile_table!(derive_handlers { $($rows)* });
    };
}

macro_rules! derive_handlers {
    ({$(
        $(#[$family_doc:meta])*
        $Family:ident {
            ops { $( $(#[$op_doc:meta])* $Op:ident $name:literal $semantics:tt, )* }
            operands $operands:tt
            forms $forms:tt
        }
    )*} $(
        $(#[$shape_doc:meta])*
        $Shape:ident $sort:ident {
            operands $tile_operands:tt
            forms $tile_forms:tt
            sets { $( $Set:ident { $( $Part:ident $part_ops:tt )* } )* }
        }
    )*) => {
        /// The handlers of every operation, in the order of opcodes.
        const GROUPS: &[Group] = &[
            $($( Group::Forms(handlers_of_forms!($Family $Op $forms)), )*)*
            $($( handlers_of_tiles!($Shape $tile_forms $( $Part $part_ops )*), )*)*
        ];
    };
}

damson_ir::instruction_table!(with_tiles);

/// The handler of every opcode.
pub(crate) static HANDLERS: [Handler; Opcode::COUNT] = {
    let first = handler::<families::Halt> as Handler;
    let mut table = [first; Opcode::COUNT];
    let count = flatten(GROUPS, &mut table, 0);
    assert!(count == Opcode::COUNT, "every opcode has a handler");
    table
};

/// Writes the handlers of `groups` to the table from `opcode` on; returns how far.
const fn flatten(
    groups: &[Group],
    table: &mut [Handler; Opcode::COUNT],
    mut opcode: usize,
) -> usize {
    let mut group = 0;
    while group < groups.len() {
        match groups[group] {
            Group::Forms(handlers) => {
                let mut form = 0;
                while form < handlers.len() {
                    table[opcode] = handlers[form];
                    opcode += 1;
                    form += 1;
                }
            }
            Group::Nested(nested) => opcode = flatten(nested, table, opcode),
        }
        group += 1;
    }
    opcode
}
