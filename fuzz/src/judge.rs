//! The judge, over a history in which the sender wrote any bytes at all.
//!
//! An input is two bytes that choose a recorded case, and how the rest comes into it as what the sender
//! has written.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use chargeproof::history::{
    Anomaly, AnomalyKind, Event, History, Micros, Piece, Raw, What, read, write,
};
use chargeproof::mllp::{Decoder, FoundKind};
use chargeproof::plan::Plan;
use chargeproof::report::{Screen, json, junit, terminal};
use chargeproof::suite::judge as judge_case;
use chargeproof::verdict::{CaseOutcome, Exit, RunOutcome};

use super::shelf;

/// Judging never fails, is the same each time, and what it points at is there.
pub(super) fn judge(bytes: &[u8]) {
    let Some((&[which, how], rest)) = bytes.split_first_chunk() else { return };
    let recorded = &RECORDED[usize::from(which) % RECORDED.len()];
    let history = recorded.with(How::of(how), rest);
    let outcome = judge_case(&recorded.plan, &history, "again".to_owned());
    assert_eq!(judge_case(&recorded.plan, &history, "again".to_owned()), outcome);
    points_into(&outcome, &history);
    reported(&outcome);
    if recorded.exit != Exit::SentTwice && !rest.iter().any(u8::is_ascii_alphanumeric) {
        let exit = outcome.judgement.exit();
        assert_ne!(exit, Exit::SentTwice, "bytes that are of no message convict nobody");
    }
    let mut stored = Vec::new();
    write(&history, &mut stored).expect("invariant: writing to memory does not fail");
    let stored = read(&stored[..]).expect("what was written can be read");
    assert_eq!(
        judge_case(&recorded.plan, &stored, "again".to_owned()),
        outcome,
        "as it was stored"
    );
}

/// Every witness and every moment is an event of the history.
fn points_into(outcome: &CaseOutcome, history: &History) {
    let known: BTreeSet<u64> = history.events.iter().map(|event| event.seq).collect();
    for proof in outcome.judgement.findings.iter().filter_map(|finding| finding.proof.as_ref()) {
        let attempts = proof.attempts.iter().map(|attempt| attempt.event);
        for event in attempts.chain(proof.between.iter().map(|moment| moment.event)) {
            assert!(known.contains(&event), "{event} is no event: {proof:?}");
        }
    }
}

/// A report can be read by what reads it: no control character gets through, and JSON is JSON.
fn reported(outcome: &CaseOutcome) {
    let outcome = RunOutcome {
        sender: "any".to_owned(),
        seed: 1,
        cases: vec![outcome.clone()],
        left_out: Vec::new(),
        not_chosen: 0,
        shard: None,
        took: Micros(1),
        interrupted: false,
    };
    let (mut page, mut object, mut xml) = (Vec::new(), Vec::new(), Vec::new());
    terminal::write(&outcome, Screen::PAGE, &mut page).expect("writing to memory does not fail");
    json::write(&outcome, &mut object).expect("writing to memory does not fail");
    junit::write(&outcome, &mut xml).expect("writing to memory does not fail");
    for text in [&page, &xml] {
        let text = std::str::from_utf8(text).expect("a report is text");
        let odd = |one: char| one.is_control() && one != '\n';
        assert!(!text.chars().any(odd), "{text:?}");
    }
    serde_json::from_slice::<serde_json::Value>(&object).expect("the report is JSON");
}

/// How bytes come into a history.
#[derive(Clone, Copy)]
struct How {
    /// Whether they take the place of what the sender wrote on that connection.
    instead: bool,
    /// Whether they are cut into pieces as the decoder cuts them, or in a way that it never would.
    decoded: bool,
    /// Whether they come after all else that was written.
    last: bool,
}

impl How {
    const fn of(byte: u8) -> Self {
        Self { instead: byte & 1 != 0, decoded: byte & 6 != 0, last: byte & 8 != 0 }
    }
}

/// A recorded case.
struct Recorded {
    plan: Plan,
    history: History,
    /// What its own history comes to.
    exit: Exit,
}

impl Recorded {
    fn read(stored: &[u8]) -> Self {
        let history = read(stored).expect("invariant: the corpus can be read");
        let plan: Plan = serde_json::from_str(history.header.plan.get())
            .expect("invariant: the corpus has plans");
        let exit = judge_case(&plan, &history, String::new()).judgement.exit();
        Self { plan, history, exit }
    }

