//! How messages stand on the wire: framing, segment ends, escapes, control ids.
//!
//! Each kind of mistake is one finding with its first witness and a count, however often it was
//! made. Does **not** look at what the messages say.

use std::collections::{BTreeMap, BTreeSet};

use crate::history::AnomalyKind;
use crate::history::{ConnectionId, Event, Micros, Piece, What};
use crate::hl7::{Charset, Delimiters, Message, Path, Segment, SegmentEnd, escape};
use crate::verdict::{FieldDifference, Proof, Weight};

use crate::check::evidence::frame::{FS, VT, frame_payload, further_headers, may_begin_message};
use crate::check::evidence::index::Evidence;
use crate::check::evidence::message::{CONTROL_ID_LENGTH, Kind, Sent};
use crate::check::evidence::reading::begins_tls;
use crate::check::findings::{Findings, Told};
use crate::check::rules::compared::{Compared, unescaped};
use crate::check::rules::{CHARSET, CONTROL_IDS, ESCAPES, FRAMING, SEGMENTS};
use crate::check::wording::circumstance::witness;
use crate::check::wording::events::{control_id_in_words, order_in_words};
use crate::check::wording::lateness;
use crate::check::wording::mask::{Mask, Sides};

/// The longest MSH-10 from version 2.7 on (HL7 v2 chapter 2, MSH-10).
const CONTROL_ID_LENGTH_2_7: usize = 199;

/// Judges every piece and every message.
pub(crate) fn judge(
    evidence: &Evidence<'_>,
    messages: &[Compared<'_, '_>],
    findings: &mut Findings,
) {
    let mut mistakes = Mistakes::default();
    let mut pieces = 0;
    let in_tls = greeted_with_tls(evidence);
    if let Some(first) = in_tls.first() {
        let what = || {
            format!(
                "the sender speaks TLS, and the endpoint is plain: a ClientHello came on connection {first}"
            )
        };
        mistakes.note_times(FRAMING, "TLS on a plain endpoint", in_tls.len() as u64, what);
    }
    for event in evidence.events {
        let What::Received { connection, .. } = event.what else { continue };
        pieces += 1;
        if !in_tls.contains(&connection) {
            framing(evidence, event, &mut mistakes);
        }
    }
    findings.exercised(FRAMING, pieces);
    let mut faultless = 0;
    for sent in &evidence.sent {
        charset(evidence, sent, &mut mistakes, findings);
        delimiters_in_id(evidence, sent, &mut mistakes);
        if sent.faultless {
            faultless += 1;
            continue;
        }
        if is_transport(sent.payload) || !may_begin_message(sent.payload) {
            continue;
        }
        let message = Message::read(sent.payload);
        segments(evidence, sent, &message, &mut mistakes, findings);
        if let Some((offset, byte)) = control_character(sent.payload) {
            let what = || format!("byte {offset} of a message is the control character {byte:02X}");
            mistakes.note(FRAMING, "control character", Some(sent), what);
        }
        if sent.whole {
            findings.exercised(ESCAPES, 1);
            if let Some(&offset) = escape::mistakes(sent.payload, message.delimiters()).first() {
                let what = || format!("an escape character without a sequence, at byte {offset}");
                mistakes.note(ESCAPES, "dangling escape", Some(sent), what);
            }
        }
        control_id(sent, &message, &mut mistakes, findings);
    }
    for rule in [SEGMENTS, ESCAPES, CONTROL_IDS] {
        findings.exercised(rule, faultless);
    }
    delimiters_in_values(evidence, messages, findings);
    shared_control_ids(evidence, findings);
    mistakes.tell(evidence, findings);
}

/// The connections on which the sender has greeted with TLS (RFC 8446, section 5.1: a handshake record of
/// version 3) although the endpoint is plain. What else stands there is no framing of anything.
fn greeted_with_tls(evidence: &Evidence<'_>) -> BTreeSet<ConnectionId> {
    let greeted = evidence.events.iter().filter_map(|event| match &event.what {
        What::Received { connection, offset: 0, bytes, .. } => {
            begins_tls(evidence, bytes.as_slice()).then_some(*connection)
        }
        _ => None,
    });
    greeted.collect()
}

