//! The driver in memory and in virtual time: the reference sender and the EMR talk through
//! queues, and time jumps to the next deadline instead of passing.
//!
//! What is simulated is the wire, the clock, the disk and the process; the EMR, the sender and
//! the steps are the very machines that the real driver uses. The wire is perfect and takes no
//! time; bytes arrive in small pieces where that can make a difference.

mod tls;

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::civil::{DateTime, date};
use serde_json::value::RawValue;

use crate::emr::{Door, Failure, Input, WireAct};
use crate::exam::Exam;
use crate::history::{
    Accounted, ConnectionId, End, Ending, Event, FORMAT_VERSION, Header, History, Incarnation,
    Micros, Outcome, Seal, Standard,
};
use crate::plan::{Plan, Step, WireEvent};
use crate::run::command::Command;
use crate::run::disclosure::{Listening, Lookout, Overheard};
use crate::run::drive::{Do, Drive, Happening};
use crate::sender::{self, Bug, Config, Link, Machine, Output, Poll, Record, Variant};
use tls::Security;

/// Why a plan cannot be run in virtual time.
#[derive(Debug, thiserror::Error)]
pub enum SimulationError {
    /// Only the reference sender can be simulated.
    #[error("`{0}` is no defect or habit of the reference sender")]
    UnknownHabit(String),
    /// The defect shows only in a real process.
    #[error("the defect `{0}` shows only in a real process: leave `--simulated` out")]
    NeedsProcess(Bug),
    /// The plan could not be written down.
    #[error("cannot write the plan down: {0}")]
    Plan(#[from] serde_json::Error),
}

/// Runs one case in virtual time, with the reference sender as its sender.
///
/// # Errors
/// A defect or habit that the reference sender does not have.
pub fn run(plan: &Plan) -> Result<History, SimulationError> {
    let plan_text = serde_json::value::to_raw_value(plan)?;
    Ok(History {
        header: header(plan, plan_text),
        events: events(plan, Hands::Quick)?,
        seal: Seal::None,
    })
}

/// How soon the harness does to the sender what it has decided to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hands {
    /// In the same moment.
    #[default]
    Quick,
    /// Once everybody has done what there was to be done in that moment, as over real processes,
    /// where a hand-over, a signal and a clock take their time.
    Slow,
}

/// The same without the plan in the header: for whoever has it, and keeps no history.
///
/// # Errors
/// A defect or habit that the reference sender does not have.
pub fn observe(plan: &Plan, hands: Hands) -> Result<History, SimulationError> {
    Ok(History {
        header: header(plan, RawValue::NULL.to_owned()),
        events: events(plan, hands)?,
        seal: Seal::None,
    })
}

fn events(plan: &Plan, hands: Hands) -> Result<Vec<Event>, SimulationError> {
    let mut world = World::new(plan, hands)?;
    world.run();
    Ok(world.drive.take_events())
}

fn header(plan: &Plan, plan_text: Box<RawValue>) -> Header {
    Header {
        format: "chargeproof-history".to_owned(),
        version: FORMAT_VERSION,
        case: plan.id.clone(),
        started: STARTED.to_owned(),
        sealed: false,
        plan: plan_text,
    }
}

/// The simulated wall clock at time zero, UTC.
const EPOCH: DateTime = date(2026, 1, 5).at(8, 0, 0, 0);

/// The same as a header has it.
const STARTED: &str = "2026-01-05T08:00:00Z";

/// How long a connect of our own waits for nothing before a door counts as full, and longer than
/// anybody needs over loopback to answer.
const SILENCE: Duration = Duration::from_millis(200);

/// Bytes that one delivery carries from the sender to the EMR where something is done to the sender
/// while a message arrives, so that the message is not there as a whole before that.
const PIECE_BYTES: usize = 128;

/// The same where nothing is, and it makes no difference how bytes are cut: what a segment of
/// Ethernet has room for.
const SEGMENT_BYTES: usize = 1_460;

/// Deliveries that one write leads to at the most.
const MOST_PIECES: usize = 1_000;

/// Steps after which a simulation that does not end is cut off; a case needs a few hundred.
const MOST_STEPS: usize = 2_000_000;

