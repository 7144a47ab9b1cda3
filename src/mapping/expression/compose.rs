//! The message that a mapping makes of an exam.
//!
//! A field that says nothing is empty, a segment that says nothing is not written, and neither
//! fields, components nor repetitions that are empty are written at an end.

use crate::exam::Exam;
use crate::hl7::{Charset, Delimiters, SegmentWriter};

use crate::mapping::expression::field_text::FieldText;
use crate::mapping::expression::line::Line;
use crate::mapping::expression::scope::Scope;
use crate::mapping::expression::value::Value;
use crate::mapping::place::FieldName;
use crate::mapping::segments::{Block, SegmentRule};
use crate::mapping::{Mapping, Stamp};

/// Composes one message.
pub(crate) struct Composer<'a> {
    mapping: &'a Mapping,
    charset: Charset,
    out: Vec<u8>,
    /// The segment and the field that are being written, and what the fields of the segment say:
    /// kept from one to the next, so that a message takes few pieces of memory.
    segment: SegmentWriter,
    field: FieldText,
    values: Vec<(usize, &'a Value)>,
}

/// What most messages have room in.
const USUAL_BYTES: usize = 2_048;

impl<'a> Composer<'a> {
    /// A composer by these instructions.
    pub(crate) fn new(mapping: &'a Mapping) -> Self {
        Self {
            mapping,
            charset: Charset::named(&mapping.charset).unwrap_or_default(),
            out: Vec::with_capacity(USUAL_BYTES),
            segment: SegmentWriter::new(""),
            field: FieldText::default(),
            values: Vec::new(),
        }
    }

    /// The message for `exam`; without a stamp, with marks where it would be written.
    pub(crate) fn message(mut self, exam: &'a Exam, stamp: Option<&'a Stamp>) -> Vec<u8> {
        let scope = Scope::of(exam, stamp);
        let lines = sent(self.mapping, &scope);
        self.write(&self.mapping.segments, &scope, &lines);
        self.out
    }

    /// Writes segments and groups, each as often as its rule says.
    fn write(&mut self, rules: &'a [SegmentRule], scope: &Scope<'a>, lines: &[&'a Line]) {
        for rule in rules {
            match rule.each {
                None => self.block(&rule.block, scope, lines),
                Some(each) => {
                    for turn in scope.each(each, lines) {
                        self.block(&rule.block, &turn, lines);
                    }
                }
            }
        }
    }

    fn block(&mut self, block: &'a Block, scope: &Scope<'a>, lines: &[&'a Line]) {
        match block {
            Block::Segment(id) => self.segment(id, scope),
            Block::Group(rules) => self.write(rules, scope, lines),
        }
    }

    fn segment(&mut self, id: &str, scope: &Scope<'a>) {
        self.collect(id, scope);
        self.segment.begin(id);
        let mut says_something = false;
        for (number, value) in &self.values {
            self.field.clear();
            value.write(scope, &mut self.field);
            let text = self.field.finish();
            if !text.is_empty() {
                self.segment.set(*number, self.charset.encode(text));
                says_something = true;
            }
        }
        if says_something {
            self.segment.write_to(&mut self.out, Delimiters::default());
        }
    }

    /// What the fields of a segment say; where a charge line has its own word, that.
    fn collect(&mut self, id: &str, scope: &Scope<'a>) {
        let own = scope.charge.map(|(_, line)| &line.fields);
        let first = FieldName::new(id, 0);
        self.values.clear();
        for fields in [Some(&self.mapping.fields), own].into_iter().flatten() {
            let of_segment = fields.range(&first..).take_while(|(name, _)| name.segment == id);
            for (name, value) in of_segment {
                match self.values.binary_search_by_key(&name.number, |(number, _)| *number) {
                    Ok(known) => self.values[known].1 = value,
                    Err(place) => self.values.insert(place, (name.number, value)),
                }
            }
        }
    }
}

/// The charge lines that are sent for an exam, in the order of the option.
pub(crate) fn sent<'a>(mapping: &'a Mapping, scope: &Scope<'_>) -> Vec<&'a Line> {
    let holds = |line: &&Line| line.when.as_ref().is_none_or(|condition| condition.holds(scope));
    mapping.lines.iter().filter(holds).collect()
}
