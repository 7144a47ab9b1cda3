//! How long a trial run shows a sender to take, and how much of the machine: from its start until it is
//! ready or connects, from an exam to its charge, and until it has stopped.
//!
//! Reads the history of a trial and what was counted beside it. Does **not** look at a clock, and does
//! **not** say whether a time is too long: that is [`super::outlook`].

use std::time::Duration;

use crate::history::{History, Incarnation, Micros, Piece, What};
use crate::run::real::processors::{Taken, Used};

/// What was counted while a trial ran.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// What the sender took, and when, from the beginning of the trial.
    pub taken: Vec<(Micros, Taken)>,
    /// What was used at the beginning and at the end of the trial, where the system says.
    pub used: Option<(Used, Used)>,
}

/// What a sender took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// For each of its starts, how long it was until it was ready.
    pub ready: Vec<Micros>,
    /// For each of its starts, how long it was until it connected. One that is ready earlier connects when
    /// it has something to send.
    pub connected: Vec<Micros>,
    /// How much processor time a start cost, until it was ready or connected.
    pub start_work: Option<Duration>,
    /// How long it was from an exam, or from the connection that came for it, to the whole charge.
    pub delivered: Vec<Micros>,
    /// How long it took to stop.
    pub stopped: Vec<Micros>,
    /// The most memory that its processes held, in bytes.
    pub memory: Option<u64>,
    /// How much processor time the trial cost, the harness's own included.
    pub work: Option<Duration>,
    /// Which part of the processors others had meanwhile, per mille.
    pub others: u32,
    /// How many times the sender was started.
    pub starts: u32,
}

impl Measured {
    /// What the trial of which this is the history shows.
    #[must_use]
    pub fn of(history: &History, counted: &Counted) -> Self {
        let mut measured = Self::default();
        let mut life = Life::default();
        for event in &history.events {
            life.see(event.at, &event.what, &mut measured);
        }
        life.is_over(&mut measured);
        let up = measured.ready.first().filter(|_| life.waits_until_ready);
        let up = up.or(measured.connected.first()).copied();
        measured.start_work = up.and_then(|up| worked_until(up, &counted.taken));
        let memory = counted.taken.iter().map(|(_, taken)| taken.memory);
        measured.memory = memory.max().filter(|memory| *memory > 0);
        if let Some((from, to)) = counted.used {
            let work = to.here.saturating_sub(from.here);
            measured.work = Some(work);
            let busy = to.busy.saturating_sub(from.busy).saturating_sub(work).as_secs_f64();
            let all = to.all.saturating_sub(from.all).as_secs_f64();
            // A part of all is from 0 to 1, so that nothing is cut off.
            measured.others = if all > 0.0 { (1000.0 * busy / all) as u32 } else { 0 };
        }
        measured
    }

    /// The longest of its starts: until it was ready, or until it connected.
    #[must_use]
    pub fn start(&self) -> Option<Micros> {
        longest(&self.ready).or_else(|| longest(&self.connected))
    }
}

/// The longest of some times.
#[must_use]
pub(super) fn longest(times: &[Micros]) -> Option<Micros> {
    times.iter().copied().max()
}

/// What had been worked when the sender was up for the first time, as far as it was looked at.
fn worked_until(up: Micros, taken: &[(Micros, Taken)]) -> Option<Duration> {
    let until = taken.iter().take_while(|(at, _)| *at <= up).map(|(_, taken)| taken.worked);
    until.max()
}

/// The life of the sender that is looked at, as far as it was seen.
#[derive(Debug, Default)]
struct Life {
    incarnation: Incarnation,
    /// When the harness could start it.
    from: Micros,
    /// When it was up.
    up: Option<Micros>,
    submitted: Option<Micros>,
    opened: Option<Micros>,
    framed: Option<Micros>,
    asked: Option<Micros>,
    /// Whether anything but its start shows that it is ready.
    waits_until_ready: bool,
}

impl Life {
    fn see(&mut self, at: Micros, what: &What, measured: &mut Measured) {
        match what {
            What::SenderStarted { incarnation, .. } => {
                measured.starts += 1;
                self.incarnation = *incarnation;
                self.up = Some(at);
                // Who is not waited for is up at once.
                let waited = at.since(self.from);
                self.waits_until_ready |= waited > AT_ONCE;
                if waited > AT_ONCE {
                    measured.ready.push(waited);
                }
            }
            What::Submitted { .. } => self.submitted = self.submitted.or(Some(at)),
            What::Opened { .. } => self.opened = self.opened.or(Some(at)),
            What::Received { piece: Piece::Frame, .. } => self.framed = self.framed.or(Some(at)),
            What::SenderEnding { .. } => self.asked = Some(at),
            What::SenderExited { .. } => {
                if let Some(asked) = self.asked {
                    measured.stopped.push(at.since(asked));
                }
                self.is_over(measured);
                let waits_until_ready = self.waits_until_ready;
                *self = Self { from: at, waits_until_ready, ..Self::default() };
            }
            _ => {}
        }
    }

