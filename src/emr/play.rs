//! What a behaviour does, broken down into steps that a connection can carry out.
//!
//! Every fault, whatever its layer, is a list of [`Action`]s, which the file of its kind makes:
//! `replies`, `wrong`, `framing`, `connecting`. A new fault is a new row there, never a new
//! mechanism.

use std::time::Duration;

use crate::emr::answer::Scene;
use crate::emr::{connecting, framing, replies, wrong};
use crate::history::{End, Micros};
use crate::mllp;
use crate::plan::{Fault, FaultKind, Parameters, Play};

/// One step of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Write these bytes in one go.
    Write(Vec<u8>),
    /// Do nothing for a while.
    Wait(Duration),
    /// Do nothing until the next message has arrived on this connection.
    AwaitNext,
    /// From here on the behaviour has been played, whatever becomes of the rest.
    Mark,
    /// End the connection, or our half of it.
    End(End),
    /// End every connection of the endpoint, and listen no more for so long.
    Restart(Duration),
}

/// What sets a behaviour off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trigger {
    /// The exam is handed over: the endpoint stops listening.
    Listening,
    /// A connection is accepted.
    Accept,
    /// This many bytes of a message have arrived.
    Bytes(u64),
    /// A whole message has arrived.
    Message,
}

/// What sets `play` off; the first entry of a behaviour decides for all of it.
pub(crate) fn trigger(play: &[Play]) -> Trigger {
    let Some(Play::Fault { fault, with }) = play.first() else {
        return Trigger::Message;
    };
    match fault {
        Fault::ConnectionRefused
        | Fault::ConnectionBlackhole
        | Fault::ConnectionSlowAccept
        | Fault::ConnectionNoRead => Trigger::Listening,
        Fault::ConnectionAcceptClose | Fault::ConnectionAcceptReset | Fault::MatchOnConnect => {
            Trigger::Accept
        }
        Fault::ConnectionResetAfterBytes => Trigger::Bytes(with.bytes.unwrap_or(600)),
        _ => Trigger::Message,
    }
}

/// The actions of a whole behaviour and the name that its reply goes by.
pub(crate) fn actions(play: &[Play], scene: &Scene<'_>) -> Vec<Action> {
    let mut all = Vec::new();
    for entry in play {
        match entry {
            Play::Fault { fault, with } => all.extend(fault_actions(*fault, with, scene)),
            Play::Raw(bytes) => all.push(Action::Write(bytes.as_slice().to_vec())),
            Play::Wait(time) => all.push(Action::Wait((*time).into())),
        }
    }
    all
}

/// Whether a behaviour is played by doing nothing: no answer is asked for, or none may be due.
pub(crate) fn is_silent(play: &[Play]) -> bool {
    play.iter().all(|entry| match entry {
        Play::Fault { fault, .. } => matches!(fault, Fault::AnswerNone | Fault::AnswerAccept),
        Play::Raw(_) => false,
        Play::Wait(_) => true,
    })
}

/// The name that a behaviour's reply goes by: its first fault, or `raw`.
pub(crate) fn name(play: &[Play]) -> String {
    let fault = play.iter().find_map(|entry| match entry {
        Play::Fault { fault, .. } => Some(fault.name()),
        Play::Raw(_) | Play::Wait(_) => None,
    });
    fault.unwrap_or("raw").to_owned()
}

fn fault_actions(fault: Fault, with: &Parameters, scene: &Scene<'_>) -> Vec<Action> {
    match fault.kind() {
        FaultKind::Answer => replies::answers(fault, with, scene),
        FaultKind::Match => replies::matches(fault, with, scene),
        FaultKind::Payload => vec![frame(&wrong::payload(fault, with, scene))],
        FaultKind::Frame => framing::frames(fault, with, scene),
        FaultKind::Connection => connecting::connections(fault, with, scene),
    }
}

/// A payload in a good frame, as one write.
pub(crate) fn frame(payload: &[u8]) -> Action {
    Action::Write(mllp::encode(payload))
}

pub(crate) fn duration(given: Option<Micros>, default: Duration) -> Duration {
    given.map_or(default, Duration::from)
}
