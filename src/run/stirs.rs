//! When the wire stirred last, with whatever may be a charge or a try at one.
//!
//! Who connects and closes only looks whether anybody is there, and who sends a ping asks the same: both
//! may do so for ever, and keep no wire from being quiet. What a ping says, the judge reads all the same.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::emr::Input;
use crate::history::{ConnectionId, Event, Piece, What};

/// When it stirred.
#[derive(Debug, Default)]
pub(crate) struct Stirs {
    /// Last, as far as it has been read.
    at: Duration,
    /// Connections on which nothing has come or gone yet.
    silent: BTreeSet<ConnectionId>,
    /// When bytes came last that are no whole message yet.
    unread: BTreeMap<ConnectionId, Duration>,
    /// Connections of which the last that came was a ping: an answer to it is none to a charge.
    pinged: BTreeSet<ConnectionId>,
}

impl Stirs {
    /// When the wire stirred last.
    pub(crate) fn last(&self) -> Duration {
        self.unread.values().copied().fold(self.at, Duration::max)
    }

    /// Notes what was seen at `now`, before anybody has read it.
    pub(crate) fn note(&mut self, now: Duration, input: &Input<'_>) {
        let stirs = match input {
            Input::Accepted { connection, .. } => {
                self.silent.insert(*connection);
                false
            }
            Input::Received { connection, .. } => {
                self.silent.remove(connection);
                self.unread.insert(*connection, now);
                false
            }
            Input::Ended { connection, .. } => {
                let was_silent = self.silent.remove(connection);
                let was_read = self.unread.remove(connection).is_none();
                let was_ping = self.pinged.remove(connection) && was_read;
                !was_silent && !was_ping
            }
            // What comes of a connection that we hang up on is the sender's to tell.
            Input::EndDone { connection, .. } => self.silent.remove(connection),
            Input::Wrote { connection, .. } => {
                self.silent.remove(connection);
                !self.pinged.contains(connection)
            }
            Input::Undecryptable { connection, .. }
            | Input::Greeted { connection }
            | Input::Held { connection } => {
                self.silent.remove(connection);
                true
            }
            Input::Called { .. } | Input::Waiting { .. } => true,
            _ => false,
        };
        if stirs {
            self.at = now;
        }
    }

    /// Reads what came of it.
    pub(crate) fn read(&mut self, now: Duration, events: &[Event]) {
        for event in events {
            let What::Received { connection, piece, bytes, .. } = &event.what else { continue };
            self.unread.remove(connection);
            if *piece == Piece::Frame && is_ping(bytes.as_slice()) {
                self.pinged.insert(*connection);
            } else {
                self.pinged.remove(connection);
                self.at = now;
            }
        }
    }
}

/// Whether a frame is neither a charge nor a result, by its type and by what stands in it.
fn is_ping(frame: &[u8]) -> bool {
    let payload = frame.strip_prefix(&[0x0B]).unwrap_or(frame);
    let header = payload.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    let is_known = header.windows(3).any(|code| matches!(code, b"DFT" | b"ORU" | b"MDM"));
    let is_told = header.starts_with(b"MSH") || payload.len() <= SHORT;
    !is_known && is_told && memchr::memmem::find(payload, b"FT1").is_none()
}

/// The longest text without a header that is taken for a ping, in bytes.
const SHORT: usize = 64;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::is_ping;

    #[rstest]
    #[case::query(b"\x0bMSH|^~\\&|A|B|||||NMQ^N01|1|P|2.4\r\x1c\r", true)]
    #[case::text(b"\x0bPING\x1c\r", true)]
    #[case::charge(b"\x0bMSH|^~\\&|A|B|||||DFT^P03|1|P|2.4\r\x1c\r", false)]
    #[case::result(b"\x0bMSH|^~\\&|A|B|||||ORU^R01|1|P|2.4\r\x1c\r", false)]
    #[case::lines_of_another_type(b"\x0bMSH|^~\\&|A|B|||||ZZZ^Z01|1|P|2.4\rFT1|1\r\x1c\r", false)]
    fn a_ping_is_neither_a_charge_nor_a_result(#[case] frame: &[u8], #[case] expected: bool) {
        assert_eq!(is_ping(frame), expected);
    }
}
