//! Why a module is refused.
//!
//! Messages are the validator's own: test scripts of the specification look
//! for their phrases, and people search for them. What this module adds is a
//! classification. The validator reports one error type for three different
//! situations:
//!
//! - the bytes are no module at all (*malformed*),
//! - they are one that breaks the rules (*invalid*),
//! - they use a proposal that is not supported or switched off.
//!
//! The last is told from the feature that the validator says is missing, and
//! for the few messages that do not carry one, from a table of phrases. The
//! first two are told apart by reading the same part again without validating
//! it: if that fails at the same place, the bytes are malformed.

use alloc::boxed::Box;
use wasmparser::WasmFeatures;

use crate::limits::EnforcedLimitsError;

/// Why a module, or one function of it, cannot be translated.
///
/// Offsets count bytes from the start of the Wasm binary.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes do not follow the binary format.
    #[error("malformed module: {message} (at offset {offset:#x})")]
    Malformed {
        /// What is wrong, in the parser's words.
        message: Box<str>,
        /// Where it is.
        offset: u64,
    },
    /// The module breaks a rule of validation.
    #[error("invalid module: {message} (at offset {offset:#x})")]
    Invalid {
        /// What is wrong, in the validator's words.
        message: Box<str>,
        /// Where it is.
        offset: u64,
    },
    /// The module uses a proposal that is not supported, or that
    /// [`Features`](crate::Features) switches off.
    #[error(
        "the `{proposal}` proposal is not supported or not enabled: {message} (at offset {offset:#x})"
    )]
    Unsupported {
        /// Name of the proposal.
        proposal: &'static str,
        /// What was found, in the validator's words.
        message: Box<str>,
        /// Where it is.
        offset: u64,
    },
    /// The module has more of something than the configuration allows.
    #[error("refused module: {0}")]
    EnforcedLimits(#[from] EnforcedLimitsError),
    /// A function is valid but exceeds what the bytecode can express.
    #[error(
        "function {func_index} needs {found} {what}, at most {limit} are possible (at offset {offset:#x})"
    )]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much of it is possible.
        limit: u64,
        /// How much of it was found when translation stopped.
        found: u64,
        /// Index of the function in the module's function index space.
        func_index: u32,
        /// Where translation stopped.
        offset: u64,
    },
    /// The translator asked for an instruction that does not exist. This is a
    /// defect of the translator and not of the module.
    #[error(
        "function {func_index} cannot be expressed in bytecode (at offset {offset:#x}): {source}"
    )]
    Build {
        /// What the builder of the bytecode refused.
        source: damson_ir::BuildError,
        /// Index of the function in the module's function index space.
        func_index: u32,
        /// Where translation stopped.
        offset: u64,
    },
    /// The module does not define a function of this index.
    #[error(
        "function {func_index} has no body: the module imports {imported} functions and has {total} in all"
    )]
    NoBody {
        /// The index that was asked for.
        func_index: u32,
        /// How many functions the module imports; they come first.
        imported: u32,
        /// How many functions the module has, imported ones included.
        total: u32,
    },
}

impl Error {
    /// Where in the Wasm binary the reason is, if it is at one place.
    #[must_use]
    pub fn offset(&self) -> Option<u64> {
        match self {
            Self::Malformed { offset, .. }
            | Self::Invalid { offset, .. }
            | Self::Unsupported { offset, .. }
            | Self::Limit { offset, .. }
            | Self::Build { offset, .. } => Some(*offset),
            Self::NoBody { .. } | Self::EnforcedLimits(_) => None,
        }
    }

    /// The error for what the parser found while it split the bytes.
    #[cold]
    pub(crate) fn from_parser(error: &wasmparser::Error) -> Self {
        Self::unsupported(error).unwrap_or_else(|| Self::Malformed {
            message: error.message().into(),
            offset: error.offset(),
        })
    }

    /// The error for what the validator found in a part of the module.
    ///
    /// `read_again` reads that part without validating it and returns the
    /// first error.
    #[cold]
    pub(crate) fn from_validator(
        error: &wasmparser::Error,
        read_again: impl FnOnce() -> Option<wasmparser::Error>,
    ) -> Self {
        if let Some(unsupported) = Self::unsupported(error) {
            return unsupported;
        }
        let message = error.message().into();
        let offset = error.offset();
        match read_again() {
            Some(read) if read.offset() == offset && read.message() == error.message() => {
                Self::Malformed { message, offset }
            }
            _ => Self::Invalid { message, offset },
        }
    }

