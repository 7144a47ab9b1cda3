//! The parameters of the faults; which fault reads which is said in the catalogue.
//!
//! A parameter that a fault does not read would be a wish that nobody hears, so it is a mistake
//! of its author. What a parameter means on the wire is the EMR's business.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::history::Micros;
use crate::hl7::Path;
use crate::hl7::ack::Code;

/// Parameters of a fault; each fault reads those that the catalogue names, and has defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Parameters {
    /// How long to wait before, between or after, by fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Micros>,
    /// A byte count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// How many times.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// How many messages or connections.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// Text to carry, such as MSA-3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Acknowledgement code to use instead of the fault's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// Code of table 0357, which the ERR segment carries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<u16>,
    /// The field that the ERR segment points at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Path>,
    /// ERR-4.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<char>,
    /// Which form of several that go by one name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form: Option<String>,
    /// Where the reply is cut off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut: Option<Cut>,
}

/// What a plan says of a fault that is played. Planning fills in all that a fault reads and cannot do
/// without (`Fault::usual`); of what is missing all the same, there is none.
impl Parameters {
    /// How long; no time at all, if nobody said so.
    #[must_use]
    pub fn after(&self) -> Duration {
        self.after.map_or(Duration::ZERO, Duration::from)
    }

    /// How many bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.unwrap_or(0)
    }

    /// How many times.
    #[must_use]
    pub fn times(&self) -> u32 {
        self.times.unwrap_or(0)
    }

    /// How many messages or connections.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count.unwrap_or(0)
    }

    /// Which code, where several go by one name; an acceptance, if nobody said so.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code.unwrap_or(Code::AA)
    }

    /// Which form of several; an empty name is none of them.
    #[must_use]
    pub fn form(&self) -> &str {
        self.form.as_deref().unwrap_or("")
    }
}

/// Where a reply is cut off; nothing of it comes afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cut {
    /// After half of its bytes.
    Half,
    /// After so many bytes.
    Bytes(u64),
}

/// A parameter by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Parameter {
    /// [`Parameters::after`].
    After,
    /// [`Parameters::bytes`].
    Bytes,
    /// [`Parameters::times`].
    Times,
    /// [`Parameters::count`].
    Count,
    /// [`Parameters::text`].
    Text,
    /// [`Parameters::code`].
    Code,
    /// [`Parameters::error`].
    Error,
    /// [`Parameters::at`].
    At,
    /// [`Parameters::severity`].
    Severity,
    /// [`Parameters::form`].
    Form,
    /// [`Parameters::cut`].
    Cut,
}

impl Parameter {
    /// Every parameter.
    pub const ALL: &[Self] = &[
        Self::After,
        Self::Bytes,
        Self::Times,
        Self::Count,
        Self::Text,
        Self::Code,
        Self::Error,
        Self::At,
        Self::Severity,
        Self::Form,
        Self::Cut,
    ];

    /// As it is written in a scenario.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::After => "after",
            Self::Bytes => "bytes",
            Self::Times => "times",
            Self::Count => "count",
            Self::Text => "text",
            Self::Code => "code",
            Self::Error => "error",
            Self::At => "at",
            Self::Severity => "severity",
            Self::Form => "form",
            Self::Cut => "cut",
        }
    }

    /// What it says, in one line.
    #[must_use]
    pub const fn what(self) -> &'static str {
        match self {
            Self::After => "how long to wait before, between or after, by fault",
            Self::Bytes => "how many bytes",
            Self::Times => "how many times",
            Self::Count => "how many messages or connections",
            Self::Text => "the text to carry, such as MSA-3",
            Self::Code => "the acknowledgement code",
            Self::Error => "the code of table 0357, such as `103`",
            Self::At => "the field that ERR points at, such as `FT1[2]-7`",
            Self::Severity => "ERR-4: `E`, `W`, `I` or `F`; written from version 2.5 on",
            Self::Form => "which form of several that go by one name",
            Self::Cut => "where the reply is cut off: `half`, or after so many bytes",
        }
    }
}
