//! Modules, instances and linkers.

use damson::errors::ErrorKind;
use damson::{
    AsContextMut, Caller, CompilationMode, Engine, Error, Extern, Func, Global, Instance, Linker,
    Memory, Module, RefType, Table, TrapCode, ValType,
};

use super::model::{Does, GlobalModel, MemoryModel, Parts, TableModel, Value};
use super::modules::{EXPORTS, STARTED, Template, UNLUCKY};
use super::world::{Held, Thing, World, is_foreign, with};

/// Modules that are kept at a time.
const MAX_MODULES: usize = 12;

/// Functions that call others may be nested so deep.
const MAX_DEPTH: usize = 6;

/// What a module imports.
#[derive(Debug, Clone, Copy)]
struct Imports {
    f: Func,
    memory: Memory,
    table: Table,
    global: Global,
}

impl Imports {
    fn externs(&self) -> [Extern; 4] {
        [
            self.f.into(),
            self.memory.into(),
            self.table.into(),
            self.global.into(),
        ]
    }
}

const IMPORT_NAMES: [&str; 4] = ["f", "m", "t", "g"];

impl World<'_> {
    pub(super) fn new_module(&mut self) {
        let engine = self.below(self.engines.len());
        let template = Template::ALL[self.below(Template::ALL.len())];
        let module = Module::new(&self.engines[engine], template.wasm()).expect("a valid module");
        assert_eq!(
            module.imports().count(),
            if template.has_imports() { 4 } else { 0 }
        );
        assert_eq!(module.exports().count(), EXPORTS.len() + IMPORT_NAMES.len());
        if self.modules.len() == MAX_MODULES {
            self.modules.remove(0);
        }
        self.modules.push((engine, template, module));
    }

    /// A module that is cut off, or has a wrong byte: an error, or a module.
    pub(super) fn bad_module(&mut self) {
        let engine = self.below(self.engines.len());
        let mut wasm = Template::ALL[self.below(3)].wasm().to_vec();
        let at = self.below(wasm.len());
        if self.chance(50) {
            wasm.truncate(at);
        } else {
            wasm[at] = self.input.arbitrary().unwrap_or(0);
        }
        let engine = &self.engines[engine];
        let valid = Module::validate(engine, &wasm).is_ok();
        let made = Module::new(engine, &wasm).is_ok();
        let eager = engine.config().get_compilation_mode() == CompilationMode::Eager;
        assert!(
            made == valid || made && !eager,
            "made: {made}, valid: {valid}"
        );
    }

    pub(super) fn drop_module(&mut self) {
        if self.modules.len() > 1 {
            let at = self.below(self.modules.len());
            self.modules.swap_remove(at);
        }
    }

    /// A module, mostly of the store's engine.
    fn module(&mut self, home: usize) -> (usize, Template, Module) {
        let engine = self.homes[home].engine;
        let fitting: Vec<_> = self
            .modules
            .iter()
            .filter(|module| module.0 == engine)
            .cloned()
            .collect();
        if fitting.is_empty() || self.chance(10) {
            let at = self.below(self.modules.len());
            return self.modules[at].clone();
        }
        let at = self.below(fitting.len());
        fitting[at].clone()
    }

    /// Imports that are of the right sort, if the store has them.
    fn imports(&mut self, home: usize) -> Option<Imports> {
        Some(Imports {
            f: self.func(home)?,
            memory: self.own(home, Thing::memory)?,
            table: self.own(home, Thing::table)?,
            global: self.own(home, Thing::global)?,
        })
    }

    /// Whether the imports have the types that the modules want.
    fn fit(&self, imports: &Imports) -> bool {
        self.model.is_unary(imports.f) && self.entities_fit(imports)
    }

    fn entities_fit(&self, imports: &Imports) -> bool {
        let Imports {
            memory,
            table,
            global,
            ..
        } = imports;
        let (table, global) = (&self.model.tables[table], self.model.globals[global]);
        self.model.memories[memory].pages >= 1
            && table.element == RefType::Func
            && table.elements.len() >= 2
            && global.mutable
            && global.value.ty() == ValType::I32
    }

    pub(super) fn instantiate(&mut self) {
        let home = self.home();
        let (engine, template, module) = self.module(home);
        let imports = self.imports(home);
        self.refuel(home);
        let mut externs = match (template.has_imports(), &imports) {
            (false, _) => Vec::new(),
            (true, Some(imports)) => imports.externs().to_vec(),
            (true, None) => return,
        };
        let foreign = self.foreign(home, Thing::memory).filter(|_| self.chance(8));
        let own_engine = engine == self.homes[home].engine;
        let too_many = self.chance(5);
        if let (Some(foreign), true) = (foreign, template.has_imports()) {
            externs[1] = foreign.into();
            let made = with!(&mut self.homes[home].held, store => {
                Instance::new(store, &module, &externs)
            });
            let error = made.expect_err("a foreign import");
            let fits = imports.is_some_and(|imports| self.model.is_unary(imports.f));
            if own_engine && fits {
                is_foreign(error);
            }
            return;
        }
        if too_many {
            let memory = with!(&mut self.homes[home].held, store => {
                Memory::new(store, damson::MemoryType::new(0, Some(0)))
            });
            externs.push(memory.expect("an empty memory").into());
        }
        let made = with!(&mut self.homes[home].held, store => {
            Instance::new(store, &module, &externs)
        });
        let fits = !template.has_imports() || imports.is_some_and(|imports| self.fit(&imports));
        if !own_engine {
            let error = made.expect_err("another engine");
            assert!(matches!(error.kind(), ErrorKind::Engine(_)), "{error:?}");
        } else if too_many || !fits || self.is_too_deep(template, imports.as_ref()) {
            if too_many || !fits {
                let error = made.expect_err("imports that do not fit");
                assert!(
                    matches!(error.kind(), ErrorKind::Instantiation(_)),
                    "{error:?}"
                );
            }
        } else {
            let memory = imports.filter(|_| template.has_imports());
            self.started(home, template, memory.as_ref(), made, None);
        }
    }

    /// Functions of such an instance would not be called; no start function calls `f`.
    fn is_too_deep(&self, template: Template, imports: Option<&Imports>) -> bool {
        template == Template::Imports
            && imports.is_some_and(|imports| self.model.depth(imports.f) > MAX_DEPTH)
    }

    /// Notes what an instantiation has done.
    fn started(
        &mut self,
        home: usize,
        template: Template,
        imports: Option<&Imports>,
        made: Result<Instance, Error>,
        host: Option<Does>,
    ) {
        if let (Template::Starts, Some(imports)) = (template, imports) {
            let memory = self
                .model
                .memories
                .get_mut(&imports.memory)
                .expect("a known memory");
            memory.bytes.insert(0, STARTED);
            if self.model.globals[&imports.global].value == Value::I32(UNLUCKY) {
                let error = made.expect_err("the start function traps");
                assert_eq!(error.as_trap_code(), Some(TrapCode::UnreachableCodeReached));
                return;
            }
        }
        let instance = made.expect("everything fits");
        self.tally.instances += 1;
        let held = &self.homes[home].held;
        let exports: Vec<(String, Extern)> = with!(held, store => {
            instance.exports(store).map(|e| (e.name().to_owned(), e.into_extern())).collect()
        });
        let export = |name: &str| {
            let found = exports.iter().find(|(found, _)| found == name);
            found
                .map(|(_, found)| *found)
                .expect("all of these are exported")
        };
        let func = |name: &str| export(name).into_func().expect("a function");
        let parts = Parts {
            f: func("f"),
            memory: export("m").into_memory().expect("a memory"),
            table: export("t").into_table().expect("a table"),
            global: export("g").into_global().expect("a global"),
        };
        if let Some(imports) = imports {
            let found = (parts.memory, parts.table, parts.global);
            assert_eq!(found, (imports.memory, imports.table, imports.global));
            if host.is_none() {
                assert_eq!(parts.f, imports.f);
            }
        }
        let mut funcs = vec![parts.f];
        for &(name, what) in EXPORTS {
            let func = func(name);
            self.model
                .funcs
                .insert(func, Does::Export { what, of: parts });
            funcs.push(func);
        }
        if let Some(does) = host {
            self.model.funcs.insert(parts.f, does);
        }
        if imports.is_none() {
            self.model.funcs.insert(parts.f, Does::Same);
            let null = Value::Func(None);
            let elements = vec![
                null,
                Value::Func(Some(parts.f)),
                Value::Func(Some(func("deep"))),
                null,
            ];
            let (pages, maximum, bytes) = (1, 3, Default::default());
            self.model.memories.insert(
                parts.memory,
                MemoryModel {
                    minimum: pages,
                    pages,
                    maximum,
                    bytes,
                },
            );
            let element = RefType::Func;
            self.model.tables.insert(
                parts.table,
                TableModel {
                    element,
                    maximum: 8,
                    elements,
                },
            );
            let (mutable, value) = (true, Value::I32(5));
            self.model
                .globals
                .insert(parts.global, GlobalModel { mutable, value });
        }
        for func in funcs {
            self.add(home, Thing::Func(func));
        }
        self.add(home, Thing::Memory(parts.memory));
        self.add(home, Thing::Table(parts.table));
        self.add(home, Thing::Global(parts.global));
        self.add(home, Thing::Instance(instance, template));
    }

    /// Instantiates with a linker that has a host function of its own.
    pub(super) fn link(&mut self) {
        let home = self.home();
        let (engine, template, module) = self.module(home);
        let Some(imports) = self.imports(home) else {
            return;
        };
        self.refuel(home);
        let own_engine = self.homes[home].engine;
        let linker_engine = if self.chance(95) {
            own_engine
        } else {
            self.below(3)
        };
        let number = self.int();
        let misses = self.chance(5).then(|| self.below(4));
        let in_advance = self.chance(30);
        let plan = Plan {
            engine: &self.engines[linker_engine],
            module: &module,
            imports: &imports,
            number,
            misses,
            in_advance,
        };
        let missing = plan.misses.is_some() && template.has_imports();
        let made = match &mut self.homes[home].held {
            Held::Number(store) => plan.run(store),
            Held::Guest(store) => plan.run(store),
            Held::Pruned(store, _) => plan.run(store),
        };
        if linker_engine != own_engine || engine != own_engine {
            let error = made.expect_err("another engine");
            let kind = error.kind();
            assert!(missing || matches!(kind, ErrorKind::Engine(_)), "{error:?}");
            return;
        }
        let fits = self.entities_fit(&imports);
        if template.has_imports() && (missing || !fits) {
            let error = made.expect_err("a definition is missing, or of another type");
            assert!(matches!(error.kind(), ErrorKind::Linker(_)), "{error:?}");
            return;
        }
        let host = template.has_imports().then_some(Does::Adds(number));
        let imports = template.has_imports().then_some(&imports);
        self.started(home, template, imports, made, host);
    }

    /// Exports by name and type.
    pub(super) fn exports(&mut self) {
        let home = self.home();
        let Some((instance, _)) = self.own(home, Thing::instance) else {
            return;
        };
        let held = &self.homes[home].held;
        with!(held, store => {
            assert!(instance.get_func(store, "m").is_none());
            assert!(instance.get_memory(store, "m").is_some());
            assert!(instance.get_export(store, "nothing").is_none());
            assert!(instance.get_typed_func::<(i32, i32), i32>(store, "add").is_ok());
            assert!(instance.get_typed_func::<(i32, i32), i64>(store, "add").is_err());
            assert!(instance.get_typed_func::<(), ()>(store, "nothing").is_err());
        });
    }

    pub(super) fn host_func(&mut self) {
        let home = self.home();
        let number = self.int();
        let inner = self
            .func(home)
            .filter(|func| self.model.is_unary(*func) && self.model.depth(*func) < MAX_DEPTH);
        let token = self.token.clone();
        let (func, does) = match (self.below(4), inner) {
            (0, _) => {
                let func = with!(&mut self.homes[home].held, store => {
                    Func::wrap(store, move |_: i32| -> Result<i32, Error> {
                        let _ = &token;
                        Err(Error::new(HOST_FAILED))
                    })
                });
                (func, Does::Fails)
            }
            (1 | 2, Some(inner)) => {
                let func = with!(&mut self.homes[home].held, store => {
                    Func::wrap(store, move |mut caller: Caller<'_, _>, x: i32| {
                        let _ = &token;
                        inner.typed::<i32, i32>(&caller)?.call(&mut caller, x)
                    })
                });
                (func, Does::CallsBack(inner, self.model.depth(inner) + 1))
            }
            _ => {
                let func = with!(&mut self.homes[home].held, store => {
                    Func::wrap(store, move |x: i32| {
                        let _ = &token;
                        x.wrapping_add(number)
                    })
                });
                (func, Does::Adds(number))
            }
        };
        self.model.funcs.insert(func, does);
        self.add(home, Thing::Func(func));
    }
}

/// The message of host functions that fail.
pub(super) const HOST_FAILED: &str = "the host function fails";

/// How to link.
struct Plan<'a> {
    engine: &'a Engine,
    module: &'a Module,
    imports: &'a Imports,
    number: i32,
    /// A definition that is left out.
    misses: Option<usize>,
    /// Whether imports are looked up before.
    in_advance: bool,
}

impl Plan<'_> {
    fn run<C: AsContextMut>(&self, store: &mut C) -> Result<Instance, Error> {
        let mut linker = Linker::<C::Data>::new(self.engine);
        let number = self.number;
        for (at, (name, item)) in IMPORT_NAMES.iter().zip(self.imports.externs()).enumerate() {
            if self.misses == Some(at) {
                continue;
            }
            if at == 0 {
                linker.func_wrap("env", name, move |x: i32| x.wrapping_add(number))?;
            } else {
                linker.define("env", name, item)?;
            }
            let again = linker.define("env", name, item);
            assert!(again.is_err(), "{name} is defined already");
        }
        if self.in_advance {
            linker.instantiate_pre(self.module)?.instantiate(store)
        } else {
            linker.instantiate_and_start(store, self.module)
        }
    }
}
