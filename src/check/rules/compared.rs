//! Lays the messages that were sent beside those that were agreed.
//!
//! Every message of an exam has one, and what varies in it is replaced by its [stamps](crate::check::evidence::timestamp).
//! Does **not** judge.

use crate::hl7::{Delimiters, Difference, Message, Segment, escape};
use crate::mapping::{Mapping, OnceRule, Stamp};
use crate::plan::{AttemptMode, MessageKind};

use crate::check::evidence::index::{Evidence, KnownExam};
use crate::check::evidence::made::{is_made, observed_stamp};
use crate::check::evidence::message::{Kind, Sent, SentLine};
use crate::check::evidence::resend_requests::{Allowed, Wanted};
use crate::check::evidence::timestamp::Stamps;
use crate::check::rules::once::{repeated_line, repeating};

/// A whole message, and what it should be one of.
pub(crate) struct Compared<'e, 'h> {
    pub(crate) sent: &'e Sent<'h>,
    /// Whether it is a charge or a result.
    pub(crate) kind: MessageKind,
    /// What it is made by.
    pub(crate) mapping: &'h Mapping,
    /// The exams of its order that had been handed over by then, the last of them first: a
    /// correction may come under the number of the order that it corrects.
    pub(crate) exams: Vec<&'e KnownExam<'h>>,
    /// The exam of which it is, byte for byte, what the mapping makes at the time and under the
    /// control id that it bears. Then it is as agreed without being laid beside anything, which
    /// most messages are.
    pub(crate) made_of: Option<&'e KnownExam<'h>>,
    /// Whether it is a second charge, which the once rules judge: it has no agreed form.
    pub(crate) repeats: bool,
}

impl<'e, 'h> Compared<'e, 'h> {
    fn of(
        sent: &'e Sent<'h>,
        kind: MessageKind,
        mapping: &'h Mapping,
        exams: Vec<&'e KnownExam<'h>>,
    ) -> Self {
        let made_of = exams.iter().find(|exam| is_made(kind, mapping, exam, sent)).copied();
        Self { sent, kind, mapping, exams, made_of, repeats: false }
    }

    /// The message that was agreed for one of its exams; what its stamp writes means nothing.
    pub(crate) fn agreed(&self, exam: &KnownExam<'_>) -> Vec<u8> {
        match self.kind {
            MessageKind::Charge => exam.expected.to_vec(),
            MessageKind::Result => {
                let control_id = "170410151351".to_owned();
                let stamp = Stamp { now: exam.exam.grading.signed, control_id };
                self.mapping.message(exam.exam, &stamp)
            }
        }
    }
}

/// Every whole charge and result of an exam, in the order in which they came: the first and the last,
/// and those that an operator wanted again. Results only where the plan agrees on any.
pub(crate) fn compared<'e, 'h>(evidence: &'e Evidence<'h>) -> Vec<Compared<'e, 'h>> {
    let mut found = Vec::with_capacity(evidence.exams.len());
    for (index, exam) in evidence.exams.iter().enumerate() {
        // The exams of one order have its attempts in common.
        if evidence.exam_of.get(&exam.order) == Some(&index) {
            charges(evidence, exam, &mut found);
        }
    }
    results(evidence, &mut found);
    found
}

fn charges<'e, 'h>(
    evidence: &'e Evidence<'h>,
    exam: &'e KnownExam<'h>,
    found: &mut Vec<Compared<'e, 'h>>,
) {
    let attempts = evidence.attempts_at(&exam.order);
    // Where lines are charges, a further message of the order repeats nothing but a line that came.
    let repeating = match evidence.plan.mapping.identity.rule {
        OnceRule::PerCharge => Some(repeating(evidence, &exam.order)),
        OnceRule::PerOrder => None,
    };
    let mut before = false;
    let mut wanted: Option<Wanted<'_, '_>> = None;
    for &attempt in attempts {
        let sent = &evidence.sent[attempt.sent as usize];
        // After a part, a sender that may send again must still send what was agreed.
        let counts = sent.whole || is_strict(evidence);
        let mut is_unwanted = || {
            let wanted = wanted.get_or_insert_with(|| Wanted::of(evidence, &exam.order));
            wanted.take(attempt) == Allowed::No
        };
        let repeats = match &repeating {
            Some(repeating) => repeating.contains(&attempt.sent),
            None => before && counts && is_unwanted(),
        };
        before |= counts;
        if sent.whole {
            let exams = handed_over(evidence, exam, sent);
            let charge = Compared::of(sent, MessageKind::Charge, &evidence.plan.mapping, exams);
            let repeats = repeats || repeats_another(evidence, exam, sent);
            found.push(Compared { repeats, ..charge });
        }
    }
}

fn results<'e, 'h>(evidence: &'e Evidence<'h>, found: &mut Vec<Compared<'e, 'h>>) {
    let Some(mapping) = evidence.plan.results.as_deref() else { return };
    let code = mapping.message.split('^').next().unwrap_or_default().as_bytes();
    for sent in evidence.sent.iter().filter(|sent| sent.whole && sent.kind == Kind::Result) {
        if Message::read_header(sent.payload).code() != code {
            continue; // agreed by nobody, which is for another rule
        }
        let exam = evidence.reported(sent);
        let exams = exam.map(|exam| handed_over(evidence, exam, sent)).unwrap_or_default();
        found.push(Compared::of(sent, MessageKind::Result, mapping, exams));
    }
}

