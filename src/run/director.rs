//! The harness's own steps: what to do next, and what to wait for.
//!
//! A pure machine over the plan's steps. It does not know sockets or processes; it sees what
//! has happened and says what should.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::history::{Ending, Incarnation, Micros, What};
use crate::plan::{Limits, ProcessFault, Step, WireEvent};
use crate::run::command::Command;

/// What the director sees of the world.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    /// Now.
    pub(crate) now: Duration,
    /// When anything last happened on the wire.
    pub(crate) last_activity: Duration,
    /// Connections that are open or not yet read to their end; where two instances are up, those
    /// of the one whose end is waited for.
    pub(crate) connections: usize,
    /// Whether the EMR still has something to do on its own.
    pub(crate) emr_busy: bool,
}

/// What the director asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Carry out a command.
    Do(Command),
    /// Write an event down.
    Record(What),
    /// Report the first such wire event.
    Watch(WireEvent),
    /// Let the EMR be healthy.
    Heal,
    /// Accept and read whatever has come by now.
    Drain,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Sender {
    #[default]
    Down,
    Starting,
    Up,
}

/// One process of the sender.
#[derive(Clone, Copy, Debug, Default)]
struct Instance {
    /// Which life it is, from 1; 0 before the first.
    incarnation: Incarnation,
    state: Sender,
    /// It was asked to stop, or killed.
    ending: bool,
    /// Its process has ended, and what it left behind is being looked for.
    gone: bool,
}

/// What is to be done once its moment has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Due {
    fault: ProcessFault,
    at: WireEvent,
    after: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Waiting {
    Nothing,
    Started,
    BesideUp { until: Duration },
    Dealt(Arc<str>),
    Reached(Due),
    Delayed { fault: ProcessFault, until: Duration },
    Paused { since: Duration, until: Duration, resuming: bool },
    Jumping,
    Asked,
    Ended { of: Incarnation, asked: Duration, killed: bool },
    Quiet { began: Duration },
    Accounted,
    Interrupt,
    Finished,
}

/// Walks through the steps of a plan.
#[derive(Debug)]
pub(crate) struct Director {
    steps: VecDeque<Step>,
    limits: Limits,
    waiting: Waiting,
    since: Duration,
    patience: Duration,
    sender: Instance,
    /// The second instance, where one was started beside the first.
    second: Instance,
    /// How many lives there have been.
    lives: Incarnation,
    /// Lives that were ended and not seen to be gone, so that others were started meanwhile.
    given_up: BTreeSet<Incarnation>,
    /// Both the stop and the going on of a pause were seen so far.
    pause_seen: bool,
    dealt: BTreeSet<String>,
    reached: Option<WireEvent>,
    accounted: bool,
    interrupted: bool,
    /// Steps were left out because of an interrupt.
    cut_short: bool,
    wishes: VecDeque<Wish>,
}

impl Director {
    pub(crate) fn new(steps: Vec<Step>, limits: Limits) -> Self {
        Self {
            steps: steps.into(),
            waiting: Waiting::Nothing,
            since: Duration::ZERO,
            patience: limits.patience.into(),
            limits,
            sender: Instance::default(),
            second: Instance::default(),
            lives: 0,
            given_up: BTreeSet::new(),
            pause_seen: false,
            dealt: BTreeSet::new(),
            reached: None,
            accounted: false,
            interrupted: false,
            cut_short: false,
            wishes: VecDeque::new(),
        }
    }

    /// Which life of the sender it is, from 1; 0 before the first. A second instance does not count.
    pub(crate) const fn incarnation(&self) -> Incarnation {
        self.sender.incarnation
    }

    /// Whether two instances are up, so that what is seen may be of either.
    pub(crate) fn is_beside(&self) -> bool {
        self.second.state != Sender::Down
    }

    /// Whether a second instance was ever started.
    pub(crate) const fn has_second(&self) -> bool {
        self.second.incarnation != 0
    }

    /// Whose end is waited for, if one's is.
    pub(crate) const fn ending_of(&self) -> Option<Incarnation> {
        match self.waiting {
            Waiting::Ended { of, .. } => Some(of),
            _ => None,
        }
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.waiting == Waiting::Finished && self.wishes.is_empty()
    }

