//! Why code is not accepted.

use crate::{DecodeError, Slot};
use damson_core::types::RefType;

/// Why code is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("function {func_index}, cell {at}: {kind}")]
pub struct VerifyError {
    /// Index of the function in its module.
    pub func_index: u32,
    /// First cell of the instruction.
    pub at: usize,
    /// What is wrong.
    pub kind: VerifyErrorKind,
}

/// What is wrong with code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyErrorKind {
    /// The module has no such function, or imports it.
    #[error("the module defines no such function")]
    NotDefined,
    /// The code's numbers of parameters and results are not those of the function's type.
    #[error(
        "the code has {found:?} parameters and results, the type of the function says {expected:?}"
    )]
    Signature {
        /// Parameters and results of the type.
        expected: (usize, usize),
        /// Parameters and results of the code.
        found: (usize, usize),
    },
    /// The frame is too small for parameters, results and linkage, or too large for slots.
    #[error("a frame of {found} cells, expected {least} to {most}")]
    FrameSize {
        /// Size of the frame.
        found: u32,
        /// Smallest possible size.
        least: u32,
        /// Largest possible size.
        most: u32,
    },
    /// There are too many cells.
    #[error("{found} cells of code, at most {most} are possible")]
    TooLong {
        /// Number of cells.
        found: usize,
        /// Largest possible number.
        most: usize,
    },
    /// The cells are no instruction.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The last instruction can be left downwards.
    #[error("the code can run past its end")]
    FallsThrough,
    /// A branch goes to a cell at which no instruction starts.
    #[error("the branch goes to cell {target}, where no instruction starts")]
    Target {
        /// The target.
        target: i64,
    },
    /// A `br_table` without a default target.
    #[error("a branch table without targets")]
    NoTargets,
    /// A slot outside of the frame or one of the linkage slots.
    #[error(
        "{slot} is not usable; the frame has {frame} slots, of which {linkage} and the next are the linkage"
    )]
    Slot {
        /// The slot.
        slot: Slot,
        /// The size of the frame.
        frame: u32,
        /// The first linkage slot.
        linkage: u16,
    },
    /// A span of slots that leaves the frame or touches the linkage.
    #[error("the {count} slots from {first} on leave the frame or touch the linkage")]
    Span {
        /// The first slot.
        first: Slot,
        /// The number of slots.
        count: u32,
    },
    /// A call's frame that begins below the linkage or leaves no room for arguments and results.
    #[error("a call with {cells} cells of arguments and results does not fit at {base}")]
    CallBase {
        /// The first slot.
        base: Slot,
        /// Cells needed.
        cells: usize,
    },
    /// A linkage operand that is not the one the type gives.
    #[error("linkage {found}, expected {expected}")]
    Linkage {
        /// The operand.
        found: Slot,
        /// What the type gives.
        expected: usize,
    },
    /// An index that the module does not have, or that names a thing of the wrong kind.
    #[error("the module has no {what} with index {index}")]
    Index {
        /// What is needed.
        what: &'static str,
        /// The index.
        index: u32,
    },
    /// A form of the instruction table that the verifier has no rule for.
    #[error("the verifier has no rule for this form of the instruction")]
    Form,
    /// Table and table, or table and segment, hold different types of references.
    #[error("expected {expected} elements as in the first operand, found {found}")]
    RefTypes {
        /// What the first operand holds.
        expected: RefType,
        /// What the second operand holds.
        found: RefType,
    },
    /// The number of results or arguments is not the one that the type gives.
    #[error("{found} values, expected {expected}")]
    ValueCount {
        /// What the instruction says.
        found: usize,
        /// What the type gives.
        expected: usize,
    },
}
