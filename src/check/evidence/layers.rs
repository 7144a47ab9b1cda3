//! What a text says once the ways in which software wraps text are undone: escapes, entities, percent
//! signs, base64, hexadecimal digits, two bytes a letter, and any of these inside each other.
//!
//! A charge that is sent again in a wrapping is a charge all the same. Bounded: no more than a few
//! layers, and no more bytes than a small multiple of the text's own. Does **not** judge.

use std::borrow::Cow;

use crate::hl7::Message;
use crate::hl7::escape::unescape;

/// How deep wrappings are undone.
const DEPTH: usize = 3;

/// How many layers a text may have.
const LAYERS: usize = 64;

/// The shortest run of letters and digits that may be another text.
const SHORTEST_RUN: usize = 16;

/// The shortest run that hides something if it is no text either.
const SHORTEST_SECRET: usize = 88;

/// The shortest text that can be called unreadable.
const SHORTEST_NOISE: usize = 16;

/// A text, and what was found inside it.
pub(crate) struct Layers<'t> {
    /// The text itself, then what it wraps.
    pub(crate) texts: Vec<Cow<'t, [u8]>>,
    /// Whether some of it can be read by nobody: it may say anything.
    pub(crate) opaque: bool,
}

impl<'t> Layers<'t> {
    /// Undoes the wrappings of `text`.
    pub(crate) fn of(text: &'t [u8]) -> Self {
        let mut layers = Self { texts: vec![Cow::Borrowed(text)], opaque: is_noise(text) };
        let mut budget = text.len().saturating_mul(4);
        let mut from = 0;
        for _ in 0..DEPTH {
            let until = layers.texts.len();
            for index in from..until {
                let found = layers.inside(index);
                for inner in found {
                    if layers.texts.len() < LAYERS && inner.len() <= budget {
                        budget -= inner.len();
                        layers.texts.push(Cow::Owned(inner));
                    } else {
                        layers.opaque = true; // nobody has looked at it
                    }
                }
            }
            from = until;
        }
        // What is wrapped deeper still, nobody has looked at.
        let is_wrapped = |text: &Cow<'_, [u8]>| runs(text).iter().any(|run| decoded(run).is_some());
        layers.opaque |= layers.texts[from..].iter().any(is_wrapped);
        layers
    }

    /// What the text at `index` wraps.
    fn inside(&mut self, index: usize) -> Vec<Vec<u8>> {
        let text = &self.texts[index];
        let mut found: Vec<Vec<u8>> = Vec::new();
        if memchr::memchr(0, text).is_some() {
            found.push(text.iter().copied().filter(|&byte| byte != 0).collect());
        }
        let mark = Message::read_header(text).delimiters().escape;
        if mark.is_some_and(|mark| memchr::memchr(mark, text).is_some()) {
            found.push(unescaped_values(text));
        }
        if memchr::memchr(b'\\', text).is_some() {
            found.push(unquoted(text));
        }
        if memchr::memchr(b'&', text).is_some() {
            found.push(without_entities(text));
        }
        for mark in [b'%', b'=', b'\''] {
            if memchr::memchr(mark, text).is_some() {
                found.push(without_marks(text, mark));
            }
        }
        let mut opaque = false;
        // What a header holds are ids, and those may be long.
        let pieces = runs(behind_header(text));
        if pieces.len() > 1 {
            // One text may have been cut into several values.
            let all = pieces.concat();
            match decoded(&all) {
                Some(inner) => found.push(inner),
                None => opaque |= all.len() >= 2 * SHORTEST_SECRET && is_secret(&all),
            }
        }
        found.extend(declared(text).and_then(|all| decoded(&all)));
        found.extend(spelled_out(text));
        found.extend(in_decimal(text));
        found.extend(from_uuencode(text));
        for run in pieces {
            match decoded(&run) {
                Some(inner) => found.push(inner),
                None => {
                    opaque |= run.len() >= SHORTEST_SECRET && is_secret(&run);
                    // What is part of a path or of a name stands behind a slash or a hyphen.
                    let parts = run.split(|byte| matches!(byte, b'/' | b'-' | b'_'));
                    let long = parts.filter(|part| (SHORTEST_RUN..run.len()).contains(&part.len()));
                    found.extend(long.filter_map(decoded));
                }
            }
        }
        let own = text.clone();
        self.opaque |= opaque;
        found.retain(|inner| **inner != *own && !inner.is_empty());
        found.dedup();
        found
    }
}

