//! A view of the data ends before the store is used again.

use damson::{Engine, Func, Store};

fn main() {
    let mut store = Store::new(&Engine::default(), vec![1]);
    let func = Func::wrap(&mut store, || ());
    let data = store.data_mut();
    func.call(&mut store, &[], &mut []).unwrap();
    data.push(2);
}
