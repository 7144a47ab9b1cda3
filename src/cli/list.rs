//! `chargeproof list`.

use std::io::Write;

use crate::cli::arguments::List;
use crate::cli::failure::Failure;
use crate::cli::inputs::{self, Meant};
use crate::cli::project::Project;
use crate::cli::screen::beside;
use chargeproof::report::terminal;
use chargeproof::verdict::Exit;

/// Prints every case that is meant, a line each.
///
/// # Errors
/// A mistake in a file, or an output that cannot be written.
pub(super) fn list(list: &List) -> Result<Exit, Failure> {
    let project = Project::open(&list.selection.project)?;
    let Meant { jobs, left_out } = inputs::meant(&project, &list.selection)?;
    let width = jobs.iter().map(|job| job.plan.id.chars().count()).max().unwrap_or(0).min(60);
    let mut out = anstream::stdout().lock();
    for job in &jobs {
        beside(&mut out, &format!("{:width$}  ", job.plan.id), &job.plan.title)?;
    }
    let plural = if jobs.len() == 1 { "" } else { "s" };
    writeln!(out, "{} case{plural}", jobs.len())?;
    for line in terminal::left_out(&left_out) {
        beside(&mut out, "left out: ", &line)?;
    }
    Ok(if jobs.is_empty() { Exit::NothingRan } else { Exit::Passed })
}
