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
        (near + correction(near < x, F::ONE)).copysign(x)
    } else {
        core::hint::cold_path();
        quiet(x)
    }
}

#[inline(always)]
pub(in crate::num) fn floor<F: Ieee>(x: F) -> F {
    if x.abs() < F::INTEGRAL {
        let near = to_integral(x.abs()).copysign(x);
        (near + correction(near > x, -F::ONE)).copysign(x)
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
        (near + correction(near > magnitude, -F::ONE)).copysign(x)
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

/// What to add to a result that may have gone the wrong way: 0 if it has not.
///
/// Adding +0 turns -0 into +0, so every caller has to restore the sign anyway.
/// That is on purpose: an addition of -0, or a subtraction of +0, changes nothing,
/// and LLVM would make a branch of it that no processor can predict. As it is,
/// this is a comparison into a mask.
#[inline(always)]
fn correction<F: Ieee>(wrong: bool, by: F) -> F {
    if wrong { by } else { F::ZERO }
}
