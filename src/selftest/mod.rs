//! The proof of the judge: every broken sender is convicted by its own rule and no other, and
//! the correct sender and its honest habits are clean.
//!
//! The whole matrix is run in virtual time; each conviction is then confirmed over real sockets
//! with a real process, on the case that showed it soonest.

mod expectation;

pub use expectation::own_rule;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::history::Micros;
use crate::mapping::OnceRule;
use crate::plan::fault::Answer;
use crate::plan::{Behaviour, Fault, Match, Parameters, Plan, Play, Step};
use crate::run::real::Place;
use crate::run::side_by_side;
use crate::run::simulated;
use crate::sender::{Bug, Variant};
use crate::suite::judge;
use crate::suite::{Job, SideBySide, SuiteError, Until, run_real};
use crate::verdict::{CaseOutcome, Finding, Rule, Verdict, Weight};

use expectation::{circumstance, expectation};

/// On how many cases a conviction is tried over real sockets.
const CONFIRMATIONS: usize = 3;

/// How many messages of a sender that floods are enough to say so.
const FLOOD: u32 = 200;

/// How one broken sender fared.
#[derive(Clone, Debug)]
pub struct Broken {
    /// Its defect.
    pub bug: Bug,
    /// The rule that must convict it.
    pub own: Rule,
    /// Under which circumstances its own rule convicted it, and in how many cases.
    pub circumstances: BTreeMap<String, usize>,
    /// Rules that convicted it and are neither its own nor expected beside it.
    pub beside: BTreeSet<String>,
    /// The cases that showed it soonest, of different circumstances first.
    pub shown_by: Vec<String>,
    /// Whether the same case convicts it over real sockets too; none if that was not tried.
    pub confirmed: Option<bool>,
}

/// How one honest sender fared.
#[derive(Clone, Debug)]
pub struct Honest {
    /// Its name.
    pub name: String,
    /// What is honest about it.
    pub what: String,
    /// How many cases it went through.
    pub cases: usize,
    /// What was held against it: rule and case. Empty if it is clean.
    pub held_against: Vec<String>,
}

/// A case of which nothing must be said to be proven.
#[derive(Clone, Debug)]
pub struct Open {
    /// What is missing in it.
    pub what: &'static str,
    /// Whether its verdict was left open.
    pub is_open: bool,
}

/// What a self-test found.
#[derive(Clone, Debug, Default)]
pub struct Matrix {
    /// Every broken sender.
    pub broken: Vec<Broken>,
    /// Every honest one.
    pub honest: Vec<Honest>,
    /// Cases that prove nothing.
    pub open: Vec<Open>,
}

impl Matrix {
    /// Whether every broken sender was convicted as it should be and every honest one is clean.
    #[must_use]
    pub fn is_green(&self) -> bool {
        self.broken.iter().all(|one| one.is_convicted() || one.is_real_only())
            && self.honest.iter().all(|one| one.held_against.is_empty() && one.cases > 0)
            && self.open.iter().all(|one| one.is_open)
    }
}

impl Broken {
    /// Whether only a real process can show its defect, and none was tried: nothing is known.
    #[must_use]
    pub const fn is_real_only(&self) -> bool {
        self.bug.needs_process() && self.confirmed.is_none()
    }

    /// Whether its own rule convicted it, no other did, and a real run agrees if one was made.
    #[must_use]
    pub fn is_convicted(&self) -> bool {
        let shown = match circumstance(self.bug) {
            Some(circumstance) => self.circumstances.contains_key(&circumstance.to_string()),
            None => !self.circumstances.is_empty(),
        };
        let simulated = shown || self.bug.needs_process();
        simulated && self.beside.is_empty() && self.confirmed.unwrap_or(!self.bug.needs_process())
    }
}

