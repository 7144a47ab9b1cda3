//! What the sender's process did: it starts, stays up, stops when asked, and keeps within bounds.
//!
//! Does **not** look at messages.

use crate::history::AnomalyKind;
use crate::history::{Ending, Incarnation, What};
use crate::verdict::{Moment, Proof, Weight};

use super::evidence::Evidence;
use super::findings::{Findings, Told};
use super::rules::{BOUNDED, STARTS, STAYS_UP, STOPS};

/// Judges every life of the sender.
pub(super) fn judge(evidence: &Evidence<'_>, findings: &mut Findings) {
    for event in evidence.events {
        match &event.what {
            What::SenderStarted { .. } => {
                findings.exercised(STARTS, 1);
                findings.exercised(STAYS_UP, 1);
                findings.exercised(BOUNDED, 1);
            }
            What::SenderFailed { why, incarnation } => {
                findings.add(STARTS, Weight::Undriven, || {
                    let message = format!("the sender could not be started or driven: {why}");
                    let proof = printed(evidence, *incarnation);
                    Told { proof, ..Told::plainly("start", message) }
                })
            }
            // A second instance that finds the first one there, and leaves, does what is right.
            What::SenderExited { incarnation, code: Some(_), asked: false, .. }
                if is_second(evidence, *incarnation) => {}
            What::SenderExited { incarnation, code, signal, asked: false } => {
                findings.add(STAYS_UP, Weight::Broken, || {
                    let how = match (signal, code) {
                        (Some(XCPU), _) => {
                            format!("took more processor time than its limit (signal {XCPU})")
                        }
                        (Some(signal), _) => format!("was ended by signal {signal}"),
                        (None, Some(code)) => format!("exited with code {code}"),
                        (None, None) => "exited".to_owned(),
                    };
                    let message = format!(
                        "life {incarnation} of the sender {how}, and nobody had asked for it"
                    );
                    let proof = printed(evidence, *incarnation);
                    Told { proof, ..Told::plainly("exit unasked", message) }
                });
            }
            What::SenderEnding { incarnation, how } => {
                stop(evidence, event.seq, *incarnation, *how, findings)
            }
            What::LeftBehind { incarnation, processes } => {
                findings.add(STOPS, Weight::Broken, || {
                    let message = format!(
                        "life {incarnation} of the sender left {processes} of its processes behind"
                    );
                    Told::plainly("processes left behind", message)
                })
            }
            What::Bound { what } => findings.add(BOUNDED, Weight::Broken, || {
                Told::plainly(what.clone(), format!("the sender went beyond a bound: {what}"))
            }),
            What::Received { anomalies, length, .. }
                if anomalies.iter().any(|anomaly| anomaly.kind == AnomalyKind::Oversize) =>
            {
                findings.add(BOUNDED, Weight::Broken, || {
                    let message =
                        format!("a message of {length} bytes outgrew what is kept of one");
                    Told::plainly("oversize message", message)
                });
            }
            _ => {}
        }
    }
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

/// SIGXCPU, by which Linux ends a process beyond its limit of processor time (setrlimit(2)).
const XCPU: i32 = 24;

fn is_second(evidence: &Evidence<'_>, incarnation: Incarnation) -> bool {
    evidence.lives.get(&incarnation).is_some_and(|life| life.beside.is_some())
}

fn stop(evidence: &Evidence<'_>, seq: u64, incarnation: u32, how: Ending, findings: &mut Findings) {
    if how == Ending::Stop {
        findings.exercised(STOPS, 1);
        return;
    }
    let asked = evidence.lives.get(&incarnation).and_then(|life| life.asked);
    if asked.is_some_and(|asked| asked < seq && !cut_short(evidence, asked, seq)) {
        findings.add(STOPS, Weight::Broken, || {
            let message =
                format!("life {incarnation} of the sender was asked to stop, and had to be killed");
            Told::plainly("stop ignored", message)
        });
    }
}

/// Whether the run was broken off between two events, so that a sender was killed though it may
/// have been about to stop.
fn cut_short(evidence: &Evidence<'_>, from: u64, to: u64) -> bool {
    let between = &evidence.events[evidence.index_of(from)..evidence.index_of(to)];
    between.iter().any(|event| matches!(event.what, What::Interrupted | What::Bound { .. }))
}
