//! An engine with wasmi's interface, which Damson shares: the same text for both.

/// Defines `load` and what belongs to it against a crate.
macro_rules! embedder {
    ($engine:ident) => {
        use $engine::{
            CompilationMode, Config, Engine, Error, ExternType, Linker, Module, Store, TypedFunc,
        };

        use crate::engine::{Guest, host};

        struct Instance {
            store: Store<()>,
            run: TypedFunc<i32, i32>,
            #[cfg(feature = "count")]
            instance: $engine::Instance,
        }

        fn engine() -> Engine {
            let mut config = Config::default();
            config.compilation_mode(CompilationMode::Eager);
            Engine::new(&config)
        }

        pub(crate) fn translate(wasm: &[u8]) -> anyhow::Result<()> {
            Module::new(&engine(), wasm)?;
            Ok(())
        }

        pub(crate) fn load(wasm: &[u8]) -> anyhow::Result<Box<dyn Guest>> {
            load_with(&engine(), wasm, |_| Ok(()))
        }

        /// An instance on this engine, in a store made ready by `prepare`.
        pub(crate) fn load_with(
            engine: &Engine,
            wasm: &[u8],
            prepare: impl FnOnce(&mut Store<()>) -> anyhow::Result<()>,
        ) -> anyhow::Result<Box<dyn Guest>> {
            let module = Module::new(engine, wasm)?;
            let mut linker = Linker::<()>::new(engine);
            for import in module.imports() {
                let (from, name) = (import.module(), import.name());
                match (from, name, import.ty()) {
                    ("host", "mix", _) => {
                        linker.func_wrap(from, name, host::mix)?;
                    }
                    (_, _, ExternType::Func(ty)) => {
                        let message = format!("a measured run called {from}.{name}");
                        linker.func_new(from, name, ty.clone(), move |_, _, _| {
                            Err(Error::new(message.clone()))
                        })?;
                    }
                    _ => anyhow::bail!("expected functions as imports, found {from}.{name}"),
                }
            }
            let mut store = Store::new(engine, ());
            prepare(&mut store)?;
            let instance = linker.instantiate_and_start(&mut store, &module)?;
            let run = instance.get_typed_func(&store, "run")?;
            Ok(Box::new(Instance {
                store,
                run,
                #[cfg(feature = "count")]
                instance,
            }))
        }

        impl Guest for Instance {
            fn run(&mut self, size: i32) -> anyhow::Result<i32> {
                Ok(self.run.call(&mut self.store, size)?)
            }

            #[cfg(feature = "count")]
            fn global(&self, name: &str) -> Option<i64> {
                self.instance
                    .get_global(&self.store, name)?
                    .get(&self.store)
                    .i64()
            }
        }
    };
}

pub(super) use embedder;