/// The values that have escapes, without them, each on lines of its own: what begins in a value does not
/// stand behind what is before it in the message.
fn unescaped_values(text: &[u8]) -> Vec<u8> {
    let delimiters = Message::read_header(text).delimiters();
    let ends = |byte: &u8| *byte == delimiters.field || matches!(byte, b'\r' | b'\n');
    let mark = delimiters.escape.unwrap_or(b'\\');
    let escaped = text.split(ends).filter(|value| memchr::memchr(mark, value).is_some());
    let plain = escaped.map(|value| {
        let lines = replaced(value, &[mark, b'.', b'b', b'r', mark], b"\r");
        unescape(&lines, delimiters).into_owned()
    });
    plain.collect::<Vec<_>>().join(&b'\r')
}

/// Whether nobody can read it: it is no text in any character set. A text has hardly a control
/// character, and where its letters stand beyond ASCII its digits and delimiters do not.
fn is_noise(text: &[u8]) -> bool {
    let is_control =
        |byte: &&u8| **byte < b' ' && !matches!(byte, 0 | b'\t' | b'\r' | b'\n' | 0x1B);
    let controls = text.iter().filter(is_control).count();
    let odd = text.iter().filter(|byte| !byte.is_ascii()).count();
    let has_noise = controls * 32 > text.len() && controls > 1
        || controls > 0 && odd * 4 > text.len()
        || odd * 4 > text.len() * 3;
    text.len() >= SHORTEST_NOISE && has_noise && std::str::from_utf8(text).is_err()
}

/// Runs of letters and digits that may be base64 or hexadecimal, over the line ends of long lines.
fn runs(text: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut run: Vec<u8> = Vec::new();
    let mut line = 0;
    for &byte in text {
        // An equals sign ends what is encoded; behind it something else begins.
        if run.last() == Some(&b'=') && byte != b'=' {
            if run.len() >= SHORTEST_RUN {
                found.push(std::mem::take(&mut run));
            }
            run.clear();
        }
        if byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_') {
            run.push(byte);
            line += 1;
            continue;
        }
        if matches!(byte, b'\r' | b'\n') && (line >= 60 || line == 0 && !run.is_empty()) {
            line = 0;
            continue;
        }
        if run.len() >= SHORTEST_RUN {
            found.push(std::mem::take(&mut run));
        }
        run.clear();
        line = 0;
    }
    if run.len() >= SHORTEST_RUN {
        found.push(run);
    }
    found
}

/// The text that single bytes in hexadecimal stand for, with blanks, colons or dashes between them.
fn spelled_out(text: &[u8]) -> Option<Vec<u8>> {
    let words = text.split(|byte| matches!(byte, b' ' | b':' | b'-' | b','));
    let mut bytes = Vec::new();
    for word in words {
        match word.get(word.len().saturating_sub(2)..) {
            Some([high, low]) if word.len() == 2 || bytes.is_empty() => {
                bytes.extend(hexadecimal([*high, *low]));
            }
            _ => {}
        }
    }
    (bytes.len() >= SHORTEST_RUN && is_text(&bytes)).then_some(bytes)
}

