//! The companions of the once rule: charges arrive while the EMR is healthy (`delivers`), and
//! again after a fault (`recovers`).
//!
//! A sender that sends nothing would keep the once rule, so these are always on. An exam that a
//! fault of the script concerned is not judged: nobody may ask that its charge arrives.

use crate::charge::{Line, lines};
use crate::history::{Ending, Event, Micros, What};
use crate::hl7::Message;
use crate::mapping::OnceRule;
use crate::plan::{Charged, Lifetime, Limits, MessageKind, ProcessFault, Step};
use crate::verdict::{Circumstance, Proof, Rule, Weight};

use crate::check::evidence::index::{Attempted, Evidence, Fault, KnownExam, OrderSeen};
use crate::check::findings::{Findings, Told};
use crate::check::proof;
use crate::check::rules::Explanation;
use crate::check::rules::lost;
use crate::check::wording::circumstance::witness;
use crate::check::wording::events::describe_order;
use crate::check::wording::lateness;
use crate::check::wording::lateness::{Had, Most};

/// Of `delivers`.
pub(crate) const DELIVERS: Explanation = Explanation {
    title: "a healthy EMR gets every charge that is due, and no other",
    promise: "Every exam that met an EMR without faults leads to one complete charge message; an \
              exam that is not charged leads to none.",
    source: "HL7 v2 chapter 6, DFT: the charge is posted when the service is complete",
    how_to_read: "A sender that sends nothing would keep the once rule; this rule catches it. An \
                  exam that a fault of the script concerned is not judged here.",
};

/// Of `recovers`.
pub(crate) const RECOVERS: Explanation = Explanation {
    title: "after a fault, fresh exams still get through",
    promise: "After the script's faults have played, an exam that they do not concern arrives \
              complete.",
    source: "HL7 v2 chapter 2: an acknowledgement answers one message and is no verdict on the \
             messages after it",
    how_to_read: "The probe that was lost is named, with the fault before it. If the first probe \
                  had not arrived either, `delivers` says so and this rule is silent.",
};

/// Judges both rules.
pub(crate) fn judge(evidence: &Evidence<'_>, findings: &mut Findings) {
    not_due(evidence, findings);
    let started =
        evidence.events.iter().any(|event| matches!(event.what, What::SenderStarted { .. }));
    if !started {
        return;
    }
    let first_probe = evidence.plan.expect.probes.first();
    let first_arrived = first_probe.is_none_or(|probe| {
        let probe = evidence.exams.iter().find(|exam| exam.name == probe);
        probe.is_none_or(|probe| evidence.arrived(&probe.order))
    });
    let trouble = first_trouble(evidence);
    for exam in &evidence.exams {
        if exam.charged != Charged::Once || exam.submitted.is_empty() {
            continue;
        }
        let before = trouble_before(evidence, exam);
        let rule = if before.is_some() { Rule::Recovers } else { Rule::Delivers };
        if rule == Rule::Recovers && !first_arrived {
            continue;
        }
        let in_vain = (rule == Rule::Recovers).then(|| waited_in_vain(evidence, exam)).flatten();
        let arrived = evidence.arrived(&exam.order);
        if rule == Rule::Delivers && trouble.is_some_and(|event| came_after(evidence, exam, event))
        {
            findings.exercised(Rule::Recovers, 1);
        }
        // What came after a wait that was cut short shows nothing, neither way.
        let too_late = in_vain.is_none_or(|waited| waited >= evidence.plan.limits.patience);
        if arrived && in_vain.is_none() {
            findings.exercised(rule, 1);
        } else if (arrived && !too_late) || evidence.is_undriven() {
            // Who could not be driven to the end may be missing what was never handed over.
        } else if !concerned(evidence, exam) {
            match not_taken(evidence, exam) {
                Some(why) => findings.add(Rule::SenderStarts, Weight::Undriven, || {
                    let message =
                        format!("the sender could not be driven: {why}, and no charge of it came");
                    Told::plainly(Circumstance::NotHandedOver, message)
                }),
                None => add_missing(evidence, exam, rule, before, findings),
            }
        } else if let Some(fault) = lost::given_up(evidence, exam) {
            add_given_up(evidence, exam, fault, findings);
        }
    }
}

