//! What a plan decides where the author said nothing: how long, how much, and the parameters
//! of the faults, which the catalogue knows.
//!
//! Every time is measured against the sender's own patience, so that one scenario serves a
//! sender that waits a second and one that waits a minute.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::plan::fault::{Connection, Mismatch, Patience, Payload};
use crate::plan::{Behaviour, Fault, FeedBy, Limits, Parameters, Play};
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
pub(crate) fn parameters(fault: Fault, sender: &SenderLimits) -> Parameters {
    let SenderLimits { ack_timeout, longest_retry, .. } = *sender;
    fault.usual(Patience { ack_timeout, longest_retry })
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

const MOST_BYTES: u64 = 4_294_967_295;
const MEBIBYTE: u64 = 1024 * 1024;
