//! Whose charge a behaviour struck that plays inside a message, before anybody can read whose it is.
//!
//! The simulated EMR takes it for that of the exam that was handed over last, which is a guess: a sender
//! may still be busy with an earlier one. Afterwards it can be told.

use crate::history::{Event, What};
use crate::plan::MessageKind;

use crate::check::evidence::index::{Evidence, Fault as Claim, KnownExam};
use crate::check::proof::scene::{Scene, Shown};

/// The exam whose charge was under way on its connection when a behaviour played inside a message; none
/// if that cannot be told, or if it plays elsewhere.
pub(crate) fn struck<'e, 'h>(
    evidence: &'e Evidence<'h>,
    claim: &Claim<'_>,
) -> Option<&'e KnownExam<'h>> {
    let behaviour = evidence.plan.script.get(claim.behaviour)?;
    if !behaviour.plays_inside_messages() {
        return None;
    }
    let piece = under_way(evidence, claim)?;
    let mut exams = evidence.exams.iter();
    exams.find(|exam| {
        let mut attempts = evidence.attempts_at(&exam.order).iter();
        attempts.any(|one| {
            let event = evidence.sent[one.sent as usize].event;
            evidence.events[event].seq == piece.seq
        })
    })
}

/// The piece that was under way on the connection of a claim: it ended after that, or by that.
fn under_way<'h>(evidence: &Evidence<'h>, claim: &Claim<'_>) -> Option<&'h Event> {
    let (before, after) = evidence.events.split_at(claim.event);
    let at = after.first()?.at;
    let is_it = |event: &&Event| match &event.what {
        What::Received { connection, began, .. } => {
            Some(*connection) == claim.connection && *began <= at
        }
        _ => false,
    };
    after.iter().find(is_it).or_else(|| before.iter().rev().find(is_it))
}

impl Scene<'_, '_> {
    /// Whether a behaviour that is about one exam, and plays inside a message, played inside its own.
    pub(crate) fn struck_its_own(&self) -> Shown {
        let on = &self.behaviour.on;
        let named = on.exam.as_deref().filter(|_| on.kind != Some(MessageKind::Result));
        let (Some(named), Some(exam)) = (named, struck(self.evidence, self.claim)) else {
            return Ok(());
        };
        // Two exams of one order have one charge.
        let known = self.evidence.exams.iter().find(|known| known.name == named);
        if known.is_none_or(|known| known.order == exam.order) {
            return Ok(());
        }
        Err(format!("it struck the charge of `{}`", exam.name))
    }
}
