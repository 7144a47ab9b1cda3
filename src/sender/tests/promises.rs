//! The correct sender: one attempt whatever the EMR does, and nothing lost.

use std::time::Duration;

use rstest::rstest;

use crate::hl7::Message;
use crate::sender::tests::rehearsal::{Kill, Rehearsal, Reply, Torn, exam};
use crate::sender::{Input, Machine, Outcome, Output, Poll, Record, Variant};

const A: &str = "700001";
const B: &str = "700002";

#[rstest]
#[case::accepted(Reply::Accept, Outcome::Delivered)]
#[case::accepted_twice(Reply::AcceptTwice, Outcome::Delivered)]
#[case::error(Reply::Code("AE"), Outcome::Rejected)]
#[case::reject(Reply::Code("AR"), Outcome::Rejected)]
#[case::commit_error(Reply::Code("CE"), Outcome::Rejected)]
#[case::commit_reject(Reply::Code("CR"), Outcome::Rejected)]
#[case::commit_is_not_enough(Reply::Code("CA"), Outcome::Unknown)]
#[case::commit_then_accept(Reply::CodeThenAccept("CA"), Outcome::Delivered)]
#[case::error_then_accept(Reply::CodeThenAccept("AE"), Outcome::Rejected)]
#[case::code_with_a_tail(Reply::Code("AAX"), Outcome::Unknown)]
#[case::code_in_lower_case(Reply::Code("aa"), Outcome::Unknown)]
#[case::silence(Reply::Silence, Outcome::Unknown)]
#[case::late(Reply::Late, Outcome::Unknown)]
#[case::closed(Reply::Close, Outcome::Unknown)]
#[case::reset(Reply::Reset, Outcome::Unknown)]
#[case::reset_inside(Reply::ResetInside, Outcome::Unknown)]
#[case::junk(Reply::Junk, Outcome::Unknown)]
#[case::other_id(Reply::OtherId, Outcome::Unknown)]
#[case::cut_then_silence(Reply::CutThenSilence, Outcome::Unknown)]
#[case::cut_then_closed(Reply::CutThenClose, Outcome::Unknown)]
#[case::accepted_then_closed(Reply::AcceptThenClose, Outcome::Delivered)]
#[case::accepted_then_reset(Reply::AcceptThenReset, Outcome::Delivered)]
fn one_attempt_whatever_the_answer(#[case] reply: Reply, #[case] outcome: Outcome) {
    let mut rehearsal = Rehearsal::of("iris/option-2").replies(&[reply]);
    let account = rehearsal.live(&[exam(A), exam(B)]);
    assert_eq!(account, [(A.into(), outcome), (B.into(), Outcome::Delivered)]);
    // After a restart too.
    let account = rehearsal.live(&[]);
    assert_eq!(account, [(A.into(), outcome), (B.into(), Outcome::Delivered)]);
    assert_eq!((rehearsal.attempts(A), rehearsal.attempts(B)), (1, 1));
    assert_eq!(rehearsal.seen.len(), 2);
}

#[test]
fn the_attempt_is_durable_before_the_first_byte() {
    let mut rehearsal = Rehearsal::of("iris/option-1");
    rehearsal.live_until(&[exam(A)], Some(Kill::AtWrite(1)));
    assert_eq!(rehearsal.marks(A), 1);
}

#[test]
fn a_kill_at_any_record_leads_to_no_second_attempt_and_loses_no_charge() {
    for torn in [Torn::Kept, Torn::Lost] {
        for record in 1..=6 {
            let mut rehearsal = Rehearsal::of("iris/option-2");
            let exams = [exam(A), exam(B)];
            rehearsal.live_until(&exams, Some(Kill::AtRecord(record, torn)));
            // What was not taken still lies in the inbox.
            let account = rehearsal.live(&exams);
            assert_eq!(account.len(), 2, "{torn:?} {record}");
            for (order, outcome) in account {
                let seen = rehearsal.attempts(&order);
                assert!(seen <= 1, "{order} was sent {seen} times: {torn:?} {record}");
                let honest = match outcome {
                    Outcome::Delivered => seen == 1,
                    Outcome::Unknown => true,
                    Outcome::Rejected | Outcome::NotSent => false,
                };
                assert!(honest, "{order} is {outcome:?}: {torn:?} {record}");
            }
        }
    }
}

#[test]
fn a_kill_after_any_write_leads_to_no_second_attempt() {
    for write in 1..=2 {
        let mut rehearsal = Rehearsal::of("iris/option-2");
        let exams = [exam(A), exam(B)];
        rehearsal.live_until(&exams, Some(Kill::AtWrite(write)));
        rehearsal.live(&exams);
        assert_eq!((rehearsal.attempts(A), rehearsal.attempts(B)), (1, 1));
    }
}

