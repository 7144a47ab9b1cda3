//! A message taken apart into segments and fields, so that a broken sender can change one of
//! them. What is not changed goes back byte for byte.

use crate::hl7::{Delimiters, Message};

/// A message in parts.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    delimiters: Delimiters,
    lines: Vec<Line>,
}

/// One segment in fields; the first is its id.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    delimiters: Delimiters,
    fields: Vec<Vec<u8>>,
}

impl Draft {
    /// Takes `payload` apart.
    pub(crate) fn of(payload: &[u8]) -> Self {
        let message = Message::read(payload);
        let delimiters = message.delimiters();
        let lines = message.segments().map(|segment| Line::of(segment.raw(), delimiters));
        Self { delimiters, lines: lines.collect() }
    }

    /// The message, each segment ended by a carriage return.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for line in &self.lines {
            bytes.extend_from_slice(&line.fields.join(&self.delimiters.field));
            bytes.push(b'\r');
        }
        bytes
    }

    /// Copies of the segments called `id`.
    pub(crate) fn lines(&self, id: &str) -> Vec<Line> {
        self.lines.iter().filter(|line| line.is(id)).cloned().collect()
    }

    /// Changes each segment called `id`.
    pub(crate) fn each(&mut self, id: &str, change: impl FnMut(&mut Line)) {
        self.lines.iter_mut().filter(|line| line.is(id)).for_each(change);
    }

    /// Puts `lines` in the place of all segments called `id`.
    pub(crate) fn replace(&mut self, id: &str, lines: Vec<Line>) {
        let at = self.position(id);
        self.lines.retain(|line| !line.is(id));
        self.lines.splice(at..at, lines);
    }

    /// Puts `lines` ahead of the first segment called `id`.
    pub(crate) fn insert_before(&mut self, id: &str, lines: Vec<Line>) {
        let at = self.position(id);
        self.lines.splice(at..at, lines);
    }

    /// Adds a segment at the end.
    pub(crate) fn append(&mut self, raw: &str) {
        self.lines.push(Line::of(raw.as_bytes(), self.delimiters));
    }

    /// Numbers the segments called `id` from 1 in their first field.
    pub(crate) fn number(&mut self, id: &str) {
        let mut next = 0;
        self.each(id, |line| {
            next += 1;
            line.set(1, next.to_string());
        });
    }

    fn position(&self, id: &str) -> usize {
        self.lines.iter().position(|line| line.is(id)).unwrap_or(self.lines.len())
    }
}

impl Line {
    fn of(raw: &[u8], delimiters: Delimiters) -> Self {
        let fields = raw.split(|byte| *byte == delimiters.field).map(<[u8]>::to_vec).collect();
        Self { delimiters, fields }
    }

    fn is(&self, id: &str) -> bool {
        self.fields.first().is_some_and(|first| first == id.as_bytes())
    }

    /// Where HL7's field `number` stands: MSH-1 is the separator itself.
    fn place(&self, number: usize) -> usize {
        if self.is("MSH") { number - 1 } else { number }
    }

    /// Field `number` as text; empty if absent.
    pub(crate) fn text(&self, number: usize) -> String {
        let field = self.fields.get(self.place(number));
        field.map(|raw| String::from_utf8_lossy(raw).into_owned()).unwrap_or_default()
    }

    /// Sets field `number`; empty fields at the end are left out.
    pub(crate) fn set(&mut self, number: usize, value: impl Into<Vec<u8>>) {
        let place = self.place(number);
        if self.fields.len() <= place {
            self.fields.resize(place + 1, Vec::new());
        }
        self.fields[place] = value.into();
        while self.fields.last().is_some_and(Vec::is_empty) {
            self.fields.pop();
        }
    }

    /// Sets component `component` of field `number`, from 1.
    pub(crate) fn set_component(&mut self, number: usize, component: usize, value: &str) {
        let mut parts = self.parts(number, self.delimiters.component);
        if parts.len() < component {
            parts.resize(component, Vec::new());
        }
        parts[component - 1] = value.into();
        self.set(number, parts.join(&self.delimiters.component));
    }

    /// Writes the repetitions of field `number` in reverse.
    pub(crate) fn reverse_repetitions(&mut self, number: usize) {
        let mut parts = self.parts(number, self.delimiters.repetition);
        parts.reverse();
        self.set(number, parts.join(&self.delimiters.repetition));
    }

    /// Leaves out the last repetition of field `number`.
    pub(crate) fn drop_last_repetition(&mut self, number: usize) {
        let mut parts = self.parts(number, self.delimiters.repetition);
        parts.pop();
        self.set(number, parts.join(&self.delimiters.repetition));
    }

    /// Leaves out the repetitions of field `number` that `keep` does not want.
    pub(crate) fn keep_repetitions(&mut self, number: usize, keep: impl Fn(&[u8]) -> bool) {
        let mut parts = self.parts(number, self.delimiters.repetition);
        parts.retain(|part| keep(part));
        self.set(number, parts.join(&self.delimiters.repetition));
    }

    fn parts(&self, number: usize, delimiter: u8) -> Vec<Vec<u8>> {
        let field = self.fields.get(self.place(number)).map(Vec::as_slice).unwrap_or_default();
        field.split(|byte| *byte == delimiter).map(<[u8]>::to_vec).collect()
    }
}
