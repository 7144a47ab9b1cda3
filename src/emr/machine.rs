//! The machine: what arrives goes in, what is to be done comes out, what was seen is recorded.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::DateTime;

use crate::emr::answer::Scene;
use crate::emr::connection::{Connection, Job};
use crate::emr::play::{self, Action};
use crate::emr::script::{Moment, Script};
use crate::history::{ConnectionId, End, Incarnation, Piece, Raw, Recorder, What};
use crate::hl7::{Message, Path};
use crate::mllp::{Found, FoundKind};
use crate::plan::{MessageKind, Parameters, Plan, WireEvent};

/// What an EMR needs to know before it starts.
#[derive(Clone, Debug)]
pub struct Settings {
    endpoints: Vec<String>,
    orders: BTreeMap<String, Arc<str>>,
    order_path: Option<Path>,
    result_path: Option<Path>,
    ack_timeout: Duration,
    message_bytes: usize,
    epoch: DateTime,
}

impl Settings {
    /// Settings for one plan; `epoch` is the EMR's wall clock at the start of the case.
    #[must_use]
    pub fn of(plan: &Plan, epoch: DateTime) -> Self {
        let orders = plan.orders().into_iter().map(|(order, exam)| (order, Arc::from(exam)));
        Self {
            endpoints: plan.endpoints.clone(),
            orders: orders.collect(),
            order_path: plan.mapping.identity.order.parse().ok(),
            result_path: plan.results.as_ref().and_then(|one| one.identity.order.parse().ok()),
            ack_timeout: plan.limits.ack_timeout.into(),
            message_bytes: usize::try_from(plan.limits.message_bytes).unwrap_or(usize::MAX),
            epoch,
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
    /// A connection was accepted.
    Accepted {
        /// Its number.
        connection: ConnectionId,
        /// Index of the endpoint.
        endpoint: usize,
        /// The life of the sender that opened it.
        incarnation: Incarnation,
    },
    /// Bytes arrived.
    Received {
        /// On which connection.
        connection: ConnectionId,
        /// The bytes.
        bytes: &'a [u8],
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
    /// Somebody waits for this wire event; the first from now on is reported.
    Watch(WireEvent),
    /// From here on the EMR is healthy.
    Heal,
    /// Time has passed.
    Tick,
}

/// Something that the driver is to do, or wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Write, then say what was taken.
    Write {
        /// On which connection.
        connection: ConnectionId,
        /// What.
        bytes: Vec<u8>,
    },
    /// End a connection, then say that it was done.
    ///
    /// A close ends our side and goes on reading; a reset is a reset.
    End {
        /// Which connection.
        connection: ConnectionId,
        /// How.
        how: End,
    },
    /// Listen at an endpoint, or stop; then say so.
    Listen {
        /// Index of the endpoint.
        endpoint: usize,
        /// Whether to listen.
        up: bool,
    },
    /// The wire event that was waited for has come.
    Reached(WireEvent),
    /// The EMR has dealt with the message of this exam.
    Dealt(Arc<str>),
}

/// The simulated EMR.
#[derive(Debug)]
pub struct Emr {
    settings: Settings,
    script: Script,
    endpoints: Vec<Endpoint>,
    connections: BTreeMap<ConnectionId, Connection>,
    waits: BTreeSet<(Duration, ConnectionId)>,
    reopenings: Vec<(Duration, usize)>,
    closures: Vec<(usize, usize)>,
    /// What waits for the next message at an endpoint, and which endpoint.
    parked: Vec<(usize, Job)>,
    attempts: BTreeMap<Arc<str>, u32>,
    expecting: Option<Arc<str>>,
    watch: Option<WireEvent>,
    outputs: VecDeque<Output>,
    answers: u64,
    killed: Option<Incarnation>,
}

#[derive(Debug)]
struct Endpoint {
    connections: u32,
    messages: u32,
    previous: Vec<u8>,
}

impl Emr {
    /// An EMR that plays the script of `plan`.
    #[must_use]
    pub fn new(plan: &Plan, settings: Settings) -> Self {
        let endpoint = |_: &String| Endpoint { connections: 0, messages: 0, previous: Vec::new() };
        let mut emr = Self {
            script: Script::new(plan.script.clone()),
            endpoints: settings.endpoints.iter().map(endpoint).collect(),
            connections: BTreeMap::new(),
            waits: BTreeSet::new(),
            reopenings: Vec::new(),
            closures: Vec::new(),
            parked: Vec::new(),
            attempts: BTreeMap::new(),
            expecting: None,
            watch: None,
            outputs: VecDeque::new(),
            answers: 0,
            killed: None,
            settings,
        };
        for endpoint in 0..emr.endpoints.len() {
            emr.outputs.push_back(Output::Listen { endpoint, up: true });
        }
        emr.close_endpoints(Duration::ZERO, None);
        emr
    }

    /// Stops listening where the script says so: when `exam` is handed over, or at the start.
    fn close_endpoints(&mut self, now: Duration, exam: Option<&str>) {
        for behaviour in self.script.on_listening(exam) {
            let (name, stays) = self.script.closure(behaviour);
            let named =
                name.and_then(|name| self.settings.endpoints.iter().position(|one| one == name));
            let endpoint = named.unwrap_or(0);
            self.closures.push((behaviour, endpoint));
            self.outputs.push_back(Output::Listen { endpoint, up: false });
            if let Some(stays) = stays {
                self.reopenings.push((now + stays, endpoint));
            }
        }
    }

    /// Takes what happened at `now`; afterwards [`Emr::poll`] until it says none.
    pub fn handle(&mut self, now: Duration, input: Input<'_>, recorder: &mut Recorder) {
        let mut turn = Turn { emr: self, now, recorder };
        match input {
            Input::Listening { endpoint, up } => turn.listening(endpoint, up),
            Input::RefusalSeen { endpoint } => turn.refusal_seen(endpoint),
            Input::Accepted { connection, endpoint, incarnation } => {
                turn.accepted(connection, endpoint, incarnation);
            }
            Input::Received { connection, bytes } => turn.received(connection, bytes),
            Input::Ended { connection, how } => turn.ended(connection, how),
            Input::Wrote { connection, bytes, complete } => turn.wrote(connection, bytes, complete),
            Input::EndDone { connection, how } => turn.end_done(connection, how),
            Input::Submitted { exam } => turn.submitted(exam),
            Input::SenderKilled { incarnation } => turn.sender_killed(incarnation),
            Input::Watch(event) => turn.emr.watch = Some(event),
            Input::Heal => turn.heal(),
            Input::Tick => turn.tick(),
        }
    }

    /// What is to be done next; none until something happens or [`Emr::deadline`] comes.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When the EMR wants an [`Input::Tick`], if ever.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let wait = self.waits.first().map(|(at, _)| *at);
        let reopening = self.reopenings.iter().map(|(at, _)| *at).min();
        wait.into_iter().chain(reopening).min()
    }

    /// How many connections are open or not yet read to their end.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.connections.len()
    }

