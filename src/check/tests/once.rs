//! The once rules: which second attempts convict, and which do not.

use std::sync::Arc;

use rstest::rstest;

use crate::check::tests::fixture::{
    Case, ack, broken, changed, control_id, exam, inconclusive, mapping,
};
use crate::history::{End, Ending, Outcome, What};
use crate::plan::fault::{Answer, Connection, Frame};
use crate::plan::{AttemptMode, Charged, Fault};
use crate::verdict::{Circumstance, Exit, Rule, Verdict};

#[test]
fn a_healthy_case_passes_and_says_what_it_exercised() {
    let judgement = Case::healthy().judge();
    assert_eq!(judgement.findings, []);
    assert_eq!(judgement.verdict(), Verdict::Pass);
    assert_eq!(judgement.charges, 3);
    let held: Vec<&str> = judgement.held.iter().map(|held| held.rule.name()).collect();
    assert!(held.contains(&"once/per-order") && held.contains(&"accounts"), "{held:?}");
}

/// john-doe is rejected and sent again with a new control id and time.
fn resent_after_reject() -> Case {
    let mut case = Case::refused();
    let second = case.message("john-doe");
    let to = case.send(1, &second);
    case.answer(1, to, "AA", &second);
    case.ended(1, Outcome::Delivered)
}

#[test]
fn a_resend_under_a_new_control_id_is_a_second_charge() {
    let judgement = resent_after_reject().judge();
    assert_eq!(broken(&judgement), ["once/per-order"]);
    assert_eq!(judgement.exit(), Exit::SentTwice);
    let finding = &judgement.findings[0];
    assert_eq!(finding.circumstance.to_string(), "answer/reject");
    let proof = finding.proof.as_ref().unwrap();
    assert_eq!(proof.charge, "order 273013 (john-doe): 92250-26, 92000035-TC");
    assert_eq!(proof.attempts.len(), 2);
    let between: Vec<&str> = proof.between.iter().map(|moment| moment.what.as_str()).collect();
    assert!(between.contains(&"the EMR answered AR (answer/reject)"), "{between:?}");
    let paths: Vec<&str> = proof.differences.iter().map(|field| field.path.as_str()).collect();
    assert_eq!(paths, ["MSH-7", "MSH-10", "EVN-2", "FT1[1]-5", "FT1[2]-5"]);
}

/// Stray bytes behind an answer stand where the next one is looked for, so that is what led to the
/// resend, and not the good answer that came behind them.
#[test]
fn what_an_earlier_answer_left_over_is_the_circumstance() {
    for (left, circumstance) in
        [("\r\nOK\r\n", "left over from frame/junk-after"), ("", "answer/accept")]
    {
        let mut case = Case::new().scripted(Fault::Frame(Frame::JunkAfter));
        case.start(1);
        case.open(1, 1);
        case.submit("probe-1");
        let probe = case.message("probe-1");
        let to = case.send(1, &probe);
        let answer = [&ack("AA", &control_id(&probe))[..], left.as_bytes()].concat();
        case.reply(1, to, "frame/junk-after", &answer);
        case.played(1, Fault::Frame(Frame::JunkAfter));
        for _ in 0..2 {
            let message = case.message("john-doe");
            let to = case.send(1, &message);
            case.answer(1, to, "AA", &message);
        }
        let judgement = case.ended(1, Outcome::Delivered).judge();
        let twice = judgement.findings.iter().find(|one| one.rule == Rule::OncePerOrder).unwrap();
        assert_eq!(twice.circumstance.to_string(), circumstance);
    }
}

#[test]
fn silence_between_two_attempts_is_told() {
    let mut case = Case::begun().scripted(Fault::Answer(Answer::None));
    case.submit("john-doe");
    let message = case.message("john-doe");
    case.send(1, &message);
    case.played(1, Fault::Answer(Answer::None));
    case.open(2, 1);
    case.send(2, &message);
    let judgement = case.ended(2, Outcome::Unknown).judge();
    assert_eq!(broken(&judgement), ["once/per-order"]);
    let finding = &judgement.findings[0];
    assert_eq!(finding.circumstance.to_string(), "answer/none");
    let between = &finding.proof.as_ref().unwrap().between;
    assert!(
        between.iter().any(|moment| moment.what == "the message had not been answered"),
        "{between:?}"
    );
}

