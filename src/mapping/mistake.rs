//! What is wrong with a piece of a mapping, before it is known where that piece was written.

use std::fmt;

use crate::yaml;

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
    pub(super) fn nearest<'a>(self, word: &str, valid: impl IntoIterator<Item = &'a str>) -> Self {
        match yaml::nearest(word, valid) {
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
