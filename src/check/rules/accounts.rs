//! What the sender says of its charges agrees with the wire.
//!
//! Only a clear lie is flagged. `unknown` is always honest, and an answer that is late or that only
//! a patient reader understands excuses either word. Source: HL7 v2 chapter 2, MSA-1 and MSA-2.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::charge::charges;
use crate::history::{Accounted, Event, Micros, Outcome, What};
use crate::hl7::Message;
use crate::mapping::OnceRule;
use crate::plan::Step;
use crate::verdict::{Circumstance, Entry, Proof, Rule, Subject, Weight};

use crate::check::evidence::answers::{Answers, Commit, Said};
use crate::check::evidence::index::{Attempted, Evidence, KnownExam};
use crate::check::evidence::message::Sent;
use crate::check::findings::{Findings, Told};
use crate::check::rules::Explanation;
use crate::check::wording::circumstance::{answered, moments, witness};
use crate::check::wording::events::describe_order;
use crate::check::wording::lateness;
use crate::check::wording::lateness::{Had, Most};

/// Of `accounts`.
pub(crate) const ACCOUNTS: Explanation = Explanation {
    title: "what the sender says agrees with the wire",
    promise: "`delivered` needs an acknowledgement of that very message, `rejected` a refusal of \
              it, `not-sent` that no byte was sent; `unknown` is always honest; a charge that \
              was attempted does not vanish from the account.",
    source: "HL7 v2 chapter 2, MSA-1 (table 0008) and MSA-2: the acknowledgement names the \
             message that it answers",
    how_to_read: "The order, what the sender says of it and what was answered are named. An \
                  answer that is late or can only be read leniently excuses either account.",
};

/// Judges every account that the sender gave.
pub(crate) fn judge(evidence: &Evidence<'_>, answers: &Answers, findings: &mut Findings) {
    let asked = evidence.plan.steps.iter().filter(|step| **step == Step::Account).count();
    if evidence.plan.sender.account.is_none() {
        return findings
            .unjudged(Subject::Rule(Rule::Accounts), "the sender file names no `account`");
    }
    if asked == 0 {
        return findings
            .unjudged(Subject::Rule(Rule::Accounts), "no step asks the sender for its account");
    }
    let mut heard = Heard::default();
    for event in evidence.events {
        match &event.what {
            What::Account { charges, asked } => {
                heard.given += 1;
                let account = Account { charges, asked: *asked, event };
                judge_account(evidence, answers, &account, &mut heard, findings);
            }
            What::NoAccount { why } => {
                heard.given += 1;
                findings.add(Rule::Accounts, Weight::Inconclusive, || {
                    let message =
                        format!("the sender was asked for its account and gave none: {why}");
                    Told::plainly(Circumstance::NoAccount, message)
                });
            }
            _ => {}
        }
    }
    if heard.given < asked && !evidence.is_undriven() {
        findings.add(Rule::Accounts, Weight::Inconclusive, || {
            let message = "the plan asks for an account that is not in the history";
            Told::plainly(Circumstance::NoAccount, message)
        });
    }
    // Who doubts what nobody can doubt says nothing, however honest that is.
    if heard.doubted > 0 {
        let why = "the sender says `unknown` of a charge that was plainly accepted";
        findings.unjudged(Subject::Rule(Rule::Accounts), why);
    } else if heard.entries > 0 {
        findings.exercised(Rule::Accounts, heard.entries);
    } else if heard.given > 0 {
        findings.unjudged(Subject::Rule(Rule::Accounts), "the account says nothing of any charge");
    }
}

/// What came of all accounts of a case.
#[derive(Default)]
struct Heard {
    /// How many were given, or refused.
    given: usize,
    /// Orders of which one said what can be compared with the wire.
    entries: u64,
    /// Orders that were plainly accepted and are `unknown`.
    doubted: u64,
}

/// One account.
struct Account<'h> {
    charges: &'h [Accounted],
    /// When it was asked for, if that is known.
    asked: Option<Micros>,
    /// The event that brought it.
    event: &'h Event,
}

fn judge_account(
    evidence: &Evidence<'_>,
    answers: &Answers,
    account: &Account<'_>,
    heard: &mut Heard,
    findings: &mut Findings,
) {
    let mut said: BTreeMap<&str, Vec<Outcome>> = BTreeMap::new();
    for charge in account.charges {
        said.entry(charge.order.as_str()).or_default().push(charge.outcome);
    }
    nobodys(evidence, account, findings);
    for exam in &evidence.exams {
        let number = exam.exam.order.number.as_str();
        let attempts = attempts_before(evidence, &exam.order, account);
        let outcomes = said.get(number).map_or(&[][..], Vec::as_slice);
        let judged = Judged { evidence, answers, order: &exam.order, attempts: &attempts, account };
        if outcomes.is_empty() && judged.known().next().is_none() {
            continue;
        }
        if outcomes.is_empty() {
            judged.judge(None, findings);
        }
        let mut known = Vec::new();
        for outcome in outcomes {
            if !known.contains(outcome) {
                known.push(*outcome);
                judged.judge(Some(*outcome), findings);
            }
        }
        if outcomes.len() > most_entries(evidence, number) {
            judged.add_repeated(known.len() > 1, findings);
        }
        match known.contains(&Outcome::Unknown).then(|| judged.accepted_at()).flatten() {
            Some(answer) if judged.could_read(answer) => heard.doubted += 1,
            // Whether a sender that had no processor could have known, nobody can say.
            Some(answer) if judged.was_starved(answer) => {}
            Some(_) | None => heard.entries += 1,
        }
    }
}

