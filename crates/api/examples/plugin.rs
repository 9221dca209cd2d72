//! A registry of plugins whose hosts keep different things: one list of pruned stores,
//! used without naming a type, and recovered by type where one is needed.

use damson::{
    Caller, Cell, Engine, Erased, Error, Extern, FuncType, Instance, Linker, Module, PrunedStore,
    Store, TrapCode, ValType,
};

/// What the host keeps for a plugin that counts.
#[derive(Debug)]
struct Counter {
    total: u64,
}

/// What the host keeps for a plugin that writes.
#[derive(Debug)]
struct Journal {
    lines: Vec<String>,
}

/// A plugin that is loaded. Nothing here depends on what its host keeps.
struct Plugin {
    name: &'static str,
    store: PrunedStore,
    instance: Instance,
}

/// The plugins, whatever their hosts keep.
struct Registry {
    engine: Engine,
    plugins: Vec<Plugin>,
}

impl Registry {
    /// Loads a plugin with data of any type.
    fn load<T: 'static>(
        &mut self,
        name: &'static str,
        text: &str,
        data: T,
        linker: &Linker<T>,
    ) -> Result<(), Error> {
        let module = Module::new(&self.engine, text)?;
        let mut store = Store::new(&self.engine, data);
        store.set_fuel(10_000)?;
        let instance = linker.instantiate_and_start(&mut store, &module)?;
        self.plugins.push(Plugin {
            name,
            store: store.prune(),
            instance,
        });
        Ok(())
    }

    fn plugin(&mut self, name: &str) -> Result<&mut Plugin, Error> {
        let found = self.plugins.iter_mut().find(|plugin| plugin.name == name);
        found.ok_or_else(|| Error::new(format!("there is no plugin `{name}`")))
    }

    /// Calls `handle` of each plugin with a text, and gives what each made of it.
    fn handle_all(&mut self, text: &str) -> Result<Vec<(&'static str, i32)>, Error> {
        let mut results = Vec::new();
        for plugin in &mut self.plugins {
            results.push((plugin.name, plugin.handle(text)?));
        }
        Ok(results)
    }
}

impl Plugin {
    /// Puts a text into the plugin's memory and calls it, with raw cells.
    fn handle(&mut self, text: &str) -> Result<i32, Error> {
        let store = &mut self.store;
        let memory = self.instance.get_memory(&*store, "memory");
        let memory = memory.ok_or_else(|| Error::new("a plugin exports its memory"))?;
        memory.write(&mut *store, 0, text.as_bytes())?;

        let handle = self.instance.get_func(&*store, "handle");
        let handle = handle.ok_or_else(|| Error::new("a plugin exports `handle`"))?;
        let mut cells = [Cell::new(text.len() as u32)];
        handle.call_raw(&mut *store, &mut cells)?;
        Ok(cells[0].get())
    }
}

/// Calls `log` with the text, gives its length.
const PLUGIN: &str = r#"
(module
  (import "host" "log" (func $log (param i32 i32)))
  (import "host" "version" (func $version (result i32)))
  (memory (export "memory") 1)
  (func (export "handle") (param $len i32) (result i32)
    (call $log (i32.const 0) (local.get $len))
    (i32.add (local.get $len) (call $version))))
"#;

/// Says that the text is as long as an address can be.
const LIAR: &str = r#"
(module
  (import "host" "log" (func $log (param i32 i32)))
  (memory (export "memory") 1)
  (func (export "handle") (param i32) (result i32)
    (call $log (i32.const 8) (i32.const -1))
    (local.get 0)))
"#;

/// The text that a plugin passes as address and length.
fn text<T: 'static>(caller: &Caller<'_, T>, start: u32, len: u32) -> Result<String, Error> {
    let memory = caller.get_export("memory").and_then(Extern::into_memory);
    let memory = memory.ok_or_else(|| Error::new("a plugin exports its memory"))?;
    // Nothing is allocated before it is known that there are so many bytes.
    let rest = memory.data(caller).get(start as usize..);
    let bytes = rest.and_then(|rest| rest.get(..len as usize));
    let bytes = bytes.ok_or(TrapCode::MemoryOutOfBounds)?;
    Ok(String::from_utf8_lossy(bytes).into_owned())
}

