//! Makes verified bytecode ready to run, in place.
//!
//! - The opcode of each instruction becomes the address of its handler.
//! - A call of a function that the module defines counts from the first of these.
//! - A branch to where fuel is charged says so. It goes there without being dispatched: in a
//!   short loop, that would be a large part of a round.
//! - What is charged becomes a float, in the cell that the operand has to itself: while code runs,
//!   fuel is in a register for floats.
//!
//! The bytecode stays as it is otherwise, so positions agree.

use crate::handlers::HANDLERS;
use alloc::vec::Vec;
use damson_ir::{Family, InstrRef, MAX_CELLS, Operand, map_defined_func, map_targets};

/// Added to the distance of a branch to a `consume_fuel`. In bytes it fits the displacement of
/// an address.
pub(crate) const CHARGES: isize = 1 << 27;

/// Distances from this on have [`CHARGES`] in them.
pub(crate) const LEAST_THAT_CHARGES: isize = CHARGES / 2;

/// Cells of the operand of a `consume_fuel`.
pub(crate) const CHARGE_CELLS: usize = 1;

const _: () = {
    let most = MAX_CELLS as isize;
    assert!(most < LEAST_THAT_CHARGES && CHARGES - most >= LEAST_THAT_CHARGES);
    assert!((CHARGES + most) * size_of::<u64>() as isize <= i32::MAX as isize);
};

/// Threads the code of a function. `imported` functions come before those of the module;
/// `metered` code charges fuel.
pub(crate) fn thread(cells: &mut [u64], imported: u32, metered: bool) {
    if metered {
        mark_charges(cells);
    }
    let mut at = 0;
    // Every instruction decodes: the code is verified.
    while let Ok(instr) = InstrRef::decode(cells, at) {
        let (opcode, next) = (instr.opcode(), at + instr.cells());
        if opcode.family() == Family::ConsumeFuel {
            let charged = instr.operands().next();
            debug_assert!(matches!(charged, Some(Operand::Count(_))));
            if let Some(Operand::Count(amount)) = charged {
                cells[at + 1] = f64::from(amount).to_bits();
            }
        } else if instr.calls_defined_func() {
            let rebased = map_defined_func(cells, at, |index| index - imported);
            debug_assert_eq!(rebased, Ok(()));
        }
        let handler = HANDLERS[opcode.number()] as *const ();
        cells[at] = handler.expose_provenance() as u64;
        #[cfg(feature = "count")]
        {
            cells[at] = crate::count::tagged(cells[at], opcode);
        }
        at = next;
    }
}

/// Marks the branches to where fuel is charged.
fn mark_charges(cells: &mut [u64]) {
    let mut charges = Vec::new();
    let mut at = 0;
    while let Ok(instr) = InstrRef::decode(cells, at) {
        if instr.opcode().family() == Family::ConsumeFuel {
            charges.push(at);
        }
        at += instr.cells();
    }
    at = 0;
    while let Ok(instr) = InstrRef::decode(cells, at) {
        let next = at + instr.cells();
        let marked = map_targets(cells, at, |by| {
            let target = at.wrapping_add_signed(by as isize);
            match charges.binary_search(&target) {
                Ok(_) => by + CHARGES as i32,
                Err(_) => by,
            }
        });
        debug_assert_eq!(marked, Ok(()));
        at = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use damson_ir::{Br, ConsumeFuel, FunctionBuilder, IntTest, Operand};

    #[test]
    fn branches_to_charges_are_marked_and_charges_are_floats() {
        let mut code = FunctionBuilder::new(0, 0);
        let [charged, free, behind] = [(); 3].map(|()| code.new_label());
        code.bind(charged);
        let charge = |amount| [Operand::Count(amount)];
        code.push(ConsumeFuel::ConsumeFuel, &charge(u32::MAX))
            .unwrap();
        code.bind(free);
        let mut branches = Vec::new();
        for label in [behind, charged, free] {
            let operands = [Operand::BrIf(label.into()), Operand::Acc];
            branches.push(code.push(IntTest::I32Nez, &operands).unwrap());
        }
        let table = [behind, free, charged, charged];
        branches.push(code.push_br_table(Operand::Acc, &table).unwrap());
        code.bind(behind);
        let last = code.push(ConsumeFuel::ConsumeFuel, &charge(7)).unwrap();
        code.push(Br::Br, &[Operand::Target(charged.into())])
            .unwrap();
        let cells = code.finish(2).unwrap().cells;

        let distances = |cells: &mut [u64], at| {
            let mut found = Vec::new();
            map_targets(cells, at, |by| {
                found.push(by as isize);
                by
            })
            .unwrap();
            found
        };
        let mut marked = cells.clone();
        mark_charges(&mut marked);
        for (&at, expected) in
            branches
                .iter()
                .zip([&[true][..], &[true], &[false], &[true, false, true, true]])
        {
            let before = distances(&mut cells.clone(), at);
            let after = distances(&mut marked, at);
            let marks: Vec<_> = after.iter().map(|by| *by >= LEAST_THAT_CHARGES).collect();
            assert_eq!(marks, expected, "at {at}");
            for ((before, after), marked) in before.into_iter().zip(after).zip(marks) {
                assert_eq!(after, before + if marked { CHARGES } else { 0 }, "at {at}");
            }
        }

        let mut threaded = cells.clone();
        thread(&mut threaded, 0, true);
        assert_eq!(f64::from_bits(threaded[1]), f64::from(u32::MAX));
        assert_eq!(f64::from_bits(threaded[last + 1]), 7.0);
        let mut threaded = cells.clone();
        thread(&mut threaded, 0, false);
        for at in branches {
            let operands = at + 1..at + InstrRef::decode(&cells, at).unwrap().cells();
            assert_eq!(threaded[operands.clone()], cells[operands]);
        }
    }
}
