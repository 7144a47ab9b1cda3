//! How late the harness itself was: on a machine with too much to do it sees and does things after
//! their time, and nobody may be blamed for what came of that.
//!
//! Excuses only what hangs on time. That a charge was sent twice is never excused: no answer, early
//! or late, makes that right.

use std::time::Duration;

use crate::history::{Micros, What};
use crate::verdict::Weight;

use super::evidence::Evidence;
use super::findings::{Findings, Told};

/// By how much the harness was late between two times, all in all.
pub(super) fn between(evidence: &Evidence<'_>, from: Micros, to: Micros) -> Micros {
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

/// From when on lateness tells of a machine that had as little time for the sender at `time`: a
/// harness that sleeps is woken sooner than a process that has much to do gets its turn.
pub(super) fn starved_from(evidence: &Evidence<'_>, time: Micros) -> Micros {
    time.since(evidence.plan.limits.patience)
}

/// Adds a finding about what happened between two times, or too late in them: broken, or
/// inconclusive if the harness was late by more than `most` meanwhile.
pub(super) fn add(
    evidence: &Evidence<'_>,
    findings: &mut Findings,
    rule: &'static str,
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
        let message = format!("{}; but {}", told.message, in_words(late));
        Told { circumstance: LATE.to_owned(), message, ..told }
    });
}

/// The circumstance of what the harness itself has brought about.
pub(super) const LATE: &str = "harness late";

/// How late it was, in words.
pub(super) fn in_words(late: Micros) -> String {
    format!("the harness acted {} ms late", Duration::from(late).as_millis())
}
