//! What an author wrote, read strictly: every mistake is a file, a line, a column and a hint.

use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;

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
}

/// A value together with the place where its author wrote it.
pub type At<T> = serde_yaml::Spanned<T>;

/// A mistake in a file: where it is, what it is, and what to try next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    source: Source,
    line: usize,
    column: usize,
    message: String,
    hint: Option<String>,
}

impl Diagnostic {
    /// A mistake at `line` and `column` (both from 1; 0 for the file as a whole).
    pub fn new(source: &Source, line: usize, column: usize, message: impl Into<String>) -> Self {
        Self { source: source.clone(), line, column, message: message.into(), hint: None }
    }

    /// The same mistake with advice on what to try.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// A mistake at the place of a located value.
    pub fn at<T>(source: &Source, place: &At<T>, message: impl Into<String>) -> Self {
        let line = usize::try_from(place.referenced.line()).unwrap_or(0);
        let column = usize::try_from(place.referenced.column()).unwrap_or(0);
        Self::new(source, line, column, message)
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}:{}: {}", self.source.name, self.line, self.column, self.message)?;
        if let Some(hint) = &self.hint {
            write!(out, "\nhint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}

/// Reads `source` as a `T`.
///
/// # Errors
/// The first mistake, with its place.
pub fn read<T: DeserializeOwned>(source: &Source) -> Result<T, Diagnostic> {
    serde_yaml::from_str(&source.text).map_err(|error| {
        let place = error.location();
        let line = place.and_then(|at| usize::try_from(at.line()).ok()).unwrap_or(0);
        let column = place.and_then(|at| usize::try_from(at.column()).ok()).unwrap_or(0);
        Diagnostic::new(source, line, column, error.without_snippet().to_string())
    })
}
