//! Bytes of a script in which something is filled in when it plays.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::history::Raw;
use crate::hl7::{Message, Path};
use crate::scenario::{A_BRACE, On, Text as Written, When, Word};
use crate::yaml::Diagnostic;

use super::Play;

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
    fn named(name: &str) -> Option<Self> {
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

/// What an author wrote, with all names looked up.
pub(super) fn read(parts: &[Written], on: &On) -> Result<Play, Diagnostic> {
    if let [Written::Bytes(bytes)] = parts {
        return Ok(Play::Raw(bytes.clone().into()));
    }
    let text = |part: &Written| match part {
        Written::Bytes(bytes) => Ok(Text::Bytes(bytes.clone().into())),
        Written::Fill(word) => fill(word, on).map(Text::Fill),
    };
    Ok(Play::Filled(parts.iter().map(text).collect::<Result<_, _>>()?))
}

fn fill(word: &Word, on: &On) -> Result<Fill, Diagnostic> {
    let Some(fill) = Fill::named(&word.text) else {
        let mistake = word.place.error(format!("`{{{}}}` is nothing that is filled in", word.text));
        return Err(mistake
            .hint_words(&word.text, "known are fields, as in `{MSH-10}`, and", Fill::NAMES)
            .hint(A_BRACE));
    };
    let early = matches!(&on.moment, Some((When::Accepted | When::Bytes(_), _)));
    if early && matches!(fill, Fill::Field(_)) {
        let what =
            format!("at this moment nothing of the message is known, nor its `{}`", word.text);
        let mistake = word.place.error(what);
        return Err(mistake.hint("drop `moment` or `bytes` in `on`, or write the value itself"));
    }
    Ok(fill)
}
