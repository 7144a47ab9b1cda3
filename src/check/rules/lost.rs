//! Charges that a fault stood in the way of, and that were given up for good.
//!
//! A fault excuses a charge as long as it lasts. That it was lost is proven when not a byte of it can
//! have left, the EMR was well again and took another charge, and the sender was quiet, was restarted
//! and was quiet again for longer than it may wait before it tries anything. Whatever leaves a doubt
//! leaves the verdict open. Does **not** look at charges that arrived.

use crate::history::{ConnectionId, Ending, Micros, Outcome, Side, What};
use crate::plan::Lifetime;

use crate::check::evidence::index::{Evidence, KnownExam};

/// The fault after which the charge of an exam was given up for good, if that is proven.
pub(crate) fn given_up<'h>(evidence: &Evidence<'h>, exam: &KnownExam<'_>) -> Option<&'h str> {
    let submitted = *exam.submitted.first()?;
    let fault = evidence.played.last().filter(|fault| fault.event > submitted)?;
    let lasted = evidence.events.iter().rposition(|event| is_trouble(&event.what))?;
    let well = lasted.max(fault.event);
    let proven = evidence.plan.sender.driving.life == Lifetime::Case
        && evidence.attempts_at(&exam.order).is_empty()
        && !may_have_left(evidence, exam, (submitted, well))
        && !was_disturbed(evidence, submitted)
        && another_came(evidence, well)
        && was_quiet_in_two_lives(evidence, well);
    proven.then_some(fault.name)
}

/// What keeps a sender from an EMR, or tells that it no longer does.
const fn is_trouble(what: &What) -> bool {
    matches!(
        what,
        What::Played { .. }
            | What::NotPlayed { .. }
            | What::Listening { .. }
            | What::Waiting { .. }
            | What::Reading { .. }
            | What::TlsFailed { .. }
    )
}

/// Whether bytes of the charge may have left the sender without anybody's seeing whose they were.
fn may_have_left(
    evidence: &Evidence<'_>,
    exam: &KnownExam<'_>,
    (from, to): (usize, usize),
) -> bool {
    let own = evidence.exams.iter().position(|one| std::ptr::eq(one, exam));
    let could_be = |exams: &[usize]| own.is_none_or(|own| exams.contains(&own));
    let unseen =
        evidence.events.iter().any(|event| matches!(event.what, What::Undecryptable { .. }));
    let connected = evidence.events[from..=to]
        .iter()
        .any(|event| matches!(event.what, What::Opened { .. } | What::Waiting { .. }));
    // What nobody agreed on may be the charge in another form.
    let hidden = evidence.disguises.attempts.iter().any(|one| one.order == exam.order)
        || evidence.disguises.untold.iter().any(|one| one.exams.is_empty() || could_be(&one.exams));
    unseen
        || hidden
        || evidence.unexplained.iter().any(|(_, exams)| could_be(exams))
        || evidence.connections.keys().any(|&id| may_have_swallowed(evidence, id, from))
        || connected && is_in_doubt(evidence, exam)
}

/// Whether the EMR broke a connection off in such a way that something may have been on its way: by a
/// reset, or before anything was read; unless it was the sender that did not want it.
fn may_have_swallowed(evidence: &Evidence<'_>, id: ConnectionId, from: usize) -> bool {
    let Some(connection) = evidence.connections.get(&id) else { return false };
    let since = evidence.events[from].seq;
    let ended = connection.ended_by_emr.map(|(seq, _, _)| seq);
    let is_before = |seq: &u64| *seq < since;
    if ended.is_none_or(|seq| is_before(&seq)) {
        return false;
    }
    let first = connection.ended_by_sender.is_some_and(|seq| ended.is_some_and(|by| seq < by));
    let of_it = |what: &What| match what {
        What::Received { connection, .. } => *connection == id,
        What::TlsFailed { connection, by: Side::Sender, .. } => *connection == id,
        _ => false,
    };
    let is_known = first || evidence.events.iter().any(|event| of_it(&event.what));
    connection.reset_by_emr.is_some() || !is_known
}

/// Whether the sender itself does not know what became of the charge.
fn is_in_doubt(evidence: &Evidence<'_>, exam: &KnownExam<'_>) -> bool {
    let number = exam.exam.order.number.as_str();
    evidence.events.iter().any(|event| match &event.what {
        What::Account { charges, .. } => {
            charges.iter().any(|one| one.order == number && one.outcome == Outcome::Unknown)
        }
        _ => false,
    })
}

/// Whether something else than the EMR may have cost the sender what it had been handed: it was killed
/// or paused, ended by itself, had another beside it, or the case was broken off.
fn was_disturbed(evidence: &Evidence<'_>, submitted: usize) -> bool {
    let disturbs = |what: &What| {
        matches!(
            what,
            What::SenderEnding { how: Ending::Kill, .. }
                | What::SenderExited { asked: false, .. }
                | What::SenderPaused { .. }
                | What::SenderStarted { beside: Some(_), .. }
                | What::SenderFailed { .. }
                | What::Bound { .. }
                | What::Interrupted { .. }
        )
    };
    evidence.events[submitted..].iter().any(|event| disturbs(&event.what))
}

/// Whether a charge that was handed over after the EMR was well came, and came whole.
fn another_came(evidence: &Evidence<'_>, well: usize) -> bool {
    let mut exams = evidence.exams.iter();
    exams.any(|exam| {
        exam.submitted.first().is_some_and(|&at| at > well) && evidence.arrived(&exam.order)
    })
}

/// Whether the sender was watched until it had been quiet for longer than it may wait, was asked to
/// stop and started again, and was watched so once more.
fn was_quiet_in_two_lives(evidence: &Evidence<'_>, well: usize) -> bool {
    let horizon = Micros(evidence.plan.limits.longest_retry.0.saturating_mul(2));
    let mut seen = Seen::Nothing;
    for event in &evidence.events[well..] {
        seen = match (&event.what, seen) {
            (What::Watched { quiet, wanted }, seen) if quiet >= wanted && *quiet >= horizon => {
                match seen {
                    Seen::Nothing => Seen::Quiet,
                    Seen::Restarted => return true,
                    other => other,
                }
            }
            (What::SenderEnding { how: Ending::Stop, .. }, Seen::Quiet) => Seen::Stopped,
            (What::SenderStarted { .. }, Seen::Stopped) => Seen::Restarted,
            (_, seen) => seen,
        };
    }
    false
}

/// How far the proof has come.
#[derive(Clone, Copy)]
enum Seen {
    Nothing,
    Quiet,
    Stopped,
    Restarted,
}