/// How many entries an order may have: one for each of its exams, and where lines are charged apart one
/// for each of their lines.
fn most_entries(evidence: &Evidence<'_>, number: &str) -> usize {
    let exams = evidence.exams.iter().filter(|exam| exam.exam.order.number == number);
    let of_exam = |exam: &KnownExam<'_>| match evidence.plan.mapping.identity.rule {
        OnceRule::PerOrder => 1,
        OnceRule::PerCharge => charges(&Message::read(&exam.expected)).count().max(1),
    };
    exams.map(of_exam).sum()
}

/// Entries about orders that nobody had placed by then. A sender that outlives its case knows those of
/// others.
fn nobodys(evidence: &Evidence<'_>, account: &Account<'_>, findings: &mut Findings) {
    if !evidence.plan.sender.driving.life.is_ours_to_end() {
        return;
    }
    let placed = |number: &str| {
        evidence.exams.iter().any(|exam| {
            let mut submitted = exam.submitted.iter();
            exam.exam.order.number == number
                && submitted.any(|&at| evidence.events[at].seq < account.event.seq)
        })
    };
    let strange: Vec<usize> = (1..)
        .zip(account.charges)
        .filter(|(_, one)| !placed(&one.order))
        .map(|one| one.0)
        .collect();
    let Some(first) = strange.first() else { return };
    findings.add(Rule::Accounts, Weight::Broken, || {
        // What stands there in place of an order may be anything, so that it is not told on.
        let message = format!(
            "{} of {} entries of the account are about an order that nobody placed, the first of \
             them in line {first}",
            strange.len(),
            account.charges.len(),
        );
        Told::plainly(Circumstance::OrderNobodyPlaced, message)
    });
}

/// The attempts that had come when the account was given.
fn attempts_before<'e, 'h>(
    evidence: &'e Evidence<'h>,
    order: &[u8],
    account: &Account<'_>,
) -> Vec<&'e Sent<'h>> {
    let sent = |attempt: &Attempted| &evidence.sent[attempt.sent as usize];
    let attempts = evidence.attempts_at(order).iter().map(sent);
    attempts.filter(|sent| evidence.place(sent).seq < account.event.seq).collect()
}

/// One order in one account.
struct Judged<'j, 'h> {
    evidence: &'j Evidence<'h>,
    answers: &'j Answers,
    order: &'j [u8],
    /// The attempts that had come when it was given.
    attempts: &'j [&'j Sent<'h>],
    account: &'j Account<'j>,
}