    fn instance(&mut self, incarnation: Incarnation) -> &mut Instance {
        if incarnation == self.second.incarnation { &mut self.second } else { &mut self.sender }
    }

    pub(crate) fn started(&mut self, incarnation: Incarnation) -> What {
        if let Some(instance) = self.up_to_date(incarnation) {
            instance.state = Sender::Up;
        }
        let beside = incarnation == self.second.incarnation && self.sender.state != Sender::Down;
        What::SenderStarted { incarnation, beside: beside.then_some(self.sender.incarnation) }
    }

    /// The sender could not be started or driven: nothing more can be learnt.
    pub(crate) fn failed(&mut self, why: String) -> What {
        let starting =
            if self.second.state == Sender::Starting { self.second } else { self.sender };
        self.instance(starting.incarnation).state = Sender::Down;
        self.steps.clear();
        self.waiting = Waiting::Nothing;
        What::SenderFailed { incarnation: starting.incarnation, why }
    }

    /// A life has ended by itself or by what was done to it; [`Self::exited`] follows once it is known
    /// what it left behind. It need not be killed any more.
    pub(crate) fn gone(&mut self, incarnation: Incarnation) {
        if let Some(instance) = self.up_to_date(incarnation) {
            instance.gone = true;
        }
    }

    pub(crate) fn exited(
        &mut self,
        incarnation: Incarnation,
        code: Option<i32>,
        signal: Option<i32>,
    ) -> What {
        let asked = match self.up_to_date(incarnation) {
            Some(instance) => {
                instance.state = Sender::Down;
                std::mem::take(&mut instance.ending)
            }
            // Its end was waited for as long as anybody waits, and then another was started.
            None => self.given_up.remove(&incarnation),
        };
        What::SenderExited { incarnation, code, signal, asked }
    }

    /// The instance that this life is of, unless a later life has taken its place: what is told of
    /// an earlier one says nothing of that.
    fn up_to_date(&mut self, incarnation: Incarnation) -> Option<&mut Instance> {
        let instance = self.instance(incarnation);
        (instance.incarnation == incarnation).then_some(instance)
    }

    /// The sender was stopped where it stood; `seen` if the system shows it so.
    pub(crate) fn paused(&mut self, now: Duration, seen: bool) -> Option<What> {
        if let Waiting::Paused { since, until, .. } = &mut self.waiting {
            let length = until.saturating_sub(*since);
            (*since, *until) = (now, now + length);
        }
        self.pause_seen = seen;
        seen.then_some(What::SenderPaused { incarnation: self.sender.incarnation })
    }

    /// The sender was let go on; `seen` if the system showed it as stopped until then.
    pub(crate) fn resumed(&mut self, now: Duration, seen: bool) -> Option<What> {
        let Waiting::Paused { since, .. } = self.waiting else { return None };
        self.waiting = Waiting::Nothing;
        let paused = now.saturating_sub(since).into();
        let seen = seen && std::mem::take(&mut self.pause_seen);
        seen.then_some(What::SenderResumed { incarnation: self.sender.incarnation, paused })
    }

    /// The sender's clock was moved, or could not be, and why.
    pub(crate) fn jumped(&mut self, by: Micros, failed: Option<String>) -> What {
        if self.waiting == Waiting::Jumping {
            self.waiting = Waiting::Nothing;
        }
        match failed {
            None => What::ClockJumped { by },
            Some(why) => What::WaitedInVain {
                wanted: format!("a jump of the clock: {why}"),
                waited: Micros(0),
            },
        }
    }

    /// The sender was told to send a charge once more, or could not be, and why.
    pub(crate) fn asked(&mut self, failed: Option<String>) -> Option<What> {
        if self.waiting == Waiting::Asked {
            self.waiting = Waiting::Nothing;
        }
        failed.map(|why| What::WaitedInVain {
            wanted: format!("an operator's resend: {why}"),
            waited: Micros(0),
        })
    }

    pub(crate) fn dealt(&mut self, exam: &str) {
        self.dealt.insert(exam.to_owned());
    }

    pub(crate) const fn reached(&mut self, event: WireEvent) {
        self.reached = Some(event);
    }

