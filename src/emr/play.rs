//! What a behaviour does, broken down into steps that a connection can carry out.
//!
//! Every fault, whatever its layer, is a list of [`Action`]s. A new fault is a new row in
//! [`actions`], never a new mechanism.

use std::time::Duration;

use crate::emr::answer::Scene;
use crate::emr::wrong;
use crate::history::{End, Micros};
use crate::hl7::ack::Code;
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
        Fault::ConnectionRefused => Trigger::Listening,
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
        FaultKind::Answer => answers(fault, with, scene),
        FaultKind::Match => matches(fault, with, scene),
        FaultKind::Payload => vec![frame(&wrong::payload(fault, with, scene))],
        FaultKind::Frame => frames(fault, with, scene),
        FaultKind::Connection => connections(fault, scene),
    }
}

/// Well-formed answers (spec: acknowledgements in HL7 v2 chapter 2, section 2.9).
fn answers(fault: Fault, with: &Parameters, scene: &Scene<'_>) -> Vec<Action> {
    let wait = Action::Wait(duration(with.after, scene.ack_timeout / 4));
    let say = |code: Code| frame(&scene.acknowledge(code, with));
    match fault {
        Fault::AnswerAccept => scene.accept(with),
        Fault::AnswerError => scene.refuse(Code::AE, Code::CE, with),
        Fault::AnswerReject => scene.refuse(Code::AR, Code::CR, with),
        Fault::AnswerCommitAccept => vec![say(Code::CA)],
        Fault::AnswerCommitError => vec![say(Code::CE)],
        Fault::AnswerCommitReject => vec![say(Code::CR)],
        Fault::AnswerCommitThenAccept => vec![say(Code::CA), wait, say(Code::AA)],
        Fault::AnswerCommitThenError => vec![say(Code::CA), wait, say(Code::AE)],
        Fault::AnswerCommitThenReject => vec![say(Code::CA), wait, say(Code::AR)],
        Fault::AnswerAcceptLost => vec![Action::End(End::Close)],
        Fault::AnswerLate => {
            let late = Action::Wait(duration(with.after, scene.ack_timeout * 2));
            vec![late, say(Code::AA)]
        }
        Fault::AnswerSlow => {
            let slow = Action::Wait(duration(with.after, scene.ack_timeout / 2));
            vec![slow, say(Code::AA)]
        }
        Fault::AnswerLateAfterNext => vec![Action::AwaitNext, say(Code::AA)],
        Fault::AnswerDuplicateControlId => vec![frame(&scene.problem(Code::AR, 205, with))],
        Fault::AnswerLocked => vec![frame(&scene.problem(Code::AE, 206, with))],
        Fault::AnswerErrorThenAccept => vec![say(Code::AE), wait, say(Code::AA)],
        Fault::AnswerOtherType => vec![frame(&scene.other_type(b"ORR^O02"))],
        Fault::AnswerAcceptWithErr => vec![frame(&scene.problem(Code::AA, 0, with))],
        Fault::AnswerBatch => vec![frame(&scene.batch())],
        _ => Vec::new(), // answer/none
    }
}

/// Well-formed answers to the wrong message: MSA-2 is not the MSH-10 that was sent.
fn matches(fault: Fault, with: &Parameters, scene: &Scene<'_>) -> Vec<Action> {
    let say = |code: Code| frame(&scene.acknowledge(code, with));
    match fault {
        Fault::MatchTwice => vec![say(Code::AA); 2],
        Fault::MatchConflict => vec![say(Code::AA), say(Code::AR)],
        Fault::MatchEcho => vec![frame(scene.payload)],
        _ => vec![frame(&wrong::misrouted(fault, scene))],
    }
}

