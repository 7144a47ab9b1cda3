//! Character sets (MSH-18, table 0211).
//!
//! Only sets in which the delimiters are single bytes: a message in UTF-16 cannot be split, and
//! plain `UNICODE` is taken to be UTF-8. The shift sequences inside text (`\Cxxyy\`) are not obeyed.

use std::borrow::Cow;

use encoding_rs::Encoding;

/// A character set that a message can be written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Charset(Kind);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Ascii,
    Utf8,
    Unicode,
    /// ISO 8859-1, whose byte is its character.
    Latin1,
    /// A set of one byte a character in which 80 to 9F are controls. The web's tables put letters
    /// there for some of them, ISO 8859 does not.
    Byte(&'static str, &'static Encoding),
    Wide(&'static str, &'static Encoding),
}

impl Charset {
    /// ASCII, which is what an empty MSH-18 means.
    pub const ASCII: Self = Self(Kind::Ascii);
    /// UTF-8.
    pub const UTF_8: Self = Self(Kind::Utf8);
    /// ISO 8859-1.
    pub const LATIN_1: Self = Self(Kind::Latin1);

    /// The charset that table 0211 calls `name`; empty is ASCII.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "" | "ASCII" => Self::ASCII,
            "UNICODE UTF-8" => Self::UTF_8,
            "UNICODE" => Self(Kind::Unicode),
            "8859/1" => Self::LATIN_1,
            _ => return named_in_table(name),
        })
    }

    /// Its name in table 0211.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self.0 {
            Kind::Ascii => "ASCII",
            Kind::Utf8 => "UNICODE UTF-8",
            Kind::Unicode => "UNICODE",
            Kind::Latin1 => "8859/1",
            Kind::Byte(name, _) | Kind::Wide(name, _) => name,
        }
    }

    /// `text` in this charset; a character that it does not have becomes `?`.
    #[must_use]
    pub fn encode<'t>(&self, text: &'t str) -> Cow<'t, [u8]> {
        if text.is_ascii() || matches!(self.0, Kind::Utf8 | Kind::Unicode) {
            return Cow::Borrowed(text.as_bytes());
        }
        let mut out = Vec::with_capacity(text.len());
        for character in text.chars() {
            let start = out.len();
            self.encode_character(character, &mut out);
            if out.len() == start {
                out.push(b'?');
            }
        }
        Cow::Owned(out)
    }

    /// The text that `bytes` are in this charset; a byte that it does not have becomes the
    /// replacement character.
    #[must_use]
    pub fn decode<'b>(&self, bytes: &'b [u8]) -> Cow<'b, str> {
        match self.0 {
            Kind::Utf8 | Kind::Unicode => String::from_utf8_lossy(bytes),
            _ if bytes.is_ascii() => String::from_utf8_lossy(bytes),
            Kind::Ascii => {
                let text = bytes
                    .iter()
                    .map(|&byte| if byte.is_ascii() { char::from(byte) } else { REPLACED });
                Cow::Owned(text.collect())
            }
            Kind::Latin1 => Cow::Owned(bytes.iter().map(|&byte| char::from(byte)).collect()),
            Kind::Byte(_, encoding) => {
                let mut text = String::with_capacity(bytes.len());
                for byte in bytes {
                    match byte {
                        0x80..=0x9f => text.push(char::from(*byte)),
                        _ => text.push_str(&encoding.decode_without_bom_handling(&[*byte]).0),
                    }
                }
                Cow::Owned(text)
            }
            Kind::Wide(_, encoding) => encoding.decode_without_bom_handling(bytes).0,
        }
    }

    /// Whether all of `bytes` are text in this charset.
    #[must_use]
    pub fn holds(&self, bytes: &[u8]) -> bool {
        match self.0 {
            Kind::Ascii => bytes.is_ascii(),
            Kind::Utf8 | Kind::Unicode => std::str::from_utf8(bytes).is_ok(),
            Kind::Latin1 => true,
            Kind::Byte(..) => !self.decode(bytes).contains(REPLACED),
            Kind::Wide(_, encoding) => !encoding.decode_without_bom_handling(bytes).1,
        }
    }

    /// Appends `character`, or nothing when this charset does not have it.
    fn encode_character(&self, character: char, out: &mut Vec<u8>) {
        let single = u8::try_from(character).ok();
        match (self.0, single) {
            (_, Some(byte)) if byte.is_ascii() => out.push(byte),
            (Kind::Latin1, Some(byte)) | (Kind::Byte(..), Some(byte @ 0x80..=0x9f)) => {
                out.push(byte)
            }
            (Kind::Byte(_, encoding) | Kind::Wide(_, encoding), _) => {
                let mut buffer = [0; 4];
                let (bytes, _, unmappable) = encoding.encode(character.encode_utf8(&mut buffer));
                let is_control = matches!((self.0, &*bytes), (Kind::Byte(..), [0x80..=0x9f]));
                if !unmappable && !is_control {
                    out.extend_from_slice(&bytes);
                }
            }
            (Kind::Ascii | Kind::Utf8 | Kind::Unicode | Kind::Latin1, _) => {}
        }
    }
}

fn named_in_table(name: &str) -> Option<Charset> {
    let byte = BYTE_SETS.iter().find(|(known, _)| *known == name);
    let wide = WIDE_SETS.iter().find(|(known, _)| *known == name);
    let byte = byte.map(|(name, encoding)| Kind::Byte(name, encoding));
    byte.or_else(|| wide.map(|(name, encoding)| Kind::Wide(name, encoding))).map(Charset)
}

