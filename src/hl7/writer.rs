//! Writing one segment.
//!
//! Values are written as they are given: escaping and encoding are the caller's, who knows where a
//! value came from.

use std::ops::Range;

use super::Delimiters;
use super::delimiters::is_header;

/// A segment that is being put together.
///
/// ```
/// use chargeproof::hl7::{Delimiters, SegmentWriter};
/// let mut out = Vec::new();
/// SegmentWriter::new("PID").set(3, "ITCC20170410").set(5, "DOE^JOHN").write_to(&mut out, Delimiters::default());
/// assert_eq!(out, b"PID|||ITCC20170410||DOE^JOHN\r");
/// ```
#[derive(Clone, Debug)]
pub struct SegmentWriter {
    id: String,
    /// What was set, one value after the other.
    values: Vec<u8>,
    /// Where in them each field lies.
    fields: Vec<Range<usize>>,
}

impl SegmentWriter {
    /// A segment without fields.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self { id: id.to_owned(), values: Vec::with_capacity(64), fields: Vec::with_capacity(32) }
    }

    /// Begins another segment in the place of this one.
    pub fn begin(&mut self, id: &str) -> &mut Self {
        self.id.clear();
        self.id.push_str(id);
        self.values.clear();
        self.fields.clear();
        self
    }

    /// Sets field `number`, from 1, to bytes that are already escaped and encoded. In a header,
    /// fields 1 and 2 come from the delimiters and what is set here is not written.
    ///
    /// # Panics
    /// When `number` is 0, which is our own bug.
    pub fn set(&mut self, number: usize, value: impl AsRef<[u8]>) -> &mut Self {
        assert!(number > 0, "invariant: fields count from 1");
        if self.fields.len() < number {
            self.fields.resize(number, 0..0);
        }
        let begin = self.values.len();
        self.values.extend_from_slice(value.as_ref());
        self.fields[number - 1] = begin..self.values.len();
        self
    }

    /// Writes the segment without its trailing empty fields, ended by a carriage return.
    pub fn write_to(&self, out: &mut Vec<u8>, delimiters: Delimiters) {
        out.extend_from_slice(self.id.as_bytes());
        let begin = out.len();
        out.push(delimiters.field);
        let mut first = 0;
        if is_header(&out[begin - self.id.len()..], delimiters.field) {
            out.extend(delimiters.encoding_characters());
            first = 2;
        } else {
            out.truncate(begin);
        }
        let filled =
            self.fields.iter().rposition(|field| !field.is_empty()).map_or(0, |last| last + 1);
        for field in self.fields.iter().take(filled).skip(first) {
            out.push(delimiters.field);
            out.extend_from_slice(&self.values[field.clone()]);
        }
        out.push(b'\r');
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::SegmentWriter;
    use crate::hl7::Delimiters;

    #[rstest]
    #[case::gap("FT1", &[(1, "1"), (3, "273013")], "FT1|1||273013\r")]
    #[case::trailing_empty("PV1", &[(1, "1"), (19, "")], "PV1|1\r")]
    #[case::nothing("NTE", &[], "NTE\r")]
    #[case::header("MSH", &[(3, "IRIS"), (9, "DFT^P03")], "MSH|^~\\&|IRIS||||||DFT^P03\r")]
    #[case::header_alone("MSH", &[], "MSH|^~\\&\r")]
    #[case::header_delimiters_are_not_set("MSH", &[(1, "#"), (2, "junk")], "MSH|^~\\&\r")]
    #[case::last_set_counts("EVN", &[(1, "P11"), (1, "P03")], "EVN|P03\r")]
    fn a_segment_is_written_without_trailing_fields(
        #[case] id: &str,
        #[case] fields: &[(usize, &str)],
        #[case] expected: &str,
    ) {
        let mut writer = SegmentWriter::new(id);
        for (number, value) in fields {
            writer.set(*number, *value);
        }
        let mut out = Vec::new();
        writer.write_to(&mut out, Delimiters::default());
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn a_header_declares_the_delimiters_it_is_written_with() {
        let delimiters = Delimiters { field: b'#', component: b'*', ..Delimiters::default() };
        let mut out = Vec::new();
        SegmentWriter::new("MSH").set(9, "DFT*P03").write_to(&mut out, delimiters);
        assert_eq!(String::from_utf8(out).unwrap(), "MSH#*~\\&#######DFT*P03\r");
    }
}
