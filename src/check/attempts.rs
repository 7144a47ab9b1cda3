//! Reads the messages out of what was received, whole or cut, and says which orders each carries.
//!
//! An attempt is a message, or a part of one, that carries a charge. One message with lines of
//! several orders is an attempt at each of them. What cannot be told from the bytes alone is left
//! to [elimination](super::elimination). This does **not** judge.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use memchr::{memchr_iter, memmem, memrchr2};

use crate::charge::lines;
use crate::history::{Piece, What};
use crate::hl7::Message;

use super::evidence::{Attempted, Evidence, OrderSeen};

/// Start and end byte of a frame (MLLP release 1).
pub(super) const VT: u8 = 0x0B;
pub(super) const FS: u8 = 0x1C;
const CR: u8 = b'\r';

/// A message on the wire, or the part of one that arrived.
#[derive(Clone, Debug)]
pub(super) struct Sent<'h> {
    /// Index of the event that brought it.
    pub(super) event: usize,
    /// Its bytes without framing.
    pub(super) payload: &'h [u8],
    /// Whether all of it arrived.
    pub(super) whole: bool,
    /// What it is about.
    pub(super) kind: Kind,
    /// Its MSH-10; empty if that did not arrive.
    pub(super) control_id: &'h [u8],
    /// Where its lines begin in the evidence's list.
    pub(super) first_line: u32,
    /// How many lines it has.
    pub(super) line_count: u32,
}

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It has FT1 lines, or says that it is a DFT: money.
    Charge,
    /// ORU or MDM.
    Result,
    /// Anything else.
    Other,
    /// It was cut before it said what it is, or is written so that it cannot be read.
    Untold,
}

/// One FT1 line of one message.
#[derive(Clone, Copy, Debug)]
pub(super) struct SentLine {
    /// Which FT1 of its message, from 1.
    pub(super) ft1: u32,
    /// Position of its order in the evidence's list.
    pub(super) order: u32,
    /// Number of its charge: equal numbers are equal charges. None if the line was cut.
    pub(super) identity: Option<u32>,
    /// What it is about, apart from ids and times.
    pub(super) fingerprint: u64,
}

impl Sent<'_> {
    /// Its lines.
    pub(super) fn lines<'e>(&self, evidence: &'e Evidence<'_>) -> &'e [SentLine] {
        let first = self.first_line as usize;
        &evidence.lines[first..first + self.line_count as usize]
    }

    /// Whether it carries a charge, or may.
    pub(super) fn may_charge(&self) -> bool {
        matches!(self.kind, Kind::Charge | Kind::Untold)
    }
}

/// Reads every message of the history into `evidence`.
pub(super) fn read(evidence: &mut Evidence<'_>) {
    let mut identities: HashMap<Vec<u8>, u32> = HashMap::new();
    let events = evidence.events;
    for (index, event) in events.iter().enumerate() {
        let What::Received { piece, bytes, .. } = &event.what else { continue };
        each_message(*piece, bytes.as_slice(), &mut |payload, whole| {
            take(evidence, index, payload, whole, &mut identities);
        });
    }
    evidence.identities = u32::try_from(identities.len()).unwrap_or(u32::MAX);
    sort_attempts(evidence);
}

/// Puts the attempts at each order into the order in which their first bytes arrived; a part is
/// only recorded when its connection has ended.
fn sort_attempts(evidence: &mut Evidence<'_>) {
    let mut orders = std::mem::take(&mut evidence.orders);
    for order in &mut orders {
        if order.attempts.len() > 1 {
            order.attempts.sort_by_key(|attempt| began(evidence, attempt.sent));
        }
    }
    evidence.orders = orders;
}

/// When the first byte of a message arrived, and a number that breaks ties.
pub(super) fn began(evidence: &Evidence<'_>, sent: u32) -> (crate::history::Micros, u64, u32) {
    let place = evidence.place(&evidence.sent[sent as usize]);
    (place.began, place.seq, sent)
}

fn take<'h>(
    evidence: &mut Evidence<'h>,
    event: usize,
    payload: &'h [u8],
    whole: bool,
    identities: &mut HashMap<Vec<u8>, u32>,
) {
    let readable = if whole { payload } else { to_last_field(payload) };
    let message = Message::read(readable);
    let first_line = evidence.lines.len();
    let number = u32::try_from(evidence.sent.len()).expect("invariant: fewer than 2^32 messages");
    let finished = if whole { usize::MAX } else { finished_lines(payload) };
    let found = lines(&message, &evidence.agreement);
    let carries_lines = !found.is_empty();
    for line in found {
        if line.order.is_empty() {
            continue;
        }
        let order = order_number(evidence, line.order);
        attempt_once(&mut evidence.orders[order as usize], number);
        let next = u32::try_from(identities.len()).unwrap_or(u32::MAX);
        let identity =
            (line.ft1 <= finished).then(|| *identities.entry(line.identity).or_insert(next));
        let ft1 = u32::try_from(line.ft1).unwrap_or(u32::MAX);
        evidence.lines.push(SentLine { ft1, order, identity, fingerprint: line.fingerprint });
    }
    let line_count = evidence.lines.len() - first_line;
    evidence.sent.push(Sent {
        event,
        payload,
        whole,
        kind: kind(&message, carries_lines, whole),
        control_id: message.control_id(),
        first_line: u32::try_from(first_line).expect("invariant: fewer than 2^32 lines"),
        line_count: u32::try_from(line_count).expect("invariant: fewer than 2^32 lines"),
    });
}

