//! Functions as cells of code, and the encoder and decoder of one instruction.

use crate::lookup::Row;
use crate::{FAMILIES, Family, Kind, Kinds, Op, Opcode, Operand, Operation, Target};
use alloc::vec::Vec;
use arrayvec::ArrayVec;

/// The operands of one instruction.
pub type Operands = ArrayVec<Operand, MAX_OPERANDS>;

/// How many cells the code of a function may have, which are half a gigabyte: distances, also
/// in bytes, are 32-bit signed integers with room for a mark.
pub const MAX_CELLS: usize = (1 << 26) - 1;

/// No family has more operands.
const MAX_OPERANDS: usize = 9;

/// No form has more bytes of operands.
const MAX_OPERAND_BYTES: usize = 32;

const _: () = {
    let mut family = 0;
    while family < FAMILIES.len() {
        assert!(FAMILIES[family].operands.len() <= MAX_OPERANDS);
        let mut form = 0;
        while form < FAMILIES[family].forms.len() {
            assert!(FAMILIES[family].forms[form].bytes() <= MAX_OPERAND_BYTES);
            form += 1;
        }
        family += 1;
    }
};

/// Bytecode of one function, not yet verified.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Function {
    /// Number of parameters.
    pub params: u16,
    /// Number of results.
    pub results: u16,
    /// Size of the frame in cells, the two linkage cells included.
    pub frame_cells: u32,
    /// The code: an opcode, then operands, for each instruction.
    pub cells: Vec<u64>,
    /// For instructions that may trap or call, in ascending order: the index of their first
    /// cell, and the byte offset of the Wasm operator from the start of the module.
    pub offsets: Vec<(u32, u32)>,
}

impl Function {
    /// The first of the function's two linkage slots: `max(params, results)`.
    #[must_use]
    pub fn linkage(&self) -> u16 {
        self.params.max(self.results)
    }

    /// The instructions one after the other, each with the index of its first cell. Ends
    /// after the first that cannot be decoded.
    pub fn instructions(&self) -> impl Iterator<Item = (usize, Result<Instr<'_>, DecodeError>)> {
        let mut at = 0;
        core::iter::from_fn(move || {
            if at >= self.cells.len() {
                return None;
            }
            let start = at;
            let instr = Instr::decode(&self.cells, at);
            at = instr
                .as_ref()
                .map_or(self.cells.len(), |instr| start + instr.cells());
            Some((start, instr))
        })
    }
}

/// An instruction where it is in the code. Its operands are decoded when they are asked for.
#[derive(Debug, Clone, Copy)]
pub struct InstrRef<'a> {
    opcode: Opcode,
    row: &'static Row,
    operand_cells: &'a [u64],
    /// The cells that hold the targets of a `br_table`, two in each; empty otherwise.
    target_cells: &'a [u64],
    /// How many targets those are.
    num_targets: u32,
}

/// A decoded instruction.
#[derive(Debug, Clone)]
pub struct Instr<'a> {
    /// Its opcode.
    pub opcode: Opcode,
    /// Its operands.
    pub operands: Operands,
    /// The cells that hold the targets of a `br_table`, two in each; empty otherwise.
    target_cells: &'a [u64],
}

/// Cells that are no instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The opcode does not exist.
    #[error("no opcode {found:#x}; there are {}", Opcode::COUNT)]
    NoSuchOpcode {
        /// What stands in the place of the opcode.
        found: u64,
    },
    /// The code ends inside of the instruction.
    #[error("the instruction takes {expected} cells, only {found} are left")]
    Truncated {
        /// Number of cells of the instruction.
        expected: usize,
        /// Number of cells left.
        found: usize,
    },
}

/// Operands that the table has no form for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{op}` of family {:?} has no form with the operands {kinds:?}", op.family())]
pub struct EncodeError {
    /// The operation.
    pub op: Op,
    /// The kinds of the operands.
    pub kinds: Vec<Kind>,
}

