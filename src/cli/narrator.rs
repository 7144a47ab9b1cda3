//! What `serve` says while it serves: a line for each connection and each message, as long as there are
//! few enough of them to be read.
//!
//! It hears the events as they are kept, apart from the wire, and remembers a bounded number of orders.
//! What it says is no verdict: the judgement on Ctrl-C reads all of it again.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use chargeproof::charge::{Agreement, as_read, charges};
use chargeproof::check::{Heard, heard};
use chargeproof::history::{ConnectionId, End, Event, Micros, Piece, Raw, Side, What, fingerprint};
use chargeproof::hl7::ack::is_acknowledgement;
use chargeproof::hl7::{BatchFile, Message, Path};
use chargeproof::plan::Plan;
use chargeproof::report::ordinal;
use foldhash::fast::RandomState;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cli::speaker::{Line, Speaker, Tone};

/// Tells what is recorded.
pub(super) struct Narrator {
    plan: Arc<Plan>,
    agreement: Agreement,
    started: Timestamp,
    zone: TimeZone,
    speaker: Speaker,
    recent: Recent,
    /// Messages of which it is not told yet what was answered.
    fresh: BTreeMap<u64, Told>,
    /// Messages that were told as not answered yet, the latest few.
    open: BTreeMap<u64, Told>,
    pace: Pace,
}

/// A message, and what is said of it.
struct Told {
    connection: ConnectionId,
    at: Micros,
    text: String,
    tone: Tone,
}

impl Narrator {
    pub(super) fn new(plan: Arc<Plan>, started: Timestamp, speaker: Speaker) -> Self {
        let agreement = plan.messages().agreement().clone();
        Self {
            plan,
            agreement,
            started,
            zone: TimeZone::system(),
            speaker,
            recent: Recent::default(),
            fresh: BTreeMap::new(),
            open: BTreeMap::new(),
            pace: Pace::default(),
        }
    }

    /// Tells what these events were; `peers` are who has opened connections among them.
    pub(super) fn hear(&mut self, events: &[Event], peers: &[(ConnectionId, SocketAddr)]) {
        for event in events {
            self.event(event, peers);
        }
        // An answer that follows at once stands among the same events.
        for (seq, told) in std::mem::take(&mut self.fresh) {
            let text = format!("{}: not answered yet", told.text);
            self.say(told.connection, told.at, told.tone, &text);
            if self.open.len() >= MOST_OPEN {
                self.open.pop_first();
            }
            self.open.insert(seq, told);
        }
    }

    fn event(&mut self, event: &Event, peers: &[(ConnectionId, SocketAddr)]) {
        match &event.what {
            What::Received { connection, piece, bytes, length, .. } => {
                self.received(event, *connection, *piece, bytes, *length);
            }
            What::Replied { connection, to, name, bytes, complete, .. } => {
                let answer = answer(name, bytes, *complete);
                self.answered(*connection, event.at, *to, &answer);
            }
            What::Played { connection: Some(connection), name, .. } => {
                self.played(*connection, event.at, name);
            }
            What::Opened { connection, endpoint, .. } => {
                let peer = peers.iter().find(|(id, _)| id == connection);
                let from = peer.map_or(String::new(), |(_, peer)| format!(" from {peer}"));
                let several = self.plan.endpoints.len() > 1;
                let to = if several { format!(" to {endpoint}") } else { String::new() };
                self.connection(
                    *connection,
                    event.at,
                    Tone::Faint,
                    &format!("connected{from}{to}"),
                );
            }
            other => {
                if let Some((connection, tone, text)) = of_connection(other) {
                    self.connection(connection, event.at, tone, &text);
                }
            }
        }
    }

    fn received(
        &mut self,
        event: &Event,
        connection: ConnectionId,
        piece: Piece,
        bytes: &Raw,
        length: u64,
    ) {
        let message = Message::read(payload(bytes.as_slice()));
        let again = self.recent.count(&message, &self.agreement);
        if !self.pace.is_due(event.at) {
            self.speaker.unsaid().messages.fetch_add(1, Relaxed);
            self.speaker.unsaid().again.fetch_add(u64::from(again > 1), Relaxed);
            return;
        }
        let what = heard(&self.plan, event)
            .map_or_else(|| "no message".to_owned(), |heard| in_words(&heard, again));
        let piece = match piece {
            Piece::Frame => "",
            Piece::Stray => " outside any frame",
            Piece::Unfinished => " of a frame without an end",
            Piece::Oversize => ", too many to be kept",
        };
        let tone = if again > 1 { Tone::Bad } else { Tone::Normal };
        let text = format!("{what}, {length} bytes{piece}");
        let is_batch = BatchFile::begins(payload(bytes.as_slice()));
        let is_message = message.has_header() && !is_acknowledgement(&message) || is_batch;
        if !is_message || !piece.is_empty() {
            return self.say(connection, event.at, tone, &format!("{text}: no answer"));
        }
        self.fresh.insert(event.seq, Told { connection, at: event.at, text, tone });
    }

