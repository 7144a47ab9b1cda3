//! A recorded case, built by hand: a plan of a probe, an exam and a probe, and what was seen.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use indexmap::IndexMap;
use jiff::civil::DateTime;

use crate::check::judge;
use crate::exam::Exam;
use crate::history::{
    Accounted, ConnectionId, End, Ending, Event, FORMAT_VERSION, Header, History, Incarnation,
    Micros, Outcome, Piece, Raw, Seal, What,
};
use crate::history::{Anomaly, AnomalyKind};
use crate::mapping::{Mapping, Stamp, resolve, shipped};
use crate::plan::fault::Answer;
use crate::plan::{
    Account, AttemptMode, Behaviour, Charged, Driving, Expect, Fault, Limits, Match, Origin,
    Parameters, Plan, Play, SenderPlan, Step, StopBy,
};
use crate::verdict::{Circumstance, Judgement, Rule, Weight};

/// A case under construction. Each event is a millisecond after the one before.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) plan: Plan,
    pub(crate) events: Vec<Event>,
    clock: Micros,
    stamps: u64,
}

impl Case {
    /// A plan with the default steps and nothing seen yet.
    pub(crate) fn new() -> Self {
        Self { plan: PLAN.clone(), events: Vec::new(), clock: Micros(0), stamps: 0 }
    }

    /// The sender has started and delivered the first probe on connection 1.
    pub(crate) fn begun() -> Self {
        let mut case = Self::new();
        case.start(1);
        case.open(1, 1);
        case.deliver(1, "probe-1");
        case
    }

    /// The usual end: a second probe on `connection`, a restart, an account, a stop.
    pub(crate) fn ended(mut self, connection: ConnectionId, john: Outcome) -> Self {
        self.deliver(connection, "probe-2");
        self.restarted(1, john)
    }

    /// The usual end without the second probe, from this life on.
    pub(crate) fn restarted(mut self, life: Incarnation, john: Outcome) -> Self {
        self.watch();
        self.stop(life);
        self.start(life + 1);
        self.watch();
        self.account(&[
            ("probe-1", Outcome::Delivered),
            ("john-doe", john),
            ("probe-2", Outcome::Delivered),
        ]);
        self.stop(life + 1);
        self.push(What::Finished);
        self
    }

    /// john-doe was refused, as the script has it, on connection 1.
    pub(crate) fn refused() -> Self {
        let mut case = Self::begun().scripted(Fault::Answer(Answer::Reject));
        case.refuse();
        case
    }

    /// john-doe is handed over, arrives on connection 1, and is refused, as the script has it.
    pub(crate) fn refuse(&mut self) {
        self.submit("john-doe");
        let message = self.message("john-doe");
        let to = self.send(1, &message);
        self.answer(1, to, "AR", &message);
        self.played(1, Fault::Answer(Answer::Reject));
    }

    /// Everything went well.
    pub(crate) fn healthy() -> Self {
        let mut case = Self::begun();
        case.deliver(1, "john-doe");
        case.ended(1, Outcome::Delivered)
    }

    /// The script plays `fault` for john-doe.
    pub(crate) fn scripted(mut self, fault: Fault) -> Self {
        self.plan.script.push(Behaviour {
            on: Match { exam: Some("john-doe".to_owned()), attempt: Some(1), ..Match::default() },
            play: vec![Play::Fault { fault, with: Parameters::default() }],
            times: None,
        });
        self
    }

    pub(crate) fn push(&mut self, what: What) -> u64 {
        self.clock.0 += 1000;
        let seq = self.events.len() as u64 + 1;
        self.events.push(Event { seq, at: self.clock, what });
        seq
    }

    pub(crate) const fn now(&self) -> Micros {
        self.clock
    }

    pub(crate) fn pause(&mut self, milliseconds: u64) {
        self.clock.0 += milliseconds * 1000;
    }

    pub(crate) fn start(&mut self, incarnation: Incarnation) {
        self.push(What::SenderStarted { incarnation, beside: None });
    }

    pub(crate) fn stop(&mut self, incarnation: Incarnation) {
        self.push(What::SenderEnding { incarnation, how: Ending::Stop });
        self.push(What::SenderExited { incarnation, code: Some(0), signal: None, asked: true });
    }

    pub(crate) fn kill(&mut self, incarnation: Incarnation) {
        self.push(What::SenderEnding { incarnation, how: Ending::Kill });
        self.push(What::SenderExited { incarnation, code: None, signal: Some(9), asked: true });
    }

    pub(crate) fn open(&mut self, connection: ConnectionId, incarnation: Incarnation) {
        self.push(What::Opened { connection, endpoint: "emr".to_owned(), incarnation });
    }

    pub(crate) fn submit(&mut self, exam: &str) {
        self.push(What::Submitted { exam: exam.to_owned(), incarnation: 1 });
    }

    pub(crate) fn watch(&mut self) {
        let settle = self.plan.limits.settle;
        self.pause(settle.0 / 1000);
        self.push(What::Watched { quiet: settle, wanted: settle });
    }

