//! How many messages may be on their way at once on one connection.

use rstest::rstest;

use super::fixture::{Case, broken, inconclusive, mapping};
use crate::history::{Micros, Outcome, What};

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
    assert!(!judgement.findings.iter().any(|one| one.rule == "wire/in-flight"));
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
    assert!(inconclusive(&judgement).contains(&("wire/in-flight", "harness late")));
    assert_eq!(broken(&judgement), [""; 0]);
}

#[test]
fn only_a_message_that_had_to_wait_is_evidence() {
    let held = |case: &Case| {
        let judgement = case.judge();
        judgement.held.iter().find(|held| held.rule == "wire/in-flight").map(|held| held.times)
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

/// A result may be resent under its control id, and then one answer is as good as the other.
#[rstest]
#[case::under_the_same_id(true, &[])]
#[case::under_another(false, &["wire/in-flight"])]
fn a_result_that_was_resent_is_answered_by_what_answers_its_id(
    #[case] same: bool,
    #[case] expected: &[&str],
) {
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
    assert_eq!(broken(&judgement), expected);
}
