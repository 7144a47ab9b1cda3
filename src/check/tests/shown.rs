//! A fault counts as played if the history shows it, whoever says so.

use rstest::rstest;

use super::fixture::{Case, inconclusive};
use crate::history::{End, Micros, Outcome, What};
use crate::plan::Fault;

/// Whether the case is inconclusive because `fault` was not played, where the EMR says that it
/// was and the history has `traces` of it.
fn is_doubted(fault: Fault, traces: &[What]) -> bool {
    let mut case = Case::begun().scripted(fault);
    case.submit("john-doe");
    let message = case.message("john-doe");
    case.send(1, &message);
    for trace in traces {
        case.push(trace.clone());
    }
    case.played(1, fault);
    case.open(2, 1);
    let judgement = case.ended(2, Outcome::Unknown).judge();
    inconclusive(&judgement).iter().any(|(_, circumstance)| *circumstance == "fault not played")
}

fn ended(connection: u32, how: End) -> What {
    What::EndedByEmr { connection, how }
}

fn reading(waiting: u64) -> What {
    What::Reading { connection: 1, on: true, waiting }
}

#[rstest]
#[case::reset(Fault::ConnectionResetBeforeReply, ended(1, End::Reset), ended(1, End::Close))]
#[case::elsewhere(Fault::ConnectionResetBeforeReply, ended(1, End::Reset), ended(7, End::Reset))]
#[case::close(Fault::ConnectionCloseBeforeReply, ended(1, End::Close), ended(1, End::HalfClose))]
#[case::half_close(Fault::ConnectionHalfClose, ended(1, End::HalfClose), ended(1, End::Close))]
#[case::no_read(Fault::ConnectionNoRead, reading(5), reading(0))]
#[case::refused(
    Fault::ConnectionRefused,
    What::RefusalSeen { endpoint: "emr".to_owned() },
    What::Listening { endpoint: "emr".to_owned(), up: false },
)]
#[case::black_hole(
    Fault::ConnectionBlackhole,
    What::SilenceSeen { endpoint: "emr".to_owned(), waited: Micros(200_000) },
    What::RefusalSeen { endpoint: "emr".to_owned() },
)]
#[case::slow_accept(
    Fault::ConnectionSlowAccept,
    What::Waiting { endpoint: "emr".to_owned() },
    What::Listening { endpoint: "emr".to_owned(), up: true },
)]
fn a_fault_was_played_if_the_history_shows_it(
    #[case] fault: Fault,
    #[case] trace: What,
    #[case] other: What,
) {
    assert!(!is_doubted(fault, &[trace]), "it is there");
    assert!(is_doubted(fault, &[]), "nothing is there");
    assert!(is_doubted(fault, &[other]), "something else is there");
}

#[test]
fn an_answer_was_late_if_it_began_late() {
    for (delay, late) in [(499, false), (500, true)] {
        let mut case = Case::begun().scripted(Fault::AnswerLate);
        if let Some(crate::plan::Play::Fault { with, .. }) = case.plan.script[0].play.first_mut() {
            with.after = Some(Micros(500_000));
        }
        case.submit("john-doe");
        let message = case.message("john-doe");
        let to = case.send(1, &message);
        case.pause(delay);
        case.reply(1, to, "answer/late", b"\x0bMSH|\x1c\r");
        case.played(1, Fault::AnswerLate);
        let judgement = case.ended(1, Outcome::Unknown).judge();
        let doubted = inconclusive(&judgement).iter().any(|(_, why)| *why == "fault not played");
        assert_eq!(doubted, !late, "{delay} ms");
    }
}
