//! The nature of each fault: what sets it off, and what becomes of its connection and its endpoint.
//!
//! Whoever plays, writes, draws or refuses faults asks here. It does **not** say how a fault must look
//! in a history: the judge has a statement of its own, and takes nobody's word for it.

use super::{Answer, Connection, Fault, Frame, Mismatch, Tls};
use crate::history::End;

/// What a fault is by nature, whatever its parameters are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nature {
    /// What sets it off, where its author names no moment.
    pub set_off_by: SetOff,
    /// How it ends the connection that it plays on, if it does.
    pub ends: Option<End>,
    /// Whether it is played by doing nothing.
    pub silence: Silence,
    /// How it meets those who connect, if it stands at an endpoint for a while.
    pub stands: Option<Stand>,
    /// What must be there besides, or it does not play.
    pub company: Company,
    /// Whether nothing but a wait before it can stand beside it in a list.
    pub stands_alone: bool,
    /// Whether its time lies between two answers, which may as well come at once.
    pub may_be_at_once: bool,
}

/// What sets a fault off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetOff {
    /// A whole message has arrived.
    Message,
    /// So many messages have arrived on a connection, or twice as many, and so on.
    EveryNth,
    /// A whole message has arrived too soon after the one before.
    TooSoon,
    /// A whole message has arrived, or a connection is accepted beside another.
    MessageOrSecond,
    /// So many bytes of a message have arrived.
    Bytes,
    /// A connection is accepted.
    Accept,
    /// A connection is accepted beside so many others.
    Beside,
    /// A connection is accepted, whose handshake it plays in.
    Handshake,
    /// Its exam is handed over: no message could set it off.
    Handover,
}

impl SetOff {
    /// Whether that a connection is accepted is enough.
    #[must_use]
    pub const fn is_accept(self) -> bool {
        matches!(self, Self::Accept | Self::Handshake)
    }
}

/// Whether a fault is played by doing nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// Something is written, or done.
    Never,
    /// Where the message asks for no answer.
    WhereNothingIsDue,
    /// Always.
    Always,
}

/// How an endpoint meets those who connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stand {
    /// Nobody listens.
    Shut,
    /// A connect is neither answered nor refused.
    Full,
    /// Nobody accepts.
    Unattended,
    /// Nobody reads.
    Unread,
    /// Every connection is ended, and nobody listens.
    Restarting,
}

/// What must be there beside a fault for it to play.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Company {
    /// Nothing.
    Nobody,
    /// The next message, before its answer is given.
    NextMessage,
    /// Another message or connection, or the time until there is one.
    Another,
}

impl Fault {
    /// What it is by nature.
    #[must_use]
    pub const fn nature(self) -> Nature {
        match self {
            Self::Answer(one) => answer(one),
            Self::Match(one) => mismatch(one),
            // What would be of another nature would be of another family.
            Self::Payload(_) => REPLY,
            Self::Frame(one) => frame(one),
            Self::Connection(one) => connection(one),
            Self::Tls(one) => tls(one),
        }
    }
}

/// A reply to a whole message that leaves the connection as it is.
const REPLY: Nature = Nature {
    set_off_by: SetOff::Message,
    ends: None,
    silence: Silence::Never,
    stands: None,
    company: Company::Nobody,
    stands_alone: false,
    may_be_at_once: false,
};

const fn answer(fault: Answer) -> Nature {
    match fault {
        Answer::Accept => Nature { silence: Silence::WhereNothingIsDue, ..REPLY },
        Answer::None => Nature { silence: Silence::Always, ..REPLY },
        Answer::AcceptLost => ending(End::Close),
        Answer::LateAfterNext => Nature { company: Company::NextMessage, ..REPLY },
        Answer::CommitThenAccept
        | Answer::CommitThenError
        | Answer::CommitThenReject
        | Answer::ErrorThenAccept
        | Answer::AcceptOnOtherConnection => Nature { may_be_at_once: true, ..REPLY },
        Answer::Error
        | Answer::Reject
        | Answer::CommitAccept
        | Answer::CommitError
        | Answer::CommitReject
        | Answer::Late
        | Answer::DuplicateControlId
        | Answer::Locked
        | Answer::FailThenAccept
        | Answer::OtherType
        | Answer::AcceptWithErr
        | Answer::Batch
        | Answer::Slow => REPLY,
    }
}

