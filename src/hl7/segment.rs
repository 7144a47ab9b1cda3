//! One segment of a message and what it is made of: fields, repetitions, components,
//! subcomponents.
//!
//! Everything here is a slice of the message's own bytes, found by scanning when it is asked for.
//! Nothing is unescaped or decoded here.

use std::fmt;
use std::ops::Range;

use super::delimiters::is_header;
use super::visible::visible;
use super::{Delimiters, Path};

/// How a segment ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentEnd {
    /// A carriage return, as HL7 asks.
    Cr,
    /// A line feed alone.
    Lf,
    /// A carriage return and a line feed.
    CrLf,
    /// Nothing: the message ends here.
    None,
}

impl SegmentEnd {
    /// The bytes of the end.
    #[must_use]
    pub const fn as_bytes(self) -> &'static [u8] {
        match self {
            Self::Cr => b"\r",
            Self::Lf => b"\n",
            Self::CrLf => b"\r\n",
            Self::None => b"",
        }
    }
}

/// One segment.
#[derive(Clone, Copy)]
pub struct Segment<'a> {
    pub(super) raw: &'a [u8],
    pub(super) start: usize,
    pub(super) end: SegmentEnd,
    pub(super) occurrence: usize,
    pub(super) delimiters: Delimiters,
}

impl<'a> Segment<'a> {
    /// What stands before the first field separator, `FT1`; usually three letters, and empty on an
    /// empty line.
    #[must_use]
    pub fn id(&self) -> &'a [u8] {
        id_of(self.raw, self.delimiters.field)
    }

    /// Which of the segments with this id it is, from 1.
    #[must_use]
    pub const fn occurrence(&self) -> usize {
        self.occurrence
    }

    /// Its bytes without its end.
    #[must_use]
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Where [`raw`](Self::raw) lies in the message.
    #[must_use]
    pub const fn range(&self) -> Range<usize> {
        self.start..self.start + self.raw.len()
    }

    /// How it ends.
    #[must_use]
    pub const fn end(&self) -> SegmentEnd {
        self.end
    }

    /// The delimiters of its message.
    #[must_use]
    pub const fn delimiters(&self) -> Delimiters {
        self.delimiters
    }

    /// Field `number`, from 1; none when the segment ends before it. In a header, field 1 is the
    /// separator itself.
    #[must_use]
    pub fn field(&self, number: usize) -> Option<Field<'a>> {
        self.fields().nth(number.checked_sub(1)?).map(|(_, field)| field)
    }

    /// Every field with its number, from 1, empty ones too.
    pub fn fields(&self) -> impl Iterator<Item = (usize, Field<'a>)> + use<'a> {
        let header = is_header(self.raw, self.delimiters.field);
        let begin = if header { 3 } else { self.id().len() + 1 };
        Fields { rest: self.raw.get(begin..), header, next: 1, delimiters: self.delimiters }
    }

    /// What `path` names within this segment, whatever segment and occurrence it says.
    #[must_use]
    pub fn get(&self, path: &Path) -> Option<&'a [u8]> {
        self.field(path.field)?.at(path)
    }
}

impl fmt::Debug for Segment<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Segment({:?}, {:?})", visible(self.raw), self.end)
    }
}

pub(super) fn id_of(segment: &[u8], field: u8) -> &[u8] {
    // An id is three letters; looking there first spares the scan.
    let end = match segment {
        [a, b, c, separator, ..] if *separator == field && ![*a, *b, *c].contains(&field) => 3,
        _ => memchr::memchr(field, segment).unwrap_or(segment.len()),
    };
    &segment[..end]
}

/// Every field of a segment with its number.
struct Fields<'a> {
    rest: Option<&'a [u8]>,
    header: bool,
    next: usize,
    delimiters: Delimiters,
}

