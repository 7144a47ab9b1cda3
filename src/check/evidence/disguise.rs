//! Charges in disguise: what came in a message that nobody agreed on, or as a line whose order is not
//! the one that was placed.
//!
//! Whatever names an exam must be accounted for. A message that is neither the agreed charge nor the
//! agreed result is read for the numbers of the exams, through whatever it is wrapped in; one that
//! carries an exam's charge is an attempt at it, one that only names an exam cannot be told, and one
//! that names nobody is free. A charge line of no order that is known is compared by what it charges.
//! This does **not** judge; the once rules do.

use std::cell::LazyCell;
use std::sync::Arc;

use crate::charge::{as_read, patient};
use crate::hl7::Message;
use crate::hl7::ack::due;
use crate::mapping::Mapping;
use crate::plan::MessageKind;

use crate::check::evidence::beside::AgreedSegments;
use crate::check::evidence::disguised::{Disguised, Disguises, How, Untold};
use crate::check::evidence::frame::may_begin_message;
use crate::check::evidence::index::{Evidence, KnownExam};
use crate::check::evidence::layers::Layers;
use crate::check::evidence::made::is_made;
use crate::check::evidence::mentions::{
    Expected, KnownSubjects, Named, Subject, Subjects, has_charge_line, names_one,
};
use crate::check::evidence::message::{Kind, Sent, SentLine};
use crate::check::evidence::spellings::{Suspects, under_other_orders};

/// Pieces of what was received in which no message begins.
#[derive(Debug, Default)]
pub(crate) struct Strays<'h>(Vec<(usize, &'h [u8])>);

impl<'h> Strays<'h> {
    /// Adds a piece that came with this event.
    pub(crate) fn add(&mut self, event: usize, bytes: &'h [u8]) {
        if bytes.iter().filter(|byte| byte.is_ascii_alphanumeric()).count() >= SHORTEST {
            self.0.push((event, bytes));
        }
    }
}

/// So many letters and digits a stray piece must have to name anything.
const SHORTEST: usize = 6;

/// Looks for disguises, and takes what they explain from what was unexplained.
pub(crate) fn find<'h>(evidence: &mut Evidence<'h>, strays: &Strays<'h>) -> Disguises<'h> {
    let found = look(evidence, strays);
    explain(evidence, &found);
    found
}

fn look<'h>(evidence: &Evidence<'h>, strays: &Strays<'h>) -> Disguises<'h> {
    let mut found = Disguises::default();
    let Looks { lines, messages, beside } = Looks::of(evidence);
    let subjects: KnownSubjects<'_> = LazyCell::new(Box::new(|| subjects(evidence)));
    if let Some(suspects) = &lines {
        found.attempts = under_other_orders(evidence, &subjects, suspects);
    }
    for number in messages {
        let sent = &evidence.sent[number as usize];
        let expected = match is_agreed_result(evidence, sent) {
            true => Expected::Result,
            false => Expected::Nothing,
        };
        read_message(evidence, &subjects, sent, expected, &mut found);
    }
    for (number, segments) in &beside {
        read_beside(evidence, &subjects, &evidence.sent[*number as usize], segments, &mut found);
    }
    for (event, bytes) in &strays.0 {
        let sent = stray(*event, bytes);
        read_message(evidence, &subjects, &sent, Expected::Nothing, &mut found);
    }
    found.attempts.sort_by_key(|one| one.sent.event);
    found
}

/// What has to be looked at.
struct Looks {
    /// Messages with charge lines of no order that is known.
    lines: Option<Suspects>,
    /// Messages that are not an agreed charge, by their number.
    messages: Vec<u32>,
    /// Agreed charges and results with segments that nobody agreed on, and these segments.
    beside: Vec<(u32, Vec<u8>)>,
}

impl Looks {
    fn of(evidence: &Evidence<'_>) -> Self {
        let is_known = |line: &SentLine| {
            let order = &*evidence.orders[line.order as usize].order;
            evidence.exam_of.contains_key(order)
        };
        let captured = evidence.is_field_capture();
        let mut lines = match () {
            () if evidence.orderless > 0 => Some(Suspects::All),
            () if captured => Suspects::that_read_alike(evidence),
            () => None,
        };
        let mut messages = Vec::new();
        let mut beside = Vec::new();
        let agreed = LazyCell::new(|| AgreedSegments::of(evidence));
        for (number, sent) in (0..).zip(&evidence.sent) {
            if is_as_made(evidence, sent) {
                continue;
            }
            let own = sent.lines(evidence);
            let is_charge = sent.kind == Kind::Charge && (!own.is_empty() || !sent.whole);
            if sent.whole && (is_charge || is_agreed_result(evidence, sent)) {
                beside.extend(agreed.beside(sent).map(|segments| (number, segments)));
            }
            if is_charge {
                if !captured && !own.iter().all(is_known) {
                    lines = Some(Suspects::All);
                }
                continue;
            }
            messages.push(number);
        }
        Self { lines, messages, beside }
    }
}

