//! The message of an exam but for its stamp, kept for exams that come again and again: of one
//! exam every message is the same apart from the time and the control id.
//!
//! Only what the mapping makes is kept, and only so much of it. It does **not** decide anything:
//! with a form or without, the message is the same byte for byte.

use std::sync::{Arc, PoisonError, RwLock};

use crate::exam::Exam;
use crate::hl7::Charset;

use super::compose::Composer;
use super::fact::{Precision, write_time};
use super::field_text::FieldText;
use super::{Mapping, Stamp};

/// The forms of a mapping's messages, as far as they were asked for.
#[derive(Debug, Default)]
pub(super) struct Forms(RwLock<Vec<Arc<Form>>>);

/// How many exams are remembered: those of a case, and not the day's work of a clinic.
const MOST_FORMS: usize = 16;

/// The message of one exam, with holes.
#[derive(Debug)]
struct Form {
    exam: Exam,
    charset: String,
    /// What stands before each hole, and what is to be written there.
    parts: Vec<(Vec<u8>, Hole)>,
    /// What stands behind the last one.
    end: Vec<u8>,
}

/// What the stamp says, where it is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hole {
    /// The message's MSH-10.
    ControlId,
    /// The sender's clock, so much of it.
    Now(Precision),
}

/// Each hole while its message is composed: a control character, which is escaped wherever it is
/// meant as text.
const MARKS: [(char, Hole); 4] = [
    ('\u{1}', Hole::ControlId),
    ('\u{2}', Hole::Now(Precision::Second)),
    ('\u{3}', Hole::Now(Precision::Minute)),
    ('\u{4}', Hole::Now(Precision::Day)),
];

impl Forms {
    /// The message of `exam` as `mapping` makes it under `stamp`; nothing where it has to be
    /// composed, because a value that is empty is not merely left out of its place.
    pub(super) fn message(&self, mapping: &Mapping, exam: &Exam, stamp: &Stamp) -> Option<Vec<u8>> {
        if stamp.control_id.is_empty() {
            return None;
        }
        let is_it = |form: &&Arc<Form>| form.exam == *exam && form.charset == mapping.charset;
        let forms = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let (known, is_full) = (forms.iter().find(is_it).cloned(), forms.len() >= MOST_FORMS);
        drop(forms);
        if let Some(form) = known {
            return Some(form.filled(stamp));
        }
        if is_full {
            return None;
        }
        let form = Arc::new(Form::of(mapping, exam));
        let message = form.filled(stamp);
        let mut forms = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if forms.len() < MOST_FORMS && !forms.iter().any(|known| is_it(&known)) {
            forms.push(form);
        }
        Some(message)
    }
}

/// Whoever takes a copy of a mapping may change it: it begins anew.
impl Clone for Forms {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// What was asked of two mappings makes them no different.
impl PartialEq for Forms {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Forms {}

impl Form {
    fn of(mapping: &Mapping, exam: &Exam) -> Self {
        let composed = Composer::new(mapping).message(exam, None);
        let mut parts = Vec::new();
        let mut begin = 0;
        for (at, byte) in composed.iter().enumerate() {
            if let Some(hole) = Hole::marked(char::from(*byte)) {
                parts.push((composed[begin..at].to_vec(), hole));
                begin = at + 1;
            }
        }
        let end = composed[begin..].to_vec();
        Self { exam: exam.clone(), charset: mapping.charset.clone(), parts, end }
    }

    fn filled(&self, stamp: &Stamp) -> Vec<u8> {
        let charset = Charset::named(&self.charset).unwrap_or_default();
        let length: usize = self.parts.iter().map(|(before, _)| before.len() + ROOM).sum();
        let mut out = Vec::with_capacity(length + self.end.len());
        // Each is written once: a time of less precision is the beginning of that to the second.
        let (mut id, mut now) = (FieldText::default(), FieldText::default());
        id.text(&stamp.control_id);
        let id = charset.encode(id.finish());
        write_time(Some(stamp.now), Precision::Second, &mut now);
        let now = now.finish().as_bytes();
        for (before, hole) in &self.parts {
            out.extend_from_slice(before);
            out.extend_from_slice(match hole {
                Hole::ControlId => &id,
                Hole::Now(Precision::Second) => now,
                Hole::Now(Precision::Minute) => &now[..now.len() - 2],
                Hole::Now(Precision::Day) => &now[..now.len() - 6],
            });
        }
        out.extend_from_slice(&self.end);
        out
    }
}

/// What a time or a control id usually has room in.
const ROOM: usize = 20;

impl Hole {
    /// The character that stands for it.
    pub(super) fn mark(self) -> char {
        let known = MARKS.iter().find(|(_, hole)| *hole == self);
        known.expect("invariant: every hole has a mark").0
    }

    /// What is to be written where this character stands in a message that has no stamp yet.
    #[must_use]
    pub fn marked(mark: char) -> Option<Self> {
        MARKS.iter().find(|(known, _)| *known == mark).map(|(_, hole)| *hole)
    }
}
