//! What the EMR wrote: its own words, and what it had from the sender.
//!
//! An answer repeats names and numbers of the message that it answers, and what was on the wire once
//! is no less private when it comes back.

use memchr::memmem;

use crate::history::{Event, What};
use crate::hl7::visible;

use crate::check::wording::mask::{Form, Mask, Masked, forms, whole};

impl<'e> Mask<'e> {
    /// Bytes of what the EMR wrote with `event`: the words in them that the sender had not written
    /// before it.
    pub(crate) fn reply(self, event: &Event, bytes: &[u8]) -> Masked {
        let heard = self.heard(event);
        let mut shown = String::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let is_word = is_of_word(&rest[0]);
            let end = rest.iter().position(|byte| is_of_word(byte) != is_word);
            let (part, after) = rest.split_at(end.unwrap_or(rest.len()));
            let may_be_shown = !is_word || self.is_of_nobody(part) || !heard.hold(part);
            shown.push_str(&if may_be_shown { visible(part) } else { whole(part) });
            rest = after;
        }
        Masked(shown)
    }

    /// Whether a word stands in every answer, or is the plan's own.
    fn is_of_nobody(self, word: &[u8]) -> bool {
        let fits = |form: Form| form.fits(word);
        word.len() == 1
            || word.len() <= SHORT && (word.iter().all(u8::is_ascii_digit) || is_code(word))
            || self.known().has(word)
            || forms::is_segment(word)
            || fits(Form::MessageType)
            || fits(Form::Trigger)
            || word.len() >= 12 && fits(Form::Time)
    }

    /// What the sender had written on the connection by then.
    fn heard(self, event: &Event) -> Heard<'e> {
        let What::Replied { connection, to, .. } = &event.what else { return Heard::TooMuch };
        let evidence = self.evidence;
        let until = evidence.index_of(event.seq);
        let opened = evidence.connections.get(connection).map_or(0, |opened| opened.opened);
        // An answer on a connection of its own repeats what came on another.
        let from = to.map_or(opened, |to| to.min(opened));
        let from = evidence.index_of(from).min(until);
        let mut heard: Vec<&[u8]> = Vec::new();
        let mut length = 0;
        for other in evidence.events[from..until].iter().rev().take(LOOK_BACK) {
            let (What::Received { connection: of, bytes, .. }
            | What::Unread { connection: of, bytes, .. }) = &other.what
            else {
                continue;
            };
            if of == connection || Some(other.seq) == *to {
                heard.push(bytes.as_slice());
                length += bytes.as_slice().len();
            }
        }
        if length > MOST || until - from > LOOK_BACK {
            return Heard::TooMuch;
        }
        Heard::All(heard)
    }
}

/// Whether a word is a code of an acknowledgement, or of when one is due (HL7 v2 tables 0008 and 0155).
fn is_code(word: &[u8]) -> bool {
    matches!(word, b"AA" | b"AE" | b"AR" | b"CA" | b"CE" | b"CR" | b"AL" | b"NE" | b"ER" | b"SU")
}

/// What a sender had written.
enum Heard<'h> {
    All(Vec<&'h [u8]>),
    /// More than is looked through.
    TooMuch,
}

impl Heard<'_> {
    fn hold(&self, word: &[u8]) -> bool {
        match self {
            Self::All(pieces) => pieces.iter().any(|piece| memmem::find(piece, word).is_some()),
            Self::TooMuch => true,
        }
    }
}

const fn is_of_word(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || *byte >= 0x80
}

/// A word of so few letters says nothing.
const SHORT: usize = 2;

/// How many events are looked through for the words of one answer.
const LOOK_BACK: usize = 20_000;

/// How much is looked through for the words of one answer.
const MOST: usize = 4 << 20;
