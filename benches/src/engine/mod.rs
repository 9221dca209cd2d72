//! The engines, behind one interface.
//!
//! Each translates everything when the module is made, if it can, with its default
//! configuration otherwise. A workload's imports are the functions of [`host`], or WASI, which
//! nothing calls in a measured run: those trap.

mod embedder;
#[cfg(any(feature = "stitch", feature = "tinywasm", feature = "wasm3"))]
mod imports;

pub(crate) mod damson;
#[cfg(feature = "stitch")]
mod stitch;
#[cfg(feature = "tinywasm")]
mod tinywasm;
pub(crate) mod variant;
#[cfg(feature = "wasm3")]
mod wasm3;
#[cfg(feature = "wasmi")]
pub(crate) mod wasmi;
#[cfg(feature = "wasmtime")]
mod wasmtime;

/// Something that runs WebAssembly.
pub(crate) trait Engine {
    /// As the user names it.
    fn name(&self) -> &'static str;

    /// An instance of the module.
    ///
    /// # Errors
    ///
    /// When the engine does not take the module.
    fn load(&self, wasm: &[u8]) -> anyhow::Result<Box<dyn Guest>>;

    /// Makes code of the module, and throws it away.
    ///
    /// # Errors
    ///
    /// When the engine does not take the module, or cannot do this apart from `load`.
    fn translate(&self, _wasm: &[u8]) -> anyhow::Result<()> {
        anyhow::bail!("it is not measured")
    }
}

/// An instance of a workload.
pub(crate) trait Guest {
    /// Calls the export `run`.
    ///
    /// # Errors
    ///
    /// When it traps.
    fn run(&mut self, size: i32) -> anyhow::Result<i32>;

    /// The value of an exported global of type `i64`.
    #[cfg(feature = "count")]
    fn global(&self, _name: &str) -> Option<i64> {
        None
    }
}

/// The peers that this program was built with, in the order in which they are shown.
pub(crate) const PEERS: &[&dyn Engine] = &[
    #[cfg(feature = "wasmi")]
    &wasmi::Wasmi,
    #[cfg(feature = "stitch")]
    &stitch::Stitch,
    #[cfg(feature = "wasm3")]
    &wasm3::Wasm3,
    #[cfg(feature = "tinywasm")]
    &tinywasm::TinyWasm,
    #[cfg(feature = "wasmtime")]
    &wasmtime::PULLEY,
    #[cfg(feature = "wasmtime")]
    &wasmtime::CRANELIFT,
];

/// The functions that workloads import from `host`.
pub(crate) mod host {
    /// `mix: [i32 i32] -> [i32]`, cheap, so that the call is what is measured.
    pub(crate) fn mix(sum: i32, value: i32) -> i32 {
        let sum = (sum ^ value).cast_unsigned().wrapping_mul(0x9e37_79b1);
        (sum ^ (sum >> 15)).cast_signed()
    }
}
