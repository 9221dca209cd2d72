//! Places in the source, from DWARF in custom sections.
//!
//! DWARF counts addresses from the start of the code section's contents. What is wrong in
//! it makes places unknown, never an error: the module is valid without it.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use std::sync::{Mutex, OnceLock, PoisonError};

use addr2line::Context;
use damson_translator::DebugInfo;
use gimli::{Dwarf, EndianArcSlice, LittleEndian, SectionId};

use super::FrameSymbol;

type Reader = EndianArcSlice<LittleEndian>;

/// A module's debug information, read when it is first needed. Reading it further is not
/// shared between threads.
#[derive(Default)]
pub(super) struct Symbols {
    context: OnceLock<Option<Mutex<Context<Reader>>>>,
}

impl Symbols {
    /// What stands at a byte offset from the start of the Wasm binary, innermost first.
    pub(super) fn at(&self, info: &DebugInfo, offset: u32) -> Box<[FrameSymbol]> {
        let context = self.context.get_or_init(|| context(info).map(Mutex::new));
        let (Some(context), Some(address)) =
            (context, u64::from(offset).checked_sub(info.code_section()))
        else {
            return Box::default();
        };
        // A reader that panicked leaves what it has read.
        let context = context.lock().unwrap_or_else(PoisonError::into_inner);
        let Ok(mut frames) = context.find_frames(address).skip_all_loads() else {
            return Box::default();
        };
        let mut symbols = Vec::new();
        while let Ok(Some(frame)) = frames.next() {
            let name = frame
                .function
                .and_then(|function| Some(function.raw_name().ok()?.into_owned()));
            let location = frame.location;
            let file = location.as_ref().and_then(|place| place.file);
            symbols.push(FrameSymbol {
                name,
                file: file.map(String::from),
                line: location.as_ref().and_then(|place| place.line),
                column: location.and_then(|place| place.column),
            });
        }
        symbols.into()
    }
}

/// The debug information of a module, if it has any: a copy of its sections.
fn context(info: &DebugInfo) -> Option<Context<Reader>> {
    let section = |id: SectionId| {
        let mut sections = info.custom_sections();
        let data = sections
            .find(|section| *section.name == *id.name())
            .map_or_else(|| Arc::from([]), |section| Arc::from(&*section.data));
        Ok::<_, gimli::Error>(Reader::new(data, LittleEndian))
    };
    if !info
        .custom_sections()
        .any(|section| *section.name == *SectionId::DebugInfo.name())
    {
        return None;
    }
    Context::from_dwarf(Dwarf::load(section).ok()?).ok()
}