/// Runs the matrix in virtual time. `plans` are those of the default run; `named` are honest habits
/// that a scenario shows, by what is honest and the id of the scenario; `is_wanted` says which
/// senders are tried, by name.
///
/// # Errors
/// A plan that cannot be simulated.
pub fn simulate(
    plans: &[Plan],
    named: &[(&str, &str)],
    is_wanted: &dyn Fn(&str) -> bool,
) -> Result<Matrix, SuiteError> {
    let bugs: Vec<Bug> = Bug::ALL.iter().copied().filter(|bug| is_wanted(bug.name())).collect();
    let broken = side_by_side(&bugs, &|bug: &Bug| {
        let all: Vec<&Plan> = plans.iter().collect();
        try_broken(*bug, if tells_everywhere(*bug) { &all[..all.len().min(SAMPLE)] } else { &all })
    });
    let mut habits: Vec<Habit<'_>> = habits(plans, named);
    habits.retain(|habit| is_wanted(habit.name));
    let honest = side_by_side(&habits, &|habit: &Habit<'_>| {
        try_honest(habit.name, habit.what, habit.variant, &habit.plans)
    });
    Ok(Matrix {
        broken: broken.into_iter().collect::<Result<_, _>>()?,
        honest: honest.into_iter().collect::<Result<_, _>>()?,
        open: plans.first().map_or_else(|| Ok(Vec::new()), left_open)?,
    })
}

/// The names of all senders that can be tried.
pub fn names<'n>(named: &'n [(&str, &str)]) -> impl Iterator<Item = &'n str> {
    let scenarios = named.iter().map(|(_, scenario)| *scenario);
    let variants = Variant::ALL.iter().map(|variant| variant.name());
    let bugs = Bug::ALL.iter().map(|bug| bug.name());
    bugs.chain(["correct"]).chain(scenarios).chain(variants)
}

/// Tries cases that prove nothing, for three reasons.
fn left_open(plan: &Plan) -> Result<Vec<Open>, SuiteError> {
    let mut never = plan.clone();
    never.script.push(Behaviour {
        on: Match { message: Some(u32::MAX), ..Match::default() },
        play: vec![Play::Fault {
            fault: Fault::Answer(Answer::Reject),
            with: Parameters::default(),
        }],
        times: None,
    });
    let mut unseen = plan.clone();
    unseen.limits.longest_retry = Micros(u64::MAX);
    let mut unsent = plan.clone();
    unsent.steps.retain(|step| !matches!(step, Step::Start));
    let cases = [
        ("a fault that cannot happen", never),
        ("a watch that is too short", unseen),
        ("a sender that was never started", unsent),
    ];
    let tried = cases.into_iter().map(|(what, plan)| {
        let is_open = simulate_one(&plan)?.judgement.verdict() != Verdict::Pass;
        Ok(Open { what, is_open })
    });
    tried.collect()
}

/// An honest sender, and the cases that it goes through.
struct Habit<'p> {
    name: &'p str,
    what: &'p str,
    variant: Option<Variant>,
    plans: Vec<&'p Plan>,
}

fn habits<'p>(plans: &'p [Plan], named: &[(&'p str, &'p str)]) -> Vec<Habit<'p>> {
    let all: Vec<&Plan> = plans.iter().collect();
    let what = "the reference sender as it is";
    let correct = Habit { name: "correct", what, variant: None, plans: all.clone() };
    let named = named.iter().map(|(what, scenario)| {
        let plans = plans.iter().filter(|plan| belongs(&plan.id, scenario)).collect();
        Habit { name: scenario, what, variant: None, plans }
    });
    let variants = Variant::ALL.iter().map(|variant| Habit {
        name: variant.name(),
        what: variant.what(),
        variant: Some(*variant),
        plans: all.clone(),
    });
    std::iter::once(correct).chain(named).chain(variants).collect()
}

/// Whether a defect floods the harness in whatever case: a few of them tell as much as all.
const fn tells_everywhere(bug: Bug) -> bool {
    matches!(bug, Bug::Floods | Bug::EndlessMessage)
}