    fn answered(&mut self, connection: ConnectionId, at: Micros, to: Option<u64>, answer: &str) {
        let Some(to) = to else { return };
        if let Some(told) = self.fresh.remove(&to) {
            self.say(told.connection, told.at, told.tone, &format!("{}: {answer}", told.text));
        } else if let Some(told) = self.open.remove(&to) {
            let waited = at.since(told.at).0 / 1000;
            let text = format!("{}: {answer} after {waited} ms", told.text);
            self.say(connection, at, Tone::Normal, &text);
        }
    }

    /// A fault played: where it left a message without an answer, that is what came of it.
    fn played(&mut self, connection: ConnectionId, at: Micros, name: &str) {
        let of_it = |(_, told): &(&u64, &Told)| told.connection == connection;
        let fresh = self.fresh.iter().rev().find(of_it).map(|(seq, _)| *seq);
        let open = self.open.iter().rev().find(of_it).map(|(seq, _)| *seq);
        match fresh.or(open) {
            Some(seq) => self.answered(connection, at, Some(seq), &format!("no answer ({name})")),
            None if name.starts_with("answer/") || name.starts_with("payload/") => {}
            None => self.connection(connection, at, Tone::Faint, &format!("the EMR played {name}")),
        }
    }

    /// Something of a connection, if it is due.
    fn connection(&mut self, connection: ConnectionId, at: Micros, tone: Tone, text: &str) {
        if self.pace.is_due(at) {
            self.say(connection, at, tone, text);
        } else {
            self.speaker.unsaid().others.fetch_add(1, Relaxed);
        }
    }

    fn say(&mut self, connection: ConnectionId, at: Micros, tone: Tone, text: &str) {
        let since = jiff::SignedDuration::from_micros(i64::try_from(at.0).unwrap_or(i64::MAX));
        let when = self.started.checked_add(since).unwrap_or(self.started);
        let when = when.to_zoned(self.zone.clone()).strftime("%H:%M:%S%.3f").to_string();
        self.speaker.say(Line {
            lead: format!("{when}  {connection:>2}  "),
            text: text.to_owned(),
            tone,
        });
    }
}

/// What is said of a connection alone.
fn of_connection(what: &What) -> Option<(ConnectionId, Tone, String)> {
    let side = |side: &str, how: &End| match how {
        End::Close => format!("closed by the {side}"),
        End::Truncated => format!("closed by the {side}, without an end of TLS"),
        End::Reset => format!("reset by the {side}"),
        End::HalfClose => format!("the {side} has ended its side"),
    };
    Some(match what {
        What::EndedByEmr { connection, how } => (*connection, Tone::Faint, side("EMR", how)),
        What::EndedBySender { connection, how } => (*connection, Tone::Faint, side("sender", how)),
        What::Secured { connection, version, .. } => {
            (*connection, Tone::Faint, format!("under TLS {}", version.as_str()))
        }
        What::TlsFailed { connection, by, alert, why } => {
            let by = match by {
                Side::Emr => "EMR",
                Side::Sender => "sender",
            };
            let why = alert.as_ref().or(why.as_ref());
            let why = why.map_or(String::new(), |why| format!(": {why}"));
            (*connection, Tone::Bad, format!("TLS broken off by the {by}{why}"))
        }
        What::NotPlayed { connection: Some(connection), name, why, .. } => {
            (*connection, Tone::Bad, format!("the EMR could not play {name}: {why}"))
        }
        What::Unread { connection, length, .. } => {
            (*connection, Tone::Normal, format!("{length} bytes more, which the EMR did not read"))
        }
        _ => return None,
    })
}

/// What was answered: the code of a plain acceptance, the name of everything else.
fn answer(name: &str, bytes: &Raw, complete: bool) -> String {
    let message = Message::read(payload(bytes.as_slice()));
    let said = match name {
        "answer/accept" => message.text(&Path::literal("MSA-1")),
        other => other.to_owned(),
    };
    if complete { said } else { format!("{said}, not all of it") }
}

