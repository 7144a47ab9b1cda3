//! Says which charge a part of a message belongs to when it was cut before its order number, or,
//! where a charge and a credit of one order are known, before it said which of them it is.
//!
//! One byte of a charge on the wire is an attempt, so a part must belong to some exam. Only an
//! exam that had been handed over, and whose expected message agrees with the bytes up to the
//! cut, can be it; and an honest sender does not start a charge that it has attempted before, unless
//! an operator has asked for it, so an exam that is due comes first. If that still leaves several,
//! the part is unexplained, and the rule that needs it is inconclusive. This does **not** judge.

use std::borrow::Cow;
use std::cell::LazyCell;
use std::collections::HashSet;

use jiff::civil::DateTime;

use crate::charge::credit_of;
use crate::history::What;
use crate::hl7::ack::is_acknowledgement;
use crate::hl7::{Message, Path};
use crate::mapping::{Mapping, Stamp};

use crate::check::evidence::frame::{FS, VT, may_begin_message, separator};
use crate::check::evidence::index::{Attempted, Evidence, KnownExam, Place};
use crate::check::evidence::message::{Kind, Sent};
use crate::check::evidence::reading::{attempt_by_elimination, half_told};

/// What a part of a message may belong to.
enum Belongs {
    /// It is part of a result, or of nothing that is judged.
    NoCharge,
    /// Only this exam can be it.
    To(usize),
    /// Each of these exams could be it; none, if nothing was handed over.
    ToOneOf(Vec<usize>),
}

/// Attributes every charge message whose order is not readable.
pub(crate) fn attribute(evidence: &mut Evidence<'_>) {
    let plan = evidence.plan;
    // Few histories have a part that needs them.
    let volatile = LazyCell::new(|| volatile_fields(&plan.mapping));
    for index in 0..evidence.sent.len() {
        let sent = &evidence.sent[index];
        let half = half_told(evidence, sent);
        if !sent.may_charge() || (sent.line_count > 0 && half.is_none()) {
            continue;
        }
        let belongs = if !may_begin_message(&with_unread(evidence, sent)) {
            evidence.sent[index].kind = Kind::Other;
            Belongs::NoCharge
        } else if sent.whole {
            Belongs::ToOneOf(Vec::new())
        } else {
            belongs(evidence, sent, half, &volatile)
        };
        let number = u32::try_from(index).expect("invariant: fewer than 2^32 messages");
        match belongs {
            Belongs::NoCharge => {}
            Belongs::To(exam) => {
                evidence.sent[index].kind = Kind::Charge;
                let order = evidence.exams[exam].order.clone();
                attempt_by_elimination(evidence, number, &order);
            }
            Belongs::ToOneOf(exams) => evidence.unexplained.push((number, exams)),
        }
    }
}

fn belongs(
    evidence: &Evidence<'_>,
    part: &Sent<'_>,
    half: Option<Vec<u8>>,
    volatile: &[(String, usize)],
) -> Belongs {
    let place = evidence.place(part);
    let payload = with_unread(evidence, part);
    let untold = part.kind == Kind::Untold && !tells_its_type(&payload);
    if part.kind == Kind::Untold && (is_result(&payload) || is_answer(&payload)) {
        return Belongs::NoCharge;
    }
    let mut possible: Vec<usize> = handed_over_before(evidence, &place);
    if let Some(order) = half {
        let either = [credit_of(&order), order];
        possible.retain(|&index| either.iter().any(|one| **one == *evidence.exams[index].order));
    }
    let may_be_result = untold && begins_a_result(evidence, &payload, &possible);
    let sends_results = evidence.plan.results.is_some();
    let agreeing = |&&index: &&usize| agrees(&payload, &evidence.exams[index].expected, volatile);
    let agreed: Vec<usize> = possible.iter().filter(agreeing).copied().collect();
    let agrees_with_none = agreed.is_empty();
    if !agrees_with_none {
        possible = agreed;
    }
    let fresh = fresh(evidence, &possible, &place);
    // Only what agrees with a charge and with no result is surely one.
    let may_be_other = may_be_result || (untold && sends_results && agrees_with_none);
    let left: Vec<usize> = fresh.iter().map(|due| due.exam).collect();
    match left.as_slice() {
        [] if may_be_result && is_result_due(evidence, &place) => Belongs::NoCharge,
        [] if may_be_other => Belongs::ToOneOf(possible),
        left if may_be_other => Belongs::ToOneOf(left.to_vec()),
        [only] => Belongs::To(*only),
        // Every exam that it could be was attempted whole before: whichever it is, it is sent
        // again, so the last one stands for all.
        [] => possible.last().map_or(Belongs::ToOneOf(Vec::new()), |&last| Belongs::To(last)),
        _ => among_several(evidence, &fresh, &place),
    }
}

