//! What a behaviour does, broken down into steps that a connection can carry out.
//!
//! Every fault, whatever its layer, is a list of [`Action`]s, which the file of its kind makes:
//! `replies`, `mismatch`, `payload`, `framing`, `connecting`, `tls`. A new fault is a new row there, never a new
//! mechanism.

use crate::emr::faults::action::Action;
use crate::emr::faults::scene::Scene;
use crate::emr::faults::{connecting, framing, mismatch, payload, replies, tls};
use crate::history::End;
use crate::plan::fault::{SetOff, Silence};
use crate::plan::{Cut, Fault, Parameters, Play};

/// Whether what plays on an accepted connection leaves no time for a handshake.
pub(crate) fn is_before_tls(play: &[Play]) -> bool {
    let Some(Play::Fault { fault, .. }) = play.first() else {
        return false;
    };
    let nature = fault.nature();
    nature.set_off_by == SetOff::Accept && nature.ends.is_some()
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
        Play::Fault { fault, .. } => fault.nature().silence != Silence::Never,
        Play::Raw(_) | Play::Filled(_) | Play::End(_) => false,
        Play::Wait(_) => true,
    })
}

/// Whether a behaviour breaks the connection off, so that nothing more is read from it.
pub(crate) fn resets(play: &[Play]) -> bool {
    play.iter().any(|entry| match entry {
        Play::End(how) => *how == End::Reset,
        Play::Fault { fault, .. } => fault.nature().ends == Some(End::Reset),
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
    match fault {
        Fault::Answer(one) => replies::answers(one, with, scene),
        Fault::Match(one) => mismatch::mismatches(one, with, scene),
        Fault::Payload(one) => payload::payloads(one, with, scene),
        Fault::Frame(one) => framing::frames(one, with, scene),
        Fault::Connection(one) => connecting::connections(one, with, scene),
        Fault::Tls(one) => tls::tls(one, with, scene),
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