/// Whether any part of a message is an attempt at the charge.
fn is_strict(evidence: &Evidence<'_>) -> bool {
    evidence.mode() == AttemptMode::Strict
        && evidence.plan.mapping.identity.rule == OnceRule::PerOrder
}

/// Whether a message repeats one of its own lines, or carries a line of another order that was
/// attempted before.
fn repeats_another(evidence: &Evidence<'_>, exam: &KnownExam<'_>, sent: &Sent<'_>) -> bool {
    let seq = evidence.place(sent).seq;
    let attempted_before = |line: &SentLine| {
        let order = &evidence.orders[line.order as usize];
        let attempts = order.attempts.iter();
        let mut before = attempts.map(|attempt| &evidence.sent[attempt.sent as usize]);
        *order.order != *exam.order
            && before.any(|other| {
                evidence.place(other).seq < seq && (is_strict(evidence) || other.whole)
            })
    };
    sent.lines(evidence).iter().any(attempted_before) || repeated_line(evidence, sent).is_some()
}

/// The exams of one order that had been handed over when a message came, the last first; all of
/// them, where nothing says when that was.
fn handed_over<'e, 'h>(
    evidence: &'e Evidence<'h>,
    exam: &'e KnownExam<'h>,
    sent: &Sent<'_>,
) -> Vec<&'e KnownExam<'h>> {
    if !evidence.has_twins {
        return vec![exam];
    }
    let of_order = || evidence.exams.iter().filter(|other| other.order == exam.order);
    let handed =
        |other: &KnownExam<'_>| other.submitted.iter().rfind(|event| **event < sent.event).copied();
    let mut known: Vec<_> = of_order().filter_map(|other| Some((handed(other)?, other))).collect();
    known.sort_by_key(|(event, _)| std::cmp::Reverse(*event));
    match known.is_empty() {
        true => of_order().collect(),
        false => known.into_iter().map(|(_, exam)| exam).collect(),
    }
}

/// The segments of `found` that hold what was agreed with its delimiters unescaped, as one difference
/// each.
pub(crate) fn unescaped(
    mapping: &Mapping,
    exam: &KnownExam<'_>,
    agreed: &[u8],
    found: &[u8],
) -> Vec<Difference> {
    // Where the agreed message escapes nothing, nothing can have been left unescaped.
    let body = agreed.iter().position(|&byte| byte == b'\r').unwrap_or_default();
    let mark = Delimiters::default().escape;
    if !agreed[body..].iter().any(|byte| Some(*byte) == mark) {
        return Vec::new();
    }
    let stamps = Stamps::of(mapping, exam.exam);
    let stamped = mapping.message(exam.exam, &observed_stamp(exam, found));
    let (wanted, seen) = (stamps.normalise(agreed, None), stamps.normalise(found, None));
    // An unescaped field separator shifts the volatile fields behind it, so the message as the
    // observed clock would have made it is compared too.
    let pairs = [(wanted.as_slice(), seen.as_slice()), (stamped.as_slice(), found)];
    let mut differences: Vec<Difference> = Vec::new();
    for (wanted, seen) in pairs {
        let (wanted, seen) = (Message::read(wanted), Message::read(seen));
        for segment in seen.segments().filter(|segment| segment.id() != b"MSH") {
            let id = String::from_utf8_lossy(segment.id()).into_owned();
            let path = format!("{id}[{}]", segment.occurrence());
            let Some(agreed) = wanted.segment(&id, segment.occurrence()) else { continue };
            let known = differences.iter().any(|difference| difference.path == path);
            if !known && is_unescaped(&agreed, &segment) {
                let (expected, found) = (agreed.raw().to_vec(), segment.raw().to_vec());
                differences.push(Difference { path, expected, found });
            }
        }
    }
    differences
}

fn is_unescaped(agreed: &Segment<'_>, found: &Segment<'_>) -> bool {
    let delimiters = agreed.delimiters();
    let marks = |raw: &[u8]| raw.iter().filter(|&&byte| Some(byte) == delimiters.escape).count();
    let plain = |raw| escape::unescape(raw, delimiters);
    let agreed_plain = plain(agreed.raw());
    // A value with an escape character of its own may look like a sequence once it is unescaped.
    let same = agreed_plain == found.raw() || agreed_plain == plain(found.raw());
    marks(found.raw()) < marks(agreed.raw()) && same
}

/// Whether a difference lies inside one of `segments`, which are named `FT1[2]`.
pub(crate) fn lies_in(path: &str, segments: &[Difference]) -> bool {
    let Some(id) = path.get(..3) else { return false };
    let occurrence = path[3..].strip_prefix('[').and_then(|rest| rest.split(']').next());
    let name = format!("{id}[{}]", occurrence.unwrap_or("1"));
    segments.iter().any(|segment| segment.path == name)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::lies_in;
    use crate::hl7::Difference;

    #[rstest]
    #[case("FT1[2]-26", true)]
    #[case("FT1[2]", true)]
    #[case("FT1[1]-26", false)]
    #[case("FT1-26", false)]
    #[case("PID-5", true)]
    fn a_difference_lies_in_its_segment(#[case] path: &str, #[case] expected: bool) {
        let named = |path: &str| Difference {
            path: path.to_owned(),
            expected: Vec::new(),
            found: Vec::new(),
        };
        assert_eq!(lies_in(path, &[named("FT1[2]"), named("PID[1]")]), expected);
    }
}