/// The exit code of the reference sender when another one holds its state.
const LOCKED_OUT: i32 = 1;

struct World<'p> {
    plan: &'p Plan,
    now: Duration,
    drive: Drive,
    config: Config,
    /// The sender's processes that live, by life: one, or two beside each other.
    processes: BTreeMap<Incarnation, Process>,
    /// What survives the sender: its disk, and the inbox that it reads.
    journal: Vec<Record>,
    inbox: Vec<Arc<Exam>>,
    doors: Vec<Door>,
    /// When a connect to a full door will have met silence for long enough to say so.
    silences: Vec<(Duration, usize)>,
    accepted: ConnectionId,
    lines: BTreeMap<ConnectionId, Line>,
    /// What is on its way to the EMR.
    to_emr: VecDeque<Delivery>,
    /// What has come and is neither accepted nor read yet, in the order of its coming.
    held: VecDeque<Delivery>,
    /// How many bytes arrive at once.
    piece_bytes: usize,
    hands: Hands,
    /// What slow hands have still to do.
    later: VecDeque<Command>,
    /// How often an operator has asked for something.
    requests: u32,
    /// What is looked for in what a process prints, once one does.
    lookout: Option<Rc<Lookout>>,
    /// How many certificates the sender has refused.
    refused: u32,
}

/// A living process of the sender.
struct Process {
    machine: Machine,
    /// When it wants to be asked again.
    wake: Option<Duration>,
    /// What it would hear if it were not standing still.
    held: Option<Vec<sender::Input>>,
    /// What it has printed to its standard error, from the first line on.
    log: Option<Listening>,
    overheard: Overheard,
}

#[derive(Clone, Copy)]
struct Line {
    /// The life that has opened it.
    of: Incarnation,
    link: Link,
    endpoint: usize,
    /// How it stands with TLS.
    security: Security,
    /// The sender still holds its end.
    open: bool,
    /// It was written to after that; whatever else is written finds a reset.
    refused: bool,
    /// The EMR does not read it, or has not accepted it.
    held: bool,
}

enum Delivery {
    Accepted {
        connection: ConnectionId,
        endpoint: usize,
        of: Incarnation,
    },
    Bytes {
        connection: ConnectionId,
        bytes: Bytes,
    },
    /// Bytes in the clear, to an EMR that waits for a greeting.
    Plainly {
        connection: ConnectionId,
        link: Link,
        bytes: Vec<u8>,
    },
    /// Bytes under a TLS that the EMR has refused.
    Ahead {
        connection: ConnectionId,
        bytes: Bytes,
    },
    TlsFailed {
        connection: ConnectionId,
        failure: Failure,
    },
    Ended {
        connection: ConnectionId,
        how: End,
    },
}

impl<'p> World<'p> {
    fn new(plan: &'p Plan, hands: Hands) -> Result<Self, SimulationError> {
        Ok(Self {
            plan,
            now: Duration::ZERO,
            drive: Drive::new(plan, EPOCH),
            config: config(plan)?,
            processes: BTreeMap::new(),
            journal: Vec::new(),
            inbox: Vec::new(),
            doors: vec![Door::Shut; plan.endpoints.len()],
            silences: Vec::new(),
            accepted: 0,
            lines: BTreeMap::new(),
            to_emr: VecDeque::new(),
            held: VecDeque::new(),
            piece_bytes: piece_bytes(plan),
            hands,
            later: VecDeque::new(),
            requests: 0,
            lookout: None,
            refused: 0,
        })
    }

    fn run(&mut self) {
        for _ in 0..MOST_STEPS {
            if let Some(what) = self.drive.next(self.now) {
                self.carry_out(what);
            } else if self.drive.is_finished() {
                return;
            } else if let Some(delivery) = self.to_emr.pop_front() {
                self.deliver(delivery);
            } else if self.poll_sender() {
            } else if let Some(command) = self.later.pop_front() {
                self.command(command);
            } else if !self.jump() {
                return; // nothing will ever happen again, and no end was recorded
            }
        }
    }

