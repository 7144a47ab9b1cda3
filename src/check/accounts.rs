//! What the sender says of its charges agrees with the wire.
//!
//! Only a clear lie is flagged. `unknown` is always honest, and an answer that is late or that only
//! a patient reader understands excuses either word. Source: HL7 v2 chapter 2, MSA-1 and MSA-2.

use std::collections::BTreeMap;

use crate::history::{Event, Micros, Outcome, What};
use crate::plan::Step;
use crate::verdict::{Proof, Weight};

use super::attempts::Sent;
use super::between::{answered, moments, witness};
use super::evidence::{Attempted, Evidence};
use super::findings::{Findings, Told};
use super::late;
use super::replies::{Answers, Commit, Said};
use super::rules::ACCOUNTS;
use super::words::order_in_words;

/// Judges every account that the sender gave.
pub(super) fn judge(evidence: &Evidence<'_>, answers: &Answers, findings: &mut Findings) {
    let asked = evidence.plan.steps.iter().filter(|step| **step == Step::Account).count();
    if evidence.plan.sender.account.is_none() || asked == 0 {
        return;
    }
    let mut given = 0;
    for event in evidence.events {
        match &event.what {
            What::Account { charges } => {
                given += 1;
                let said = charges.iter().map(|charge| (charge.order.as_str(), charge.outcome));
                judge_account(evidence, answers, event, &said.collect(), findings);
            }
            What::NoAccount { why } => {
                given += 1;
                findings.add(ACCOUNTS, Weight::Inconclusive, || {
                    let message =
                        format!("the sender was asked for its account and gave none: {why}");
                    Told::plainly("no account", message)
                });
            }
            _ => {}
        }
    }
    if given < asked {
        findings.add(ACCOUNTS, Weight::Inconclusive, || {
            let message = "the plan asks for an account that is not in the history";
            Told::plainly("no account", message)
        });
    }
}

fn judge_account(
    evidence: &Evidence<'_>,
    answers: &Answers,
    event: &Event,
    said: &BTreeMap<&str, Outcome>,
    findings: &mut Findings,
) {
    for exam in &evidence.exams {
        let number = exam.exam.order.number.as_str();
        let attempts = attempts_before(evidence, &exam.order, event.seq);
        let outcome = said.get(number).copied();
        if outcome.is_none() && attempts.is_empty() {
            continue;
        }
        let judged = Judged { evidence, answers, order: &exam.order, attempts: &attempts, event };
        judged.judge(outcome, findings);
    }
}

fn attempts_before<'e, 'h>(
    evidence: &'e Evidence<'h>,
    order: &[u8],
    seq: u64,
) -> Vec<&'e Sent<'h>> {
    let sent = |attempt: &Attempted| &evidence.sent[attempt.sent as usize];
    let attempts = evidence.attempts_at(order).iter().map(sent);
    attempts.filter(|sent| evidence.place(sent).seq < seq).collect()
}

/// One order in one account.
struct Judged<'j, 'h> {
    evidence: &'j Evidence<'h>,
    answers: &'j Answers,
    order: &'j [u8],
    attempts: &'j [&'j Sent<'h>],
    event: &'j Event,
}

impl Judged<'_, '_> {
    fn judge(&self, outcome: Option<Outcome>, findings: &mut Findings) {
        findings.exercised(ACCOUNTS, 1);
        let lie = match outcome {
            None => Some(("vanished", "is missing from the sender's account, though it was sent")),
            Some(Outcome::Unknown) => None,
            Some(Outcome::Delivered) => (!self.answered(&[Said::Accept])).then_some((
                "delivered",
                "is `delivered` in the sender's account, and no acknowledgement of it says so",
            )),
            Some(Outcome::Rejected) => (!self.answered(&[Said::Refuse])).then_some((
                "rejected",
                "is `rejected` in the sender's account, and no answer to it says so",
            )),
            Some(Outcome::NotSent) => (!self.attempts.is_empty()).then_some((
                "not-sent",
                "is `not-sent` in the sender's account, though it was sent",
            )),
        };
        if let Some((word, what)) = lie {
            self.tell(word, what, findings);
        }
    }

    /// Whether any attempt was answered so, in words that a patient reader understands.
    fn answered(&self, accepted: &[Said]) -> bool {
        self.attempts.iter().any(|sent| {
            let answers = self.answers.to(&self.evidence.place(sent), sent.control_id);
            let mut answers = answers.iter();
            let commit =
                accepted.contains(&Said::Accept) && Commit::to(sent.payload) != Commit::Preliminary;
            answers.any(|answer| {
                let said =
                    accepted.contains(&answer.said) || (commit && answer.said == Said::Commit);
                // Of a reply in several parts, one may have been there long before the last.
                said && (answer.seq < self.event.seq || answer.began < self.event.at)
            })
        })
    }

    /// Whether the wire was watched until it was quiet between an attempt and the account, which was
    /// asked for after that.
    fn is_newer(&self, attempt: &Sent<'_>) -> bool {
        let sent = self.evidence.index_of(self.evidence.place(attempt).seq);
        let asked = self.evidence.index_of(self.event.seq).max(sent);
        let events = &self.evidence.events[sent..asked];
        events
            .iter()
            .any(|event| matches!(&event.what, What::Watched { quiet, wanted } if quiet >= wanted))
    }

    fn tell(&self, word: &str, what: &str, findings: &mut Findings) {
        let make = || {
            let order = order_in_words(self.evidence, self.order);
            let after = self.attempts.first().map(|sent| answered(self.evidence, sent));
            let circumstance = match &after {
                Some(after) => format!("{word} after {after}"),
                None => format!("{word} without an attempt"),
            };
            let mut proof = Proof { charge: format!("order {order}"), ..Proof::default() };
            proof.attempts =
                self.attempts.iter().take(2).map(|sent| witness(self.evidence, sent)).collect();
            if let Some(first) = self.attempts.first() {
                proof.between = moments(self.evidence, first, None);
            }
            Told::plainly(circumstance, format!("the charge of order {order} {what}")).with(proof)
        };
        match self.attempts.last() {
            // Where the harness is late, the account may be older than the attempt.
            Some(last) if matches!(word, "not-sent" | "vanished") && !self.is_newer(last) => {
                let patience = self.evidence.plan.limits.ack_timeout;
                let from = Micros(self.evidence.place(last).began.since(patience).0);
                let time = (from, self.event.at);
                late::add_if_it_could(self.evidence, findings, ACCOUNTS, time, Micros(0), make);
            }
            _ => findings.add(ACCOUNTS, Weight::Broken, make),
        }
    }
}
