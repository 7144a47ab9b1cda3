//! What a fault puts on the wire, read off a history in which it has played: the EMR, the reference
//! sender and a clock that jumps, as in every simulated case.
//!
//! It does **not** judge, drives nothing, and describes nothing by hand: what is shown is what was
//! seen.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Serialize;

use crate::history::{ConnectionId, End, Event, Micros, Pause, Piece, Shown, Side, What};
use crate::hl7::visible;
use crate::plan::{Limits, Plan, Tls};
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

/// Plays `plan` to a sender that waits for whatever comes, and shows what is seen on the wire until
/// the first behaviour has played and the sender is given something else to do.
///
/// # Errors
/// A plan that cannot be simulated.
pub fn play(plan: &Plan) -> Result<Vec<Line>, SuiteError> {
    // Who has another charge to send gives up in its own time, and goes on to that.
    let has_another = plan.exams.len() > 1;
    let limits = Limits {
        ack_timeout: if has_another { plan.limits.ack_timeout } else { ANSWER },
        settle: WATCHED,
        longest_retry: RETRY,
        patience: RETRY,
        ..plan.limits.clone()
    };
    let patient = Plan { limits, ..plan.clone() };
    let history = simulated::run(&patient)
        .map_err(|error| SuiteError::Simulation { case: plan.id.clone(), error })?;
    let mut wire = Wire::new(&history.events, plan.tls.as_ref());
    for (index, event) in history.events.iter().enumerate() {
        if wire.is_over(&event.what) {
            break;
        }
        wire.show(index, event);
    }
    Ok(lines(&wire.seen))
}

/// How long the sender waits for an answer: longer than any fault takes.
const ANSWER: Micros = Micros(600_000_000);

/// How long the wire must be quiet after that for the fault to be over.
const WATCHED: Micros = Micros(3_600_000_000);

/// How long the sender waits before it tries anything again: until nobody watches any more.
const RETRY: Micros = Micros(86_400_000_000);

/// The events of a history as they are seen on the wire.
struct Wire<'h> {
    events: &'h [Event],
    tls: Option<&'h Tls>,
    seen: Vec<Seen>,
    played: bool,
    /// Somebody waits to be accepted.
    waited: bool,
    /// Pieces that were shown when they were sent, which was before they were read.
    shown: BTreeSet<u64>,
    /// Connections that the sender has ended.
    left: BTreeSet<ConnectionId>,
}

struct Seen {
    at: Duration,
    by: By,
    text: String,
    /// How many bytes it was.
    bytes: u64,
}

impl<'h> Wire<'h> {
    fn new(events: &'h [Event], tls: Option<&'h Tls>) -> Self {
        let (shown, left) = (BTreeSet::new(), BTreeSet::new());
        Self { events, tls, seen: Vec::new(), played: false, waited: false, shown, left }
    }

    /// Whether nothing that comes from here on belongs to what has played.
    const fn is_over(&self, what: &What) -> bool {
        match what {
            What::Submitted { .. } => self.played,
            What::SenderEnding { .. } => true,
            _ => false,
        }
    }

    fn show(&mut self, index: usize, event: &Event) {
        let at = event.at;
        match &event.what {
            What::Played { .. } => self.played = true,
            What::Listening { up: true, .. } if at > Micros(0) => {
                self.see(at, By::Emr, "<listening>");
            }
            What::RefusalSeen { .. } => self.see(at, By::Emr, "<refused>"),
            What::SilenceSeen { waited, .. } => {
                self.see(at.since(*waited), By::Emr, "<connects hang>");
            }
            What::Waiting { .. } => {
                self.waited = true;
                self.see(at, By::Emr, "<accepts nobody>");
                self.see(at, By::Sender, "<connect>");
            }
            What::Opened { connection, .. } => self.accepted(index, *connection),
            What::Reading { connection, on, waiting } => {
                if *waiting > 0 {
                    self.show_waiting(index, *connection);
                }
                self.see(at, By::Emr, if *on { "<reads on>" } else { "<reads no more>" });
            }
            What::Visited { .. } => self.see(at, By::Emr, "<another client connects>"),
            What::Called { .. } => self.see(at, By::Emr, "<connect to the sender's port>"),
            What::Received { .. } => self.received(event),
            What::Replied { bytes, length, began, pauses, .. } => {
                self.replied(bytes.as_slice(), *length, *began, pauses);
            }
            What::EndedBySender { connection, .. } => {
                self.left.insert(*connection);
            }
            // That a connection is over is no news once the sender has left it.
            What::EndedByEmr { connection, how } if !self.left.contains(connection) => {
                self.see(at, By::Emr, ended(*how));
            }
            What::ClientHello { .. } => self.see(at, By::Sender, "<ClientHello>"),
            What::Secured { showed, .. } => {
                let asks = self.tls.is_some_and(Tls::is_mutual);
                self.see(at, By::Emr, &certificate(*showed, asks));
            }
            What::TlsFailed { by, alert, .. } => {
                self.tls_failed(at, *by, alert.as_deref().unwrap_or_default());
            }
            _ => {}
        }
    }

    /// A connection is let in: at once, or after it has waited, and whatever was sent on it too.
    fn accepted(&mut self, index: usize, connection: ConnectionId) {
        let at = self.events[index].at;
        if std::mem::take(&mut self.waited) {
            self.show_waiting(index, connection);
            self.see(at, By::Emr, "<listening>");
        } else {
            self.see(at, By::Sender, "<connect>");
        }
    }

