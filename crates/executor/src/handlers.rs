//! The handler table: from opcode to handler, derived from the instruction table.

use crate::dispatch::{Handler, Instruction, handler};
use crate::{families, ops, place};
use damson_ir::{Kind, Opcode};

/// The handlers of one operation, in the order of its family's forms.
macro_rules! handlers_of_forms {
    ($Family:ident $Op:ident { $( ( $($kind:ident)* ) )* }) => {
        &[$({
            type This = families::$Family<ops::$Op $(, place::$kind)*>;
            assert!(
                <This as Instruction>::BYTES == 0 $(+ Kind::$kind.bytes())*,
                "a handler reads the operands that its form has"
            );
            handler::<This> as Handler
        }),*]
    };
}

macro_rules! derive_handlers {
    ($(
        $(#[$family_doc:meta])*
        $Family:ident {
            ops { $( $(#[$op_doc:meta])* $Op:ident $name:literal $semantics:tt, )* }
            operands $operands:tt
            forms $forms:tt
        }
    )*) => {
        /// The handlers of every operation, in the order of opcodes.
        const GROUPS: &[&[Handler]] = &[$($( handlers_of_forms!($Family $Op $forms), )*)*];
    };
}

damson_ir::instruction_table!(derive_handlers);

/// The handler of every opcode.
pub(crate) static HANDLERS: [Handler; Opcode::COUNT] = flatten(GROUPS);

const fn flatten(groups: &[&[Handler]]) -> [Handler; Opcode::COUNT] {
    let mut table = [groups[0][0]; Opcode::COUNT];
    let mut opcode = 0;
    let mut group = 0;
    while group < groups.len() {
        let mut form = 0;
        while form < groups[group].len() {
            table[opcode] = groups[group][form];
            opcode += 1;
            form += 1;
        }
        group += 1;
    }
    assert!(opcode == Opcode::COUNT, "every opcode has a handler");
    table
}
