//! What stands in a charge or a result beside what was agreed for it: segments that nobody agreed on.
//!
//! A charge may be repeated in a segment of the sender's own, or in a line that calls itself `ft1`,
//! inside the charge of another order. This does **not** read them.

use std::collections::BTreeSet;

use crate::hl7::Message;
use crate::mapping::Stamp;

use super::attempts::{Kind, Sent};
use super::evidence::Evidence;

/// The name of a segment.
type Id = [u8; 3];

/// Which segments a charge and a result may have.
pub(super) enum AgreedSegments {
    /// Those of the messages that were made for the exams.
    Made { charge: BTreeSet<Id>, result: BTreeSet<Id> },
    /// In a capture from the field, any that the standard names.
    Standard,
}

impl AgreedSegments {
    /// What the plan agrees on.
    pub(super) fn of(evidence: &Evidence<'_>) -> Self {
        if evidence.is_field_capture() {
            return Self::Standard;
        }
        let charges = evidence.exams.iter().map(|exam| exam.expected.to_vec());
        let results = evidence.plan.results.as_deref();
        let reported = evidence.exams.iter().filter_map(|exam| {
            let stamp = Stamp { now: exam.exam.grading.signed, control_id: String::new() };
            Some(results?.message(exam.exam, &stamp))
        });
        let named = |messages: Vec<Vec<u8>>| -> BTreeSet<Id> {
            messages.iter().flat_map(|message| ids(message)).collect()
        };
        Self::Made { charge: named(charges.collect()), result: named(reported.collect()) }
    }

    /// The segments of a message that nobody agreed on; none in most messages.
    pub(super) fn beside(&self, sent: &Sent<'_>) -> Option<Vec<u8>> {
        let mut found = Vec::new();
        for line in segments(sent.payload) {
            if !self.has(sent.kind, line) {
                found.extend_from_slice(line);
                found.push(b'\r');
            }
        }
        (!found.is_empty()).then_some(found)
    }

    fn has(&self, kind: Kind, line: &[u8]) -> bool {
        let Some(id) = line.first_chunk::<3>() else { return line.trim_ascii().is_empty() };
        match self {
            Self::Made { charge, .. } if kind == Kind::Charge => charge.contains(id),
            Self::Made { result, .. } => result.contains(id),
            Self::Standard => {
                id[0] != b'Z' && id.iter().all(|byte| !byte.is_ascii_lowercase())
            }
        }
    }
}

fn segments(payload: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = payload.split(|byte| matches!(byte, b'\r' | b'\n'));
    lines.filter(|line| !line.is_empty())
}

fn ids(message: &[u8]) -> Vec<Id> {
    Message::read(message).segments().filter_map(|segment| segment.id().try_into().ok()).collect()
}
