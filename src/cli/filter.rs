//! Which of the cases that are meant run: those that fit every filter.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::Value;
use wildmatch::WildMatch;

use crate::cli::failure::Failure;
use crate::cli::inputs::{self, Meant};
use chargeproof::history::fingerprint;
use chargeproof::plan::{Fault, Plan};
use chargeproof::verdict::{Rule, Shard, deciding};
use chargeproof::yaml::nearest;

/// What cases must be like to run.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct Filter {
    /// Leave these out: ids, folders, or patterns such as `*reset*`
    #[arg(long, value_name = "CASE", help_heading = "Selection")]
    exclude: Vec<String>,
    /// Only cases that exercise one of these requirements, such as `once-per-order`
    #[arg(long, value_name = "NAME", value_delimiter = ',', help_heading = "Selection")]
    requirement: Vec<String>,
    /// Only cases in which one of these faults plays, such as `payload/junk`
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = fault, help_heading = "Selection")]
    fault: Vec<Fault>,
    /// Only cases with a requirement that one of these rules decides, such as `recovers`; a rule that
    /// decides none, such as `wire/framing`, is exercised by every case
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = rule, help_heading = "Selection")]
    rule: Vec<Rule>,
    /// Only cases that did not pass in the run whose report lies in this folder
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = "chargeproof-out",
          help_heading = "Selection")]
    only_failed: Option<PathBuf>,
    /// Only part K of N: each case is in one part, by its id
    #[arg(long, value_name = "K/N", value_parser = part, help_heading = "Selection")]
    shard: Option<(u32, u32)>,
}

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

/// Whether a name, a folder or a pattern means this case.
pub(super) fn is_meant(pattern: &str, id: &str) -> bool {
    if pattern.contains(['*', '?']) {
        let scenario = id.split('[').next().unwrap_or(id);
        let pattern = WildMatch::new(pattern);
        return pattern.matches(id) || pattern.matches(scenario);
    }
    inputs::names(pattern, id)
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

fn fault(name: &str) -> Result<Fault, String> {
    let long = format!("answer/{name}");
    let found = Fault::ALL.iter().find(|fault| fault.name() == name || fault.name() == long);
    found.copied().ok_or_else(|| {
        let near = nearest(name, Fault::ALL.iter().map(|fault| fault.name()));
        near.map_or("`chargeproof faults` lists them".to_owned(), |near| {
            format!("did you mean `{near}`?")
        })
    })
}

fn rule(name: &str) -> Result<Rule, String> {
    Rule::named(name).ok_or_else(|| {
        let near = nearest(name, Rule::ALL.iter().map(|rule| rule.name()));
        near.map_or("`chargeproof explain` lists them".to_owned(), |near| {
            format!("did you mean `{near}`?")
        })
    })
}

fn part(text: &str) -> Result<(u32, u32), String> {
    let numbers = text
        .split_once('/')
        .and_then(|(number, of)| Some((number.parse::<u32>().ok()?, of.parse::<u32>().ok()?)));
    match numbers {
        Some((number, of)) if (1..=of).contains(&number) && of <= 1000 => Ok((number, of)),
        _ => Err("a part is written as `2/3`: which, from 1, and how many there are".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{is_meant, part};

    #[rstest]
    #[case::everything("*", "once/late", true)]
    #[case::inside("*reset*", "wire/reset-in-frame[at=3]", true)]
    #[case::scenario("once/rej*", "once/rejected[reply=reject]", true)]
    #[case::whole_case("*reply=reject]", "once/rejected[reply=reject]", true)]
    #[case::other("tls/*", "once/late", false)]
    #[case::folder("once", "once/late", true)]
    #[case::no_prefix("once/la", "once/late", false)]
    fn a_pattern_means_cases(#[case] pattern: &str, #[case] id: &str, #[case] meant: bool) {
        assert_eq!(is_meant(pattern, id), meant);
    }

    #[rstest]
    #[case("1/1", Some((1, 1)))]
    #[case("3/3", Some((3, 3)))]
    #[case("0/3", None)]
    #[case("4/3", None)]
    #[case("1", None)]
    #[case("a/b", None)]
    fn a_part_is_one_of_several(#[case] text: &str, #[case] wanted: Option<(u32, u32)>) {
        assert_eq!(part(text).ok(), wanted);
    }
}
