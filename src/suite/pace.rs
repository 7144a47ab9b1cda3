//! How many cases run side by side: as many as the machine has time for.
//!
//! A case mostly waits, and what it costs is the work of its sender's processes, which nobody knows
//! beforehand. So the first cases are started while the processors have time left; once some are over,
//! what they cost says how soon the next one may begin; and where a sender or the harness was late, fewer
//! are started. It does **not** read any clock or counter itself.

use std::time::Duration;

use crate::history::{History, Micros, What};
use crate::run::real::processors::Used;

/// How many cases run side by side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SideBySide {
    /// As many as the machine has time for.
    #[default]
    Fitting,
    /// At most so many.
    AtMost(usize),
}

/// The most that run side by side, whatever the machine has time for: each holds sockets and processes.
pub(super) const MOST: usize = 192;

/// How many run side by side where the system does not say how much of it is used.
const BLIND: usize = 16;

/// How much of the processors may be used when a first case is started, which costs nobody knows what.
const IDLE_ENOUGH: f64 = 0.7;

/// How many run for each processor before the first is over: a sender that sleeps before it works makes
/// a machine look idle that it will soon have too much to do.
const FIRST: usize = 24;

/// How much of an unused allowance is kept, in seconds of all processors.
const KEPT: f64 = 0.25;

/// However late cases are, this share of the usual pace is kept.
const LEAST_EASE: f64 = 0.25;

/// How long the harness may have been late before fewer cases are started.
const LATE: Micros = Micros(150_000);

/// Says when the next case may begin.
#[derive(Debug)]
pub(super) struct Pace {
    side_by_side: SideBySide,
    processors: f64,
    /// Seconds of processor time that may be spent on what begins next.
    allowance: f64,
    /// Less than 1 while cases are late.
    ease: f64,
    /// How many cases are over.
    over: u32,
    /// How many may begin before the next look at the processors, while no case is over.
    first: usize,
    began: Option<Used>,
    last: Option<(Duration, Used)>,
}

impl Pace {
    pub(super) fn new(side_by_side: SideBySide, processors: usize) -> Self {
        let processors = processors.max(1);
        Self {
            side_by_side,
            processors: u32::try_from(processors).map_or(1.0, f64::from),
            allowance: 0.0,
            ease: 1.0,
            over: 0,
            first: 2 * processors,
            began: None,
            last: None,
        }
    }

    /// Takes notice of what is used at `now`; of nothing, where the system does not say.
    pub(super) fn look(&mut self, now: Duration, used: Option<Used>) {
        let Some(used) = used else { return };
        self.began.get_or_insert(used);
        let Some((then, before)) = self.last.replace((now, used)) else { return };
        let passed = now.saturating_sub(then).as_secs_f64();
        let most = self.processors * KEPT;
        let earned = passed * self.processors * self.ease;
        self.allowance = (self.allowance + earned).min(most.max(self.cost(used)));
        let busy = used.busy.saturating_sub(before.busy).as_secs_f64();
        let all = used.all.saturating_sub(before.all).as_secs_f64();
        let has_time = all > 0.0 && busy / all < IDLE_ENOUGH;
        self.first = if has_time { self.processors as usize } else { 0 };
        // Where the processors have time, it was not the cases that made each other late.
        self.ease = (self.ease * if has_time { 1.1 } else { 1.01 }).min(1.0);
    }

    /// Whether one more case may begin beside those that run; if so, it counts as begun.
    pub(super) fn may_begin(&mut self, running: usize) -> bool {
        if let SideBySide::AtMost(most) = self.side_by_side {
            return running < most.max(1);
        }
        let Some((_, used)) = self.last else { return running < BLIND };
        if running == 0 {
            return true;
        }
        if running >= MOST {
            return false;
        }
        if self.over == 0 {
            let may = self.first > 0 && running < FIRST * self.processors as usize;
            self.first = self.first.saturating_sub(1);
            return may;
        }
        let cost = self.cost(used);
        let may = self.allowance >= cost;
        if may {
            self.allowance -= cost;
        }
        may
    }

    /// Takes notice of a case that is over.
    pub(super) fn heard(&mut self, history: &History) {
        self.over += 1;
        let was_late = was_late(history, LATE);
        if was_late {
            self.ease = (self.ease * 0.9).max(LEAST_EASE);
        }
    }

    /// What a case costs, by what those cost that are over: seconds of processor time. The work for those
    /// that still run is counted too, so that it is rather too much at first.
    fn cost(&self, used: Used) -> f64 {
        let Some(began) = self.began.filter(|_| self.over > 0) else { return f64::INFINITY };
        used.here.saturating_sub(began.here).as_secs_f64() / f64::from(self.over)
    }
}

