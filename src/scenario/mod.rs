//! What the author of a scenario or of a sender file wrote, read strictly.
//!
//! Every word that something else must know (an exam, a mapping, a fault) keeps its place, so
//! that whoever knows can blame the right line. This room does **not** look anything up and
//! decides no default; that is the plan's business. It does expand axes, because the rest of
//! the file can only be read once their values are in.

mod axes;
mod driving;
mod duration;
mod placeholders;
mod raw;
mod read;
mod schema;
mod script;
mod sender_file;
mod steps;
mod tls;
mod write;

pub use axes::Choice;
pub use driving::{Feed, Form, Ready};
pub use placeholders::PLACEHOLDERS;
pub use raw::{A_BRACE, Text};
pub use schema::{exam_schema, schema, sender_file_schema};
pub use script::{Given, How, On, Part, Reaction, SPECIAL};
pub use sender_file::{SenderFile, SenderLimits, StopBy};
pub use steps::{Act, Delay, When};
pub use tls::Tls;

use crate::plan::{AttemptMode, Charged};
use crate::yaml::{Diagnostic, Node, Place, Source};

/// One scenario file.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The file.
    pub source: Source,
    /// The product of its axes in the order in which they are written; one case without axes.
    pub cases: Vec<Case>,
}

/// A scenario with one value chosen on every axis.
#[derive(Clone, Debug)]
pub struct Case {
    /// The values chosen, in the order in which the axes are written.
    pub choices: Vec<Choice>,
    /// What it is about.
    pub title: String,
    /// The promises that it exercises.
    pub requirements: Vec<String>,
    /// Name of the mapping.
    pub mapping: Option<Word>,
    /// Name of the mapping for results.
    pub results: Option<Word>,
    /// The exams.
    pub exams: Vec<ExamEntry>,
    /// Names of the endpoints.
    pub endpoints: Vec<Word>,
    /// TLS at every endpoint.
    pub tls: Option<Tls>,
    /// What the EMR does.
    pub script: Vec<Reaction>,
    /// What the harness does; the default steps if absent.
    pub steps: Option<Vec<Act>>,
    /// What must come of it.
    pub expect: Expectation,
}

/// A word that names something which must be looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The word.
    pub text: String,
    /// Where it is written.
    pub place: Place,
}

/// One entry of `exams`.
#[derive(Clone, Debug)]
pub struct ExamEntry {
    /// What the scenario calls it.
    pub name: Word,
    /// The exam file that its facts come from, or begin with.
    pub like: Option<Word>,
    /// The facts that are written here; over those of `like`, if there are any.
    pub facts: Option<Node>,
    /// Whether it may have the order number of another exam.
    pub same_order: bool,
}

/// What must come of a case.
#[derive(Clone, Debug, Default)]
pub struct Expectation {
    /// How often each exam's charge must be attempted.
    pub charges: Vec<(Word, Charged)>,
    /// Whether messages are compared with approved snapshots.
    pub snapshot: bool,
    /// When an attempt counts; as the sender file says, if absent.
    pub attempts: Option<AttemptMode>,
}

impl Word {
    /// The word that `node` is. `wanted` says what it names, as in `the name of an exam`.
    fn read(node: &Node, wanted: &str) -> Result<Self, Diagnostic> {
        let text = node.text(wanted)?.to_owned();
        Ok(Self { text, place: node.place.clone() })
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use tests::shipped as shipped_for_tests;
