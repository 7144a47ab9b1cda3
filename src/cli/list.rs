//! `chargeproof list`.

use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};

use serde::Serialize;
use serde_json::{Value, json};

use crate::cli::arguments::List;
use crate::cli::failure::Failure;
use crate::cli::filter::Chosen;
use crate::cli::inputs::{self, Meant};
use crate::cli::project::Project;
use crate::cli::screen::beside;
use chargeproof::plan::Play;
use chargeproof::report::terminal;
use chargeproof::suite::Job;
use chargeproof::verdict::{Exit, LeftOut};

/// Prints every case that is meant, a line each.
///
/// # Errors
/// A mistake in a file, or an output that cannot be written.
pub(super) fn list(list: &List) -> Result<Exit, Failure> {
    let project = Project::open(&list.selection.project)?;
    let chosen = list.filter.choose(inputs::meant(&project, &list.selection)?)?;
    let Chosen { meant: Meant { jobs, left_out }, not_chosen, .. } = chosen;
    if list.json {
        return print_json(&jobs, &left_out);
    }
    let width = jobs.iter().map(|job| job.plan.id.chars().count()).max().unwrap_or(0).min(60);
    let on_terminal = std::io::stdout().is_terminal();
    let mut out = anstream::stdout().lock();
    for job in &jobs {
        let lead = format!("{:width$}  ", job.plan.id);
        match on_terminal {
            true => beside(&mut out, &lead, &job.plan.title)?,
            // A program that reads along has a case in each line.
            false => writeln!(out, "{lead}{}", job.plan.title)?,
        }
    }
    let plural = if jobs.len() == 1 { "" } else { "s" };
    writeln!(out, "{} case{plural}", jobs.len())?;
    if not_chosen > 0 {
        writeln!(out, "not chosen: {not_chosen}")?;
    }
    for line in terminal::left_out(&left_out) {
        beside(&mut out, "skipped: ", &line)?;
    }
    Ok(if jobs.is_empty() { Exit::NothingRan } else { Exit::Passed })
}

/// A case, as a program reads it.
#[derive(Serialize)]
struct Case<'a> {
    id: &'a str,
    title: &'a str,
    requirements: &'a [String],
    mapping: &'a str,
    /// The faults that may play, by name.
    faults: BTreeSet<&'static str>,
}

/// Prints every case that is meant, and what is left out, as one JSON document.
fn print_json(jobs: &[Job], left_out: &[LeftOut]) -> Result<Exit, Failure> {
    let case = |job: &Job| {
        let plays = job.plan.script.iter().flat_map(|behaviour| &behaviour.play);
        let faults = plays.filter_map(|play| match play {
            Play::Fault { fault, .. } => Some(fault.name()),
            _ => None,
        });
        json!(Case {
            id: &job.plan.id,
            title: &job.plan.title,
            requirements: &job.plan.requirements,
            mapping: &job.plan.mapping.name,
            faults: faults.collect(),
        })
    };
    let cases: Vec<Value> = jobs.iter().map(case).collect();
    let text = format!("{:#}", json!({ "cases": cases, "left_out": left_out }));
    writeln!(anstream::stdout().lock(), "{text}")?;
    Ok(if jobs.is_empty() { Exit::NothingRan } else { Exit::Passed })
}
