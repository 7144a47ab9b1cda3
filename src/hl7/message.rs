//! A message as an index over borrowed bytes.
//!
//! One pass notes where segments and fields lie; repetitions and smaller parts are found in the
//! short slice of their field when they are asked for. Reading never fails: bytes without a header
//! are read with the usual delimiters. A message in UTF-16 or UTF-32 is not made readable.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

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
    separators: Vec<usize>,
}

/// Where one segment lies.
#[derive(Clone, Copy)]
struct Span {
    start: usize,
    stop: usize,
    end: SegmentEnd,
    occurrence: usize,
    /// Index into the separators of the first one in this segment.
    separator: usize,
}

impl<'a> Message<'a> {
    /// Reads any bytes.
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Self {
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
        self.value("MSH-9.1")
    }

    /// MSH-9.2, the trigger event, `P03`.
    #[must_use]
    pub fn trigger(&self) -> &'a [u8] {
        self.value("MSH-9.2")
    }

    /// MSH-10, the control id.
    #[must_use]
    pub fn control_id(&self) -> &'a [u8] {
        self.value("MSH-10")
    }

    /// MSH-12.1, the version, `2.4`.
    #[must_use]
    pub fn version(&self) -> &'a [u8] {
        self.value("MSH-12.1")
    }

    /// What MSH-18 says, in its first repetition; ASCII when it is empty or names no charset that
    /// we know.
    #[must_use]
    pub fn charset(&self) -> Charset {
        let name = std::str::from_utf8(self.value("MSH-18.1")).unwrap_or_default();
        Charset::named(name).unwrap_or_default()
    }

    fn index(&mut self) {
        let bytes = self.bytes;
        let mut start = 0;
        let mut separator = 0;
        let mut after_return = false;
        for offset in memchr::memchr3_iter(self.delimiters.field, b'\r', b'\n', bytes) {
            let byte = bytes[offset];
            if byte == self.delimiters.field {
                self.separators.push(offset);
                continue;
            }
            if byte == b'\n' && after_return && offset == start {
                let last = self.spans.last_mut().expect("invariant: a return has closed a segment");
                last.end = SegmentEnd::CrLf;
                after_return = false;
            } else {
                after_return = byte == b'\r';
                let end = if after_return { SegmentEnd::Cr } else { SegmentEnd::Lf };
                self.spans.push(Span { start, stop: offset, end, occurrence: 1, separator });
                separator = self.separators.len();
            }
            start = offset + 1;
        }
        if start < bytes.len() {
            let end = SegmentEnd::None;
            self.spans.push(Span { start, stop: bytes.len(), end, occurrence: 1, separator });
        }
    }

    /// Counts segments of the same id. A real message has a few dozen at most, for which looking
    /// back is quickest; a hostile one must not cost the square of its length.
    fn count_occurrences(&mut self) {
        let id = |span: &Span| id_of(&self.bytes[span.start..span.stop], self.delimiters.field);
        if self.spans.len() <= FEW_SEGMENTS {
            for index in 1..self.spans.len() {
                let own = id(&self.spans[index]);
                let earlier = self.spans[..index].iter().rfind(|span| id(span) == own);
                self.spans[index].occurrence = earlier.map_or(1, |span| span.occurrence + 1);
            }
            return;
        }
        let mut counts: BTreeMap<&[u8], usize> = BTreeMap::new();
        for index in 0..self.spans.len() {
            let count = counts.entry(id(&self.spans[index])).or_default();
            *count += 1;
            self.spans[index].occurrence = *count;
        }
    }

    fn at(&self, span: &Span) -> Segment<'a> {
        Segment {
            raw: &self.bytes[span.start..span.stop],
            start: span.start,
            end: span.end,
            occurrence: span.occurrence,
            delimiters: self.delimiters,
        }
    }

    fn position(&self, id: &str, occurrence: usize) -> Option<usize> {
        self.spans.iter().position(|span| {
            let raw = &self.bytes[span.start..span.stop];
            span.occurrence == occurrence && id_of(raw, self.delimiters.field) == id.as_bytes()
        })
    }

    fn find(&self, path: &Parts<'_>) -> Option<&'a [u8]> {
        let index = self.position(path.segment, path.occurrence)?;
        let field = self.field(index, path.field)?;
        field.get(path.repetition, path.component, path.subcomponent)
    }

    fn field(&self, index: usize, number: usize) -> Option<Field<'a>> {
        let span = &self.spans[index];
        let header = is_header(&self.bytes[span.start..span.stop], self.delimiters.field);
        let next = self.spans.get(index + 1).map_or(self.separators.len(), |next| next.separator);
        let separators = &self.separators[span.separator..next];
        if header && number == 1 {
            return Some(Field::new(&self.bytes[span.start + 3..span.start + 4], self.delimiters, true));
        }
        // In a header the first separator is itself field 1, so all others stand one further on.
        let before = number.checked_sub(1 + usize::from(header))?;
        let start = separators.get(before)? + 1;
        let stop = separators.get(before + 1).copied().unwrap_or(span.stop);
        Some(Field::new(&self.bytes[start..stop], self.delimiters, header && number == 2))
    }
}

impl fmt::Debug for Message<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Message({:?})", visible(self.bytes))
    }
}

const FEW_SEGMENTS: usize = 32;
