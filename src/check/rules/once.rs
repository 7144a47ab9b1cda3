//! The once rules: no charge is ever sent twice.
//!
//! Source: the interface page on DFT^P03, one message per order, sent at most one time whatever
//! the EMR answers. Identity is the order and the parts of an FT1 that the mapping names, never
//! MSH-10. Twin procedures of two orders are two charges.

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;

use crate::charge::lines;
use crate::hl7::Message;
use crate::mapping::OnceRule;
use crate::plan::{AttemptMode, Charged};
use crate::verdict::{Circumstance, Proof, Qualifier, Rule, Weight};

use crate::check::evidence::credits::Credits;
use crate::check::evidence::index::{Attempted, Evidence, KnownExam, OrderSeen};
use crate::check::evidence::message::{Kind, Sent, SentLine};
use crate::check::evidence::resend_requests::{Allowed, Wanted};
use crate::check::findings::{Findings, Told};
use crate::check::rules::Explanation;
use crate::check::rules::agreed_rule;
use crate::check::rules::sent_again;
use crate::check::rules::two_witnesses::{laid_out, line_differences};
use crate::check::wording::circumstance::witness;
use crate::check::wording::events::{describe_charge, describe_order};
use crate::check::wording::mask::Mask;
use foldhash::fast::RandomState;

/// Of `once/per-order`.
pub(crate) const PER_ORDER: Explanation = Explanation {
    title: "one charge message per order",
    promise: "At most one attempt carries the charge of an order, over all answers, endpoints, \
              connections, restarts of the sender, and time. One byte of the message on the wire is \
              an attempt; a sender file may declare that only a complete message is. A refused \
              connection is free.",
    source: "the IRIS interface page on DFT^P03: one message per order, sent at most one time \
             whatever the EMR answers",
    how_to_read: "The proof names two attempts as witnesses, what the EMR answered and what else happened \
                  between them, and how the two messages differ. MSH-10 is never an identity: a \
                  resend under a new control id is still a second charge, and so is one in a \
                  message that nobody agreed on: another type, XML, base64, a Z segment. Such a \
                  message that only names an exam, by its order, the EMR's order number or the \
                  MRN, leaves the rule inconclusive, and so does one that holds the digits of \
                  an order in parts or among others beside the procedure, or that cannot be \
                  read; one that names nobody, or is about another patient, is free. In what is \
                  served the orders are not known: there a charge in another form counts if \
                  it names the patient too, and is inconclusive otherwise. Where the rule is \
                  inconclusive, the evidence that is missing is named.",
};

/// Of `once/per-charge`.
pub(crate) const PER_CHARGE: Explanation = Explanation {
    title: "no charge line is repeated",
    promise: "No FT1 line occurs twice inside one message; where the agreement allows several \
              messages per order, no line is repeated across messages either; and no charge \
              that was attempted comes again under the number of an order that nobody placed, \
              under another spelling of its own, or without one. What was taken back by a credit \
              may be charged anew, where the agreement has credits.",
    source: "the mapping's identity: the order, and the parts of an FT1 that make it a distinct \
             charge (HL7 v2 chapter 6, FT1: transaction type, code, modifiers)",
    how_to_read: "The proof names the two lines. Twin procedures of two orders are two charges \
                  and are never reported; if two lines of one order are meant, the mapping must \
                  say what tells them apart. A line that nobody agreed on, of an order whose \
                  agreed lines were all sent, charges one of them again.",
};

/// Up to how many lines of a message are compared each with each.
const FEW_LINES: usize = 16;

/// Judges both rules.
pub(crate) fn judge(evidence: &Evidence<'_>, findings: &mut Findings) {
    let mask = Mask::of(evidence);
    inside_messages(evidence, &mask, findings);
    match evidence.plan.mapping.identity.rule {
        OnceRule::PerOrder => per_order(evidence, &mask, findings),
        OnceRule::PerCharge => per_charge(evidence, &mask, findings),
    }
    perhaps_wanted(evidence, findings);
    sent_again::judge(evidence, &mask, findings);
    nothing_sent(evidence, findings);
    unexplained(evidence, findings);
}

