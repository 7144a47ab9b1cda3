//! Chance that can be repeated: everything that is drawn follows from one number.
//!
//! The generator of quickcheck would do for tests, but what it draws from a seed may change with
//! its version, and a seed that somebody noted down must mean the same next year. SplitMix64
//! (Steele, Lea and Flood 2014) is a counter and a mixing function, and passes the usual tests of
//! randomness.

/// A source of numbers that follow from a seed.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

/// The golden ratio's fraction: by how much the counter moves on.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

impl Random {
    /// The numbers of one schedule: those of its neighbours have nothing to do with them.
    pub(crate) const fn of(seed: u64, number: u64) -> Self {
        Self(mixed(seed ^ mixed(number.wrapping_add(STEP))))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mixed(self.0)
    }

    /// A number from 0 up to `bound`, which is not among them.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        // The upper half of a product is as evenly spread as the factor, and takes no division.
        let product = u128::from(self.next()) * u128::from(bound);
        u64::try_from(product >> 64).unwrap_or(0)
    }

    /// True in so many of a hundred cases.
    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of these; none of none.
    pub(crate) fn pick<'a, T>(&mut self, among: &'a [T]) -> Option<&'a T> {
        let index = usize::try_from(self.below(among.len() as u64)).unwrap_or(0);
        among.get(index)
    }

    /// Takes one of these away.
    pub(crate) fn take<T>(&mut self, among: &mut Vec<T>) -> Option<T> {
        if among.is_empty() {
            return None;
        }
        let index = usize::try_from(self.below(among.len() as u64)).unwrap_or(0);
        Some(among.swap_remove(index))
    }
}

const fn mixed(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn a_seed_means_the_same_numbers_for_ever() {
        let mut random = Random(0);
        // The first outputs of SplitMix64 for the seed 0, as its authors' code prints them.
        assert_eq!(random.next(), 0xE220_A839_7B1D_CDAF);
        assert_eq!(random.next(), 0x6E78_9E6A_A1B9_65F4);
        assert_eq!(random.next(), 0x06C4_5D18_8009_454F);
    }

    #[test]
    fn every_one_of_a_few_is_drawn_about_as_often() {
        let mut random = Random::of(1, 1);
        let mut seen = [0_u32; 10];
        for _ in 0..10_000 {
            seen[usize::try_from(random.below(10)).unwrap()] += 1;
        }
        assert!(seen.iter().all(|times| (850..1_150).contains(times)), "{seen:?}");
    }
}