/// The charge was given up for good because of a fault that was over.
fn add_given_up(
    evidence: &Evidence<'_>,
    exam: &KnownExam<'_>,
    fault: &str,
    findings: &mut Findings,
) {
    let submitted = exam.submitted.first().map_or(Micros(0), |&at| evidence.events[at].at);
    let had = Had::since(evidence, submitted, Micros(u64::MAX));
    lateness::add_if_it_could(
        evidence,
        findings,
        Rule::Delivers,
        had,
        share_of_patience(evidence, exam),
        || {
            let order = describe_order(evidence, &exam.order);
            let message = format!(
                "the EMR was well again after {fault} and took other charges, the sender was restarted \
             and watched, and the charge of order {order} never came"
            );
            let proof = Proof { charge: format!("order {order}"), ..Proof::default() };
            Told::plainly(Circumstance::GivenUpAfter(fault.to_owned()), message).with(proof)
        },
    );
}

/// How much of the patience of a case may be lost: whoever is heard of within that had as much less of
/// it. A sender that is started for the charge has all its work in that time.
fn share_of_patience(evidence: &Evidence<'_>, exam: &KnownExam<'_>) -> Most {
    let patience = evidence.plan.limits.patience.0;
    let starved = if is_started_for_each(evidence) { patience / 20 } else { patience / 4 };
    // A charge that came was not given up.
    let at_once = Micros(evidence.plan.limits.ack_timeout.0 / 2);
    let at_once = (!evidence.arrived(&exam.order)).then_some(at_once);
    Most { late: Micros(patience / 20), starved: Micros(starved), at_once }
}

/// The first event by which something had gone wrong: a fault had played, or the sender was killed,
/// paused, or asked to stop in the middle of its work.
fn first_trouble(evidence: &Evidence<'_>) -> Option<usize> {
    let terminates =
        |step: &Step| matches!(step, Step::Fault { fault: ProcessFault::Terminate, .. });
    let terminated = evidence.plan.steps.iter().any(terminates);
    // What plays on a connection is told when it is over, and that may be long after the sender has left.
    let fault = evidence.played.first();
    let left = fault.and_then(|fault| {
        let ended = evidence.connections.get(&fault.connection?)?.ended_by_sender?;
        Some(evidence.index_of(ended).min(fault.event))
    });
    let process = evidence.events.iter().position(|event| match event.what {
        What::SenderResumed { .. } => true,
        What::SenderEnding { how: Ending::Kill, incarnation } => {
            evidence.lives.get(&incarnation).is_some_and(|life| life.asked.is_none())
        }
        What::SenderEnding { how: Ending::Stop, .. } => terminated,
        _ => false,
    });
    left.or(fault.map(|fault| fault.event)).into_iter().chain(process).min()
}

/// Whether the charge of an exam came whole after an event. What comes after something had gone wrong
/// shows that the sender recovers, though the exam was handed over before.
fn came_after(evidence: &Evidence<'_>, exam: &KnownExam<'_>, event: usize) -> bool {
    let mut attempts = evidence.attempts_at(&exam.order).iter();
    attempts.any(|part| {
        let sent = &evidence.sent[part.sent as usize];
        sent.whole && sent.event > event
    })
}

/// A probe before an exam that was waited for in vain though nothing stood in its way: the sender is
/// slower than anybody waits for it, and what it was handed later shows nothing.
fn timed_out_before<'h>(evidence: &Evidence<'h>, exam: &KnownExam<'_>) -> Option<&'h str> {
    let submitted = *exam.submitted.first()?;
    let earlier = |one: &&KnownExam<'_>| {
        is_probe(evidence, one.name) && one.submitted.first().is_some_and(|&at| at < submitted)
    };
    let in_vain = |probe: &&KnownExam<'_>| {
        let wanted = wanted(probe);
        let is_it = |what: &What| matches!(what, What::WaitedInVain { wanted: what, .. } if *what == wanted);
        evidence.events[..submitted].iter().any(|event| is_it(&event.what))
    };
    let mut probes = evidence.exams.iter().filter(earlier);
    let probe = probes.find(|probe| in_vain(probe) && !concerned(evidence, probe))?;
    Some(probe.name)
}

