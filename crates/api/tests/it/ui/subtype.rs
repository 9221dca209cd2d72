//! A store does not coerce to one of a supertype: the two have different type ids.

use damson::{Engine, Store, StoreContextMut};

type General = for<'a> fn(&'a u8);
type Special = fn(&'static u8);

fn special_context(store: StoreContextMut<'_, General>) -> StoreContextMut<'_, Special> {
    store
}

fn main() {
    let general: Store<General> = Store::new(&Engine::default(), |_| ());
    let special: Store<Special> = general;
}
