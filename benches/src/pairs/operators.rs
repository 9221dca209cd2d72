//! How many WebAssembly operators a run executes, whoever runs it.
//!
//! The module is given a counter: a global that is raised at the end of each stretch of
//! operators that are executed together, by their number. Every engine then counts
//! exactly, without knowing that it does.

use std::ops::Range;

use anyhow::Context;
use wasm_encoder::{
    CodeSection, ConstExpr, Encode, GlobalType, Instruction, Module, RawSection, SectionId, ValType,
};
use wasmparser::{FunctionBody, Operator, Parser, Payload, TypeRef};

/// The name under which the counter, a mutable `i64`, is exported.
pub(super) const COUNTER: &str = "executed operators";

/// The module with a counter of its operators, those left out that mark the structure
/// and do nothing: `block`, `loop`, `else`, `end`, `nop`. The operator at which a run
/// traps is counted with those after it in its stretch.
///
/// # Errors
///
/// When the bytes are no module with exports.
pub(super) fn counted(wasm: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut module = Module::new();
    let mut code = CodeSection::new();
    let mut bodies = 0;
    let mut counter = 0;
    let mut has_counter = false;
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload?;
        match &payload {
            Payload::ImportSection(imports) => {
                for import in imports.clone().into_imports() {
                    counter += u32::from(matches!(import?.ty, TypeRef::Global(_)));
                }
            }
            Payload::GlobalSection(globals) => {
                counter += globals.count();
                let entries = globals.original_position()..globals.range().end;
                let section = longer(globals.count(), slice(wasm, entries)?, &counter_entry());
                module.section(&raw(SectionId::Global, &section));
                has_counter = true;
                continue;
            }
            Payload::ExportSection(exports) => {
                if !has_counter {
                    let section = longer(0, &[], &counter_entry());
                    module.section(&raw(SectionId::Global, &section));
                    has_counter = true;
                }
                let mut entry = Vec::new();
                COUNTER.encode(&mut entry);
                entry.push(3);
                counter.encode(&mut entry);
                let entries = exports.original_position()..exports.range().end;
                let section = longer(exports.count(), slice(wasm, entries)?, &entry);
                module.section(&raw(SectionId::Export, &section));
                continue;
            }
            Payload::CodeSectionStart { count, .. } => {
                bodies = *count;
                continue;
            }
            Payload::CodeSectionEntry(body) => {
                code.raw(&counted_body(wasm, body, counter)?);
                if code.len() == bodies {
                    module.section(&code);
                }
                continue;
            }
            Payload::CustomSection(_) => continue,
            _ => {}
        }
        if let Some((id, range)) = payload.as_section() {
            module.section(&RawSection {
                id,
                data: slice(wasm, range)?,
            });
        }
    }
    anyhow::ensure!(has_counter, "the module has no exports");
    Ok(module.finish())
}

fn slice(wasm: &[u8], range: Range<u64>) -> anyhow::Result<&[u8]> {
    let range = usize::try_from(range.start)?..usize::try_from(range.end)?;
    wasm.get(range).context("expected a range of the module")
}

fn raw(id: SectionId, data: &[u8]) -> RawSection<'_> {
    RawSection {
        id: id.into(),
        data,
    }
}

/// The contents of a section with one entry more.
fn longer(count: u32, entries: &[u8], entry: &[u8]) -> Vec<u8> {
    let mut section = Vec::new();
    (count + 1).encode(&mut section);
    section.extend_from_slice(entries);
    section.extend_from_slice(entry);
    section
}

fn counter_entry() -> Vec<u8> {
    let ty = GlobalType {
        val_type: ValType::I64,
        mutable: true,
        shared: false,
    };
    let mut entry = Vec::new();
    ty.encode(&mut entry);
    ConstExpr::i64_const(0).encode(&mut entry);
    entry
}

/// A function with the counter raised before everything that may leave the stretch, or
/// where another one may join it.
fn counted_body(wasm: &[u8], body: &FunctionBody<'_>, counter: u32) -> anyhow::Result<Vec<u8>> {
    let mut operators = body.get_operators_reader()?;
    let mut new = slice(wasm, body.range().start..operators.original_position())?.to_vec();
    let mut stretch = 0_i64;
    while !operators.eof() {
        let start = operators.original_position();
        let operator = operators.read()?;
        let range = start..operators.original_position();
        stretch += i64::from(!is_structure(&operator));
        if stretch > 0 && ends_stretch(&operator) {
            Instruction::GlobalGet(counter).encode(&mut new);
            Instruction::I64Const(stretch).encode(&mut new);
            Instruction::I64Add.encode(&mut new);
            Instruction::GlobalSet(counter).encode(&mut new);
            stretch = 0;
        }
        new.extend_from_slice(slice(wasm, range)?);
    }
    Ok(new)
}

fn is_structure(operator: &Operator<'_>) -> bool {
    use Operator::{Block, Else, End, Loop, Nop};
    matches!(operator, Block { .. } | Loop { .. } | Else | End | Nop)
}

fn ends_stretch(operator: &Operator<'_>) -> bool {
    use Operator::{
        Br, BrIf, BrTable, Else, End, If, Loop, Return, ReturnCall, ReturnCallIndirect, Unreachable,
    };
    matches!(
        operator,
        Loop { .. }
            | If { .. }
            | Else
            | End
            | Br { .. }
            | BrIf { .. }
            | BrTable { .. }
            | Return
            | ReturnCall { .. }
            | ReturnCallIndirect { .. }
            | Unreachable
    )
}

#[cfg(test)]
mod tests {
    use damson::{Engine, Linker, Module, Store};

    use super::*;

    /// Operators that `run` executes, counted by hand in the cases.
    fn operators(wat: &str, argument: i32) -> i64 {
        let wasm = wat::parse_str(wat).unwrap();
        let engine = Engine::default();
        let module = Module::new(&engine, counted(&wasm).unwrap()).unwrap();
        let mut store = Store::new(&engine, ());
        let linker = Linker::new(&engine);
        let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
        let run = instance.get_typed_func::<i32, i32>(&store, "run").unwrap();
        run.call(&mut store, argument).unwrap();
        let counter = instance.get_global(&store, COUNTER).unwrap();
        counter.get(&store).i64().unwrap()
    }

    #[test]
    fn a_straight_function_is_counted_without_its_end() {
        let wat = r#"(module (func (export "run") (param i32) (result i32)
            nop local.get 0 i32.const 1 i32.add))"#;
        assert_eq!(operators(wat, 1), 3);
    }

    #[test]
    fn a_loop_is_counted_each_time_and_an_arm_only_when_taken() {
        let wat = r#"(module (global i32 (i32.const 7))
          (func (export "run") (param i32) (result i32)
            (loop
              local.get 0 i32.const 1 i32.sub local.tee 0
              br_if 0)
            local.get 0
            if (result i32) i32.const 1 i32.const 2 i32.add else i32.const 5 end))"#;
        // Five in each turn, then `local.get`, `if` and the arm with one.
        assert_eq!(operators(wat, 4), 4 * 5 + 2 + 1);
    }

    #[test]
    fn what_a_branch_skips_is_not_counted() {
        let wat = r#"(module
          (func $f (param i32) (result i32)
            block
              local.get 0
              br_if 0
              i32.const 3
              return
            end
            i32.const 4)
          (func (export "run") (param i32) (result i32) local.get 0 call $f))"#;
        assert_eq!(operators(wat, 0), 2 + 2 + 2);
        assert_eq!(operators(wat, 1), 2 + 2 + 1);
    }
}
