//! The steps of a case: those that its author wrote, or the default ones.

use std::sync::Arc;

use indexmap::IndexMap;

use crate::exam::Exam;
use crate::history::Micros;
use crate::plan::Lifetime;
use crate::plan::{ProcessFault, Step, WireEvent};
use crate::planning::exams::PROBE;
use crate::planning::library::unknown;
use crate::scenario::{Act, Delay, SenderLimits, When, Word};
use crate::yaml::{Diagnostic, Place};

/// Steps, and how many probes they hand over.
pub(crate) struct Steps {
    pub(crate) steps: Vec<Step>,
    pub(crate) probes: usize,
    /// Names of the exams that are handed over.
    pub(crate) submitted: Vec<String>,
}

/// What a case does whose author wrote no steps: a probe, its exams one after another, a probe
/// again, a clean restart, and a probe for its second life, all watched until the wire is quiet.
pub(crate) fn default(exams: &IndexMap<String, Arc<Exam>>, life: Lifetime) -> Steps {
    let mut writer = Writer::default();
    writer.steps.push(Step::Start);
    writer.probe();
    for name in exams.keys() {
        writer.hand_over(name);
    }
    writer.probe();
    if life.is_ours_to_end() {
        writer.steps.extend([Step::Settle, Step::Stop, Step::Start]);
        writer.probe();
        writer.steps.extend([Step::Settle, Step::Account, Step::Stop]);
    } else {
        writer.steps.extend([Step::Settle, Step::Account, Step::LeaveAlone]);
    }
    writer.finish()
}

/// The steps that the author wrote.
pub(crate) fn written(
    acts: &[Act],
    exams: &IndexMap<String, Arc<Exam>>,
    limits: &SenderLimits,
) -> Result<Steps, Diagnostic> {
    let mut writer = Writer::default();
    let moment = |when: &When| moment(when, limits);
    for act in acts {
        match act {
            Act::Start(place) => writer.start(place)?,
            Act::Stop(place) => writer.stop(place)?,
            Act::Restart(place) => {
                writer.stop(place)?;
                writer.start(place)?;
            }
            Act::Kill(place, when) => writer.kill(place, moment(when))?,
            Act::Terminate(place, when) => {
                writer.fault(place, ProcessFault::Terminate, moment(when))?;
                writer.running = false;
            }
            Act::Pause(place, when, length) => {
                let length = length.unwrap_or(limits.ack_timeout.saturating_mul(2));
                writer.fault(place, ProcessFault::Pause(length.into()), moment(when))?;
            }
            Act::Jump(place, when, by) => {
                writer.fault(place, ProcessFault::Jump((*by).into()), moment(when))?;
            }
            Act::Storm(place, restarts) => writer.storm(place, *restarts)?,
            Act::StartSecond(place) => writer.start_second(place)?,
            Act::StopSecond(place) => writer.stop_second(place)?,
            Act::Submit(word) => {
                known(word, exams)?;
                writer.submit(&word.text);
            }
            Act::Resend(place, word) => {
                writer.must_run(place)?;
                writer.must_have_submitted(word, exams)?;
                writer.steps.push(Step::Resend(word.text.clone()));
            }
            Act::Await(word) => {
                writer.must_have_submitted(word, exams)?;
                writer.steps.push(Step::Await(word.text.clone()));
            }
            Act::Heal => writer.steps.push(Step::Heal),
            Act::Settle => writer.steps.push(Step::Settle),
            Act::Account => writer.steps.push(Step::Account),
            Act::Probe => writer.probe(),
        }
    }
    Ok(writer.finish())
}

/// Steps that hand exams to a sender which nobody ever starts; told at the first of them, or at
/// `beginning`. A sender that is up before the case begins need not be started by it.
pub(crate) fn must_start(
    acts: &[Act],
    life: Lifetime,
    beginning: &Place,
) -> Result<(), Diagnostic> {
    let starts = acts.iter().any(|act| matches!(act, Act::Start(_)));
    if starts || !life.is_ours_to_end() {
        return Ok(());
    }
    let first = acts.iter().find_map(|act| match act {
        Act::Submit(word) | Act::Await(word) => Some(&word.place),
        _ => None,
    });
    let mistake = first.unwrap_or(beginning).error("no step starts the sender");
    Err(mistake.hint("write the step `start` first, as in `steps: [start, submit: john-doe]`"))
}

