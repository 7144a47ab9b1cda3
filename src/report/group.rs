//! Findings brought together: the same rule under the same circumstance is one headline, however
//! many cases show it.
//!
//! It does **not** drop anything: each case and each finding is in exactly one group.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::verdict::{
    CaseOutcome, Finding, LeftOut, NotDone, Rule, RunOutcome, Standing, Weight, deciding,
};

/// What one rule found under one circumstance.
pub(super) struct Group<'a> {
    pub(super) weight: Weight,
    pub(super) rule: Rule,
    /// In words.
    pub(super) circumstance: String,
    /// The cases that show it, the plainest first and the others in the order of the run; never
    /// empty.
    pub(super) cases: Vec<Witness<'a>>,
}

/// One case of a group, with what the rule found in it; never without a finding.
pub(super) struct Witness<'a> {
    pub(super) case: &'a CaseOutcome,
    pub(super) findings: Vec<&'a Finding>,
}

impl Witness<'_> {
    /// How much somebody has to know and to read before it is understood: what else the case is
    /// about, and what happened in it.
    fn effort(&self) -> (usize, u64, usize, u64) {
        let proof = self.findings.first().and_then(|finding| finding.proof.as_ref());
        let between = proof.map_or(0, |proof| proof.between.len());
        let first = proof.and_then(|proof| proof.attempts.first());
        let before = first.map_or(0, |attempt| attempt.event);
        (self.case.requirements.len(), self.case.judgement.charges, between, before)
    }
}

/// All findings of a run: the worst first, then the rule that most cases break, and of one rule the
/// most frequent circumstance first.
pub(super) fn groups(outcome: &RunOutcome) -> Vec<Group<'_>> {
    let mut groups: BTreeMap<_, Vec<Witness<'_>>> = BTreeMap::new();
    for case in &outcome.cases {
        for finding in &case.judgement.findings {
            let circumstance = finding.circumstance.to_string();
            let key = (Reverse(finding.weight), finding.rule, circumstance);
            let witnesses = groups.entry(key).or_default();
            match witnesses.last_mut() {
                Some(last) if std::ptr::eq(last.case, case) => last.findings.push(finding),
                _ => witnesses.push(Witness { case, findings: vec![finding] }),
            }
        }
    }
    let group = |((Reverse(weight), rule, circumstance), cases)| Group {
        weight,
        rule,
        circumstance,
        cases: plainest_first(cases),
    };
    let mut groups: Vec<Group<'_>> = groups.into_iter().map(group).collect();
    let mut broken_in: BTreeMap<Rule, usize> = BTreeMap::new();
    for group in &groups {
        *broken_in.entry(group.rule).or_default() += group.cases.len();
    }
    groups.sort_by_key(|group| {
        let most_broken = Reverse(broken_in[&group.rule]);
        (Reverse(group.weight), most_broken, group.rule, Reverse(group.cases.len()))
    });
    groups
}

/// The case that is understood soonest comes first, the others keep their order.
fn plainest_first(mut cases: Vec<Witness<'_>>) -> Vec<Witness<'_>> {
    let plainest = (0..cases.len()).min_by_key(|at| cases[*at].effort());
    cases[..=plainest.unwrap_or_default()].rotate_right(1);
    cases
}

impl Group<'_> {
    /// Whether it only tells what could not be seen because of something worse: in each case
    /// something worse was found, or nothing was sent in a run whose sender is `red`.
    pub(super) fn is_consequence(&self, red: bool) -> bool {
        let explained = |witness: &Witness<'_>| {
            let judgement = &witness.case.judgement;
            let worse = judgement.findings.iter().any(|one| one.weight > Weight::Inconclusive);
            worse || red && judgement.charges == 0
        };
        self.weight == Weight::Inconclusive && self.cases.iter().all(explained)
    }
}

/// How the cases that exercise one requirement came out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Proven {
    /// Where a rule that decides it was exercised and held.
    pub(super) passed: usize,
    /// Where nothing that decides it was exercised, and nothing else was found.
    pub(super) unjudged: usize,
    pub(super) inconclusive: usize,
    pub(super) failed: usize,
}

impl Proven {
    pub(super) const fn cases(self) -> usize {
        self.passed + self.unjudged + self.inconclusive + self.failed
    }
}

/// Every requirement that a case names, and how its cases came out.
pub(super) fn requirements(outcome: &RunOutcome) -> BTreeMap<&str, Proven> {
    let mut requirements: BTreeMap<&str, Proven> = BTreeMap::new();
    for case in &outcome.cases {
        for requirement in &case.requirements {
            let proven = requirements.entry(requirement).or_default();
            match case.standing(requirement) {
                Standing::Proven => proven.passed += 1,
                Standing::Unjudged(_) => proven.unjudged += 1,
                Standing::Inconclusive => proven.inconclusive += 1,
                Standing::Failed => proven.failed += 1,
            }
        }
    }
    requirements
}

