//! Each broken sender shows its defect under its circumstance, and the same circumstance shows
//! nothing without the defect.

use rstest::rstest;

use crate::hl7::{Message, SegmentEnd};
use crate::sender::tests::rehearsal::{Kill, Rehearsal, Reply, Torn, exam};
use crate::sender::{Bug, Outcome};

const A: &str = "700001";
const B: &str = "700002";

#[rstest]
#[case(Bug::ResendOnTimeout, Reply::Silence)]
#[case(Bug::ResendOnTimeoutReconnect, Reply::Silence)]
#[case(Bug::ResendOnClose, Reply::Close)]
#[case(Bug::ResendOnReset, Reply::Reset)]
#[case(Bug::ResendAfterAckReset, Reply::AcceptThenReset)]
#[case(Bug::ResendOnError, Reply::Code("AE"))]
#[case(Bug::ResendOnReject, Reply::Code("AR"))]
#[case(Bug::ResendOnCommitError, Reply::Code("CE"))]
#[case(Bug::ResendOnJunk, Reply::Junk)]
#[case(Bug::ResendOnPartialAck, Reply::CutThenSilence)]
#[case(Bug::ResendOnPartialAck, Reply::CutThenClose)]
#[case(Bug::ResendOnWrongId, Reply::OtherId)]
#[case(Bug::ResendOnPartialWrite, Reply::ResetInside)]
#[case(Bug::ResendNewControlId, Reply::Silence)]
#[case(Bug::ResendNewTransactionId, Reply::Silence)]
#[case(Bug::ReEncode, Reply::Silence)]
fn a_resend_shows_under_its_circumstance_and_no_other(#[case] bug: Bug, #[case] reply: Reply) {
    assert_eq!(first_attempts(Some(bug), reply), 2, "{bug}");
    assert_eq!(first_attempts(None, reply), 1);
    assert_eq!(first_attempts(Some(bug), Reply::Accept), 1, "{bug}");
    for (other, _) in RESENDS.iter().filter(|(_, circumstance)| *circumstance != reply) {
        assert_eq!(first_attempts(Some(*other), reply), expected(*other, reply), "{other}");
    }
}

/// A cut reply followed by silence, or junk, is also silence to those who resend on timeouts, and
/// who writes a message at once cannot tell a reset inside it from one after it.
fn expected(bug: Bug, reply: Reply) -> usize {
    let timeout = RESENDS.contains(&(bug, Reply::Silence));
    let silent = matches!(reply, Reply::Junk | Reply::OtherId | Reply::CutThenSilence);
    let cut = bug == Bug::ResendOnPartialAck && reply == Reply::CutThenClose;
    let reset = bug == Bug::ResendOnReset && reply == Reply::ResetInside;
    if (timeout && silent) || cut || reset { 2 } else { 1 }
}

const RESENDS: &[(Bug, Reply)] = &[
    (Bug::ResendOnTimeout, Reply::Silence),
    (Bug::ResendOnTimeoutReconnect, Reply::Silence),
    (Bug::ResendOnClose, Reply::Close),
    (Bug::ResendOnReset, Reply::Reset),
    (Bug::ResendAfterAckReset, Reply::AcceptThenReset),
    (Bug::ResendOnError, Reply::Code("AE")),
    (Bug::ResendOnReject, Reply::Code("AR")),
    (Bug::ResendOnCommitError, Reply::Code("CE")),
    (Bug::ResendOnJunk, Reply::Junk),
    (Bug::ResendOnPartialAck, Reply::CutThenSilence),
    (Bug::ResendOnWrongId, Reply::OtherId),
    (Bug::ResendOnPartialWrite, Reply::ResetInside),
];

fn first_attempts(bug: Option<Bug>, reply: Reply) -> usize {
    let mut rehearsal = Rehearsal::of("iris/option-1").bug(bug).replies(&[reply]);
    rehearsal.live(&[exam(A)]);
    rehearsal.attempts(A)
}

