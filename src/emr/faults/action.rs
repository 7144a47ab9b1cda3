//! The steps of which everything is made that an EMR plays on a connection.

use std::time::Duration;

use crate::emr::faults::stream::Stream;
use crate::history::End;
use crate::mllp;

/// One step of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Write these bytes in one go.
    Write(Vec<u8>),
    /// Write bytes that are made as they go out.
    Stream(Stream),
    /// Do nothing for a while.
    Wait(Duration),
    /// Do nothing until the next message has arrived on this connection.
    AwaitNext,
    /// Do nothing until the next message has arrived and has been answered.
    AwaitNextAnswered,
    /// The behaviour cannot be played to this message, for this reason: what follows is said in
    /// its place, and it does not count as played.
    Forgo(&'static str),
    /// From here on the behaviour has been played, whatever becomes of the rest.
    Mark,
    /// Connect to the sender's own port and go on there with this.
    Call(Vec<Self>),
    /// End the connection, or our half of it.
    End(End),
    /// End the connection once nothing was said on it for so long.
    EndIdle(Duration),
    /// Let another client connect to the endpoint, and end every other connection of it.
    LetInAnother,
    /// End every connection of the endpoint, and listen no more for so long.
    Restart(Duration),
}

/// A payload in a good frame, as one write.
pub(crate) fn frame(payload: &[u8]) -> Action {
    Action::Write(mllp::encode(payload))
}

/// The payload of bytes that are one good frame.
pub(crate) fn framed(bytes: &[u8]) -> Option<&[u8]> {
    let payload = bytes.strip_prefix(b"\x0b")?.strip_suffix(b"\x1c\r")?;
    memchr::memchr2(0x0B, 0x1C, payload).is_none().then_some(payload)
}
