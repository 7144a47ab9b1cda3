//! The machine: what arrives goes in, what is to be done comes out, what was seen is recorded.

pub(crate) mod acts;
pub(crate) mod batches;
pub(crate) mod calls;
pub(crate) mod connection;
pub(crate) mod connections;
pub(crate) mod doors;
pub(crate) mod handshake;
pub(crate) mod receiving;
pub(crate) mod sending;
pub(crate) mod sessions;
pub(crate) mod turn;
pub(crate) mod twins;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::DateTime;

use crate::emr::faults::matching::Script;
use crate::emr::machine::acts::WireAct;
use crate::emr::machine::calls::Call;
use crate::emr::machine::connection::Job;
use crate::emr::machine::connections::Connections;
use crate::emr::machine::doors::{Door, Standing};
use crate::emr::machine::handshake::{Failure, Secured};
use crate::emr::machine::turn::Turn;
use crate::history::{Bounds, ConnectionId, End, Incarnation, Recorder, What};
use crate::plan::fault::Connection;
use crate::plan::{Behaviour, Fault, Orders, Plan, Tls, WireEvent};
#[cfg(feature = "planted-defects")]
use crate::planted::{Planted, is};

/// What an EMR needs to know before it starts.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(crate) endpoints: Vec<String>,
    pub(crate) orders: Arc<Orders>,
    pub(crate) ack_timeout: Duration,
    pub(crate) message_bytes: usize,
    pub(crate) epoch: DateTime,
    pub(crate) seed: u64,
    pub(crate) tls: Option<Tls>,
}

impl Settings {
    /// Settings for one plan; `epoch` is the EMR's wall clock at the start of the case.
    #[must_use]
    pub fn of(plan: &Plan, epoch: DateTime) -> Self {
        Self {
            endpoints: plan.endpoints.clone(),
            orders: Arc::clone(plan.messages().orders()),
            ack_timeout: plan.limits.ack_timeout.into(),
            message_bytes: usize::try_from(plan.limits.message_bytes).unwrap_or(usize::MAX),
            epoch,
            seed: plan.seed,
            tls: plan.tls.clone(),
        }
    }
}

/// Something that happened to the EMR.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// An endpoint listens now, or no longer.
    Listening {
        /// Index of the endpoint.
        endpoint: usize,
        /// Whether it listens.
        up: bool,
    },
    /// A connect to a closed endpoint was seen to be refused.
    RefusalSeen {
        /// Index of the endpoint.
        endpoint: usize,
    },
    /// A connect to an endpoint got neither an answer nor a refusal.
    SilenceSeen {
        /// Index of the endpoint.
        endpoint: usize,
        /// For how long.
        waited: Duration,
    },
    /// The system has taken a connection for an endpoint that is unattended.
    Waiting {
        /// Index of the endpoint.
        endpoint: usize,
    },
    /// Bytes have come on a connection that is not read.
    Held {
        /// Which connection.
        connection: ConnectionId,
    },
    /// Reading was stopped, or goes on.
    Reading {
        /// Which connection.
        connection: ConnectionId,
        /// Whether it goes on.
        on: bool,
        /// How many bytes have waited for it.
        waiting: u64,
    },
    /// A connection of the harness's own was accepted, or could not be made.
    Visited {
        /// Index of the endpoint.
        endpoint: usize,
        /// Whether it was accepted.
        accepted: bool,
    },
    /// A connection was accepted.
    Accepted {
        /// Its number.
        connection: ConnectionId,
        /// Index of the endpoint.
        endpoint: usize,
        /// The life of the sender that opened it.
        incarnation: Incarnation,
    },
    /// The sender has taken a call: a connection to its own port.
    Called {
        /// Which call.
        call: u32,
        /// The number of the connection.
        connection: ConnectionId,
        /// The life of the sender that took it.
        incarnation: Incarnation,
    },
    /// The sender has not taken a call.
    CallFailed {
        /// Which call.
        call: u32,
    },
    /// Bytes arrived.
    Received {
        /// On which connection.
        connection: ConnectionId,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// A connection's ClientHello arrived.
    Greeted {
        /// On which connection.
        connection: ConnectionId,
    },
    /// A connection's handshake is complete; what is received from here on was under TLS.
    Secured {
        /// Which connection.
        connection: ConnectionId,
        /// What both sides agreed on.
        secured: Secured,
    },
    /// TLS failed on a connection.
    TlsFailed {
        /// Which connection.
        connection: ConnectionId,
        /// How.
        failure: Failure,
    },
    /// What is received from here on was under the TLS that has failed.
    WroteAhead {
        /// On which connection.
        connection: ConnectionId,
    },
    /// The sender speaks in the clear where it had greeted with TLS.
    WroteInTheClear {
        /// On which connection.
        connection: ConnectionId,
    },
    /// Bytes arrived that nobody can read; to be told once for a connection.
    Undecryptable {
        /// On which connection.
        connection: ConnectionId,
        /// How many.
        bytes: u64,
    },
    /// So many bytes have arrived and are not read, for there were too many.
    LeftUnread {
        /// On which connection.
        connection: ConnectionId,
        /// How many.
        bytes: u64,
    },
    /// The sender ended its side.
    Ended {
        /// Which connection.
        connection: ConnectionId,
        /// How.
        how: End,
    },
    /// A write that was asked for has been taken, in whole or in part.
    Wrote {
        /// On which connection.
        connection: ConnectionId,
        /// What was taken.
        bytes: &'a [u8],
        /// Whether that was all of it; if not, the connection takes no more.
        complete: bool,
    },
    /// An end that was asked for has been carried out.
    EndDone {
        /// Which connection.
        connection: ConnectionId,
        /// How.
        how: End,
    },
    /// An exam was handed to the sender.
    Submitted {
        /// Its name.
        exam: &'a str,
    },
    /// The sender was killed: nothing more is said to this life of it.
    SenderKilled {
        /// Which life.
        incarnation: Incarnation,
    },
    /// The sender's process is gone.
    SenderGone,
    /// Somebody waits for this wire event; the first from now on is reported.
    Watch(WireEvent),
    /// From here on the EMR is healthy.
    Heal,
    /// Time has passed.
    Tick,
    /// Nothing more will be waited for: what the system holds for us is to be read.
    Closing,
    /// The case is over: what is under way on connections that are still open is all there is.
    Over,
}

