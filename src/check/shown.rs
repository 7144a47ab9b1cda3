//! Whether a fault that is said to have played can be seen in the history: its end on the
//! connection, the connect that was refused, the answer that was late.
//!
//! The simulated EMR says that a behaviour played; this does not take its word for it.

use crate::history::{ConnectionId, End, Micros, What};
use crate::plan::{Fault, Play};

use super::evidence::{Evidence, Fault as Played};

/// Whether the history shows what `played` says, as far as it must show.
pub(super) fn is_shown(evidence: &Evidence<'_>, played: &Played<'_>) -> bool {
    let Some(behaviour) = evidence.plan.script.get(played.behaviour) else {
        return false;
    };
    let [Play::Fault { fault, with }] = behaviour.play.as_slice() else {
        return true; // what is composed has no single sign
    };
    let mut before = evidence.events[..played.event].iter().map(|event| &event.what);
    match sign(*fault) {
        Sign::None => true,
        Sign::End(wanted) => before.any(|what| match what {
            What::EndedByEmr { connection, how } => {
                Some(*connection) == played.connection && *how == wanted
            }
            _ => false,
        }),
        Sign::Refusal => before.any(|what| matches!(what, What::RefusalSeen { .. })),
        Sign::Silence => before.any(|what| matches!(what, What::SilenceSeen { .. })),
        Sign::Waiting => before.any(|what| matches!(what, What::Waiting { .. })),
        Sign::Held => before
            .any(|what| matches!(what, What::Reading { on: true, waiting, .. } if *waiting > 0)),
        Sign::Delay => {
            let after = with.after.unwrap_or_default();
            played.connection.is_some_and(|connection| {
                replied_after(evidence, played.event, connection, fault.name()) >= Some(after)
            })
        }
    }
}

/// How long after its message the last reply by this name began before an event.
fn replied_after(
    evidence: &Evidence<'_>,
    event: usize,
    on: ConnectionId,
    by: &str,
) -> Option<Micros> {
    evidence.events[..event].iter().rev().find_map(|event| match &event.what {
        What::Replied { connection, to: Some(to), name, began, .. }
            if *connection == on && name == by =>
        {
            let message = evidence.events.get(evidence.index_of(*to))?;
            Some(began.since(message.at))
        }
        _ => None,
    })
}

/// What must be seen of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    None,
    End(End),
    Refusal,
    Silence,
    Waiting,
    Held,
    Delay,
}

const fn sign(fault: Fault) -> Sign {
    match fault {
        Fault::ConnectionAcceptReset
        | Fault::ConnectionResetAfterBytes
        | Fault::ConnectionResetBeforeReply
        | Fault::ConnectionReplyThenReset
        | Fault::FramePartialThenReset => Sign::End(End::Reset),
        Fault::ConnectionAcceptClose
        | Fault::ConnectionCloseBeforeReply
        | Fault::ConnectionReplyThenClose
        | Fault::ConnectionIdleDrop
        | Fault::ConnectionCloseEvery
        | Fault::ConnectionMaxConnections
        | Fault::ConnectionStealSession
        | Fault::FramePartialThenClose
        | Fault::AnswerAcceptLost => Sign::End(End::Close),
        Fault::ConnectionHalfClose => Sign::End(End::HalfClose),
        Fault::ConnectionRefused | Fault::ConnectionRestart => Sign::Refusal,
        Fault::ConnectionBlackhole => Sign::Silence,
        Fault::ConnectionSlowAccept => Sign::Waiting,
        Fault::ConnectionNoRead => Sign::Held,
        Fault::AnswerLate | Fault::AnswerSlow => Sign::Delay,
        _ => Sign::None,
    }
}
