#![expect(unsafe_code, reason = "an unsafe function by contract, not by need")]
//! The way past validation that other engines have, and this one does not take.

use super::Module;
use crate::engine::Engine;
use crate::error::Error;

impl Module {
    /// [`Module::new`] for a binary module that is known to be valid.
    ///
    /// # Safety
    ///
    /// The module must be valid. Callers promise that for the sake of other engines
    /// of this interface; this one validates the module all the same, because
    /// validation and translation are one pass, and never relies on the promise.
    ///
    /// # Errors
    ///
    /// As [`Module::new`].
    pub unsafe fn new_unchecked(engine: &Engine, wasm: &[u8]) -> Result<Self, Error> {
        Self::from_binary(engine, wasm)
    }
}
