//! What happens to a connection, before or around an answer.

use crate::emr::faults::action::{Action, duration, frame};
use crate::emr::faults::scene::Scene;
use crate::history::End;
use crate::hl7::ack::Code;
use crate::plan::fault::Connection;
use crate::plan::{Fault, Parameters};

/// What a connection goes through, by the name of the fault.
pub(crate) fn connections(fault: Fault, with: &Parameters, scene: &Scene<'_>) -> Vec<Action> {
    let accept = || frame(&scene.acknowledge(Code::AA, &Parameters::default()));
    match fault {
        Fault::Connection(Connection::ReplyThenClose) => vec![accept(), Action::End(End::Close)],
        Fault::Connection(Connection::ReplyThenReset) => vec![accept(), Action::End(End::Reset)],
        Fault::Connection(Connection::HalfClose) => vec![Action::End(End::HalfClose)],
        Fault::Connection(Connection::AcceptReset)
        | Fault::Connection(Connection::ResetAfterBytes)
        | Fault::Connection(Connection::ResetBeforeReply) => vec![Action::End(End::Reset)],
        Fault::Connection(Connection::CloseEvery) => vec![accept(), Action::End(End::Close)],
        Fault::Connection(Connection::IdleDrop) => {
            vec![accept(), Action::EndIdle(duration(with.after, scene.ack_timeout / 2))]
        }
        Fault::Connection(Connection::MinGap) => {
            let text = with.text.clone().or_else(|| Some("messages come too fast".to_owned()));
            let with = Parameters { text, ..with.clone() };
            vec![frame(&scene.problem(Code::AR, 207, &with))]
        }
        Fault::Connection(Connection::StealSession) => vec![Action::LetInAnother],
        Fault::Connection(Connection::Restart) => {
            vec![Action::Restart(duration(with.after, scene.ack_timeout * 2))]
        }
        // The endpoint's business, not a connection's.
        Fault::Connection(Connection::Refused)
        | Fault::Connection(Connection::Blackhole)
        | Fault::Connection(Connection::SlowAccept)
        | Fault::Connection(Connection::NoRead) => Vec::new(),
        _ => vec![Action::End(End::Close)],
    }
}