    /// Goes to the next deadline; whether there was one.
    fn jump(&mut self) -> bool {
        let drive = self.drive.deadline(self.now);
        let silence = self.silences.first().map(|(at, _)| *at);
        let wakes = self.processes.values().filter(|one| one.held.is_none());
        let wakes = wakes.filter_map(|one| one.wake);
        let Some(next) = wakes.chain(drive).chain(silence).min() else {
            return false;
        };
        self.now = self.now.max(next);
        self.processes.values_mut().for_each(|one| one.wake = None);
        if let Some((_, endpoint)) = self.silences.pop_if(|(at, _)| *at <= self.now) {
            self.emr(Input::SilenceSeen { endpoint, waited: SILENCE });
        }
        self.drive.happened(self.now, Happening::Tick);
        true
    }

    fn emr(&mut self, input: Input<'_>) {
        self.drive.happened(self.now, Happening::Emr(input));
    }

    fn sender(&mut self, of: Incarnation, input: sender::Input) {
        if let Some(process) = self.processes.get_mut(&of) {
            match &mut process.held {
                Some(held) => held.push(input),
                None => process.machine.handle(self.now, input),
            }
        }
    }

    /// Everybody who is up hears of it.
    fn everybody(&mut self, input: &sender::Input) {
        let lives: Vec<Incarnation> = self.processes.keys().copied().collect();
        for of in lives {
            self.sender(of, input.clone());
        }
    }

    fn carry_out(&mut self, what: Do) {
        match what {
            Do::Wire(act) => self.act(act),
            Do::Drain => {
                while let Some(delivery) = self.to_emr.pop_front() {
                    self.deliver(delivery);
                }
            }
            Do::Sender(command) => self.soon(command),
        }
    }

    fn act(&mut self, act: WireAct) {
        match act {
            WireAct::Write { connection, bytes } => self.write_to_sender(connection, &bytes),
            WireAct::End { connection, how } => self.end_by_emr(connection, how),
            WireAct::Secure { connection, handshake } => self.secure(connection, &handshake),
            WireAct::Listen { endpoint, door } => self.meet(endpoint, door),
            WireAct::Visit { endpoint } => {
                let accepted = self.doors[endpoint] == Door::Open;
                self.emr(Input::Visited { endpoint, accepted });
            }
            WireAct::Read { connection, on } => self.read(connection, on),
            WireAct::Call { call } => self.call(call),
        }
    }

    /// Does something to the sender, after whatever was to be done to it before.
    fn soon(&mut self, command: Command) {
        if self.hands == Hands::Slow {
            match command {
                // What is to be done at once finds a sender that has gone on meanwhile.
                Command::End { .. } => while self.poll_sender() {},
                // A process that is started comes to itself after one that runs.
                Command::Start { .. }
                | Command::Pause { .. }
                | Command::Submit { .. }
                | Command::Jump { .. } => return self.later.push_back(command),
                _ if !self.later.is_empty() => return self.later.push_back(command),
                _ => {}
            }
        }
        while let Some(before) = self.later.pop_front() {
            self.command(before);
        }
        self.command(command);
    }

    /// Connects to the port on which the sender takes acknowledgements; it listens as long as it
    /// lives.
    fn call(&mut self, call: u32) {
        let of = self.drive.incarnation();
        if !self.processes.contains_key(&of) {
            return self.emr(Input::CallFailed { call });
        }
        self.accepted += 1;
        let connection = self.accepted;
        let link = Link::of_caller(connection.into());
        let security = Security::Plain;
        let (endpoint, open, refused, held) = (0, true, false, false);
        self.lines.insert(connection, Line { of, link, endpoint, security, open, refused, held });
        self.sender(of, sender::Input::Called(link));
        self.emr(Input::Called { call, connection, incarnation: of });
    }

    fn write_to_sender(&mut self, connection: ConnectionId, bytes: &[u8]) {
        // As with a real socket, the first write to a peer that has closed is still taken.
        let mut taken = true;
        match self.lines.get_mut(&connection) {
            Some(line) if line.open && line.security.is_under_way() => {
                self.emr(Input::Wrote { connection, bytes, complete: true });
                return self.misunderstood(connection);
            }
            Some(Line { of, link, open: true, .. }) => {
                let (of, link) = (*of, *link);
                self.sender(of, sender::Input::Received(link, bytes.to_vec()));
            }
            Some(line) => taken = !std::mem::replace(&mut line.refused, true),
            None => taken = false,
        }
        let bytes = if taken { bytes } else { &[] };
        self.emr(Input::Wrote { connection, bytes, complete: taken });
    }

