//! A host function relies on the type of its store's data, so calling one with a
//! store of the caller's choice is not for safe code.
use damson_core::{FuncEntity, HostCall, PrunedMut};

fn call(func: &FuncEntity, other: PrunedMut<'_>) {
    let _ = func.call_host(HostCall::new(other, None), &mut []);
}

fn main() {}
