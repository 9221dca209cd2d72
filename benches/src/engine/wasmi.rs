//! wasmi.

use super::embedder::embedder;

embedder!(wasmi);

pub(crate) struct Wasmi;

impl super::Engine for Wasmi {
    fn name(&self) -> &'static str {
        "wasmi"
    }

    fn load(&self, wasm: &[u8]) -> anyhow::Result<Box<dyn Guest>> {
        load(wasm)
    }

    fn translate(&self, wasm: &[u8]) -> anyhow::Result<()> {
        translate(wasm)
    }
}