/// Appends an instruction to `cells`. The targets of a `br_table` are appended by the caller.
///
/// # Errors
///
/// When the table has no such form.
#[inline]
pub fn encode(
    op: impl Operation,
    operands: &[Operand],
    cells: &mut Vec<u64>,
) -> Result<Opcode, EncodeError> {
    let op = op.op();
    let opcode = op
        .form_of(Kinds::of_operands(operands))
        .ok_or_else(|| EncodeError::new(op, operands))?;
    pack(opcode, cells.len(), 0, operands, cells);
    Ok(opcode)
}

impl EncodeError {
    /// The error for operands that the table has no form for.
    #[cold]
    #[must_use]
    pub fn new(op: Op, operands: &[Operand]) -> Self {
        let kinds = operands.iter().map(|operand| operand.kind()).collect();
        Self { op, kinds }
    }
}

/// The cells of any instruction, and room for one more, so that eight bytes can be written
/// wherever an operand ends.
const ROOM: usize = 1 + MAX_OPERAND_BYTES / 8 + 1;

/// Writes the last instruction: it starts at the cell `at` and gets this opcode. Of its operands
/// the first `packed` bytes are there already, the others follow. They are in the machine's
/// byte order: the executor reads them as machine integers.
#[inline]
pub(crate) fn pack(
    opcode: Opcode,
    at: usize,
    packed: usize,
    operands: &[Operand],
    cells: &mut Vec<u64>,
) {
    // More than enough and then less: a fixed number of cells takes no call.
    cells.extend_from_slice(&[0; ROOM]);
    cells[at] = opcode.number() as u64;
    let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut cells[at + 1..at + ROOM]);
    let mut end = packed;
    for operand in operands {
        let (width, payload) = (operand.kind().bytes(), operand.payload());
        // There are no more operands than the form has.
        if let Some((to, _)) = bytes
            .get_mut(end..)
            .and_then(|rest| rest.split_first_chunk_mut())
        {
            // The next operand overwrites what is more than the operand's own bytes.
            *to = if cfg!(target_endian = "big") {
                let unused = 64 - 8 * width as u32;
                payload.checked_shl(unused).unwrap_or(0).to_ne_bytes()
            } else {
                payload.to_ne_bytes()
            };
            end += width;
        }
    }
    cells.truncate(at + opcode.cells());
}

/// Replaces the instruction at the cell `at` by another, which must have as many cells.
///
/// # Errors
///
/// When the table has no such form, or one of another length.
pub(crate) fn replace(
    op: Op,
    operands: &[Operand],
    at: usize,
    cells: &mut Vec<u64>,
) -> Result<(), EncodeError> {
    let fixed = InstrRef::decode(cells, at).map(|old| old.opcode.cells());
    let opcode = op
        .form_of(Kinds::of_operands(operands))
        .filter(|opcode| fixed == Ok(opcode.cells()))
        .ok_or_else(|| EncodeError::new(op, operands))?;
    let end = cells.len();
    pack(opcode, end, 0, operands, cells);
    cells.copy_within(end.., at);
    cells.truncate(end);
    Ok(())
}

/// Writes a 32-bit operand at the byte `at` of the operands.
fn write_word(operand_cells: &mut [u64], at: usize, word: u32) {
    let bytes: &mut [u8] = bytemuck::cast_slice_mut(operand_cells);
    bytes[at..at + 4].copy_from_slice(&word.to_ne_bytes());
}

/// Changes a 32-bit operand at the byte `at` of the operands.
fn map_word(operand_cells: &mut [u64], at: usize, change: impl FnOnce(u32) -> u32) {
    let bytes: &[u8] = bytemuck::cast_slice(operand_cells);
    let (word, _) = read_payload(&bytes[at..], 4);
    write_word(operand_cells, at, change(word as u32));
}

