//! How messages are framed on the wire: start and end bytes, and nothing between frames.
//!
//! Does **not** read a message.

use std::collections::BTreeSet;

use crate::history::{AnomalyKind, ConnectionId, Event, Micros, Piece, What};
use crate::verdict::{Circumstance, Rule};

use crate::check::evidence::frame::{FS, VT, frame_payload, further_headers};
use crate::check::evidence::index::Evidence;
use crate::check::evidence::message::Sent;
use crate::check::evidence::reading::begins_tls;
use crate::check::findings::Findings;
use crate::check::rules::Explanation;
use crate::check::rules::mistakes::Mistakes;
use crate::check::wording::lateness;

/// Of `wire/framing`.
pub(crate) const FRAMING: Explanation = Explanation {
    title: "frames follow MLLP",
    promise: "Every message stands in one frame: VT, the payload, FS, CR, and nothing between \
              frames; the payload has no control characters but CR.",
    source: "HL7 minimal lower layer protocol, release 1",
    how_to_read: "The offset counts from the first byte of the connection. A frame that was cut \
                  by the EMR's own reset or close, or by a kill, is not reported.",
};

/// Judges every piece that came.
pub(crate) fn judge(
    evidence: &Evidence<'_>,
    mistakes: &mut Mistakes<'_, '_>,
    findings: &mut Findings,
) {
    let mut pieces = 0;
    let in_tls = greeted_with_tls(evidence);
    if let Some(first) = in_tls.first() {
        let what = || {
            format!(
                "the sender speaks TLS, and the endpoint is plain: a ClientHello came on connection {first}"
            )
        };
        mistakes.note_times(
            Rule::WireFraming,
            &Circumstance::TlsOnPlainEndpoint,
            in_tls.len() as u64,
            what,
        );
    }
    for event in evidence.events {
        let What::Received { connection, .. } = event.what else { continue };
        pieces += 1;
        if !in_tls.contains(&connection) {
            framing(evidence, event, mistakes);
        }
    }
    findings.exercised(Rule::WireFraming, pieces);
}

/// Notes the first control character of a message.
pub(crate) fn control_characters<'e, 'h>(sent: &'e Sent<'h>, mistakes: &mut Mistakes<'e, 'h>) {
    if let Some((offset, byte)) = control_character(sent.payload) {
        let what = || format!("byte {offset} of a message is the control character {byte:02X}");
        mistakes.note(Rule::WireFraming, &Circumstance::ControlCharacter, Some(sent), what);
    }
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

fn framing(evidence: &Evidence<'_>, event: &Event, mistakes: &mut Mistakes<'_, '_>) {
    let What::Received { connection, began, piece, anomalies, bytes, offset, length } = &event.what
    else {
        return;
    };
    if *piece == Piece::Frame
        && let Some(kind) = wrongly_cut(frame_payload(bytes.as_slice()))
    {
        let what = || format!("{kind}, at byte {offset} of connection {connection}");
        mistakes.note(Rule::WireFraming, &kind, None, what);
    }
    if *piece == Piece::Unfinished && bytes.as_slice().iter().all(|byte| *byte == VT) {
        // A start byte is no byte of a message: one with nothing behind it tests the line, and one
        // ahead of a frame is one too many.
        if *length > 1 || !is_last(evidence, event.seq, *connection) {
            let kind = Circumstance::StartWithoutFrame;
            let what = || format!("a {kind}, at byte {offset} of connection {connection}");
            mistakes.note(Rule::WireFraming, &kind, None, what);
        }
        return;
    }
    for anomaly in anomalies {
        let kind = match anomaly.kind {
            AnomalyKind::StrayBytes => Circumstance::StrayBytes,
            AnomalyKind::StartInside => Circumstance::StartInside,
            AnomalyKind::EndInside => Circumstance::EndInside,
            AnomalyKind::NoCarriageReturn => Circumstance::NoCarriageReturn,
            AnomalyKind::NoEnd => Circumstance::NoEnd,
            AnomalyKind::Empty => Circumstance::EmptyFrame,
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
            mistakes.note(Rule::WireFraming, &kind, None, what);
        }
    }
}

/// One message, one frame: not two of them in one, and not one of them in two. A batch is framed
/// as a whole.
fn wrongly_cut(payload: &[u8]) -> Option<Circumstance> {
    if payload.starts_with(b"FHS") || payload.starts_with(b"BHS") {
        return None;
    }
    if further_headers(payload).next().is_some() {
        return Some(Circumstance::TwoMessagesInOneFrame);
    }
    payload.starts_with(b"FT1").then_some(Circumstance::MessageInTwoFrames)
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