#[test]
fn a_resend_happens_twice_at_the_most() {
    for (bug, reply) in RESENDS {
        let mut rehearsal = Rehearsal::of("iris/option-1").bug(Some(*bug)).replies(&[*reply; 9]);
        rehearsal.live(&[exam(A)]);
        assert_eq!(rehearsal.attempts(A), 3, "{bug}");
    }
}

#[test]
fn a_timeout_resend_keeps_or_changes_the_connection_by_its_name() {
    for (bug, same) in [(Bug::ResendOnTimeout, true), (Bug::ResendOnTimeoutReconnect, false)] {
        let mut rehearsal = silent(bug);
        rehearsal.live(&[exam(A)]);
        assert_eq!(rehearsal.seen[0].link == rehearsal.seen[1].link, same);
        assert_eq!(rehearsal.seen[0].payload, rehearsal.seen[1].payload);
    }
}

#[test]
fn a_resend_under_new_ids_has_new_ids() {
    let mut rehearsal = silent(Bug::ResendNewControlId);
    rehearsal.live(&[exam(A)]);
    let ids: Vec<_> = rehearsal.charges().iter().map(|charge| value(charge, "MSH-10")).collect();
    assert_ne!(ids[0], ids[1]);
    let mut rehearsal = silent(Bug::ResendNewTransactionId);
    rehearsal.live(&[exam(A)]);
    let charges = rehearsal.charges();
    assert_eq!(value(charges[0], "FT1-2"), "");
    assert_eq!(value(charges[1], "FT1-2"), value(charges[1], "MSH-10"));
}

#[test]
fn a_re_encoded_charge_reads_differently() {
    let mut rehearsal = silent(Bug::ReEncode);
    rehearsal.live(&[exam(A)]);
    let charges = rehearsal.charges();
    assert_eq!(value(charges[1], "FT1-1"), "0001");
    assert!(value(charges[1], "FT1-19").starts_with("H35.81"));
}

#[test]
fn a_failover_resend_needs_a_second_endpoint() {
    for (endpoints, attempts) in [(1, 1), (2, 2)] {
        let mut rehearsal = silent(Bug::FailoverResend).endpoints(endpoints);
        rehearsal.live(&[exam(A)]);
        assert_eq!(rehearsal.attempts(A), attempts);
    }
}

#[rstest]
#[case(Bug::ReplayAfterKill, 1, 2)]
#[case(Bug::ReplayAfterEarlyKill, 1, 2)]
#[case(Bug::ReplayOnRestart, 1, 2)]
fn a_replay_shows_after_a_kill(#[case] bug: Bug, #[case] write: usize, #[case] attempts: usize) {
    for (bug, expected) in [(Some(bug), attempts), (None, 1)] {
        let mut rehearsal = Rehearsal::of("iris/option-1").bug(bug);
        rehearsal.live_until(&[exam(A)], Some(Kill::AtWrite(write)));
        rehearsal.live(&[]);
        assert_eq!(rehearsal.attempts(A), expected);
    }
}

#[test]
fn an_early_mark_is_no_help_against_a_kill_during_the_write_only() {
    let mut rehearsal = Rehearsal::of("iris/option-1").bug(Some(Bug::ReplayAfterEarlyKill));
    // Taken, then marked as soon as the second piece has left.
    rehearsal.live_until(&[exam(A)], Some(Kill::AtRecord(2, Torn::Kept)));
    rehearsal.live(&[]);
    assert_eq!(rehearsal.attempts(A), 1);
}

#[rstest]
#[case(Bug::ReplayOnRestart, 2)]
#[case(Bug::ReplayWholeSpool, 2)]
#[case(Bug::ReplayAfterKill, 1)]
#[case(Bug::ReplayAfterEarlyKill, 1)]
fn a_replay_shows_after_a_clean_restart(#[case] bug: Bug, #[case] attempts: usize) {
    let mut rehearsal = Rehearsal::of("iris/option-1").bug(Some(bug));
    rehearsal.live(&[exam(A)]);
    assert_eq!(rehearsal.attempts(A), 1);
    rehearsal.live(&[]);
    assert_eq!(rehearsal.attempts(A), attempts);
}

