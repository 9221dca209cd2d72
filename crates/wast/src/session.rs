//! The state of a running script: its store, its modules and its instances.
//!
//! Directives name instances by script identifiers (`$m`) or mean the current
//! one, the one instantiated last. An instance that could not be made leaves its
//! [`Verdict`] in its place, so that directives which need it fail or are skipped
//! for the same reason instead of running on an older instance.

use crate::Options;
use crate::spectest;
use crate::values::{self, Value};
use damson::{Engine, Error, Instance, Linker, Module, Store, Val};
use std::collections::HashMap;
use wast::WastInvoke;
use wast::token::Id;

/// Why a directive did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It did not do what the script says.
    Fail(String),
    /// It was not executed.
    Skip(String),
}

/// A place that an instance was meant for.
type Slot = Result<Instance, Verdict>;

/// The state of a running script.
pub(crate) struct Session<'o> {
    options: &'o Options,
    engine: Engine,
    store: Store<()>,
    linker: Linker<()>,
    /// Modules named by `module definition`; the last one without a name is
    /// under the empty name, which no identifier has.
    definitions: HashMap<String, Result<Module, Verdict>>,
    instances: HashMap<String, Slot>,
    current: Option<Slot>,
}

impl<'o> Session<'o> {
    /// A fresh store with the `spectest` module.
    pub(crate) fn new(options: &'o Options) -> Result<Self, String> {
        let engine = Engine::new(options.engine_config());
        let mut store = Store::new(&engine, ());
        let mut linker = Linker::new(&engine);
        linker.allow_shadowing(true);
        spectest::define(&mut store, &mut linker)
            .map_err(|error| format!("the `spectest` module cannot be made: {error}"))?;
        Ok(Self {
            options,
            engine,
            store,
            linker,
            definitions: HashMap::new(),
            instances: HashMap::new(),
            current: None,
        })
    }

    /// Compiles a binary module. Does not touch the script's state.
    pub(crate) fn compile(&self, wasm: &[u8]) -> Result<Module, Error> {
        Module::new(&self.engine, wasm)
    }

    /// The error of a binary module that ought to be rejected, or `None` if
    /// either of the two ways to find out accepts it.
    pub(crate) fn rejection(&self, wasm: &[u8]) -> Option<Error> {
        let validated = Module::validate(&self.engine, wasm).err()?;
        match self.compile(wasm) {
            Ok(_) if !self.options.is_lazy_validation() => None,
            _ => Some(validated),
        }
    }

    /// Instantiates `module` and runs its start function, with fresh fuel.
    pub(crate) fn instantiate(&mut self, module: &Module) -> Result<Instance, Error> {
        self.refuel()?;
        self.linker.instantiate_and_start(&mut self.store, module)
    }

    /// Makes `slot` the current instance, and the one called `name`.
    pub(crate) fn bind(&mut self, name: Option<Id<'_>>, slot: Slot) {
        if let Some(name) = name {
            self.instances.insert(name.name().to_owned(), slot.clone());
        }
        self.current = Some(slot);
    }

    /// Remembers a module for `module instance`.
    pub(crate) fn define(&mut self, name: Option<Id<'_>>, module: Result<Module, Verdict>) {
        if let Some(name) = name {
            self.definitions
                .insert(name.name().to_owned(), module.clone());
        }
        self.definitions.insert(String::new(), module);
    }

    /// The module defined as `name`, or last.
    pub(crate) fn definition(&self, name: Option<Id<'_>>) -> Result<Module, Verdict> {
        let key = name.map_or("", |name| name.name());
        match self.definitions.get(key) {
            Some(module) => module.clone(),
            None => Err(Verdict::Fail(match name {
                Some(name) => format!("no module is defined as ${}", name.name()),
                None => "no module is defined".into(),
            })),
        }
    }

    /// The instance called `name`, or the current one.
    pub(crate) fn instance(&self, name: Option<Id<'_>>) -> Slot {
        let slot = match name {
            Some(name) => self.instances.get(name.name()),
            None => self.current.as_ref(),
        };
        match slot {
            Some(slot) => slot.clone(),
            None => Err(Verdict::Fail(match name {
                Some(name) => format!("no instance is called ${}", name.name()),
                None => "no module was instantiated".into(),
            })),
        }
    }

    /// Makes the exports of an instance importable from module `name`.
    pub(crate) fn register(&mut self, name: &str, module: Option<Id<'_>>) -> Result<(), Verdict> {
        let instance = self.instance(module)?;
        self.linker
            .instance(&mut self.store, name, instance)
            .map_err(|error| Verdict::Fail(format!("cannot register {name:?}: {error}")))?;
        Ok(())
    }

    /// Calls an exported function with fresh fuel.
    ///
    /// The outer error tells that there is nothing to call (or nothing that this
    /// runner can call); the inner one is what came of the call.
    pub(crate) fn invoke(
        &mut self,
        invoke: &WastInvoke<'_>,
    ) -> Result<Result<Vec<Value>, Error>, Verdict> {
        let instance = self.instance(invoke.module)?;
        let name = invoke.name;
        let Some(func) = instance.get_func(&self.store, name) else {
            return Err(Verdict::Fail(format!(
                "no function is exported as {name:?}"
            )));
        };
        let arguments = invoke
            .args
            .iter()
            .map(|arg| values::argument(&mut self.store, arg))
            .collect::<Result<Vec<Val>, Verdict>>()?;
        let mut results: Vec<Val> = func
            .ty(&self.store)
            .results()
            .iter()
            .map(|ty| Val::default_for_ty(*ty))
            .collect();
        if let Err(error) = self
            .refuel()
            .and_then(|()| func.call(&mut self.store, &arguments, &mut results))
        {
            return Ok(Err(error));
        }
        results
            .iter()
            .map(|value| Value::observe(&self.store, value))
            .collect::<Result<_, _>>()
            .map(Ok)
    }

    /// The value of an exported global.
    pub(crate) fn global(&self, module: Option<Id<'_>>, name: &str) -> Result<Value, Verdict> {
        let instance = self.instance(module)?;
        let Some(global) = instance.get_global(&self.store, name) else {
            return Err(Verdict::Fail(format!("no global is exported as {name:?}")));
        };
        Value::observe(&self.store, &global.get(&self.store))
    }

    /// Gives the store the fuel of one directive, if fuel is metered.
    fn refuel(&mut self) -> Result<(), Error> {
        match self.options.fuel_per_directive() {
            Some(fuel) => self.store.set_fuel(fuel),
            None => Ok(()),
        }
    }
}