/// Why the sender is not known to have taken an exam of which nothing ever came.
fn not_taken<'h>(evidence: &Evidence<'h>, exam: &KnownExam<'_>) -> Option<&'h str> {
    let none = evidence.attempts_at(&exam.order).is_empty();
    let answers = evidence.events.iter().filter(|_| none);
    answers.rev().find_map(|event| match &event.what {
        What::NotAccepted { exam: of, why } if *of == exam.name => Some(&**why),
        _ => None,
    })
}

fn add_missing(
    evidence: &Evidence<'_>,
    exam: &KnownExam<'_>,
    rule: Rule,
    before: Option<&str>,
    findings: &mut Findings,
) {
    let submitted = exam.submitted.first().map_or(Micros(0), |&at| evidence.events[at].at);
    let Limits { longest_retry, patience, .. } = evidence.plan.limits;
    if rule == Rule::Recovers && longest_retry > patience {
        return; // it need not have tried again yet, and it is said that nobody watched for so long
    }
    if let Some(probe) = timed_out_before(evidence, exam) {
        return findings.add(rule, Weight::Inconclusive, || {
            let order = describe_order(evidence, &exam.order);
            let message = format!(
                "the charge of order {order} did not come in time, and neither had that of `{probe}` \
                 before it: whether the sender is slow or stuck, nobody can say"
            );
            Told::plainly(Circumstance::ProbeTimedOut, message)
        });
    }
    let had = Had::since(evidence, submitted, time_was_up(evidence, exam));
    let most = share_of_patience(evidence, exam);
    lateness::add_if_it_could(evidence, findings, rule, had, most, || {
        let parts = evidence.attempts_at(&exam.order);
        let parts_sent = || parts.iter().map(|part| &evidence.sent[part.sent as usize]);
        let what = if parts_sent().any(|sent| evidence.came(sent)) {
            "came only after the harness had given up waiting"
        } else if parts_sent().any(|sent| sent.whole) {
            "was written under a TLS that the EMR had refused, and came no other way"
        } else if parts.is_empty() {
            "never came"
        } else {
            "never came whole"
        };
        let order = describe_order(evidence, &exam.order);
        let message = match before {
            Some(fault) => format!("after {fault}, the charge of order {order} {what}"),
            None => format!("the EMR was healthy, and the charge of order {order} {what}"),
        };
        let attempts = parts.iter().take(2);
        let attempts = attempts.map(|part| witness(evidence, &evidence.sent[part.sent as usize]));
        let charge = format!("order {order}");
        let proof = Proof { charge, attempts: attempts.collect(), ..Proof::default() };
        let circumstance =
            before.map_or(Circumstance::HealthyEmr, |fault| Circumstance::After(fault.to_owned()));
        Told::plainly(circumstance, message).with(proof)
    });
}

/// When the sender's time for the exam's charge was over: how late the harness was after it had given
/// up took nothing from that. A process that was started for this charge may still be starting then,
/// and has as much time again, but no longer than its life.
fn time_was_up(evidence: &Evidence<'_>, exam: &KnownExam<'_>) -> Micros {
    let wanted = wanted(exam);
    let from = exam.submitted.first().copied().unwrap_or(0);
    let first = |is_end: &dyn Fn(&What) -> bool| {
        evidence.events[from..].iter().find(|event| is_end(&event.what)).map(|event| event.at)
    };
    let given_up =
        first(&|what| matches!(what, What::WaitedInVain { wanted: what, .. } if *what == wanted));
    if !is_started_for_each(evidence) {
        return given_up.unwrap_or(Micros(u64::MAX));
    }
    let patience = evidence.plan.limits.patience;
    let at_most = given_up.map(|at| Micros(at.0.saturating_add(patience.0)));
    let ended = first(&|what| matches!(what, What::SenderEnding { .. }));
    at_most.into_iter().chain(ended).min().unwrap_or(Micros(u64::MAX))
}

