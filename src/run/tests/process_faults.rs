//! What is done to the sender's process in virtual time, and what the history shows of it.

use rstest::rstest;

use super::{awaiting, ms, on, on_with, plan, submit, with_bug};
use crate::history::{History, Micros, What};
use crate::plan::fault::{Answer, Connection};
use crate::plan::{Fault, Parameters, Plan, ProcessFault, Step, WireEvent};
use crate::run::simulated::run;

fn history(plan: &Plan) -> History {
    run(plan).unwrap()
}

/// The times of the events that `wanted` names, in milliseconds.
fn times(history: &History, wanted: impl Fn(&What) -> bool) -> Vec<u64> {
    let events = history.events.iter().filter(|event| wanted(&event.what));
    events.map(|event| event.at.0 / 1000).collect()
}

/// john is charged, `fault` happens at that moment, and then jane is.
fn with(fault: ProcessFault, at: WireEvent, after: u64) -> Plan {
    let strike = Step::Fault { fault, at, after: Micros::from(ms(after)) };
    let again = matches!(fault, ProcessFault::Kill | ProcessFault::Terminate);
    let mut steps = vec![Step::Start, submit("john"), strike];
    steps.extend(again.then_some(Step::Start));
    let rest = [submit("jane"), awaiting("jane"), Step::Settle, Step::Account, Step::Stop];
    steps.extend(rest);
    plan(vec![on("john", Fault::Answer(Answer::None))], steps)
}

#[rstest]
#[case(ProcessFault::Kill, 0)]
#[case(ProcessFault::Kill, 150)]
#[case(ProcessFault::Terminate, 150)]
fn the_end_of_a_sender_comes_so_long_after_its_moment(
    #[case] fault: ProcessFault,
    #[case] after: u64,
) {
    let history = history(&with(fault, WireEvent::EndOfMessage, after));
    let arrived = times(&history, |what| matches!(what, What::Received { .. }))[0];
    let ending = times(&history, |what| matches!(what, What::SenderEnding { .. }))[0];
    assert_eq!(ending - arrived, after);
}

#[test]
fn a_sender_that_stands_still_neither_reads_nor_writes() {
    let pause = ProcessFault::Pause(Micros(900_000));
    let history = history(&with(pause, WireEvent::EndOfMessage, 0));
    let stood = times(&history, |what| matches!(what, What::SenderPaused { .. }))[0];
    let resumed = times(&history, |what| matches!(what, What::SenderResumed { .. }))[0];
    assert_eq!(resumed - stood, 900);
    // Its timeout of 400 ms passes meanwhile, and it ends its connection only when it goes on.
    let ended = times(&history, |what| matches!(what, What::EndedBySender { .. }))[0];
    assert_eq!(ended, resumed);
}

#[test]
fn a_jump_of_the_clock_shows_in_the_next_message_and_in_no_wait() {
    let jump = ProcessFault::Jump(Micros(25 * 3_600_000_000));
    let history = history(&with(jump, WireEvent::EndOfMessage, 0));
    let texts: Vec<String> = history
        .events
        .iter()
        .filter_map(|event| match &event.what {
            What::Received { bytes, .. } => {
                Some(String::from_utf8_lossy(bytes.as_slice()).into_owned())
            }
            _ => None,
        })
        .collect();
    assert!(texts[0].contains("|20260105080000|") && texts[1].contains("|2026010609"), "{texts:?}");
    let arrived = times(&history, |what| matches!(what, What::Received { .. }));
    assert_eq!(arrived[1] - arrived[0], 400, "the timeout is measured by another clock");
}

/// jane waits on disk when the second instance comes.
fn second(bug: Option<&str>) -> History {
    let with = Parameters { after: Some(ms(10_000).into()), ..Parameters::default() };
    let refused = on_with("jane", Fault::Connection(Connection::Refused), with);
    let steps = vec![
        Step::Start,
        submit("jane"),
        Step::StartSecond,
        Step::Heal,
        awaiting("jane"),
        Step::Settle,
        Step::StopSecond,
        submit("john"),
        awaiting("john"),
        Step::Settle,
        Step::Stop,
    ];
    let plan = plan(vec![refused], steps);
    history(&bug.map_or(plan.clone(), |bug| with_bug(plan, bug)))
}

#[test]
fn a_second_instance_that_finds_the_first_leaves_and_the_first_goes_on() {
    let history = second(None);
    let second = |what: &What| {
        matches!(what, What::SenderStarted { incarnation: 2, beside: Some(1) })
            || matches!(
                what,
                What::SenderExited { incarnation: 2, code: Some(1), asked: false, .. }
            )
    };
    assert_eq!(times(&history, second).len(), 2);
    let by = |of: u32| {
        times(
            &history,
            |what| matches!(what, What::Opened { incarnation, .. } if *incarnation == of),
        )
    };
    assert!(!by(1).is_empty() && by(2).is_empty());
    assert_eq!(times(&history, |what| matches!(what, What::Received { .. })).len(), 2);
}

#[test]
fn of_two_instances_each_connection_is_the_one_s_that_opened_it() {
    let history = second(Some("no-lock"));
    let mut of: Vec<u32> = history
        .events
        .iter()
        .filter_map(|event| match event.what {
            What::Opened { incarnation, .. } => Some(incarnation),
            _ => None,
        })
        .collect();
    of.sort_unstable();
    of.dedup();
    assert_eq!(of, [1, 2]);
}
