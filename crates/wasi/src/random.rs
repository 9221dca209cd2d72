//! Sources of random bytes: the system's, and a seeded one for runs that must
//! repeat exactly.

use crate::Errno;

/// Where the guest's random bytes come from.
pub trait RandomSource: Send {
    /// Fills all of `buffer`.
    ///
    /// # Errors
    ///
    /// [`Errno::Io`] or a better fitting number when no bytes can be had.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), Errno>;
}

/// The operating system's source, fit for keys.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl RandomSource for SystemRandom {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), Errno> {
        getrandom::fill(buffer).map_err(|_| Errno::Io)
    }
}

/// The generator `SplitMix64`: the same seed gives the same bytes, however they
/// are cut into calls of a multiple of eight. **Not** for secrets.
#[derive(Debug, Clone)]
pub struct SeededRandom {
    state: u64,
}

impl SeededRandom {
    /// A generator that starts at `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }
}

impl RandomSource for SeededRandom {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), Errno> {
        for chunk in buffer.chunks_mut(8) {
            let bytes = self.next().to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_fixes_the_bytes() {
        // First output of SplitMix64 for seed 0, from its reference code.
        let mut bytes = [0; 8];
        SeededRandom::new(0).fill(&mut bytes).unwrap();
        assert_eq!(u64::from_le_bytes(bytes), 0xe220_a839_7b1d_cdaf);
        let (mut first, mut second) = ([0; 21], [0; 21]);
        SeededRandom::new(7).fill(&mut first).unwrap();
        SeededRandom::new(7).fill(&mut second).unwrap();
        assert_eq!(first, second);
        SeededRandom::new(8).fill(&mut second).unwrap();
        assert_ne!(first, second);
    }

    #[test]
    fn the_system_gives_bytes() {
        let mut bytes = [0; 64];
        SystemRandom.fill(&mut bytes).unwrap();
        assert_ne!(bytes, [0; 64]);
    }
}
