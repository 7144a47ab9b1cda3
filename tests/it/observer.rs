//! Every fault as a stranger sees it: a plain client on a real socket, with the system's own words
//! for how a connection ended, meets each fault of `serve --script` and finds what it is said to be.
//!
//! One server plays them all, an endpoint each, and all clients work side by side. Times have lower
//! bounds only.

mod client;
pub(crate) mod pattern;
mod rows;

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use self::client::{BOUND, Client, Ended};
use self::pattern::Pattern;
use self::rows::{ROWS, Row};
use crate::command::Place;
use crate::wire::{Server, charge};
use chargeproof::plan::Fault;

#[test]
fn every_fault_has_one_row() {
    let rows: BTreeSet<&str> = ROWS.iter().map(|row| row.fault).collect();
    assert_eq!(rows.len(), ROWS.len(), "a fault has two rows");
    // What happens inside TLS has an observer of its own.
    let faults = Fault::ALL.iter().map(|fault| fault.name());
    let missing: Vec<&str> =
        faults.filter(|name| !name.starts_with("tls/") && !rows.contains(name)).collect();
    assert!(missing.is_empty(), "no row for {missing:?}");
}

#[test]
fn a_stranger_sees_of_each_fault_what_it_is_said_to_be() {
    let server = serve(ROWS);
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let clients: Vec<_> = ROWS
            .iter()
            .zip(&server.addresses)
            .map(|(row, address)| (row, scope.spawn(move || observe(row, *address, BOUND))))
            .collect();
        let seen = clients.into_iter().map(|(row, client)| (row, client.join().unwrap()));
        let wrong = seen.filter_map(|(row, seen)| Some((row, seen.err()?)));
        wrong.map(|(row, why)| format!("{}: {why}\n  expected {}", row.fault, row.seen)).collect()
    });
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The client finds a fault that is another one than it is said to be.
#[test]
fn one_fault_is_not_taken_for_another() {
    const LIKE: &[&str] = &[
        "connection/close-before-reply",
        "connection/reset-before-reply",
        "connection/reply-then-close",
        "connection/reply-then-reset",
        "connection/half-close",
        IDLE_DROP,
        "answer/none",
    ];
    const IDLE_DROP: &str = "connection/idle-drop";
    // Nothing but these two is like them, so they need not be looked for in the others.
    const UNLIKE: &[&str] = &["connection/no-read", "connection/blackhole"];
    let of = |fault: &str| ROWS.iter().find(|row| row.fault == fault).unwrap();
    let mut pairs = Vec::new();
    for played in LIKE.iter().chain(UNLIKE) {
        // On a slow machine a close may come as late as one after a while; that it never comes
        // sooner is for the rows to see.
        let alike = [IDLE_DROP, "connection/reply-then-close"];
        let late = |other| alike.contains(played) && alike.contains(other);
        let others = LIKE.iter().filter(|other| *other != played && !late(other));
        pairs.extend(others.map(|expected| (of(played), of(expected))));
    }
    let played: Vec<Row> = pairs.iter().map(|(played, _)| Row { ..**played }).collect();
    let server = serve(&played);
    std::thread::scope(|scope| {
        for ((played, expected), address) in pairs.iter().zip(&server.addresses) {
            scope.spawn(move || {
                let expected = Row { fault: expected.fault, with: "", seen: expected.seen };
                let seen = observe(&expected, *address, SOON);
                assert!(seen.is_err(), "{} passes for {}", played.fault, expected.fault);
            });
        }
    });
}

/// One server with an endpoint for each row, which plays that row's fault to whoever comes first.
fn serve(rows: &[Row]) -> Server {
    let names: Vec<String> = (0..rows.len()).map(|index| format!("e{index}")).collect();
    let mut script = format!("title: Every fault\nendpoints: [{}]\nemr:\n", names.join(", "));
    for (name, row) in names.iter().zip(rows) {
        let reply = match row.with {
            "" => row.fault.to_owned(),
            with => format!("{{ {}: {{ {with} }} }}", row.fault),
        };
        let entry = format!("  - on: {{ endpoint: {name} }}\n    reply: {reply}\n    times: 1\n");
        script.push_str(&entry);
    }
    let place = Place::new();
    place.write("script.yaml", script);
    let mut arguments = vec!["--script", "script.yaml", "--ack-timeout", "400ms"];
    arguments.extend(rows.iter().flat_map(|_| ["--listen", "127.0.0.1:0"]));
    Server::start(place, &arguments)
}

