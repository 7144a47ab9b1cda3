//! Pass, inconclusive, fail: findings that point into a history, and how they combine.
//!
//! A pass is evidence that the thing was exercised, never the absence of a failure. This room
//! does **not** judge: it holds what a judge found.

mod circumstance;
mod requirement;
mod rule;

pub use circumstance::{Circumstance, Entry, Qualifier};
pub use requirement::{DECIDING, Standing, deciding};
pub use rule::Rule;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::history::{ConnectionId, Incarnation, Micros};

/// How a case, or a whole run, came out. The order is from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Every promise was exercised and held.
    Pass,
    /// Something needed for a verdict was not seen.
    Inconclusive,
    /// A promise was broken.
    Fail,
}

/// What a finding means for the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// A snapshot waits for review.
    Pending,
    /// Evidence is missing.
    Inconclusive,
    /// The sender could not be started or driven.
    Undriven,
    /// A promise was broken.
    Broken,
    /// A charge was sent twice.
    SentTwice,
}

/// One thing that a rule found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// What it means for the exit code.
    pub weight: Weight,
    /// Under which circumstance it showed.
    pub circumstance: Circumstance,
    /// One sentence for a person.
    pub message: String,
    /// The evidence, where two attempts or two values can be laid side by side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
}

/// The evidence behind a finding.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// Which charge, in words: the order, the exam, the codes.
    pub charge: String,
    /// The attempts that bear witness, in time order.
    pub attempts: Vec<Attempt>,
    /// What the EMR answered and what else happened between the first and the last attempt.
    pub between: Vec<Moment>,
    /// How the witnesses differ, or how the message differs from what was agreed, by field.
    pub differences: Vec<FieldDifference>,
}

/// One connection's attempt to send a charge: at least one byte of its message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// `seq` of the event in the history.
    pub event: u64,
    /// When its first byte arrived.
    pub at: Micros,
    /// On which connection.
    pub connection: ConnectionId,
    /// At which endpoint.
    pub endpoint: String,
    /// By which life of the sender.
    pub incarnation: Incarnation,
    /// How many of its bytes arrived.
    pub bytes: u64,
    /// Whether the whole message arrived.
    pub complete: bool,
    /// Its MSH-10; never an identity, only something to look for in a log.
    pub control_id: String,
}

/// Something that happened, with its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// `seq` of the event in the history.
    pub event: u64,
    /// When.
    pub at: Micros,
    /// What, in one fragment.
    pub what: String,
}

/// A field that is not what the other side has. Values of patient fields may be masked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldDifference {
    /// Where, such as `FT1[2]-26`.
    pub path: String,
    /// What was expected, or what the first witness has.
    pub expected: String,
    /// What was found, or what the last witness has.
    pub found: String,
}

/// A rule that was exercised and held, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Held {
    /// The rule.
    pub rule: Rule,
    /// How many times it was exercised: charges, messages or frames.
    pub times: u64,
}

/// Something that a case was to show and did not try, so that it is not judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unjudged {
    /// What.
    pub what: Subject,
    /// Why not.
    pub why: String,
}

/// What a case was to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Subject {
    /// That a rule holds.
    Rule(Rule),
    /// What comes of a step of the usual course, such as `restart`.
    Step(&'static str),
}

impl Subject {
    /// The name of the rule or of the step.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rule(rule) => rule.name(),
            Self::Step(name) => name,
        }
    }
}

/// A message as it was sent, in snapshot form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotSeen {
    /// Name of the snapshot: the path of its file below `snapshots/`, without the ending.
    pub name: String,
    /// The text that was observed.
    pub text: String,
    /// Whether it equals the approved one.
    pub approved: bool,
}

/// What the judge says of one history.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Judgement {
    /// What was found, worst first.
    pub findings: Vec<Finding>,
    /// What was exercised and held.
    pub held: Vec<Held>,
    /// What was not exercised, so that nothing is said of it.
    pub unjudged: Vec<Unjudged>,
    /// Optional entries of the script that never played, in words.
    pub idle: Vec<String>,
    /// How long the wire was watched after the last event.
    pub watched: Micros,
    /// Steps of the usual course that the case left out, and what is not proven without them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_done: Vec<NotDone>,
    /// How many charges were seen.
    pub charges: u64,
    /// The messages that a snapshot was asked for.
    pub snapshots: Vec<SnapshotSeen>,
}

/// A step of the usual course that could not happen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NotDone {
    /// Which, as in `restart`.
    pub step: String,
    /// Why not.
    pub why: String,
    /// What is not proven without it.
    pub unproven: String,
}

/// One case of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CaseOutcome {
    /// Id of the case, such as `once/rejected[reply=answer/reject]`.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The promises that it exercises.
    pub requirements: Vec<String>,
    /// What the judge says.
    pub judgement: Judgement,
    /// How long it took.
    pub took: Micros,
    /// How many times it was run: more than once if the machine was late, and only the last time counts.
    pub tries: u32,
    /// Where its history is stored, if it is.
    pub history: Option<String>,
    /// The command that repeats it.
    pub repeat: String,
}