fn is_agreed_result(evidence: &Evidence<'_>, sent: &Sent<'_>) -> bool {
    let Some(results) = &evidence.plan.results else { return false };
    let code = results.message.split('^').next().unwrap_or_default();
    sent.kind == Kind::Result && Message::read_header(sent.payload).code() == code.as_bytes()
}

/// Whether a charge or a result is what the mapping makes of an exam, byte for byte: then it says
/// nothing else.
fn is_as_made(evidence: &Evidence<'_>, sent: &Sent<'_>) -> bool {
    let (kind, mapping) = match sent.kind {
        _ if !sent.whole => return false,
        Kind::Charge => (MessageKind::Charge, Some(&evidence.plan.mapping)),
        Kind::Result => (MessageKind::Result, evidence.plan.results.as_ref()),
        Kind::Other | Kind::Untold => return false,
    };
    let exam = || match kind {
        MessageKind::Charge => {
            let line = sent.lines(evidence).first()?;
            evidence.exam(&evidence.orders[line.order as usize].order)
        }
        MessageKind::Result => evidence.reported(sent),
    };
    let is_made =
        |mapping: &Arc<Mapping>| exam().is_some_and(|exam| is_made(kind, mapping, exam, sent));
    mapping.is_some_and(is_made)
}

/// The exams that were handed over; where a history was captured in the field, the charges that came.
fn subjects(evidence: &Evidence<'_>) -> Subjects {
    let mut subjects = Subjects::default();
    if !evidence.is_field_capture() {
        for exam in &evidence.exams {
            subjects.add(of_exam(exam));
        }
        return subjects;
    }
    for order in &evidence.orders {
        let Some(attempt) = order.attempts.first() else { continue };
        let message = Message::read(evidence.sent[attempt.sent as usize].payload);
        let order = order.order.to_vec();
        let patients = ["PID-3.1", "PID-2.1"].map(|path| message.value(path).to_vec()).to_vec();
        let codes = codes(&message);
        subjects.add(Subject { orders: vec![order.clone()], order, patients, codes });
    }
    subjects
}

fn of_exam(exam: &KnownExam<'_>) -> Subject {
    let facts = exam.exam;
    let order = exam.order.to_vec();
    let orders = [facts.order.number.as_bytes(), facts.order.emr_number.as_bytes(), &order];
    let orders = orders.map(<[u8]>::to_vec).to_vec();
    let account = Some(&facts.patient.account).filter(|account| account.len() >= SHORTEST);
    let patients = std::iter::once(&facts.patient.mrn).chain(account);
    let patients = patients.map(|number| number.as_bytes().to_vec()).collect();
    Subject { order, orders, patients, codes: codes(&Message::read(&exam.expected)) }
}

/// What a message charges, by FT1-7.
fn codes(message: &Message<'_>) -> Vec<Vec<u8>> {
    let count = message.segments().filter(|segment| segment.id() == b"FT1").count();
    let code = |line: usize| message.value(&format!("FT1[{line}]-7.1")).to_ascii_uppercase();
    let mut codes: Vec<Vec<u8>> = (1..=count.min(LINES)).map(code).collect();
    codes.retain(|code| !code.is_empty());
    codes.sort();
    codes.dedup();
    codes
}

/// How many lines of a message are looked at for what they charge.
const LINES: usize = 64;

/// A piece in which no message begins, as if it were one.
fn stray(event: usize, payload: &[u8]) -> Sent<'_> {
    Sent {
        event,
        payload,
        whole: false,
        faultless: false,
        kind: Kind::Other,
        control_id: b"",
        written: b"",
        due: due(&Message::read_header(b"")),
        first_line: 0,
        line_count: 0,
        apart: None,
    }
}