/// Whether the sender is started anew for each exam.
fn is_started_for_each(evidence: &Evidence<'_>) -> bool {
    evidence.plan.sender.driving.life == Lifetime::Exam
}

/// What a step that waits for the exam's charge says that it wants.
fn wanted(exam: &KnownExam<'_>) -> String {
    format!("the charge of `{}`", exam.name)
}

/// For how long a step waited for the exam's charge in vain, if the sender was up all that time:
/// what comes after a restart does not show that it recovered.
fn waited_in_vain(evidence: &Evidence<'_>, exam: &KnownExam<'_>) -> Option<Micros> {
    let wanted = wanted(exam);
    let mut events = evidence.events.iter().enumerate();
    let (in_vain, waited) = events.find_map(|(index, event)| match &event.what {
        What::WaitedInVain { wanted: what, waited } if *what == wanted => Some((index, *waited)),
        _ => None,
    })?;
    let submitted = *exam.submitted.first()?;
    let ended = |what: &What| {
        matches!(what, What::SenderEnding { .. } | What::SenderExited { .. } | What::Bound { .. })
    };
    let had_come = evidence.attempts_at(&exam.order).iter().any(|attempt| {
        let sent = &evidence.sent[attempt.sent as usize];
        evidence.came(sent) && sent.event < in_vain
    });
    let all_that_time = submitted < in_vain
        && !had_come
        && !evidence.events[submitted..in_vain].iter().any(|one| ended(&one.what));
    all_that_time.then_some(waited)
}

/// The first fault or kill before an exam was handed over.
fn trouble_before<'h>(evidence: &Evidence<'h>, exam: &KnownExam<'_>) -> Option<&'h str> {
    let submitted = *exam.submitted.first()?;
    let seq = evidence.events[submitted].seq;
    let fault = evidence.played.first().filter(|fault| fault.event < submitted);
    let killed = evidence
        .lives
        .values()
        .any(|life| life.asked.is_none() && life.killed.is_some_and(|(killed, _)| killed < seq));
    fault.map(|fault| fault.name).or(killed.then_some("kill"))
}

/// Whether the script, or the end of the sender's life, may have had to do with an exam.
fn concerned(evidence: &Evidence<'_>, exam: &KnownExam<'_>) -> bool {
    let Some(&submitted) = exam.submitted.first() else { return true };
    let (end, disturbed) = window(evidence, exam, submitted);
    // A fault is told as played when it is over; while it lasts, the sender waits at a door that
    // does not open, or is not read.
    let held_up = |event: &Event| {
        matches!(event.what, What::Waiting { .. } | What::Reading { on: false, .. })
    };
    let disturbed = disturbed || evidence.events[submitted..end].iter().any(held_up);
    disturbed || evidence.played.iter().any(|fault| concerns(evidence, exam, fault, submitted, end))
}

fn concerns(
    evidence: &Evidence<'_>,
    exam: &KnownExam<'_>,
    fault: &Fault<'_>,
    submitted: usize,
    end: usize,
) -> bool {
    if proof::struck(evidence, fault).is_some_and(|struck| struck.order == exam.order) {
        return true; // whomever it was meant for
    }
    let on = evidence.plan.script.get(fault.behaviour).map(|behaviour| &behaviour.on);
    match on.and_then(|on| on.exam.as_deref()) {
        Some(named) if named == exam.name => true,
        // A result may be tried again and again, and the charges behind it wait for that.
        Some(_) if on.is_some_and(|on| on.kind == Some(MessageKind::Result)) => {
            (submitted..end).contains(&fault.event)
        }
        Some(named) if is_probe(evidence, exam.name) && !is_probe(evidence, named) => false,
        _ => {
            let on_its_connection = fault.connection.is_some_and(|connection| {
                let parts = evidence.attempts_at(&exam.order).iter();
                let mut places =
                    parts.map(|part| evidence.place(&evidence.sent[part.sent as usize]));
                places.any(|place| place.connection == connection)
            });
            on_its_connection || (submitted..end).contains(&fault.event)
        }
    }
}

