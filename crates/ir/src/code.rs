//! Functions as cells of code, and the encoder and decoder of one instruction.

use crate::{FAMILIES, Kind, Op, Opcode, Operand, Operation, Target};
use alloc::vec::Vec;
use arrayvec::ArrayVec;

/// The operands of one instruction.
pub type Operands = ArrayVec<Operand, MAX_OPERANDS>;

/// No family has more operands.
const MAX_OPERANDS: usize = 8;

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
pub fn encode(
    op: impl Operation,
    operands: &[Operand],
    cells: &mut Vec<u64>,
) -> Result<Opcode, EncodeError> {
    let op = op.op();
    let kinds: ArrayVec<Kind, MAX_OPERANDS> = operands
        .iter()
        .take(MAX_OPERANDS)
        .map(|operand| operand.kind())
        .collect();
    let opcode = op
        .form(&kinds)
        .filter(|_| operands.len() <= MAX_OPERANDS)
        .ok_or_else(|| EncodeError {
            op,
            kinds: operands.iter().map(|operand| operand.kind()).collect(),
        })?;
    let start = cells.len();
    cells.resize(start + opcode.cells(), 0);
    cells[start] = opcode.number() as u64;
    pack(opcode, operands, &mut cells[start + 1..]);
    Ok(opcode)
}

/// Packs operands of the kinds that `opcode` has into the cells after the opcode.
fn pack(opcode: Opcode, operands: &[Operand], cells: &mut [u64]) {
    let mut bytes = [0; MAX_OPERAND_BYTES];
    let mut len = 0;
    for operand in operands {
        let width = operand.kind().bytes();
        write_payload(&mut bytes[len..len + width], operand.payload());
        len += width;
    }
    let packed = bytes
        .as_chunks()
        .0
        .iter()
        .map(|cell| u64::from_ne_bytes(*cell));
    for (cell, packed) in cells.iter_mut().zip(packed.take(opcode.cells() - 1)) {
        *cell = packed;
    }
}

/// Writes the low bytes of `payload` in the machine's byte order: the executor reads them as
/// machine integers.
fn write_payload(to: &mut [u8], payload: u64) {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the low bytes are what the kind holds"
    )]
    match to.len() {
        2 => to.copy_from_slice(&(payload as u16).to_ne_bytes()),
        4 => to.copy_from_slice(&(payload as u32).to_ne_bytes()),
        8 => to.copy_from_slice(&payload.to_ne_bytes()),
        _ => debug_assert!(to.is_empty(), "kinds have 0, 2, 4 or 8 bytes"),
    }
}

fn read_payload(from: &[u8]) -> u64 {
    match *from {
        [a, b] => u64::from(u16::from_ne_bytes([a, b])),
        [a, b, c, d] => u64::from(u32::from_ne_bytes([a, b, c, d])),
        [a, b, c, d, e, f, g, h] => u64::from_ne_bytes([a, b, c, d, e, f, g, h]),
        _ => 0,
    }
}

/// The target `index` of a `br_table`: the cells are an array of 32-bit integers in memory.
fn get_target(cells: &[u64], index: usize) -> i32 {
    let bytes = cells[index / 2].to_ne_bytes();
    let (halves, _) = bytes.as_chunks();
    i32::from_ne_bytes(halves[index % 2])
}

/// Writes the target `index` of a `br_table`.
pub(crate) fn set_target(cells: &mut [u64], index: usize, target: i32) {
    let cell = &mut cells[index / 2];
    let mut bytes = cell.to_ne_bytes();
    let (halves, _) = bytes.as_chunks_mut();
    halves[index % 2] = target.to_ne_bytes();
    *cell = u64::from_ne_bytes(bytes);
}

/// Writes the distance of the branch operand `index` of the instruction at `at`.
pub(crate) fn set_target_operand(cells: &mut [u64], at: usize, index: usize, by: i32) {
    let Ok(Instr {
        opcode,
        mut operands,
        ..
    }) = Instr::decode(cells, at)
    else {
        debug_assert!(false, "the builder patches what it has encoded");
        return;
    };
    operands[index] = operands[index].with_target(Target::By(by));
    pack(opcode, &operands, &mut cells[at + 1..]);
}

/// Replaces the operand `index` of the instruction at `at` by one for which the table has a
/// form of the same length.
pub(crate) fn set_operand(
    cells: &mut [u64],
    at: usize,
    index: usize,
    operand: Operand,
) -> Result<(), EncodeError> {
    let Ok(Instr {
        opcode,
        mut operands,
        ..
    }) = Instr::decode(cells, at)
    else {
        debug_assert!(false, "the builder patches what it has encoded");
        return Ok(());
    };
    let replaced = operands.get_mut(index).map(|old| *old = operand);
    let kinds: ArrayVec<Kind, MAX_OPERANDS> =
        operands.iter().map(|operand| operand.kind()).collect();
    let patched = opcode
        .op()
        .form(&kinds)
        .filter(|patched| replaced.is_some() && patched.cells() == opcode.cells())
        .ok_or_else(|| EncodeError {
            op: opcode.op(),
            kinds: kinds.to_vec(),
        })?;
    cells[at] = patched.number() as u64;
    pack(patched, &operands, &mut cells[at + 1..]);
    Ok(())
}

impl<'a> Instr<'a> {
    /// An instruction that need not be in the table.
    #[cfg(test)]
    pub(crate) fn with_operands(opcode: Opcode, operands: Operands) -> Self {
        Self {
            opcode,
            operands,
            target_cells: &[],
        }
    }

    /// Decodes the instruction that starts at the cell `at`.
    ///
    /// # Errors
    ///
    /// When there is no such opcode or the code ends too early.
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
        let fixed = opcode.cells();
        let truncated = |expected| DecodeError::Truncated {
            expected,
            found: rest.len(),
        };
        let operand_cells = rest.get(1..fixed).ok_or_else(|| truncated(fixed))?;
        let mut bytes = [0; MAX_OPERAND_BYTES];
        for (to, cell) in bytes.as_chunks_mut().0.iter_mut().zip(operand_cells) {
            *to = cell.to_ne_bytes();
        }
        let mut operands = Operands::new();
        let mut position = 0;
        let mut target_cells: &[u64] = &[];
        for &kind in opcode.form().kinds {
            let width = kind.bytes();
            let operand =
                Operand::from_payload(kind, read_payload(&bytes[position..position + width]));
            if let Operand::Targets(count) = operand {
                let expected = fixed + (count as usize).div_ceil(2);
                target_cells = rest
                    .get(fixed..expected)
                    .ok_or_else(|| truncated(expected))?;
            }
            operands.push(operand);
            position += width;
        }
        Ok(Self {
            opcode,
            operands,
            target_cells,
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
            Operand::Targets(count) => Some(*count as usize),
            _ => None,
        });
        (0..count.unwrap_or(0)).map(|index| get_target(self.target_cells, index))
    }

    /// Whether control never reaches the instruction after this one.
    #[must_use]
    pub fn is_terminator(&self) -> bool {
        use crate::Family::{
            Br, BrTable, Return, ReturnCall, ReturnCallImport, ReturnCallIndirect, ReturnSpan,
            ReturnValue, Unreachable,
        };
        let ends = |family| {
            matches!(
                family,
                Br | BrTable
                    | Return
                    | ReturnValue
                    | ReturnSpan
                    | ReturnCall
                    | ReturnCallImport
                    | ReturnCallIndirect
                    | Unreachable
            )
        };
        // Only the last of a sequence and the outermost of a tree can be one.
        let parts = self.opcode.op().parts();
        parts.iter().any(|part| ends(part.family()))
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
