//! The harness's own steps: what to do next, and what to wait for.
//!
//! A pure machine over the plan's steps. It does not know sockets or processes; it sees what
//! has happened and says what should.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use crate::history::{Ending, Micros, What};
use crate::plan::{Limits, Step, WireEvent};
use crate::run::drive::Command;

/// What the director sees of the world.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    /// Now.
    pub(crate) now: Duration,
    /// When anything last happened on the wire.
    pub(crate) last_activity: Duration,
    /// Connections that are open or not yet read to their end.
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sender {
    Down,
    Starting,
    Up,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Waiting {
    Nothing,
    Started,
    Dealt(String),
    Reached(WireEvent),
    Ended { asked: Duration, killed: bool },
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
    sender: Sender,
    incarnation: u32,
    ending: bool,
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
            sender: Sender::Down,
            incarnation: 0,
            ending: false,
            dealt: BTreeSet::new(),
            reached: None,
            accounted: false,
            interrupted: false,
            cut_short: false,
            wishes: VecDeque::new(),
        }
    }

    /// Which life of the sender it is, from 1; 0 before the first.
    pub(crate) const fn incarnation(&self) -> u32 {
        self.incarnation
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.waiting == Waiting::Finished && self.wishes.is_empty()
    }

    pub(crate) fn started(&mut self) -> What {
        self.sender = Sender::Up;
        What::SenderStarted { incarnation: self.incarnation }
    }

    /// The sender could not be started or driven: nothing more can be learnt.
    pub(crate) fn failed(&mut self, why: String) -> What {
        self.sender = Sender::Down;
        self.steps.clear();
        self.waiting = Waiting::Nothing;
        What::SenderFailed { incarnation: self.incarnation, why }
    }

    pub(crate) fn exited(&mut self, code: Option<i32>, signal: Option<i32>) -> What {
        self.sender = Sender::Down;
        let asked = std::mem::take(&mut self.ending);
        What::SenderExited { incarnation: self.incarnation, code, signal, asked }
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
        self.cut_short = true;
        self.abort();
        Some(What::Interrupted)
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
            Waiting::Started | Waiting::Accounted => None,
            Waiting::Dealt(_) | Waiting::Reached(_) => Some(self.since + self.patience),
            Waiting::Ended { asked, killed: false } if self.sender != Sender::Down => {
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
                self.incarnation += 1;
                self.sender = Sender::Starting;
                self.waiting = Waiting::Started;
                let incarnation = self.incarnation;
                self.wish(Wish::Do(Command::Start { incarnation }));
            }
            Step::Submit(exam) => {
                self.wish(Wish::Do(Command::Submit { exam }));
            }
            Step::Await(exam) => self.waiting = Waiting::Dealt(exam),
            Step::Kill(event) => {
                self.reached = None;
                self.waiting = Waiting::Reached(event);
                self.wish(Wish::Watch(event));
            }
            Step::Stop => self.end(Ending::Stop, view),
            Step::Heal => self.wish(Wish::Heal),
            Step::Settle => self.waiting = Waiting::Quiet { began: view.now },
            Step::Account => {
                self.accounted = false;
                self.waiting = Waiting::Accounted;
                self.wish(Wish::Do(Command::Account));
            }
            Step::Hold => self.waiting = Waiting::Interrupt,
        }
    }

    /// The steps are over: whatever still runs is ended.
    fn finish(&mut self, view: &View) {
        if self.sender != Sender::Down {
            self.end(Ending::Kill, view);
            return;
        }
        self.waiting = Waiting::Finished;
        self.wish(Wish::Drain);
        if !self.cut_short {
            self.wish(Wish::Record(What::Finished));
        }
        self.wish(Wish::Do(Command::Finish));
    }

    fn end(&mut self, how: Ending, view: &View) {
        if self.sender == Sender::Down {
            return;
        }
        self.ending = true;
        let killed = how == Ending::Kill;
        self.waiting = Waiting::Ended { asked: view.now, killed };
        self.wish(Wish::Record(What::SenderEnding { incarnation: self.incarnation, how }));
        self.wish(Wish::Do(Command::End { how }));
    }

    fn wish(&mut self, wish: Wish) {
        self.wishes.push_back(wish);
    }

    /// Whether what is waited for has come, or need not be waited for any longer.
    fn done_waiting(&mut self, view: &View) -> bool {
        match self.waiting.clone() {
            Waiting::Nothing => true,
            Waiting::Started => self.sender != Sender::Starting,
            Waiting::Dealt(exam) => {
                self.dealt.contains(&exam)
                    || self.in_vain(view, || format!("the charge of `{exam}`"))
            }
            Waiting::Reached(event) if self.reached == Some(event) => {
                self.end(Ending::Kill, view);
                false
            }
            Waiting::Reached(event) => {
                // The steps that follow count on a dead sender, so it dies all the same.
                if self.in_vain(view, || format!("the wire event `{}`", wire_event(event))) {
                    self.end(Ending::Kill, view);
                }
                self.sender == Sender::Down
            }
            Waiting::Ended { asked, killed } => self.ended(asked, killed, view),
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
        if waited < self.patience && self.sender != Sender::Down {
            return false;
        }
        // Who has let us down once is not waited for as long again.
        self.patience = self.patience.min(Duration::from(self.limits.settle));
        let what = What::WaitedInVain { wanted: wanted(), waited: waited.into() };
        self.wish(Wish::Record(what));
        true
    }

    fn ended(&mut self, asked: Duration, killed: bool, view: &View) -> bool {
        if self.sender == Sender::Down && view.connections == 0 {
            return true;
        }
        let waited = view.now.saturating_sub(asked);
        if !killed && self.sender != Sender::Down && waited >= Duration::from(self.limits.stop) {
            self.end(Ending::Kill, view);
            return false;
        }
        if waited < self.longest_end() {
            return false;
        }
        // A process that not even a kill ends, and connections that outlive theirs, are nobody's:
        // do not wait for ever.
        self.sender = Sender::Down;
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

fn wire_event(event: WireEvent) -> String {
    match event {
        WireEvent::Accepted => "accepted".to_owned(),
        WireEvent::FirstByte => "first-byte".to_owned(),
        WireEvent::Bytes(count) => format!("bytes: {count}"),
        WireEvent::InsideFt1 => "inside-ft1".to_owned(),
        WireEvent::EndOfMessage => "end-of-message".to_owned(),
        WireEvent::BeforeReply => "before-reply".to_owned(),
        WireEvent::ReplyBytes(count) => format!("reply-bytes: {count}"),
        WireEvent::ReplySent => "reply-sent".to_owned(),
    }
}