const fn mismatch(fault: Mismatch) -> Nature {
    match fault {
        Mismatch::Twice | Mismatch::Conflict => Nature { may_be_at_once: true, ..REPLY },
        Mismatch::OutOfOrder => Nature { company: Company::NextMessage, ..REPLY },
        Mismatch::OnConnect => Nature { set_off_by: SetOff::Accept, ..REPLY },
        Mismatch::Other
        | Mismatch::Previous
        | Mismatch::Empty
        | Mismatch::Truncated
        | Mismatch::Padded
        | Mismatch::Numeric
        | Mismatch::ReEscaped
        | Mismatch::InMsh10Only
        | Mismatch::Echo => REPLY,
    }
}

const fn frame(fault: Frame) -> Nature {
    match fault {
        Frame::PartialThenClose => ending(End::Close),
        Frame::PartialThenReset => ending(End::Reset),
        // It lasts until the sender has given up.
        Frame::Drip => Nature { stands_alone: true, ..REPLY },
        Frame::KeepaliveNoise => Nature { may_be_at_once: true, ..REPLY },
        Frame::NoVt
        | Frame::Unframed
        | Frame::NoFsCr
        | Frame::FsOnly
        | Frame::FsLf
        | Frame::CrFf
        | Frame::TrailingLf
        | Frame::DoubleWrapped
        | Frame::JunkBefore
        | Frame::JunkAfter
        | Frame::VtInside
        | Frame::FsInside
        | Frame::TwoInOneWrite
        | Frame::ByteByByte
        | Frame::HeaderFirst
        | Frame::TrailerLate
        | Frame::CrLate
        | Frame::PauseInside
        | Frame::PartialThenSilence
        | Frame::Mllp2Ack
        | Frame::Mllp2Nak
        | Frame::BareAckByte
        | Frame::BareNakByte
        | Frame::Hllp
        | Frame::CustomBytes
        | Frame::SplitInTwoFrames => REPLY,
    }
}

const fn connection(fault: Connection) -> Nature {
    match fault {
        Connection::Refused => standing(Stand::Shut),
        Connection::Blackhole => standing(Stand::Full),
        Connection::SlowAccept => standing(Stand::Unattended),
        Connection::NoRead => standing(Stand::Unread),
        Connection::Restart => Nature { stands: Some(Stand::Restarting), ..ending(End::Close) },
        Connection::AcceptClose => Nature { set_off_by: SetOff::Accept, ..ending(End::Close) },
        Connection::AcceptReset => Nature { set_off_by: SetOff::Accept, ..ending(End::Reset) },
        Connection::ResetAfterBytes => Nature { set_off_by: SetOff::Bytes, ..ending(End::Reset) },
        Connection::CloseBeforeReply | Connection::ReplyThenClose => ending(End::Close),
        Connection::ResetBeforeReply | Connection::ReplyThenReset => ending(End::Reset),
        Connection::HalfClose => ending(End::HalfClose),
        Connection::IdleDrop => Nature { company: Company::Another, ..ending(End::Close) },
        Connection::CloseEvery => {
            Nature { set_off_by: SetOff::EveryNth, company: Company::Another, ..ending(End::Close) }
        }
        Connection::MaxConnections => {
            Nature { set_off_by: SetOff::Beside, company: Company::Another, ..ending(End::Close) }
        }
        // It is the older connections that it ends.
        Connection::StealSession => Nature { set_off_by: SetOff::MessageOrSecond, ..REPLY },
        Connection::MinGap => {
            Nature { set_off_by: SetOff::TooSoon, company: Company::Another, ..REPLY }
        }
    }
}

const fn tls(fault: Tls) -> Nature {
    let in_handshake = Nature { set_off_by: SetOff::Handshake, ..REPLY };
    match fault {
        Tls::Expired
        | Tls::WrongHost
        | Tls::UnknownCa
        | Tls::PlaintextOnTls
        | Tls::ClientCertRequired
        | Tls::ClientCertRefused => in_handshake,
        Tls::HandshakeStall => Nature { silence: Silence::Always, ..in_handshake },
        Tls::TlsOnPlaintext => ending(End::Close),
        Tls::NoCloseNotify => ending(End::Truncated),
    }
}

/// A reply that ends its connection so.
const fn ending(how: End) -> Nature {
    Nature { ends: Some(how), ..REPLY }
}

/// What an endpoint does for a while, from the moment when its exam is handed over.
const fn standing(stand: Stand) -> Nature {
    Nature { set_off_by: SetOff::Handover, stands: Some(stand), ..REPLY }
}

#[cfg(test)]
mod tests {
    use super::SetOff;
    use crate::plan::Fault;

    #[test]
    fn what_a_handover_sets_off_stands_at_an_endpoint() {
        for fault in Fault::ALL {
            let nature = fault.nature();
            let handed_over = nature.set_off_by == SetOff::Handover;
            assert!(!handed_over || nature.stands.is_some(), "{fault}");
        }
    }
}
