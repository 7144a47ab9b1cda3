//! Writes events down as they are observed, within bounds.

use super::{Event, Micros, What};

/// Bounds on what one history holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Pieces from the sender.
    pub pieces: u64,
    /// Bytes from the sender.
    pub bytes: u64,
}

/// How many connections may be opened for every piece that may be sent: who only connects and hangs
/// up must not fill the memory either.
const CONNECTIONS_PER_PIECE: u64 = 4;

/// Room for the events of most cases, so that they need not be moved while more and more come.
const USUAL_EVENTS: usize = 64;

/// The one place where events get their number.
#[derive(Debug)]
pub struct Recorder {
    events: Vec<Event>,
    bounds: Bounds,
    pieces: u64,
    bytes: u64,
    opened: u64,
    full: bool,
    seq: u64,
    /// When the last event was recorded, kept or taken.
    last: Micros,
}

impl Recorder {
    /// An empty recorder.
    #[must_use]
    pub const fn new(bounds: Bounds) -> Self {
        Self {
            events: Vec::new(),
            bounds,
            pieces: 0,
            bytes: 0,
            opened: 0,
            full: false,
            seq: 0,
            last: Micros(0),
        }
    }

    /// Records one event and returns its number.
    ///
    /// Past the bounds, pieces and replies are no longer kept; the first one that is dropped
    /// leaves a [`What::Bound`] in its place.
    pub fn record(&mut self, at: Micros, what: What) -> u64 {
        match &what {
            What::Received { bytes, .. } => {
                self.pieces += 1;
                self.bytes += bytes.0.len() as u64;
                if self.pieces > self.bounds.pieces || self.bytes > self.bounds.bytes {
                    return self.overflow(at);
                }
            }
            What::Unread { bytes, .. } => {
                self.bytes += bytes.0.len() as u64;
                if self.bytes > self.bounds.bytes {
                    return self.overflow(at);
                }
            }
            What::Opened { .. } => {
                self.opened += 1;
                if self.opened > self.bounds.pieces.saturating_mul(CONNECTIONS_PER_PIECE) {
                    return self.overflow(at);
                }
            }
            What::Replied { .. } if self.full => return self.seq,
            _ => {}
        }
        self.push(at, what)
    }

    /// Whether a bound was reached.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.full
    }

    /// The events so far that were not taken out.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The events, for good.
    #[must_use]
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Takes the events out that were recorded so far, for a driver that keeps them elsewhere.
    pub fn drain(&mut self) -> std::vec::Drain<'_, Event> {
        self.events.drain(..)
    }

    fn overflow(&mut self, at: Micros) -> u64 {
        if self.full {
            return self.seq;
        }
        self.full = true;
        let Bounds { pieces, bytes } = self.bounds;
        let connections = pieces.saturating_mul(CONNECTIONS_PER_PIECE);
        let what = if self.opened > connections {
            format!("the sender opened more than {connections} connections")
        } else {
            format!("the sender sent more than {pieces} messages or {bytes} bytes")
        };
        self.push(at, What::Bound { what })
    }

    fn push(&mut self, at: Micros, what: What) -> u64 {
        self.seq += 1;
        if self.events.is_empty() {
            self.events.reserve(USUAL_EVENTS);
        }
        // Whoever reads two clocks may read the later one first; a history never goes back.
        let at = at.max(self.last);
        self.last = at;
        self.events.push(Event { seq: self.seq, at, what });
        self.seq
    }
}

#[cfg(test)]
mod tests {
    use super::{Bounds, Recorder};
    use crate::history::{Micros, Piece, Raw, What};

    fn piece(bytes: &[u8]) -> What {
        What::Received {
            connection: 1,
            offset: 0,
            began: Micros(0),
            piece: Piece::Frame,
            bytes: Raw::from(bytes),
            length: bytes.len() as u64,
            anomalies: Vec::new(),
        }
    }

    #[test]
    fn past_the_bound_one_event_says_so_and_no_more_pieces_are_kept() {
        let mut recorder = Recorder::new(Bounds { pieces: 2, bytes: 100 });
        for _ in 0..5 {
            recorder.record(Micros(1), piece(b"abc"));
        }
        recorder.record(Micros(2), What::Finished);
        let kinds: Vec<bool> = recorder
            .events()
            .iter()
            .map(|event| matches!(event.what, What::Bound { .. }))
            .collect();
        assert_eq!(kinds, [false, false, true, false]);
        assert!(recorder.is_full());
    }

    #[test]
    fn who_only_connects_is_bounded_too() {
        let mut recorder = Recorder::new(Bounds { pieces: 2, bytes: 100 });
        for connection in 1..=50 {
            let endpoint = "emr".to_owned();
            recorder.record(Micros(1), What::Opened { connection, endpoint, incarnation: 1 });
        }
        assert!(recorder.is_full());
        assert_eq!(recorder.events().len(), 9);
        let last = &recorder.events()[8].what;
        let what = "the sender opened more than 8 connections".to_owned();
        assert_eq!(*last, What::Bound { what });
    }

    #[test]
    fn what_was_taken_out_is_still_counted_and_still_earlier() {
        let mut recorder = Recorder::new(Bounds { pieces: 100, bytes: 5 });
        recorder.record(Micros(7), piece(b"abc"));
        assert_eq!(recorder.drain().count(), 1);
        assert_eq!(recorder.record(Micros(6), piece(b"a")), 2);
        assert_eq!(recorder.events()[0].at, Micros(7));
        recorder.record(Micros(8), piece(b"abc"));
        assert!(recorder.is_full());
    }

    #[test]
    fn a_byte_bound_counts_bytes() {
        let mut recorder = Recorder::new(Bounds { pieces: 100, bytes: 5 });
        recorder.record(Micros(1), piece(b"abc"));
        assert!(!recorder.is_full());
        recorder.record(Micros(1), piece(b"abc"));
        assert!(recorder.is_full());
    }
}
