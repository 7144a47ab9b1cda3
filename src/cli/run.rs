//! `chargeproof run`.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use crate::cli::arguments::{Annotate, Run};
use crate::cli::failure::Failure;
use crate::cli::filter::Chosen;
use crate::cli::inputs::{self, Meant};
use crate::cli::listener::Listener;
use crate::cli::project::Project;
use crate::cli::runtime::{interrupts, place, runtime};
use crate::cli::screen;
use crate::cli::snapshots;
use crate::cli::store::Store;
use chargeproof::report::{github, terminal};
use chargeproof::run::real::{Authority, Own, Place};
use chargeproof::suite::{self, Job, News, Until};
use chargeproof::verdict::{CaseOutcome, Exit, RunOutcome};

/// Runs the cases that are meant, and reports.
///
/// # Errors
/// A mistake in a file, or something that this machine does not let us do.
pub(super) fn run(run: &Run) -> Result<Exit, Failure> {
    once(run).map(|ran| ran.exit)
}

/// How a run came out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ran {
    pub(super) exit: Exit,
    /// Somebody interrupted it.
    pub(super) interrupted: bool,
}

/// Runs the cases that are meant once, and reports.
///
/// # Errors
/// A mistake in a file, or something that this machine does not let us do.
pub(super) fn once(run: &Run) -> Result<Ran, Failure> {
    let project = Project::open(&run.selection.project)?;
    let chosen = run.filter.choose(inputs::meant(&project, &run.selection)?)?;
    let Chosen { meant: Meant { jobs, left_out }, not_chosen, shard } = chosen;
    let started = Instant::now();
    let store = Store::asked_for(run.out.as_deref(), &run.report)?;
    store.as_ref().map_or(Ok(()), Store::begin)?;
    let sender = jobs.first().map(|job| job.plan.sender.name.clone()).unwrap_or_default();
    let meant = jobs.len();
    let (cases, interrupted, kept) = carry_out(run, jobs, store.as_ref())?;
    // After a first failure, nobody meant the others to run any more.
    let left = if run.fail_fast && !interrupted { meant - cases.len() } else { 0 };
    let outcome = RunOutcome {
        sender,
        seed: run.selection.seed,
        cases,
        left_out,
        not_chosen: not_chosen + left,
        shard,
        took: started.elapsed().into(),
        interrupted,
    };
    let mut shown = outcome.clone();
    if let Some(store) = &store {
        store.show(&mut shown);
    }
    let reported = store.as_ref().map_or(Ok(()), |store| store.report(&outcome));
    let printed = print(&shown, kept.and(reported));
    annotate(run.annotate, &outcome)?;
    if let Some(store) = store.filter(|_| run.out.is_none()) {
        // Nobody has named the folder.
        let _ = writeln!(anstream::stderr(), "wrote {}", store.written().join(", "));
    }
    if run.update {
        tell_pending(&snapshots::write_pending(project.folder(), &outcome.cases)?)?;
    }
    printed.map(|()| Ran { exit: outcome.exit(), interrupted })
}

/// Prints the report of a run, coloured where the terminal likes it, and what `kept` says of how
/// it could be written down: whatever became of that, what was found is said first.
///
/// A reader who leaves early is no failure, and changes nothing of how the run came out.
///
/// # Errors
/// An output that cannot be written, or why the run could not be written down.
pub(super) fn print(outcome: &RunOutcome, kept: Result<(), Failure>) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    // The stream itself strips colours where nobody would see them.
    let mut printed = terminal::write(outcome, screen::output(), &mut out);
    if kept.is_err() {
        printed = printed.and_then(|()| terminal::not_kept(screen::output(), &mut out));
    }
    let printed = printed.and_then(|()| out.flush()).map_err(Failure::Output);
    match printed {
        Err(failure) if !failure.is_broken_pipe() => Err(failure),
        _ => kept,
    }
}

/// Annotates the job that this runs in, and adds to its summary.
///
/// # Errors
/// A summary that cannot be written.
fn annotate(annotate: Annotate, outcome: &RunOutcome) -> Result<(), Failure> {
    let on_github = std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true");
    match annotate {
        Annotate::Never => return Ok(()),
        Annotate::Auto if !on_github => return Ok(()),
        Annotate::Auto | Annotate::Github => {}
    }
    let mut out = anstream::stdout().lock();
    github::annotations(outcome, &mut out).and_then(|()| out.flush()).map_err(Failure::Output)?;
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").map(PathBuf::from) else {
        return Ok(());
    };
    let file = OpenOptions::new().append(true).create(true).open(&path);
    let written = file.and_then(|mut file| file.write_all(github::summary(outcome).as_bytes()));
    written.map_err(Failure::writing(&path))
}

/// The outcomes, whether the run was interrupted, and whether all histories could be kept.
type CarriedOut = (Vec<CaseOutcome>, bool, Result<(), Failure>);

fn carry_out(run: &Run, jobs: Vec<Job>, store: Option<&Store>) -> Result<CarriedOut, Failure> {
    let mut listener = Listener::new(jobs.len(), store, run.voice.voice());
    if run.simulated {
        let cases = suite::run_simulated(jobs, &mut |news| listener.hear(news))?;
        return Ok((cases, false, listener.end()));
    }
    let (cases, interrupted) = runtime()?.block_on(async {
        let interrupted = interrupts();
        let authority = Authority::new(&[(run.host, 0).into()], Own::default());
        let place =
            Place { host: run.host, authority: Arc::new(authority), ..place(interrupted.clone())? };
        let until = if run.fail_fast { Until::FirstFailure } else { Until::TheEnd };
        let mut hear = |news: News<'_>| listener.hear(news);
        let cases = suite::run_real(jobs, place, run.jobs, until, &mut hear).await;
        let interrupted = *interrupted.borrow();
        cases.map(|cases| (cases, interrupted)).map_err(Failure::from)
    })?;
    Ok((cases, interrupted, listener.end()))
}

fn tell_pending(written: &[PathBuf]) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    if written.is_empty() {
        writeln!(out, "no snapshot waits for review")?;
        return Ok(());
    }
    for path in written {
        writeln!(out, "pending  {}", path.display())?;
    }
    writeln!(out, "review them with `cargo insta review`, or rename each to end in `.snap`")?;
    Ok(())
}
