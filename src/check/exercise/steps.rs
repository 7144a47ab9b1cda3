//! Whether the steps of the plan happened: starts, exams, kills, pauses, jumps of the clock.

use jiff::civil::DateTime;

use crate::history::{Micros, What};
use crate::hl7::Message;
use crate::plan::{Charged, ProcessFault, Step};
use crate::verdict::{Circumstance, Rule, Weight};

use crate::check::evidence::index::Evidence;
use crate::check::evidence::time::to_the_second;
use crate::check::exercise::missing::Missing;
use crate::check::findings::{Findings, Told};
use crate::check::wording::lateness::tenths;

/// The signal that a kill ends with.
const SIGKILL: i32 = 9;

/// Steps of the plan that left no trace: starts, exams, kills and stops.
pub(crate) fn not_done(evidence: &Evidence<'_>, missing: Missing<'_>) {
    let planned =
        |wanted: fn(&Step) -> bool| evidence.plan.steps.iter().filter(|step| wanted(step)).count();
    let seen = |wanted: &dyn Fn(&What) -> bool| {
        evidence.events.iter().filter(|event| wanted(&event.what)).count()
    };
    let starts =
        seen(&|what| matches!(what, What::SenderStarted { .. } | What::SenderFailed { .. }));
    if starts < planned(|step| matches!(step, Step::Start | Step::StartSecond)) {
        missing(
            Circumstance::SenderNotStarted,
            "a start of the plan is not in the history".to_owned(),
        );
    }
    let handed = seen(&|what| matches!(what, What::Submitted { .. }));
    if handed < planned(|step| matches!(step, Step::Submit(_))) {
        missing(
            Circumstance::ExamNotHandedOver,
            "an exam of the plan was not given to the sender".to_owned(),
        );
    }
    for exam in &evidence.exams {
        let wanted = exam.wanted_again.len();
        if wanted > 0 && evidence.attempts_at(&exam.order).len() < 1 + wanted {
            let message = format!("an operator wanted the charge of {} sent once more", exam.name);
            missing(Circumstance::NotSentAgain, format!("{message}, and it was not"));
        }
    }
    let asked = seen(&|what| matches!(what, What::ResendAsked { .. }));
    if asked < planned(|step| matches!(step, Step::Resend(_))) {
        missing(
            Circumstance::ResendNotAskedFor,
            "a resend of the plan was not asked for".to_owned(),
        );
    }
    let killed = seen(&|what| match what {
        What::SenderExited { incarnation, signal, .. } => {
            let life = evidence.lives.get(incarnation);
            let killed = life.is_some_and(|life| life.killed.is_some() && life.asked.is_none());
            killed && *signal == Some(SIGKILL)
        }
        _ => false,
    });
    let is_kill =
        |step: &Step| matches!(step, Step::Kill(_) | Step::Fault { fault: ProcessFault::Kill, .. });
    if killed < planned(is_kill) {
        missing(
            Circumstance::KillNotProven,
            "a kill of the plan did not end the sender by signal 9".to_owned(),
        );
    }
    let ended =
        evidence.lives.values().filter(|life| life.asked.is_some() || life.killed.is_some());
    let alive = ended.filter(|life| life.exited.is_none()).count();
    if alive > 0 {
        missing(
            Circumstance::EndNotProven,
            "the sender was ended, and its exit was not seen".to_owned(),
        );
    }
}

