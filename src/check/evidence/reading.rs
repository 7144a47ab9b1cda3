//! Reads the messages out of what was received, whole or cut, and says which orders each carries.
//!
//! An attempt is a message, or a part of one, that carries a charge. One message with lines of
//! several orders is an attempt at each of them. What cannot be told from the bytes alone is left
//! to [elimination](crate::check::evidence::elimination). This does **not** judge.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use memchr::memmem::Finder;
use memchr::{memchr_iter, memmem, memrchr2};

use crate::charge::{Agreement, Charge, charges, credit_of, lines};
use crate::history::{ConnectionId, Event, Piece, What};
use crate::hl7::ack::{due, is_acknowledgement};
use crate::hl7::{Message, Segment, SegmentEnd, escape};

use crate::check::evidence::frame::{FS, VT, frame_payload, further_headers, separator};
use crate::check::evidence::index::{Attempted, Evidence, OrderSeen};
use crate::check::evidence::message::{CONTROL_ID_LENGTH, Kind, Sent, SentLine};
use crate::check::evidence::unread::{behind, last_piece};
use foldhash::fast::RandomState;

const CR: u8 = b'\r';

/// Whether the first bytes of a connection are a ClientHello, and the endpoint is plain.
pub(crate) fn begins_tls(evidence: &Evidence<'_>, bytes: &[u8]) -> bool {
    evidence.plan.tls.is_none() && bytes.starts_with(&[0x16, 0x03])
}

/// Reads messages into the evidence, each of them once.
pub(crate) struct Reading {
    agreement: Agreement,
    /// Finds a second header in a frame.
    header: Finder<'static>,
    /// Numbers of the distinct parts that were seen: few, however many charges there are.
    numbers: HashMap<Vec<u8>, u32, RandomState>,
    /// The distinct parts of the line that is being read.
    parts: Vec<u8>,
    /// Connections on which the sender speaks TLS to an endpoint that does not.
    in_tls: BTreeSet<ConnectionId>,
    /// The message that was cut last has an end among the bytes that nobody read, is a charge, and
    /// has no line: what stands behind it may go on with it.
    lacks_lines: bool,
}

impl Reading {
    /// Reads charges by this agreement.
    pub(crate) fn of(agreement: &Agreement) -> Self {
        Self {
            agreement: agreement.clone(),
            header: Finder::new(b"\rMSH"),
            numbers: HashMap::default(),
            parts: Vec::new(),
            in_tls: BTreeSet::new(),
            lacks_lines: false,
        }
    }