fn per_order(evidence: &Evidence<'_>, mask: &Mask, findings: &mut Findings) {
    findings.exercised(Rule::OncePerOrder, evidence.orders.len() as u64);
    let hidden = evidence.disguises.other_orders();
    for order in &evidence.orders {
        if hidden.contains(&*order.order) {
            continue; // whose charge it really is, and how often that came, is told there
        }
        let pair = two_attempts(evidence, order);
        #[cfg(debug_assertions)]
        let pair = pair.filter(|(first, second)| !is_overlooked(evidence, *first, *second));
        let Some((first, second)) = pair else { continue };
        findings.add(Rule::OncePerOrder, Weight::SentTwice, || {
            let message = format!(
                "the charge of order {} was sent {} times",
                describe_order(evidence, &order.order),
                order.attempts.len(),
            );
            twice(evidence, mask, &order.order, (first, second), message)
        });
    }
}

/// The first attempt that nobody had wanted, after the last one before it that counts: one is wanted by
/// the order, and another each time that an operator asks for it.
fn two_attempts(evidence: &Evidence<'_>, order: &OrderSeen<'_>) -> Option<(Attempted, Attempted)> {
    if order.attempts.len() < 2 {
        return None;
    }
    let mut last: Option<Attempted> = None;
    let mut wanted = Wanted::of(evidence, &order.order);
    for &attempt in &order.attempts {
        if let Some(last) = last
            && wanted.allows(attempt) == Allowed::No
        {
            return Some((last, attempt));
        }
        if is_counted(evidence, attempt) {
            if last.is_some() {
                wanted.take(attempt);
            }
            last = Some(attempt);
        }
    }
    None
}

/// Whether an attempt is one, even where only whole messages are.
fn is_counted(evidence: &Evidence<'_>, attempt: Attempted) -> bool {
    evidence.mode() == AttemptMode::Strict || evidence.sent[attempt.sent as usize].whole
}

/// An attempt that was asked for so long before that the sender may have made it of itself.
fn perhaps_wanted(evidence: &Evidence<'_>, findings: &mut Findings) {
    for order in evidence.orders.iter().filter(|order| order.attempts.len() > 1) {
        let mut wanted = Wanted::of(evidence, &order.order);
        let further = order.attempts[1..].iter().copied();
        let mut further = further.filter(|attempt| is_counted(evidence, *attempt));
        if further.any(|attempt| wanted.take(attempt) == Allowed::Perhaps) {
            findings.add(agreed_rule(evidence), Weight::Inconclusive, || {
                let order = describe_order(evidence, &order.order);
                let message = format!(
                    "the charge of order {order} was sent again long after somebody had asked for it, \
                     and nobody knows whether for that"
                );
                Told::plainly(Circumstance::SentAgainLate, message)
            });
        }
    }
}

/// Whether a judge with a planted defect does not see that two attempts are two.
#[cfg(debug_assertions)]
fn is_overlooked(evidence: &Evidence<'_>, first: Attempted, second: Attempted) -> bool {
    use crate::planted::{Planted, is};
    let [one, other] = [first, second].map(|attempt| &evidence.sent[attempt.sent as usize]);
    let (from, to) = (evidence.place(one), evidence.place(other));
    is(Planted::TwiceByControlIdOnly) && one.control_id != other.control_id
        || is(Planted::LivesApart) && from.incarnation != to.incarnation
        || is(Planted::ConnectionsApart) && from.connection != to.connection
        || is(Planted::PartsIgnored) && !(one.whole && other.whole)
}