/// The text that single bytes in decimal stand for.
fn in_decimal(text: &[u8]) -> Option<Vec<u8>> {
    let words = text.split(|byte| !byte.is_ascii_digit()).filter(|word| !word.is_empty());
    let byte = |word: &[u8]| std::str::from_utf8(word).ok()?.parse::<u8>().ok();
    // The digits of a header stand before them.
    let bytes: Vec<u8> = words.filter_map(byte).collect();
    (bytes.len() >= SHORTEST_RUN && is_text(&bytes[bytes.len() / 4..])).then_some(bytes)
}

/// What stands between `begin` and `end` (POSIX uuencode, the historical algorithm).
fn from_uuencode(text: &[u8]) -> Option<Vec<u8>> {
    let mut lines = text.split(|byte| matches!(byte, b'\r' | b'\n'));
    lines.find(|line| line.starts_with(b"begin "))?;
    let sextet = |byte: u8| u32::from(byte.wrapping_sub(b' ') & 63);
    let mut out = Vec::new();
    for line in lines.take_while(|line| *line != b"end") {
        let Some((length, rest)) = line.split_first() else { continue };
        let mut bytes = Vec::with_capacity(rest.len());
        for four in rest.chunks(4) {
            let bits = four.iter().fold(0, |bits, byte| bits << 6 | sextet(*byte));
            let bits = bits << (6 * (4 - four.len()));
            bytes.extend(bits.to_be_bytes().into_iter().skip(1));
        }
        bytes.truncate(sextet(*length) as usize);
        out.append(&mut bytes);
    }
    is_text(&out).then_some(out)
}

/// The text that a run stands for, if it is one.
fn decoded(run: &[u8]) -> Option<Vec<u8>> {
    [from_hexadecimal(run), from_base64(run)].into_iter().flatten().find(|inner| is_text(inner))
}

fn is_text(bytes: &[u8]) -> bool {
    let is_plain =
        |byte: &&u8| matches!(byte, 0 | b'\t' | b'\r' | b'\n' | 0x0B | 0x1C | b' '..=b'~');
    let plain = bytes.iter().filter(is_plain).count();
    !bytes.is_empty() && plain * 10 >= bytes.len() * 9
}

fn behind_header(text: &[u8]) -> &[u8] {
    let end = memchr::memchr(b'\r', text).filter(|_| text.starts_with(b"MSH"));
    end.map_or(text, |end| &text[end..])
}

/// What is said to be base64, in however many values it stands: behind `Base64^`.
fn declared(text: &[u8]) -> Option<Vec<u8>> {
    const WORD: &[u8] = b"BASE64";
    let upper = text.to_ascii_uppercase();
    let mut all = Vec::new();
    for at in memchr::memmem::find_iter(&upper, WORD) {
        let rest = &text[at + WORD.len()..];
        let value =
            rest.iter().skip(1).take_while(|byte| sextet(**byte).is_some() || **byte == b'=');
        all.extend(value);
    }
    (!all.is_empty()).then_some(all)
}

/// Whether a long run has what encoded bytes have, and words, paths, identifiers and digests have not.
fn is_secret(run: &[u8]) -> bool {
    let has = |is: fn(&u8) -> bool| run.iter().any(is);
    let between = run.iter().filter(|byte| matches!(byte, b'/' | b'-' | b'_' | b'+')).count();
    let is_digest = DIGESTS.contains(&run.len()) && run.iter().all(u8::is_ascii_hexdigit);
    let is_mixed = has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic);
    is_mixed && between * 10 <= run.len() && !is_digest
}

/// How many hexadecimal digits a digest has: SHA-384 and SHA-512; shorter ones are no secret anyway.
const DIGESTS: [usize; 2] = [96, 128];

fn from_hexadecimal(run: &[u8]) -> Option<Vec<u8>> {
    let run = run.strip_prefix(b"0x").unwrap_or(run);
    let (pairs, rest) = run.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|pair| hexadecimal(*pair)).collect()
}

fn hexadecimal(pair: [u8; 2]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|one| u8::try_from(one).ok());
    Some(digit(pair[0])? << 4 | digit(pair[1])?)
}

