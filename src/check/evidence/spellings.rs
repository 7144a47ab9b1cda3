//! Charge lines whose order nobody placed, or that have none: by what they charge, and by how their
//! order reads, they may be of an order that is known.
//!
//! Does **not** judge.

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;
use std::sync::Arc;

use crate::charge::{CREDIT, Line, as_read, lines, patient, read_alike, read_as, without_zeros};
use crate::hl7::Message;

use crate::check::evidence::disguised::{Disguised, How};
use crate::check::evidence::index::Evidence;
use crate::check::evidence::layers::Layers;
use crate::check::evidence::mentions::Expected;
use crate::check::evidence::mentions::KnownSubjects;
use crate::check::evidence::message::{Kind, Sent};
use crate::check::evidence::reading::{fingerprints, readable};
use foldhash::fast::RandomState;

/// The messages whose charge lines may be of another order than theirs.
#[derive(Debug)]
pub(crate) enum Suspects {
    /// Every message.
    All,
    /// Those of orders that read like another order.
    ReadAlike(Alike),
}

impl Suspects {
    /// What has to be looked at in a capture where every line has an order; mostly nothing.
    pub(crate) fn that_read_alike(evidence: &Evidence<'_>) -> Option<Self> {
        let alike = Alike::of(evidence);
        (!alike.numbers.is_empty()).then_some(Self::ReadAlike(alike))
    }

    fn hold(&self, evidence: &Evidence<'_>, sent: &Sent<'_>) -> bool {
        let Self::ReadAlike(alike) = self else { return true };
        let mut lines = sent.lines(evidence).iter();
        lines.any(|line| alike.hold(&evidence.orders[line.order as usize].order))
    }
}

/// How orders read that read like another order: of a million, only a short number each is kept.
#[derive(Debug, Default)]
pub(crate) struct Alike {
    short: RandomState,
    numbers: HashSet<u64, RandomState>,
}

impl Alike {
    fn of(evidence: &Evidence<'_>) -> Self {
        let mut alike = Self::default();
        let mut seen: HashSet<u64, RandomState> = HashSet::default();
        seen.reserve(evidence.orders.len());
        for order in &evidence.orders {
            let number = alike.short(&order.order);
            if !seen.insert(number) {
                alike.numbers.insert(number);
            }
        }
        alike
    }

    fn short(&self, order: &[u8]) -> u64 {
        self.short.hash_one(bare(&read_as(order)))
    }

    fn hold(&self, order: &[u8]) -> bool {
        self.numbers.contains(&self.short(order))
    }
}

/// A number without the letters before and behind it, where enough is left to know it by.
fn bare(number: &[u8]) -> &[u8] {
    let is_digit = |byte: &u8| !byte.is_ascii_alphabetic();
    let Some(from) = number.iter().position(is_digit) else { return number };
    let until = number.iter().rposition(is_digit).map_or(number.len(), |last| last + 1);
    let core = without_zeros(&number[from..until]);
    if core.len() >= SHORTEST_CORE { core } else { number }
}

/// So many digits are left of a number whose letters may be somebody's prefix or suffix.
const SHORTEST_CORE: usize = 5;

/// Charge lines whose order nobody placed, or that have none.
pub(crate) fn under_other_orders<'h>(
    evidence: &Evidence<'h>,
    subjects: &KnownSubjects<'_>,
    suspects: &Suspects,
) -> Vec<Disguised<'h>> {
    let mut found = Vec::new();
    let mut seen = Seen::of(evidence, suspects);
    let is_suspect = |sent: &&Sent<'_>| suspects.hold(evidence, sent);
    let charges = evidence.sent.iter().filter(|sent| sent.kind == Kind::Charge);
    for sent in charges.filter(is_suspect) {
        let (payload, whole) = sent.apart.unwrap_or((sent.payload, sent.whole));
        let message = Message::read(readable(payload, whole));
        let patient = patient(&message);
        let own = lines(&message, &evidence.agreement);
        let mut strange = own
            .iter()
            .filter(|line| line.order.is_empty() || !evidence.exam_of.contains_key(&*line.order));
        let hidden = strange.find_map(|line| {
            let code = message.value(&format!("FT1[{}]-7.1", line.ft1)).to_ascii_uppercase();
            let done = message.value(&format!("FT1[{}]-4.1", line.ft1));
            let day = done.get(..DAY).unwrap_or(done);
            let charged = Charged { line, patient: &patient, code: &code, day };
            let (order, how) = seen.resolve(evidence, subjects, sent, &charged)?;
            Some(Disguised { sent: sent.clone(), order, codes: vec![code], how })
        });
        found.extend(hidden);
    }
    found
}

