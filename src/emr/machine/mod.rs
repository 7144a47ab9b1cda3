//! The machine: what arrives goes in, what is to be done comes out, what was seen is recorded.

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

use crate::emr::boundary::{Door, Input, Output, WireAct};
use crate::emr::faults::matching::Script;
use crate::emr::machine::calls::Call;
use crate::emr::machine::connection::Job;
use crate::emr::machine::connections::Connections;
use crate::emr::machine::doors::Standing;
use crate::emr::machine::turn::Turn;
use crate::history::{Bounds, ConnectionId, Incarnation, Recorder, What};
use crate::plan::fault::Stand;
use crate::plan::{Behaviour, Orders, Plan, Tls, WireEvent};
#[cfg(debug_assertions)]
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
    #[cfg(debug_assertions)]
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
            Input::SenderGone => turn.lift(|one| one.stand == Stand::Unread),
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
