//! How many messages a sender has on their way at once: written, and neither answered nor given up.
//!
//! Judged only where the sender file declares how many it may have. What a sender had not written
//! yet, or what it may have given up, is not counted, so that nobody is blamed for a harness that
//! reads late: a message counts for less than half of the sender's patience, and not on a
//! connection that the EMR was slow to accept or to read. Nor does one count where the sender may
//! have taken for its answer what was not: see [`muddled`].

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::history::{ConnectionId, Micros, What};
use crate::hl7::Message;
use crate::hl7::ack::AckCondition;
use crate::plan::Moment;
use crate::verdict::Proof;

use super::attempts::{Kind, Sent};
use super::between::witness;
use super::evidence::{Evidence, Place};
use super::findings::{Findings, Told};
use super::frame::{FS, VT};
use super::late;
use super::quick::Quick;
use super::rules::IN_FLIGHT;

/// By how much a harness may be late that does not say so.
const UNSAID: Micros = Micros(100_000);

/// Judges every message that follows another on its connection.
pub(super) fn judge(evidence: &Evidence<'_>, findings: &mut Findings) {
    let Some(limit) = evidence.plan.limits.in_flight else { return };
    let sure = Micros(evidence.plan.limits.ack_timeout.since(UNSAID).0 / 2);
    let answers = Answers::of(evidence);
    let mut lines: BTreeMap<ConnectionId, Vec<OnTheWay<'_, '_>>> = BTreeMap::new();
    let (held_up, muddled) = (held_up(evidence), muddled(evidence));
    let shared = shared(evidence);
    let counted = |sent: &&Sent<'_>| counts(sent) && !shared.contains(&sent.event);
    for sent in evidence.sent.iter().filter(counted) {
        let place = evidence.place(sent);
        let in_doubt = muddled.get(&place.connection).is_some_and(|from| *from <= place.began);
        if in_doubt || held_up.contains(&place.connection) {
            continue;
        }
        let before = lines.entry(place.connection).or_default();
        let waited = before.last().is_some_and(|last| was_at_hand(evidence, sent, last));
        before.retain(|one| one.is_open(&place, sure));
        before.push(OnTheWay { sent, place, answered: answers.first(sent, &place) });
        findings.exercised(IN_FLIGHT, u64::from(waited));
        if before.len() as u64 > u64::from(limit) {
            tell(evidence, before, limit, findings);
            before.clear();
        }
    }
}

/// A message that the sender has written.
struct OnTheWay<'e, 'h> {
    sent: &'e Sent<'h>,
    place: Place<'h>,
    /// When the first byte was written that answered it. An answer is told when it is over, so that its
    /// place among the events says nothing.
    answered: Option<Micros>,
}

impl OnTheWay<'_, '_> {
    /// Whether it was written apart from the message at `next` and not answered when that began, and
    /// so soon before that the sender cannot have given it up.
    fn is_open(&self, next: &Place<'_>, sure: Micros) -> bool {
        let unanswered = self.answered.is_none_or(|at| at > next.began);
        unanswered && self.place.seq != next.seq && next.began.since(self.place.at) < sure
    }
}

/// A whole message to which an answer is due, whatever the EMR thinks of it.
fn counts(sent: &Sent<'_>) -> bool {
    let due = [sent.due.accept, sent.due.application].contains(&AckCondition::Always);
    sent.whole && matches!(sent.kind, Kind::Charge | Kind::Result) && due
}

/// What a sender knows a message by: a message that it writes again under the same control id is
/// answered by what answers the one before. Without a control id it is this message alone.
type Name<'h> = (&'h [u8], u64);

fn name<'h>(sent: &Sent<'h>, seq: u64) -> Name<'h> {
    (sent.control_id, if sent.control_id.is_empty() { seq } else { 0 })
}

/// The answers by what they answer, in the order in which they were over: when each was, and when the
/// first byte was written of it or of any that follows.
struct Answers<'h>(HashMap<Name<'h>, Vec<(Micros, Micros)>, Quick>);

impl<'h> Answers<'h> {
    fn of(evidence: &Evidence<'h>) -> Self {
        let named = |sent: &Sent<'h>| {
            let seq = evidence.place(sent).seq;
            (seq, name(sent, seq))
        };
        let names: HashMap<u64, Name<'h>, Quick> = evidence.sent.iter().rev().map(named).collect();
        let mut answers: HashMap<Name<'h>, Vec<(Micros, Micros)>, Quick> = HashMap::default();
        for event in evidence.events {
            if let What::Replied { to: Some(to), began, .. } = event.what
                && let Some(name) = names.get(&to)
            {
                answers.entry(*name).or_default().push((event.at, began));
            }
        }
        for answers in answers.values_mut() {
            let mut earliest = Micros(u64::MAX);
            for (_, began) in answers.iter_mut().rev() {
                earliest = earliest.min(*began);
                *began = earliest;
            }
        }
        Self(answers)
    }

    /// When the message that was sent at `place` may first have been answered.
    fn first(&self, sent: &Sent<'h>, place: &Place<'_>) -> Option<Micros> {
        let answers = self.0.get(&name(sent, place.seq))?;
        let next = answers.partition_point(|(over, _)| *over < place.at);
        answers.get(next).map(|(_, began)| *began)
    }
}

/// Pieces that hold more than one message: these cannot be written one after the other, and the
/// framing is to blame.
fn shared(evidence: &Evidence<'_>) -> BTreeSet<usize> {
    let pairs = evidence.sent.windows(2).filter(|pair| pair[0].event == pair[1].event);
    pairs.map(|pair| pair[0].event).collect()
}

