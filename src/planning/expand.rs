//! From what an author wrote to what will be done: one plan for each case of a scenario.

use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;

use crate::exam::Exam;
use crate::history::TlsVersion;
use crate::plan::{
    AttemptMode, Charged, ClientCertificate, DocumentForm, Driving, Expect, Limits, Origin, Plan,
    Ready, SenderPlan, Snapshot, Step, StopBy, Tls,
};
use crate::planning::library::{mapping, unknown};
use crate::planning::named::{Named, WithProbes};
use crate::planning::{Library, defaults, orders, pointless, script, steps};
use crate::scenario::Tls as WrittenTls;
use crate::scenario::{Case, Choice, Form, Scenario, SenderFile, Word};
use crate::scenario::{Ready as WrittenReady, StopBy as WrittenStop};
use crate::yaml::{Diagnostic, Place};

/// What is chosen for a whole run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    /// What decides every random choice.
    pub seed: u64,
    /// For the reference sender, the defect to build in.
    pub bug: Option<String>,
    /// For the reference sender, the honest habit to switch on.
    pub variant: Option<String>,
    /// Whether the last lines of the sender's output are shown.
    pub show_output: bool,
    /// How long the wire is watched after a case at the most, where its sender may try again later
    /// than that; a minute if absent.
    pub watch_for: Option<Duration>,
    /// Where the sender's patience is from.
    pub patience: Patience,
}

/// Where it is known from how long a sender waits for an acknowledgement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Patience {
    /// Somebody has said so: what is to come late must come later.
    #[default]
    Said,
    /// It is taken for granted.
    Assumed,
}

/// The plans of `scenario`, one for each of its cases.
///
/// `id` is the path of the scenario file below the scenarios' root, without its ending, such as
/// `once/rejected`; each plan's own id carries the values chosen on the axes.
///
/// # Errors
/// The first name that means nothing, or the first thing that makes no sense or tests nothing, with
/// its place.
pub fn expand(
    scenario: &Scenario,
    id: &str,
    library: &dyn Library,
    sender: &SenderFile,
    choices: &Choices,
) -> Result<Vec<Plan>, Diagnostic> {
    let start = Place { source: scenario.source.clone(), line: 1, column: 1 };
    let plan = |case| {
        let named = Named::of(case, library, &start)?;
        let plan = decide(case, &named, id, library, sender, choices)?;
        pointless::refuse(case, &plan)?;
        Ok(plan)
    };
    scenario.cases.iter().map(plan).collect()
}

/// The plan of one case that names what `named` holds.
///
/// # Errors
/// The first thing that makes no sense, with its place.
pub fn decide(
    case: &Case,
    named: &Named,
    id: &str,
    library: &dyn Library,
    sender: &SenderFile,
    choices: &Choices,
) -> Result<Plan, Diagnostic> {
    Expansion { case, named, id, library, sender }.plan(choices)
}

struct Expansion<'a> {
    case: &'a Case,
    named: &'a Named,
    id: &'a str,
    library: &'a dyn Library,
    sender: &'a SenderFile,
}