/// Reads a message for whom it is about.
fn read_message<'h>(
    evidence: &Evidence<'h>,
    subjects: &Subjects,
    sent: &Sent<'h>,
    expected: Expected,
    found: &mut Disguises<'h>,
) {
    if !sent.whole && sent.kind == Kind::Untold && may_begin_message(sent.payload) {
        return; // whose it is, elimination says
    }
    let layers = Layers::of(sent.payload);
    let Named { subjects: named, by_order, mut charged, of_patients } =
        subjects.named(&layers, expected);
    if evidence.is_field_capture() {
        // Where nobody knows the orders, a number may be anything: the patient has to be named as well.
        let all = std::mem::take(&mut charged);
        let (sure, others): (Vec<usize>, Vec<usize>) =
            all.into_iter().partition(|index| of_patients.contains(index));
        charged = sure;
        if charged.is_empty() && by_order && !has_patient(sent) {
            let perhaps = others.into_iter().map(|index| Disguised {
                sent: sent.clone(),
                order: subjects.get(index).order.as_slice().into(),
                codes: Vec::new(),
                how: How::PerhapsUnagreed,
            });
            found.attempts.extend(perhaps);
        }
    }
    let is_attempted =
        |index: &usize| !evidence.attempts_at(&subjects.get(*index).order).is_empty();
    // Which of several charges of one patient it is, nobody can tell, unless all of them were sent.
    // In the field a bill may be of another charge of the patient, which nobody has seen.
    let of_patient = || charged.len() == 1 || charged.iter().all(is_attempted);
    let is_clear = by_order || !evidence.is_field_capture() && of_patient();
    if !charged.is_empty() && is_clear {
        let of = if by_order { charged.as_slice() } else { &charged[..1] };
        for index in of {
            let subject = subjects.get(*index);
            let named = |code: &&Vec<u8>| {
                layers.texts.iter().any(|text| names_one(text, std::slice::from_ref(*code)))
            };
            found.attempts.push(Disguised {
                sent: sent.clone(),
                order: subject.order.as_slice().into(),
                codes: subject.codes.iter().filter(named).cloned().collect(),
                how: How::Unagreed,
            });
        }
    } else if expected == Expected::Nothing
        && sent.kind != Kind::Charge
        && !evidence.is_field_capture()
        && (!named.is_empty() || layers.opaque && !is_about_another(evidence, sent))
    {
        found.untold.push(Untold { sent: sent.clone(), exams: named });
    }
}

/// Whether a message names any patient.
fn has_patient(sent: &Sent<'_>) -> bool {
    as_read(&patient(&Message::read(sent.payload))).len() >= SHORTEST_PATIENT
}

/// So many letters and digits a patient's number must have to tell one from another.
const SHORTEST_PATIENT: usize = 3;

/// Whether a message says that it is about a patient of whom no exam was handed over.
pub(crate) fn is_about_another(evidence: &Evidence<'_>, sent: &Sent<'_>) -> bool {
    let patient_of = patient;
    let patient = as_read(&patient_of(&Message::read(sent.payload)));
    let is_own = |number: &String| as_read(number.as_bytes()) == patient;
    let is_of = |exam: &KnownExam<'_>| {
        let patient = &exam.exam.patient;
        is_own(&patient.mrn) || is_own(&patient.account)
    };
    // A mapping may write more than the number, as a prefix.
    let is_expected =
        |exam: &KnownExam<'_>| as_read(&patient_of(&Message::read(&exam.expected))) == patient;
    !patient.is_empty() && !evidence.exams.iter().any(|exam| is_of(exam) || is_expected(exam))
}

/// Reads the segments of a message that nobody agreed on, for charges of its own orders or of others.
fn read_beside<'h>(
    evidence: &Evidence<'h>,
    subjects: &Subjects,
    sent: &Sent<'h>,
    segments: &[u8],
    found: &mut Disguises<'h>,
) {
    let is_captured = evidence.is_field_capture();
    let order = |line: &SentLine| &*evidence.orders[line.order as usize].order;
    let own: Vec<&[u8]> = sent.lines(evidence).iter().map(order).collect();
    let is_own = |index: &usize| own.contains(&subjects.get(*index).order.as_slice());
    let layers = Layers::of(segments);
    let Named { subjects: named, by_order, charged, .. } =
        subjects.named(&layers, Expected::Beside);
    if !by_order {
        return; // of whom the message is, its other segments say
    }
    let patient = patient(&Message::read(sent.payload));
    let is_line = layers.texts.iter().any(|text| has_charge_line(text));
    for &index in &charged {
        let subject = subjects.get(index);
        let known =
            |one: &Disguised<'_>| is_same(&one.sent, sent) && one.order[..] == subject.order;
        if found.attempts.iter().any(known) {
            continue;
        }
        // In the field a segment of the sender's own may say more of the charge that it stands beside.
        let how = match is_captured {
            true if !subjects.is_of(index, &patient) || !is_line && is_own(&index) => continue,
            true if !is_line => How::PerhapsBeside,
            _ => How::Beside,
        };
        let order = subject.order.as_slice().into();
        found.attempts.push(Disguised { sent: sent.clone(), order, codes: Vec::new(), how });
    }
    let others: Vec<usize> = named.into_iter().filter(|index| !is_own(index)).collect();
    if charged.is_empty() && !others.is_empty() && !is_captured && sent.kind == Kind::Charge {
        found.untold.push(Untold { sent: sent.clone(), exams: others });
    }
}

/// Whether two are one message.
pub(crate) fn is_same(one: &Sent<'_>, other: &Sent<'_>) -> bool {
    one.event == other.event && std::ptr::eq(one.payload.as_ptr(), other.payload.as_ptr())
}

/// Takes what was found from what was unexplained.
fn explain(evidence: &mut Evidence<'_>, found: &Disguises<'_>) {
    let sent = &evidence.sent;
    let is_found = |number: u32| {
        let one = &sent[number as usize];
        found.attempts.iter().any(|other| is_same(&other.sent, one))
            || found.untold.iter().any(|other| is_same(&other.sent, one))
    };
    evidence.unexplained.retain(|(number, _)| !is_found(*number));
}
