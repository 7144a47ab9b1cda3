//! Bytes as an author writes them in a script.
//!
//! `<VT>`, `<CR>`, `<FS>`, `<LF>` and any byte as two hexadecimal digits, as in `<E9>`, are single
//! bytes; what stands in braces is filled in when it plays, as in `{control_id}`. Everything else
//! stands for itself, in UTF-8. What can be filled in is **not** known here.

use super::Word;
use crate::yaml::{Diagnostic, Node};

/// A part of such bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text {
    /// Bytes as they are.
    Bytes(Vec<u8>),
    /// What is filled in, by a name that must be looked up.
    Fill(Word),
}

/// Reads what stands under `raw`.
pub(super) fn raw(node: &Node) -> Result<Vec<Text>, Diagnostic> {
    let text = node.text("bytes such as `<VT>MSH|…<CR><FS><CR>`")?;
    let mut parts = Vec::new();
    for piece in pieces(text).map_err(|mistake| told(node, text, &mistake))? {
        let word = match piece {
            Piece::Fill(word) => word,
            Piece::Byte(byte) => {
                add(&mut parts, &[byte]);
                continue;
            }
            Piece::Text(text) => {
                add(&mut parts, text.as_bytes());
                continue;
            }
        };
        let place = node.place_within(offset(text, word));
        parts.push(Text::Fill(Word { text: word.to_owned(), place }));
    }
    some(node, !parts.is_empty())?;
    Ok(parts)
}

/// Adds bytes to those that stand last.
fn add(parts: &mut Vec<Text>, bytes: &[u8]) {
    match parts.last_mut() {
        Some(Text::Bytes(last)) => last.extend_from_slice(bytes),
        _ => parts.push(Text::Bytes(bytes.to_vec())),
    }
}

/// Nothing written is nothing that could be seen to play.
pub(super) fn some(node: &Node, is_some: bool) -> Result<(), Diagnostic> {
    if is_some {
        return Ok(());
    }
    let mistake = node.error("there is not a byte in it");
    Err(mistake
        .hint("an EMR that says nothing is `none`, and a frame without payload `payload/empty`"))
}

/// Where a part of `text` begins in it.
fn offset(text: &str, part: &str) -> usize {
    part.as_ptr() as usize - text.as_ptr() as usize
}

