//! What happened between two attempts, and after one: in plain words for a person, and as one
//! circumstance whose words are the same in every case.
//!
//! Does **not** judge.

use std::collections::BTreeSet;

use crate::history::{ConnectionId, End, Event, Incarnation, What};
use crate::verdict::{Attempt, Circumstance, Moment};

use crate::check::evidence::frame::FS;
use crate::check::evidence::index::{Evidence, Place};
use crate::check::evidence::message::Sent;
use crate::check::wording::events::{ACCEPT, describe_control_id, describe_event};

/// How many moments a proof shows.
const SHOWN: usize = 40;

/// How many messages are looked at to find the next one on a connection.
const LOOK_AHEAD: usize = 1000;

/// An attempt, as a proof shows it.
pub(crate) fn witness(evidence: &Evidence<'_>, sent: &Sent<'_>) -> Attempt {
    let place = evidence.place(sent);
    Attempt {
        event: place.seq,
        at: place.began,
        connection: place.connection,
        endpoint: place.endpoint.to_owned(),
        incarnation: place.incarnation,
        bytes: place.length,
        complete: sent.whole,
        control_id: describe_control_id(evidence, sent).into(),
    }
}

/// What happened between two attempts, or after one, on their connections and to the sender: above
/// all what the sender had been told, even where that is nothing yet.
pub(crate) fn moments(
    evidence: &Evidence<'_>,
    first: &Sent<'_>,
    second: Option<&Sent<'_>>,
) -> Vec<Moment> {
    let from = evidence.place(first);
    let to = second.map_or_else(|| until_next(evidence, first), |second| evidence.place(second));
    let relevant =
        |connection: &ConnectionId| *connection == from.connection || *connection == to.connection;
    let answers = answers(span(evidence, first, &to), &relevant);
    let mut moments = ended_before(evidence, first);
    let mut answered = false;
    for event in span(evidence, first, &to) {
        if is_older(event, &from) || is_told_by_an_answer(event, &answers) {
            continue;
        }
        let Some(what) = describe_event(evidence, event, from.seq, &relevant) else { continue };
        let answers_it = is_answer_to(event, from.seq);
        answered |= answers_it;
        if moments.len() < SHOWN || answers_it {
            moments.push(Moment { event: event.seq, at: event.at, what });
        }
    }
    if !answered {
        moments.extend(unanswered(evidence, from.seq, &to, &relevant));
    }
    moments
}

/// How the EMR had ended the connection of an attempt before that was made: what an honest sender could
/// have known, and a hasty one takes for the fate of its message.
fn ended_before(evidence: &Evidence<'_>, sent: &Sent<'_>) -> Vec<Moment> {
    let from = evidence.place(sent);
    let Some(ended) = end_before(evidence, &from) else { return Vec::new() };
    let of_it = |connection: &ConnectionId| *connection == from.connection;
    let events = &evidence.events[evidence.index_of(from.opened)..evidence.index_of(from.seq)];
    let fault = fault_before(evidence, &from);
    let fault = events.iter().rev().find(|event| match &event.what {
        What::Played { name, connection: Some(connection), .. }
        | What::Replied { name, connection, .. } => {
            of_it(connection) && Some(name) == fault.as_ref()
        }
        _ => false,
    });
    let end = events.iter().find(|event| event.seq == ended);
    let told = [fault, end].into_iter().flatten();
    let moment = |event: &Event| {
        let what = describe_event(evidence, event, from.seq, &of_it)?;
        Some(Moment { event: event.seq, at: event.at, what })
    };
    let mut moments: Vec<Moment> = told.filter_map(moment).collect();
    moments.sort_by_key(|moment| moment.event);
    moments
}

/// `seq` of the event with which the EMR had ended the connection by the time that an attempt began.
fn end_before(evidence: &Evidence<'_>, from: &Place<'_>) -> Option<u64> {
    let connection = evidence.connections.get(&from.connection)?;
    let (seq, at, _) = connection.ended_by_emr?;
    (seq < from.seq && at <= from.began).then_some(seq)
}

/// The name of the last fault that had played on the connection of an attempt before it.
fn fault_before(evidence: &Evidence<'_>, from: &Place<'_>) -> Option<String> {
    let events = &evidence.events[evidence.index_of(from.opened)..evidence.index_of(from.seq)];
    events.iter().rev().take(LOOK_AHEAD).find_map(|event| match &event.what {
        What::Played { name, connection: Some(connection), .. }
        | What::Replied { name, connection, .. }
            if *connection == from.connection && name != ACCEPT =>
        {
            Some(name.clone())
        }
        _ => None,
    })
}