/// The commit acknowledgements of MLLP release 2, positive and negative, which are whole frames
/// of their own and no messages.
fn is_transport(payload: &[u8]) -> bool {
    matches!(payload, [0x06 | 0x15])
}

/// Mistakes of one kind, counted.
#[derive(Default)]
struct Mistakes<'e, 'h> {
    kinds: BTreeMap<(&'static str, &'static str), Mistake<'e, 'h>>,
}

struct Mistake<'e, 'h> {
    first: Option<&'e Sent<'h>>,
    what: String,
    times: u64,
}

impl<'e, 'h> Mistakes<'e, 'h> {
    fn note(
        &mut self,
        rule: &'static str,
        kind: &'static str,
        sent: Option<&'e Sent<'h>>,
        what: impl FnOnce() -> String,
    ) {
        let mistake = self.kinds.entry((rule, kind));
        mistake.or_insert_with(|| Mistake { first: sent, what: what(), times: 0 }).times += 1;
    }

    fn note_times(
        &mut self,
        rule: &'static str,
        kind: &'static str,
        times: u64,
        what: impl FnOnce() -> String,
    ) {
        self.kinds.insert((rule, kind), Mistake { first: None, what: what(), times });
    }

    fn tell(self, evidence: &Evidence<'_>, findings: &mut Findings) {
        for ((rule, kind), mistake) in self.kinds {
            findings.add(rule, Weight::Broken, || {
                let times = match mistake.times {
                    1 => String::new(),
                    times => format!(" (first of {times})"),
                };
                let told = Told::plainly(kind, format!("{}{times}", mistake.what));
                match mistake.first {
                    Some(sent) => {
                        let attempts = vec![witness(evidence, sent)];
                        told.with(Proof { attempts, ..Proof::default() })
                    }
                    None => told,
                }
            });
        }
    }
}

fn framing(evidence: &Evidence<'_>, event: &Event, mistakes: &mut Mistakes<'_, '_>) {
    let What::Received { connection, began, piece, anomalies, bytes, offset, length } = &event.what
    else {
        return;
    };
    if *piece == Piece::Frame
        && let Some(kind) = wrongly_cut(frame_payload(bytes.as_slice()))
    {
        let what = || format!("{kind}, at byte {offset} of connection {connection}");
        mistakes.note(FRAMING, kind, None, what);
    }
    if *piece == Piece::Unfinished && bytes.as_slice().iter().all(|byte| *byte == VT) {
        // A start byte is no byte of a message: one with nothing behind it tests the line, and one
        // ahead of a frame is one too many.
        if *length > 1 || !is_last(evidence, event.seq, *connection) {
            let kind = "start byte without a frame";
            let what = || format!("a {kind}, at byte {offset} of connection {connection}");
            mistakes.note(FRAMING, kind, None, what);
        }
        return;
    }
    for anomaly in anomalies {
        let kind = match anomaly.kind {
            AnomalyKind::StrayBytes => "stray bytes outside a frame",
            AnomalyKind::StartInside => "start byte inside a frame",
            AnomalyKind::EndInside => "end byte inside a frame",
            AnomalyKind::NoCarriageReturn => "no carriage return after the end byte",
            AnomalyKind::NoEnd => "no end of the frame",
            AnomalyKind::Empty => "empty frame",
            // The bound has its own rule.
            AnomalyKind::Oversize => continue,
        };
        let may_be_cut = match piece {
            Piece::Unfinished => true,
            Piece::Frame if anomaly.kind == AnomalyKind::NoCarriageReturn => {
                is_last(evidence, event.seq, *connection)
            }
            _ => false,
        };
        let cut = may_be_cut
            && (was_cut(evidence, *connection, *began)
                || goes_on_unread(evidence, event.seq, *connection, offset + length));
        if !cut {
            let what = || format!("{kind}, at byte {} of connection {connection}", anomaly.offset);
            mistakes.note(FRAMING, kind, None, what);
        }
    }
}