    /// Reads the messages of one event, if it brought any. Gives back the bytes in which none begins.
    pub(crate) fn event<'h>(
        &mut self,
        evidence: &mut Evidence<'h>,
        index: usize,
        event: &'h Event,
    ) -> Option<&'h [u8]> {
        if self.is_of_tls(evidence, event) {
            return None;
        }
        let before = evidence.sent.len() + evidence.lines.len();
        let mut read: &'h [u8] = &[];
        match &event.what {
            What::Received { piece, bytes, .. } => {
                read = bytes.as_slice();
                each_message(*piece, bytes.as_slice(), &mut |payload, whole| {
                    self.take(evidence, index, payload, whole);
                });
            }
            What::Unread { connection, bytes, .. } => {
                let header = self.header.clone();
                let part = last_piece(&evidence.events[..index], *connection);
                let rest = behind(&header, part, bytes.as_slice());
                if let Some((payload, whole)) = rest.fused {
                    split_at_headers(payload, whole, &mut |payload, whole| {
                        self.take(evidence, index, payload, whole);
                    });
                }
                self.lacks_lines = rest.ended.is_some_and(|message| {
                    let message = Message::read(&message);
                    charges(&message).next().is_none() && message.code() == b"DFT"
                });
                read = rest.after;
                strays(rest.after, &mut |payload, whole| {
                    self.take(evidence, index, payload, whole);
                });
                self.lacks_lines = false;
            }
            _ => {}
        }
        let is_none = evidence.sent.len() + evidence.lines.len() == before;
        (is_none && !read.is_empty()).then_some(read)
    }

    /// Whether an event brought bytes of a TLS that the endpoint does not speak: whatever looks like a
    /// frame among them is none, unless a message begins in it.
    fn is_of_tls(&mut self, evidence: &Evidence<'_>, event: &Event) -> bool {
        let (connection, bytes) = match &event.what {
            What::Received { connection, offset, bytes, .. } => {
                if *offset == 0 && begins_tls(evidence, bytes.as_slice()) {
                    self.in_tls.insert(*connection);
                }
                (connection, bytes)
            }
            What::Unread { connection, bytes, .. } => (connection, bytes),
            _ => return false,
        };
        self.in_tls.contains(connection) && memmem::find(bytes.as_slice(), b"MSH").is_none()
    }

    /// To be called after the last event.
    pub(crate) fn finish(self, evidence: &mut Evidence<'_>) {
        sort_attempts(evidence);
    }

    fn take<'h>(
        &mut self,
        evidence: &mut Evidence<'h>,
        event: usize,
        payload: &'h [u8],
        whole: bool,
    ) {
        let message = Message::read(readable(payload, whole));
        if payload.starts_with(b"FT1") && self.goes_on(evidence, event, payload, whole) {
            return;
        }
        let first_line = evidence.lines.len();
        let number = evidence.sent.len();
        let carries_lines = self.read_lines(evidence, number, &message, (payload, whole));
        let line_count = evidence.lines.len() - first_line;
        evidence.sent.push(Sent {
            event,
            payload,
            whole,
            faultless: whole && is_faultless(&message),
            kind: kind(&message, carries_lines, whole),
            control_id: message.control_id(),
            written: message.value("MSH-7"),
            due: due(&message),
            first_line: u32::try_from(first_line).expect("invariant: fewer than 2^32 lines"),
            line_count: u32::try_from(line_count).expect("invariant: fewer than 2^32 lines"),
            apart: None,
        });
    }

    /// Reads the lines of the message with this number, and says whether there are any.
    fn read_lines<'h>(
        &mut self,
        evidence: &mut Evidence<'h>,
        number: usize,
        message: &Message<'h>,
        (payload, whole): (&[u8], bool),
    ) -> bool {
        let number = u32::try_from(number).expect("invariant: fewer than 2^32 messages");
        let finished = if whole { usize::MAX } else { finished_lines(payload) };
        let mut carries_lines = false;
        for charge in charges(message) {
            carries_lines = true;
            let order = charge.order(&self.agreement);
            evidence.orderless += u64::from(order.is_empty());
            if order.is_empty() || !whole && may_be_credit(evidence, &charge, &order) {
                continue;
            }
            let order = order_number(evidence, order);
            attempt_once(&mut evidence.orders[order as usize], number);
            let distinct = (charge.ft1() <= finished).then(|| self.distinct(&charge));
            let ft1 = u32::try_from(charge.ft1()).unwrap_or(u32::MAX);
            evidence.lines.push(SentLine { ft1, order, distinct });
        }
        carries_lines
    }

    /// Takes the lines of a frame that goes on with the charge of the frame before it, on the same
    /// connection: together they are one attempt, if a strange one.
    fn goes_on<'h>(
        &mut self,
        evidence: &mut Evidence<'h>,
        event: usize,
        payload: &'h [u8],
        whole: bool,
    ) -> bool {
        let of = |event: usize| match &evidence.events[event].what {
            What::Received { connection, .. } | What::Unread { connection, .. } => {
                Some(*connection)
            }
            _ => None,
        };
        let Some(last) = evidence.sent.last() else { return false };
        let begun = match last.whole {
            true => whole && last.kind == Kind::Charge,
            false => self.lacks_lines && last.may_charge(),
        };
        if !begun || last.line_count > 0 || of(last.event) != of(event) {
            return false;
        }
        let number = evidence.sent.len() - 1;
        let first_line = evidence.lines.len();
        let message = Message::read(readable(payload, whole));
        self.read_lines(evidence, number, &message, (payload, whole));
        let line_count = evidence.lines.len() - first_line;
        if let Some(last) = evidence.sent.last_mut() {
            last.kind = Kind::Charge;
            last.line_count = u32::try_from(line_count).unwrap_or(u32::MAX);
            last.apart = Some((payload, whole));
        }
        true
    }

    fn distinct(&mut self, charge: &Charge<'_, '_>) -> u32 {
        self.parts.clear();
        charge.write_distinct(&self.agreement, &mut self.parts);
        if let Some(known) = self.numbers.get(&self.parts) {
            return *known;
        }
        let next = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
        self.numbers.insert(self.parts.clone(), next);
        next
    }
}

/// What every line of a message is about, apart from ids and times.
pub(crate) fn fingerprints<'e>(
    evidence: &'e Evidence<'_>,
    sent: &Sent<'_>,
) -> impl Iterator<Item = (&'e SentLine, u64)> {
    let (payload, whole) = sent.apart.unwrap_or((sent.payload, sent.whole));
    let message = Message::read(readable(payload, whole));
    let mut lines = lines(&message, &evidence.agreement).into_iter();
    sent.lines(evidence).iter().map(move |known| {
        let line = lines.by_ref().find(|line| line.ft1 == known.ft1 as usize);
        (known, line.map_or(0, |line| line.fingerprint))
    })
}