/// The same line twice in one message, which no agreement allows.
fn inside_messages(evidence: &Evidence<'_>, mask: &Mask, findings: &mut Findings) {
    let mut lines = 0;
    for sent in evidence.sent.iter().filter(|sent| sent.kind == Kind::Charge) {
        lines += u64::from(sent.line_count);
        let Some((first, second)) = repeated_line(evidence, sent) else { continue };
        findings.add(Rule::OncePerCharge, Weight::SentTwice, || {
            let order = &evidence.orders[first.order as usize].order;
            let words = describe_order(evidence, order);
            let (a, b) = (first.ft1, second.ft1);
            let message = format!(
                "FT1[{a}] and FT1[{b}] of one message are the same charge of order {words}"
            );
            let proof = Proof {
                charge: describe_charge(evidence, order, sent),
                attempts: vec![witness(evidence, sent)],
                between: Vec::new(),
                differences: line_differences((sent, &first), (sent, &second), mask),
            };
            Told::plainly(Circumstance::InsideOneMessage, message).with(proof)
        });
    }
    findings.exercised(Rule::OncePerCharge, lines);
}

/// The first two lines of a message that are the same charge.
pub(crate) fn repeated_line(
    evidence: &Evidence<'_>,
    sent: &Sent<'_>,
) -> Option<(SentLine, SentLine)> {
    let lines = sent.lines(evidence);
    if lines.len() <= FEW_LINES {
        // For few lines, looking back is quickest.
        return lines.iter().enumerate().find_map(|(index, line)| {
            let identity = line.identity()?;
            let first = lines[..index].iter().find(|one| one.identity() == Some(identity))?;
            Some((*first, *line))
        });
    }
    let mut seen: HashMap<(u32, u32), SentLine> = HashMap::with_capacity(lines.len());
    for line in lines {
        let Some(identity) = line.identity() else { continue };
        if let Some(first) = seen.insert(identity, *line) {
            return Some((first, *line));
        }
    }
    None
}

/// Several messages per order are allowed, and no line of them twice unless that was wanted.
fn per_charge(evidence: &Evidence<'_>, mask: &Mask, findings: &mut Findings) {
    for (number, order) in (0..).zip(&evidence.orders) {
        match repeated_charge(evidence, number, order) {
            Some(Repeated { pair, lines }) => {
                add_repeated_line(evidence, mask, order, pair, Some(lines), findings);
            }
            None => parts_per_charge(evidence, mask, number, findings),
        }
    }
}

/// A line that was sent again.
struct Repeated {
    pair: (Attempted, Attempted),
    /// The line in each of the two messages.
    lines: (SentLine, SentLine),
}

/// The first two attempts that carry one line of the order, the second of them unwanted.
fn repeated_charge(
    evidence: &Evidence<'_>,
    number: u32,
    order: &OrderSeen<'_>,
) -> Option<Repeated> {
    let mut first = None;
    each_repeated(evidence, number, order, &mut |repeated| {
        first = Some(repeated);
        ControlFlow::Break(())
    });
    first
}

/// The messages that carry a line of the order again, unwanted, or one beyond all that is agreed: their
/// numbers.
pub(crate) fn repeating(evidence: &Evidence<'_>, order: &[u8]) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    let Some(number) = evidence.order_ids.get_index_of(order) else { return found };
    let seen = &evidence.orders[number];
    each_repeated(evidence, u32::try_from(number).unwrap_or(u32::MAX), seen, &mut |repeated| {
        found.insert(repeated.pair.1.sent);
        ControlFlow::Continue(())
    });
    if !evidence.is_field_capture() {
        found.extend(sent_again::beyond(evidence, seen).into_iter().map(|one| one.sent));
    }
    found
}