impl<'a> Iterator for Fields<'a> {
    type Item = (usize, Field<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest?;
        let number = self.next;
        self.next += 1;
        let raw = if self.header && number == 1 {
            self.rest = rest.get(1..);
            &rest[..1]
        } else {
            let end = memchr::memchr(self.delimiters.field, rest);
            self.rest = end.map(|end| &rest[end + 1..]);
            &rest[..end.unwrap_or(rest.len())]
        };
        Some((number, Field::new(raw, self.delimiters, self.header && number <= 2)))
    }
}

/// One field.
#[derive(Clone, Copy)]
pub struct Field<'a> {
    raw: &'a [u8],
    delimiters: Delimiters,
    /// MSH-1 and MSH-2 hold the delimiters themselves and so are not split by them.
    literal: bool,
}

impl<'a> Field<'a> {
    pub(super) const fn new(raw: &'a [u8], delimiters: Delimiters, literal: bool) -> Self {
        Self { raw, delimiters, literal }
    }

    /// Its bytes.
    #[must_use]
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// The delimiters of its message.
    #[must_use]
    pub const fn delimiters(&self) -> Delimiters {
        self.delimiters
    }

    /// Its repetitions, in order; one, even when the field is empty.
    pub fn repetitions(&self) -> impl Iterator<Item = Repetition<'a>> + use<'a> {
        let delimiters = self.delimiters;
        let literal = self.literal;
        let raws = split(self.raw, (!literal).then_some(delimiters.repetition));
        raws.map(move |raw| Repetition { raw, delimiters, literal })
    }

    /// Repetition `number`, from 1.
    #[must_use]
    pub fn repetition(&self, number: usize) -> Option<Repetition<'a>> {
        self.repetitions().nth(number.checked_sub(1)?)
    }

    /// Component `number`, from 1, of the first repetition.
    #[must_use]
    pub fn component(&self, number: usize) -> Option<&'a [u8]> {
        self.repetition(1)?.component(number)
    }

    /// What `path` names within this field, whatever segment and field it says.
    #[must_use]
    pub fn at(&self, path: &Path) -> Option<&'a [u8]> {
        self.get(path.repetition, path.component, path.subcomponent)
    }

    /// The named part of this field: the whole of it when nothing is named, the first repetition
    /// when only a smaller part is.
    pub(super) fn get(
        &self,
        repetition: Option<usize>,
        component: Option<usize>,
        subcomponent: Option<usize>,
    ) -> Option<&'a [u8]> {
        if repetition.is_none() && component.is_none() {
            return Some(self.raw);
        }
        let part =
            |bytes, separator, number| nth(bytes, (!self.literal).then_some(separator), number);
        let repetition = part(self.raw, self.delimiters.repetition, repetition.unwrap_or(1))?;
        let Some(component) = component else {
            return Some(repetition);
        };
        let component = part(repetition, self.delimiters.component, component)?;
        match subcomponent {
            None => Some(component),
            Some(number) => part(component, self.delimiters.subcomponent, number),
        }
    }
}

impl fmt::Debug for Field<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Field({:?})", visible(self.raw))
    }
}

/// One repetition of a field.
#[derive(Clone, Copy)]
pub struct Repetition<'a> {
    raw: &'a [u8],
    delimiters: Delimiters,
    literal: bool,
}

impl<'a> Repetition<'a> {
    /// Its bytes.
    #[must_use]
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Its components, in order; one, even when the repetition is empty.
    pub fn components(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        split(self.raw, (!self.literal).then_some(self.delimiters.component))
    }

    /// Component `number`, from 1.
    #[must_use]
    pub fn component(&self, number: usize) -> Option<&'a [u8]> {
        self.components().nth(number.checked_sub(1)?)
    }

    /// Subcomponent `number`, from 1, of component `component`, from 1.
    #[must_use]
    pub fn subcomponent(&self, component: usize, number: usize) -> Option<&'a [u8]> {
        let component = self.component(component)?;
        let separator = (!self.literal).then_some(self.delimiters.subcomponent);
        split(component, separator).nth(number.checked_sub(1)?)
    }
}

