//! What the sender's process did: it starts, stays up, stops when asked, and keeps within bounds.
//!
//! Does **not** look at messages.

use std::collections::{BTreeMap, BTreeSet};

use crate::history::AnomalyKind;
use crate::history::{ConnectionId, Datum, Ending, Incarnation, Micros, Standard, What};
use crate::verdict::{Circumstance, Moment, Proof, Rule, Weight};

use crate::check::evidence::index::Evidence;
use crate::check::findings::{Findings, Told};
use crate::check::rules::Explanation;
use crate::check::wording::lateness;
use crate::check::wording::lateness::{Had, Most};

/// Of `sender/starts`.
pub(crate) const STARTS: Explanation = Explanation {
    title: "the sender can be started and fed",
    promise: "The sender starts, and takes the exams that it is given.",
    source: "the sender file",
    how_to_read: "Nothing was proven of the sender. Start it by hand, with the command of its \
                  sender file: what it prints is not kept here.",
};

/// Of `sender/stays-up`.
pub(crate) const STAYS_UP: Explanation = Explanation {
    title: "the sender does not exit unasked",
    promise: "The sender runs until it is asked to stop.",
    source: "the sender file",
    how_to_read: "The exit code or the signal is named.",
};

/// Of `sender/stops`.
pub(crate) const STOPS: Explanation = Explanation {
    title: "the sender stops when asked, with all its processes",
    promise: "Asked to stop, the sender exits within its limit and leaves no process behind.",
    source: "the sender file: `stop`, `limits.stop`",
    how_to_read: "A sender that had to be killed may have lost what it knew; one that leaves a \
                  process behind may send from two places.",
};

/// Of `sender/connections`.
pub(crate) const CONNECTIONS: Explanation = Explanation {
    title: "the sender connects in order to send",
    promise: "The sender opens no more than ten connections within a quarter of a second that \
              carry not one byte.",
    source: "HL7 minimal lower layer protocol, release 1: a connection is there for messages; a \
             receiver that comes back up must not be flooded by those who waited for it",
    how_to_read: "The connections are counted, with the first of them. A sender that was hung up \
                  on must wait before it tries again, and one that opens connections in reserve \
                  takes the place of others.",
};

/// Of `sender/discreet`.
pub(crate) const DISCREET: Explanation = Explanation {
    title: "the sender prints no data of its patients",
    promise: "Neither standard output nor standard error of the sender contains an MRN, a name, a \
              birth date or an account number of a patient whose exam it was given, alone or in \
              a message.",
    source: "45 CFR 164.502(b), minimum necessary: data of patients go no further than they must",
    how_to_read: "The output, the exam and the kind of data are named; what was printed is not \
                  kept. Order numbers are no patient's data, and a log should name them. What is \
                  too short to be told from a port or a time is not looked for, and neither is \
                  the answer to the account command. Of a run that prints more than a mebibyte, \
                  the rest is not searched, which leaves the rule open.",
};

/// Of `sender/bounded`.
pub(crate) const BOUNDED: Explanation = Explanation {
    title: "the sender stays within bounds",
    promise: "The sender sends no more messages, bytes and connections than the limits allow.",
    source: "the limits of the plan",
    how_to_read: "What lies beyond the bound was not recorded.",
};

/// So many connections without a byte in so short a time are no sender's need.
const MOST_UNUSED: usize = 10;
const SHORT: Micros = Micros(250_000);

