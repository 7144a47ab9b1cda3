//! Where in a message: `PID-3`, `FT1[2]-7.1`, `FT1[2]-26[1].3.1`.
//!
//! A path only names a place; whether a message has it is the message's to say.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A field of a message, or a part of one. All numbers count from 1.
///
/// ```
/// use chargeproof::hl7::Path;
/// let path: Path = "FT1[2]-26[1].3".parse()?;
/// assert_eq!((path.occurrence, path.field, path.component), (2, 26, Some(3)));
/// assert_eq!(path.to_string(), "FT1[2]-26[1].3");
/// # Ok::<(), chargeproof::hl7::PathError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path {
    /// Id of the segment, three characters.
    pub segment: String,
    /// Which of the segments with that id.
    pub occurrence: usize,
    /// Number of the field.
    pub field: usize,
    /// Which repetition; the first, when only a component is named.
    pub repetition: Option<usize>,
    /// Which component; all of them, when none is named.
    pub component: Option<usize>,
    /// Which subcomponent; all of them, when none is named.
    pub subcomponent: Option<usize>,
}

/// Why a text is no path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no path: {why}\nhint: a path is written like `PID-5.1`, `FT1[2]-7` or `FT1-26[2].1`"
)]
pub struct PathError {
    text: String,
    why: &'static str,
}

impl PathError {
    /// What is wrong with it.
    #[must_use]
    pub const fn why(&self) -> &'static str {
        self.why
    }
}

impl Path {
    /// A whole field of the first such segment.
    #[must_use]
    pub fn field(segment: &str, field: usize) -> Self {
        Parts {
            segment,
            occurrence: 1,
            field,
            repetition: None,
            component: None,
            subcomponent: None,
        }
        .to_path()
    }

    /// A path written in this program.
    ///
    /// # Panics
    /// When `text` is no path, which is our own bug.
    #[must_use]
    pub fn literal(text: &str) -> Self {
        Parts::literal(text).to_path()
    }

    /// The same place in another segment of the same id.
    #[must_use]
    pub fn at(&self, occurrence: usize) -> Self {
        Self { occurrence, ..self.clone() }
    }

    pub(super) fn parts(&self) -> Parts<'_> {
        Parts {
            segment: &self.segment,
            occurrence: self.occurrence,
            field: self.field,
            repetition: self.repetition,
            component: self.component,
            subcomponent: self.subcomponent,
        }
    }
}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let parts = Parts::parse(text);
        parts.map(|parts| parts.to_path()).map_err(|why| PathError { text: text.to_owned(), why })
    }
}

impl fmt::Display for Path {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.segment)?;
        if self.occurrence != 1 {
            write!(out, "[{}]", self.occurrence)?;
        }
        write!(out, "-{}", self.field)?;
        if let Some(repetition) = self.repetition {
            write!(out, "[{repetition}]")?;
        }
        if let Some(component) = self.component {
            write!(out, ".{component}")?;
        }
        if let Some(subcomponent) = self.subcomponent {
            write!(out, ".{subcomponent}")?;
        }
        Ok(())
    }
}

impl Serialize for Path {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Path {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Path {
    fn schema_name() -> Cow<'static, str> {
        "Path".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "a field or a part of one, such as `PID-5.1` or `FT1[2]-26[1]`",
            "pattern": r"^[A-Z][A-Z0-9]{2}(\[[1-9][0-9]*\])?-[1-9][0-9]*(\[[1-9][0-9]*\])?(\.[1-9][0-9]*){0,2}$",
        })
    }
}

/// A path that borrows its segment id, so that a literal is read without allocating.
#[derive(Clone, Copy)]
pub(super) struct Parts<'p> {
    pub(super) segment: &'p str,
    pub(super) occurrence: usize,
    pub(super) field: usize,
    pub(super) repetition: Option<usize>,
    pub(super) component: Option<usize>,
    pub(super) subcomponent: Option<usize>,
}

impl<'p> Parts<'p> {
    pub(super) fn literal(text: &'p str) -> Self {
        match Self::parse(text) {
            Ok(parts) => parts,
            Err(why) => panic!("invariant: `{text}` is a path written in this program: {why}"),
        }
    }

