//! Wasmtime, interpreting with Pulley and compiling with Cranelift: the upper bound.

use wasmtime::{Config, Engine, Linker, Module, Store, TypedFunc};

use super::{Guest, host};

pub(crate) struct Wasmtime {
    name: &'static str,
    /// What Cranelift compiles for, unless it is this machine.
    target: Option<&'static str>,
}

pub(crate) static PULLEY: Wasmtime = Wasmtime {
    name: "pulley",
    target: Some("pulley64"),
};
pub(crate) static CRANELIFT: Wasmtime = Wasmtime {
    name: "cranelift",
    target: None,
};

struct Instance {
    store: Store<()>,
    run: TypedFunc<i32, i32>,
}

impl super::Engine for Wasmtime {
    fn name(&self) -> &'static str {
        self.name
    }

    fn load(&self, wasm: &[u8]) -> anyhow::Result<Box<dyn Guest>> {
        let mut config = Config::new();
        if let Some(target) = self.target {
            config.target(target)?;
        }
        let engine = Engine::new(&config)?;
        let module = Module::new(&engine, wasm)?;
        let mut linker = Linker::<()>::new(&engine);
        linker.func_wrap("host", "mix", host::mix)?;
        linker.define_unknown_imports_as_traps(&module)?;
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate(&mut store, &module)?;
        let run = instance.get_typed_func(&mut store, "run")?;
        Ok(Box::new(Instance { store, run }))
    }
}

impl Guest for Instance {
    fn run(&mut self, size: i32) -> anyhow::Result<i32> {
        Ok(self.run.call(&mut self.store, size)?)
    }
}