/// An account that is false of a charge to which nothing came until the very end.
#[test]
fn silence_until_the_end_is_told_at_the_last_event() {
    let mut case = Case::begun().scripted(Fault::Answer(Answer::None));
    case.submit("john-doe");
    let message = case.message("john-doe");
    case.send(1, &message);
    case.played(1, Fault::Answer(Answer::None));
    case.open(2, 1);
    let case = case.ended(2, Outcome::Delivered);
    let judgement = case.judge();
    assert_eq!(broken(&judgement), ["accounts"]);
    let between = &judgement.findings[0].proof.as_ref().unwrap().between;
    let silence = between.iter().find(|one| one.what == "the message had not been answered");
    assert_eq!(silence.unwrap().event, case.events.last().unwrap().seq);
}

#[test]
fn a_replay_by_the_next_life_is_a_second_charge() {
    let mut case = Case::begun();
    case.deliver(1, "john-doe");
    case.deliver(1, "probe-2");
    case.watch();
    case.stop(1);
    case.start(2);
    case.open(2, 2);
    let again = case.message("john-doe");
    let to = case.send(2, &again);
    case.answer(2, to, "AA", &again);
    case.watch();
    case.account(&[
        ("probe-1", Outcome::Delivered),
        ("john-doe", Outcome::Delivered),
        ("probe-2", Outcome::Delivered),
    ]);
    case.stop(2);
    case.push(What::Finished);
    let judgement = case.judge();
    assert_eq!(broken(&judgement), ["once/per-order"]);
    assert_eq!(judgement.findings[0].circumstance, Circumstance::Restart);
}

/// A sender that was asked to stop had its chance to remember, even if it was killed in the end.
#[rstest]
#[case::killed(&[Ending::Kill], "kill")]
#[case::asked(&[Ending::Stop], "restart")]
#[case::asked_in_vain(&[Ending::Stop, Ending::Kill], "restart")]
fn a_replay_is_told_by_how_the_life_before_ended(
    #[case] endings: &[Ending],
    #[case] circumstance: &str,
) {
    let mut case = Case::begun();
    case.deliver(1, "john-doe");
    for &how in endings {
        case.push(What::SenderEnding { incarnation: 1, how });
    }
    case.push(What::SenderExited { incarnation: 1, code: Some(0), signal: None, asked: true });
    case.start(2);
    case.open(2, 2);
    let again = case.message("john-doe");
    case.send(2, &again);
    let judgement = case.judge();
    let twice = judgement.findings.iter().find(|finding| finding.rule == Rule::OncePerOrder);
    assert_eq!(twice.unwrap().circumstance.to_string(), circumstance);
}

#[test]
fn an_exam_handed_over_twice_is_one_charge() {
    let mut case = Case::begun();
    case.deliver(1, "john-doe");
    case.deliver(1, "john-doe");
    let judgement = case.ended(1, Outcome::Delivered).judge();
    assert_eq!(broken(&judgement), ["once/per-order"]);
    assert_eq!(judgement.findings[0].circumstance, Circumstance::HandedOverTwice);
}

#[test]
fn a_charge_repeated_under_a_wrong_message_type_is_a_second_charge() {
    let mut case = Case::begun();
    case.deliver(1, "john-doe");
    let again = changed(&case.message("john-doe"), "DFT^P03", "ADT^A08");
    case.send(1, &again);
    assert_eq!(broken(&case.ended(1, Outcome::Delivered).judge()), ["once/per-order"]);
}

#[test]
fn a_charge_batched_with_another_is_an_attempt_at_both() {
    let mut case = Case::begun();
    case.deliver(1, "john-doe");
    case.submit("probe-2");
    let both = case.message("probe-2");
    let john = case.message("john-doe");
    let start = john.windows(4).position(|bytes| bytes == b"FT1|").unwrap();
    let both = [both.as_slice(), &john[start..]].concat();
    let to = case.send(1, &both);
    case.answer(1, to, "AA", &both);
    let judgement = case.restarted(1, Outcome::Delivered).judge();
    assert_eq!(broken(&judgement), ["once/per-order"]);
}

