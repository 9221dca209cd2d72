//! What a module may contain and what its bytecode should do besides.

use wasmparser::WasmFeatures;

use crate::limits::EnforcedLimits;

/// Options of parsing, validation and translation.
///
/// They belong to a module: every function of it is translated with the same
/// options, whenever and on whichever thread that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// The WebAssembly proposals that modules may use.
    pub features: Features,
    /// Whether bytecode pays for what it does: each stretch of code begins with an
    /// instruction that charges fuel for its operators.
    pub consume_fuel: bool,
    /// Whether these stretches are basic blocks, so that what is charged is what runs: slower.
    pub exact_fuel: bool,
    /// Whether bytecode can be interrupted: each function and each round of a loop
    /// begins with an instruction that looks at the store's epoch.
    pub epoch_interruption: bool,
    /// Whether modules may have instructions and values of floating-point types.
    pub floats: bool,
    /// Whether custom sections are skipped, that of the names included.
    pub ignore_custom_sections: bool,
    /// How much a module may have of what takes room and time to read.
    pub limits: EnforcedLimits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            features: Features::default(),
            consume_fuel: false,
            exact_fuel: false,
            epoch_interruption: false,
            floats: true,
            ignore_custom_sections: false,
            limits: EnforcedLimits::default(),
        }
    }
}

impl Config {
    /// What is enabled, in the validator's terms.
    pub(crate) fn wasm_features(&self) -> WasmFeatures {
        let mut features = self.features.to_wasmparser();
        features.set(WasmFeatures::FLOATS, self.floats);
        features
    }
}

macro_rules! features {
    ($( $(#[$doc:meta])* $name:ident => $flag:ident, )*) => {
        /// The WebAssembly proposals that a module may use, beyond the first
        /// version of the specification.
        ///
        /// The default enables every proposal that Damson supports. A module
        /// that uses a disabled one is refused with
        /// [`Error::Unsupported`](crate::Error::Unsupported).
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Features {
            $( $(#[$doc])* pub $name: bool, )*
        }

        impl Default for Features {
            fn default() -> Self {
                Self { $( $name: true, )* }
            }
        }

        impl Features {
            /// The first version of WebAssembly (MVP) and nothing else.
            #[must_use]
            pub const fn mvp() -> Self {
                Self { $( $name: false, )* }
            }

            /// The same choice in the validator's terms.
            fn to_wasmparser(self) -> WasmFeatures {
                // `MVP` holds the parser's own switches for floats and for
                // types such as `externref`; the latter also needs the
                // reference types proposal.
                let mut features = WasmFeatures::MVP;
                $( features.set(WasmFeatures::$flag, self.$name); )*
                features
            }
        }
    };
}

features! {
    /// Imported and exported mutable globals.
    mutable_global => MUTABLE_GLOBAL,
    /// `i32.extend8_s` and its relatives.
    sign_extension => SIGN_EXTENSION,
    /// `i32.trunc_sat_f32_s` and its relatives.
    saturating_float_to_int => SATURATING_FLOAT_TO_INT,
    /// Several results of functions and blocks, parameters of blocks.
    multi_value => MULTI_VALUE,
    /// `memory.copy`, `table.init`, passive segments and the like.
    bulk_memory => BULK_MEMORY,
    /// `funcref` and `externref` as values, several tables.
    reference_types => REFERENCE_TYPES,
    /// `return_call` and `return_call_indirect`.
    tail_call => TAIL_CALL,
    /// Integer additions, subtractions and multiplications in constant
    /// expressions.
    extended_const => EXTENDED_CONST,
    /// Several memories.
    multi_memory => MULTI_MEMORY,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_every_supported_proposal_and_no_other() {
        let features = Features::default().to_wasmparser();
        let expected = WasmFeatures::WASM2
            .difference(WasmFeatures::SIMD)
            .union(WasmFeatures::TAIL_CALL)
            .union(WasmFeatures::EXTENDED_CONST)
            .union(WasmFeatures::MULTI_MEMORY);
        assert_eq!(features, expected);
    }

    #[test]
    fn mvp_enables_no_proposal() {
        assert_eq!(Features::mvp().to_wasmparser(), WasmFeatures::MVP);
    }
}
