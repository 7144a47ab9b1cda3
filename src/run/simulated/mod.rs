//! The driver in memory and in virtual time: the reference sender and the EMR talk through
//! queues, and time jumps to the next deadline instead of passing.
//!
//! What is simulated is the wire, the clock, the disk and the process; the EMR, the sender and
//! the steps are the very machines that the real driver uses. The wire is perfect and takes no
//! time; bytes arrive in small pieces where that can make a difference.

mod process;
mod tls;
mod wire;

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::civil::{DateTime, date};
use serde_json::value::RawValue;

use crate::emr::{Door, Failure, Input};
use crate::exam::Exam;
use crate::history::{
    ConnectionId, End, Event, FORMAT_VERSION, Header, History, Incarnation, Seal,
};
use crate::plan::Plan;
use crate::run::command::Command;
use crate::run::disclosure::{Listening, Lookout, Overheard};
use crate::run::drive::{Do, Drive, Happening};
use crate::sender::{self, Bug, Config, Link, Machine, Record};
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

/// Steps after which a simulation that does not end is cut off; a case needs a few hundred.
const MOST_STEPS: usize = 2_000_000;

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
            config: process::config(plan)?,
            processes: BTreeMap::new(),
            journal: Vec::new(),
            inbox: Vec::new(),
            doors: vec![Door::Shut; plan.endpoints.len()],
            silences: Vec::new(),
            accepted: 0,
            lines: BTreeMap::new(),
            to_emr: VecDeque::new(),
            held: VecDeque::new(),
            piece_bytes: wire::piece_bytes(plan),
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
}