    fn end_by_emr(&mut self, connection: ConnectionId, how: End) {
        if let Some(Line { of, link, open: true, security, .. }) =
            self.lines.get(&connection).copied()
        {
            if security.is_under_way() {
                self.not_secured(connection);
            } else if how == End::Truncated {
                self.sender(of, sender::Input::Truncated(link));
            } else if how == End::Reset {
                self.lines.remove(&connection);
                self.sender(of, sender::Input::Reset(link));
            } else {
                self.sender(of, sender::Input::Ended(link));
            }
        }
        if how == End::Reset {
            self.deliver_at_once(connection);
        }
        self.emr(Input::EndDone { connection, how });
    }

    /// What is on its way when a connection is reset has arrived, as over a real socket.
    fn deliver_at_once(&mut self, connection: ConnectionId) {
        let mut of_it = take(&mut self.held, connection);
        of_it.append(&mut take(&mut self.to_emr, connection));
        for delivery in of_it {
            if let Delivery::Bytes { connection, bytes } = delivery {
                self.emr(Input::Received { connection, bytes: &bytes });
            }
        }
    }

    /// Meets those who connect to an endpoint in another way.
    fn meet(&mut self, endpoint: usize, door: Door) {
        let listens = |door: Door| matches!(door, Door::Open | Door::Unattended);
        if door != Door::Unattended {
            self.accept_waiting(endpoint);
        }
        let before = std::mem::replace(&mut self.doors[endpoint], door);
        if listens(before) != listens(door) {
            self.emr(Input::Listening { endpoint, up: listens(door) });
        }
        self.silences.retain(|(_, at)| *at != endpoint);
        match door {
            Door::Shut => self.emr(Input::RefusalSeen { endpoint }),
            Door::Full => self.silences.push((self.now + SILENCE, endpoint)),
            Door::Open | Door::Unattended => {}
        }
    }

    /// What waits before a door is let in.
    fn accept_waiting(&mut self, endpoint: usize) {
        let waiting: Vec<ConnectionId> =
            self.held.iter().filter(|one| one.is_at(endpoint)).map(Delivery::connection).collect();
        for connection in waiting {
            self.release(connection);
            self.to_emr.pop_front(); // its acceptance comes first
            let incarnation = self.drive.incarnation();
            self.emr(Input::Accepted { connection, endpoint, incarnation });
        }
    }

    /// Stops reading a connection, or goes on.
    fn read(&mut self, connection: ConnectionId, on: bool) {
        let waiting = self.held.iter().filter(|one| one.connection() == connection);
        let waiting = waiting.map(|one| one.length() as u64).sum();
        self.emr(Input::Reading { connection, on, waiting });
        if on {
            self.release(connection);
        } else {
            self.hold(connection);
        }
    }

    fn hold(&mut self, connection: ConnectionId) {
        if let Some(line) = self.lines.get_mut(&connection) {
            line.held = true;
        }
    }

