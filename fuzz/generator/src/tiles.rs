//! Which tiles the translator makes of programs: every family of them must occur.

use std::collections::{BTreeMap, BTreeSet};

use damson_ir::{FAMILIES, Opcode, Ops};
use damson_translator::{Config, Module};

use crate::Program;

/// What occurs of a family of tiles.
#[derive(Debug, Default)]
struct Family {
    programs: u64,
    opcodes: BTreeSet<usize>,
    tiles: BTreeSet<usize>,
}

/// The tiles that `programs` programs are translated to, by family.
fn tiles(programs: u64) -> BTreeMap<usize, Family> {
    let mut families = BTreeMap::new();
    let config = Config::default();
    for seed in 0..programs {
        let wasm = Program::generate(seed).to_wasm();
        let module = Module::parse(&wasm, &config).expect("a valid module");
        let mut here = BTreeSet::new();
        for func in module.defined_funcs() {
            let code = module.translate(func).expect("a valid function");
            for (_, instr) in code.instructions() {
                here.insert(instr.expect("an instruction").opcode.number());
            }
        }
        let mut met = BTreeSet::new();
        for number in here {
            let opcode = Opcode::new(number).expect("a number of an opcode");
            let family = opcode.family() as usize;
            let of: &mut Family = families.entry(family).or_default();
            of.programs += u64::from(met.insert(family));
            of.opcodes.insert(number);
            let info = opcode.family().info();
            let op = (number - usize::from(info.first)) / info.forms.len();
            of.tiles.insert(op);
        }
    }
    families
}

#[test]
fn every_family_of_tiles_occurs() {
    const PROGRAMS: u64 = 2000;
    let found = tiles(PROGRAMS);
    let (mut rare, mut tiles, mut opcodes) = (Vec::new(), [0, 0], [0, 0]);
    for (number, info) in FAMILIES.iter().enumerate() {
        if matches!(info.ops, Ops::Single(_)) {
            continue;
        }
        let none = Family::default();
        let of = found.get(&number).unwrap_or(&none);
        let all = info.ops.len() * info.forms.len();
        println!(
            "{:5} programs, {:4} of {:4} tiles, {:4} of {all:4} opcodes: {}",
            of.programs,
            of.tiles.len(),
            info.ops.len(),
            of.opcodes.len(),
            info.name
        );
        for (sum, count) in tiles.iter_mut().zip([of.tiles.len(), info.ops.len()]) {
            *sum += count;
        }
        for (sum, count) in opcodes.iter_mut().zip([of.opcodes.len(), all]) {
            *sum += count;
        }
        if of.programs < 5 {
            rare.push((info.name, of.programs));
        }
    }
    println!("{tiles:?} tiles, {opcodes:?} opcodes");
    assert!(
        rare.is_empty(),
        "too few of {PROGRAMS} programs have these: {rare:?}"
    );
}