#[test]
fn a_rebatched_charge_travels_inside_the_next() {
    let mut rehearsal = silent(Bug::Rebatch);
    rehearsal.live(&[exam(A), exam(B)]);
    assert_eq!((rehearsal.attempts(A), rehearsal.attempts(B)), (2, 1));
    let last = rehearsal.charges()[1];
    let lines = ["FT1[1]-1", "FT1[1]-3", "FT1[2]-1", "FT1[2]-3"].map(|path| value(last, path));
    assert_eq!(lines, ["1", A, "2", B]);
}

#[rstest]
#[case(Bug::SecondEvent, &["P03", "P11"])]
#[case(Bug::SplitResend, &["P03", "P03", "P03"])]
fn more_messages_follow_an_accepted_charge(#[case] bug: Bug, #[case] events: &[&str]) {
    let mut rehearsal = Rehearsal::of("iris/option-2").bug(Some(bug)).results(&[]);
    rehearsal.live(&[exam(A)]);
    let seen: Vec<_> = rehearsal.charges().iter().map(|charge| value(charge, "MSH-9.2")).collect();
    assert_eq!(seen, events);
    assert_eq!(rehearsal.result_attempts(A), 1);
}

#[test]
fn a_double_submit_needs_two_submissions() {
    for (exams, attempts) in [(vec![exam(A)], 1), (vec![exam(A), exam(A)], 2)] {
        let mut rehearsal = Rehearsal::of("iris/option-1").bug(Some(Bug::DoubleSubmit));
        rehearsal.live(&exams);
        assert_eq!(rehearsal.attempts(A), attempts);
    }
}

#[rstest]
#[case(Bug::FalseAck, Reply::Silence, Outcome::Delivered)]
#[case(Bug::FalseAck, Reply::Close, Outcome::Delivered)]
#[case(Bug::FalseAck, Reply::Code("AR"), Outcome::Rejected)]
#[case(Bug::AcceptsAnyAck, Reply::OtherId, Outcome::Delivered)]
#[case(Bug::AcceptsAnyAck, Reply::Junk, Outcome::Unknown)]
#[case(Bug::AcceptsJunk, Reply::Junk, Outcome::Delivered)]
#[case(Bug::AcceptsCodePrefix, Reply::Code("AAX"), Outcome::Delivered)]
#[case(Bug::AcceptsCodePrefix, Reply::Code("AE"), Outcome::Rejected)]
fn a_liar_lies_in_its_account(#[case] bug: Bug, #[case] reply: Reply, #[case] outcome: Outcome) {
    let mut rehearsal = Rehearsal::of("iris/option-1").bug(Some(bug)).replies(&[reply]);
    assert_eq!(rehearsal.live(&[exam(A)]), [(A.into(), outcome)]);
    assert_eq!(crate::sender::account(&rehearsal.journal), [(A.into(), outcome)]);
    assert_eq!(rehearsal.attempts(A), 1);
}

#[test]
fn a_silent_drop_leaves_only_the_rejected_charge_out() {
    let mut rehearsal =
        Rehearsal::of("iris/option-1").bug(Some(Bug::SilentDrop)).replies(&[Reply::Code("AR")]);
    rehearsal.live(&[exam(A), exam(B)]);
    assert_eq!(crate::sender::account(&rehearsal.journal), [(B.into(), Outcome::Delivered)]);
    rehearsal.live(&[]);
    assert_eq!(rehearsal.attempts(A), 1);
}

#[test]
fn a_brick_sends_nothing_and_says_so() {
    let mut rehearsal = Rehearsal::of("iris/option-1").bug(Some(Bug::Brick));
    assert_eq!(rehearsal.live(&[exam(A)]), [(A.into(), Outcome::NotSent)]);
    assert_eq!(rehearsal.links(), 0);
}

