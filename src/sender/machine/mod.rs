//! The sender as a machine: inputs and the time go in, outputs come out.
//!
//! It has no clock, no socket, no disk and no randomness: the same inputs at the same times give
//! the same outputs. Whoever drives it calls [`Machine::poll`] until that says how long to wait,
//! then waits for that long or for an input, whichever comes first. A driver reads everything
//! that is readable before it lets time pass, so that a timer never beats an acknowledgement that
//! has already arrived.
//!
//! How a message goes out stands in `sending`, what became of it in `settling`.

pub(crate) mod sending;
pub(crate) mod settling;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::DateTime;

use crate::exam::Exam;
use crate::mapping::Mapping;
use crate::mllp::Decoder;
use crate::sender::broken::bug::Bug;
use crate::sender::broken::defect;
use crate::sender::job::{Job, Task};
use crate::sender::journal::{Kind, Ledger, Outcome, Record};
use crate::sender::machine::sending::{Line, Stage};
use crate::sender::machine::settling::Unanswered;
use crate::sender::variant::Variant;

/// What a sender is to do, and how.
#[derive(Clone, Debug)]
pub struct Config {
    /// What charges are made by.
    pub mapping: Arc<Mapping>,
    /// What results are made by; none are sent without it.
    pub results: Option<Arc<Mapping>>,
    /// How many endpoints the EMR has, at least one. After a refusal the next one is tried.
    pub endpoints: usize,
    /// How long to wait for an acknowledgement after the last byte of a message, and for a
    /// connection to stand.
    pub ack_timeout: Duration,
    /// How long to wait after a refused connection, and before a result is sent again.
    pub retry_every: Duration,
    /// The wall clock when `now` is zero, UTC.
    pub epoch: DateTime,
    /// The defect that is built in.
    pub bug: Option<Bug>,
    /// The honest habit that is switched on.
    pub variant: Option<Variant>,
}

/// A connection, as the machine names it: it chooses the number when it asks for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Link(pub u64);

impl Link {
    /// The connection of a caller, whom the driver numbers as it likes: no number that the machine
    /// chooses is ever as high.
    #[must_use]
    pub const fn of_caller(number: u64) -> Self {
        Self(number | 1 << 63)
    }
}

/// What can happen to a sender.
#[derive(Clone, Debug)]
pub enum Input {
    /// An exam was handed over. One whose order is known is ignored.
    Exam(Arc<Exam>),
    /// An operator wants the charge of an order that was attempted sent once more. A request that is
    /// known is ignored.
    Resend {
        /// The order.
        order: String,
        /// The name of the request.
        request: String,
    },
    /// The connection stands.
    Connected(Link),
    /// The connection could not be made, or not one byte of what was last to be written on it
    /// has left: it may be tried again.
    Refused(Link),
    /// Somebody has connected to the sender's own port, to answer there; see [`Link::of_caller`].
    Called(Link),
    /// Bytes arrived.
    Received(Link, Vec<u8>),
    /// The peer ended its side in order (FIN).
    Ended(Link),
    /// The peer ended the connection in order, and not the TLS on it: no close_notify came.
    Truncated(Link),
    /// The connection was reset, or a write on it failed after some bytes had left.
    Reset(Link),
    /// The oldest [`Output::Store`] that was not yet confirmed is durable.
    Stored,
    /// The wall clock was moved forward by this much; `now` goes on as it did.
    ClockMoved(Duration),
    /// Finish what is in flight and begin nothing more; see [`Machine::is_stopped`].
    Stop,
}

/// What a sender wants done, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Open a connection.
    Connect {
        /// What it will be called.
        link: Link,
        /// To which endpoint, from 0.
        endpoint: usize,
    },
    /// Write these bytes.
    Write {
        /// On which connection.
        link: Link,
        /// All of them, in this order.
        bytes: Vec<u8>,
    },
    /// Close the connection, or give up opening it. No more input may come of it.
    Disconnect(Link),
    /// Make this durable, then say [`Input::Stored`].
    Store(Record),
    /// Write this line to the log, for people.
    Log(String),
}

/// What [`Machine::poll`] says.
#[derive(Clone, Debug, PartialEq)]
pub enum Poll {
    /// Do this, then poll again.
    Output(Output),
    /// Nothing to do before this time, on the clock that `now` is read from, or before the next
    /// input; without a time, before the next input.
    WaitUntil(Option<Duration>),
}

