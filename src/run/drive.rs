//! The drive loop without its waiting: EMR, director and recorder behind one pair of verbs.
//!
//! A driver tells [`Drive::happened`] what it saw and asks [`Drive::next`] what to do until that
//! says none; then it waits until [`Drive::deadline`] or until something happens.

use std::time::Duration;

use jiff::civil::DateTime;

use crate::emr::{Emr, Input, Output, Settings, WireAct};
use crate::history::{Accounted, Bounds, Ending, Event, Incarnation, Micros, Recorder, What};
use crate::plan::{Plan, StopBy};
use crate::run::command::Command;
use crate::run::director::{Director, View, Wish};
use crate::run::disclosure::Disclosure;
use crate::run::stirs::Stirs;

pub use crate::run::happening::Happening;

/// What a driver is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Do {
    /// Act on the wire for the EMR, and report what the act says.
    Wire(WireAct),
    /// Accept and read whatever has come by now, and report it.
    Drain,
    /// Do something to the sender.
    Sender(Command),
}

/// EMR, director and recorder of one case.
#[derive(Debug)]
pub struct Drive {
    emr: Emr,
    director: Director,
    recorder: Recorder,
    stirs: Stirs,
    aborted: bool,
    /// What is to be done when the EMR has nothing more to do.
    held_back: Option<Do>,
    /// A connection could not be accepted.
    blind: bool,
    /// When the sender was last asked for its account.
    asked: Option<Micros>,
}

impl Drive {
    /// A drive through `plan`; `epoch` is the wall clock, UTC, at time zero.
    #[must_use]
    pub fn new(plan: &Plan, epoch: DateTime) -> Self {
        let bounds =
            Bounds { pieces: u64::from(plan.limits.messages), bytes: plan.limits.recorded_bytes };
        Self {
            emr: Emr::new(plan, Settings::of(plan, epoch)),
            director: Director::new(plan.steps.clone(), plan.limits.clone()),
            recorder: Recorder::new(bounds),
            stirs: Stirs::default(),
            aborted: false,
            held_back: None,
            blind: false,
            asked: None,
        }
    }

    /// Takes what was seen at `now`.
    pub fn happened(&mut self, now: Duration, happening: Happening<'_>) {
        #[cfg(debug_assertions)]
        let happening = self.by_time(happening);
        let event = match happening {
            Happening::Emr(input) => {
                self.seen_by_emr(now, input);
                None
            }
            Happening::Started { incarnation } => Some(self.director.started(incarnation)),
            Happening::Paused { seen } => self.director.paused(now, seen),
            Happening::Resumed { seen } => self.director.resumed(now, seen),
            Happening::Jumped { by, failed } => Some(self.director.jumped(by, failed)),
            Happening::Asked { failed } => self.director.asked(failed),
            Happening::Failed(why) => Some(self.director.failed(why)),
            Happening::Said { incarnation, lines } => Some(What::SenderSaid { incarnation, lines }),
            Happening::Printed { incarnation, length, whole, disclosed } => {
                self.disclosed(now, incarnation, disclosed);
                Some(match whole {
                    true => What::OutputRead { incarnation, length },
                    false => What::OutputOverran { incarnation, length },
                })
            }
            Happening::Gone { incarnation } => {
                self.director.gone(incarnation);
                None
            }
            Happening::Exited { incarnation, code, signal } => {
                self.emr.handle(now, Input::SenderGone, &mut self.recorder);
                Some(self.director.exited(incarnation, code, signal))
            }
            Happening::TooManyConnections => Some(self.flooded()),
            Happening::CannotAccept(why) => self.blinded(why),
            Happening::LeftBehind { incarnation, processes, names } => {
                Some(What::LeftBehind { incarnation, processes, names })
            }
            Happening::NotAccepted { exam, why } => Some(What::NotAccepted { exam, why }),
            Happening::Starved { by, within } => {
                Some(What::SenderStarved { by: by.into(), within: within.into() })
            }
            Happening::Account(charges) => Some(self.accounted(charges)),
            Happening::NoAccount(why) => {
                self.director.accounted();
                Some(What::NoAccount { why })
            }
            Happening::Interrupted => self.director.interrupt(),
            Happening::Late { by } => Some(What::HarnessLate { by: by.into() }),
            Happening::Tick => {
                self.emr.handle(now, Input::Tick, &mut self.recorder);
                None
            }
        };
        if let Some(what) = event {
            self.recorder.record(now.into(), what);
        }
    }

    fn seen_by_emr(&mut self, now: Duration, input: Input<'_>) {
        self.stirs.note(now, &input);
        let seen = self.recorder.events().len();
        self.emr.handle(now, input, &mut self.recorder);
        self.stirs.read(now, &self.recorder.events()[seen..]);
    }

    fn disclosed(&mut self, now: Duration, incarnation: Incarnation, all: Vec<Disclosure>) {
        for Disclosure { output, exam, data } in all {
            let what = What::Disclosed { incarnation, output, exam, data };
            self.recorder.record(now.into(), what);
        }
    }

    fn flooded(&mut self) -> What {
        self.director.abort();
        let what = "the sender opened more connections than the plan allows".to_owned();
        What::Bound { what }
    }

    /// What we cannot see proves nothing, and is nobody's fault but ours.
    fn blinded(&mut self, why: String) -> Option<What> {
        self.director.break_off();
        let told = std::mem::replace(&mut self.blind, true);
        (!told).then_some(What::Interrupted { why: Some(why) })
    }

    fn accounted(&mut self, charges: Vec<Accounted>) -> What {
        self.director.accounted();
        What::Account { charges, asked: self.asked.take() }
    }

