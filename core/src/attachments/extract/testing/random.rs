//! Seeded damage.

/// SplitMix64: small, and the same numbers on every machine.
pub(in super::super) struct Random(u64);

impl Random {
    pub(in super::super) fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    pub(in super::super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(in super::super) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound.max(1)).unwrap()).unwrap()
    }

    /// A copy of `bytes` with up to eight bytes, or one stretch, changed, cut out or repeated.
    pub(in super::super) fn damaged(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut damaged = bytes.to_vec();
        for _ in 0..=self.below(8) {
            let at = self.below(damaged.len());
            let to = (at + 1 + self.below(64)).min(damaged.len());
            match self.below(6) {
                0 => damaged.truncate(at),
                1 => drop(damaged.drain(at..to)),
                2 => {
                    let stretch = damaged[at..to].to_vec();
                    let other = self.below(damaged.len());
                    damaged.splice(other..other, stretch);
                }
                3 => {
                    if let Some(byte) = damaged.get_mut(at) {
                        *byte ^= 1 << self.below(8);
                    }
                }
                4 => {
                    let digits = [b"99999999999".as_slice(), b"-1", b"0", b"2147483648"];
                    damaged.splice(at..at, digits[self.below(4)].iter().copied());
                }
                _ => {
                    if let Some(byte) = damaged.get_mut(at) {
                        *byte = u8::try_from(self.below(256)).unwrap();
                    }
                }
            }
            if damaged.is_empty() {
                break;
            }
        }
        damaged
    }
}
