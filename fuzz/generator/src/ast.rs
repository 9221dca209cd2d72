//! What is generated: programs as trees.
//!
//! Wasm's operand stack appears here as sequences of nodes. A node's arguments
//! are a sequence whose results, one after the other, are the operands; a node
//! without results may stand anywhere in such a sequence, so it runs while the
//! results before it are still on the stack. That one rule gives the shapes that
//! are hard on translators: a local overwritten while its old value is pending, a
//! store between two loads of one addition, a call among a call's arguments.
//!
//! # Invariants
//!
//! - The concatenated results of a sequence are the types that its owner takes.
//! - A node that never falls through (a branch, a return) may claim any results.
//! - [`Op::Incoming`] stands where the first node of a block's body would be
//!   executed first: it names the block's parameters, which are already there.

use crate::host::HostFn;
use crate::memory_ops::{Load, Store};
use crate::numeric::Numeric;

/// The types of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ty {
    /// `i32`
    I32,
    /// `i64`
    I64,
    /// `f32`
    F32,
    /// `f64`
    F64,
    /// `funcref`
    Func,
}

impl Ty {
    /// Its name in the text format.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::Func => "funcref",
        }
    }
}

/// A value known beforehand; floats are their bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Const {
    /// An `i32`.
    I32(i32),
    /// An `i64`.
    I64(i64),
    /// The bits of an `f32`.
    F32(u32),
    /// The bits of an `f64`.
    F64(u64),
    /// The null `funcref`.
    NullFunc,
}

impl Const {
    /// Its type.
    #[must_use]
    pub const fn ty(self) -> Ty {
        match self {
            Self::I32(_) => Ty::I32,
            Self::I64(_) => Ty::I64,
            Self::F32(_) => Ty::F32,
            Self::F64(_) => Ty::F64,
            Self::NullFunc => Ty::Func,
        }
    }

    /// Zero, or null.
    #[must_use]
    pub const fn zero(ty: Ty) -> Self {
        match ty {
            Ty::I32 => Self::I32(0),
            Ty::I64 => Self::I64(0),
            Ty::F32 => Self::F32(0),
            Ty::F64 => Self::F64(0),
            Ty::Func => Self::NullFunc,
        }
    }
}

/// The target of branches. Unique in a function; label 0 is the function's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Label(pub(crate) u32);

/// Who is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Callee {
    /// A function of the program, by its index.
    Func(usize),
    /// A function of the host.
    Host(HostFn),
}

/// An operation and the nodes that give its operands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    pub(crate) op: Op,
    pub(crate) args: Vec<Self>,
    /// Its results.
    pub(crate) types: Vec<Ty>,
}

impl Node {
    pub(crate) fn new(op: Op, args: Vec<Self>, types: impl Into<Vec<Ty>>) -> Self {
        let types = types.into();
        Self { op, args, types }
    }

    pub(crate) fn leaf(op: Op, ty: Ty) -> Self {
        Self::new(op, Vec::new(), [ty])
    }

    pub(crate) fn constant(value: Const) -> Self {
        Self::leaf(Op::Const(value), value.ty())
    }

    pub(crate) fn i32(value: i32) -> Self {
        Self::constant(Const::I32(value))
    }

    /// The sequences that belong to it: arguments, then bodies.
    pub(crate) fn sequences(&self) -> impl Iterator<Item = &Vec<Self>> {
        let (first, second) = match &self.op {
            Op::Block(body) | Op::Loop(body) | Op::Counted { body, .. } => {
                (Some(&body.nodes), None)
            }
            Op::If { then, other } => (Some(&then.nodes), Some(other)),
            _ => (None, None),
        };
        [Some(&self.args), first, second].into_iter().flatten()
    }

    /// The same, to change them.
    pub(crate) fn sequences_mut(&mut self) -> impl Iterator<Item = &mut Vec<Self>> {
        let (first, second) = match &mut self.op {
            Op::Block(body) | Op::Loop(body) | Op::Counted { body, .. } => {
                (Some(&mut body.nodes), None)
            }
            Op::If { then, other } => (Some(&mut then.nodes), Some(other)),
            _ => (None, None),
        };
        [Some(&mut self.args), first, second].into_iter().flatten()
    }

    /// Whether it, or a node in it, is such.
    pub(crate) fn any(&self, is: &mut impl FnMut(&Self) -> bool) -> bool {
        is(self) || self.sequences().flatten().any(|node| node.any(is))
    }