    /// Its history, with `bytes` as what the sender has written besides or instead.
    fn with(&self, how: How, bytes: &[u8]) -> History {
        let mut history = self.history.clone();
        let received = |event: &&Event| matches!(event.what, What::Received { .. });
        let first = history.events.iter().find(received).cloned();
        let last = history.events.iter().rfind(received).cloned();
        let at = if how.last { last } else { first };
        let Some(Event { at, seq, what: What::Received { connection, .. } }) = at else {
            return history;
        };
        let after = history.events.partition_point(|event| event.seq <= seq);
        let pieces = if how.decoded { decoded(bytes) } else { any_pieces(bytes) };
        let written =
            pieces.into_iter().map(|what| Event { seq: 0, at, what: on(connection, at, what) });
        history.events.splice(after..after, written);
        if how.instead {
            let own = |what: &What| matches!(what, What::Received { connection: one, .. } if *one == connection);
            let mut index = 0;
            history.events.retain(|event| {
                index += 1;
                event.seq == 0 || !own(&event.what)
            });
        }
        renumber(&mut history.events);
        history
    }
}

/// The same, on this connection and at this time.
fn on(connection: u32, at: Micros, mut what: What) -> What {
    if let What::Received { connection: number, began, .. } = &mut what {
        (*number, *began) = (connection, at);
    }
    what
}

/// Gives the events numbers in their present order; a reply goes on naming what it answers.
fn renumber(events: &mut [Event]) {
    let new: std::collections::BTreeMap<u64, u64> =
        events.iter().zip(1..).map(|(event, number)| (event.seq, number)).collect();
    for (event, number) in events.iter_mut().zip(1..) {
        event.seq = number;
        if let What::Replied { to: Some(to), .. } = &mut event.what {
            *to = new.get(to).copied().unwrap_or(*to);
        }
    }
}

/// The pieces that a decoder finds.
fn decoded(bytes: &[u8]) -> Vec<What> {
    let mut decoder = Decoder::new(1 << 20);
    decoder.feed(bytes);
    let found = std::iter::from_fn(|| decoder.finish());
    found
        .map(|found| What::Received {
            connection: 1,
            offset: found.offset,
            began: Micros(0),
            piece: match found.kind {
                FoundKind::Frame => Piece::Frame,
                FoundKind::Stray => Piece::Stray,
                FoundKind::Unfinished => Piece::Unfinished,
                FoundKind::Oversize => Piece::Oversize,
            },
            bytes: Raw(found.bytes),
            length: found.length,
            anomalies: found.anomalies,
        })
        .collect()
}

/// Pieces as a history that was written by hand, or altered, may have them: what they are called, how
/// long they say they are and what is said to be wrong with them does not fit their bytes.
fn any_pieces(bytes: &[u8]) -> Vec<What> {
    let (mut rest, mut pieces, mut offset) = (bytes, Vec::new(), 0);
    while let Some((&[kind, length], later)) = rest.split_first_chunk() {
        let (own, later) = later.split_at(later.len().min(usize::from(length) * 8));
        rest = later;
        let odd = u64::from(kind >> 4);
        let mistake =
            Anomaly { offset: offset + odd, kind: ANOMALIES[usize::from(kind) % ANOMALIES.len()] };
        pieces.push(What::Received {
            connection: 1,
            offset,
            began: Micros(0),
            piece: PIECES[usize::from(kind) % PIECES.len()],
            bytes: Raw::from(own),
            length: own.len() as u64 + if kind & 8 == 0 { 0 } else { odd },
            anomalies: if kind & 4 == 0 { Vec::new() } else { vec![mistake] },
        });
        offset += own.len() as u64;
    }
    pieces
}

const PIECES: [Piece; 4] = [Piece::Frame, Piece::Stray, Piece::Unfinished, Piece::Oversize];

const ANOMALIES: [AnomalyKind; 3] =
    [AnomalyKind::StartInside, AnomalyKind::NoEnd, AnomalyKind::StrayBytes];

/// What each recorded case itself received, once more, and in some of them what else may come.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let seed = |which: usize, how: u8, bytes: &[u8]| {
        let which = u8::try_from(which).expect("invariant: there are few cases");
        [&[which, how], bytes].concat()
    };
    let own = RECORDED.iter().enumerate().map(|(which, recorded)| {
        let received = recorded.history.events.iter().filter_map(|event| match &event.what {
            What::Received { bytes, .. } => Some(bytes.as_slice()),
            _ => None,
        });
        seed(which, [2, 3, 10][which % 3], &received.collect::<Vec<_>>().concat())
    });
    let streams = shelf::streams().into_iter().enumerate();
    let other = streams.map(|(number, stream)| {
        let how = u8::try_from(number % 16).expect("invariant: it is below 16");
        seed(number % RECORDED.len(), how, &stream)
    });
    own.chain(other).collect()
}

/// Cases that hold, and cases in which a charge was sent twice.
static RECORDED: LazyLock<Vec<Recorded>> =
    LazyLock::new(|| shelf::histories().iter().map(|stored| Recorded::read(stored)).collect());
