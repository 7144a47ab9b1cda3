//! A message as an index over borrowed bytes.
//!
//! One pass notes where segments and fields lie; repetitions and smaller parts are found in the
//! short slice of their field when they are asked for. Reading never fails: bytes without a header
//! are read with the usual delimiters. A message in UTF-16 or UTF-32 is not made readable.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use super::delimiters::is_header;
use super::path::Parts;
use super::segment::id_of;
use super::visible::visible;
use super::{Charset, Delimiters, Field, Path, Segment, SegmentEnd, escape};

/// A message, borrowed from the bytes that it was read from.
///
/// ```
/// use chargeproof::hl7::Message;
/// let message = Message::read(b"MSH|^~\\&|IRIS\rFT1|1||273013\r");
/// assert_eq!(message.value("FT1-3"), b"273013");
/// ```
#[derive(Clone)]
pub struct Message<'a> {
    bytes: &'a [u8],
    delimiters: Delimiters,
    has_header: bool,
    spans: Vec<Span>,
    /// Offsets of the field separators, all segments in order.
    separators: Vec<u32>,
}

/// Where one segment lies.
#[derive(Clone, Copy)]
struct Span {
    start: u32,
    stop: u32,
    /// Index into the separators of the first one in this segment.
    separator: u32,
    occurrence: u32,
    /// Its id, if that has three letters; 0 otherwise.
    id: u32,
    end: SegmentEnd,
}

impl Span {
    const fn range(&self) -> Range<usize> {
        self.start as usize..self.stop as usize
    }
}

/// The segment that the index is in.
#[derive(Default)]
struct Opened {
    start: u32,
    /// Index of its first separator.
    separator: u32,
    /// Whether the segment before it ended in a return.
    after_return: bool,
}

impl<'a> Message<'a> {
    /// Reads any bytes. What lies beyond four gigabytes is not read.
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Self {
        let bytes = &bytes[..bytes.len().min(u32::MAX as usize)];
        let declared = Delimiters::declared(bytes);
        let mut message = Self {
            bytes,
            delimiters: declared.unwrap_or_default(),
            has_header: declared.is_some() && bytes.starts_with(b"MSH"),
            spans: Vec::with_capacity(8),
            separators: Vec::with_capacity(bytes.len() / 8 + 8),
        };
        message.index();
        message.count_occurrences();
        message
    }

    /// Reads the header of a message alone, for whoever asks for nothing else; all of it where it
    /// does not begin with one.
    #[must_use]
    pub fn read_header(bytes: &'a [u8]) -> Self {
        let end = match bytes.starts_with(b"MSH") {
            true => memchr::memchr2(b'\r', b'\n', bytes).map_or(bytes.len(), |end| end + 1),
            false => bytes.len(),
        };
        Self::read(&bytes[..end])
    }

    /// What it was read from, byte for byte.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Whether it begins with an MSH that declares a field separator.
    #[must_use]
    pub const fn has_header(&self) -> bool {
        self.has_header
    }

    /// The delimiters that its header declares, or the usual ones.
    #[must_use]
    pub const fn delimiters(&self) -> Delimiters {
        self.delimiters
    }