impl fmt::Debug for Repetition<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Repetition({:?})", visible(self.raw))
    }
}

/// Splits at `separator`, or not at all when there is none.
fn split(bytes: &[u8], separator: Option<u8>) -> impl Iterator<Item = &[u8]> {
    bytes.split(move |&byte| Some(byte) == separator)
}

/// Part `number`, from 1, of what [`split`] gives, found without looking at what comes after it.
#[inline]
fn nth(bytes: &[u8], separator: Option<u8>, number: usize) -> Option<&[u8]> {
    let Some(separator) = separator else {
        return (number == 1).then_some(bytes);
    };
    let mut rest = bytes;
    for _ in 1..number {
        rest = &rest[memchr::memchr(separator, rest)? + 1..];
    }
    let end = memchr::memchr(separator, rest).unwrap_or(rest.len());
    (number > 0).then_some(&rest[..end])
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::hl7::{Message, Path};

    const BYTES: &[u8] = b"MSH|^~\\&|IRIS|A~B^C\rPID||1^2&3^4~5^6|\rNTE\r";

    #[rstest]
    #[case::separator_is_field_1("MSH-1", Some("|"))]
    #[case::encoding_characters_are_field_2("MSH-2", Some("^~\\&"))]
    #[case::encoding_characters_are_not_split("MSH-2.1", Some("^~\\&"))]
    #[case::encoding_characters_have_no_more_parts("MSH-2.2", None)]
    #[case::first_after_them("MSH-3", Some("IRIS"))]
    #[case::last("MSH-4", Some("A~B^C"))]
    #[case::beyond("MSH-5", None)]
    #[case::empty("PID-1", Some(""))]
    #[case::whole("PID-2", Some("1^2&3^4~5^6"))]
    #[case::trailing_separator("PID-3", Some(""))]
    #[case::past_it("PID-4", None)]
    #[case::repetition("PID-2[2]", Some("5^6"))]
    #[case::no_such_repetition("PID-2[3]", None)]
    #[case::component_is_of_the_first("PID-2.1", Some("1"))]
    #[case::component_with_parts("PID-2.2", Some("2&3"))]
    #[case::subcomponent("PID-2.2.2", Some("3"))]
    #[case::subcomponent_of_a_plain_one("PID-2.3.1", Some("4"))]
    #[case::no_such_subcomponent("PID-2.2.3", None)]
    #[case::component_of_a_repetition("PID-2[2].2", Some("6"))]
    #[case::no_field_at_all("NTE-1", None)]
    #[case::no_such_segment("PV1-1", None)]
    #[case::no_such_occurrence("PID[2]-1", None)]
    fn a_place_is_the_same_by_message_and_by_segment(
        #[case] path: &str,
        #[case] expected: Option<&str>,
    ) {
        let (message, path) = (Message::read(BYTES), Path::literal(path));
        let expected = expected.map(str::as_bytes);
        assert_eq!(message.get(&path), expected);
        let segment = message.segment(&path.segment, path.occurrence);
        assert_eq!(segment.and_then(|segment| segment.get(&path)), expected);
    }

    #[test]
    fn fields_count_from_1_with_the_empty_ones() {
        let message = Message::read(BYTES);
        let fields = |id| -> Vec<(usize, &[u8])> {
            message.segment(id, 1).unwrap().fields().map(|(n, field)| (n, field.raw())).collect()
        };
        let header: [(usize, &[u8]); 4] = [(1, b"|"), (2, b"^~\\&"), (3, b"IRIS"), (4, b"A~B^C")];
        assert_eq!(fields("MSH"), header);
        let patient: [(usize, &[u8]); 3] = [(1, b""), (2, b"1^2&3^4~5^6"), (3, b"")];
        assert_eq!(fields("PID"), patient);
        assert_eq!(fields("NTE"), []);
    }
}
