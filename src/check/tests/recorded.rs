//! What a recording says of itself that cannot be: bytes that are not there, and times that were not.

use rstest::rstest;

use crate::check::tests::fixture::{Case, inconclusive};
use crate::history::{Event, Micros, What};
use crate::verdict::Circumstance;

fn with(change: impl FnOnce(&mut Vec<Event>)) -> Case {
    let mut case = Case::healthy();
    change(&mut case.events);
    case
}

fn of_event(events: &[Event], wanted: fn(&What) -> bool) -> usize {
    events.iter().position(|event| wanted(&event.what)).unwrap()
}

#[test]
fn a_frame_with_fewer_bytes_than_it_had_proves_nothing() {
    let case = with(|events| {
        let at = of_event(events, |what| matches!(what, What::Received { .. }));
        if let What::Received { length, .. } = &mut events[at].what {
            *length += 7;
        }
    });
    assert!(inconclusive(&case.judge()).iter().any(|(_, what)| *what == Circumstance::HistoryCut));
}

#[rstest]
#[case::back(|events: &mut Vec<Event>| events[5].at = Micros(1))]
#[case::back_for_good(|events: &mut Vec<Event>| {
    events.iter_mut().skip(7).for_each(|event| event.at = Micros(event.at.0 / 2));
})]
#[case::quiet_for_longer_than_the_case(|events: &mut Vec<Event>| {
    for event in events {
        if let What::Watched { quiet, .. } = &mut event.what {
            *quiet = Micros(event.at.0 + 1);
        }
    }
})]
#[case::begun_after_it_was_over(|events: &mut Vec<Event>| {
    let at = of_event(events, |what| matches!(what, What::Received { .. }));
    let now = events[at].at;
    if let What::Received { began, .. } = &mut events[at].what {
        *began = Micros(now.0 + 1);
    }
})]
fn times_that_cannot_be_prove_nothing(#[case] change: fn(&mut Vec<Event>)) {
    let judgement = with(change).judge();
    let found = inconclusive(&judgement);
    assert!(found.iter().any(|(_, what)| *what == Circumstance::TimesOutOfOrder), "{found:?}");
}
