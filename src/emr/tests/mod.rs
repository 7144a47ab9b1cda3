//! The EMR at work: a small rig feeds it and does what it asks for, in a time of its own.
//!
//! The rig's wire is perfect unless a test says otherwise. It does **not** know what is right;
//! the files beside this one do.

mod batches;
mod cuts;
mod faults;
mod matching;
mod modes;
mod replies;
mod sessions;
mod timing;
mod twins;
mod unplayed;
mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::{DateTime, date};
use serde_json::{from_value, json};

use crate::emr::{
    Asked, Door, Emr, Failure, Handshake, Input, Manner, Output, Secured, Settings, WireAct,
};
use crate::history::{Bounds, ConnectionId, End, Event, Recorder, Shown, Side, TlsVersion, What};
use crate::mllp::encode;
use crate::plan::fault::{self, Patience};
use crate::plan::{
    Behaviour, ClientCertificate, Fault, Match, Orders, Parameters, Plan, Play, Tls, WireEvent,
};

/// What the rig did for the EMR on one connection, or saw of it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Said {
    Bytes(Vec<u8>),
    End(End),
}

/// One EMR, one recorder, one clock.
struct Rig {
    emr: Emr,
    recorder: Recorder,
    now: Duration,
    accepted: ConnectionId,
    doors: Vec<Door>,
    /// What has come on connections that are not read.
    unread: BTreeMap<ConnectionId, Vec<u8>>,
    /// Everything that was written or ended, with its time and connection.
    said: Vec<(Duration, ConnectionId, Said)>,
    /// Handshakes that were met otherwise than they should be.
    met: Vec<(ConnectionId, Manner)>,
    dealt: Vec<String>,
    /// Connections that the EMR has opened, and whether the sender takes them.
    calls: Vec<ConnectionId>,
    takes_calls: bool,
    /// The sender neither takes a call nor refuses it.
    lets_ring: bool,
    /// The sender ends its connection as soon as it has asked for TLS.
    hangs_up: bool,
    reached: Vec<WireEvent>,
    /// Bytes that the wire still takes; what is beyond them is lost.
    takes: usize,
}

impl Rig {
    /// An EMR with one endpoint that plays `script`.
    fn new(script: Vec<Behaviour>) -> Self {
        Self::with(script, &["emr"], 1 << 20)
    }

    /// The same, where this seed decides what is random.
    fn seeded(script: Vec<Behaviour>, seed: u64) -> Self {
        let settings = Settings { seed, ..settings(&["emr"], 1 << 20) };
        Self::set(script, settings)
    }

    fn with(script: Vec<Behaviour>, endpoints: &[&str], message_bytes: usize) -> Self {
        Self::set(script, settings(endpoints, message_bytes))
    }

    fn set(script: Vec<Behaviour>, mut settings: Settings) -> Self {
        settings.tls = script.iter().any(needs_tls).then(tls);
        let endpoints = settings.endpoints.len();
        let mut rig = Self {
            emr: Emr::new(&plan(script), settings),
            recorder: Recorder::new(Bounds { pieces: 10_000, bytes: 1 << 30 }),
            now: Duration::ZERO,
            accepted: 0,
            doors: vec![Door::Shut; endpoints],
            unread: BTreeMap::new(),
            said: Vec::new(),
            met: Vec::new(),
            dealt: Vec::new(),
            calls: Vec::new(),
            takes_calls: true,
            lets_ring: false,
            hangs_up: false,
            reached: Vec::new(),
            takes: usize::MAX,
        };
        rig.carry_out();
        rig
    }

    fn feed(&mut self, input: Input<'_>) {
        self.emr.handle(self.now, input, &mut self.recorder);
        self.carry_out();
    }