/// Malformed framing around a good acknowledgement.
fn frames(fault: Fault, with: &Parameters, scene: &Scene<'_>) -> Vec<Action> {
    let payload = scene.acknowledge(Code::AA, with);
    let framed = mllp::encode(&payload);
    let half = framed.len() / 2;
    let pause = Action::Wait(duration(with.after, scene.ack_timeout / 4));
    let write = |bytes: &[u8]| Action::Write(bytes.to_vec());
    let end = framed.len() - 2;
    match fault {
        Fault::FrameNoVt => vec![write(&framed[1..])],
        Fault::FrameUnframed => vec![write(&payload)],
        Fault::FrameNoFsCr => vec![write(&framed[..end])],
        Fault::FrameFsOnly => vec![write(&framed[..=end])],
        Fault::FrameDoubleWrapped => vec![write(&mllp::encode(&framed))],
        Fault::FrameJunkBefore => vec![write(b"*** EMR GATEWAY ***\r\n"), write(&framed)],
        Fault::FrameJunkAfter => vec![write(&framed), write(b"\r\nOK\r\n")],
        Fault::FrameByteByByte => spread(&framed, duration(with.after, scene.ack_timeout / 4)),
        Fault::FrameDrip => outlast(&framed, duration(with.after, scene.ack_timeout / 2), scene),
        Fault::FrameHeaderFirst => vec![write(&framed[..1]), pause, write(&framed[1..])],
        Fault::FrameTrailerLate => vec![write(&framed[..end]), pause, write(&framed[end..])],
        Fault::FramePauseInside => vec![write(&framed[..half]), pause, write(&framed[half..])],
        Fault::FramePartialThenClose => vec![write(&framed[..half]), Action::End(End::Close)],
        Fault::FramePartialThenReset => vec![write(&framed[..half]), Action::End(End::Reset)],
        Fault::FramePartialThenSilence => vec![write(&framed[..half])],
        Fault::FrameMllp2Ack => vec![write(b"\x0b\x06\x1c\r")],
        Fault::FrameMllp2Nak => vec![write(b"\x0b\x15\x1c\r")],
        _ => scene.split_frames(&payload), // frame/split-in-two-frames
    }
}

fn connections(fault: Fault, scene: &Scene<'_>) -> Vec<Action> {
    let accept = frame(&scene.acknowledge(Code::AA, &Parameters::default()));
    match fault {
        Fault::ConnectionReplyThenClose => vec![accept, Action::End(End::Close)],
        Fault::ConnectionReplyThenReset => vec![accept, Action::End(End::Reset)],
        Fault::ConnectionHalfClose => vec![Action::End(End::HalfClose)],
        Fault::ConnectionAcceptReset
        | Fault::ConnectionResetAfterBytes
        | Fault::ConnectionResetBeforeReply => vec![Action::End(End::Reset)],
        Fault::ConnectionRefused => Vec::new(), // the endpoint's business, not a connection's
        _ => vec![Action::End(End::Close)],
    }
}

/// A payload in a good frame, as one write.
pub(crate) fn frame(payload: &[u8]) -> Action {
    Action::Write(mllp::encode(payload))
}

/// One byte at a time, all of them within about `total`: a pause is never shorter than a timer
/// can be trusted with, so there are fewer pauses than bytes.
fn spread(bytes: &[u8], total: Duration) -> Vec<Action> {
    let pauses = usize::try_from(total.as_millis() / PAUSE.as_millis()).unwrap_or(1).max(1);
    let every = bytes.len().div_ceil(pauses).max(1);
    let mut all = Vec::with_capacity(bytes.len() + pauses);
    for (index, byte) in bytes.iter().enumerate() {
        if index > 0 && index % every == 0 {
            all.push(Action::Wait(PAUSE));
        }
        all.push(Action::Write(vec![*byte]));
    }
    all
}

/// The shortest pause within a reply.
const PAUSE: Duration = Duration::from_millis(10);

/// One byte, a gap, the next byte.
fn drip(bytes: &[u8], gap: Duration) -> Vec<Action> {
    let mut all = Vec::with_capacity(bytes.len() * 2);
    for byte in bytes {
        if !all.is_empty() {
            all.push(Action::Wait(gap));
        }
        all.push(Action::Write(vec![*byte]));
    }
    all
}

/// A drip that lasts past the sender's timeout and has been played once it has.
fn outlast(bytes: &[u8], gap: Duration, scene: &Scene<'_>) -> Vec<Action> {
    let mut all = drip(bytes, gap);
    let gaps = scene.ack_timeout.as_micros().div_ceil(gap.as_micros().max(1));
    let past = usize::try_from(gaps).unwrap_or(usize::MAX).saturating_mul(2);
    all.insert(past.min(all.len()), Action::Mark);
    all
}

fn duration(given: Option<Micros>, default: Duration) -> Duration {
    given.map_or(default, Duration::from)
}
