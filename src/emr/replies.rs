//! Well-formed answers, to the message that was sent and to another one.

use crate::emr::answer::Scene;
use crate::emr::play::{Action, duration, frame};
use crate::emr::wrong;
use crate::history::End;
use crate::hl7::ack::Code;
use crate::plan::{Fault, Parameters};

/// Well-formed answers (spec: acknowledgements in HL7 v2 chapter 2, section 2.9).
pub(crate) fn answers(fault: Fault, with: &Parameters, scene: &Scene<'_>) -> Vec<Action> {
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
pub(crate) fn matches(fault: Fault, with: &Parameters, scene: &Scene<'_>) -> Vec<Action> {
    let say = |code: Code| frame(&scene.acknowledge(code, with));
    match fault {
        Fault::MatchTwice => vec![say(Code::AA); 2],
        Fault::MatchConflict => vec![say(Code::AA), say(Code::AR)],
        Fault::MatchEcho => vec![frame(scene.payload)],
        _ => vec![frame(&wrong::misrouted(fault, scene))],
    }
}
