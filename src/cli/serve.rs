//! `chargeproof serve`: an EMR that is simply there.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::cli::addresses::{self, Addresses};
use crate::cli::arguments::Serve;
use crate::cli::failure::Failure;
use crate::cli::project::{Project, read_yaml};
use crate::cli::recording::{Recording, Teller};
use crate::cli::run::print;
use crate::cli::runtime::{interrupts, place, runtime};
use crate::cli::secure::{Certificates, asked_for};
use crate::cli::speaker::Speaker;
use crate::cli::store::Store;
use chargeproof::history::Micros;
use chargeproof::plan::{Expect, Origin, Plan, Step};
use chargeproof::planning;
use chargeproof::planning::{Choices, Patience};
use chargeproof::report::{plural, thousands};
use chargeproof::run::real::{self, Place, RunError};
use chargeproof::scenario::{Scenario, SenderFile};
use chargeproof::suite::judge;
use chargeproof::verdict::{Exit, RunOutcome};
use chargeproof::yaml::{Source, parse};

/// Plays an EMR until Ctrl-C, then judges what arrived.
///
/// # Errors
/// A mistake in a file, an address that cannot be bound, or an output that cannot be written.
pub(super) fn serve(serve: &Serve) -> Result<Exit, Failure> {
    let project = Project::open(&serve.project)?;
    let addresses = addresses::resolve(&serve.listen)?;
    let plan = plan(serve, &project, addresses.all.len())?;
    let store = Store::asked_for(serve.out.as_deref(), &serve.report)?;
    store.as_ref().map_or(Ok(()), Store::begin)?;
    let started = Instant::now();
    let certificates = Certificates::of(serve, &plan, &addresses.all)?;
    let recording = Recording::begin(store.as_ref(), &plan.id)?;
    play(&plan, serve, &addresses, &certificates, &recording)?;
    let below = recording.below.clone();
    let mut case = judge(&plan, &recording.read()?, String::new());
    if let (Some(store), Some(below)) = (&store, below) {
        // Whoever connected cannot be made to do it again; what was recorded can be judged again.
        case.repeat = format!("chargeproof check {}", store.pasteable(&below));
        case.history = Some(below);
    }
    let mut kept = Ok(());
    let mut outcome = RunOutcome {
        sender: "whoever connected".to_owned(),
        seed: 0,
        cases: vec![case],
        left_out: Vec::new(),
        not_chosen: 0,
        shard: None,
        took: started.elapsed().into(),
        interrupted: false,
    };
    if let Some(store) = &store {
        kept = store.report(&outcome);
        store.show(&mut outcome);
    }
    print(&outcome, kept)?;
    Ok(outcome.exit())
}

fn play(
    plan: &Plan,
    serve: &Serve,
    addresses: &Addresses,
    certificates: &Certificates,
    recording: &Recording,
) -> Result<(), Failure> {
    raise_descriptors();
    let (speaker, mut voice) = match serve.quiet {
        true => (None, None),
        false => Speaker::new().map(|(speaker, voice)| (Some(speaker), Some(voice)))?,
    };
    let teller = speaker.map(|speaker| Teller { plan: Arc::new(plan.clone()), speaker });
    let keeper = recording.keeper(teller)?;
    let ran = runtime()?.block_on(async {
        let place = Place {
            addresses: addresses.all.clone(),
            authority: Arc::clone(&certificates.authority),
            ack_port: serve.ack_port,
            ..place(interrupts())?
        };
        let local = tokio::task::LocalSet::new();
        let told = |bound: &[SocketAddr]| announce(bound, &addresses.told, &certificates.told);
        let ran = local.run_until(real::record(plan, &place, keeper, told)).await;
        ran.map_err(|error| match error {
            RunError::Keep(error) => recording.failed(error),
            other => other.into(),
        })
    });
    if let Some(voice) = &mut voice {
        voice.end();
    }
    if ran.is_ok() && !serve.quiet {
        tell_totals(recording.totals());
    }
    ran
}

