//! What one reply means to the message that waits for it.
//!
//! Strict where money is at stake: only an acknowledgement in a clean frame, with one MSH and one MSA, a code
//! of table 0008 in its exact spelling and our own MSH-10 in MSA-2, is an answer. Anything else
//! is junk or answers another message, and the sender keeps waiting.

use crate::hl7::Message;
use crate::hl7::ack::{AckCondition, Code, Due, due};
use crate::mllp::{Found, FoundKind};
use crate::sender::broken::bug::Bug;

/// What a reply means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// AA, or CA where nothing more is due.
    Accepted,
    /// AE, AR, CE or CR.
    Refused(Code),
    /// CA, and an application acknowledgement is still due.
    Committed,
    /// An acknowledgement of another message.
    OtherId,
    /// Nothing that can be read as an acknowledgement.
    Junk,
}

/// Reads `found` as the answer to `sent`.
pub(crate) fn read(found: &Found, sent: &[u8], bug: Option<Bug>) -> Answer {
    if bug == Some(Bug::AcceptsJunk) {
        return Answer::Accepted;
    }
    if bug == Some(Bug::AcceptsHttp) && found.bytes.windows(5).any(|bytes| bytes == b"HTTP/") {
        return Answer::Accepted;
    }
    if found.kind != FoundKind::Frame || !found.anomalies.is_empty() {
        return Answer::Junk;
    }
    let reply = Message::read(found.payload());
    // Two MSA contradict each other at worst, and behind two MSH nobody knows whose MSA it is; none of
    // them is worth a patient's money.
    let is_ack = reply.has_header() && reply.code() == b"ACK";
    if !is_ack || ["MSH", "MSA"].into_iter().any(|id| reply.segment(id, 2).is_some()) {
        return Answer::Junk;
    }
    let Some(code) = code(reply.value("MSA-1"), bug) else { return Answer::Junk };
    let sent = Message::read_header(sent);
    if reply.value("MSA-2") != sent.control_id() && bug != Some(Bug::AcceptsAnyAck) {
        return Answer::OtherId;
    }
    match code {
        Code::AA => Answer::Accepted,
        // CA releases the sender only where the message asked for nothing more (MSH-16 NE).
        Code::CA if releases(&due(&sent)) => Answer::Accepted,
        Code::CA if bug == Some(Bug::AcceptsCommit) => Answer::Accepted,
        Code::CA => Answer::Committed,
        refusal => Answer::Refused(refusal),
    }
}

fn code(written: &[u8], bug: Option<Bug>) -> Option<Code> {
    let prefixed = bug == Some(Bug::AcceptsCodePrefix) && written.starts_with(b"AA");
    if prefixed { Some(Code::AA) } else { Code::exactly(written) }
}

fn releases(due: &Due) -> bool {
    due.application == AckCondition::Never
}
