//! Guest code that never ends, and the fuel that ends it.

use damson::{Config, Engine, Error, Linker, Module, Store, TrapCode};

fn main() -> Result<(), Error> {
    let mut config = Config::default();
    config.consume_fuel(true);
    let engine = Engine::new(&config);
    let module = Module::new(
        &engine,
        r#"
        (module
          (func (export "sum") (param i32) (result i32)
            (local i32)
            (loop $again
              (local.set 1 (i32.add (local.get 1) (local.get 0)))
              (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
              (br_if $again (local.get 0)))
            (local.get 1))
          (func (export "forever") (loop $again (br $again))))
        "#,
    )?;

    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine).instantiate_and_start(&mut store, &module)?;

    store.set_fuel(10_000)?;
    let sum = instance.get_typed_func::<i32, i32>(&store, "sum")?;
    assert_eq!(sum.call(&mut store, 100)?, 5050);
    println!("the sum took {} fuel", 10_000 - store.get_fuel()?);

    let forever = instance.get_typed_func::<(), ()>(&store, "forever")?;
    let error = forever
        .call(&mut store, ())
        .expect_err("it never ends otherwise");
    println!("{error}");
    assert_eq!(error.as_trap_code(), Some(TrapCode::OutOfFuel));

    // The store is as usable as before.
    store.set_fuel(10_000)?;
    assert_eq!(sum.call(&mut store, 3)?, 6);
    Ok(())
}
