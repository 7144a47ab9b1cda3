//! Messages that were cut before they said what they are, of a sender that sends results too.

use rstest::rstest;

use crate::check::tests::fixture::{Case, ack, broken, changed, control_id, inconclusive, mapping};
use crate::history::{AnomalyKind, End, Micros, Outcome, Pause, Piece, What};
use crate::mapping::Mapping;
use crate::plan::fault::{Answer, Connection};
use crate::plan::{Fault, Match, MessageKind, Parameters, Play};
use crate::verdict::{Circumstance, Exit, Rule};

/// Bytes up to where every message of this sender begins alike.
const ALIKE: usize = 19;

/// Before john-doe's charge comes whole, a message on another connection is cut.
fn cut_before_the_charge(message: impl Fn(&mut Case) -> Vec<u8>, unread: bool) -> Case {
    let mut case = Case::new().scripted(Fault::Connection(Connection::ResetAfterBytes));
    case.plan.results = Some(mapping("iris/result"));
    case.start(1);
    case.open(1, 1);
    case.deliver(1, "probe-1");
    case.submit("john-doe");
    let message = message(&mut case);
    case.send_part(1, &message[..ALIKE]);
    if unread {
        let bytes = [&message[ALIKE..], &[0x1C, b'\r']].concat();
        let length = bytes.len() as u64;
        let offset = case.received_on(1);
        case.push(What::Unread { connection: 1, offset, bytes: bytes.as_slice().into(), length });
    }
    case.end(1, End::Reset);
    case.played(1, Fault::Connection(Connection::ResetAfterBytes));
    case.open(2, 1);
    let charge = case.message("john-doe");
    let to = case.send(2, &charge);
    case.answer(2, to, "AA", &charge);
    case
}

#[test]
fn a_part_that_may_be_a_result_convicts_nobody() {
    let case = cut_before_the_charge(|case| case.result("probe-1"), false);
    let judgement = case.ended(2, Outcome::Delivered).judge();
    assert_eq!(broken(&judgement), [""; 0]);
    assert!(
        inconclusive(&judgement).contains(&(Rule::OncePerOrder, Circumstance::OrderNotReadable))
    );
}

#[test]
fn what_stood_unread_behind_a_part_says_that_it_is_a_result() {
    let case = cut_before_the_charge(|case| case.result("probe-1"), true);
    assert_eq!(case.ended(2, Outcome::Delivered).judge().findings, []);
}

#[test]
fn what_stood_unread_behind_a_part_says_that_it_is_the_charge() {
    let case = cut_before_the_charge(|case| case.message("john-doe"), true);
    let judgement = case.ended(2, Outcome::Delivered).judge();
    assert_eq!(broken(&judgement), ["once/per-order"]);
    assert_eq!(judgement.exit(), Exit::SentTwice);
}

/// Whoever waited less than he had announced cannot say that a charge came too late.
#[test]
fn only_a_whole_wait_in_vain_shows_that_a_sender_did_not_recover() {
    let waited = |waited: Micros| {
        let mut case = Case::refused();
        case.submit("probe-2");
        case.push(What::WaitedInVain { wanted: "the charge of `probe-2`".to_owned(), waited });
        let message = case.message("probe-2");
        let to = case.send(1, &message);
        case.answer(1, to, "AA", &message);
        case.restarted(1, Outcome::Rejected).judge()
    };
    let patience = Case::new().plan.limits.patience;
    assert_eq!(broken(&waited(patience)), ["recovers"]);
    assert_eq!(broken(&waited(Micros(patience.0 / 2))), [""; 0]);
}

/// What has come is not late, whatever the step went on to wait for.
#[test]
fn a_charge_that_came_before_the_wait_was_over_is_not_too_late() {
    let mut case = Case::refused();
    case.deliver(1, "probe-2");
    let waited = case.plan.limits.patience;
    case.push(What::WaitedInVain { wanted: "the charge of `probe-2`".to_owned(), waited });
    assert_eq!(broken(&case.restarted(1, Outcome::Rejected).judge()), [""; 0]);
}

