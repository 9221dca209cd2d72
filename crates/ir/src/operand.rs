//! Operands: where an instruction finds its inputs and leaves its result.

use core::fmt;

/// Index of a slot, an 8-byte cell of the frame, counted from the frame base.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub u16);

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{}", self.0)
    }
}

/// A position in the code that branches may name before it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Label(pub(crate) u32);

/// Where a branch goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// Distance in cells from the start of the branching instruction: what code holds.
    By(i32),
    /// A label of a [`FunctionBuilder`](crate::FunctionBuilder), which replaces it.
    Label(Label),
}

impl From<Label> for Target {
    fn from(label: Label) -> Self {
        Self::Label(label)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::By(cells) => write!(f, "{cells:+}"),
            Self::Label(label) => write!(f, "label{}", label.0),
        }
    }
}

macro_rules! kinds {
    ($( $(#[$doc:meta])* $Kind:ident $( ( $($field:ty),* ) )? = $bytes:literal; )*) => {
        /// The kind of an operand: its place without its index. A form is a tuple of kinds.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Kind { $( $(#[$doc])* $Kind, )* }

        impl Kind {
            /// Number of bytes that an operand of this kind takes in the code.
            #[inline]
            #[must_use]
            pub const fn bytes(self) -> usize {
                match self { $( Self::$Kind => $bytes, )* }
            }
        }

        /// An operand of an instruction: a kind and what belongs to it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Operand { $( $(#[$doc])* $Kind $( ( $($field),* ) )?, )* }

        impl Operand {
            /// The kind of the operand.
            #[inline]
            #[must_use]
            pub const fn kind(self) -> Kind {
                match self { $( Self::$Kind { .. } => Kind::$Kind, )* }
            }
        }
    };
}

kinds! {
    /// Destination: the accumulator of the result's type.
    R = 0;
    /// Destination: the accumulator of the result's type, and a slot.
    Rs(Slot) = 2;
    /// Destination: a slot; every accumulator keeps its value.
    To(Slot) = 2;
    /// Destination: branch if the result is true.
    BrIf(Target) = 4;
    /// Destination: branch if the result is false.
    BrUnless(Target) = 4;
    /// Source: a slot.
    Slot(Slot) = 2;
    /// Source: the accumulator of the operand's type (integers and references, `f32`, `f64`).
    Acc = 0;
    /// Source: an immediate. `i32` as it is; `i64` sign-extended; `f32` by its bits; `f64` by
    /// the bits of an `f32` of the same value.
    Imm(i32) = 4;
    /// Source: the bits of any value.
    Imm64(u64) = 8;
    /// Byte offset of an access to memory 0.
    Offset(u32) = 4;
    /// Memory index and byte offset of an access to any memory.
    MemOffset(u32, u32) = 8;
    /// Where to jump.
    Target(Target) = 4;
    /// The number of targets of a `br_table`, the default included. The targets follow in
    /// cells of their own, two in each.
    Targets(u32) = 4;
    /// Index of a function of the module.
    Func(u32) = 4;
    /// Index of a function that the module defines.
    DefinedFunc(u32) = 4;
    /// Index of a function that the module imports.
    ImportedFunc(u32) = 4;
    /// Index of a function type of the module.
    Type(u32) = 4;
    /// Index of a memory.
    Memory(u32) = 4;
    /// Index of a table.
    Table(u32) = 4;
    /// Index of a table of function references.
    FuncTable(u32) = 4;
    /// Index of a global.
    Global(u32) = 4;
    /// Index of a mutable global.
    GlobalMut(u32) = 4;
    /// Index of a data segment.
    Data(u32) = 4;
    /// Index of an element segment.
    Elem(u32) = 4;
    /// First slot of a call's arguments and results: the callee's frame base.
    Base(Slot) = 2;
    /// First of several slots; a `Count` follows.
    Span(Slot) = 2;
    /// The function's own linkage slot: the first of the two cells between parameters (or
    /// results, whichever are more) and locals, which hold where to return.
    Linkage(Slot) = 2;
    /// The callee's linkage slot, counted from the caller's frame base.
    CalleeLinkage(Slot) = 2;
    /// The linkage slot of the function that a tail call jumps to.
    TailLinkage(Slot) = 2;
    /// A plain number.
    Count(u32) = 4;
}

impl Operand {
    /// Where the operand branches to, if it does.
    #[must_use]
    pub const fn target(self) -> Option<Target> {
        match self {
            Self::BrIf(target) | Self::BrUnless(target) | Self::Target(target) => Some(target),
            _ => None,
        }
    }

    /// The bits of the operand, of which the code holds the low [`Kind::bytes`].
    #[inline]
    pub(crate) const fn payload(self) -> u64 {
        match self {
            Self::R | Self::Acc => 0,
            Self::Rs(slot)
            | Self::To(slot)
            | Self::Slot(slot)
            | Self::Base(slot)
            | Self::Span(slot)
            | Self::Linkage(slot)
            | Self::CalleeLinkage(slot)
            | Self::TailLinkage(slot) => slot.0 as u64,
            Self::BrIf(target) | Self::BrUnless(target) | Self::Target(target) => match target {
                Target::By(cells) => cells.cast_unsigned() as u64,
                Target::Label(label) => label.0 as u64,
            },
            Self::Imm(value) => value.cast_unsigned() as u64,
            Self::Imm64(bits) => bits,
            Self::MemOffset(memory, offset) => memory as u64 | ((offset as u64) << 32),
            Self::Offset(value)
            | Self::Targets(value)
            | Self::Func(value)
            | Self::DefinedFunc(value)
            | Self::ImportedFunc(value)
            | Self::Type(value)
            | Self::Memory(value)
            | Self::Table(value)
            | Self::FuncTable(value)
            | Self::Global(value)
            | Self::GlobalMut(value)
            | Self::Data(value)
            | Self::Elem(value)
            | Self::Count(value) => value as u64,
        }
    }

    /// The operand of the kind `kind` with the bits `payload`: the inverse of
    /// [`payload`](Self::payload).
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the payload is as wide as the kind says"
    )]
    pub(crate) const fn from_payload(kind: Kind, payload: u64) -> Self {
        let slot = Slot(payload as u16);
        let value = payload as u32;
        let target = Target::By(value.cast_signed());
        match kind {
            Kind::R => Self::R,
            Kind::Acc => Self::Acc,
            Kind::Rs => Self::Rs(slot),
            Kind::To => Self::To(slot),
            Kind::Slot => Self::Slot(slot),
            Kind::Base => Self::Base(slot),
            Kind::Span => Self::Span(slot),
            Kind::Linkage => Self::Linkage(slot),
            Kind::CalleeLinkage => Self::CalleeLinkage(slot),
            Kind::TailLinkage => Self::TailLinkage(slot),
            Kind::BrIf => Self::BrIf(target),
            Kind::BrUnless => Self::BrUnless(target),
            Kind::Target => Self::Target(target),
            Kind::Imm => Self::Imm(value.cast_signed()),
            Kind::Imm64 => Self::Imm64(payload),
            Kind::MemOffset => Self::MemOffset(value, (payload >> 32) as u32),
            Kind::Offset => Self::Offset(value),
            Kind::Targets => Self::Targets(value),
            Kind::Func => Self::Func(value),
            Kind::DefinedFunc => Self::DefinedFunc(value),
            Kind::ImportedFunc => Self::ImportedFunc(value),
            Kind::Type => Self::Type(value),
            Kind::Memory => Self::Memory(value),
            Kind::Table => Self::Table(value),
            Kind::FuncTable => Self::FuncTable(value),
            Kind::Global => Self::Global(value),
            Kind::GlobalMut => Self::GlobalMut(value),
            Kind::Data => Self::Data(value),
            Kind::Elem => Self::Elem(value),
            Kind::Count => Self::Count(value),
        }
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::R | Self::Acc => write!(f, "acc"),
            Self::Rs(slot) => write!(f, "acc+{slot}"),
            Self::To(slot) | Self::Slot(slot) => write!(f, "{slot}"),
            Self::Base(slot) => write!(f, "base {slot}"),
            Self::Span(slot) => write!(f, "{slot}.."),
            Self::Linkage(slot) => write!(f, "link {slot}"),
            Self::CalleeLinkage(slot) | Self::TailLinkage(slot) => write!(f, "callee link {slot}"),
            Self::BrIf(target) => write!(f, "if {target}"),
            Self::BrUnless(target) => write!(f, "unless {target}"),
            Self::Target(target) => write!(f, "{target}"),
            Self::Imm(value) => write!(f, "{value}"),
            Self::Imm64(bits) => write!(f, "{bits:#x}"),
            Self::Offset(offset) => write!(f, "+{offset}"),
            Self::MemOffset(memory, offset) => write!(f, "mem{memory}+{offset}"),
            Self::Targets(count) => write!(f, "{count} targets"),
            Self::Func(index) | Self::DefinedFunc(index) | Self::ImportedFunc(index) => {
                write!(f, "func{index}")
            }
            Self::Type(index) => write!(f, "type{index}"),
            Self::Memory(index) => write!(f, "mem{index}"),
            Self::Table(index) | Self::FuncTable(index) => write!(f, "table{index}"),
            Self::Global(index) | Self::GlobalMut(index) => write!(f, "global{index}"),
            Self::Data(index) => write!(f, "data{index}"),
            Self::Elem(index) => write!(f, "elem{index}"),
            Self::Count(count) => write!(f, "{count}"),
        }
    }
}