    /// Does what the EMR asks for, as a driver would, until it asks for nothing more.
    fn carry_out(&mut self) {
        for _ in 0..MOST_OUTPUTS {
            let Some(output) = self.emr.poll() else { return };
            match output {
                Output::Wire(act) => self.act(act),
                Output::Reached(event) => self.reached.push(event),
                Output::Dealt(exam) => self.dealt.push(exam.to_string()),
            }
        }
        panic!("the EMR never comes to rest");
    }

    fn act(&mut self, act: WireAct) {
        match act {
            WireAct::Write { connection, bytes } => self.write(connection, &bytes),
            WireAct::End { connection, how } => {
                self.said.push((self.now, connection, Said::End(how)));
                self.tell(Input::EndDone { connection, how });
            }
            WireAct::Secure { connection, handshake } => self.shake_hands(connection, &handshake),
            WireAct::Listen { endpoint, door } => self.meet(endpoint, door),
            WireAct::Visit { endpoint } => {
                let accepted = self.is_open(endpoint);
                self.tell(Input::Visited { endpoint, accepted });
            }
            WireAct::Read { connection, on } => {
                let kept = self.unread.remove(&connection).unwrap_or_default();
                let waiting = kept.len() as u64;
                self.tell(Input::Reading { connection, on, waiting });
                if on {
                    self.tell(Input::Received { connection, bytes: &kept });
                } else {
                    self.unread.insert(connection, Vec::new());
                }
            }
            WireAct::Call { call } => {
                self.accepted += 1;
                let connection = self.accepted;
                self.calls.push(connection);
                if self.lets_ring {
                    return;
                }
                self.tell(match self.takes_calls {
                    true => Input::Called { call, connection, incarnation: 1 },
                    false => Input::CallFailed { call },
                });
            }
        }
    }

    fn meet(&mut self, endpoint: usize, door: Door) {
        let listens = |door| matches!(door, Door::Open | Door::Unattended);
        let before = std::mem::replace(&mut self.doors[endpoint], door);
        if listens(before) != listens(door) {
            self.tell(Input::Listening { endpoint, up: listens(door) });
        }
        match door {
            Door::Shut => self.tell(Input::RefusalSeen { endpoint }),
            Door::Full => self.tell(Input::SilenceSeen { endpoint, waited: ms(200) }),
            Door::Open | Door::Unattended => {}
        }
    }

    fn tell(&mut self, input: Input<'_>) {
        self.emr.handle(self.now, input, &mut self.recorder);
    }

    /// A sender that refuses a bad certificate and has none of its own.
    fn shake_hands(&mut self, connection: ConnectionId, handshake: &Handshake) {
        let manner = handshake.manner;
        self.tell(Input::Greeted { connection });
        if self.hangs_up {
            return self.tell(Input::Ended { connection, how: End::Close });
        }
        if manner != WELL {
            self.met.push((connection, manner));
        }
        let by = match manner {
            WELL => {
                let version = handshake.versions[0];
                let secured = Secured { version, suite: "a suite".to_owned(), client: None };
                return self.tell(Input::Secured { connection, secured });
            }
            Manner::Ignore => return,
            Manner::Hold { show: Shown::Good, .. } => Side::Emr,
            Manner::Hold { .. } => Side::Sender,
        };
        let alert = Some("an alert".to_owned());
        let failure = Failure { by, alert, why: None, plain: false };
        self.tell(Input::TlsFailed { connection, failure });
    }

    fn write(&mut self, connection: ConnectionId, bytes: &[u8]) {
        let taken = &bytes[..bytes.len().min(self.takes)];
        self.takes = self.takes.saturating_sub(taken.len());
        if !taken.is_empty() {
            self.said.push((self.now, connection, Said::Bytes(taken.to_vec())));
        }
        let complete = taken.len() == bytes.len();
        self.tell(Input::Wrote { connection, bytes: taken, complete });
    }

    /// The sender connects to the first endpoint.
    fn accept(&mut self) -> ConnectionId {
        self.accept_at(0, 1)
    }

