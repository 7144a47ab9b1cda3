//! What must hold of any history.

use quickcheck::quickcheck;

use crate::check::tests::fixture::Case;
use crate::check::tests::process::killed;
use crate::history::{Event, Micros, Outcome, What};
use crate::plan::Plan;
use crate::verdict::{Exit, Verdict};

/// A case that holds, with a fault, a kill or neither.
fn held(which: u8) -> Case {
    match which % 3 {
        0 => Case::healthy(),
        1 => killed(),
        _ => Case::refused().ended(1, Outcome::Rejected),
    }
}

/// Gives the events new numbers and times in their present order.
fn renumber(events: &mut [Event]) {
    let old: Vec<u64> = events.iter().map(|event| event.seq).collect();
    let new = |seq: u64| old.iter().position(|&other| other == seq).map(|index| index as u64 + 1);
    let mut times: Vec<Micros> = events.iter().map(|event| event.at).collect();
    times.sort_unstable();
    for ((index, event), at) in events.iter_mut().enumerate().zip(times) {
        (event.seq, event.at) = (index as u64 + 1, at);
        match &mut event.what {
            What::Replied { to, .. } => *to = to.and_then(new),
            What::Received { began, .. } => *began = at.min(*began),
            _ => {}
        }
    }
}

/// Whether `plan` cannot be proven without this event.
fn is_evidence(plan: &Plan, event: &Event) -> bool {
    match &event.what {
        What::Received { .. } | What::Watched { .. } | What::Finished | What::Played { .. } => true,
        What::SenderExited { signal, .. } => signal.is_some(),
        What::Submitted { .. } | What::SenderStarted { .. } => !plan.steps.is_empty(),
        _ => false,
    }
}

#[test]
fn the_cases_hold_before_they_are_changed() {
    for which in 0..3 {
        assert_eq!(held(which).judge().findings, [], "case {which}");
    }
}

quickcheck! {
    fn a_second_attempt_anywhere_convicts(which: u8, place: usize, part: bool, length: usize) -> bool {
        let mut case = held(which);
        let first = case.events.iter().position(|event| {
            matches!(&event.what, What::Submitted { exam, .. } if exam == "john-doe")
        });
        let first = first.unwrap() + 1;
        let mut message = case.message("john-doe");
        if part {
            let whole = message.len();
            let order = message.windows(8).position(|bytes| bytes == b"|273013|").unwrap() + 8;
            message.truncate(order + length % (whole - order));
            case.send_part(1, &message);
        } else {
            case.send(1, &message);
        }
        let event = case.events.pop().unwrap();
        let place = first + place % (case.events.len() - first);
        case.events.insert(place, event);
        renumber(&mut case.events);
        case.judge().exit() == Exit::SentTwice
    }

    fn without_its_evidence_no_case_passes(which: u8, place: usize) -> bool {
        let mut case = held(which);
        let evidence: Vec<usize> =
            (0..case.events.len()).filter(|&index| is_evidence(&case.plan, &case.events[index])).collect();
        case.events.remove(evidence[place % evidence.len()]);
        case.judge().verdict() != Verdict::Pass
    }

    fn removing_any_event_never_convicts_of_sending_twice(which: u8, place: usize) -> bool {
        let mut case = held(which);
        let place = place % case.events.len();
        case.events.remove(place);
        case.judge().exit() != Exit::SentTwice
    }

    fn what_happens_on_another_connection_in_between_changes_nothing(which: u8, place: usize) -> bool {
        let mut case = held(which);
        case.open(77, 1);
        let event = case.events.pop().unwrap();
        let place = place % (case.events.len() + 1);
        case.events.insert(place, event);
        renumber(&mut case.events);
        case.judge().verdict() == Verdict::Pass
    }

    fn neighbours_that_do_not_depend_on_each_other_may_change_places(which: u8, place: usize) -> bool {
        let mut case = held(which);
        case.open(77, 1);
        let place = place % (case.events.len() - 1);
        // What shows a fault stands before the EMR says that it has played, and stays there.
        let [first, second] = [&case.events[place].what, &case.events[place + 1].what];
        let opens = |what: &What| matches!(what, What::Opened { connection: 77, .. });
        if opens(first) || opens(second) || matches!(first, What::Played { .. }) {
            case.events.swap(place, place + 1);
            renumber(&mut case.events);
        }
        case.judge().verdict() == Verdict::Pass
    }
}
