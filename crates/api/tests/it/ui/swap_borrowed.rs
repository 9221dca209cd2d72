//! Two stores of different data cannot be swapped through borrowed handles: a handle
//! is opaque, there is nothing behind it to name.

use damson::{AsContextMut, Engine, Store};

fn main() {
    let engine = Engine::default();
    let mut numbers = Store::new(&engine, 1_u64);
    let mut texts = Store::new(&engine, String::new());
    let mut a = numbers.as_context_mut().prune();
    let mut b = texts.as_context_mut().prune();
    std::mem::swap(&mut *a, &mut *b);
}