    /// What was held of a connection is on its way again, before anything that came later.
    fn release(&mut self, connection: ConnectionId) {
        if let Some(line) = self.lines.get_mut(&connection) {
            line.held = false;
        }
        let mut of_it = take(&mut self.held, connection);
        of_it.append(&mut self.to_emr);
        self.to_emr = of_it;
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Start { incarnation } => self.start(incarnation),
            Command::Submit { exam } => {
                if let Some(exam) = self.plan.exams.get(&exam) {
                    self.inbox.push(Arc::clone(exam));
                    self.everybody(&sender::Input::Exam(Arc::clone(exam)));
                }
            }
            Command::Resend { exam } => {
                if let Some(exam) = self.plan.exams.get(&exam) {
                    self.requests += 1;
                    let (order, request) = (exam.order.number.clone(), self.requests.to_string());
                    self.everybody(&sender::Input::Resend { order, request });
                }
                self.drive.happened(self.now, Happening::Asked { failed: None });
            }
            Command::End { incarnation, how: Ending::Stop } => {
                if self.config.bug == Some(Bug::IgnoresTerminate) {
                    return;
                }
                self.sender(incarnation, sender::Input::Stop);
            }
            Command::End { incarnation, how: Ending::Kill } => {
                self.exited(incarnation, None, Some(9));
            }
            Command::Pause { incarnation } => {
                let process = self.processes.get_mut(&incarnation);
                let seen = process.map(|one| one.held = Some(Vec::new())).is_some();
                self.drive.happened(self.now, Happening::Paused { seen });
            }
            Command::Resume { incarnation } => self.resume(incarnation),
            Command::Jump { by } => self.jump_clock(by),
            Command::Account => self.account(),
            Command::LeaveAlone | Command::Finish => {}
        }
    }

    fn start(&mut self, incarnation: Incarnation) {
        self.drive.happened(self.now, Happening::Started { incarnation });
        if !self.processes.is_empty() && self.config.bug != Some(Bug::NoLock) {
            // It finds the state locked, says so and leaves.
            self.printed(incarnation, None);
            let exited = Happening::Exited { incarnation, code: Some(LOCKED_OUT), signal: None };
            self.drive.happened(self.now, exited);
            return;
        }
        let machine = Machine::start(self.config.clone(), &self.journal, self.now);
        let overheard = Overheard::default();
        let process = Process { machine, wake: None, held: None, log: None, overheard };
        self.processes.insert(incarnation, process);
        for exam in self.inbox.clone() {
            self.sender(incarnation, sender::Input::Exam(exam));
        }
    }

    /// Lets a process go on that was standing still. What has arrived meanwhile it hears before
    /// any timer, unless its defect is the other way round.
    fn resume(&mut self, incarnation: Incarnation) {
        let process = self.processes.get_mut(&incarnation);
        let held = process.and_then(|one| one.held.take());
        self.drive.happened(self.now, Happening::Resumed { seen: held.is_some() });
        if self.config.bug == Some(Bug::PauseRace) {
            while self.poll_one(incarnation) {}
        }
        for input in held.into_iter().flatten() {
            self.sender(incarnation, input);
        }
    }

    /// Moves the wall clock, of this life and of all that follow.
    fn jump_clock(&mut self, by: Micros) {
        let span = jiff::SignedDuration::try_from(Duration::from(by));
        self.config.epoch = self.config.epoch.saturating_add(span.unwrap_or_default());
        self.everybody(&sender::Input::ClockMoved(by.into()));
        self.drive.happened(self.now, Happening::Jumped { by, failed: None });
    }

    fn account(&mut self) {
        let rows = sender::account(&self.journal);
        let rows = rows.into_iter();
        let charges = rows.map(|(order, outcome)| Accounted { order, outcome: said(outcome) });
        self.drive.happened(self.now, Happening::Account(charges.collect()));
    }

    /// A process of the sender is gone, and its connections end.
    fn exited(&mut self, incarnation: Incarnation, code: Option<i32>, signal: Option<i32>) {
        let process = self.processes.remove(&incarnation);
        for endpoint in 0..self.doors.len() {
            self.accept_waiting(endpoint);
        }
        let of = |(id, line): (&ConnectionId, &Line)| (line.of == incarnation).then_some(*id);
        let open: Vec<ConnectionId> = self.lines.iter().filter_map(of).collect();
        // Who is killed says no last word.
        let how = if signal.is_some() { End::Truncated } else { End::Close };
        for connection in open {
            self.end_by_sender(connection, how);
        }
        self.printed(incarnation, process);
        self.drive.happened(self.now, Happening::Exited { incarnation, code, signal });
    }

    /// Tells what a process has printed that is gone.
    fn printed(&mut self, incarnation: Incarnation, process: Option<Process>) {
        let (log, mut overheard) = process.map(|one| (one.log, one.overheard)).unwrap_or_default();
        if let Some(mut log) = log {
            log.end(&mut overheard);
        }
        self.drive.happened(self.now, Happening::printed(incarnation, &overheard));
    }

    /// A process prints a line.
    fn print(&mut self, of: Incarnation, line: &str) {
        let lookout = self.lookout.get_or_insert_with(|| Lookout::of(&self.plan.exams));
        if let Some(process) = self.processes.get_mut(&of) {
            let listening = || Listening::new(Rc::clone(lookout), Standard::Error);
            let log = process.log.get_or_insert_with(listening);
            log.hear(format!("{line}\n").as_bytes(), &mut process.overheard);
        }
    }

    fn end_by_sender(&mut self, connection: ConnectionId, how: End) {
        if let Some(line) = self.lines.get_mut(&connection)
            && std::mem::take(&mut line.open)
        {
            let how = if line.security == Security::Stands { how } else { End::Close };
            self.to_emr.push_back(Delivery::Ended { connection, how });
        }
    }

    /// Lets the sender do one thing; whether it had anything to do.
    fn poll_sender(&mut self) -> bool {
        let mut next = self.processes.keys().next().copied();
        while let Some(of) = next {
            if self.poll_one(of) {
                return true;
            }
            next = self.processes.range(of + 1..).next().map(|(of, _)| *of);
        }
        false
    }

    fn poll_one(&mut self, of: Incarnation) -> bool {
        let Some(process) = self.processes.get_mut(&of).filter(|one| one.held.is_none()) else {
            return false;
        };
        match process.machine.poll(self.now) {
            Poll::Output(output) => self.sender_output(of, output),
            Poll::WaitUntil(_) if process.machine.is_stopped() => self.exited(of, Some(0), None),
            Poll::WaitUntil(wake) => {
                process.wake = wake;
                return false;
            }
        }
        true
    }

    fn sender_output(&mut self, of: Incarnation, output: Output) {
        match output {
            Output::Connect { link, endpoint } => self.connect(of, link, endpoint),
            Output::Write { link, bytes } => self.write_to_emr(of, link, bytes.into()),
            Output::Disconnect(link) => {
                if let Some(connection) = self.connection(of, link) {
                    self.end_by_sender(connection, End::Close);
                }
            }
            Output::Store(record) => {
                if let Record::Taken { exam } = &record {
                    self.inbox.retain(|one| one.order.number != exam.order.number);
                }
                self.journal.push(record);
                self.sender(of, sender::Input::Stored);
            }
            Output::Log(line) => self.print(of, &line),
        }
    }

    fn connect(&mut self, of: Incarnation, link: Link, endpoint: usize) {
        match self.doors.get(endpoint) {
            Some(Door::Open | Door::Unattended) => {}
            Some(Door::Full) => return, // nobody says anything
            _ => return self.sender(of, sender::Input::Refused(link)),
        }
        let security = if self.plan.tls.is_some() { Security::UnderWay } else { Security::Plain };
        self.open(of, link, endpoint, security);
    }

    fn open(&mut self, of: Incarnation, link: Link, endpoint: usize, security: Security) {
        self.accepted += 1;
        let connection = self.accepted;
        let line = Line { of, link, endpoint, security, open: true, refused: false, held: false };
        self.lines.insert(connection, line);
        self.to_emr.push_back(Delivery::Accepted { connection, endpoint, of });
        if !security.is_under_way() {
            self.sender(of, sender::Input::Connected(link));
        }
    }

    fn write_to_emr(&mut self, of: Incarnation, link: Link, bytes: Bytes) {
        let Some(connection) = self.connection(of, link) else {
            return;
        };
        if self.is_plain_talk(connection) {
            return self.talk_plainly(connection, link, &bytes);
        }
        if self.is_refused(connection) {
            return self.to_emr.push_back(Delivery::Ahead { connection, bytes });
        }
        // A message goes in small pieces, and what no message is as long as in few.
        let length = self.piece_bytes.max(bytes.len() / MOST_PIECES);
        let mut rest = bytes;
        while !rest.is_empty() {
            let bytes = rest.split_to(length.min(rest.len()));
            self.to_emr.push_back(Delivery::Bytes { connection, bytes });
        }
    }

    fn connection(&self, of: Incarnation, link: Link) -> Option<ConnectionId> {
        let is_it = |line: &Line| line.of == of && line.link == link && line.open;
        self.lines.iter().find(|(_, line)| is_it(line)).map(|(id, _)| *id)
    }

    fn deliver(&mut self, delivery: Delivery) {
        let connection = delivery.connection();
        if let Delivery::Accepted { endpoint, .. } = delivery
            && self.doors[endpoint] == Door::Unattended
        {
            self.hold(connection);
            let first = !self.held.iter().any(|one| one.is_at(endpoint));
            self.held.push_back(delivery);
            if first {
                self.emr(Input::Waiting { endpoint });
            }
            return;
        }
        if self.lines.get(&connection).is_some_and(|line| line.held) {
            let first = !self.held.iter().any(|one| one.connection() == connection);
            let is_read = matches!(delivery, Delivery::Bytes { .. });
            self.held.push_back(delivery);
            if first && is_read {
                self.emr(Input::Held { connection });
            }
            return;
        }
        match delivery {
            Delivery::Accepted { connection, endpoint, of } => {
                self.emr(Input::Accepted { connection, endpoint, incarnation: of });
            }
            Delivery::Bytes { connection, bytes } => {
                self.emr(Input::Received { connection, bytes: &bytes });
            }
            Delivery::Plainly { connection, link, bytes } => {
                self.hear_plainly(connection, link, &bytes);
            }
            Delivery::Ahead { connection, bytes } => self.hear_ahead(connection, &bytes),
            Delivery::TlsFailed { connection, failure } => {
                self.emr(Input::TlsFailed { connection, failure });
            }
            Delivery::Ended { connection, how } => self.emr(Input::Ended { connection, how }),
        }
    }
}