    /// Whether a piece is under way on any connection: bytes that are no event yet.
    #[must_use]
    pub fn mid_piece(&self) -> bool {
        self.connections.values().any(|one| one.decoder.pending().is_some())
    }
}

/// One call of [`Emr::handle`]: the machine, the time and the recorder together.
struct Turn<'e, 'r> {
    emr: &'e mut Emr,
    now: Duration,
    recorder: &'r mut Recorder,
}

impl Turn<'_, '_> {
    fn record(&mut self, what: What) -> u64 {
        self.recorder.record(self.now.into(), what)
    }

    fn reach(&mut self, event: WireEvent) {
        if self.emr.watch == Some(event) {
            self.emr.watch = None;
            self.emr.outputs.push_back(Output::Reached(event));
        }
    }

    fn played(&mut self, behaviour: usize, connection: Option<ConnectionId>) {
        let name = play::name(self.emr.script.play(behaviour));
        self.record(What::Played { behaviour, name, connection });
    }

    fn listening(&mut self, endpoint: usize, up: bool) {
        let name = self.emr.settings.endpoints[endpoint].clone();
        self.record(What::Listening { endpoint: name, up });
    }

    fn refusal_seen(&mut self, endpoint: usize) {
        let name = self.emr.settings.endpoints[endpoint].clone();
        self.record(What::RefusalSeen { endpoint: name });
        let closures = std::mem::take(&mut self.emr.closures);
        for (behaviour, closed) in closures {
            if closed == endpoint {
                self.played(behaviour, None);
            } else {
                self.emr.closures.push((behaviour, closed));
            }
        }
    }

