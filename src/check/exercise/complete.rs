//! Whether the history is whole: its events, its times, and every byte that came.

use std::collections::BTreeMap;

use crate::history::{ConnectionId, Event, Piece, What};
use crate::verdict::Circumstance;

use crate::check::evidence::index::Evidence;
use crate::check::exercise::missing::Missing;

pub(crate) fn cut(evidence: &Evidence<'_>, missing: Missing<'_>) {
    let finished = evidence.events.iter().any(|event| event.what == What::Finished);
    let interrupted = evidence.events.iter().find_map(|event| match &event.what {
        What::Interrupted { why } => Some(why.as_deref()),
        _ => None,
    });
    if interrupted.is_some() || !finished {
        let why = interrupted.flatten().map(|why| format!(": {why}")).unwrap_or_default();
        missing(Circumstance::HistoryCut, format!("the history ends before its last step{why}"));
    }
    let numbers = evidence.events.iter().zip(1..);
    if let Some((event, number)) = { numbers }.find(|(event, number)| event.seq != *number) {
        let seq = event.seq;
        missing(
            Circumstance::HistoryCut,
            format!("event {seq} stands where event {number} should be"),
        );
    }
    out_of_time(evidence, missing);
    bytes_lost(evidence, missing);
    not_readable(evidence, missing);
}

/// Not even `never` is proven by a sender that may have been dead.
pub(crate) fn nothing_sent(evidence: &Evidence<'_>, missing: Missing<'_>) {
    let is_hidden = !evidence.disguises.attempts.is_empty();
    if evidence.orders.is_empty() && evidence.unexplained.is_empty() && !is_hidden {
        missing(Circumstance::NothingSent, "no charge was attempted at all".to_owned());
    }
}

/// What came and could not be read, or was more than is kept, may have been another attempt.
pub(crate) fn not_readable(evidence: &Evidence<'_>, missing: Missing<'_>) {
    for event in evidence.events {
        match event.what {
            What::Undecryptable { connection, bytes } => {
                let message = format!(
                    "{bytes} bytes or more came on connection {connection} under a TLS that had failed or ended, \
                     and nobody can say that no charge was among them"
                );
                missing(Circumstance::BytesNotReadable, message);
            }
            What::Unread { connection, ref bytes, length, .. }
                if (bytes.as_slice().len() as u64) < length =>
            {
                let kept = bytes.as_slice().len();
                let message = format!(
                    "{length} bytes came on connection {connection} when the EMR had broken off, and {kept} of them were kept"
                );
                missing(Circumstance::HistoryCut, message);
            }
            _ => {}
        }
    }
}

/// The clock of a history never goes back, and nothing lasted for longer than the case.
fn out_of_time(evidence: &Evidence<'_>, missing: Missing<'_>) {
    let mut pairs = evidence.events.windows(2);
    if let Some([before, event]) = pairs.find(|pair| pair[1].at < pair[0].at) {
        let message = format!(
            "event {} is said to be {} µs before event {}, which stands before it",
            event.seq,
            before.at.since(event.at).0,
            before.seq,
        );
        missing(Circumstance::TimesOutOfOrder, message);
    }
    let lasted = |what: &What| match what {
        What::Watched { quiet, .. } => Some(*quiet),
        What::Received { began, .. } => Some(*began),
        _ => None,
    };
    let is_too_long = |event: &&Event| lasted(&event.what).is_some_and(|time| time > event.at);
    if let Some(event) = evidence.events.iter().find(is_too_long) {
        let message =
            format!("event {} speaks of a time that had not come or not passed", event.seq);
        missing(Circumstance::TimesOutOfOrder, message);
    }
}

/// The pieces of a connection follow one another without a gap.
fn bytes_lost(evidence: &Evidence<'_>, missing: Missing<'_>) {
    let mut read: BTreeMap<ConnectionId, u64> = BTreeMap::new();
    for event in evidence.events {
        let What::Received { connection, offset, length, piece, ref bytes, .. } = event.what else {
            continue;
        };
        let next = read.entry(connection).or_insert(0);
        let kept = bytes.as_slice().len() as u64;
        if *next != offset || kept > length {
            let message =
                format!("bytes {next} to {offset} of connection {connection} are missing");
            missing(Circumstance::HistoryCut, message);
            return;
        }
        // Of one that outgrew the limit only the beginning is kept, and another rule says so.
        if kept < length && piece != Piece::Oversize {
            let message = format!(
                "{length} bytes came at once on connection {connection}, and {kept} of them are in \
                 the history"
            );
            missing(Circumstance::HistoryCut, message);
            return;
        }
        *next = offset.saturating_add(length);
    }
}