    /// What its connection and its charge show.
    fn is_over(&mut self, measured: &mut Measured) {
        if let Some(opened) = self.opened {
            measured.connected.push(opened.since(self.from));
        }
        // An exam that is handed over before it is up waits for it to come up.
        let begun = self.submitted.map(|submitted| match self.waits_until_ready {
            true => submitted,
            false => submitted.max(self.opened.unwrap_or(submitted)),
        });
        if let (Some(begun), Some(framed)) = (begun, self.framed) {
            measured.delivered.push(framed.since(begun));
        }
    }
}

/// Who is ready as soon as this was not waited for.
const AT_ONCE: Micros = Micros(10_000);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Counted, Measured};
    use crate::history::{
        Ending, Event, FORMAT_VERSION, Header, History, Micros, Piece, Raw, Seal, What,
    };
    use crate::run::real::processors::{Taken, Used};

    fn history(events: Vec<(u64, What)>) -> History {
        let header = Header {
            format: "chargeproof-history".to_owned(),
            version: FORMAT_VERSION,
            case: "doctor".to_owned(),
            started: "2026-01-05T08:00:00Z".to_owned(),
            sealed: false,
            plan: serde_json::value::RawValue::from_string("{}".to_owned()).unwrap(),
        };
        let events = events.into_iter().zip(1..);
        let events = events.map(|((millis, what), seq)| Event { seq, at: ms(millis), what });
        History { header, events: events.collect(), seal: Seal::None }
    }

    fn ms(millis: u64) -> Micros {
        Micros(millis * 1000)
    }

    /// A life that is up, connects, sends and stops at these times.
    fn life(
        incarnation: u32,
        [up, given, opened, framed, asked, gone]: [u64; 6],
    ) -> Vec<(u64, What)> {
        let received = What::Received {
            connection: 1,
            offset: 0,
            began: ms(framed),
            piece: Piece::Frame,
            bytes: Raw::default(),
            length: 0,
            anomalies: Vec::new(),
        };
        let exited = What::SenderExited { incarnation, code: Some(0), signal: None, asked: true };
        vec![
            (up, What::SenderStarted { incarnation, beside: None }),
            (given, What::Submitted { exam: "probe-1".to_owned(), incarnation }),
            (opened, What::Opened { connection: 1, endpoint: "emr".to_owned(), incarnation }),
            (framed, received),
            (asked, What::SenderEnding { incarnation, how: Ending::Stop }),
            (gone, exited),
        ]
    }

    #[test]
    fn a_sender_that_is_waited_for_is_measured_until_it_is_ready() {
        let events = [
            life(1, [5000, 5001, 5100, 5120, 6000, 6030]),
            life(2, [11_000, 11_001, 11_050, 11_060, 12_000, 12_040]),
        ];
        let measured = Measured::of(&history(events.concat()), &Counted::default());
        assert_eq!(measured.ready, [ms(5000), ms(4970)]);
        assert_eq!(measured.delivered, [ms(119), ms(59)]);
        assert_eq!(measured.stopped, [ms(30), ms(40)]);
        assert_eq!((measured.start(), measured.starts), (Some(ms(5000)), 2));
    }

    #[test]
    fn a_sender_that_nothing_says_is_ready_is_measured_until_it_connects() {
        let events = life(1, [1, 2, 5000, 5010, 6000, 6030]);
        let measured = Measured::of(&history(events), &Counted::default());
        assert_eq!((&measured.ready[..], measured.start()), (&[][..], Some(ms(5000))));
        assert_eq!(measured.delivered, [ms(10)]);
    }

    #[test]
    fn what_a_start_costs_is_what_was_worked_until_it_was_up() {
        let taken = [(100, 0, 5), (2000, 2, 20), (4900, 3, 9), (7000, 4, 9)];
        let taken = taken.map(|(millis, worked, memory)| {
            (ms(millis), Taken { worked: Duration::from_secs(worked), memory })
        });
        let used = |here, busy, all| {
            let [here, busy, all] = [here, busy, all].map(Duration::from_secs);
            Used { here, busy, all }
        };
        let counted =
            Counted { taken: taken.into(), used: Some((used(1, 10, 100), used(5, 19, 120))) };
        let events = life(1, [5000, 5001, 5100, 5120, 6000, 6030]);
        let measured = Measured::of(&history(events), &counted);
        assert_eq!(measured.start_work, Some(Duration::from_secs(3)));
        assert_eq!((measured.memory, measured.work), (Some(20), Some(Duration::from_secs(4))));
        assert_eq!(measured.others, 250);
        let nothing = Measured::of(&history(Vec::new()), &Counted::default());
        assert_eq!(nothing, Measured::default());
    }
}