    /// The labels it branches to itself.
    pub(crate) fn targets(&self) -> &[Label] {
        match &self.op {
            Op::Br(label) | Op::BrIf(label) => std::slice::from_ref(label),
            Op::BrTable(labels) => labels,
            _ => &[],
        }
    }
}

/// The body of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    pub(crate) label: Label,
    pub(crate) params: Vec<Ty>,
    pub(crate) nodes: Vec<Node>,
}

/// Operations.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as in the specification of WebAssembly")]
pub enum Op {
    Const(Const),
    RefFunc(usize),
    RefIsNull,
    /// The parameters of the block whose body begins here.
    Incoming,
    LocalGet(u32),
    LocalTee(u32),
    /// Sets the locals to the operands; the last operand goes to the first local.
    SetLocals(Vec<u32>),
    GlobalGet(usize),
    GlobalSet(usize),
    Numeric(&'static Numeric),
    /// `select`; `true` for the one that states its type.
    Select(bool),
    Drop,
    Nop,
    /// The memory and the offset.
    Load(&'static Load, usize, u64),
    Store(&'static Store, usize, u64),
    MemorySize(usize),
    MemoryGrow(usize),
    MemoryFill(usize),
    /// Destination and source.
    MemoryCopy(usize, usize),
    /// The memory and the data.
    MemoryInit(usize, usize),
    DataDrop(usize),
    TableGet(usize),
    TableSet(usize),
    TableSize(usize),
    TableGrow(usize),
    TableFill(usize),
    TableCopy(usize, usize),
    TableInit(usize, usize),
    ElemDrop(usize),
    Call(Callee),
    ReturnCall(Callee),
    /// The table and the type.
    CallIndirect(usize, Sig),
    ReturnCallIndirect(usize, Sig),
    Block(Body),
    /// When something branches to its label, each round takes one off the
    /// program's counter.
    Loop(Body),
    /// A loop without results that runs `rounds` times, counting with a local that
    /// nothing else writes.
    Counted {
        body: Body,
        counter: u32,
        rounds: i32,
        way: Counting,
    },
    If {
        then: Body,
        other: Vec<Node>,
    },
    Br(Label),
    BrIf(Label),
    /// The last label is the default.
    BrTable(Vec<Label>),
    Return,
    Unreachable,
}

/// How a loop counts its rounds: the shapes that compilers give to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counting {
    /// Down to zero, which is the condition.
    Down,
    /// Down, as long as the number is greater than zero. If its body begins with another
    /// loop of this sort, both counters are set before the outer one, so that the loops
    /// begin at the same place; the inner one then does all its rounds once.
    Together,
    /// Up, with a `local.tee`, as long as the number is less, by this comparison.
    UpTee(&'static Numeric),
    /// Up, with a `local.set`, as long as the number is less, by this comparison.
    UpSet(&'static Numeric),
    /// Up, leaving the loop when the number is reached.
    UpExit,
}

/// A function's type.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Sig {
    pub(crate) params: Vec<Ty>,
    pub(crate) results: Vec<Ty>,
}

/// A function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Func {
    pub(crate) sig: Sig,
    /// Types of the locals after the parameters.
    pub(crate) locals: Vec<Ty>,
    pub(crate) body: Vec<Node>,
}

/// A global; all are mutable, but `Func` ones are not generated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Global {
    pub(crate) init: Const,
    pub(crate) mutable: bool,
}

/// A table of functions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The elements at the start; `None` is null.
    pub(crate) elements: Vec<Option<usize>>,
    pub(crate) maximum: u64,
}

/// A memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memory {
    pub(crate) minimum: u64,
    pub(crate) maximum: u64,
    /// Where active data goes, and which.
    pub(crate) active: Vec<(i32, Vec<u8>)>,
}

/// A call that the host makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// Index of the function, exported as `f` and this number.
    pub func: usize,
    /// The arguments.
    pub args: Vec<Const>,
}

/// A program, and what the host does with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    pub(crate) funcs: Vec<Func>,
    pub(crate) globals: Vec<Global>,
    pub(crate) memories: Vec<Memory>,
    pub(crate) tables: Vec<Table>,
    /// Passive data.
    pub(crate) data: Vec<Vec<u8>>,
    /// Passive elements.
    pub(crate) elements: Vec<Vec<Option<usize>>>,
    pub(crate) invocations: Vec<Invocation>,
}

impl Program {
    /// The calls to make, in order.
    #[must_use]
    pub fn invocations(&self) -> &[Invocation] {
        &self.invocations
    }
}
