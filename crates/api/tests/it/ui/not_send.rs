//! Data that may not move to another thread does not become movable by pruning.

use std::rc::Rc;

use damson::{Engine, Store};

fn move_away<T: Send>(_: T) {}

fn main() {
    let engine = Engine::default();
    move_away(Store::new(&engine, Rc::new(1)));
    move_away(Store::new(&engine, Rc::new(1)).prune());
    Store::new(&engine, Rc::new(1)).prune_send();
}