/// A case that was not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Id of the case.
    pub id: String,
    /// What it needs, as in `TLS`.
    pub need: String,
    /// By what the sender file would offer it, as in ``the sender file names no `{ca}` ``.
    pub why: String,
}

/// A whole run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunOutcome {
    /// Name of the sender under test.
    pub sender: String,
    /// The seed that decided every random choice.
    pub seed: u64,
    /// The cases, in the order of their ids.
    pub cases: Vec<CaseOutcome>,
    /// The cases that were not run because the sender cannot be asked for what they need, in the
    /// order of their ids. They prove nothing.
    pub left_out: Vec<LeftOut>,
    /// How many cases there are besides that were not chosen. Nothing is said of them.
    pub not_chosen: usize,
    /// Which part of the chosen cases this is, if it is one.
    pub shard: Option<Shard>,
    /// How long it took.
    pub took: Micros,
    /// Whether it was interrupted.
    pub interrupted: bool,
}

/// One of several parts of a run, each of which is run by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Shard {
    /// Which, from 1.
    pub number: u32,
    /// How many there are.
    pub of: u32,
    /// What all cases of all parts are: the same in each of them.
    pub whole: u64,
}

/// Exit codes of the program, which are part of its interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Exit {
    /// All required checks passed.
    Passed = 0,
    /// A check failed.
    Failed = 1,
    /// Wrong usage, or a file that cannot be written, or read as what it should be.
    Usage = 2,
    /// Pending snapshots only.
    Pending = 3,
    /// Nothing ran.
    NothingRan = 4,
    /// Inconclusive.
    Inconclusive = 5,
    /// The sender could not be started or driven.
    Undriven = 6,
    /// A charge was sent twice.
    SentTwice = 10,
    /// Our own fault.
    Internal = 70,
}

impl Weight {
    /// The exit code that a finding of this weight asks for.
    #[must_use]
    pub const fn exit(self) -> Exit {
        match self {
            Self::Pending => Exit::Pending,
            Self::Inconclusive => Exit::Inconclusive,
            Self::Undriven => Exit::Undriven,
            Self::Broken => Exit::Failed,
            Self::SentTwice => Exit::SentTwice,
        }
    }

    /// The verdict of a case whose worst finding has this weight.
    #[must_use]
    pub const fn verdict(self) -> Verdict {
        match self {
            Self::Pending | Self::Inconclusive | Self::Undriven => Verdict::Inconclusive,
            Self::Broken | Self::SentTwice => Verdict::Fail,
        }
    }
}

impl Exit {
    /// How bad an exit is; of several, the worst is the one that counts.
    const fn badness(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Pending => 1,
            Self::NothingRan => 2,
            Self::Inconclusive => 3,
            Self::Undriven => 4,
            Self::Failed => 5,
            Self::SentTwice => 6,
            Self::Usage | Self::Internal => 7,
        }
    }

    /// The exit with this code.
    #[must_use]
    pub fn of(code: u64) -> Option<Self> {
        const ALL: [Exit; 9] = [
            Exit::Passed,
            Exit::Failed,
            Exit::Usage,
            Exit::Pending,
            Exit::NothingRan,
            Exit::Inconclusive,
            Exit::Undriven,
            Exit::SentTwice,
            Exit::Internal,
        ];
        ALL.into_iter().find(|exit| u64::from(exit.code()) == code)
    }

    /// The worse of two.
    #[must_use]
    pub const fn worst(self, other: Self) -> Self {
        if other.badness() > self.badness() { other } else { self }
    }

    /// The number that the process exits with.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }
}

impl Judgement {
    /// How the case came out: as bad as its worst finding.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let verdicts = self.findings.iter().map(|finding| finding.weight.verdict());
        verdicts.fold(Verdict::Pass, Verdict::max)
    }

    /// The exit code that this judgement alone would ask for.
    #[must_use]
    pub fn exit(&self) -> Exit {
        self.findings.iter().fold(Exit::Passed, |worst, finding| worst.worst(finding.weight.exit()))
    }
}

impl RunOutcome {
    /// The exit code of the run: the worst of its cases.
    #[must_use]
    pub fn exit(&self) -> Exit {
        if self.cases.is_empty() {
            return Exit::NothingRan;
        }
        let start = if self.interrupted { Exit::Inconclusive } else { Exit::Passed };
        self.cases.iter().fold(start, |worst, case| worst.worst(case.judgement.exit()))
    }

    /// The verdict of the run: the worst of its cases.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let start = if self.interrupted || self.cases.is_empty() {
            Verdict::Inconclusive
        } else {
            Verdict::Pass
        };
        self.cases.iter().map(|case| case.judgement.verdict()).fold(start, Verdict::max)
    }

    /// How many cases came out in each way.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<Verdict, usize> {
        let mut counts = BTreeMap::new();
        for case in &self.cases {
            *counts.entry(case.judgement.verdict()).or_insert(0) += 1;
        }
        counts
    }
}
