//! Arrival and accounts.

use rstest::rstest;

use crate::check::tests::fixture::{Case, broken, control_id, inconclusive, mapping};
use crate::history::{End, Micros, Outcome, What};
use crate::plan::Fault;
use crate::plan::fault::{Answer, Connection, Payload};
use crate::verdict::{Circumstance, Rule, Verdict};

#[test]
fn a_sender_that_never_sends_fails_delivers_alone() {
    let mut case = Case::new().scripted(Fault::Answer(Answer::Reject));
    case.start(1);
    for exam in ["probe-1", "john-doe", "probe-2"] {
        case.submit(exam);
        case.pause(2000);
        case.push(What::WaitedInVain { wanted: exam.to_owned(), waited: Micros(2_000_000) });
    }
    case.watch();
    case.stop(1);
    case.start(2);
    case.watch();
    case.account(&[("probe-1", Outcome::NotSent), ("john-doe", Outcome::NotSent)]);
    case.stop(2);
    case.push(What::Finished);
    let judgement = case.judge();
    assert_eq!(broken(&judgement), ["delivers"]);
    assert!(inconclusive(&judgement).contains(&(Rule::OncePerOrder, Circumstance::NothingSent)));
}

#[test]
fn a_charge_that_poisons_the_queue_fails_recovers_alone() {
    let mut case = Case::refused();
    case.submit("probe-2");
    case.push(What::WaitedInVain { wanted: "probe-2".to_owned(), waited: Micros(2_000_000) });
    let mut case = case.restarted(1, Outcome::Rejected);
    forget(&mut case, "900002");
    let judgement = case.judge();
    assert_eq!(broken(&judgement), ["recovers"]);
    assert_eq!(judgement.findings[0].circumstance.to_string(), "after answer/reject");
}

/// The account no longer knows `order`.
fn forget(case: &mut Case, order: &str) {
    for event in &mut case.events {
        if let What::Account { charges, .. } = &mut event.what {
            charges.retain(|charge| charge.order != order);
        }
    }
}

#[test]
fn an_exam_that_a_fault_concerned_need_not_arrive() {
    let mut case = Case::begun().scripted(Fault::Connection(Connection::AcceptClose));
    case.submit("john-doe");
    case.open(2, 1);
    case.end(2, End::Close);
    case.played(2, Fault::Connection(Connection::AcceptClose));
    let judgement = case.ended(1, Outcome::NotSent).judge();
    assert_eq!(broken(&judgement), [""; 0]);
    assert_eq!(inconclusive(&judgement), [(Rule::OncePerOrder, Circumstance::NothingSent)]);
}

#[test]
fn a_step_that_waited_in_vain_is_inconclusive() {
    let mut case = Case::healthy();
    case.push(What::WaitedInVain { wanted: "the end of a message".to_owned(), waited: Micros(1) });
    let judgement = case.judge();
    assert_eq!(inconclusive(&judgement), [(Rule::OncePerOrder, Circumstance::WaitedInVain)]);
    assert_eq!(judgement.verdict(), Verdict::Inconclusive);
}

/// john-doe's message is answered by `reply`, where `ID` stands for its control id and `ACK` for an
/// acknowledgement up to its code, and the sender says `outcome`.
fn answered(reply: &str, outcome: Outcome) -> Case {
    let mut case = Case::begun().scripted(Fault::Payload(Payload::Junk));
    case.submit("john-doe");
    let message = case.message("john-doe");
    let to = case.send(1, &message);
    let begin = "\u{b}MSH|^~\\&|EMR|F|IRIS|IRIS|1||ACK^P03|9|P|2.4\rMSA";
    let reply = reply.replace("ACK", begin).replace("END", "\r\u{1c}\r");
    case.reply(1, to, "payload/junk", reply.replace("ID", &control_id(&message)).as_bytes());
    case.played(1, Fault::Payload(Payload::Junk));
    case.ended(1, outcome)
}

#[rstest]
#[case::junk("\u{b}fail\u{1c}\r", Outcome::Delivered)]
#[case::nothing("", Outcome::Delivered)]
#[case::another_id("ACK|AA|555END", Outcome::Delivered)]
#[case::prefix("ACK|AAX|IDEND", Outcome::Delivered)]
#[case::cut_code("ACK|A\u{1c}\r", Outcome::Delivered)]
#[case::no_id("ACK|AA|END", Outcome::Delivered)]
#[case::commit_only("ACK|CA|IDEND", Outcome::Delivered)]
#[case::refused("ACK|AR|IDEND", Outcome::Delivered)]
#[case::accepted("ACK|AA|IDEND", Outcome::Rejected)]
#[case::another_refused("ACK|AR|555END", Outcome::Rejected)]
#[case::sent("ACK|AA|IDEND", Outcome::NotSent)]
fn a_clear_lie_is_told(#[case] reply: &str, #[case] outcome: Outcome) {
    assert_eq!(broken(&answered(reply, outcome).judge()), ["accounts"]);
}

