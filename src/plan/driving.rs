//! How the sender of a plan is driven, decided: how long it lives, how it is fed and with what, and
//! what shows that it is ready. Also the documents that an exam is handed over as.
//!
//! Does **not** hand anything over.

use core::net::SocketAddr;
use std::sync::Arc;

use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use super::Plan;
use crate::exam::Exam;
use crate::history::Micros;
use crate::mapping::{Document, Mapping, Stamp};
use crate::plan::{FeedBy, Lifetime, ReadyWhen};

/// How a sender is driven.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Driving {
    /// How long one process of it lives.
    pub life: Lifetime,
    /// Where the EMR listens, where the sender cannot be told; in its order of endpoints.
    pub listen: Vec<SocketAddr>,
    /// By which way exams are handed over.
    pub by: FeedBy,
    /// As what, in this order.
    pub forms: Vec<DocumentForm>,
    /// What shows that it is ready to be fed; being started, if absent.
    pub ready: Option<Ready>,
    /// How much processor time one process may take.
    pub cpu: Option<Micros>,
    /// How much memory one process may ask for, in bytes.
    pub memory: Option<u64>,
    /// Whether the last lines of its output are shown; they may hold patient data.
    pub show_output: bool,
}

/// What shows that a sender is ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ready {
    /// By what.
    pub when: ReadyWhen,
    /// How long that may take.
    pub within: Micros,
}

/// What one document of an exam is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DocumentForm {
    /// Its facts as JSON.
    Exam,
    /// The charge message that the case's mapping makes of it.
    Charge,
    /// The result message that the case's mapping makes of it, where results are sent.
    Result,
    /// A message by this mapping.
    Message(Box<Mapping>),
    /// A text of the author's own.
    Template(Document),
}

/// One document of an exam.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandedOver {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The ending of a file that holds it, such as `json`.
    pub ending: String,
}

/// Makes the documents of the exams of one plan.
#[derive(Clone, Debug)]
pub struct Writer {
    forms: Vec<DocumentForm>,
    mapping: Arc<Mapping>,
    results: Option<Arc<Mapping>>,
    written: u32,
}

impl Writer {
    /// A writer for the exams of `plan`.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let forms = match plan.sender.driving.forms.as_slice() {
            [] => vec![DocumentForm::Exam],
            forms => forms.to_vec(),
        };
        Self { forms, mapping: plan.mapping.clone(), results: plan.results.clone(), written: 0 }
    }

    /// The documents that hand `exam` over at `now`, UTC.
    pub fn documents(&mut self, exam: &Exam, now: DateTime) -> Vec<HandedOver> {
        let forms = self.forms.clone();
        forms.iter().filter_map(|form| self.document(form, exam, now)).collect()
    }

    fn document(&mut self, form: &DocumentForm, exam: &Exam, now: DateTime) -> Option<HandedOver> {
        let stamp = self.stamp(now);
        let hl7 = |bytes| Some(HandedOver { bytes, ending: "hl7".to_owned() });
        match form {
            DocumentForm::Exam => {
                let bytes = serde_json::to_vec(exam).unwrap_or_default();
                Some(HandedOver { bytes, ending: "json".to_owned() })
            }
            DocumentForm::Charge => hl7(self.mapping.message(exam, &stamp)),
            DocumentForm::Result => hl7(self.results.as_ref()?.message(exam, &stamp)),
            DocumentForm::Message(mapping) => hl7(mapping.message(exam, &stamp)),
            DocumentForm::Template(document) => {
                let charge = self.mapping.message(exam, &stamp);
                let results = self.results.clone().filter(|_| document.holds_result());
                let result = results.map(|results| results.message(exam, &self.stamp(now)));
                let bytes = document.fill(exam, &stamp, &charge, &result.unwrap_or_default());
                Some(HandedOver { bytes, ending: document.ending.clone() })
            }
        }
    }

    /// The stamp of the next message, with a control id of its own: at most twenty characters, as
    /// MSH-10 wants it.
    fn stamp(&mut self, now: DateTime) -> Stamp {
        self.written += 1;
        let control_id = format!("{}{:04}", now.strftime("%y%m%d%H%M%S"), self.written);
        Stamp { now, control_id }
    }
}
