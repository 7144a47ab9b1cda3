//! `chargeproof selftest`.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use crate::cli::arguments::{Selection, Selftest};
use crate::cli::failure::Failure;
use crate::cli::inputs;
use crate::cli::project::Project;
use crate::cli::runtime::{interrupts, place, runtime};
use crate::cli::screen::{beside, paragraph};
use chargeproof::plan::Plan;
use chargeproof::selftest::{Broken, Matrix, confirm, names, simulate};
use chargeproof::verdict::Exit;
use chargeproof::yaml::nearest;

/// Proves the judge, and prints the matrix.
///
/// # Errors
/// A case that this machine does not let us run, or an output that cannot be written.
pub(super) fn selftest(selftest: &Selftest) -> Result<Exit, Failure> {
    let started = Instant::now();
    let project = Project::built_in()?;
    let selection = Selection {
        scenarios: Vec::new(),
        project: Path::new(".").to_owned(),
        sender: None,
        bug: None,
        variant: None,
        show_output: false,
        watch_for: None,
        seed: 1,
    };
    let meant = inputs::meant(&project, &selection)?;
    let plans: Vec<Plan> = meant.jobs.into_iter().map(|job| job.plan).collect();
    for name in &selftest.senders {
        if !names(HONEST).any(|known| known == name) {
            let near = nearest(name, names(HONEST));
            let hint = near.map_or_else(
                || "`chargeproof selftest` names them all".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            return Err(Failure::usage(format!("no sender is called `{name}`"), hint));
        }
    }
    let is_wanted = |name: &str| {
        selftest.senders.is_empty() || selftest.senders.iter().any(|wanted| wanted == name)
    };
    let mut matrix = simulate(&plans, HONEST, &is_wanted)?;
    if !selftest.simulated {
        runtime()?.block_on(async {
            let place = place(interrupts())?;
            confirm(&mut matrix, &plans, &place, selftest.jobs).await.map_err(Failure::from)
        })?;
    }
    print(&matrix, plans.len(), started)?;
    Ok(if matrix.is_green() { Exit::Passed } else { Exit::Failed })
}

fn print(matrix: &Matrix, cases: usize, started: Instant) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    let lead = |sender: &str, rule: &str, real: &str| format!("{sender:28} {rule:21} {real:4}  ");
    let heads = lead("broken sender", "caught by", "real");
    beside(&mut out, &heads, "circumstances: how many, and the commonest")?;
    for row in &matrix.broken {
        let own = match (row.is_real_only(), row.circumstances.is_empty(), row.confirmed) {
            (true, ..) => "real only",
            (false, true, None | Some(false)) => "NOTHING",
            (false, ..) => row.own.name(),
        };
        let confirmed = match row.confirmed {
            Some(true) => "yes",
            Some(false) => "NO",
            None => "-",
        };
        beside(&mut out, &lead(row.bug.name(), own, confirmed), &circumstances(row))?;
        for rule in row.beside.iter().take(5) {
            beside(&mut out, "    BESIDE  ", rule)?;
        }
    }
    // Names of scenarios are the longest.
    let widest = matrix.honest.iter().map(|row| row.name.len()).max().unwrap_or(0).max(28);
    writeln!(out, "\n{:widest$} clean", "honest sender")?;
    for row in &matrix.honest {
        let clean = if row.held_against.is_empty() { "yes" } else { "NO" };
        let lead = format!("{:widest$} {clean:5}  ", row.name);
        beside(&mut out, &lead, &format!("{} cases, {}", row.cases, row.what))?;
        for finding in row.held_against.iter().take(5) {
            beside(&mut out, "    HELD AGAINST IT  ", finding)?;
        }
    }
    let widest = matrix.open.iter().map(|row| row.what.len()).max().unwrap_or(0);
    writeln!(out, "\n{:widest$} open", "nothing proven")?;
    for row in &matrix.open {
        writeln!(out, "{:widest$} {}", row.what, if row.is_open { "yes" } else { "NO" })?;
    }
    let convicted = matrix.broken.iter().filter(|row| row.is_convicted()).count();
    let clean = matrix.honest.iter().filter(|row| row.held_against.is_empty()).count();
    let real_only = match matrix.broken.iter().filter(|row| row.is_real_only()).count() {
        0 => String::new(),
        count => format!(", {count} not tried (real only)"),
    };
    let summary = format!(
        "{convicted} of {} broken senders caught by their own rule and no other{real_only}, {clean} of \
         {} honest ones clean · {cases} cases each · {:.1} s",
        matrix.broken.len(),
        matrix.honest.len(),
        started.elapsed().as_secs_f64(),
    );
    writeln!(out)?;
    paragraph(&mut out, &summary)
}

/// In how many circumstances a defect shows, and which they are: the most frequent first, three
/// at the most.
fn circumstances(row: &Broken) -> String {
    let mut all: Vec<(&String, &usize)> = row.circumstances.iter().collect();
    all.sort_by(|one, other| other.1.cmp(one.1).then(one.0.cmp(other.0)));
    let shown = all.iter().take(3).map(|(name, count)| format!("{name} ({count})"));
    let shown = shown.collect::<Vec<String>>().join(", ");
    if shown.is_empty() {
        return shown;
    }
    let mut text = format!("{:>3}: {shown}", all.len());
    if all.len() > 3 {
        text += &format!(", {} more", all.len() - 3);
    }
    text
}

/// Honest habits that a scenario shows, and the scenario.
const HONEST: &[(&str, &str)] = &[
    ("the same procedure twice in a day, for two orders", "content/same-procedure-twice-in-a-day"),
    ("two orders within one second", "content/two-orders-in-one-second"),
    ("twin lines that the agreement tells apart", "agreements/per-charge"),
    ("a charge, a credit of it (CD), and a new charge", "agreements/credit"),
    ("answers that come slowly or a byte at a time, and in time", "once/slow-but-in-time"),
    ("an EMR that acknowledges twice", "once/answered-twice"),
    ("TLS, with and without a client certificate", "tls/accepted"),
    ("tries again after a refused connection", "once/refused-then-up"),
    ("sends a charge once more that an operator wants again", "once/resent-by-an-operator"),
    ("sends a result again that was not accepted", "results/not-accepted"),
    ("an exam that is corrected once its charge was sent", "once/corrected-later"),
    ("a second exam under the order of a charge that was sent", "once/twin-of-an-order"),
    ("names with signs that software takes for its own", "content/signs-that-software-spoils"),
    ("names with letters that software spoils", "content/letters-that-software-spoils"),
    ("the acknowledgements that it asked for", "agreements/acknowledgements-as-asked-for"),
];