    pub(crate) const fn accounted(&mut self) {
        self.accounted = true;
    }

    /// Somebody interrupts: an open-ended run ends as planned, any other is cut short.
    pub(crate) fn interrupt(&mut self) -> Option<What> {
        self.interrupted = true;
        if self.waiting == Waiting::Interrupt {
            return None;
        }
        self.break_off();
        Some(What::Interrupted { why: None })
    }

    /// Gives up the remaining steps, and never says that they were carried out.
    pub(crate) fn break_off(&mut self) {
        self.cut_short = true;
        self.abort();
    }

    /// Gives up the remaining steps and ends the sender.
    pub(crate) fn abort(&mut self) {
        self.steps.clear();
        if self.waiting != Waiting::Finished {
            self.waiting = Waiting::Nothing;
        }
    }

    /// When it wants to be asked again even if nothing happens.
    pub(crate) fn deadline(&self, view: &View) -> Option<Duration> {
        match &self.waiting {
            Waiting::Nothing | Waiting::Finished | Waiting::Interrupt => None,
            Waiting::Started | Waiting::Accounted | Waiting::Jumping | Waiting::Asked => None,
            Waiting::Paused { resuming: true, .. } => None,
            Waiting::BesideUp { until }
            | Waiting::Delayed { until, .. }
            | Waiting::Paused { until, .. } => Some(*until),
            Waiting::Dealt(_) | Waiting::Reached(_) => Some(self.since + self.patience),
            Waiting::Ended { of, asked, killed: false }
                if self.is_up(*of) && !self.is_gone(*of) =>
            {
                Some(*asked + Duration::from(self.limits.stop))
            }
            Waiting::Ended { asked, .. } => Some(*asked + self.longest_end()),
            Waiting::Quiet { began } => {
                // While the EMR is busy it wakes the driver itself.
                let longest = self.longest_watch(*began);
                let quiet = self.quiet_since(*began, view) + Duration::from(self.limits.settle);
                Some(if view.emr_busy { longest } else { quiet.min(longest) })
            }
        }
    }

    /// The next thing to be done, if any.
    pub(crate) fn next(&mut self, view: &View) -> Option<Wish> {
        loop {
            if let Some(wish) = self.wishes.pop_front() {
                return Some(wish);
            }
            if self.waiting == Waiting::Finished || !self.done_waiting(view) {
                return self.wishes.pop_front();
            }
            self.waiting = Waiting::Nothing;
            self.since = view.now;
            match self.steps.pop_front() {
                Some(step) => self.begin(step, view),
                None => self.finish(view),
            }
        }
    }

    fn begin(&mut self, step: Step, view: &View) {
        match step {
            Step::Start => {
                self.sender = self.new_life();
                self.waiting = Waiting::Started;
            }
            Step::StartSecond => {
                self.second = self.new_life();
                self.waiting = Waiting::Started;
            }
            Step::StopSecond => self.end(self.second.incarnation, Ending::Stop, view),
            Step::Submit(exam) => {
                self.wish(Wish::Do(Command::Submit { exam }));
            }
            Step::Resend(exam) => {
                self.waiting = Waiting::Asked;
                self.wish(Wish::Do(Command::Resend { exam }));
            }
            Step::Await(exam) => self.waiting = Waiting::Dealt(exam.into()),
            Step::Kill(at) => self.watch(ProcessFault::Kill, at, Duration::ZERO),
            Step::Fault { fault, at, after } => self.watch(fault, at, after.into()),
            Step::Stop => self.end(self.sender.incarnation, Ending::Stop, view),
            Step::Heal => self.wish(Wish::Heal),
            Step::Settle => self.waiting = Waiting::Quiet { began: view.now },
            Step::Account => {
                self.accounted = false;
                self.waiting = Waiting::Accounted;
                self.wish(Wish::Do(Command::Account));
            }
            // Nothing was ended, so no end is written down.
            Step::LeaveAlone => {
                self.sender.state = Sender::Down;
                self.wish(Wish::Do(Command::LeaveAlone));
            }
            Step::Hold => self.waiting = Waiting::Interrupt,
        }
    }

