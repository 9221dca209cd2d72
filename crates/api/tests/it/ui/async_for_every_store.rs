//! Async host functions are made for data that is `Send`, which erased data may not be.

use damson::{Caller, Engine, Erased, Linker};

fn main() {
    let mut linker = Linker::<Erased>::new(&Engine::default());
    let _ = linker.func_wrap_async("host", "wait", |_: Caller<'_, Erased>, ()| {
        Box::new(async move {})
    });
}
