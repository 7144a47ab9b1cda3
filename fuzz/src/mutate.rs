//! Inputs that were never seen, from inputs that were: a few random changes to a random seed.
//!
//! The same seed gives the same inputs in the same order, on every machine. It does **not** learn from
//! what a target does with them; that is what libFuzzer is for.

/// Makes one input after the other.
pub struct Mutator {
    random: Random,
    seeds: Vec<Vec<u8>>,
    words: &'static [&'static str],
    most_bytes: usize,
    input: Vec<u8>,
}

impl Mutator {
    /// Inputs of at most so many bytes, made of `seeds` and `words`.
    pub fn new(
        seed: u64,
        seeds: Vec<Vec<u8>>,
        words: &'static [&'static str],
        most_bytes: usize,
    ) -> Self {
        assert!(!seeds.is_empty(), "invariant: there is something to begin with");
        Self { random: Random(seed), seeds, words, most_bytes, input: Vec::new() }
    }

    /// The next input.
    pub fn next(&mut self) -> &[u8] {
        let seed = self.random.below(self.seeds.len());
        self.input.clear();
        self.input.extend_from_slice(&self.seeds[seed]);
        for _ in 0..=self.random.below(MOST_CHANGES) {
            self.change();
        }
        self.input.truncate(self.most_bytes);
        &self.input
    }

    fn change(&mut self) {
        let at = self.random.below(self.input.len() + 1);
        let piece = self.piece();
        match self.random.below(10) {
            0 => self.flip(at),
            1 => {
                let byte = self.random.next().to_le_bytes()[0];
                self.put(at, &[byte]);
            }
            2 => drop(self.input.drain(piece)),
            3 => self.input.truncate(at),
            4 => self.again(at, piece),
            5 => self.splice(at),
            6 => self.input[piece].reverse(),
            _ => self.word(at),
        }
    }

    /// One bit of a byte, or all of it.
    fn flip(&mut self, at: usize) {
        let mask = if self.random.below(4) == 0 { 0xff } else { 1 << self.random.below(8) };
        if let Some(byte) = self.input.get_mut(at) {
            *byte ^= mask;
        }
    }

    /// A piece of the input once more, or very often.
    fn again(&mut self, at: usize, piece: std::ops::Range<usize>) {
        let piece = self.input[piece].to_vec();
        let often = if self.random.below(8) == 0 { 64 } else { 1 + self.random.below(3) };
        let room = self.most_bytes / piece.len().max(1);
        self.put(at, &piece.repeat(often.min(room)));
    }

    /// What follows a place in another seed.
    fn splice(&mut self, at: usize) {
        let other = &self.seeds[self.random.below(self.seeds.len())];
        let from = self.random.below(other.len() + 1);
        let to = from + self.random.below(other.len() - from + 1);
        let piece = other[from..to].to_vec();
        self.put(at, &piece);
    }

    /// A word that means something, in between or in the place of what stands there.
    fn word(&mut self, at: usize) {
        let Some(word) = self.words.get(self.random.below(self.words.len().max(1))) else {
            return;
        };
        if self.random.below(2) == 0 {
            let end = (at + word.len()).min(self.input.len());
            self.input.drain(at..end);
        }
        self.put(at, word.as_bytes());
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        self.input.splice(at..at, bytes.iter().copied());
    }

    /// Some part of the input, mostly a short one.
    fn piece(&mut self) -> std::ops::Range<usize> {
        let from = self.random.below(self.input.len() + 1);
        let rest = self.input.len() - from;
        let longest = if self.random.below(4) == 0 { rest } else { rest.min(40) };
        from..from + self.random.below(longest + 1)
    }
}

/// How many changes one input has at the most.
const MOST_CHANGES: usize = 6;

/// SplitMix64.
pub struct Random(pub u64);

impl Random {
    /// A number below `bound`, which is at least 1.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).expect("invariant: lengths fit");
        usize::try_from(self.next() % bound).expect("invariant: it is below a length")
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