/// Whether the harness was late by more than `most` in a case, or the sender got no processor for as long.
pub(super) fn was_late(history: &History, most: Micros) -> bool {
    history.events.iter().any(|event| match event.what {
        What::HarnessLate { by } | What::SenderStarved { by, .. } => by > most,
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{MOST, Pace, SideBySide};
    use crate::history::{Event, FORMAT_VERSION, Header, History, Micros, Seal, What};
    use crate::run::real::processors::Used;

    /// A case in which nothing happened, or in which the harness was late.
    fn over(late: Option<u64>) -> History {
        let header = Header {
            format: "chargeproof-history".to_owned(),
            version: FORMAT_VERSION,
            case: "a case".to_owned(),
            started: "2026-01-05T08:00:00Z".to_owned(),
            sealed: false,
            plan: serde_json::value::RawValue::from_string("{}".to_owned()).unwrap(),
        };
        let event = |millis| Event {
            seq: 1,
            at: Micros(0),
            what: What::HarnessLate { by: Micros(millis * 1000) },
        };
        History { header, events: late.map(event).into_iter().collect(), seal: Seal::None }
    }

    /// What is used after `millis` if so many per mille of two processors were busy, a part of it here.
    fn used(millis: u64, busy: u64, here: u64) -> Option<Used> {
        let part = |of: u64| Duration::from_millis(2 * millis * of / 1000);
        Some(Used { here: part(here), busy: part(busy), all: part(1000) })
    }

    fn begun(pace: &mut Pace, running: usize) -> usize {
        let mut begun = 0;
        while begun < 1_000 && pace.may_begin(running + begun) {
            begun += 1;
        }
        begun
    }

    #[test]
    fn a_number_that_was_asked_for_is_kept() {
        let mut pace = Pace::new(SideBySide::AtMost(7), 2);
        pace.look(Duration::ZERO, used(0, 0, 0));
        assert_eq!(begun(&mut pace, 0), 7);
    }

    #[test]
    fn first_cases_begin_while_the_processors_have_time() {
        let mut pace = Pace::new(SideBySide::Fitting, 2);
        pace.look(Duration::ZERO, used(0, 0, 0));
        assert_eq!(begun(&mut pace, 0), 5);
        pace.look(Duration::from_millis(100), used(100, 1000, 500));
        assert_eq!(begun(&mut pace, 5), 0);
        pace.look(Duration::from_millis(200), used(200, 600, 300));
        assert_eq!(begun(&mut pace, 5), 2);
    }

    #[test]
    fn a_sender_that_sleeps_before_it_works_is_not_taken_for_one_that_costs_nothing() {
        let mut pace = Pace::new(SideBySide::Fitting, 2);
        let mut running = 0;
        for look in 0..50 {
            pace.look(Duration::from_millis(100 * look), used(100 * look, 0, 0));
            running += begun(&mut pace, running);
        }
        assert_eq!(running, 48);
    }

    #[test]
    fn one_case_runs_whatever_the_machine_does() {
        let mut pace = Pace::new(SideBySide::Fitting, 1);
        pace.look(Duration::ZERO, used(0, 0, 0));
        pace.look(Duration::from_secs(1), used(1000, 1000, 0));
        assert_eq!(begun(&mut pace, 0), 1);
    }

    /// How many cases begin in some seconds once ten are over that cost a tenth of a second each, where
    /// all processors work.
    fn begun_in(seconds: u64, late: Option<u64>) -> usize {
        let mut pace = Pace::new(SideBySide::Fitting, 2);
        pace.look(Duration::ZERO, used(0, 0, 0));
        pace.look(Duration::from_millis(1000), used(1000, 500, 500));
        (0..10).for_each(|_| pace.heard(&over(late)));
        let looks = (11..=10 + 10 * seconds).map(|look| {
            // What begins costs nothing here, so that ten cases stay the measure.
            let mut now = used(look * 100, 1000, 0).unwrap();
            now.here = Duration::from_secs(1);
            pace.look(Duration::from_millis(look * 100), Some(now));
            begun(&mut pace, 1).min(MOST)
        });
        looks.sum()
    }

    #[test]
    fn what_cases_cost_says_how_many_begin() {
        // Two seconds of processor time a second, for cases of 0.1 s each; what was kept comes on top.
        assert!((195..=206).contains(&begun_in(10, None)), "{}", begun_in(10, None));
    }

    #[test]
    fn where_cases_are_late_fewer_begin() {
        let (in_time, late) = (begun_in(1, Some(1)), begun_in(1, Some(500)));
        assert!(late * 3 < in_time * 2 && late > 0, "{late} of {in_time}");
    }
}
