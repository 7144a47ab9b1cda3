//! A source out of the bytes of its file.

use std::sync::Arc;

use super::{Diagnostic, MAX_BYTES, Source};

impl Source {
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
