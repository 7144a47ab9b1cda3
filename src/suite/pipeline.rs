//! Many cases, side by side.

use std::rc::Rc;
use std::time::Duration;

use tokio::task::{JoinSet, LocalSet};

use crate::history::History;
use crate::plan::{Lifetime, Plan};
use crate::run::real::{self, Kept, Place, RunError};
use crate::run::simulated::{self, SimulationError};
use crate::suite::judge::judge;
use crate::verdict::CaseOutcome;

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
    /// A second has passed, and cases still run.
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

/// Runs `jobs` over real sockets and processes, at most `side_by_side` of them at once, and
/// returns their outcomes in the order of their ids. An interrupt leaves out what has not begun.
///
/// # Errors
/// The first case that this machine does not let us run.
pub async fn run_real(
    jobs: Vec<Job>,
    place: Place,
    side_by_side: usize,
    tell: &mut dyn FnMut(News<'_>),
) -> Result<Vec<CaseOutcome>, SuiteError> {
    let local = LocalSet::new();
    let outcomes = local.run_until(run_with_sender(jobs, place, side_by_side.max(1), tell)).await;
    real::end_children();
    outcomes
}

/// A sender that serves all cases is started before the first and ended after the last; it has one
/// case at a time, as has one that is not ours to start.
async fn run_with_sender(
    jobs: Vec<Job>,
    mut place: Place,
    side_by_side: usize,
    tell: &mut dyn FnMut(News<'_>),
) -> Result<Vec<CaseOutcome>, SuiteError> {
    let Some(first) = jobs.first().map(|job| job.plan.clone()) else { return Ok(Vec::new()) };
    if !matches!(first.sender.driving.life, Lifetime::Run | Lifetime::Observed) {
        return run_local(jobs, place, side_by_side, tell).await;
    }
    place.addresses.clone_from(&first.sender.driving.listen);
    place.kept = Kept::start(&first, &place)
        .await
        .map_err(|error| SuiteError::Case { case: first.id.clone(), error })?;
    let kept = place.kept.clone();
    let outcomes = run_local(jobs, place, 1, tell).await;
    if let Some(kept) = kept {
        kept.end(first.limits.stop.into()).await;
    }
    outcomes
}

async fn run_local(
    jobs: Vec<Job>,
    place: Place,
    side_by_side: usize,
    tell: &mut dyn FnMut(News<'_>),
) -> Result<Vec<CaseOutcome>, SuiteError> {
    let mut waiting = jobs.into_iter();
    let mut running = JoinSet::new();
    let mut outcomes = Vec::new();
    let place = Rc::new(place);
    let mut second = tokio::time::interval(Duration::from_secs(1));
    loop {
        while running.len() < side_by_side && !*place.interrupted.borrow() {
            let Some(job) = waiting.next() else {
                break;
            };
            tell(News::Began(&job.plan.id));
            let place = Rc::clone(&place);
            running.spawn_local(async move {
                let history = real::run(&job.plan, &place, |_| ())
                    .await
                    .map_err(|error| SuiteError::Case { case: job.plan.id.clone(), error })?;
                // Judging is work, and nobody else's sender should wait for it.
                let judged = tokio::task::spawn_blocking(move || {
                    let outcome = judge(&job.plan, &history, job.repeat);
                    (outcome, history)
                });
                judged.await.map_err(SuiteError::Task)
            });
        }
        let ended = tokio::select! {
            ended = running.join_next() => ended,
            _ = second.tick() => {
                tell(News::Waiting);
                continue;
            }
        };
        let Some(ended) = ended else { break };
        let (mut outcome, history) = ended??;
        tell(News::Ended(&mut outcome, &history));
        outcomes.push(outcome);
    }
    outcomes.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(outcomes)
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
