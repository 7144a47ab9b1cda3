//! What happens to a connection, before or around an answer.

use crate::emr::faults::action::{Action, frame};
use crate::emr::faults::scene::Scene;
use crate::history::End;
use crate::hl7::ack::Code;
use crate::plan::Parameters;
use crate::plan::fault::Connection;

/// What a connection goes through, by the name of the fault.
pub(crate) fn connections(fault: Connection, with: &Parameters, scene: &Scene<'_>) -> Vec<Action> {
    let accept = || frame(&scene.acknowledge(Code::AA, &Parameters::default()));
    match fault {
        Connection::ReplyThenClose | Connection::CloseEvery => {
            vec![accept(), Action::End(End::Close)]
        }
        Connection::ReplyThenReset => vec![accept(), Action::End(End::Reset)],
        Connection::HalfClose => vec![Action::End(End::HalfClose)],
        Connection::AcceptClose | Connection::CloseBeforeReply | Connection::MaxConnections => {
            vec![Action::End(End::Close)]
        }
        Connection::AcceptReset | Connection::ResetAfterBytes | Connection::ResetBeforeReply => {
            vec![Action::End(End::Reset)]
        }
        Connection::IdleDrop => vec![accept(), Action::EndIdle(with.after())],
        Connection::MinGap => vec![frame(&scene.problem(Code::AR, 207, with))],
        Connection::StealSession => vec![Action::LetInAnother],
        Connection::Restart => vec![Action::Restart(with.after())],
        // The endpoint's business, not a connection's.
        Connection::Refused
        | Connection::Blackhole
        | Connection::SlowAccept
        | Connection::NoRead => Vec::new(),
    }
}
