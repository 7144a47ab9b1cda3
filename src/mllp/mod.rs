//! Bytes to frames and back: the minimal lower layer protocol, release 1 (`VT` payload `FS CR`).
//!
//! Sans-IO and incremental. A framing mistake is a value with its offset, never an error. This room
//! does **not** read what is inside a frame, but for the `MSH` that tells a lost frame end from a
//! stray start byte.

mod decoder;
mod found;

pub use decoder::{Decoder, Pending};
pub use found::{Found, FoundKind, encode};

use serde::{Deserialize, Serialize};

/// Something wrong with the framing, at an offset among all bytes of its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anomaly {
    /// Offset of the byte that shows it.
    pub offset: u64,
    /// What is wrong.
    pub kind: AnomalyKind,
}

/// What can be wrong with framing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnomalyKind {
    /// Bytes stand outside any frame.
    StrayBytes,
    /// A start byte stands inside a frame.
    StartInside,
    /// An end byte stands inside a frame.
    EndInside,
    /// The end byte is not followed by a carriage return.
    NoCarriageReturn,
    /// The frame has no end.
    NoEnd,
    /// The payload is empty.
    Empty,
    /// The frame outgrew the limit.
    Oversize,
}
