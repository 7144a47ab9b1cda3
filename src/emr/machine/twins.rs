//! Exams that share their order: a correction comes under the number of the order that it corrects.
//!
//! A message of such an order is of all its exams that had been handed over by then, and its attempts
//! are counted together. Where an order has one message, nothing more is waited for once that was
//! dealt with.

use std::sync::Arc;

use crate::emr::boundary::Output;
use crate::emr::machine::Emr;
use crate::emr::machine::turn::Turn;
use crate::plan::{MessageKind, Orders};

/// What a message is about.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    /// The exam of its order that was handed over last.
    pub(crate) exam: Arc<str>,
    /// The others that had been handed over by then.
    pub(crate) others: Vec<Arc<str>>,
}

/// Under which name the attempts at an exam's order are counted.
pub(crate) fn counted_as<'o>(orders: &'o Orders, exam: &'o str) -> &'o str {
    orders.twins(exam).first().map_or(exam, |first| first)
}

impl Emr {
    /// What a message of these exams' order is about.
    pub(crate) fn subject(&self, exams: &[Arc<str>]) -> Option<Subject> {
        let first = exams.first()?;
        let handed_over = self.handed_over.iter().rev().filter(|exam| exams.contains(exam));
        let mut known: Vec<Arc<str>> = Vec::new();
        for exam in handed_over {
            if !known.contains(exam) {
                known.push(Arc::clone(exam));
            }
        }
        let mut known = known.into_iter();
        let exam = known.next().unwrap_or_else(|| Arc::clone(first));
        Some(Subject { exam, others: known.collect() })
    }

    /// Whether a message about this is the one that is expected next.
    pub(crate) fn is_expected(&self, subject: &Subject, kind: MessageKind) -> bool {
        let expected = |exam: &Arc<str>| self.expecting.as_ref() == Some(exam);
        kind == MessageKind::Charge
            && (expected(&subject.exam) || subject.others.iter().any(expected))
    }
}

impl Turn<'_, '_> {
    /// Notes that an exam was handed over, where others have its order.
    pub(crate) fn note_twin(&mut self, exam: &str) {
        let orders = &self.emr.settings.orders;
        let Some(first) = orders.twins(exam).first() else { return };
        if orders.one_message && self.emr.dealt_with.contains(first) {
            self.emr.outputs.push_back(Output::Dealt(Arc::from(exam)));
        }
        self.emr.handed_over.push(Arc::from(exam));
    }

    /// The charge of an exam was dealt with, and so was that of the others of its order.
    pub(crate) fn dealt(&mut self, exam: Arc<str>) {
        let twins = self.emr.settings.orders.twins(&exam);
        if let Some(first) = twins.first() {
            self.emr.dealt_with.insert(Arc::clone(first));
            let others = twins.iter().filter(|one| **one != exam);
            let handed_over = others.filter(|one| self.emr.handed_over.contains(one));
            let also: Vec<Output> = handed_over.cloned().map(Output::Dealt).collect();
            self.emr.outputs.extend(also);
        }
        self.emr.outputs.push_back(Output::Dealt(exam));
    }
}