/// How many cases are enough for such a defect.
const SAMPLE: usize = 12;

/// Confirms every conviction over real sockets and processes.
///
/// # Errors
/// A case that this machine does not let us run.
pub async fn confirm(
    matrix: &mut Matrix,
    plans: &[Plan],
    place: &Place,
    side_by_side: SideBySide,
) -> Result<(), SuiteError> {
    let mut jobs = Vec::new();
    for row in &matrix.broken {
        let first = plans.first().map(|plan| &plan.id);
        let shown_by = row.shown_by.iter().chain(first.filter(|_| row.shown_by.is_empty()));
        for (index, id) in shown_by.enumerate() {
            let Some(plan) = plans.iter().find(|plan| plan.id == *id) else {
                continue;
            };
            let mut plan = with_habit(plan, Some(row.bug), None);
            plan.id = format!("{}#{index}", row.bug);
            jobs.push(Job { plan, repeat: String::new() });
        }
    }
    let outcomes =
        run_real(jobs, place.clone(), side_by_side, Until::EachOnce, &mut |_| ()).await?;
    for row in &mut matrix.broken {
        let of_bug = |outcome: &&CaseOutcome| {
            outcome.id.split_once('#').is_some_and(|(bug, _)| bug == row.bug.name())
        };
        // Which of two things on a real machine comes first is not ours to say, so one case may
        // miss its moment; all of them do not.
        let mut tried = outcomes.iter().filter(of_bug).peekable();
        row.confirmed = tried.peek().is_some().then(|| tried.any(|outcome| is_shown(outcome, row)));
    }
    Ok(())
}

fn try_broken(bug: Bug, plans: &[&Plan]) -> Result<Broken, SuiteError> {
    let (own, beside) = expectation(bug);
    let mut row = Broken {
        bug,
        own,
        circumstances: BTreeMap::new(),
        beside: BTreeSet::new(),
        shown_by: Vec::new(),
        confirmed: None,
    };
    if bug.needs_process() {
        return Ok(row);
    }
    let mut shown: BTreeMap<String, Vec<(Duration, &str)>> = BTreeMap::new();
    for &plan in plans {
        let outcome = simulate_one(&with_habit(plan, Some(bug), None))?;
        for finding in &outcome.judgement.findings {
            if finding.weight < Weight::Broken {
                continue;
            }
            if finding.rule == own || finding.rule == of_agreement(plan, own) {
                *row.circumstances.entry(finding.circumstance.to_string()).or_insert(0) += 1;
                let this = (Duration::from(outcome.took), plan.id.as_str());
                shown.entry(finding.circumstance.to_string()).or_default().push(this);
            } else if !beside.contains(&finding.rule) {
                row.beside.insert(format!("{} ({})", finding.rule, plan.id));
            }
        }
    }
    row.shown_by = to_confirm(shown);
    Ok(row)
}

/// The cases that show a defect soonest, of as many circumstances as there are: the soonest of each
/// first, then the second of each.
fn to_confirm(mut shown: BTreeMap<String, Vec<(Duration, &str)>>) -> Vec<String> {
    let mut chosen: Vec<&str> = Vec::new();
    for cases in shown.values_mut() {
        cases.sort_unstable();
        cases.dedup();
    }
    let most = shown.values().map(Vec::len).max().unwrap_or(0);
    for round in 0..most {
        let mut cases: Vec<_> = shown.values().filter_map(|cases| cases.get(round)).collect();
        cases.sort_unstable();
        for (_, id) in cases {
            if chosen.len() < CONFIRMATIONS && !chosen.contains(id) {
                chosen.push(id);
            }
        }
    }
    chosen.into_iter().map(str::to_owned).collect()
}

