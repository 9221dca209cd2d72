//! Operations and opcodes, derived from the [instruction table](crate::instruction_table).

use crate::lookup::find_opcode;
use crate::{Kind, Operand};
use arrayvec::ArrayVec;
use core::fmt;

/// No tile has more parts.
pub const MAX_PARTS: usize = 4;

/// Something that names an operation: one of a family's own type, or an [`Op`] of any.
pub trait Operation: Copy {
    /// The operation without its static type.
    fn op(self) -> Op;
}

impl Operation for Op {
    fn op(self) -> Op {
        self
    }
}

/// An operation of any family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Op {
    family: Family,
    index: u16,
}

/// One form of a family.
#[derive(Debug)]
pub struct Form {
    /// The kind of each operand, in the order of [`FamilyInfo::operands`].
    pub kinds: &'static [Kind],
    pub(crate) key: u64,
}

/// What the tables say about a family.
#[derive(Debug)]
pub struct FamilyInfo {
    /// The name of the family.
    pub name: &'static str,
    /// The names of its operands.
    pub operands: &'static [&'static str],
    /// Its operations.
    pub ops: Ops,
    /// Its forms.
    pub forms: &'static [Form],
    /// Its first opcode.
    pub first: u16,
}

/// The operations of a family.
#[derive(Debug)]
pub enum Ops {
    /// Single operations, by their names, as in the Wasm text format where they exist there.
    Single(&'static [&'static str]),
    /// Tiles: every way to choose one operation from each list.
    Tiles {
        /// How the parts belong together.
        shape: Shape,
        /// The operations that each part may be.
        parts: &'static [&'static [Op]],
        /// For each part the position of every single operation in its list.
        positions: &'static [[u8; SINGLE_OP_COUNT]],
    },
}

impl Ops {
    /// The number of operations.
    #[expect(
        clippy::len_without_is_empty,
        reason = "no family is without operations"
    )]
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::Single(names) => names.len(),
            Self::Tiles { parts, .. } => {
                let (mut product, mut part) = (1, 0);
                while part < parts.len() {
                    product *= parts[part].len();
                    part += 1;
                }
                product
            }
        }
    }

    /// Which of the operations has these parts, which are numbers of single operations.
    #[inline]
    fn index_of(&self, numbers: &[usize]) -> Option<u16> {
        let Self::Tiles {
            parts, positions, ..
        } = self
        else {
            return None;
        };
        if numbers.len() != parts.len() {
            return None;
        }
        let mut index = 0;
        for (part, &number) in numbers.iter().enumerate() {
            let position = *positions[part].get(number)?;
            if position == NOWHERE {
                return None;
            }
            index = index * parts[part].len() as u16 + u16::from(position);
        }
        Some(index)
    }
}

/// The number of an instruction: a family, an operation of it and a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Opcode(u16);

/// Hands the rows of both tables on.
macro_rules! with_tiles {
    ($($rows:tt)*) => {
        crate::tile_table!(derive_operations { $($rows)* });
    };
}

macro_rules! forms {
    ({ $( ( $($kind:ident)* ) )* }) => {
        &[$( Form::new(&[$( Kind::$kind ),*]) ),*]
    };
}

macro_rules! names {
    (( $($name:ident),* )) => {
        &[$( stringify!($name) ),*]
    };
}

macro_rules! is_sequence {
    (tree) => {
        false
    };
    (sequence) => {
        true
    };
}