/// Something that the driver is to do, or wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// To be done on the wire.
    Wire(WireAct),
    /// The wire event that was waited for has come.
    Reached(WireEvent),
    /// The EMR has dealt with the message of this exam.
    Dealt(Arc<str>),
}

/// The simulated EMR.
#[derive(Debug)]
pub struct Emr {
    pub(crate) settings: Settings,
    pub(crate) script: Script,
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) connections: Connections,
    pub(crate) waits: BTreeSet<(Duration, ConnectionId)>,
    /// Connections that will be ended when nothing is said on them until then.
    pub(crate) idles: BTreeSet<(Duration, ConnectionId)>,
    /// Other clients that are awaited, by the endpoint that they come to and who awaits them.
    pub(crate) visits: Vec<(usize, ConnectionId)>,
    pub(crate) standing: Vec<Standing>,
    /// What waits for the next message at an endpoint.
    pub(crate) parked: Vec<Parked>,
    /// Calls that the sender has not yet taken, and how many there were.
    pub(crate) calls: Vec<Call>,
    pub(crate) called: u32,
    pub(crate) attempts: BTreeMap<Arc<str>, u32>,
    pub(crate) expecting: Option<Arc<str>>,
    /// Exams that were handed over and share their order with others, in the order in which they were.
    pub(crate) handed_over: Vec<Arc<str>>,
    /// The first exams of such orders whose charge was dealt with.
    pub(crate) dealt_with: BTreeSet<Arc<str>>,
    pub(crate) watch: Option<WireEvent>,
    pub(crate) outputs: VecDeque<Output>,
    pub(crate) answers: u64,
    /// Lives of the sender that were killed: nothing more is said to them.
    pub(crate) killed: BTreeSet<Incarnation>,
}

/// What is to be played.
fn script(plan: &Plan) -> Vec<Behaviour> {
    #[cfg(feature = "planted-defects")]
    if is(Planted::FaultNeverFires) {
        return Vec::new();
    }
    plan.script.clone()
}

/// Something to be said once another message has arrived.
#[derive(Debug)]
pub(crate) struct Parked {
    pub(crate) endpoint: usize,
    pub(crate) from: ConnectionId,
    pub(crate) turn: Turns,
    pub(crate) job: Job,
}

/// When it is its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turns {
    /// Before the answer to that other message.
    First,
    /// After it.
    Last,
}

#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) connections: u32,
    pub(crate) messages: u32,
    pub(crate) previous: Vec<u8>,
    /// When its last message arrived.
    pub(crate) heard: Option<Duration>,
}