fn try_honest(
    name: &str,
    what: &str,
    variant: Option<Variant>,
    plans: &[&Plan],
) -> Result<Honest, SuiteError> {
    let mut held_against = Vec::new();
    for &plan in plans {
        let outcome = simulate_one(&with_habit(plan, None, variant))?;
        if outcome.judgement.verdict() == Verdict::Pass {
            continue;
        }
        let findings = outcome.judgement.findings.iter();
        held_against.extend(findings.map(|finding| format!("{} ({})", finding.rule, plan.id)));
    }
    let (name, what) = (name.to_owned(), what.to_owned());
    Ok(Honest { name, what, cases: plans.len(), held_against })
}

fn simulate_one(plan: &Plan) -> Result<CaseOutcome, SuiteError> {
    let history = simulated::run(plan)
        .map_err(|error| SuiteError::Simulation { case: plan.id.clone(), error })?;
    Ok(judge(plan, &history, String::new()))
}

/// The same plan against the reference sender with a defect or a habit.
fn with_habit(plan: &Plan, bug: Option<Bug>, variant: Option<Variant>) -> Plan {
    let mut plan = plan.clone();
    let start = &mut plan.sender.start;
    start.extend(bug.map(|bug| format!("--bug={bug}")));
    start.extend(variant.map(|variant| format!("--variant={variant}")));
    if bug == Some(Bug::Floods) {
        plan.limits.messages = FLOOD; // the same proof, sooner
    }
    // Who takes its time is watched for longer, as its sender file would say.
    let gap = Micros::from(variant.map(Variant::gap).unwrap_or_default());
    plan.limits.settle = plan.limits.settle.max(Micros(gap.0.saturating_mul(2)));
    plan.limits.patience.0 = plan.limits.patience.0.saturating_add(gap.0.saturating_mul(2));
    plan.sender.bug = bug.map(|bug| bug.name().to_owned());
    plan.sender.variant = variant.map(|variant| variant.name().to_owned());
    plan
}

/// Where the agreement allows several messages per order, sending twice breaks the other rule.
fn of_agreement(plan: &Plan, own: Rule) -> Rule {
    match plan.mapping.identity.rule {
        OnceRule::PerCharge if own == Rule::OncePerOrder => Rule::OncePerCharge,
        _ => own,
    }
}

/// Whether a case shows the defect by its own rule, under its own circumstance if it has one.
fn is_shown(outcome: &CaseOutcome, row: &Broken) -> bool {
    let under = |finding: &Finding| {
        circumstance(row.bug).is_none_or(|circumstance| finding.circumstance == circumstance)
    };
    let mut findings = outcome.judgement.findings.iter();
    findings.any(|one| one.weight >= Weight::Broken && one.rule == row.own && under(one))
}

fn belongs(case: &str, scenario: &str) -> bool {
    case.split('[').next() == Some(scenario)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use rstest::rstest;

    use super::{Broken, Honest, Matrix};
    use crate::sender::Bug;
    use crate::verdict::Rule;

    #[rstest]
    #[case::a_process_was_not_tried(Bug::DiesAtStart, None, true)]
    #[case::a_process_was_tried_in_vain(Bug::DiesAtStart, Some(false), false)]
    #[case::a_process_showed_it(Bug::LeavesChild, Some(true), true)]
    #[case::nothing_showed_what_virtual_time_can_show(Bug::Brick, None, false)]
    fn only_what_virtual_time_cannot_show_may_stay_open(
        #[case] bug: Bug,
        #[case] confirmed: Option<bool>,
        #[case] green: bool,
    ) {
        let broken = Broken {
            bug,
            own: Rule::Delivers,
            circumstances: BTreeMap::new(),
            beside: BTreeSet::new(),
            shown_by: Vec::new(),
            confirmed,
        };
        let text = String::new;
        let honest = Honest { name: text(), what: text(), cases: 1, held_against: Vec::new() };
        let matrix = Matrix { broken: vec![broken], honest: vec![honest], open: Vec::new() };
        assert_eq!(matrix.is_green(), green);
    }
}
