//! What a fault puts on the wire, found out by playing it: the EMR's own machine, a charge as the
//! reference sender writes it, and a clock that jumps.
//!
//! It does **not** judge, and describes nothing by hand: what is shown is what is sent.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::civil::{DateTime, date};
use serde::Serialize;

use crate::emr::{Asked, Door, Emr, Handshake, Input, Manner, Output, Settings, WireAct};
use crate::history::{Bounds, ConnectionId, End, Piece, Recorder, Side, What};
use crate::hl7::visible;
use crate::plan::{Plan, Step, Tls};
use crate::run::simulated;
use crate::suite::pipeline::SuiteError;

/// One thing that is seen on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Who does it.
    pub by: By,
    /// What, in a readable form: `<VT>…<FS><CR>`, pauses as `<100ms>`, ends as `<reset>`.
    pub text: String,
}

/// Who does something on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// The sender.
    Sender,
    /// The EMR.
    Emr,
}

/// Plays the script of `plan` to a sender that hands over its exams one after the other, until
/// the first behaviour has played.
///
/// # Errors
/// A plan that cannot be simulated.
pub fn play(plan: &Plan) -> Result<Vec<Line>, SuiteError> {
    let charges =
        charges(plan).map_err(|error| SuiteError::Simulation { case: plan.id.clone(), error })?;
    let mut stage = Stage::new(plan);
    stage.submit(plan);
    stage.speak(&charges);
    Ok(stage.lines())
}

/// The charges of the plan's exams as the reference sender frames them, in their order.
fn charges(plan: &Plan) -> Result<Vec<Vec<u8>>, simulated::SimulationError> {
    let submit = plan.exams.keys().map(|exam| Step::Submit(exam.clone()));
    let steps = [Step::Start].into_iter().chain(submit).chain([Step::Settle, Step::Stop]);
    let healthy = Plan { script: Vec::new(), steps: steps.collect(), ..plan.clone() };
    let events = simulated::run(&healthy)?.events;
    let frames = events.into_iter().filter_map(|event| match event.what {
        What::Received { piece: Piece::Frame, bytes, .. } => Some(bytes.as_slice().to_vec()),
        _ => None,
    });
    Ok(frames.collect())
}

/// The EMR's wall clock at the beginning.
const EPOCH: DateTime = date(2026, 1, 5).at(8, 0, 0, 0);

/// How long a fault is watched for what it still does.
const LONGEST: Duration = Duration::from_secs(600);

/// Steps after which an EMR that never comes to rest is left alone.
const MOST_STEPS: usize = 100_000;

struct Stage {
    emr: Emr,
    recorder: Recorder,
    now: Duration,
    accepted: ConnectionId,
    /// The connection that the sender speaks on, while neither side has ended it.
    open: Option<ConnectionId>,
    door: Door,
    tls: Option<Tls>,
    /// What was sent on connections that are not accepted or not read.
    unread: BTreeMap<ConnectionId, Vec<u8>>,
    seen: Vec<Seen>,
}

struct Seen {
    at: Duration,
    by: By,
    text: String,
    /// How many bytes it was.
    bytes: usize,
}

impl Stage {
    fn new(plan: &Plan) -> Self {
        let mut stage = Self {
            emr: Emr::new(plan, Settings::of(plan, EPOCH)),
            recorder: Recorder::new(Bounds { pieces: 1_000, bytes: 1 << 26 }),
            now: Duration::ZERO,
            accepted: 0,
            open: None,
            door: Door::Shut,
            tls: plan.tls.clone(),
            unread: BTreeMap::new(),
            seen: Vec::new(),
        };
        stage.carry_out();
        stage
    }

    /// The first exam is handed over, which is when an endpoint goes down.
    fn submit(&mut self, plan: &Plan) {
        if let Some(exam) = plan.exams.keys().next() {
            self.feed(Input::Submitted { exam });
        }
        if matches!(self.door, Door::Shut | Door::Full) {
            self.pass();
        }
    }

    /// Sends one charge after the other until the fault has played: the first on a connection of
    /// its own, then one more on it, then one on the next connection, and so on. None is sent twice:
    /// that would show what a sender must not do.
    fn speak(&mut self, charges: &[Vec<u8>]) {
        for (number, charge) in charges.iter().enumerate() {
            if self.has_played() {
                return;
            }
            if number % 2 == 0 || self.open.is_none() {
                self.connect();
            }
            if let Some(connection) = self.open {
                self.send(connection, charge);
            }
            self.pass();
        }
    }

    fn connect(&mut self) {
        self.accepted += 1;
        let connection = self.accepted;
        self.open = Some(connection);
        self.see(By::Sender, "<connect>");
        if self.door == Door::Unattended {
            self.unread.insert(connection, Vec::new());
            self.feed(Input::Waiting { endpoint: 0 });
        } else {
            self.feed(Input::Accepted { connection, endpoint: 0, incarnation: 1 });
        }
    }