/// One message, one frame: not two of them in one, and not one of them in two. A batch is framed
/// as a whole.
fn wrongly_cut(payload: &[u8]) -> Option<&'static str> {
    if payload.starts_with(b"FHS") || payload.starts_with(b"BHS") {
        return None;
    }
    if further_headers(payload).next().is_some() {
        return Some("two messages in one frame");
    }
    payload.starts_with(b"FT1").then_some("a message in two frames")
}

/// Whether a frame has no end because the EMR ended its connection, or the harness its sender,
/// while it was being sent.
fn was_cut(evidence: &Evidence<'_>, connection: u32, began: Micros) -> bool {
    let Some(connection) = evidence.connections.get(&connection) else { return false };
    let by_either = connection.ended_by_emr.map(|(seq, _, _)| seq).into_iter();
    let end = by_either.chain(connection.ended_by_sender).min().unwrap_or(u64::MAX);
    // Whoever stood still could not go on before he was let; after the end, that cut nothing.
    let on_connection = &evidence.events[..evidence.index_of(end)];
    let pause = on_connection.iter().rev().find_map(|event| match event.what {
        What::SenderResumed { incarnation, .. } if incarnation == connection.incarnation => {
            Some((event.at, false))
        }
        What::SenderPaused { incarnation } if incarnation == connection.incarnation => {
            Some((event.at, true))
        }
        _ => None,
    });
    let began = match pause {
        Some((resumed, false)) => began.max(resumed),
        _ => began,
    };
    let stood = pause.filter(|(_, standing)| *standing).map(|(paused, _)| paused);
    let soon = |at: Micros| {
        let until = stood.map_or(at, |paused| at.min(paused.max(began)));
        // A machine that is too busy lets the sender wait, too.
        let late = lateness::between(evidence, began, until);
        let most = evidence.plan.limits.ack_timeout.0.saturating_add(late.0);
        at >= began && until.since(began).0 <= most
    };
    let by_emr = connection.ended_by_emr.is_some_and(|(seq, at, _)| {
        // The EMR also closes its side after the sender has closed; that cuts nothing.
        soon(at) && connection.ended_by_sender.is_none_or(|sender| seq < sender)
    });
    let life = evidence.lives.get(&connection.incarnation);
    let killed = life.and_then(|life| life.killed).is_some_and(|(_, at)| soon(at));
    let asked = life.and_then(|life| life.asked).is_some_and(|seq| {
        evidence.events.get(evidence.index_of(seq)).is_some_and(|event| soon(event.at))
    });
    by_emr || killed || asked
}

/// Whether nothing more was received on a connection after this event.
fn is_last(evidence: &Evidence<'_>, seq: u64, connection: u32) -> bool {
    let later = &evidence.events[evidence.index_of(seq + 1)..];
    !later.iter().any(
        |event| matches!(event.what, What::Received { connection: of, .. } if of == connection),
    )
}

/// Whether bytes of the sender stood unread from this offset on: the EMR had stopped reading, and
/// what it did not read may have had an end.
fn goes_on_unread(evidence: &Evidence<'_>, seq: u64, connection: u32, end: u64) -> bool {
    evidence.events[evidence.index_of(seq)..].iter().any(|event| {
        matches!(event.what, What::Unread { connection: of, offset, .. }
            if of == connection && offset == end)
    })
}

/// The first byte that MLLP does not allow in a payload: it must be above 1F or a carriage return.
/// Framing bytes and line feeds are told elsewhere, and ISO 2022 switches its alphabets by escape
/// and shift characters.
fn control_character(payload: &[u8]) -> Option<(usize, u8)> {
    const TOLD_ELSEWHERE: [u8; 4] = [VT, FS, b'\n', b'\r'];
    const ISO_2022: [u8; 3] = [0x0E, 0x0F, 0x1B];
    let is_wrong =
        |byte: &u8| *byte < b' ' && !TOLD_ELSEWHERE.contains(byte) && !ISO_2022.contains(byte);
    payload.iter().position(is_wrong).map(|offset| (offset, payload[offset]))
}

