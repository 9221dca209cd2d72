//! Places in the source, from DWARF in custom sections.
//!
//! DWARF counts addresses from the start of the code section's contents. What is wrong in
//! it makes places unknown, never an error: the module is valid without it. So does what
//! would take too much to read ([`bounded`](super::bounded)).

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use std::sync::{Mutex, OnceLock, PoisonError};

use addr2line::Context;
use damson_translator::DebugInfo;
use gimli::{Dwarf, SectionId};

use super::FrameSymbol;
use super::bounded::{Bounded, Budget};

/// A function has at most so many places: the innermost ones of what is inlined into it.
const MOST_PLACES: usize = 100;

/// Names and paths that are longer, in bytes, are unknown.
const LONGEST_TEXT: usize = 4096;

/// A module's debug information, read when it is first needed. Reading it further is not
/// shared between threads.
#[derive(Default)]
pub(super) struct Symbols {
    loaded: OnceLock<Option<Loaded>>,
}

struct Loaded {
    context: Mutex<Context<Bounded>>,
    budget: Arc<Budget>,
}

impl Symbols {
    /// What stands at a byte offset from the start of the Wasm binary, innermost first.
    pub(super) fn at(&self, info: &DebugInfo, offset: u32) -> Box<[FrameSymbol]> {
        let loaded = self.loaded.get_or_init(|| Loaded::new(info));
        let (Some(loaded), Some(address)) =
            (loaded, u64::from(offset).checked_sub(info.code_section()))
        else {
            return Box::default();
        };
        loaded.at(address)
    }
}

impl Loaded {
    /// The debug information of a module, if it has any: a copy of its sections.
    fn new(info: &DebugInfo) -> Option<Self> {
        let named = |name: &str| {
            let mut sections = info.custom_sections();
            sections
                .find(|section| *section.name == *name)
                .map(|section| &section.data)
        };
        named(SectionId::DebugInfo.name())?;
        let debug = info.custom_sections();
        let debug = debug.filter(|section| section.name.starts_with(".debug_"));
        let budget = Budget::new(debug.map(|section| section.data.len() as u64).sum());
        let section = |id: SectionId| {
            let data = named(id.name()).map_or_else(|| Arc::from([]), |data| Arc::from(&**data));
            Ok::<_, gimli::Error>(Bounded::new(data, &budget))
        };
        let context = Context::from_dwarf(Dwarf::load(section).ok()?).ok()?;
        Some(Self {
            context: Mutex::new(context),
            budget,
        })
    }

    fn at(&self, address: u64) -> Box<[FrameSymbol]> {
        // A reader that panicked leaves what it has read.
        let context = self.context.lock().unwrap_or_else(PoisonError::into_inner);
        self.budget.begin();
        let Ok(mut frames) = context.find_frames(address).skip_all_loads() else {
            return Box::default();
        };
        let mut symbols = Vec::new();
        while symbols.len() < MOST_PLACES
            && let Ok(Some(frame)) = frames.next()
        {
            let name = frame.function.as_ref().map(|name| name.name.bytes());
            let name = name.filter(|name| name.len() <= LONGEST_TEXT);
            let location = frame.location;
            let file = location.as_ref().and_then(|place| place.file);
            symbols.push(FrameSymbol {
                name: name.map(|name| String::from_utf8_lossy(name).into_owned()),
                file: file
                    .filter(|file| file.len() <= LONGEST_TEXT)
                    .map(String::from),
                line: location.as_ref().and_then(|place| place.line),
                column: location.and_then(|place| place.column),
            });
        }
        symbols.into()
    }
}

#[cfg(test)]
mod tests;
