//! What makes a field's value differ between two equal messages, and by how much stamps of one
//! message may differ from each other.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::mapping::mistake::Mistake;

/// What makes a field's value differ between two equal messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Volatile {
    /// The sender's clock.
    Time,
    /// MSH-10.
    ControlId,
}

/// How far apart the stamps of one message may be, in seconds: a sender may ask its clock anew for
/// each field that wants the time, and a second may end in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Tolerance(u32);

/// What is agreed where a mapping says nothing else.
impl Default for Tolerance {
    fn default() -> Self {
        Self(1)
    }
}

impl Tolerance {
    /// As a number.
    pub(crate) fn seconds(self) -> i64 {
        self.0.into()
    }

    /// Whether nothing else was agreed.
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl FromStr for Tolerance {
    type Err = Mistake;

    fn from_str(text: &str) -> Result<Self, Mistake> {
        let seconds = text.strip_suffix('s').and_then(|number| number.parse().ok());
        seconds.filter(|seconds| *seconds <= LONGEST).map(Self).ok_or_else(|| {
            Mistake::new(format!("`{text}` is not how far apart stamps may be"))
                .hint("write whole seconds, `0s` to `600s`, as in `2s`")
        })
    }
}

impl fmt::Display for Tolerance {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}s", self.0)
    }
}

impl TryFrom<String> for Tolerance {
    type Error = Mistake;

    fn try_from(text: String) -> Result<Self, Mistake> {
        text.parse()
    }
}

impl From<Tolerance> for String {
    fn from(tolerance: Tolerance) -> Self {
        tolerance.to_string()
    }
}

/// Stamps that are further apart than this are not of one message.
const LONGEST: u32 = 600;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::Tolerance;

    #[rstest]
    #[case("0s", Some(0))]
    #[case("2s", Some(2))]
    #[case("600s", Some(600))]
    #[case("601s", None)]
    #[case("2", None)]
    #[case("-1s", None)]
    #[case("2000ms", None)]
    fn a_tolerance_is_a_number_of_seconds(#[case] text: &str, #[case] seconds: Option<i64>) {
        let read = text.parse::<Tolerance>().ok();
        assert_eq!(read.map(Tolerance::seconds), seconds);
    }
}