    pub(crate) fn played(&mut self, connection: ConnectionId, fault: Fault) {
        let name = fault.name().to_owned();
        self.push(What::Played { behaviour: 0, name, connection: Some(connection) });
    }

    pub(crate) fn account(&mut self, charges: &[(&str, Outcome)]) {
        let entry = |(exam, outcome): &(&str, Outcome)| Accounted {
            order: self.plan.exams[*exam].order.number.clone(),
            outcome: *outcome,
        };
        let charges = charges.iter().map(entry).collect();
        self.push(What::Account { charges, asked: None });
    }

    /// A new message for an exam: its time and control id differ from every other's.
    pub(crate) fn message(&mut self, exam: &str) -> Vec<u8> {
        let stamp = self.stamp();
        self.plan.mapping.message(&self.plan.exams[exam], &stamp)
    }

    /// A new result for an exam.
    pub(crate) fn result(&mut self, exam: &str) -> Vec<u8> {
        let stamp = self.stamp();
        let results = self.plan.results.as_ref().unwrap();
        results.message(&self.plan.exams[exam], &stamp)
    }

    pub(crate) fn stamp(&mut self) -> Stamp {
        self.stamps += 1;
        let now: DateTime = "2017-04-10T15:13:00".parse().unwrap();
        let now = now.checked_add(jiff::SignedDuration::from_secs(self.stamps as i64)).unwrap();
        Stamp { now, control_id: format!("1704101513{:02}", self.stamps) }
    }

    /// A whole frame.
    pub(crate) fn send(&mut self, connection: ConnectionId, payload: &[u8]) -> u64 {
        let bytes = [&[0x0B], payload, &[0x1C, b'\r']].concat();
        self.receive(connection, Piece::Frame, &bytes, &[])
    }

    /// The beginning of a frame whose connection then ended.
    pub(crate) fn send_part(&mut self, connection: ConnectionId, part: &[u8]) -> u64 {
        let bytes = [&[0x0B], part].concat();
        self.receive(connection, Piece::Unfinished, &bytes, &[AnomalyKind::NoEnd])
    }

    pub(crate) fn receive(
        &mut self,
        connection: ConnectionId,
        piece: Piece,
        bytes: &[u8],
        anomalies: &[AnomalyKind],
    ) -> u64 {
        let began = self.clock;
        let offset = self.received_on(connection);
        self.push(What::Received {
            connection,
            offset,
            began,
            piece,
            bytes: Raw::from(bytes),
            length: bytes.len() as u64,
            anomalies: anomalies.iter().map(|&kind| Anomaly { offset: 0, kind }).collect(),
        })
    }

    /// How many bytes were received on a connection so far.
    pub(crate) fn received_on(&self, connection: ConnectionId) -> u64 {
        let received = self.events.iter().filter_map(|event| match event.what {
            What::Received { connection: of, length, .. } if of == connection => Some(length),
            _ => None,
        });
        received.sum()
    }

    /// The EMR writes these bytes in answer to a message.
    pub(crate) fn reply(&mut self, connection: ConnectionId, to: u64, name: &str, bytes: &[u8]) {
        let began = self.clock;
        self.push(What::Replied {
            connection,
            to: Some(to),
            name: name.to_owned(),
            bytes: Raw::from(bytes),
            length: None,
            began,
            writes: 1,
            pauses: Vec::new(),
            complete: true,
        });
    }

    /// The EMR answers `message` with this code.
    pub(crate) fn answer(&mut self, connection: ConnectionId, to: u64, code: &str, message: &[u8]) {
        let name = match code {
            "AA" => "answer/accept",
            "AR" => "answer/reject",
            _ => "answer/error",
        };
        self.reply(connection, to, name, &ack(code, &control_id(message)));
    }

    pub(crate) fn end(&mut self, connection: ConnectionId, how: End) {
        self.push(What::EndedByEmr { connection, how });
    }

    /// Hands an exam over; its message arrives and is accepted.
    pub(crate) fn deliver(&mut self, connection: ConnectionId, exam: &str) {
        self.submit(exam);
        let message = self.message(exam);
        let to = self.send(connection, &message);
        self.answer(connection, to, "AA", &message);
    }

    pub(crate) fn judge(&self) -> Judgement {
        judge(&self.plan, &self.history())
    }

    pub(crate) fn history(&self) -> History {
        let plan = serde_json::value::to_raw_value(&self.plan).unwrap();
        let header = Header {
            format: "chargeproof-history".to_owned(),
            version: FORMAT_VERSION,
            case: self.plan.id.clone(),
            started: "2017-04-10T15:13:00Z".to_owned(),
            sealed: false,
            plan,
        };
        History { header, events: self.events.clone(), seal: Seal::None }
    }
}

/// The rules that a judgement found broken, sorted, each once.
pub(crate) fn broken(judgement: &Judgement) -> Vec<&str> {
    rules(judgement, |weight| weight >= Weight::Broken)
}