/// What came until Ctrl-C, before it is judged: that may take a moment.
fn tell_totals((messages, connections): (u64, u64)) {
    let count = |number: u64, noun| {
        let noun = plural(usize::try_from(number).unwrap_or(usize::MAX), noun);
        format!("{} {noun}", thousands(number))
    };
    let (messages, connections) = (count(messages, "message"), count(connections, "connection"));
    let mut out = anstream::stdout().lock();
    let _ = writeln!(out, "received {messages} on {connections}");
    let _ = out.flush();
}

/// Lets this process hold as many descriptors as it may: every connection is one.
fn raise_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    // Where that is refused, fewer connections are accepted at a time.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

fn announce(addresses: &[SocketAddr], hosts: &[String], more: &[String]) {
    let mut out = anstream::stdout().lock();
    for address in addresses {
        let _ = writeln!(out, "listening on {address}");
    }
    for line in hosts.iter().chain(more) {
        let _ = writeln!(out, "{line}");
    }
    let _ = writeln!(out, "Ctrl-C ends it and judges what arrived");
    let _ = out.flush();
}

/// Tells whoever wrote a script which parts of it only a run carries out.
fn warn_of_what_is_not_played(source: &Source, cases: usize) -> Result<(), Failure> {
    let top = parse(source)?;
    for (key, _) in top.entries("a scenario")? {
        let told = match key.name.as_str() {
            "steps" | "expect" => format!("warning: `serve` passes over `{}`", key.name),
            "axes" if cases > 1 => format!("warning: `serve` plays the first of {cases} cases"),
            _ => continue,
        };
        let warning = key.place.error(told).hint(format!(
            "it plays `emr` until Ctrl-C, whatever connects; `chargeproof run {}` carries out all of it",
            source.name
        ));
        writeln!(anstream::stderr(), "{warning}")?;
    }
    Ok(())
}

/// A plan without steps of its own: listen, answer, and wait for Ctrl-C.
fn plan(serve: &Serve, project: &Project, addresses: usize) -> Result<Plan, Failure> {
    let source = match &serve.script {
        Some(path) => read_yaml(path)?,
        None => Source::new("serve", "title: An EMR that takes every charge\nexams: [john-doe]\n"),
    };
    let scenario = Scenario::read(&source)?;
    warn_of_what_is_not_played(&source, scenario.cases.len())?;
    let mut sender = SenderFile::read(&Project::reference())?;
    // Before anything is decided: every delay of a fault is measured by the sender's patience.
    let ack_timeout = serve.ack_timeout.unwrap_or(ACK_TIMEOUT);
    sender.limits.ack_timeout = ack_timeout;
    let retry = serve.longest_retry;
    sender.limits.longest_retry = if retry.is_zero() { ack_timeout } else { retry };
    // Nobody waits but who ends it, and knows for how long.
    let patience = serve.ack_timeout.map_or(Patience::Assumed, |_| Patience::Said);
    let choices = Choices { watch_for: Some(Duration::MAX), patience, ..Choices::default() };
    let mut plans = planning::expand(&scenario, "serve", project, &sender, &choices)?;
    let mut plan = plans.swap_remove(0);
    if serve.script.is_none() {
        plan.exams = Arc::default();
        plan.mapping = Arc::new(project.resolved(&serve.mapping)?);
    }
    asked_for(&serve.secure, &mut plan)?;
    // Whatever is not said to be optional is there to be met, and the end says if it was not.
    let optional_behaviours = plan.expect.optional_behaviours.clone();
    plan.expect = Expect { optional_behaviours, ..Expect::default() };
    plan.id = "serve".to_owned();
    plan.steps = vec![Step::Hold];
    plan.origin = Origin::Served;
    while plan.endpoints.len() < addresses {
        plan.endpoints.push(format!("emr-{}", plan.endpoints.len() + 1));
    }
    plan.limits.ack_timeout = ack_timeout.into();
    plan.limits.longest_retry = serve.longest_retry.into();
    plan.limits.settle = Micros(plan.limits.longest_retry.0.saturating_mul(2));
    // Nobody has said how many messages whoever comes may have on their way.
    plan.limits.in_flight = None;
    plan.limits.connections = 16_384;
    plan.limits.messages = 2_000_000;
    plan.limits.recorded_bytes = 4 << 30;
    Ok(plan)
}

/// How long whoever connects waits for an acknowledgement where nobody says so.
const ACK_TIMEOUT: Duration = Duration::from_secs(5);