    /// Asks for [`Do::Drain`] once more, when all that was accepted by it has been seen to.
    pub fn drain_again(&mut self) {
        self.held_back.get_or_insert(Do::Drain);
    }

    /// What is to be done now; none until something happens or the deadline comes.
    pub fn next(&mut self, now: Duration) -> Option<Do> {
        if self.recorder.is_full() && !self.aborted {
            self.aborted = true;
            self.director.abort();
        }
        loop {
            // The EMR's outputs come in the order in which they were caused, so that a kill that
            // is due before a reply really comes before it.
            if self.held_back.is_none()
                && let Some(wish) = self.director.next(&self.view(now))
            {
                match self.grant(now, wish) {
                    // The EMR is in its place before an exam is handed over or the last byte read.
                    Some(
                        what @ (Do::Sender(Command::Submit { .. } | Command::Resend { .. })
                        | Do::Drain),
                    ) => {
                        self.held_back = Some(what);
                    }
                    Some(what) => return Some(what),
                    None => {}
                }
                continue;
            }
            let Some(output) = self.emr.poll() else {
                return self.held_back.take();
            };
            match output {
                Output::Wire(act) => return Some(Do::Wire(act)),
                Output::Reached(event) => self.director.reached(event),
                Output::Dealt(exam) => self.director.dealt(&exam),
            }
        }
    }

    /// When to come back even if nothing happens.
    #[must_use]
    pub fn deadline(&self, now: Duration) -> Option<Duration> {
        let director = self.director.deadline(&self.view(now));
        director.into_iter().chain(self.emr.deadline()).min()
    }

    /// Whether the last step has been carried out.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.director.is_finished()
    }

    /// Which life of the sender it is, from 1; 0 before the first. A second instance does not count.
    #[must_use]
    pub const fn incarnation(&self) -> Incarnation {
        self.director.incarnation()
    }

    /// Whether a second instance is up, so that what is seen may be of either.
    #[must_use]
    pub fn is_beside(&self) -> bool {
        self.director.is_beside()
    }

    /// The events so far.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        self.recorder.events()
    }

    /// Takes the events out that were recorded since, for a driver that keeps them elsewhere.
    pub fn drain(&mut self) -> std::vec::Drain<'_, Event> {
        self.recorder.drain()
    }

    /// The events, for good; nothing is to happen afterwards.
    #[must_use]
    pub fn take_events(&mut self) -> Vec<Event> {
        self.recorder.take_events()
    }

    fn grant(&mut self, now: Duration, wish: Wish) -> Option<Do> {
        match wish {
            Wish::Record(what) => {
                if what == What::Finished {
                    self.emr.handle(now, Input::Over, &mut self.recorder);
                }
                self.recorder.record(now.into(), what);
            }
            Wish::Watch(event) => {
                self.emr.handle(now, Input::Watch(event), &mut self.recorder);
            }
            Wish::Drain => {
                self.emr.handle(now, Input::Closing, &mut self.recorder);
                #[cfg(debug_assertions)]
                if crate::planted::is(crate::planted::Planted::DrainSkipped) {
                    return None;
                }
                return Some(Do::Drain);
            }
            Wish::Heal => self.emr.handle(now, Input::Heal, &mut self.recorder),
            Wish::Do(command) => {
                match &command {
                    Command::Submit { exam } => {
                        let incarnation = self.director.incarnation();
                        let what = What::Submitted { exam: exam.clone(), incarnation };
                        self.recorder.record(now.into(), what);
                        self.emr.handle(now, Input::Submitted { exam }, &mut self.recorder);
                    }
                    Command::Resend { exam } => {
                        let incarnation = self.director.incarnation();
                        let what = What::ResendAsked { exam: exam.clone(), incarnation };
                        self.recorder.record(now.into(), what);
                    }
                    Command::Account => self.asked = Some(now.into()),
                    Command::End { incarnation, how: Ending::Kill } => {
                        let killed = Input::SenderKilled { incarnation: *incarnation };
                        self.emr.handle(now, killed, &mut self.recorder);
                    }
                    _ => {}
                }
                return Some(Do::Sender(command));
            }
        }
        None
    }

    /// What happened, as a harness sees it that credits every connection to the first of two lives.
    #[cfg(debug_assertions)]
    fn by_time<'i>(&self, happening: Happening<'i>) -> Happening<'i> {
        match happening {
            Happening::Emr(Input::Accepted { connection, endpoint, .. })
                if crate::planted::is(crate::planted::Planted::BytesByTime) =>
            {
                let incarnation = self.incarnation();
                Happening::Emr(Input::Accepted { connection, endpoint, incarnation })
            }
            other => other,
        }
    }

    /// How many connections are to be read to their end.
    fn connections(&self) -> usize {
        #[cfg(debug_assertions)]
        if crate::planted::is(crate::planted::Planted::DrainSkipped) {
            return 0;
        }
        match self.director.ending_of() {
            Some(of) if self.director.has_second() => self.emr.connections_of(of),
            _ => self.emr.open_connections(),
        }
    }

    fn view(&self, now: Duration) -> View {
        View {
            now,
            last_activity: self.stirs.last(),
            connections: self.connections(),
            emr_busy: self.emr.deadline().is_some(),
        }
    }
}

/// The signal that asks a sender to stop, if it is a signal.
pub(crate) const fn stop_signal(stop: StopBy) -> Option<rustix::process::Signal> {
    match stop {
        StopBy::Terminate => Some(rustix::process::Signal::TERM),
        StopBy::Interrupt => Some(rustix::process::Signal::INT),
        StopBy::StandardInput => None,
    }
}
