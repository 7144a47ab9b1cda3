//! What the sender remembers: its records, what they add up to, and its account.
//!
//! A record is written before the step that it is about, so that a kill at any point leaves the
//! sender knowing at least as much as the wire has seen. This file does **not** touch a disk.

use std::collections::BTreeSet;
use std::sync::Arc;

use indexmap::IndexMap;
use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use crate::exam::Exam;

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Record {
    /// The exam is the sender's responsibility from here on.
    Taken {
        /// The exam.
        exam: Arc<Exam>,
    },
    /// From here on bytes of the order's message may be on the wire.
    Attempting {
        /// Number of the order.
        order: String,
        /// Charge or result.
        kind: Kind,
        /// The message's MSH-10.
        control_id: String,
        /// The sender's clock, UTC.
        at: DateTime,
    },
    /// An operator wants the order's charge sent once more.
    Asked {
        /// Number of the order.
        order: String,
        /// The name of the request, by which it is known again.
        request: String,
    },
    /// What became of the order's message.
    Settled {
        /// Number of the order.
        order: String,
        /// Charge or result.
        kind: Kind,
        /// What became of it.
        outcome: Outcome,
    },
    /// The account has an entry more, whatever became of the order. Only a broken sender writes it.
    Claimed {
        /// Number of the order, which nobody need have placed.
        order: String,
        /// What the entry says.
        outcome: Outcome,
    },
    /// The order is to be left out of the account. Only a broken sender writes it.
    Forgotten {
        /// Number of the order.
        order: String,
    },
}

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// DFT^P03: at most one attempt.
    Charge,
    /// ORU^R01: may be sent again until it is accepted.
    Result,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// A valid acknowledgement accepted it.
    Delivered,
    /// A valid acknowledgement refused it.
    Rejected,
    /// Bytes may have left and no valid acknowledgement came: a person must be told.
    Unknown,
    /// Nothing has left.
    NotSent,
}

impl Outcome {
    /// Its name in the account.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Rejected => "rejected",
            Self::Unknown => "unknown",
            Self::NotSent => "not-sent",
        }
    }
}

/// What became of each charge, in the order in which the exams were taken.
#[must_use]
pub fn account(journal: &[Record]) -> Vec<(String, Outcome)> {
    Ledger::of(journal).account()
}

/// What the records add up to.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) entries: IndexMap<String, Entry>,
    /// The MSH-10 that was used last.
    pub(crate) last_control_id: Option<String>,
    /// What a broken sender says besides.
    claims: Vec<(String, Outcome)>,
}

/// What is known about one order.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) exam: Arc<Exam>,
    pub(crate) charge: Progress,
    pub(crate) result: Progress,
    /// What an operator has asked for, by name: so many attempts more are due.
    pub(crate) requests: BTreeSet<String>,
    forgotten: bool,
}

/// How far one message of an order has come.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// How often bytes of it may have left.
    pub(crate) attempts: u32,
    /// MSH-10 and time of the last attempt.
    pub(crate) last: Option<(String, DateTime)>,
    /// What became of it, once that is settled.
    pub(crate) outcome: Option<Outcome>,
}

impl Ledger {
    /// Adds up `journal`.
    pub(crate) fn of(journal: &[Record]) -> Self {
        let mut ledger = Self::default();
        for record in journal {
            ledger.apply(record);
        }
        ledger
    }

    /// Takes one more record in.
    pub(crate) fn apply(&mut self, record: &Record) {
        match record {
            Record::Taken { exam } => self.take(exam),
            Record::Attempting { order, kind, control_id, at } => {
                self.last_control_id = Some(control_id.clone());
                if let Some(progress) = self.progress(order, *kind) {
                    progress.attempts += 1;
                    progress.last = Some((control_id.clone(), *at));
                    progress.outcome = None;
                }
            }
            Record::Asked { order, request } => {
                if let Some(entry) = self.entries.get_mut(order) {
                    entry.requests.insert(request.clone());
                }
            }
            Record::Settled { order, kind, outcome } => {
                if let Some(progress) = self.progress(order, *kind) {
                    progress.outcome = Some(*outcome);
                }
            }
            Record::Claimed { order, outcome } => self.claims.push((order.clone(), *outcome)),
            Record::Forgotten { order } => {
                if let Some(entry) = self.entries.get_mut(order) {
                    entry.charge.outcome = Some(Outcome::Rejected);
                    entry.forgotten = true;
                }
            }
        }
    }

    /// What became of each charge, in the order in which the exams were taken.
    pub(crate) fn account(&self) -> Vec<(String, Outcome)> {
        let told = self.entries.iter().filter(|(_, entry)| !entry.forgotten);
        let told = told.map(|(order, entry)| (order.clone(), entry.charge.standing()));
        self.claims.iter().cloned().chain(told).collect()
    }

    fn take(&mut self, exam: &Arc<Exam>) {
        self.entries.entry(exam.order.number.clone()).or_insert_with(|| Entry {
            exam: Arc::clone(exam),
            charge: Progress::default(),
            result: Progress::default(),
            requests: BTreeSet::new(),
            forgotten: false,
        });
    }

    fn progress(&mut self, order: &str, kind: Kind) -> Option<&mut Progress> {
        self.entries.get_mut(order).map(|entry| entry.progress_mut(kind))
    }
}

impl Entry {
    /// Whether the charge is due: it was never attempted, or an operator has asked for more.
    pub(crate) fn is_due(&self) -> bool {
        !self.forgotten && (self.charge.attempts as usize) < 1 + self.requests.len()
    }

    /// How far the order's charge or result has come.
    pub(crate) const fn progress(&self, kind: Kind) -> &Progress {
        match kind {
            Kind::Charge => &self.charge,
            Kind::Result => &self.result,
        }
    }

    const fn progress_mut(&mut self, kind: Kind) -> &mut Progress {
        match kind {
            Kind::Charge => &mut self.charge,
            Kind::Result => &mut self.result,
        }
    }
}

impl Progress {
    /// Whether bytes may have left and nothing was settled.
    pub(crate) const fn is_open(&self) -> bool {
        self.attempts > 0 && self.outcome.is_none()
    }

    const fn standing(&self) -> Outcome {
        match self.outcome {
            Some(outcome) => outcome,
            None if self.attempts > 0 => Outcome::Unknown,
            None => Outcome::NotSent,
        }
    }
}