/// Base64 of either alphabet (RFC 4648), with or without its padding.
fn from_base64(run: &[u8]) -> Option<Vec<u8>> {
    let end = run.iter().position(|&byte| byte == b'=').unwrap_or(run.len());
    let (digits, padding) = run.split_at(end);
    if padding.iter().any(|&byte| byte != b'=') || padding.len() > 2 || digits.len() % 4 == 1 {
        return None;
    }
    let mut out = Vec::with_capacity(digits.len() / 4 * 3 + 3);
    let (mut bits, mut count) = (0_u32, 0);
    for &byte in digits {
        bits = bits << 6 | sextet(byte)?;
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    Some(out)
}

const fn sextet(byte: u8) -> Option<u32> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    } as u32)
}

/// A string as JSON and most languages quote it.
fn unquoted(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'\\' {
            out.push(*first);
            continue;
        }
        match after {
            [b'r', more @ ..] => (rest, _) = (more, out.push(b'\r')),
            [b'n', more @ ..] => (rest, _) = (more, out.push(b'\n')),
            [b'u', page, cell, high, low, more @ ..] => {
                let pair = hexadecimal([*page, *cell]).zip(hexadecimal([*high, *low]));
                if let Some((page, cell)) = pair {
                    rest = more;
                    let character = char::from_u32(u32::from(page) << 8 | u32::from(cell));
                    let mut bytes = [0; 4];
                    let text =
                        character.map_or(&b""[..], |one| one.encode_utf8(&mut bytes).as_bytes());
                    out.extend_from_slice(text);
                }
            }
            [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', more @ ..] => {
                rest = more;
                out.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
            }
            [b'x', high, low, more @ ..] => {
                if let Some(byte) = hexadecimal([*high, *low]) {
                    (rest, _) = (more, out.push(byte));
                }
            }
            [other, more @ ..] => (rest, _) = (more, out.push(*other)),
            [] => {}
        }
    }
    out
}

/// How far the end of an entity is looked for.
const LONGEST_ENTITY: usize = 16;

/// The entities of XML, by name and by number.
fn without_entities(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'&', rest) {
        out.extend_from_slice(&rest[..at]);
        let body = &rest[at + 1..];
        let end = body.iter().take(LONGEST_ENTITY).position(|&byte| byte == b';');
        match end.and_then(|end| Some((end, entity(&body[..end])?))) {
            Some((end, byte)) => {
                out.push(byte);
                rest = &body[end + 1..];
            }
            None => {
                out.push(b'&');
                rest = body;
            }
        }
    }
    out.extend_from_slice(rest);
    out
}

fn entity(name: &[u8]) -> Option<u8> {
    let number =
        |digits: &[u8], radix| u8::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok();
    match name {
        b"amp" => Some(b'&'),
        b"lt" => Some(b'<'),
        b"gt" => Some(b'>'),
        b"quot" => Some(b'"'),
        b"apos" => Some(b'\''),
        [b'#', b'x' | b'X', digits @ ..] => number(digits, 16),
        [b'#', digits @ ..] => number(digits, 10),
        _ => None,
    }
}

/// Two hexadecimal digits behind a mark are a byte: the per cent of addresses, the equals sign of mail,
/// the apostrophe of RTF.
fn without_marks(text: &[u8], mark: u8) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        rest = after;
        let byte = match after {
            [high, low, more @ ..] if *first == mark => {
                hexadecimal([*high, *low]).map(|byte| (byte, more))
            }
            _ => None,
        };
        match byte {
            Some((byte, more)) => (rest, _) = (more, out.push(byte)),
            None => out.push(*first),
        }
    }
    out
}

