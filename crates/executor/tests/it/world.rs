//! Modules of random code, run as two instances that call each other and a host that calls back.
//!
//! Also what the fuzz target `verifier` runs, with choices made by its input.

use crate::generator::{self, GLOBAL, IMPORTED, MEMORY, Random, Style};
use crate::support::*;
use damson_executor::ir::*;
use damson_executor::store::types::{RefType, TableType};
use damson_executor::store::{
    Cell, ExternHandle, FuncHandle, HostCall, InstanceHandle, ModuleShape, PrunedStore, StoreConfig,
};
use damson_executor::{CallError, CodeMap, call};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// What a run of many modules has come to.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) generated: u64,
    pub(crate) accepted: u64,
    pub(crate) metered: u64,
    pub(crate) opcodes: HashSet<usize>,
    pub(crate) outcomes: BTreeMap<String, u64>,
}

/// A hash that does not depend on the machine.
pub(crate) struct Digest(pub(crate) u64);

impl Digest {
    pub(crate) fn add(&mut self, value: u64) {
        self.0 = (self.0 ^ value)
            .wrapping_mul(0x0100_0000_01b3)
            .rotate_left(23);
    }
}

/// A function that the module has in place of one that was not accepted.
fn substitute(shape: &ModuleShape, func_index: u32) -> Function {
    let ty = shape.func_type(func_index).unwrap();
    let (params, results) = (ty.params().len() as u16, ty.results().len() as u16);
    let mut code = FunctionBuilder::new(params, results);
    code.op(ConsumeFuel::ConsumeFuel, &[Operand::Count(1)]);
    if params < results {
        code.op(
            Zero::Zero,
            &[span(params), Operand::Count((results - params).into())],
        );
    }
    code.op(Return::Return, &[code.linkage()]);
    code.finish(u32::from(params.max(results)) + 2).unwrap()
}

/// Where the functions of a module come from.
pub(crate) type Source<'a> = dyn FnMut(&ModuleShape, u32) -> Function + 'a;

/// Code for every function of the module: what the source gives, when it is accepted and takes
/// fuel.
fn code(shape: &Arc<ModuleShape>, source: &mut Source<'_>, tally: &mut Tally) -> Arc<CodeMap> {
    let map = CodeMap::new(Arc::clone(shape));
    let verifier = ModuleVerifier::new(Arc::clone(shape));
    for func_index in IMPORTED.len() as u32..shape.funcs.len() as u32 {
        let mut found = None;
        for _ in 0..4 {
            let function = source(shape, func_index);
            tally.generated += 1;
            let result = verifier.verify(function, func_index);
            let Ok(verified) = result else { continue };
            tally.accepted += 1;
            if verified.is_metered() {
                tally.metered += 1;
                let instructions = verified.function().instructions();
                tally
                    .opcodes
                    .extend(instructions.map(|(_, instr)| instr.unwrap().opcode.number()));
                found = Some(verified);
                break;
            }
        }
        let verified = found.unwrap_or_else(|| {
            verifier
                .verify(substitute(shape, func_index), func_index)
                .unwrap()
        });
        map.define(func_index, verified).unwrap();
    }
    map
}

/// What the host functions do: depends on their first parameter, may call back and grow.
fn host_body(mut host: HostCall<'_>, cells: &mut [Cell]) -> Result<(), CallError> {
    let first = cells.first().map_or(3, |cell| cell.to_bits());
    let instance = host.instance.unwrap();
    match first % 8 {
        0 => return Err(CallError::Host("the host refuses".into())),
        1..=3 => {
            let instance = host.store.instance(instance)?;
            let func =
                IMPORTED.len() as u32 + (first >> 3) as u32 % generator::DEFINED.len() as u32;
            let func = instance.func(func).unwrap();
            let (func, len) = (func.handle(), func.ty().cells());
            let mut inner = vec![Cell::from_bits(first >> 1); len];
            call(host.store, func, &mut inner)?;
            if let (Some(to), Some(from)) = (cells.first_mut(), inner.first()) {
                *to = *from;
            }
        }
        4 => {
            let memory = host.store.instance(instance)?.export("memory").unwrap();
            let ExternHandle::Memory(memory) = memory else {
                unreachable!()
            };
            let _ = host.store.grow_memory(memory, 1);
        }
        _ => {
            for (index, cell) in cells.iter_mut().enumerate() {
                *cell = Cell::from_bits(cell.to_bits().wrapping_mul(3) + index as u64);
            }
        }
    }
    Ok(())
}

/// A store with two instances of the module; the second imports functions of the first.
struct World {
    store: PrunedStore,
    instances: [InstanceHandle; 2],
    shared: [ExternHandle; 3],
}

