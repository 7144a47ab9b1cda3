//! Well-formed answers to the message that was sent.

use crate::emr::faults::action::{Action, frame};
use crate::emr::faults::scene::Scene;
use crate::history::End;
use crate::hl7::Path;
use crate::hl7::ack::Code;
use crate::plan::Parameters;
use crate::plan::fault::Answer;

/// Well-formed answers (spec: acknowledgements in HL7 v2 chapter 2, section 2.9).
pub(crate) fn answers(fault: Answer, with: &Parameters, scene: &Scene<'_>) -> Vec<Action> {
    let wait = Action::Wait(with.after());
    let say = |code: Code| frame(&scene.acknowledge(code, with));
    let plainly = |code: Code| frame(&scene.acknowledge(code, &Parameters::default()));
    match fault {
        Answer::Accept => scene.accept(with),
        Answer::Error => scene.refuse(Code::AE, Code::CE, with),
        Answer::Reject => scene.refuse(Code::AR, Code::CR, with),
        Answer::CommitAccept => vec![say(Code::CA)],
        Answer::CommitError => vec![say(Code::CE)],
        Answer::CommitReject => vec![say(Code::CR)],
        Answer::CommitThenAccept => vec![plainly(Code::CA), wait, say(Code::AA)],
        Answer::CommitThenError => vec![plainly(Code::CA), wait, say(Code::AE)],
        Answer::CommitThenReject => vec![plainly(Code::CA), wait, say(Code::AR)],
        Answer::AcceptOnOtherConnection => {
            let here = plainly(Code::CA);
            // Left open, so that whatever the sender says back on it arrives and is judged.
            let there = vec![say(with.code())];
            vec![here, wait, Action::Call(there)]
        }
        Answer::AcceptLost => vec![Action::End(End::Close)],
        Answer::Late => vec![wait, say(Code::AA)],
        Answer::Slow => vec![wait, say(Code::AA)],
        Answer::LateAfterNext => vec![Action::AwaitNext, say(Code::AA)],
        Answer::DuplicateControlId => {
            let with = about_the_control_id(with);
            vec![frame(&scene.problem(with.code(), 207, &with))]
        }
        Answer::Locked => {
            vec![frame(&scene.problem(with.code(), 206, with))]
        }
        Answer::FailThenAccept if scene.attempt > with.times() => {
            scene.accept(&Parameters::default())
        }
        Answer::FailThenAccept => match with.code() {
            Code::AE => scene.refuse(Code::AE, Code::CE, with),
            _ => scene.refuse(Code::AR, Code::CR, with),
        },
        Answer::ErrorThenAccept => vec![say(Code::AE), wait, plainly(Code::AA)],
        Answer::OtherType => vec![frame(&scene.other_type(with.form().as_bytes()))],
        Answer::AcceptWithErr => vec![frame(&scene.problem(Code::AA, 0, with))],
        Answer::Batch => vec![frame(&scene.batch(with.times()))],
        Answer::None => Vec::new(),
    }
}

/// What an EMR says that already has a message with this MSH-10, whatever code it says it with.
fn about_the_control_id(with: &Parameters) -> Parameters {
    let mut with = with.clone();
    with.at.get_or_insert_with(|| Path::literal("MSH-10"));
    with
}
