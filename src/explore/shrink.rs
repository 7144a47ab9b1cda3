//! Shrinks a schedule that convicts to the smallest one that still does, by the same rule.
//!
//! Each round tries everything that makes the schedule smaller or plainer by one thing, the
//! boldest first, and goes on from the first that still convicts; it ends when nothing does. The
//! order is fixed, so a schedule always shrinks to the same one.

use crate::plan::Fault;
use crate::plan::WireEvent;
use crate::plan::fault::{Answer, Connection, Mismatch, Payload};
use crate::scenario::{Act, Case, On, Part, Reaction, When, Word};

use crate::explore::Schedule;

/// Who says whether a smaller schedule still convicts.
pub trait Convicts {
    /// The first of these schedules that still convicts, and does so fairly.
    fn first(&mut self, smaller: &[Schedule]) -> Option<usize>;
}

/// Rounds after which a schedule is small enough; each of them makes it smaller by something.
const MOST_ROUNDS: usize = 200;

/// The smallest schedule that still convicts.
pub fn shrink(schedule: Schedule, judge: &mut impl Convicts) -> Schedule {
    let mut smallest = schedule;
    for _ in 0..MOST_ROUNDS {
        let mut smaller = smaller(&smallest);
        let Some(index) = judge.first(&smaller) else { break };
        smallest = smaller.swap_remove(index);
    }
    smallest
}

/// How much happens in a case: the behaviours of the EMR, and the steps without the frame that
/// every case has, which is its first `start` and what it ends with. Exams that are handed over in a
/// row are one step.
#[must_use]
pub fn size(case: &Case) -> usize {
    let acts = case.steps.as_deref().unwrap_or_default();
    let from = usize::from(matches!(acts.first(), Some(Act::Start(_))));
    let ends = |act: &Act| matches!(act, Act::Settle | Act::Account | Act::Stop(_));
    let end = acts.iter().rposition(|act| !ends(act)).map_or(from, |last| last + 1);
    let acts = acts.get(from..end).unwrap_or_default();
    let hands_over = |act: &Act| matches!(act, Act::Submit(_));
    let goes_on = |act: &Act| matches!(act, Act::Submit(_) | Act::Probe);
    let in_a_row = acts.windows(2).filter(|pair| hands_over(&pair[0]) && goes_on(&pair[1]));
    case.script.len() + acts.len() - in_a_row.count()
}

/// Everything that is smaller or plainer by one thing, the boldest first.
fn smaller(schedule: &Schedule) -> Vec<Schedule> {
    let case = &schedule.case;
    let mut cases = Vec::new();
    without_steps(case, &mut cases);
    without_reactions(case, &mut cases);
    without_exams(case, &mut cases);
    without_settings(case, &mut cases);
    ended_sooner(case, &mut cases);
    died_sooner(case, &mut cases);
    held_up_by_a_door(case, &mut cases);
    without_acts(case, &mut cases);
    plainer_acts(case, &mut cases);
    for index in 0..case.script.len() {
        plainer_reactions(&case.script[index], &case.exams[0].name, &mut |reaction| {
            let mut plainer = case.clone();
            plainer.script[index] = reaction;
            cases.push(plainer);
        });
    }
    let plain_seed = (schedule.seed != 1).then(|| Schedule { seed: 1, ..schedule.clone() });
    let cases = cases.into_iter().map(|case| Schedule { case, seed: schedule.seed });
    plain_seed.into_iter().chain(cases).collect()
}

fn without_steps(case: &Case, cases: &mut Vec<Case>) {
    if case.steps.is_some() {
        let mut usual = Case { steps: None, ..case.clone() };
        cases.push(usual.clone());
        if !usual.script.is_empty() {
            usual.script.clear();
            cases.push(usual);
        }
    }
}

fn without_reactions(case: &Case, cases: &mut Vec<Case>) {
    for index in 0..case.script.len() {
        let mut smaller = case.clone();
        smaller.script.remove(index);
        cases.push(smaller);
    }
}

