//! What stands in a charge or a result beside what was agreed for it: segments that nobody agreed on.
//!
//! A charge may be repeated in a segment of the sender's own, or in a line that calls itself `ft1`,
//! inside the charge of another order. This does **not** read them.

use memchr::{memchr2_iter, memmem};

use crate::check::evidence::index::{Evidence, KnownExam};
use crate::check::evidence::message::{Kind, Sent};

/// Which segments charges and results may have.
pub(crate) enum AgreedSegments<'e, 'h> {
    /// Those of the messages that the mappings make of the exams.
    Made(&'e [KnownExam<'h>]),
    /// In a capture from the field, any that the standard names.
    Standard,
}

impl<'e, 'h> AgreedSegments<'e, 'h> {
    /// What the plan agrees on.
    pub(crate) fn of(evidence: &'e Evidence<'h>) -> Self {
        if evidence.is_field_capture() {
            return Self::Standard;
        }
        Self::Made(&evidence.exams)
    }

    /// The segments of a message that nobody agreed on; none in most messages.
    pub(crate) fn beside(&self, sent: &Sent<'_>) -> Option<Vec<u8>> {
        let mut found = Vec::new();
        for line in segments(sent.payload).filter(|line| !self.has(sent.kind, line)) {
            found.extend_from_slice(line);
            found.push(b'\r');
        }
        (!found.is_empty()).then_some(found)
    }

    fn has(&self, kind: Kind, line: &[u8]) -> bool {
        let Some(id) = line.first_chunk::<3>() else { return line.trim_ascii().is_empty() };
        match self {
            Self::Made(exams) => exams.iter().any(|exam| match (kind, &exam.result) {
                (Kind::Result, Some(result)) => has_segment(result.with_marks(), *id),
                _ => has_segment(exam.charge.with_marks(), *id),
            }),
            Self::Standard => id[0] != b'Z' && !id.iter().any(u8::is_ascii_lowercase),
        }
    }
}

fn segments(payload: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    let ends = memchr2_iter(b'\r', b'\n', payload).chain([payload.len()]);
    let lines = ends.map(move |end| &payload[std::mem::replace(&mut start, end + 1)..end]);
    lines.filter(|line| !line.is_empty())
}

fn has_segment(message: &[u8], id: [u8; 3]) -> bool {
    let [a, b, c] = id;
    message.starts_with(&id) || memmem::find(message, &[b'\r', a, b, c]).is_some()
}
