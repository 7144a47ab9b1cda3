//! What must hold of any history and its judgement, tried on the histories of drawn schedules.

use std::sync::LazyLock;

use quickcheck::quickcheck;

use crate::check::judge;
use crate::explore::Explorer;
use crate::explore::random::Random;
use crate::history::{self, Event, History, Piece, Seal, What};
use crate::mapping::{shipped, shipped_names};
use crate::plan::{Fault, Plan};
use crate::planning::{Choices, Library, expand};
use crate::run::simulated;
use crate::scenario::{Scenario, SenderFile};
use crate::verdict::{Circumstance, Exit, Judgement, Verdict};
use crate::yaml::Source;

/// What is shipped, as far as drawn schedules name it.
struct Shelf;

impl Library for Shelf {
    fn mapping(&self, name: &str) -> Option<Source> {
        shipped(name)
    }

    fn exam(&self, name: &str) -> Option<Source> {
        let path = format!("{}/scenarios/exams/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(&path).ok().map(|text| Source::new(path, text))
    }

    fn snapshot(&self, _: &str) -> Option<String> {
        None
    }

    fn mappings(&self) -> Vec<String> {
        shipped_names()
    }

    fn exams(&self) -> Vec<String> {
        Vec::new()
    }
}

static REFERENCE: LazyLock<SenderFile> = LazyLock::new(|| {
    let text = include_str!("../../senders/reference.yaml");
    SenderFile::read(&Source::new("senders/reference.yaml", text)).unwrap()
});

/// One explorer for all of them, so that what they name is read once.
static EXPLORER: LazyLock<Explorer<'static>> = LazyLock::new(|| {
    let choices = Choices { seed: 11, ..Choices::default() };
    Explorer::new(&Shelf, &REFERENCE, &choices)
});

/// Calls `judged` with the plan and the history of the schedule of this number.
fn with_history<T>(number: u32, tried: impl FnOnce(&Plan, History) -> T) -> T {
    let (_, plan) = EXPLORER.drawn(u64::from(number)).unwrap();
    let history = simulated::run(&plan).unwrap();
    tried(&plan, history)
}

