//! How many messages may be on their way at once on one connection.

use rstest::rstest;

use crate::check::tests::fixture::{Case, ack, broken, control_id, inconclusive, mapping};
use crate::history::{End, Micros, Outcome, Raw, What};
use crate::plan::fault::Answer;
use crate::plan::{Fault, Moment};
use crate::verdict::{Circumstance, Rule};

/// The two charges are written with this many milliseconds between them, and answered afterwards.
fn two_written(apart: u64, connections: [u32; 2]) -> Case {
    let mut case = Case::new();
    case.plan.limits.in_flight = Some(1);
    case.plan.limits.ack_timeout = Micros(500_000);
    case.start(1);
    for connection in [1, 2] {
        case.open(connection, 1);
    }
    case.submit("probe-1");
    case.submit("john-doe");
    let messages = ["probe-1", "john-doe"].map(|exam| case.message(exam));
    let first = case.send(connections[0], &messages[0]);
    case.pause(apart);
    let second = case.send(connections[1], &messages[1]);
    case.answer(connections[0], first, "AA", &messages[0]);
    case.answer(connections[1], second, "AA", &messages[1]);
    case.ended(1, Outcome::Delivered)
}

#[test]
fn a_message_behind_one_that_is_not_answered_is_one_too_many() {
    let judgement = two_written(0, [1, 1]).judge();
    assert_eq!(broken(&judgement), ["wire/in-flight"]);
    let finding = &judgement.findings[0];
    let message = "2 messages were on their way at once on connection 1, where 1 may be";
    assert_eq!(finding.message, message);
    assert_eq!(finding.proof.as_ref().unwrap().attempts.len(), 2);
}

#[rstest]
#[case::on_two_connections(two_written(0, [1, 2]))]
#[case::when_it_may_have_been_given_up(two_written(300, [1, 1]))]
#[case::where_two_may_be({
    let mut case = two_written(0, [1, 1]);
    case.plan.limits.in_flight = Some(2);
    case
})]
#[case::where_nothing_is_declared({
    let mut case = two_written(0, [1, 1]);
    case.plan.limits.in_flight = None;
    case
})]
#[case::where_no_answer_is_due({
    let mut case = two_written(0, [1, 1]);
    for event in &mut case.events {
        if let What::Received { bytes, .. } = &mut event.what {
            let text = String::from_utf8(bytes.as_slice().to_vec()).unwrap();
            *bytes = text.replacen("|P|2.4\r", "|P|2.4|||NE|NE\r", 1).into_bytes().into();
        }
    }
    case
})]
#[case::where_the_emr_did_not_read({
    let mut case = two_written(0, [1, 1]);
    let held = What::Reading { connection: 1, on: false, waiting: 0 };
    case.events[0].what = held;
    case
})]
fn a_message_is_none_too_many(#[case] case: Case) {
    let judgement = case.judge();
    assert!(!judgement.findings.iter().any(|one| one.rule == Rule::WireInFlight));
}

#[test]
fn a_harness_that_was_late_cannot_tell_when_a_message_was_written() {
    let mut case = two_written(0, [1, 1]);
    let at = case.events.iter().position(|event| matches!(event.what, What::Received { .. }));
    case.events[at.unwrap() + 1].at.0 += 150_000;
    let mut late = case.events[at.unwrap() + 1].clone();
    late.what = What::HarnessLate { by: Micros(140_000) };
    case.events.insert(at.unwrap() + 1, late);
    let judgement = case.judge();
    assert!(inconclusive(&judgement).contains(&(Rule::WireInFlight, Circumstance::HarnessLate)));
    assert_eq!(broken(&judgement), [""; 0]);
}

#[test]
fn only_a_message_that_had_to_wait_is_evidence() {
    let held = |case: &Case| {
        let judgement = case.judge();
        judgement.held.iter().find(|held| held.rule == Rule::WireInFlight).map(|held| held.times)
    };
    let mut one_by_one = Case::healthy();
    one_by_one.plan.limits.in_flight = Some(1);
    assert_eq!(held(&one_by_one), None);
    let mut together = Case::begun();
    together.plan.limits.in_flight = Some(1);
    together.submit("john-doe");
    let john = together.message("john-doe");
    let to = together.send(1, &john);
    together.submit("probe-2");
    together.pause(1);
    together.answer(1, to, "AA", &john);
    let probe = together.message("probe-2");
    let to = together.send(1, &probe);
    together.answer(1, to, "AA", &probe);
    assert_eq!(held(&together.restarted(1, Outcome::Delivered)), Some(1));
}

/// Under the same control id one answer is as good as the other, and under another the late answer
/// to what was given up may be taken for a wrong one to what was sent in its place.
#[rstest]
#[case::under_the_same_id(true)]
#[case::under_another(false)]
fn a_result_that_was_resent_may_be_settled_by_the_answer_to_either(#[case] same: bool) {
    let mut case = Case::begun();
    case.plan.limits.in_flight = Some(1);
    case.plan.limits.ack_timeout = Micros(500_000);
    case.plan.results = Some(mapping("iris/result"));
    case.deliver(1, "john-doe");
    let results = [case.result("john-doe"), case.result("john-doe")];
    let again = &results[usize::from(!same)];
    let first = case.send(1, &results[0]);
    case.pause(500);
    let second = case.send(1, again);
    case.answer(1, first, "AA", &results[0]);
    case.submit("probe-2");
    let probe = case.message("probe-2");
    let third = case.send(1, &probe);
    case.answer(1, second, "AA", again);
    case.answer(1, third, "AA", &probe);
    let judgement = case.restarted(1, Outcome::Delivered).judge();
    assert_eq!(broken(&judgement), [""; 0]);
}

