//! What happens to a connection, before or around an answer.

use crate::emr::faults::action::{Action, duration, frame};
use crate::emr::faults::scene::Scene;
use crate::history::End;
use crate::hl7::ack::Code;
use crate::plan::{Fault, Parameters};

/// What a connection goes through, by the name of the fault.
pub(crate) fn connections(fault: Fault, with: &Parameters, scene: &Scene<'_>) -> Vec<Action> {
    let accept = || frame(&scene.acknowledge(Code::AA, &Parameters::default()));
    match fault {
        Fault::ConnectionReplyThenClose => vec![accept(), Action::End(End::Close)],
        Fault::ConnectionReplyThenReset => vec![accept(), Action::End(End::Reset)],
        Fault::ConnectionHalfClose => vec![Action::End(End::HalfClose)],
        Fault::ConnectionAcceptReset
        | Fault::ConnectionResetAfterBytes
        | Fault::ConnectionResetBeforeReply => vec![Action::End(End::Reset)],
        Fault::ConnectionCloseEvery => vec![accept(), Action::End(End::Close)],
        Fault::ConnectionIdleDrop => {
            vec![accept(), Action::EndIdle(duration(with.after, scene.ack_timeout / 2))]
        }
        Fault::ConnectionMinGap => {
            let text = with.text.clone().or_else(|| Some("messages come too fast".to_owned()));
            let with = Parameters { text, ..with.clone() };
            vec![frame(&scene.problem(Code::AR, 207, &with))]
        }
        Fault::ConnectionStealSession => vec![Action::LetInAnother],
        Fault::ConnectionRestart => {
            vec![Action::Restart(duration(with.after, scene.ack_timeout * 2))]
        }
        // The endpoint's business, not a connection's.
        Fault::ConnectionRefused
        | Fault::ConnectionBlackhole
        | Fault::ConnectionSlowAccept
        | Fault::ConnectionNoRead => Vec::new(),
        _ => vec![Action::End(End::Close)],
    }
}
