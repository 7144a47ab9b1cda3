//! Counts what was tried: which faults played, beside which others, and what was inconclusive.
//!
//! What counts is what the histories show, not what was drawn.

use std::collections::{BTreeMap, BTreeSet};

use crate::history::{Ending, Event, What};
use crate::plan::{Fault, Plan, Play};
use crate::verdict::{Judgement, Verdict};

/// Something that happened in a schedule: a fault played, or the harness did something, by its place
/// in [`DOINGS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Happening {
    Fault(Fault),
    Doing(usize),
}

/// What the harness does beside the faults, in the words of a report.
const DOINGS: [&str; 8] = [
    "kill",
    "restart",
    "exam given twice",
    "two exams or more",
    "pause",
    "second instance",
    "clock jump",
    "resend on request",
];

/// What happened in one schedule, each thing once.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Situation(Vec<Happening>);

impl Situation {
    /// What these events show to have happened.
    pub(crate) fn of(plan: &Plan, events: &[Event]) -> Self {
        let doing = Happening::Doing;
        let mut found = Vec::new();
        let mut submitted: Vec<&str> = Vec::new();
        for event in events {
            match &event.what {
                What::Played { behaviour, .. } => {
                    let plays = plan.script.get(*behaviour).map_or(&[][..], |one| &one.play);
                    found.extend(plays.iter().filter_map(|play| match play {
                        Play::Fault { fault, .. } => Some(Happening::Fault(*fault)),
                        Play::Raw(_) | Play::Filled(_) | Play::Wait(_) | Play::End(_) => None,
                    }));
                }
                What::SenderEnding { how: Ending::Kill, .. } => found.push(doing(0)),
                What::SenderStarted { beside: Some(_), .. } => found.push(doing(5)),
                What::SenderStarted { incarnation, .. } if *incarnation > 1 => {
                    found.push(doing(1));
                }
                What::SenderPaused { .. } => found.push(doing(4)),
                What::ClockJumped { .. } => found.push(doing(6)),
                What::ResendAsked { .. } => found.push(doing(7)),
                What::Submitted { exam, .. } if submitted.contains(&exam.as_str()) => {
                    found.push(doing(2));
                }
                What::Submitted { exam, .. } => submitted.push(exam),
                _ => {}
            }
        }
        if submitted
            .iter()
            .filter(|exam| !plan.expect.probes.iter().any(|one| one == *exam))
            .count()
            > 1
        {
            found.push(doing(3));
        }
        found.sort_unstable();
        found.dedup();
        Self(found)
    }
}

/// What was tried so far.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// How many schedules.
    pub schedules: u64,
    /// How many of them convicted the sender.
    pub convicting: u64,
    /// How many proved nothing, by the reason that weighs most.
    pub inconclusive: BTreeMap<String, u64>,
    times: BTreeMap<Happening, u64>,
    pairs: BTreeSet<(Happening, Happening)>,
    situations: BTreeSet<Situation>,
}

impl Tally {
    /// Counts one schedule.
    pub fn add(&mut self, situation: Situation, judgement: &Judgement) {
        self.schedules += 1;
        for (index, &one) in situation.0.iter().enumerate() {
            *self.times.entry(one).or_default() += 1;
            self.pairs.extend(situation.0[index + 1..].iter().map(|&other| (one, other)));
        }
        self.situations.insert(situation);
        match judgement.verdict() {
            Verdict::Pass => {}
            Verdict::Fail => self.convicting += 1,
            Verdict::Inconclusive => {
                let first = judgement.findings.first();
                let why = first.map(|finding| finding.circumstance.to_string());
                *self.inconclusive.entry(why.unwrap_or_default()).or_default() += 1;
            }
        }
    }

    /// Adds what another has counted.
    pub fn merge(&mut self, other: Self) {
        self.schedules += other.schedules;
        self.convicting += other.convicting;
        for (why, count) in other.inconclusive {
            *self.inconclusive.entry(why).or_default() += count;
        }
        for (happening, times) in other.times {
            *self.times.entry(happening).or_default() += times;
        }
        self.pairs.extend(other.pairs);
        self.situations.extend(other.situations);
    }

    /// How many different sets of things happened together.
    #[must_use]
    pub fn situations(&self) -> usize {
        self.situations.len()
    }

    /// In how many schedules each fault played, the rarest first.
    #[must_use]
    pub fn faults(&self) -> Vec<(Fault, u64)> {
        let times = |fault: Fault| self.times(Happening::Fault(fault));
        let mut all: Vec<(Fault, u64)> =
            Fault::ALL.iter().map(|&fault| (fault, times(fault))).collect();
        all.sort_by_key(|(fault, times)| (*times, *fault));
        all
    }

    /// In how many schedules the harness did what.
    #[must_use]
    pub fn doings(&self) -> Vec<(&'static str, u64)> {
        let times = |index: usize| self.times(Happening::Doing(index));
        DOINGS.iter().enumerate().map(|(index, name)| (*name, times(index))).collect()
    }

    /// How many pairs of faults played in one schedule, and how many pairs there are.
    #[must_use]
    pub fn pairs(&self) -> (usize, usize) {
        let faults = Fault::ALL.len();
        let is_fault = |one: &Happening| matches!(one, Happening::Fault(_));
        let seen = self.pairs.iter().filter(|(one, other)| is_fault(one) && is_fault(other));
        (seen.count(), faults * (faults - 1) / 2)
    }

    /// In how many schedules it happened.
    fn times(&self, happening: Happening) -> u64 {
        self.times.get(&happening).copied().unwrap_or(0)
    }

    /// How many schedules proved nothing.
    #[must_use]
    pub fn inconclusive(&self) -> u64 {
        self.inconclusive.values().sum()
    }
}
