//! The report for a program: one JSON document whose shape [`schema`] publishes.
//!
//! The shape is an interface of its own: it is spelled out here, field by field, so that a rename
//! inside the program cannot change it unnoticed. It does **not** hold the wire bytes; those are
//! in the history that each case names.

use std::collections::BTreeMap;
use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use super::group::{Proven, left_out, requirements, unjudged_in};
use super::wording;
use crate::history::Micros;
use crate::verdict::{CaseOutcome, Finding, Proof, RunOutcome, Shard, Verdict, Weight};

/// Version of the shape that this program writes; fields may be added without a new one.
pub const FORMAT_VERSION: u32 = 1;

/// Writes the report of `outcome`, with a line end after it.
///
/// # Errors
/// Whatever the writer fails with.
pub fn write(outcome: &RunOutcome, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &Report::of(outcome))?;
    out.write_all(b"\n")
}

/// The JSON Schema of the report.
#[must_use]
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Report<'_>).to_value()
}

/// What a run of chargeproof came to.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "chargeproof report")]
#[serde(deny_unknown_fields)]
struct Report<'a> {
    /// Always `chargeproof-report`.
    format: &'static str,
    /// Version of this shape.
    version: u32,
    /// Version of the program that wrote it.
    program: &'static str,
    /// How the run came out: the worst of its cases.
    verdict: VerdictWord,
    /// What the program exits with: 0 passed, 1 failed, 3 snapshots wait for review, 4 nothing
    /// ran, 5 inconclusive, 6 the sender could not be started or driven, 10 a charge was sent
    /// twice.
    exit_code: u8,
    /// What the exit code means.
    meaning: &'static str,
    /// Name of the sender under test.
    sender: &'a str,
    /// What decided every random choice.
    seed: u64,
    /// How long the run took.
    took_seconds: f64,
    /// Whether the run was interrupted, so that cases are missing.
    interrupted: bool,
    /// The cases, in the order of their ids.
    cases: Vec<Case<'a>>,
    /// How many cases there are besides that were not chosen. Nothing is said of them.
    not_chosen: usize,
    /// Which part of all chosen cases this is, if it is one.
    shard: Option<Part>,
    /// What was not run because the sender file does not offer what it needs, by reason.
    left_out: Vec<LeftOut<'a>>,
    /// For each requirement, how the cases that exercise it came out.
    requirements: BTreeMap<&'a str, Counts>,
}

/// One of several parts of a run.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Part {
    /// Which, from 1.
    number: u32,
    /// How many there are.
    of: u32,
    /// What all cases of all parts are, in hexadecimal digits: the same in each part.
    whole: String,
}

impl Part {
    fn of(shard: Shard) -> Self {
        Self { number: shard.number, of: shard.of, whole: format!("{:016x}", shard.whole) }
    }
}

/// Cases that were not run, and why.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LeftOut<'a> {
    /// What they need of a sender.
    need: &'a str,
    /// By what its sender file would offer that.
    why: &'a str,
    /// Their ids.
    cases: Vec<&'a str>,
}

/// One case.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Case<'a> {
    /// The scenario and its axes, such as `once/rejected[reply=reject]`.
    id: &'a str,
    /// What the scenario is about.
    title: &'a str,
    /// How the case came out.
    verdict: VerdictWord,
    /// What was found, the worst first.
    findings: Vec<Found<'a>>,
    /// What was exercised and held, and how often.
    held: Vec<Held<'a>>,
    /// What was not exercised, so that nothing is said of it: a rule, a requirement or a step.
    unjudged: Vec<Unjudged<'a>>,
    /// Optional entries of the script that never played, in words.
    unplayed: &'a [String],
    /// Where the recording of the case is, if it was kept.
    history: Option<&'a str>,
    /// The promises that the case exercises.
    requirements: &'a [String],
    /// How long the wire was watched after the last event.
    watched_seconds: f64,
    /// Steps of the usual course that could not happen.
    not_done: Vec<NotDone<'a>>,
    /// How many charges were seen.
    charges: u64,
    /// The messages that a snapshot was asked for.
    snapshots: Vec<Snapshot<'a>>,
    /// How long the case took.
    took_seconds: f64,
    /// How many times it was run: more than once if the machine was late, and only the last time counts.
    tries: u32,
    /// The command that repeats it; empty if there is none.
    repeat: &'a str,
}