/// Calls `found` with every two attempts that carry one line of the order, the second of them unwanted.
/// A request is for each line of its order once, in however many messages they come.
fn each_repeated(
    evidence: &Evidence<'_>,
    number: u32,
    order: &OrderSeen<'_>,
    found: &mut dyn FnMut(Repeated) -> ControlFlow<()>,
) {
    if order.attempts.len() < 2 {
        return;
    }
    let credits = Credits::of(evidence, &order.order);
    let mut seen: HashMap<(u32, u32), Line<'_, '_>, RandomState> = HashMap::default();
    let attempts = order.attempts.iter().filter(|attempt| is_counted(evidence, **attempt));
    for attempt in attempts {
        let lines = evidence.sent[attempt.sent as usize].lines(evidence);
        for own in lines.iter().filter(|line| line.order == number) {
            let Some(identity) = own.identity() else { continue };
            let new = || Line {
                first: (attempt.sent, *own),
                last: attempt.sent,
                anew: 0,
                wanted: Wanted::of(evidence, &order.order),
            };
            let line = seen.entry(identity).or_insert_with(new);
            if line.last == attempt.sent {
                continue;
            }
            let may_be_new = line.anew < credits.anew;
            if may_be_new && credits.between(evidence, (line.last, own), attempt.sent) {
                (line.first, line.last) = ((attempt.sent, *own), attempt.sent);
                line.anew += 1;
                continue;
            }
            line.last = attempt.sent;
            let (first, first_line) = line.first;
            let pair = (whole_attempt(first), *attempt);
            if line.wanted.take(*attempt) == Allowed::No
                && !is_missed(evidence, pair)
                && found(Repeated { pair, lines: (first_line, *own) }).is_break()
            {
                return;
            }
        }
    }
}

/// A charge line, and the attempts that carried it.
struct Line<'e, 'h> {
    first: (u32, SentLine),
    last: u32,
    /// How often it was made anew after a credit.
    anew: usize,
    wanted: Wanted<'e, 'h>,
}

fn whole_attempt(sent: u32) -> Attempted {
    Attempted { sent, eliminated: false }
}

#[cfg(debug_assertions)]
fn is_missed(evidence: &Evidence<'_>, (first, second): (Attempted, Attempted)) -> bool {
    is_overlooked(evidence, first, second)
}

#[cfg(not(debug_assertions))]
const fn is_missed(_: &Evidence<'_>, _: (Attempted, Attempted)) -> bool {
    false
}

fn add_repeated_line(
    evidence: &Evidence<'_>,
    mask: &Mask,
    order: &OrderSeen<'_>,
    pair: (Attempted, Attempted),
    lines: Option<(SentLine, SentLine)>,
    findings: &mut Findings,
) {
    findings.add(Rule::OncePerCharge, Weight::SentTwice, || {
        let words = describe_order(evidence, &order.order);
        let message = match lines {
            Some((first, second)) => format!(
                "FT1[{}] of one message of order {words} and FT1[{}] of another are the same charge",
                first.ft1, second.ft1
            ),
            None => format!("a charge line of order {words} was sent in two messages"),
        };
        let mut told = twice(evidence, mask, &order.order, pair, message);
        if let (Some((first, second)), Some(proof)) = (lines, &mut told.proof) {
            let of = |attempt: Attempted| &evidence.sent[attempt.sent as usize];
            proof.differences = line_differences((of(pair.0), &first), (of(pair.1), &second), mask);
        }
        told
    });
}

/// A part of a message whose line of an order was cut: if another message already carries every charge of
/// the exam, the part can only be a repetition; otherwise it cannot be told.
fn parts_per_charge(evidence: &Evidence<'_>, mask: &Mask, number: u32, findings: &mut Findings) {
    let order = &evidence.orders[number as usize];
    if order.attempts.len() < 2 {
        return;
    }
    let mut wanted = Wanted::of(evidence, &order.order);
    if order.attempts.iter().skip(1).all(|further| wanted.take(*further) != Allowed::No) {
        return;
    }
    let of_order = |attempt: &Attempted| {
        let lines = evidence.sent[attempt.sent as usize].lines(evidence).iter();
        lines.filter(|line| line.order == number)
    };
    let part = order.attempts.iter().find(|attempt| {
        let is_cut = of_order(attempt).all(|line| line.distinct.is_none());
        !evidence.sent[attempt.sent as usize].whole && is_cut
    });
    let Some(part) = part else { return };
    let expected = evidence
        .exam(&order.order)
        .map_or(0, |exam| lines(&Message::read(&exam.expected), &evidence.agreement).len());
    let complete = order.attempts.iter().find(|attempt| {
        let is_whole = evidence.sent[attempt.sent as usize].whole;
        is_whole && expected > 0 && of_order(attempt).count() >= expected
    });
    let Some(complete) = complete else {
        findings.add(Rule::OncePerCharge, Weight::Inconclusive, || {
            let words = describe_order(evidence, &order.order);
            let message = format!(
                "a message of order {words} was cut before it said which charge it carries"
            );
            Told::plainly(Circumstance::PartNotReadable, message)
        });
        return;
    };
    let forward = order.attempts.iter().position(|attempt| attempt.sent == part.sent)
        < order.attempts.iter().position(|attempt| attempt.sent == complete.sent);
    if evidence.mode() == AttemptMode::Frame && forward {
        return;
    }
    let pair = if forward { (*part, *complete) } else { (*complete, *part) };
    add_repeated_line(evidence, mask, order, pair, None, findings);
}

