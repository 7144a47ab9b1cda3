//! `chargeproof doctor`: tries a sender file step by step, and says what can be judged with it.

use std::io::Write;

use crate::cli::arguments::{Doctor, Selection};
use crate::cli::failure::Failure;
use crate::cli::inputs::{self, Meant};
use crate::cli::project::Project;
use crate::cli::runtime::{interrupts, place, runtime};
use crate::cli::screen::beside;
use chargeproof::plan::Plan;
use chargeproof::planning;
use chargeproof::planning::Choices;
use chargeproof::report::terminal;
use chargeproof::run::real;
use chargeproof::scenario::{Scenario, SenderFile};
use chargeproof::suite::{self, Symptom, judge};
use chargeproof::verdict::Exit;
use chargeproof::yaml::Source;

/// Tries the sender, and prints what was found up to the first thing that is wrong.
///
/// # Errors
/// A mistake in a file, or something that this machine does not let us do.
pub(super) fn doctor(doctor: &Doctor) -> Result<Exit, Failure> {
    let project = Project::open(&doctor.project)?;
    let selection = Selection {
        scenarios: Vec::new(),
        project: doctor.project.clone(),
        sender: Some(doctor.file.clone()),
        bug: None,
        variant: None,
        show_output: doctor.show_output,
        watch_for: None,
        seed: 1,
    };
    let sender = inputs::sender_file(&selection)?;
    let plan = plan(&sender, &project, doctor.show_output)?;
    let history = runtime()?.block_on(async {
        let place = place(interrupts())?;
        let local = tokio::task::LocalSet::new();
        local.run_until(real::run(&plan, &place, |_| ())).await.map_err(Failure::from)
    })?;
    let outcome = judge(&plan, &history, String::new());
    let examined = suite::examine(&plan, &history, &outcome.judgement);
    let mut out = anstream::stdout().lock();
    for step in &examined.steps {
        match &step.found {
            Ok(said) => {
                beside(
                    &mut out,
                    &format!("  ok     {:18} ", step.what),
                    &terminal::one_line(said),
                )?;
            }
            Err(symptom) => complain(&mut out, step.what, symptom)?,
        }
    }
    for line in examined.printed.iter().filter(|_| !examined.is_well()) {
        beside(&mut out, &format!("  said   {:18} ", ""), &terminal::one_line(line))?;
    }
    let meant = inputs::meant(&project, &selection)?;
    prospects(&mut out, &sender, &meant)?;
    let exit = if examined.is_well() { Exit::Passed } else { outcome.judgement.exit() };
    Ok(match exit {
        // What went wrong may be nothing that a rule forbids.
        Exit::Passed | Exit::Pending if !examined.is_well() => Exit::Failed,
        Exit::Passed if meant.jobs.is_empty() => Exit::NothingRan,
        exit => exit,
    })
}

fn complain(out: &mut dyn Write, what: &str, symptom: &Symptom) -> Result<(), Failure> {
    beside(out, &format!("  WRONG  {what:18} "), &terminal::one_line(&symptom.what))?;
    beside(out, &format!("  next   {:18} ", ""), &symptom.next)
}

/// What will be judged with this sender file, and what will not, and why.
fn prospects(out: &mut dyn Write, sender: &SenderFile, meant: &Meant) -> Result<(), Failure> {
    let cases = meant.jobs.len();
    writeln!(out, "\n  cases  {cases} can be run with this sender file")?;
    for line in terminal::left_out(&meant.left_out) {
        beside(out, "  out    ", &line)?;
    }
    if sender.account.is_none() {
        beside(out, "  out    ", "its own account: the sender file names no `account`")?;
    }
    Ok(())
}

/// One charge, a restart, and another one.
fn plan(sender: &SenderFile, project: &Project, show_output: bool) -> Result<Plan, Failure> {
    let mapping = sender.mappings.iter().flatten().find(|name| {
        let found = project.resolved(name);
        found.is_ok_and(|mapping| mapping.message.starts_with("DFT"))
    });
    let mapping = mapping.map_or(String::new(), |name| format!("mapping: {name}\n"));
    let asked = if sender.account.is_some() { ", account" } else { "" };
    let text = format!(
        "title: The sender is tried\n{mapping}\
         steps: [start, probe, settle{asked}, stop, start, probe, settle{asked}, stop]\n"
    );
    let scenario = Scenario::read(&Source::new("doctor", text))?;
    let choices = Choices { seed: 1, show_output, ..Choices::default() };
    Ok(planning::expand(&scenario, "doctor", project, sender, &choices)?.swap_remove(0))
}
