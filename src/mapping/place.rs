//! Where a value goes: the fields of segments, and what a segment is repeated for.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::mapping::mistake::Mistake;

/// One whole field of a segment, such as `PID-3`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct FieldName {
    /// Three characters, such as `PID`.
    pub(crate) segment: String,
    /// The field's number as HL7 counts it, from 1.
    pub(crate) number: usize,
}

impl FieldName {
    pub(crate) fn new(segment: &str, number: usize) -> Self {
        Self { segment: segment.to_owned(), number }
    }
}

impl FromStr for FieldName {
    type Err = Mistake;

    fn from_str(text: &str) -> Result<Self, Mistake> {
        let wrong = || {
            Mistake::new(format!("`{text}` is not a field")).hint(
                "write a segment and a number, as in `PID-3`; components go into the template",
            )
        };
        let (segment, number) = text.split_once('-').ok_or_else(wrong)?;
        let counted = number.parse().ok().filter(|number| (1..=HIGHEST).contains(number));
        match counted {
            Some(counted) if is_segment(segment) && !number.starts_with(['0', '+']) => {
                Ok(Self::new(segment, counted))
            }
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for FieldName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}", self.segment, self.number)
    }
}

impl TryFrom<String> for FieldName {
    type Error = Mistake;

    fn try_from(text: String) -> Result<Self, Mistake> {
        text.parse()
    }
}

impl From<FieldName> for String {
    fn from(name: FieldName) -> Self {
        name.to_string()
    }
}

/// What a segment, or a repetition of a field, is written once for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Each {
    /// A charge line that is sent for the exam.
    Charge,
    /// A diagnosis.
    Diagnosis,
    /// An eye that was graded.
    Finding,
    /// An image.
    Image,
}

impl Each {
    const ALL: [(&'static str, Self); 4] = [
        ("charge", Self::Charge),
        ("diagnosis", Self::Diagnosis),
        ("finding", Self::Finding),
        ("image", Self::Image),
    ];

    /// What a mapping calls by this word.
    pub(crate) fn called(word: &str) -> Result<Self, Mistake> {
        let known = Self::ALL.iter().find(|(known, _)| *known == word);
        known.map(|(_, each)| *each).ok_or_else(|| {
            Mistake::new(format!("nothing can be repeated for each `{word}`"))
                .hint("for each `charge`, `diagnosis`, `finding` or `image`")
                .part(word)
        })
    }

    /// As a mapping writes it.
    pub(crate) fn word(self) -> &'static str {
        let known = Self::ALL.iter().find(|(_, each)| *each == self);
        known.expect("invariant: every repetition has a word").0
    }
}

/// No segment of HL7 v2 has more fields than this; a greater number is a slip.
const HIGHEST: usize = 200;

/// Three characters, a letter first; capitals and digits only.
pub(crate) fn is_segment(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 3
        && bytes[0].is_ascii_uppercase()
        && bytes.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::FieldName;

    #[rstest]
    #[case("PID-3")]
    #[case("FT1-26")]
    #[case("ZFT-1")]
    fn a_field_reads_back_as_it_was_written(#[case] text: &str) {
        assert_eq!(text.parse::<FieldName>().unwrap().to_string(), text);
    }

    #[rstest]
    #[case("PID-x")]
    #[case("PID")]
    #[case("PID-0")]
    #[case("PID-03")]
    #[case("PID-+3")]
    #[case("PID-3.1")]
    #[case("PID-201")]
    #[case("pid-3")]
    #[case("PATIENT-3")]
    #[case("1PD-3")]
    #[case("")]
    fn anything_else_is_not_a_field(#[case] text: &str) {
        let mistake = text.parse::<FieldName>().unwrap_err();
        assert_eq!(mistake.message(), format!("`{text}` is not a field"));
    }

    #[test]
    fn fields_are_in_the_order_of_their_numbers() {
        let mut fields =
            ["FT1-10", "FT1-9", "FT1-1"].map(|text| text.parse::<FieldName>().unwrap());
        fields.sort();
        assert_eq!(fields.map(|field| field.number), [1, 9, 10]);
    }
}