    fn submitted(&mut self, exam: &str) {
        self.emr.expecting = Some(Arc::from(exam));
        self.emr.close_endpoints(self.now, Some(exam));
    }

    fn heal(&mut self) {
        self.emr.script.heal();
        let closed = self.emr.reopenings.drain(..).map(|(_, endpoint)| endpoint);
        let listen = closed.map(|endpoint| Output::Listen { endpoint, up: true });
        self.emr.outputs.extend(listen);
    }

    fn accepted(&mut self, id: ConnectionId, endpoint: usize, incarnation: Incarnation) {
        let name = self.emr.settings.endpoints[endpoint].clone();
        self.record(What::Opened { connection: id, endpoint: name, incarnation });
        self.emr.endpoints[endpoint].connections += 1;
        let number = self.emr.endpoints[endpoint].connections;
        let limit = self.emr.settings.message_bytes;
        let mut connection = Connection::new(endpoint, number, limit);
        // A connection may be taken out of the backlog after its process has died.
        connection.writable = self.emr.killed.is_none_or(|killed| incarnation > killed);
        self.emr.connections.insert(id, connection);
        self.reach(WireEvent::Accepted);
        let Emr { script, expecting, attempts, settings, endpoints, .. } = &mut *self.emr;
        let exam = expecting.as_deref();
        let moment = Moment {
            exam,
            attempt: exam.and_then(|exam| attempts.get(exam)).map_or(1, |count| count + 1),
            message: endpoints[endpoint].messages + 1,
            connection: number,
            endpoint: &settings.endpoints[endpoint],
            kind: None,
        };
        if let Some(behaviour) = script.on_accept(&moment) {
            self.play_without_message(id, behaviour, None);
        }
    }

    /// Plays a behaviour that no whole message set off.
    fn play_without_message(&mut self, id: ConnectionId, behaviour: usize, exam: Option<Arc<str>>) {
        let nothing = Message::read(b"MSH|^~\\&|IRIS|IRIS|||||DFT^P03||P|2.4\r");
        let actions = self.actions(id, behaviour, &nothing);
        let name = Cow::Owned(play::name(self.emr.script.play(behaviour)));
        let mut job = Job::new(name, actions);
        job.behaviour = Some(behaviour);
        job.exam = exam;
        self.queue(id, job);
    }

    fn queue(&mut self, id: ConnectionId, job: Job) {
        let Some(connection) = self.emr.connections.get_mut(&id) else {
            return;
        };
        if connection.writable {
            connection.jobs.push_back(job);
            self.advance(id);
        }
    }

