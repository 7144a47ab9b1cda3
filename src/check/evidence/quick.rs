//! A hash for the maps that hold something for every message of a history.
//!
//! The standard library's is made for short keys from anywhere and costs a fifth of judging. This
//! one multiplies and folds eight bytes at a time from a start that is drawn anew in every process,
//! so that nobody can write a history whose keys all collide. Nothing that is told depends on it.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::LazyLock;

/// Makes the hashers of one map.
#[derive(Clone, Debug)]
pub(crate) struct Quick {
    start: u64,
}

impl Default for Quick {
    fn default() -> Self {
        static START: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0));
        Self { start: *START }
    }
}

impl BuildHasher for Quick {
    type Hasher = Fold;

    fn build_hasher(&self) -> Fold {
        Fold(self.start)
    }
}

/// The hash of one key, as far as it has been read.
#[derive(Debug)]
pub(crate) struct Fold(u64);

impl Fold {
    /// A product alone would carry what differs in high bits no further, hence the fold.
    const fn word(&mut self, word: u64) {
        let product = (self.0 ^ word) as u128 * 0x9e37_79b9_7f4a_7c15_u128;
        self.0 = (product as u64) ^ (product >> 64) as u64;
    }
}

impl Hasher for Fold {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.word(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            self.word(u64::from_le_bytes(last));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.word(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.word(number);
    }

    fn write_usize(&mut self, number: usize) {
        self.word(number as u64);
    }

    fn finish(&self) -> u64 {
        // Where keys are one word, the last product is all there is between them. All 64 bits must
        // count: of a million keys, 32 would be shared by many.
        let mut last = Self(self.0);
        last.word(0x2545_f491_4f6c_dd1d);
        last.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::hash::BuildHasher;

    use super::Quick;

    #[test]
    fn a_hundred_thousand_keys_share_no_hash() {
        let quick = Quick::default();
        let keys = (0..100_000).map(|number: u32| format!("{number}").into_bytes());
        let hashes: HashSet<u64> = keys.map(|key| quick.hash_one(key)).collect();
        assert_eq!(hashes.len(), 100_000);
        let halves: HashSet<u32> =
            hashes.iter().map(|hash| (hash >> 32) as u32 ^ *hash as u32).collect();
        assert!(halves.len() > 90_000, "the halves of a hash say the same");
    }
}