    /// A new life, which is being started.
    fn new_life(&mut self) -> Instance {
        self.lives += 1;
        let incarnation = self.lives;
        self.wish(Wish::Do(Command::Start { incarnation }));
        Instance { incarnation, state: Sender::Starting, ending: false, gone: false }
    }

    /// Waits for the moment at which something is done to the sender.
    fn watch(&mut self, fault: ProcessFault, at: WireEvent, after: Duration) {
        self.reached = (at == WireEvent::AtOnce).then_some(at);
        self.waiting = Waiting::Reached(Due { fault, at, after });
        if at != WireEvent::AtOnce {
            self.wish(Wish::Watch(at));
        }
    }

    /// The moment has come.
    fn strike(&mut self, fault: ProcessFault, view: &View) {
        let incarnation = self.sender.incarnation;
        match fault {
            ProcessFault::Kill => self.end(incarnation, Ending::Kill, view),
            ProcessFault::Terminate => self.end(incarnation, Ending::Stop, view),
            ProcessFault::Pause(length) => {
                let until = view.now + Duration::from(length);
                self.waiting = Waiting::Paused { since: view.now, until, resuming: false };
                self.wish(Wish::Do(Command::Pause { incarnation }));
            }
            ProcessFault::Jump(by) => {
                self.waiting = Waiting::Jumping;
                self.wish(Wish::Do(Command::Jump { by }));
            }
        }
    }

    /// The steps are over: whatever still runs is ended.
    fn finish(&mut self, view: &View) {
        let up = [self.second, self.sender].into_iter().find(|one| one.state != Sender::Down);
        if let Some(one) = up {
            self.end(one.incarnation, Ending::Kill, view);
            return;
        }
        self.waiting = Waiting::Finished;
        self.wish(Wish::Drain);
        if !self.cut_short {
            self.wish(Wish::Record(What::Finished));
        }
        self.wish(Wish::Do(Command::Finish));
    }

    fn end(&mut self, of: Incarnation, how: Ending, view: &View) {
        let is_second = of == self.second.incarnation;
        let instance = self.instance(of);
        if instance.state == Sender::Down {
            // A second instance may have gone by itself; what it had sent is read all the same.
            let killed = how == Ending::Kill;
            self.waiting = match is_second && of != 0 {
                true => Waiting::Ended { of, asked: view.now, killed },
                false => Waiting::Nothing,
            };
            return;
        }
        instance.ending = true;
        let killed = how == Ending::Kill;
        self.waiting = Waiting::Ended { of, asked: view.now, killed };
        self.wish(Wish::Record(What::SenderEnding { incarnation: of, how }));
        self.wish(Wish::Do(Command::End { incarnation: of, how }));
    }

    fn is_up(&self, of: Incarnation) -> bool {
        let instance = if of == self.second.incarnation { self.second } else { self.sender };
        instance.state != Sender::Down
    }

    fn is_gone(&self, of: Incarnation) -> bool {
        let instance = if of == self.second.incarnation { self.second } else { self.sender };
        instance.gone
    }

    fn wish(&mut self, wish: Wish) {
        self.wishes.push_back(wish);
    }