fn replaced(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut start = 0;
    for at in memchr::memmem::find_iter(text, from) {
        out.extend_from_slice(&text[start..at]);
        out.extend_from_slice(to);
        start = at + from.len();
    }
    out.extend_from_slice(&text[start..]);
    out
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::Layers;

    const LINE: &str = "FT1|1||273013|CG|92250\r";

    #[rstest]
    #[case::as_it_is(LINE)]
    #[case::escapes("OBX|1|TX|||FT1\\F\\1\\F\\\\F\\273013\\F\\CG\\F\\92250\\.br\\|\r")]
    #[case::quoted("{\"hl7\": \"FT1|1||273013|CG|92250\\r\"}")]
    #[case::unicode_escapes("{\"hl7\": \"FT1\\u007c1||273013|CG|92250\\u000d\"}")]
    #[case::entities("<text>FT1|1||273013|CG|92250&#13;</text>")]
    #[case::per_cent("hl7=FT1%7C1%7C%7C273013%7CCG%7C92250%0D")]
    #[case::base64("OBX|1|ED|||^^^Base64^RlQxfDF8fDI3MzAxM3xDR3w5MjI1MA0=|\r")]
    #[case::base64_in_base64("T0JYfDF8fFJsUXhmREY4ZkRJM016QXhNM3hEUjN3NU1qSTFNQTA9fA0=")]
    #[case::hexadecimal("OBX|1|ST|||4654317c317c7c3237333031337c43477c39323235300d|\r")]
    #[case::in_pieces("OBX|1|TX|||RlQxfDF8fDI3MzAxM3xD|\rOBX|2|TX|||R3w5MjI1MA0xMjM0NTY3|\r")]
    #[case::spelled_out(
        "OBX|1|TX|||46 54 31 7c 31 7c 7c 32 37 33 30 31 33 7c 43 47 7c 39 32 32 35 30 0d|\r"
    )]
    #[case::decimal("70 84 49 124 49 124 124 50 55 51 48 49 51 124 67 71 124 57 50 50 53 48 13")]
    #[case::octal("\\106\\124\\061\\1741\\174\\174273013\\174CG\\17492250\\015")]
    #[case::rich_text("{\\rtf1 \\'46\\'54\\'31|1||273013|CG|92250}")]
    #[case::uuencode("begin 644 a\r71E0Q?#%\\?#(W,S Q,WQ#1WPY,C(U, T \rend\r")]
    #[case::behind_an_equals_sign("p=RlQxfDF8fDI3MzAxM3xDR3w5MjI1MA0=")]
    #[case::two_bytes_a_letter(
        "F\0T\x001\0|\x001\0|\0|\x002\x007\x003\x000\x001\x003\0|\0C\0G\0|\x009\x002\x002\x005\x000\0\r\0"
    )]
    fn a_line_is_found_in_any_wrapping(#[case] text: &str) {
        let layers = Layers::of(text.as_bytes());
        let line = LINE.trim_end().as_bytes();
        let finds = |text: &[u8]| memchr::memmem::find(text, line).is_some();
        assert!(layers.texts.iter().any(|text| finds(text)), "{:?}", layers.texts);
    }

    #[rstest]
    #[case::plain("MSH|^~\\&|IRIS|IRIS|||20170410151351||NMQ^N01|7|P|2.4\r", false)]
    #[case::words(
        "NTE|1||Fundusphotographywithinterpretationandreportofbotheyesandwithoutanyfurtherfindingsatall\r",
        false
    )]
    #[case::a_picture(
        "OBX|1|ED|||^^^Base64^iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==|\r",
        true
    )]
    fn what_nobody_can_read_is_opaque(#[case] text: &str, #[case] opaque: bool) {
        assert_eq!(Layers::of(text.as_bytes()).opaque, opaque);
    }

    #[test]
    fn layers_are_bounded() {
        let text = "%41\\&amp;=41QUFBQUFBQUFBQUFBQUFBQQ== ".repeat(4000);
        let layers = Layers::of(text.as_bytes());
        let bytes: usize = layers.texts.iter().map(|text| text.len()).sum();
        assert!(bytes <= 5 * text.len() && layers.texts.len() <= super::LAYERS);
    }
}