macro_rules! derive_operations {
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
            sets { $( $Set:ident { $( $Part:ident ( $($PartOp:ident)* ) )* } )* }
        }
    )*) => {
        /// A set of operations that share operands and forms.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Family {
            $( $(#[$family_doc])* $Family, )*
            $($(
                #[doc = concat!("Tiles of the shape [`", stringify!($Shape), "`](Shape::", stringify!($Shape), ").")]
                $Set,
            )*)*
        }

        /// How the parts of a tile belong together.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Shape { $( $(#[$shape_doc])* $Shape, )* }

        impl Shape {
            /// The families of this shape.
            fn families(self) -> &'static [Family] {
                match self { $( Self::$Shape => &[$( Family::$Set ),*], )* }
            }

            /// Whether the parts are instructions one after the other, each with its own
            /// operands, instead of a tree.
            #[must_use]
            pub const fn is_sequence(self) -> bool {
                match self { $( Self::$Shape => is_sequence!($sort), )* }
            }
        }

        /// Every family, in the order of the tables.
        pub static FAMILIES: [FamilyInfo; FAMILY_COUNT] = with_first_opcodes([
            $( FamilyInfo {
                name: stringify!($Family),
                operands: names!($operands),
                ops: Ops::Single(&[$( $name ),*]),
                forms: forms!($forms),
                first: 0,
            }, )*
            $($( FamilyInfo {
                name: stringify!($Set),
                operands: names!($tile_operands),
                ops: Ops::Tiles {
                    shape: Shape::$Shape,
                    parts: &[$( &[$( $Part::$PartOp.single() ),*] ),*],
                    positions: &[$( positions(&[$( $Part::$PartOp.single() ),*]) ),*],
                },
                forms: forms!($tile_forms),
                first: 0,
            }, )*)*
        ]);

        pub(crate) const FAMILY_ORDER: [Family; FAMILY_COUNT] =
            [$( Family::$Family, )* $($( Family::$Set, )*)*];

        pub(crate) const FAMILY_COUNT: usize =
            [$( stringify!($Family), )* $($( stringify!($Set), )*)*].len();

        /// The number of single operations of each family that has some, one after the other.
        const SINGLE_OPS: &[usize] = &[$( [$( $name ),*].len() ),*];

        $(
            $(#[$family_doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
            #[repr(u8)]
            pub enum $Family { $( $(#[$op_doc])* $Op, )* }

            impl Operation for $Family {
                fn op(self) -> Op { self.single() }
            }

            impl $Family {
                /// Every operation of the family, in the order of the table.
                pub const ALL: &'static [Self] = &[$( Self::$Op ),*];

                const fn single(self) -> Op {
                    Op { family: Family::$Family, index: self as u16 }
                }
            }
        )*
    };
}

crate::instruction_table!(with_tiles);

impl Shape {
    /// Which instruction of a sequence is a tree: its shape, and how many parts it has.
    const fn tree_at(self, instruction: usize) -> Option<(Self, usize)> {
        Some(match (self, instruction) {
            (
                Self::BinGlobalThenStore
                | Self::BinGlobalThenGlobalSet
                | Self::BinGlobalThenGlobalSetThenStore,
                0,
            ) => (Self::BinGlobal, 2),
            (Self::GlobalSetBinThenReturn | Self::GlobalSetBinThenReturnValue, 0)
            | (Self::LoadThenGlobalSetBin | Self::LoadThenGlobalSetBinThenReturnValue, 1) => {
                (Self::GlobalSetBin, 2)
            }
            _ => return None,
        })
    }
}

/// The number of single operations of all families.
const SINGLE_OP_COUNT: usize = singles_before(SINGLE_OPS.len());

/// The number of opcodes.
pub(crate) const OPCODE_COUNT: usize = {
    let last = &FAMILIES[FAMILY_COUNT - 1];
    last.first as usize + last.ops.len() * last.forms.len()
};

/// How many single operations the families before this one have.
const fn singles_before(family: usize) -> usize {
    let (mut sum, mut index) = (0, 0);
    while index < family {
        sum += SINGLE_OPS[index];
        index += 1;
    }
    sum
}

/// The same for every family, as a table.
const SINGLES_BEFORE: [usize; SINGLE_OPS.len()] = {
    let mut table = [0; SINGLE_OPS.len()];
    let mut family = 0;
    while family < table.len() {
        table[family] = singles_before(family);
        family += 1;
    }
    table
};

/// No operation stands there.
const NOWHERE: u8 = u8::MAX;

/// For every single operation its position in `list`.
const fn positions(list: &[Op]) -> [u8; SINGLE_OP_COUNT] {
    let mut table = [NOWHERE; SINGLE_OP_COUNT];
    let mut index = 0;
    while index < list.len() {
        let number = list[index].single_number();
        assert!(table[number] == NOWHERE, "a part lists an operation once");
        table[number] = index as u8;
        index += 1;
    }
    table
}

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

/// The kinds of some operands, in order: what a form is found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kinds(u64);

impl Kinds {
    /// The kinds of a whole slice.
    #[must_use]
    pub const fn of(kinds: &[Kind]) -> Self {
        let (mut all, mut index) = (Self(0), 0);
        while index < kinds.len() {
            all = all.and(kinds[index]);
            index += 1;
        }
        all
    }

    /// The kinds of operands.
    #[inline]
    #[must_use]
    pub fn of_operands(operands: &[Operand]) -> Self {
        Self::default().and_operands(operands)
    }

    /// These kinds, then another.
    ///
    /// Each has six bits that are not all zero. No instruction has more than nine operands,
    /// so kinds of which some were shifted out are greater than those of every form.
    #[inline]
    #[must_use]
    pub const fn and(self, kind: Kind) -> Self {
        Self(self.0 << 6 | (kind as u64 + 1))
    }

    /// These kinds, then `count` others.
    #[inline]
    #[must_use]
    pub const fn followed_by(self, others: Self, count: usize) -> Self {
        debug_assert!(count <= 9, "no instruction has more operands");
        Self(self.0 << (6 * count) | others.0)
    }

    /// These kinds, but `kind` for the one before the last `behind`.
    #[inline]
    #[must_use]
    pub const fn with(self, behind: usize, kind: Kind) -> Self {
        debug_assert!(behind < 9, "no instruction has more operands");
        let shift = 6 * behind;
        Self(self.0 & !(0x3f << shift) | (kind as u64 + 1) << shift)
    }

    /// These kinds, then those of operands.
    #[inline]
    #[must_use]
    pub fn and_operands(self, operands: &[Operand]) -> Self {
        let kinds = operands.iter().map(|operand| operand.kind());
        kinds.fold(self, Self::and)
    }

    /// A number that differs for different kinds.
    pub(crate) const fn key(self) -> u64 {
        self.0
    }
}

impl Form {
    const fn new(kinds: &'static [Kind]) -> Self {
        Self {
            kinds,
            key: Kinds::of(kinds).key(),
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
    /// Every family, in the order of the tables.
    pub const ALL: &'static [Self] = &FAMILY_ORDER;

    /// What the table says about the family.
    #[must_use]
    pub fn info(self) -> &'static FamilyInfo {
        &FAMILIES[self as usize]
    }
}

impl Op {
    /// The family of the operation.
    #[inline]
    #[must_use]
    pub const fn family(self) -> Family {
        self.family
    }

    /// The tile of this shape with these parts, which are single operations, if the table has
    /// it.
    #[must_use]
    pub fn tile(shape: Shape, parts: &[Self]) -> Option<Self> {
        let mut numbers = [0; MAX_PARTS];
        for (number, part) in numbers.iter_mut().zip(parts) {
            *number = part.single_number();
        }
        let numbers = numbers.get(..parts.len())?;
        shape.families().iter().find_map(|&family| {
            let index = family.info().ops.index_of(numbers)?;
            Some(Self { family, index })
        })
    }

    /// The single operations that the operation consists of: of a tile its parts, the
    /// outermost or first one first.
    #[must_use]
    pub fn parts(self) -> ArrayVec<Self, MAX_PARTS> {
        let mut result = ArrayVec::new();
        match &self.family.info().ops {
            Ops::Single(_) => result.push(self),
            Ops::Tiles { parts, .. } => {
                let mut index = usize::from(self.index);
                for list in parts.iter().rev() {
                    result.push(list[index % list.len()]);
                    index /= list.len();
                }
                result.reverse();
            }
        }
        result
    }

    /// The instructions that the operation is, one after the other: those of a sequence, which
    /// are single operations and trees; else itself.
    #[must_use]
    pub fn instructions(self) -> ArrayVec<Self, MAX_PARTS> {
        let mut result = ArrayVec::new();
        let Some(shape) = self.shape().filter(|shape| shape.is_sequence()) else {
            result.push(self);
            return result;
        };
        let parts = self.parts();
        let mut rest = &parts[..];
        while let [first, others @ ..] = rest {
            let tree_at = shape.tree_at(result.len());
            let tree = tree_at.and_then(|(tree, count)| {
                let (own, others) = rest.split_at_checked(count)?;
                Some((Self::tile(tree, own)?, others))
            });
            debug_assert_eq!(tree.is_some(), tree_at.is_some(), "the table has its trees");
            let (instruction, others) = tree.unwrap_or((*first, others));
            result.push(instruction);
            rest = others;
        }
        result
    }

    /// The shape of a tile.
    #[must_use]
    pub fn shape(self) -> Option<Shape> {
        match self.family.info().ops {
            Ops::Single(_) => None,
            Ops::Tiles { shape, .. } => Some(shape),
        }
    }

    /// The number of a single operation among those of all families; past the end for a tile.
    const fn single_number(self) -> usize {
        let family = self.family as usize;
        if family < SINGLE_OPS.len() {
            SINGLES_BEFORE[family] + self.index as usize
        } else {
            usize::MAX
        }
    }

    /// The name of the operation, as in the Wasm text format where it exists there; of a tile
    /// that of its outermost or first part.
    #[must_use]
    pub fn name(self) -> &'static str {
        match &self.family.info().ops {
            Ops::Single(names) => names[usize::from(self.index)],
            Ops::Tiles { .. } => self.parts().first().map_or("", |part| part.name()),
        }
    }

    /// The opcode of the operation with operands of these kinds; `None` if the table has no
    /// such form.
    #[must_use]
    pub fn form(self, kinds: &[Kind]) -> Option<Opcode> {
        self.form_of(Kinds::of(kinds))
    }

    /// The same for kinds that were collected one by one.
    #[inline]
    #[must_use]
    pub fn form_of(self, kinds: Kinds) -> Option<Opcode> {
        find_opcode(self.family, self.index, kinds).map(Opcode)
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use Shape::{
            BinRightBin, BinRightLoad, FloatStoreBin, SelectBin, SelectRightBin, StoreBin,
            StoreBinLoad, StoreLoad,
        };
        if self.shape().is_some_and(Shape::is_sequence) {
            for (index, instruction) in self.instructions().iter().enumerate() {
                write!(f, "{}{instruction}", if index == 0 { "" } else { ";" })?;
            }
            return Ok(());
        }
        for (index, part) in self.parts().iter().enumerate() {
            let between = match self.shape() {
                _ if index == 0 => "",
                // The first operand is a place.
                Some(
                    BinRightBin | BinRightLoad | FloatStoreBin | SelectBin | StoreBin
                    | StoreBinLoad | StoreLoad,
                ) if index == 1 => ":_,",
                Some(SelectRightBin) if index == 1 => ":_,_,",
                _ => ":",
            };
            write!(f, "{between}{}", part.name())?;
        }
        Ok(())
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
    #[inline]
    #[must_use]
    pub fn number(self) -> usize {
        usize::from(self.0)
    }

    /// Every opcode.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT).filter_map(Self::new)
    }

    /// The family of the opcode.
    #[must_use]
    pub fn family(self) -> Family {
        self.row().family
    }

    /// The operation of the opcode.
    #[must_use]
    pub fn op(self) -> Op {
        let family = self.family();
        let info = family.info();
        Op {
            family,
            index: (self.0 - info.first) / info.forms.len() as u16,
        }
    }

    /// The form of the opcode: the kinds of its operands.
    #[must_use]
    pub fn form(self) -> &'static Form {
        self.row().form
    }

    /// Number of cells of the instruction, without the targets of a `br_table`.
    #[inline]
    #[must_use]
    pub fn cells(self) -> usize {
        self.row().cells.into()
    }
}

impl fmt::Display for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.op())?;
        for kind in self.form().kinds {
            write!(f, "_{kind:?}")?;
        }
        Ok(())
    }
}
