//! Judges a history against its plan.
//!
//! One file per family of rules; every rule reads the same evidence that was indexed once from the
//! events. Judging is pure: the same plan and history always give the same
//! judgement, in time linear in their bytes. This room does **not** see the simulator, the
//! sender or the drive loop, so a bug in those cannot excuse itself: what counts is what was on
//! the wire.

mod evidence;
mod exercise;
mod findings;
mod heard;
mod proof;
mod rules;
mod wording;

#[cfg(test)]
mod tests;

pub use heard::{Heard, heard};
pub use rules::{Explanation, explanation};

use crate::history::{History, Micros, What};
use crate::plan::Plan;
#[cfg(debug_assertions)]
use crate::planted::{Planted, is};
use crate::verdict::Judgement;
#[cfg(debug_assertions)]
use crate::verdict::{Finding, Weight};

use findings::Findings;
use wording::lateness;

/// Judges `history` against `plan`.
///
/// Never fails: what cannot be decided is a finding of weight inconclusive.
#[must_use]
pub fn judge(plan: &Plan, history: &History) -> Judgement {
    let evidence = evidence::read(plan, &history.events);
    let mut findings = Findings::default();
    let snapshots = rules::judge(&evidence, history, &mut findings);
    exercise::judge(&evidence, &mut findings);
    exercise::altered(&evidence, history.seal, &mut findings);
    let (mut findings, held, unjudged) = findings.settle();
    lateness::name_starvation(&evidence, &mut findings);
    #[cfg(debug_assertions)]
    let findings = overlooked(findings);
    Judgement {
        findings,
        held,
        unjudged,
        idle: exercise::idle(&evidence),
        watched: watched(history),
        not_done: exercise::left_undone(plan),
        charges: evidence.charges(),
        snapshots,
    }
}

/// What a judge with a planted defect still finds.
#[cfg(debug_assertions)]
fn overlooked(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.retain(|finding| {
        let is_open = finding.weight == Weight::Inconclusive;
        !(is(Planted::CheckerAlwaysHolds) || is(Planted::OpenCountsAsHeld) && is_open)
    });
    findings
}

/// How long the wire was watched: the longest quiet that was seen to its end.
fn watched(history: &History) -> Micros {
    let quiet = history.events.iter().filter_map(|event| match event.what {
        What::Watched { quiet, .. } => Some(quiet),
        _ => None,
    });
    quiet.max().unwrap_or_default()
}
