//! Many cases, side by side.

use std::rc::Rc;
use std::time::Duration;

use tokio::task::{JoinSet, LocalSet};
use tokio::time::MissedTickBehavior;

use crate::history::History;
use crate::plan::{Lifetime, Plan};
use crate::run::real::processors::{self, Elapsed};
use crate::run::real::{self, Kept, Place, RunError};
use crate::run::simulated::{self, SimulationError};
use crate::suite::judge::judge;
use crate::suite::pace::{Pace, SideBySide, was_late};
use crate::verdict::{CaseOutcome, Circumstance, Verdict};

/// One case to run, and the command that repeats it.
#[derive(Clone, Debug)]
pub struct Job {
    /// What will be done.
    pub plan: Plan,
    /// The command that repeats it.
    pub repeat: String,
}

/// What there is to tell while cases run.
pub enum News<'a> {
    /// A case has begun.
    Began(&'a str),
    /// A case is over and was judged. Whoever listens may store its history and say where.
    Ended(&'a mut CaseOutcome, &'a History),
    /// Some time has passed, and cases still run.
    Waiting,
}

/// Why the suite could not be run. What a sender does is never one of these.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// A case could not be run on this machine.
    #[error("case `{case}`: {error}")]
    Case {
        /// Id of the case.
        case: String,
        /// Why not.
        #[source]
        error: RunError,
    },
    /// A case could not be run in virtual time.
    #[error("case `{case}`: {error}")]
    Simulation {
        /// Id of the case.
        case: String,
        /// Why not.
        #[source]
        error: SimulationError,
    },
    /// A task of ours ended in a panic.
    #[error("a task of the harness failed: {0}")]
    Task(#[from] tokio::task::JoinError),
}

