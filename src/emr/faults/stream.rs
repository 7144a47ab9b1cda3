//! Bytes that are made as they go out: never more than a piece of them is in memory.

/// Bytes that are made as they go out: a beginning, filler, an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stream {
    head: Vec<u8>,
    filler: u64,
    tail: Vec<u8>,
}

impl Stream {
    /// A beginning, so many bytes of filler, an end.
    pub(crate) const fn of(head: Vec<u8>, filler: u64, tail: Vec<u8>) -> Self {
        Self { head, filler, tail }
    }

    /// How many bytes are still to come.
    pub(crate) fn length(&self) -> u64 {
        self.head.len() as u64 + self.filler + self.tail.len() as u64
    }

    /// The first `length` bytes of it.
    pub(crate) fn cut(self, length: u64) -> Self {
        self.split(length).0
    }

    /// Its first `at` bytes, and the rest.
    pub(crate) fn split(mut self, at: u64) -> (Self, Self) {
        let off = |bytes: &mut Vec<u8>, at: u64| {
            let at = usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
            bytes.split_off(at)
        };
        let in_head = at.min(self.head.len() as u64);
        let filler = (at - in_head).min(self.filler);
        let head = off(&mut self.head, at);
        let tail = off(&mut self.tail, at - in_head - filler);
        let rest = Self { head, filler: self.filler - filler, tail };
        (Self { filler, ..self }, rest)
    }

    /// Takes the next piece off; none is left after the last.
    pub(crate) fn piece(&mut self) -> Option<Vec<u8>> {
        if !self.head.is_empty() {
            return Some(std::mem::take(&mut self.head));
        }
        if self.filler > 0 {
            let length = self.filler.min(PIECE_BYTES);
            self.filler -= length;
            return Some(vec![FILLER; usize::try_from(length).unwrap_or(usize::MAX)]);
        }
        (!self.tail.is_empty()).then(|| std::mem::take(&mut self.tail))
    }
}

/// How much of it is in memory at once.
const PIECE_BYTES: u64 = 64 * 1024;

/// What it is filled with.
pub(crate) const FILLER: u8 = b'x';

#[cfg(test)]
mod tests {
    use super::{FILLER, PIECE_BYTES, Stream};

    fn bytes(mut stream: Stream) -> Vec<u8> {
        let mut all = Vec::new();
        while let Some(piece) = stream.piece() {
            assert!(!piece.is_empty() && piece.len() as u64 <= PIECE_BYTES);
            all.extend(piece);
        }
        all
    }

    #[test]
    fn a_stream_that_is_split_anywhere_says_the_same() {
        let stream = || Stream { head: b"head".to_vec(), filler: 200_000, tail: b"tail".to_vec() };
        let whole = bytes(stream());
        assert_eq!(whole.len() as u64, stream().length());
        assert!(whole.starts_with(b"headx") && whole.ends_with(b"xtail"));
        assert_eq!(whole.iter().filter(|&&byte| byte == FILLER).count(), 200_000);
        for at in [0, 3, 4, 5, 100_000, 200_004, 200_006, 200_008, 300_000] {
            let (first, rest) = stream().split(at);
            assert_eq!(first.length(), at.min(stream().length()));
            assert_eq!([bytes(first), bytes(rest)].concat(), whole, "split at {at}");
        }
    }
}
