//! Exploring a foreign sender over real sockets and processes, many schedules side by side.

use std::time::Instant;

use super::{Bounds, Runs, SIDE_BY_SIDE, Search};
use crate::cli::failure::Failure;
use crate::cli::runtime::{interrupts, place, runtime};
use chargeproof::explore::{Conviction, Explorer, Schedule, Tried, judged};
use chargeproof::suite::{Job, News, SideBySide, Until, run_real};
use chargeproof::verdict::CaseOutcome;

/// Runs schedules of any sender over real processes.
pub(super) struct Real<'e, 'l> {
    explorer: &'e Explorer<'l>,
}

impl<'e, 'l> Real<'e, 'l> {
    pub(super) const fn new(explorer: &'e Explorer<'l>) -> Self {
        Self { explorer }
    }

    /// Runs these schedules side by side; what came of each that could be run, in their order,
    /// and whether that was interrupted.
    fn run(
        &self,
        schedules: &[Schedule],
        side_by_side: usize,
    ) -> Result<(Vec<(usize, Tried)>, bool), Failure> {
        let mut plans = Vec::new();
        for (index, schedule) in schedules.iter().enumerate() {
            // What makes no sense was made by shrinking, and convicts nobody.
            let plan = self.explorer.plan(schedule, &format!("{index:06}"));
            plans.extend(plan.ok().filter(|plan| self.explorer.is_met(plan)));
        }
        let of = |id: &str| plans.iter().find(|plan| plan.id == id);
        let jobs = plans.iter().cloned().map(|plan| Job { plan, repeat: String::new() });
        let jobs: Vec<Job> = jobs.collect();
        let mut tried = Vec::new();
        let mut hear = |news: News<'_>| {
            if let News::Ended(outcome, history) = news
                && let (Some(plan), Ok(index)) = (of(&outcome.id), outcome.id.parse())
            {
                tried.push((index, judged(plan, history)));
            }
        };
        let interrupted = runtime()?.block_on(async {
            let interrupted = interrupts();
            let place = place(interrupted.clone())?;
            run_real(jobs, place, SideBySide::AtMost(side_by_side), Until::EachOnce, &mut hear)
                .await?;
            let interrupted = *interrupted.borrow();
            Ok::<bool, Failure>(interrupted)
        })?;
        tried.sort_by_key(|(index, _)| *index);
        Ok((tried, interrupted))
    }
}

impl Runs for Real<'_, '_> {
    fn search(&mut self, bounds: Bounds) -> Result<Search, Failure> {
        let mut search = Search::default();
        let mut next = 0;
        while next < bounds.schedules && !search.interrupted && search.found.is_empty() {
            if bounds.until.is_some_and(|until| Instant::now() >= until) {
                break;
            }
            let batch = bounds.schedules.min(next + bounds.side_by_side as u64);
            let schedules = (next..batch).map(|number| self.explorer.schedule(number));
            let schedules: Vec<Schedule> = schedules.collect::<Result<_, _>>()?;
            let (tried, interrupted) = self.run(&schedules, bounds.side_by_side)?;
            for (index, tried) in tried {
                search.add(next + index as u64, tried, &|_| false);
            }
            search.interrupted = interrupted;
            next = batch;
        }
        Ok(search)
    }

    /// All of them are run at once: each mostly waits.
    fn first(
        &mut self,
        smaller: &[Schedule],
        conviction: &Conviction,
        is_acceptable: &mut dyn FnMut(&Schedule) -> bool,
    ) -> Option<usize> {
        let kept: Vec<usize> =
            (0..smaller.len()).filter(|index| is_acceptable(&smaller[*index])).collect();
        for some in kept.chunks(SIDE_BY_SIDE) {
            let schedules: Vec<Schedule> =
                some.iter().map(|index| smaller[*index].clone()).collect();
            // Who cannot run any more has found what was found.
            let (tried, interrupted) = self.run(&schedules, SIDE_BY_SIDE).ok()?;
            if interrupted {
                return None;
            }
            let convicts = |tried: &Tried| conviction.is_in(&tried.outcome.judgement.findings);
            if let Some((index, _)) = tried.iter().find(|(_, tried)| convicts(tried)) {
                let index = some[*index];
                is_acceptable(&smaller[index]);
                return Some(index);
            }
        }
        None
    }

    fn outcome(&mut self, schedule: &Schedule, id: &str) -> Result<CaseOutcome, Failure> {
        let (tried, _) = self.run(std::slice::from_ref(schedule), 1)?;
        let tried = tried.into_iter().next().ok_or_else(|| {
            Failure::usage("the run was interrupted", "what was found was not shrunk to its end")
        })?;
        Ok(CaseOutcome { id: id.to_owned(), ..tried.1.outcome })
    }
}