/// Runs `jobs` over real sockets and processes, and returns their outcomes in the order of their ids. An
/// interrupt leaves out what has not begun.
///
/// A case that is open because the machine was late runs again when all others are over, alone, twice at
/// the most. One that failed is not tried again.
///
/// # Errors
/// The first case that this machine does not let us run.
pub async fn run_real(
    jobs: Vec<Job>,
    place: Place,
    side_by_side: SideBySide,
    until: Until,
    tell: &mut dyn FnMut(News<'_>),
) -> Result<Vec<CaseOutcome>, SuiteError> {
    let local = LocalSet::new();
    let outcomes = local.run_until(run_with_sender(jobs, place, side_by_side, until, tell)).await;
    real::end_children();
    outcomes
}

/// A sender that serves all cases is started before the first and ended after the last; it has one
/// case at a time, and none twice, as has one that is not ours to start.
async fn run_with_sender(
    jobs: Vec<Job>,
    mut place: Place,
    side_by_side: SideBySide,
    until: Until,
    tell: &mut dyn FnMut(News<'_>),
) -> Result<Vec<CaseOutcome>, SuiteError> {
    let Some(first) = jobs.first().map(|job| job.plan.clone()) else { return Ok(Vec::new()) };
    if !matches!(first.sender.driving.life, Lifetime::Run | Lifetime::Observed) {
        let again = if until == Until::EachOnce { 0 } else { AGAIN };
        return run_local(jobs, place, (side_by_side, until), again, tell).await;
    }
    place.addresses.clone_from(&first.sender.driving.listen);
    place.kept = Kept::start(&first, &place)
        .await
        .map_err(|error| SuiteError::Case { case: first.id.clone(), error })?;
    let kept = place.kept.clone();
    let outcomes = run_local(jobs, place, (SideBySide::AtMost(1), until), 0, tell).await;
    if let Some(kept) = kept {
        kept.end(first.limits.stop.into()).await;
    }
    outcomes
}

/// How far a run goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Until {
    /// To its end.
    #[default]
    TheEnd,
    /// To its end, and each case once: one that is open because the machine was late stays so.
    EachOnce,
    /// To the first case that fails: what has begun by then comes to its end, and no other begins.
    FirstFailure,
}

/// How many times a case runs again that is open because the machine was late.
const AGAIN: u32 = 2;

/// How often it is looked whether the next case may begin.
const LOOK: Duration = Duration::from_millis(100);

/// A case that was run and judged.
struct Ran {
    job: Job,
    outcome: CaseOutcome,
    history: History,
}

async fn run_local(
    jobs: Vec<Job>,
    place: Place,
    (side_by_side, until): (SideBySide, Until),
    again: u32,
    tell: &mut dyn FnMut(News<'_>),
) -> Result<Vec<CaseOutcome>, SuiteError> {
    let mut pace = Pace::new(side_by_side, processors::count());
    let elapsed = Elapsed::start();
    // Before the first case: unseen, more would begin at once than the processors may bear.
    pace.look(elapsed.so_far(), processors::used());
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut waiting = jobs.into_iter().peekable();
    let mut running = JoinSet::new();
    let (mut outcomes, mut open) = (Vec::new(), Vec::new());
    let mut has_failed = false;
    let place = Rc::new(place);
    loop {
        while waiting.peek().is_some()
            && !*place.interrupted.borrow()
            && !(until == Until::FirstFailure && has_failed)
            && pace.may_begin(running.len())
            && let Some(job) = waiting.next()
        {
            tell(News::Began(&job.plan.id));
            running.spawn_local(run_one(job, Rc::clone(&place)));
        }
        if running.is_empty() {
            break;
        }
        let ended = tokio::select! {
            ended = running.join_next() => ended,
            _ = look.tick() => {
                pace.look(elapsed.so_far(), processors::used());
                tell(News::Waiting);
                continue;
            }
        };
        let Some(ended) = ended else { break };
        let mut ran = ended??;
        pace.heard(&ran.history);
        has_failed |= ran.outcome.judgement.verdict() == Verdict::Fail;
        if again > 0 && ran.is_open_for_lateness() {
            open.push(ran);
        } else {
            tell(News::Ended(&mut ran.outcome, &ran.history));
            outcomes.push(ran.outcome);
        }
    }
    // Once a case has failed, no other begins where nobody wants more.
    let again = if until == Until::FirstFailure && has_failed { 0 } else { again };
    for ran in open {
        outcomes.push(run_again(ran, &place, again, tell).await?);
    }
    outcomes.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(outcomes)
}

async fn run_one(job: Job, place: Rc<Place>) -> Result<Ran, SuiteError> {
    let history = real::run(&job.plan, &place, |_| ())
        .await
        .map_err(|error| SuiteError::Case { case: job.plan.id.clone(), error })?;
    // Judging is work, and nobody else's sender should wait for it.
    let judged = tokio::task::spawn_blocking(move || {
        let outcome = judge(&job.plan, &history, job.repeat.clone());
        Ran { job, outcome, history }
    });
    judged.await.map_err(SuiteError::Task)
}

/// Runs a case alone until it is no longer open for lateness, or was tried often enough.
async fn run_again(
    mut ran: Ran,
    place: &Rc<Place>,
    again: u32,
    tell: &mut dyn FnMut(News<'_>),
) -> Result<CaseOutcome, SuiteError> {
    for tries in 1..=again {
        if *place.interrupted.borrow() || !ran.is_open_for_lateness() {
            break;
        }
        let next = run_one(ran.job, Rc::clone(place)).await?;
        ran = Ran { outcome: CaseOutcome { tries: tries + 1, ..next.outcome }, ..next };
        tell(News::Waiting);
    }
    tell(News::Ended(&mut ran.outcome, &ran.history));
    Ok(ran.outcome)
}

impl Ran {
    /// Whether nothing is proven of the sender, and the machine may be why.
    fn is_open_for_lateness(&self) -> bool {
        let most = self.job.plan.limits.ack_timeout;
        is_open_for_lateness(&self.outcome, was_late(&self.history, most))
    }
}

/// Whether a case is open, and for no other reason than that the machine `was_late`, as far as is known. One
/// that failed is not open.
fn is_open_for_lateness(outcome: &CaseOutcome, was_late: bool) -> bool {
    let judgement = &outcome.judgement;
    let mut findings = judgement.findings.iter();
    let is_named = findings.any(|finding| {
        matches!(finding.circumstance, Circumstance::HarnessLate | Circumstance::SenderStarved)
    });
    judgement.verdict() == Verdict::Inconclusive && (is_named || was_late)
}

/// Runs `jobs` in virtual time with the reference sender, one after the other.
///
/// # Errors
/// A defect or habit that the reference sender does not have.
pub fn run_simulated(
    jobs: Vec<Job>,
    tell: &mut dyn FnMut(News<'_>),
) -> Result<Vec<CaseOutcome>, SuiteError> {
    let mut outcomes = Vec::new();
    for job in jobs {
        let case = job.plan.id.clone();
        tell(News::Began(&case));
        let history = simulated::run(&job.plan)
            .map_err(|error| SuiteError::Simulation { case: case.clone(), error })?;
        let mut outcome = judge(&job.plan, &history, job.repeat);
        tell(News::Ended(&mut outcome, &history));
        outcomes.push(outcome);
    }
    outcomes.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(outcomes)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::is_open_for_lateness;
    use crate::history::Micros;
    use crate::verdict::{CaseOutcome, Circumstance, Finding, Judgement, Rule, Weight};

    #[rstest]
    #[case::late(&[(Weight::Inconclusive, Circumstance::HarnessLate)], false, true)]
    #[case::starved(&[(Weight::Inconclusive, Circumstance::SenderStarved)], false, true)]
    #[case::open_beside_a_delay(&[(Weight::Inconclusive, Circumstance::WaitedInVain)], true, true)]
    #[case::open_in_time(&[(Weight::Inconclusive, Circumstance::WaitedInVain)], false, false)]
    #[case::passed_though_late(&[], true, false)]
    #[case::failed_and_late(
        &[(Weight::Inconclusive, Circumstance::HarnessLate), (Weight::SentTwice, Circumstance::Kill)],
        true,
        false
    )]
    fn only_what_is_open_is_tried_again_and_never_what_failed(
        #[case] found: &[(Weight, Circumstance)],
        #[case] was_late: bool,
        #[case] again: bool,
    ) {
        let finding = |(weight, circumstance): &(Weight, Circumstance)| Finding {
            rule: Rule::OncePerOrder,
            weight: *weight,
            circumstance: circumstance.clone(),
            message: String::new(),
            proof: None,
        };
        let findings = found.iter().map(finding).collect();
        let outcome = CaseOutcome {
            id: "once/late".to_owned(),
            title: String::new(),
            requirements: Vec::new(),
            judgement: Judgement { findings, ..Judgement::default() },
            took: Micros(0),
            tries: 1,
            history: None,
            repeat: String::new(),
        };
        assert_eq!(is_open_for_lateness(&outcome, was_late), again);
    }
}