/// Meets the fault of a row, and says what is not as the row has it; nothing is waited for longer
/// than `within`.
fn observe(row: &Row, address: SocketAddr, within: Duration) -> Result<(), String> {
    let mut steps = steps(row.seen);
    match steps.first() {
        Some(Step::Refused) => return refused(address),
        Some(Step::TimedOut) => return timed_out(address),
        _ => {}
    }
    let resets = steps.iter().any(|step| matches!(step, Step::Ends(Ended::Reset)));
    let client = match Client::connect(address, within) {
        // It came so soon that it is the connect which fails.
        Err(ErrorKind::ConnectionReset) if resets && steps.len() == 2 => return Ok(()),
        client => client.map_err(|kind| format!("connect: {kind}"))?,
    };
    let mut watch = Watch { client, expected: Pattern::default(), least: Duration::ZERO };
    if !steps.iter().any(|step| matches!(step, Step::Send(_))) {
        steps.insert(0, Step::Send(usize::MAX));
    }
    if !steps.iter().any(Step::is_an_end) {
        steps.extend([Step::Next, Step::Read("{AA of the next}".to_owned())]);
    }
    for step in &steps {
        watch.take(step, address).map_err(|why| {
            let bytes: Vec<u8> = watch.client.bytes.iter().map(|(_, byte)| *byte).collect();
            let ended = watch.client.ended;
            format!("{why}\n  found    {:?} {ended:?}", String::from_utf8_lossy(&bytes))
        })?;
    }
    Ok(())
}

/// One thing that a row says.
enum Step {
    Send(usize),
    Next,
    Read(String),
    Ends(Ended),
    Enough,
    AtLeast(usize),
    OneBitOff,
    Heard,
    Gone,
    Full,
    Refused,
    TimedOut,
}

impl Step {
    const fn is_an_end(&self) -> bool {
        !matches!(self, Self::Send(_) | Self::Read(_) | Self::AtLeast(_) | Self::OneBitOff)
    }
}

fn steps(seen: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut text = String::new();
    let mut rest = seen;
    while let Some(first) = rest.chars().next() {
        let word = rest.strip_prefix('<').and_then(|rest| rest.split_once('>'));
        let step = word.and_then(|(word, _)| match word {
            "send" => Some(Step::Send(usize::MAX)),
            "next" => Some(Step::Next),
            "EOF" => Some(Step::Ends(Ended::Eof)),
            "RST" => Some(Step::Ends(Ended::Reset)),
            "enough" => Some(Step::Enough),
            "one bit off" => Some(Step::OneBitOff),
            "heard" => Some(Step::Heard),
            "gone" => Some(Step::Gone),
            "full" => Some(Step::Full),
            "ECONNREFUSED" => Some(Step::Refused),
            "ETIMEDOUT" => Some(Step::TimedOut),
            _ => {
                let count = |before| word.strip_prefix(before)?.parse().ok();
                count("send ").map(Step::Send).or_else(|| count("at least ").map(Step::AtLeast))
            }
        });
        let (step, length) = match (step, word) {
            (Some(step), Some((word, _))) => (Some(step), word.len() + 2),
            _ => (None, first.len_utf8()),
        };
        match step {
            Some(step) => {
                if !text.is_empty() {
                    steps.push(Step::Read(std::mem::take(&mut text)));
                }
                steps.push(step);
            }
            None => text.push_str(&rest[..length]),
        }
        rest = &rest[length..];
    }
    if !text.is_empty() {
        steps.push(Step::Read(text));
    }
    steps
}

struct Watch {
    client: Client,
    /// All that should have been read by now.
    expected: Pattern,
    /// How long that should have taken since the last sending.
    least: Duration,
}