/// What was not judged and why, and in how many cases: what a rule says of itself, and requirements
/// that nothing exercised.
pub(super) fn unjudged(outcome: &RunOutcome) -> BTreeMap<(&str, &str), usize> {
    let mut reasons = BTreeMap::new();
    for case in &outcome.cases {
        for (what, why) in unjudged_in(case) {
            *reasons.entry((what, why)).or_insert(0) += 1;
        }
    }
    reasons
}

/// What one case did not judge, and why; each once.
pub(super) fn unjudged_in(case: &CaseOutcome) -> Vec<(&str, &str)> {
    let known = case.judgement.unjudged.iter();
    let mut all: Vec<(&str, &str)> = known.map(|one| (one.what.name(), &*one.why)).collect();
    for requirement in &case.requirements {
        let told = |what: &str| deciding(requirement).iter().any(|rule| rule.name() == what);
        if let Standing::Unjudged(why) = case.standing(requirement)
            && !all.iter().any(|(what, _)| told(what))
        {
            all.push((requirement, why));
        }
    }
    all
}

/// Optional entries of the script that never played, and in how many cases.
pub(super) fn idle(outcome: &RunOutcome) -> BTreeMap<&str, usize> {
    let mut entries = BTreeMap::new();
    for entry in outcome.cases.iter().flat_map(|case| &case.judgement.idle) {
        *entries.entry(&**entry).or_insert(0) += 1;
    }
    entries
}

/// The ids of the cases that were left out, by need and by what would offer it; the need of most
/// cases first.
pub(super) fn left_out(cases: &[LeftOut]) -> Vec<((&str, &str), Vec<&str>)> {
    let mut groups: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for case in cases {
        groups.entry((&case.need, &case.why)).or_default().push(&case.id);
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, ids)| Reverse(ids.len()));
    groups
}

/// The steps that could not happen, and in how many cases.
pub(super) fn not_done(outcome: &RunOutcome) -> BTreeMap<&NotDone, usize> {
    let mut steps = BTreeMap::new();
    for step in outcome.cases.iter().flat_map(|case| &case.judgement.not_done) {
        *steps.entry(step).or_insert(0) += 1;
    }
    steps
}

/// Every rule that was exercised and held, and how many times over the whole run.
pub(super) fn held(outcome: &RunOutcome) -> BTreeMap<Rule, u64> {
    let mut rules = BTreeMap::new();
    for held in outcome.cases.iter().flat_map(|case| &case.judgement.held) {
        *rules.entry(held.rule).or_insert(0) += held.times;
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::groups;
    use crate::report::samples;
    use crate::verdict::{Circumstance, Finding, Rule, RunOutcome, Weight};

    fn broken(rule: Rule) -> Finding {
        Finding {
            rule,
            weight: Weight::Broken,
            circumstance: Circumstance::EmrReset,
            message: "it did".into(),
            proof: None,
        }
    }

    /// A run of one case for each list of requirements, each of which breaks these rules.
    fn run(cases: &[(&[&str], &[Rule])]) -> RunOutcome {
        let mut outcome = samples::duplicate();
        let plain = outcome.cases[0].clone();
        outcome.cases.clear();
        for (number, (requirements, rules)) in cases.iter().enumerate() {
            let mut case = plain.clone();
            case.id = format!("case-{number}");
            case.requirements = requirements.iter().map(|name| (*name).into()).collect();
            case.judgement.findings = rules.iter().map(|rule| broken(*rule)).collect();
            outcome.cases.push(case);
        }
        outcome
    }

    #[test]
    fn the_plainest_case_is_shown_and_the_others_keep_their_order() {
        let rules: &[Rule] = &[Rule::Recovers];
        let crash: &[&str] = &["recovers", "crash-safe"];
        let outcome =
            run(&[(crash, rules), (crash, rules), (&["recovers"], rules), (crash, rules)]);
        let ids: Vec<&str> = groups(&outcome)[0].cases.iter().map(|one| &*one.case.id).collect();
        assert_eq!(ids, ["case-2", "case-0", "case-1", "case-3"]);
    }

    #[test]
    fn of_rules_of_one_weight_the_one_that_most_cases_break_comes_first() {
        let outcome = run(&[(&[], &[Rule::Accounts, Rule::Recovers]), (&[], &[Rule::Recovers])]);
        let rules: Vec<Rule> = groups(&outcome).iter().map(|group| group.rule).collect();
        assert_eq!(rules, [Rule::Recovers, Rule::Accounts]);
    }
}