/// From when on a sender may be out of step with the EMR on a connection. It was written what no
/// message asked for, or what came when the next message was on its way; an honest sender may take
/// that for the answer to what it sent last, and go on. The same goes for an end by the EMR.
fn muddled(evidence: &Evidence<'_>) -> HashMap<ConnectionId, Micros, Quick> {
    let mut frames: HashMap<ConnectionId, Vec<(u64, Micros)>, Quick> = HashMap::default();
    for event in evidence.events {
        if let What::Received { connection, began, .. } = event.what {
            frames.entry(connection).or_default().push((event.seq, began));
        }
    }
    let mut sent: HashMap<u64, &Sent<'_>, Quick> = HashMap::default();
    for one in &evidence.sent {
        sent.entry(evidence.events[one.event].seq).or_insert(one);
    }
    let mut replies: HashMap<u64, usize, Quick> = HashMap::default();
    let mut muddled: HashMap<ConnectionId, Micros, Quick> = HashMap::default();
    for event in evidence.events {
        let (connection, from) = match &event.what {
            What::EndedByEmr { connection, .. } => (*connection, event.at),
            What::Replied { connection, to, bytes, began, complete, .. } => {
                let overtaken = |to: u64| {
                    let frames = frames.get(connection).map_or(&[][..], Vec::as_slice);
                    let next = frames.get(frames.partition_point(|(seq, _)| *seq <= to));
                    next.is_some_and(|(seq, began)| (*began, *seq) < (event.at, event.seq))
                };
                let asked = to.filter(|_| *complete).is_some_and(|to| {
                    let so_far = replies.entry(to).or_default();
                    *so_far += 1;
                    let fits = |sent: &&Sent<'_>| answers(sent, bytes.as_slice(), *so_far);
                    sent.get(&to).is_some_and(fits) && !overtaken(to)
                });
                if asked {
                    continue;
                }
                (*connection, *began)
            }
            _ => continue,
        };
        let earliest = muddled.entry(connection).or_insert(from);
        *earliest = from.min(*earliest);
    }
    muddled
}

/// Whether this is one frame that names the message, and not one more than are due to it.
fn answers(sent: &Sent<'_>, bytes: &[u8], so_far: usize) -> bool {
    let most = [sent.due.accept, sent.due.application]
        .into_iter()
        .filter(|one| *one != AckCondition::Never);
    let frame = bytes.strip_prefix(&[VT]).and_then(|rest| rest.strip_suffix(&[FS, b'\r']));
    let named = |frame| Message::read(frame).segment("MSA", 1)?.field(2)?.component(1);
    so_far <= most.count().max(1)
        && frame.is_some_and(|frame| {
            memchr::memchr2(VT, FS, frame).is_none()
                && named(frame).is_some_and(|named| named == sent.control_id)
        })
}

/// Connections on which bytes waited for the EMR, so that nobody knows when they were written.
fn held_up(evidence: &Evidence<'_>) -> BTreeSet<ConnectionId> {
    let at_bytes = |behaviour: usize| {
        let behaviour = evidence.plan.script.get(behaviour);
        behaviour.is_some_and(|one| matches!(one.on.moment, Some(Moment::Bytes(_))))
    };
    let mut slow: BTreeSet<&str> = BTreeSet::new();
    let mut held = BTreeSet::new();
    for event in evidence.events {
        match &event.what {
            What::Waiting { endpoint } => {
                slow.insert(endpoint);
            }
            What::Opened { connection, endpoint, .. } if slow.contains(endpoint.as_str()) => {
                held.insert(*connection);
            }
            What::Reading { connection, on: false, .. } => {
                held.insert(*connection);
            }
            // What follows the byte that sets it off is put off until it has played.
            What::Played { behaviour, connection: Some(connection), .. }
            | What::NotPlayed { behaviour, connection: Some(connection), .. }
                if at_bytes(*behaviour) =>
            {
                held.insert(*connection);
            }
            _ => {}
        }
    }
    held
}

/// Whether the exam of a message had been handed over before the message ahead of it was answered, so
/// that it could have been written too early.
fn was_at_hand(evidence: &Evidence<'_>, sent: &Sent<'_>, ahead: &OnTheWay<'_, '_>) -> bool {
    let Some(answered) = ahead.answered else { return false };
    let order =
        sent.lines(evidence).first().map(|line| &evidence.orders[line.order as usize].order);
    let exam = order.and_then(|order| evidence.exam(order));
    let handed = exam.and_then(|exam| exam.submitted.first());
    handed.is_some_and(|&handed| evidence.events[handed].at < answered)
}

fn tell(evidence: &Evidence<'_>, open: &[OnTheWay<'_, '_>], limit: u32, findings: &mut Findings) {
    let [first, .., last] = open else { return };
    // Whoever slept finds in one read what was written one after the other: it was late before the
    // first of them began, or says so after the last.
    let patience = evidence.plan.limits.ack_timeout;
    let time =
        (first.place.began.since(patience), Micros(last.place.at.0.saturating_add(patience.0)));
    late::add(evidence, findings, IN_FLIGHT, time, Micros(0), || {
        let message = format!(
            "{} messages were on their way at once on connection {}, where {limit} may be",
            open.len(),
            last.place.connection,
        );
        let attempts = vec![witness(evidence, first.sent), witness(evidence, last.sent)];
        Told::plainly("not answered yet", message).with(Proof { attempts, ..Proof::default() })
    });
}
