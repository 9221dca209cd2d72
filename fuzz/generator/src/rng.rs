//! The source of all choices: a seed, or bytes and then a seed.

/// Gives bytes as long as there are any, then SplitMix64: small, fast, and good
/// enough to spread choices.
///
/// Bytes are taken as few as a choice needs, so that who changes one of them
/// changes one choice.
#[derive(Debug, Clone)]
pub(crate) struct Rng {
    bytes: Vec<u8>,
    next: usize,
    state: u64,
}

impl Rng {
    pub(crate) const fn new(seed: u64) -> Self {
        Self {
            bytes: Vec::new(),
            next: 0,
            state: seed,
        }
    }

    /// The first eight bytes are the seed of what follows the last one.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        let (seed, rest) = bytes.split_at(bytes.len().min(8));
        let seed = seed
            .iter()
            .fold(0, |seed, byte| seed << 8 | u64::from(*byte));
        Self {
            bytes: rest.to_vec(),
            next: 0,
            state: seed,
        }
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.take(8).unwrap_or_else(|| self.mix())
    }

    /// So many bytes as a number, if they are there.
    fn take(&mut self, count: usize) -> Option<u64> {
        let taken = self.bytes.get(self.next..self.next + count)?;
        self.next += count;
        Some(
            taken
                .iter()
                .fold(0, |bits, byte| bits << 8 | u64::from(*byte)),
        )
    }

    const fn mix(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`, which is not zero.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        let width = if limit <= 1 << 8 { 1 } else { 2 };
        let bits = if limit <= 1 << 16 {
            self.take(width)
        } else {
            None
        };
        (bits.unwrap_or_else(|| self.bits()) % limit as u64) as usize
    }

    /// True in `percent` of 100 cases.
    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of some things.
    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// One of some things, each as likely as its weight says.
    pub(crate) fn weighted<T: Copy>(&mut self, from: &[(usize, T)]) -> T {
        let total = from.iter().map(|(weight, _)| weight).sum();
        let mut at = self.below(total);
        for &(weight, thing) in from {
            match at.checked_sub(weight) {
                None => return thing,
                Some(rest) => at = rest,
            }
        }
        unreachable!("the weights add up to their sum")
    }
}

/// Bytes for generators that want some: a function of the seed.
#[must_use]
pub fn bytes(seed: u64, len: usize) -> Vec<u8> {
    let mut rng = Rng::new(seed);
    (0..len).map(|_| rng.bits() as u8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_is_a_choice_and_a_seed_goes_on() {
        let mut rng = Rng::from_bytes(&[0, 0, 0, 0, 0, 0, 0, 7, 3, 250, 1, 2]);
        assert_eq!(rng.below(10), 3);
        assert_eq!(rng.below(256), 250);
        assert_eq!(rng.below(1000), 0x102);
        assert_eq!(rng.bits(), Rng::new(7).bits());
    }
}
