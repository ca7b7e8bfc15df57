//! Random tensors that are the same everywhere.
//!
//! Knows one generator, SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
//! generators", 2014): the state grows by `0x9e3779b97f4a7c15` per draw, and a draw is the state
//! after two multiply-and-shift rounds. A real number is the upper 53 bits of a draw divided by
//! 2^53, scaled to the range; a whole one is the upper half of draw × range width. Refuses to know
//! any other source of chance.

/// The generator.
#[derive(Clone, Debug)]
pub struct SplitMix64 {
    state: u64,
}

impl SplitMix64 {
    /// A generator that starts at `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next 64 bits.
    pub fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A real number from `min` up to, not including, `max`.
    #[expect(
        clippy::cast_precision_loss,
        reason = "53 bits are exact in 64-bit floats"
    )]
    pub fn real(&mut self, min: f64, max: f64) -> f64 {
        min + (self.draw() >> 11) as f64 / (1u64 << 53) as f64 * (max - min)
    }

    /// A whole number from `min` to `max`, both included.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the upper half of the product lies within the width, and the sum within the range"
    )]
    pub fn whole(&mut self, min: i64, max: i64) -> i64 {
        let width = i128::from(max) - i128::from(min) + 1;
        let step = (u128::from(self.draw()) * width.unsigned_abs()) >> 64;
        (i128::from(min) + step.cast_signed()) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::SplitMix64;
    use proptest::prelude::{any, proptest};

    #[test]
    fn draws_are_the_published_ones() {
        let mut generator = SplitMix64::new(1_234_567);
        let draws: Vec<u64> = (0..3).map(|_| generator.draw()).collect();
        assert_eq!(
            draws,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

    proptest! {
        #[test]
        fn numbers_stay_in_range(seed in any::<u64>(), one in any::<i64>(), other in any::<i64>()) {
            let (min, max) = (one.min(other), one.max(other));
            let mut generator = SplitMix64::new(seed);
            assert!((min..=max).contains(&generator.whole(min, max)));
            assert_eq!(generator.whole(min, min), min);
            let real = generator.real(-1.0, 2.0);
            assert!((-1.0..2.0).contains(&real));
        }
    }
}
