//! Whole cases in virtual time, with the reference sender.

use rstest::rstest;

use super::{awaiting, by_itself, ms, on, on_with, plan, submit, with_bug};
use crate::history::{Ending, Event, History, Piece, TlsVersion, What};
use crate::plan::fault::{self, Answer, Connection, Frame};
use crate::plan::{Behaviour, ClientCertificate, Fault, Parameters, Plan, Step, Tls, WireEvent};
use crate::run::simulated::{SimulationError, run};

/// Start, charge john and jane, watch, ask, stop.
fn usual(script: Vec<Behaviour>) -> Plan {
    let mut steps = vec![Step::Start, submit("john"), awaiting("john"), submit("jane")];
    steps.extend([awaiting("jane"), Step::Settle, Step::Account, Step::Stop]);
    plan(script, steps)
}

fn history(plan: &Plan) -> History {
    run(plan).unwrap()
}

fn count(history: &History, wanted: impl Fn(&What) -> bool) -> usize {
    history.events.iter().filter(|event| wanted(&event.what)).count()
}

fn finished(history: &History) -> bool {
    matches!(history.events.last(), Some(Event { what: What::Finished, .. }))
}

#[test]
fn the_same_plan_leads_to_the_same_history() {
    let plan =
        usual(vec![on("john", Fault::Answer(Answer::Late)), on("jane", Fault::Frame(Frame::Drip))]);
    assert_eq!(history(&plan).events, history(&plan).events);
}

#[test]
fn every_fault_is_played_and_every_case_comes_to_its_end() {
    for &fault in Fault::ALL {
        // It takes a message before it.
        let whom = if fault == Fault::Connection(Connection::MinGap) { "jane" } else { "john" };
        let beside = (fault == Fault::Connection(Connection::MinGap)).then(|| ms(2_000).into());
        let closed = matches!(
            fault,
            Fault::Connection(Connection::Refused) | Fault::Connection(Connection::Blackhole)
        );
        let mut with = by_itself(fault);
        with.after = closed.then(|| ms(300).into()).or(beside).or(with.after);
        if fault == Fault::Connection(Connection::ResetAfterBytes) {
            with.bytes = Some(50);
        }
        let once = Behaviour { times: Some(1), ..on_with(whom, fault, with) };
        let mut plan = usual(vec![once]);
        plan.tls = tls(fault);
        let history = history(&plan);
        assert!(finished(&history), "{fault}: {:#?}", history.events);
        let played =
            |what: &What| matches!(what, What::Played { name, .. } if name == fault.name());
        assert_eq!(count(&history, played), 1, "{fault}");
        let in_vain = |what: &What| matches!(what, What::WaitedInVain { .. });
        assert_eq!(count(&history, in_vain), 0, "{fault}: {:#?}", history.events);
    }
}

/// The TLS without which `fault` cannot play.
fn tls(fault: Fault) -> Option<Tls> {
    let client = match fault {
        Fault::Tls(fault::Tls::ClientCertRefused) => ClientCertificate::Required,
        _ => ClientCertificate::None,
    };
    let has_tls = matches!(fault, Fault::Tls(_)) && fault != Fault::Tls(fault::Tls::TlsOnPlaintext);
    has_tls.then(|| Tls { versions: vec![TlsVersion::V1_3], client })
}

#[test]
fn an_answer_that_comes_long_after_the_settling_time_is_waited_for() {
    for milliseconds in [1_000, 3_000] {
        let with = Parameters { after: Some(ms(milliseconds).into()), ..Parameters::default() };
        let mut plan = usual(vec![on_with("john", Fault::Answer(Answer::Late), with)]);
        plan.steps.retain(|step| *step != awaiting("john"));
        let history = history(&plan);
        assert!(finished(&history), "{milliseconds} ms: {:#?}", history.events);
        assert_eq!(count(&history, |what| matches!(what, What::Played { .. })), 1);
    }
}

