//! What a behaviour does, broken down into steps that a connection can carry out.
//!
//! Every fault, whatever its layer, is a list of [`Action`]s, which the file of its kind makes:
//! `replies`, `wrong`, `framing`, `connecting`, `securing`. A new fault is a new row there, never a new
//! mechanism.

use std::time::Duration;

use crate::emr::answer::Scene;
use crate::emr::giant::{self, Stream};
use crate::emr::{connecting, framing, replies, script, securing, wrong};
use crate::history::{End, Micros};
use crate::mllp;
use crate::plan::{Behaviour, Cut, Fault, FaultKind, Moment, Parameters, Play};

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
    /// So many messages have arrived on a connection, or twice as many, and so on.
    Every(u32),
    /// A message has arrived so soon after the one before at its endpoint.
    Within(Duration),
    /// A connection is accepted beside at least so many others.
    Beside(u32),
    /// A whole message has arrived, or a connection is accepted beside another.
    MessageOrSecond,
}

impl Trigger {
    /// Whether a whole message sets it off at this moment.
    pub(crate) fn is_due_on_message(self, moment: &script::Moment<'_>) -> bool {
        match self {
            Self::Message | Self::MessageOrSecond => true,
            Self::Every(count) => moment.heard.is_multiple_of(count.max(1)),
            Self::Within(time) => moment.gap.is_some_and(|gap| gap < time),
            _ => false,
        }
    }

    /// Whether an accepted connection sets it off at this moment.
    pub(crate) const fn is_due_on_accept(self, moment: &script::Moment<'_>) -> bool {
        match self {
            Self::Accept => true,
            Self::Beside(count) => moment.others >= count,
            Self::MessageOrSecond => moment.others > 0,
            _ => false,
        }
    }
}

/// What sets a behaviour off: the moment that its author names, or else its first entry.
pub(crate) fn trigger(behaviour: &Behaviour) -> Trigger {
    match behaviour.on.moment {
        Some(Moment::Accepted) => return Trigger::Accept,
        Some(Moment::Bytes(count)) => return Trigger::Bytes(count),
        Some(Moment::Message) => return Trigger::Message,
        None => {}
    }
    let Some(Play::Fault { fault, with }) = behaviour.play.first() else {
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
        Fault::ConnectionCloseEvery => Trigger::Every(with.count.unwrap_or(1)),
        Fault::ConnectionMaxConnections => Trigger::Beside(with.count.unwrap_or(0)),
        Fault::ConnectionMinGap => Trigger::Within(duration(with.after, MIN_GAP)),
        Fault::ConnectionStealSession => Trigger::MessageOrSecond,
        Fault::ConnectionResetAfterBytes => Trigger::Bytes(with.bytes.unwrap_or(600)),
        _ if securing::is_in_handshake(*fault) => Trigger::Accept,
        _ => Trigger::Message,
    }
}

/// Whether what plays on an accepted connection leaves no time for a handshake.
pub(crate) fn is_before_tls(play: &[Play]) -> bool {
    let Some(Play::Fault { fault, .. }) = play.first() else {
        return false;
    };
    matches!(fault, Fault::ConnectionAcceptClose | Fault::ConnectionAcceptReset)
}

/// The actions of a whole behaviour and the name that its reply goes by.
pub(crate) fn actions(play: &[Play], scene: &Scene<'_>) -> Vec<Action> {
    let mut all = Vec::new();
    for (index, entry) in play.iter().enumerate() {
        match entry {
            Play::Fault { fault, with } => {
                let mut actions = fault_actions(*fault, with, scene);
                let pauses = |one: &Play| matches!(one, Play::Wait(_));
                if index + 1 < play.len() || !play[..index].iter().all(pauses) {
                    // A list has been played once all of it has.
                    actions.retain(|action| !matches!(action, Action::Mark));
                }
                all.extend(match with.cut {
                    Some(at) => cut(actions, at),
                    None => actions,
                });
            }
            Play::End(how) => all.push(Action::End(*how)),
            Play::Raw(bytes) => all.push(Action::Write(bytes.as_slice().to_vec())),
            Play::Filled(parts) => all.push(Action::Write(scene.filled(parts))),
            Play::Wait(time) => all.push(Action::Wait((*time).into())),
        }
    }
    all
}

