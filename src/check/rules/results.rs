//! Results may be resent until they are accepted, and not after.
//!
//! Source: HL7 v2 chapter 2: AA, or CA where no application acknowledgement is due, releases the
//! sender from any need to resend. This does **not** ask that a refused result is resent.

use std::collections::{HashMap, HashSet};

use crate::history::{ConnectionId, Micros, What};
use crate::hl7::{Message, Path};
use crate::verdict::{Proof, Rule};

use crate::check::evidence::answers::{Answers, Commit, Said};
use crate::check::evidence::disguise::is_about_another;
use crate::check::evidence::index::{Evidence, Place};
use crate::check::evidence::message::{Kind, Sent};
use crate::check::findings::{Findings, Told};
use crate::check::rules::Explanation;
use crate::check::wording::circumstance::{answered, moments, witness};
use crate::check::wording::lateness;
use crate::check::wording::mask::Mask;

/// Of `results/settled`.
pub(crate) const SETTLED: Explanation = Explanation {
    title: "an accepted result is not sent again",
    promise: "A result (ORU, MDM) may be resent until it is accepted, and not after.",
    source: "HL7 v2 chapter 2, acknowledgement: AA (or CA where no application acknowledgement \
             is due) releases the sender from any need to resend",
    how_to_read: "Only an acknowledgement that was written whole, in time, on the connection of \
                  the result, and that the sender had the time to read counts.",
};

/// What makes two messages the same result: MSH-9.1, the order, and what was reported (OBR-4).
type Key = (Vec<u8>, Vec<u8>, Vec<u8>);

/// Judges every result.
pub(crate) fn judge(evidence: &Evidence<'_>, answers: &Answers, findings: &mut Findings) {
    let Some(results) = &evidence.plan.results else { return };
    let order: Option<Path> = results.identity.order.parse().ok();
    let mut settled: HashMap<Key, (usize, u64)> = HashMap::new();
    let mut told: HashMap<Key, ()> = HashMap::new();
    let held_back = held_back(evidence);
    for (index, sent) in evidence.sent.iter().enumerate() {
        if sent.kind != Kind::Result || !sent.whole || is_anothers(evidence, sent) {
            continue;
        }
        findings.exercised(Rule::ResultsSettled, 1);
        let key = key(sent, order.as_ref());
        if let Some((first, answer)) = settled.get(&key)
            && had_time(evidence, &held_back, (&evidence.sent[*first], *answer), sent)
            && told.insert(key.clone(), ()).is_none()
        {
            add(evidence, (&evidence.sent[*first], *answer), sent, &key, findings);
        }
        if let Some(answer) = accepted(evidence, answers, &held_back, sent) {
            settled.entry(key).or_insert((index, answer));
        }
    }
}

/// Whether a result is of an exam that nobody handed over, for a patient of whom there is none.
fn is_anothers(evidence: &Evidence<'_>, sent: &Sent<'_>) -> bool {
    !evidence.is_field_capture()
        && evidence.reported(sent).is_none()
        && is_about_another(evidence, sent)
}

fn key(sent: &Sent<'_>, order: Option<&Path>) -> Key {
    let message = Message::read(sent.payload);
    let mut number = order.and_then(|path| message.get(path)).unwrap_or_default();
    if number.is_empty() {
        number = message.value("OBR-2");
    }
    if number.is_empty() {
        number = message.value("OBR-3");
    }
    (message.code().to_vec(), number.to_vec(), message.value("OBR-4.1").to_vec())
}

/// `seq` of the acknowledgement that every sender must take, if it was in time.
fn accepted(
    evidence: &Evidence<'_>,
    answers: &Answers,
    held_back: &HashSet<ConnectionId>,
    sent: &Sent<'_>,
) -> Option<u64> {
    let place = evidence.place(sent);
    if held_back.contains(&place.connection) {
        return None; // it may have come too late
    }
    let timeout = evidence.plan.limits.ack_timeout;
    let commit = Commit::to(sent.payload) == Commit::Enough;
    let answers = answers.to(&place, sent.control_id);
    if answers.iter().any(|answer| answer.said == Said::Refuse) {
        // An answer that contradicts itself settles nothing.
        return None;
    }
    let mut answers = answers.iter().filter(|answer| {
        let said = answer.said == Said::Accept || (commit && answer.said == Said::Commit);
        answer.strict && said && answer.seq > place.seq && answer.at.since(place.at) < timeout
    });
    answers.next().map(|answer| answer.seq)
}

