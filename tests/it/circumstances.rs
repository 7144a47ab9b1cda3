//! A defect that sends twice is convicted wherever its circumstance comes up, and not by one lucky
//! case: by at least three different faults, or by as many as there can be.

#[path = "../../benches/shelf/mod.rs"]
mod shelf;

use std::collections::BTreeSet;

use self::shelf::Shelf;
use chargeproof::plan::{Fault, Plan, Play};
use chargeproof::run::simulated;
use chargeproof::selftest::own_rule;
use chargeproof::sender::Bug;
use chargeproof::suite::judge;
use chargeproof::verdict::Weight;

/// How many different faults convict a defect, if nothing is said below.
const ENOUGH: usize = 3;

/// Defects that fewer faults can show: how many do, and why there can be no more.
const FEWER: &[(Bug, usize, &str)] = &[
    (Bug::ResendOnReset, 2, "a reset without an answer comes before it or inside the message"),
    (Bug::ResendAfterAckReset, 1, "it takes an acceptance with a reset after it"),
    (Bug::ResendAfterTruncation, 1, "it takes TLS that ends without a farewell"),
    (Bug::ResendOnCommitError, 2, "CE and CR are all the refusals to commit that there are"),
    (Bug::ResendOnPartialWrite, 1, "it takes an end inside the message"),
    (Bug::ReplayAfterKill, 0, "a kill shows it, whatever the EMR answers"),
    (Bug::ReplayAfterEarlyKill, 0, "a kill shows it, whatever the EMR answers"),
    (Bug::DoubleSubmit, 1, "it takes an exam that is handed over twice"),
    (Bug::NoLock, 0, "it takes a second instance, whatever the EMR answers"),
    (Bug::NightlySweep, 1, "it takes a night, and a charge that nobody answered"),
    (Bug::ClockJump, 1, "it takes a clock that jumps while an answer is due"),
    (Bug::CreditAsCharge, 0, "it takes a credit, whatever the EMR answers"),
    (Bug::PauseRace, 0, "it takes a pause, whatever the EMR answers"),
];

#[test]
fn a_defect_that_sends_twice_is_convicted_under_three_different_faults() {
    let plans = enough_of(Shelf::open().plans());
    let mut short = Vec::new();
    let twice = |bug: &&Bug| own_rule(**bug).is_once() && !bug.needs_process();
    for &bug in Bug::ALL.iter().filter(twice) {
        match convicting(bug, &plans, wanted(bug)) {
            Some(faults) if faults.len() >= wanted(bug) => {}
            faults => short.push(format!("{bug}: {faults:?}")),
        }
    }
    assert!(short.is_empty(), "\n{}", short.join("\n"));
}

fn wanted(bug: Bug) -> usize {
    FEWER.iter().find(|(one, ..)| *one == bug).map_or(ENOUGH, |(_, count, _)| *count)
}

/// Those that play a fault which none before them played, and those whose circumstance is no fault.
fn enough_of(plans: Vec<Plan>) -> Vec<Plan> {
    let mut seen = BTreeSet::new();
    let is_new = |plan: &Plan| {
        let faults: Vec<Fault> = played(plan).copied().collect();
        // Every fault of the plan is noted, whether or not the first was known.
        faults.iter().filter(|fault| seen.insert(**fault)).count() > 0
            || (plan.endpoints.len() > 1 && !faults.is_empty())
            || faults.len() > 2
            || plan.id.starts_with("crash/")
            || plan.id.starts_with("once/handed-over")
            || plan.id.starts_with("once/resent")
    };
    plans.into_iter().filter(is_new).collect()
}

/// The faults that were played in cases that convict `bug` of sending twice, until there are enough;
/// none if no case does.
fn convicting(bug: Bug, plans: &[Plan], enough: usize) -> Option<BTreeSet<String>> {
    let mut faults = BTreeSet::new();
    let mut convicted = false;
    for plan in plans {
        let mut plan = plan.clone();
        plan.sender.bug = Some(bug.name().to_owned());
        plan.limits.messages = 100;
        let history = simulated::run(&plan).unwrap();
        let judgement = judge(&plan, &history, String::new()).judgement;
        if !judgement.findings.iter().any(|finding| finding.weight == Weight::SentTwice) {
            continue;
        }
        convicted = true;
        faults.extend(played(&plan).map(ToString::to_string));
        if faults.len() >= enough {
            break;
        }
    }
    convicted.then_some(faults)
}

fn played(plan: &Plan) -> impl Iterator<Item = &Fault> {
    let plays = plan.script.iter().flat_map(|behaviour| &behaviour.play);
    plays.filter_map(|play| match play {
        Play::Fault { fault, .. } => Some(fault),
        _ => None,
    })
}
