//! A scripted peer and virtual time, for the tests of this room.
//!
//! Time jumps to the machine's next deadline; every loop is bounded. What is counted is what the
//! peer saw: an order of which one byte arrived has been attempted.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::date;

use crate::exam::Exam;
use crate::hl7::Message;
use crate::mapping::{Mapping, resolve, shipped};
use crate::mllp::{Decoder, encode};
use crate::sender::{
    Bug, Config, Input, Kind, Link, Machine, Outcome, Output, Poll, Record, Variant,
};

/// What the peer does with one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Accept,
    Code(&'static str),
    /// A code, and after a while an AA for the same message.
    CodeThenAccept(&'static str),
    Silence,
    Close,
    Reset,
    Junk,
    OtherId,
    CutThenSilence,
    CutThenClose,
    AcceptThenClose,
    AcceptThenReset,
    /// Reset as soon as the first bytes arrive.
    ResetInside,
    /// An AA after the sender has given up.
    Late,
    /// Two identical AA.
    AcceptTwice,
}

/// When the sender is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kill {
    /// As soon as it has asked to store its nth record, which is then stored, or not.
    AtRecord(usize, Torn),
    /// As soon as the peer has the bytes of its nth write.
    AtWrite(usize),
}

/// Whether the record that was asked for last has reached the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Torn {
    Kept,
    Lost,
}

/// A message that the peer saw, whole or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) link: Link,
    pub(crate) endpoint: usize,
    pub(crate) payload: Vec<u8>,
}

/// The peer, the disk and the clock around machines that live one after the other.
pub(crate) struct Rehearsal {
    config: Config,
    pub(crate) journal: Vec<Record>,
    pub(crate) seen: Vec<Seen>,
    pub(crate) now: Duration,
    script: VecDeque<Reply>,
    result_script: VecDeque<Reply>,
    refuse: BTreeMap<usize, u32>,
    requests: Vec<(String, String)>,
    inputs: VecDeque<(Duration, Input)>,
    lines: BTreeMap<Link, (usize, Decoder)>,
    records: usize,
    writes: usize,
    links: u64,
}

impl Rehearsal {
    pub(crate) fn of(mapping: &str) -> Self {
        let config = Config {
            mapping: mapping_named(mapping).into(),
            results: None,
            endpoints: 1,
            ack_timeout: Duration::from_millis(300),
            retry_every: Duration::from_millis(200),
            epoch: date(2017, 4, 10).at(15, 13, 51, 0),
            bug: None,
            variant: None,
        };
        Self {
            config,
            journal: Vec::new(),
            seen: Vec::new(),
            now: Duration::ZERO,
            script: VecDeque::new(),
            result_script: VecDeque::new(),
            refuse: BTreeMap::new(),
            requests: Vec::new(),
            inputs: VecDeque::new(),
            lines: BTreeMap::new(),
            records: 0,
            writes: 0,
            links: 0,
        }
    }

    /// How its senders are set up.
    pub(crate) fn into_config(self) -> Config {
        self.config
    }

    pub(crate) fn bug(mut self, bug: Option<Bug>) -> Self {
        self.config.bug = bug;
        self
    }

    pub(crate) fn variant(mut self, variant: Variant) -> Self {
        self.config.variant = Some(variant);
        self
    }

    pub(crate) fn endpoints(mut self, endpoints: usize) -> Self {
        self.config.endpoints = endpoints;
        self
    }

    pub(crate) fn replies(mut self, replies: &[Reply]) -> Self {
        self.script.extend(replies);
        self
    }

    pub(crate) fn results(mut self, replies: &[Reply]) -> Self {
        self.config.results = Some(mapping_named("iris/result").into());
        self.result_script.extend(replies);
        self
    }

    /// Refuses the next `times` connections to `endpoint`.
    pub(crate) fn refusing(mut self, endpoint: usize, times: u32) -> Self {
        self.refuse.insert(endpoint, times);
        self
    }

    /// An operator asks the next life for another attempt.
    pub(crate) fn ask(&mut self, order: &str, request: &str) {
        self.requests.push((order.to_owned(), request.to_owned()));
    }

    /// One life of the sender, to which `exams` are handed; until nothing more happens.
    pub(crate) fn live(&mut self, exams: &[Exam]) -> Vec<(String, Outcome)> {
        self.live_until(exams, None)
    }