    /// Every segment in order, empty lines too.
    pub fn segments(&self) -> impl Iterator<Item = Segment<'a>> {
        self.spans.iter().map(|span| self.at(span))
    }

    /// The segment with this id, the `occurrence`-th from 1.
    #[must_use]
    pub fn segment(&self, id: &str, occurrence: usize) -> Option<Segment<'a>> {
        self.position(id, occurrence).map(|index| self.at(&self.spans[index]))
    }

    /// The raw bytes of what `path` names; none when the message does not reach that far, an empty
    /// slice when it is there and empty. A path without a repetition and a component is the whole
    /// field, one with a component and without a repetition is in the first.
    #[must_use]
    pub fn get(&self, path: &Path) -> Option<&'a [u8]> {
        self.find(&path.parts())
    }

    /// The text of what `path` names, unescaped and decoded by MSH-18; empty when absent. A byte
    /// that the charset does not have reads as the replacement character.
    #[must_use]
    pub fn text(&self, path: &Path) -> String {
        self.decoded(self.get(path).unwrap_or_default())
    }

    /// The text of some of this message's raw bytes, unescaped and decoded by MSH-18.
    #[must_use]
    pub fn decoded(&self, raw: &[u8]) -> String {
        let charset = self.charset();
        match escape::unescape(raw, self.delimiters) {
            Cow::Borrowed(bytes) => charset.decode(bytes).into_owned(),
            Cow::Owned(bytes) => charset.decode(&bytes).into_owned(),
        }
    }

    /// The raw bytes of what a path written in this program names; empty when absent.
    ///
    /// # Panics
    /// When `path` is no path, which is our own bug.
    #[must_use]
    pub fn value(&self, path: &str) -> &'a [u8] {
        self.find(&Parts::literal(path)).unwrap_or_default()
    }

    /// MSH-9.1, the code of its type, `DFT`.
    #[must_use]
    pub fn code(&self) -> &'a [u8] {
        self.header(9, Some(1))
    }

    /// MSH-9.2, the trigger event, `P03`.
    #[must_use]
    pub fn trigger(&self) -> &'a [u8] {
        self.header(9, Some(2))
    }

    /// MSH-10, the control id.
    #[must_use]
    pub fn control_id(&self) -> &'a [u8] {
        self.header(10, None)
    }

    /// MSH-12.1, the version, `2.4`.
    #[must_use]
    pub fn version(&self) -> &'a [u8] {
        self.header(12, Some(1))
    }

    /// What MSH-18 says, in its first repetition; ASCII when it is empty or names no charset that
    /// we know.
    #[must_use]
    pub fn charset(&self) -> Charset {
        let name = std::str::from_utf8(self.header(18, Some(1))).unwrap_or_default();
        Charset::named(name).unwrap_or_default()
    }

    /// Notes every separator and every segment. Eight bytes are looked at in one step: a search
    /// that starts anew after each find is slower where finds are as close as fields are.
    fn index(&mut self) {
        let bytes = self.bytes;
        let mut open = Opened::default();
        let field = u64::from_ne_bytes([self.delimiters.field; 8]);
        let (words, _) = bytes.as_chunks::<8>();
        for (index, word) in words.iter().enumerate() {
            let word = u64::from_le_bytes(*word);
            // Both ends of a segment are control characters, of which a message has few others.
            let mut hits = zeros(word ^ field) | zeros(word & u64::from_ne_bytes([0xf0; 8]));
            while hits != 0 {
                let within = hits.trailing_zeros() / 8;
                self.note(index * 8 + within as usize, &mut open);
                hits &= hits - 1;
            }
        }
        for offset in words.len() * 8..bytes.len() {
            self.note(offset, &mut open);
        }
        if (open.start as usize) < bytes.len() {
            self.close(&open, bytes.len() as u32, SegmentEnd::None);
        }
    }

    /// Notes the separator or segment end at `offset`, if one is there.
    #[inline]
    fn note(&mut self, offset: usize, open: &mut Opened) {
        let byte = self.bytes[offset];
        if byte == self.delimiters.field {
            self.separators.push(offset as u32);
        } else if matches!(byte, b'\r' | b'\n') {
            self.note_end(byte, offset as u32, open);
        }
    }

    fn note_end(&mut self, byte: u8, offset: u32, open: &mut Opened) {
        if byte == b'\n' && open.after_return && offset == open.start {
            let last = self.spans.last_mut().expect("invariant: a return has closed a segment");
            last.end = SegmentEnd::CrLf;
            open.after_return = false;
        } else {
            open.after_return = byte == b'\r';
            let end = if open.after_return { SegmentEnd::Cr } else { SegmentEnd::Lf };
            self.close(open, offset, end);
            open.separator = self.separators.len() as u32;
        }
        open.start = offset + 1;
    }

    fn close(&mut self, open: &Opened, stop: u32, end: SegmentEnd) {
        let Opened { start, separator, .. } = *open;
        let first = self.separators.get(separator as usize).copied().unwrap_or(stop);
        let id = match &self.bytes[start as usize..first as usize] {
            [a, b, c] => packed([*a, *b, *c]),
            _ => 0,
        };
        self.spans.push(Span { start, stop, end, occurrence: 1, separator, id });
    }

    /// Counts segments of the same id. A real message has a few dozen at most, for which looking
    /// back is quickest; a hostile one must not cost the square of its length.
    fn count_occurrences(&mut self) {
        let id = |span: &Span| id_of(&self.bytes[span.range()], self.delimiters.field);
        if self.spans.len() <= FEW_SEGMENTS {
            for index in 1..self.spans.len() {
                let own = self.spans[index];
                let same =
                    |span: &&Span| span.id == own.id && (own.id != 0 || id(span) == id(&own));
                let earlier = self.spans[..index].iter().rfind(same);
                self.spans[index].occurrence = earlier.map_or(1, |span| span.occurrence + 1);
            }
            return;
        }
        let mut counts: BTreeMap<&[u8], u32> = BTreeMap::new();
        for index in 0..self.spans.len() {
            let count = counts.entry(id(&self.spans[index])).or_default();
            *count += 1;
            self.spans[index].occurrence = *count;
        }
    }

    fn at(&self, span: &Span) -> Segment<'a> {
        Segment {
            raw: &self.bytes[span.range()],
            start: span.start as usize,
            end: span.end,
            occurrence: span.occurrence as usize,
            delimiters: self.delimiters,
        }
    }

    fn position(&self, id: &str, occurrence: usize) -> Option<usize> {
        let occurrence = u32::try_from(occurrence).ok()?;
        if let [a, b, c] = *id.as_bytes() {
            let id = packed([a, b, c]);
            let mut spans = self.spans.iter();
            return spans.position(|span| span.id == id && span.occurrence == occurrence);
        }
        let field = self.delimiters.field;
        self.spans.iter().position(|span| {
            let raw = &self.bytes[span.range()];
            span.occurrence == occurrence && id_of(raw, field) == id.as_bytes()
        })
    }

    fn find(&self, path: &Parts<'_>) -> Option<&'a [u8]> {
        let index = self.position(path.segment, path.occurrence)?;
        let field = self.field(index, path.field)?;
        field.get(path.repetition, path.component, path.subcomponent)
    }

    /// The segments at these positions, from 0, each with its id.
    pub(crate) fn ids(
        &self,
        positions: Range<usize>,
    ) -> impl DoubleEndedIterator<Item = (usize, &'a [u8])> {
        let stop = positions.end.min(self.spans.len());
        let start = positions.start.min(stop);
        let field = self.delimiters.field;
        let spans = self.spans[start..stop].iter().enumerate();
        spans.map(move |(at, span)| (start + at, id_of(&self.bytes[span.range()], field)))
    }

    /// Field `number`, from 1, of the segment that stands at `index`, from 0; none when the segment
    /// ends before it.
    pub(crate) fn field(&self, index: usize, number: usize) -> Option<Field<'a>> {
        let span = &self.spans[index];
        let segment = span.range();
        let header = is_header(&self.bytes[segment.clone()], self.delimiters.field);
        if header && number == 1 {
            let separator = segment.start + 3..segment.start + 4;
            return Some(Field::new(&self.bytes[separator], self.delimiters, true));
        }
        let next = self.spans.get(index + 1);
        let next = next.map_or(self.separators.len(), |next| next.separator as usize);
        let separators = &self.separators[span.separator as usize..next];
        // In a header the first separator is itself field 1, so all others stand one further on.
        let before = number.checked_sub(1 + usize::from(header))?;
        let start = *separators.get(before)? as usize + 1;
        let stop = separators.get(before + 1).copied().unwrap_or(span.stop) as usize;
        Some(Field::new(&self.bytes[start..stop], self.delimiters, header && number == 2))
    }

    /// A field of the first header, or a component of it; empty when absent.
    pub(in crate::hl7) fn header(&self, field: usize, component: Option<usize>) -> &'a [u8] {
        let (repetition, subcomponent) = (None, None);
        let parts =
            Parts { segment: "MSH", occurrence: 1, field, repetition, component, subcomponent };
        self.find(&parts).unwrap_or_default()
    }
}

