//! A checksum over a stored history, so that a line that was taken out, renumbered or edited
//! shows.
//!
//! It is no signature: whoever means to deceive can seal again what he has altered. What it
//! guards against is a recording that was trimmed, merged or mended on its way, by a person or by
//! a tool, and then passes for the whole.

/// Whether a history is as it was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Seal {
    /// It carries no seal: it was not stored yet, or was written by hand.
    #[default]
    None,
    /// It is as it was written.
    Intact,
    /// It was altered after it was written.
    Broken,
    /// Its end is missing, and the seal with it: whoever wrote it was ended in the middle, or the file
    /// was cut.
    Missing,
}

/// The FNV-1a of `bytes`, in 64 bits: the same on every machine, and good enough to tell cases apart.
#[must_use]
pub fn fingerprint(bytes: &[u8]) -> u64 {
    fnv(BASIS, bytes)
}

/// The checksum that a history is sealed with: each line in words of eight bytes, so that whoever
/// records a hundred thousand messages a second has time for it.
///
/// Every step can be undone, so what differs in one word differs for good.
#[derive(Clone, Copy, Debug)]
pub(super) struct Checksum(u64);

impl Checksum {
    pub(super) const fn new() -> Self {
        Self(BASIS)
    }

    /// Adds a line, which is given without its end.
    pub(super) fn add(&mut self, line: &[u8]) {
        let (words, rest) = line.as_chunks::<8>();
        for word in words {
            self.fold(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        last[rest.len()] = b'\n';
        self.fold(u64::from_le_bytes(last));
    }

    const fn fold(&mut self, word: u64) {
        let product = (self.0 ^ word).wrapping_mul(GOLDEN);
        self.0 = product ^ (product >> 32);
    }

    /// As it stands in the last line.
    pub(super) fn text(self) -> String {
        format!("words-64:{:016x}", self.0)
    }
}

/// The checksums that a history may be sealed with, while it is read: earlier versions sealed with
/// FNV-1a, byte by byte.
#[derive(Clone, Copy, Debug)]
pub(super) struct Checksums {
    words: Checksum,
    bytes: u64,
}

impl Checksums {
    pub(super) const fn new() -> Self {
        Self { words: Checksum::new(), bytes: BASIS }
    }

    /// Adds a line, which is given without its end.
    pub(super) fn add(&mut self, line: &[u8]) {
        self.words.add(line);
        self.bytes = fnv(fnv(self.bytes, line), b"\n");
    }

    /// Whether this is the seal of all that was added.
    pub(super) fn fit(self, seal: &str) -> bool {
        seal == self.words.text() || seal == format!("fnv1a-64:{:016x}", self.bytes)
    }
}

/// FNV-1a in 64 bits, from `state` on.
fn fnv(mut state: u64, bytes: &[u8]) -> u64 {
    for byte in bytes {
        state = (state ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3);
    }
    state
}

/// Where FNV-1a begins.
const BASIS: u64 = 0xCBF2_9CE4_8422_2325;

/// 2^64 by the golden ratio, and odd, so that no product loses anything.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

#[cfg(test)]
mod tests {
    use super::{Checksum, Checksums, fingerprint};
    use quickcheck::quickcheck;
    use rstest::rstest;

    /// From the tables of the algorithm's authors (Fowler, Noll and Vo).
    #[rstest]
    #[case("", 0xcbf2_9ce4_8422_2325)]
    #[case("a", 0xaf63_dc4c_8601_ec8c)]
    #[case("foobar", 0x8594_4171_f739_67e8)]
    fn the_fingerprint_is_the_published_one(#[case] text: &str, #[case] expected: u64) {
        assert_eq!(fingerprint(text.as_bytes()), expected);
    }

    fn sealed<'t>(lines: impl IntoIterator<Item = &'t [u8]>) -> String {
        let mut checksum = Checksum::new();
        lines.into_iter().for_each(|line| checksum.add(line));
        checksum.text()
    }

    #[test]
    fn where_a_line_ends_and_where_it_stands_makes_a_difference() {
        let all = [
            sealed([&b"1234567"[..], b"8"]),
            sealed([&b"12345678"[..]]),
            sealed([&b"12345678"[..], b""]),
            sealed([&b"8"[..], b"1234567"]),
            sealed([&b"1234567\0"[..]]),
        ];
        for (index, one) in all.iter().enumerate() {
            assert!(all[..index].iter().all(|other| other != one), "{all:?}");
        }
    }

    #[test]
    fn the_seals_of_earlier_versions_are_known() {
        let mut checksums = Checksums::new();
        checksums.add(b"foobar");
        assert!(checksums.fit(&sealed([&b"foobar"[..]])));
        assert!(checksums.fit(&format!("fnv1a-64:{:016x}", fingerprint(b"foobar\n"))));
        assert!(!checksums.fit(&sealed([&b"foobaz"[..]])));
    }

    quickcheck! {
        fn a_byte_that_is_another_shows(line: Vec<u8>, at: usize, other: u8) -> bool {
            let mut changed = line.clone();
            let Some(byte) = at.checked_rem(line.len()).map(|at| &mut changed[at]) else { return true };
            *byte ^= other.max(1);
            sealed([&line[..]]) != sealed([&changed[..]])
        }
    }
}
