//! Collects what the rules find and what they exercised.
//!
//! Bounded: a history with a million faults has a readable judgement. It does **not** decide
//! anything.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::verdict::{Finding, Held, Proof, Unjudged, Weight};

/// How many findings of one rule are written out; the rest are counted.
const WRITTEN_OUT: usize = 50;

/// What was found so far.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    list: Vec<Finding>,
    counts: BTreeMap<&'static str, Count>,
    /// How often each rule was exercised. There are few of them, and they are asked for by the same
    /// names again and again.
    exercised: Vec<(&'static str, u64)>,
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
    pub(crate) fn add(&mut self, rule: &'static str, weight: Weight, make: impl FnOnce() -> Told) {
        let count = self.counts.entry(rule).or_default();
        if count.written >= WRITTEN_OUT {
            count.more += 1;
            count.worst = count.worst.max(Some(weight));
            return;
        }
        count.written += 1;
        let Told { circumstance, message, proof } = make();
        self.list.push(Finding { rule: rule.to_owned(), weight, circumstance, message, proof });
    }

    /// Notes that `rule` was exercised `times` more times.
    pub(crate) fn exercised(&mut self, rule: &'static str, times: u64) {
        let place = self.exercised.iter().position(|(known, _)| std::ptr::eq(*known, rule));
        let place = place.or_else(|| self.exercised.iter().position(|(known, _)| *known == rule));
        match place {
            Some(place) => self.exercised[place].1 += times,
            None => self.exercised.push((rule, times)),
        }
    }

    /// Notes that `what` was not exercised, and why: the name of a rule, or what would have been done.
    pub(crate) fn unjudged(&mut self, what: &str, why: impl Into<String>) {
        let one = Unjudged { what: what.to_owned(), why: why.into() };
        if !self.unjudged.contains(&one) {
            self.unjudged.push(one);
        }
    }

    /// Whether anything of at least `weight` was found under `rule`.
    pub(crate) fn has(&self, rule: &str, weight: Weight) -> bool {
        self.list.iter().any(|finding| finding.rule == rule && finding.weight >= weight)
    }

    /// The findings, worst first, the rules that were exercised and held, and what was not exercised.
    pub(crate) fn settle(mut self) -> (Vec<Finding>, Vec<Held>, Vec<Unjudged>) {
        for (rule, count) in &self.counts {
            if let Some(weight) = count.worst {
                self.list.push(Finding {
                    rule: (*rule).to_owned(),
                    weight,
                    circumstance: "more of the same".to_owned(),
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
        let is_found = |rule: &str| self.list.iter().any(|finding| finding.rule == rule);
        let held = self.exercised.iter().filter(|(rule, times)| *times > 0 && !is_found(rule));
        let held = held.map(|(rule, times)| Held { rule: Cow::Borrowed(*rule), times: *times });
        let held = held.collect();
        (self.list, held, self.unjudged)
    }
}

/// The words of a finding.
#[derive(Debug)]
pub(crate) struct Told {
    /// Under which circumstance, in stable words.
    pub(crate) circumstance: String,
    /// One sentence for a person.
    pub(crate) message: String,
    /// The evidence.
    pub(crate) proof: Option<Proof>,
}

impl Told {
    /// A finding without laid-out evidence.
    pub(crate) fn plainly(circumstance: impl Into<String>, message: impl Into<String>) -> Self {
        Self { circumstance: circumstance.into(), message: message.into(), proof: None }
    }

    /// The same with evidence.
    pub(crate) fn with(mut self, proof: Proof) -> Self {
        self.proof = Some(proof);
        self
    }
}
