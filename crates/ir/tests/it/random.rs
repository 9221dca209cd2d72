//! Whatever the cells are, nothing panics.

use crate::support::*;
use damson_ir::*;
use proptest::prelude::*;

/// What happens to a valid function.
#[derive(Debug, Clone)]
enum Mutation {
    Cell(usize, u64),
    Byte(usize, u8),
    Bit(usize, u8),
    Opcode(usize, u64),
    Remove(usize),
    Insert(usize, u64),
    Truncate(usize),
    Frame(u32),
    Signature(u16, u16),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = 0..64_usize;
    prop_oneof![
        (at.clone(), any::<u64>()).prop_map(|(at, cell)| Mutation::Cell(at, cell)),
        (0..512_usize, any::<u8>()).prop_map(|(at, byte)| Mutation::Byte(at, byte)),
        (0..512_usize, 0..8_u8).prop_map(|(at, bit)| Mutation::Bit(at, bit)),
        (at.clone(), 0..Opcode::COUNT as u64).prop_map(|(at, op)| Mutation::Opcode(at, op)),
        at.clone().prop_map(Mutation::Remove),
        (at.clone(), any::<u64>()).prop_map(|(at, cell)| Mutation::Insert(at, cell)),
        at.prop_map(Mutation::Truncate),
        prop_oneof![any::<u32>(), 0..70_u32].prop_map(Mutation::Frame),
        (0..4_u16, 0..4_u16).prop_map(|(params, results)| Mutation::Signature(params, results)),
    ]
}

fn mutate(function: &mut Function, mutation: &Mutation) {
    let cells = &mut function.cells;
    let len = cells.len().max(1);
    match *mutation {
        Mutation::Cell(at, cell) => {
            if let Some(to) = cells.get_mut(at % len) {
                *to = cell;
            }
        }
        Mutation::Byte(at, byte) => {
            if let Some(to) = cells.get_mut(at / 8 % len) {
                let shift = at % 8 * 8;
                *to = *to & !(0xff << shift) | u64::from(byte) << shift;
            }
        }
        Mutation::Bit(at, bit) => {
            if let Some(to) = cells.get_mut(at / 8 % len) {
                *to ^= 1 << (at % 8 * 8 + usize::from(bit));
            }
        }
        Mutation::Opcode(at, opcode) => {
            if let Some(to) = cells.get_mut(at % len) {
                *to = opcode;
            }
        }
        Mutation::Remove(at) if at < cells.len() => drop(cells.remove(at)),
        Mutation::Remove(_) => {}
        Mutation::Insert(at, cell) => cells.insert(at % len.min(cells.len() + 1), cell),
        Mutation::Truncate(at) => cells.truncate(at),
        Mutation::Frame(frame_cells) => function.frame_cells = frame_cells,
        Mutation::Signature(params, results) => {
            (function.params, function.results) = (params, results);
        }
    }
}

/// A valid function of several instructions, chosen by their numbers.
fn program(opcodes: &[usize]) -> Function {
    let mut code = Vec::new();
    for &number in opcodes {
        let opcode = Opcode::new(number).unwrap();
        let to = cells(opcode, &operands(opcode, 0)) as i32;
        append(&mut code, opcode, &operands(opcode, to), to);
    }
    append(&mut code, unreachable(), &[], 0);
    function_of(code)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 4000 } else { 40_000 }))]

    #[test]
    fn mutated_functions_are_decoded_printed_and_verified_without_a_panic(
        opcodes in prop::collection::vec(0..Opcode::COUNT, 1..6),
        mutations in prop::collection::vec(mutation(), 0..6),
    ) {
        let shape = shape();
        let mut function = program(&opcodes);
        prop_assert!(function.clone().verify(&shape, FUNC).is_ok());
        for mutation in &mutations {
            mutate(&mut function, mutation);
        }
        let count = function.instructions().count();
        prop_assert!(count <= function.cells.len());
        prop_assert!(function.to_string().lines().count() == count + 1);
        if let Ok(verified) = function.clone().verify(&shape, FUNC) {
            // What is accepted decodes to the end, and encodes to what it was but for the bits
            // between operands and cell ends.
            let mut again = Vec::new();
            for (at, instr) in verified.function().instructions() {
                let instr = instr.unwrap();
                prop_assert_eq!(again.len(), at);
                let operands = &instr.operands;
                append(&mut again, instr.opcode, operands, 0);
                let copied = Instr::decode(&again, at).unwrap();
                prop_assert_eq!(&copied.operands, operands);
            }
            prop_assert_eq!(again.len(), function.cells.len());
        }
    }

    #[test]
    fn cells_of_chance_are_no_panic(cells in prop::collection::vec(any::<u64>(), 0..20), at in 0..30_usize) {
        let _ = Instr::decode(&cells, at);
        let function = function_of(cells);
        let _ = function.to_string();
        let _ = function.verify(&shape(), FUNC);
    }
}
