//! Modules of `wasm-smith`: less dense than our own, but with shapes that nobody
//! here thought of.

use std::collections::HashMap;
use std::sync::OnceLock;

use arbitrary::Unstructured;
use damson_generator::{Const, Effect, FUEL, HostFn, Ty};
use wasm_smith::{Config, InstructionKind, InstructionKinds, MemoryOffsetChoices, Module};
use wasmparser::{ExternalKind, Parser, Payload, TypeRef, ValType};

use crate::outcome::Case;
use crate::sections::with_exported_global;
use crate::value::Value;

/// The module that these bytes stand for, with a call of each exported function;
/// none when they stand for none.
///
/// A call traps after so many calls and loop rounds as a call of our own programs has: the
/// counter is exported as `fuel`, so that every call has its own.
#[must_use]
pub fn case(bytes: &[u8]) -> Option<Case> {
    let mut module = module(bytes)?;
    let counter = module
        .ensure_termination(FUEL.cast_unsigned())
        .expect("all instructions are generated");
    let wasm = with_exported_global(&module.to_bytes(), "fuel", counter)?;
    if let Err(error) = wasmparser::validate(&wasm) {
        let has_it_already = error.message().contains("duplicate export name");
        assert!(
            has_it_already,
            "the counter's export broke a module: {error}"
        );
        return None;
    }
    Some(called(wasm, bytes))
}

/// The same, but calls need not end.
#[must_use]
pub fn endless(bytes: &[u8]) -> Option<Case> {
    Some(called(module(bytes)?.to_bytes(), bytes))
}

fn module(bytes: &[u8]) -> Option<Module> {
    let (profile, rest) = bytes.split_first()?;
    let config = Profile::of(*profile).config();
    Module::new(config, &mut Unstructured::new(rest)).ok()
}

fn called(wasm: Vec<u8>, bytes: &[u8]) -> Case {
    let calls = calls(&wasm, bytes).expect("a module of wasm-smith is well-formed");
    Case {
        wasm,
        plain: None,
        calls,
    }
}

/// What a module consists of. `wasm-smith` draws each instruction from those that
/// are valid at its place, so the only way to have more of some is to leave others
/// out: a module without most numeric instructions has more blocks with parameters,
/// switches and calls in it, and where types are few and short, branches and tail
/// calls find partners.
///
/// What cannot be steered: how often locals are read and written (a block's end
/// drops and makes many values, whatever is allowed), that a local is written while
/// its value is on the operand stack, and that the operands of one instruction are
/// the results of certain others, as fused instructions want. Our own generator is
/// there for these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Everything.
    Any,
    /// Integers, locals, blocks with few types, and calls.
    Control,
    /// Blocks, branches, calls, locals, globals and tables, and nothing else.
    Branches,
    /// Integers, locals and memory.
    Memory,
}

impl Profile {
    const ALL: [Self; 4] = [Self::Any, Self::Control, Self::Branches, Self::Memory];

    /// The profile that a byte stands for.
    const fn of(byte: u8) -> Self {
        Self::ALL[byte as usize % Self::ALL.len()]
    }

    fn instructions(self) -> InstructionKinds {
        use InstructionKind::{
            Control, MemoryInt, NumericInt, Parametric, Reference, Table, Variable,
        };
        match self {
            Self::Any => InstructionKinds::all(),
            Self::Control => InstructionKinds::new(&[NumericInt, Control, Parametric, Variable]),
            Self::Branches => {
                InstructionKinds::new(&[Control, Parametric, Variable, Reference, Table])
            }
            Self::Memory => {
                InstructionKinds::new(&[NumericInt, MemoryInt, Control, Parametric, Variable])
            }
        }
    }

