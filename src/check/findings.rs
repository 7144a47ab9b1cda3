//! Collects what the rules find and what they exercised.
//!
//! Bounded: a history with a million faults has a readable judgement. It does **not** decide
//! anything.

use std::collections::BTreeMap;

use crate::verdict::{Circumstance, Finding, Held, Proof, Rule, Subject, Unjudged, Weight};

/// How many findings of one rule are written out; the rest are counted.
const WRITTEN_OUT: usize = 50;

/// What was found so far.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    list: Vec<Finding>,
    counts: BTreeMap<Rule, Count>,
    /// How often each rule was exercised. There are few of them, so that looking is quickest.
    exercised: Vec<(Rule, u64)>,
    unjudged: Vec<Unjudged>,
}

#[derive(Debug, Default)]
struct Count {
    written: usize,
    more: u64,
    worst: Option<Weight>,
}

impl Findings {
    /// Adds a finding of `rule`. The message and proof are only made if they will be shown.
    pub(crate) fn add(&mut self, rule: Rule, weight: Weight, make: impl FnOnce() -> Told) {
        let count = self.counts.entry(rule).or_default();
        if count.written >= WRITTEN_OUT {
            count.more += 1;
            count.worst = count.worst.max(Some(weight));
            return;
        }
        count.written += 1;
        let Told { circumstance, message, proof } = make();
        self.list.push(Finding { rule, weight, circumstance, message, proof });
    }

    /// Notes that `rule` was exercised `times` more times.
    pub(crate) fn exercised(&mut self, rule: Rule, times: u64) {
        let place = self.exercised.iter().position(|(known, _)| *known == rule);
        match place {
            Some(place) => self.exercised[place].1 += times,
            None => self.exercised.push((rule, times)),
        }
    }

    /// Notes that something was not exercised, and why.
    pub(crate) fn unjudged(&mut self, what: Subject, why: impl Into<String>) {
        let one = Unjudged { what, why: why.into() };
        if !self.unjudged.contains(&one) {
            self.unjudged.push(one);
        }
    }

    /// Whether anything of at least `weight` was found under `rule`.
    pub(crate) fn has(&self, rule: Rule, weight: Weight) -> bool {
        self.list.iter().any(|finding| finding.rule == rule && finding.weight >= weight)
    }

    /// The findings, worst first, the rules that were exercised and held, and what was not exercised.
    pub(crate) fn settle(mut self) -> (Vec<Finding>, Vec<Held>, Vec<Unjudged>) {
        for (rule, count) in &self.counts {
            if let Some(weight) = count.worst {
                self.list.push(Finding {
                    rule: *rule,
                    weight,
                    circumstance: Circumstance::MoreOfTheSame,
                    message: format!(
                        "{} more findings of this rule are not written out",
                        count.more
                    ),
                    proof: None,
                });
            }
        }
        self.list.sort_by_key(|finding| std::cmp::Reverse(finding.weight));
        self.exercised.sort_unstable();
        let is_found = |rule: Rule| self.list.iter().any(|finding| finding.rule == rule);
        let held = self.exercised.iter().filter(|(rule, times)| *times > 0 && !is_found(*rule));
        let held = held.map(|(rule, times)| Held { rule: *rule, times: *times });
        let held = held.collect();
        (self.list, held, self.unjudged)
    }
}

/// The words of a finding.
#[derive(Debug)]
pub(crate) struct Told {
    /// Under which circumstance, in stable words.
    pub(crate) circumstance: Circumstance,
    /// One sentence for a person.
    pub(crate) message: String,
    /// The evidence.
    pub(crate) proof: Option<Proof>,
}

impl Told {
    /// A finding without laid-out evidence.
    pub(crate) fn plainly(circumstance: Circumstance, message: impl Into<String>) -> Self {
        Self { circumstance, message: message.into(), proof: None }
    }

    /// The same with evidence.
    pub(crate) fn with(mut self, proof: Proof) -> Self {
        self.proof = Some(proof);
        self
    }
}