/// Whether a behaviour is played by doing nothing: no answer is asked for, or none may be due.
pub(crate) fn is_silent(play: &[Play]) -> bool {
    play.iter().all(|entry| match entry {
        Play::Fault { fault, .. } => {
            matches!(fault, Fault::AnswerNone | Fault::AnswerAccept | Fault::TlsHandshakeStall)
        }
        Play::Raw(_) | Play::Filled(_) | Play::End(_) => false,
        Play::Wait(_) => true,
    })
}

/// Whether a behaviour breaks the connection off, so that nothing more is read from it.
pub(crate) fn resets(play: &[Play]) -> bool {
    play.iter().any(|entry| match entry {
        Play::End(how) => *how == End::Reset,
        Play::Fault { fault, .. } => matches!(
            fault,
            Fault::ConnectionAcceptReset
                | Fault::ConnectionResetAfterBytes
                | Fault::ConnectionResetBeforeReply
                | Fault::ConnectionReplyThenReset
                | Fault::FramePartialThenReset
        ),
        Play::Raw(_) | Play::Filled(_) | Play::Wait(_) => false,
    })
}

/// The name that a behaviour's reply goes by: its first fault, or `raw`.
pub(crate) fn name(play: &[Play]) -> String {
    let fault = play.iter().find_map(|entry| match entry {
        Play::Fault { fault, .. } => Some(fault.name()),
        Play::Raw(_) | Play::Filled(_) | Play::Wait(_) | Play::End(_) => None,
    });
    fault.unwrap_or("raw").to_owned()
}

fn fault_actions(fault: Fault, with: &Parameters, scene: &Scene<'_>) -> Vec<Action> {
    match fault.kind() {
        FaultKind::Answer => replies::answers(fault, with, scene),
        FaultKind::Match => replies::matches(fault, with, scene),
        FaultKind::Payload => payloads(fault, with, scene),
        FaultKind::Frame => framing::frames(fault, with, scene),
        FaultKind::Connection => connecting::connections(fault, with, scene),
        FaultKind::Tls => securing::tls(fault, with, scene),
    }
}

/// Malformed payloads: in a good frame, but for one that comes without any.
fn payloads(fault: Fault, with: &Parameters, scene: &Scene<'_>) -> Vec<Action> {
    match fault {
        Fault::PayloadGiant => giant::reply(with, scene),
        Fault::PayloadHttp if with.form.as_deref() == Some("raw") => {
            vec![Action::Write(wrong::payload(fault, with, scene))]
        }
        _ => vec![frame(&wrong::payload(fault, with, scene))],
    }
}

/// The actions up to where the reply is cut off. Nothing is written afterwards, and so nothing is
/// waited for either.
fn cut(actions: Vec<Action>, at: Cut) -> Vec<Action> {
    let length = |action: &Action| match action {
        Action::Write(bytes) => bytes.len() as u64,
        Action::Stream(stream) => stream.length(),
        _ => 0,
    };
    let mut left = match at {
        Cut::Half => actions.iter().map(length).sum::<u64>() / 2,
        Cut::Bytes(count) => count,
    };
    let mut kept = Vec::new();
    for action in actions {
        if left == 0 {
            break;
        }
        let taken = length(&action).min(left);
        kept.push(match action {
            Action::Write(mut bytes) => {
                bytes.truncate(usize::try_from(taken).unwrap_or(usize::MAX));
                Action::Write(bytes)
            }
            Action::Stream(stream) => Action::Stream(stream.cut(taken)),
            other => other,
        });
        left -= taken;
    }
    kept
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

pub(crate) fn duration(given: Option<Micros>, default: Duration) -> Duration {
    given.map_or(default, Duration::from)
}

/// How soon is too soon, where nothing else is said.
const MIN_GAP: Duration = Duration::from_secs(1);
