//! Mapping instructions (YAML) and the message that they make of an exam.
//!
//! A mapping says per segment and per field what is written, as a template over the exam's
//! facts; it names its charge lines and says by an option which of them are sent; a child says
//! only in what it differs from its parent:
//!
//! ```yaml
//! mapping: mercy-cerner
//! extends: iris/option-1
//! fields:
//!   PID-2: "{patient.mrn}"
//!   PID-3: "{patient.mrn}^^^^MRN"
//!   FT1-19: { each: diagnosis, is: "{diagnosis.code}^{diagnosis.text}^I10" }
//! charges:
//!   professional: { modifiers: { component: "26" } }
//! ```
//!
//! The reference sender sends by it and the expected message is computed from it. It does
//! **not** judge a message, and does not know how one travels.

mod assemble;
mod document;
mod draft;
mod expression;
mod file;
mod identity;
mod mistake;
mod place;
mod resolve;
mod segments;
mod shipped;
mod volatile;
mod written;

#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) mod sample;

pub use document::Document;
pub use expression::fact::Precision;
pub use expression::form::{Form, Hole};
pub use identity::{Identity, OnceRule};
pub use resolve::{read, resolve};
pub use shipped::{shipped, shipped_names};
pub use volatile::Volatile;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use crate::exam::Exam;

use expression::compose::{Composer, sent};
use expression::fact::Fact;
use expression::form::Forms;
use expression::line::Line;
use expression::scope::Scope;
use expression::value::Value;
use file::File;
use place::FieldName;
use segments::SegmentRule;
use volatile::Tolerance;

/// Mapping instructions with every parent resolved. They travel as JSON, inside plans and to
/// the sender's process; templates are parsed when they are read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// Its name, such as `iris/option-2`.
    pub name: String,
    /// MSH-9, such as `DFT^P03`.
    pub message: String,
    /// MSH-12, such as `2.4`.
    pub version: String,
    /// MSH-18, which also decides how characters become bytes; empty for ASCII.
    pub charset: String,
    /// Which fields make an order and a charge.
    pub identity: Identity,
    /// How far apart the stamps of one message may be.
    #[serde(default, skip_serializing_if = "Tolerance::is_default")]
    stamps_within: Tolerance,
    /// The segments in their order.
    segments: Vec<SegmentRule>,
    /// What is written in them.
    fields: BTreeMap<FieldName, Value>,
    /// The charge lines of the option, in its order.
    lines: Vec<Line>,
    /// Messages that were made before, but for their stamps.
    #[serde(skip)]
    forms: Forms,
}

/// What the sender's clock adds to the facts of an exam.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Now, UTC.
    pub now: DateTime,
    /// The message's MSH-10.
    pub control_id: String,
}

impl Mapping {
    /// The message for `exam`: segments that each end in a carriage return, without framing.
    #[must_use]
    pub fn message(&self, exam: &Exam, stamp: &Stamp) -> Vec<u8> {
        let known = self.forms.message(self, exam, stamp);
        known.unwrap_or_else(|| Composer::new(self).message(exam, Some(stamp)))
    }

    /// How far apart the stamps of one message may be, in seconds.
    #[must_use]
    pub fn stamps_within(&self) -> i64 {
        self.stamps_within.seconds()
    }

    /// The message for `exam` as long as its stamp is not known.
    #[must_use]
    pub fn form(&self, exam: &Exam) -> Arc<Form> {
        let known = self.forms.form(self, exam);
        known.unwrap_or_else(|| Arc::new(Form::of(self, exam)))
    }

    /// The names of the charge lines that are sent for `exam`, in the order of its FT1 segments.
    #[must_use]
    pub fn lines(&self, exam: &Exam) -> Vec<&str> {
        // No condition may depend on the stamp: `assemble` refuses it.
        sent(self, &Scope::of(exam, None)).iter().map(|line| line.name.as_str()).collect()
    }

    /// The fields whose values vary between equal messages, such as `MSH-7`, in the order of
    /// their names. A field of FT1 is named once for all lines; where only one component of a
    /// field varies, it is named, as in `FT1-23.2`.
    #[must_use]
    pub fn volatile(&self) -> Vec<(String, Volatile)> {
        let own = self.lines.iter().flat_map(|line| &line.fields);
        let found: BTreeSet<(&FieldName, Option<usize>, Volatile)> = (self.fields.iter())
            .chain(own)
            .flat_map(|(name, value)| {
                value.volatile().into_iter().map(move |(part, volatile)| (name, part, volatile))
            })
            .collect();
        let path = |(name, component, volatile): (&FieldName, Option<usize>, Volatile)| {
            let component = component.map(|number| format!(".{number}")).unwrap_or_default();
            (format!("{name}{component}"), volatile)
        };
        found.into_iter().map(path).collect()
    }

    /// Whether an exam that takes a charge back becomes a credit: FT1-6 says what the exam is, and
    /// the agreement tells the one from the other.
    #[must_use]
    pub fn writes_credits(&self) -> bool {
        let own = self.lines.iter().flat_map(|line| &line.fields);
        let types = self.fields.iter().chain(own).filter(|(name, _)| name.to_string() == "FT1-6");
        let mut types = types.map(|(_, value)| value.facts().any(|fact| fact == Fact::Transaction));
        self.identity.tells_credits() && types.next() == Some(true) && types.all(|says| says)
    }
}

/// The JSON Schema of a mapping file, for editors.
#[must_use]
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(File).to_value()
}