/// Judges every life of the sender.
pub(crate) fn judge(evidence: &Evidence<'_>, findings: &mut Findings) {
    unused_connections(evidence, findings);
    indiscreet(evidence, findings);
    for event in evidence.events {
        match &event.what {
            What::SenderStarted { .. } => {
                findings.exercised(Rule::SenderStarts, 1);
                findings.exercised(Rule::SenderStaysUp, 1);
                findings.exercised(Rule::SenderBounded, 1);
            }
            What::SenderFailed { why, incarnation } => {
                let weight = match had_no_time(evidence, event.at, *incarnation) {
                    true => Weight::Inconclusive,
                    false => Weight::Undriven,
                };
                findings.add(Rule::SenderStarts, weight, || {
                    let memory = memory(evidence);
                    let message =
                        format!("the sender could not be started or driven: {why}{memory}");
                    let proof = printed(evidence, *incarnation);
                    Told { proof, ..Told::plainly(Circumstance::Start, message) }
                })
            }
            // A second instance that finds the first one there, and leaves, does what is right.
            What::SenderExited { incarnation, code: Some(_), asked: false, .. }
                if is_second(evidence, *incarnation) => {}
            What::SenderExited { incarnation, code, signal, asked: false } => {
                exited_unasked(evidence, event.seq, *incarnation, (*code, *signal), findings);
            }
            What::SenderEnding { incarnation, how } => {
                stop(evidence, event.seq, *incarnation, *how, findings)
            }
            What::LeftBehind { incarnation, processes, names } => {
                findings.add(Rule::SenderStops, Weight::Broken, || {
                    let who = match names.as_slice() {
                        [] => String::new(),
                        names => format!(": {}", names.join(", ")),
                    };
                    let message = format!(
                        "run {incarnation} of the sender left {processes} of its processes behind{who}"
                    );
                    Told::plainly(Circumstance::ProcessesLeftBehind, message)
                })
            }
            What::Bound { what } => findings.add(Rule::SenderBounded, Weight::Broken, || {
                Told::plainly(Circumstance::Bound(what.clone()), format!("the sender went beyond a bound: {what}"))
            }),
            What::Received { anomalies, length, .. }
                if anomalies.iter().any(|anomaly| anomaly.kind == AnomalyKind::Oversize) =>
            {
                findings.add(Rule::SenderBounded, Weight::Broken, || {
                    let message =
                        format!("a message of {length} bytes outgrew what is kept of one");
                    Told::plainly(Circumstance::OversizeMessage, message)
                });
            }
            _ => {}
        }
    }
}

/// Whether the machine had no time for a sender that could not be driven: it got no processor for a good
/// part of the time that it had.
fn had_no_time(evidence: &Evidence<'_>, failed: Micros, life: Incarnation) -> bool {
    let life = evidence.lives.get(&life);
    let started = life.map_or(Micros(0), |life| evidence.time_of(life.started));
    let starved = lateness::starved_between(evidence, started, failed);
    starved.0 > failed.since(started).0 / 4
}

/// An exit that nobody had asked for; unless the harness had, and came to see it late.
fn exited_unasked(
    evidence: &Evidence<'_>,
    seq: u64,
    incarnation: Incarnation,
    (code, signal): (Option<i32>, Option<i32>),
    findings: &mut Findings,
) {
    // On a machine that is too busy an exit may be seen when the next life is up already.
    if was_ended_before(evidence, incarnation, seq) {
        return;
    }
    let earlier = earlier_life_up(evidence, incarnation);
    let weight = if earlier.is_some() { Weight::Inconclusive } else { Weight::Broken };
    findings.add(Rule::SenderStaysUp, weight, || {
        let how = match (signal, code) {
            (Some(XCPU), _) => format!("took more processor time than its limit (signal {XCPU})"),
            (Some(signal), _) => format!("was ended by signal {signal}"),
            (None, Some(code)) => format!("exited with code {code}"),
            (None, None) => "exited".to_owned(),
        };
        let memory = if code == Some(0) { String::new() } else { memory(evidence) };
        let message =
            format!("run {incarnation} of the sender {how}, and nobody had asked for it{memory}");
        let told = match earlier {
            None => Told::plainly(Circumstance::ExitUnasked, message),
            Some(other) => Told::plainly(
                Circumstance::EarlierLifeNotGone,
                format!(
                    "{message}; but sender run {other} had not been seen to end when it started"
                ),
            ),
        };
        Told { proof: printed(evidence, incarnation), ..told }
    });
}

