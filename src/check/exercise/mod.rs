//! Whether the case proved anything: the faults played, the kills killed, the wire was watched.
//!
//! A pass is evidence that the thing was exercised, never the absence of a failure. Whatever is
//! missing here is inconclusive under the once rule of the agreement, with a circumstance that
//! names it. This does **not** judge the sender.

mod complete;
mod missing;
mod script;
mod steps;
mod watch;

pub(crate) use script::idle;

use crate::history::Seal;
use crate::plan::{Lifetime, Plan, Step};
use crate::verdict::{Circumstance, NotDone, Rule, Subject, Weight};

use crate::check::evidence::index::Evidence;
use crate::check::findings::{Findings, Told};
use crate::check::rules::agreed_rule;

/// Looks for what should have happened and did not.
pub(crate) fn judge(evidence: &Evidence<'_>, findings: &mut Findings) {
    let rule = agreed_rule(evidence);
    // The usual course of a case restarts the sender, where that is ours to do.
    if evidence.plan.steps.contains(&Step::LeaveAlone) {
        findings.unjudged(
            Subject::Step("restart"),
            "the sender is not ours to restart (`observe` or `per: run`)",
        );
    }
    let mut missing = |circumstance, message: String| {
        findings.add(rule, Weight::Inconclusive, || Told::plainly(circumstance, message));
    };
    // Of a sender that could not be driven nothing else is to be said: the rest is why.
    if !evidence.is_undriven() {
        script::not_played(evidence, &mut missing);
        steps::not_done(evidence, &mut missing);
        steps::not_struck(evidence, &mut missing);
        watch::not_watched(evidence, &mut missing);
        complete::nothing_sent(evidence, &mut missing);
    }
    watch::not_drained(evidence, &mut missing);
    complete::cut(evidence, &mut missing);
    let explained = findings.has(Rule::Delivers, Weight::Broken)
        || findings.has(Rule::Recovers, Weight::Broken)
        || findings.has(Rule::SenderStaysUp, Weight::Broken)
        || findings.has(Rule::SenderStarts, Weight::Undriven);
    if !explained {
        steps::waited_in_vain(evidence, rule, findings);
    }
}

/// A stored history that is not as it was written proves nothing, whatever it shows: neither its
/// plan nor its events are known to be what they were.
pub(crate) fn altered(evidence: &Evidence<'_>, seal: Seal, findings: &mut Findings) {
    let message = match seal {
        Seal::None | Seal::Intact => return,
        Seal::Broken => "the history was altered after it was written: its checksum does not fit",
        Seal::Missing => {
            "the history was cut off, by the end of what wrote it or afterwards: its checksum is missing"
        }
    };
    findings.add(agreed_rule(evidence), Weight::Inconclusive, || {
        Told::plainly(Circumstance::HistoryAltered, message)
    });
}

/// The steps of the usual course that this plan had to do without.
pub(crate) fn left_undone(plan: &Plan) -> Vec<NotDone> {
    let life = plan.sender.driving.life;
    let why = match life {
        // Whoever serves or records has no course of his own to follow.
        _ if life.is_ours_to_end() || !plan.steps.contains(&Step::LeaveAlone) => return Vec::new(),
        Lifetime::Observed => "the sender runs apart from us (`start: observe`)",
        _ => "one process serves the whole run (`per: run`)",
    };
    let unproven = "that after a restart it sends no charge again, and none is lost";
    vec![NotDone { step: "restart".to_owned(), why: why.to_owned(), unproven: unproven.to_owned() }]
}