    /// One life of the sender that may end in a kill.
    pub(crate) fn live_until(
        &mut self,
        exams: &[Exam],
        kill: Option<Kill>,
    ) -> Vec<(String, Outcome)> {
        (self.records, self.writes) = (0, 0);
        self.inputs.clear();
        let mut machine = Machine::start(self.config.clone(), &self.journal, self.now);
        for exam in exams {
            self.inputs.push_back((self.now, Input::Exam(Arc::new(exam.clone()))));
        }
        for (order, request) in std::mem::take(&mut self.requests) {
            self.inputs.push_back((self.now, Input::Resend { order, request }));
        }
        for _ in 0..MOST_STEPS {
            match machine.poll(self.now) {
                Poll::Output(output) => {
                    if self.carry_out(output, kill) {
                        break;
                    }
                }
                Poll::WaitUntil(deadline) => {
                    if !self.wait(&mut machine, deadline) {
                        self.end_lines();
                        return machine.account();
                    }
                }
            }
        }
        assert!(kill.is_some(), "the sender never comes to rest");
        self.end_lines();
        crate::sender::account(&self.journal)
    }

    /// How many messages of `order` the peer saw at least one byte of.
    pub(crate) fn attempts(&self, order: &str) -> usize {
        self.messages_with(b"DFT", order)
    }

    /// How many results of `order` the peer saw.
    pub(crate) fn result_attempts(&self, order: &str) -> usize {
        self.messages_with(b"ORU", order)
    }

    fn messages_with(&self, code: &[u8], order: &str) -> usize {
        let about = |seen: &&Seen| {
            let message = Message::read(&seen.payload);
            // Even half a message names its order: the patient's number is made of it.
            message.code() == code && contains(&seen.payload, order.as_bytes())
        };
        self.seen.iter().filter(about).count()
    }

    /// Waits for an input or for `deadline`; whether anything can still happen.
    fn wait(&mut self, machine: &mut Machine, deadline: Option<Duration>) -> bool {
        let input = self.inputs.iter().map(|(at, _)| *at).min();
        match (input, deadline) {
            (Some(at), deadline) if deadline.is_none_or(|deadline| at <= deadline) => {
                let index = self.inputs.iter().position(|(when, _)| *when == at).unwrap();
                let (at, input) = self.inputs.remove(index).unwrap();
                self.now = self.now.max(at);
                machine.handle(self.now, input);
                true
            }
            (_, Some(deadline)) => {
                self.now = self.now.max(deadline);
                true
            }
            _ => false,
        }
    }

    /// Does what the machine wants; whether the sender is killed at it.
    fn carry_out(&mut self, output: Output, kill: Option<Kill>) -> bool {
        match output {
            Output::Connect { link, endpoint } => self.connect(link, endpoint),
            Output::Log(_) => {}
            Output::Disconnect(link) => {
                self.end_line(link);
                self.inputs.retain(|(_, input)| !is_about(input, link));
            }
            Output::Store(record) => {
                self.records += 1;
                if kill == Some(Kill::AtRecord(self.records, Torn::Lost)) {
                    return true;
                }
                self.journal.push(record);
                self.inputs.push_back((self.now, Input::Stored));
                return kill == Some(Kill::AtRecord(self.records, Torn::Kept));
            }
            Output::Write { link, bytes } => {
                self.writes += 1;
                self.read(link, &bytes);
                return kill == Some(Kill::AtWrite(self.writes));
            }
        }
        false
    }

    fn connect(&mut self, link: Link, endpoint: usize) {
        assert!(link.0 > 0 && endpoint < self.config.endpoints);
        self.links += 1;
        let refusals = self.refuse.entry(endpoint).or_default();
        let input = if *refusals > 0 {
            *refusals -= 1;
            Input::Refused(link)
        } else {
            self.lines.insert(link, (endpoint, Decoder::new(1 << 20)));
            Input::Connected(link)
        };
        self.inputs.push_back((self.now, input));
    }

    /// The peer reads `bytes` and plays its script.
    fn read(&mut self, link: Link, bytes: &[u8]) {
        let Some((endpoint, decoder)) = self.lines.get_mut(&link) else { return };
        let endpoint = *endpoint;
        decoder.feed(bytes);
        if self.script.front() == Some(&Reply::ResetInside) {
            self.script.pop_front();
            self.end_line(link);
            self.inputs.push_back((self.now, Input::Reset(link)));
            return;
        }
        while let Some((_, decoder)) = self.lines.get_mut(&link)
            && let Some(found) = decoder.next()
        {
            let payload = found.payload().to_vec();
            self.answer(link, &payload);
            self.seen.push(Seen { link, endpoint, payload });
        }
    }

