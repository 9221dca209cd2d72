#![expect(unsafe_code, reason = "calls the one unsafe function of the interface")]
//! The function that takes the caller's word for a module.

use wasmi::{Engine, Error, Module};

/// `bytes` are a valid module with three exports.
pub(super) fn module(engine: &Engine, bytes: &[u8]) -> Result<(), Error> {
    // SAFETY: both engines validated the module before.
    let unchecked = unsafe { Module::new_unchecked(engine, bytes)? };
    assert_eq!(unchecked.exports().count(), 3);
    Ok(())
}