/// A harness that slept reads both messages at once, and they begin where they end.
#[rstest]
#[case::before_the_first(0)]
#[case::after_the_last(2)]
fn a_harness_that_slept_cannot_tell_messages_apart(#[case] place: usize) {
    let mut case = two_written(0, [1, 1]);
    let first = first_received(&case);
    let read = case.events[first].at;
    for event in &mut case.events[first..first + 2] {
        event.at = read;
        if let What::Received { began, .. } = &mut event.what {
            *began = read;
        }
    }
    let mut late = case.events[first].clone();
    late.at = if place == 0 { Micros(read.0 - 500) } else { Micros(read.0 + 500) };
    late.what = What::HarnessLate { by: Micros(400) };
    case.events.insert(first + place, late);
    let judgement = case.judge();
    assert!(inconclusive(&judgement).contains(&(Rule::WireInFlight, Circumstance::HarnessLate)));
    assert!(!broken(&judgement).contains(&"wire/in-flight"));
}

fn first_received(case: &Case) -> usize {
    let first = case.events.iter().position(|one| matches!(one.what, What::Received { .. }));
    first.unwrap()
}

/// What reaches the sender before it writes the second message, while nothing answers the first.
#[derive(Clone, Copy, Debug)]
enum Meanwhile {
    Nothing,
    Unasked,
    AnotherId,
    AnswerToTheOneBefore,
    Twice,
    TwoFrames,
    HalfClose,
    PutOff,
}

fn with_meanwhile(meanwhile: Meanwhile) -> Case {
    let mut case = Case::new();
    case.plan.limits.in_flight = Some(1);
    case.plan.limits.ack_timeout = Micros(500_000);
    case.start(1);
    case.open(1, 1);
    case.submit("probe-1");
    case.submit("john-doe");
    case.submit("probe-2");
    let [ahead, first, second] = ["probe-1", "john-doe", "probe-2"].map(|exam| case.message(exam));
    let to_ahead = case.send(1, &ahead);
    let accepted = |message: &[u8]| ack("AA", &control_id(message));
    match meanwhile {
        Meanwhile::AnswerToTheOneBefore => case.pause(500),
        Meanwhile::AnotherId => case.reply(1, to_ahead, "msa/stale", &ack("AA", "41")),
        Meanwhile::TwoFrames => {
            case.reply(1, to_ahead, "match/twice", &accepted(&ahead).repeat(2));
        }
        _ => case.reply(1, to_ahead, "answer/accept", &accepted(&ahead)),
    }
    let to_first = case.send(1, &first);
    match meanwhile {
        Meanwhile::Unasked => {
            case.reply(1, 0, "match/on-connect", &ack("AA", "41"));
            if let What::Replied { to, .. } = &mut case.events.last_mut().unwrap().what {
                *to = None;
            }
        }
        Meanwhile::AnswerToTheOneBefore | Meanwhile::Twice => {
            case.reply(1, to_ahead, "match/twice", &accepted(&ahead));
        }
        Meanwhile::HalfClose => case.end(1, End::HalfClose),
        Meanwhile::PutOff => {
            case = case.scripted(Fault::Answer(Answer::Reject));
            case.plan.script[0].on.moment = Some(Moment::Bytes(10));
            case.played(1, Fault::Answer(Answer::Reject));
        }
        _ => {}
    }
    let to_second = case.send(1, &second);
    case.reply(1, to_first, "answer/accept", &accepted(&first));
    case.reply(1, to_second, "answer/accept", &accepted(&second));
    case.restarted(1, Outcome::Delivered)
}

#[rstest]
#[case(Meanwhile::Nothing, true)]
#[case(Meanwhile::Unasked, false)]
#[case(Meanwhile::AnotherId, false)]
#[case(Meanwhile::AnswerToTheOneBefore, false)]
#[case(Meanwhile::Twice, false)]
#[case(Meanwhile::TwoFrames, false)]
#[case(Meanwhile::HalfClose, false)]
#[case(Meanwhile::PutOff, false)]
fn whoever_may_be_out_of_step_has_not_written_too_early(
    #[case] meanwhile: Meanwhile,
    #[case] told: bool,
) {
    let judgement = with_meanwhile(meanwhile).judge();
    assert_eq!(broken(&judgement).contains(&"wire/in-flight"), told);
}

#[test]
fn messages_that_share_a_frame_are_for_the_framing_to_tell() {
    let mut case = two_written(0, [1, 1]);
    let first = first_received(&case);
    let more = b"MSH|^~\\&|IRIS|IRIS|EMR|F|20170410151300||ADT^A01|77|P|2.4\rEVN|A01\r\x1c\r";
    if let What::Received { bytes, length, .. } = &mut case.events[first].what {
        let frame = bytes.as_slice();
        let shared = [&frame[..frame.len() - 2], more].concat();
        *length = shared.len() as u64;
        *bytes = Raw::from(shared.as_slice());
    }
    let judgement = case.judge();
    assert!(broken(&judgement).contains(&"wire/framing"));
    assert!(!broken(&judgement).contains(&"wire/in-flight"));
}