/// An exam whose charge is due and that was never attempted proves nothing.
fn nothing_sent(evidence: &Evidence<'_>, findings: &mut Findings) {
    let rule = agreed_rule(evidence);
    if !evidence.unexplained.is_empty() {
        return; // something was sent, and whose it is says another finding
    }
    for exam in &evidence.exams {
        let due = exam.charged == Charged::Once && !exam.submitted.is_empty();
        let hidden = || evidence.disguises.attempts.iter().any(|one| one.order == exam.order);
        if due
            && evidence.attempts_at(&exam.order).is_empty()
            && !was_cut_at_once(evidence, exam)
            && !hidden()
        {
            findings.add(rule, Weight::Inconclusive, || {
                let message = format!(
                    "no byte of the charge of {} was seen, so nothing is proven",
                    exam.name
                );
                Told::plainly(Circumstance::NothingSent, message)
            });
        }
    }
}

/// Whether the EMR broke off when a frame had begun after this exam was handed over, before a byte of
/// its message was seen: that is no attempt, and the sender may well take it for one.
fn was_cut_at_once(evidence: &Evidence<'_>, exam: &KnownExam<'_>) -> bool {
    let has_begun = |sent: &Sent<'_>| {
        let place = evidence.place(sent);
        let connection = evidence.connections.get(&place.connection);
        !sent.whole
            && sent.payload.is_empty()
            && exam.submitted.iter().any(|&event| evidence.events[event].seq < place.seq)
            && connection.is_some_and(|connection| connection.ended_by_emr.is_some())
    };
    evidence.sent.iter().any(has_begun)
}

fn unexplained(evidence: &Evidence<'_>, findings: &mut Findings) {
    let rule = agreed_rule(evidence);
    for (number, exams) in &evidence.unexplained {
        let sent = &evidence.sent[*number as usize];
        findings.add(rule, Weight::Inconclusive, || {
            let names: Vec<&str> = exams.iter().map(|&exam| evidence.exams[exam].name).collect();
            let whose = if names.is_empty() {
                "no exam can be named for it".to_owned()
            } else {
                format!("it could be {}", names.join(" or "))
            };
            let place = evidence.place(sent);
            let message = format!(
                "a message on connection {} does not say which charge it is, and {whose}",
                place.connection,
            );
            let proof = Proof { attempts: vec![witness(evidence, sent)], ..Proof::default() };
            Told::plainly(Circumstance::OrderNotReadable, message).with(proof)
        });
    }
}

fn twice(
    evidence: &Evidence<'_>,
    mask: &Mask,
    order: &[u8],
    (first, second): (Attempted, Attempted),
    message: String,
) -> Told {
    let pair = (&evidence.sent[first.sent as usize], &evidence.sent[second.sent as usize]);
    let mut told = laid_out(evidence, mask, order, pair, message);
    if first.eliminated || second.eliminated {
        told.message.push_str("; a part that was cut too early to say so is its by elimination");
        told.circumstance = told.circumstance.with(Qualifier::ByElimination);
    }
    told
}