    fn answer(&mut self, link: Link, payload: &[u8]) {
        let message = Message::read(payload);
        let script = match message.code() {
            b"DFT" => &mut self.script,
            b"ORU" => &mut self.result_script,
            _ => return,
        };
        let reply = script.pop_front().unwrap_or(Reply::Accept);
        let id = String::from_utf8_lossy(message.control_id()).into_owned();
        let ack = |code: &str| encode(acknowledgement(code, &id).as_bytes());
        let other = encode(acknowledgement("AA", "999").as_bytes());
        let mut cut = ack("AA");
        cut.truncate(cut.len() - 8);
        let bytes = |bytes: Vec<u8>| Input::Received(link, bytes);
        let soon = Duration::from_millis(10);
        let late = self.config.ack_timeout + soon;
        let played = match reply {
            Reply::Accept => vec![(soon, bytes(ack("AA")))],
            Reply::AcceptTwice => vec![(soon, bytes([ack("AA"), ack("AA")].concat()))],
            Reply::Code(code) => vec![(soon, bytes(ack(code)))],
            Reply::CodeThenAccept(code) => {
                vec![(soon, bytes(ack(code))), (soon * 2, bytes(ack("AA")))]
            }
            Reply::Silence | Reply::ResetInside => vec![],
            Reply::Close => vec![(soon, Input::Ended(link))],
            Reply::Reset => vec![(soon, Input::Reset(link))],
            Reply::Junk => vec![(soon, bytes(encode(b"fail")))],
            Reply::OtherId => vec![(soon, bytes(other))],
            Reply::CutThenSilence => vec![(soon, bytes(cut))],
            Reply::CutThenClose => vec![(soon, bytes(cut)), (soon, Input::Ended(link))],
            Reply::AcceptThenClose => vec![(soon, bytes(ack("AA"))), (soon, Input::Ended(link))],
            Reply::AcceptThenReset => vec![(soon, bytes(ack("AA"))), (soon, Input::Reset(link))],
            Reply::Late => vec![(late, bytes(ack("AA")))],
        };
        self.inputs.extend(played.into_iter().map(|(wait, input)| (self.now + wait, input)));
    }

    fn end_line(&mut self, link: Link) {
        let Some((endpoint, mut decoder)) = self.lines.remove(&link) else { return };
        while let Some(found) = decoder.finish() {
            let payload = found.payload().to_vec();
            self.seen.push(Seen { link, endpoint, payload });
        }
    }

    fn end_lines(&mut self) {
        while let Some((link, _)) = self.lines.first_key_value() {
            self.end_line(*link);
        }
    }

    /// How many connections were asked for.
    pub(crate) const fn links(&self) -> u64 {
        self.links
    }

    /// The whole charge messages that the peer saw.
    pub(crate) fn charges(&self) -> Vec<&[u8]> {
        let charges = self.seen.iter().map(|seen| seen.payload.as_slice());
        charges.filter(|payload| Message::read(payload).code() == b"DFT").collect()
    }

    /// How often the journal says that `order` was attempted.
    pub(crate) fn marks(&self, order: &str) -> usize {
        let about = |record: &&Record| matches!(record, Record::Attempting { order: of, kind: Kind::Charge, .. } if of == order);
        self.journal.iter().filter(about).count()
    }
}

/// An exam of its own order and patient; ungradable images and findings as given.
pub(crate) fn exam(order: &str) -> Exam {
    let provider = |id: &str, given: &str| {
        serde_json::json!({"id": id, "family": "DOE", "given": given, "prefix": "MD",
            "degree": "MD", "id_type": "NPI"})
    };
    let exam = serde_json::json!({
        "order": {"number": order, "emr_number": format!("E{order}"), "application": "EPIC"},
        "site": "POC01",
        "patient": {"mrn": format!("M{order}"), "family": "DOE", "given": "JOHN & CO",
            "born": "1958-10-12", "sex": "M", "account": "1234"},
        "ordering_provider": provider("OP0001", "JACK"),
        "interpreter": provider("GR0001", "JANE"),
        "images": [{"eye": "left", "captured": "2017-04-10T14:58:03"},
            {"eye": "right", "captured": "2017-04-10T14:58:03", "gradable": false}],
        "grading": {"signed": "2017-04-10T14:59:01", "left": "mild", "right": "none",
            "diagnoses": [{"code": "E11.41", "text": "one"}, {"code": "H35.81", "text": "two"}]},
    });
    serde_json::from_value(exam).unwrap()
}

pub(crate) fn mapping_named(name: &str) -> Mapping {
    resolve(name, &shipped).unwrap()
}

fn acknowledgement(code: &str, id: &str) -> String {
    format!("MSH|^~\\&|EMR|F|IRIS|IRIS|20170410151352||ACK^P03^ACK|A1|P|2.4\rMSA|{code}|{id}\r")
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn is_about(input: &Input, link: Link) -> bool {
    match input {
        Input::Connected(of)
        | Input::Called(of)
        | Input::Refused(of)
        | Input::Received(of, _)
        | Input::Ended(of)
        | Input::Truncated(of)
        | Input::Reset(of) => *of == link,
        Input::Exam(_)
        | Input::Resend { .. }
        | Input::Stored
        | Input::ClockMoved(_)
        | Input::Stop => false,
    }
}

const MOST_STEPS: usize = 20_000;
