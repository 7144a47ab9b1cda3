//! Whether the numbers of a stored event can be of anything that happened.
//!
//! A number that was mistyped, or put there to see what becomes of it, must not end in a sum that runs
//! over. Negative ones and those beyond 64 bits are no numbers of an event anyhow.

/// Where the first number in a line of JSON begins that is too large, as an index, and how many digits
/// it has; text in quotes holds no numbers.
pub(super) fn too_large(line: &str) -> Option<(usize, usize)> {
    let bytes = line.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => at = behind_text(bytes, at),
            b'0'..=b'9' => {
                let digits = bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                if digits > MOST_DIGITS {
                    return Some((at, digits));
                }
                at += digits;
            }
            _ => at += 1,
        }
    }
    None
}

/// The index behind the text in quotes that begins at `from`.
fn behind_text(bytes: &[u8], from: usize) -> usize {
    let mut at = from + 1;
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        at += found;
        if bytes[at] == b'"' {
            return at + 1;
        }
        at += 2;
    }
    bytes.len()
}

/// A million seconds in microseconds has 13 digits, and 31 years have 15.
const MOST_DIGITS: usize = 15;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::too_large;

    #[rstest]
    #[case::usual(r#"{"seq":1,"at":999999999999999}"#, None)]
    #[case::absurd(r#"{"seq":1,"at":1000000000000000}"#, Some((14, 16)))]
    #[case::inside_text(r#"{"bytes":"MSH|\"99999999999999999999"}"#, None)]
    #[case::behind_text(r#"{"bytes":"a\\","length":18446744073709551615}"#, Some((24, 20)))]
    #[case::text_without_end(r#"{"bytes":"99999999999999999999\"#, None)]
    fn a_number_that_nothing_can_have_is_found(
        #[case] line: &str,
        #[case] expected: Option<(usize, usize)>,
    ) {
        assert_eq!(too_large(line), expected);
    }
}
