//! Reads what a sender wrote behind the byte at which the EMR broke off: first the rest of the
//! message that was cut, which is no other one, then whatever came after it.
//!
//! The cut part and the rest are one stream, and are cut into frames as a decoder would have cut
//! them. This does **not** read what the messages say.

use memchr::memmem::{self, Finder};
use memchr::{memchr2, memrchr};

use crate::history::{ConnectionId, Event, What};

use crate::hl7::BatchFile;

use crate::check::evidence::frame::{FS, VT, frame_payload};

/// The bytes behind a cut.
pub(crate) struct Rest<'h> {
    /// A second message in the frame that was cut, and whether all of it is there.
    pub(crate) fused: Option<(&'h [u8], bool)>,
    /// What stands behind that frame.
    pub(crate) after: &'h [u8],
    /// The message that was cut, as it was sent, if its frame has an end and no other message.
    pub(crate) ended: Option<Vec<u8>>,
}

/// The bytes of the last piece that was received on a connection; none if there was none.
pub(crate) fn last_piece(before: &[Event], of: ConnectionId) -> &[u8] {
    let of_connection = |event: &'_ Event| matches!(event.what, What::Received { connection, .. } if connection == of);
    match before.iter().rfind(|event| of_connection(event)).map(|event| &event.what) {
        Some(What::Received { bytes, .. }) => bytes.as_slice(),
        _ => &[],
    }
}

/// Cuts what stood unread behind `part`, the last piece that was received.
pub(crate) fn behind<'h>(second: &Finder<'_>, part: &[u8], bytes: &'h [u8]) -> Rest<'h> {
    let stream = [part, bytes].concat();
    let (end, has_end) = match part.first() {
        Some(&VT) => end_of_frame(&stream),
        _ => end_of_stray(&stream, part.len()),
    };
    let (before, after) = bytes.split_at(end.saturating_sub(part.len()));
    // A header that stands in the part as a whole has begun a message there already.
    let from = (part.len() + 1).saturating_sub(HEADER.len());
    let mut headers = second.find_iter(&stream[from..end.max(from)]).map(|at| from + at + 1);
    // In a batch the first header begins the first message, and no second one.
    let opens_batch = BatchFile::begins(stream.strip_prefix(&[VT]).unwrap_or(&stream));
    if opens_batch && second.find(&stream[..part.len()]).is_none() {
        headers.next();
    }
    let header = headers.next().filter(|_| end > part.len());
    let fused = header.map(|start| {
        let payload = frame_payload(before);
        // Of a header that was cut in two only the rest can be lent.
        (&payload[start.saturating_sub(part.len())..], has_end && start >= part.len())
    });
    let ended = (has_end && fused.is_none() && end >= part.len()).then(|| {
        let payload = frame_payload(&stream[..end]);
        let last = second.find_iter(payload).last().map_or(0, |header| header + 1);
        payload[last..].to_vec()
    });
    Rest { fused, after, ended }
}

/// Where the frame ends that `stream` begins with, and whether it has an end: a start byte begins
/// another one only before a header, and an end byte ends it only before what may follow a frame.
fn end_of_frame(stream: &[u8]) -> (usize, bool) {
    let mut from = 1;
    while let Some(found) = memchr2(VT, FS, &stream[from..]).map(|at| from + at) {
        let next = &stream[found + 1..];
        match (stream[found], next.first()) {
            (VT, _) if next.starts_with(b"MSH") => return (found, false),
            (FS, Some(b'\r' | b'\n')) => return (found + 2, true),
            (FS, None | Some(&VT)) => return (found + 1, true),
            _ => from = found + 1,
        }
    }
    (stream.len(), false)
}

/// Where the message ends that has begun outside any frame in the first `part` bytes, and whether
/// it has an end; at once if none has begun there.
fn end_of_stray(stream: &[u8], part: usize) -> (usize, bool) {
    let begun = &stream[memrchr(FS, &stream[..part]).map_or(0, |end| end + 1)..part];
    let has_begun = [b"MSH", b"FT1"].iter().any(|id| memmem::find(begun, *id).is_some());
    if !has_begun {
        return (part, false);
    }
    match memchr2(VT, FS, &stream[part..]).map(|at| part + at) {
        Some(end) if stream[end] == FS => (end + 1, true),
        Some(end) => (end, false),
        None => (stream.len(), false),
    }
}