/// How much memory the sender has, where its file bounds that: whoever asks for more is refused it, and
/// may well end there, and nobody else can say why.
fn memory(evidence: &Evidence<'_>) -> String {
    let Some(bytes) = evidence.plan.sender.driving.memory else { return String::new() };
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    let whole = units.into_iter().find(|(shift, _)| bytes.trailing_zeros() >= *shift);
    let amount = match whole {
        Some((shift, unit)) => format!("{} {unit}", bytes >> shift),
        None => format!("{bytes} bytes"),
    };
    format!("; its file allows it {amount} of memory (`limits.memory`), which it may have exceeded")
}

/// A life before this one that the harness had ended and not seen gone when this one was started: a
/// sender that finds another on its state, and leaves, does what is right.
fn earlier_life_up(evidence: &Evidence<'_>, incarnation: Incarnation) -> Option<Incarnation> {
    let started = evidence.lives.get(&incarnation)?.started;
    let mut earlier = evidence.lives.range(..incarnation);
    earlier
        .find(|(number, life)| {
            was_ended_before(evidence, **number, started)
                && life.exited.is_none_or(|exited| exited > started)
        })
        .map(|(number, _)| *number)
}

/// The last lines that a life of the sender printed, where they were asked for.
fn printed(evidence: &Evidence<'_>, life: Incarnation) -> Option<Proof> {
    let lines = evidence.events.iter().filter_map(|event| match &event.what {
        What::SenderSaid { incarnation, lines } if *incarnation == life => Some((event, lines)),
        _ => None,
    });
    let between: Vec<Moment> = lines
        .flat_map(|(event, lines)| {
            let moment = |line: &String| Moment {
                event: event.seq,
                at: event.at,
                what: format!("it had printed: {line}"),
            };
            lines.iter().map(moment).collect::<Vec<_>>()
        })
        .collect();
    (!between.is_empty()).then(|| Proof { between, ..Proof::default() })
}

/// Data of patients that a life has printed to one of its outputs.
fn indiscreet(evidence: &Evidence<'_>, findings: &mut Findings) {
    let mut printed: BTreeMap<(Incarnation, Standard), Vec<String>> = BTreeMap::new();
    for event in evidence.events {
        match &event.what {
            What::OutputRead { .. } => findings.exercised(Rule::SenderDiscreet, 1),
            What::OutputOverran { incarnation, length } => {
                findings.add(Rule::SenderDiscreet, Weight::Inconclusive, || {
                    let message = format!(
                        "run {incarnation} of the sender printed more than the first {} KiB, which \
                         is all that was looked through for data of patients",
                        length >> 10
                    );
                    Told::plainly(Circumstance::OutputTooLong, message)
                });
            }
            What::Disclosed { incarnation, output, exam, data } => {
                let data: Vec<&str> = data.iter().map(|datum| describe_datum(*datum)).collect();
                let told = format!("{} of {exam}", data.join(", "));
                printed.entry((*incarnation, *output)).or_default().push(told);
            }
            _ => {}
        }
    }
    for ((incarnation, output), told) in printed {
        findings.add(Rule::SenderDiscreet, Weight::Broken, || {
            let circumstance = match output {
                Standard::Output => Circumstance::StandardOutput,
                Standard::Error => Circumstance::StandardError,
            };
            let told = told.join("; ");
            let message =
                format!("run {incarnation} of the sender printed to its {circumstance}: {told}");
            Told::plainly(circumstance, message)
        });
    }
}

const fn describe_datum(datum: Datum) -> &'static str {
    match datum {
        Datum::Mrn => "MRN",
        Datum::Name => "name",
        Datum::BirthDate => "birth date",
        Datum::Account => "account number",
    }
}

/// SIGXCPU, by which Linux ends a process beyond its limit of processor time (setrlimit(2)).
const XCPU: i32 = 24;

