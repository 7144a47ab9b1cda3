//! Whether a recorded plan is the one of the built-in case whose name it bears.
//!
//! A recording is judged by the plan in its own header. Where somebody has edited that, or the
//! scenario has changed since, or it is a project's own, the name promises more than was done. That is
//! said, and changes no verdict.

use serde::Serialize;
use serde_json::Value;

use crate::cli::project::Project;
use chargeproof::plan::Plan;
use chargeproof::planning;
use chargeproof::planning::Choices;
use chargeproof::scenario::{Scenario, SenderFile};

/// In what a plan differs from the built-in case that is called so; nothing where it does not, where
/// none is, or where it cannot be told.
pub(super) fn differs(project: &Project, recorded: &Plan) -> Vec<&'static str> {
    // Who drives a sender that is not ours to end hands over exams that were made for the occasion.
    if !recorded.sender.driving.life.is_ours_to_end() {
        return Vec::new();
    }
    let Some(built_in) = built_in(project, recorded) else { return Vec::new() };
    let parts = parts(recorded).into_iter().zip(parts(&built_in));
    let differing = parts.filter(|((_, one), (_, other))| one != other);
    differing.map(|((name, _), _)| name).collect()
}

/// The built-in case with the name of a plan, for a sender that is as patient as the recorded one.
fn built_in(project: &Project, recorded: &Plan) -> Option<Plan> {
    let id = recorded.id.split('[').next()?;
    let scenario = Scenario::read(project.scenarios().get(id)?).ok()?;
    let limits = &recorded.limits;
    let mut sender = SenderFile::read(&Project::reference()).ok()?;
    sender.life = recorded.sender.driving.life;
    sender.limits.ack_timeout = limits.ack_timeout.into();
    sender.limits.longest_retry = limits.longest_retry.into();
    sender.limits.in_flight = limits.in_flight;
    sender.attempts = recorded.expect.attempts;
    let watch_for = Some(limits.settle.into());
    let choices = Choices { seed: recorded.seed, watch_for, ..Choices::default() };
    let plans = planning::expand(&scenario, id, project, &sender, &choices).ok()?;
    plans.into_iter().find(|plan| plan.id == recorded.id)
}

/// What of a plan follows from its scenario, with words for it. Approved snapshots are a project's own.
fn parts(plan: &Plan) -> [(&'static str, Value); 8] {
    let asked: Vec<&String> = plan.expect.snapshots.keys().collect();
    let expected = (&plan.expect.charges, plan.expect.attempts, &plan.expect.probes);
    [
        ("what it promises", value(&plan.requirements)),
        ("mappings", value((&*plan.mapping, plan.results.as_deref()))),
        ("exams", value(&*plan.exams)),
        ("endpoints", value((&plan.endpoints, &plan.tls))),
        ("script", value((&plan.script, &plan.expect.optional_behaviours))),
        ("steps", value(&plan.steps)),
        ("expected charges", value(expected)),
        ("snapshots", value(&asked)),
    ]
}

fn value(part: impl Serialize) -> Value {
    serde_json::to_value(part).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{built_in, differs};
    use crate::cli::project::Project;
    use chargeproof::plan::{Charged, Plan};
    use chargeproof::planning;
    use chargeproof::planning::Choices;
    use chargeproof::scenario::{Scenario, SenderFile};

    fn plans(project: &Project, retry: u64) -> Vec<Plan> {
        let mut sender = SenderFile::read(&Project::reference()).unwrap();
        sender.limits.longest_retry = std::time::Duration::from_secs(retry);
        let choices = Choices { seed: 7, ..Choices::default() };
        let all = project.scenarios().iter().flat_map(|(id, source)| {
            let scenario = Scenario::read(source).unwrap();
            planning::expand(&scenario, id, project, &sender, &choices).unwrap()
        });
        all.collect()
    }

    #[test]
    fn every_built_in_case_is_as_it_is_called_however_patient_its_sender() {
        let project = Project::built_in().unwrap();
        for plan in plans(&project, 1).iter().chain(&plans(&project, 300)) {
            assert!(built_in(&project, plan).is_some(), "{}", plan.id);
            assert_eq!(differs(&project, plan), [""; 0], "{}", plan.id);
        }
    }

    #[test]
    fn a_plan_that_was_edited_is_told_by_what_is_different() {
        let project = Project::built_in().unwrap();
        let mut plan =
            plans(&project, 1).into_iter().find(|plan| plan.id == "once/silence").unwrap();
        plan.script.clear();
        plan.steps.pop();
        plan.expect.charges.values_mut().for_each(|charged| *charged = Charged::Never);
        assert_eq!(differs(&project, &plan), ["script", "steps", "expected charges"]);
        plan.id = "a-case-of-ours".to_owned();
        assert_eq!(differs(&project, &plan), [""; 0]);
    }
}