    /// Whether what is waited for has come, or need not be waited for any longer.
    fn done_waiting(&mut self, view: &View) -> bool {
        match self.waiting.clone() {
            Waiting::Nothing => true,
            Waiting::Started if self.second.state == Sender::Up => {
                // How long a sender takes to come up is its own affair; as long as it waits for an
                // answer is long enough to read what is on its disk.
                let until = view.now + Duration::from(self.limits.ack_timeout);
                self.waiting = Waiting::BesideUp { until };
                false
            }
            Waiting::Started => {
                self.sender.state != Sender::Starting && self.second.state != Sender::Starting
            }
            Waiting::BesideUp { until } => self.second.state == Sender::Down || view.now >= until,
            Waiting::Dealt(exam) => {
                self.dealt.contains(&*exam)
                    || self.in_vain(view, || format!("the charge of `{exam}`"))
            }
            Waiting::Reached(due) if self.reached == Some(due.at) => {
                self.reached = None;
                if due.after.is_zero() {
                    self.strike(due.fault, view);
                } else {
                    let until = view.now + due.after;
                    self.waiting = Waiting::Delayed { fault: due.fault, until };
                }
                self.waiting == Waiting::Nothing
            }
            Waiting::Reached(due) => {
                // The steps that follow count on a dead sender, so it dies all the same.
                if self.in_vain(view, || format!("the wire event `{}`", due.at)) {
                    match due.fault {
                        ProcessFault::Kill | ProcessFault::Terminate => {
                            self.strike(due.fault, view);
                        }
                        ProcessFault::Pause(_) | ProcessFault::Jump(_) => {
                            self.waiting = Waiting::Nothing;
                        }
                    }
                }
                self.waiting == Waiting::Nothing
            }
            Waiting::Delayed { fault, until } => {
                if view.now >= until {
                    self.strike(fault, view);
                }
                self.waiting == Waiting::Nothing
            }
            Waiting::Paused { since, until, resuming } => {
                if !resuming && (view.now >= until || self.sender.state == Sender::Down) {
                    self.waiting = Waiting::Paused { since, until, resuming: true };
                    let incarnation = self.sender.incarnation;
                    self.wish(Wish::Do(Command::Resume { incarnation }));
                }
                false
            }
            Waiting::Jumping | Waiting::Asked => false,
            Waiting::Ended { of, asked, killed } => self.ended(of, asked, killed, view),
            Waiting::Quiet { began } => self.quiet(began, view),
            Waiting::Accounted => self.accounted,
            Waiting::Interrupt => {
                if self.interrupted {
                    let quiet = view.now.saturating_sub(view.last_activity).into();
                    let wanted = self.limits.settle;
                    self.wish(Wish::Record(What::Watched { quiet, wanted }));
                }
                self.interrupted
            }
            Waiting::Finished => false,
        }
    }

    fn in_vain(&mut self, view: &View, wanted: impl FnOnce() -> String) -> bool {
        let waited = view.now.saturating_sub(self.since);
        if waited < self.patience && self.sender.state != Sender::Down {
            return false;
        }
        // Who has let us down once is not waited for as long again.
        self.patience = self.patience.min(Duration::from(self.limits.settle));
        let what = What::WaitedInVain { wanted: wanted(), waited: waited.into() };
        self.wish(Wish::Record(what));
        true
    }

    fn ended(&mut self, of: Incarnation, asked: Duration, killed: bool, view: &View) -> bool {
        let is_up = self.is_up(of);
        if !is_up && view.connections == 0 {
            return true;
        }
        let waited = view.now.saturating_sub(asked);
        if !killed && is_up && !self.is_gone(of) && waited >= Duration::from(self.limits.stop) {
            self.end(of, Ending::Kill, view);
            return false;
        }
        if waited < self.longest_end() {
            return false;
        }
        // A process that not even a kill ends, and connections that outlive theirs, are nobody's:
        // do not wait for ever.
        let instance = self.instance(of);
        if instance.state != Sender::Down && instance.ending {
            self.given_up.insert(of);
        }
        self.instance(of).state = Sender::Down;
        true
    }

    /// How long an end is waited for. A killed process needs a moment to be gone, however little
    /// time its sender file gives it to stop, and its exit must not be taken for the next life's.
    fn longest_end(&self) -> Duration {
        (Duration::from(self.limits.stop) * 2).max(SHORTEST_END)
    }

    fn quiet(&mut self, began: Duration, view: &View) -> bool {
        let quiet = view.now.saturating_sub(self.quiet_since(began, view));
        let wanted = self.limits.settle;
        let settled = quiet >= Duration::from(wanted) && !view.emr_busy;
        if !settled && view.now < self.longest_watch(began) {
            return false;
        }
        let what = What::Watched { quiet: Micros::from(quiet), wanted };
        self.wish(Wish::Record(what));
        true
    }

    fn quiet_since(&self, began: Duration, view: &View) -> Duration {
        began.max(view.last_activity)
    }

    /// A wire that never falls silent is watched for this long and no longer.
    fn longest_watch(&self, began: Duration) -> Duration {
        began + Duration::from(self.limits.settle) * 6
    }
}

/// The least time that a killed process gets to be gone.
const SHORTEST_END: Duration = Duration::from_secs(5);
