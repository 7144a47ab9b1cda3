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
    /// Around an escape sequence.
    pub escape: u8,
    /// Between subcomponents.
    pub subcomponent: u8,
}

impl Default for Delimiters {
    fn default() -> Self {
        Self { field: b'|', component: b'^', repetition: b'~', escape: b'\\', subcomponent: b'&' }
    }
}

impl Delimiters {
    /// The delimiters that the header at the start of `bytes` declares, or none when `bytes` does
    /// not begin with a header. A delimiter that the header leaves out is the usual one.
    #[must_use]
    pub fn declared(bytes: &[u8]) -> Option<Self> {
        let usual = Self::default();
        let field = *bytes.get(3)?;
        if !is_header(bytes, field) || field.is_ascii_alphanumeric() || field.is_ascii_control() {
            return None;
        }
        let is_encoding = |byte: &&u8| **byte != field && !matches!(**byte, b'\r' | b'\n');
        let mut encoding = bytes[4..].iter().take_while(is_encoding).copied();
        Some(Self {
            field,
            component: encoding.next().unwrap_or(usual.component),
            repetition: encoding.next().unwrap_or(usual.repetition),
            escape: encoding.next().unwrap_or(usual.escape),
            subcomponent: encoding.next().unwrap_or(usual.subcomponent),
        })
    }

    /// What MSH-2 holds for these delimiters.
    #[must_use]
    pub const fn encoding_characters(&self) -> [u8; 4] {
        [self.component, self.repetition, self.escape, self.subcomponent]
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
    #[case::batch(b"BHS|^!\\&|A", Some(*b"|^!\\&"))]
    #[case::no_header(b"MSA|AA|1", None)]
    #[case::cut(b"MSH", None)]
    #[case::no_separator(b"MSHABC", None)]
    #[case::ended(b"MSH\rPID|", None)]
    fn a_header_declares_its_delimiters(#[case] bytes: &[u8], #[case] expected: Option<[u8; 5]>) {
        let found = Delimiters::declared(bytes)
            .map(|d| [d.field, d.component, d.repetition, d.escape, d.subcomponent]);
        assert_eq!(found, expected);
    }
}