fn stored(history: &History) -> String {
    let mut text = Vec::new();
    history::write(history, &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

fn read(text: &str) -> History {
    history::read(text.as_bytes()).unwrap()
}

/// The judgement of a stored history, by the plan in its own header.
fn judged_again(text: &str) -> Option<Judgement> {
    let history = history::read(text.as_bytes()).ok()?;
    let plan: Plan = serde_json::from_str(history.header.plan.get()).ok()?;
    Some(judge(&plan, &history))
}

/// Gives events their places as numbers, and references to them with them.
fn renumber(events: &mut [Event]) {
    let old: Vec<u64> = events.iter().map(|event| event.seq).collect();
    let new = |seq: u64| old.iter().position(|&other| other == seq).map(|index| index as u64 + 1);
    for (index, event) in events.iter_mut().enumerate() {
        event.seq = index as u64 + 1;
        if let What::Replied { to, .. } = &mut event.what {
            *to = to.and_then(new);
        }
    }
}

/// The same message once more on a connection of its own, as events of that moment.
fn again(history: &History, received: usize, place: usize) -> [Event; 2] {
    let before = &history.events[place - 1];
    let What::Received { bytes, length, anomalies, .. } = &history.events[received].what else {
        unreachable!("invariant: what is sent again was received");
    };
    let opened = What::Opened { connection: 999, endpoint: "emr".to_owned(), incarnation: 1 };
    let sent = What::Received {
        connection: 999,
        offset: 0,
        began: before.at,
        piece: Piece::Frame,
        bytes: bytes.clone(),
        length: *length,
        anomalies: anomalies.clone(),
    };
    [opened, sent].map(|what| Event { seq: 0, at: before.at, what })
}

/// Whether an operator still waits for a charge to be sent once more: one more is wanted then.
fn is_wanted(plan: &Plan, history: &History) -> bool {
    let findings = judge(plan, history).findings;
    findings.iter().any(|finding| finding.circumstance == Circumstance::NotSentAgain)
}

/// Whether an event is a whole charge of an exam of the plan.
fn is_charge(event: &Event) -> bool {
    matches!(&event.what, What::Received { piece: Piece::Frame, bytes, .. }
        if bytes.as_slice().windows(7).any(|window| window == b"DFT^P03"))
}

#[test]
fn what_is_drawn_reads_back_as_the_same_plan() {
    let mut refused = 0;
    for number in 0..300 {
        let (schedule, plan) = EXPLORER.drawn(number).unwrap();
        let text = schedule.case.to_yaml("");
        let scenario = Scenario::read(&Source::new("written", text.as_str()));
        let scenario = scenario.unwrap_or_else(|error| panic!("{error}\n{text}"));
        let choices = Choices { seed: schedule.seed, ..Choices::default() };
        let written = match expand(&scenario, "drawn", &Shelf, &REFERENCE, &choices) {
            Ok(mut plans) => plans.remove(0),
            // What an author is told to take out may be drawn.
            Err(pointless) => {
                refused += 1;
                assert!(refused < 30, "{pointless}");
                continue;
            }
        };
        let json = |plan: &Plan| serde_json::to_string(plan).unwrap();
        assert_eq!(json(&written), json(&plan), "{text}");
    }
}

#[test]
fn every_fault_is_drawn() {
    let mut missing = Fault::ALL.to_vec();
    let mut number = 0;
    while !missing.is_empty() && number < 30_000 {
        let text = EXPLORER.schedule(number).unwrap().case.to_yaml("");
        missing.retain(|fault| {
            let name = fault.name().strip_prefix("answer/").unwrap_or(fault.name());
            !text.contains(name)
        });
        number += 1;
    }
    assert_eq!(missing, []);
}

quickcheck! {
    fn the_same_seed_gives_the_same_history_and_judgement(number: u32) -> bool {
        let one = with_history(number, |plan, history| (stored(&history), judge(plan, &history)));
        let other = with_history(number, |plan, history| (stored(&history), judge(plan, &history)));
        one == other
    }

    fn a_history_is_judged_the_same_after_it_was_stored(number: u32) -> bool {
        with_history(number, |plan, history| {
            let text = stored(&history);
            let again = read(&text);
            again.seal == Seal::Intact
                && again.events == history.events
                && stored(&again) == text
                && judged_again(&text) == Some(judge(plan, &history))
        })
    }

    fn judging_twice_gives_the_same(number: u32) -> bool {
        with_history(number, |plan, history| judge(plan, &history) == judge(plan, &history))
    }

    fn a_second_attempt_anywhere_convicts(number: u32, place: usize) -> bool {
        with_history(number, |plan, mut history| {
            let Some(received) = history.events.iter().position(is_charge) else { return true };
            if is_wanted(plan, &history) {
                return true;
            }
            // The sender lives between its first start and the end of the history.
            let places = received + 1..history.events.len();
            let place = places.start + place % places.len();
            let [opened, sent] = again(&history, received, place);
            history.events.insert(place, sent);
            history.events.insert(place, opened);
            renumber(&mut history.events);
            judge(plan, &history).exit() == Exit::SentTwice
        })
    }

    fn a_stored_history_with_a_line_taken_out_never_passes(number: u32, line: usize) -> bool {
        with_history(number, |_, history| {
            let text = stored(&history);
            let lines: Vec<&str> = text.lines().collect();
            let line = 1 + line % (lines.len() - 1);
            let rest = lines.iter().enumerate().filter(|(index, _)| *index != line);
            let cut: String = rest.map(|(_, line)| format!("{line}\n")).collect();
            judged_again(&cut).is_none_or(|judgement| judgement.verdict() != Verdict::Pass)
        })
    }

    fn a_stored_history_that_was_cut_and_renumbered_never_passes(number: u32, place: usize) -> bool {
        with_history(number, |_, mut history| {
            let text = stored(&history);
            let seal = text.lines().last().unwrap().to_owned();
            history.events.remove(place % history.events.len());
            renumber(&mut history.events);
            history.seal = Seal::Broken; // so that it is not sealed anew
            let cut = stored(&history);
            [cut.clone(), format!("{cut}{seal}\n")].iter().all(|text| {
                judged_again(text).is_none_or(|judgement| judgement.verdict() != Verdict::Pass)
            })
        })
    }

    fn a_byte_that_was_changed_shows(number: u32, place: usize, to: u8) -> bool {
        with_history(number, |_, history| {
            let mut text = stored(&history).into_bytes();
            let place = place % text.len();
            if text[place] == to || to == b'\n' || to == b'\r' {
                return true;
            }
            text[place] = to;
            let Ok(text) = String::from_utf8(text) else { return true };
            judged_again(&text).is_none_or(|judgement| judgement.verdict() != Verdict::Pass)
        })
    }

    fn without_a_piece_of_evidence_nothing_passes_that_did_not(number: u32, place: usize) -> bool {
        with_history(number, |plan, mut history| {
            let before = judge(plan, &history);
            let place = place % history.events.len();
            let gone = history.events.remove(place);
            renumber(&mut history.events);
            // What accuses may be missed: without it there is nothing to be convicted by.
            let accuses = before.verdict() == Verdict::Fail || is_reason(&gone);
            accuses || judge(plan, &history).verdict() >= before.verdict()
        })
    }

    fn neighbours_on_two_connections_may_change_places(number: u32, place: usize) -> bool {
        with_history(number, |plan, mut history| {
            let before = judge(plan, &history);
            let pairs: Vec<usize> = (1..history.events.len())
                .filter(|&index| are_independent(&history.events[index - 1], &history.events[index]))
                .collect();
            if pairs.is_empty() {
                return true;
            }
            let second = pairs[place % pairs.len()];
            history.events.swap(second - 1, second);
            renumber(&mut history.events);
            judge(plan, &history).verdict() == before.verdict()
        })
    }
}

/// Whether an event is itself the reason for which a history is inconclusive: it may be what an EMR
/// said or ended that was to keep silent, or to wait.
fn is_reason(event: &Event) -> bool {
    matches!(
        event.what,
        What::WaitedInVain { .. }
            | What::Interrupted { .. }
            | What::NoAccount { .. }
            | What::Replied { .. }
            | What::EndedByEmr { .. }
    )
}

/// Whether two events of one moment, on two connections, say nothing of each other.
fn are_independent(one: &Event, other: &Event) -> bool {
    let connection = |event: &Event| match &event.what {
        What::Opened { connection, .. }
        | What::Received { connection, .. }
        | What::Replied { connection, .. }
        | What::EndedByEmr { connection, .. }
        | What::EndedBySender { connection, .. } => Some(*connection),
        _ => None,
    };
    let both = connection(one).zip(connection(other));
    one.at == other.at && both.is_some_and(|(one, other)| one != other)
}

/// Used so that the draws of a number do not depend on those of its neighbour.
#[test]
fn neighbouring_numbers_have_nothing_in_common() {
    let first = |number| Random::of(1, number).below(1 << 32);
    let drawn: std::collections::BTreeSet<u64> = (0..1_000).map(first).collect();
    assert_eq!(drawn.len(), 1_000);
}
