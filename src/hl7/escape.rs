//! Escape sequences (HL7 v2 chapter 2, use of escape sequences in text fields).
//!
//! Sequences that stand for bytes (`\F\ \S\ \T\ \R\ \E\ \X0D\`) are undone; those that say how a text
//! looks (`\.br\`, `\H\`) or switch its charset are kept as they are.

use std::borrow::Cow;

use super::Delimiters;
use super::delimiters::is_header;

/// `text` with every delimiter and every control character escaped, so that it can stand in a
/// field.
///
/// ```
/// use chargeproof::hl7::{Delimiters, escape::escape};
/// assert_eq!(escape("W/ FUNDUS & PHOTO", Delimiters::default()), "W/ FUNDUS \\T\\ PHOTO");
/// ```
#[must_use]
pub fn escape(text: &str, delimiters: Delimiters) -> String {
    let mut out = String::with_capacity(text.len());
    escape_to(text, delimiters, &mut out);
    out
}

/// Adds to `out` what [`escape`] makes of `text`.
pub fn escape_to(text: &str, delimiters: Delimiters, out: &mut String) {
    let Delimiters { field, component, repetition, escape, subcomponent } = delimiters;
    let special = [field, component, repetition, escape.unwrap_or(field), subcomponent];
    // Without an early end, so that many bytes are looked at in one step: most texts are plain.
    let is_plain = text
        .bytes()
        .fold(true, |plain, byte| plain & (byte >= b' ') & special.iter().all(|one| *one != byte));
    if is_plain {
        return out.push_str(text);
    }
    let Some(mark) = escape.map(char::from) else {
        // What cannot be escaped cannot be said.
        let is_special = |one: &char| special.iter().any(|byte| char::from(*byte) == *one);
        let plain = |one: char| if one < ' ' || is_special(&one) { ' ' } else { one };
        return out.extend(text.chars().map(plain));
    };
    for character in text.chars() {
        let byte = u8::try_from(character).ok().filter(u8::is_ascii);
        match byte.and_then(|byte| letter(byte, delimiters)) {
            Some(letter) => out.extend([mark, letter, mark]),
            None if character < ' ' => {
                let code = u32::from(character);
                let digit = |nibble: u32| {
                    char::from_digit(nibble, 16).map_or('0', |c| c.to_ascii_uppercase())
                };
                out.extend([mark, 'X', digit(code >> 4), digit(code & 15), mark]);
            }
            None => out.push(character),
        }
    }
}

/// `bytes` with the sequences undone that stand for bytes. What is no sequence stays as it is.
#[must_use]
pub fn unescape(bytes: &[u8], delimiters: Delimiters) -> Cow<'_, [u8]> {
    let Some(mark) = delimiters.escape.filter(|mark| memchr::memchr(*mark, bytes).is_some()) else {
        return Cow::Borrowed(bytes);
    };
    let mut out = Vec::with_capacity(bytes.len());
    for piece in Pieces::of(bytes, mark, delimiters) {
        match piece {
            Piece::Sequence { body, whole, .. } => match meant(body, delimiters) {
                Some(meant) => out.extend_from_slice(&meant),
                None => out.extend_from_slice(whole),
            },
            Piece::Plain(plain) => out.extend_from_slice(plain),
            Piece::Mistake(_) => out.push(mark),
        }
    }
    Cow::Owned(out)
}

/// Offsets of the escape characters that begin no sequence: dangling ones, and ones around what is
/// no sequence of HL7. `bytes` may be a whole message or a batch of them; the encoding characters of
/// a header are no mistake, and from there on it is what it declares that counts.
#[must_use]
pub fn mistakes(bytes: &[u8], delimiters: Delimiters) -> Vec<usize> {
    let (mut delimiters, mut found, mut start) = (delimiters, Vec::new(), 0);
    while start < bytes.len() {
        let rest = &bytes[start..];
        let segment = &rest[..memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len())];
        let mut skipped = 0;
        // The first is a header only by the delimiters that are given; later ones bring their own.
        let declared = (start > 0).then(|| Delimiters::declared(segment)).flatten();
        if declared.is_some() || is_header(segment, delimiters.field) {
            delimiters = declared.unwrap_or(delimiters);
            let end = memchr::memchr(delimiters.field, &segment[4..]);
            skipped = end.map_or(segment.len(), |length| length + 4);
        }
        if let Some(mark) = delimiters.escape {
            found.extend(Pieces::of(&segment[skipped..], mark, delimiters).filter_map(|piece| {
                match piece {
                    Piece::Mistake(offset) => Some(start + skipped + offset),
                    Piece::Plain(_) | Piece::Sequence { .. } => None,
                }
            }));
        }
        start += segment.len() + 1;
    }
    found
}