    fn parse(text: &'p str) -> Result<Self, &'static str> {
        let bytes = text.as_bytes();
        let is_id = bytes.len() > 3
            && bytes[0].is_ascii_uppercase()
            && bytes[1..3].iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        if !is_id {
            return Err("it does not begin with the id of a segment, three capitals or digits");
        }
        let mut rest = &bytes[3..];
        let occurrence = bracketed(&mut rest)?.unwrap_or(1);
        let field =
            after(b'-', &mut rest)?.ok_or("the segment is not followed by `-` and a field")?;
        let repetition = bracketed(&mut rest)?;
        let component = after(b'.', &mut rest)?;
        let subcomponent = after(b'.', &mut rest)?;
        if !rest.is_empty() {
            return Err("something follows where it should end");
        }
        Ok(Self { segment: &text[..3], occurrence, field, repetition, component, subcomponent })
    }

    fn to_path(self) -> Path {
        Path {
            segment: self.segment.to_owned(),
            occurrence: self.occurrence,
            field: self.field,
            repetition: self.repetition,
            component: self.component,
            subcomponent: self.subcomponent,
        }
    }
}

#[inline]
fn bracketed(rest: &mut &[u8]) -> Result<Option<usize>, &'static str> {
    let number = after(b'[', rest)?;
    if number.is_some() {
        *rest = rest.strip_prefix(b"]").ok_or("a `[` is not closed")?;
    }
    Ok(number)
}

/// The number after `mark`, if `mark` is what comes next.
#[inline]
fn after(mark: u8, rest: &mut &[u8]) -> Result<Option<usize>, &'static str> {
    let [first, digits @ ..] = *rest else {
        return Ok(None);
    };
    if *first != mark {
        return Ok(None);
    }
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 || count > MOST_DIGITS || digits[0] == b'0' {
        return Err("a number is missing, too great, or begins with 0");
    }
    let number = digits[..count].iter().fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0'));
    *rest = &digits[count..];
    Ok(Some(number))
}

/// No message has a million of anything that a path counts.
const MOST_DIGITS: usize = 6;

#[cfg(test)]
mod tests {
    use quickcheck::quickcheck;
    use rstest::rstest;

    use super::Path;

    #[rstest]
    #[case("PID-3")]
    #[case("FT1[2]-7")]
    #[case("FT1[2]-7.1")]
    #[case("FT1-26[2]")]
    #[case("FT1[2]-26[1].3.1")]
    #[case("ZX1-1.2.3")]
    fn a_path_is_written_back_as_it_was_read(#[case] text: &str) {
        assert_eq!(text.parse::<Path>().unwrap().to_string(), text);
    }

    #[test]
    fn the_first_occurrence_need_not_be_named() {
        assert_eq!(Path::literal("FT1[1]-7"), Path::literal("FT1-7"));
    }

    #[rstest]
    #[case::nothing("")]
    #[case::no_field("FT1")]
    #[case::field_zero("FT1-0")]
    #[case::leading_zero("FT1-07")]
    #[case::occurrence_zero("FT1[0]-7")]
    #[case::open("FT1[2-7")]
    #[case::lower_case("ft1-7")]
    #[case::digit_first("1FT-7")]
    #[case::too_deep("FT1-7.1.1.1")]
    #[case::trailing("FT1-7 ")]
    #[case::dangling("FT1-7.")]
    #[case::great("FT1-99999999999999999999")]
    #[case::wide("F\u{df}-7")]
    fn what_is_no_path_is_refused_with_a_hint(#[case] text: &str) {
        let error = text.parse::<Path>().unwrap_err().to_string();
        assert!(error.starts_with(&format!("`{text}` is no path: ")), "{error}");
        assert!(error.contains("\nhint: "), "{error}");
    }

    #[test]
    fn paths_sort_by_place() {
        let mut paths = ["PID-3", "FT1[2]-1", "FT1-10", "FT1-9", "FT1-9.2"].map(Path::literal);
        paths.sort();
        assert_eq!(
            paths.map(|p| p.to_string()),
            ["FT1-9", "FT1-9.2", "FT1-10", "FT1[2]-1", "PID-3"]
        );
    }

    #[test]
    fn a_path_is_stored_as_its_text() {
        let stored = serde_json::to_string(&Path::literal("FT1[2]-7.1")).unwrap();
        assert_eq!(stored, "\"FT1[2]-7.1\"");
        assert_eq!(serde_json::from_str::<Path>(&stored).unwrap(), Path::literal("FT1[2]-7.1"));
    }

    quickcheck! {
        fn any_text_is_a_path_or_is_refused(text: String) -> bool {
            match text.parse::<Path>() {
                Ok(path) => path.to_string().parse() == Ok(path),
                Err(_) => true,
            }
        }
    }
}