/// A step that could not happen.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NotDone<'a> {
    /// Which.
    step: &'a str,
    /// Why not.
    why: &'a str,
    /// What is not proven without it.
    unproven: &'a str,
}

impl<'a> NotDone<'a> {
    fn of(step: &'a crate::verdict::NotDone) -> Self {
        Self { step: &step.step, why: &step.why, unproven: &step.unproven }
    }
}

/// What one rule found.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Found<'a> {
    /// Name of the rule, such as `once/per-order`.
    rule: &'a str,
    /// Under which circumstance it showed; the same words for the same defect in every case.
    circumstance: String,
    /// One sentence for a person.
    message: &'a str,
    /// What it means for the exit code.
    weight: WeightWord,
    /// The evidence, where two attempts or two values can be laid side by side.
    proof: Option<Evidence<'a>>,
}

/// The evidence behind a finding.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Evidence<'a> {
    /// Which charge, in words.
    charge: &'a str,
    /// The attempts that bear witness, in time order.
    attempts: Vec<Attempt<'a>>,
    /// What happened between the first and the last of them.
    between: Vec<Moment<'a>>,
    /// How the witnesses differ, or how the message differs from what was agreed.
    differences: Vec<Difference<'a>>,
}

/// One connection's attempt to send a charge: at least one byte of its message.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Attempt<'a> {
    /// Number of the event in the history.
    event: u64,
    /// When its first byte arrived, from the start of the case.
    at_seconds: f64,
    /// On which connection of the case.
    connection: u32,
    /// At which endpoint.
    endpoint: &'a str,
    /// By which life of the sender process.
    life: u32,
    /// How many of its bytes arrived.
    bytes: u64,
    /// Whether the whole message arrived.
    complete: bool,
    /// Its MSH-10.
    control_id: &'a str,
}

/// Something that happened.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Moment<'a> {
    /// Number of the event in the history.
    event: u64,
    /// When, from the start of the case.
    at_seconds: f64,
    /// What.
    what: &'a str,
}

/// A field that is not what the other side has.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Difference<'a> {
    /// Where, such as `FT1[2]-26`.
    path: &'a str,
    /// What was agreed, or what the first witness has.
    expected: &'a str,
    /// What was sent, or what the last witness has.
    found: &'a str,
}

/// A rule that was exercised and held.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Held<'a> {
    /// Name of the rule.
    rule: &'a str,
    /// How many charges, messages or frames it was exercised on.
    times: u64,
}

/// Something that is not judged.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Unjudged<'a> {
    /// Name of the rule or of the requirement, or what was not done.
    what: &'a str,
    /// Why not.
    why: &'a str,
}

/// A message that a snapshot was asked for.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Snapshot<'a> {
    /// The path of its file below `snapshots/`, without the ending.
    name: &'a str,
    /// Whether the message equals the approved one.
    approved: bool,
}

/// How the cases that exercise a requirement came out.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Counts {
    /// How many there are.
    cases: usize,
    /// In how many a rule that decides it was exercised, and everything held.
    passed: usize,
    /// In how many nothing was found, and no rule that decides it was exercised.
    unjudged: usize,
    /// In how many something needed for a verdict was not seen.
    inconclusive: usize,
    /// In how many a promise was broken.
    failed: usize,
}

/// How a case, or the run, came out.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum VerdictWord {
    Pass,
    Inconclusive,
    Fail,
}

/// What a finding means for the exit code.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum WeightWord {
    Pending,
    Inconclusive,
    Undriven,
    Broken,
    SentTwice,
}

