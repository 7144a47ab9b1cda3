//! A checksum over a stored history, so that a line that was taken out, renumbered or edited
//! shows.
//!
//! It is no signature: whoever means to deceive can seal again what he has altered. What it
//! guards against is a recording that was trimmed, merged or mended on its way, by a person or by
//! a tool, and then passes for the whole.

use std::io::{self, Write};

/// Whether a history is as it was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Seal {
    /// It carries no seal: it was not stored yet, or was written by hand.
    #[default]
    None,
    /// It is as it was written.
    Intact,
    /// It was altered after it was written, or its end is missing.
    Broken,
}

/// FNV-1a in 64 bits: every byte changes all that follows, it is the same on every machine, and it needs no
/// more code than this.
#[derive(Clone, Copy, Debug)]
pub(super) struct Checksum(u64);

/// The FNV-1a of `bytes`, in 64 bits: the same on every machine, and good enough to tell cases apart.
#[must_use]
pub fn fingerprint(bytes: &[u8]) -> u64 {
    let mut checksum = Checksum::new();
    checksum.add(bytes);
    checksum.0
}

impl Checksum {
    pub(super) const fn new() -> Self {
        Self(0xCBF2_9CE4_8422_2325)
    }

    pub(super) fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
    }

    /// As it stands in the last line.
    pub(super) fn text(self) -> String {
        format!("fnv1a-64:{:016x}", self.0)
    }
}

/// Writes through, and adds up what was written.
pub(super) struct Sealing<W> {
    out: W,
    pub(super) checksum: Checksum,
}

impl<W> Sealing<W> {
    pub(super) const fn new(out: W) -> Self {
        Self { out, checksum: Checksum::new() }
    }
}

impl<W: Write> Write for Sealing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.checksum.add(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::Checksum;
    use rstest::rstest;

    /// From the tables of the algorithm's authors (Fowler, Noll and Vo).
    #[rstest]
    #[case("", "fnv1a-64:cbf29ce484222325")]
    #[case("a", "fnv1a-64:af63dc4c8601ec8c")]
    #[case("foobar", "fnv1a-64:85944171f73967e8")]
    fn the_checksum_is_the_published_one(#[case] text: &str, #[case] expected: &str) {
        let mut checksum = Checksum::new();
        checksum.add(text.as_bytes());
        assert_eq!(checksum.text(), expected);
    }
}
