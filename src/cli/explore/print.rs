//! What an exploration says: what was found, and otherwise what was tried, which proves nothing.

use std::io::Write;
use std::time::Duration;

use super::{Finding, Found, Search};
use crate::cli::failure::Failure;
use crate::cli::run::print;
use crate::cli::screen::{beside, paragraph};
use chargeproof::explore::Tally;
use chargeproof::report::thousands;
use chargeproof::verdict::RunOutcome;

/// How many names a line shows.
const SHOWN: usize = 4;

/// Says by which seed all of it can be repeated.
pub(super) fn beginning(seed: u64) -> Result<(), Failure> {
    writeln!(anstream::stdout().lock(), "seed {seed}")?;
    Ok(())
}

/// Prints each finding: how it was come by, the scenario if it stands in no file, and the report.
pub(super) fn findings(findings: Vec<Finding>, sender: &str, seed: u64) -> Result<(), Failure> {
    for finding in findings {
        let mut out = anstream::stdout().lock();
        let (before, after) = finding.sizes;
        let steps = if after == 1 { "step" } else { "steps" };
        writeln!(out, "\nschedule {}, shrunk from {before} to {after} {steps}:", finding.number)?;
        for line in finding.text.lines() {
            writeln!(out, "  {line}")?;
        }
        if let Some(path) = &finding.path {
            writeln!(out, "written to {}", path.display())?;
        }
        writeln!(out)?;
        drop(out);
        let took = finding.outcome.took;
        let cases = vec![finding.outcome];
        let outcome = RunOutcome {
            sender: sender.to_owned(),
            seed,
            cases,
            left_out: Vec::new(),
            not_chosen: 0,
            shard: None,
            took,
            interrupted: false,
        };
        print(&outcome, Ok(()))?;
    }
    Ok(())
}

/// Prints what was tried, and which rules were broken beside those that were shown.
pub(super) fn summary(search: &Search, took: Duration, others: &[&Found]) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    let tally = &search.tally;
    let rate = u128::from(tally.schedules) * 1_000 / took.as_millis().max(1);
    let rate = u64::try_from(rate).unwrap_or(u64::MAX);
    let text = format!(
        "{} schedules in {:.1} s ({}/s), {} different situations",
        tally.schedules,
        took.as_secs_f64(),
        thousands(rate),
        tally.situations(),
    );
    writeln!(out)?;
    paragraph(&mut out, &text)?;
    if search.found.is_empty() {
        exercised(tally, &mut out)?;
    }
    for one in others {
        let text = format!("{} (schedule {})", one.conviction.rule, one.number);
        beside(&mut out, "  beside     ", &text)?;
    }
    let verdict = match (search.found.len(), search.interrupted) {
        (0, false) => "nothing was found in what was tried; what was not tried may still hold it",
        (0, true) => "interrupted: nothing was found until then",
        (1, _) => "a promise was broken",
        _ => "promises were broken",
    };
    paragraph(&mut out, verdict)
}

fn exercised(tally: &Tally, out: &mut impl Write) -> Result<(), Failure> {
    let faults = tally.faults();
    let (never, played): (Vec<_>, Vec<_>) = faults.iter().partition(|(_, times)| *times == 0);
    let (pairs, possible) = tally.pairs();
    let mut text = format!("{} of {} faults", played.len(), faults.len());
    if let (Some((rarest, few)), Some((commonest, many))) = (played.first(), played.last()) {
        text += &format!(", from {few}× ({rarest}) to {many}× ({commonest})");
    }
    beside(out, "  played     ", &text)?;
    let text = format!("{pairs} of {possible} pairs of faults in one schedule");
    beside(out, "  pairs      ", &text)?;
    let doings = tally.doings().into_iter().map(|(name, times)| format!("{name} {times}×"));
    beside(out, "  harness    ", &doings.collect::<Vec<String>>().join(", "))?;
    if !never.is_empty() {
        let names: Vec<&str> = never.iter().map(|(fault, _)| fault.name()).collect();
        let more = names.len().saturating_sub(SHOWN);
        let shown = names[..names.len().min(SHOWN)].join(", ");
        let more = if more > 0 { format!(", {more} more") } else { String::new() };
        beside(out, "  never      ", &format!("{shown}{more}"))?;
    }
    if tally.inconclusive() > 0 {
        let mut why: Vec<(&String, &u64)> = tally.inconclusive.iter().collect();
        why.sort_by_key(|(why, times)| (std::cmp::Reverse(**times), (*why).clone()));
        let why = why.iter().take(SHOWN).map(|(why, times)| format!("{why} {times}×"));
        let why = why.collect::<Vec<String>>().join(", ");
        let text = format!("{} inconclusive: {why}", tally.inconclusive());
        beside(out, "  no proof   ", &text)?;
    }
    Ok(())
}
