//! What the small workloads in `workloads/kernels/` must give, in Rust: an opinion of
//! its own, for every size.
//!
//! They are text and have no command line, so there is no native build of the same
//! source to compare with, as there is for the programs.

use crate::engine::host;

/// A module in the text format, and what its export `run` must give.
#[derive(Clone, Copy)]
pub(crate) struct Kernel {
    pub(crate) text: &'static str,
    pub(crate) expected: fn(i32) -> i32,
}

macro_rules! kernels {
    ($($function:ident $file:literal)*) => {
        /// The kernel in `NAME.wat`.
        pub(crate) fn kernel(name: &str) -> Option<Kernel> {
            match name {
                $( $file => Some(Kernel {
                    text: include_str!(concat!("../../workloads/kernels/", $file, ".wat")),
                    expected: $function,
                }), )*
                _ => None,
            }
        }

        #[cfg(test)]
        pub(crate) const NAMES: &[&str] = &[$($file),*];
    };
}

kernels! {
    bulk_memory "bulk_memory"
    count "count_global"
    count "count_local"
    count "count_param"
    fib "fib_iter"
    fib "fib_tail"
    host_calls "host_calls"
}

fn count(n: i32) -> i32 {
    n
}

/// By doubling, which is another way than that of the modules: F(2k) and F(2k + 1) from
/// F(k) and F(k + 1).
fn fib(n: i32) -> i32 {
    let (mut a, mut b) = (0_u64, 1_u64);
    for bit in (0..31).rev() {
        let twice_b = b.wrapping_mul(2);
        let even = a.wrapping_mul(twice_b.wrapping_sub(a));
        let odd = a.wrapping_mul(a).wrapping_add(b.wrapping_mul(b));
        (a, b) = match n >> bit & 1 {
            0 => (even, odd),
            _ => (odd, even.wrapping_add(odd)),
        };
    }
    ((a ^ (a >> 32)) as u32).cast_signed()
}

fn host_calls(n: i32) -> i32 {
    (1..=n).rev().fold(0, host::mix)
}

fn bulk_memory(n: i32) -> i32 {
    let mut memory = vec![0_u8; 4 * 65536];
    let mut sum = 0_i32;
    for turn in (1..=n).rev() {
        let len = 16 << (turn % 11);
        let at = turn.wrapping_mul(4099) as usize & 0xffff;
        let mark = at + (turn.wrapping_mul(13) as usize & (len - 1));
        memory[at..at + len].fill(turn as u8);
        memory[mark] = turn.wrapping_mul(7) as u8;
        memory.copy_within(at..at + len, at + 0x18000);
        memory.copy_within(at + 0x18000..at + 0x18000 + len, at + 0x18003);
        let (moved, first) = (memory[mark + 0x18003], memory[at + 0x18000]);
        sum = sum.wrapping_mul(31) + (i32::from(moved) - i32::from(first));
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_way_to_fibonacci_numbers_is_right() {
        let (mut a, mut b) = (0_u64, 1_u64);
        for n in 0..200 {
            assert_eq!(fib(n), ((a ^ (a >> 32)) as u32).cast_signed(), "{n}");
            (a, b) = (b, a.wrapping_add(b));
        }
    }
}
