//! A host function for one type of data does not enter a store of another.

use damson::{Caller, Engine, Func, Linker, Module, Store};

fn main() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, 1_u64);
    Func::wrap(&mut store, |_: Caller<'_, i64>| ());
    let linker = Linker::<String>::new(&engine);
    let module = Module::new(&engine, []).unwrap();
    linker.instantiate_and_start(&mut store, &module).unwrap();
    linker.instantiate_and_start(&mut store.prune(), &module).unwrap();
}