fn kind(message: &Message<'_>, carries_lines: bool, whole: bool) -> Kind {
    match message.code() {
        // A wrong MSH-9 does not make a charge anything else: the EMR may post what it reads.
        _ if carries_lines => Kind::Charge,
        b"DFT" => Kind::Charge,
        b"ORU" | b"MDM" => Kind::Result,
        b"" if !whole || !says_nothing(message) => Kind::Untold,
        _ => Kind::Other,
    }
}

/// Whether a whole message without a type is no message: blank, a single byte such as the commit
/// acknowledgement of MLLP release 2, or the header of a batch.
fn says_nothing(message: &Message<'_>) -> bool {
    let bytes = message.bytes().trim_ascii();
    bytes.len() <= 1 || bytes.starts_with(b"FHS") || bytes.starts_with(b"BHS")
}

fn order_number(evidence: &mut Evidence<'_>, order: Vec<u8>) -> u32 {
    let number = u32::try_from(evidence.orders.len()).expect("invariant: fewer than 2^32 orders");
    // The lines of one message mostly are of one order.
    if evidence.orders.last().is_some_and(|last| last.order == order) {
        return number - 1;
    }
    match evidence.order_ids.entry(order) {
        Entry::Occupied(known) => *known.get(),
        Entry::Vacant(new) => {
            let order = new.key().clone();
            evidence.orders.push(OrderSeen { order, attempts: Vec::with_capacity(1) });
            *new.insert(number)
        }
    }
}

/// Notes an attempt; several lines of one order in one message are one attempt.
fn attempt_once(order: &mut OrderSeen, sent: u32) {
    if order.attempts.last().is_none_or(|last| last.sent != sent) {
        order.attempts.push(Attempted { sent, eliminated: false });
    }
}

/// Notes that a message is an attempt at `order`, though the order is not readable in it.
pub(super) fn attempt_by_elimination(evidence: &mut Evidence<'_>, sent: u32, order: &[u8]) {
    let number = order_number(evidence, order.to_vec()) as usize;
    let key = began(evidence, sent);
    let attempts = &evidence.orders[number].attempts;
    let position = attempts.partition_point(|other| began(evidence, other.sent) < key);
    evidence.orders[number].attempts.insert(position, Attempted { sent, eliminated: true });
}

/// Calls `found` with every message in a piece: its bytes without framing, and whether all of it
/// is there.
fn each_message<'h>(piece: Piece, bytes: &'h [u8], found: &mut dyn FnMut(&'h [u8], bool)) {
    match piece {
        Piece::Frame => split_at_headers(frame_payload(bytes), true, found),
        Piece::Unfinished | Piece::Oversize if bytes.first() != Some(&VT) => strays(bytes, found),
        Piece::Unfinished | Piece::Oversize => split_at_headers(&bytes[1..], false, found),
        Piece::Stray => strays(bytes, found),
    }
}

/// Messages outside any frame, whatever stands before them: a lenient EMR may read them all the
/// same.
fn strays<'h>(bytes: &'h [u8], found: &mut dyn FnMut(&'h [u8], bool)) {
    let mut start = 0;
    let ends = memchr_iter(FS, bytes).map(|end| (end, true));
    for (end, whole) in ends.chain([(bytes.len(), false)]) {
        let part = &bytes[start..end];
        if let Some(header) = memmem::find(part, b"MSH") {
            split_at_headers(&part[header..], whole, found);
        } else if memmem::find(part, b"FT1").is_some() {
            found(part, whole);
        }
        start = end + 1;
    }
}

/// Two messages in one frame are two messages.
fn split_at_headers<'h>(payload: &'h [u8], whole: bool, found: &mut dyn FnMut(&'h [u8], bool)) {
    if payload.is_empty() && whole {
        return;
    }
    let mut start = 0;
    for header in memmem::find_iter(payload, b"\rMSH") {
        found(&payload[start..=header], true);
        start = header + 1;
    }
    found(&payload[start..], whole);
}

/// The payload of a frame: without VT, and without FS and what follows it.
pub(super) fn frame_payload(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_prefix(&[VT]).unwrap_or(bytes);
    let bytes = bytes.strip_suffix(b"\r").filter(|rest| rest.last() == Some(&FS)).unwrap_or(bytes);
    bytes.strip_suffix(&[FS]).unwrap_or(bytes)
}

/// The part of a cut message whose last field is surely complete: without the field that was cut.
fn to_last_field(payload: &[u8]) -> &[u8] {
    let separator = separator(payload);
    let end = memrchr2(separator, CR, payload).unwrap_or(0);
    &payload[..end]
}

/// How many FT1 of a cut message are surely complete.
fn finished_lines(payload: &[u8]) -> usize {
    let end = memchr::memrchr(CR, payload).unwrap_or(0);
    let started = payload[..end].starts_with(b"FT1");
    usize::from(started) + memmem::find_iter(&payload[..end], b"\rFT1").count()
}

/// The field separator of a message, or the usual one if its header is not there.
pub(super) fn separator(payload: &[u8]) -> u8 {
    if payload.starts_with(b"MSH") { payload.get(3).copied().unwrap_or(b'|') } else { b'|' }
}