fn known(word: &Word, exams: &IndexMap<String, Arc<Exam>>) -> Result<(), Diagnostic> {
    if exams.contains_key(&word.text) {
        return Ok(());
    }
    let names: Vec<String> = exams.keys().cloned().collect();
    Err(unknown("exam", &word.text, &word.place, &names))
}

#[derive(Default)]
struct Writer {
    steps: Vec<Step>,
    probes: usize,
    submitted: Vec<String>,
    running: bool,
    beside: bool,
}

impl Writer {
    fn start(&mut self, place: &Place) -> Result<(), Diagnostic> {
        if self.running {
            return Err(place.error("the sender is running already"));
        }
        self.running = true;
        self.steps.push(Step::Start);
        Ok(())
    }

    fn stop(&mut self, place: &Place) -> Result<(), Diagnostic> {
        self.must_run(place)?;
        self.running = false;
        self.steps.push(Step::Stop);
        Ok(())
    }

    fn kill(&mut self, place: &Place, (at, after): (WireEvent, Micros)) -> Result<(), Diagnostic> {
        if after == Micros(0) {
            self.must_run(place)?;
            self.steps.push(Step::Kill(at));
        } else {
            self.fault(place, ProcessFault::Kill, (at, after))?;
        }
        self.running = false;
        Ok(())
    }

    fn fault(
        &mut self,
        place: &Place,
        fault: ProcessFault,
        (at, after): (WireEvent, Micros),
    ) -> Result<(), Diagnostic> {
        self.must_run(place)?;
        self.steps.push(Step::Fault { fault, at, after });
        Ok(())
    }

    /// Restarts in a row, none of which waits until the sender is up: every other one is a kill.
    fn storm(&mut self, place: &Place, restarts: u32) -> Result<(), Diagnostic> {
        self.must_run(place)?;
        for restart in 0..restarts {
            let end = if restart % 2 == 0 { Step::Stop } else { Step::Kill(WireEvent::AtOnce) };
            self.steps.extend([end, Step::Start]);
        }
        Ok(())
    }

    fn start_second(&mut self, place: &Place) -> Result<(), Diagnostic> {
        self.must_run(place)?;
        if self.beside {
            return Err(place.error("a second instance is running already"));
        }
        self.beside = true;
        self.steps.push(Step::StartSecond);
        Ok(())
    }

    fn stop_second(&mut self, place: &Place) -> Result<(), Diagnostic> {
        if !self.beside {
            let mistake = place.error("no second instance is running here");
            return Err(mistake.hint("write the step `start-second` before it"));
        }
        self.beside = false;
        self.steps.push(Step::StopSecond);
        Ok(())
    }

    fn must_run(&self, place: &Place) -> Result<(), Diagnostic> {
        if self.running {
            return Ok(());
        }
        Err(place.error("the sender is not running here").hint("write the step `start` before it"))
    }

    fn submit(&mut self, name: &str) {
        self.steps.push(Step::Submit(name.to_owned()));
        self.submitted.push(name.to_owned());
    }

    fn hand_over(&mut self, name: &str) {
        self.submit(name);
        self.steps.push(Step::Await(name.to_owned()));
    }

    fn probe(&mut self) {
        self.probes += 1;
        self.hand_over(&format!("{PROBE}{}", self.probes));
    }

    fn must_have_submitted(
        &self,
        word: &Word,
        exams: &IndexMap<String, Arc<Exam>>,
    ) -> Result<(), Diagnostic> {
        if self.submitted.contains(&word.text) {
            return Ok(());
        }
        known(word, exams)?;
        let message = format!("the exam `{}` has not been given to the sender yet", word.text);
        Err(word.place.error(message).hint(format!("write `submit: {}` before it", word.text)))
    }

    fn finish(self) -> Steps {
        Steps { steps: self.steps, probes: self.probes, submitted: self.submitted }
    }
}

/// The wire event that is waited for, and how long after it. The times around the timeout are a
/// tenth of it apart, which a busy machine can still tell from one another.
fn moment(when: &When, limits: &SenderLimits) -> (WireEvent, Micros) {
    let timeout = limits.ack_timeout;
    let after = when.after.map(|delay| match delay {
        Delay::Time(time) => time,
        Delay::BeforeTimeout => timeout - timeout / 10,
        Delay::AtTimeout => timeout,
        Delay::PastTimeout => timeout + timeout / 10,
    });
    (when.at, after.unwrap_or_default().into())
}