/// Whether a line that was cut may be of the credit of its order: both are known, and begin alike.
fn may_be_credit(evidence: &Evidence<'_>, charge: &Charge<'_, '_>, order: &[u8]) -> bool {
    !charge.tells_its_kind(&evidence.agreement) && evidence.exam(&credit_of(order)).is_some()
}

/// The order whose line was cut last, if that may be of the order's credit and nothing else in the
/// message says which.
pub(crate) fn half_told(evidence: &Evidence<'_>, part: &Sent<'_>) -> Option<Vec<u8>> {
    let (payload, whole) = part.apart.unwrap_or((part.payload, part.whole));
    if whole || !evidence.agreement.credits {
        return None;
    }
    let message = Message::read(readable(payload, whole));
    let line = charges(&message).last()?;
    let order = line.order(&evidence.agreement);
    if order.is_empty() || !may_be_credit(evidence, &line, &order) {
        return None;
    }
    let either = [order.to_vec(), credit_of(&order)];
    let is_told = |known: &SentLine| {
        either.iter().any(|one| **one == *evidence.orders[known.order as usize].order)
    };
    let told = part.lines(evidence).iter().any(is_told);
    (!told).then(|| order.into_owned())
}

/// The part of a message that can be read: all of it, or what is before the field that was cut.
pub(crate) fn readable(payload: &[u8], whole: bool) -> &[u8] {
    if whole { payload } else { to_last_field(payload) }
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
pub(crate) fn began(evidence: &Evidence<'_>, sent: u32) -> (crate::history::Micros, u64, u32) {
    let place = evidence.place(&evidence.sent[sent as usize]);
    (place.began, place.seq, sent)
}

fn kind(message: &Message<'_>, carries_lines: bool, whole: bool) -> Kind {
    match message.code() {
        // A wrong MSH-9 does not make a charge anything else: the EMR may post what it reads.
        _ if carries_lines => Kind::Charge,
        _ if whole && is_acknowledgement(message) => Kind::Other,
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

fn order_number<'h>(evidence: &mut Evidence<'h>, order: Cow<'h, [u8]>) -> u32 {
    // The lines of one message mostly are of one order.
    let last = evidence.orders.len().wrapping_sub(1);
    let number = if evidence.orders.last().is_some_and(|last| last.order == order) {
        last
    } else {
        let (number, is_new) = evidence.order_ids.insert_full(order);
        if is_new {
            let order = evidence.order_ids[number].clone();
            evidence.orders.push(OrderSeen { order, attempts: Vec::with_capacity(1) });
        }
        number
    };
    u32::try_from(number).expect("invariant: fewer than 2^32 orders")
}

/// Notes an attempt; several lines of one order in one message are one attempt.
fn attempt_once(order: &mut OrderSeen<'_>, sent: u32) {
    if order.attempts.last().is_none_or(|last| last.sent != sent) {
        order.attempts.push(Attempted { sent, eliminated: false });
    }
}

/// Notes that a message is an attempt at `order`, though the order is not readable in it.
pub(crate) fn attempt_by_elimination(evidence: &mut Evidence<'_>, sent: u32, order: &[u8]) {
    let number = order_number(evidence, Cow::Owned(order.to_vec())) as usize;
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
        } else if let Some(line) = memmem::find(part, b"FT1") {
            found(&part[line..], whole);
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
    for header in further_headers(payload) {
        // What stands between two messages belongs to neither.
        let end = if payload[..header].ends_with(b"\r\n") { header - 1 } else { header };
        found(&payload[start..end], true);
        start = header;
    }
    found(&payload[start..], whole);
}

/// Whether a whole message surely has none of the mistakes of form that are judged; most have
/// none, and need not be read again.
fn is_faultless(message: &Message<'_>) -> bool {
    let bytes = message.bytes();
    // Without an early end, so that many bytes are looked at in one step.
    let has_controls =
        bytes.iter().fold(false, |any, &byte| any | ((byte < b' ') & (byte != b'\r')));
    let ends_well =
        |segment: Segment<'_>| segment.end() == SegmentEnd::Cr && !segment.raw().is_empty();
    message.has_header()
        && (1..=CONTROL_ID_LENGTH).contains(&message.control_id().len())
        && !has_controls
        && message.segments().all(ends_well)
        && escape::mistakes(bytes, message.delimiters()).is_empty()
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
