//! What is wrong with a piece of a mapping, before it is known where that piece was written.

use std::fmt;

use crate::yaml;

/// A mistake inside one written value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// What is wrong, as a lowercase fragment.
    message: String,
    /// What to try next.
    hint: Option<String>,
    /// The part of the value that is wrong, if it is not the whole of it.
    part: Option<String>,
}

impl Mistake {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, part: None }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn part(mut self, part: impl Into<String>) -> Self {
        self.part = Some(part.into());
        self
    }

    /// With the word nearest to `word` as its hint, if one is near.
    pub(crate) fn nearest<'a>(self, word: &str, valid: impl IntoIterator<Item = &'a str>) -> Self {
        match yaml::nearest(word, valid) {
            Some(near) => self.hint(format!("did you mean `{near}`?")),
            None => self,
        }
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn advice(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    pub(crate) fn place(&self) -> Option<&str> {
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