/// The sender. One message is in flight at a time.
#[derive(Debug)]
pub struct Machine {
    pub(crate) config: Config,
    pub(crate) ledger: Ledger,
    pub(crate) queue: VecDeque<Task>,
    pub(crate) current: Option<Job>,
    pub(crate) stage: Stage,
    pub(crate) line: Option<Line>,
    /// Connections that are closed as soon as they stand.
    pings: BTreeSet<Link>,
    /// Those who have connected to the sender's own port.
    pub(crate) callers: BTreeMap<Link, Decoder>,
    /// The endpoint that the next connection goes to.
    pub(crate) endpoint: usize,
    pub(crate) outputs: VecDeque<Output>,
    pub(crate) unanswered: Option<Unanswered>,
    /// When what became of the last message was known.
    pub(crate) concluded: Option<Duration>,
    /// A broken sender has stopped sending.
    pub(crate) blocked: bool,
    /// Charges that a broken sender has given to two workers.
    pub(crate) picked: BTreeSet<String>,
    /// What a broken sender still hopes to hear about, and how much has gone wrong so far.
    pub(crate) hoping: Option<(String, Vec<u8>)>,
    pub(crate) failures: u32,
    /// A broken sender has flooded already.
    pub(crate) flooded: bool,
    /// It has lived before.
    pub(crate) has_lived: bool,
    /// Records that are durable, counted.
    pub(crate) stored: u64,
    /// Records that were handed over, counted.
    asked: u64,
    links: u64,
    pub(crate) stopping: bool,
}

impl Machine {
    /// A sender that has lived before if `journal` has records. A charge whose attempt was open
    /// when it died is settled as unknown, and never attempted again.
    #[must_use]
    pub fn start(config: Config, journal: &[Record], now: Duration) -> Self {
        let mut machine = Self {
            config,
            ledger: Ledger::of(journal),
            queue: VecDeque::new(),
            current: None,
            stage: Stage::Idle,
            line: None,
            pings: BTreeSet::new(),
            callers: BTreeMap::new(),
            endpoint: 0,
            outputs: VecDeque::new(),
            unanswered: None,
            concluded: None,
            blocked: false,
            picked: BTreeSet::new(),
            hoping: None,
            failures: 0,
            flooded: false,
            has_lived: !journal.is_empty(),
            stored: 0,
            asked: 0,
            links: 0,
            stopping: false,
        };
        machine.resume();
        if machine.config.variant == Some(Variant::ConnectsEarly) {
            machine.connect(now);
            machine.stage = Stage::Idle;
        }
        machine
    }

    /// Takes one input in. Poll afterwards.
    pub fn handle(&mut self, now: Duration, input: Input) {
        match input {
            Input::Exam(exam) => self.take(exam),
            Input::Resend { order, request } => self.asked(order, request),
            Input::Connected(link) if self.pings.remove(&link) => {
                self.outputs.push_back(Output::Disconnect(link));
            }
            Input::Connected(link) if self.owns(link) => self.connected(now),
            Input::Refused(link) if self.owns(link) => self.refused(now),
            Input::Called(link) => self.called(link),
            Input::Received(link, bytes) if self.owns(link) => self.received(now, &bytes),
            Input::Received(link, bytes) => self.told(now, link, &bytes),
            Input::Ended(link) | Input::Reset(link) if self.callers.contains_key(&link) => {
                self.callers.remove(&link);
                self.outputs.push_back(Output::Disconnect(link));
            }
            Input::Ended(link) if self.owns(link) => self.lost(now, sending::Loss::Closed),
            Input::Truncated(link) if self.owns(link) => {
                self.lost(now, sending::Loss::Truncated);
            }
            Input::Reset(link) if self.owns(link) => self.lost(now, sending::Loss::Reset),
            Input::Stored => self.stored += 1,
            Input::ClockMoved(by) => self.clock_moved(now, by),
            Input::Stop => self.stop(),
            // Something about a connection that was given up.
            _ => {}
        }
    }

