//! `chargeproof check`: last year's run with today's rules.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::cli::arguments::Check;
use crate::cli::failure::Failure;
use crate::cli::namesake::differs;
use crate::cli::project::Project;
use crate::cli::recorded;
use crate::cli::run::print;
use crate::cli::store::{Store, quoted};
use chargeproof::history::{History, Seal};
use chargeproof::suite::judge_recorded;
use chargeproof::verdict::{CaseOutcome, Exit, RunOutcome};

/// Judges recorded histories, one at a time, and reports.
///
/// # Errors
/// A history that cannot be read, or an output that cannot be written.
pub(super) fn check(check: &Check) -> Result<Exit, Failure> {
    let store = Store::asked_for(check.out.as_deref(), &check.report)?;
    let started = Instant::now();
    let mut cases: Vec<CaseOutcome> = Vec::new();
    let mut unsealed = 0;
    let mut others: BTreeMap<String, Vec<&'static str>> = BTreeMap::new();
    let project = Project::built_in()?;
    for path in histories(&check.histories)? {
        let history = recorded::read(&path)?;
        cases.push(judge(&path, &history)?);
        unsealed += usize::from(history.seal == Seal::None);
        let plan = serde_json::from_str(history.header.plan.get());
        let differing = plan.map_or_else(|_| Vec::new(), |plan| differs(&project, &plan));
        if !differing.is_empty() {
            others.insert(history.header.case, differing);
        }
    }
    cases.sort_by(|one, other| one.id.cmp(&other.id));
    let outcome = RunOutcome {
        sender: "recording".to_owned(),
        seed: 0,
        cases,
        left_out: Vec::new(),
        not_chosen: 0,
        shard: None,
        took: started.elapsed().into(),
        interrupted: false,
    };
    let reported = store.as_ref().map_or(Ok(()), |store| store.report(&outcome));
    let printed = print(&outcome, reported);
    tell_unsealed(unsealed)?;
    tell_others(&others)?;
    printed.map(|()| outcome.exit())
}

/// What was written by hand carries no seal, and may; whoever judges it should know.
fn tell_unsealed(count: usize) -> Result<(), Failure> {
    let carry = match count {
        0 => return Ok(()),
        1 => "1 history carries".to_owned(),
        several => format!("{several} histories carry"),
    };
    let mut out = anstream::stdout().lock();
    writeln!(out, "{carry} no checksum: whether anything was altered would not show")?;
    Ok(())
}

/// A plan that is called as a built-in case and is another: a name alone proves nothing.
fn tell_others(others: &BTreeMap<String, Vec<&'static str>>) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    for (case, differing) in others.iter().take(SHOWN) {
        let what = differing.join(", ");
        writeln!(out, "{case} is not the built-in case of that name: it differs in {what}")?;
    }
    if let Some(more) = others.len().checked_sub(SHOWN + 1) {
        writeln!(out, "… and {} more cases are not the built-in ones", more + 1)?;
    }
    Ok(())
}

/// How many cases are named that are not what they are called.
const SHOWN: usize = 8;

fn judge(path: &Path, history: &History) -> Result<CaseOutcome, Failure> {
    let repeat = format!("chargeproof check {}", quoted(path));
    let outcome = judge_recorded(history, repeat)
        .map_err(|error| recorded::mistake(path, 1, 1, &error.to_string()))?;
    Ok(CaseOutcome { history: Some(path.display().to_string()), ..outcome })
}

/// The histories that were named, and those in the folders that were named.
fn histories(named: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for path in named {
        if !path.is_dir() {
            found.push(path.clone());
            continue;
        }
        let mut waiting = vec![path.clone()];
        while let Some(folder) = waiting.pop() {
            for entry in std::fs::read_dir(&folder).map_err(Failure::reading(&folder))? {
                let path = entry.map_err(Failure::reading(&folder))?.path();
                if path.is_dir() {
                    waiting.push(path);
                } else if path.file_name().is_some_and(|name| name == "history.jsonl") {
                    found.push(path);
                }
            }
        }
    }
    found.sort();
    Ok(found)
}