/// A message in words, with its order, which has come so many times by now.
fn in_words(heard: &Heard, times: u32) -> String {
    let Heard { kind, order, further, control_id } = heard;
    let mut words = if kind.is_empty() { "a message".to_owned() } else { kind.clone() };
    if let Some(order) = order {
        words.push_str(&format!(" order {order}"));
        let which = if *further > 0 { ", one of which" } else { "" };
        if *further > 0 {
            words.push_str(&format!(" and {further} more"));
        }
        if times > 1 {
            words.push_str(&format!("{which} came again: {} time", ordinal(times as usize)));
        }
    }
    if !control_id.is_empty() {
        words.push_str(&format!(", MSH-10 {control_id}"));
    }
    words
}

/// What stands in a frame, or in a part of one.
fn payload(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_prefix(b"\x0b").unwrap_or(bytes);
    bytes.strip_suffix(b"\x1c\r").unwrap_or(bytes)
}

/// The orders that came last, and how often each did.
#[derive(Default)]
struct Recent {
    times: HashMap<u64, u32, RandomState>,
    /// In the order in which they came first.
    first: VecDeque<u64>,
}

impl Recent {
    /// Counts the orders of a message; how often the one has come that came most often.
    fn count(&mut self, message: &Message<'_>, agreement: &Agreement) -> u32 {
        let mut orders: Vec<u64> = charges(message)
            .map(|charge| charge.order(agreement))
            .filter(|order| !order.is_empty())
            .map(|order| fingerprint(&as_read(&order)))
            .collect();
        orders.sort_unstable();
        orders.dedup();
        orders.into_iter().map(|order| self.count_one(order)).max().unwrap_or(0)
    }

    fn count_one(&mut self, order: u64) -> u32 {
        if let Some(times) = self.times.get_mut(&order) {
            *times = times.saturating_add(1);
            return *times;
        }
        if self.first.len() >= MOST_ORDERS
            && let Some(oldest) = self.first.pop_front()
        {
            self.times.remove(&oldest);
        }
        self.first.push_back(order);
        self.times.insert(order, 1);
        1
    }
}

/// Whether there are few enough lines to be read.
#[derive(Default)]
struct Pace {
    second: u64,
    lines: u32,
    /// There were too many in the second before.
    flooded: bool,
}

impl Pace {
    fn is_due(&mut self, at: Micros) -> bool {
        let second = at.0 / 1_000_000;
        if second != self.second {
            self.flooded = second == self.second + 1 && self.lines > MOST_LINES;
            (self.second, self.lines) = (second, 0);
        }
        self.lines += 1;
        !self.flooded && self.lines <= MOST_LINES
    }
}

/// How many lines a second are said.
const MOST_LINES: u32 = 50;

/// How many orders are remembered.
const MOST_ORDERS: usize = 100_000;

/// How many messages may wait for an answer and be told when it comes.
const MOST_OPEN: usize = 1_000;

#[cfg(test)]
mod tests {
    use chargeproof::charge::Agreement;
    use chargeproof::history::Micros;
    use chargeproof::hl7::Message;

    use super::{MOST_LINES, MOST_ORDERS, Pace, Recent};

    #[test]
    fn an_order_is_counted_once_a_message_and_under_every_spelling() {
        let mut recent = Recent::default();
        let mut count = |lines: &str| {
            let text = format!("MSH|^~\\&|A|B|C|D|||DFT^P03|1|P|2.4\r{lines}");
            recent.count(&Message::read(text.as_bytes()), &Agreement::default())
        };
        assert_eq!(count("FT1|1||17\rFT1|2||17\r"), 1);
        assert_eq!(count("FT1|1||0017\r"), 2);
        assert_eq!(count("FT1|1||18\r"), 1);
        assert_eq!(count("FT1|1||\r"), 0);
    }

    #[test]
    fn only_so_many_orders_are_remembered() {
        let mut recent = Recent::default();
        for order in 0..=MOST_ORDERS as u64 {
            assert_eq!(recent.count_one(order), 1);
        }
        assert_eq!((recent.times.len(), recent.first.len()), (MOST_ORDERS, MOST_ORDERS));
        assert_eq!(recent.count_one(1), 2);
        assert_eq!(recent.count_one(0), 1);
    }

    #[test]
    fn a_flood_is_not_said_line_by_line_and_what_follows_it_is() {
        let mut pace = Pace::default();
        let mut said = |second: u64, lines: u32| {
            (0..lines).filter(|_| pace.is_due(Micros(second * 1_000_000))).count()
        };
        assert_eq!(said(1, 10), 10);
        assert_eq!(said(2, 1_000), MOST_LINES as usize);
        assert_eq!(said(3, 1_000), 0);
        assert_eq!(said(4, 10), 0);
        assert_eq!(said(5, 10), 10);
    }
}
