//! The text of one file, taken in with its bounds checked.
//!
//! It does **not** open files: whoever reads a file hands over the bytes.

use std::sync::Arc;

use super::Diagnostic;

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

    /// A source of the given name and the bytes of its file; a byte order mark is dropped.
    ///
    /// # Errors
    /// The file is larger than [`MAX_BYTES`], or not UTF-8; the latter with the place of the
    /// first byte that is wrong.
    pub fn from_bytes(name: impl Into<Arc<str>>, bytes: Vec<u8>) -> Result<Self, Diagnostic> {
        let name = name.into();
        if bytes.len() > MAX_BYTES {
            let message = format!("the file has {} bytes, which is too many", bytes.len());
            let hint = format!("a file may have {MAX_BYTES} bytes at the most");
            return Err(Diagnostic::new(&Self::new(name, ""), 1, 1, message).hint(hint));
        }
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self::new(name, text.strip_prefix('\u{feff}').unwrap_or(&text))),
            Err(error) => Err(not_utf8(name, error.as_bytes(), error.utf8_error().valid_up_to())),
        }
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

/// Says where the first byte is that is no UTF-8, and which it is.
fn not_utf8(name: Arc<str>, bytes: &[u8], offset: usize) -> Diagnostic {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let before = String::from_utf8_lossy(bytes.get(..offset).unwrap_or_default());
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    let byte = bytes.get(offset).copied().unwrap_or_default();
    let message = format!("the file is not UTF-8: the byte {byte:02X} at offset {offset}");
    Diagnostic::new(&Source::new(name, text), line, column, message)
        .hint("save the file as UTF-8; a byte to put on the wire is written `<E9>` in `raw`")
}
