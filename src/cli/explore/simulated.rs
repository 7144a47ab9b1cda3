//! Exploring the reference sender in virtual time, on every core.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::{Bounds, LOOK_FURTHER, Runs, Search};
use crate::cli::failure::Failure;
use chargeproof::explore::{Conviction, Explorer, Schedule, Tried};
use chargeproof::verdict::{CaseOutcome, Weight};

/// Runs schedules of the reference sender in virtual time.
pub(super) struct Simulated<'e, 'l> {
    pub(super) explorer: &'e Explorer<'l>,
}

impl Runs for Simulated<'_, '_> {
    /// Which schedules are tried does not depend on how many threads there are: the first that is
    /// found, by its number, decides where the search ends.
    fn search(&mut self, bounds: Bounds) -> Result<Search, Failure> {
        let next = AtomicU64::new(0);
        let end = AtomicU64::new(bounds.schedules);
        let explorer = self.explorer;
        let work = || work(&explorer.apart(), bounds.until, &next, &end);
        let parts: Vec<Result<Search, Failure>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..bounds.side_by_side).map(|_| scope.spawn(work)).collect();
            let join = threads.into_iter().map(|thread| thread.join());
            join.map(|joined| joined.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        });
        let mut search = Search::default();
        for part in parts {
            search.merge(part?);
        }
        let end = end.into_inner();
        search.found.retain(|_, one| one.number < end);
        Ok(search)
    }

    fn first(
        &mut self,
        smaller: &[Schedule],
        conviction: &Conviction,
        is_acceptable: &mut dyn FnMut(&Schedule) -> bool,
    ) -> Option<usize> {
        let convicts = |one: &Schedule| self.explorer.convicts(one, conviction);
        smaller.iter().position(|one| convicts(one) && is_acceptable(one))
    }

    fn outcome(&mut self, schedule: &Schedule, id: &str) -> Result<CaseOutcome, Failure> {
        Ok(self.explorer.run(schedule, id)?.outcome)
    }
}

fn work(
    explorer: &Explorer<'_>,
    until: Option<Instant>,
    next: &AtomicU64,
    end: &AtomicU64,
) -> Result<Search, Failure> {
    let mut search = Search::default();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let late = || until.is_some_and(|until| Instant::now() >= until);
        if number >= end.load(Ordering::Relaxed) || late() {
            return Ok(search);
        }
        let tried = attempt(explorer, number)?;
        let is_sure = |conviction: &Conviction| {
            let schedule = explorer.schedule(number);
            schedule.is_ok_and(|schedule| explorer.convicts_surely(&schedule, conviction))
        };
        let convictions = Conviction::all(&tried.outcome.judgement.findings);
        let enough = match convictions.first() {
            Some(worst) if worst.weight == Weight::SentTwice && is_sure(worst) => number + 1,
            Some(_) => number.saturating_add(LOOK_FURTHER),
            None => u64::MAX,
        };
        end.fetch_min(enough, Ordering::Relaxed);
        search.add(number, tried, &is_sure);
    }
}

/// Tries one schedule. A panic is a mistake of ours, and worth knowing by its number.
fn attempt(explorer: &Explorer<'_>, number: u64) -> Result<Tried, Failure> {
    let tried = catch_unwind(AssertUnwindSafe(|| explorer.try_number(number)));
    let tried = tried.map_err(|_| Failure::Panicked { seed: explorer.seed(), number })?;
    Ok(tried?)
}