/// The part, and what stood unread behind it when the EMR ended the connection: the sender wrote
/// that, though no EMR has seen it.
fn with_unread<'h>(evidence: &Evidence<'h>, part: &Sent<'h>) -> Cow<'h, [u8]> {
    let What::Received { connection, offset, length, .. } = &evidence.events[part.event].what
    else {
        return Cow::Borrowed(part.payload);
    };
    let rest = evidence.events[part.event..].iter().find_map(|event| match &event.what {
        What::Unread { connection: of, offset: at, bytes, .. }
            if of == connection && *at == offset + length =>
        {
            Some(bytes.as_slice())
        }
        _ => None,
    });
    let Some(rest) = rest else { return Cow::Borrowed(part.payload) };
    let end = memchr::memchr2(FS, VT, rest).unwrap_or(rest.len());
    Cow::Owned([part.payload, &rest[..end]].concat())
}

/// Whether a part goes on beyond its type, MSH-9.
fn tells_its_type(payload: &[u8]) -> bool {
    let header = payload.split(|&byte| byte == b'\r').next().unwrap_or_default();
    header.split(|&byte| byte == separator(payload)).count() > 9
}

fn is_result(payload: &[u8]) -> bool {
    tells_its_type(payload) && matches!(Message::read(payload).code(), b"ORU" | b"MDM")
}

/// Whether it is an acknowledgement, as far as it goes.
fn is_answer(payload: &[u8]) -> bool {
    tells_its_type(payload) && is_acknowledgement(&Message::read(payload))
}

/// Whether the result of one of these exams begins so, or any that the sender has sent: it need
/// not send them as agreed.
fn begins_a_result(evidence: &Evidence<'_>, payload: &[u8], exams: &[usize]) -> bool {
    let Some(results) = &evidence.plan.results else { return false };
    let volatile = volatile_fields(results);
    let stamp = Stamp { now: DateTime::default(), control_id: "1".to_owned() };
    let mut seen = evidence.sent.iter().filter(|sent| sent.whole && sent.kind == Kind::Result);
    seen.any(|sent| agrees(payload, sent.payload, &volatile))
        || exams.iter().any(|&index| {
            agrees(payload, &results.message(evidence.exams[index].exam, &stamp), &volatile)
        })
}

/// Whether more exams had been charged when this began than results had come: the sender then had
/// a result to send.
fn is_result_due(evidence: &Evidence<'_>, place: &Place<'_>) -> bool {
    let begun_before = |sent: &Sent<'_>| {
        let other = evidence.place(sent);
        (other.began, other.seq) < (place.began, place.seq)
    };
    let is_charged = |exam: &&KnownExam<'_>| {
        let mut attempts = evidence.attempts_at(&exam.order).iter();
        attempts.any(|attempt| {
            let sent = &evidence.sent[attempt.sent as usize];
            sent.whole && begun_before(sent)
        })
    };
    let come = evidence.sent.iter().filter(|sent| sent.whole && sent.kind == Kind::Result);
    let come: HashSet<_> = come.filter(|sent| begun_before(sent)).map(Sent::subject).collect();
    evidence.exams.iter().filter(is_charged).count() > come.len()
}

/// Several exams were due: what came later may tell them apart.
fn among_several(evidence: &Evidence<'_>, several: &[Due], place: &Place<'_>) -> Belongs {
    let is_open = |due: &&Due| {
        let exam = &evidence.exams[due.exam];
        let is_later = |event: &&usize| evidence.events[**event].seq > place.seq;
        let wanted = due.attempts + exam.wanted_again.iter().filter(is_later).count();
        let attempts = evidence.attempts_at(&exam.order).iter();
        attempts.filter(|attempt| seq(evidence, attempt) > place.seq).count() < wanted
    };
    let left: Vec<usize> = several.iter().filter(is_open).map(|due| due.exam).collect();
    match left.as_slice() {
        [only] => Belongs::To(*only),
        [] => Belongs::To(several[several.len() - 1].exam),
        _ => Belongs::ToOneOf(left),
    }
}

/// Exams that had been handed over when the part began, in the order of handing over.
fn handed_over_before(evidence: &Evidence<'_>, place: &Place<'_>) -> Vec<usize> {
    let mut known: Vec<(usize, usize)> = Vec::new();
    for (index, exam) in evidence.exams.iter().enumerate() {
        let before = |&&event: &&usize| {
            let event = &evidence.events[event];
            event.at <= place.began && event.seq < place.seq
        };
        if let Some(&last) = exam.submitted.iter().rfind(before) {
            known.push((last, index));
        }
    }
    known.sort_unstable();
    known.into_iter().map(|(_, index)| index).collect()
}

