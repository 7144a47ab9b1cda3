//! The message that a mapping makes of an exam.
//!
//! A field that says nothing is empty, a segment that says nothing is not written, and neither
//! fields, components nor repetitions that are empty are written at an end.

use std::collections::BTreeMap;

use crate::exam::Exam;
use crate::hl7::{Charset, Delimiters, SegmentWriter};

use super::line::Line;
use super::place::{FieldName, SegmentRule};
use super::scope::Scope;
use super::value::Value;
use super::{Mapping, Stamp};

/// Composes one message.
pub(super) struct Composer<'a> {
    mapping: &'a Mapping,
    charset: Charset,
    out: Vec<u8>,
}

impl<'a> Composer<'a> {
    /// A composer by these instructions.
    pub(super) fn new(mapping: &'a Mapping) -> Self {
        let charset = Charset::named(&mapping.charset).unwrap_or_default();
        Self { mapping, charset, out: Vec::new() }
    }

    /// The message for `exam`.
    pub(super) fn message(mut self, exam: &'a Exam, stamp: &'a Stamp) -> Vec<u8> {
        let scope = Scope::of(exam, stamp);
        let lines = sent(self.mapping, &scope);
        for rule in &self.mapping.segments {
            let turns = match rule.each {
                None => vec![scope.clone()],
                Some(each) => scope.each(each, &lines),
            };
            for turn in &turns {
                self.segment(rule, turn);
            }
        }
        self.out
    }

    fn segment(&mut self, rule: &SegmentRule, scope: &Scope<'_>) {
        let mut values: BTreeMap<usize, &Value> = BTreeMap::new();
        let own = scope.charge.map(|(_, line)| &line.fields);
        let first = FieldName::new(&rule.id, 0);
        for fields in [Some(&self.mapping.fields), own].into_iter().flatten() {
            let of_segment = fields.range(&first..).take_while(|(name, _)| name.segment == rule.id);
            values.extend(of_segment.map(|(name, value)| (name.number, value)));
        }
        let mut writer = SegmentWriter::new(&rule.id);
        let mut says_something = false;
        for (number, value) in values {
            let text = value.text(scope);
            if !text.is_empty() {
                writer.set(number, self.charset.encode(&text));
                says_something = true;
            }
        }
        if says_something {
            writer.write_to(&mut self.out, Delimiters::default());
        }
    }
}

/// The charge lines that are sent for an exam, in the order of the option.
pub(super) fn sent<'a>(mapping: &'a Mapping, scope: &Scope<'_>) -> Vec<&'a Line> {
    let holds = |line: &&Line| line.when.as_ref().is_none_or(|condition| condition.holds(scope));
    mapping.lines.iter().filter(holds).collect()
}