/// What belongs to this connection, taken out in its order.
fn take(from: &mut VecDeque<Delivery>, connection: ConnectionId) -> VecDeque<Delivery> {
    let all = std::mem::take(from).into_iter();
    let (taken, left) = all.partition(|delivery| delivery.connection() == connection);
    *from = left;
    taken
}

impl Delivery {
    const fn connection(&self) -> ConnectionId {
        match self {
            Self::Accepted { connection, .. }
            | Self::Bytes { connection, .. }
            | Self::Plainly { connection, .. }
            | Self::Ahead { connection, .. }
            | Self::TlsFailed { connection, .. }
            | Self::Ended { connection, .. } => *connection,
        }
    }

    /// Whether it is a connection to this endpoint.
    fn is_at(&self, wanted: usize) -> bool {
        matches!(self, Self::Accepted { endpoint, .. } if *endpoint == wanted)
    }

    fn length(&self) -> usize {
        if let Self::Bytes { bytes, .. } = self { bytes.len() } else { 0 }
    }
}

/// How many bytes of a message arrive at once.
fn piece_bytes(plan: &Plan) -> usize {
    let is_inside = |at: &WireEvent| {
        matches!(at, WireEvent::FirstByte | WireEvent::Bytes(_) | WireEvent::InsideFt1)
    };
    let strikes_inside = plan.steps.iter().any(|step| match step {
        Step::Kill(at) | Step::Fault { at, .. } => is_inside(at),
        _ => false,
    });
    if strikes_inside { PIECE_BYTES } else { SEGMENT_BYTES }
}

