//! A host function, data of the host, and a result.

use damson::{Caller, Engine, Error, Linker, Module, Store};

/// What the host keeps in the store.
struct Host {
    greetings: Vec<String>,
}

fn main() -> Result<(), Error> {
    let engine = Engine::default();
    let module = Module::new(
        &engine,
        r#"
        (module
          (import "host" "greet" (func $greet (param i32 i32)))
          (memory (export "memory") 1)
          (data (i32.const 0) "world")
          (func (export "run") (param i32) (result i32)
            (call $greet (i32.const 0) (i32.const 5))
            (i32.mul (local.get 0) (i32.const 2))))
        "#,
    )?;

    let mut linker = Linker::new(&engine);
    linker.func_wrap(
        "host",
        "greet",
        |mut caller: Caller<'_, Host>, start: u32, len: u32| {
            let memory = caller
                .get_export("memory")
                .and_then(|item| item.into_memory());
            let memory = memory.ok_or_else(|| Error::new("the guest exports no memory"))?;
            let bytes = memory.data(&caller).get(start as usize..);
            let name = bytes.and_then(|bytes| bytes.get(..len as usize));
            let name = name.ok_or_else(|| Error::new("the name is outside of the memory"))?;
            let greeting = format!("hello, {}", String::from_utf8_lossy(name));
            caller.data_mut().greetings.push(greeting);
            Ok::<(), Error>(())
        },
    )?;

    let mut store = Store::new(
        &engine,
        Host {
            greetings: Vec::new(),
        },
    );
    let instance = linker.instantiate_and_start(&mut store, &module)?;
    let run = instance.get_typed_func::<i32, i32>(&store, "run")?;
    let result = run.call(&mut store, 21)?;

    println!("{} and {result}", store.data().greetings.join(", "));
    assert_eq!(result, 42);
    assert_eq!(store.into_data().greetings, ["hello, world"]);
    Ok(())
}