fn run() -> Result<Registry, Error> {
    let mut config = damson::Config::default();
    config.consume_fuel(true);
    let engine = Engine::new(&config);

    // One linker for each type of data; what needs none is the same function.
    let version = FuncType::new([], [ValType::I32]);
    let mut counting = Linker::<Counter>::new(&engine);
    counting
        .func_wrap(
            "host",
            "log",
            |mut caller: Caller<'_, Counter>, _: u32, len: u32| {
                caller.data_mut().total += u64::from(len);
            },
        )?
        .func_raw("host", "version", version.clone(), |_, cells| {
            cells[0] = Cell::new(100_i32);
            Ok(())
        })?;
    let mut writing = Linker::<Journal>::new(&engine);
    writing
        .func_wrap(
            "host",
            "log",
            |mut caller: Caller<'_, Journal>, start: u32, len: u32| {
                let line = text(&caller, start, len)?;
                caller.data_mut().lines.push(line);
                Ok::<(), Error>(())
            },
        )?
        .func_raw("host", "version", version, |_, cells| {
            cells[0] = Cell::new(200_i32);
            Ok(())
        })?;

    let mut registry = Registry {
        engine: engine.clone(),
        plugins: Vec::new(),
    };
    registry.load("counter", PLUGIN, Counter { total: 0 }, &counting)?;
    registry.load("journal", PLUGIN, Journal { lines: Vec::new() }, &writing)?;

    // A plugin that says what is not so ends, and harms nobody.
    registry.load("liar", LIAR, Journal { lines: Vec::new() }, &writing)?;
    let liar = registry.plugin("liar")?.handle("hello").unwrap_err();
    assert_eq!(liar.as_trap_code(), Some(TrapCode::MemoryOutOfBounds));
    registry.plugins.pop();

    // A linker for stores of every type loads a plugin into one that is pruned.
    let mut anything = Linker::<Erased>::new(&engine);
    anything.func_wrap("host", "log", |_: u32, _: u32| {})?;
    anything.func_wrap("host", "version", || 300)?;
    let mut store = Store::new(&engine, "no data to speak of").prune();
    store.set_fuel(10_000)?;
    let module = Module::new(&engine, PLUGIN)?;
    let instance = anything.instantiate_and_start(&mut store, &module)?;
    registry.plugins.push(Plugin {
        name: "silent",
        store,
        instance,
    });
    Ok(registry)
}

/// Loads three plugins, calls them all, takes two back by their types.
pub fn main() -> Result<(), Error> {
    let mut registry = run()?;

    // All of them, without a type.
    let results = registry.handle_all("hello")?;
    println!("{results:?}");
    assert_eq!(
        results,
        [("counter", 105), ("journal", 205), ("silent", 305)]
    );
    for plugin in &registry.plugins {
        let left = plugin.store.get_fuel()?;
        println!(
            "{} holds a {} and {left} fuel",
            plugin.name,
            plugin.store.type_name()
        );
        assert!(left < 10_000);
    }

    // One of them, by its type.
    let counter = registry.plugin("counter")?;
    assert_eq!(counter.store.try_context::<Counter>()?.data().total, 5);
    let mismatch = counter
        .store
        .try_context::<Journal>()
        .expect_err("it counts");
    println!("{mismatch}");

    // And for good, by value.
    let journal = registry.plugins.swap_remove(1).store;
    let journal = journal.try_into_store::<Journal>();
    let journal = journal.map_err(|(_, mismatch)| mismatch)?;
    assert_eq!(journal.into_data().lines, ["hello"]);
    assert!(registry.plugin("journal").is_err());
    Ok(())
}
