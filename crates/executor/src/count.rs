//! Counts what is executed: the evidence for choosing instructions.
//!
//! With the feature `count` the portable loop tells this module of every instruction that
//! it runs, on each thread by itself; not of the charges of fuel that a branch takes. Without the
//! feature nothing of it is there.
//!
//! Instructions are told apart by their opcode, not by their handler's address, which some
//! share: threaded code holds the opcode in the upper 16 bits of each handler's address. No
//! system that the portable loop is measured on has addresses of more than 48 bits.

use core::cell::{Cell as Shared, RefCell};
use damson_core::Cell;
use damson_ir::{Family, Opcode};
use std::collections::HashMap;
use std::thread_local;
use std::vec::Vec;

/// Bits of an address; the opcode is above them.
const ADDRESS_BITS: u32 = 48;

/// What was executed on this thread.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// How many instructions.
    pub dispatches: u64,
    /// How often each opcode, by number. Empty without sequences.
    pub singles: Vec<u64>,
    /// How often two opcodes one after the other, where no jump lies between them: these
    /// could be one instruction.
    pub pairs: HashMap<[Opcode; 2], u64>,
    /// How often three.
    pub triples: HashMap<[Opcode; 3], u64>,
}

/// What is noted of each instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// That there was one.
    Number,
    /// Which one, and what came before it.
    Sequences,
}

thread_local! {
    static DISPATCHES: Shared<u64> = const { Shared::new(0) };
    static SEQUENCES: RefCell<Option<Sequences>> = const { RefCell::new(None) };
    static DETAILED: Shared<bool> = const { Shared::new(false) };
}

#[derive(Default)]
struct Sequences {
    counts: Counts,
    /// The address of the instruction that would follow without a jump.
    expected: usize,
    /// The opcodes that led here without a jump, latest first.
    before: [Option<Opcode>; 2],
}

/// Begins to count on this thread, from zero.
pub fn start(detail: Detail) {
    DISPATCHES.set(0);
    DETAILED.set(detail == Detail::Sequences);
    SEQUENCES.replace((detail == Detail::Sequences).then(|| Sequences {
        counts: Counts {
            singles: std::vec![0; Opcode::COUNT],
            ..Counts::default()
        },
        ..Sequences::default()
    }));
}

/// What was counted on this thread since [`start`]. Ends the noting of sequences.
#[must_use]
pub fn take() -> Counts {
    DETAILED.set(false);
    let sequences = SEQUENCES.take();
    Counts {
        dispatches: DISPATCHES.take(),
        ..sequences
            .map(|sequences| sequences.counts)
            .unwrap_or_default()
    }
}

/// The first cell of an instruction in threaded code.
pub(crate) fn tagged(address: u64, opcode: Opcode) -> u64 {
    debug_assert!(address >> ADDRESS_BITS == 0, "an address has 48 bits");
    address | (opcode.number() as u64) << ADDRESS_BITS
}

/// The handler's address in such a cell.
pub(crate) fn address(first: u64) -> u64 {
    first & ((1 << ADDRESS_BITS) - 1)
}

/// Notes an instruction that is about to be executed: where it is, and its first cell.
pub(crate) fn note(ip: *const Cell, first: Cell) {
    DISPATCHES.set(DISPATCHES.get() + 1);
    if DETAILED.get() {
        let opcode = Opcode::new((first.to_bits() >> ADDRESS_BITS) as usize);
        let opcode = opcode.expect("threading puts the opcode there");
        SEQUENCES.with_borrow_mut(|sequences| {
            if let Some(sequences) = sequences {
                sequences.note(ip.addr(), opcode);
            }
        });
    }
}

impl Sequences {
    fn note(&mut self, address: usize, opcode: Opcode) {
        if address != self.expected {
            self.before = [None, None];
        }
        self.counts.singles[opcode.number()] += 1;
        self.expected = address + opcode.cells() * size_of::<Cell>();
        if opcode.family() == Family::ConsumeFuel {
            // Not there where nothing is metered.
            return;
        }
        if let Some(last) = self.before[0] {
            *self.counts.pairs.entry([last, opcode]).or_default() += 1;
            if let Some(first) = self.before[1] {
                let triple = [first, last, opcode];
                *self.counts.triples.entry(triple).or_default() += 1;
            }
        }
        self.before = [Some(opcode), self.before[0]];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opcode(number: usize) -> Opcode {
        Opcode::new(number).unwrap()
    }

    #[test]
    fn an_opcode_and_an_address_share_a_cell() {
        let last = opcode(Opcode::COUNT - 1);
        let cell = tagged(0x7fff_1234_5678, last);
        assert_eq!(address(cell), 0x7fff_1234_5678);
        assert_eq!(cell >> ADDRESS_BITS, last.number() as u64);
    }

    #[test]
    fn sequences_go_on_behind_what_charges() {
        let mut sequences = Sequences::default();
        sequences.counts.singles = std::vec![0; Opcode::COUNT];
        let op = damson_ir::Operation::op(damson_ir::ConsumeFuel::ConsumeFuel);
        let charge = op.form(&[damson_ir::Kind::Count]).unwrap();
        let a = opcode(0);
        sequences.note(80, a);
        sequences.note(80 + a.cells() * 8, charge);
        sequences.note(80 + a.cells() * 8 + charge.cells() * 8, a);
        assert_eq!(sequences.counts.singles[charge.number()], 1);
        assert_eq!(sequences.counts.pairs, HashMap::from([([a, a], 1)]));
    }

    #[test]
    fn sequences_end_at_a_jump() {
        let mut sequences = Sequences::default();
        sequences.counts.singles = std::vec![0; Opcode::COUNT];
        let [a, b] = [opcode(0), opcode(1)];
        let second = 80 + a.cells() * 8;
        let third = second + b.cells() * 8;
        sequences.note(80, a);
        sequences.note(second, b);
        sequences.note(third, a);
        sequences.note(8000, b);
        let Counts {
            singles,
            pairs,
            triples,
            ..
        } = sequences.counts;
        assert_eq!(singles[..2], [2, 2]);
        assert_eq!(pairs.len(), 2);
        assert_eq!((pairs[&[a, b]], pairs[&[b, a]]), (1, 1));
        assert_eq!(triples, HashMap::from([([a, b, a], 1)]));
    }
}