/// How many digits a day has.
const DAY: usize = 8;

/// A line, whose it is, and what it charges.
struct Charged<'l> {
    line: &'l Line,
    patient: &'l [u8],
    code: &'l [u8],
    /// The day on which it was done, as FT1-4 has it.
    day: &'l [u8],
}

/// How many orders of one content are told apart.
const ALIKE: usize = 16;

/// An order, its patient and what is charged, as people read them.
type ReadAs = (Vec<u8>, Vec<u8>, Vec<u8>);

/// An order as it was written, and the day of its charge.
type Spelling = (Arc<[u8]>, Vec<u8>);

/// Charges by what they charge, and orders as people read them.
struct Seen {
    /// Orders of known charges by their fingerprint.
    by_content: HashMap<u64, Vec<Arc<[u8]>>, RandomState>,
    /// The first spelling of each order.
    spelled: HashMap<ReadAs, Spelling, RandomState>,
    /// Lines without an order by their fingerprint, and the message of the first.
    orderless: HashMap<u64, Vec<u8>, RandomState>,
}

impl Seen {
    fn of(evidence: &Evidence<'_>, suspects: &Suspects) -> Self {
        let mut by_content: HashMap<u64, Vec<Arc<[u8]>>, RandomState> = HashMap::default();
        for exam in evidence.exams.iter().filter(|_| !evidence.is_field_capture()) {
            for line in lines(&Message::read(&exam.expected), &evidence.agreement) {
                by_content.entry(line.fingerprint).or_default().push(Arc::clone(&exam.order));
            }
        }
        let sent = evidence.sent.iter().filter(|sent| suspects.hold(evidence, sent));
        for (line, print) in sent.flat_map(|sent| fingerprints(evidence, sent)) {
            let order = &*evidence.orders[line.order as usize].order;
            if !evidence.is_field_capture() {
                let exam = evidence.exam(order);
                let known = exam.map(|exam| Arc::clone(&exam.order));
                by_content.entry(print).or_default().extend(known);
                continue;
            }
            let known = by_content.entry(print).or_default();
            if known.len() < ALIKE && known.iter().all(|one| **one != *order) {
                known.push(order.into());
            }
        }
        Self { by_content, spelled: HashMap::default(), orderless: HashMap::default() }
    }

