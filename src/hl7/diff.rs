//! How two messages differ, field by field.
//!
//! Segments are aligned by id and occurrence. What has no field is not seen here: how segments
//! end, their order, and trailing separators. Bytes are compared by whoever needs them exact.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::visible::visible;
use super::{Message, Segment};

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Where: a field, `FT1[2]-26`, or a whole segment, `FT1[2]`. An occurrence is named when the
    /// id stands more than once in either message.
    pub path: String,
    /// What should be there; empty when nothing should.
    pub expected: Vec<u8>,
    /// What is there; empty when nothing is.
    pub found: Vec<u8>,
}

/// What differs between `expected` and `found`, in the order of `expected`; segments that only
/// `found` has come last.
#[must_use]
pub fn diff(expected: &Message<'_>, found: &Message<'_>) -> Vec<Difference> {
    let counts = counts(expected, found);
    let name = |segment: &Segment<'_>| {
        let id = visible(segment.id());
        match counts.get(segment.id()) {
            Some(&several) if several > 1 => format!("{id}[{}]", segment.occurrence()),
            _ => id,
        }
    };
    let in_found = places(found);
    let in_expected = places(expected);
    let mut differences = Vec::new();
    for segment in filled(expected) {
        match in_found.get(&(segment.id(), segment.occurrence())) {
            Some(other) => fields(&name(&segment), &segment, other, &mut differences),
            None => differences.push(Difference {
                path: name(&segment),
                expected: segment.raw().to_vec(),
                found: Vec::new(),
            }),
        }
    }
    for segment in filled(found) {
        if !in_expected.contains_key(&(segment.id(), segment.occurrence())) {
            let found = segment.raw().to_vec();
            differences.push(Difference { path: name(&segment), expected: Vec::new(), found });
        }
    }
    differences
}

/// How often each id stands, in the message where it stands more often.
fn counts<'a>(expected: &Message<'a>, found: &Message<'a>) -> BTreeMap<&'a [u8], usize> {
    let mut counts = BTreeMap::new();
    for segment in expected.segments().chain(found.segments()) {
        let most = counts.entry(segment.id()).or_insert(1);
        *most = segment.occurrence().max(*most);
    }
    counts
}

fn places<'a>(message: &Message<'a>) -> BTreeMap<(&'a [u8], usize), Segment<'a>> {
    filled(message).map(|segment| ((segment.id(), segment.occurrence()), segment)).collect()
}

/// An empty line is no segment.
fn filled<'a>(message: &Message<'a>) -> impl Iterator<Item = Segment<'a>> {
    message.segments().filter(|segment| !segment.raw().is_empty())
}

fn fields(name: &str, expected: &Segment<'_>, found: &Segment<'_>, out: &mut Vec<Difference>) {
    let (mut left, mut right) = (expected.fields(), found.fields());
    loop {
        let (wanted, seen) = (left.next(), right.next());
        let Some((number, _)) = wanted.or(seen) else {
            return;
        };
        let wanted = wanted.map(|(_, field)| field.raw()).unwrap_or_default();
        let seen = seen.map(|(_, field)| field.raw()).unwrap_or_default();
        if wanted != seen {
            let (path, expected, found) =
                (format!("{name}-{number}"), wanted.to_vec(), seen.to_vec());
            out.push(Difference { path, expected, found });
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::diff;
    use crate::hl7::Message;

    const TWO: &str = "MSH|^~\\&|IRIS\rPID|||1\rFT1|1||9\rFT1|2||9|TC~52\r";

    #[rstest]
    #[case::equal(TWO, TWO, &[])]
    #[case::ends_do_not_count("PID|1\rPV1|1\r", "PID|1\r\nPV1|1", &[])]
    #[case::trailing_separators_do_not_count("PID|1\r", "PID|1||\r", &[])]
    #[case::field_of_a_repeated_segment(
        TWO, "MSH|^~\\&|IRIS\rPID|||1\rFT1|1||9\rFT1|2||9|TC\r", &[("FT1[2]-4", "TC~52", "TC")])]
    #[case::field_of_a_single_segment("PID|||1\r", "PID|||2\r", &[("PID-3", "1", "2")])]
    #[case::header_counts_its_separator("MSH|^~\\&|A\r", "MSH|^~\\&|B\r", &[("MSH-3", "A", "B")])]
    #[case::encoding_characters("MSH|^~\\&|A\r", "MSH|*~\\&|A\r", &[("MSH-2", "^~\\&", "*~\\&")])]
    #[case::missing_segment(
        TWO, "MSH|^~\\&|IRIS\rPID|||1\rFT1|1||9\r", &[("FT1[2]", "FT1|2||9|TC~52", "")])]
    #[case::extra_segment("PID|1\r", "PID|1\rZX1|9\r", &[("ZX1", "", "ZX1|9")])]
    #[case::field_that_should_not_be("PID|1\r", "PID|1||3\r", &[("PID-3", "", "3")])]
    #[case::several_fields("PV1|1|O|A\r", "PV1|2|O|B\r", &[("PV1-1", "1", "2"), ("PV1-3", "A", "B")])]
    fn differences_are_named_by_field(
        #[case] expected: &str,
        #[case] found: &str,
        #[case] wanted: &[(&str, &str, &str)],
    ) {
        let differences =
            diff(&Message::read(expected.as_bytes()), &Message::read(found.as_bytes()));
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let seen: Vec<_> = differences
            .iter()
            .map(|d| (d.path.clone(), text(&d.expected), text(&d.found)))
            .collect();
        let wanted: Vec<_> = wanted
            .iter()
            .map(|(p, e, f)| ((*p).to_owned(), (*e).to_owned(), (*f).to_owned()))
            .collect();
        assert_eq!(seen, wanted);
    }
}
