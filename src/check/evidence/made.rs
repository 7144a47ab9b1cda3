//! Whether a message is what the mapping makes of an exam.

use crate::check::evidence::index::KnownExam;
use crate::check::evidence::message::Sent;
use crate::check::evidence::time::to_the_second;
use crate::hl7::Message;
use crate::mapping::{Mapping, Stamp};
use crate::plan::MessageKind;

/// Whether a message is, byte for byte, what the mapping makes of an exam at the time and under the
/// control id that it bears.
pub(crate) fn is_made(
    kind: MessageKind,
    mapping: &Mapping,
    exam: &KnownExam<'_>,
    sent: &Sent<'_>,
) -> bool {
    let form = match kind {
        MessageKind::Charge => Some(&exam.charge),
        MessageKind::Result => exam.result.as_ref(),
    };
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let has_plain_id = !sent.control_id.is_empty() && sent.control_id.iter().all(is_plain);
    match form.filter(|_| has_plain_id && to_the_second(sent.written).is_some()) {
        Some(form) => form.is_filled(sent.payload, sent.written, sent.control_id),
        None => mapping.message(exam.exam, &observed_stamp(exam, sent.payload)) == sent.payload,
    }
}

/// The stamp that a sender with the observed clock would have used.
pub(crate) fn observed_stamp(exam: &KnownExam<'_>, found: &[u8]) -> Stamp {
    let message = Message::read_header(found);
    let now = to_the_second(message.value("MSH-7")).unwrap_or(exam.exam.grading.signed);
    let control_id = String::from_utf8_lossy(message.control_id()).into_owned();
    Stamp { now, control_id }
}