#[test]
fn a_charge_that_was_in_flight_at_a_kill_is_unknown() {
    let mut rehearsal = Rehearsal::of("iris/option-1");
    rehearsal.live_until(&[exam(A)], Some(Kill::AtWrite(1)));
    assert_eq!(rehearsal.live(&[]), [(A.into(), Outcome::Unknown)]);
}

#[test]
fn the_same_exam_handed_over_twice_is_one_charge() {
    let mut rehearsal = Rehearsal::of("iris/option-1");
    rehearsal.live(&[exam(A), exam(A)]);
    rehearsal.live(&[exam(A)]);
    assert_eq!(rehearsal.attempts(A), 1);
}

#[test]
fn refused_connections_are_free() {
    let mut rehearsal = Rehearsal::of("iris/option-1").refusing(0, 5);
    assert_eq!(rehearsal.live(&[exam(A)]), [(A.into(), Outcome::Delivered)]);
    assert_eq!((rehearsal.links(), rehearsal.attempts(A)), (6, 1));
}

#[test]
fn after_a_refusal_the_next_endpoint_is_tried() {
    let mut rehearsal = Rehearsal::of("iris/option-1").endpoints(2).refusing(0, 99);
    rehearsal.live(&[exam(A)]);
    assert_eq!(rehearsal.seen[0].endpoint, 1);
}

#[test]
fn a_late_acknowledgement_is_not_credited_to_the_next_charge() {
    let mut rehearsal = Rehearsal::of("iris/option-1").replies(&[Reply::Late, Reply::Silence]);
    let account = rehearsal.live(&[exam(A), exam(B)]);
    assert_eq!(account, [(A.into(), Outcome::Unknown), (B.into(), Outcome::Unknown)]);
    assert_ne!(rehearsal.seen[0].link, rehearsal.seen[1].link);
}

#[test]
fn one_connection_serves_many_charges() {
    let mut rehearsal = Rehearsal::of("iris/option-1");
    rehearsal.live(&[exam(A), exam(B)]);
    assert_eq!(rehearsal.links(), 1);
}

#[test]
fn control_ids_differ_within_a_second_and_over_a_restart() {
    let mut rehearsal = Rehearsal::of("iris/option-1");
    rehearsal.live(&[exam(A), exam(B)]);
    rehearsal.live(&[exam("700003")]);
    let ids: Vec<_> = rehearsal.charges().iter().map(|charge| id(charge)).collect();
    assert_eq!(ids, ["170410151351", "170410151352", "170410151353"]);
}

#[rstest]
#[case::accepted(&[], 1)]
#[case::error(&[Reply::Code("AE")], 2)]
#[case::junk_then_closed(&[Reply::Junk, Reply::Close], 3)]
#[case::never(&[Reply::Silence; 9], 4)]
fn a_result_is_sent_until_it_is_accepted_but_not_for_ever(
    #[case] replies: &[Reply],
    #[case] expected: usize,
) {
    let mut rehearsal = Rehearsal::of("iris/option-1").results(replies);
    rehearsal.live(&[exam(A)]);
    rehearsal.live(&[]);
    assert_eq!(rehearsal.result_attempts(A), expected);
    assert_eq!(rehearsal.attempts(A), 1);
}

#[test]
fn a_result_that_is_sent_again_is_the_same_message() {
    let mut rehearsal = Rehearsal::of("iris/option-1").results(&[Reply::Code("AR")]);
    rehearsal.live(&[exam(A)]);
    assert_eq!(rehearsal.seen[1].payload, rehearsal.seen[2].payload);
}

#[test]
fn a_result_interrupted_by_a_kill_is_sent_after_the_restart() {
    let mut rehearsal = Rehearsal::of("iris/option-1").results(&[Reply::Silence]);
    rehearsal.live_until(&[exam(A)], Some(Kill::AtWrite(2)));
    rehearsal.live(&[]);
    assert_eq!((rehearsal.attempts(A), rehearsal.result_attempts(A)), (1, 2));
}

#[rstest]
fn honest_variants_attempt_each_charge_once(
    #[values(Reply::Accept, Reply::Code("AE"), Reply::Silence, Reply::Close, Reply::Reset)]
    reply: Reply,
) {
    for variant in Variant::ALL {
        let mut rehearsal = Rehearsal::of("iris/option-2").replies(&[reply]).variant(*variant);
        let account = rehearsal.live(&[exam(A), exam(B)]);
        rehearsal.live(&[]);
        let attempts = (rehearsal.attempts(A), rehearsal.attempts(B));
        assert_eq!(attempts, (1, 1), "{variant}");
        let sure = *variant != Variant::DoubtsEverything;
        let said = if sure { Outcome::Delivered } else { Outcome::Unknown };
        assert_eq!(account[1].1, said, "{variant}");
    }
}

