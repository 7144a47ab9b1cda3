//! `chargeproof doctor`: tries a sender file step by step, and says what can be judged with it.

use std::cell::RefCell;
use std::convert::Infallible;
use std::io::Write;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use crate::cli::arguments::{Doctor, Selection};
use crate::cli::failure::Failure;
use crate::cli::inputs::{self, Meant};
use crate::cli::project::Project;
use crate::cli::runtime::{interrupts, place, runtime};
use crate::cli::screen::beside;
use chargeproof::history::{History, Micros};
use chargeproof::plan::Plan;
use chargeproof::planning;
use chargeproof::planning::Choices;
use chargeproof::report::{duration, terminal};
use chargeproof::run::real;
use chargeproof::run::real::processors::{self, Elapsed, Family};
use chargeproof::scenario::{Scenario, SenderFile};
use chargeproof::suite::{self, Counted, Measured, Misfit, Symptom, judge};
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
    let (history, counted) = tried(&plan)?;
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
    let measured = Measured::of(&history, &counted);
    took(&mut out, &measured)?;
    let meant = inputs::meant(&project, &selection)?;
    prospects(&mut out, &sender, &meant)?;
    if examined.is_well() {
        outlook(&mut out, &meant, &measured)?;
        for misfit in suite::misfits(&plan, &measured) {
            beside(&mut out, "  warn   ", &advice(&misfit))?;
        }
    }
    let exit = if examined.is_well() { Exit::Passed } else { outcome.judgement.exit() };
    Ok(match exit {
        // What went wrong may be nothing that a rule forbids.
        Exit::Passed | Exit::Pending if !examined.is_well() => Exit::Failed,
        Exit::Passed if meant.jobs.is_empty() => Exit::NothingRan,
        exit => exit,
    })
}

/// Runs the trial, and counts beside it what the sender takes.
fn tried(plan: &Plan) -> Result<(History, Counted), Failure> {
    runtime()?.block_on(async {
        let place = place(interrupts())?;
        let family = Family::from_now_on();
        let (elapsed, before) = (Elapsed::start(), processors::used());
        let taken = RefCell::new(Vec::new());
        let count = async {
            let mut look = tokio::time::interval(LOOK);
            look.set_missed_tick_behavior(MissedTickBehavior::Delay);
            while taken.borrow().len() < MOST_LOOKS {
                look.tick().await;
                taken.borrow_mut().push((elapsed.so_far().into(), family.taken()));
            }
            std::future::pending::<Infallible>().await
        };
        let local = tokio::task::LocalSet::new();
        let history = local.run_until(async {
            tokio::select! {
                history = real::run(plan, &place, |_| ()) => history,
                never = count => match never {},
            }
        });
        let history = history.await.map_err(Failure::from)?;
        let used = before.zip(processors::used());
        Ok((history, Counted { taken: taken.into_inner(), used }))
    })
}

/// How often it is looked what the sender takes, and how many times at the most.
const LOOK: Duration = Duration::from_millis(20);
const MOST_LOOKS: usize = 100_000;

/// What was measured, a row for each.
fn took(out: &mut dyn Write, measured: &Measured) -> Result<(), Failure> {
    let start = if measured.ready.is_empty() {
        ("to connect", &measured.connected)
    } else {
        ("to be ready", &measured.ready)
    };
    let rows = [start, ("to deliver", &measured.delivered), ("to stop", &measured.stopped)];
    for (index, (what, times)) in rows.into_iter().enumerate() {
        if times.is_empty() {
            continue;
        }
        let times: Vec<String> = times.iter().map(|time| duration(*time)).collect();
        let work = measured.start_work.filter(|_| index == 0);
        let work = work
            .map_or(String::new(), |work| format!(", {} of processor time", duration(work.into())));
        beside(out, &format!("  took   {what:18} "), &format!("{}{work}", times.join(", then ")))?;
    }
    if let Some(memory) = measured.memory {
        let text = format!("{} MiB at the most", memory.div_ceil(1 << 20));
        beside(out, &format!("  took   {:18} ", "memory"), &text)?;
    }
    Ok(())
}

/// How long all cases will take, and what would make that shorter.
fn outlook(out: &mut dyn Write, meant: &Meant, measured: &Measured) -> Result<(), Failure> {
    let Some(expected) = suite::expect(&meant.jobs, measured, processors::count()) else {
        return Ok(());
    };
    let processors = processors::count();
    let others = measured.others / 10;
    let busy = if others >= 10 {
        format!(", of which others had {others} % just now")
    } else {
        String::new()
    };
    let starts = match expected.starts {
        1 => "the sender is started once".to_owned(),
        starts => format!("the sender is started {starts} times"),
    };
    let text = format!(
        "{} with {processors} processors{busy}: {starts}",
        roughly(expected.least, expected.most)
    );
    beside(out, "  run    ", &text)?;
    if expected.by_work && expected.most > LONG {
        let parts = (expected.most.as_secs() / LONG.as_secs() + 1).clamp(2, 8);
        let text = format!(
            "starting the sender is most of that: `--shard 1/{parts}` on {parts} machines, or, if it can \
             serve all cases in one process, `start: {{ command: […], per: run }}`"
        );
        beside(out, "  try    ", &text)?;
    }
    Ok(())
}

/// A run that takes longer is worth a word.
const LONG: Duration = Duration::from_secs(5 * 60);

/// A range of times, no more exact than it can be.
fn roughly(least: Duration, most: Duration) -> String {
    let minutes = |time: Duration| time.as_secs().div_ceil(60);
    let tens = |time: Duration| time.as_secs().div_ceil(10) * 10;
    match (minutes(least), minutes(most)) {
        _ if most < Duration::from_secs(100) => match (tens(least), tens(most)) {
            (from, to) if from == to => format!("about {to} s"),
            (from, to) => format!("about {from} to {to} s"),
        },
        (from, to) if from == to => format!("about {to} min"),
        (from, to) => format!("about {from} to {to} min"),
    }
}

/// What to change in the sender file.
fn advice(misfit: &Misfit) -> String {
    match *misfit {
        Misfit::NotSaidWhenReady { took, waits } => format!(
            "it took {} to connect, and a step waits {} from its start for a charge: name what shows that \
             it is ready, as in `ready: {{ line: …, within: {} }}`, or many cases stay inconclusive",
            duration(took),
            duration(waits),
            seconds(took),
        ),
        Misfit::NearlyNotReady { took, within } => format!(
            "it took {} to be ready and has {}, which a busy machine may not give it: write `within: {}` \
             at `ready`",
            duration(took),
            duration(within),
            seconds(took),
        ),
        Misfit::NearlyNotDelivered { took, waits } => format!(
            "an exam took {} to become a charge, and a step waits {} for one: write a longer \
             `ack_timeout` or `longest_retry` at `limits`; the wait is four times both and 2 s",
            duration(took),
            duration(waits),
        ),
        Misfit::NearlyNotStopped { took, within } => format!(
            "it took {} to stop and has {}: write `stop: {}` at `limits`",
            duration(took),
            duration(within),
            seconds(took),
        ),
        Misfit::LongWatch { quiet } => format!(
            "the wire is watched for {} after each case, twice the longer of `ack_timeout` and \
             `longest_retry`: a sender that can be configured to try again sooner is tested sooner",
            duration(quiet),
        ),
    }
}

/// Three times as long, in whole seconds.
fn seconds(took: Micros) -> String {
    format!("{}s", Duration::from(took).saturating_mul(3).as_secs() + 1)
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
