//! The values that the plan's own exams have: made up, and so to be shown wherever they stand.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use crate::check::evidence::index::KnownExam;
use crate::mapping::{Mapping, Stamp};

/// What may separate values, whatever the message declares.
pub(crate) const SEPARATORS: &[u8] = b"|^~&";

/// Values without separators.
#[derive(Debug, Default)]
pub(crate) struct Known(BTreeSet<Vec<u8>>);

impl Known {
    /// What the exams hold, and what stands in the messages that the mappings make of them: the
    /// words of whoever wrote the mappings among it.
    pub(crate) fn of(exams: &[KnownExam<'_>], results: Option<&Arc<Mapping>>) -> Self {
        let mut known = Self::default();
        for exam in exams {
            known.add(&exam.expected);
            known.add(&exam.order);
            let stamp = Stamp { now: exam.exam.grading.signed, control_id: String::new() };
            if let Some(results) = results {
                known.add(&results.message(exam.exam, &stamp));
            }
            known.add_facts(&serde_json::to_value(exam.exam).unwrap_or_default());
        }
        known
    }

    /// Whether a value is one of them.
    pub(crate) fn has(&self, part: &[u8]) -> bool {
        self.0.contains(part)
    }

    fn add(&mut self, text: &[u8]) {
        let parts = text.split(|byte| SEPARATORS.contains(byte) || *byte == b'\r');
        self.0.extend(parts.filter(|part| !part.is_empty()).map(<[u8]>::to_vec));
    }

    fn add_facts(&mut self, facts: &Value) {
        match facts {
            Value::String(text) => _ = self.0.insert(text.clone().into_bytes()),
            Value::Array(values) => values.iter().for_each(|value| self.add_facts(value)),
            Value::Object(values) => values.values().for_each(|value| self.add_facts(value)),
            _ => {}
        }
    }
}

#[cfg(test)]
impl Known {
    /// These and no others.
    pub(crate) fn these(values: &[&str]) -> Self {
        Self(values.iter().map(|value| value.as_bytes().to_vec()).collect())
    }
}
