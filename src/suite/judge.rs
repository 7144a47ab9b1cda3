//! From a history to a case's outcome.

use crate::check;
use crate::history::{History, Micros};
use crate::plan::Plan;
use crate::verdict::CaseOutcome;

/// Why a recording cannot be judged.
#[derive(Debug, thiserror::Error)]
pub enum JudgeError {
    /// The plan in its header is none that this program understands.
    #[error("the plan in the header cannot be read: {0}")]
    Plan(#[from] serde_json::Error),
}

/// Judges `history` against the plan that led to it; `repeat` is the command that repeats it.
#[must_use]
pub fn judge(plan: &Plan, history: &History, repeat: String) -> CaseOutcome {
    CaseOutcome {
        id: plan.id.clone(),
        title: plan.title.clone(),
        requirements: plan.requirements.clone(),
        judgement: check::judge(plan, history),
        tries: 1,
        took: history.events.last().map_or(Micros(0), |event| event.at),
        history: None,
        repeat,
    }
}

/// Judges a recording by the plan in its own header.
///
/// # Errors
/// A plan that cannot be read.
pub fn judge_recorded(history: &History, repeat: String) -> Result<CaseOutcome, JudgeError> {
    let plan: Plan = serde_json::from_str(history.header.plan.get())?;
    Ok(judge(&plan, history, repeat))
}