    fn accept_at(&mut self, endpoint: usize, incarnation: u32) -> ConnectionId {
        self.accepted += 1;
        let connection = self.accepted;
        self.feed(Input::Accepted { connection, endpoint, incarnation });
        connection
    }

    fn receive(&mut self, connection: ConnectionId, bytes: &[u8]) {
        match self.unread.get_mut(&connection) {
            None => self.feed(Input::Received { connection, bytes }),
            Some(kept) => {
                kept.extend_from_slice(bytes);
                self.feed(Input::Held { connection });
            }
        }
    }

    /// Whether an endpoint lets the sender in.
    fn is_open(&self, endpoint: usize) -> bool {
        self.doors[endpoint] == Door::Open
    }

    /// A whole charge of `exam` with this control id.
    fn charge(&mut self, connection: ConnectionId, exam: &str, id: &str) {
        self.receive(connection, &encode(&charge(exam, id)));
    }

    /// Lets time pass, with a tick whenever the EMR asks for one.
    fn pass(&mut self, milliseconds: u64) {
        let until = self.now + ms(milliseconds);
        for _ in 0..MOST_OUTPUTS {
            match self.emr.deadline() {
                Some(at) if at <= until => {
                    self.now = self.now.max(at);
                    self.feed(Input::Tick);
                }
                _ => {
                    self.now = until;
                    return;
                }
            }
        }
        panic!("the EMR's deadlines never end");
    }

    /// All bytes written on a connection.
    fn bytes(&self, connection: ConnectionId) -> Vec<u8> {
        let on = self.said.iter().filter(|(_, on, _)| *on == connection);
        let bytes = on.filter_map(|(_, _, said)| match said {
            Said::Bytes(bytes) => Some(bytes.as_slice()),
            Said::End(_) => None,
        });
        bytes.collect::<Vec<_>>().concat()
    }

    /// How a connection was ended by the EMR, each time.
    fn ends(&self, connection: ConnectionId) -> Vec<End> {
        let on = self.said.iter().filter(|(_, on, _)| *on == connection);
        let end = |(_, _, said): &(_, _, Said)| match said {
            Said::End(how) => Some(*how),
            Said::Bytes(_) => None,
        };
        on.filter_map(end).collect()
    }

    fn events(&self) -> &[Event] {
        self.recorder.events()
    }

    /// The names of what was recorded as played.
    fn played(&self) -> Vec<&str> {
        let name = |event: &'_ Event| match &event.what {
            What::Played { name, .. } => Some(name.as_str().to_owned()),
            _ => None,
        };
        let names: Vec<String> = self.events().iter().filter_map(name).collect();
        names.iter().map(|name| known(name)).collect()
    }

    /// MSA-1 of every acknowledgement on a connection, in order.
    fn codes(&self, connection: ConnectionId) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.bytes(connection)).into_owned();
        let after = text.split("\rMSA|").skip(1);
        after.map(|rest| rest.split('|').next().unwrap().to_owned()).collect()
    }
}

/// A fault's name, or `raw`, that lives long enough.
fn known(name: &str) -> &'static str {
    name.parse::<Fault>().map_or("raw", Fault::name)
}

/// Whether a behaviour is about an endpoint with TLS.
fn needs_tls(behaviour: &Behaviour) -> bool {
    behaviour.play.iter().any(|play| match play {
        Play::Fault { fault, .. } => {
            matches!(fault, Fault::Tls(_)) && *fault != Fault::Tls(fault::Tls::TlsOnPlaintext)
        }
        Play::Raw(_) | Play::Filled(_) | Play::Wait(_) | Play::End(_) => false,
    })
}

/// TLS without client certificates.
fn tls() -> Tls {
    Tls { versions: vec![TlsVersion::V1_3], client: ClientCertificate::None }
}

/// A handshake as it should be.
const WELL: Manner = Manner::Hold { show: Shown::Good, client: Asked::Nothing };

