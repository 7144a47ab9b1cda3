//! What a plan decides where the author said nothing: how long, how much, and the parameters
//! of the faults.
//!
//! Every time is measured against the sender's own patience, so that one scenario serves a
//! sender that waits a second and one that waits a minute.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::history::Micros;
use crate::plan::FeedBy;
use crate::plan::fault::{Answer, Connection, Frame, Mismatch, Payload, Tls};
use crate::plan::{Behaviour, Fault, Limits, Parameters, Play};
use crate::scenario::SenderLimits;

/// The mapping of a scenario that names none.
pub(crate) const MAPPING: &str = "iris/option-1";

/// The endpoint of a scenario that names none.
pub(crate) const ENDPOINT: &str = "emr";

/// How long a sender may take to stop.
const STOP: Duration = Duration::from_secs(2);

/// What a slow start of a process may cost on top of the sender's own patience.
const START: Duration = Duration::from_secs(2);

/// What an operator may take to hand an exam over.
const PERSON: Duration = Duration::from_secs(15 * 60);

/// How long the wire is watched after a case at the most, unless somebody asks for more: what a
/// sender does after an hour is not waited for by default.
const WATCH: Duration = Duration::from_secs(60);

/// The sender's limits as far as they are waited for: twice its longest retry, but no longer than
/// `watch`.
pub(crate) fn waited_for(sender: &SenderLimits, watch: Option<Duration>) -> SenderLimits {
    let longest_retry = sender.longest_retry.min(watch.unwrap_or(WATCH) / 2);
    SenderLimits { longest_retry, ..*sender }
}

/// The limits that follow from the sender's own, as far as they are waited for.
pub(crate) fn limits(sender: &SenderLimits, feed: &FeedBy, script: &[Behaviour]) -> Limits {
    let longest = sender.ack_timeout.max(sender.longest_retry);
    let base = sender
        .ack_timeout
        .saturating_mul(4)
        .saturating_add(sender.longest_retry.saturating_mul(4))
        .saturating_add(START);
    // A reply that is due after the patience has run out would never be seen to play.
    let delay = script.iter().map(delay).max().unwrap_or_default();
    let person = if *feed == FeedBy::Hand { PERSON } else { Duration::ZERO };
    let patience = base.max(delay.saturating_add(base / 2)).max(person);
    Limits {
        ack_timeout: sender.ack_timeout.into(),
        longest_retry: sender.longest_retry.into(),
        in_flight: sender.in_flight,
        settle: longest.saturating_mul(2).into(),
        patience: patience.into(),
        stop: sender.stop.unwrap_or(STOP).into(),
        message_bytes: 1024 * 1024,
        connections: 4_096,
        messages: 5_000,
        recorded_bytes: 64 * 1024 * 1024,
    }
}

/// How long a behaviour takes by its own parameters.
fn delay(behaviour: &Behaviour) -> Duration {
    let part = |play: &Play| match play {
        Play::Wait(time) => Duration::from(*time),
        Play::Fault { with, .. } => with.after.map(Duration::from).unwrap_or_default(),
        Play::Raw(_) | Play::Filled(_) | Play::End(_) => Duration::ZERO,
    };
    behaviour.play.iter().map(part).fold(Duration::ZERO, Duration::saturating_add)
}

/// The parameters of `fault` where its author gave none.
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
pub(crate) fn parameters(fault: Fault, sender: &SenderLimits) -> Parameters {
    let bytes = match fault {
        // 600 bytes end inside the first FT1 of every mapping that is shipped.
        Fault::Connection(Connection::ResetAfterBytes) => Some(600),
        Fault::Match(Mismatch::Truncated) => Some(10),
        Fault::Payload(Payload::Giant) => Some(MEBIBYTE),
        _ => None,
    };
    let times = match fault {
        Fault::Answer(Answer::FailThenAccept) => Some(2),
        Fault::Answer(Answer::Batch) => Some(1),
        _ => None,
    };
    let count = match fault {
        Fault::Connection(Connection::CloseEvery) => Some(1),
        Fault::Connection(Connection::MaxConnections) => Some(0),
        _ => None,
    };
    Parameters {
        after: after(fault, sender).map(Micros::from),
        bytes,
        times,
        count,
        text: text(fault).map(str::to_owned),
        code: fault.codes().first().copied(),
        form: fault.forms().first().map(|&form| form.to_owned()),
        ..Parameters::default()
    }
}

/// The time of `fault` for this sender.
fn after(fault: Fault, sender: &SenderLimits) -> Option<Duration> {
    let timeout = sender.ack_timeout;
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
            Some(sender.longest_retry.saturating_mul(2))
        }
        // Longer than the sender waits for a connection, or for an answer.
        Fault::Connection(Connection::Blackhole) => {
            Some(timeout.saturating_mul(2).max(sender.longest_retry.saturating_mul(2)))
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

/// How many bytes `fault` can be asked for, where that has bounds.
pub(crate) const fn range(fault: Fault) -> Option<RangeInclusive<u64>> {
    match fault {
        Fault::Payload(Payload::Giant) => Some(MEBIBYTE..=16 * MEBIBYTE),
        Fault::Match(Mismatch::Truncated) => Some(1..=199),
        // Before the first byte there is no message to break off in.
        Fault::Connection(Connection::ResetAfterBytes) => Some(1..=MOST_BYTES),
        _ => None,
    }
}

/// Whether the time that `fault` takes lies between two answers, which may as well come at once.
pub(crate) const fn may_be_at_once(fault: Fault) -> bool {
    matches!(
        fault,
        Fault::Answer(Answer::CommitThenAccept)
            | Fault::Answer(Answer::CommitThenError)
            | Fault::Answer(Answer::CommitThenReject)
            | Fault::Answer(Answer::ErrorThenAccept)
            | Fault::Answer(Answer::AcceptOnOtherConnection)
            | Fault::Match(Mismatch::Twice)
            | Fault::Match(Mismatch::Conflict)
            | Fault::Frame(Frame::KeepaliveNoise)
    )
}

const MOST_BYTES: u64 = 4_294_967_295;
const MEBIBYTE: u64 = 1024 * 1024;
