//! Floats as their bits.

use core::fmt;

/// Declares a float that is its bits, so that NaN payloads survive.
macro_rules! float_bits {
    ($(#[$doc:meta])* $name:ident, $bits:ty, $float:ty) => {
        $(#[$doc])*
        ///
        /// Equality and hashing compare the bits.
        #[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
        #[repr(transparent)]
        pub struct $name($bits);

        impl $name {
            /// The float with these bits.
            #[must_use]
            pub const fn from_bits(bits: $bits) -> Self {
                Self(bits)
            }

            /// The bits.
            #[must_use]
            pub const fn to_bits(self) -> $bits {
                self.0
            }

            /// From Rust's float type.
            #[must_use]
            pub const fn from_float(float: $float) -> Self {
                Self(float.to_bits())
            }

            /// As Rust's float type.
            #[must_use]
            pub const fn to_float(self) -> $float {
                <$float>::from_bits(self.0)
            }
        }

        impl From<$float> for $name {
            fn from(float: $float) -> Self {
                Self::from_float(float)
            }
        }

        impl From<$name> for $float {
            fn from(value: $name) -> Self {
                value.to_float()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.to_float(), f)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.to_float(), f)
            }
        }
    };
}

float_bits!(
    /// A Wasm `f32`, held as its bits.
    F32, u32, f32
);
float_bits!(
    /// A Wasm `f64`, held as its bits.
    F64, u64, f64
);
