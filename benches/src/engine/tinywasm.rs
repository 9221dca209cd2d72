//! tinywasm.

use tinywasm::types::{FuncType, WasmType};
use tinywasm::{FunctionTyped, HostFunction, Imports, ModuleInstance, Store};

use super::imports::imports;
use super::{Guest, host};

pub(crate) struct TinyWasm;

struct Instance {
    store: Store,
    run: FunctionTyped<i32, i32>,
}

impl super::Engine for TinyWasm {
    fn name(&self) -> &'static str {
        "tinywasm"
    }

    fn load(&self, wasm: &[u8]) -> anyhow::Result<Box<dyn Guest>> {
        let module = tinywasm::parse_bytes(wasm).map_err(|error| plain(error.into()))?;
        let mut store = Store::default();
        let mut definitions = Imports::new();
        for import in imports(wasm)? {
            let (from, name) = (&*import.module, &*import.name);
            let func = if (from, name) == ("host", "mix") {
                HostFunction::from(&mut store, |_, (sum, value): (i32, i32)| {
                    Ok(host::mix(sum, value))
                })
            } else {
                let types = |types: &[wasmparser::ValType]| -> anyhow::Result<Vec<WasmType>> {
                    types.iter().map(|ty| wasm_type(*ty)).collect()
                };
                let (params, results) = (types(import.ty.params())?, types(import.ty.results())?);
                let message = format!("a measured run called {from}.{name}");
                HostFunction::from_untyped(
                    &mut store,
                    &FuncType::new(&params, &results),
                    move |_, _| Err(tinywasm::Error::Other(message.clone())),
                )
            };
            definitions.define(from, name, func);
        }
        let instance = ModuleInstance::instantiate(&mut store, &module, Some(definitions));
        let run = instance.and_then(|instance| instance.func(&store, "run"));
        let run = run.map_err(plain)?;
        Ok(Box::new(Instance { store, run }))
    }
}

/// Its errors cannot go to another thread.
fn plain(error: tinywasm::Error) -> anyhow::Error {
    anyhow::anyhow!("{error}")
}

fn wasm_type(ty: wasmparser::ValType) -> anyhow::Result<WasmType> {
    Ok(match ty {
        wasmparser::ValType::I32 => WasmType::I32,
        wasmparser::ValType::I64 => WasmType::I64,
        wasmparser::ValType::F32 => WasmType::F32,
        wasmparser::ValType::F64 => WasmType::F64,
        _ => anyhow::bail!("expected numbers as parameters, found {ty}"),
    })
}

impl Guest for Instance {
    fn run(&mut self, size: i32) -> anyhow::Result<i32> {
        self.run.call(&mut self.store, size).map_err(plain)
    }
}