fn without_exams(case: &Case, cases: &mut Vec<Case>) {
    if case.exams.len() < 2 {
        return;
    }
    for exam in &case.exams {
        let name = &exam.name.text;
        // A copy cannot do without what it is a copy of, unless that is a file.
        let mut smaller = case.clone();
        smaller.exams.retain(|other| other.name.text != *name);
        smaller.script.retain(|one| one.on.exam.as_ref().is_none_or(|word| word.text != *name));
        smaller.expect.charges.retain(|(word, _)| word.text != *name);
        let is_about = |act: &Act| match act {
            Act::Submit(word) | Act::Await(word) | Act::Resend(_, word) => word.text == *name,
            _ => false,
        };
        let Some(acts) = &case.steps else {
            cases.push(smaller);
            continue;
        };
        // With all that was done for its sake, up to the next exam; or without.
        let mut for_it = false;
        let others = acts.iter().filter(|act| {
            match act {
                Act::Submit(word) => for_it = word.text == *name,
                Act::Probe | Act::Settle | Act::Account | Act::Stop(_) => for_it = false,
                _ => {}
            }
            !for_it && !is_about(act)
        });
        cases.push(Case { steps: Some(others.cloned().collect()), ..smaller.clone() });
        let others = acts.iter().filter(|act| !is_about(act));
        cases.push(Case { steps: Some(others.cloned().collect()), ..smaller });
    }
}

fn without_settings(case: &Case, cases: &mut Vec<Case>) {
    let mut plainer = |change: &dyn Fn(&mut Case)| {
        let mut plainer = case.clone();
        change(&mut plainer);
        cases.push(plainer);
    };
    if case.mapping.is_some() {
        plainer(&|case| case.mapping = None);
    }
    if case.tls.is_some() {
        plainer(&|case| case.tls = None);
    }
    if case.results.is_some() {
        plainer(&|case| case.results = None);
    }
    if !case.endpoints.is_empty() {
        plainer(&|case| case.endpoints.clear());
    }
    for index in 0..case.expect.charges.len() {
        plainer(&|case| drop(case.expect.charges.remove(index)));
    }
}

/// Runs of acts, long ones first: a kill goes with the start that follows it.
fn without_acts(case: &Case, cases: &mut Vec<Case>) {
    let Some(acts) = &case.steps else { return };
    for length in [8, 4, 3, 2, 1] {
        for from in 0..(acts.len() + 1).saturating_sub(length) {
            let mut fewer = acts.clone();
            fewer.drain(from..from + length);
            if !fewer.is_empty() {
                cases.push(Case { steps: Some(fewer), ..case.clone() });
            }
        }
    }
}

/// The acts up to a place, and then only time for what comes of them.
fn ended_sooner(case: &Case, cases: &mut Vec<Case>) {
    let Some(acts) = &case.steps else { return };
    for end in 1..acts.len() {
        let mut fewer = acts[..end].to_vec();
        fewer.push(Act::Settle);
        let sooner = Case { steps: Some(fewer), ..case.clone() };
        if size(&sooner) < size(case) {
            cases.push(sooner);
        }
    }
}

/// A sender that dies once its charge is dealt with dies while it is on its way instead, whatever the
/// EMR had for it.
fn died_sooner(case: &Case, cases: &mut Vec<Case>) {
    let acts = case.steps.as_deref().unwrap_or_default();
    for (index, act) in acts.iter().enumerate() {
        let before = &acts[..index];
        let awaits = before.iter().rev().take_while(|act| matches!(act, Act::Await(_))).count();
        if awaits == 0 {
            continue;
        }
        for at in [WireEvent::EndOfMessage, WireEvent::BeforeReply] {
            let when = When { at, after: None };
            let sooner = match act {
                Act::Kill(place, _) => Act::Kill(place.clone(), when),
                Act::Terminate(place, _) => Act::Terminate(place.clone(), when),
                _ => break,
            };
            let mut fewer = before[..index - awaits].to_vec();
            fewer.push(sooner);
            fewer.extend_from_slice(&acts[index + 1..]);
            let sooner = Case { steps: Some(fewer), ..case.clone() };
            cases.extend([Case { script: Vec::new(), ..sooner.clone() }, sooner]);
        }
    }
}

/// Where a probe and what the EMR does to it keep the sender busy, a door that is shut does too.
fn held_up_by_a_door(case: &Case, cases: &mut Vec<Case>) {
    let acts = case.steps.as_deref().unwrap_or_default();
    let Some(reaction) = case.script.first() else { return };
    for index in (0..acts.len()).filter(|&index| acts[index] == Act::Probe) {
        let mut acts = acts.to_vec();
        acts.remove(index);
        let exam = &case.exams[0].name;
        let door =
            Word { text: Fault::Connection(Connection::Refused).name().to_owned(), ..exam.clone() };
        let shut = Reaction {
            on: On { exam: Some(exam.clone()), ..On::default() },
            play: vec![Part::Fault { name: door, with: Vec::new() }],
            ..reaction.clone()
        };
        cases.push(Case { steps: Some(acts), script: vec![shut], ..case.clone() });
    }
}