#[test]
fn twin_procedures_of_two_orders_are_two_charges() {
    let mut case = Case::begun();
    let mut twin = case.plan.exams["john-doe"].clone();
    Arc::make_mut(&mut twin).order.number = "273014".to_owned();
    Arc::make_mut(&mut case.plan.exams).insert("twin".to_owned(), twin);
    case.deliver(1, "john-doe");
    case.deliver(1, "twin");
    let mut case = case.ended(1, Outcome::Delivered);
    let What::Account { charges, .. } = &mut case
        .events
        .iter_mut()
        .rev()
        .find(|event| matches!(event.what, What::Account { .. }))
        .unwrap()
        .what
    else {
        unreachable!()
    };
    charges.push(crate::history::Accounted {
        order: "273014".to_owned(),
        outcome: Outcome::Delivered,
    });
    assert_eq!(case.judge().findings, []);
}

#[test]
fn a_resend_under_the_number_of_no_order_is_a_second_charge() {
    let mut case = Case::begun();
    case.deliver(1, "john-doe");
    let mut again = case.message("john-doe");
    for _ in 0..2 {
        again = changed(&again, "|273013|", "|999999|");
    }
    case.send(1, &again);
    assert_eq!(broken(&case.ended(1, Outcome::Delivered).judge()), ["once/per-charge"]);
}

#[test]
fn the_same_line_twice_in_one_message_is_a_charge_sent_twice() {
    let mut case = Case::begun();
    case.submit("john-doe");
    let message = case.message("john-doe");
    let start = message.windows(4).position(|bytes| bytes == b"FT1|").unwrap();
    let end = start + message[start..].iter().position(|&byte| byte == b'\r').unwrap() + 1;
    let doubled = [&message[..end], &message[start..]].concat();
    let to = case.send(1, &doubled);
    case.answer(1, to, "AA", &doubled);
    let judgement = case.ended(1, Outcome::Delivered).judge();
    assert_eq!(broken(&judgement), ["once/per-charge"]);
    assert_eq!(judgement.exit(), Exit::SentTwice);
}

/// The connection is reset after `bytes` bytes of john-doe's message.
fn reset_inside(bytes: usize) -> Case {
    let mut case = Case::begun().scripted(Fault::Connection(Connection::ResetAfterBytes));
    case.submit("john-doe");
    let message = case.message("john-doe");
    case.end(1, End::Reset);
    case.send_part(1, &message[..bytes]);
    case.played(1, Fault::Connection(Connection::ResetAfterBytes));
    case.open(2, 1);
    case
}

#[rstest]
#[case::only_the_start_byte(0)]
#[case::inside_the_header(20)]
#[case::inside_the_patient(90)]
#[case::after_the_order(900)]
fn one_part_is_one_attempt_and_allowed(#[case] bytes: usize) {
    assert_eq!(reset_inside(bytes).ended(2, Outcome::Unknown).judge().findings, []);
}

#[test]
fn a_whole_message_after_a_start_byte_is_the_first_attempt() {
    let mut case = reset_inside(0);
    let message = case.message("john-doe");
    let to = case.send(2, &message);
    case.answer(2, to, "AA", &message);
    assert_eq!(case.ended(2, Outcome::Delivered).judge().findings, []);
}

#[rstest]
#[case::inside_the_header(20)]
#[case::inside_the_patient(90)]
fn a_whole_message_after_a_part_is_a_second_attempt(#[case] bytes: usize) {
    let mut case = reset_inside(bytes);
    let again = case.message("john-doe");
    let to = case.send(2, &again);
    case.answer(2, to, "AA", &again);
    let judgement = case.clone().ended(2, Outcome::Delivered).judge();
    assert_eq!(broken(&judgement), ["once/per-order"]);
    let circumstance = &judgement.findings[0].circumstance;
    assert_eq!(circumstance.to_string(), "connection/reset-after-bytes, by elimination");
    case.plan.expect.attempts = AttemptMode::Frame;
    assert_eq!(case.ended(2, Outcome::Delivered).judge().findings, []);
}

#[test]
fn in_frame_mode_a_part_after_a_whole_message_is_a_second_attempt() {
    let mut case = Case::begun();
    case.plan.expect.attempts = AttemptMode::Frame;
    case.deliver(1, "john-doe");
    case.open(2, 1);
    let again = case.message("john-doe");
    case.send_part(2, &again);
    case.end(2, End::Reset);
    assert_eq!(broken(&case.ended(1, Outcome::Delivered).judge()), ["once/per-order"]);
}

