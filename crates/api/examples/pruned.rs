//! Stores of different types in one list: pruned, used without their types, recovered.

use damson::{Engine, Erased, Error, Linker, Module, PrunedStore, Store};

/// Two plugins keep different things.
#[derive(Debug)]
struct Counter(u64);
#[derive(Debug)]
struct Journal(Vec<String>);

fn main() -> Result<(), Error> {
    let engine = Engine::default();
    let module = Module::new(
        &engine,
        r#"
        (module
          (import "host" "limit" (func $limit (result i32)))
          (func (export "run") (param i32) (result i32)
            (if (result i32) (i32.gt_s (local.get 0) (call $limit))
              (then (call $limit))
              (else (local.get 0)))))
        "#,
    )?;

    // A host function that needs no data of the host serves stores of every type.
    let mut linker = Linker::<Erased>::new(&engine);
    linker.func_wrap("host", "limit", || 100)?;

    let mut plugins: Vec<PrunedStore> = vec![
        Store::new(&engine, Counter(0)).prune(),
        Store::new(&engine, Journal(Vec::new())).prune(),
    ];

    for plugin in &mut plugins {
        // Nothing here names the type of the data.
        let instance = linker.instantiate_and_start(&mut *plugin, &module)?;
        let run = instance.get_typed_func::<i32, i32>(&*plugin, "run")?;
        let result = run.call(&mut *plugin, 123)?;

        // A typed view where it is wanted, with a check.
        if let Ok(mut store) = plugin.try_context_mut::<Counter>() {
            store.data_mut().0 += result as u64;
        } else if let Ok(mut store) = plugin.try_context_mut::<Journal>() {
            store.data_mut().0.push(format!("result {result}"));
        }
    }

    // By value: on a mismatch the store comes back, with an error that names both types.
    let journal = plugins.pop().expect("two plugins");
    let (journal, mismatch) = journal
        .try_into_store::<Counter>()
        .expect_err("it is a journal");
    println!("{mismatch}");
    let journal = journal
        .try_into_store::<Journal>()
        .expect("it is a journal")
        .into_data();
    let counter = plugins.pop().expect("one plugin left");
    let counter = counter
        .try_into_store::<Counter>()
        .expect("it is a counter")
        .into_data();

    println!("{journal:?}, {counter:?}");
    assert_eq!(journal.0, ["result 100"]);
    assert_eq!(counter.0, 100);
    Ok(())
}
