//! The message of an exam but for its stamp, kept for exams that come again and again: of one
//! exam every message is the same apart from the time and the control id.
//!
//! Only what the mapping makes is kept, and only so much of it. It does **not** decide anything:
//! with a form or without, the message is the same byte for byte.

use std::sync::{Arc, PoisonError, RwLock};

use crate::exam::Exam;
use crate::hl7::Charset;

use crate::mapping::expression::compose::Composer;
use crate::mapping::expression::fact::{Precision, write_time};
use crate::mapping::expression::field_text::FieldText;
use crate::mapping::{Mapping, Stamp};

/// The forms of a mapping's messages, as far as they were asked for.
#[derive(Debug, Default)]
pub(crate) struct Forms(RwLock<Vec<Arc<Form>>>);

/// How many exams are remembered: those of a case, and not the day's work of a clinic.
const MOST_FORMS: usize = 16;

/// The message of one exam, with holes for what its stamp writes.
#[derive(Debug)]
pub struct Form {
    exam: Exam,
    charset: String,
    /// The message, with a mark where a hole is.
    whole: Arc<[u8]>,
    /// Where each hole is, and what is to be written there.
    holes: Vec<(usize, Hole)>,
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
    pub(crate) fn message(&self, mapping: &Mapping, exam: &Exam, stamp: &Stamp) -> Option<Vec<u8>> {
        if stamp.control_id.is_empty() {
            return None;
        }
        Some(self.form(mapping, exam)?.filled(stamp))
    }

    /// The form of `exam`; nothing where it is new and no more are remembered.
    pub(crate) fn form(&self, mapping: &Mapping, exam: &Exam) -> Option<Arc<Form>> {
        // Exams of a plan have much in common, and hardly ever their order.
        let is_it = |form: &&Arc<Form>| {
            let is_of_order = form.exam.order.number == exam.order.number;
            is_of_order && form.exam == *exam && form.charset == mapping.charset
        };
        let forms = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let (known, is_full) = (forms.iter().find(is_it).cloned(), forms.len() >= MOST_FORMS);
        drop(forms);
        if known.is_some() || is_full {
            return known;
        }
        let form = Arc::new(Form::of(mapping, exam));
        let mut forms = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if forms.len() < MOST_FORMS && !forms.iter().any(|known| is_it(&known)) {
            forms.push(Arc::clone(&form));
        }
        Some(form)
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
    /// The message, with a control character where the stamp writes that [`Hole::marked`] reads. No
    /// other text holds one unescaped.
    #[must_use]
    pub fn with_marks(&self) -> &[u8] {
        &self.whole
    }

    /// Whether a text is the message with this time, to the second, and this control id, neither of
    /// which holds anything that is escaped.
    #[must_use]
    pub fn is_filled(&self, mut text: &[u8], now: &[u8], control_id: &[u8]) -> bool {
        let mut begin = 0;
        for (at, hole) in &self.holes {
            let value = match hole {
                Hole::ControlId => Some(control_id),
                Hole::Now(precision) => now.get(..precision.digits()),
            };
            let behind = text.strip_prefix(&self.whole[begin..*at]);
            let behind = behind.and_then(|text| text.strip_prefix(value?));
            let Some(behind) = behind else { return false };
            (begin, text) = (at + 1, behind);
        }
        *text == self.whole[begin..]
    }

    pub(crate) fn of(mapping: &Mapping, exam: &Exam) -> Self {
        let whole: Arc<[u8]> = Composer::new(mapping).message(exam, None).into();
        let hole = |(at, byte): (usize, &u8)| Some((at, Hole::marked(char::from(*byte))?));
        let holes = whole.iter().enumerate().filter_map(hole).collect();
        Self { exam: exam.clone(), charset: mapping.charset.clone(), whole, holes }
    }

    fn filled(&self, stamp: &Stamp) -> Vec<u8> {
        let charset = Charset::named(&self.charset).unwrap_or_default();
        let mut out = Vec::with_capacity(self.whole.len() + self.holes.len() * ROOM);
        // Each is written once: a time of less precision is the beginning of that to the second.
        let (mut id, mut now) = (FieldText::default(), FieldText::default());
        id.text(&stamp.control_id);
        let id = charset.encode(id.finish());
        write_time(Some(stamp.now), Precision::Second, &mut now);
        let now = now.finish().as_bytes();
        let mut begin = 0;
        for (at, hole) in &self.holes {
            out.extend_from_slice(&self.whole[begin..*at]);
            out.extend_from_slice(match hole {
                Hole::ControlId => &id,
                Hole::Now(precision) => &now[..precision.digits()],
            });
            begin = at + 1;
        }
        out.extend_from_slice(&self.whole[begin..]);
        out
    }
}

/// What a time or a control id usually has room in.
const ROOM: usize = 20;

impl Hole {
    /// The character that stands for it.
    pub(crate) fn mark(self) -> char {
        let known = MARKS.iter().find(|(_, hole)| *hole == self);
        known.expect("invariant: every hole has a mark").0
    }

    /// What is to be written where this character stands in a message that has no stamp yet.
    #[must_use]
    pub fn marked(mark: char) -> Option<Self> {
        MARKS.iter().find(|(known, _)| *known == mark).map(|(_, hole)| *hole)
    }
}