    fn config(self) -> Config {
        let dense = self != Self::Any;
        Config {
            allow_start_export: true,
            allowed_instructions: self.instructions(),
            available_imports: Some(example(dense).to_vec()),
            bulk_memory_enabled: true,
            canonicalize_nans: true,
            compact_imports_enabled: false,
            custom_page_sizes_enabled: false,
            exceptions_enabled: false,
            export_everything: true,
            extended_const_enabled: true,
            gc_enabled: false,
            max_data_segments: 4,
            max_element_segments: 4,
            max_funcs: 12,
            max_globals: 8,
            max_imports: 4,
            max_instructions: if dense { 400 } else { 200 },
            max_memories: 2,
            max_memory32_bytes: 4 * 65536,
            max_table_elements: 100,
            max_tables: 2,
            // Few and short types fit what is on the operand stack more often; the
            // host's are among them.
            max_types: if dense { 24 } else { 100 },
            memory64_enabled: false,
            memory_max_size_required: true,
            // Mostly inside the first page.
            memory_offset_choices: MemoryOffsetChoices(90, 9, 1),
            min_exports: 1,
            min_funcs: 3,
            min_memories: u32::from(self == Self::Memory),
            multi_value_enabled: true,
            reference_types_enabled: true,
            relaxed_simd_enabled: false,
            saturating_float_to_int_enabled: true,
            sign_extension_ops_enabled: true,
            simd_enabled: false,
            table_max_size_required: true,
            tail_call_enabled: true,
            threads_enabled: false,
            wide_arithmetic_enabled: false,
            ..Config::default()
        }
    }
}

/// A module that imports the host functions which need nothing of the instance,
/// or those of them with a short type: `wasm-smith` picks its imports from it, and
/// takes its types as well.
fn example(short: bool) -> &'static [u8] {
    static MODULES: [OnceLock<Vec<u8>>; 2] = [const { OnceLock::new() }; 2];
    MODULES[usize::from(short)].get_or_init(|| {
        let mut text = String::from(
            "(module
              (type (func (param i32 i32) (result i32 i32)))
              (type (func (param i64 i32) (result i64)))
              (type (func (param i32 i32 i32) (result i32)))",
        );
        for host in HostFn::all() {
            let is_long = host.params().len() + host.results_ty().len() > 4;
            if host.effect() != Effect::None || short && is_long {
                continue;
            }
            let types = |types: &[Ty]| types.iter().map(|ty| ty.name()).collect::<Vec<_>>();
            let params = types(host.params()).join(" ");
            let results = types(host.results_ty()).join(" ");
            let name = host.name();
            text +=
                &format!(r#"(import "host" "{name}" (func (param {params}) (result {results})))"#);
        }
        text.push(')');
        wat::parse_str(&text).expect("a module of imports")
    })
}

/// A call of each exported function, with arguments made from the bytes.
fn calls(wasm: &[u8], bytes: &[u8]) -> Option<Vec<(String, Vec<Value>)>> {
    let mut types = HashMap::new();
    let mut funcs = Vec::new();
    let mut calls = Vec::new();
    let mut numbers = bytes.iter().rev().copied().cycle();
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.ok()? {
            Payload::TypeSection(section) => {
                for ty in section.into_iter_err_on_gc_types() {
                    types.insert(types.len() as u32, ty.ok()?);
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    if let TypeRef::Func(ty) = import.ok()?.ty {
                        funcs.push(ty);
                    }
                }
            }
            Payload::FunctionSection(section) => {
                for ty in section {
                    funcs.push(ty.ok()?);
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export.ok()?;
                    if export.kind == ExternalKind::Func {
                        let ty = types.get(funcs.get(export.index as usize)?)?;
                        let args = ty.params().iter().map(|ty| argument(*ty, &mut numbers));
                        calls.push((export.name.to_owned(), args.collect()));
                    }
                }
            }
            _ => {}
        }
    }
    Some(calls)
}