/// Whether the sender could read the acknowledgement before it sent the result again.
fn had_time(
    evidence: &Evidence<'_>,
    held_back: &HashSet<ConnectionId>,
    (first, answer): (&Sent<'_>, u64),
    again: &Sent<'_>,
) -> bool {
    let (from, to) = (evidence.place(first), evidence.place(again));
    let answered = evidence.time_of(answer);
    let begun_later = to.began > answered || (to.seq > answer && to.began >= answered);
    let begun_later = begun_later && !may_have_waited(evidence, held_back, (&from, answer), &to);
    let reset =
        evidence.connections.get(&from.connection).and_then(|connection| connection.reset_by_emr);
    let reset = reset.is_some_and(|reset| reset < to.seq);
    let timeout = evidence.plan.limits.ack_timeout;
    let life = evidence.lives.get(&from.incarnation);
    let killed =
        life.and_then(|life| life.killed).is_some_and(|(_, at)| at.since(answered) <= timeout);
    begun_later && !reset && !killed
}

/// Whether the bytes of `to` may have stood unread since before the answer: only on one connection
/// are they read in the order in which they were written.
fn may_have_waited(
    evidence: &Evidence<'_>,
    held_back: &HashSet<ConnectionId>,
    (from, answer): (&Place<'_>, u64),
    to: &Place<'_>,
) -> bool {
    if from.connection == to.connection {
        return false;
    }
    let opened = evidence.connections.get(&to.connection).map_or(0, |one| one.opened);
    held_back.contains(&to.connection) || (opened < answer && to.began <= evidence.time_of(answer))
}

/// Connections that the EMR let wait, to be accepted or to be read: when what they brought was
/// written, nobody can say.
fn held_back(evidence: &Evidence<'_>) -> HashSet<ConnectionId> {
    let soon = evidence.plan.limits.ack_timeout;
    let mut found = HashSet::new();
    let mut waiting: HashSet<&str> = HashSet::new();
    let mut let_in: HashMap<&str, Micros> = HashMap::new();
    for event in evidence.events {
        match &event.what {
            What::Reading { connection, on: false, .. } => {
                found.insert(*connection);
            }
            What::Waiting { endpoint } => {
                waiting.insert(endpoint);
            }
            // The first one that is let in brings those along that stood behind it.
            What::Opened { connection, endpoint, .. } => {
                if waiting.remove(endpoint.as_str()) {
                    let_in.insert(endpoint, event.at);
                }
                let first = let_in.get(endpoint.as_str());
                if first.is_some_and(|first| event.at.since(*first) <= soon) {
                    found.insert(*connection);
                }
            }
            _ => {}
        }
    }
    found
}

fn add(
    evidence: &Evidence<'_>,
    (first, answer): (&Sent<'_>, u64),
    again: &Sent<'_>,
    (_, order, _): &Key,
    findings: &mut Findings,
) {
    // By the sender's clock an answer may have come after it had given up, the more so if the
    // message had stood unread for a while; what was late after it changes nothing.
    let began = evidence.place(first).began;
    let unread = Micros(began.since(evidence.plan.limits.ack_timeout).0);
    let time = (unread, evidence.time_of(answer));
    lateness::add(evidence, findings, Rule::ResultsSettled, time, Micros(0), || {
        let mask = Mask::of(evidence);
        let code = mask.page(&Message::read(first.payload)).at(&Path::literal("MSH-9.1"));
        let order = mask.identifier(order);
        let message = format!("the {code} of order {order} was accepted, and was sent again");
        let proof = Proof {
            charge: format!("{code} of order {order}"),
            attempts: vec![witness(evidence, first), witness(evidence, again)],
            between: moments(evidence, first, Some(again)),
            differences: Vec::new(),
        };
        Told::plainly(answered(evidence, first), message).with(proof)
    });
}
