//! Modules of `wasm-smith`: less dense than our own, but with shapes that nobody
//! here thought of.

use std::collections::HashMap;

use arbitrary::Unstructured;
use damson_generator::Const;
use wasm_smith::{Config, Module};
use wasmparser::{ExternalKind, Parser, Payload, TypeRef, ValType};

use crate::outcome::Case;
use crate::value::Value;

/// Calls and loop rounds until a module traps.
const TERMINATION: u32 = 400;

/// The module that these bytes stand for, with a call of each exported function;
/// none when they stand for none.
#[must_use]
pub fn case(bytes: &[u8]) -> Option<Case> {
    let mut module = Module::new(config(), &mut Unstructured::new(bytes)).ok()?;
    module.ensure_termination(TERMINATION).ok()?;
    let wasm = module.to_bytes();
    let calls = calls(&wasm, bytes)?;
    Some(Case {
        wasm,
        plain: None,
        calls,
    })
}

fn config() -> Config {
    Config {
        allow_start_export: true,
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
        max_funcs: 8,
        max_globals: 8,
        max_imports: 0,
        max_instructions: 200,
        max_memories: 2,
        max_memory32_bytes: 4 * 65536,
        max_table_elements: 100,
        max_tables: 2,
        memory64_enabled: false,
        memory_max_size_required: true,
        min_exports: 1,
        min_funcs: 2,
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
}
