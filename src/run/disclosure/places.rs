//! The places of a text: which known texts stand at one, and what stands before it.

use std::collections::{BTreeMap, BTreeSet};

/// Texts, found by what stands at a place.
#[derive(Debug)]
pub(crate) struct Index<T> {
    pub(crate) texts: BTreeMap<Vec<u8>, T>,
    /// How long the texts are that begin with a byte.
    lengths: BTreeMap<u8, BTreeSet<usize>>,
    /// How many bytes the longest has.
    pub(crate) longest: usize,
}

impl<T> Default for Index<T> {
    fn default() -> Self {
        Self { texts: BTreeMap::new(), lengths: BTreeMap::new(), longest: 0 }
    }
}

impl<T> Index<T> {
    /// What is there for `text`, or `new` from now on.
    pub(crate) fn add(&mut self, text: &[u8], new: T) -> &mut T {
        if let Some(&first) = text.first() {
            self.lengths.entry(first).or_default().insert(text.len());
            self.longest = self.longest.max(text.len());
        }
        self.texts.entry(text.to_vec()).or_insert(new)
    }

    /// The texts that begin at a place, and where each ends.
    pub(crate) fn at<'i>(
        &'i self,
        text: &'i [u8],
        at: usize,
    ) -> impl Iterator<Item = (&'i T, usize)> {
        let lengths = text.get(at).and_then(|first| self.lengths.get(first)).into_iter().flatten();
        lengths.filter_map(move |length| {
            let end = at + length;
            Some((self.texts.get(text.get(at..end)?)?, end))
        })
    }
}

/// The character that some bytes end in, if it is within ASCII, or a byte that is not; an escape of a
/// URL or of JSON is what it stands for.
pub(crate) fn character_before(bytes: &[u8]) -> Option<u8> {
    let escaped = |mark: &[u8], digits: usize| {
        let (rest, digits) = bytes.split_at_checked(bytes.len().checked_sub(digits)?)?;
        let digits = digits.iter().all(u8::is_ascii_hexdigit).then_some(digits)?;
        let code = u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        rest.ends_with(mark).then(|| u8::try_from(code).unwrap_or(u8::MAX))
    };
    let blank = match bytes {
        [.., b'\\', b't' | b'n' | b'r'] => Some(b' '),
        _ => None,
    };
    let character = blank.or_else(|| escaped(b"%", 2)).or_else(|| escaped(b"\\u", 4));
    character.or_else(|| bytes.last().copied())
}

/// How many bytes the longest escape has, `\u005e`.
pub(crate) const LONGEST_ESCAPE: usize = 6;