#[rstest]
#[case(Reply::Code("AR"), 0)]
#[case(Reply::Junk, 0)]
#[case(Reply::Silence, 1)]
fn poison_blocks_the_queue(#[case] reply: Reply, #[case] attempts: usize) {
    let mut rehearsal =
        Rehearsal::of("iris/option-1").bug(Some(Bug::PoisonBlocksQueue)).replies(&[reply]);
    rehearsal.live(&[exam(A), exam(B)]);
    assert_eq!((rehearsal.attempts(A), rehearsal.attempts(B)), (1, attempts));
}

#[test]
fn an_accepted_result_is_sent_again_once() {
    let mut rehearsal =
        Rehearsal::of("iris/option-1").bug(Some(Bug::ResendAcceptedResult)).results(&[]);
    rehearsal.live(&[exam(A)]);
    assert_eq!((rehearsal.result_attempts(A), rehearsal.attempts(A)), (2, 1));
}

#[rstest]
#[case(Bug::WrongOption, "iris/option-1", "FT1[2]-26", "TC")]
#[case(Bug::WrongOption, "iris/option-2", "FT1[3]-26", "")]
#[case(Bug::MissingModifier, "iris/option-2", "FT1[1]-26", "52")]
#[case(Bug::MissingModifier, "iris/option-2", "FT1[2]-26", "52")]
#[case(Bug::WrongModifierOrder, "iris/option-2", "FT1[1]-26", "52~26")]
#[case(Bug::SignedForCaptured, "iris/option-1", "FT1[1]-4", "20170410145803")]
#[case(Bug::SignedForCaptured, "iris/option-2", "FT1[1]-4", "20170410145901")]
#[case(Bug::SignedForCaptured, "iris/option-2", "FT1[2]-4", "20170410145901")]
#[case(Bug::DriftedMapping, "iris/option-1", "PV1-2", "I")]
#[case(Bug::OtherVersion, "iris/option-1", "MSH-12", "2.8")]
#[case(Bug::SsnSent, "iris/option-1", "PID-19", "987654321")]
#[case(Bug::DuplicateLine, "iris/option-2", "FT1[3]-1", "3")]
#[case(Bug::DuplicateLine, "iris/option-2", "FT1[3]-26", "TC~52")]
#[case(Bug::SetIdNotSequential, "iris/option-2", "FT1[2]-1", "1")]
#[case(Bug::DiagnosisDropped, "iris/option-1", "FT1-19", "E11.41^one^ICD-10-CM")]
#[case(Bug::AccountMismatch, "iris/option-1", "PV1-19", "12349")]
#[case(Bug::WrongMessageType, "iris/option-1", "MSH-9", "")]
fn a_wrong_message_is_wrong_in_one_place(
    #[case] bug: Bug,
    #[case] mapping: &str,
    #[case] path: &str,
    #[case] expected: &str,
) {
    let mut rehearsal = Rehearsal::of(mapping).bug(Some(bug));
    rehearsal.live(&[exam(A)]);
    let expected = if bug == Bug::WrongMessageType { "ORU^R01" } else { expected };
    assert_eq!(value(&rehearsal.seen[0].payload, path), expected);
    assert_eq!(rehearsal.seen.len(), 1);
}

#[test]
fn diagnoses_can_come_in_reverse() {
    let mut rehearsal = Rehearsal::of("iris/option-1").bug(Some(Bug::DiagnosisReordered));
    rehearsal.live(&[exam(A)]);
    assert!(value(rehearsal.charges()[0], "FT1-19").starts_with("H35.81"));
}

#[test]
fn a_control_id_can_be_reused() {
    let mut rehearsal = Rehearsal::of("iris/option-1").bug(Some(Bug::ReusedControlId)).results(&[]);
    let account = rehearsal.live(&[exam(A), exam(B)]);
    let ids: Vec<_> = rehearsal.charges().iter().map(|charge| value(charge, "MSH-10")).collect();
    assert_eq!(ids[0], ids[1]);
    assert!(account.iter().all(|(_, outcome)| *outcome == Outcome::Delivered));
}

