//! Reads the acknowledgements out of what the EMR wrote, strictly and leniently.
//!
//! A strict acknowledgement is one that every sender must take: a whole frame with nothing around
//! it, one MSH and one MSA, the exact code. A lenient one is anything in which a patient reader finds
//! an MSA with a code and the right MSA-2; it excuses whatever the sender makes of it. This does
//! **not** judge, and it trusts the bytes, never the name of the answer.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use memchr::memmem;

use crate::history::{ConnectionId, Micros, Outcome, Pause, What};
use crate::hl7::ack::{AckCondition, due};
use crate::hl7::escape::unescape;
use crate::hl7::{Delimiters, Message, SegmentEnd};

use crate::check::evidence::frame::{FS, VT, frame_payload};
use crate::check::evidence::index::{Evidence, Place};
use foldhash::fast::RandomState;

/// The longest MSA-2 that is read.
const LONGEST_ID: usize = 256;

/// What an MSA says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// AA.
    Accept,
    /// CA.
    Commit,
    /// AE, AR, CE or CR.
    Refuse,
}

/// One acknowledgement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer {
    /// `seq` of the event that wrote its end.
    pub(crate) seq: u64,
    /// When it began to be written, after the pauses of its reply that lie before it: it may be
    /// there from then on.
    pub(crate) began: Micros,
    /// When the last byte of its reply was written: by then it is there.
    pub(crate) at: Micros,
    /// What it says.
    pub(crate) said: Said,
    /// Whether every sender must take it.
    pub(crate) strict: bool,
}

/// All acknowledgements of a history, by MSA-2 and by where they stand.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    by_message: HashMap<(At, Vec<u8>), Vec<Answer>, RandomState>,
    /// Whether it is asked which of them every sender must take: only those release results, and
    /// leave no doubt about a charge.
    strictly: bool,
}

/// When a reply was written.
#[derive(Clone, Copy, Debug)]
struct Written<'h> {
    seq: u64,
    began: Micros,
    at: Micros,
    pauses: &'h [Pause],
    /// How many bytes of an earlier reply stand before it in what is read as one.
    offset: usize,
}

impl Written<'_> {
    /// When the byte at this place of what is read could be written at the earliest.
    fn at_byte(&self, place: usize) -> Micros {
        let own = place.saturating_sub(self.offset) as u64;
        let paused = self.pauses.iter().filter(|pause| pause.after <= own);
        Micros(paused.fold(self.began.0, |at, pause| at.saturating_add(pause.lasted.0)))
    }
}

/// Where an acknowledgement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum At {
    /// On this connection.
    Connection(ConnectionId),
    /// On another one than the message that it was written for, which this event brought: on a
    /// call of the EMR, or where the sender had gone on.
    Elsewhere(u64),
}

impl Answers {
    /// Reads every acknowledgement, if any rule of this history needs them.
    pub(crate) fn read(evidence: &Evidence<'_>) -> Self {
        let mut answers = Self::default();
        let accounted = |event: &crate::history::Event| matches!(event.what, What::Account { .. });
        if evidence.plan.results.is_none() && !evidence.events.iter().any(accounted) {
            return answers;
        }
        answers.strictly =
            evidence.plan.results.is_some() || evidence.events.iter().any(doubts_a_charge);
        // A frame may have been written in several goes: what has begun is kept until it ends.
        let mut begun: BTreeMap<ConnectionId, Vec<u8>> = BTreeMap::new();
        for event in evidence.events {
            let What::Replied { connection, bytes, to, began, pauses, .. } = &event.what else {
                continue;
            };
            let bytes = bytes.as_slice();
            let before = begun.remove(connection).unwrap_or_default();
            let offset = before.len();
            let written = Written { seq: event.seq, began: *began, at: event.at, pauses, offset };
            let stream = if before.is_empty() {
                Cow::Borrowed(bytes)
            } else {
                Cow::Owned([before.as_slice(), bytes].concat())
            };
            answers.read_stream(At::Connection(*connection), written, &stream);
            if let Some(to) = to.filter(|to| asked_elsewhere(evidence, *to, *connection)) {
                let written = Written { offset: 0, ..written };
                answers.read_stream(At::Elsewhere(to), written, bytes);
            }
            if !ends_a_frame(&stream) && stream.len() < 1 << 16 {
                begun.insert(*connection, stream.into_owned());
            }
        }
        answers
    }

    /// The acknowledgements of the message with this MSH-10 at this place: on its connection, and
    /// those on another one that were written for it.
    pub(crate) fn to(&self, place: &Place<'_>, control_id: &[u8]) -> Vec<Answer> {
        if control_id.is_empty() {
            return Vec::new();
        }
        let id = control_id.trim_ascii();
        let places = [At::Connection(place.connection), At::Elsewhere(place.seq)];
        let found = places.map(|at| self.by_message.get(&(at, id.to_vec())));
        found.into_iter().flatten().flatten().copied().collect()
    }