/// That an attempt had no answer by `to`, and the answer that came afterwards, if one did.
fn unanswered(
    evidence: &Evidence<'_>,
    attempt: u64,
    to: &Place<'_>,
    relevant: &dyn Fn(&ConnectionId) -> bool,
) -> Vec<Moment> {
    let later = answer_under_way(evidence, attempt, to);
    let yet = if later.is_some() { " yet" } else { "" };
    let what = format!("the message had not been answered{yet}");
    // Where nothing followed, that was so until the last event.
    let seq = evidence.events.last().map_or(0, |last| last.seq).min(to.seq);
    let mut moments = vec![Moment { event: seq, at: to.began, what }];
    if let Some(event) = later {
        let what = describe_event(evidence, event, attempt, relevant);
        moments.extend(what.map(|what| Moment { event: event.seq, at: event.at, what }));
    }
    moments
}

/// The answers that a proof shows, by their names and connections.
fn answers<'h>(
    events: impl Iterator<Item = &'h Event>,
    relevant: &dyn Fn(&ConnectionId) -> bool,
) -> BTreeSet<(&'h str, ConnectionId)> {
    let answer = |event: &'h Event| match &event.what {
        What::Replied { connection, name, .. } if relevant(connection) => {
            Some((&**name, *connection))
        }
        _ => None,
    };
    events.filter_map(answer).collect()
}

/// Whether the event only says that an answer was played that is shown with its bytes.
fn is_told_by_an_answer(event: &Event, answers: &BTreeSet<(&str, ConnectionId)>) -> bool {
    matches!(&event.what, What::Played { name, connection: Some(connection), .. }
        if answers.contains(&(&**name, *connection)))
}

/// Whether the event is of the time before a part, at the same instant as its first byte.
fn is_older(event: &Event, part: &Place<'_>) -> bool {
    event.seq < part.seq
        && event.at <= part.began
        && matches!(event.what, What::Replied { .. } | What::Submitted { .. })
}

fn is_answer_to(event: &Event, attempt: u64) -> bool {
    matches!(event.what, What::Replied { to: Some(to), .. } if to == attempt)
}

/// The circumstance under which a second attempt followed a first, in stable words.
pub(crate) fn circumstance(
    evidence: &Evidence<'_>,
    order: &[u8],
    first: &Sent<'_>,
    second: &Sent<'_>,
) -> Circumstance {
    let (from, to) = (evidence.place(first), evidence.place(second));
    if from.incarnation != to.incarnation {
        if were_beside(evidence, from.incarnation, to.incarnation) {
            return Circumstance::SecondInstance;
        }
        let life = evidence.lives.get(&from.incarnation);
        let asked = life.is_some_and(|life| life.asked.is_some());
        let killed = life.is_some_and(|life| life.killed.is_some());
        return if killed && !asked { Circumstance::Kill } else { Circumstance::Restart };
    }
    let fault = fault_after(evidence, first, &to);
    let healthy = fault.as_deref().is_none_or(|fault| fault == ACCEPT);
    if healthy && handed_over_again(evidence, order, &to) {
        return Circumstance::HandedOverTwice;
    }
    let wanted = evidence.exam(order).is_some_and(|exam| !exam.wanted_again.is_empty());
    if healthy && wanted {
        return Circumstance::WantedAgainOnce;
    }
    if let Some(left) = left_over(evidence, first).filter(|_| healthy) {
        return left;
    }
    fault.map_or_else(|| ended_or_silent(evidence, first, &to), Circumstance::Fault)
}

/// What was still to be read when an attempt was made, in stable words: a reply to an earlier message
/// on its connection had more behind its first frame, which the sender takes for the next answer.
fn left_over(evidence: &Evidence<'_>, sent: &Sent<'_>) -> Option<Circumstance> {
    let place = evidence.place(sent);
    let mut earlier = evidence.events[..sent.event].iter().rev().take(LOOK_AHEAD);
    earlier.find_map(|event| match &event.what {
        What::Replied { connection, name, bytes, .. }
            if *connection == place.connection && name != ACCEPT =>
        {
            let bytes = bytes.as_slice();
            let end = memchr::memmem::find(bytes, &[FS, b'\r']).map(|at| at + 2);
            let more = end.is_some_and(|end| end < bytes.len());
            more.then(|| Circumstance::LeftOverFrom(name.clone()))
        }
        _ => None,
    })
}