/// Changes how far the instruction at the cell `at` branches, for each of its targets: for
/// whoever prepares code for running. The verifier knows distances in cells only.
///
/// # Errors
///
/// When no instruction is there.
pub fn map_targets(
    cells: &mut [u64],
    at: usize,
    mut change: impl FnMut(i32) -> i32,
) -> Result<(), DecodeError> {
    let InstrRef {
        row, num_targets, ..
    } = InstrRef::decode(cells, at)?;
    if let Some(byte) = row.target_at {
        let change = |by: u32| change(by.cast_signed()).cast_unsigned();
        map_word(&mut cells[at + 1..], byte.into(), change);
    }
    if num_targets > 0 {
        let table = targets_mut(&mut cells[at + usize::from(row.cells)..]);
        for by in &mut table[..num_targets as usize] {
            *by = change(*by);
        }
    }
    Ok(())
}

/// Changes the index of the function that the instruction at the cell `at` calls, if it calls
/// one that the module defines: for whoever prepares code for running.
///
/// # Errors
///
/// When no instruction is there.
pub fn map_defined_func(
    cells: &mut [u64],
    at: usize,
    change: impl FnOnce(u32) -> u32,
) -> Result<(), DecodeError> {
    if let Some(byte) = InstrRef::decode(cells, at)?.row.defined_func_at {
        map_word(&mut cells[at + 1..], byte.into(), change);
    }
    Ok(())
}

/// Reads what is `width` bytes wide; gives the bytes behind it, too.
#[inline]
fn read_payload(from: &[u8], width: usize) -> (u64, &[u8]) {
    #[inline]
    fn read<const N: usize>(from: &[u8]) -> ([u8; N], &[u8]) {
        match from.split_first_chunk() {
            Some((chunk, rest)) => (*chunk, rest),
            None => {
                debug_assert!(false, "the instruction has the cells of its form");
                ([0; N], &[])
            }
        }
    }
    match width {
        0 => (0, from),
        2 => {
            let (bytes, rest) = read(from);
            (u16::from_ne_bytes(bytes).into(), rest)
        }
        4 => {
            let (bytes, rest) = read(from);
            (u32::from_ne_bytes(bytes).into(), rest)
        }
        _ => {
            let (bytes, rest) = read(from);
            (u64::from_ne_bytes(bytes), rest)
        }
    }
}

/// The targets of a `br_table`, an array of 32-bit integers in memory. There may be a place
/// more than targets.
fn targets(cells: &[u64], count: u32) -> impl ExactSizeIterator<Item = i32> {
    let targets: &[i32] = bytemuck::cast_slice(cells);
    targets.iter().copied().take(count as usize)
}

/// The same to write them: an array of 32-bit integers in memory.
pub(crate) fn targets_mut(cells: &mut [u64]) -> &mut [i32] {
    bytemuck::cast_slice_mut(cells)
}

/// Writes the distance of the branch at the cell `at`; returns of what family it is.
pub(crate) fn set_target(cells: &mut [u64], at: usize, by: i32) -> Option<Family> {
    let row = InstrRef::decode(cells, at).ok()?.row;
    debug_assert!(row.target_at.is_some(), "the builder has encoded a branch");
    write_word(
        &mut cells[at + 1..],
        row.target_at?.into(),
        by.cast_unsigned(),
    );
    Some(row.family)
}

