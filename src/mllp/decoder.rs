//! Bytes in, frames out, however the bytes are cut.
//!
//! The decoder holds no clock and no socket. It never fails: whatever arrives becomes a piece with
//! its anomalies. Each byte is looked at once, and of a piece no more than the limit is kept.

use std::collections::VecDeque;

use bytes::Bytes;

use super::found::{CR, FS, LF, VT};
use super::{Anomaly, AnomalyKind, Found, FoundKind};

/// Takes bytes as they arrive and gives pieces as they end.
///
/// ```
/// use chargeproof::mllp::{Decoder, encode};
/// let mut decoder = Decoder::new(1 << 20);
/// decoder.feed(&encode(b"MSH|^~\\&|\r"));
/// let found = decoder.next().expect("a whole frame was fed");
/// assert_eq!(found.payload(), b"MSH|^~\\&|\r");
/// ```
#[derive(Clone, Debug)]
pub struct Decoder {
    limit: usize,
    /// Bytes taken in so far on this connection.
    taken: u64,
    piece: Option<Open>,
    done: VecDeque<Found>,
}

/// A piece that has begun and not ended.
#[derive(Clone, Debug)]
struct Open {
    offset: u64,
    /// What is kept of it.
    kept: Vec<u8>,
    length: u64,
    anomalies: Vec<Anomaly>,
    state: State,
}

/// Where in a piece we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Outside any frame.
    Stray,
    /// Inside a payload.
    Payload,
    /// Just after a start byte inside a payload and this many bytes of `MSH`.
    Restart(u8),
    /// Just after an end byte.
    AfterEnd,
}

/// What has begun and is not finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending<'d> {
    /// Offset of its first byte among all bytes of the connection.
    pub offset: u64,
    /// What is kept of it, at most the limit.
    pub bytes: &'d [u8],
    /// How many bytes it has so far.
    pub length: u64,
}

impl Decoder {
    /// A decoder that keeps at most `limit_bytes` of a piece and counts the rest.
    #[must_use]
    pub const fn new(limit_bytes: usize) -> Self {
        Self { limit: limit_bytes, taken: 0, piece: None, done: VecDeque::new() }
    }