    /// What to do next, or how long to wait.
    pub fn poll(&mut self, now: Duration) -> Poll {
        // Every step either asks for something or moves on to a later stage, so this ends.
        while self.outputs.is_empty() && self.step(now) {}
        match self.outputs.pop_front() {
            Some(output) => Poll::Output(output),
            None => Poll::WaitUntil(self.deadline()),
        }
    }

    /// What became of each charge so far, in the order in which the exams were taken.
    #[must_use]
    pub fn account(&self) -> Vec<(String, Outcome)> {
        self.ledger.account()
    }

    /// Whether it was asked to stop and has nothing more to do.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stopping && self.current.is_none() && self.outputs.is_empty()
    }

    /// Hands `record` to the journal; the number by which it is known to be durable.
    pub(crate) fn store(&mut self, record: Record) -> u64 {
        self.ledger.apply(&record);
        self.outputs.push_back(Output::Store(record));
        self.asked += 1;
        self.asked
    }

    /// Whether a new message may begin.
    pub(crate) fn may_begin(&self) -> bool {
        !self.stopping && !self.blocked && self.config.bug != Some(Bug::Brick)
    }

    /// A connection that was never used before.
    pub(crate) const fn new_link(&mut self) -> Link {
        self.links += 1;
        Link(self.links)
    }

    /// Looks whether the EMR is there.
    pub(crate) fn ping(&mut self) {
        let (link, endpoint) = (self.new_link(), self.endpoint);
        self.pings.insert(link);
        self.outputs.push_back(Output::Connect { link, endpoint });
    }

    fn owns(&self, link: Link) -> bool {
        self.line.as_ref().is_some_and(|line| line.link == link)
    }

    fn take(&mut self, exam: Arc<Exam>) {
        let order = exam.order.number.clone();
        let known = self.ledger.entries.contains_key(&order);
        if !known {
            if let Some(line) = defect::indiscreet(self.config.bug, &exam) {
                self.outputs.push_back(Output::Log(line));
            }
            self.store(Record::Taken { exam });
            if self.config.bug == Some(Bug::GhostOrders) {
                let ghost = format!("9{order}");
                self.store(Record::Claimed { order: ghost, outcome: Outcome::Delivered });
            }
        }
        if !known || self.config.bug == Some(Bug::DoubleSubmit) {
            self.queue.push_back(Task::whole(order, Kind::Charge));
        }
    }

    /// An operator has looked and decided: this is the one way that leads a charge to the wire again.
    fn asked(&mut self, order: String, request: String) {
        let entry = self.ledger.entries.get(&order);
        if entry.is_none_or(|one| one.charge.attempts == 0 || one.requests.contains(&request)) {
            return;
        }
        self.store(Record::Asked { order: order.clone(), request });
        self.queue.push_back(Task::whole(order.clone(), Kind::Charge));
        if self.config.bug == Some(Bug::ResendsTwiceOnRequest) {
            self.queue.push_back(Task::whole(order, Kind::Charge));
        }
    }

    fn stop(&mut self) {
        self.stopping = true;
        if self.config.bug == Some(Bug::HangsOnPartialAck) {
            self.current = None; // it would never come to its end
            self.stage = Stage::Idle;
        }
        if self.stage.is_waiting_for_connection() {
            self.let_go();
        }
    }

    /// Leaves what it is about to the next life, which the journal tells of it.
    pub(crate) fn let_go(&mut self) {
        self.current = None;
        self.stage = Stage::Idle;
        self.disconnect();
    }

    /// Takes up what earlier lives have left.
    fn resume(&mut self) {
        let mut open = Vec::new();
        let mut last_settled = None;
        for (order, entry) in &self.ledger.entries {
            let replay = self.config.bug == Some(Bug::ReplayOnRestart);
            if entry.is_due() || replay {
                self.queue.push_back(Task::whole(order.clone(), Kind::Charge));
                continue;
            }
            last_settled = Some(order.clone());
            if entry.charge.is_open() {
                open.push(order.clone());
            }
            let again = entry.result.outcome.is_none() && self.config.results.is_some();
            if again {
                self.queue.push_back(Task::whole(order.clone(), Kind::Result));
            }
        }
        for order in open {
            self.settle(order, Kind::Charge, Outcome::Unknown);
        }
        if let (Some(order), Some(Bug::ReplayWholeSpool)) = (last_settled, self.config.bug) {
            self.queue.push_front(Task::whole(order, Kind::Charge));
        }
    }
}
