//! How late the harness itself was, and for how long the sender got no processor: on a machine with too
//! much to do both see and do things after their time, and nobody may be blamed for what came of that.
//!
//! Excuses only what hangs on time. That a charge was sent twice is never excused: no answer, early
//! or late, makes that right.

use std::time::Duration;

use crate::history::{Micros, What};
use crate::verdict::{Circumstance, Finding, Rule, Weight};

use crate::check::evidence::index::Evidence;
use crate::check::findings::{Findings, Told};

/// By how much the harness was late between two times, all in all.
pub(crate) fn between(evidence: &Evidence<'_>, from: Micros, to: Micros) -> Micros {
    let late = evidence.events.iter().filter_map(|event| match event.what {
        // It slept from when it was due until it said so.
        What::HarnessLate { by } => {
            let slept = Micros(event.at.0.saturating_sub(by.0)).max(from);
            Some(event.at.min(to).since(slept).0)
        }
        _ => None,
    });
    Micros(late.sum())
}

/// For how long the sender was ready to run between two times and got no processor, all in all.
pub(crate) fn starved_between(evidence: &Evidence<'_>, from: Micros, to: Micros) -> Micros {
    let starved = evidence.events.iter().filter_map(|event| match event.what {
        What::SenderStarved { by, within } => {
            let began = Micros(event.at.0.saturating_sub(within.0)).max(from);
            Some(event.at.min(to).since(began).0.min(by.0))
        }
        _ => None,
    });
    Micros(starved.fold(0, u64::saturating_add))
}

/// Whether the sender got no processor for more than `most` of a time as long as it waits for an answer:
/// whatever it waited for then, it may have given up for that.
fn was_starved_at_once(
    evidence: &Evidence<'_>,
    (from, to): (Micros, Micros),
    most: Micros,
) -> bool {
    let patience = evidence.plan.limits.ack_timeout;
    let ends = evidence
        .events
        .iter()
        .filter(|event| matches!(event.what, What::SenderStarved { .. }) && event.at >= from);
    // What reaches beyond the time is told when it is over.
    let ends = ends.map(|event| event.at.min(to));
    ends.map(|end| {
        starved_between(evidence, Micros(end.0.saturating_sub(patience.0)).max(from), end)
    })
    .any(|starved| starved > most)
}

/// For how long the sender got no processor in all, if that is more than it waits for an answer.
pub(crate) fn starved_in_all(evidence: &Evidence<'_>) -> Option<Micros> {
    let starved = starved_between(evidence, Micros(0), Micros(u64::MAX));
    (starved > evidence.plan.limits.ack_timeout).then_some(starved)
}

/// From when on lateness tells of a machine that had as little time for the sender at `time`: a
/// harness that sleeps is woken sooner than a process that has much to do gets its turn.
pub(crate) fn starved_from(evidence: &Evidence<'_>, time: Micros) -> Micros {
    time.since(evidence.plan.limits.patience)
}

/// Adds a finding about what happened between two times, or too late in them: broken, or
/// inconclusive if the harness was late by more than `most` meanwhile.
pub(crate) fn add(
    evidence: &Evidence<'_>,
    findings: &mut Findings,
    rule: Rule,
    (from, to): (Micros, Micros),
    most: Micros,
    make: impl FnOnce() -> Told,
) {
    let late = between(evidence, from, to);
    if late <= most {
        return findings.add(rule, Weight::Broken, make);
    }
    findings.add(rule, Weight::Inconclusive, || {
        let told = make();
        let message = format!("{}; but {}", told.message, describe_late(late));
        Told { circumstance: Circumstance::HarnessLate, message, ..told }
    });
}

/// How much may be lost of a time before nobody can be blamed for what did not happen in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Most {
    /// By how much the harness may have been late, which mostly sleeps.
    pub(crate) late: Micros,
    /// For how long the sender may have got no processor: it never gets it at once.
    pub(crate) starved: Micros,
    /// For how long in a time in which it may give up for good, where that is the question.
    pub(crate) at_once: Option<Micros>,
}

impl Most {
    /// The same of both.
    pub(crate) const fn of_both(most: Micros) -> Self {
        Self { late: most, starved: most, at_once: None }
    }
}

/// A time that the sender had for something.
#[derive(Clone, Copy)]
pub(crate) struct Had {
    /// From when on the harness's lateness tells of a machine that had no time for the sender either.
    pub(crate) late_from: Micros,
    /// From when on it could have done it.
    pub(crate) from: Micros,
    /// Until when.
    pub(crate) to: Micros,
}

impl Had {
    /// All of the time from a moment on, in which the harness had no time for the sender either where it
    /// was late shortly before.
    pub(crate) fn since(evidence: &Evidence<'_>, from: Micros, to: Micros) -> Self {
        Self { late_from: starved_from(evidence, from), from, to }
    }
}

/// As [`add`], about what the sender should have done in a time: inconclusive as well if it was ready to
/// run and got no processor for more than it may of that.
pub(crate) fn add_if_it_could(
    evidence: &Evidence<'_>,
    findings: &mut Findings,
    rule: Rule,
    had: Had,
    most: Most,
    make: impl FnOnce() -> Told,
) {
    let starved = starved_between(evidence, had.from, had.to);
    let time = (had.from, had.to);
    let at_once = most.at_once.is_some_and(|most| was_starved_at_once(evidence, time, most));
    if starved <= most.starved && !at_once {
        return add(evidence, findings, rule, (had.late_from, had.to), most.late, make);
    }
    findings.add(rule, Weight::Inconclusive, || {
        let told = make();
        let message = format!("{}; but {}", told.message, describe_starved(starved));
        Told { circumstance: Circumstance::SenderStarved, message, ..told }
    });
}

/// Names what a sender got no processor for as the reason of what was not seen in time.
pub(crate) fn name_starvation(evidence: &Evidence<'_>, findings: &mut [Finding]) {
    let Some(starved) = starved_in_all(evidence) else { return };
    let is_meant = |finding: &&mut Finding| {
        finding.weight == Weight::Inconclusive && hangs_on_time(&finding.circumstance)
    };
    for finding in findings.iter_mut().filter(is_meant) {
        finding.message.push_str("; but ");
        finding.message.push_str(&describe_starved(starved));
        finding.circumstance = Circumstance::SenderStarved;
    }
}

/// Whether what was not seen in time may come of a sender that had no time.
const fn hangs_on_time(circumstance: &Circumstance) -> bool {
    use Circumstance::{
        EndNotProven, FaultNotPlayed, NoAccount, NotHandedOver, NothingSent, ProbeTimedOut, Start,
        StopSeenLate, WaitedInVain,
    };
    matches!(
        circumstance,
        EndNotProven
            | FaultNotPlayed
            | NoAccount
            | NotHandedOver
            | NothingSent
            | ProbeTimedOut
            | Start
            | StopSeenLate
            | WaitedInVain
    )
}

/// A length of time, to a tenth of a second.
pub(crate) fn tenths(time: Micros) -> String {
    let tenths = (time.0 + 50_000) / 100_000;
    format!("{}.{} s", tenths / 10, tenths % 10)
}

/// For how long it got none, in words.
pub(crate) fn describe_starved(by: Micros) -> String {
    let millis = Duration::from(by).as_millis();
    format!("the sender was ready to run and got no processor for {millis} ms")
}

/// How late it was, in words.
pub(crate) fn describe_late(late: Micros) -> String {
    format!("the harness acted {} ms late", Duration::from(late).as_millis())
}
