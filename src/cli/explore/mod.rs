//! `chargeproof explore`: tries schedules that nobody wrote down, and writes down the smallest
//! that convicts.

mod arguments;
mod print;
mod real;
mod simulated;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

pub(super) use arguments::Explore;

use crate::cli::arguments::Selection;
use crate::cli::failure::Failure;
use crate::cli::inputs::{options, sender_file};
use crate::cli::project::Project;
use crate::cli::store::quoted;
use chargeproof::explore::{Conviction, Convicts, Explorer, Schedule, Tally, Tried, shrink, size};
use chargeproof::planning::Choices;
use chargeproof::verdict::{CaseOutcome, Exit, Rule, Verdict};

/// How many schedules are tried in virtual time where nobody says.
const SIMULATED: u64 = 50_000;
/// The same over real processes.
const REAL: u64 = 200;
/// How many run side by side over real processes: they mostly wait.
const SIDE_BY_SIDE: usize = 32;
/// Once something is found, so many schedules more are tried for something worse.
const LOOK_FURTHER: u64 = 2_000;
/// How many broken rules are shrunk and shown, the worst first.
const SHOWN: usize = 3;

/// What a search has come to.
#[derive(Default)]
struct Search {
    tally: Tally,
    /// The first schedule that broke each rule, one that does so surely before any other.
    found: BTreeMap<Rule, Found>,
    /// Somebody interrupted it.
    interrupted: bool,
}

/// A schedule that convicts.
struct Found {
    number: u64,
    conviction: Conviction,
    /// It does so however long the harness takes for what it does.
    sure: bool,
}

/// How long to go on, and with how many at once.
#[derive(Clone, Copy)]
struct Bounds {
    schedules: u64,
    until: Option<Instant>,
    side_by_side: usize,
}

/// Where schedules are run.
trait Runs {
    /// Tries schedules until something is found or a bound is reached.
    fn search(&mut self, bounds: Bounds) -> Result<Search, Failure>;

    /// The first of these schedules that convicts so and is acceptable.
    fn first(
        &mut self,
        smaller: &[Schedule],
        conviction: &Conviction,
        is_acceptable: &mut dyn FnMut(&Schedule) -> bool,
    ) -> Option<usize>;

    /// Runs one schedule as a case of this id.
    fn outcome(&mut self, schedule: &Schedule, id: &str) -> Result<CaseOutcome, Failure>;
}

/// Something that was found, shrunk.
struct Finding {
    number: u64,
    /// What it is run with.
    seed: u64,
    /// How many behaviours and steps it had, and has.
    sizes: (usize, usize),
    /// The scenario, and where it was written.
    text: String,
    path: Option<PathBuf>,
    outcome: CaseOutcome,
}

/// Explores, and reports.
///
/// # Errors
/// A mistake in a file, or something that this machine does not let us do.
pub(super) fn explore(explore: &Explore) -> Result<Exit, Failure> {
    let started = Instant::now();
    let project = Project::open(&explore.project)?;
    let seed = explore.seed.unwrap_or_else(drawn_seed);
    let selection = selection(explore, seed);
    let sender = sender_file(&selection)?;
    let choices = Choices {
        seed,
        bug: explore.bug.clone(),
        variant: explore.variant.clone(),
        show_output: false,
        watch_for: None,
        ..Choices::default()
    };
    let explorer = Explorer::new(&project, &sender, &choices);
    if let Some(out) = &explore.out {
        std::fs::create_dir_all(out).map_err(Failure::writing(out))?;
    }
    print::beginning(seed)?;
    let mut simulated = simulated::Simulated { explorer: &explorer };
    let mut real = real::Real::new(&explorer);
    let runs: &mut dyn Runs = if explore.sender.is_some() { &mut real } else { &mut simulated };
    let bounds = bounds(explore, started);
    let until = bounds.until;
    let search = runs.search(bounds)?;
    let took = started.elapsed();
    let mut found: Vec<&Found> = search.found.values().collect();
    found.sort_by_key(|one| (!one.sure, Reverse(one.conviction.weight), one.number));
    // A race is shown where there is nothing surer to show.
    let sure = found.iter().filter(|one| one.sure).count();
    let shown = found.len().min(if sure > 0 { sure.min(SHOWN) } else { SHOWN });
    let mut findings = Vec::new();
    for one in &found[..shown] {
        let comment = origin(one.number, &selection);
        let mut finding = shrunk(runs, &explorer, one, until, &comment)?;
        place(&mut finding, &explorer, &selection, explore.out.as_deref())?;
        findings.push(finding);
    }
    print::findings(findings, &sender.name, seed)?;
    print::summary(&search, took, &found[shown..])?;
    Ok(exit(&search))
}

fn bounds(explore: &Explore, started: Instant) -> Bounds {
    let (schedules, side_by_side) = if explore.sender.is_some() {
        (REAL, SIDE_BY_SIDE)
    } else {
        (SIMULATED, std::thread::available_parallelism().map_or(1, usize::from))
    };
    let until = explore.r#for.map(|time| started + time);
    // Who bounds the time alone wants all of it.
    let schedules = if until.is_some() { u64::MAX } else { schedules };
    Bounds {
        schedules: explore.schedules.unwrap_or(schedules),
        until,
        side_by_side: explore.jobs.map_or(side_by_side, usize::from),
    }
}