impl Emr {
    /// An EMR that plays the script of `plan`.
    #[must_use]
    pub fn new(plan: &Plan, settings: Settings) -> Self {
        let endpoint = |_: &String| Endpoint {
            connections: 0,
            messages: 0,
            previous: Vec::new(),
            heard: None,
        };
        let mut emr = Self {
            script: Script::new(script(plan)),
            endpoints: settings.endpoints.iter().map(endpoint).collect(),
            connections: Connections::default(),
            waits: BTreeSet::new(),
            idles: BTreeSet::new(),
            visits: Vec::new(),
            standing: Vec::new(),
            parked: Vec::new(),
            calls: Vec::new(),
            called: 0,
            attempts: BTreeMap::new(),
            expecting: None,
            handed_over: Vec::new(),
            dealt_with: BTreeSet::new(),
            watch: None,
            outputs: VecDeque::new(),
            answers: 0,
            killed: BTreeSet::new(),
            settings,
        };
        for endpoint in 0..emr.endpoints.len() {
            emr.ask(WireAct::Listen { endpoint, door: Door::Open });
        }
        // Nothing can be seen yet, so nothing is recorded.
        let mut recorder = Recorder::new(Bounds { pieces: 0, bytes: 0 });
        Turn { emr: &mut emr, now: Duration::ZERO, recorder: &mut recorder }.stand(None);
        emr
    }

    /// Takes what happened at `now`; afterwards [`Emr::poll`] until it says none.
    pub fn handle(&mut self, now: Duration, input: Input<'_>, recorder: &mut Recorder) {
        let mut turn = Turn { emr: self, now, recorder };
        match input {
            Input::Listening { endpoint, up } => turn.listening(endpoint, up),
            Input::RefusalSeen { endpoint } => turn.refusal_seen(endpoint),
            Input::SilenceSeen { endpoint, waited } => turn.silence_seen(endpoint, waited),
            Input::Waiting { endpoint } => turn.waiting(endpoint),
            Input::Visited { endpoint, accepted } => turn.visited(endpoint, accepted),
            Input::Held { connection } => turn.held(connection),
            Input::Reading { connection, on, waiting } => turn.reading(connection, on, waiting),
            Input::Accepted { connection, endpoint, incarnation } => {
                turn.accepted(connection, endpoint, incarnation);
            }
            Input::Called { call, connection, incarnation } => {
                turn.called(call, connection, incarnation);
            }
            Input::CallFailed { call } => turn.call_failed(call),
            Input::Received { connection, bytes } => turn.received(connection, bytes),
            Input::Greeted { connection } => turn.greeted(connection),
            Input::Secured { connection, secured } => turn.secured(connection, secured),
            Input::TlsFailed { connection, failure } => turn.tls_failed(connection, failure),
            Input::WroteAhead { connection } => {
                turn.record(What::WroteAhead { connection });
            }
            Input::WroteInTheClear { connection } => {
                turn.record(What::WroteInTheClear { connection });
            }
            Input::Undecryptable { connection, bytes } => {
                turn.record(What::Undecryptable { connection, bytes });
                turn.refuse(connection);
            }
            Input::LeftUnread { connection, bytes } => turn.left_unread(connection, bytes),
            Input::Ended { connection, how } => turn.ended(connection, how),
            Input::Wrote { connection, bytes, complete } => turn.wrote(connection, bytes, complete),
            Input::EndDone { connection, how } => turn.end_done(connection, how),
            Input::Submitted { exam } => turn.submitted(exam),
            Input::SenderKilled { incarnation } => turn.sender_killed(incarnation),
            Input::SenderGone => {
                turn.lift(|one| one.fault == Fault::Connection(Connection::NoRead))
            }
            Input::Watch(event) => turn.emr.watch = Some(event),
            Input::Heal => turn.heal(),
            Input::Tick => turn.tick(),
            Input::Closing => turn.lift(|_| true),
            Input::Over => turn.over(),
        }
    }

    /// Asks for something to be done on the wire, after all that was asked for before.
    pub(crate) fn ask(&mut self, act: WireAct) {
        self.outputs.push_back(Output::Wire(act));
    }

    /// What is to be done next; none until something happens or [`Emr::deadline`] comes.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When the EMR wants an [`Input::Tick`], if ever.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let wait = self.waits.first().map(|(at, _)| *at);
        let standing = self.standing.iter().filter(|one| !one.over).filter_map(|one| one.until);
        let idle = self.idles.first().map(|(at, _)| *at);
        wait.into_iter().chain(idle).chain(standing).min()
    }

    /// How many connections are open or not yet read to their end.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.connections.len()
    }

    /// How many of them this life of the sender has opened, or may have.
    #[must_use]
    pub fn connections_of(&self, incarnation: Incarnation) -> usize {
        let may_be = |one: &Incarnation| *one == incarnation || *one == 0;
        self.connections.all().filter(|one| may_be(&one.incarnation)).count()
    }

    /// Whether a piece is under way on any connection: bytes that are no event yet.
    #[must_use]
    pub fn mid_piece(&self) -> bool {
        self.connections.all().any(|one| one.decoder.pending().is_some())
    }
}