impl<'a> Report<'a> {
    fn of(outcome: &'a RunOutcome) -> Self {
        let counts = |proven: Proven| Counts {
            cases: proven.cases(),
            passed: proven.passed,
            unjudged: proven.unjudged,
            inconclusive: proven.inconclusive,
            failed: proven.failed,
        };
        let exit = outcome.exit();
        Self {
            format: "chargeproof-report",
            version: FORMAT_VERSION,
            program: env!("CARGO_PKG_VERSION"),
            verdict: outcome.verdict().into(),
            exit_code: exit.code(),
            meaning: wording::meaning(exit),
            sender: &outcome.sender,
            seed: outcome.seed,
            took_seconds: seconds(outcome.took),
            interrupted: outcome.interrupted,
            cases: outcome.cases.iter().map(Case::of).collect(),
            not_chosen: outcome.not_chosen,
            shard: outcome.shard.map(Part::of),
            left_out: left_out(&outcome.left_out)
                .into_iter()
                .map(|((need, why), cases)| LeftOut { need, why, cases })
                .collect(),
            requirements: requirements(outcome)
                .into_iter()
                .map(|(requirement, proven)| (requirement, counts(proven)))
                .collect(),
        }
    }
}

impl<'a> Case<'a> {
    fn of(case: &'a CaseOutcome) -> Self {
        let judgement = &case.judgement;
        let held =
            judgement.held.iter().map(|held| Held { rule: held.rule.name(), times: held.times });
        let snapshots = judgement
            .snapshots
            .iter()
            .map(|seen| Snapshot { name: &seen.name, approved: seen.approved });
        Self {
            id: &case.id,
            title: &case.title,
            verdict: judgement.verdict().into(),
            findings: judgement.findings.iter().map(Found::of).collect(),
            held: held.collect(),
            unjudged: unjudged_in(case)
                .into_iter()
                .map(|(what, why)| Unjudged { what, why })
                .collect(),
            unplayed: &judgement.idle,
            history: case.history.as_deref(),
            requirements: &case.requirements,
            watched_seconds: seconds(judgement.watched),
            not_done: judgement.not_done.iter().map(NotDone::of).collect(),
            charges: judgement.charges,
            snapshots: snapshots.collect(),
            took_seconds: seconds(case.took),
            tries: case.tries,
            repeat: &case.repeat,
        }
    }
}

impl<'a> Found<'a> {
    fn of(finding: &'a Finding) -> Self {
        Self {
            rule: finding.rule.name(),
            circumstance: finding.circumstance.to_string(),
            message: &finding.message,
            weight: finding.weight.into(),
            proof: finding.proof.as_ref().map(Evidence::of),
        }
    }
}

impl<'a> Evidence<'a> {
    fn of(proof: &'a Proof) -> Self {
        let attempts = proof.attempts.iter().map(|attempt| Attempt {
            event: attempt.event,
            at_seconds: seconds(attempt.at),
            connection: attempt.connection,
            endpoint: &attempt.endpoint,
            life: attempt.incarnation,
            bytes: attempt.bytes,
            complete: attempt.complete,
            control_id: &attempt.control_id,
        });
        let between = proof.between.iter().map(|moment| Moment {
            event: moment.event,
            at_seconds: seconds(moment.at),
            what: &moment.what,
        });
        let differences = proof.differences.iter().map(|difference| Difference {
            path: &difference.path,
            expected: &difference.expected,
            found: &difference.found,
        });
        Self {
            charge: &proof.charge,
            attempts: attempts.collect(),
            between: between.collect(),
            differences: differences.collect(),
        }
    }
}

impl From<Verdict> for VerdictWord {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Pass,
            Verdict::Inconclusive => Self::Inconclusive,
            Verdict::Fail => Self::Fail,
        }
    }
}

impl From<Weight> for WeightWord {
    fn from(weight: Weight) -> Self {
        match weight {
            Weight::Pending => Self::Pending,
            Weight::Inconclusive => Self::Inconclusive,
            Weight::Undriven => Self::Undriven,
            Weight::Broken => Self::Broken,
            Weight::SentTwice => Self::SentTwice,
        }
    }
}