/// Pieces of the message that the dead sender left, and bytes of the reply that were written.
#[rstest]
#[case::accepted(WireEvent::Accepted, None, usize::MAX)]
#[case::first_byte(WireEvent::FirstByte, None, 0)]
#[case::bytes(WireEvent::Bytes(50), None, 0)]
#[case::inside_ft1(WireEvent::InsideFt1, None, 0)]
#[case::end_of_message(WireEvent::EndOfMessage, Some(Piece::Frame), 0)]
#[case::before_reply(WireEvent::BeforeReply, Some(Piece::Frame), 0)]
#[case::reply_bytes(WireEvent::ReplyBytes(7), Some(Piece::Frame), 7)]
#[case::reply_sent(WireEvent::ReplySent, Some(Piece::Frame), usize::MAX)]
fn a_kill_comes_at_its_moment(
    #[case] event: WireEvent,
    #[case] whole: Option<Piece>,
    #[case] written: usize,
) {
    let steps = vec![
        Step::Start,
        submit("john"),
        Step::Kill(event),
        Step::Start,
        Step::Settle,
        Step::Account,
        Step::Stop,
    ];
    let history = history(&plan(Vec::new(), steps));
    assert!(finished(&history));
    assert_eq!(count(&history, |what| matches!(what, What::WaitedInVain { .. })), 0);
    let kill = |what: &What| matches!(what, What::SenderEnding { how: Ending::Kill, .. });
    let killed = history.events.iter().position(|event| kill(&event.what)).unwrap();
    assert_eq!(count(&history, kill), 1);
    let before = &history.events[..killed];
    let piece = before.iter().find_map(|event| match &event.what {
        What::Received { piece, .. } => Some(*piece),
        _ => None,
    });
    assert_eq!(piece, whole, "nothing more had arrived");
    // All of this message left the sender in one go, so all of it is read in the end; a sender
    // that dies before it sends the next life's only one.
    assert_eq!(
        count(&history, |what| matches!(what, What::Received { piece: Piece::Frame, .. })),
        1
    );
    let replied: usize = history
        .events
        .iter()
        .map(|event| match &event.what {
            What::Replied { bytes, .. } => bytes.0.len(),
            _ => 0,
        })
        .sum();
    assert!(if written == usize::MAX { replied > 60 } else { replied == written }, "{replied}");
}

#[test]
fn a_sender_that_ignores_a_stop_is_killed() {
    let history = history(&with_bug(usual(Vec::new()), "ignores-terminate"));
    let endings: Vec<(u64, Ending)> = history
        .events
        .iter()
        .filter_map(|event| match event.what {
            What::SenderEnding { how, .. } => Some((event.at.0, how)),
            _ => None,
        })
        .collect();
    let [(asked, Ending::Stop), (killed, Ending::Kill)] = endings[..] else {
        panic!("{endings:?}")
    };
    assert_eq!(killed - asked, 2_000_000);
    assert!(finished(&history));
}

#[test]
fn a_flood_ends_at_the_bound_of_the_plan() {
    let mut plan = with_bug(usual(Vec::new()), "floods");
    plan.limits.messages = 20;
    let history = history(&plan);
    let received = count(&history, |what| matches!(what, What::Received { .. }));
    let bounds = count(&history, |what| matches!(what, What::Bound { .. }));
    assert_eq!((received, bounds, finished(&history)), (20, 1, true));
}

#[test]
fn a_sender_that_never_connects_is_awaited_in_vain() {
    let history = history(&with_bug(usual(Vec::new()), "brick"));
    let waited: Vec<u64> = history
        .events
        .iter()
        .filter_map(|event| match &event.what {
            What::WaitedInVain { waited, .. } => Some(waited.0),
            _ => None,
        })
        .collect();
    assert_eq!(waited, [4_000_000, 800_000], "once patiently, then no more");
    assert!(finished(&history));
}

#[test]
fn an_unknown_defect_or_habit_is_the_author_s_mistake() {
    let wrong = with_bug(usual(Vec::new()), "no-such-bug");
    assert!(
        matches!(run(&wrong), Err(SimulationError::UnknownHabit(name)) if name == "no-such-bug")
    );
    let mut wrong = usual(Vec::new());
    wrong.sender.variant = Some("no-such-habit".to_owned());
    assert!(
        matches!(run(&wrong), Err(SimulationError::UnknownHabit(name)) if name == "no-such-habit")
    );
}

#[test]
fn a_sender_that_falls_over_to_the_standby_is_seen_at_both_endpoints() {
    let mut plan =
        with_bug(usual(vec![on("john", Fault::Answer(Answer::None))]), "failover-resend");
    plan.endpoints = vec!["emr".to_owned(), "standby".to_owned()];
    let history = history(&plan);
    for endpoint in ["emr", "standby"] {
        let opened =
            |what: &What| matches!(what, What::Opened { endpoint: at, .. } if at == endpoint);
        assert!(count(&history, opened) > 0, "{endpoint}");
    }
}

#[test]
fn what_was_seen_carries_its_plan_and_can_be_told_by_it() {
    let plan = usual(vec![on("john", Fault::Answer(Answer::Reject))]);
    let history = history(&plan);
    let carried: Plan = serde_json::from_str(history.header.plan.get()).unwrap();
    assert_eq!((carried.script, carried.steps), (plan.script, plan.steps));
    assert_eq!(history.header.case, "by-hand");
    let numbers: Vec<u64> = history.events.iter().map(|event| event.seq).collect();
    assert_eq!(numbers, (1..=history.events.len() as u64).collect::<Vec<_>>());
    assert!(history.events.is_sorted_by_key(|event| event.at));
}