/// What can be wrong in it, each with the part of the text that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mistake<'t> {
    /// It stands like the name of a byte, and is none.
    NoByte(&'t str),
    /// A brace opens what nothing closes: the text from there on.
    Unclosed(&'t str),
    /// There is nothing between two braces: the text from the first on.
    Nothing(&'t str),
}

fn told(node: &Node, text: &str, mistake: &Mistake<'_>) -> Diagnostic {
    let brace = |from: &str, what: &str| {
        let mistake = node.place_within(offset(text, from)).error(what.to_owned());
        mistake.hint(A_BRACE)
    };
    match mistake {
        Mistake::Unclosed(from) => {
            brace(from, "`{` opens what is filled in, and nothing closes it")
        }
        Mistake::Nothing(from) => brace(from, "there is nothing between the braces"),
        Mistake::NoByte(name) => {
            let place = node.place_within(offset(text, name) - 1);
            let mistake = place.error(format!("`<{name}>` names no byte"));
            let upper = name.to_ascii_uppercase();
            let mistake = if byte(&upper).is_some() {
                mistake.hint(format!("did you mean `<{upper}>`?"))
            } else {
                mistake.hint("`<VT>`, `<FS>`, `<CR>` and `<LF>` are known, and any byte by its number, as in `<06>`")
            };
            mistake.hint(format!("where it is meant as text, write `<3C>{name}>`"))
        }
    }
}

/// How a brace is written that is meant as text.
pub const A_BRACE: &str =
    "what stands in braces is filled in; where a brace is meant as text, write `<7B>`";

enum Piece<'t> {
    Text(&'t str),
    Byte(u8),
    Fill(&'t str),
}

/// The bytes and what is filled in, or the first mistake.
fn pieces(text: &str) -> Result<Vec<Piece<'_>>, Mistake<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['<', '{']) {
        let (before, from) = rest.split_at(at);
        pieces.push(Piece::Text(before));
        let after = &from[1..];
        if from.starts_with('{') {
            let Some((name, after)) = after.split_once('}') else {
                return Err(Mistake::Unclosed(from));
            };
            if name.trim().is_empty() {
                return Err(Mistake::Nothing(from));
            }
            pieces.push(Piece::Fill(name));
            rest = after;
            continue;
        }
        rest = after;
        match after.split_once('>') {
            Some((name, after)) if byte(name).is_some() => {
                pieces.extend(byte(name).map(Piece::Byte));
                rest = after;
            }
            Some((name, _)) if is_like_a_name(name) => return Err(Mistake::NoByte(name)),
            _ => pieces.push(Piece::Byte(b'<')),
        }
    }
    pieces.push(Piece::Text(rest));
    pieces.retain(|piece| !matches!(piece, Piece::Text("")));
    Ok(pieces)
}

fn byte(name: &str) -> Option<u8> {
    match name {
        "VT" => Some(0x0B),
        "FS" => Some(0x1C),
        "CR" => Some(0x0D),
        "LF" => Some(0x0A),
        hex if hex.len() == 2 && hex.bytes().all(|digit| digit.is_ascii_hexdigit()) => {
            u8::from_str_radix(hex, 16).ok()
        }
        _ => None,
    }
}

/// Whether somebody may have meant a control character by it: up to three capitals or digits, as all
/// their names are, or a known name in small letters.
fn is_like_a_name(name: &str) -> bool {
    let capital = |one: u8| one.is_ascii_uppercase() || one.is_ascii_digit();
    let short = (1..=3).contains(&name.len()) && name.bytes().all(capital);
    short || byte(&name.to_ascii_uppercase()).is_some()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{Mistake, Piece, pieces};

    /// The bytes of a text, with `{}` where something is filled in.
    fn bytes(text: &str) -> Result<Vec<u8>, Mistake<'_>> {
        let bytes = |piece: Piece<'_>| match piece {
            Piece::Text(text) => text.as_bytes().to_vec(),
            Piece::Byte(byte) => vec![byte],
            Piece::Fill(name) => format!("{{{name}}}").into_bytes(),
        };
        Ok(pieces(text)?.into_iter().flat_map(bytes).collect())
    }

    #[rstest]
    #[case::names("<VT>A<CR><FS><LF>", b"\x0bA\r\x1c\n")]
    #[case::any_byte_in_hexadecimal("J<E9>r<00>", b"J\xe9r\x00")]
    #[case::other_letters_are_utf_8("J\u{e9}r", b"J\xc3\xa9r")]
    #[case::what_is_like_no_name_stands_for_itself(
        "<x> < <html> <MSA.1> <",
        b"<x> < <html> <MSA.1> <"
    )]
    #[case::the_sign_itself_by_its_number("<3C>CR><3C>ACK>", b"<CR><ACK>")]
    #[case::a_brace_by_its_number("<7B>\"a\": 1}", b"{\"a\": 1}")]
    #[case::what_is_filled_in("<VT>{control_id}|{time}<FS>", b"\x0b{control_id}|{time}\x1c")]
    fn raw_bytes(#[case] text: &str, #[case] expected: &[u8]) {
        assert_eq!(bytes(text), Ok(expected.to_vec()));
    }

    #[rstest]
    #[case("<VT>MSH<XX>", Mistake::NoByte("XX"))]
    #[case("<ACK>", Mistake::NoByte("ACK"))]
    #[case("<VTT>", Mistake::NoByte("VTT"))]
    #[case("<vt>MSH", Mistake::NoByte("vt"))]
    #[case("MSA|{control_id<CR>", Mistake::Unclosed("{control_id<CR>"))]
    #[case("MSA|{ }<CR>", Mistake::Nothing("{ }<CR>"))]
    fn what_stands_like_a_name_and_is_none_is_a_mistake(
        #[case] text: &str,
        #[case] expected: Mistake<'_>,
    ) {
        assert_eq!(bytes(text), Err(expected));
    }
}