/// An exam that was to be attempted when a part began.
struct Due {
    exam: usize,
    /// How often, by what was wanted until then.
    attempts: usize,
}

/// Those of `possible` that had not been attempted as often as they were wanted, once by the order
/// and once by each request of an operator; if there is none, not as often by whole messages.
fn fresh(evidence: &Evidence<'_>, possible: &[usize], place: &Place<'_>) -> Vec<Due> {
    let due = |index: usize, counts: &dyn Fn(&Attempted) -> bool| {
        let exam = &evidence.exams[index];
        let is_earlier = |event: &&usize| evidence.events[**event].seq < place.seq;
        let wanted = 1 + exam.wanted_again.iter().filter(is_earlier).count();
        let attempts = evidence.attempts_at(&exam.order).iter();
        let before = attempts
            .filter(|attempt| seq(evidence, attempt) < place.seq && counts(attempt))
            .count();
        (before < wanted).then(|| Due { exam: index, attempts: wanted - before })
    };
    let whole = |attempt: &Attempted| evidence.sent[attempt.sent as usize].whole;
    let untouched: Vec<Due> = possible.iter().filter_map(|&index| due(index, &|_| true)).collect();
    if !untouched.is_empty() {
        return untouched;
    }
    possible.iter().filter_map(|&index| due(index, &whole)).collect()
}

fn seq(evidence: &Evidence<'_>, attempt: &Attempted) -> u64 {
    evidence.place(&evidence.sent[attempt.sent as usize]).seq
}

/// The volatile fields of a mapping, as segment and field number.
pub(crate) fn volatile_fields(mapping: &Mapping) -> Vec<(String, usize)> {
    let field = |(text, _): (String, _)| {
        let path: Path = text.parse().ok()?;
        Some((path.segment.to_string(), path.field))
    };
    mapping.volatile().into_iter().filter_map(field).collect()
}

/// Whether `part`, the beginning of a message, agrees with `whole` up to its end, apart from the
/// volatile fields.
pub(crate) fn agrees(part: &[u8], whole: &[u8], volatile: &[(String, usize)]) -> bool {
    let separator = separator(part);
    let mut expected = whole.split(|&byte| byte == b'\r');
    let mut segments = part.split(|&byte| byte == b'\r').peekable();
    while let Some(segment) = segments.next() {
        let Some(expected) = expected.next() else { return segment.is_empty() };
        let cut = segments.peek().is_none();
        if !segment_agrees(segment, expected, separator, cut, volatile) {
            return false;
        }
    }
    true
}

fn segment_agrees(
    part: &[u8],
    whole: &[u8],
    separator: u8,
    cut: bool,
    volatile: &[(String, usize)],
) -> bool {
    let id = whole.split(|&byte| byte == separator).next().unwrap_or_default();
    let shift = usize::from(id == b"MSH");
    let mut expected = whole.split(|&byte| byte == separator);
    let mut fields = part.split(|&byte| byte == separator).enumerate().peekable();
    while let Some((number, field)) = fields.next() {
        let expected = expected.next().unwrap_or_default();
        let last = cut && fields.peek().is_none();
        let varies = volatile.iter().any(|(segment, field)| {
            segment.as_bytes() == id && *field == number + shift && number > 0
        });
        let agrees = varies || field == expected || (last && expected.starts_with(field));
        if !agrees {
            return false;
        }
    }
    cut || expected.all(<[u8]>::is_empty)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::agrees;

    const WHOLE: &[u8] = b"MSH|^~\\&|IRIS|IRIS|||20170410151351||DFT^P03\rFT1|1||273013\r";

    #[rstest]
    #[case::nothing(b"", true)]
    #[case::inside_a_field(b"MSH|^~\\&|IR", true)]
    #[case::another_time(b"MSH|^~\\&|IRIS|IRIS|||20200101", true)]
    #[case::another_field(b"MSH|^~\\&|IRIX|", false)]
    #[case::inside_the_order(b"MSH|^~\\&|IRIS|IRIS|||1||DFT^P03\rFT1|1||2730", true)]
    #[case::another_order(b"MSH|^~\\&|IRIS|IRIS|||1||DFT^P03\rFT1|1||2731", false)]
    #[case::too_short_a_segment(b"MSH|^~\\&|IRIS\rFT1", false)]
    fn a_part_agrees_up_to_its_cut(#[case] part: &[u8], #[case] expected: bool) {
        assert_eq!(agrees(part, WHOLE, &[("MSH".to_owned(), 7)]), expected);
    }
}