/// Pauses, jumps of the clock and second instances that were asked for and not seen.
pub(crate) fn not_struck(evidence: &Evidence<'_>, missing: Missing<'_>) {
    let events = || evidence.events.iter().map(|event| &event.what);
    let faults = evidence.plan.steps.iter().filter_map(|step| match step {
        Step::Fault { fault, .. } => Some(*fault),
        _ => None,
    });
    let mut pauses = events().filter_map(|what| match what {
        What::SenderResumed { paused, .. } => Some(*paused),
        _ => None,
    });
    let mut jumped = false;
    for fault in faults {
        match fault {
            ProcessFault::Pause(length) if pauses.next().is_none_or(|paused| paused < length) => {
                let message = "the sender was not seen to stand still for as long as it should";
                missing(Circumstance::PauseNotProven, message.to_owned());
            }
            ProcessFault::Jump(_) => jumped = true,
            _ => {}
        }
    }
    if jumped {
        clock_not_moved(evidence, missing);
    }
    let seconds = evidence.plan.steps.iter().filter(|step| **step == Step::StartSecond).count();
    let beside =
        events().filter(|what| matches!(what, What::SenderStarted { beside: Some(_), .. }));
    if beside.count() < seconds {
        let message = "a second instance of the plan was not seen beside the first";
        missing(Circumstance::SecondInstanceNotProven, message.to_owned());
    }
}

/// A jump of the clock is proven by the times in the messages: MSH-7 after it, against the last
/// one before it.
fn clock_not_moved(evidence: &Evidence<'_>, missing: Missing<'_>) {
    for event in evidence.events {
        let What::ClockJumped { by } = event.what else { continue };
        let (before, after): (Vec<_>, Vec<_>) = evidence
            .sent
            .iter()
            .filter_map(|sent| Some((evidence.place(sent), written(sent.payload)?)))
            .partition(|(place, _)| place.seq < event.seq);
        let last = before.iter().map(|(_, time)| *time).max();
        let moved = last.zip(after.iter().map(|(_, time)| *time).max());
        // A message may have been written before the jump and sent after it, and the other way
        // round, so that not the whole jump need show.
        let enough = i64::try_from(by.0 / 2_000_000).unwrap_or(i64::MAX);
        if moved.is_none_or(|(before, after)| after.duration_since(before).as_secs() < enough) {
            let hours = by.0 / 3_600_000_000;
            let message = format!(
                "the sender's clock was to jump by {hours} h, and no message after it shows so"
            );
            missing(Circumstance::ClockNotMoved, message);
        }
    }
}

/// When a message was written, by its own MSH-7.
fn written(payload: &[u8]) -> Option<DateTime> {
    let message = Message::read_header(payload);
    to_the_second(message.value("MSH-7").get(..14)?)
}

/// A step that waited for nothing, unless the exam need not come.
pub(crate) fn waited_in_vain(evidence: &Evidence<'_>, rule: Rule, findings: &mut Findings) {
    for event in evidence.events {
        let What::WaitedInVain { wanted, waited } = &event.what else { continue };
        let named = evidence.exams.iter().find(|exam| names(wanted, exam.name));
        if named.is_some_and(|exam| exam.charged != Charged::Once) {
            continue;
        }
        findings.add(rule, Weight::Inconclusive, || {
            let message = timed_out(evidence, wanted, *waited);
            Told::plainly(Circumstance::WaitedInVain, message)
        });
    }
}

/// What was waited for, for how long, and why for that long.
fn timed_out(evidence: &Evidence<'_>, wanted: &str, waited: Micros) -> String {
    let limits = &evidence.plan.limits;
    if waited == Micros(0) {
        return format!("a step got no further than {wanted}");
    }
    let why = if waited >= limits.patience {
        let (ack, retry) = (tenths(limits.ack_timeout), tenths(limits.longest_retry));
        format!("as follows from `ack_timeout` ({ack}) and `longest_retry` ({retry})")
    } else if waited.0.saturating_add(SLACK) >= limits.settle.min(limits.patience).0 {
        "no longer, since an earlier wait had timed out".to_owned()
    } else {
        "until the sender was gone".to_owned()
    };
    format!("timed out waiting for {wanted} after {}, {why}", tenths(waited))
}

/// By how much less a wait may have been measured than was meant.
const SLACK: u64 = 1_000;

/// Whether `text` names `exam` as a whole word.
fn names(text: &str, exam: &str) -> bool {
    let is_part = |character: char| character.is_alphanumeric() || matches!(character, '-' | '_');
    text.split(|character| !is_part(character)).any(|word| word == exam)
}