impl Expansion<'_> {
    fn plan(&self, choices: &Choices) -> Result<Plan, Diagnostic> {
        let (case, exams) = (self.case, &self.named.exams);
        let steps = match &case.steps {
            Some(acts) => {
                let written = steps::written(acts, exams, &self.sender.limits)?;
                steps::must_start(acts, self.sender.life, &self.named.start)?;
                written
            }
            None => steps::default(exams, self.sender.life),
        };
        let charges = self.charges(exams, &steps.submitted)?;
        let snapshots = self.snapshots(&charges);
        let WithProbes { exams, probes, made } = self.named.with_probes(steps.probes)?;
        let endpoints = self.endpoints();
        let limits = &defaults::waited_for(&self.sender.limits, choices.watch_for);
        let tls = case.tls.as_ref().map(tls);
        let script = script::read(&case.script, &exams, &endpoints, limits)?;
        script::fit_for_tls(&case.script, &script, tls.as_ref())?;
        if choices.patience == Patience::Said {
            script::late_enough(&case.script, &script, limits.ack_timeout.into())?;
        }
        let optional = case.script.iter().enumerate().filter(|(_, entry)| entry.optional);
        let mut plan = Plan {
            id: case_id(self.id, &case.choices),
            title: case.title.clone(),
            requirements: case.requirements.clone(),
            seed: choices.seed,
            mapping: Arc::clone(&self.named.mapping),
            results: self.named.results.clone(),
            exams,
            endpoints,
            tls,
            limits: Limits {
                longest_retry: self.sender.limits.longest_retry.into(),
                ..defaults::limits(limits, &self.sender.feed.by, &script)
            },
            script,
            steps: steps.steps,
            origin: Origin::Driven,
            expect: Expect {
                charges: with_probes(charges, &probes),
                attempts: self.attempts(),
                snapshots,
                probes,
                optional_behaviours: optional.map(|(index, _)| index).collect(),
            },
            sender: sender_plan(self.sender, self.driving(choices)?, choices),
            made,
        };
        if !self.sender.life.is_ours_to_end() {
            orders::renew(&mut plan);
            if plan.steps.last() != Some(&Step::LeaveAlone) {
                plan.steps.push(Step::LeaveAlone);
            }
        }
        Ok(plan)
    }

    fn driving(&self, choices: &Choices) -> Result<Driving, Diagnostic> {
        let sender = self.sender;
        let built_in = |name: &str| {
            let word = Word { text: name.to_owned(), place: self.named.start.clone() };
            mapping(self.library, &word).map(|mapping| DocumentForm::Message(Box::new(mapping)))
        };
        let forms = match &sender.feed.form {
            Form::Json => vec![DocumentForm::Exam],
            Form::Hl7 => vec![built_in("feed/order")?, built_in("feed/result")?],
            Form::Message => vec![DocumentForm::Charge, DocumentForm::Result],
            Form::Template(word) => match &sender.template {
                Some(document) => vec![DocumentForm::Template(document.clone())],
                None => return Err(word.place.error(format!("cannot read `{}`", word.text))),
            },
        };
        let ready =
            |ready: &WrittenReady| Ready { when: ready.when.clone(), within: ready.within.into() };
        Ok(Driving {
            life: sender.life,
            listen: sender.listen.clone(),
            by: sender.feed.by.clone(),
            forms,
            ready: sender.ready.as_ref().map(ready),
            cpu: sender.limits.cpu.map(Into::into),
            memory: sender.limits.memory,
            show_output: choices.show_output,
        })
    }

    fn endpoints(&self) -> Vec<String> {
        if self.case.endpoints.is_empty() {
            return vec![defaults::ENDPOINT.to_owned()];
        }
        self.case.endpoints.iter().map(|word| word.text.clone()).collect()
    }

    fn attempts(&self) -> AttemptMode {
        self.case.expect.attempts.unwrap_or(self.sender.attempts)
    }

    /// How often each exam's charge is expected: once, unless the author says otherwise.
    fn charges(
        &self,
        exams: &IndexMap<String, Arc<Exam>>,
        submitted: &[String],
    ) -> Result<IndexMap<String, Charged>, Diagnostic> {
        let once = |name: &String| (name.clone(), Charged::Once);
        let mut charges: IndexMap<String, Charged> = exams.keys().map(once).collect();
        for (word, how_often) in &self.case.expect.charges {
            let Some(charged) = charges.get_mut(&word.text) else {
                let names: Vec<String> = exams.keys().cloned().collect();
                return Err(unknown("exam", &word.text, &word.place, &names));
            };
            *charged = *how_often;
        }
        let idle = |name: &str| {
            charges.get(name) != Some(&Charged::Never)
                && !submitted.iter().any(|other| other == name)
        };
        match self.case.exams.iter().map(|entry| &entry.name).find(|name| idle(&name.text)) {
            Some(name) => Err(name
                .place
                .error(format!("the exam `{}` is never given to the sender", name.text))
                .hint(format!("add the step `submit: {}`, or take the exam out", name.text))),
            None => Ok(charges),
        }
    }

    /// A snapshot for each exam that is charged, where the author asks for them.
    fn snapshots(
        &self,
        charges: &IndexMap<String, Charged>,
    ) -> std::collections::BTreeMap<String, Snapshot> {
        let wanted = charges.iter().filter(|(_, charged)| **charged != Charged::Never);
        let snapshot = |(exam, _): (&String, &Charged)| {
            let name = snapshot_name(self.id, &self.case.choices, exam);
            let approved = self.library.snapshot(&name);
            (name, Snapshot { exam: exam.clone(), approved })
        };
        wanted.filter(|_| self.case.expect.snapshot).map(snapshot).collect()
    }
}

/// TLS in both versions, unless the author chose.
fn tls(written: &WrittenTls) -> Tls {
    let both = || vec![TlsVersion::V1_2, TlsVersion::V1_3];
    let mut versions = written.versions.clone().unwrap_or_else(both);
    versions.sort_unstable();
    let client = if written.client { ClientCertificate::Required } else { ClientCertificate::None };
    Tls { versions, client }
}

fn with_probes(
    mut charges: IndexMap<String, Charged>,
    probes: &[String],
) -> IndexMap<String, Charged> {
    charges.extend(probes.iter().map(|name| (name.clone(), Charged::Once)));
    charges
}

/// `once/rejected[reply=reject,code=AR]`; without axes, only the path.
fn case_id(id: &str, choices: &[Choice]) -> String {
    if choices.is_empty() {
        return id.to_owned();
    }
    let choices = choices.iter().map(|choice| format!("{}={}", choice.axis, choice.value));
    format!("{id}[{}]", choices.collect::<Vec<_>>().join(","))
}

/// The same as a path: `once/rejected@reply-reject+code-AR/john-doe`.
fn snapshot_name(id: &str, choices: &[Choice], exam: &str) -> String {
    let safe = |text: &str| -> String {
        let keep = |letter: char| letter.is_ascii_alphanumeric() || ".-_".contains(letter);
        text.chars().map(|letter| if keep(letter) { letter } else { '-' }).collect()
    };
    let choice = |choice: &Choice| format!("{}-{}", choice.axis, safe(&choice.value));
    let choices: Vec<String> = choices.iter().map(choice).collect();
    let separator = if choices.is_empty() { "" } else { "@" };
    format!("{id}{separator}{}/{}", choices.join("+"), safe(exam))
}

fn sender_plan(file: &SenderFile, driving: Driving, choices: &Choices) -> SenderPlan {
    let mut start = file.start.clone();
    for (flag, name) in [("--bug", &choices.bug), ("--variant", &choices.variant)] {
        if let Some(name) = name {
            start.extend([flag.to_owned(), name.clone()]);
        }
    }
    SenderPlan {
        name: file.name.clone(),
        start,
        environment: file.environment.clone(),
        directory: file.directory.clone(),
        account: file.account.clone(),
        driving,
        stop: match file.stop {
            WrittenStop::Terminate => StopBy::Terminate,
            WrittenStop::Interrupt => StopBy::Interrupt,
            WrittenStop::StandardInput => StopBy::StandardInput,
        },
        clock: file.clock.clone(),
        resend: file.resend.clone(),
        bug: choices.bug.clone(),
        variant: choices.variant.clone(),
    }
}