    fn read_stream(&mut self, place: At, written: Written<'_>, stream: &[u8]) {
        let strict = self.strictly.then(|| frames(stream).map(strictly).collect()).flatten();
        let strict: Option<Vec<(Said, &[u8])>> = strict;
        for (start, said, id) in leniently(stream) {
            // One with blanks around its MSA-2 may be taken for another message's.
            let strict = id == id.trim_ascii()
                && strict.as_ref().is_some_and(|strict| strict.contains(&(said, id)));
            let (Written { seq, at, .. }, began) = (written, written.at_byte(start));
            let answer = Answer { seq, began, at, said, strict };
            self.note(place, id, answer);
            if let Some(plain) = unescaped(id) {
                self.note(place, &plain, Answer { strict: false, ..answer });
            }
        }
    }

    fn note(&mut self, place: At, id: &[u8], answer: Answer) {
        self.by_message.entry((place, id.trim_ascii().to_vec())).or_default().push(answer);
    }
}

/// Whether an account says of a charge that nobody knows what became of it.
fn doubts_a_charge(event: &crate::history::Event) -> bool {
    let What::Account { charges, .. } = &event.what else { return false };
    charges.iter().any(|charge| charge.outcome == Outcome::Unknown)
}

/// Whether the message of that event came on another connection.
fn asked_elsewhere(evidence: &Evidence<'_>, seq: u64, answered_on: ConnectionId) -> bool {
    let event = evidence.events.get(evidence.index_of(seq));
    event.is_some_and(|event| {
        matches!(event.what, What::Received { connection, .. } if connection != answered_on)
    })
}

/// An id as a reader sees it who decodes escape sequences where none are needed.
fn unescaped(id: &[u8]) -> Option<Vec<u8>> {
    let plain = unescape(id, Delimiters::default());
    (*plain != *id).then(|| plain.into_owned())
}

fn ends_a_frame(stream: &[u8]) -> bool {
    stream.ends_with(&[FS, b'\r']) || stream.ends_with(&[FS])
}

/// The stream cut after every end of a frame.
fn frames(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    let ends = memmem::find_iter(stream, &[FS, b'\r']).map(|end| end + 2).chain([stream.len()]);
    let pieces = ends.map(move |end| &stream[std::mem::replace(&mut start, end)..end]);
    pieces.filter(|piece| !piece.is_empty())
}

/// The acknowledgement that `stream` is, if it is one frame that every sender must take.
fn strictly(stream: &[u8]) -> Option<(Said, &[u8])> {
    let framed = stream.first() == Some(&VT) && stream.ends_with(&[FS, b'\r']);
    let payload = frame_payload(stream);
    if !framed || memchr::memchr3(VT, FS, 0, payload).is_some() {
        return None;
    }
    let message = Message::read(payload);
    let mut segments = message.segments();
    let header = segments.next().is_some_and(|first| first.id() == b"MSH");
    let count = |id: &[u8]| message.segments().filter(|segment| segment.id() == id).count();
    let ends = message.segments().all(|segment| segment.end() == SegmentEnd::Cr);
    // MSH-9 is required (HL7 v2 chapter 2, section 2.15.9.9), so a sender need not do without.
    let named = message.code() == b"ACK";
    let alone = count(b"MSH") == 1 && count(b"MSA") == 1;
    if !(header && alone && ends && named) {
        return None;
    }
    let said = match message.value("MSA-1") {
        b"AA" => Said::Accept,
        b"CA" => Said::Commit,
        b"AE" | b"AR" | b"CE" | b"CR" => Said::Refuse,
        _ => return None,
    };
    Some((said, message.value("MSA-2")))
}

/// Everything that a patient reader could take for an MSA: where it begins, what it says, and its
/// MSA-2.
fn leniently(stream: &[u8]) -> impl Iterator<Item = (usize, Said, &[u8])> {
    memmem::find_iter(stream, b"MSA").filter_map(|start| {
        let rest = &stream[start + 3..];
        let separator = *rest.first().filter(|byte| byte.is_ascii_punctuation())?;
        let mut fields = rest[1..].splitn(3, |&byte| byte == separator);
        let said = said(fields.next()?)?;
        let id = fields.next()?;
        let end = id.iter().position(|byte| byte.is_ascii_control()).unwrap_or(id.len());
        (end <= LONGEST_ID).then(|| (start, said, &id[..end]))
    })
}

fn said(code: &[u8]) -> Option<Said> {
    // An empty component at the end is as good as none.
    let code = code.trim_ascii();
    match code.strip_suffix(b"^").unwrap_or(code) {
        b"AA" => Some(Said::Accept),
        b"CA" => Some(Said::Commit),
        other if other.eq_ignore_ascii_case(b"aa") => Some(Said::Accept),
        other => {
            let negative: [&[u8]; 4] = [b"AE", b"AR", b"CE", b"CR"];
            negative.iter().any(|code| other.eq_ignore_ascii_case(code)).then_some(Said::Refuse)
        }
    }
}

