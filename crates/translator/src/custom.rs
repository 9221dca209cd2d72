//! Custom sections, and what they tell about the code: names, and debug information.
//!
//! A custom section never makes a module invalid: what cannot be read in the
//! name section is ignored, what can be read before the defect is kept.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Range;
use damson_core::Bytes;
use wasmparser::{BinaryReader, Name, NameSectionReader};

/// A custom section of a module, as it stands in the binary.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CustomSection {
    /// Its name.
    pub name: Box<str>,
    /// Its bytes, without the name.
    pub data: Bytes,
    /// Offset of `data` from the start of the Wasm binary, in bytes.
    pub offset: u64,
}

/// What people want to know of a module when something goes wrong in its code.
///
/// Nothing of it is needed to run the module. It is separate from
/// [`Module`](crate::Module) so that it can outlive the module's code.
#[derive(Debug, Default)]
pub struct DebugInfo {
    pub(crate) names: Names,
    /// In the order of the binary.
    pub(crate) custom_sections: Box<[CustomSection]>,
    /// Where the contents of the code section start in the binary.
    pub(crate) code_section: u64,
    /// How many functions come before the module's own.
    pub(crate) imported: u32,
    /// One range in the Wasm binary for each defined function.
    pub(crate) bodies: Box<[Range<u64>]>,
}

impl DebugInfo {
    /// The custom sections in the order of the binary.
    pub fn custom_sections(&self) -> core::slice::Iter<'_, CustomSection> {
        self.custom_sections.iter()
    }

    /// The name that the name section gives to the module.
    #[must_use]
    pub fn module_name(&self) -> Option<&str> {
        self.names.module.as_deref()
    }

    /// The name that the name section gives to a function.
    #[must_use]
    pub fn func_name(&self, func_index: u32) -> Option<&str> {
        self.names.func(func_index)
    }

    /// Where a function's body is in the Wasm binary, in bytes; `None` if the
    /// function is imported or does not exist.
    #[must_use]
    pub fn body_range(&self, func_index: u32) -> Option<Range<u64>> {
        let defined = func_index.checked_sub(self.imported)?;
        self.bodies.get(defined as usize).cloned()
    }

    /// Where the contents of the code section start in the Wasm binary, in
    /// bytes: DWARF counts its addresses from there.
    #[must_use]
    pub fn code_section(&self) -> u64 {
        self.code_section
    }
}

/// The names in the name section.
#[derive(Debug, Default)]
pub(crate) struct Names {
    module: Option<Box<str>>,
    /// In the order of their function indices, each index once.
    funcs: Box<[(u32, Box<str>)]>,
}

impl Names {
    /// Reads the name section `data`; indices from `num_funcs` on are dropped.
    pub(crate) fn read(data: &[u8], offset: u64, num_funcs: usize) -> Self {
        let mut module = None;
        let mut funcs = Vec::new();
        for subsection in NameSectionReader::new(BinaryReader::new(data, offset)) {
            // A defect in one subsection says nothing about where the next
            // one starts, so reading stops.
            let Ok(subsection) = subsection else { break };
            let map = match subsection {
                Name::Function(map) => map,
                Name::Module { name, .. } => {
                    module = Some(Box::from(name));
                    continue;
                }
                _ => continue,
            };
            for naming in map {
                let Ok(naming) = naming else { break };
                if (naming.index as usize) < num_funcs {
                    funcs.push((naming.index, Box::from(naming.name)));
                }
            }
        }
        // Stable, so that the first of several names of a function wins.
        funcs.sort_by_key(|(index, _)| *index);
        funcs.dedup_by_key(|(index, _)| *index);
        Self {
            module,
            funcs: funcs.into(),
        }
    }

    fn func(&self, func_index: u32) -> Option<&str> {
        let at = self
            .funcs
            .binary_search_by_key(&func_index, |(index, _)| *index)
            .ok()?;
        Some(&self.funcs[at].1)
    }
}
