//! Mapping instructions (YAML) and the message that they make of an exam.

use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use crate::exam::Exam;

/// Mapping instructions with every parent resolved.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// Its name, such as `iris/option-2`.
    pub name: String,
    /// Which fields make an order and a charge, and which rule applies.
    pub identity: Identity,
}

/// Which fields make an order and a charge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Path of the field that identifies the order, such as `FT1-3`.
    pub order: String,
    /// Paths of the parts of an FT1 that make it a distinct charge.
    pub distinct: Vec<String>,
    /// Which rule applies.
    pub rule: OnceRule,
}

/// Which once rule the agreement has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnceRule {
    /// One charge message per order.
    PerOrder,
    /// Several messages per order are allowed; no FT1 line is ever repeated.
    PerCharge,
}

/// What the sender's clock adds to the facts of an exam.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Now, UTC.
    pub now: DateTime,
    /// The message's MSH-10.
    pub control_id: String,
}

/// What makes a field's value differ between two equal messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Volatile {
    /// The sender's clock.
    Time,
    /// MSH-10.
    ControlId,
}

impl Mapping {
    /// The message for `exam`: segments that each end in a carriage return, without framing.
    #[must_use]
    pub fn message(&self, _exam: &Exam, _stamp: &Stamp) -> Vec<u8> {
        Vec::new()
    }

    /// The fields whose values vary between equal messages, such as `MSH-7`.
    #[must_use]
    pub fn volatile(&self) -> Vec<(String, Volatile)> {
        Vec::new()
    }
}
