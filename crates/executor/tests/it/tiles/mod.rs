//! Every tile in every form computes what its parts compute one after another.
//!
//! For each opcode of the tile table there are two functions that begin with the same slots,
//! accumulators, globals and memory: one executes the tile, the other its parts as single
//! instructions, a tree from the leaves up. Whatever can be observed has to be the same:
//! slots, accumulators, globals, memory, where a branch goes, and of a trap its code, its
//! place and what was written before it.
//!
//! What single instructions compute is for `numeric`, `memory` and `values` to test. Nothing
//! here names a tile: what is said of shapes is which operands of a part are parts.

mod cases;

use self::cases::{
    ARGUMENTS, CALLED, Case, Class, FIRST_SITE, RESULTS, SHARINGS, SLOTS, WAY, WAYS, WORK, traps,
    value,
};
use crate::generator::Random;
use crate::support::*;
use damson_executor::CallError;
use damson_executor::ir::*;
use damson_executor::store::{InstanceHandle, MemoryHandle, PrunedStore, TrapCode};
use std::collections::{BTreeSet, HashMap};

/// What can be observed of a run.
#[derive(Debug, PartialEq)]
enum Outcome {
    Results(Vec<u64>),
    Trap(TrapCode, Option<u32>),
}

fn observe(
    store: &mut PrunedStore,
    instance: InstanceHandle,
    index: u32,
    values: &[u64],
) -> Outcome {
    let func = func(store, instance, index);
    match run(store, func, values) {
        Ok(results) => Outcome::Results(results),
        Err(CallError::Trap(trap)) => {
            let site = trap.site.expect("an instruction traps");
            assert_eq!(site.func_index, index);
            Outcome::Trap(trap.code, site.offset)
        }
        Err(other) => panic!("{other}"),
    }
}

/// Whether two values are the same, or NaNs: which one comes out the specification leaves
/// open.
fn same(found: u64, expected: u64) -> bool {
    let narrow = |bits: u64| bits >> 32 == 0 && f32::from_bits(bits as u32).is_nan();
    let wide = |bits: u64| f64::from_bits(bits).is_nan();
    found == expected || narrow(found) && narrow(expected) || wide(found) && wide(expected)
}

fn agree(found: &Outcome, expected: &Outcome, floats: bool) -> bool {
    match (found, expected) {
        (Outcome::Results(found), Outcome::Results(expected)) if floats => {
            let mut pairs = found.iter().zip(expected);
            pairs.all(|(found, expected)| same(*found, *expected))
        }
        _ => found == expected,
    }
}

/// The same for memories, of which at most one value is a float that was computed.
fn memories_agree(found: &[u8], expected: &[u8], floats: bool) -> bool {
    if found == expected {
        return true;
    }
    let differs = |at: &usize| found[*at] != expected[*at];
    let first = (0..found.len()).find(differs).unwrap();
    let last = (0..found.len()).rev().find(differs).unwrap();
    let nan = |bytes: &[u8], at: usize, width: usize| match width {
        4 => f32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()).is_nan(),
        _ => f64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()).is_nan(),
    };
    let value_at = |at: usize, width: usize| {
        last < at + width
            && at + width <= found.len()
            && nan(found, at, width)
            && nan(expected, at, width)
    };
    let near = |width: usize| first.saturating_sub(width - 1)..=first;
    floats
        && [4, 8]
            .into_iter()
            .any(|width| near(width).any(|at| value_at(at, width)))
}

/// One page: addresses that are in it and not, edges of every width.
fn page() -> Vec<u8> {
    #[rustfmt::skip]
    let words = [
        4, 1, 2, 0, 0, 65533, 0x80, 0x7fff_fffe, 0x8000_0000, 0xfefe_fefe, 3, u32::MAX,
        0x1_0001, 31, 64, 24,
    ];
    let bytes = words.iter().flat_map(|word| word.to_le_bytes());
    bytes.collect::<Vec<_>>().repeat(65536 / 64)
}

/// What the runs of an operation have shown.
#[derive(Debug, Default)]
struct Seen {
    ends: u32,
    ways: BTreeSet<u64>,
    traps: BTreeSet<Option<u32>>,
}

/// Each operation has so many functions at least.
const FUNCTIONS: usize = 36;
/// How often each function runs.
const RUNS: u32 = if cfg!(debug_assertions) { 5 } else { 16 };

