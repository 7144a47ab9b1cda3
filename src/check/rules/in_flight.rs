//! How many messages a sender has on their way at once: written, and neither answered nor given up.
//!
//! Judged only where the sender file declares how many it may have. What a sender had not written
//! yet, or what it may have given up, is not counted, so that nobody is blamed for a harness that
//! reads late: a message counts for less than half of the sender's patience, and not on a
//! connection that the EMR was slow to accept or to read. Nor does one count where the sender may
//! have taken for its answer what was not: see [`muddled`].

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::num::NonZeroU32;

use crate::history::{ConnectionId, Event, Micros, What};
use crate::hl7::Message;
use crate::hl7::ack::AckCondition;
use crate::plan::Moment;
use crate::verdict::{Circumstance, Proof, Rule};

use crate::check::evidence::frame::{FS, VT};
use crate::check::evidence::index::{Evidence, Place};
use crate::check::evidence::message::{Kind, Sent};
use crate::check::findings::{Findings, Told};
use crate::check::rules::Explanation;
use crate::check::wording::circumstance::witness;
use crate::check::wording::lateness;
use foldhash::fast::RandomState;

/// Of `wire/in-flight`.
pub(crate) const IN_FLIGHT: Explanation = Explanation {
    title: "no more messages in flight than declared",
    promise: "On one connection the sender has no more messages written but not answered than \
              its file declares; a sender that declares nothing is not judged.",
    source: "the sender file: `limits.in_flight`",
    how_to_read: "The first and the last of the messages are named. Where several wait for an \
                  answer, one that is lost or late is easily credited to another, and a \
                  disconnection leaves them all unknown. What the sender may have given up, by \
                  its timeout, is not counted.",
};

/// By how much a harness may be late that does not say so.
const UNSAID: Micros = Micros(100_000);