impl World {
    fn new(random: &mut Random, shape: &Arc<ModuleShape>, map: &Arc<CodeMap>) -> Self {
        let mut config = StoreConfig::default();
        config.fuel = Some(0);
        config.stack_bytes = 8 * (30 + random.below(1500) as usize);
        config.max_call_depth = 60;
        config.max_host_nesting = 8;
        let mut store = PrunedStore::new((), config);
        let memory = store.as_mut().alloc_memory(MEMORY).unwrap();
        let ty = TableType::new(RefType::Func, 8, None);
        let table = store.as_mut().alloc_table(ty, Cell::ZERO).unwrap();
        let global = store.as_mut().alloc_global(GLOBAL, Cell::from_bits(5));
        let shared = [memory.into(), table.into(), global.into()];
        let types = generator::types();
        let mut imports: Vec<ExternHandle> = Vec::new();
        for ty in IMPORTED {
            let body = |host: HostCall<'_>, cells: &mut [Cell]| {
                host_body(host, cells).map_err(|error| match error {
                    CallError::Host(error) => error,
                    other => Box::new(other),
                })
            };
            imports.push(host(&mut store, &types[ty as usize], body).into());
        }
        let mut instances = Vec::new();
        for _ in 0..2 {
            let all = [&imports[..], &shared].concat();
            let instance = store
                .as_mut()
                .instantiate(shape, map.handle(), &all)
                .unwrap();
            instances.push(instance);
            // The next one imports functions of the same types from this one.
            imports = [8, 4, 5]
                .map(|index| func(&store, instance, index).into())
                .into();
        }
        let instances = instances.try_into().unwrap();
        Self {
            store,
            instances,
            shared,
        }
    }

    fn run(&mut self, random: &mut Random, tally: &mut Tally, digest: &mut Digest) {
        for _ in 0..12 {
            let instance = random.choose(&self.instances);
            let index = IMPORTED.len() as u32 + random.below(generator::DEFINED.len() as u32);
            let func = func(&self.store, instance, index);
            self.call(func, random, tally, digest);
        }
        let memories = [
            bytes(&self.store, self.instances[0], 0),
            bytes(&self.store, self.instances[0], 1),
            bytes(&self.store, self.instances[1], 1),
        ];
        for memory in memories {
            let (words, _) = memory.as_chunks();
            words
                .iter()
                .for_each(|word| digest.add(u64::from_le_bytes(*word)));
        }
        let ExternHandle::Global(global) = self.shared[2] else {
            unreachable!()
        };
        digest.add(self.store.as_ref().global(global).unwrap().get().to_bits());
        let ExternHandle::Table(table) = self.shared[1] else {
            unreachable!()
        };
        let table = self.store.as_ref().table(table).unwrap();
        for index in 0..table.size() {
            digest.add(table.get(index.into()).unwrap().to_bits());
        }
    }

    fn call(
        &mut self,
        func: FuncHandle,
        random: &mut Random,
        tally: &mut Tally,
        digest: &mut Digest,
    ) {
        self.store
            .as_mut()
            .set_fuel(u64::from(random.below(2000)))
            .unwrap();
        let ty = self.store.as_ref().func(func).unwrap().ty().clone();
        let mut cells: Vec<Cell> = (0..ty.cells())
            .map(|_| Cell::from_bits(random.value()))
            .collect();
        let outcome = match call(self.store.as_mut(), func, &mut cells) {
            Ok(()) => {
                cells[..ty.results().len()]
                    .iter()
                    .for_each(|cell| digest.add(cell.to_bits()));
                "results".to_owned()
            }
            Err(CallError::Trap(trap)) => {
                digest.add(trap.code as u64);
                digest.add(trap.site.map_or(u64::MAX, |site| site.func_index.into()));
                trap.code.to_string()
            }
            Err(CallError::Host(_)) => "host".to_owned(),
            Err(error) => panic!("{error}"),
        };
        digest.add(outcome.len() as u64);
        digest.add(self.store.as_ref().fuel().unwrap());
        *tally.outcomes.entry(outcome).or_default() += 1;
    }
}

/// Runs modules of random functions; gives a digest of all that they compute.
pub(crate) fn run_modules(cases: u64, style: Style, tally: &mut Tally) -> u64 {
    let mut digest = Digest(0);
    for seed in 0..cases {
        let mut random = Random::new(seed << 32 | u64::from(style.wild));
        run_module(&mut random, style, tally, &mut digest);
    }
    digest.0
}

/// Runs one module of random functions.
pub(crate) fn run_module(
    random: &mut Random,
    style: Style,
    tally: &mut Tally,
    digest: &mut Digest,
) {
    let shape = shape();
    let mut source = |shape: &ModuleShape, index| generator::function(random, style, shape, index);
    let map = code(&shape, &mut source, tally);
    World::new(random, &shape, &map).run(random, tally, digest);
}

/// Runs a module whose functions come from a source, which `random` may not serve.
pub(crate) fn run_module_of(source: &mut Source<'_>, random: &mut Random, tally: &mut Tally) {
    let shape = shape();
    let map = code(&shape, source, tally);
    World::new(random, &shape, &map).run(random, tally, &mut Digest(0));
}

/// The shape of the generator, with its memory exported for the host.
fn shape() -> Arc<ModuleShape> {
    use damson_executor::store::shape::Export;
    use damson_executor::store::types::ExternKind;
    let mut shape = Arc::unwrap_or_clone(generator::shape());
    let export = Export {
        name: "memory".into(),
        kind: ExternKind::Memory,
        index: 0,
    };
    shape.exports = [export].into();
    Arc::new(shape)
}