#[test]
fn segments_can_end_in_line_feeds_or_not_at_all() {
    for (bug, last) in [(Bug::LfSegments, SegmentEnd::Lf), (Bug::NoFinalCr, SegmentEnd::None)] {
        let mut rehearsal = Rehearsal::of("iris/option-1").bug(Some(bug));
        rehearsal.live(&[exam(A)]);
        let message = Message::read(&rehearsal.seen[0].payload);
        assert_eq!(message.segments().last().unwrap().end(), last);
    }
}

#[test]
fn delimiters_can_go_unescaped() {
    for (bug, given) in [(None, r"JOHN \T\ CO"), (Some(Bug::UnescapedDelimiters), "JOHN & CO")] {
        let mut rehearsal = Rehearsal::of("iris/option-1").bug(bug);
        rehearsal.live(&[exam(A)]);
        let payload = String::from_utf8(rehearsal.charges()[0].to_vec()).unwrap();
        assert!(payload.contains(given) && payload.starts_with(r"MSH|^~\&|"));
    }
}

#[test]
fn a_flood_is_bounded_and_the_charge_still_goes_out_once() {
    let mut rehearsal = Rehearsal::of("iris/option-1").bug(Some(Bug::Floods));
    assert_eq!(rehearsal.live(&[exam(A)]), [(A.into(), Outcome::Delivered)]);
    assert_eq!((rehearsal.seen.len(), rehearsal.attempts(A)), (20_001, 1));
}

#[test]
fn without_a_bug_the_message_is_what_the_mapping_makes() {
    for mapping in ["iris/option-1", "iris/option-2", "mercy-cerner"] {
        let mut rehearsal = Rehearsal::of(mapping);
        rehearsal.live(&[exam(A)]);
        let sent = rehearsal.charges()[0];
        let id = value(sent, "MSH-10");
        let now = jiff::civil::date(2017, 4, 10).at(15, 13, 51, 0);
        let stamp = crate::mapping::Stamp { now, control_id: id };
        let made =
            crate::sender::tests::rehearsal::mapping_named(mapping).message(&exam(A), &stamp);
        assert_eq!(sent, made);
    }
}

fn silent(bug: Bug) -> Rehearsal {
    Rehearsal::of("iris/option-1").bug(Some(bug)).replies(&[Reply::Silence])
}

fn value(message: &[u8], path: &str) -> String {
    String::from_utf8_lossy(Message::read(message).value(path)).into_owned()
}

/// Both entries outlive the sender: they stand in its journal.
#[rstest]
#[case::both_words(Bug::BothWords, Reply::Silence, &[(A, Outcome::Delivered), (A, Outcome::Unknown)])]
#[case::one_word(Bug::BothWords, Reply::Accept, &[(A, Outcome::Delivered)])]
#[case::ghost(Bug::GhostOrders, Reply::Accept, &[("9", Outcome::Delivered), (A, Outcome::Delivered)])]
fn an_account_says_more_than_there_is(
    #[case] bug: Bug,
    #[case] reply: Reply,
    #[case] expected: &[(&str, Outcome)],
) {
    let mut rehearsal = Rehearsal::of("iris/option-1").bug(Some(bug)).replies(&[reply]);
    rehearsal.live(&[exam(A)]);
    let account = crate::sender::account(&rehearsal.journal);
    let of_ghosts = |order: &str| if order == A { A.to_owned() } else { "9".to_owned() };
    let told: Vec<(String, Outcome)> =
        account.into_iter().map(|(order, outcome)| (of_ghosts(&order), outcome)).collect();
    let expected: Vec<(String, Outcome)> =
        expected.iter().map(|(order, outcome)| ((*order).to_owned(), *outcome)).collect();
    assert_eq!(told, expected);
    assert_eq!(rehearsal.attempts(A), 1);
}
