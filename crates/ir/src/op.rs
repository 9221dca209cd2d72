//! Operations and opcodes, derived from the [instruction table](crate::instruction_table).

use crate::Kind;
use core::fmt;

/// An operation of the instruction table: what an instruction does, without where its
/// operands are.
pub trait Operation: Copy {
    /// The family of the operation.
    const FAMILY: Family;

    /// The position of the operation in its family.
    fn index(self) -> usize;

    /// The operation without its static type.
    fn op(self) -> Op {
        Op {
            family: Self::FAMILY,
            index: self.index(),
        }
    }
}

/// An operation of any family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Op {
    family: Family,
    index: usize,
}

/// One form of a family.
#[derive(Debug)]
pub struct Form {
    /// The kind of each operand, in the order of [`FamilyInfo::operands`].
    pub kinds: &'static [Kind],
    key: u64,
}

/// What the table says about a family.
#[derive(Debug)]
pub struct FamilyInfo {
    /// The name of the family.
    pub name: &'static str,
    /// The names of its operands.
    pub operands: &'static [&'static str],
    /// The names of its operations, as in the Wasm text format where they exist there.
    pub ops: &'static [&'static str],
    /// Its forms.
    pub forms: &'static [Form],
    /// Its first opcode.
    pub first: u16,
}

/// The number of an instruction: a family, an operation of it and a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Opcode(u16);

/// One, whatever the form: counts forms.
macro_rules! count_one {
    ($($kind:ident)*) => {
        1_usize
    };
}

macro_rules! derive_operations {
    ($(
        $(#[$family_doc:meta])*
        $Family:ident {
            ops { $( $(#[$op_doc:meta])* $Op:ident $name:literal $semantics:tt, )* }
            operands ( $($operand:ident),* )
            forms { $( ( $($kind:ident)* ) )* }
        }
    )*) => {
        /// A set of operations that share operands and forms.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Family { $( $(#[$family_doc])* $Family, )* }

        /// Every family, in the order of the table.
        pub static FAMILIES: [FamilyInfo; FAMILY_COUNT] = with_first_opcodes([$( FamilyInfo {
            name: stringify!($Family),
            operands: &[$( stringify!($operand) ),*],
            ops: &[$( $name ),*],
            forms: &[$( Form::new(&[$( Kind::$kind ),*]) ),*],
            first: 0,
        } ),*]);

        const FAMILY_ORDER: [Family; FAMILY_COUNT] = [$( Family::$Family ),*];

        const FAMILY_COUNT: usize = [$( stringify!($Family) ),*].len();

        /// The number of opcodes.
        const OPCODE_COUNT: usize = 0 $( + [$( $name ),*].len() * [$( count_one!($($kind)*) ),*].len() )*;

        $(
            $(#[$family_doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
            #[repr(u8)]
            pub enum $Family { $( $(#[$op_doc])* $Op, )* }

            impl Operation for $Family {
                const FAMILY: Family = Family::$Family;
                fn index(self) -> usize { self as usize }
            }

            impl $Family {
                /// Every operation of the family, in the order of the table.
                pub const ALL: &'static [Self] = &[$( Self::$Op ),*];
            }
        )*
    };
}

crate::instruction_table!(derive_operations);

/// Numbers the families' opcodes one after the other.
const fn with_first_opcodes(
    mut families: [FamilyInfo; FAMILY_COUNT],
) -> [FamilyInfo; FAMILY_COUNT] {
    let mut first = 0;
    let mut index = 0;
    while index < FAMILY_COUNT {
        families[index].first = first as u16;
        first += families[index].ops.len() * families[index].forms.len();
        index += 1;
    }
    assert!(first <= u16::MAX as usize, "opcodes fit 16 bits");
    families
}

/// A number that differs for different tuples of at most ten kinds.
const fn key_of(kinds: &[Kind]) -> u64 {
    assert!(kinds.len() <= 10, "six bits for each kind");
    let mut key = 0;
    let mut index = 0;
    while index < kinds.len() {
        key = key << 6 | (kinds[index] as u64 + 1);
        index += 1;
    }
    key
}

impl Form {
    const fn new(kinds: &'static [Kind]) -> Self {
        Self {
            kinds,
            key: key_of(kinds),
        }
    }

    /// Number of bytes that the operands take in the code.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        let (mut bytes, mut index) = (0, 0);
        while index < self.kinds.len() {
            bytes += self.kinds[index].bytes();
            index += 1;
        }
        bytes
    }
}

impl Family {
    /// What the table says about the family.
    #[must_use]
    pub fn info(self) -> &'static FamilyInfo {
        &FAMILIES[self as usize]
    }
}

impl Op {
    /// The family of the operation.
    #[must_use]
    pub fn family(self) -> Family {
        self.family
    }

    /// The name of the operation, as in the Wasm text format where it exists there.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.family.info().ops[self.index]
    }

    /// The opcode of the operation with operands of these kinds; `None` if the table has no
    /// such form.
    #[must_use]
    pub fn form(self, kinds: &[Kind]) -> Option<Opcode> {
        let info = self.family.info();
        if kinds.len() != info.operands.len() {
            return None;
        }
        let key = key_of(kinds);
        let form = info.forms.iter().position(|form| form.key == key)?;
        Opcode::new(usize::from(info.first) + self.index * info.forms.len() + form)
    }
}

impl Opcode {
    /// The number of opcodes.
    pub const COUNT: usize = OPCODE_COUNT;

    /// The opcode with this number.
    #[must_use]
    pub fn new(number: usize) -> Option<Self> {
        u16::try_from(number)
            .ok()
            .filter(|_| number < Self::COUNT)
            .map(Self)
    }

    /// The number of the opcode: its index in the handler table.
    #[must_use]
    pub fn number(self) -> usize {
        usize::from(self.0)
    }

    /// Every opcode.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT).filter_map(Self::new)
    }

    fn family_info(self) -> (&'static FamilyInfo, usize) {
        let index = FAMILIES.partition_point(|family| family.first <= self.0) - 1;
        (&FAMILIES[index], index)
    }

    /// The family of the opcode.
    #[must_use]
    pub fn family(self) -> Family {
        FAMILY_ORDER[self.family_info().1]
    }

    /// The operation of the opcode.
    #[must_use]
    pub fn op(self) -> Op {
        let (info, _) = self.family_info();
        Op {
            family: self.family(),
            index: usize::from(self.0 - info.first) / info.forms.len(),
        }
    }

    /// The form of the opcode: the kinds of its operands.
    #[must_use]
    pub fn form(self) -> &'static Form {
        let (info, _) = self.family_info();
        &info.forms[usize::from(self.0 - info.first) % info.forms.len()]
    }

    /// Number of cells of the instruction, without the targets of a `br_table`.
    #[must_use]
    pub fn cells(self) -> usize {
        1 + self.form().bytes().div_ceil(8)
    }
}

impl fmt::Display for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.op().name())?;
        for kind in self.form().kinds {
            write!(f, "_{kind:?}")?;
        }
        Ok(())
    }
}