    /// Byte by byte, as far as the EMR lets it.
    fn send(&mut self, connection: ConnectionId, charge: &[u8]) {
        let before = self.seen.len();
        let mut sent = 0;
        while sent < charge.len() && self.open == Some(connection) {
            self.arrive(connection, &charge[sent..=sent]);
            sent += 1;
        }
        let all = charge.len();
        let text = if sent == all {
            format!("{all} bytes: <VT>MSH|…|DFT^P03|…<FS><CR>")
        } else {
            format!("the first {sent} of {all} bytes: <VT>MSH|…|DFT^P03|…")
        };
        let said = Seen { at: self.now, by: By::Sender, text, bytes: sent };
        self.seen.insert(before, said);
    }

    fn arrive(&mut self, connection: ConnectionId, bytes: &[u8]) {
        match self.unread.get_mut(&connection) {
            None => self.feed(Input::Received { connection, bytes }),
            Some(kept) => {
                kept.extend_from_slice(bytes);
                self.feed(Input::Held { connection });
            }
        }
    }

    fn has_played(&self) -> bool {
        self.recorder.events().iter().any(|event| matches!(event.what, What::Played { .. }))
    }

    fn feed(&mut self, input: Input<'_>) {
        self.tell(input);
        self.carry_out();
    }

    fn carry_out(&mut self) {
        for _ in 0..MOST_STEPS {
            let Some(output) = self.emr.poll() else { return };
            if let Output::Wire(act) = output {
                self.act(act);
            }
        }
    }

    fn act(&mut self, act: WireAct) {
        match act {
            WireAct::Write { connection, bytes } => {
                let text = shortened(&bytes);
                let bytes_said = bytes.len();
                self.seen.push(Seen { at: self.now, by: By::Emr, text, bytes: bytes_said });
                self.tell(Input::Wrote { connection, bytes: &bytes, complete: true });
            }
            WireAct::End { connection, how } => self.end(connection, how),
            WireAct::Listen { endpoint, door } => self.meet(endpoint, door),
            WireAct::Read { connection, on } => self.read(connection, on),
            WireAct::Secure { connection, handshake } => self.shake_hands(connection, &handshake),
            WireAct::Visit { endpoint } => {
                self.see(By::Emr, "<another client connects>");
                let accepted = self.door == Door::Open;
                self.tell(Input::Visited { endpoint, accepted });
            }
            WireAct::Call { call } => self.take(call),
        }
    }

    /// The EMR connects to the sender.
    fn take(&mut self, call: u32) {
        self.accepted += 1;
        let connection = self.accepted;
        self.see(By::Emr, "<connect to the sender's port>");
        self.tell(Input::Called { call, connection, incarnation: 1 });
    }

    fn end(&mut self, connection: ConnectionId, how: End) {
        let text = match how {
            End::Close => "<close>",
            End::Reset => "<reset>",
            End::HalfClose => "<half-close>",
            End::Truncated => "<close without close_notify>",
        };
        self.see(By::Emr, text);
        if self.open == Some(connection) && how != End::HalfClose {
            self.open = None;
        }
        self.tell(Input::EndDone { connection, how });
    }

    /// What comes of the handshake with a good sender.
    fn shake_hands(&mut self, connection: ConnectionId, handshake: &Handshake) {
        self.see(By::Sender, "<ClientHello>");
        self.tell(Input::Greeted { connection });
        let outcome = simulated::outcome(handshake, self.tls.as_ref(), None, 0);
        if let Manner::Hold { show, client } = handshake.manner {
            let shown = show.flaw().unwrap_or("a good certificate");
            let asked = if client == Asked::Nothing { "" } else { ", and asks for one" };
            self.see(By::Emr, &format!("<{shown}{asked}>"));
        }
        match outcome {
            Some(Ok(secured)) => return self.tell(Input::Secured { connection, secured }),
            Some(Err(failure)) => {
                let by = match failure.by {
                    Side::Emr => By::Emr,
                    Side::Sender => By::Sender,
                };
                let alert = failure.alert.as_deref().unwrap_or_default();
                self.see(by, &format!("<alert {alert}>"));
                self.tell(Input::TlsFailed { connection, failure });
            }
            None => {}
        }
        self.open = None; // the sender has nothing to say here
    }

