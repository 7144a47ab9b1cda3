//! What must hold of any script and any bytes: how the bytes were cut does not show, and nothing
//! makes the EMR panic or go on for ever.

use quickcheck::{Arbitrary, Gen, quickcheck};

use super::{EXAMS, Rig, charge};
use crate::emr::Input;
use crate::history::{ConnectionId, End, Event, Micros, What};
use crate::mllp::encode;
use crate::plan::fault::{Connection, Payload};
use crate::plan::{Behaviour, Fault, Match, MessageKind, Moment, Parameters, Play, WireEvent};

/// A script of a few behaviours.
#[derive(Clone, Debug)]
struct AnyScript(Vec<Behaviour>);

impl Arbitrary for AnyScript {
    fn arbitrary(source: &mut Gen) -> Self {
        let count = usize::arbitrary(source) % 4;
        Self((0..count).map(|_| any_behaviour(source)).collect())
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = Self>> {
        let all = self.0.clone();
        let without = move |index| {
            let mut less = all.clone();
            less.remove(index);
            Self(less)
        };
        Box::new((0..self.0.len()).map(without))
    }
}

fn any_behaviour(source: &mut Gen) -> Behaviour {
    let fault = *source.choose(Fault::ALL).unwrap();
    let counts = matches!(
        fault,
        Fault::Connection(Connection::ResetAfterBytes) | Fault::Payload(Payload::Giant)
    );
    let bytes = counts.then(|| u64::arbitrary(source) % 200);
    let after = bool::arbitrary(source).then(|| Micros(u64::arbitrary(source) % 1_000_000 + 1));
    let with = Parameters { bytes, after, ..Parameters::default() };
    let small = |source: &mut Gen| bool::arbitrary(source).then(|| u32::arbitrary(source) % 3 + 1);
    let exam = bool::arbitrary(source).then(|| source.choose(&EXAMS).unwrap().0.to_owned());
    let on = Match {
        exam,
        attempt: small(source),
        message: small(source),
        connection: small(source),
        endpoint: None,
        kind: bool::arbitrary(source).then_some(MessageKind::Charge),
        fields: Vec::new(),
        moment: source.choose(&MOMENTS).copied().unwrap(),
    };
    let mut play = vec![Play::Fault { fault, with }];
    if bool::arbitrary(source) {
        play.push(Play::Wait(Micros(u64::arbitrary(source) % 1_000_000)));
    }
    Behaviour { on, play, times: small(source) }
}

/// When a behaviour plays; mostly when it plays by itself.
const MOMENTS: [Option<Moment>; 6] =
    [None, None, None, Some(Moment::Accepted), Some(Moment::Bytes(40)), Some(Moment::Message)];

/// What a sender sends on a connection before it waits for an answer.
#[derive(Clone, Debug)]
struct Burst(Vec<u8>);

impl Arbitrary for Burst {
    fn arbitrary(source: &mut Gen) -> Self {
        let exam = source.choose(&EXAMS).unwrap().0;
        let id = format!("{}", u16::arbitrary(source) % 5);
        let frame = encode(&charge(exam, &id));
        // Without its last byte a message ends when the next one begins, so two would come at once.
        let cut = usize::arbitrary(source) % (frame.len() - 1);
        Self(match u8::arbitrary(source) % 8 {
            0 => frame[..cut].to_vec(),
            1 => frame[cut..].to_vec(),
            2 => [b"noise", &frame[..]].concat(),
            _ => frame,
        })
    }
}

/// The events of a sender that submits, connects, sends each burst and waits a second, its bytes
/// cut as `cuts` says; times are left out.
fn history(script: &[Behaviour], bursts: &[Burst], cuts: &[u8]) -> Vec<What> {
    let mut rig = Rig::new(script.to_vec());
    let mut cuts = cuts.iter().map(|cut| usize::from(*cut) + 1).cycle();
    let mut connection = rig.accept();
    for (number, burst) in bursts.iter().enumerate() {
        rig.feed(Input::Submitted { exam: EXAMS[number % EXAMS.len()].0 });
        if number % 3 == 2 {
            rig.feed(Input::Ended { connection, how: End::Close });
            connection = rig.accept();
        }
        let mut rest = &burst.0[..];
        while !rest.is_empty() {
            let (now, later) = rest.split_at(cuts.next().unwrap_or(rest.len()).min(rest.len()));
            rig.receive(connection, now);
            rest = later;
        }
        rig.pass(1_000);
    }
    rig.pass(600_000);
    rig.feed(Input::Over);
    assert_eq!(rig.emr.open_connections(), 0);
    // How much an EMR that breaks off leaves unread is a matter of how much has come by then. An
    // answer names what it is to by its place in the history, where that must not count either.
    let told = rig.events().iter().filter(|event| !matches!(event.what, What::Unread { .. }));
    let told: Vec<&Event> = told.collect();
    let place = |seq| told.iter().position(|event| event.seq == seq).unwrap() as u64;
    let mut history: Vec<What> = told.iter().map(|event| event.what.clone()).collect();
    for what in &mut history {
        if let What::Replied { to: Some(to), .. } = what {
            *to = place(*to);
        }
    }
    history
}

/// The pieces of each connection, without what was said in between.
fn pieces(history: Vec<What>) -> Vec<What> {
    history.into_iter().filter(|what| matches!(what, What::Received { .. })).collect()
}

fn resets(script: &[Behaviour]) -> bool {
    let is_reset = |play: &Play| match play {
        Play::Fault { fault, .. } => fault.name().contains("reset"),
        _ => false,
    };
    script.iter().flat_map(|behaviour| &behaviour.play).any(is_reset)
}

quickcheck! {
    fn cutting_the_same_bytes_differently_does_not_change_the_history(
        script: AnyScript, bursts: Vec<Burst>, cuts: Vec<u8>
    ) -> bool {
        let bursts = &bursts[..bursts.len().min(12)];
        history(&script.0, bursts, &cuts) == history(&script.0, bursts, &[])
    }

    fn messages_sent_without_waiting_are_the_same_pieces_however_they_are_cut(
        script: AnyScript, bursts: Vec<Burst>, cuts: Vec<u8>
    ) -> bool {
        if resets(&script.0) {
            return true; // what a reset leaves unread depends on when it comes
        }
        let one = Burst(bursts.into_iter().take(6).flat_map(|burst| burst.0).collect());
        let once = [one];
        pieces(history(&script.0, &once, &cuts)) == pieces(history(&script.0, &once, &[]))
    }

    fn arbitrary_garbage_never_panics_and_comes_to_an_end(
        script: AnyScript, garbage: Vec<Vec<u8>>, doings: Vec<u8>
    ) -> bool {
        let mut rig = Rig::with(script.0, &["a", "b"], 256);
        let mut fed = 0;
        for (bytes, doing) in garbage.iter().zip(doings) {
            let connection = ConnectionId::from(doing % 5); // some of them were never accepted
            match doing / 5 {
                0..=4 => {
                    rig.accept_at(usize::from(doing % 2), u32::from(doing % 3));
                }
                5..=6 => rig.feed(Input::Ended { connection, how: End::Close }),
                7 => rig.feed(Input::Ended { connection, how: End::Reset }),
                8 => rig.feed(Input::SenderKilled { incarnation: u32::from(doing % 3) }),
                9 => rig.feed(Input::Submitted { exam: "john" }),
                10 => rig.feed(Input::Watch(WireEvent::InsideFt1)),
                11 => rig.feed(Input::Wrote { connection, bytes, complete: false }),
                12 => rig.feed(Input::EndDone { connection, how: End::HalfClose }),
                13 => rig.feed(Input::RefusalSeen { endpoint: usize::from(doing % 2) }),
                14 => rig.pass(500),
                _ => {
                    let framed = if doing % 2 == 0 { encode(bytes) } else { bytes.clone() };
                    rig.receive(connection, &framed);
                    fed += framed.len();
                }
            }
        }
        rig.pass(600_000);
        rig.feed(Input::Over);
        let kept = rig.events().iter().map(|event| match &event.what {
            What::Received { bytes, .. } => bytes.0.len(),
            _ => 0,
        });
        rig.emr.open_connections() == 0 && rig.emr.deadline().is_none() && kept.sum::<usize>() <= fed
    }
}