const REPLACED: char = char::REPLACEMENT_CHARACTER;

/// There is no 8859/12; 8859/9 and 8859/11 go by the web's supersets, less what those add.
static BYTE_SETS: [(&str, &Encoding); 13] = [
    ("8859/2", encoding_rs::ISO_8859_2),
    ("8859/3", encoding_rs::ISO_8859_3),
    ("8859/4", encoding_rs::ISO_8859_4),
    ("8859/5", encoding_rs::ISO_8859_5),
    ("8859/6", encoding_rs::ISO_8859_6),
    ("8859/7", encoding_rs::ISO_8859_7),
    ("8859/8", encoding_rs::ISO_8859_8),
    ("8859/9", encoding_rs::WINDOWS_1254),
    ("8859/10", encoding_rs::ISO_8859_10),
    ("8859/11", encoding_rs::WINDOWS_874),
    ("8859/13", encoding_rs::ISO_8859_13),
    ("8859/14", encoding_rs::ISO_8859_14),
    ("8859/15", encoding_rs::ISO_8859_15),
];

static WIDE_SETS: [(&str, &Encoding); 3] = [
    ("GB 18030-2000", encoding_rs::GB18030),
    ("KS X 1001", encoding_rs::EUC_KR),
    ("BIG-5", encoding_rs::BIG5),
];

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::Charset;

    #[rstest]
    #[case::ascii("ASCII", "DOE", b"DOE")]
    #[case::empty("", "DOE", b"DOE")]
    #[case::western("8859/1", "Zo\u{eb} \u{d8}", b"Zo\xeb \xd8")]
    #[case::western_controls("8859/1", "\u{85}", b"\x85")]
    #[case::central("8859/2", "\u{141}\u{f3}d\u{17a}", b"\xa3\xf3d\xbc")]
    #[case::cyrillic("8859/5", "\u{414}", b"\xb4")]
    #[case::turkish("8859/9", "\u{131}", b"\xfd")]
    #[case::turkish_controls("8859/9", "\u{80}", b"\x80")]
    #[case::euro("8859/15", "\u{20ac}\u{153}", b"\xa4\xbd")]
    #[case::utf8("UNICODE UTF-8", "Zo\u{eb}", b"Zo\xc3\xab")]
    #[case::unicode_is_utf8("UNICODE", "Zo\u{eb}", b"Zo\xc3\xab")]
    #[case::chinese("GB 18030-2000", "\u{4e2d}", b"\xd6\xd0")]
    fn text_is_encoded_and_decoded(#[case] name: &str, #[case] text: &str, #[case] bytes: &[u8]) {
        let charset = Charset::named(name).unwrap();
        assert_eq!(charset.encode(text), bytes);
        assert_eq!(charset.decode(bytes), text);
        assert!(charset.holds(bytes));
    }

    #[rstest]
    #[case::ascii("ASCII", "Zo\u{eb}", b"Zo?")]
    #[case::western_has_no_euro("8859/1", "\u{20ac}5", b"?5")]
    #[case::central_has_no_o_slash("8859/2", "\u{d8}", b"?")]
    #[case::turkish_has_no_euro("8859/9", "\u{20ac}", b"?")]
    #[case::euro_set_has_no_currency_sign("8859/15", "\u{a4}", b"?")]
    #[case::one_mark_a_character("8859/1", "\u{4e2d}\u{6587}", b"??")]
    fn what_a_charset_lacks_becomes_a_question_mark(
        #[case] name: &str,
        #[case] text: &str,
        #[case] expected: &[u8],
    ) {
        assert_eq!(Charset::named(name).unwrap().encode(text), expected);
    }

    #[rstest]
    #[case::ascii("ASCII", b"Zo\xeb", "Zo\u{fffd}")]
    #[case::utf8("UNICODE UTF-8", b"Zo\xeb!", "Zo\u{fffd}!")]
    fn bytes_a_charset_lacks_are_replaced(
        #[case] name: &str,
        #[case] bytes: &[u8],
        #[case] expected: &str,
    ) {
        let charset = Charset::named(name).unwrap();
        assert_eq!(charset.decode(bytes), expected);
        assert!(!charset.holds(bytes));
    }

    #[rstest]
    #[case("ASCII")]
    #[case("8859/1")]
    #[case("8859/2")]
    #[case("8859/15")]
    #[case("UNICODE")]
    #[case("UNICODE UTF-8")]
    #[case("BIG-5")]
    fn a_charset_keeps_its_name(#[case] name: &str) {
        assert_eq!(Charset::named(name).unwrap().name(), name);
    }

    #[rstest]
    #[case("8859/12")]
    #[case("8859/16")]
    #[case("UTF-8")]
    #[case("UNICODE UTF-16")]
    #[case("latin1")]
    fn a_name_that_is_not_in_the_table_is_no_charset(#[case] name: &str) {
        assert_eq!(Charset::named(name), None);
    }

    #[test]
    fn every_single_byte_of_a_byte_set_is_read_and_written_alike() {
        for name in ["8859/1", "8859/2", "8859/9", "8859/11", "8859/15"] {
            let charset = Charset::named(name).unwrap();
            for byte in (0..=u8::MAX).filter(|byte| charset.holds(&[*byte])) {
                let decoded = charset.decode(&[byte]).into_owned();
                assert_eq!(*charset.encode(&decoded), [byte], "{name} {byte:02X}");
            }
        }
    }
}
