//! Bytes of a script in which something is filled in when it plays.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::history::Raw;
use crate::hl7::{Message, Path};

/// A part of such bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Text {
    /// Bytes as they are.
    Bytes(Raw),
    /// What is filled in.
    Fill(Fill),
}

/// What can be filled in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fill {
    /// What the message says at this place, as it stands there.
    Field(Path),
    /// The EMR's clock, `yyyyMMddHHmmss`.
    Time,
    /// A control id that this EMR has not used before.
    Number,
}

impl Fill {
    /// What goes by these names; every field goes by its path besides.
    pub const NAMES: [&str; 4] = ["control_id", "sequence", "time", "number"];

    /// What goes by this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "control_id" => Some(Self::Field(Path::literal("MSH-10"))),
            "sequence" => Some(Self::Field(Path::literal("MSH-13"))),
            "time" => Some(Self::Time),
            "number" => Some(Self::Number),
            path => path.parse().ok().map(Self::Field),
        }
    }
}

impl fmt::Display for Fill {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(path) => write!(out, "{path}"),
            Self::Time => out.write_str("time"),
            Self::Number => out.write_str("number"),
        }
    }
}

impl Text {
    /// Its bytes in answer to `message`; none where those are the EMR's own affair.
    #[must_use]
    pub fn of<'t>(&'t self, message: &Message<'t>) -> Option<&'t [u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes.as_slice()),
            Self::Fill(Fill::Field(path)) => Some(message.get(path).unwrap_or_default()),
            Self::Fill(Fill::Time | Fill::Number) => None,
        }
    }
}
