//! Arrival and accounts.

use rstest::rstest;

use super::fixture::{Case, ack, broken, control_id, inconclusive};
use crate::history::{Micros, Outcome, What};
use crate::plan::Fault;
use crate::verdict::Verdict;

#[test]
fn a_sender_that_never_sends_fails_delivers_alone() {
    let mut case = Case::new().scripted(Fault::AnswerReject);
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
    assert!(inconclusive(&judgement).contains(&("once/per-order", "nothing was sent")));
}

#[test]
fn a_charge_that_poisons_the_queue_fails_recovers_alone() {
    let mut case = Case::begun().scripted(Fault::AnswerReject);
    case.submit("john-doe");
    let message = case.message("john-doe");
    let to = case.send(1, &message);
    case.answer(1, to, "AR", &message);
    case.played(1, Fault::AnswerReject);
    case.submit("probe-2");
    case.push(What::WaitedInVain { wanted: "probe-2".to_owned(), waited: Micros(2_000_000) });
    let mut case = case.restarted(1, Outcome::Rejected);
    forget(&mut case, "900002");
    let judgement = case.judge();
    assert_eq!(broken(&judgement), ["recovers"]);
    assert_eq!(judgement.findings[0].circumstance, "after answer/reject");
}

/// The account no longer knows `order`.
fn forget(case: &mut Case, order: &str) {
    for event in &mut case.events {
        if let What::Account { charges } = &mut event.what {
            charges.retain(|charge| charge.order != order);
        }
    }
}

#[test]
fn an_exam_that_a_fault_concerned_need_not_arrive() {
    let mut case = Case::begun().scripted(Fault::ConnectionAcceptClose);
    case.submit("john-doe");
    case.open(2, 1);
    case.played(2, Fault::ConnectionAcceptClose);
    let judgement = case.ended(1, Outcome::NotSent).judge();
    assert_eq!(broken(&judgement), [""; 0]);
    assert_eq!(inconclusive(&judgement), [("once/per-order", "nothing was sent")]);
}

#[test]
fn a_step_that_waited_in_vain_is_inconclusive() {
    let mut case = Case::healthy();
    let before = case.events.len() - 1;
    let wanted = "the end of a message".to_owned();
    case.push(What::WaitedInVain { wanted, waited: Micros(1) });
    let last = case.events.len() - 1;
    case.events.swap(before, last);
    let (seq, at) = (case.events[last].seq, case.events[last].at);
    case.events[last].seq = case.events[before].seq;
    case.events[before].seq = seq;
    case.events.sort_by_key(|event| event.seq);
    assert_eq!(at, at);
    let judgement = case.judge();
    assert_eq!(inconclusive(&judgement), [("once/per-order", "waited in vain")]);
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
}

/// john-doe's message is answered by `reply` of its control id, and the sender says `outcome`.
fn answered(reply: impl Fn(&str) -> Vec<u8>, outcome: Outcome) -> Case {
    let mut case = Case::begun().scripted(Fault::PayloadJunk);
    case.submit("john-doe");
    let message = case.message("john-doe");
    let to = case.send(1, &message);
    case.reply(1, to, "payload/junk", &reply(&control_id(&message)));
    case.played(1, Fault::PayloadJunk);
    case.ended(1, outcome)
}

fn text(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

#[rstest]
#[case::junk(&|_| text("\u{b}fail\u{1c}\r"), Outcome::Delivered)]
#[case::nothing(&|_| Vec::new(), Outcome::Delivered)]
#[case::another_id(&|_| ack("AA", "555"), Outcome::Delivered)]
#[case::prefix(&|id| ack("AAX", id), Outcome::Delivered)]
#[case::cut_code(&|_| text("\u{b}MSH|^~\\&|EMR\rMSA|A\u{1c}\r"), Outcome::Delivered)]
#[case::commit_only(&|id| ack("CA", id), Outcome::Delivered)]
#[case::refused(&|id| ack("AR", id), Outcome::Delivered)]
#[case::accepted(&|id| ack("AA", id), Outcome::Rejected)]
#[case::sent(&|id| ack("AA", id), Outcome::NotSent)]
fn a_clear_lie_is_told(#[case] reply: &dyn Fn(&str) -> Vec<u8>, #[case] outcome: Outcome) {
    assert_eq!(broken(&answered(reply, outcome).judge()), ["accounts"]);
}

#[rstest]
#[case::accepted(&|id| ack("AA", id), Outcome::Delivered)]
#[case::doubted(&|id| ack("AA", id), Outcome::Unknown)]
#[case::refused(&|id| ack("AE", id), Outcome::Rejected)]
#[case::refused_and_doubted(&|id| ack("AR", id), Outcome::Unknown)]
#[case::junk(&|_| text("\u{b}fail\u{1c}\r"), Outcome::Unknown)]
#[case::junk_around(&|id| [text("x"), ack("AA", id), text("y")].concat(), Outcome::Delivered)]
#[case::junk_around_doubted(&|id| [text("x"), ack("AA", id)].concat(), Outcome::Unknown)]
#[case::unframed(&|id| text(&format!("MSH|^~\\&|EMR\rMSA|AA|{id}\r")), Outcome::Delivered)]
#[case::conflict(&|id| [ack("AA", id), ack("AR", id)].concat(), Outcome::Rejected)]
fn an_honest_account_is_believed(#[case] reply: &dyn Fn(&str) -> Vec<u8>, #[case] outcome: Outcome) {
    assert_eq!(answered(reply, outcome).judge().findings, []);
}

#[test]
fn a_charge_that_vanished_is_told() {
    let mut case = answered(|id| ack("AR", id), Outcome::Rejected);
    forget(&mut case, "273013");
    let judgement = case.judge();
    assert_eq!(broken(&judgement), ["accounts"]);
    assert_eq!(judgement.findings[0].circumstance, "vanished after payload/junk");
}

#[test]
fn a_sender_without_an_account_command_is_not_judged_by_it() {
    let mut case = answered(|_| Vec::new(), Outcome::Delivered);
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
    assert_eq!(inconclusive(&case.judge()), [("accounts", "no account")]);
}