impl<'a> InstrRef<'a> {
    /// Finds the instruction that starts at the cell `at`.
    ///
    /// # Errors
    ///
    /// When there is no such opcode or the code ends too early.
    #[inline]
    pub fn decode(cells: &'a [u64], at: usize) -> Result<Self, DecodeError> {
        let rest = cells.get(at..).unwrap_or(&[]);
        let Some(&first) = rest.first() else {
            return Err(DecodeError::Truncated {
                expected: 1,
                found: 0,
            });
        };
        let opcode = usize::try_from(first)
            .ok()
            .and_then(Opcode::new)
            .ok_or(DecodeError::NoSuchOpcode { found: first })?;
        let row = opcode.row();
        let fixed = usize::from(row.cells);
        let truncated = |expected| DecodeError::Truncated {
            expected,
            found: rest.len(),
        };
        let operand_cells = rest.get(1..fixed).ok_or_else(|| truncated(fixed))?;
        let mut instr = Self {
            opcode,
            row,
            operand_cells,
            target_cells: &[],
            num_targets: 0,
        };
        if let Some(at) = row.targets_at {
            // The kind has four bytes.
            let bytes: &[u8] = bytemuck::cast_slice(operand_cells);
            let (count, _) = read_payload(&bytes[usize::from(at)..], 4);
            instr.num_targets = count as u32;
            let expected = fixed + (instr.num_targets as usize).div_ceil(2);
            instr.target_cells = rest
                .get(fixed..expected)
                .ok_or_else(|| truncated(expected))?;
        }
        Ok(instr)
    }

    /// The opcode.
    #[inline]
    #[must_use]
    pub fn opcode(&self) -> Opcode {
        self.opcode
    }

    /// Whether it calls a function that the module defines.
    #[inline]
    #[must_use]
    pub fn calls_defined_func(&self) -> bool {
        self.row.defined_func_at.is_some()
    }

    /// What the tables say about the opcode.
    pub(crate) fn row(&self) -> &'static Row {
        self.row
    }

    /// The bytes that the operands are packed in.
    pub(crate) fn operand_bytes(&self) -> &'a [u8] {
        bytemuck::cast_slice(self.operand_cells)
    }

    /// Number of cells of the instruction.
    #[inline]
    #[must_use]
    pub fn cells(&self) -> usize {
        1 + self.operand_cells.len() + self.target_cells.len()
    }

    /// The operands.
    pub fn operands(&self) -> impl Iterator<Item = Operand> + Clone + use<'a> {
        let mut bytes = self.operand_bytes();
        self.row.form.kinds.iter().map(move |&kind| {
            let (payload, rest) = read_payload(bytes, kind.bytes());
            bytes = rest;
            Operand::from_payload(kind, payload)
        })
    }

    /// The targets of a `br_table`, in cells from the start of the instruction; the default
    /// comes last. Empty for other instructions.
    pub fn targets(&self) -> impl ExactSizeIterator<Item = i32> + use<'a> {
        targets(self.target_cells, self.num_targets)
    }
}

impl<'a> Instr<'a> {
    /// Decodes the instruction that starts at the cell `at`.
    ///
    /// # Errors
    ///
    /// When there is no such opcode or the code ends too early.
    pub fn decode(cells: &'a [u64], at: usize) -> Result<Self, DecodeError> {
        let instr = InstrRef::decode(cells, at)?;
        Ok(Self {
            opcode: instr.opcode,
            operands: instr.operands().collect(),
            target_cells: instr.target_cells,
        })
    }

    /// Number of cells of the instruction.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.opcode.cells() + self.target_cells.len()
    }

    /// The targets of a `br_table`, in cells from the start of the instruction; the default
    /// comes last. Empty for other instructions.
    pub fn targets(&self) -> impl ExactSizeIterator<Item = i32> {
        let count = self.operands.iter().find_map(|operand| match operand {
            Operand::Targets(count) => Some(*count),
            _ => None,
        });
        targets(self.target_cells, count.unwrap_or(0))
    }

    /// Whether control never reaches the instruction after this one.
    #[must_use]
    pub fn is_terminator(&self) -> bool {
        self.opcode.row().is_terminator
    }

    /// Where the instruction may branch to, in cells from its start.
    pub fn branches(&self) -> impl Iterator<Item = i32> {
        let direct = self
            .operands
            .iter()
            .filter_map(|operand| match operand.target() {
                Some(Target::By(cells)) => Some(cells),
                _ => None,
            });
        direct.chain(self.targets())
    }
}