/// HL7 v2 chapter 2: the segment terminator is always a carriage return.
fn segments<'e, 'h>(
    evidence: &Evidence<'h>,
    sent: &'e Sent<'h>,
    message: &Message<'_>,
    mistakes: &mut Mistakes<'e, 'h>,
    findings: &mut Findings,
) {
    findings.exercised(SEGMENTS, 1);
    let name = |segment: &Segment<'_>| {
        let page = Mask::of(evidence).page(message);
        format!("{}[{}]", page.name(segment), segment.occurrence())
    };
    for segment in message.segments() {
        match segment.end() {
            // After a lost end byte its carriage return looks like one.
            SegmentEnd::Cr if segment.raw().is_empty() && sent.whole => {
                let what = || "a carriage return ends no segment".to_owned();
                mistakes.note(SEGMENTS, "empty segment", Some(sent), what);
                return;
            }
            SegmentEnd::Cr => {}
            SegmentEnd::Lf | SegmentEnd::CrLf => {
                let what = || format!("{} ends in a line feed", name(&segment));
                mistakes.note(SEGMENTS, "line feed", Some(sent), what);
                return;
            }
            SegmentEnd::None if sent.whole => {
                let what =
                    || format!("{}, the last segment, has no carriage return", name(&segment));
                mistakes.note(SEGMENTS, "no final carriage return", Some(sent), what);
                return;
            }
            SegmentEnd::None => {}
        }
    }
}

/// Values that the mapping escapes and that were sent unescaped.
fn delimiters_in_values(
    evidence: &Evidence<'_>,
    messages: &[Compared<'_, '_>],
    findings: &mut Findings,
) {
    let mask = Mask::of(evidence);
    for message in messages.iter().filter(|message| message.made_of.is_none()) {
        let (sent, Some(&exam)) = (message.sent, message.exams.first()) else { continue };
        let agreed = message.agreed(exam);
        let segments = unescaped(message.mapping, exam, &agreed, sent.payload);
        if segments.is_empty() {
            continue;
        }
        findings.add(ESCAPES, Weight::Broken, || {
            let order = order_in_words(evidence, &exam.order);
            let message = Message::read(sent.payload);
            let sides = Sides { expected: None, found: &mask.page(&message) };
            let differences: Vec<FieldDifference> =
                segments.iter().map(|segment| sides.show(segment)).collect();
            let path = differences.first().map_or("", |difference| difference.path.as_str());
            let message = format!("{path} of order {order} holds a delimiter that is not escaped");
            let attempts = vec![witness(evidence, sent)];
            let proof = Proof {
                charge: format!("order {order}"),
                attempts,
                differences,
                ..Proof::default()
            };
            Told::plainly("delimiter in a value", message).with(proof)
        });
    }
}

fn control_id<'e, 'h>(
    sent: &'e Sent<'h>,
    message: &Message<'_>,
    mistakes: &mut Mistakes<'e, 'h>,
    findings: &mut Findings,
) {
    if !sent.whole || !message.has_header() {
        return;
    }
    findings.exercised(CONTROL_IDS, 1);
    let id = sent.control_id;
    let longest =
        if is_2_7_or_later(message.version()) { CONTROL_ID_LENGTH_2_7 } else { CONTROL_ID_LENGTH };
    if id.is_empty() {
        mistakes.note(CONTROL_IDS, "empty", Some(sent), || "MSH-10 is empty".to_owned());
    } else if id.len() > longest {
        let what = || format!("MSH-10 has {} characters, and may have {longest}", id.len());
        mistakes.note(CONTROL_IDS, "too long", Some(sent), what);
    }
}

