//! Custom sections, and the one among them that names functions.
//!
//! A custom section never makes a module invalid: what cannot be read in the
//! name section is ignored, what can be read before the defect is kept.

use alloc::boxed::Box;
use alloc::vec::Vec;
use wasmparser::{BinaryReader, Name, NameSectionReader};

/// A custom section of a module, as it stands in the binary.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CustomSection {
    /// Its name.
    pub name: Box<str>,
    /// Its bytes, without the name.
    pub data: Box<[u8]>,
    /// Offset of `data` from the start of the Wasm binary, in bytes.
    pub offset: u64,
}

/// Names of functions, from the name section.
#[derive(Debug, Default)]
pub(crate) struct FuncNames {
    /// In the order of their function indices, each index once.
    names: Box<[(u32, Box<str>)]>,
}

impl FuncNames {
    /// Reads the name section `data`; indices from `num_funcs` on are dropped.
    pub(crate) fn read(data: &[u8], offset: u64, num_funcs: usize) -> Self {
        let mut names = Vec::new();
        for subsection in NameSectionReader::new(BinaryReader::new(data, offset)) {
            // A defect in one subsection says nothing about where the next
            // one starts, so reading stops.
            let Ok(subsection) = subsection else { break };
            let Name::Function(map) = subsection else {
                continue;
            };
            for naming in map {
                let Ok(naming) = naming else { break };
                if (naming.index as usize) < num_funcs {
                    names.push((naming.index, Box::from(naming.name)));
                }
            }
        }
        // Stable, so that the first of several names of a function wins.
        names.sort_by_key(|(index, _)| *index);
        names.dedup_by_key(|(index, _)| *index);
        Self {
            names: names.into(),
        }
    }

    pub(crate) fn get(&self, func_index: u32) -> Option<&str> {
        let at = self
            .names
            .binary_search_by_key(&func_index, |(index, _)| *index)
            .ok()?;
        Some(&self.names[at].1)
    }
}