    /// Shows what is read of a connection at the moment of this event: it had been sent before.
    fn show_waiting(&mut self, index: usize, wanted: ConnectionId) {
        let now = self.events[index].at;
        let at_once = self.events[index..].iter().take_while(|event| event.at == now);
        for event in at_once {
            if let What::Received { connection, .. } = event.what
                && connection == wanted
            {
                let place = self.seen.last().map_or(Duration::ZERO, |before| before.at);
                self.sent(place, event);
                self.shown.insert(event.seq);
            }
        }
    }

    fn received(&mut self, event: &Event) {
        if !self.shown.contains(&event.seq) {
            self.sent(event.at.into(), event);
        }
    }

    /// A charge of the sender, or as much of it as the EMR has taken.
    fn sent(&mut self, at: Duration, event: &Event) {
        let What::Received { connection, piece, length: taken, .. } = event.what else { return };
        let text = if piece == Piece::Frame {
            format!("{taken} bytes: <VT>MSH|…|DFT^P03|…<FS><CR>")
        } else {
            let all = taken + self.unread(connection);
            format!("the first {taken} of {all} bytes: <VT>MSH|…|DFT^P03|…")
        };
        self.seen.push(Seen { at, by: By::Sender, text, bytes: taken });
    }

    /// How many bytes of a connection the EMR never read.
    fn unread(&self, wanted: ConnectionId) -> u64 {
        let unread = self.events.iter().filter_map(|event| match event.what {
            What::Unread { connection, length, .. } if connection == wanted => Some(length),
            _ => None,
        });
        unread.sum()
    }

    /// A reply, in the pieces in which it went out.
    fn replied(&mut self, bytes: &[u8], length: Option<u64>, began: Micros, pauses: &[Pause]) {
        let mut at = Duration::from(began);
        let (mut rest, mut out) = (bytes, 0);
        for pause in pauses {
            let next = usize::try_from(pause.after - out).unwrap_or(usize::MAX);
            let (piece, after) = rest.split_at(next.min(rest.len()));
            self.said(at, piece);
            (rest, out) = (after, pause.after);
            at += Duration::from(pause.lasted);
        }
        match length {
            None => self.said(at, rest),
            Some(length) => {
                let first = visible(&rest[..rest.len().min(GIANT_SHOWN)]);
                let text = format!("{first}… and so on, {length} bytes in all");
                self.seen.push(Seen { at, by: By::Emr, text, bytes: length });
            }
        }
    }

    fn said(&mut self, at: Duration, bytes: &[u8]) {
        if !bytes.is_empty() {
            let (text, bytes) = (shortened(bytes), bytes.len() as u64);
            self.seen.push(Seen { at, by: By::Emr, text, bytes });
        }
    }

    /// What was shown follows from what was said of it.
    fn tls_failed(&mut self, at: Micros, by: Side, alert: &str) {
        let (by, certificate) = match by {
            Side::Sender => (By::Sender, flaw(alert).map(|showed| certificate(showed, false))),
            Side::Emr => (By::Emr, Some(certificate(Shown::Good, true))),
        };
        if let Some(certificate) = certificate {
            self.see(at, By::Emr, &certificate);
        }
        self.see(at, by, &format!("<alert {alert}>"));
    }

    fn see(&mut self, at: Micros, by: By, text: &str) {
        self.seen.push(Seen { at: at.into(), by, text: text.to_owned(), bytes: 0 });
    }
}

const fn ended(how: End) -> &'static str {
    match how {
        End::Close => "<close>",
        End::Reset => "<reset>",
        End::HalfClose => "<half-close>",
        End::Truncated => "<close without close_notify>",
    }
}

/// The certificate that a sender refuses with this alert.
fn flaw(alert: &str) -> Option<Shown> {
    match alert {
        "certificate_expired" => Some(Shown::Expired),
        "bad_certificate" => Some(Shown::WrongHost),
        "unknown_ca" => Some(Shown::UnknownCa),
        _ => None,
    }
}

fn certificate(showed: Shown, asks_for_one: bool) -> String {
    let shown = showed.flaw().unwrap_or("a good certificate");
    let asks = if asks_for_one { ", and asks for one" } else { "" };
    format!("<{shown}{asks}>")
}

/// What was seen: what the EMR does in a row is one line, what the sender does one each.
fn lines(seen: &[Seen]) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut before = Duration::ZERO;
    for run in seen.chunk_by(|one, next| one.by == next.by && one.by == By::Emr) {
        let mut pieces: Vec<String> = Vec::new();
        for seen in run {
            if seen.by == By::Emr && seen.at > before {
                pieces.push(format!("<{}>", in_words(seen.at - before)));
                pieces.push(String::new());
            }
            before = before.max(seen.at);
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
fn cut_out(text: &str, bytes: u64) -> String {
    const MOST: usize = 2_000;
    let characters: Vec<char> = text.chars().collect();
    if characters.len() <= MOST {
        return text.to_owned();
    }
    let (first, last) = (&characters[..MOST / 4], &characters[characters.len() - MOST / 8..]);
    let text = |part: &[char]| part.iter().collect::<String>();
    format!("{}… and so on, {bytes} bytes in all …{}", text(first), text(last))
}

/// How much is shown of a reply of which a history keeps only the beginning, in bytes.
const GIANT_SHOWN: usize = 400;

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