/// The letter that stands for a delimiter.
fn letter(byte: u8, delimiters: Delimiters) -> Option<char> {
    let Delimiters { field, component, repetition, escape, subcomponent } = delimiters;
    let letters = [(field, 'F'), (component, 'S'), (repetition, 'R'), (subcomponent, 'T')];
    let letters = escape.map(|escape| (escape, 'E')).into_iter().chain(letters);
    letters.into_iter().find_map(|(delimiter, letter)| (delimiter == byte).then_some(letter))
}

/// What a sequence stands for, when it stands for bytes.
fn meant(body: &[u8], delimiters: Delimiters) -> Option<Vec<u8>> {
    Some(match body {
        b"F" => vec![delimiters.field],
        b"S" => vec![delimiters.component],
        b"T" => vec![delimiters.subcomponent],
        b"R" => vec![delimiters.repetition],
        b"E" => vec![delimiters.escape?],
        [b'X', digits @ ..] => {
            let nibble =
                |digit: u8| char::from(digit).to_digit(16).and_then(|n| u8::try_from(n).ok());
            let pairs = digits.chunks(2).map(|pair| match pair {
                [high, low] => Some(nibble(*high)? << 4 | nibble(*low)?),
                _ => None,
            });
            pairs.collect::<Option<Vec<u8>>>()?
        }
        _ => return None,
    })
}

/// Whether `body` between two escape characters is a sequence of HL7.
fn is_sequence(body: &[u8]) -> bool {
    let are_digits = |digits: &[u8]| digits.iter().all(u8::is_ascii_hexdigit);
    match body {
        // P, the truncation character, came with v2.7.
        b"F" | b"S" | b"T" | b"R" | b"E" | b"P" | b"H" | b"N" => true,
        [b'X', digits @ ..] => !digits.is_empty() && digits.len() % 2 == 0 && are_digits(digits),
        [b'C', digits @ ..] => digits.len() == 4 && are_digits(digits),
        [b'M', digits @ ..] => matches!(digits.len(), 4 | 6) && are_digits(digits),
        [b'Z', local @ ..] => !local.is_empty() && local.len() <= LONGEST_LOCAL,
        [b'.', command @ ..] => is_formatting(command),
        _ => false,
    }
}

/// A formatting command, without its dot.
fn is_formatting(command: &[u8]) -> bool {
    let Some((name, argument)) = command.split_at_checked(2) else {
        return false;
    };
    let number =
        argument.strip_prefix(b"+").or_else(|| argument.strip_prefix(b"-")).unwrap_or(argument);
    let is_number = number.len() <= 4 && number.iter().all(u8::is_ascii_digit);
    match name {
        b"br" | b"fi" | b"nf" | b"ce" => argument.is_empty(),
        b"sp" => is_number,
        b"in" | b"ti" | b"sk" => is_number && !number.is_empty(),
        _ => false,
    }
}

const LONGEST_LOCAL: usize = 64;

enum Piece<'a> {
    Plain(&'a [u8]),
    Sequence {
        body: &'a [u8],
        whole: &'a [u8],
    },
    /// An escape character that begins no sequence, at this offset.
    Mistake(usize),
}

/// The walk that undoing and judging share.
struct Pieces<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The escape character.
    mark: u8,
    delimiters: Delimiters,
}

impl<'a> Pieces<'a> {
    const fn of(bytes: &'a [u8], mark: u8, delimiters: Delimiters) -> Self {
        Self { bytes, at: 0, mark, delimiters }
    }

    /// The body of the sequence whose escape character stands just before `from`. No sequence
    /// reaches across a delimiter or a line.
    fn body(&self, from: usize) -> Option<&'a [u8]> {
        let Delimiters { field, component, repetition, subcomponent, .. } = self.delimiters;
        let is_stop = |byte: &u8| {
            [self.mark, field, component, repetition, subcomponent, b'\r', b'\n'].contains(byte)
        };
        let rest = &self.bytes[from..];
        let stop = rest.iter().position(is_stop)?;
        (rest[stop] == self.mark && is_sequence(&rest[..stop])).then(|| &rest[..stop])
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        let begin = self.at;
        let rest = self.bytes.get(begin..).filter(|rest| !rest.is_empty())?;
        match memchr::memchr(self.mark, rest) {
            Some(0) => {}
            Some(plain) => {
                self.at += plain;
                return Some(Piece::Plain(&rest[..plain]));
            }
            None => {
                self.at = self.bytes.len();
                return Some(Piece::Plain(rest));
            }
        }
        let Some(body) = self.body(begin + 1) else {
            self.at += 1;
            return Some(Piece::Mistake(begin));
        };
        self.at += body.len() + 2;
        Some(Piece::Sequence { body, whole: &self.bytes[begin..self.at] })
    }
}

#[cfg(test)]
mod tests {
    use quickcheck::quickcheck;
    use rstest::rstest;

    use super::{escape, mistakes, unescape};
    use crate::hl7::Delimiters;