fn config(plan: &Plan) -> Result<Config, SimulationError> {
    let unknown = |name: &String| SimulationError::UnknownHabit(name.clone());
    let bug = plan.sender.bug.as_ref();
    let bug: Option<Bug> = bug.map(|name| name.parse().map_err(|_| unknown(name))).transpose()?;
    if let Some(bug) = bug.filter(|bug| bug.needs_process()) {
        return Err(SimulationError::NeedsProcess(bug));
    }
    let variant = plan.sender.variant.as_ref();
    let variant: Option<Variant> =
        variant.map(|name| name.parse().map_err(|_| unknown(name))).transpose()?;
    Ok(Config {
        mapping: plan.mapping.clone(),
        results: plan.results.clone(),
        endpoints: plan.endpoints.len(),
        ack_timeout: plan.limits.ack_timeout.into(),
        retry_every: plan.limits.longest_retry.into(),
        epoch: EPOCH,
        bug,
        variant,
    })
}

const fn said(outcome: sender::Outcome) -> Outcome {
    match outcome {
        sender::Outcome::Delivered => Outcome::Delivered,
        sender::Outcome::Rejected => Outcome::Rejected,
        sender::Outcome::Unknown => Outcome::Unknown,
        sender::Outcome::NotSent => Outcome::NotSent,
    }
}