/// Rule and circumstance of everything inconclusive.
pub(crate) fn inconclusive(judgement: &Judgement) -> Vec<(Rule, Circumstance)> {
    let found = judgement.findings.iter().filter(|finding| finding.weight == Weight::Inconclusive);
    found.map(|finding| (finding.rule, finding.circumstance.clone())).collect()
}

fn rules(judgement: &Judgement, wanted: fn(Weight) -> bool) -> Vec<&str> {
    let found = judgement.findings.iter().filter(|finding| wanted(finding.weight));
    let mut rules: Vec<&str> = found.map(|finding| finding.rule.name()).collect();
    rules.sort_unstable();
    rules.dedup();
    rules
}

pub(crate) fn mapping(name: &str) -> Arc<Mapping> {
    resolve(name, &shipped).unwrap().into()
}

/// A strict acknowledgement in a frame.
pub(crate) fn ack(code: &str, control_id: &str) -> Vec<u8> {
    let payload = format!(
        "MSH|^~\\&|EMR|F|IRIS|IRIS|20170410151400||ACK^P03|9|P|2.4\rMSA|{code}|{control_id}\r"
    );
    format!("\u{b}{payload}\u{1c}\r").into_bytes()
}

pub(crate) fn control_id(message: &[u8]) -> String {
    let header = message.split(|&byte| byte == b'\r').next().unwrap();
    let field = header.split(|&byte| byte == b'|').nth(9).unwrap();
    String::from_utf8(field.to_vec()).unwrap()
}

/// `message` with the first `from` replaced.
pub(crate) fn changed(message: &[u8], from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(message.to_vec()).unwrap();
    assert!(text.contains(from), "`{from}` is not in the message");
    text.replacen(from, to, 1).into_bytes()
}

static PLAN: LazyLock<Plan> = LazyLock::new(plan);

fn plan() -> Plan {
    let exams = [("probe-1", "900001"), ("john-doe", "273013"), ("probe-2", "900002")];
    let exams: IndexMap<String, Arc<Exam>> =
        exams.into_iter().map(|(name, order)| (name.to_owned(), Arc::new(exam(order)))).collect();
    let probes = ["probe-1", "probe-2"].map(str::to_owned).to_vec();
    let handed = |name: &str| [Step::Submit(name.to_owned()), Step::Await(name.to_owned())];
    let mut steps = vec![Step::Start];
    steps.extend(["probe-1", "john-doe", "probe-2"].into_iter().flat_map(handed));
    steps.extend([Step::Settle, Step::Stop, Step::Start, Step::Settle, Step::Account, Step::Stop]);
    Plan {
        id: "once/case".to_owned(),
        title: "a case".to_owned(),
        requirements: Vec::new(),
        seed: 1,
        mapping: mapping("iris/option-2"),
        results: None,
        exams: exams.into(),
        endpoints: vec!["emr".to_owned()],
        tls: None,
        script: Vec::new(),
        steps,
        origin: Origin::Driven,
        limits: limits(),
        expect: Expect {
            charges: [("john-doe".to_owned(), Charged::Once)].into(),
            attempts: AttemptMode::Strict,
            probes,
            ..Expect::default()
        },
        sender: SenderPlan {
            clock: None,
            resend: None,
            name: "a sender".to_owned(),
            start: vec!["sender".to_owned()],
            environment: BTreeMap::new(),
            directory: None,
            account: Some(Account::Command(vec!["sender".to_owned(), "account".to_owned()])),
            driving: Driving::default(),
            stop: StopBy::Terminate,
            bug: None,
            variant: None,
        },
        made: Default::default(),
    }
}

fn limits() -> Limits {
    Limits {
        ack_timeout: Micros(300_000),
        longest_retry: Micros(200_000),
        in_flight: None,
        settle: Micros(600_000),
        patience: Micros(2_000_000),
        stop: Micros(2_000_000),
        message_bytes: 1 << 20,
        connections: 64,
        messages: 10_000,
        recorded_bytes: 1 << 26,
    }
}

/// An exam of this order; another order is another patient.
pub(crate) fn exam(order: &str) -> Exam {
    let facts = serde_json::json!({
        "order": {"number": order, "emr_number": format!("2017{order}"), "application": "EPIC"},
        "site": "POC01",
        "patient": {
            "mrn": format!("M{order}"), "family": "DOE", "given": "JOHN", "born": "1958-10-12",
            "sex": "M", "account": format!("A{order}"),
        },
        "ordering_provider": {"id": "OP0001", "family": "DOE", "given": "JACK", "id_type": "NPI"},
        "interpreter": {"id": "GR0001", "family": "DOE", "given": "JANE", "id_type": "NPI"},
        "images": [{"eye": "left", "captured": "2017-04-10T14:58:03"}],
        "grading": {
            "signed": "2017-04-10T14:59:01", "left": "mild",
            "diagnoses": [{"code": "E11.41", "text": "Type 2 diabetes & mononeuropathy"}],
        },
    });
    serde_json::from_value(facts).unwrap()
}
