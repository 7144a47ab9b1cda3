//! The bytes of a frame and of the message in it, as the judge reads them for itself: it shares no
//! decoder with those that it judges.

/// Start and end byte of a frame (MLLP release 1).
pub(crate) const VT: u8 = 0x0B;
pub(crate) const FS: u8 = 0x1C;

/// The payload of a frame: without VT, and without FS and what follows it.
pub(crate) fn frame_payload(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_prefix(&[VT]).unwrap_or(bytes);
    let bytes = bytes.strip_suffix(b"\r").filter(|rest| rest.last() == Some(&FS)).unwrap_or(bytes);
    bytes.strip_suffix(&[FS]).unwrap_or(bytes)
}

/// The field separator of a message, or the usual one if its header is not there.
pub(crate) fn separator(payload: &[u8]) -> u8 {
    if payload.starts_with(b"MSH") { payload.get(3).copied().unwrap_or(b'|') } else { b'|' }
}

/// Whether a message may begin with these bytes, which are not empty once framing, blanks and marks of
/// an encoding are taken away: one byte of a message is an attempt at sending it, and none of these is.
pub(crate) fn may_begin_message(part: &[u8]) -> bool {
    const BLANKS: &[u8] = &[0, VT, FS, b'\t', b'\n', b'\r', b' ', 0xEF, 0xBB, 0xBF, 0xFE, 0xFF];
    let is_blank = |byte: &u8| BLANKS.contains(byte);
    let blanks = part.iter().take_while(|byte| is_blank(byte)).count();
    // Two bytes a letter are a header, too.
    let head: Vec<u8> = part[blanks..].iter().copied().filter(|&byte| byte != 0).take(4).collect();
    let is_id = |byte: &u8| byte.is_ascii_alphanumeric();
    match head.as_slice() {
        [] => false,
        // Of a header that was cut in two, the rest may stand alone.
        [b'H', next, ..] | [b'S', b'H', next, ..] if !is_id(next) => true,
        [a, b, c, next] => is_id(a) && is_id(b) && is_id(c) && is_separator(*next),
        short => HEADERS.iter().any(|id| id[..short.len().min(3)].eq_ignore_ascii_case(short)),
    }
}

/// What begins a message, a batch, and the charge lines of a message whose header went before.
const HEADERS: [&[u8; 3]; 4] = [b"MSH", b"FHS", b"BHS", b"FT1"];

/// Whether a byte can separate fields: a header may declare any that is no letter and no digit.
const fn is_separator(byte: u8) -> bool {
    byte.is_ascii_graphic() && !byte.is_ascii_alphanumeric()
}

/// Where a message begins behind another one in the same payload, at a header behind the end of a
/// segment, whichever line end that is.
pub(crate) fn further_headers(payload: &[u8]) -> impl Iterator<Item = usize> + use<'_> {
    let headers = memchr::memmem::find_iter(payload, b"MSH");
    headers.filter(|&at| at > 0 && matches!(payload[at - 1], b'\r' | b'\n'))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::may_begin_message;

    #[rstest]
    #[case::nothing(b"", false)]
    #[case::a_start_byte(b"\x0b", false)]
    #[case::an_end(b"\x1c\r", false)]
    #[case::one_byte(b"M", true)]
    #[case::a_header(b"MSH|^~\\&|IRIS", true)]
    #[case::lower_case(b"msh#", true)]
    #[case::behind_a_mark(b"\xef\xbb\xbf MSH", true)]
    #[case::two_bytes_a_letter(b"M\0S\0H\0|\0", true)]
    #[case::lines(b"FT1|1", true)]
    #[case::the_rest_of_a_header(b"SH|^~\\&|", true)]
    #[case::handshake(b"\x16\x03\x01\x02\x00\x01\x00", false)]
    #[case::proxy(b"PROXY TCP4 127.0.0.1", false)]
    #[case::request(b"GET / HTTP/1.1", false)]
    #[case::text(b"PING", false)]
    #[case::keep_alive(b"\0\0\0", false)]
    fn only_bytes_of_a_message_begin_one(#[case] part: &[u8], #[case] expected: bool) {
        assert_eq!(may_begin_message(part), expected);
    }
}
