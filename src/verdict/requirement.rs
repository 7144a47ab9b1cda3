//! What a case says of a requirement that it names.
//!
//! A case that passed proves a requirement if a rule that decides it was exercised there and held; that
//! all other rules held proves nothing of it.

use super::{CaseOutcome, Rule, Subject, Verdict};

/// What one case came to for one requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing<'c> {
    /// A rule that decides it was exercised and held, and nothing else was found.
    Proven,
    /// Nothing was found, and nothing that decides it was exercised: why not.
    Unjudged(&'c str),
    /// Something needed for a verdict was not seen.
    Inconclusive,
    /// A promise was broken.
    Failed,
}

/// The rules that decide a requirement, by its name; none for a word of an author's own, which any
/// rule decides.
#[must_use]
pub fn deciding(requirement: &str) -> &'static [Rule] {
    let row = DECIDING.iter().find(|(name, _)| *name == requirement);
    row.map_or(&[], |(_, rules)| rules)
}

/// The requirements of the shipped scenarios, and the rules that decide each.
pub const DECIDING: &[(&str, &[Rule])] = &[
    ("once-per-order", ONCE),
    ("crash-safe", ONCE),
    ("delivers", &[Rule::Delivers]),
    ("recovers", &[Rule::Recovers]),
    ("accounts", &[Rule::Accounts]),
    ("content", &[Rule::Snapshot]),
    ("charset", &[Rule::Snapshot]),
    ("results", &[Rule::ResultsSettled]),
    ("secured", &[Rule::TlsVerified]),
];

const ONCE: &[Rule] = &[Rule::OncePerOrder, Rule::OncePerCharge];

impl CaseOutcome {
    /// What it says of `requirement`.
    #[must_use]
    pub fn standing(&self, requirement: &str) -> Standing<'_> {
        let judgement = &self.judgement;
        let deciding = deciding(requirement);
        match judgement.verdict() {
            Verdict::Fail => Standing::Failed,
            Verdict::Inconclusive => Standing::Inconclusive,
            Verdict::Pass => {
                let decides = |rule: Rule| deciding.is_empty() || deciding.contains(&rule);
                if judgement.held.iter().any(|held| decides(held.rule)) {
                    return Standing::Proven;
                }
                let known = judgement.unjudged.iter().find(|one| match one.what {
                    Subject::Rule(rule) => deciding.contains(&rule),
                    Subject::Step(_) => false,
                });
                Standing::Unjudged(known.map_or(NOT_EXERCISED, |one| &one.why))
            }
        }
    }
}

/// Why nothing is said where no rule knows a better reason.
const NOT_EXERCISED: &str = "nothing in the case exercised it";