fn argument(ty: ValType, numbers: &mut impl Iterator<Item = u8>) -> Value {
    let mut number = || {
        let number = i64::from(numbers.next().unwrap_or(0).cast_signed());
        if number % 3 == 0 {
            number << 29
        } else {
            number
        }
    };
    match ty {
        ValType::I32 => Const::I32(number() as i32).into(),
        ValType::I64 => Const::I64(number()).into(),
        ValType::F32 => Const::F32((number() as f32 / 2.0).to_bits()).into(),
        ValType::F64 => Const::F64((number() as f64 / 2.0).to_bits()).into(),
        ValType::Ref(ty) if ty.is_extern_ref() => Value::NullExtern,
        _ => Const::NullFunc.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::damson::Mode;
    use crate::outcome::Outcome;
    use wasmparser::{BlockType, Operator};

    #[test]
    fn bytes_become_valid_modules_with_calls() {
        let mut calls = 0;
        for seed in 0..40 {
            let bytes = damson_generator::bytes(seed, 4000);
            if let Some(case) = case(&bytes) {
                wasmparser::Validator::new()
                    .validate_all(&case.wasm)
                    .expect("a valid module");
                calls += case.calls.len();
            }
        }
        assert!(calls > 40, "{calls} calls");
    }

    /// A loop that never ends uses up its own call's rounds only.
    #[test]
    fn every_call_has_its_own_rounds() {
        let mut counters = 0;
        for seed in 0..60 {
            let bytes = damson_generator::bytes(seed, 4000);
            let Some(case) = case(&bytes) else { continue };
            let Outcome::Ran { ended, state, .. } = Mode::ALL[0].run(&case, 0).0 else {
                panic!("seed {seed}: refused");
            };
            let counter = state.iter().find(|(name, _)| name == "fuel");
            assert_eq!(counter.is_some(), ended[0].is_ok(), "seed {seed}");
            counters += usize::from(counter.is_some());
            let without = endless(&bytes).expect("the same choices");
            assert!(without.wasm.len() < case.wasm.len());
            assert_eq!(without.calls.len(), case.calls.len());
        }
        assert!(counters > 20, "{counters}");
    }

    /// How many instructions of some sorts modules have, in 1,000.
    #[derive(Debug, Default)]
    struct Shares {
        all: usize,
        locals: usize,
        blocks: usize,
        with_params: usize,
        switches: usize,
        calls: usize,
        tail_calls: usize,
        memory: usize,
    }

    impl Shares {
        fn of(profile: u8) -> Self {
            let mut shares = Self::default();
            for seed in 0..150 {
                let mut bytes = damson_generator::bytes(seed, 4000);
                bytes[0] = profile;
                let Some(case) = case(&bytes) else { continue };
                let parts = Parser::new(0).parse_all(&case.wasm).map(Result::unwrap);
                for part in parts {
                    if let Payload::CodeSectionEntry(body) = part {
                        let operators = body.get_operators_reader().unwrap();
                        operators
                            .into_iter()
                            .for_each(|op| shares.count(&op.unwrap()));
                    }
                }
            }
            shares
        }

        fn count(&mut self, operator: &Operator<'_>) {
            self.all += 1;
            match operator {
                Operator::LocalGet { .. }
                | Operator::LocalSet { .. }
                | Operator::LocalTee { .. } => self.locals += 1,
                Operator::Block { blockty }
                | Operator::Loop { blockty }
                | Operator::If { blockty } => {
                    self.blocks += 1;
                    self.with_params += usize::from(matches!(blockty, BlockType::FuncType(_)));
                }
                Operator::BrTable { .. } => self.switches += 1,
                Operator::Call { .. } | Operator::CallIndirect { .. } => self.calls += 1,
                Operator::ReturnCall { .. } | Operator::ReturnCallIndirect { .. } => {
                    self.tail_calls += 1;
                }
                Operator::I32Load { .. }
                | Operator::I32Load8U { .. }
                | Operator::I64Load { .. }
                | Operator::I32Store { .. }
                | Operator::I64Store { .. }
                | Operator::I64Store8 { .. } => self.memory += 1,
                _ => {}
            }
        }
    }

    #[test]
    fn profiles_are_dense_in_what_they_are_for() {
        let [any, control, branches, memory] = [0, 1, 2, 3].map(Shares::of);
        let more = |part: fn(&Shares) -> usize, shares: &Shares, percent: usize| {
            let (found, general) = (part(shares) * any.all, part(&any) * shares.all);
            assert!(
                100 * found > percent * general,
                "{shares:?} has not {percent} % of {any:?}"
            );
        };
        for shares in [&control, &branches] {
            more(|s| s.with_params, shares, 160);
            more(|s| s.switches, shares, 120);
            more(|s| s.calls, shares, 160);
            more(|s| s.tail_calls, shares, 160);
        }
        more(|s| s.memory, &memory, 250);
    }
}
