//! What the broken senders make of the facts: an exam, a mapping or a clock that is not the true one.
//!
//! The message is composed by the same mapping as ever, of facts that are wrong, and what a wrong
//! fact would change beside the defect is put right again.

use jiff::{SignedDuration, Span};

use crate::exam::{Exam, Retinopathy};
use crate::mapping::{Mapping, Stamp};
use crate::sender::broken::bug::Bug;
use crate::sender::broken::draft::Draft;

/// The charge of `exam` as a sender with `bug` composes it.
pub(crate) fn compose(bug: Option<Bug>, mapping: &Mapping, exam: &Exam, stamp: &Stamp) -> Vec<u8> {
    match bug {
        Some(Bug::LocalTimeForUtc) => {
            let now = stamp.now.saturating_add(ZONE);
            mapping.message(exam, &Stamp { now, ..stamp.clone() })
        }
        Some(Bug::WrongCharset) if !mapping.charset.is_empty() => {
            let mut other = mapping.clone();
            "UNICODE UTF-8".clone_into(&mut other.charset);
            corrected(&mapping.message(exam, stamp), &other.message(exam, stamp), "MSH", 18)
        }
        Some(bug) => match misread(bug, exam) {
            Some(other) => {
                corrected(&mapping.message(exam, stamp), &mapping.message(&other, stamp), "PID", 7)
            }
            None => mapping.message(exam, stamp),
        },
        None => mapping.message(exam, stamp),
    }
}

/// The exam as a broken sender takes it.
fn misread(bug: Bug, exam: &Exam) -> Option<Exam> {
    let mut other = exam.clone();
    match bug {
        Bug::Cpt2ForMinor => {
            let born = &mut other.patient.born;
            *born = born.checked_sub(Span::new().years(20)).ok()?;
        }
        Bug::Cpt2OnBirthday => {
            let born = &mut other.patient.born;
            *born = born.checked_sub(Span::new().days(1)).ok()?;
        }
        Bug::Cpt2ForPathology => {
            other.grading.left = Some(Retinopathy::None);
            other.grading.right = Some(Retinopathy::None);
        }
        Bug::ChargeForUngradable => {
            other.images.iter_mut().for_each(|image| image.gradable = true);
        }
        Bug::EscapesAsHtml => rename(&mut other, as_html),
        Bug::ComposesLetters => rename(&mut other, composed),
        Bug::DropsByteOrderMark => rename(&mut other, |name| name.replace('\u{feff}', "")),
        Bug::LosesWideLetters => rename(&mut other, |name| {
            name.chars().map(|letter| if letter.len_utf8() == 4 { '?' } else { letter }).collect()
        }),
        _ => return None,
    }
    Some(other)
}

/// Writes the names of an exam otherwise.
fn rename(exam: &mut Exam, change: impl Fn(&str) -> String) {
    let Exam { patient, ordering_provider, interpreter, .. } = exam;
    for name in [
        &mut patient.family,
        &mut patient.given,
        &mut ordering_provider.family,
        &mut ordering_provider.given,
        &mut interpreter.family,
        &mut interpreter.given,
    ] {
        *name = change(name);
    }
}

fn as_html(name: &str) -> String {
    let signs = [('\'', "&#39;"), ('"', "&quot;"), ('<', "&lt;"), ('>', "&gt;")];
    signs.iter().fold(name.to_owned(), |name, (sign, written)| name.replace(*sign, written))
}

/// The few pairs of letter and accent that the shipped exams have.
fn composed(name: &str) -> String {
    let pairs = [("E\u{301}", "\u{c9}"), ("e\u{301}", "\u{e9}"), ("N\u{303}", "\u{d1}")];
    pairs.iter().fold(name.to_owned(), |name, (pair, letter)| name.replace(pair, letter))
}

/// `wrong` with one field of `right`.
fn corrected(right: &[u8], wrong: &[u8], segment: &str, field: usize) -> Vec<u8> {
    let right = Draft::of(right).lines(segment).first().map(|line| line.text(field));
    let mut draft = Draft::of(wrong);
    draft.each(segment, |line| line.set(field, right.clone().unwrap_or_default()));
    draft.bytes()
}

/// Five hours behind UTC, as on the east coast in winter.
const ZONE: SignedDuration = SignedDuration::from_hours(-5);
