//! The once rules over charges in disguise: a charge that comes again in a message that nobody agreed
//! on, under another order or without one was sent twice all the same.
//!
//! What may be such a charge and cannot be told leaves the verdict open.

use std::collections::{BTreeMap, BTreeSet};

use crate::charge::{Line, lines};
use crate::hl7::Message;
use crate::mapping::OnceRule;
use crate::plan::{AttemptMode, Charged};
use crate::verdict::{Circumstance, Proof, Qualifier, Rule, Weight};

use crate::check::evidence::disguise::is_same;
use crate::check::evidence::disguised::{Disguised, How, Untold};
use crate::check::evidence::index::{Evidence, KnownExam, OrderSeen};
use crate::check::evidence::mentions::names_one;
use crate::check::evidence::message::Sent;
use crate::check::findings::{Findings, Told};
use crate::check::rules::agreed_rule;
use crate::check::rules::two_witnesses::laid_out;
use crate::check::wording::circumstance::witness;
use crate::check::wording::events::describe_order;
use crate::check::wording::mask::Mask;

/// Judges every disguise.
pub(crate) fn judge(evidence: &Evidence<'_>, mask: &Mask, findings: &mut Findings) {
    let mut by_order: BTreeMap<&[u8], Vec<&Disguised<'_>>> = BTreeMap::new();
    for one in &evidence.disguises.attempts {
        by_order.entry(&one.order).or_default().push(one);
    }
    for (order, disguised) in by_order {
        judge_order(evidence, mask, order, &disguised, findings);
    }
    for untold in &evidence.disguises.untold {
        add_untold(evidence, untold, findings);
    }
    if evidence.plan.mapping.identity.rule == OnceRule::PerCharge && !evidence.is_field_capture() {
        for order in &evidence.orders {
            beyond_what_is_agreed(evidence, mask, order, findings);
        }
    }
}

/// A line that nobody agreed on, of an order whose agreed lines were all attempted, charges one of
/// them again, whatever it calls itself.
fn beyond_what_is_agreed(
    evidence: &Evidence<'_>,
    mask: &Mask,
    order: &OrderSeen<'_>,
    findings: &mut Findings,
) {
    let Some(Beyond { before, sent, ft1 }) = beyond(evidence, order).into_iter().next() else {
        return;
    };
    let [before, sent] = [before, sent].map(|number| &evidence.sent[number as usize]);
    findings.add(Rule::OncePerCharge, Weight::SentTwice, || {
        let words = describe_order(evidence, &order.order);
        let message = format!(
            "every line that is agreed for order {words} had been sent, and FT1[{ft1}] of another \
             message charges it again"
        );
        let told = laid_out(evidence, mask, &order.order, (before, sent), message);
        Told { circumstance: told.circumstance.with(Qualifier::AsAnotherLine), ..told }
    });
}

/// A message with a line that nobody agreed on, when all that is agreed for its order had been attempted.
pub(crate) struct Beyond {
    /// The message of the order before it, by its number.
    before: u32,
    /// The message, by its number.
    pub(crate) sent: u32,
    /// The line.
    ft1: usize,
}

/// Every such message of an order; none where an operator wanted a charge again.
pub(crate) fn beyond(evidence: &Evidence<'_>, order: &OrderSeen<'_>) -> Vec<Beyond> {
    let mut found = Vec::new();
    let exams = || evidence.exams.iter().filter(|exam| *exam.order == *order.order);
    let is_wanted =
        |exam: &KnownExam<'_>| !exam.wanted_again.is_empty() || exam.charged == Charged::Never;
    if order.attempts.len() < 2 || exams().any(is_wanted) {
        return found;
    }
    let read = |payload: &[u8]| {
        let mut own = lines(&Message::read(payload), &evidence.agreement);
        own.retain(|line| *line.order == *order.order);
        own
    };
    let agreed: Vec<Line> = exams().flat_map(|exam| read(&exam.expected)).collect();
    let mut missing: BTreeSet<&[u8]> = agreed.iter().map(|line| &*line.identity).collect();
    let mut before: Option<u32> = None;
    for attempt in order.attempts.iter().filter(|_| !agreed.is_empty()) {
        let sent = &evidence.sent[attempt.sent as usize];
        let own = if sent.whole { read(sent.payload) } else { Vec::new() };
        let is_agreed = |line: &Line| agreed.iter().any(|one| one.identity == line.identity);
        if let Some(before) = before.filter(|_| missing.is_empty())
            && let Some(line) = own.iter().find(|line| !is_agreed(line))
        {
            found.push(Beyond { before, sent: attempt.sent, ft1: line.ft1 });
        }
        for line in &own {
            missing.remove(&*line.identity);
        }
        before = Some(attempt.sent);
    }
    found
}

/// An attempt at an order, in disguise or not.
#[derive(Clone, Copy)]
struct Attempt<'e, 'h> {
    sent: &'e Sent<'h>,
    disguise: Option<&'e Disguised<'h>>,
}

