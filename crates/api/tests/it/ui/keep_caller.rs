//! A host function cannot keep its caller for later.

use std::cell::RefCell;

use damson::{Caller, Engine, Func, Store};

thread_local! {
    static KEPT: RefCell<Option<Caller<'static, ()>>> = RefCell::new(None);
}

fn main() {
    let mut store = Store::new(&Engine::default(), ());
    Func::wrap(&mut store, |caller: Caller<'_, ()>| {
        KEPT.with(|kept| *kept.borrow_mut() = Some(caller));
    });
}
