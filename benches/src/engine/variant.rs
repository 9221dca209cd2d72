//! Damson, configured otherwise than by default.

use damson::storage::{ReservedStorage, StaticStorage};
use damson::{CompilationMode, Config, Engine, Store};

use super::Guest;
use super::damson::load_with;

/// How large a buffer is that serves as a memory. What is not touched takes no room.
const BUFFER_BYTES: usize = 64 << 20;
/// What buffers are aligned to, as a buffer of a linker script would be: how fast bulk copies
/// are depends on it, whoever makes them.
const ALIGN: usize = 4096;

/// A configuration.
pub(crate) struct Variant {
    name: &'static str,
    configure: fn(&mut Config),
    prepare: fn(&mut Store<()>) -> anyhow::Result<()>,
}

/// What guards a run, and where memories are.
pub(crate) const VARIANTS: &[&dyn super::Engine] = &[
    &Variant {
        name: "fuel",
        configure: fuel,
        prepare: fill,
    },
    &Variant {
        name: "epochs",
        configure: epochs,
        prepare: set_deadline,
    },
    &Variant {
        name: "both",
        configure: |config| {
            fuel(config);
            epochs(config);
        },
        prepare: |store| {
            fill(store)?;
            set_deadline(store)
        },
    },
    &Variant {
        name: "buffer",
        configure: |config| {
            config.memory_storage(|_| Ok(StaticStorage::new(buffer())));
        },
        prepare: |_| Ok(()),
    },
    &Variant {
        name: "reserved",
        configure: |config| {
            config.memory_storage(ReservedStorage::for_type);
        },
        prepare: |_| Ok(()),
    },
];

fn buffer() -> &'static mut [u8] {
    let bytes = Box::leak(vec![0; BUFFER_BYTES + ALIGN].into_boxed_slice());
    let start = bytes.as_ptr().align_offset(ALIGN);
    &mut bytes[start..start + BUFFER_BYTES]
}

fn fuel(config: &mut Config) {
    config.consume_fuel(true);
}

/// As much as there can be, so that no run ever lacks any.
fn fill(store: &mut Store<()>) -> anyhow::Result<()> {
    Ok(store.set_fuel(u64::MAX)?)
}

fn epochs(config: &mut Config) {
    config.epoch_interruption(true);
}

/// A deadline that never comes.
fn set_deadline(store: &mut Store<()>) -> anyhow::Result<()> {
    store.set_epoch_deadline(1);
    Ok(())
}

impl super::Engine for Variant {
    fn name(&self) -> &'static str {
        self.name
    }

    fn load(&self, wasm: &[u8]) -> anyhow::Result<Box<dyn Guest>> {
        let mut config = Config::default();
        config.compilation_mode(CompilationMode::Eager);
        (self.configure)(&mut config);
        load_with(&Engine::new(&config), wasm, self.prepare)
    }
}