/// What comes on another connection in the meantime does not end the time of an answer.
#[test]
fn a_lie_is_told_with_what_the_emr_did_on_its_own_connection() {
    let mut case = Case::begun().scripted(Fault::Connection(Connection::CloseBeforeReply));
    case.open(2, 1);
    case.submit("john-doe");
    let message = case.message("john-doe");
    case.send(1, &message);
    case.deliver(2, "probe-2");
    case.end(1, End::Close);
    case.played(1, Fault::Connection(Connection::CloseBeforeReply));
    let judgement = case.restarted(1, Outcome::Delivered).judge();
    assert_eq!(broken(&judgement), ["accounts"]);
    assert_eq!(
        judgement.findings[0].circumstance.to_string(),
        "delivered after connection/close-before-reply"
    );
}

#[rstest]
#[case::accepted("ACK|AA|IDEND", Outcome::Delivered)]
#[case::doubted("ACK|AA|IDEND", Outcome::Unknown)]
#[case::refused("ACK|AE|IDEND", Outcome::Rejected)]
#[case::refused_and_doubted("ACK|AR|IDEND", Outcome::Unknown)]
#[case::junk("\u{b}fail\u{1c}\r", Outcome::Unknown)]
#[case::junk_around("xACK|AA|IDENDy", Outcome::Delivered)]
#[case::junk_around_doubted("xACK|AA|IDEND", Outcome::Unknown)]
#[case::unframed("MSH|^~\\&|EMR\rMSA|AA|ID\r", Outcome::Delivered)]
#[case::conflict("ACK|AA|IDENDACK|AR|IDEND", Outcome::Rejected)]
fn an_honest_account_is_believed(#[case] reply: &str, #[case] outcome: Outcome) {
    assert_eq!(answered(reply, outcome).judge().findings, []);
}

/// CA releases the sender where no acknowledgement of the application is due, whether the message
/// asked for CA or for nothing; what comes after it need not be read any more.
#[rstest]
#[case::only_receipt("canyon-receipt-only")]
#[case::nothing("aspen-no-acknowledgements")]
fn a_commit_may_be_all_that_there_is_to_say(#[case] agreed: &str) {
    let mut case = Case::new().scripted(Fault::Answer(Answer::CommitThenReject));
    case.plan.mapping = mapping(agreed);
    case.start(1);
    case.open(1, 1);
    case.deliver(1, "probe-1");
    case.submit("john-doe");
    let message = case.message("john-doe");
    let to = case.send(1, &message);
    case.answer(1, to, "CA", &message);
    case.answer(1, to, "AR", &message);
    case.played(1, Fault::Answer(Answer::CommitThenReject));
    for said in [Outcome::Delivered, Outcome::Rejected, Outcome::Unknown] {
        let judgement = case.clone().ended(1, said).judge();
        assert_eq!(broken(&judgement), [""; 0], "{said:?}");
    }
    assert_eq!(broken(&case.ended(1, Outcome::NotSent).judge()), ["accounts"]);
}

#[test]
fn a_charge_that_vanished_is_told() {
    let mut case = answered("ACK|AR|IDEND", Outcome::Rejected);
    forget(&mut case, "273013");
    let judgement = case.judge();
    assert_eq!(broken(&judgement), ["accounts"]);
    assert_eq!(judgement.findings[0].circumstance.to_string(), "vanished after payload/junk");
}

#[test]
fn a_sender_without_an_account_command_is_not_judged_by_it() {
    let mut case = answered("fail", Outcome::Delivered);
    case.plan.sender.account = None;
    assert_eq!(case.judge().findings, []);
}

#[test]
fn an_account_that_failed_is_inconclusive() {
    let mut case = Case::healthy();
    for event in &mut case.events {
        if matches!(event.what, What::Account { .. }) {
            event.what = What::NoAccount { why: "it exited with code 1".to_owned() };
        }
    }
    assert_eq!(inconclusive(&case.judge()), [(Rule::Accounts, Circumstance::NoAccount)]);
}