    #[rstest]
    #[case::field("a|b", r"a\F\b")]
    #[case::component("a^b", r"a\S\b")]
    #[case::repetition("a~b", r"a\R\b")]
    #[case::subcomponent("a&b", r"a\T\b")]
    #[case::escape("a\\b", r"a\E\b")]
    #[case::return_("a\rb", r"a\X0D\b")]
    #[case::line_feed("a\nb", r"a\X0A\b")]
    #[case::start_byte("a\x0bb", r"a\X0B\b")]
    #[case::letters("Zo\u{eb} M\u{fc}ller", "Zo\u{eb} M\u{fc}ller")]
    fn text_is_escaped_and_back(#[case] text: &str, #[case] escaped: &str) {
        assert_eq!(escape(text, Delimiters::default()), escaped);
        assert_eq!(&*unescape(escaped.as_bytes(), Delimiters::default()), text.as_bytes());
    }

    #[rstest]
    #[case::several_bytes(r"\X4142\", b"AB")]
    #[case::lower_case_digits(r"\Xe9\", b"\xe9")]
    #[case::line_break_is_kept(r"a\.br\b", br"a\.br\b")]
    #[case::highlight_is_kept(r"\H\a\N\", br"\H\a\N\")]
    #[case::local_is_kept(r"\Z9\", br"\Z9\")]
    #[case::dangling_is_kept(r"a\b", br"a\b")]
    #[case::unknown_is_kept(r"C:\new\file", br"C:\new\file")]
    #[case::odd_digits_are_kept(r"\X123\", br"\X123\")]
    #[case::mistake_does_not_hide_what_follows(r"a\b\T\c", br"a\b&c")]
    fn what_stands_for_no_byte_is_kept(#[case] escaped: &str, #[case] expected: &[u8]) {
        assert_eq!(&*unescape(escaped.as_bytes(), Delimiters::default()), expected);
    }

    #[rstest]
    #[case::none("a\\T\\b\\.br\\\\H\\c\\N\\\\X0D0A\\\\.sp3\\\\.in+2\\", &[])]
    #[case::dangling("ab\\", &[2])]
    #[case::single("a\\b", &[1])]
    #[case::path("C:\\new\\file", &[2, 6])]
    #[case::odd_digits("\\X1\\", &[0, 3])]
    #[case::no_digits("\\X\\", &[0, 2])]
    #[case::lower_case("\\t\\", &[0, 2])]
    #[case::not_across_a_field("\\T|\\", &[0, 3])]
    #[case::not_across_a_line("\\T\r\\", &[0, 3])]
    #[case::header_is_no_mistake("MSH|^~\\&|A\\T\\B\rPID|\\\r", &[19])]
    #[case::short_header("MSH|^~\\", &[])]
    #[case::headers_of_a_batch("FHS|^~\\&|A\rBHS|^~\\&|A\rMSH|^~\\&|A\r", &[])]
    #[case::a_header_with_others("FHS|^~\\&|A\rMSH|^~!&|A\rPID|\\|!\r", &[28])]
    #[case::no_escape_character("MSH|^~&|A\rPID|C:\\new\r", &[])]
    fn mistakes_are_found_where_they_begin(#[case] bytes: &str, #[case] expected: &[usize]) {
        let declared = Delimiters::declared(bytes.as_bytes()).unwrap_or_default();
        assert_eq!(mistakes(bytes.as_bytes(), declared), expected);
    }

    #[test]
    fn without_an_escape_character_nothing_is_escaped() {
        let delimiters = Delimiters { escape: None, ..Delimiters::default() };
        assert_eq!(escape("a|b^c\\d\r", delimiters), "a b c\\d ");
        assert_eq!(&*unescape(b"a\\F\\b", delimiters), b"a\\F\\b");
    }

    #[test]
    fn other_delimiters_are_escaped_as_they_are() {
        let delimiters = Delimiters { field: b'#', escape: Some(b'!'), ..Delimiters::default() };
        assert_eq!(escape("a#b!c|\\", delimiters), "a!F!b!E!c|\\");
        assert_eq!(&*unescape(b"a!F!b!E!c", delimiters), b"a#b!c");
    }

    quickcheck! {
        fn any_text_survives_and_holds_no_delimiter(text: String) -> bool {
            let delimiters = Delimiters::default();
            let escaped = escape(&text, delimiters);
            let is_clean = escaped.bytes().all(|byte| byte >= b' ' && !b"|^~&".contains(&byte));
            is_clean
                && mistakes(escaped.as_bytes(), delimiters).is_empty()
                && *unescape(escaped.as_bytes(), delimiters) == *text.as_bytes()
        }

        fn any_bytes_can_be_unescaped(bytes: Vec<u8>) -> bool {
            let delimiters = Delimiters::default();
            let found = mistakes(&bytes, delimiters);
            let _ = unescape(&bytes, delimiters);
            let declares = bytes.windows(2).any(|two| two == b"SH" || two == b"HS");
            declares || found.iter().all(|offset| Some(bytes[*offset]) == delimiters.escape)
        }
    }
}
