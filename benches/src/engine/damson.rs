//! Damson itself.

use super::embedder::embedder;

embedder!(damson);

pub(crate) struct Damson;

impl super::Engine for Damson {
    fn name(&self) -> &'static str {
        "damson"
    }

    fn load(&self, wasm: &[u8]) -> anyhow::Result<Box<dyn Guest>> {
        load(wasm)
    }

    fn translate(&self, wasm: &[u8]) -> anyhow::Result<()> {
        translate(wasm)
    }
}
