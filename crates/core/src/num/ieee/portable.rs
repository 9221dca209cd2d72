//! Rounding with additions and comparisons only: bit-exact and without calls on
//! processors that have no rounding instruction.
//!
//! With `p` fraction bits, every float of magnitude 2^p or more is integral, and
//! between 2^p and 2^(p+1) the distance of neighbours is 1. So for a magnitude
//! below 2^p, adding 2^p lets the processor round to an integer (to nearest, ties
//! to even, the only rounding mode a Rust program runs in) and subtracting it
//! again is exact. `ceil`, `floor` and `trunc` correct the result by one where it
//! went the wrong way. Only the sign of a zero can come out wrong; the operand's
//! sign is always the right one.

use super::{Ieee, quiet};

#[inline(always)]
pub(in crate::num) fn nearest<F: Ieee>(x: F) -> F {
    if x.abs() < F::INTEGRAL {
        to_integral(x.abs()).copysign(x)
    } else {
        core::hint::cold_path();
        quiet(x)
    }
}

#[inline(always)]
pub(in crate::num) fn ceil<F: Ieee>(x: F) -> F {
    if x.abs() < F::INTEGRAL {
        let near = to_integral(x.abs()).copysign(x);
        // From below -0.5 to zero: -1 + 1 is +0, but has to be -0.
        (near + one_if::<F>(near < x)).copysign(x)
    } else {
        core::hint::cold_path();
        quiet(x)
    }
}

#[inline(always)]
pub(in crate::num) fn floor<F: Ieee>(x: F) -> F {
    if x.abs() < F::INTEGRAL {
        let near = to_integral(x.abs()).copysign(x);
        // -0 - 0 is -0, so that the sign is right without another `copysign`.
        near - one_if::<F>(near > x)
    } else {
        core::hint::cold_path();
        quiet(x)
    }
}

#[inline(always)]
pub(in crate::num) fn trunc<F: Ieee>(x: F) -> F {
    let magnitude = x.abs();
    if magnitude < F::INTEGRAL {
        let near = to_integral(magnitude);
        (near - one_if::<F>(near > magnitude)).copysign(x)
    } else {
        core::hint::cold_path();
        quiet(x)
    }
}

/// The integer nearest to a magnitude below `INTEGRAL`, ties to even.
#[inline(always)]
fn to_integral<F: Ieee>(magnitude: F) -> F {
    (magnitude + F::INTEGRAL) - F::INTEGRAL
}

/// Compiles to a mask, not to a branch.
#[inline(always)]
fn one_if<F: Ieee>(condition: bool) -> F {
    if condition { F::ONE } else { F::ZERO }
}