    fn unsupported(error: &wasmparser::Error) -> Option<Self> {
        let by_feature = error.missing_wasm_feature().and_then(proposal_of_feature);
        let proposal = by_feature.or_else(|| proposal_of_message(error.message()))?;
        Some(Self::Unsupported {
            proposal,
            message: error.message().into(),
            offset: error.offset(),
        })
    }
}

/// The names of proposals, by the validator's switch.
///
/// The parts of a proposal that the validator can switch alone come before
/// the whole; a feature is looked up by what it contains.
const PROPOSALS: &[(WasmFeatures, &str)] = &[
    (WasmFeatures::MUTABLE_GLOBAL, "mutable-global"),
    (WasmFeatures::SIGN_EXTENSION, "sign-extension"),
    (
        WasmFeatures::SATURATING_FLOAT_TO_INT,
        "nontrapping-float-to-int",
    ),
    (WasmFeatures::MULTI_VALUE, "multi-value"),
    (WasmFeatures::BULK_MEMORY_OPT, "bulk-memory"),
    (WasmFeatures::BULK_MEMORY, "bulk-memory"),
    (WasmFeatures::CALL_INDIRECT_OVERLONG, "reference-types"),
    (WasmFeatures::REFERENCE_TYPES, "reference-types"),
    (WasmFeatures::TAIL_CALL, "tail-call"),
    (WasmFeatures::EXTENDED_CONST, "extended-const"),
    (WasmFeatures::MULTI_MEMORY, "multi-memory"),
    (WasmFeatures::FLOATS, "floats"),
    (WasmFeatures::SIMD, "simd"),
    (WasmFeatures::RELAXED_SIMD, "relaxed-simd"),
    (WasmFeatures::THREADS, "threads"),
    (
        WasmFeatures::SHARED_EVERYTHING_THREADS,
        "shared-everything-threads",
    ),
    (WasmFeatures::EXCEPTIONS, "exception-handling"),
    (WasmFeatures::LEGACY_EXCEPTIONS, "legacy-exceptions"),
    (WasmFeatures::MEMORY64, "memory64"),
    (WasmFeatures::FUNCTION_REFERENCES, "function-references"),
    (WasmFeatures::GC, "gc"),
    (WasmFeatures::MEMORY_CONTROL, "memory-control"),
    (WasmFeatures::CUSTOM_PAGE_SIZES, "custom-page-sizes"),
    (WasmFeatures::STACK_SWITCHING, "stack-switching"),
    (WasmFeatures::WIDE_ARITHMETIC, "wide-arithmetic"),
    (WasmFeatures::CUSTOM_DESCRIPTORS, "custom-descriptors"),
    (WasmFeatures::COMPACT_IMPORTS, "compact-import-section"),
    (
        WasmFeatures::ACQUIRE_RELEASE_ATOMICS,
        "acquire-release-atomics",
    ),
    (
        WasmFeatures::MULTIBYTE_ARRAY_ACCESS,
        "multibyte-array-access",
    ),
    (WasmFeatures::COMPONENT_MODEL, "component-model"),
];

/// Messages of a missing proposal to which the parser attaches no feature.
const PHRASES: &[(&str, &str)] = &[
    ("unexpected SIMD opcode", "simd"),
    ("floating-point instruction disallowed", "floats"),
    // Said only where the proposal that allows several is off.
    ("multiple memories", "multi-memory"),
    ("multiple tables", "reference-types"),
    ("gc proposal not supported", "gc"),
    ("stack switching proposal not supported", "stack-switching"),
    (
        "unknown binary version and encoding combination",
        "component-model",
    ),
];

fn proposal_of_feature(feature: WasmFeatures) -> Option<&'static str> {
    PROPOSALS
        .iter()
        .find(|(flag, _)| *flag == feature)
        .map(|(_, name)| *name)
}

fn proposal_of_message(message: &str) -> Option<&'static str> {
    PHRASES
        .iter()
        .find(|(phrase, _)| message.contains(phrase))
        .map(|(_, name)| *name)
}
