//! Wasm3, by its bindings `wasm3x`. It translates a function when it is called first,
//! which is before the measured runs.

use wasm3x::{Engine, Error, FuncType, Linker, Module, Store, TypedFunc, ValType};

use super::imports::imports;
use super::{Guest, host};

pub(crate) struct Wasm3;

struct Instance {
    store: Store<()>,
    run: TypedFunc<i32, i32>,
}

impl super::Engine for Wasm3 {
    fn name(&self) -> &'static str {
        "wasm3"
    }

    fn load(&self, wasm: &[u8]) -> anyhow::Result<Box<dyn Guest>> {
        let engine = Engine::default();
        let module = Module::new(&engine, wasm).map_err(plain)?;
        let mut linker = Linker::<()>::new(&engine);
        for import in imports(wasm)? {
            let (from, name) = (&*import.module, &*import.name);
            if (from, name) == ("host", "mix") {
                linker.func_wrap(from, name, host::mix).map_err(plain)?;
                continue;
            }
            let types = |types: &[wasmparser::ValType]| -> anyhow::Result<Vec<ValType>> {
                types.iter().map(|ty| val_type(*ty)).collect()
            };
            let ty = FuncType::new(types(import.ty.params())?, types(import.ty.results())?);
            let message = format!("a measured run called {from}.{name}");
            linker
                .func_new(from, name, ty, move |_, _, _| {
                    Err(Error::new(message.clone()))
                })
                .map_err(plain)?;
        }
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate_and_start(&mut store, &module);
        let run = instance.and_then(|instance| instance.get_typed_func(&store, "run"));
        let run = run.map_err(plain)?;
        Ok(Box::new(Instance { store, run }))
    }
}

/// Its errors cannot go to another thread.
fn plain(error: Error) -> anyhow::Error {
    anyhow::anyhow!("{error}")
}

fn val_type(ty: wasmparser::ValType) -> anyhow::Result<ValType> {
    Ok(match ty {
        wasmparser::ValType::I32 => ValType::I32,
        wasmparser::ValType::I64 => ValType::I64,
        wasmparser::ValType::F32 => ValType::F32,
        wasmparser::ValType::F64 => ValType::F64,
        _ => anyhow::bail!("expected numbers as parameters, found {ty}"),
    })
}

impl Guest for Instance {
    fn run(&mut self, size: i32) -> anyhow::Result<i32> {
        self.run.call(&mut self.store, size).map_err(plain)
    }
}