fn check_family(family: Family, seen: &mut HashMap<Op, Seen>) {
    let info = family.info();
    let first = usize::from(info.first);
    let mut module = Module::default();
    let of_many = module.ty(&[I64; ARGUMENTS], &[I64; RESULTS as usize]);
    let of_one = module.ty(&[I64; ARGUMENTS], &[I64]);
    let of_called = module.ty(&[I64], &[I64]);
    let called = module.func(of_called, 3, |code| {
        code.op(IntBinary::I64Add, &[Operand::R, s(0), imm(1)]);
        code.op(ReturnValue::IntReturn, &[code.linkage(), Operand::Acc]);
    });
    assert_eq!(called, CALLED);
    module.memory(1, Some(1));
    for _ in 0..2 {
        module.global(I64, constant(0));
    }
    let of_globals = module.ty(&[], &[I64; 2]);
    let globals = module.func(of_globals, 6, |code| {
        for index in 0..2 {
            let global = Operand::Global(index.into());
            code.op(GlobalGet::IntGlobalGet, &[rs(4 + index), global]);
        }
        let values = [code.linkage(), span(4), Operand::Count(2)];
        code.op(ReturnSpan::ReturnSpan, &values);
    });
    let mut random = Random::new(first as u64);
    let mut cases = Vec::new();
    for number in first..first + info.ops.len() * info.forms.len() {
        let opcode = Opcode::new(number).unwrap();
        // Where there are few forms, each gets more immediates.
        let rounds = FUNCTIONS.div_ceil(info.forms.len() * SHARINGS.len());
        for sharing in SHARINGS.into_iter().cycle().take(rounds * SHARINGS.len()) {
            let case = Case::new(&mut random, opcode, sharing);
            let ty = if case.has(Kind::Linkage) {
                of_one
            } else {
                of_many
            };
            let (tile, parts) = (case.tile(&mut module, ty), case.parts(&mut module, ty));
            cases.push((case, sharing, tile, parts));
        }
    }
    let mut store = store();
    let instance = module.instantiate(&mut store, &[]);
    let memory = memory(&store, instance, 0);
    let page = page();
    let mut bytes_of_parts = page.clone();
    restore(&mut store, memory, &page, None);
    for (case, sharing, tile, parts) in cases {
        let op = case.opcode.op();
        let floats = op.parts().iter().any(|part| part.name().starts_with('f'));
        let writes = op
            .parts()
            .iter()
            .any(|part| traps(part) && part.family() != Family::Load);
        let seen = seen.entry(op).or_default();
        for _ in 0..RUNS {
            let values = arguments(&mut random, &case);
            let expected = observe(&mut store, instance, parts, &values);
            let expected_globals = observe(&mut store, instance, globals, &[]);
            if writes {
                restore(&mut store, memory, &page, Some(&mut bytes_of_parts));
            }
            let found = observe(&mut store, instance, tile, &values);
            let what = || {
                let Case {
                    opcode,
                    slots,
                    immediates,
                    offsets,
                    ..
                } = &case;
                format!(
                    "{opcode}, {sharing:?}: slots {slots:?}, immediates {immediates:?}, \
                     offsets {offsets:?}, begun with {values:x?}"
                )
            };
            assert!(
                agree(&found, &expected, floats),
                "{}: {found:x?}, but the parts: {expected:x?}",
                what()
            );
            // What returns one value has no room for them among its results.
            let found_globals = observe(&mut store, instance, globals, &[]);
            assert_eq!(found_globals, expected_globals, "{}: globals", what());
            let bytes = bytes(&store, instance, 0);
            assert!(
                memories_agree(bytes, &bytes_of_parts, floats),
                "{}: memory differs from what the parts leave",
                what()
            );
            if writes {
                restore(&mut store, memory, &page, None);
            }
            seen.note(&found);
        }
    }
}

/// Makes a memory what it was before a run; `left` becomes what the run has left.
fn restore(store: &mut PrunedStore, memory: MemoryHandle, page: &[u8], left: Option<&mut [u8]>) {
    let mut store = store.as_mut();
    let mut memory = store.memory_mut(memory).unwrap();
    let bytes = memory.data_mut();
    if let Some(left) = left {
        left.copy_from_slice(bytes);
    }
    bytes.copy_from_slice(page);
}

/// What the slots, the accumulators and the globals begin with.
fn arguments(random: &mut Random, case: &Case) -> Vec<u64> {
    let of_places = |wanted: &dyn Fn(usize) -> bool, class: Class| {
        let mut places = (0..case.positions.len()).filter(|&at| wanted(at));
        let of = |at: usize| &case.positions[at];
        let first = places.next();
        let class = first.map_or(class, |at| of(at).class());
        let is_address = first.is_some_and(|at| of(at).address);
        (class, is_address || places.any(|at| of(at).address))
    };
    let kinds = case.kinds();
    let mut values = Vec::new();
    for slot in 0..SLOTS {
        let here = |at: usize| kinds[at] == Kind::Slot && case.slots[at] == slot;
        let (class, address) = of_places(&here, Class::Int);
        values.push(value(random, class, address));
    }
    for class in Class::ALL {
        let here = |at: usize| kinds[at] == Kind::Acc && case.positions[at].class() == class;
        let (class, address) = of_places(&here, class);
        values.push(value(random, class, address));
    }
    for _ in 0..3 {
        values.push(value(random, Class::Int, false));
    }
    values
}

impl Seen {
    fn note(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Results(results) => {
                self.ends += 1;
                self.ways.extend(results.get(usize::from(WAY - WORK)));
            }
            Outcome::Trap(_, offset) => {
                self.traps.insert(*offset);
            }
        }
    }

    /// Nothing that the operation can do was left out.
    fn assert_all(&self, op: Op) {
        let parts = op.parts();
        let sites = parts.iter().filter(|part| traps(part)).count() as u32;
        let all_sites = (0..sites).map(|site| Some(FIRST_SITE + site)).collect();
        assert_eq!(self.traps, all_sites, "{op}: where it traps");
        assert!(
            self.ends > 0,
            "{op} ends {} times without a trap",
            self.ends
        );
        let has = |kinds: &[Kind]| {
            let forms = op.family().info().forms;
            forms
                .iter()
                .any(|form| form.kinds.iter().any(|kind| kinds.contains(kind)))
        };
        let ways: BTreeSet<u64> = if has(&[Kind::Linkage]) {
            return;
        } else if has(&[Kind::Targets]) {
            (1..WAYS as u64).collect()
        } else if has(&[Kind::BrIf]) {
            [0, 1].into()
        } else {
            [u64::from(has(&[Kind::Target]))].into()
        };
        assert_eq!(self.ways, ways, "{op}: which ways it takes");
    }
}

#[test]
fn every_tile_computes_what_its_parts_compute() {
    let mut seen = HashMap::new();
    let mut families = Vec::new();
    for opcode in Opcode::all() {
        let family = opcode.family();
        if opcode.op().shape().is_some() && !families.contains(&family) {
            families.push(family);
        }
    }
    for family in families {
        check_family(family, &mut seen);
    }
    for (op, seen) in seen {
        seen.assert_all(op);
    }
}