/// While results are tried again, the charges behind them wait.
#[test]
fn a_charge_that_waits_behind_a_result_is_not_too_late() {
    let waited_while = |on: Match| {
        let mut case = Case::begun().scripted(Fault::Answer(Answer::None));
        case.plan.results = Some(mapping("iris/result"));
        case.plan.script[0].on = on;
        case.deliver(1, "john-doe");
        let result = case.result("john-doe");
        case.send(1, &result);
        case.played(1, Fault::Answer(Answer::None));
        case.submit("probe-2");
        case.send(1, &result);
        case.played(1, Fault::Answer(Answer::None));
        let waited = case.plan.limits.patience;
        case.push(What::WaitedInVain { wanted: "the charge of `probe-2`".to_owned(), waited });
        let message = case.message("probe-2");
        let to = case.send(1, &message);
        case.answer(1, to, "AA", &message);
        case.restarted(1, Outcome::Delivered).judge()
    };
    let exam = Some("john-doe".to_owned());
    let result = Match { exam: exam.clone(), kind: Some(MessageKind::Result), ..Match::default() };
    assert_eq!(broken(&waited_while(result)), [""; 0]);
    assert_eq!(broken(&waited_while(Match { exam, ..Match::default() })), ["recovers"]);
}

/// A reply of several parts is recorded when its last one was written.
#[test]
fn an_account_may_know_what_the_first_part_of_a_reply_said() {
    let mut case = Case::begun().scripted(Fault::Answer(Answer::Reject));
    case.submit("john-doe");
    let message = case.message("john-doe");
    let to = case.send(1, &message);
    case.played(1, Fault::Answer(Answer::Reject));
    let mut case = case.ended(1, Outcome::Rejected);
    assert_eq!(broken(&case.judge()), ["accounts"], "nothing was answered at all");
    let received = case.events[to as usize - 1].at;
    case.answer(1, to, "AR", &message);
    let last = case.events.last_mut().unwrap();
    if let What::Replied { began, .. } = &mut last.what {
        *began = received;
    }
    let finished = case.events.len() - 2;
    case.events.swap(finished, finished + 1);
    for (index, event) in case.events.iter_mut().enumerate() {
        event.seq = index as u64 + 1;
    }
    assert_eq!(broken(&case.judge()), [""; 0]);
}

/// CA, half a second, then AA: an account that says `delivered` in between knows of the CA only.
#[rstest]
#[case::in_between(499, true)]
#[case::with_the_second(501, false)]
fn an_account_does_not_know_what_a_later_part_of_a_reply_says(
    #[case] after: u64,
    #[case] lie: bool,
) {
    let mut case = Case::begun().scripted(Fault::Answer(Answer::CommitThenAccept));
    case.submit("john-doe");
    let message = case.message("john-doe");
    let to = case.send(1, &message);
    let began = case.now();
    case.pause(after - 1);
    case.account(&[("probe-1", Outcome::Delivered), ("john-doe", Outcome::Delivered)]);
    let said = ["CA", "AA"].map(|code| ack(code, &control_id(&message)));
    case.push(What::Replied {
        connection: 1,
        to: Some(to),
        name: "answer/commit-then-accept".to_owned(),
        bytes: said.concat().as_slice().into(),
        length: None,
        began,
        writes: 2,
        pauses: vec![Pause { after: said[0].len() as u64, lasted: Micros(500_000) }],
        complete: true,
    });
    let convicted = broken(&case.judge()).contains(&"accounts");
    assert_eq!(convicted, lie);
}

/// An EMR that has stopped reading does not see the end of a frame that was written whole.
#[test]
fn a_frame_that_goes_on_unread_has_not_lost_its_end() {
    let ended = |unread: bool| {
        let mut case = Case::begun();
        case.submit("john-doe");
        let message = case.message("john-doe");
        case.send_part(1, &message[..600]);
        if unread {
            let bytes = [&message[600..], &[0x1C, b'\r']].concat();
            let (length, offset) = (bytes.len() as u64, case.received_on(1));
            let bytes = bytes.as_slice().into();
            case.push(What::Unread { connection: 1, offset, bytes, length });
        }
        case.push(What::EndedBySender { connection: 1, how: End::Close });
        case.open(2, 1);
        case.ended(2, Outcome::Unknown).judge()
    };
    // Nothing that played explains why the EMR has not read it.
    assert_eq!(broken(&ended(true)), ["delivers"]);
    assert_eq!(broken(&ended(false)), ["delivers", "wire/framing"]);
}