/// A control id is a string: it has no components and is not repeated.
fn delimiters_in_id<'e, 'h>(
    evidence: &Evidence<'h>,
    sent: &'e Sent<'h>,
    mistakes: &mut Mistakes<'e, 'h>,
) {
    let id = sent.control_id;
    if !sent.whole || id.iter().all(|byte| byte.is_ascii_alphanumeric()) {
        return;
    }
    let Delimiters { component, repetition, subcomponent, .. } =
        Message::read_header(sent.payload).delimiters();
    if memchr::memchr3(component, repetition, subcomponent, id).is_some() {
        let id = || control_id_in_words(evidence, sent);
        let what = || format!("MSH-10 is `{}`, which holds a delimiter", id());
        mistakes.note(CONTROL_IDS, "delimiter in a control id", Some(sent), what);
    }
}

/// HL7 v2 chapter 2, MSH-18: the character set of the entire message. Of several sets, which a message
/// switches between by escape sequences, nothing is said.
fn charset<'e, 'h>(
    evidence: &Evidence<'h>,
    sent: &'e Sent<'h>,
    mistakes: &mut Mistakes<'e, 'h>,
    findings: &mut Findings,
) {
    if !sent.whole || sent.payload.is_ascii() {
        return;
    }
    let header = Message::read_header(sent.payload);
    let declared = std::str::from_utf8(header.value("MSH-18")).unwrap_or_default();
    let Some(charset) = Charset::named(declared).filter(|_| !declared.is_empty()) else { return };
    findings.exercised(CHARSET, 1);
    if charset.holds(sent.payload) {
        return;
    }
    let message = Message::read(sent.payload);
    let mut segments = message.segments();
    let what = || {
        let wrong = segments.find(|segment| !charset.holds(segment.raw()));
        let page = Mask::of(evidence).page(&message);
        let place =
            wrong.map_or_else(String::new, |segment| format!(", in {}", page.name(&segment)));
        let declared = page.at(&Path::literal("MSH-18"));
        format!(
            "MSH-18 declares {declared}, and the message holds bytes that are none of it{place}"
        )
    };
    mistakes.note(CHARSET, "MSH-18", Some(sent), what);
}

fn is_2_7_or_later(version: &[u8]) -> bool {
    let text = std::str::from_utf8(version).unwrap_or_default();
    let mut numbers = text.split('.').map(|number| number.parse::<u32>().unwrap_or(0));
    let (major, minor) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    (major, minor) >= (2, 7)
}

/// Two messages about different orders, or a charge and a result, under one control id. Messages
/// that have an order in common are a resend, which other rules judge.
fn shared_control_ids(evidence: &Evidence<'_>, findings: &mut Findings) {
    let ids = evidence.control_ids();
    let mut first_with: Vec<Option<&Sent<'_>>> = vec![None; ids.count()];
    for (number, sent) in evidence.sent.iter().enumerate() {
        let Some(id) = ids.number(number) else { continue };
        let judged = matches!(sent.kind, Kind::Charge | Kind::Result);
        if !judged || !sent.whole {
            continue;
        }
        let first = *first_with[id].get_or_insert(sent);
        if std::ptr::eq(first, sent) || same_subject(evidence, first, sent) {
            continue;
        }
        findings.add(CONTROL_IDS, Weight::Broken, || {
            let id = control_id_in_words(evidence, sent);
            let message = format!("two messages about different things share the control id {id}");
            let attempts = vec![witness(evidence, first), witness(evidence, sent)];
            Told::plainly("shared", message).with(Proof { attempts, ..Proof::default() })
        });
    }
}

fn same_subject(evidence: &Evidence<'_>, first: &Sent<'_>, other: &Sent<'_>) -> bool {
    if first.payload == other.payload {
        return true;
    }
    match (first.kind, other.kind) {
        (Kind::Charge, Kind::Charge) => {
            let orders = first.lines(evidence);
            other
                .lines(evidence)
                .iter()
                .any(|line| orders.iter().any(|known| known.order == line.order))
        }
        (Kind::Result, Kind::Result) => first.subject() == other.subject(),
        _ => false,
    }
}