/// Settings of an EMR that knows the orders of `john`, `jane` and `probe`.
fn settings(endpoints: &[&str], message_bytes: usize) -> Settings {
    let orders = EXAMS.map(|(exam, order)| (order.to_owned(), vec![Arc::from(exam)]));
    Settings {
        endpoints: endpoints.iter().map(|&name| name.to_owned()).collect(),
        orders: Arc::new(Orders {
            in_charges: "FT1-2".parse().ok(),
            in_results: "OBR-3".parse().ok(),
            credits: false,
            one_message: true,
            exams: BTreeMap::from(orders),
            alike: BTreeMap::new(),
        }),
        ack_timeout: ms(ACK_TIMEOUT_MS),
        message_bytes,
        epoch: EPOCH,
        seed: 1,
        tls: None,
    }
}

/// A plan of which only the script matters here.
fn plan(script: Vec<Behaviour>) -> Plan {
    let mapping = json!({
        "name": "m", "message": "DFT^P03", "version": "2.4", "charset": "",
        "identity": { "order": "FT1-2", "distinct": [], "rule": "per-order" },
        "segments": [], "fields": {}, "lines": [],
    });
    let limits = json!({
        "ack_timeout": 1, "longest_retry": 1, "settle": 1, "patience": 1, "stop": 1,
        "message_bytes": 1, "connections": 1, "messages": 1, "recorded_bytes": 1,
    });
    let sender = json!({
        "name": "s", "start": [], "environment": {}, "directory": null, "account": null,
        "stop": "terminate", "bug": null, "variant": null,
    });
    let plan = json!({
        "id": "rig", "title": "", "requirements": [], "seed": 1, "mapping": mapping,
        "results": null, "exams": {}, "endpoints": ["emr"], "script": [], "steps": [],
        "limits": limits, "expect": {}, "sender": sender,
    });
    let plan: Plan = from_value(plan).unwrap();
    Plan { script, ..plan }
}

/// `fault` as it is by itself, for every message that `on` says.
fn behaviour(fault: Fault, on: Match) -> Behaviour {
    behaviour_with(fault, by_itself(fault), on)
}

/// The parameters of `fault` by itself, for a sender of [`ACK_TIMEOUT_MS`].
fn by_itself(fault: Fault) -> Parameters {
    let patience = ms(ACK_TIMEOUT_MS);
    fault.usual(Patience { ack_timeout: patience, longest_retry: patience })
}

fn behaviour_with(fault: Fault, with: Parameters, on: Match) -> Behaviour {
    Behaviour { on, play: vec![Play::Fault { fault, with }], times: None }
}

fn about(exam: &str) -> Match {
    Match { exam: Some(exam.to_owned()), ..Match::default() }
}

/// A charge message in v2.4 that asks for nothing special, without framing.
fn charge(exam: &str, id: &str) -> Vec<u8> {
    message("DFT^P03", exam, id, "2.4", "")
}

/// A message whose MSH ends in `rest`, which begins after MSH-12.
fn message(of: &str, exam: &str, id: &str, version: &str, rest: &str) -> Vec<u8> {
    let order = EXAMS.iter().find(|(name, _)| *name == exam).map_or("", |(_, order)| order);
    let header = format!("MSH|^~\\&|IRIS|IRIS|EMR|F|20260105080000||{of}|{id}|P|{version}{rest}");
    let body = match of {
        "ORU^R01" => format!("OBR|1||{order}"),
        _ => format!("EVN|P03\rPID|1||555\rFT1|1|{order}||20260105||CG|92250"),
    };
    format!("{header}\r{body}\r").into_bytes()
}

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Exams and their orders.
const EXAMS: [(&str, &str); 3] = [("john", "273013"), ("jane", "273014"), ("probe", "990001")];

const ACK_TIMEOUT_MS: u64 = 400;

const EPOCH: DateTime = date(2026, 1, 5).at(8, 0, 0, 0);

/// More outputs or ticks than any behaviour needs.
const MOST_OUTPUTS: usize = 100_000;