    /// The order that a line is really of, and how it hides that; none if it hides nothing.
    fn resolve(
        &mut self,
        evidence: &Evidence<'_>,
        subjects: &KnownSubjects<'_>,
        sent: &Sent<'_>,
        charged: &Charged<'_>,
    ) -> Option<(Arc<[u8]>, How)> {
        if charged.line.order.is_empty() {
            return self.without_order(evidence, subjects, sent, charged);
        }
        let order = &charged.line.order;
        let is_captured = evidence.is_field_capture();
        let agrees = |index: &usize| subjects.agrees(*index, charged.patient, charged.code);
        let place = |index: usize| -> Arc<[u8]> { subjects.get(index).order.as_slice().into() };
        if !is_captured {
            if let Some(index) = subjects.of_order(order).filter(agrees) {
                return Some((place(index), How::OtherSpelling(order.clone())));
            }
            if let Some(order_of) = self.by_content(evidence, charged.line.fingerprint) {
                return Some((order_of, How::OtherOrder(order.clone())));
            }
            let is_credit = order.ends_with(CREDIT.as_bytes());
            if let Some(index) = subjects.of_part(order).filter(agrees).filter(|_| !is_credit) {
                return Some((place(index), How::OtherSpelling(order.clone())));
            }
        }
        let key = (as_read(order), as_read(charged.patient), charged.code.to_vec());
        let new = || (order.as_slice().into(), charged.day.to_vec());
        let (first, day) = self.spelled.entry(key).or_insert_with(new);
        if **first != **order && read_alike(first, order) {
            // In the field, what was done on another day may be another charge.
            let how = match is_captured && day != charged.day {
                true => How::PerhapsSpelling(order.clone()),
                false => How::OtherSpelling(order.clone()),
            };
            return Some((Arc::clone(first), how));
        }
        let is_credit = order.ends_with(CREDIT.as_bytes());
        if !is_captured || is_credit {
            return None;
        }
        // With letters before or behind it, a number is the same to some and another to others.
        let own = as_read(order);
        let is_alike = |known: &&Arc<[u8]>| {
            let other = as_read(known);
            let has_letters = own.len().min(other.len()) == bare(&own).len();
            own != other && bare(&own) == bare(&other) && has_letters
        };
        let first = self.by_content.get(&charged.line.fingerprint)?.iter().find(is_alike)?;
        Some((Arc::clone(first), How::PerhapsSpelling(order.clone())))
    }

    /// A known order of which a line has all the content, one that was attempted before others.
    fn by_content(&self, evidence: &Evidence<'_>, print: u64) -> Option<Arc<[u8]>> {
        let orders = self.by_content.get(&print)?;
        let attempted = orders.iter().find(|order| !evidence.attempts_at(order).is_empty());
        attempted.or_else(|| orders.first()).cloned()
    }

    fn without_order(
        &mut self,
        evidence: &Evidence<'_>,
        subjects: &KnownSubjects<'_>,
        sent: &Sent<'_>,
        charged: &Charged<'_>,
    ) -> Option<(Arc<[u8]>, How)> {
        let print = charged.line.fingerprint;
        if let Some(order) = self.by_content(evidence, print) {
            return Some((order, How::NoOrder));
        }
        let message = Message::read(sent.payload);
        let line = message.segment("FT1", charged.line.ft1).map(|line| line.raw().to_vec());
        // The line itself, before the message in which it stands.
        for text in line.iter().map(Vec::as_slice).chain([sent.payload]) {
            let named = subjects.named(&Layers::of(text), Expected::Nothing);
            if let Some(index) = named.charged.first().filter(|_| named.by_order) {
                return Some((subjects.get(*index).order.as_slice().into(), How::NoOrder));
            }
        }
        let content = without_stamps(sent.payload);
        let order = Arc::from(print.to_string().into_bytes());
        let first = self.orderless.entry(print).or_insert_with(|| content.clone());
        let how = if *first == content { How::NoOrder } else { How::Perhaps };
        Some((order, how))
    }
}

/// A message without what its sender's clock writes: MSH-7, MSH-10, EVN-2 and FT1-5.
fn without_stamps(payload: &[u8]) -> Vec<u8> {
    let message = Message::read(payload);
    let separator = message.delimiters().field;
    let mut out = Vec::with_capacity(payload.len());
    for segment in message.segments() {
        let stamps: &[usize] = match segment.id() {
            b"MSH" => &[6, 9],
            b"EVN" => &[2],
            b"FT1" => &[5],
            _ => &[],
        };
        for (number, field) in segment.raw().split(|&byte| byte == separator).enumerate() {
            if !stamps.contains(&number) {
                out.extend_from_slice(field);
            }
            out.push(separator);
        }
        out.push(b'\r');
    }
    out
}