fn is_probe(evidence: &Evidence<'_>, name: &str) -> bool {
    evidence.plan.expect.probes.iter().any(|probe| probe == name)
}

/// Until which event an exam was what the sender had to do, and whether the sender's life ended
/// in that time.
fn window(evidence: &Evidence<'_>, exam: &KnownExam<'_>, submitted: usize) -> (usize, bool) {
    let What::Submitted { incarnation, .. } = &evidence.events[submitted].what else {
        unreachable!("invariant: an exam is handed over by its own event");
    };
    let seq = evidence.events[submitted].seq;
    let life = evidence.lives.get(incarnation);
    if life.is_none_or(|life| life.exited.is_some_and(|exited| exited < seq)) {
        return (submitted, true);
    }
    let awaited = awaited_before_next(evidence, exam.name);
    let mut waited = false;
    for (index, event) in evidence.events.iter().enumerate().skip(submitted + 1) {
        match &event.what {
            What::Submitted { exam: other, .. } if other != exam.name && awaited => {
                return (index, false);
            }
            What::Watched { .. } => return (index, false),
            What::WaitedInVain { .. } => waited = true,
            What::SenderEnding { how: Ending::Kill, .. } => return (index, true),
            What::SenderEnding { how: Ending::Stop, .. } => return (index, !waited),
            What::SenderExited { .. } => return (index, true),
            _ => {}
        }
    }
    (evidence.events.len(), false)
}

/// Whether the plan waits for an exam before it hands over another.
fn awaited_before_next(evidence: &Evidence<'_>, name: &str) -> bool {
    let steps = evidence.plan.steps.iter();
    let mut after =
        steps.skip_while(|step| !matches!(step, Step::Submit(exam) if exam == name)).skip(1);
    let decides = |step: &&Step| {
        matches!(step, Step::Submit(_)) || matches!(step, Step::Await(exam) if exam == name)
    };
    after.find(decides).is_none_or(|step| matches!(step, Step::Await(_)))
}

/// A charge that no exam asks for.
fn not_due(evidence: &Evidence<'_>, findings: &mut Findings) {
    if evidence.is_field_capture() || findings.has(Rule::OncePerCharge, Weight::SentTwice) {
        return;
    }
    for order in &evidence.orders {
        let exam = evidence.exam(&order.order);
        let (attempt, why) = match exam.filter(|exam| exam.charged != Charged::Never) {
            Some(exam) => (not_agreed(evidence, exam, order), "with a line that is not agreed"),
            None if exam.is_some() => (order.attempts.first(), "which is not charged"),
            None => (order.attempts.first(), "which nobody placed"),
        };
        let Some(attempt) = attempt else { continue };
        findings.add(Rule::Delivers, Weight::Broken, || {
            let order = describe_order(evidence, &order.order);
            let message = format!("a charge was sent for order {order}, {why}");
            let attempts = vec![witness(evidence, &evidence.sent[attempt.sent as usize])];
            let charge = format!("order {order}");
            Told::plainly(Circumstance::ChargeNotDue, message).with(Proof {
                charge,
                attempts,
                ..Proof::default()
            })
        });
    }
}

/// A further message of an order with a line that is not agreed. Where lines are counted, it repeats
/// none of them, and only the first message is compared with what was agreed.
fn not_agreed<'e>(
    evidence: &'e Evidence<'_>,
    exam: &KnownExam<'_>,
    order: &'e OrderSeen<'_>,
) -> Option<&'e Attempted> {
    if evidence.plan.mapping.identity.rule != OnceRule::PerCharge || order.attempts.len() < 2 {
        return None;
    }
    let expected = lines(&Message::read(&exam.expected), &evidence.agreement);
    let is_agreed = |line: &Line| expected.iter().any(|agreed| agreed.identity == line.identity);
    order.attempts.iter().skip(1).find(|attempt| {
        let sent = &evidence.sent[attempt.sent as usize];
        let own = lines(&Message::read(sent.payload), &evidence.agreement);
        sent.whole && own.iter().any(|line| *line.order == *order.order && !is_agreed(line))
    })
}
