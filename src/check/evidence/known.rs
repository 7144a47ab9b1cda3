//! The values that the plan's own exams have: made up, and so to be shown wherever they stand.

use std::collections::BTreeSet;

use serde_json::Value;

/// What may separate values, whatever the message declares.
pub(crate) const SEPARATORS: &[u8] = b"|^~&";

/// Values without separators.
#[derive(Debug, Default)]
pub(crate) struct Known(BTreeSet<Vec<u8>>);

impl Known {
    /// Whether a value is one of them.
    pub(crate) fn has(&self, part: &[u8]) -> bool {
        self.0.contains(part)
    }

    /// Adds what stands in a message.
    pub(crate) fn add(&mut self, text: &[u8]) {
        let parts = text.split(|byte| SEPARATORS.contains(byte) || *byte == b'\r');
        self.0.extend(parts.filter(|part| !part.is_empty()).map(<[u8]>::to_vec));
    }

    /// Adds the facts of an exam.
    pub(crate) fn add_facts(&mut self, facts: &Value) {
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