impl Judged<'_, '_> {
    /// The attempts that the account must know of: an account may be as old as the moment at which
    /// it was asked for.
    fn known(&self) -> impl Iterator<Item = &Sent<'_>> {
        let had_begun = |sent: &&&Sent<'_>| {
            self.account.asked.is_none_or(|asked| self.evidence.place(sent).began < asked)
        };
        self.attempts.iter().filter(had_begun).copied()
    }

    fn judge(&self, outcome: Option<Outcome>, findings: &mut Findings) {
        let lie = match outcome {
            None => {
                Some((Entry::Vanished, "is missing from the sender's account, though it was sent"))
            }
            Some(Outcome::Unknown) => None,
            Some(Outcome::Delivered) => (!self.answered(&[Said::Accept])).then_some((
                Entry::Delivered,
                "is `delivered` in the sender's account, and no acknowledgement of it says so",
            )),
            Some(Outcome::Rejected) => (!self.answered(&[Said::Refuse])).then_some((
                Entry::Rejected,
                "is `rejected` in the sender's account, and no answer to it says so",
            )),
            Some(Outcome::NotSent) => self.known().next().is_some().then_some((
                Entry::NotSent,
                "is `not-sent` in the sender's account, though it was sent",
            )),
        };
        if let Some((word, what)) = lie {
            self.add(word, what, findings);
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
                said && (answer.seq < self.account.event.seq
                    || answer.began < self.account.event.at)
            })
        })
    }

    /// Whether the wire was watched until it was quiet between an attempt and the account, which was
    /// asked for after that.
    fn is_newer(&self, attempt: &Sent<'_>) -> bool {
        let (events, account) = (self.evidence.events, self.account);
        let sent = self.evidence.index_of(self.evidence.place(attempt).seq);
        let given = self.evidence.index_of(account.event.seq);
        let asked = account.asked.map(|asked| events.partition_point(|event| event.at <= asked));
        let asked = asked.unwrap_or(given).min(given).max(sent);
        events[sent..asked]
            .iter()
            .any(|event| matches!(&event.what, What::Watched { quiet, wanted } if quiet >= wanted))
    }

    /// Whether the only attempt was accepted in a way that leaves no doubt: by an acknowledgement that
    /// every sender must take, in time, to a sender that was there to read it.
    fn accepted_at(&self) -> Option<Micros> {
        let [sent] = self.attempts else { return None };
        let place = self.evidence.place(sent);
        let timeout = self.evidence.plan.limits.ack_timeout;
        let enough = Commit::to(sent.payload) == Commit::Enough;
        let asked = self.account.asked.unwrap_or(self.account.event.at);
        let answers = self.answers.to(&place, sent.control_id);
        let [answer] = answers.as_slice() else { return None };
        let accepts = answer.said == Said::Accept || (enough && answer.said == Said::Commit);
        let in_time = answer.at.since(place.at) < timeout && answer.at < asked;
        (sent.whole && answer.strict && accepts && in_time).then_some(answer.at)
    }

    /// Whether the machine had no processor for the sender around a time.
    fn was_starved(&self, at: Micros) -> bool {
        let is_late =
            |what: &What| matches!(what, What::HarnessLate { .. } | What::SenderStarved { .. });
        self.evidence.events[self.around(at)].iter().any(|event| is_late(&event.what))
    }

    /// The places of the events within the sender's patience before a time, and behind it.
    fn around(&self, at: Micros) -> Range<usize> {
        let timeout = self.evidence.plan.limits.ack_timeout;
        let soon = Micros(at.0.saturating_add(timeout.0));
        let events = self.evidence.events;
        let from = events.partition_point(|event| at.since(event.at) > timeout);
        let to = events.partition_point(|event| event.at <= soon).max(from);
        from..to
    }

    /// Whether nothing kept the sender from reading what was written to it at a time: neither a fault,
    /// nor its own end, nor a machine that had no time for it.
    fn could_read(&self, at: Micros) -> bool {
        let disturbs = |what: &What| {
            matches!(
                what,
                What::SenderEnding { .. }
                    | What::SenderExited { .. }
                    | What::SenderPaused { .. }
                    | What::HarnessLate { .. }
                    | What::SenderStarved { .. }
                    | What::EndedByEmr { .. }
            )
        };
        let (near, events) = (self.around(at), self.evidence.events);
        // When what stood at a door that was shut was written, nobody knows.
        let waited = |what: &What| matches!(what, What::Waiting { .. } | What::Reading { .. });
        !events[..near.end].iter().any(|event| waited(&event.what))
            && !events[near].iter().any(|event| disturbs(&event.what))
    }

    /// The order has several entries: which of them is meant, nobody can say.
    fn add_repeated(&self, contradicts: bool, findings: &mut Findings) {
        findings.add(Rule::Accounts, Weight::Inconclusive, || {
            let order = describe_order(self.evidence, self.order);
            let (circumstance, how) = match contradicts {
                true => {
                    (Circumstance::AccountContradictsItself, "several entries, which do not agree")
                }
                false => (Circumstance::AccountRepeatsItself, "several entries"),
            };
            let message = format!("the charge of order {order} has {how}, in the sender's account");
            Told::plainly(circumstance, message)
        });
    }

    fn add(&self, word: Entry, what: &str, findings: &mut Findings) {
        let make = || {
            let order = describe_order(self.evidence, self.order);
            let after = self.attempts.first().map(|sent| answered(self.evidence, sent));
            let circumstance = Circumstance::Account(word, after.map(Box::new));
            let mut proof = Proof { charge: format!("order {order}"), ..Proof::default() };
            proof.attempts =
                self.attempts.iter().take(2).map(|sent| witness(self.evidence, sent)).collect();
            if let Some(first) = self.attempts.first() {
                proof.between = moments(self.evidence, first, None);
            }
            Told::plainly(circumstance, format!("the charge of order {order} {what}")).with(proof)
        };
        match self.known().last() {
            // Where the harness is late, the account may be older than the attempt.
            Some(last)
                if matches!(word, Entry::NotSent | Entry::Vanished) && !self.is_newer(last) =>
            {
                let patience = self.evidence.plan.limits.ack_timeout;
                let from = Micros(self.evidence.place(last).began.since(patience).0);
                let had = Had { late_from: from, from, to: self.account.event.at };
                let most = Most::of_both(Micros(0));
                lateness::add_if_it_could(self.evidence, findings, Rule::Accounts, had, most, make);
            }
            _ => findings.add(Rule::Accounts, Weight::Broken, make),
        }
    }
}
