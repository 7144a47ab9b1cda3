//! Pauses, jumps of the clock and second instances: what was not seen is inconclusive, and what the
//! sender may do is not held against it.

use crate::check::tests::fixture::{Case, broken, inconclusive};
use crate::check::tests::process::killed;
use crate::history::{Micros, Outcome, What};
use crate::plan::{ProcessFault, Step, WireEvent};
use crate::verdict::{Circumstance, Rule};

const SECOND: Micros = Micros(1_000_000);
const DAY: Micros = Micros(86_400_000_000);

/// Everything goes well while `fault` happens to the sender.
fn with(fault: ProcessFault, seen: &[What]) -> Case {
    let mut case = Case::begun();
    let at = WireEvent::AtOnce;
    case.plan.steps.insert(1, Step::Fault { fault, at, after: Micros(0) });
    for what in seen {
        case.push(what.clone());
    }
    case.deliver(1, "john-doe");
    case.ended(1, Outcome::Delivered)
}

#[test]
fn a_pause_counts_only_when_the_sender_was_seen_to_stand_still_for_so_long() {
    let pause = ProcessFault::Pause(SECOND);
    let stood = |paused| {
        [What::SenderPaused { incarnation: 1 }, What::SenderResumed { incarnation: 1, paused }]
    };
    assert_eq!(with(pause, &stood(SECOND)).judge().findings, []);
    for seen in [&[][..], &stood(Micros(999_999))] {
        let judgement = with(pause, seen).judge();
        assert_eq!(inconclusive(&judgement), [(Rule::OncePerOrder, Circumstance::PauseNotProven)]);
    }
}

#[test]
fn a_jump_of_the_clock_counts_only_when_a_later_message_shows_it() {
    let case = with(ProcessFault::Jump(DAY), &[What::ClockJumped { by: DAY }]);
    assert_eq!(inconclusive(&case.judge()), [(Rule::OncePerOrder, Circumstance::ClockNotMoved)]);
    // The fixture's messages are seconds apart, so a jump of two seconds shows in them.
    let little = Micros(2_000_000);
    let case = with(ProcessFault::Jump(little), &[What::ClockJumped { by: little }]);
    assert_eq!(case.judge().findings, []);
}

#[test]
fn a_second_instance_may_leave_by_itself_and_must_have_been_there() {
    let mut case = Case::begun();
    case.plan.steps.insert(1, Step::StartSecond);
    let mut alone = case.clone();
    alone.deliver(1, "john-doe");
    let judgement = alone.ended(1, Outcome::Delivered).judge();
    let circumstances: Vec<Circumstance> =
        inconclusive(&judgement).into_iter().map(|(_, circumstance)| circumstance).collect();
    assert!(circumstances.contains(&Circumstance::SecondInstanceNotProven), "{circumstances:?}");
    case.push(What::SenderStarted { incarnation: 7, beside: Some(1) });
    case.push(What::SenderExited { incarnation: 7, code: Some(1), signal: None, asked: false });
    case.deliver(1, "john-doe");
    assert_eq!(case.ended(1, Outcome::Delivered).judge().findings, []);
}

#[test]
fn a_second_instance_that_crashes_is_held_against_the_sender() {
    let mut case = Case::begun();
    case.plan.steps.insert(1, Step::StartSecond);
    case.push(What::SenderStarted { incarnation: 7, beside: Some(1) });
    case.push(What::SenderExited { incarnation: 7, code: None, signal: Some(11), asked: false });
    case.deliver(1, "john-doe");
    let judgement = case.ended(1, Outcome::Delivered).judge();
    assert_eq!(broken(&judgement), ["sender/stays-up"]);
}

#[test]
fn a_connection_of_a_dead_life_that_is_read_after_the_next_start_proves_nothing() {
    let mut case = killed();
    assert_eq!(case.judge().findings, []);
    let sent = |what: &What| matches!(what, What::Received { connection: 1, .. });
    let last = case.events.iter().rposition(|event| sent(&event.what)).unwrap();
    let started = |what: &What| matches!(what, What::SenderStarted { incarnation: 2, .. });
    let start = case.events.iter().position(|event| started(&event.what)).unwrap();
    assert!(last < start);
    let late = case.events.remove(last);
    case.events.insert(start, late);
    for (event, seq) in case.events.iter_mut().zip(1..) {
        event.seq = seq;
    }
    let judgement = case.judge();
    assert!(inconclusive(&judgement).contains(&(Rule::OncePerOrder, Circumstance::NotDrained)));
}
