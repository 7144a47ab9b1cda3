//! What is to be expected of a run of many cases, by what a trial has measured: about how long it takes,
//! and what in the sender file does not fit.
//!
//! Does **not** know what else the machine will do meanwhile: its times are rough, and given as a range.

use std::time::Duration;

use super::measuring::{Measured, longest};
use super::pace::MOST;
use super::pipeline::Job;
use crate::history::Micros;
use crate::plan::{Lifetime, Plan, Play, ProcessFault, Step};

/// About how long a run takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// If all goes well.
    pub least: Duration,
    /// If the cases get in each other's way.
    pub most: Duration,
    /// How many times the sender is started for it.
    pub starts: u64,
    /// Whether processor time decides, and not the waits of the cases.
    pub by_work: bool,
}

/// What in a sender file does not fit what was measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// It is not said when the sender is ready, and it is slow to connect.
    NotSaidWhenReady {
        /// How long it took to connect.
        took: Micros,
        /// How long a step waits.
        waits: Micros,
    },
    /// It is nearly not ready in time.
    NearlyNotReady {
        /// How long it took.
        took: Micros,
        /// How long it may take.
        within: Micros,
    },
    /// An exam takes nearly as long as a step waits for it.
    NearlyNotDelivered {
        /// How long it took.
        took: Micros,
        /// How long a step waits.
        waits: Micros,
    },
    /// It takes nearly as long to stop as it may.
    NearlyNotStopped {
        /// How long it took.
        took: Micros,
        /// How long it may take.
        within: Micros,
    },
    /// Most of the time goes into watching the wire after each case.
    LongWatch {
        /// For how long it is watched.
        quiet: Micros,
    },
}

/// About how long a run of `jobs` takes on so many processors; nothing where too little was measured.
#[must_use]
pub fn expect(jobs: &[Job], measured: &Measured, processors: usize) -> Option<Expected> {
    let start = measured.start()?;
    let work = measured.work?;
    let plans = jobs.iter().map(|job| &job.plan);
    let lives = plans.clone().map(lives).sum::<u64>();
    let waits = plans.map(|plan| wait(plan, start, measured));
    let all: Duration = waits.clone().sum();
    let longest = waits.max()?;
    if one_after_the_other(&jobs.first()?.plan) {
        return Some(Expected { least: all, most: all * 3 / 2, starts: 1, by_work: false });
    }
    let processors = u32::try_from(processors.max(1)).map_or(1.0, f64::from);
    // What others have is not ours; but some part one always gets.
    let ours = (1.0 - f64::from(measured.others) / 1000.0).max(LEAST_SHARE) * processors;
    let lives_each = u32::try_from(lives).map_or(f64::MAX, f64::from);
    let works = work.as_secs_f64() / f64::from(measured.starts.max(1)) * lives_each;
    let by_work = Duration::try_from_secs_f64(works / ours).ok()?;
    let by_waits = longest.max(all / u32::try_from(MOST).unwrap_or(u32::MAX));
    let least = by_work.max(by_waits);
    let most = by_work * 3 / 2 + by_waits * 2;
    Some(Expected { least, most, starts: lives, by_work: by_work > by_waits })
}

/// What in the sender file of `plan` does not fit.
#[must_use]
pub fn misfits(plan: &Plan, measured: &Measured) -> Vec<Misfit> {
    let limits = &plan.limits;
    let (waits, within) = (limits.patience, limits.stop);
    let mut misfits = Vec::new();
    let connected = longest(&measured.connected).filter(|_| plan.sender.driving.ready.is_none());
    // A second instance gets no longer than that to come up.
    let slow = limits.ack_timeout.min(Micros(waits.0 / 2)).max(SLOW);
    if let Some(took) = connected.filter(|took| *took > slow) {
        misfits.push(Misfit::NotSaidWhenReady { took, waits });
    }
    let ready = plan.sender.driving.ready.as_ref().zip(longest(&measured.ready));
    if let Some((ready, took)) = ready.filter(|(ready, took)| took.0 > ready.within.0 / 2) {
        misfits.push(Misfit::NearlyNotReady { took, within: ready.within });
    }
    if let Some(took) = longest(&measured.delivered).filter(|took| took.0 > waits.0 / 2) {
        misfits.push(Misfit::NearlyNotDelivered { took, waits });
    }
    if let Some(took) = longest(&measured.stopped).filter(|took| took.0 > within.0 / 2) {
        misfits.push(Misfit::NearlyNotStopped { took, within });
    }
    if limits.settle > LONG_WATCH {
        misfits.push(Misfit::LongWatch { quiet: limits.settle });
    }
    misfits
}

/// How many times a case starts the sender.
fn lives(plan: &Plan) -> u64 {
    let per_exam = plan.sender.driving.life == Lifetime::Exam;
    let is_start = |step: &&Step| match step {
        Step::Submit(_) => per_exam,
        Step::Start | Step::StartSecond => !per_exam,
        _ => false,
    };
    plan.steps.iter().filter(is_start).count() as u64
}

/// About how long a case waits, for the sender and for what it is told to wait for.
fn wait(plan: &Plan, start: Micros, measured: &Measured) -> Duration {
    let usual = |times: &[Micros]| Duration::from(longest(times).unwrap_or(Micros(0)));
    let (delivered, stopped) = (usual(&measured.delivered), usual(&measured.stopped));
    let settle = Duration::from(plan.limits.settle);
    let step = |step: &Step| match step {
        Step::Stop | Step::StopSecond => stopped,
        Step::Submit(_) => delivered,
        Step::Settle => settle,
        Step::Fault { fault: ProcessFault::Pause(length), .. } => Duration::from(*length),
        _ => Duration::ZERO,
    };
    let part = |play: &Play| match play {
        Play::Wait(time) => Duration::from(*time),
        Play::Fault { with, .. } => with.after.map(Duration::from).unwrap_or_default(),
        Play::Raw(_) | Play::Filled(_) | Play::End(_) => Duration::ZERO,
    };
    let kept = one_after_the_other(plan);
    let starts = if kept { 0 } else { u32::try_from(lives(plan)).unwrap_or(u32::MAX) };
    let played: Duration = plan.script.iter().flat_map(|one| &one.play).map(part).sum();
    let steps: Duration = plan.steps.iter().map(step).sum();
    Duration::from(start).saturating_mul(starts) + played + steps
}

/// Whether one sender has all cases, one after the other.
fn one_after_the_other(plan: &Plan) -> bool {
    matches!(plan.sender.driving.life, Lifetime::Run | Lifetime::Observed)
}

/// However busy the machine is, about this share of it is had.
const LEAST_SHARE: f64 = 0.25;

/// A start that is shorter needs no advice.
const SLOW: Micros = Micros(500_000);

/// Watching a wire for longer makes a run long.
const LONG_WATCH: Micros = Micros(30_000_000);