#[test]
fn connection_per_message_opens_one_for_each() {
    for variant in [Variant::ConnectionPerMessage, Variant::ReconnectBetween] {
        let mut rehearsal = Rehearsal::of("iris/option-1").variant(variant);
        rehearsal.live(&[exam(A), exam(B)]);
        assert_eq!(rehearsal.links(), 2);
    }
}

#[test]
fn a_ping_writes_nothing_and_stays_apart_from_the_line() {
    let mut rehearsal = Rehearsal::of("iris/option-1").variant(Variant::Pings);
    rehearsal.live(&[exam(A), exam(B)]);
    assert_eq!((rehearsal.links(), rehearsal.charges().len()), (3, 2));
}

#[test]
fn long_control_ids_go_on_after_a_restart() {
    let mut rehearsal = Rehearsal::of("iris/option-1").variant(Variant::LongControlIds);
    rehearsal.live(&[exam(A)]);
    rehearsal.live(&[exam(B)]);
    let ids: Vec<_> = rehearsal.charges().iter().map(|charge| id(charge)).collect();
    assert_eq!(ids, ["CP-000000000000001", "CP-000000000000002"]);
}

#[test]
fn the_control_id_counter_counts_over_restarts() {
    let mut rehearsal = Rehearsal::of("iris/option-1").variant(Variant::ControlIdCounter);
    rehearsal.live(&[exam(A)]);
    rehearsal.live(&[exam(B)]);
    let ids: Vec<_> = rehearsal.charges().iter().map(|charge| id(charge)).collect();
    assert_eq!(ids, ["1", "2"]);
}

#[test]
fn a_record_reads_back_as_it_was_written() {
    let mut rehearsal = Rehearsal::of("iris/option-1").results(&[]);
    rehearsal.live(&[exam(A)]);
    assert_eq!(rehearsal.journal.len(), 5);
    for record in &rehearsal.journal {
        let line = serde_json::to_string(record).unwrap();
        assert_eq!(&serde_json::from_str::<Record>(&line).unwrap(), record);
    }
}

fn id(charge: &[u8]) -> String {
    String::from_utf8_lossy(Message::read(charge).control_id()).into_owned()
}

/// Nothing was written yet, so nothing keeps it from stopping.
#[test]
fn a_connection_that_is_lost_while_it_stops_is_not_made_again() {
    let config = Rehearsal::of("iris/option-1").into_config();
    let mut machine = Machine::start(config, &[], Duration::ZERO);
    machine.handle(Duration::ZERO, Input::Exam(exam(A).into()));
    let mut connects = 0;
    for _ in 0..20 {
        match machine.poll(Duration::ZERO) {
            Poll::Output(Output::Connect { link, .. }) => {
                connects += 1;
                machine.handle(Duration::ZERO, Input::Connected(link));
                machine.handle(Duration::ZERO, Input::Stop);
                machine.handle(Duration::ZERO, Input::Ended(link));
            }
            Poll::Output(Output::Store(_)) => machine.handle(Duration::ZERO, Input::Stored),
            Poll::Output(_) => {}
            Poll::WaitUntil(_) => break,
        }
    }
    assert_eq!((connects, machine.is_stopped()), (1, true));
}

#[rstest]
#[case::once(&["r1"], 2)]
#[case::twice(&["r1", "r2"], 3)]
#[case::the_same_request_again(&["r1", "r1"], 2)]
fn an_operators_request_is_one_attempt_more(#[case] requests: &[&str], #[case] attempts: usize) {
    for kill in [None, Some(Kill::AtWrite(1))] {
        let mut rehearsal = Rehearsal::of("iris/option-1").replies(&[Reply::Code("AR")]);
        rehearsal.live(&[exam(A)]);
        for request in requests {
            rehearsal.ask(A, request);
        }
        rehearsal.live_until(&[], kill);
        // The request is still there after a kill, as a file is that nobody has taken away.
        for request in requests {
            rehearsal.ask(A, request);
        }
        rehearsal.live(&[]);
        assert_eq!(rehearsal.attempts(A), attempts, "{kill:?}");
    }
}

#[test]
fn who_asks_again_for_what_was_never_sent_asks_in_vain() {
    let mut rehearsal = Rehearsal::of("iris/option-1");
    rehearsal.ask(A, "r1");
    rehearsal.ask(B, "r2");
    rehearsal.live(&[exam(A)]);
    assert_eq!((rehearsal.attempts(A), rehearsal.attempts(B)), (1, 0));
}