/// A seed that nobody chose, short enough to be typed.
fn drawn_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::from(now.subsec_micros()) + 1
}

fn selection(explore: &Explore, seed: u64) -> Selection {
    Selection {
        scenarios: Vec::new(),
        project: explore.project.clone(),
        sender: explore.sender.clone(),
        bug: explore.bug.clone(),
        variant: explore.variant.clone(),
        seed,
        show_output: false,
        watch_for: None,
    }
}

fn exit(search: &Search) -> Exit {
    let start = match (search.tally.schedules, search.interrupted) {
        (0, _) => Exit::NothingRan,
        (_, true) => Exit::Inconclusive,
        (all, false) if all == search.tally.inconclusive() => Exit::Inconclusive,
        _ => Exit::Passed,
    };
    let found = search.found.values().map(|one| one.conviction.weight.exit());
    found.fold(start, Exit::worst)
}

impl Search {
    /// Counts a schedule, and keeps what it showed first.
    fn add(&mut self, number: u64, tried: Tried, is_sure: &dyn Fn(&Conviction) -> bool) {
        for conviction in Conviction::all(&tried.outcome.judgement.findings) {
            let sure = is_sure(&conviction);
            self.keep(Found { number, conviction, sure });
        }
        self.tally.add(tried.situation, &tried.outcome.judgement);
    }

    fn keep(&mut self, found: Found) {
        let place = |one: &Found| (!one.sure, one.number);
        let known = self.found.get(&found.conviction.rule);
        if known.is_none_or(|known| place(&found) < place(known)) {
            self.found.insert(found.conviction.rule, found);
        }
    }

    fn merge(&mut self, other: Self) {
        for found in other.found.into_values() {
            self.keep(found);
        }
        self.tally.merge(other.tally);
        self.interrupted |= other.interrupted;
    }
}

/// Judges what is smaller: it must convict in the same way, and a correct sender must fare in it
/// at least as well as in what it was made of. So a case does not become unfair by shrinking, and
/// once a correct sender passes it, that remains so. Nor does it become a race.
struct Smaller<'s, 'l> {
    runs: &'s mut dyn Runs,
    explorer: &'s Explorer<'l>,
    conviction: &'s Conviction,
    fairness: Verdict,
    /// It convicts however long the harness takes for what it does.
    sure: bool,
    /// When it is small enough.
    until: Option<Instant>,
}

impl Convicts for Smaller<'_, '_> {
    fn first(&mut self, smaller: &[Schedule]) -> Option<usize> {
        let Self { runs, explorer, conviction, fairness, sure, until } = self;
        if until.is_some_and(|until| Instant::now() >= until) {
            return None;
        }
        let mut accepted = *fairness;
        let index = runs.first(smaller, conviction, &mut |schedule| {
            accepted = explorer.fairness(schedule);
            accepted <= *fairness && (!*sure || explorer.convicts_surely(schedule, conviction))
        })?;
        *fairness = accepted;
        Some(index)
    }
}

fn shrunk(
    runs: &mut dyn Runs,
    explorer: &Explorer<'_>,
    found: &Found,
    until: Option<Instant>,
    origin: &str,
) -> Result<Finding, Failure> {
    let Found { number, conviction, sure } = found;
    let (number, sure) = (*number, *sure);
    let schedule = explorer.schedule(number)?;
    let before = size(&schedule.case);
    let fairness = explorer.fairness(&schedule);
    let mut smaller = Smaller { runs, explorer, conviction, fairness, sure, until };
    let small = shrink(schedule, &mut smaller);
    let id = explorer.name(&small, conviction);
    let outcome = runs.outcome(&small, &id)?;
    let findings = &outcome.judgement.findings;
    let finding = findings.iter().find(|finding| finding.rule == conviction.rule);
    let message = finding.map_or("", |finding| finding.message.as_str());
    let comment = format!("{origin}\n{}: {message}.", conviction.rule);
    Ok(Finding {
        number,
        seed: small.seed,
        sizes: (before, size(&small.case)),
        text: explorer.written(&small, &comment),
        path: None,
        outcome,
    })
}

/// The command that a schedule was found by.
fn origin(number: u64, selection: &Selection) -> String {
    let seed = selection.seed;
    format!(
        "Schedule {number} of `chargeproof explore --seed {seed}{}`, shrunk.",
        options(selection)
    )
}

/// Writes the scenario down, if a folder was named, and says how to run it.
fn place(
    finding: &mut Finding,
    explorer: &Explorer<'_>,
    selection: &Selection,
    out: Option<&Path>,
) -> Result<(), Failure> {
    let found_by = format!("--seed {} --schedules {}", explorer.seed(), finding.number + 1);
    let Some(out) = out else {
        finding.outcome.repeat =
            format!("chargeproof explore {found_by}{} --out DIR", options(selection));
        return Ok(());
    };
    let folder = out.join("scenarios/explored");
    let path = folder.join(format!("{}.yaml", finding.outcome.id));
    std::fs::create_dir_all(&folder).map_err(Failure::writing(&folder))?;
    std::fs::write(&path, &finding.text).map_err(Failure::writing(&path))?;
    let seed = finding.seed;
    finding.outcome.repeat =
        format!("chargeproof run {} --seed {seed}{}", quoted(&path), options(selection));
    finding.path = Some(path);
    Ok(())
}
