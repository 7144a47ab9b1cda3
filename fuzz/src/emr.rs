//! The EMR, to which a sender writes any bytes at all.
//!
//! The first byte of an input chooses what the EMR is told to do, the rest is what it hears on one
//! connection.

use std::sync::LazyLock;
use std::time::Duration;

use chargeproof::emr::{Emr, Input, Output, Settings, WireAct};
use chargeproof::history::{Bounds, ConnectionId, End, Piece, Raw, Recorder, What};
use chargeproof::plan::Plan;

use super::shelf::{self, Shelf};

/// What the EMR hears and says is the same however the bytes are cut, and it comes to rest.
pub(super) fn emr(bytes: &[u8]) {
    let Some((which, bytes)) = bytes.split_first() else { return };
    let plan = &PLANS[usize::from(*which) % PLANS.len()];
    let whole = heard(plan, bytes, &mut std::iter::empty());
    let mut cuts = bytes.iter().map(|byte| usize::from(byte % 11) + 1);
    assert_eq!(heard(plan, bytes, &mut cuts), whole, "cut anywhere");
    let received: Vec<u8> = whole.received.iter().flat_map(|(_, _, raw)| raw.0.to_vec()).collect();
    assert_eq!(received, bytes, "what was written down is what came");
}

/// What the EMR wrote down.
#[derive(Debug, Default, PartialEq, Eq)]
struct Heard {
    received: Vec<(u64, Piece, Raw)>,
    replied: Vec<(String, Raw)>,
}

fn heard(plan: &Plan, bytes: &[u8], cuts: &mut dyn Iterator<Item = usize>) -> Heard {
    let mut rig = Rig::new(plan);
    rig.feed(Input::Accepted { connection: ONE, endpoint: 0, incarnation: 1 });
    let mut rest = bytes;
    while !rest.is_empty() {
        let (now, later) = rest.split_at(cuts.next().unwrap_or(rest.len()).min(rest.len()));
        rig.feed(Input::Received { connection: ONE, bytes: now });
        rest = later;
    }
    rig.pass(Duration::from_secs(5));
    rig.feed(Input::Ended { connection: ONE, how: End::Close });
    rig.pass(Duration::from_secs(600));
    rig.feed(Input::Over);
    assert_eq!(rig.emr.open_connections(), 0, "nothing is under way when a case is over");
    let mut heard = Heard::default();
    for event in rig.recorder.take_events() {
        match event.what {
            What::Received { offset, piece, bytes, .. } => {
                heard.received.push((offset, piece, bytes))
            }
            What::Replied { name, bytes, .. } => heard.replied.push((name, bytes)),
            _ => {}
        }
    }
    heard
}

/// One EMR whose wire is perfect.
struct Rig {
    emr: Emr,
    recorder: Recorder,
    now: Duration,
}

impl Rig {
    fn new(plan: &Plan) -> Self {
        let epoch = "2026-01-05T08:00:00".parse().expect("invariant: this is a time");
        let mut rig = Self {
            emr: Emr::new(plan, Settings::of(plan, epoch)),
            recorder: Recorder::new(Bounds { pieces: 100_000, bytes: 1 << 30 }),
            now: Duration::ZERO,
        };
        rig.carry_out();
        rig
    }

    fn feed(&mut self, input: Input<'_>) {
        self.emr.handle(self.now, input, &mut self.recorder);
        self.carry_out();
    }

    /// Does what the EMR asks for, until it asks for nothing more.
    fn carry_out(&mut self) {
        for _ in 0..MOST_OUTPUTS {
            let Some(output) = self.emr.poll() else { return };
            let Output::Wire(act) = output else { continue };
            match act {
                WireAct::Write { connection, bytes } => {
                    self.tell(Input::Wrote { connection, bytes: &bytes, complete: true });
                }
                WireAct::End { connection, how } => self.tell(Input::EndDone { connection, how }),
                WireAct::Listen { endpoint, .. } => {
                    self.tell(Input::Listening { endpoint, up: true })
                }
                other => panic!("invariant: no plan here asks for {other:?}"),
            }
        }
        panic!("the EMR never comes to rest");
    }

    fn tell(&mut self, input: Input<'_>) {
        self.emr.handle(self.now, input, &mut self.recorder);
    }

    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        for _ in 0..MOST_OUTPUTS {
            match self.emr.deadline() {
                Some(at) if at <= until => {
                    self.now = self.now.max(at);
                    self.feed(Input::Tick);
                }
                _ => return self.now = until,
            }
        }
        panic!("the EMR never comes to rest");
    }
}

/// What a sender may write to each of the EMRs.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let streams = shelf::streams();
    let which = 0..PLANS.len();
    let seed = |which: usize| {
        let which = u8::try_from(which).expect("invariant: there are few plans");
        streams.iter().map(move |stream| [&[which], &stream[..]].concat())
    };
    which.flat_map(seed).collect()
}

/// Plans whose EMR ends no connection: what it hears after that depends on how much had come by then.
static PLANS: LazyLock<Vec<Plan>> = LazyLock::new(|| {
    let names =
        ["options/option-1", "agreements/enhanced-mode", "once/rejected", "once/answered-twice"];
    names.iter().map(|name| Shelf::get().plans(name).remove(0)).collect()
});

const ONE: ConnectionId = 1;

/// More outputs or ticks than any behaviour needs.
const MOST_OUTPUTS: usize = 100_000;
