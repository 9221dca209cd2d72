//! Whatever random bytes the verifier accepts runs without undefined behaviour.
//!
//! Modules of random functions run with little fuel, stack and memory, as two instances that
//! call each other and a host that calls back. Nothing may crash; a memory checker may watch
//! (`DAMSON_RANDOM_CASES` sets the number of modules). What the tame half of them computes is
//! compared with a golden file, so that both dispatch backends agree; `DAMSON_BLESS=1` writes
//! it anew, as is necessary when the instruction table changes.

use crate::generator::{self, Random, Style};
use crate::world::{Digest, Tally, run_module, run_module_of, run_modules};
use damson_executor::ir::*;
use damson_executor::store::ModuleShape;
use std::collections::HashSet;

/// How many modules run: as many as the environment says, or `default`.
fn cases(default: u64) -> u64 {
    let set = std::env::var("DAMSON_RANDOM_CASES").ok();
    set.map_or(default, |cases| cases.parse().unwrap())
}

#[test]
fn whatever_is_accepted_runs_without_undefined_behaviour() {
    let cases = cases(if cfg!(debug_assertions) { 600 } else { 6000 });
    let mut tally = Tally::default();
    run_modules(cases, Style { wild: true }, &mut tally);
    println!(
        "{} functions generated, {} accepted, {} of them metered; {} of {} opcodes; {:?}",
        tally.generated,
        tally.accepted,
        tally.metered,
        tally.opcodes.len(),
        Opcode::COUNT,
        tally.outcomes
    );
    if cases < 600 {
        return;
    }
    // Many are accepted, many are not.
    assert!(
        tally.accepted * 10 > tally.generated * 3,
        "{} of {}",
        tally.accepted,
        tally.generated
    );
    assert!(
        tally.accepted * 10 < tally.generated * 9,
        "{} of {}",
        tally.accepted,
        tally.generated
    );
    assert!(tally.metered * 2 > tally.accepted);
    // Every family is accepted, and nearly every opcode.
    let families: HashSet<_> = tally
        .opcodes
        .iter()
        .map(|&number| Opcode::new(number).unwrap().op().family())
        .collect();
    assert_eq!(families.len(), FAMILIES.len());
    assert!(
        tally.opcodes.len() * 10 > Opcode::COUNT * 9,
        "{} opcodes",
        tally.opcodes.len()
    );
    for outcome in [
        "results",
        "host",
        "call stack exhausted",
        "all fuel consumed by WebAssembly",
    ] {
        assert!(tally.outcomes.contains_key(outcome), "{outcome}");
    }
    assert!(tally.outcomes.len() >= 10, "{:?}", tally.outcomes);
}

/// Fuzzers have bytes: they choose what random numbers choose else, and the same bytes choose
/// the same.
#[test]
fn bytes_choose_modules() {
    let digest_of = |bytes: &[u8]| {
        let (mut tally, mut digest) = (Tally::default(), Digest(0));
        let style = Style { wild: false };
        run_module(&mut Random::of_bytes(bytes), style, &mut tally, &mut digest);
        digest.0
    };
    let bytes: Vec<u8> = (0..4096_u32)
        .map(|index| ((index * index) >> 3) as u8)
        .collect();
    assert_eq!(digest_of(&bytes), digest_of(&bytes));
    assert_ne!(digest_of(&bytes), digest_of(&bytes[1..]));
}

/// The functions of a module may come from elsewhere.
#[test]
fn functions_come_from_a_source() {
    let (mut asked, mut tally) = (0, Tally::default());
    let mut random = Random::new(1);
    let mut source = |shape: &ModuleShape, func_index: u32| {
        asked += 1;
        generator::function(&mut random, Style { wild: false }, shape, func_index)
    };
    run_module_of(&mut source, &mut Random::new(2), &mut tally);
    assert_eq!(asked, generator::DEFINED.len());
    assert!(tally.accepted > 0);
}

#[test]
fn both_dispatch_backends_compute_the_same() {
    const CASES: u64 = 300;
    let mut tally = Tally::default();
    let digest = run_modules(CASES, Style { wild: false }, &mut tally);
    // The generator makes valid code.
    assert_eq!(tally.accepted, tally.generated);
    assert!(tally.outcomes["results"] > CASES, "{:?}", tally.outcomes);
    let found = format!("{CASES} modules of random code: {digest:016x}\n");
    let golden = match damson_ir::IS_COMPACT {
        false => concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/random.txt"),
        true => concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/compact.txt"),
    };
    if std::env::var_os("DAMSON_BLESS").is_some() {
        std::fs::write(golden, &found).unwrap();
    }
    // Cells hold operands in the byte order of the machine.
    if cfg!(all(target_endian = "little", target_pointer_width = "64")) {
        let expected = std::fs::read_to_string(golden).unwrap();
        assert_eq!(
            found, expected,
            "DAMSON_BLESS=1 writes it anew if the table has changed"
        );
    }
}
