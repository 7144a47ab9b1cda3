//! Which of the cases that are meant run: those that fit every filter.

use std::path::Path;

use serde_json::Value;

use crate::cli::arguments::Filter;
use crate::cli::failure::Failure;
use crate::cli::inputs::Meant;
use crate::cli::pattern::is_meant;
use chargeproof::history::fingerprint;
use chargeproof::plan::Plan;
use chargeproof::verdict::{Rule, Shard, deciding};
use chargeproof::yaml::nearest;

/// What was chosen.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) meant: Meant,
    /// How many cases were not chosen.
    pub(super) not_chosen: usize,
    pub(super) shard: Option<Shard>,
}

impl Filter {
    /// The cases of `meant` that fit.
    ///
    /// # Errors
    /// A name that there is not, or an earlier report that cannot be read.
    pub(super) fn choose(&self, mut meant: Meant) -> Result<Chosen, Failure> {
        let all = meant.jobs.len() + meant.left_out.len();
        self.check_requirements(&meant)?;
        let failed = self.only_failed.as_deref().map(not_passed).transpose()?;
        let excluded = |id: &str| self.exclude.iter().any(|pattern| is_meant(pattern, id));
        let in_report =
            |id: &str| failed.as_ref().is_none_or(|ids| ids.iter().any(|one| one == id));
        meant.jobs.retain(|job| {
            !excluded(&job.plan.id) && in_report(&job.plan.id) && self.fits(&job.plan)
        });
        // Of what cannot run no script is known, and no report says more.
        let open = self.requirement.is_empty() && self.fault.is_empty() && self.rule.is_empty();
        meant.left_out.retain(|one| open && failed.is_none() && !excluded(&one.id));
        let shard = self.shard.map(|(number, of)| Shard { number, of, whole: whole(&meant) });
        if let Some(shard) = shard {
            let in_part = |id: &str| fingerprint(id.as_bytes()) % u64::from(shard.of) + 1;
            meant.jobs.retain(|job| in_part(&job.plan.id) == u64::from(shard.number));
            meant.left_out.retain(|one| in_part(&one.id) == u64::from(shard.number));
        }
        let not_chosen = all - meant.jobs.len() - meant.left_out.len();
        Ok(Chosen { meant, not_chosen, shard })
    }

    fn fits(&self, plan: &Plan) -> bool {
        let has = |requirement: &String| plan.requirements.contains(requirement);
        let is_decided = |rule: &Rule| {
            let mut requirements = plan.requirements.iter();
            decides_none(*rule) || requirements.any(|one| deciding(one).contains(rule))
        };
        (self.requirement.is_empty() || self.requirement.iter().any(has))
            && (self.fault.is_empty() || self.fault.iter().any(|fault| plan.plays(*fault)))
            && (self.rule.is_empty() || self.rule.iter().any(is_decided))
    }

    fn check_requirements(&self, meant: &Meant) -> Result<(), Failure> {
        let known: Vec<&String> =
            meant.jobs.iter().flat_map(|job| &job.plan.requirements).collect();
        for wanted in &self.requirement {
            if !known.contains(&wanted) {
                let mut names: Vec<&str> = known.iter().map(|name| name.as_str()).collect();
                names.sort_unstable();
                names.dedup();
                let hint = match nearest(wanted, names.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("the requirements are {}", names.join(", ")),
                };
                return Err(Failure::usage(
                    format!("no case has the requirement `{wanted}`"),
                    hint,
                ));
            }
        }
        Ok(())
    }
}

/// Whether a rule decides no requirement, so that every case is there for it.
fn decides_none(rule: Rule) -> bool {
    !chargeproof::verdict::DECIDING.iter().any(|(_, rules)| rules.contains(&rule))
}

/// What all cases are, whichever part of them runs.
fn whole(meant: &Meant) -> u64 {
    let ids = meant.jobs.iter().map(|job| format!("{} {}\n", job.plan.id, job.plan.mapping.name));
    let left_out = meant.left_out.iter().map(|one| format!("{}\n", one.id));
    let mut all: Vec<String> = ids.chain(left_out).collect();
    all.sort_unstable();
    fingerprint(all.concat().as_bytes())
}

/// The cases that did not pass in the run whose report lies in `folder`.
fn not_passed(folder: &Path) -> Result<Vec<String>, Failure> {
    let path = folder.join("report.json");
    let text = std::fs::read_to_string(&path).map_err(Failure::reading(&path))?;
    let report: Option<Value> = serde_json::from_str(&text).ok();
    let cases = report.as_ref().and_then(|report| report.get("cases")?.as_array());
    let Some(cases) = cases else {
        let message = format!("`{}` is no report of a run", path.display());
        return Err(Failure::usage(message, "`chargeproof run --out DIR` writes one"));
    };
    let is_open = |case: &&Value| case.get("verdict").is_none_or(|verdict| verdict != "pass");
    let id = |case: &Value| Some(case.get("id")?.as_str()?.to_owned());
    Ok(cases.iter().filter(is_open).filter_map(id).collect())
}
