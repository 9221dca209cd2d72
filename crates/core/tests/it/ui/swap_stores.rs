//! Two stores of different host data must not change places under their handles.
use damson_core::{PrunedStore, StoreConfig};

fn main() {
    let mut a = PrunedStore::new(1u8, StoreConfig::default());
    let mut b = PrunedStore::new(String::new(), StoreConfig::default());
    let (mut a, mut b) = (a.as_mut(), b.as_mut());
    std::mem::swap(&mut *a, &mut *b);
}
