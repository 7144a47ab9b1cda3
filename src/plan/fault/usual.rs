//! The parameters that a fault has by itself: how long, how much, in which words.
//!
//! Every time is measured against the sender's own patience. Planning fills these in where an author
//! says nothing, and nobody who plays a fault knows other ones.

use std::time::Duration;

use super::{Answer, Connection, Fault, Frame, Mismatch, Payload, Tls};
use crate::history::Micros;
use crate::plan::parameters::Parameters;

/// How patient a sender is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How long it waits for an acknowledgement.
    pub ack_timeout: Duration,
    /// The longest time between two of its attempts.
    pub longest_retry: Duration,
}

impl Fault {
    /// Its parameters for a sender of this patience, where nobody says otherwise: all that it reads
    /// and cannot do without.
    ///
    /// | fault | what `after` means | default |
    /// |---|---|---|
    /// | `answer/late` | after the message | twice the acknowledgement timeout |
    /// | `answer/slow` | after the message | nine tenths of the timeout |
    /// | `answer/commit-then-…`, `answer/error-then-accept`, `answer/accept-on-other-connection` | between the two answers | half the timeout |
    /// | `match/conflict`, `match/twice` | between the two answers | none |
    /// | `frame/byte-by-byte` | all the bytes together | a quarter of the timeout |
    /// | `frame/header-first`, `trailer-late`, `cr-late`, `pause-inside` | the pause | a quarter of the timeout |
    /// | `frame/keepalive-noise` | between two signs of life | a quarter of the timeout |
    /// | `frame/drip` | between two bytes | half the timeout |
    /// | `connection/refused`, `connection/restart` | how long nobody listens | twice the longest retry |
    /// | `connection/blackhole` | how long nobody answers a connect | twice the timeout, or the longest retry |
    /// | `connection/slow-accept` | how long a connection waits to be accepted | twice the timeout |
    /// | `connection/idle-drop` | for how long nothing is said | half the timeout |
    /// | `connection/min-gap` | within which a message comes too soon | twenty timeouts |
    /// | `connection/no-read` | how long bytes wait to be read | twice the timeout |
    /// | `tls/handshake-stall` | how long nothing is said | twice the acknowledgement timeout |
    #[must_use]
    pub fn usual(self, patience: Patience) -> Parameters {
        let bytes = match self {
            // 600 bytes end inside the first FT1 of every mapping that is shipped.
            Self::Connection(Connection::ResetAfterBytes) => Some(600),
            Self::Match(Mismatch::Truncated) => Some(10),
            Self::Payload(Payload::Giant) => Some(MEBIBYTE),
            _ => None,
        };
        let times = match self {
            Self::Answer(Answer::FailThenAccept) => Some(2),
            Self::Answer(Answer::Batch) => Some(1),
            _ => None,
        };
        let count = match self {
            Self::Connection(Connection::CloseEvery) => Some(1),
            Self::Connection(Connection::MaxConnections) => Some(0),
            _ => None,
        };
        Parameters {
            after: after(self, patience).map(Micros::from),
            bytes,
            times,
            count,
            text: text(self).map(str::to_owned),
            code: self.codes().first().copied(),
            form: self.forms().first().map(|&form| form.to_owned()),
            ..Parameters::default()
        }
    }
}

/// The time of `fault` for this sender.
fn after(fault: Fault, patience: Patience) -> Option<Duration> {
    let timeout = patience.ack_timeout;
    match fault {
        Fault::Answer(Answer::Late) | Fault::Tls(Tls::HandshakeStall) => {
            Some(timeout.saturating_mul(2))
        }
        // Just in time: the sender is about to give up.
        Fault::Answer(Answer::Slow) => Some(timeout.saturating_mul(9) / 10),
        Fault::Answer(Answer::CommitThenAccept)
        | Fault::Answer(Answer::AcceptOnOtherConnection)
        | Fault::Answer(Answer::CommitThenError)
        | Fault::Answer(Answer::CommitThenReject)
        | Fault::Answer(Answer::ErrorThenAccept)
        | Fault::Frame(Frame::Drip) => Some(timeout / 2),
        Fault::Match(Mismatch::Conflict) | Fault::Match(Mismatch::Twice) => Some(Duration::ZERO),
        // For the first of these it is how long all the bytes take together.
        Fault::Frame(Frame::ByteByByte)
        | Fault::Frame(Frame::HeaderFirst)
        | Fault::Frame(Frame::TrailerLate)
        | Fault::Frame(Frame::CrLate)
        | Fault::Frame(Frame::KeepaliveNoise)
        | Fault::Frame(Frame::PauseInside) => Some(timeout / 4),
        Fault::Connection(Connection::Refused) | Fault::Connection(Connection::Restart) => {
            Some(patience.longest_retry.saturating_mul(2))
        }
        // Longer than the sender waits for a connection, or for an answer.
        Fault::Connection(Connection::Blackhole) => {
            Some(timeout.saturating_mul(2).max(patience.longest_retry.saturating_mul(2)))
        }
        Fault::Connection(Connection::SlowAccept) | Fault::Connection(Connection::NoRead) => {
            Some(timeout.saturating_mul(2))
        }
        Fault::Connection(Connection::IdleDrop) => Some(timeout / 2),
        // Whatever a sender does between two charges, it is over by then.
        Fault::Connection(Connection::MinGap) => Some(timeout.saturating_mul(20)),
        _ => None,
    }
}

/// The text that `fault` carries.
const fn text(fault: Fault) -> Option<&'static str> {
    match fault {
        Fault::Answer(Answer::Error)
        | Fault::Answer(Answer::CommitError)
        | Fault::Answer(Answer::CommitThenError) => Some("the charge could not be posted"),
        Fault::Answer(Answer::Reject)
        | Fault::Answer(Answer::FailThenAccept)
        | Fault::Answer(Answer::CommitReject)
        | Fault::Answer(Answer::CommitThenReject) => Some("the charge was refused"),
        Fault::Answer(Answer::ErrorThenAccept) => Some("the charge could not be posted"),
        Fault::Connection(Connection::MinGap) => Some("messages come too fast"),
        Fault::Answer(Answer::Locked) => Some("the record is locked"),
        Fault::Answer(Answer::DuplicateControlId) => Some("control id already exists"),
        _ => None,
    }
}

const MEBIBYTE: u64 = 1024 * 1024;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Patience;
    use crate::plan::{Fault, Parameter};

    /// Whoever plays a fault need not know what it is where nobody says.
    #[test]
    fn a_fault_has_by_itself_what_it_reads_and_cannot_do_without() {
        let patience = Duration::from_millis(400);
        let patience = Patience { ack_timeout: patience, longest_retry: patience };
        for fault in Fault::ALL {
            let usual = fault.usual(patience);
            let has = [
                (Parameter::After, usual.after.is_some()),
                (Parameter::Bytes, usual.bytes.is_some()),
                (Parameter::Times, usual.times.is_some()),
                (Parameter::Count, usual.count.is_some()),
                (Parameter::Code, usual.code.is_some()),
                (Parameter::Form, usual.form.is_some()),
            ];
            for (parameter, has) in has {
                let reads = fault.reads().contains(&parameter);
                assert_eq!(has, reads, "{fault}: {}", parameter.name());
            }
        }
    }
}
