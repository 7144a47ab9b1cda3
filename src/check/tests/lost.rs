//! Charges that were given up for good, and those of which nobody can say so.

use rstest::rstest;

use crate::check::tests::fixture::{Case, broken, mapping};
use crate::history::{Accounted, End, Ending, Micros, Outcome, What};
use crate::plan::fault::{Answer, Connection};
use crate::plan::{Fault, MessageKind};

/// What is otherwise than in a case that proves a charge to be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum But {
    Nothing,
    TheEmrStaysAway,
    NoOtherChargeComes,
    ItIsNotRestarted,
    ItIsNotWatchedAgain,
    ItWasKilled,
    AConnectionWasReset,
    SomethingCannotBeRead,
    TheHarnessWasLate,
    ItCame,
}

/// john-doe's charge meets an EMR that does not listen for a while, and never comes.
fn refused(but: But) -> Case {
    let mut case = Case::new().scripted(Fault::Connection(Connection::Refused));
    let listens = |up| What::Listening { endpoint: "emr".to_owned(), up };
    case.start(1);
    case.submit("john-doe");
    case.push(listens(false));
    case.pause(400);
    if but == But::AConnectionWasReset {
        case.open(7, 1);
        case.end(7, End::Reset);
    }
    if but == But::TheHarnessWasLate {
        case.push(What::HarnessLate { by: Micros(400_000) });
    }
    case.push(listens(true));
    let name = Fault::Connection(Connection::Refused).name().to_owned();
    case.push(What::Played { behaviour: 0, name, connection: None });
    let waited = case.plan.limits.patience;
    case.pause(waited.0 / 1000);
    case.push(What::WaitedInVain { wanted: "the charge of `john-doe`".to_owned(), waited });
    case.open(1, 1);
    if but != But::NoOtherChargeComes {
        case.deliver(1, "probe-1");
    }
    if but == But::ItCame {
        let message = case.message("john-doe");
        let to = case.send(1, &message);
        case.answer(1, to, "AA", &message);
    }
    case.watch();
    if but == But::ItWasKilled {
        case.push(What::SenderEnding { incarnation: 1, how: Ending::Kill });
    }
    case.stop(1);
    if but != But::ItIsNotRestarted {
        case.start(2);
        if but != But::ItIsNotWatchedAgain {
            case.watch();
        }
    }
    if but == But::SomethingCannotBeRead {
        case.push(What::Undecryptable { connection: 1, bytes: 12 });
    }
    if but == But::TheEmrStaysAway {
        case.push(listens(false));
    }
    case.push(What::Finished);
    case
}

#[rstest]
#[case::lost(But::Nothing, true)]
#[case::the_emr_stays_away(But::TheEmrStaysAway, false)]
#[case::no_other_charge_comes(But::NoOtherChargeComes, false)]
#[case::not_restarted(But::ItIsNotRestarted, false)]
#[case::not_watched_again(But::ItIsNotWatchedAgain, false)]
#[case::killed(But::ItWasKilled, false)]
#[case::a_connection_was_reset(But::AConnectionWasReset, false)]
#[case::something_cannot_be_read(But::SomethingCannotBeRead, false)]
#[case::the_harness_was_late(But::TheHarnessWasLate, false)]
#[case::it_came(But::ItCame, false)]
fn a_charge_is_lost_when_nothing_is_left_to_wait_for(#[case] but: But, #[case] lost: bool) {
    let judgement = refused(but).judge();
    let told: Vec<&str> = judgement
        .findings
        .iter()
        .filter(|one| one.circumstance.to_string() == "given up after connection/refused")
        .map(|one| one.rule.name())
        .collect();
    assert_eq!(told, if lost { vec!["delivers"] } else { vec![] }, "{but:?}");
}

/// Whoever says that nobody knows what became of a charge may have sent it, if there was a connection.
#[rstest]
#[case::without_a_connection(false, true)]
#[case::with_a_connection(true, false)]
fn a_charge_in_doubt_is_lost_only_if_it_cannot_have_left(
    #[case] connected: bool,
    #[case] lost: bool,
) {
    let mut case = refused(But::Nothing);
    if connected {
        let what = What::Waiting { endpoint: "emr".to_owned() };
        case.events[3].what = what;
    }
    let charges = vec![Accounted { order: "273013".to_owned(), outcome: Outcome::Unknown }];
    case.push(What::Account { charges, asked: None });
    assert_eq!(broken(&case.judge()).contains(&"delivers"), lost);
}

/// A result that is refused excuses no charge: not when its own time has long been over.
#[test]
fn a_fault_of_a_result_excuses_no_charge() {
    let mut case = Case::begun().scripted(Fault::Answer(Answer::Reject));
    case.plan.results = Some(mapping("iris/result"));
    case.plan.script[0].on.kind = Some(MessageKind::Result);
    case.submit("john-doe");
    let result = case.result("john-doe");
    let to = case.send(1, &result);
    case.answer(1, to, "AR", &result);
    case.played(1, Fault::Answer(Answer::Reject));
    let case = case.ended(1, Outcome::NotSent);
    assert_eq!(broken(&case.judge()), ["delivers"]);
}
