//! What an author wrote, read strictly: every mistake is a file, a line, a column and a hint.
//!
//! Text becomes a tree of [`Node`]s that know their places, and every reader works on that
//! tree: by hand through [`Fields`], or into any type that serde can fill ([`read`]). The YAML
//! library's own messages are met only where the text is no YAML at all. This room does **not**
//! open files and knows nothing of what the files are about.

mod bytes;
mod deserialize;
mod diagnostic;
mod nearest;
mod node;
mod parse;
mod source;

pub use diagnostic::Diagnostic;
pub use nearest::nearest;
pub use node::{Fields, Key, Node, Place, Value};
pub use parse::parse;
pub use source::{MAX_BYTES, Source};

use serde::de::DeserializeOwned;

/// A value together with the place where its author wrote it.
pub type At<T> = serde_yaml::Spanned<T>;

/// Reads `source` as a `T`.
///
/// A number is taken as text where text is wanted, in the spelling that its author chose
/// (`007` stays `007`); `true`, `null` and the like are not.
///
/// # Errors
/// The first mistake, with its place.
pub fn read<T: DeserializeOwned>(source: &Source) -> Result<T, Diagnostic> {
    parse(source)?.read()
}

#[cfg(test)]
mod tests;
