//! What is wrong with a piece of a mapping, before it is known where that piece was written.

use std::fmt;

/// A mistake inside one written value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    /// What is wrong, as a lowercase fragment.
    message: String,
    /// What to try next.
    hint: Option<String>,
    /// The part of the value that is wrong, if it is not the whole of it.
    part: Option<String>,
}

impl Mistake {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, part: None }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(super) fn part(mut self, part: impl Into<String>) -> Self {
        self.part = Some(part.into());
        self
    }

    /// With the word nearest to `word` as its hint, if one is near.
    pub(super) fn nearest<'a>(
        self,
        word: &str,
        valid: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        match nearest(word, valid) {
            Some(near) => self.hint(format!("did you mean `{near}`?")),
            None => self,
        }
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }

    pub(super) fn advice(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    pub(super) fn place(&self) -> Option<&str> {
        self.part.as_deref()
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(out, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Mistake {}

/// The valid word that is nearest to `word`, if it is near enough to have been meant.
fn nearest<'a>(word: &str, valid: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = word.chars().count().div_ceil(3).max(2);
    valid
        .into_iter()
        .map(|candidate| (edits(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// How many characters must be inserted, removed or replaced to make `to` of `from`.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, letter) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, other) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{edits, nearest};

    #[rstest]
    #[case("", "", 0)]
    #[case("abc", "", 3)]
    #[case("kitten", "sitting", 3)]
    #[case("order.nummer", "order.number", 1)]
    fn edits_are_counted_by_character(#[case] from: &str, #[case] to: &str, #[case] count: usize) {
        assert_eq!(edits(from, to), count);
        assert_eq!(edits(to, from), count);
    }

    #[test]
    fn a_word_that_is_far_from_all_has_no_nearest() {
        assert_eq!(nearest("zzzzzz", ["site", "now"]), None);
        assert_eq!(nearest("sites", ["site", "now"]), Some("site"));
    }
}