fn judge_order(
    evidence: &Evidence<'_>,
    mask: &Mask,
    order: &[u8],
    disguised: &[&Disguised<'_>],
    findings: &mut Findings,
) {
    let plain =
        evidence.attempts_at(order).iter().map(|attempt| &evidence.sent[attempt.sent as usize]);
    let plain = plain.map(|sent| Attempt { sent, disguise: None });
    let hidden = disguised.iter().map(|one| Attempt { sent: &one.sent, disguise: Some(*one) });
    // A message under another number is an attempt at that number too, and counts once.
    let mut attempts: Vec<Attempt<'_, '_>> = hidden.collect();
    for one in plain {
        let is_counted = |other: &Attempt<'_, '_>| {
            let is_further = other.disguise.is_some_and(|disguise| {
                is_beside(disguise) || is_further_line(evidence, order, disguise)
            });
            !is_further && is_same(one.sent, other.sent)
        };
        if !attempts.iter().any(is_counted) {
            attempts.push(one);
        }
    }
    attempts.sort_by_key(|one| {
        let place = evidence.place(one.sent);
        (place.began, place.seq, one.sent.event)
    });
    let exams = evidence.exams.iter().filter(|exam| *exam.order == *order);
    let requests: usize = exams.map(|exam| exam.wanted_again.len()).sum();
    if evidence.mode() == AttemptMode::Frame {
        attempts.retain(|one| one.sent.whole);
    }
    match repeated(&attempts, 1 + requests) {
        Some((first, second)) => add(evidence, mask, order, (first, second), findings),
        None => {
            for one in disguised {
                add_alone(evidence, order, one, findings);
            }
        }
    }
}

/// Whether it stands in a message beside something else, which may be a charge of the same order.
fn is_beside(one: &Disguised<'_>) -> bool {
    matches!(one.how, How::Beside | How::PerhapsBeside)
}

/// Whether a line under another spelling stands in a message beside one of the order itself that charges
/// the same.
fn is_further_line(evidence: &Evidence<'_>, order: &[u8], one: &Disguised<'_>) -> bool {
    let message = Message::read(one.sent.payload);
    let is_of_order = |line: &&Line| line.order == order;
    let own = lines(&message, &evidence.agreement);
    matches!(one.how, How::OtherSpelling(_) | How::NoOrder)
        && own.iter().filter(is_of_order).any(|line| {
            let code = message.value(&format!("FT1[{}]-7.1", line.ft1)).to_ascii_uppercase();
            one.codes.contains(&code)
        })
}

/// Whether it can be told that it is an attempt at the order.
fn is_told(one: &Disguised<'_>) -> bool {
    !matches!(
        one.how,
        How::Perhaps | How::PerhapsUnagreed | How::PerhapsBeside | How::PerhapsSpelling(_)
    )
}

/// Two attempts of which at least one is in disguise, where more were made than `wanted`.
fn repeated<'e, 'h>(
    attempts: &[Attempt<'e, 'h>],
    wanted: usize,
) -> Option<(Attempt<'e, 'h>, Attempt<'e, 'h>)> {
    let charges = |one: &Attempt<'_, '_>, codes: &[Vec<u8>]| {
        codes.is_empty()
            || !one.sent.whole
            || names_one(one.sent.payload, codes)
            || one.disguise.is_some()
    };
    attempts.iter().enumerate().find_map(|(index, one)| {
        let disguise = one.disguise.filter(|disguise| is_told(disguise))?;
        let same: Vec<usize> = (0..attempts.len())
            .filter(|&other| other == index || charges(&attempts[other], &disguise.codes))
            .collect();
        if same.len() <= wanted {
            return None;
        }
        let own = same.iter().position(|&other| other == index)?;
        let other = if own > 0 { same[own - 1] } else { same[own + 1] };
        let (first, second) = (index.min(other), index.max(other));
        Some((attempts[first], attempts[second]))
    })
}

fn add(
    evidence: &Evidence<'_>,
    mask: &Mask,
    order: &[u8],
    (first, second): (Attempt<'_, '_>, Attempt<'_, '_>),
    findings: &mut Findings,
) {
    let Some(disguise) = second.disguise.or(first.disguise) else { return };
    let inside = is_same(first.sent, second.sent);
    let rule = match disguise.how {
        How::Unagreed | How::Beside if !inside => agreed_rule(evidence),
        _ => Rule::OncePerCharge,
    };
    findings.add(rule, Weight::SentTwice, || {
        let words = describe_order(evidence, order);
        let (as_what, under) = match &disguise.how {
            How::Unagreed | How::PerhapsUnagreed => (
                format!("in {}, which nobody agreed on", kind(disguise.sent.payload)),
                Qualifier::InAnotherMessage,
            ),
            How::Beside | How::PerhapsBeside => (
                format!("in a segment of {} that nobody agreed on", kind(disguise.sent.payload)),
                Qualifier::BesideSomethingElse,
            ),
            How::NoOrder | How::Perhaps => {
                ("without its order".to_owned(), Qualifier::WithoutItsOrder)
            }
            How::OtherOrder(other) => (
                format!("as order {}, which nobody placed", describe_order(evidence, other)),
                Qualifier::UnderANewOrder,
            ),
            How::OtherSpelling(other) | How::PerhapsSpelling(other) => (
                format!("as order {}, which reads like it", describe_order(evidence, other)),
                Qualifier::UnderAnotherSpelling,
            ),
        };
        let message = match &disguise.how {
            How::NoOrder if !is_named(evidence, order) => {
                "the same message was sent twice, and no order can be read from it".to_owned()
            }
            _ => format!("the charge of order {words} was sent again {as_what}"),
        };
        if inside {
            let proof = Proof { attempts: vec![witness(evidence, first.sent)], ..Proof::default() };
            return Told::plainly(Circumstance::InsideOneMessage, message).with(proof);
        }
        let told = laid_out(evidence, mask, order, (first.sent, second.sent), message);
        Told { circumstance: told.circumstance.with(under), ..told }
    });
}

/// Whether anything on the wire or in the plan has this order.
fn is_named(evidence: &Evidence<'_>, order: &[u8]) -> bool {
    evidence.exam(order).is_some() || evidence.order_ids.get_index_of(order).is_some()
}

/// What kind of message it is, in words that say nothing of whom it is about.
fn kind(payload: &[u8]) -> String {
    let message = Message::read_header(payload);
    let code = message.code();
    if let Some(known) = KINDS.iter().find(|known| known.as_bytes() == code) {
        return format!("a message of type {known}");
    }
    match code {
        [b'Z', rest @ ..] if rest.len() == 2 => "a message of a type of its own".to_owned(),
        _ => "a message of another form".to_owned(),
    }
}

/// Codes of messages that say nothing of a patient (HL7 v2 table 0076).
const KINDS: [&str; 20] = [
    "ACK", "ADT", "BAR", "DFT", "MDM", "MFN", "NMQ", "OMG", "OML", "ORM", "ORR", "ORU", "OUL",
    "PPR", "QBP", "QRY", "RAS", "RDE", "SIU", "VXU",
];

/// A charge in disguise that is no repetition of one that was seen.
fn add_alone(evidence: &Evidence<'_>, order: &[u8], one: &Disguised<'_>, findings: &mut Findings) {
    let (circumstance, message) = match &one.how {
        How::Unagreed | How::PerhapsUnagreed => (
            Circumstance::ChargeInUnagreedMessage,
            format!(
                "the charge of order {} came in {}, which nobody agreed on",
                describe_order(evidence, order),
                kind(one.sent.payload)
            ),
        ),
        How::NoOrder | How::Perhaps => (
            Circumstance::OrderNotReadable,
            format!(
                "a message on connection {} carries a charge and no order, so that nobody can tell it \
                 from another",
                evidence.place(&one.sent).connection
            ),
        ),
        How::Beside | How::PerhapsBeside => (
            Circumstance::ChargeInUnagreedSegment,
            format!(
                "{} carries something else, and in a segment that nobody agreed on the charge of order {}",
                kind(one.sent.payload),
                describe_order(evidence, order),
            ),
        ),
        How::PerhapsSpelling(other) => (
            Circumstance::PerhapsAnotherOrder,
            format!(
                "order {} reads like order {} and charges the same procedure for the same patient; \
                 the capture does not say whether they are two orders",
                describe_order(evidence, other),
                describe_order(evidence, order),
            ),
        ),
        // That nobody placed such an order, another rule says.
        How::OtherOrder(_) | How::OtherSpelling(_) => return,
    };
    add_open(evidence, &one.sent, circumstance, message, findings);
}

fn add_untold(evidence: &Evidence<'_>, untold: &Untold<'_>, findings: &mut Findings) {
    let kind = kind(untold.sent.payload);
    let (circumstance, message) = if untold.exams.is_empty() {
        let message =
            format!("{kind} cannot be read, and nobody knows whether it carries a charge");
        (Circumstance::MessageNotReadable, message)
    } else {
        let names: Vec<&str> =
            untold.exams.iter().take(SHOWN).map(|&exam| evidence.exams[exam].name).collect();
        let message = format!(
            "{kind}, which nobody agreed on, names {}, and nobody knows whether it is charged again",
            names.join(" and ")
        );
        (Circumstance::NamesAnExam, message)
    };
    add_open(evidence, &untold.sent, circumstance, message, findings);
}

/// How many exams are named.
const SHOWN: usize = 3;

fn add_open(
    evidence: &Evidence<'_>,
    sent: &Sent<'_>,
    circumstance: Circumstance,
    message: String,
    findings: &mut Findings,
) {
    findings.add(agreed_rule(evidence), Weight::Inconclusive, || {
        let proof = Proof { attempts: vec![witness(evidence, sent)], ..Proof::default() };
        Told::plainly(circumstance, message).with(proof)
    });
}