    /// The EMR meets those who connect in another way.
    fn meet(&mut self, endpoint: usize, door: Door) {
        let listens = |door| matches!(door, Door::Open | Door::Unattended);
        let before = std::mem::replace(&mut self.door, door);
        if self.now > Duration::ZERO || door != Door::Open {
            self.see(By::Emr, in_short(door));
        }
        if listens(before) != listens(door) {
            self.tell(Input::Listening { endpoint, up: listens(door) });
        }
        match door {
            Door::Open => self.let_in(endpoint),
            Door::Shut => self.tell(Input::RefusalSeen { endpoint }),
            Door::Full => self.tell(Input::SilenceSeen { endpoint, waited: SILENCE }),
            Door::Unattended => {}
        }
    }

    /// Whoever waited before the door is accepted, and read.
    fn let_in(&mut self, endpoint: usize) {
        for (connection, kept) in std::mem::take(&mut self.unread) {
            self.tell(Input::Accepted { connection, endpoint, incarnation: 1 });
            self.tell(Input::Received { connection, bytes: &kept });
        }
    }

    fn read(&mut self, connection: ConnectionId, on: bool) {
        self.see(By::Emr, if on { "<reads on>" } else { "<reads no more>" });
        let kept = self.unread.remove(&connection).unwrap_or_default();
        self.tell(Input::Reading { connection, on, waiting: kept.len() as u64 });
        if on {
            self.tell(Input::Received { connection, bytes: &kept });
        } else {
            self.unread.insert(connection, Vec::new());
        }
    }

    fn tell(&mut self, input: Input<'_>) {
        self.emr.handle(self.now, input, &mut self.recorder);
    }

    /// Lets time pass until the EMR wants nothing more of it.
    fn pass(&mut self) {
        let until = self.now + LONGEST;
        for _ in 0..MOST_STEPS {
            match self.emr.deadline() {
                Some(at) if at <= until => {
                    self.now = self.now.max(at);
                    self.feed(Input::Tick);
                }
                _ => return,
            }
        }
    }

    fn see(&mut self, by: By, text: &str) {
        self.seen.push(Seen { at: self.now, by, text: text.to_owned(), bytes: 0 });
    }

    /// What was seen: what the EMR does in a row is one line, what the sender does one each.
    fn lines(self) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut before = Duration::ZERO;
        for run in self.seen.chunk_by(|one, next| one.by == next.by && one.by == By::Emr) {
            let mut pieces: Vec<String> = Vec::new();
            for seen in run {
                if seen.at > before {
                    pieces.push(format!("<{}>", in_words(seen.at - before)));
                    before = seen.at;
                    pieces.push(String::new());
                }
                match pieces.last_mut() {
                    Some(last) => last.push_str(&seen.text),
                    None => pieces.push(seen.text.clone()),
                }
            }
            let bytes = run.iter().map(|seen| seen.bytes).sum();
            lines.push(Line { by: run[0].by, text: cut_out(&abridged(&pieces), bytes) });
        }
        lines
    }
}

const fn in_short(door: Door) -> &'static str {
    match door {
        Door::Open => "<listening>",
        Door::Shut => "<refused>",
        Door::Unattended => "<accepts nobody>",
        Door::Full => "<connects hang>",
    }
}

/// For how long a connect to a full door was tried.
const SILENCE: Duration = Duration::from_millis(200);

/// Pieces of text and the pauses between them; of very many only the first and the last.
fn abridged(pieces: &[String]) -> String {
    const MOST: usize = 16;
    if pieces.len() <= MOST {
        return pieces.concat();
    }
    let left_out = pieces.len() - MOST;
    let (first, last) = (&pieces[..MOST - 2], &pieces[pieces.len() - 2..]);
    format!("{}… and {} more such pauses …{}", first.concat(), left_out.div_ceil(2), last.concat())
}

/// A line whose middle is left out if it was said in very many writes, with how many bytes that were.
fn cut_out(text: &str, bytes: usize) -> String {
    const MOST: usize = 2_000;
    let characters: Vec<char> = text.chars().collect();
    if characters.len() <= MOST {
        return text.to_owned();
    }
    let (first, last) = (&characters[..MOST / 4], &characters[characters.len() - MOST / 8..]);
    let text = |part: &[char]| part.iter().collect::<String>();
    format!("{}… and so on, {bytes} bytes in all …{}", text(first), text(last))
}

/// Bytes in a readable form; the middle of very many is counted and not shown.
fn shortened(bytes: &[u8]) -> String {
    const MOST: usize = 400;
    if bytes.len() <= MOST {
        return visible(bytes);
    }
    let (first, rest) = bytes.split_at(MOST / 2);
    let (middle, last) = rest.split_at(rest.len() - MOST / 8);
    format!("{}… {} bytes …{}", visible(first), middle.len(), visible(last))
}

fn in_words(time: Duration) -> String {
    match time.as_millis() {
        whole if whole >= 10_000 && whole.is_multiple_of(1000) => format!("{}s", whole / 1000),
        whole => format!("{whole}ms"),
    }
}