/// Whether one of two lives was started while the other was up.
fn were_beside(evidence: &Evidence<'_>, one: Incarnation, other: Incarnation) -> bool {
    let beside = |life: Incarnation| evidence.lives.get(&life).and_then(|life| life.beside);
    beside(one) == Some(other) || beside(other) == Some(one)
}

/// What the EMR did with an attempt, in stable words.
pub(crate) fn answered(evidence: &Evidence<'_>, sent: &Sent<'_>) -> Circumstance {
    let to = until_next(evidence, sent);
    let fault = fault_after(evidence, sent, &to);
    let healthy = fault.as_deref().is_none_or(|fault| fault == ACCEPT);
    if let Some(left) = left_over(evidence, sent).filter(|_| healthy) {
        return left;
    }
    fault.map_or_else(|| ended_or_silent(evidence, sent, &to), Circumstance::Fault)
}

/// The place of the next message on the connection of `sent`, or of the end of the history.
fn until_next<'h>(evidence: &Evidence<'h>, sent: &Sent<'_>) -> Place<'h> {
    let place = evidence.place(sent);
    let next = evidence.sent.partition_point(|other| other.event <= sent.event);
    let next = evidence.sent[next..].iter().map(|other| evidence.place(other));
    let next = next.take(LOOK_AHEAD).find(|other| other.connection == place.connection);
    let (seq, at) = evidence.events.last().map_or((0, place.at), |last| (last.seq + 1, last.at));
    next.unwrap_or(Place { seq, at, began: at, ..place })
}

/// The events between a first attempt and a second.
fn span<'h>(
    evidence: &Evidence<'h>,
    first: &Sent<'_>,
    to: &Place<'_>,
) -> impl Iterator<Item = &'h Event> {
    let from = evidence.place(first);
    let start = if first.whole {
        evidence.index_of(from.seq + 1)
    } else {
        // A part is recorded when its connection has ended, after what ended it.
        let began = evidence.events.partition_point(|event| event.at < from.began);
        began.max(evidence.index_of(from.opened + 1))
    };
    let end = evidence.index_of(to.seq).max(start);
    evidence.events[start..end].iter()
}

fn handed_over_again(evidence: &Evidence<'_>, order: &[u8], to: &Place<'_>) -> bool {
    let before = |&event: &usize| evidence.events[event].seq < to.seq;
    evidence
        .exam(order)
        .is_some_and(|exam| exam.submitted.iter().filter(|event| before(event)).count() > 1)
}

/// The name of the first fault that played to the attempt, or of the answer to it.
fn fault_after(evidence: &Evidence<'_>, first: &Sent<'_>, to: &Place<'_>) -> Option<String> {
    let from = evidence.place(first);
    let mut answer = None;
    for event in span(evidence, first, to) {
        match &event.what {
            What::Played { name, connection, .. }
                if connection.is_none_or(|connection| connection == from.connection) =>
            {
                return Some(name.clone());
            }
            What::Replied { connection, to: Some(to), name, .. }
                if *connection == from.connection && *to == from.seq =>
            {
                if name != ACCEPT {
                    return Some(name.clone());
                }
                answer = answer.or_else(|| Some(name.clone()));
            }
            _ => {}
        }
    }
    answer
}

fn ended_or_silent(evidence: &Evidence<'_>, first: &Sent<'_>, to: &Place<'_>) -> Circumstance {
    let from = evidence.place(first);
    if end_before(evidence, &from).is_some() {
        let fault = fault_before(evidence, &from);
        return match fault {
            Some(fault) => Circumstance::After(fault),
            None => Circumstance::AfterEmrEnded,
        };
    }
    let ended = span(evidence, first, to).find_map(|event| match &event.what {
        What::EndedByEmr { connection, how } if *connection == from.connection => Some(match how {
            End::Reset => Circumstance::EmrReset,
            End::Close | End::HalfClose | End::Truncated => Circumstance::EmrClosed,
        }),
        _ => None,
    });
    match ended {
        Some(ended) => ended,
        None => match answer_under_way(evidence, from.seq, to).map(|event| &event.what) {
            Some(What::Replied { name, .. }) => Circumstance::Fault(name.clone()),
            _ => Circumstance::NoAnswer,
        },
    }
}

/// The answer to an attempt that was still being written, or waited for, at `to`.
fn answer_under_way<'h>(
    evidence: &Evidence<'h>,
    attempt: u64,
    to: &Place<'_>,
) -> Option<&'h Event> {
    let mut later = evidence.events[evidence.index_of(to.seq)..].iter().take(LOOK_AHEAD);
    later.find(|event| is_answer_to(event, attempt))
}
