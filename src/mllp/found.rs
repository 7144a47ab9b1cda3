//! Pieces of a byte stream, and a payload made into a frame.
//!
//! A piece is what was there, framing and all; what it should have been is not repaired here.

use bytes::Bytes;

use super::Anomaly;

/// What kind of piece it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoundKind {
    /// A frame with its end.
    Frame,
    /// Bytes outside any frame.
    Stray,
    /// A frame that had no end when the stream ended or the next one began.
    Unfinished,
    /// A frame or stray run that outgrew the limit; only its beginning is kept.
    Oversize,
}

/// A piece that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Offset of its first byte among all bytes of the connection.
    pub offset: u64,
    /// What kind of piece it is.
    pub kind: FoundKind,
    /// Its bytes as they were, framing included, up to the limit.
    pub bytes: Bytes,
    /// How many bytes it had.
    pub length: u64,
    /// What is wrong with its framing, by offset. Of very many inside one piece only the first are
    /// noted.
    pub anomalies: Vec<Anomaly>,
}

impl Found {
    /// Its bytes without framing; all of them when it is not framed.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        let all = &self.bytes[..];
        let payload = match self.kind {
            FoundKind::Stray => return all,
            FoundKind::Frame => strip_end(all),
            FoundKind::Unfinished | FoundKind::Oversize => all,
        };
        payload.strip_prefix(&[VT]).unwrap_or(payload)
    }
}

fn strip_end(frame: &[u8]) -> &[u8] {
    match frame {
        [payload @ .., FS, CR | LF] | [payload @ .., FS] => payload,
        _ => frame,
    }
}

/// `payload` as a frame.
#[must_use]
pub fn encode(payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(payload.len() + 3);
    frame.push(VT);
    frame.extend_from_slice(payload);
    frame.extend_from_slice(&[FS, CR]);
    frame
}

pub(super) const VT: u8 = 0x0b;
pub(super) const FS: u8 = 0x1c;
pub(super) const CR: u8 = b'\r';
pub(super) const LF: u8 = b'\n';
