//! How long it takes to judge a history of very many messages, and how much memory.
//!
//! The messages are sent by nobody: they are written straight into the events that an EMR from
//! the field would have recorded, one order each, over fifty connections.

#![allow(clippy::print_stdout, reason = "a measurement is printed")]

use std::time::{Duration, Instant};

use chargeproof::check::judge;
use chargeproof::history::{
    Event, FORMAT_VERSION, Header, History, Micros, Piece, Raw, Seal, What,
};
use chargeproof::plan::Plan;
use chargeproof::verdict::Verdict;

mod shelf;

fn main() {
    let plan = shelf::plan_of_the_field();
    println!(
        "messages   seconds   of processor   us a message   bytes a message beyond the history"
    );
    for messages in [100_000, 300_000, 1_000_000] {
        let history = history(&plan, messages);
        let before = resident_bytes("VmRSS:");
        let (started, spent_before) = (Instant::now(), processor_time());
        let judgement = judge(&plan, &history);
        let took = started.elapsed().as_secs_f64();
        let spent = (processor_time() - spent_before).as_secs_f64();
        let peak = resident_bytes("VmHWM:").saturating_sub(before);
        assert!(judgement.findings.iter().all(|finding| finding.weight.verdict() < Verdict::Fail));
        assert_eq!(judgement.charges, messages);
        let (micros, bytes) = (spent * 1e6 / messages as f64, peak / messages);
        println!("{messages:>8} {took:>9.2} {spent:>14.2} {micros:>14.2} {bytes:>10}");
    }
}

fn history(plan: &Plan, messages: u64) -> History {
    let mut events: Vec<Event> = Vec::new();
    let mut record = |at: u64, what: What| {
        let seq = events.len() as u64 + 1;
        events.push(Event { seq, at: Micros(at), what });
        seq
    };
    for connection in 1..=CONNECTIONS {
        let endpoint = "emr".to_owned();
        record(0, What::Opened { connection, endpoint, incarnation: 0 });
    }
    let mut offsets = [0; CONNECTIONS as usize];
    for number in 0..messages {
        let slot = (number % u64::from(CONNECTIONS)) as usize;
        let connection = slot as u32 + 1;
        let (began, at) = (Micros(number * 10), number * 10 + 1);
        let bytes = Raw::from(shelf::frame(number));
        let (offset, length) = (offsets[slot], bytes.as_slice().len() as u64);
        offsets[slot] += length;
        let (piece, anomalies) = (Piece::Frame, Vec::new());
        let what = What::Received { connection, offset, began, piece, bytes, length, anomalies };
        let to = Some(record(at, what));
        let (name, bytes) = ("answer/accept".to_owned(), Raw::from(shelf::answer(number)));
        record(
            at,
            What::Replied {
                connection,
                to,
                name,
                bytes,
                length: None,
                began,
                writes: 1,
                pauses: Vec::new(),
                complete: true,
            },
        );
    }
    record(messages * 10, What::Finished);
    let header = Header {
        format: "chargeproof-history".to_owned(),
        version: FORMAT_VERSION,
        case: plan.id.clone(),
        started: "2026-01-05T08:00:00Z".to_owned(),
        sealed: false,
        plan: serde_json::value::to_raw_value(plan).expect("invariant: a plan is JSON"),
    };
    History { header, events, seal: Seal::None }
}

/// Time on a processor so far, which a busy machine does not lengthen.
fn processor_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = text.split_whitespace().next().and_then(|word| word.parse().ok());
    Duration::from_nanos(nanos.unwrap_or(0))
}

fn resident_bytes(row: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(row)).unwrap_or_default();
    let kib: u64 = line.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0);
    kib * 1024
}

const CONNECTIONS: u32 = 50;
