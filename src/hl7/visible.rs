//! Bytes made readable on one line, for a person.
//!
//! Not a stored form: a `<VT>` that was text in the message reads the same as a real one.

use std::fmt::Write;

/// `bytes` on one line: controls as `<VT>`, `<CR>`, `<FS>`, `<LF>` or their number (`<00>`), text in
/// UTF-8 as itself, any other byte as its number (`<E9>`).
#[must_use]
pub fn visible(bytes: &[u8]) -> String {
    let mut line = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\u{0b}' => line.push_str("<VT>"),
                '\r' => line.push_str("<CR>"),
                '\u{1c}' => line.push_str("<FS>"),
                '\n' => line.push_str("<LF>"),
                _ if is_invisible(character) => number(&mut line, encoded(character).as_bytes()),
                _ => line.push(character),
            }
        }
        number(&mut line, chunk.invalid());
    }
    line
}

/// Controls, and the marks that would change how the line reads without being seen in it.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn encoded(character: char) -> String {
    String::from(character)
}

fn number(line: &mut String, bytes: &[u8]) {
    for byte in bytes {
        write!(line, "<{byte:02X}>").expect("invariant: writing to a string does not fail");
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::visible;

    #[rstest]
    #[case::framing(b"\x0bMSH|\r\x1c\r", "<VT>MSH|<CR><FS><CR>")]
    #[case::line_feed(b"a\nb", "a<LF>b")]
    #[case::nul(b"a\0", "a<00>")]
    #[case::utf8("Zo\u{eb}".as_bytes(), "Zo\u{eb}")]
    #[case::latin1(b"Zo\xeb", "Zo<EB>")]
    #[case::byte_order_mark(b"\xef\xbb\xbfMSH", "<EF><BB><BF>MSH")]
    #[case::delete(b"\x7f", "<7F>")]
    #[case::trailing_blank(b"a ", "a ")]
    fn bytes_read_on_one_line(#[case] bytes: &[u8], #[case] expected: &str) {
        assert_eq!(visible(bytes), expected);
    }
}
