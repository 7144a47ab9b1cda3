//! The five delimiters of a message, as its header declares them (HL7 v2 chapter 2, MSH-1 and
//! MSH-2).
//!
//! Does not split anything; it only says at which bytes others split.

use serde::{Deserialize, Serialize};

/// The bytes that structure a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delimiters {
    /// Between fields; MSH-1.
    pub field: u8,
    /// Between components.
    pub component: u8,
    /// Between repetitions of a field.
    pub repetition: u8,
    /// Around an escape sequence; none where the header says that there are no such sequences.
    pub escape: Option<u8>,
    /// Between subcomponents.
    pub subcomponent: u8,
}

impl Default for Delimiters {
    fn default() -> Self {
        Self {
            field: b'|',
            component: b'^',
            repetition: b'~',
            escape: Some(b'\\'),
            subcomponent: b'&',
        }
    }
}

impl Delimiters {
    /// The delimiters that the header at the start of `bytes` declares, or none when `bytes` does
    /// not begin with a header. A delimiter that the header leaves out is the usual one, but for the
    /// escape character where `&` stands in its place as the last: `^~&` leaves out nothing else.
    #[must_use]
    pub fn declared(bytes: &[u8]) -> Option<Self> {
        let usual = Self::default();
        let field = *bytes.get(3)?;
        if !is_header(bytes, field) || field.is_ascii_alphanumeric() || field.is_ascii_control() {
            return None;
        }
        let is_encoding = |byte: &&u8| **byte != field && !matches!(**byte, b'\r' | b'\n');
        let mut encoding = bytes[4..].iter().take_while(is_encoding).copied();
        let (component, repetition) = (encoding.next(), encoding.next());
        let (escape, subcomponent) = match (encoding.next(), encoding.next()) {
            (Some(last), None) if last == usual.subcomponent => (None, Some(last)),
            (escape, subcomponent) => (escape.or(usual.escape), subcomponent),
        };
        Some(Self {
            field,
            component: component.unwrap_or(usual.component),
            repetition: repetition.unwrap_or(usual.repetition),
            escape,
            subcomponent: subcomponent.unwrap_or(usual.subcomponent),
        })
    }

    /// What MSH-2 holds for these delimiters.
    pub fn encoding_characters(&self) -> impl Iterator<Item = u8> + use<> {
        let Self { component, repetition, escape, subcomponent, .. } = *self;
        [component, repetition].into_iter().chain(escape).chain([subcomponent])
    }

    /// Every byte that structures a message, the escape character first where there is one.
    pub(crate) fn all(&self) -> impl Iterator<Item = u8> + use<> {
        let Self { field, component, repetition, escape, subcomponent } = *self;
        escape.into_iter().chain([field, component, repetition, subcomponent])
    }
}

/// Whether a segment is one whose first field is the field separator itself (MSH, and the file and
/// batch headers FHS and BHS).
pub(in crate::hl7) fn is_header(segment: &[u8], field: u8) -> bool {
    matches!(segment, [b'M', b'S', b'H', separator, ..] | [b'F' | b'B', b'H', b'S', separator, ..]
        if *separator == field)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::Delimiters;

    #[rstest]
    #[case::usual(b"MSH|^~\\&|A", Some(*b"|^~\\&"))]
    #[case::others(b"MSH#*~\\&#A", Some(*b"#*~\\&"))]
    #[case::with_truncation(b"MSH|^~\\&#|A", Some(*b"|^~\\&"))]
    #[case::short(b"MSH|*|A", Some(*b"|*~\\&"))]
    #[case::bare(b"MSH|", Some(*b"|^~\\&"))]
    #[case::no_escape_character(b"MSH|^~&|A", Some(*b"|^~\0&"))]
    #[case::another_escape_character_alone(b"MSH|^~!|A", Some(*b"|^~!&"))]
    #[case::subcomponents_by_the_escape_character(b"MSH|^~&\\|A", Some(*b"|^~&\\"))]
    #[case::batch(b"BHS|^!\\&|A", Some(*b"|^!\\&"))]
    #[case::no_header(b"MSA|AA|1", None)]
    #[case::cut(b"MSH", None)]
    #[case::no_separator(b"MSHABC", None)]
    #[case::ended(b"MSH\rPID|", None)]
    fn a_header_declares_its_delimiters(#[case] bytes: &[u8], #[case] expected: Option<[u8; 5]>) {
        let found = Delimiters::declared(bytes)
            .map(|d| [d.field, d.component, d.repetition, d.escape.unwrap_or(0), d.subcomponent]);
        assert_eq!(found, expected);
        let written: Option<Vec<u8>> =
            Delimiters::declared(bytes).map(|d| d.encoding_characters().collect());
        let kept = expected.map(|all| all[1..].iter().copied().filter(|byte| *byte != 0).collect());
        assert_eq!(written, kept);
    }
}