    /// Takes bytes in, but none beyond the count that sets a behaviour off.
    fn received(&mut self, id: ConnectionId, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let due = self.due_at(id);
            let count = due.map_or(bytes.len(), |(_, count)| count.min(bytes.len()));
            let (piece, rest) = bytes.split_at(count);
            self.take_in(id, piece);
            bytes = rest;
            if let Some((behaviour, wanted)) = due
                && wanted == count
            {
                self.play_at_bytes(id, behaviour);
                return; // an EMR that breaks off here has not read what comes after
            }
        }
    }

    fn take_in(&mut self, id: ConnectionId, bytes: &[u8]) {
        let Some(connection) = self.emr.connections.get_mut(&id) else {
            return;
        };
        if connection.decoder.pending().is_none() {
            connection.began = self.now.into();
            self.reach(WireEvent::FirstByte);
        }
        self.byte_events(id, bytes);
        if let Some(connection) = self.emr.connections.get_mut(&id) {
            connection.decoder.feed(bytes);
        }
        while let Some(found) = self.next_found(id) {
            self.found(id, found);
        }
    }

    fn next_found(&mut self, id: ConnectionId) -> Option<Found> {
        self.emr.connections.get_mut(&id)?.decoder.next()
    }

    /// Reports byte-level wire events that somebody waits for.
    fn byte_events(&mut self, id: ConnectionId, bytes: &[u8]) {
        let Some(connection) = self.emr.connections.get(&id) else {
            return;
        };
        let pending = connection.decoder.pending();
        let before = pending.as_ref().map_or(&[][..], |pending| pending.bytes);
        match self.emr.watch {
            Some(WireEvent::Bytes(wanted)) if (before.len() + bytes.len()) as u64 >= wanted => {
                self.reach(WireEvent::Bytes(wanted));
            }
            Some(WireEvent::InsideFt1) => {
                let all = [before, bytes].concat();
                if all.windows(5).any(|window| window == b"\rFT1|") {
                    self.reach(WireEvent::InsideFt1);
                }
            }
            _ => {}
        }
    }

    /// The behaviour that a byte count will set off, and how many bytes are missing until then.
    fn due_at(&self, id: ConnectionId) -> Option<(usize, usize)> {
        let Emr { script, connections, expecting, attempts, settings, endpoints, .. } = &*self.emr;
        if !script.byte_triggers() {
            return None;
        }
        let connection = connections.get(&id)?;
        let exam = expecting.as_deref();
        let moment = Moment {
            exam,
            attempt: exam.and_then(|exam| attempts.get(exam)).map_or(1, |count| count + 1),
            message: endpoints[connection.endpoint].messages + 1,
            connection: connection.number,
            endpoint: &settings.endpoints[connection.endpoint],
            kind: None,
        };
        let (behaviour, wanted) = script.due_at_bytes(&moment)?;
        let pending = connection.decoder.pending().map_or(0, |pending| pending.bytes.len());
        let missing = usize::try_from(wanted).unwrap_or(usize::MAX).checked_sub(pending)?;
        (missing > 0).then_some((behaviour, missing))
    }

    /// Plays what a byte count has set off.
    fn play_at_bytes(&mut self, id: ConnectionId, behaviour: usize) {
        self.emr.script.begin(behaviour);
        let exam = self.emr.expecting.clone();
        if let Some(exam) = &exam {
            *self.emr.attempts.entry(Arc::clone(exam)).or_insert(0) += 1;
        }
        self.play_without_message(id, behaviour, exam);
    }

    /// Records a piece, and answers it if it is a message.
    fn found(&mut self, id: ConnectionId, found: Found) {
        let Some(connection) = self.emr.connections.get_mut(&id) else {
            return;
        };
        let began = connection.began;
        connection.began = self.now.into();
        let what = What::Received {
            connection: id,
            offset: found.offset,
            began,
            piece: piece(found.kind),
            bytes: Raw(found.bytes.clone()),
            length: found.length,
            anomalies: found.anomalies.clone(),
        };
        let seq = self.record(what);
        if found.kind == FoundKind::Frame {
            self.reach(WireEvent::EndOfMessage);
            self.message(id, seq, found.payload());
        }
    }

    fn message(&mut self, id: ConnectionId, seq: u64, payload: &[u8]) {
        let message = Message::read(payload);
        if !message.has_header() || message.code() == b"ACK" {
            return; // an acknowledgement is never acknowledged, and what is no message has no answer
        }
        let kind = kind(&message);
        let exam = self.exam_of(&message, kind);
        let Emr { script, connections, attempts, expecting, settings, endpoints, .. } =
            &mut *self.emr;
        let Some(connection) = connections.get(&id) else {
            return;
        };
        let endpoint = &mut endpoints[connection.endpoint];
        endpoint.messages += 1;
        let mut attempt = 1;
        if let Some(exam) = &exam {
            let slot = if kind == MessageKind::Charge { Arc::clone(exam) } else { result_of(exam) };
            let count = attempts.entry(slot).or_insert(0);
            *count += 1;
            attempt = *count;
        }
        if kind == MessageKind::Charge && exam == *expecting {
            *expecting = None;
        }
        let moment = Moment {
            exam: exam.as_deref(),
            attempt,
            message: endpoint.messages,
            connection: connection.number,
            endpoint: &settings.endpoints[connection.endpoint],
            kind: Some(kind),
        };
        let behaviour = script.on_message(&moment);
        let mut job = match behaviour {
            Some(index) => {
                let name = Cow::Owned(play::name(self.emr.script.play(index)));
                Job::new(name, self.actions(id, index, &message))
            }
            None => Job::new(Cow::Borrowed("answer/accept"), self.acceptance(id, &message)),
        };
        (job.to, job.behaviour) = (Some(seq), behaviour);
        job.exam = exam.filter(|_| kind == MessageKind::Charge);
        self.remember(id, &message);
        self.wake_parked(id);
        self.queue(id, job);
    }

    fn exam_of(&self, message: &Message<'_>, kind: MessageKind) -> Option<Arc<str>> {
        let settings = &self.emr.settings;
        if settings.orders.is_empty() {
            return None; // an EMR that is simply there knows no exam
        }
        let path = match kind {
            MessageKind::Charge => settings.order_path.as_ref(),
            MessageKind::Result => settings.result_path.as_ref(),
        };
        settings.orders.get(&message.text(path?)).cloned()
    }

    fn actions(&mut self, id: ConnectionId, index: usize, message: &Message<'_>) -> Vec<Action> {
        self.with_scene(id, message, |emr, scene| play::actions(emr.script.play(index), scene))
    }

    fn acceptance(&mut self, id: ConnectionId, message: &Message<'_>) -> Vec<Action> {
        self.with_scene(id, message, |_, scene| scene.accept(&Parameters::default()))
    }

    fn with_scene<T>(
        &mut self,
        id: ConnectionId,
        message: &Message<'_>,
        make: impl FnOnce(&Emr, &Scene<'_>) -> T,
    ) -> T {
        self.emr.answers += 1;
        let emr = &*self.emr;
        let endpoint = emr.connections.get(&id).map_or(0, |connection| connection.endpoint);
        let since = jiff::SignedDuration::try_from(self.now).unwrap_or_default();
        let scene = Scene {
            message,
            payload: message.bytes(),
            previous: &emr.endpoints[endpoint].previous,
            ack_timeout: emr.settings.ack_timeout,
            now: emr.settings.epoch.saturating_add(since),
            number: emr.answers,
        };
        make(emr, &scene)
    }

    fn remember(&mut self, id: ConnectionId, message: &Message<'_>) {
        if let Some(connection) = self.emr.connections.get(&id) {
            let previous = &mut self.emr.endpoints[connection.endpoint].previous;
            previous.clear();
            previous.extend_from_slice(message.control_id());
        }
    }

    /// Another message has arrived: whatever waited for it goes out first, on its connection.
    fn wake_parked(&mut self, id: ConnectionId) {
        let endpoint = self.emr.connections.get(&id).map(|connection| connection.endpoint);
        let parked = std::mem::take(&mut self.emr.parked);
        for (at, job) in parked {
            if Some(at) == endpoint {
                self.queue(id, job);
            } else {
                self.emr.parked.push((at, job));
            }
        }
    }

    fn ended(&mut self, id: ConnectionId, how: End) {
        let Some(connection) = self.emr.connections.get_mut(&id) else {
            return;
        };
        connection.ended_by_sender = true;
        self.finish_reading(id);
        self.record(What::EndedBySender { connection: id, how });
        if how == End::Reset {
            self.abandon(id);
            self.emr.connections.remove(&id);
        } else {
            self.advance(id);
        }
    }

    /// No more bytes come: what was under way is a piece as it is.
    fn finish_reading(&mut self, id: ConnectionId) {
        while let Some(found) =
            self.emr.connections.get_mut(&id).and_then(|one| one.decoder.finish())
        {
            self.found(id, found);
        }
    }

    /// Nothing more can be written on a connection: what was under way is cut off.
    fn abandon(&mut self, id: ConnectionId) {
        let Some(connection) = self.emr.connections.get_mut(&id) else {
            return;
        };
        connection.writable = false;
        connection.in_hand = false;
        if let Some(until) = connection.until.take() {
            self.emr.waits.remove(&(until, id));
        }
        let jobs = std::mem::take(&mut connection.jobs);
        self.emr.outputs.retain(|output| {
            !matches!(output, Output::Write { connection, .. } | Output::End { connection, .. } if *connection == id)
        });
        for mut job in jobs {
            if let Some(reply) = job.take_reply(id, false) {
                self.record(reply);
            }
            if let Some(exam) = job.exam.take() {
                self.emr.outputs.push_back(Output::Dealt(exam));
            }
        }
    }

    fn sender_killed(&mut self, incarnation: Incarnation) {
        self.emr.killed = Some(incarnation);
        let ids: Vec<ConnectionId> = self.emr.connections.keys().copied().collect();
        for id in ids {
            self.abandon(id);
        }
    }

    fn wrote(&mut self, id: ConnectionId, bytes: &[u8], complete: bool) {
        let now = self.now.into();
        let Some(connection) = self.emr.connections.get_mut(&id) else {
            return;
        };
        let Some(job) = connection.jobs.front_mut() else {
            return;
        };
        connection.in_hand = false;
        if !bytes.is_empty() {
            job.wrote(now, bytes);
        }
        let written = job.written() as u64;
        if let Some(WireEvent::ReplyBytes(wanted)) = self.emr.watch
            && written >= wanted
        {
            self.reach(WireEvent::ReplyBytes(wanted));
        }
        if complete {
            self.advance(id);
        } else {
            self.abandon(id);
        }
    }

    fn end_done(&mut self, id: ConnectionId, how: End) {
        let Some(connection) = self.emr.connections.get_mut(&id) else {
            return;
        };
        connection.in_hand = false;
        connection.writable = false;
        if how == End::Reset {
            self.finish_reading(id);
        }
        self.record(What::EndedByEmr { connection: id, how });
        self.advance(id);
        if how == End::Reset {
            self.abandon(id);
            self.emr.connections.remove(&id);
        }
    }

    fn tick(&mut self) {
        while let Some((at, id)) = self.emr.waits.first().copied() {
            if at > self.now {
                break;
            }
            self.emr.waits.pop_first();
            if let Some(connection) = self.emr.connections.get_mut(&id) {
                connection.until = None;
            }
            self.advance(id);
        }
        let now = self.now;
        let due = self.emr.reopenings.extract_if(.., |(at, _)| *at <= now);
        let listen: Vec<Output> =
            due.map(|(_, endpoint)| Output::Listen { endpoint, up: true }).collect();
        self.emr.outputs.extend(listen);
    }

    /// Goes on with what is to be said on a connection, as far as that is possible now.
    fn advance(&mut self, id: ConnectionId) {
        loop {
            let Some(connection) = self.emr.connections.get_mut(&id) else {
                return;
            };
            if connection.in_hand || connection.until.is_some() {
                return;
            }
            let Some(job) = connection.jobs.front_mut() else {
                self.idle(id);
                return;
            };
            let Some(action) = job.actions.pop_front() else {
                self.finish_job(id);
                continue;
            };
            if self.act(id, action) == Then::Stop {
                return;
            }
        }
    }

    fn act(&mut self, id: ConnectionId, action: Action) -> Then {
        match action {
            Action::Write(bytes) => self.write(id, bytes),
            Action::Wait(time) => {
                let until = self.now + time;
                if let Some(connection) = self.emr.connections.get_mut(&id) {
                    connection.until = Some(until);
                    self.emr.waits.insert((until, id));
                }
                Then::Stop
            }
            Action::AwaitNext => self.await_next(id),
            Action::Mark => {
                let job = self.emr.connections.get_mut(&id).and_then(|one| one.jobs.front_mut());
                if let Some(behaviour) = job.and_then(|job| job.behaviour.take()) {
                    self.played(behaviour, Some(id));
                }
                Then::GoOn
            }
            Action::End(how) => self.end(id, how),
        }
    }

    fn write(&mut self, id: ConnectionId, mut bytes: Vec<u8>) -> Then {
        let watch = self.emr.watch;
        let Some(connection) = self.emr.connections.get_mut(&id) else {
            return Then::Stop;
        };
        if !connection.writable {
            self.abandon(id);
            return Then::Stop;
        }
        let Some(job) = connection.jobs.front_mut() else {
            return Then::GoOn;
        };
        let written = job.written();
        if let Some(WireEvent::ReplyBytes(wanted)) = watch {
            let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
            if written < wanted && written + bytes.len() > wanted {
                let rest = bytes.split_off(wanted - written);
                job.actions.push_front(Action::Write(rest));
            }
        }
        connection.in_hand = true;
        if written == 0 {
            self.reach(WireEvent::BeforeReply);
        }
        self.emr.outputs.push_back(Output::Write { connection: id, bytes });
        Then::Stop
    }

    /// Puts what is left of the front job aside until another message arrives at its endpoint.
    fn await_next(&mut self, id: ConnectionId) -> Then {
        let Some(connection) = self.emr.connections.get_mut(&id) else {
            return Then::Stop;
        };
        if let Some(mut job) = connection.jobs.pop_front() {
            if let Some(exam) = job.exam.take() {
                self.emr.outputs.push_back(Output::Dealt(exam));
            }
            self.emr.parked.push((connection.endpoint, job));
        }
        Then::GoOn
    }

    fn end(&mut self, id: ConnectionId, how: End) -> Then {
        let Some(connection) = self.emr.connections.get_mut(&id) else {
            return Then::Stop;
        };
        if !connection.writable {
            return Then::GoOn;
        }
        connection.in_hand = true;
        let reply = connection.jobs.front_mut().and_then(|job| job.take_reply(id, true));
        if let Some(reply) = reply {
            self.record(reply);
        }
        self.emr.outputs.push_back(Output::End { connection: id, how });
        Then::Stop
    }

    /// The front job has nothing left to do.
    fn finish_job(&mut self, id: ConnectionId) {
        let front = self.emr.connections.get_mut(&id).and_then(|one| one.jobs.pop_front());
        let Some(mut job) = front else {
            return;
        };
        let replied = job.take_reply(id, true);
        let spoke = replied.is_some();
        if let Some(reply) = replied {
            self.record(reply);
        }
        if let Some(behaviour) = job.behaviour {
            self.played(behaviour, Some(id));
        }
        if let Some(exam) = job.exam {
            self.emr.outputs.push_back(Output::Dealt(exam));
        }
        if spoke {
            self.reach(WireEvent::ReplySent);
        }
    }

    /// Nothing is left to say: a connection that the sender has ended is ended on our side too.
    fn idle(&mut self, id: ConnectionId) {
        let Some(connection) = self.emr.connections.get(&id) else {
            return;
        };
        if connection.ended_by_sender {
            self.emr.connections.remove(&id);
            self.emr.outputs.push_back(Output::End { connection: id, how: End::Close });
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    GoOn,
    Stop,
}

const fn piece(kind: FoundKind) -> Piece {
    match kind {
        FoundKind::Frame => Piece::Frame,
        FoundKind::Stray => Piece::Stray,
        FoundKind::Unfinished => Piece::Unfinished,
        FoundKind::Oversize => Piece::Oversize,
    }
}

/// A message that carries money is a charge, whatever its type says.
fn kind(message: &Message<'_>) -> MessageKind {
    let result = matches!(message.code(), b"ORU" | b"MDM");
    if result && message.segment("FT1", 1).is_none() {
        MessageKind::Result
    } else {
        MessageKind::Charge
    }
}

/// The name under which attempts at the result of an exam are counted.
fn result_of(exam: &str) -> Arc<str> {
    Arc::from(format!("{exam}\u{0}result"))
}