impl Watch {
    fn take(&mut self, step: &Step, address: SocketAddr) -> Result<(), String> {
        match step {
            Step::Send(count) => {
                let message = message(ID);
                self.client.send(&message[..message.len().min(*count)]);
            }
            Step::Next => self.client.send(&message(NEXT)),
            Step::Read(text) => self.read(text)?,
            Step::Ends(how) => self.ends(*how)?,
            Step::Enough => {}
            Step::AtLeast(count) => {
                let read = self.client.bytes.len();
                return if read < *count { Err(format!("only {read} bytes")) } else { Ok(()) };
            }
            Step::OneBitOff => return self.is_one_bit_off(),
            Step::Heard => {
                if !self.client.is_heard(&message(NEXT)) {
                    return Err("what is written now is not taken".to_owned());
                }
                self.client.hang_up();
            }
            Step::Gone => {
                if !self.client.is_refused(&message(NEXT)) {
                    return Err("what is written now meets no reset".to_owned());
                }
            }
            Step::Full => {
                if !self.client.stuffs(MOST) {
                    return Err("it is read".to_owned());
                }
            }
            Step::Refused => refused(address)?,
            Step::TimedOut => timed_out(address)?,
        }
        Ok(())
    }

    /// Reads until all that is expected has come.
    fn read(&mut self, text: &str) -> Result<(), String> {
        let text = text.replace("{AA of the next}", &AA_OF_THE_NEXT.replace("{NEXT}", NEXT));
        let text = text.replace("{message}", &visible(&message(ID)));
        self.expected.then(Pattern::read(&text, ID));
        loop {
            let differs = self.expected.differs(&self.client.bytes);
            if differs.is_none() {
                return Ok(());
            }
            if self.client.ended.is_some() {
                return differs.map_or(Ok(()), Err);
            }
            self.client.read()?;
        }
    }

    fn is_one_bit_off(&self) -> Result<(), String> {
        let accepted = Pattern::read("{AA}", ID);
        if accepted.differs(&self.client.bytes).is_none() {
            return Err("no bit is off".to_owned());
        }
        let mended = (0..self.client.bytes.len() * 8).any(|bit| {
            let mut bytes = self.client.bytes.clone();
            bytes[bit / 8].1 ^= 1 << (bit % 8);
            accepted.differs(&bytes).is_none()
        });
        if mended { Ok(()) } else { Err("more than one bit is off".to_owned()) }
    }

    /// Reads to the end, which must be this one, and not before the pauses are over.
    fn ends(&mut self, how: Ended) -> Result<(), String> {
        while self.client.ended.is_none() {
            self.client.read()?;
        }
        self.least = self.expected.least();
        match (self.expected.differs(&self.client.bytes), self.client.ended) {
            (Some(why), _) => Err(why),
            (None, Some((at, ended))) if ended == how && at >= self.least => Ok(()),
            (None, ended) => Err(format!("it ended with {ended:?}")),
        }
    }
}

/// Connects until it is refused: whoever saw the end of a connection may be faster than the end
/// of listening.
fn refused(address: SocketAddr) -> Result<(), String> {
    let until = Instant::now() + BOUND / 2;
    loop {
        match Client::connect(address, BOUND).map(|_| ()) {
            Err(ErrorKind::ConnectionRefused) => return Ok(()),
            Ok(()) if Instant::now() < until => {}
            other => return Err(format!("connect: {other:?}")),
        }
    }
}

fn timed_out(address: SocketAddr) -> Result<(), String> {
    match Client::connect(address, Duration::from_millis(400)).map(|_| ()) {
        Err(ErrorKind::TimedOut) => Ok(()),
        other => Err(format!("connect: {other:?}")),
    }
}

/// How long a client waits for what will not come.
const SOON: Duration = Duration::from_secs(1);

/// MSH-10 of the first message and of the second.
const ID: &str = "17041000000000000017";
const NEXT: &str = "17041000000000000018";

const AA_OF_THE_NEXT: &str = "<VT>{msh}<CR>MSA|AA|{NEXT}<CR><FS><CR>";

/// More than two systems hold for a connection that is not read.
const MOST: usize = 64 << 20;

fn message(id: &str) -> Vec<u8> {
    charge("273013", id)
}

/// Bytes in the notation of the rows.
fn visible(bytes: &[u8]) -> String {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    text.replace('\u{b}', "<VT>").replace('\r', "<CR>").replace('\u{1c}', "<FS>")
}