fn plainer_acts(case: &Case, cases: &mut Vec<Case>) {
    let Some(acts) = &case.steps else { return };
    for (index, act) in acts.iter().enumerate() {
        for plainer in plainer_act(act) {
            let mut acts = acts.clone();
            acts[index] = plainer;
            cases.push(Case { steps: Some(acts), ..case.clone() });
        }
    }
}

/// The same done at a commoner moment, or something commoner in its place.
fn plainer_act(act: &Act) -> Vec<Act> {
    match act {
        Act::Kill(place, when) => {
            moments(when).into_iter().map(|when| Act::Kill(place.clone(), when)).collect()
        }
        Act::Terminate(place, when) => {
            moments(when).into_iter().map(|when| Act::Terminate(place.clone(), when)).collect()
        }
        Act::Pause(place, when, length) => {
            let pause = |when| Act::Pause(place.clone(), when, *length);
            moments(when).into_iter().map(pause).collect()
        }
        Act::Jump(place, when, by) => {
            let jump = |when| Act::Jump(place.clone(), when, *by);
            moments(when).into_iter().map(jump).collect()
        }
        Act::Storm(place, _) => vec![Act::Restart(place.clone())],
        _ => Vec::new(),
    }
}

fn moments(when: &When) -> Vec<When> {
    let at_once = when.after.map(|_| When { after: None, ..*when });
    let commoner = MOMENTS.iter().take_while(|known| **known != when.at);
    at_once.into_iter().chain(commoner.map(|at| When { at: *at, ..*when })).collect()
}

/// Moments at which something is done to the sender, the commonest first.
const MOMENTS: [WireEvent; 6] = [
    WireEvent::EndOfMessage,
    WireEvent::BeforeReply,
    WireEvent::ReplySent,
    WireEvent::InsideFt1,
    WireEvent::FirstByte,
    WireEvent::Accepted,
];

/// Faults, the commonest in the field first.
const COMMON: [Fault; 8] = [
    Fault::Answer(Answer::None),
    Fault::Answer(Answer::Reject),
    Fault::Answer(Answer::Error),
    Fault::Connection(Connection::CloseBeforeReply),
    Fault::Connection(Connection::ResetBeforeReply),
    Fault::Answer(Answer::Late),
    Fault::Payload(Payload::Junk),
    Fault::Match(Mismatch::Other),
];

fn plainer_reactions(reaction: &Reaction, exam: &Word, add: &mut dyn FnMut(Reaction)) {
    if reaction.play.len() > 1 {
        for index in 0..reaction.play.len() {
            let mut fewer = reaction.clone();
            fewer.play.remove(index);
            add(fewer);
        }
    }
    for (index, part) in reaction.play.iter().enumerate() {
        let Part::Fault { name, with } = part else { continue };
        let mut replace = |part: Part| {
            let mut plainer = reaction.clone();
            plainer.play[index] = part;
            add(plainer);
        };
        for index in 0..with.len() {
            let mut fewer = with.clone();
            fewer.remove(index);
            replace(Part::Fault { name: name.clone(), with: fewer });
        }
        for common in COMMON.iter().take_while(|common| common.name() != name.text) {
            let name = Word { text: common.name().to_owned(), place: name.place.clone() };
            replace(Part::Fault { name, with: Vec::new() });
        }
    }
    if reaction.times.is_some() {
        add(Reaction { times: None, ..reaction.clone() });
    }
    plainer_moments(&reaction.on, exam, &mut |on| add(Reaction { on, ..reaction.clone() }));
}

/// Moments that name less, or an exam in place of a number.
fn plainer_moments(on: &On, exam: &Word, add: &mut dyn FnMut(On)) {
    if on.endpoint.is_some() {
        add(On { endpoint: None, ..on.clone() });
    }
    if on.attempt.is_some() {
        add(On { attempt: None, ..on.clone() });
    }
    if on.exam.is_none() {
        let exam = Some(exam.clone());
        add(On { exam, message: None, connection: None, ..on.clone() });
    }
}