impl fmt::Debug for Message<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Message({:?})", visible(self.bytes))
    }
}

const FEW_SEGMENTS: usize = 32;

/// An id of three letters as a number that no other id has, and never 0.
const fn packed([a, b, c]: [u8; 3]) -> u32 {
    u32::from_be_bytes([1, a, b, c])
}

/// The highest bit of every byte of `word` that is zero, and no other bit.
const fn zeros(word: u64) -> u64 {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    !(((word & LOW) + LOW) | word | LOW)
}

#[cfg(test)]
mod tests {
    use quickcheck::{Arbitrary, Gen, quickcheck};
    use rstest::rstest;

    use super::Message;
    use crate::hl7::{Path, SegmentEnd};

    #[rstest]
    #[case::returns("A|1\rB|2\r", &[("A|1", SegmentEnd::Cr), ("B|2", SegmentEnd::Cr)])]
    #[case::no_final_return("A|1\rB|2", &[("A|1", SegmentEnd::Cr), ("B|2", SegmentEnd::None)])]
    #[case::line_feeds("A|1\nB|2\n", &[("A|1", SegmentEnd::Lf), ("B|2", SegmentEnd::Lf)])]
    #[case::both("A|1\r\nB|2\r\n", &[("A|1", SegmentEnd::CrLf), ("B|2", SegmentEnd::CrLf)])]
    #[case::mixed("A\rB\nC\r\nD", &[
        ("A", SegmentEnd::Cr), ("B", SegmentEnd::Lf), ("C", SegmentEnd::CrLf), ("D", SegmentEnd::None)])]
    #[case::empty_lines("A\r\r\n\n", &[("A", SegmentEnd::Cr), ("", SegmentEnd::CrLf), ("", SegmentEnd::Lf)])]
    #[case::feed_first("\n\rA", &[("", SegmentEnd::Lf), ("", SegmentEnd::Cr), ("A", SegmentEnd::None)])]
    #[case::nothing("", &[])]
    fn segments_end_where_any_line_ends(
        #[case] bytes: &str,
        #[case] expected: &[(&str, SegmentEnd)],
    ) {
        let message = Message::read(bytes.as_bytes());
        let found: Vec<_> = message.segments().map(|s| (s.raw(), s.end())).collect();
        let expected: Vec<_> = expected.iter().map(|(raw, end)| (raw.as_bytes(), *end)).collect();
        assert_eq!(found, expected);
    }

    #[rstest]
    #[case::few(3)]
    #[case::many(100)]
    fn occurrences_count_by_id(#[case] pairs: usize) {
        let bytes = "FT1|1\rZX1|1\r".repeat(pairs);
        let message = Message::read(bytes.as_bytes());
        let seen: Vec<_> = message.segments().map(|s| (s.id(), s.occurrence())).collect();
        let expected: Vec<_> =
            (1..=pairs).flat_map(|n| [(&b"FT1"[..], n), (&b"ZX1"[..], n)]).collect();
        assert_eq!(seen, expected);
        assert_eq!(
            message.segment("ZX1", pairs).unwrap().range(),
            bytes.len() - 6..bytes.len() - 1
        );
    }

    #[rstest]
    #[case::code("code")]
    #[case::others("delimiters")]
    fn the_header_is_read_by_its_own_delimiters(#[case] which: &str) {
        let bytes: &[u8] = match which {
            "code" => {
                b"MSH|^~\\&|IRIS|IRIS|E|F|2020||DFT^P03|200130165606|T|2.4^USA|||NE|AL||8859/1\r"
            }
            _ => b"MSH#*!\\%#IRIS#IRIS#E#F#2020##DFT*P03#200130165606#T#2.4*USA###NE#AL##8859/1\r",
        };
        let message = Message::read(bytes);
        assert!(message.has_header());
        assert_eq!((message.code(), message.trigger()), (&b"DFT"[..], &b"P03"[..]));
        assert_eq!((message.control_id(), message.version()), (&b"200130165606"[..], &b"2.4"[..]));
        assert_eq!(message.charset().name(), "8859/1");
    }

    #[test]
    fn text_is_unescaped_and_decoded_by_the_charset_of_the_message() {
        let bytes = b"MSH|^~\\&|||||||||||||||8859/1\rPID|||||Zo\xeb \\T\\ Co^\\XE9\\\r";
        let bytes = [&bytes[..8], b"|", &bytes[8..]].concat();
        let message = Message::read(&bytes);
        assert_eq!(message.text(&Path::literal("PID-5.1")), "Zo\u{eb} & Co");
        assert_eq!(message.text(&Path::literal("PID-5.2")), "\u{e9}");
        assert_eq!(message.text(&Path::literal("PID-6")), "");
    }

    #[rstest]
    #[case::no_header(b"PID|1\r")]
    #[case::byte_order_mark(b"\xef\xbb\xbfMSH|^~\\&|A\r")]
    #[case::cut(b"MS")]
    #[case::batch(b"BHS|^~\\&|A\r")]
    #[case::nothing(b"")]
    fn without_an_msh_there_is_no_header(#[case] bytes: &[u8]) {
        assert!(!Message::read(bytes).has_header());
    }

    #[test]
    fn a_header_within_a_batch_counts_its_separator_too() {
        let message = Message::read(b"FHS|^~\\&|A\rBHS|^~\\&|B\rMSH|^~\\&|C\r");
        assert_eq!(["FHS-3", "BHS-3", "MSH-3"].map(|path| message.value(path)), [b"A", b"B", b"C"]);
    }

    /// Bytes that look enough like a message for every branch to be taken.
    #[derive(Clone, Debug)]
    struct Likely(Vec<u8>);

    impl Arbitrary for Likely {
        fn arbitrary(source: &mut Gen) -> Self {
            const PIECES: [&[u8]; 18] = [
                b"MSH|^~\\&|",
                b"MSH#",
                b"MSH",
                b"FHS|",
                b"\rFT1|",
                b"PID",
                b"|",
                b"^",
                b"~",
                b"&",
                b"\\",
                b"\r",
                b"\n",
                b"\r\n",
                b"\0",
                b"\xe9",
                b"26",
                b"\\T\\",
            ];
            let count = usize::arbitrary(source) % 40;
            let pieces = (0..count).map(|_| *source.choose(&PIECES).unwrap());
            Self(pieces.collect::<Vec<_>>().concat())
        }

        fn shrink(&self) -> Box<dyn Iterator<Item = Self>> {
            Box::new(self.0.shrink().map(Self))
        }
    }

    fn written_back(bytes: &[u8]) -> Vec<u8> {
        let message = Message::read(bytes);
        message.segments().flat_map(|s| [s.raw(), s.end().as_bytes()]).collect::<Vec<_>>().concat()
    }

    quickcheck! {
        fn any_bytes_are_written_back_as_they_came(bytes: Vec<u8>) -> bool {
            written_back(&bytes) == bytes && Message::read(&bytes).bytes() == bytes
        }

        fn any_message_is_written_back_as_it_came(bytes: Likely) -> bool {
            written_back(&bytes.0) == bytes.0
        }

        fn every_range_holds_its_segment(bytes: Likely) -> bool {
            let message = Message::read(&bytes.0);
            let mut segments = message.segments();
            segments.all(|s| bytes.0.get(s.range()) == Some(s.raw()))
        }

        fn index_and_scan_agree_on_every_place(bytes: Likely, field: u8, part: u8) -> bool {
            let message = Message::read(&bytes.0);
            let ids = ["MSH", "FHS", "FT1", "PID"];
            let (field, part) = (usize::from(field % 8) + 1, usize::from(part % 3) + 1);
            ids.iter().flat_map(|id| (1..4).map(move |occurrence| (id, occurrence))).all(|(id, occurrence)| {
                let whole = Path::field(id, field).at(occurrence);
                let smaller = Path { repetition: Some(part), component: Some(part), ..whole.clone() };
                let smallest = Path { subcomponent: Some(part), ..smaller.clone() };
                [whole, smaller, smallest].iter().all(|path| {
                    let _ = message.text(path);
                    let scanned = message.segment(id, occurrence).and_then(|s| s.get(path));
                    message.get(path) == scanned
                })
            })
        }

        fn fields_joined_again_are_the_segment(bytes: Likely) -> bool {
            let message = Message::read(&bytes.0);
            let separator = message.delimiters().field;
            let mut segments = message.segments();
            segments.all(|segment| {
                // Only in a header can a field hold the separator.
                let is_header = segment.field(1).is_some_and(|field| field.raw() == [separator]);
                let mut joined = segment.id().to_vec();
                for (number, field) in segment.fields() {
                    if !(is_header && number <= 2) {
                        joined.push(separator);
                    }
                    joined.extend_from_slice(field.raw());
                }
                joined == segment.raw()
            })
        }
    }
}
