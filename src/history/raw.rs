//! Raw bytes that stay readable when stored.
//!
//! Each byte is written as the character of the same number (`0x0B` as `\u000b`, `0xE9` as `é`),
//! so that an ASCII message reads as itself in the JSON and no byte is ever lost or guessed.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes exactly as they were on the wire.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Raw(pub Bytes);

impl Raw {
    /// The bytes.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for Raw {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl From<&[u8]> for Raw {
    fn from(bytes: &[u8]) -> Self {
        Self(Bytes::copy_from_slice(bytes))
    }
}

impl fmt::Debug for Raw {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "\"{}\"", self.0.escape_ascii())
    }
}

impl Serialize for Raw {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_ascii()
            && let Ok(text) = std::str::from_utf8(&self.0)
        {
            return serializer.serialize_str(text);
        }
        let text: String = self.0.iter().map(|&byte| char::from(byte)).collect();
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let bytes = text.chars().map(|character| u8::try_from(u32::from(character)));
        let bytes: Result<Vec<u8>, _> = bytes.collect();
        bytes.map(Self::from).map_err(|_| {
            serde::de::Error::custom(
                "raw bytes hold a character above U+00FF, so they are no bytes",
            )
        })
    }
}
