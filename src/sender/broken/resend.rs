//! What can go wrong after bytes of a charge have left, and which broken sender sends again.
//!
//! The correct sender never does: it has no row here. A resend can charge a patient twice, so
//! neither silence, nor a refusal, nor junk is a reason for it.

use crate::sender::broken::bug::Bug;
use crate::sender::broken::wrapping::Wrapping;

/// What went wrong after bytes of a charge left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// No valid acknowledgement came in time.
    Timeout,
    /// The peer closed without a byte of a reply.
    Closed,
    /// The connection was reset without a byte of a reply.
    Reset,
    /// The connection was reset while the message was being written.
    ResetInside,
    /// The connection was reset right after a valid AA.
    ResetAfterAccept,
    /// A reply began and did not end.
    CutShort,
    /// AE.
    Error,
    /// AR.
    Reject,
    /// CE or CR.
    CommitRefused,
    /// By the wall clock, the answer is hours late.
    Overdue,
    /// The timer was seen to run out long after its time, and what has arrived was not read.
    RacedTimer,
    /// A reply that cannot be read.
    Junk,
    /// A reply to another message.
    WrongId,
}

/// How a broken sender sends again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Again {
    /// On which connection.
    pub(crate) over: Over,
    /// How the message differs.
    pub(crate) rewrite: Rewrite,
}

/// On which connection a charge goes out again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    SameConnection,
    NewConnection,
    NextEndpoint,
}

/// How a charge that goes out again differs from what went out before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rewrite {
    Nothing,
    /// A new MSH-10 and a new time.
    ControlId,
    /// As `ControlId`, and an FT1-2 of its own.
    TransactionId,
    /// As `ControlId`, and other set ids, repetitions in another order.
    Encoding,
    /// As `ControlId`, in a form that nobody agreed on.
    Wrapped(Wrapping),
}

/// The same once more, on the connection that stands.
pub(crate) const SAME_AGAIN: Again =
    Again { over: Over::SameConnection, rewrite: Rewrite::Nothing };

/// How `bug` sends a charge again after `trouble`, if it does.
pub(crate) fn again(bug: Option<Bug>, trouble: Trouble, endpoints: usize) -> Option<Again> {
    let (over, rewrite) = match (bug?, trouble) {
        (Bug::ResendOnTimeout, Trouble::Timeout)
        | (Bug::ResendOnError, Trouble::Error)
        | (Bug::ResendOnReject, Trouble::Reject)
        | (Bug::ResendOnCommitError, Trouble::CommitRefused)
        | (Bug::PauseRace, Trouble::RacedTimer)
        | (Bug::ResendOnJunk, Trouble::Junk)
        | (Bug::ResendOnWrongId, Trouble::WrongId) => (Over::SameConnection, Rewrite::Nothing),
        (Bug::ResendOnTimeoutReconnect, Trouble::Timeout)
        | (Bug::ClockJump, Trouble::Overdue)
        | (Bug::ResendOnClose, Trouble::Closed)
        | (Bug::ResendOnReset, Trouble::Reset)
        | (Bug::ResendOnPartialWrite, Trouble::ResetInside)
        | (Bug::ResendAfterAckReset | Bug::ResendAfterTruncation, Trouble::ResetAfterAccept)
        | (Bug::ResendOnPartialAck, Trouble::CutShort) => (Over::NewConnection, Rewrite::Nothing),
        (Bug::FailoverResend, Trouble::Timeout) if endpoints > 1 => {
            (Over::NextEndpoint, Rewrite::Nothing)
        }
        (Bug::ResendNewControlId, Trouble::Timeout) => (Over::SameConnection, Rewrite::ControlId),
        (Bug::ResendNewTransactionId, Trouble::Timeout) => {
            (Over::SameConnection, Rewrite::TransactionId)
        }
        (Bug::ReEncode, Trouble::Timeout) => (Over::SameConnection, Rewrite::Encoding),
        (bug, Trouble::Timeout) => (Over::SameConnection, Rewrite::Wrapped(wrapping(bug)?)),
        _ => return None,
    };
    Some(Again { over, rewrite })
}

/// The form in which a broken sender sends a charge again.
const fn wrapping(bug: Bug) -> Option<Wrapping> {
    Some(match bug {
        Bug::ResendAsBill => Wrapping::Bill,
        Bug::ResendInObservation => Wrapping::Observation,
        Bug::ResendInDocument => Wrapping::Document,
        Bug::ResendAsMarkup => Wrapping::Markup,
        Bug::ResendInOwnSegment => Wrapping::OwnSegment,
        Bug::ResendInLowerCase => Wrapping::LowerCase,
        Bug::ResendWithOrderElsewhere => Wrapping::OrderElsewhere,
        Bug::ResendUnderPaddedOrder => Wrapping::PaddedOrder,
        Bug::ResendAsOtherLine => Wrapping::OtherLine,
        _ => return None,
    })
}