/// Connections that were opened in quick succession and carried nothing.
fn unused_connections(evidence: &Evidence<'_>, findings: &mut Findings) {
    if evidence.is_field_capture() {
        return; // whoever connects there need not be one sender
    }
    findings.exercised(Rule::SenderConnections, evidence.connections.len() as u64);
    if evidence.connections.len() <= MOST_UNUSED {
        return;
    }
    let used: BTreeSet<ConnectionId> = evidence
        .events
        .iter()
        .filter_map(|event| match event.what {
            What::Received { connection, .. } => Some(connection),
            _ => None,
        })
        .collect();
    let unused: Vec<(ConnectionId, Micros)> = evidence
        .events
        .iter()
        .filter_map(|event| match event.what {
            What::Opened { connection, .. } if !used.contains(&connection) => {
                Some((connection, event.at))
            }
            _ => None,
        })
        .collect();
    let crowd = unused
        .windows(MOST_UNUSED + 1)
        .find(|crowd| crowd[MOST_UNUSED].1.since(crowd[0].1) <= SHORT);
    let Some(crowd) = crowd else { return };
    let time = (crowd[0].1, crowd[MOST_UNUSED].1);
    // Connections that waited to be accepted are accepted all at once.
    lateness::add(evidence, findings, Rule::SenderConnections, time, Micros(0), || {
        let (first, at) = crowd[0];
        let hung_up =
            evidence.connections.get(&first).is_some_and(|one| one.ended_by_emr.is_some());
        let circumstance =
            if hung_up { Circumstance::HungUpOn } else { Circumstance::OpenedInReserve };
        let message = format!(
            "{} connections carried not a byte, {} of them within {} ms from connection {first} at {:.3} s",
            unused.len(),
            crowd.len(),
            SHORT.0 / 1000,
            std::time::Duration::from(at).as_secs_f64(),
        );
        Told::plainly(circumstance, message)
    });
}

/// Whether the harness had ended a life by then, by asking or by killing.
fn was_ended_before(evidence: &Evidence<'_>, incarnation: Incarnation, seq: u64) -> bool {
    let Some(life) = evidence.lives.get(&incarnation) else { return false };
    let killed = life.killed.map(|(killed, _)| killed);
    life.asked.into_iter().chain(killed).any(|ended| ended < seq)
}

fn is_second(evidence: &Evidence<'_>, incarnation: Incarnation) -> bool {
    evidence.lives.get(&incarnation).is_some_and(|life| life.beside.is_some())
}

fn stop(evidence: &Evidence<'_>, seq: u64, incarnation: u32, how: Ending, findings: &mut Findings) {
    if how == Ending::Stop {
        findings.exercised(Rule::SenderStops, 1);
        return;
    }
    let asked = evidence.lives.get(&incarnation).and_then(|life| life.asked);
    let Some(asked) = asked.filter(|&asked| asked < seq && !cut_short(evidence, asked, seq)) else {
        return;
    };
    let message =
        || format!("run {incarnation} of the sender was asked to stop, and had to be killed");
    if let Some(code) = exit_code(evidence, incarnation) {
        findings.add(Rule::SenderStops, Weight::Inconclusive, || {
            let message = format!(
                "run {incarnation} of the sender was asked to stop; when it was to be killed, it had \
                 just exited with code {code}"
            );
            Told::plainly(Circumstance::StopSeenLate, message)
        });
        return;
    }
    let [from, to] = [asked, seq].map(|seq| evidence.time_of(seq));
    // The sender shares the machine, and had as little of it as the harness.
    let most = Micros(to.since(from).0 / 4);
    let had = Had::since(evidence, from, to);
    lateness::add_if_it_could(
        evidence,
        findings,
        Rule::SenderStops,
        had,
        Most::of_both(most),
        || Told::plainly(Circumstance::StopIgnored, message()),
    );
}

/// The code with which a life exited, if no signal ended it.
fn exit_code(evidence: &Evidence<'_>, life: Incarnation) -> Option<i32> {
    evidence.events.iter().find_map(|event| match event.what {
        What::SenderExited { incarnation, code, .. } if incarnation == life => code,
        _ => None,
    })
}

/// Whether the run was broken off between two events, so that a sender was killed though it may
/// have been about to stop.
fn cut_short(evidence: &Evidence<'_>, from: u64, to: u64) -> bool {
    let between = &evidence.events[evidence.index_of(from)..evidence.index_of(to)];
    between.iter().any(|event| matches!(event.what, What::Interrupted { .. } | What::Bound { .. }))
}
