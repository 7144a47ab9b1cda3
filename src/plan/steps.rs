//! The steps of a case: those that its author wrote, or the default ones.

use indexmap::IndexMap;

use super::exams::PROBE;
use super::library::unknown;
use super::{Step, WireEvent};
use crate::exam::Exam;
use crate::scenario::{Act, Trigger, Word};
use crate::yaml::{Diagnostic, Place};

/// Steps, and how many probes they hand over.
pub(super) struct Steps {
    pub(super) steps: Vec<Step>,
    pub(super) probes: usize,
    /// Names of the exams that are handed over.
    pub(super) submitted: Vec<String>,
}

/// What a case does whose author wrote no steps: a probe, its exams one after another, a probe
/// again, and a clean restart, all watched until the wire is quiet.
pub(super) fn default(exams: &IndexMap<String, Exam>) -> Steps {
    let mut writer = Writer::default();
    writer.steps.push(Step::Start);
    writer.probe();
    for name in exams.keys() {
        writer.hand_over(name);
    }
    writer.probe();
    let rest = [Step::Settle, Step::Stop, Step::Start, Step::Settle, Step::Account, Step::Stop];
    writer.steps.extend(rest);
    writer.finish()
}

/// The steps that the author wrote.
pub(super) fn written(acts: &[Act], exams: &IndexMap<String, Exam>) -> Result<Steps, Diagnostic> {
    let mut writer = Writer::default();
    for act in acts {
        match act {
            Act::Start(place) => writer.start(place)?,
            Act::Stop(place) => writer.stop(place)?,
            Act::Restart(place) => {
                writer.stop(place)?;
                writer.start(place)?;
            }
            Act::Kill(place, trigger) => writer.kill(place, *trigger)?,
            Act::Submit(word) => {
                known(word, exams)?;
                writer.submit(&word.text);
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

fn known(word: &Word, exams: &IndexMap<String, Exam>) -> Result<(), Diagnostic> {
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

    fn kill(&mut self, place: &Place, trigger: Trigger) -> Result<(), Diagnostic> {
        self.must_run(place)?;
        self.running = false;
        self.steps.push(Step::Kill(event(trigger)));
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
        exams: &IndexMap<String, Exam>,
    ) -> Result<(), Diagnostic> {
        if self.submitted.contains(&word.text) {
            return Ok(());
        }
        known(word, exams)?;
        let message = format!("the exam `{}` has not been handed over yet", word.text);
        Err(word.place.error(message).hint(format!("write `submit: {}` before it", word.text)))
    }

    fn finish(self) -> Steps {
        Steps { steps: self.steps, probes: self.probes, submitted: self.submitted }
    }
}

const fn event(trigger: Trigger) -> WireEvent {
    match trigger {
        Trigger::Accepted => WireEvent::Accepted,
        Trigger::FirstByte => WireEvent::FirstByte,
        Trigger::Bytes(count) => WireEvent::Bytes(count),
        Trigger::InsideFt1 => WireEvent::InsideFt1,
        Trigger::EndOfMessage => WireEvent::EndOfMessage,
        Trigger::BeforeReply => WireEvent::BeforeReply,
        Trigger::ReplyBytes(count) => WireEvent::ReplyBytes(count),
        Trigger::ReplySent => WireEvent::ReplySent,
    }
}