/// What an accept acknowledgement (CA) means to a message (MSH-15 and MSH-16, table 0155).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Commit {
    /// An acknowledgement of the application is still due.
    Preliminary,
    /// Nothing more is due, though the message did not ask for it either: whoever takes it for the
    /// end is right, and so is whoever does not look at it.
    Unasked,
    /// It is what the message asks for, and all that is due.
    Enough,
}

impl Commit {
    /// What it means to this message.
    pub(crate) fn to(payload: &[u8]) -> Self {
        let due = due(&Message::read_header(payload));
        match (due.application, due.accept.on_success()) {
            (AckCondition::Never, true) => Self::Enough,
            (AckCondition::Never, false) => Self::Unasked,
            _ => Self::Preliminary,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{Commit, Said, leniently, strictly};

    const ACK: &str = "\u{b}MSH|^~\\&|EMR|F|IRIS|IRIS|1||ACK^P03^ACK|9|P|2.4\rMSA|AA|17\r\u{1c}\r";

    #[rstest]
    #[case::exact(ACK.to_owned(), Some(Said::Accept))]
    #[case::refused(ACK.replace("|AA|", "|AR|"), Some(Said::Refuse))]
    #[case::prefix(ACK.replace("|AA|", "|AAX|"), None)]
    #[case::case(ACK.replace("|AA|", "|aa|"), None)]
    #[case::other_type(ACK.replace("ACK^P03^ACK", "ORR^O02"), None)]
    #[case::no_type(ACK.replace("ACK^P03^ACK", ""), None)]
    #[case::no_end(ACK.replace("\u{1c}\r", ""), None)]
    #[case::no_start(ACK.replace('\u{b}', ""), None)]
    #[case::line_feeds(ACK.replace("\rMSA", "\nMSA"), None)]
    #[case::no_final_cr(ACK.replace("17\r", "17"), None)]
    #[case::two(ACK.replace("17\r", "17\rMSA|AE|17\r"), None)]
    #[case::two_headers(ACK.replace("MSA|", "MSH|^~\\&|HUB|F|||1||ACK|8|P|2.4\rMSA|"), None)]
    #[case::junk_after(format!("{ACK}x"), None)]
    #[case::no_msh(ACK.replace("MSH", "MSX"), None)]
    fn strict_takes_only_what_every_sender_must(#[case] text: String, #[case] said: Option<Said>) {
        assert_eq!(strictly(text.as_bytes()), said.map(|said| (said, &b"17"[..])));
    }

    #[rstest]
    #[case::no_frame("MSH|x\rMSA|AA|17", Some((Said::Accept, "17")))]
    #[case::merged("MSH|x|2.4MSA|AA|17\r", Some((Said::Accept, "17")))]
    #[case::other_delimiters("MSH#x\rMSA#AE#17#text\r", Some((Said::Refuse, "17")))]
    #[case::prefix("MSH|x\rMSA|AAX|17\r", None)]
    #[case::unknown("MSH|x\rMSA|OK|17\r", None)]
    #[case::cut("MSH|x\rMSA|A", None)]
    #[case::word("MSA", None)]
    fn lenient_takes_what_a_patient_reader_finds(
        #[case] text: &str,
        #[case] expected: Option<(Said, &str)>,
    ) {
        let found = leniently(text.as_bytes()).next().map(|(_, said, id)| (said, id));
        assert_eq!(found, expected.map(|(said, id)| (said, id.as_bytes())));
    }

    #[rstest]
    #[case::longest(256, true)]
    #[case::longer(257, false)]
    fn an_id_is_read_up_to_its_bound(#[case] length: usize, #[case] read: bool) {
        let id = "1".repeat(length);
        let text = format!("MSH|x\rMSA|AA|{id}\r");
        let found = leniently(text.as_bytes()).next();
        assert_eq!(
            found.map(|(_, said, id)| (said, id)),
            read.then_some((Said::Accept, id.as_bytes()))
        );
    }

    /// Table 0155, and what original mode means: one acknowledgement, by the application.
    #[rstest]
    #[case::original("", Commit::Preliminary)]
    #[case::both("AL|AL", Commit::Preliminary)]
    #[case::application_on_error("AL|ER", Commit::Preliminary)]
    #[case::accept_only("AL|NE", Commit::Enough)]
    #[case::accept_alone("AL", Commit::Enough)]
    #[case::on_success("SU|NE", Commit::Enough)]
    #[case::on_error("ER|NE", Commit::Unasked)]
    #[case::none("NE|NE", Commit::Unasked)]
    fn what_a_commit_means_is_what_the_message_asked_for(
        #[case] asked: &str,
        #[case] expected: Commit,
    ) {
        let message = format!("MSH|^~\\&|IRIS|IRIS|E|F|1||DFT^P03|17|P|2.4|||{asked}\r");
        assert_eq!(Commit::to(message.as_bytes()), expected);
    }
}