/// The last byte of a frame is its carriage return, and that may be the one that was cut off.
#[test]
fn a_frame_that_lost_its_last_byte_to_the_emr_is_whole_enough() {
    let ended = |by_emr: bool| {
        let mut case = Case::begun().scripted(Fault::Connection(Connection::ResetAfterBytes));
        case.submit("john-doe");
        let message = case.message("john-doe");
        let bytes = [&[0x0B], message.as_slice(), &[0x1C]].concat();
        case.receive(1, Piece::Frame, &bytes, &[AnomalyKind::NoCarriageReturn]);
        if by_emr {
            case.end(1, End::Reset);
            case.played(1, Fault::Connection(Connection::ResetAfterBytes));
        }
        case.open(2, 1);
        case.ended(2, Outcome::Unknown).judge()
    };
    assert_eq!(broken(&ended(true)), [""; 0]);
    assert_eq!(broken(&ended(false)), ["wire/framing"]);
}

/// A fault is told as played when it is over.
#[test]
fn a_charge_need_not_come_while_the_emr_lets_the_sender_wait_at_its_door() {
    let ended = |waiting: bool| {
        let mut case = Case::begun().scripted(Fault::Connection(Connection::SlowAccept));
        case.deliver(1, "john-doe");
        case.kill(1);
        case.start(2);
        case.push(What::Submitted { exam: "probe-2".to_owned(), incarnation: 2 });
        if waiting {
            case.push(What::Waiting { endpoint: "emr".to_owned() });
        }
        case.watch();
        case.stop(2);
        case.open(2, 2);
        case.played(2, Fault::Connection(Connection::SlowAccept));
        case.push(What::Finished);
        case.judge()
    };
    assert_eq!(broken(&ended(true)), [""; 0]);
    assert_eq!(broken(&ended(false)), ["recovers"]);
}

/// Whoever is killed as soon as he may go on had no time to end his frame.
#[test]
fn a_frame_that_a_pause_and_a_kill_broke_off_has_lost_its_end_to_them() {
    let ended = |paused: bool| {
        let mut case = Case::begun();
        case.submit("john-doe");
        let message = case.message("john-doe");
        case.send_part(1, &message[..575]);
        case.pause(1000);
        if paused {
            case.push(What::SenderResumed { incarnation: 1, paused: Micros(1_000_000) });
        }
        case.kill(1);
        case.start(2);
        case.judge()
    };
    assert!(!broken(&ended(true)).contains(&"wire/framing"));
    assert!(broken(&ended(false)).contains(&"wire/framing"));
}

/// The EMR hangs up while the sender stands still in the middle of a frame, long after it began.
#[rstest]
#[case::standing(0, true)]
#[case::soon_paused(200, true)]
#[case::had_its_time(500, false)]
fn a_frame_that_the_emr_ended_while_the_sender_stood_still_is_no_fault_of_his(
    #[case] before_the_pause: u64,
    #[case] cut: bool,
) {
    let mut case = Case::begun();
    case.submit("john-doe");
    let message = case.message("john-doe");
    let at = case.now();
    let bytes = [&[0x0B], &message[..575]].concat();
    case.pause(before_the_pause);
    case.push(What::SenderPaused { incarnation: 1 });
    case.pause(2_000);
    case.receive(1, Piece::Unfinished, &bytes, &[AnomalyKind::NoEnd]);
    if let Some(What::Received { began, .. }) = case.events.last_mut().map(|one| &mut one.what) {
        *began = at;
    }
    case.end(1, End::Close);
    case.push(What::SenderResumed { incarnation: 1, paused: Micros(2_000_000) });
    case.kill(1);
    assert_eq!(!broken(&case.judge()).contains(&"wire/framing"), cut);
}

/// Going on long after a connection was cut has nothing to do with the cut.
#[test]
fn a_pause_after_a_cut_does_not_undo_it() {
    let mut case = Case::begun().scripted(Fault::Connection(Connection::ResetAfterBytes));
    case.submit("john-doe");
    let message = case.message("john-doe");
    case.send_part(1, &message[..575]);
    case.end(1, End::Reset);
    case.played(1, Fault::Connection(Connection::ResetAfterBytes));
    case.pause(1000);
    case.push(What::SenderResumed { incarnation: 1, paused: Micros(1_000_000) });
    case.open(2, 1);
    assert_eq!(broken(&case.ended(2, Outcome::Unknown).judge()), [""; 0]);
}

/// Every charge has come, and as many results, of a sender that begins its results in its own way;
/// then a part is cut.
fn cut_after(results: &[&str], begin: &str, part: &[u8]) -> Case {
    let mut case = Case::new().scripted(Fault::Connection(Connection::ResetAfterBytes));
    case.plan.results = Some(mapping("iris/result"));
    case.start(1);
    case.open(1, 1);
    for exam in ["probe-1", "john-doe", "probe-2"] {
        case.deliver(1, exam);
    }
    for exam in results {
        let result = changed(&case.result(exam), "MSH|^~\\&|IRIS|", begin);
        let to = case.send(1, &result);
        case.answer(1, to, "AA", &result);
    }
    case.open(2, 1);
    case.send_part(2, part);
    case.end(2, End::Reset);
    case.played(2, Fault::Connection(Connection::ResetAfterBytes));
    case.restarted(1, Outcome::Delivered)
}