fn seconds(micros: Micros) -> f64 {
    std::time::Duration::from(micros).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::samples;
    use super::{schema, write};
    use crate::verdict::RunOutcome;

    fn report(outcome: &RunOutcome) -> Value {
        let mut out = Vec::new();
        write(outcome, &mut out).unwrap();
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn every_report_is_what_the_published_schema_says() {
        let schema = jsonschema::validator_for(&schema()).unwrap();
        for (name, outcome) in samples::all() {
            let errors: Vec<String> =
                schema.iter_errors(&report(&outcome)).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{name}: {errors:?}");
        }
    }

    #[test]
    fn the_published_schema_refuses_what_no_report_says() {
        let schema = jsonschema::validator_for(&schema()).unwrap();
        let good = report(&samples::duplicate());
        for (pointer, value) in [
            ("/verdict", json!("maybe")),
            ("/exit_code", json!("10")),
            ("/cases/0/findings", json!(null)),
            ("/cases/0/findings/0/weight", json!("heavy")),
            ("/cases/0", json!({"id": "once/late"})),
            ("/requirements", json!([])),
        ] {
            let mut bad = good.clone();
            *bad.pointer_mut(pointer).unwrap() = value;
            assert!(!schema.is_valid(&bad), "{pointer}");
        }
        let mut more = good;
        more["surprise"] = json!(1);
        assert!(!schema.is_valid(&more));
    }

    #[test]
    fn a_duplicate_is_told_with_both_of_its_witnesses() {
        let report = report(&samples::duplicate());
        assert_eq!(report["verdict"], "fail");
        assert_eq!(report["exit_code"], 10);
        assert_eq!(report["seed"], 7);
        assert_eq!(report["took_seconds"], 4.2);
        let case = &report["cases"][0];
        assert_eq!(case["verdict"], "fail");
        assert_eq!(case["history"], "chargeproof-out/once/rejected[reply=reject].jsonl");
        let finding = &case["findings"][0];
        assert_eq!(finding["rule"], "once/per-order");
        assert_eq!(finding["weight"], "sent-twice");
        let attempts = finding["proof"]["attempts"].as_array().unwrap();
        assert_eq!(attempts.len(), 2);
        assert_eq!(attempts[1]["at_seconds"], 0.615);
        assert_eq!(attempts[1]["control_id"], "20260101120001");
    }

    #[test]
    fn cases_that_were_left_out_are_named_by_what_they_lack() {
        assert_eq!(
            report(&samples::left_out())["left_out"],
            json!([
                {"need": "TLS", "why": "the sender file names no `{ca}`",
                 "cases": ["tls/expired", "tls/refused"]},
                {"need": "several endpoints", "why": "the sender file names no `{endpoints}`",
                 "cases": ["once/standby"]},
            ])
        );
    }

    #[test]
    fn what_nothing_exercised_is_not_counted_as_passed() {
        let report = report(&samples::unjudged());
        assert_eq!(
            report["requirements"],
            json!({
                "accounts": {"cases": 2, "passed": 0, "unjudged": 2, "inconclusive": 0, "failed": 0},
                "once-per-order":
                    {"cases": 2, "passed": 2, "unjudged": 0, "inconclusive": 0, "failed": 0},
                "recovers": {"cases": 1, "passed": 0, "unjudged": 1, "inconclusive": 0, "failed": 0},
            })
        );
        let why = "the sender file names no `account`";
        let unjudged = &report["cases"][0]["unjudged"];
        assert_eq!(*unjudged, json!([{"what": "accounts", "why": why}]));
        let unplayed = &report["cases"][0]["unplayed"];
        assert_eq!(*unplayed, json!(["`answer/none` for john-doe, message 7"]));
    }

    #[test]
    fn requirements_are_counted_by_how_their_cases_came_out() {
        assert_eq!(
            report(&samples::inconclusive())["requirements"],
            json!({
                "exactly-as-agreed":
                    {"cases": 1, "passed": 0, "unjudged": 0, "inconclusive": 1, "failed": 0},
                "once-per-order":
                    {"cases": 3, "passed": 1, "unjudged": 0, "inconclusive": 2, "failed": 0},
            })
        );
    }
}