    /// Takes what has arrived. Call [`next`](Self::next) afterwards until it gives nothing.
    pub fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let taken = self.step(bytes);
            bytes = &bytes[taken..];
        }
    }

    /// The next piece that has ended.
    // An iterator could be taken for ended when the connection is not.
    #[expect(clippy::should_implement_trait, reason = "more pieces may follow after none")]
    pub fn next(&mut self) -> Option<Found> {
        self.done.pop_front()
    }

    /// Ends the stream: what had begun becomes a piece. Call it until it gives nothing.
    pub fn finish(&mut self) -> Option<Found> {
        if let Some(piece) = self.piece.take() {
            self.end_of_stream(piece);
        }
        self.done.pop_front()
    }

    /// What has begun and is not finished, for whoever acts on single bytes.
    #[must_use]
    pub fn pending(&self) -> Option<Pending<'_>> {
        let piece = self.piece.as_ref()?;
        Some(Pending { offset: piece.offset, bytes: &piece.kept, length: piece.length })
    }

    /// Takes some of `bytes` and says how many; none only when a piece ended before the first.
    fn step(&mut self, bytes: &[u8]) -> usize {
        let first = bytes[0];
        let Some(piece) = &mut self.piece else {
            let state = if first == VT { State::Payload } else { State::Stray };
            self.begin(state, &[first]);
            return 1;
        };
        match piece.state {
            State::Stray => {
                let length = memchr::memchr(VT, bytes).unwrap_or(bytes.len());
                if length == 0 {
                    self.close(FoundKind::Stray, None);
                    return 0;
                }
                self.take(&bytes[..length]);
                length
            }
            State::Payload => {
                let length = memchr::memchr2(VT, FS, bytes).unwrap_or(bytes.len());
                if length > 0 {
                    self.take(&bytes[..length]);
                    return length;
                }
                piece.state = if first == VT { State::Restart(0) } else { State::AfterEnd };
                self.take(&bytes[..1]);
                1
            }
            State::Restart(matched) => self.restart(matched, first),
            State::AfterEnd => self.after_end(first),
        }
    }

    /// A start byte inside a frame begins a new one only where a header follows it: the end of the
    /// frame before was lost. Any other is a stray byte of the payload.
    fn restart(&mut self, matched: u8, byte: u8) -> usize {
        let Some(piece) = &mut self.piece else { return 0 };
        if byte != HEADER[usize::from(matched)] {
            piece.abandon_restart(matched);
            return 0;
        }
        self.take(&[byte]);
        let Some(piece) = &mut self.piece else { return 1 };
        piece.state = State::Restart(matched + 1);
        if usize::from(matched) + 1 < HEADER.len() {
            return 1;
        }
        let begun = HEADER.len() + 1;
        piece.length -= begun as u64;
        self.taken -= begun as u64;
        let kept = usize::try_from(piece.length).unwrap_or(usize::MAX);
        piece.kept.truncate(kept);
        self.close(FoundKind::Unfinished, Some(AnomalyKind::NoEnd));
        self.begin(State::Payload, &[VT]);
        self.take(HEADER);
        1
    }

    fn after_end(&mut self, byte: u8) -> usize {
        match byte {
            CR => {
                self.take(&[CR]);
                self.close(FoundKind::Frame, None);
                1
            }
            LF => {
                // It stands where the return should, so it belongs to the end of this frame.
                self.close_with(&[LF], FoundKind::Frame, Some(AnomalyKind::NoCarriageReturn));
                1
            }
            VT => {
                self.close(FoundKind::Frame, Some(AnomalyKind::NoCarriageReturn));
                0
            }
            _ => {
                if let Some(piece) = &mut self.piece {
                    piece.mark(piece.length - 1, AnomalyKind::EndInside);
                    piece.state = State::Payload;
                }
                0
            }
        }
    }

    fn end_of_stream(&mut self, mut piece: Open) {
        if let State::Restart(matched) = piece.state {
            piece.abandon_restart(matched);
        }
        let (kind, anomaly) = match piece.state {
            State::Stray => (FoundKind::Stray, None),
            State::AfterEnd => (FoundKind::Frame, Some(AnomalyKind::NoCarriageReturn)),
            State::Payload | State::Restart(_) => (FoundKind::Unfinished, Some(AnomalyKind::NoEnd)),
        };
        self.piece = Some(piece);
        self.close(kind, anomaly);
    }

    fn begin(&mut self, state: State, bytes: &[u8]) {
        let (offset, kept) = (self.taken, Vec::new());
        let mut piece = Open { offset, kept, length: 0, anomalies: Vec::new(), state };
        if state == State::Stray {
            piece.mark(0, AnomalyKind::StrayBytes);
        }
        self.piece = Some(piece);
        self.take(bytes);
    }

    fn take(&mut self, bytes: &[u8]) {
        let Some(piece) = &mut self.piece else { return };
        let room = self.limit.saturating_sub(piece.kept.len());
        piece.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        piece.length += bytes.len() as u64;
        self.taken += bytes.len() as u64;
    }

    /// Ends the piece. An anomaly of its end lies just after its last byte so far.
    fn close(&mut self, kind: FoundKind, anomaly: Option<AnomalyKind>) {
        self.close_with(&[], kind, anomaly);
    }

    fn close_with(&mut self, last: &[u8], kind: FoundKind, anomaly: Option<AnomalyKind>) {
        let at = self.taken;
        self.take(last);
        let Some(mut piece) = self.piece.take() else { return };
        let mut found = |offset, kind| piece.anomalies.push(Anomaly { offset, kind });
        if let Some(kind) = anomaly {
            found(at, kind);
        }
        let framing = if anomaly.is_some() && last.is_empty() { 2 } else { 3 };
        if kind == FoundKind::Frame && piece.length == framing {
            found(piece.offset + 1, AnomalyKind::Empty);
        }
        let oversize = piece.length > self.limit as u64;
        if oversize {
            found(piece.offset + self.limit as u64, AnomalyKind::Oversize);
        }
        piece.anomalies.sort_by_key(|anomaly| (anomaly.offset, anomaly.kind));
        self.done.push_back(Found {
            offset: piece.offset,
            kind: if oversize { FoundKind::Oversize } else { kind },
            bytes: Bytes::from(piece.kept),
            length: piece.length,
            anomalies: piece.anomalies,
        });
    }
}

impl Open {
    /// The start byte before the last `matched` bytes began nothing.
    fn abandon_restart(&mut self, matched: u8) {
        self.mark(self.length - u64::from(matched) - 1, AnomalyKind::StartInside);
        self.state = State::Payload;
    }

    /// Notes an anomaly at `within` this piece, unless the piece already has very many: a megabyte
    /// of end bytes says no more than the first few.
    fn mark(&mut self, within: u64, kind: AnomalyKind) {
        if self.anomalies.len() < MOST_MARKS {
            self.anomalies.push(Anomaly { offset: self.offset + within, kind });
        }
    }
}

/// What a message begins with.
const HEADER: &[u8; 3] = b"MSH";

/// How many anomalies inside one piece are noted, besides those of its end.
const MOST_MARKS: usize = 64;
