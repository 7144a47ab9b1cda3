//! Well-formed answers, to the message that was sent and to another one.

use std::time::Duration;

use crate::emr::faults::action::{Action, duration, frame};
use crate::emr::faults::payload;
use crate::emr::faults::scene::Scene;
use crate::history::End;
use crate::hl7::Path;
use crate::hl7::ack::Code;
use crate::plan::fault::{Answer, Mismatch};
use crate::plan::{Fault, Parameters};

/// Well-formed answers (spec: acknowledgements in HL7 v2 chapter 2, section 2.9).
pub(crate) fn answers(fault: Fault, with: &Parameters, scene: &Scene<'_>) -> Vec<Action> {
    let pause = |usual: Duration| Action::Wait(duration(with.after, usual));
    let wait = pause(scene.ack_timeout / 2);
    let say = |code: Code| frame(&scene.acknowledge(code, with));
    let plainly = |code: Code| frame(&scene.acknowledge(code, &Parameters::default()));
    let code = with.code.or_else(|| fault.codes().first().copied());
    match fault {
        Fault::Answer(Answer::Accept) => scene.accept(with),
        Fault::Answer(Answer::Error) => scene.refuse(Code::AE, Code::CE, with),
        Fault::Answer(Answer::Reject) => scene.refuse(Code::AR, Code::CR, with),
        Fault::Answer(Answer::CommitAccept) => vec![say(Code::CA)],
        Fault::Answer(Answer::CommitError) => vec![say(Code::CE)],
        Fault::Answer(Answer::CommitReject) => vec![say(Code::CR)],
        Fault::Answer(Answer::CommitThenAccept) => vec![plainly(Code::CA), wait, say(Code::AA)],
        Fault::Answer(Answer::CommitThenError) => vec![plainly(Code::CA), wait, say(Code::AE)],
        Fault::Answer(Answer::CommitThenReject) => vec![plainly(Code::CA), wait, say(Code::AR)],
        Fault::Answer(Answer::AcceptOnOtherConnection) => {
            let here = plainly(Code::CA);
            // Left open, so that whatever the sender says back on it arrives and is judged.
            let there = vec![say(code.unwrap_or(Code::AA))];
            vec![here, wait, Action::Call(there)]
        }
        Fault::Answer(Answer::AcceptLost) => vec![Action::End(End::Close)],
        Fault::Answer(Answer::Late) => vec![pause(scene.ack_timeout * 2), say(Code::AA)],
        Fault::Answer(Answer::Slow) => vec![pause(scene.ack_timeout * 9 / 10), say(Code::AA)],
        Fault::Answer(Answer::LateAfterNext) => vec![Action::AwaitNext, say(Code::AA)],
        Fault::Answer(Answer::DuplicateControlId) => {
            let with = about_the_control_id(with);
            vec![frame(&scene.problem(code.unwrap_or(Code::AR), 207, &with))]
        }
        Fault::Answer(Answer::Locked) => {
            vec![frame(&scene.problem(code.unwrap_or(Code::AE), 206, with))]
        }
        Fault::Answer(Answer::FailThenAccept) if scene.attempt > with.times.unwrap_or(2) => {
            scene.accept(&Parameters::default())
        }
        Fault::Answer(Answer::FailThenAccept) => match code {
            Some(Code::AE) => scene.refuse(Code::AE, Code::CE, with),
            _ => scene.refuse(Code::AR, Code::CR, with),
        },
        Fault::Answer(Answer::ErrorThenAccept) => vec![say(Code::AE), wait, plainly(Code::AA)],
        Fault::Answer(Answer::OtherType) => {
            let form = with.form.as_deref().unwrap_or("ORR^O02");
            vec![frame(&scene.other_type(form.as_bytes()))]
        }
        Fault::Answer(Answer::AcceptWithErr) => vec![frame(&scene.problem(Code::AA, 0, with))],
        Fault::Answer(Answer::Batch) => vec![frame(&scene.batch(with.times.unwrap_or(1)))],
        _ => Vec::new(), // answer/none
    }
}

/// What an EMR says that already has a message with this MSH-10, whatever code it says it with.
fn about_the_control_id(with: &Parameters) -> Parameters {
    let mut with = with.clone();
    with.at.get_or_insert_with(|| Path::literal("MSH-10"));
    with.text.get_or_insert_with(|| "control id already exists".to_owned());
    with
}

/// Well-formed answers to the wrong message: MSA-2 is not the MSH-10 that was sent.
pub(crate) fn matches(fault: Fault, with: &Parameters, scene: &Scene<'_>) -> Vec<Action> {
    let say = |code: Code| frame(&scene.acknowledge(code, with));
    let pause = || Action::Wait(duration(with.after, Duration::ZERO));
    match fault {
        Fault::Match(Mismatch::Twice) => {
            let answer = say(Code::AA);
            vec![answer.clone(), pause(), answer]
        }
        Fault::Match(Mismatch::Conflict) => vec![say(Code::AA), pause(), say(Code::AR)],
        Fault::Match(Mismatch::OutOfOrder) => vec![Action::AwaitNextAnswered, say(Code::AA)],
        Fault::Match(Mismatch::Echo) => vec![frame(scene.payload)],
        Fault::Match(Mismatch::Numeric) if with.form.as_deref() == Some("leading-zeros") => {
            let id = scene.message.control_id();
            let bare = payload::without_leading_zeros(id);
            if bare.len() == id.len() {
                return vec![Action::Forgo("the control id has no leading zeros"), say(Code::AA)];
            }
            vec![frame(&payload::misrouted(fault, with, scene))]
        }
        _ => vec![frame(&payload::misrouted(fault, with, scene))],
    }
}