#[test]
fn a_part_that_two_exams_explain_is_inconclusive() {
    let mut case = Case::begun();
    Arc::make_mut(&mut case.plan.exams).insert("other".to_owned(), exam("273014").into());
    case.submit("john-doe");
    case.submit("other");
    let message = case.message("john-doe");
    case.send_part(1, &message[..20]);
    case.end(1, End::Reset);
    let judgement = case.restarted(1, Outcome::Unknown).judge();
    assert!(
        inconclusive(&judgement).contains(&(Rule::OncePerOrder, Circumstance::OrderNotReadable))
    );
    assert_ne!(judgement.exit(), Exit::SentTwice);
}

#[test]
fn a_charge_that_is_due_and_never_sent_is_inconclusive() {
    let mut case = Case::begun();
    case.submit("john-doe");
    let judgement = case.ended(1, Outcome::NotSent).judge();
    assert_eq!(inconclusive(&judgement), [(Rule::OncePerOrder, Circumstance::NothingSent)]);
    assert_eq!(broken(&judgement), ["delivers"]);
}

#[test]
fn per_charge_allows_two_messages_of_one_order_and_no_line_twice() {
    let mut case = Case::new();
    case.plan.mapping = mapping("orchard-per-charge");
    case.start(1);
    case.open(1, 1);
    case.deliver(1, "probe-1");
    case.submit("john-doe");
    let message = case.message("john-doe");
    let line = message.windows(5).position(|bytes| bytes == b"FT1|2").unwrap();
    let head = message.windows(5).position(|bytes| bytes == b"FT1|1").unwrap();
    let first = message[..line].to_vec();
    let second = [&message[..head], &message[line..]].concat();
    let second = changed(&second, &format!("|{}|", control_id(&message)), "|171717171717|");
    for part in [&first, &second] {
        let to = case.send(1, part);
        case.answer(1, to, "AA", part);
    }
    let split = case.clone().ended(1, Outcome::Delivered).judge();
    assert_eq!(broken(&split), ["snapshot"], "only the form is not the agreed one");
    case.send(1, &second);
    let again = case.ended(1, Outcome::Delivered).judge();
    assert_eq!(broken(&again), ["once/per-charge", "snapshot"]);
}

#[test]
fn an_exam_that_is_not_charged_must_not_be_sent() {
    let mut case = Case::healthy();
    case.plan.expect.charges.insert("john-doe".to_owned(), Charged::Never);
    let judgement = case.judge();
    assert_eq!(broken(&judgement), ["delivers"]);
    assert_eq!(judgement.findings[0].circumstance, Circumstance::ChargeNotDue);
}

#[test]
fn bytes_that_nobody_can_read_leave_the_verdict_open() {
    let mut case = Case::begun();
    case.deliver(1, "john-doe");
    case.push(What::Undecryptable { connection: 1, bytes: 700 });
    let judgement = case.ended(1, Outcome::Delivered).judge();
    assert_eq!(inconclusive(&judgement), [(Rule::OncePerOrder, Circumstance::BytesNotReadable)]);
}

/// A sender that keeps its connection writes to one that the EMR has closed long since, and takes the
/// end for the fate of its message.
#[test]
fn a_close_before_the_first_witness_is_told_as_what_was_decisive() {
    let mut case = Case::begun().scripted(Fault::Connection(Connection::ReplyThenClose));
    case.deliver(1, "john-doe");
    case.played(1, Fault::Connection(Connection::ReplyThenClose));
    case.end(1, End::Close);
    case.submit("probe-2");
    let message = case.message("probe-2");
    case.send(1, &message);
    case.push(What::EndedBySender { connection: 1, how: End::Close });
    case.open(2, 1);
    let to = case.send(2, &message);
    case.answer(2, to, "AA", &message);
    let judgement = case.restarted(1, Outcome::Delivered).judge();
    let found =
        judgement.findings.iter().find(|finding| finding.rule == Rule::OncePerOrder).unwrap();
    assert_eq!(found.circumstance.to_string(), "after connection/reply-then-close");
    let proof = found.proof.as_ref().unwrap();
    let told: Vec<&str> = proof.between.iter().map(|moment| moment.what.as_str()).collect();
    assert_eq!(
        told[..2],
        ["the EMR played connection/reply-then-close", "the EMR closed connection 1"],
        "{told:?}"
    );
    assert!(proof.between[1].at < proof.attempts[0].at);
}