/// What begins a second message in a frame.
const HEADER: &[u8] = b"\rMSH";

#[cfg(test)]
mod tests {
    use memchr::memmem::Finder;
    use rstest::rstest;

    use super::{HEADER, behind};

    #[rstest]
    #[case::the_rest("\x0bMSH|1\rEV", "N|\r\x1c\r", (None, "", Some("MSH|1\rEVN|\r")))]
    #[case::only_the_return("\x0bMSH|1\r\x1c", "\r", (None, "", Some("MSH|1\r")))]
    #[case::cut_off_again("\x0bMSH|1\rEV", "N|", (None, "", None))]
    #[case::another_frame("\x0bMSH|1\rE", "VN\r\x1c\r\x0bFT1|\r\x1c\r",
        (None, "\x0bFT1|\r\x1c\r", Some("MSH|1\rEVN\r")))]
    #[case::start_inside("\x0bM", "SH|1\r\x0bEVN|\r\x1c\r",
        (None, "", Some("MSH|1\r\x0bEVN|\r")))]
    #[case::start_before_the_cut("\x0bMSH|1\r\x0bE", "VN|\r\x1c\r",
        (None, "", Some("MSH|1\r\x0bEVN|\r")))]
    #[case::end_inside("\x0bMSH|1\x1c", "2\r\x1c\r", (None, "", Some("MSH|1\x1c2\r")))]
    #[case::end_was_lost("\x0bMSH|1\r", "\x0bMSH|2\r\x1c\r",
        (None, "\x0bMSH|2\r\x1c\r", None))]
    #[case::end_was_lost_before_the_cut("\x0bMSH|1\r\x0b", "MSH|2\r\x1c\r",
        (None, "MSH|2\r\x1c\r", None))]
    #[case::fused("\x0bMSH|1\rE", "VN\rMSH|2\r\x1c\r", (Some(("MSH|2\r", true)), "", None))]
    #[case::fused_at_the_cut("\x0bMSH|1\r", "MSH|2\r\x1c\r",
        (Some(("MSH|2\r", true)), "", None))]
    #[case::fused_over_the_cut("\x0bMSH|1\rM", "SH|2\r\x1c\r",
        (Some(("SH|2\r", false)), "", None))]
    #[case::fused_before_the_cut("\x0bMSH|1\rMSH", "|2\r\x1c\r",
        (None, "", Some("MSH|2\r")))]
    #[case::a_batch("\x0bB", "HS|^~\\&|A\rMSH|1\rBTS|1\r\x1c\r",
        (None, "", Some("MSH|1\rBTS|1\r")))]
    #[case::a_batch_of_two("\x0b", "BHS|^~\\&|A\rMSH|1\rMSH|2\r\x1c\r",
        (Some(("MSH|2\r", true)), "", None))]
    #[case::a_batch_cut_in_its_first_message("\x0bBHS|^~\\&|A\rMSH|", "1\rMSH|2\r\x1c\r",
        (Some(("MSH|2\r", true)), "", None))]
    #[case::after_a_whole_frame("\x0bA\x1c\r", "\x0bMSH|2\r\x1c\r",
        (None, "\x0bMSH|2\r\x1c\r", Some("A")))]
    #[case::after_stray_bytes("x", "MSH|2\r\x1c\r", (None, "MSH|2\r\x1c\r", None))]
    #[case::begun_without_a_frame("MSH|1\r", "EVN\r\x1c\rMSH|2\r",
        (None, "\rMSH|2\r", Some("MSH|1\rEVN\r")))]
    #[case::after_nothing("", "\x0bMSH|2\r", (None, "\x0bMSH|2\r", None))]
    #[case::nothing("", "", (None, "", None))]
    fn what_stands_behind_a_cut_is_cut_as_a_decoder_would(
        #[case] part: &str,
        #[case] bytes: &str,
        #[case] (fused, after, ended): (Option<(&str, bool)>, &str, Option<&str>),
    ) {
        let rest = behind(&Finder::new(HEADER), part.as_bytes(), bytes.as_bytes());
        assert_eq!(rest.fused, fused.map(|(text, whole)| (text.as_bytes(), whole)));
        assert_eq!(
            (rest.after, rest.ended.as_deref()),
            (after.as_bytes(), ended.map(str::as_bytes))
        );
    }
}
