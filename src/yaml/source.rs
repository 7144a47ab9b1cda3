//! The text of one file, taken in with its bounds checked.
//!
//! It does **not** open files: whoever reads a file hands over the bytes.

use std::sync::Arc;

/// The largest file that is read, in bytes: nobody writes more than this by hand.
pub const MAX_BYTES: usize = 1024 * 1024;

/// One file that somebody wrote: its name as the author knows it, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The path or name to show in messages.
    pub name: Arc<str>,
    /// The whole text.
    pub text: Arc<str>,
}

impl Source {
    /// A source of the given name and text.
    pub fn new(name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), text: text.into() }
    }

    /// Whether nothing but comments stands in it.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.text.lines().all(|line| line.trim().is_empty() || line.starts_with('#'))
    }

    /// The line of this number, from 1, without its end.
    pub(super) fn line(&self, number: usize) -> Option<&str> {
        self.text.lines().nth(number.checked_sub(1)?)
    }
}