const ALL: [&str; 3] = ["probe-1", "john-doe", "probe-2"];
const NOT_TOLD: (Rule, Circumstance) = (Rule::OncePerOrder, Circumstance::OrderNotReadable);

#[test]
fn a_part_that_is_no_charge_as_agreed_convicts_nobody_who_sends_results() {
    for results in [&ALL[..], &[]] {
        let case = cut_after(results, "MSH|^~\\&|RSLT|", b"MSH|^~\\&|RSLT|IR");
        let judgement = case.judge();
        // Whole results that do not begin as agreed are told as that, and nothing else is.
        let expected: &[&str] = if results.is_empty() { &[] } else { &["snapshot"] };
        assert_eq!(broken(&judgement), expected);
        assert_eq!(inconclusive(&judgement), [NOT_TOLD]);
    }
}

#[test]
fn a_part_that_begins_as_no_result_does_is_a_charge() {
    let mut case = cut_after(&[], "", b"MSH|^~\\&|IRIS|IR");
    let mut results = serde_json::to_value(&*mapping("iris/result")).unwrap();
    results["fields"]["MSH-3"] = "RSLT".into();
    let results: Mapping = serde_json::from_value(results).unwrap();
    case.plan.results = Some(results.into());
    assert_eq!(case.judge().exit(), Exit::SentTwice);
}

#[test]
fn a_part_that_may_be_a_charge_is_not_passed_over_when_no_result_is_due() {
    let part = b"MSH|^~\\&|IRIS|IR";
    let due = cut_after(&ALL[..2], "MSH|^~\\&|IRIS|", part).judge();
    assert_eq!(due.findings, []);
    let judgement = cut_after(&ALL, "MSH|^~\\&|IRIS|", part).judge();
    assert_eq!(broken(&judgement), [""; 0]);
    assert_eq!(inconclusive(&judgement), [NOT_TOLD]);
}

/// A sender that is still busy with a probe when john-doe is handed over: what is meant for john-doe's
/// charge strikes the probe's. It has not played, and nobody may ask for the probe's charge either.
#[rstest]
#[case::another("probe-1", false)]
#[case::its_own("john-doe", true)]
fn a_fault_inside_a_message_that_strikes_another_charge_has_not_played(
    #[case] struck: &str,
    #[case] played: bool,
) {
    let mut case = Case::new().scripted(Fault::Connection(Connection::ResetAfterBytes));
    case.plan.script[0].play = vec![Play::Fault {
        fault: Fault::Connection(Connection::ResetAfterBytes),
        with: Parameters { bytes: Some(300), ..Parameters::default() },
    }];
    case.start(1);
    case.submit("probe-1");
    if played {
        case.open(2, 1);
        let message = case.message("probe-1");
        let to = case.send(2, &message);
        case.answer(2, to, "AA", &message);
    }
    case.submit("john-doe");
    case.open(1, 1);
    let message = case.message(struck);
    case.send_part(1, &message[..400]);
    case.end(1, End::Reset);
    case.played(1, Fault::Connection(Connection::ResetAfterBytes));
    case.open(3, 1);
    if !played {
        let message = case.message("john-doe");
        let to = case.send(3, &message);
        case.answer(3, to, "AA", &message);
    }
    let outcome = if played { Outcome::Unknown } else { Outcome::Delivered };
    let mut case = case.ended(3, outcome);
    for event in &mut case.events {
        if let What::Account { charges, .. } = &mut event.what {
            let probe = charges.iter_mut().find(|charge| charge.order == "900001").unwrap();
            probe.outcome = if played { Outcome::Delivered } else { Outcome::Unknown };
        }
    }
    let judgement = case.judge();
    assert_eq!(broken(&judgement), [""; 0]);
    let told = inconclusive(&judgement);
    assert_eq!(
        told.contains(&(Rule::OncePerOrder, Circumstance::FaultNotPlayed)),
        !played,
        "{told:?}"
    );
    assert_eq!(judgement.findings.iter().any(|one| one.message.contains("`probe-1`")), !played);
}