/// Judges every message that follows another on its connection.
pub(crate) fn judge(evidence: &Evidence<'_>, findings: &mut Findings) {
    let Some(limit) = evidence.plan.limits.in_flight else { return };
    let sure = Micros(evidence.plan.limits.ack_timeout.since(UNSAID).0 / 2);
    let firsts = Firsts::of(evidence);
    let answers = Answers::of(evidence, &firsts);
    let mut lines: BTreeMap<ConnectionId, Vec<OnTheWay<'_, '_>>> = BTreeMap::new();
    let (held_up, muddled) = (held_up(evidence), muddled(evidence, &firsts));
    let shared = shared(evidence);
    for (number, sent) in evidence.sent.iter().enumerate() {
        if !counts(sent) || shared.contains(&sent.event) {
            continue;
        }
        let place = evidence.place(sent);
        let in_doubt = muddled.get(&place.connection).is_some_and(|from| *from <= place.began);
        if in_doubt || held_up.contains(&place.connection) {
            continue;
        }
        let before = lines.entry(place.connection).or_default();
        let waited = before.last().is_some_and(|last| was_at_hand(evidence, sent, last));
        before.retain(|one| one.is_open(&place, sure));
        let answered = answers.first(name(evidence, &firsts, number), &place);
        before.push(OnTheWay { sent, place, answered });
        findings.exercised(Rule::WireInFlight, u64::from(waited));
        if before.len() as u64 > u64::from(limit) {
            add(evidence, before, limit, findings);
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

/// The first message that each event brought, by the event's index.
struct Firsts(Vec<Option<NonZeroU32>>);

impl Firsts {
    fn of(evidence: &Evidence<'_>) -> Self {
        let mut firsts = vec![None; evidence.events.len()];
        for (number, sent) in (1..).zip(&evidence.sent) {
            let first: &mut Option<NonZeroU32> = &mut firsts[sent.event];
            *first = first.or(NonZeroU32::new(number));
        }
        Self(firsts)
    }

    /// The number of the first message that the event with this index brought.
    fn at(&self, event: usize) -> Option<usize> {
        self.0.get(event)?.map(|number| number.get() as usize - 1)
    }

    /// The number of the first message that the event with this `seq` brought.
    fn with_seq(&self, evidence: &Evidence<'_>, seq: u64) -> Option<usize> {
        let index = evidence.index_of(seq);
        let event = evidence.events.get(index)?;
        (event.seq == seq).then(|| self.at(index)).flatten()
    }
}

/// What a sender knows a message by, as a number: a message that it writes again under the same control
/// id is answered by what answers the one before. Without a control id it is this message alone.
fn name(evidence: &Evidence<'_>, firsts: &Firsts, number: usize) -> usize {
    let ids = evidence.control_ids();
    ids.number(number).unwrap_or_else(|| {
        let alone = firsts.at(evidence.sent[number].event).unwrap_or(number);
        ids.count() + alone
    })
}

/// The answers by what they answer, in the order in which they were over: when each was, and when the
/// first byte was written of it or of any that follows.
struct Answers {
    /// Where the answers to each name begin, and where the last end.
    starts: Vec<usize>,
    times: Vec<(Micros, Micros)>,
}

impl Answers {
    fn of(evidence: &Evidence<'_>, firsts: &Firsts) -> Self {
        let named = |event: &Event| match event.what {
            What::Replied { to: Some(to), began, .. } => {
                let number = firsts.with_seq(evidence, to)?;
                Some((name(evidence, firsts, number), (event.at, began)))
            }
            _ => None,
        };
        let names = evidence.control_ids().count() + evidence.sent.len();
        let mut starts = vec![0; names + 1];
        for (name, _) in evidence.events.iter().filter_map(named) {
            starts[name + 1] += 1;
        }
        for name in 0..names {
            starts[name + 1] += starts[name];
        }
        let mut times = vec![(Micros(0), Micros(0)); starts[names]];
        let mut ends = starts.clone();
        for (name, answer) in evidence.events.iter().filter_map(named) {
            times[ends[name]] = answer;
            ends[name] += 1;
        }
        for name in 0..names {
            let mut earliest = Micros(u64::MAX);
            for (_, began) in times[starts[name]..starts[name + 1]].iter_mut().rev() {
                earliest = earliest.min(*began);
                *began = earliest;
            }
        }
        Self { starts, times }
    }

    /// When the message of this name that was sent at `place` may first have been answered.
    fn first(&self, name: usize, place: &Place<'_>) -> Option<Micros> {
        let answers = &self.times[self.starts[name]..self.starts[name + 1]];
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
fn muddled(evidence: &Evidence<'_>, firsts: &Firsts) -> HashMap<ConnectionId, Micros, RandomState> {
    let coming = coming(evidence);
    let mut last: HashMap<ConnectionId, u64, RandomState> = HashMap::default();
    let mut replies = vec![0_usize; evidence.sent.len()];
    let mut muddled: HashMap<ConnectionId, Micros, RandomState> = HashMap::default();
    for (index, event) in evidence.events.iter().enumerate() {
        let (connection, from) = match &event.what {
            What::Received { connection, .. } => {
                last.insert(*connection, event.seq);
                continue;
            }
            What::EndedByEmr { connection, .. } => (*connection, event.at),
            What::Replied { connection, to, bytes, began, complete, .. } => {
                let is_overtaken = |to: u64| {
                    let began = coming[index].map(|next| next.began(evidence));
                    last.get(connection).is_some_and(|last| *last > to)
                        || began.is_some_and(|began| began < event.at)
                };
                let asked = to.filter(|_| *complete).is_some_and(|to| {
                    let Some(number) = firsts.with_seq(evidence, to) else { return false };
                    replies[number] += 1;
                    let fits = answers(&evidence.sent[number], bytes.as_slice(), replies[number]);
                    fits && !is_overtaken(to)
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

/// A piece of what was received, by its event.
#[derive(Clone, Copy)]
struct Coming(NonZeroU32);

impl Coming {
    fn began(self, evidence: &Evidence<'_>) -> Micros {
        match &evidence.events[self.0.get() as usize].what {
            What::Received { began, .. } => *began,
            _ => unreachable!("invariant: only what was received is coming"),
        }
    }
}

/// What comes next on its connection after each answer, by the answer's event.
fn coming(evidence: &Evidence<'_>) -> Vec<Option<Coming>> {
    let mut next: HashMap<ConnectionId, Coming, RandomState> = HashMap::default();
    let mut coming = vec![None; evidence.events.len()];
    for (index, event) in evidence.events.iter().enumerate().rev() {
        match &event.what {
            What::Received { connection, .. } => {
                // Nothing stands before the first event for which that could be coming.
                let index = u32::try_from(index).ok().and_then(NonZeroU32::new);
                next.extend(index.map(|index| (*connection, Coming(index))));
            }
            What::Replied { connection, .. } => coming[index] = next.get(connection).copied(),
            _ => {}
        }
    }
    coming
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

fn add(evidence: &Evidence<'_>, open: &[OnTheWay<'_, '_>], limit: u32, findings: &mut Findings) {
    let [first, .., last] = open else { return };
    // Whoever slept finds in one read what was written one after the other: it was late before the
    // first of them began, or says so after the last.
    let patience = evidence.plan.limits.ack_timeout;
    let time =
        (first.place.began.since(patience), Micros(last.place.at.0.saturating_add(patience.0)));
    lateness::add(evidence, findings, Rule::WireInFlight, time, Micros(0), || {
        let message = format!(
            "{} messages were on their way at once on connection {}, where {limit} may be",
            open.len(),
            last.place.connection,
        );
        let attempts = vec![witness(evidence, first.sent), witness(evidence, last.sent)];
        Told::plainly(Circumstance::NotAnsweredYet, message)
            .with(Proof { attempts, ..Proof::default() })
    });
}
