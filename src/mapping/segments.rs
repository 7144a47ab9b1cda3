//! Which segments a message has, in their order: `PID`, `FT1 for each charge`, and groups that are
//! repeated together, as in `{FT1 PR1} for each charge`.
//!
//! Groups nest, and are written as HL7's message tables write them: in braces, or in brackets, which
//! mean the same here, for a segment that says nothing is never sent. How often a group comes is said
//! behind it; without that it comes once.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::mapping::mistake::Mistake;
use crate::mapping::place::{Each, is_segment};

/// A segment or a group of them, and what it is repeated for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct SegmentRule {
    pub(crate) block: Block,
    pub(crate) each: Option<Each>,
}

/// What is written as often as its rule says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Block {
    /// One segment, by its id.
    Segment(String),
    /// Several, one behind the other.
    Group(Vec<SegmentRule>),
}

/// A segment with everything that it is repeated for, the outermost first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leaf<'r> {
    pub(crate) id: &'r str,
    pub(crate) repeated: Vec<Each>,
}

impl SegmentRule {
    /// Its segments, in their order.
    pub(crate) fn leaves(&self) -> Vec<Leaf<'_>> {
        let mut found = match &self.block {
            Block::Segment(id) => vec![Leaf { id, repeated: Vec::new() }],
            Block::Group(rules) => rules.iter().flat_map(Self::leaves).collect(),
        };
        if let Some(each) = self.each {
            found.iter_mut().for_each(|leaf| leaf.repeated.insert(0, each));
        }
        found
    }
}

impl FromStr for SegmentRule {
    type Err = Mistake;

    fn from_str(text: &str) -> Result<Self, Mistake> {
        let mut reader = Reader { text, rest: text.trim(), depth: 0 };
        let rule = reader.rule()?;
        if reader.rest.is_empty() { Ok(rule) } else { Err(no_segment(text)) }
    }
}

/// Reads a rule piece by piece.
struct Reader<'t> {
    text: &'t str,
    rest: &'t str,
    depth: usize,
}

impl<'t> Reader<'t> {
    fn rule(&mut self) -> Result<SegmentRule, Mistake> {
        let block = match self.rest.chars().next() {
            Some('{') => self.group('}')?,
            Some('[') => self.group(']')?,
            _ => match self.word() {
                id if is_segment(id) => Block::Segment(id.to_owned()),
                _ => return Err(no_segment(self.text)),
            },
        };
        let Some(rest) = self.rest.strip_prefix("for each ") else {
            return Ok(SegmentRule { block, each: None });
        };
        self.rest = rest;
        let each = Each::called(self.word())?;
        Ok(SegmentRule { block, each: Some(each) })
    }

    fn group(&mut self, end: char) -> Result<Block, Mistake> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Mistake::new("groups of segments are nested too deep"));
        }
        self.rest = self.rest[1..].trim_start();
        let mut rules = Vec::new();
        while !self.rest.starts_with(end) {
            if self.rest.is_empty() {
                let mistake = Mistake::new(format!("a group of segments without its `{end}`"));
                return Err(mistake.hint("as in `{FT1 PR1} for each charge`"));
            }
            rules.push(self.rule()?);
        }
        self.rest = self.rest[1..].trim_start();
        self.depth -= 1;
        match rules.is_empty() {
            true => Err(no_segment(self.text)),
            false => Ok(Block::Group(rules)),
        }
    }

    /// What comes next up to a blank or to where a group begins or ends.
    fn word(&mut self) -> &'t str {
        let ends = |letter: char| letter.is_whitespace() || matches!(letter, '{' | '}' | '[' | ']');
        let end = self.rest.find(ends).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        word
    }
}

fn no_segment(text: &str) -> Mistake {
    Mistake::new(format!("`{text}` is not a segment"))
        .hint("write `PID`, `FT1 for each charge`, or a group: `{FT1 PR1} for each charge`")
}

/// No message of HL7 v2 has groups in groups as deep as this.
const DEEPEST: usize = 8;

impl fmt::Display for SegmentRule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.block {
            Block::Segment(id) => out.write_str(id)?,
            Block::Group(rules) => {
                let rules: Vec<String> = rules.iter().map(Self::to_string).collect();
                write!(out, "{{{}}}", rules.join(" "))?;
            }
        }
        match self.each {
            None => Ok(()),
            Some(each) => write!(out, " for each {}", each.word()),
        }
    }
}

impl TryFrom<String> for SegmentRule {
    type Error = Mistake;

    fn try_from(text: String) -> Result<Self, Mistake> {
        text.parse()
    }
}

impl From<SegmentRule> for String {
    fn from(rule: SegmentRule) -> Self {
        rule.to_string()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{Leaf, SegmentRule};

    #[rstest]
    #[case("PID", &[("PID", "")])]
    #[case("FT1 for each charge", &[("FT1", "charge")])]
    #[case("DG1 for each diagnosis", &[("DG1", "diagnosis")])]
    #[case("{FT1 PR1} for each charge", &[("FT1", "charge"), ("PR1", "charge")])]
    #[case("{FT1 {PR1}} for each charge", &[("FT1", "charge"), ("PR1", "charge")])]
    #[case("{ORC {OBX for each finding NTE} for each image}", &[
        ("ORC", ""), ("OBX", "image finding"), ("NTE", "image")])]
    fn a_rule_says_how_often_each_segment_is_written(
        #[case] text: &str,
        #[case] leaves: &[(&str, &str)],
    ) {
        let rule: SegmentRule = text.parse().unwrap();
        assert_eq!(rule.to_string(), text);
        let words =
            |leaf: &Leaf<'_>| leaf.repeated.iter().map(|each| each.word()).collect::<Vec<_>>();
        let found: Vec<(String, String)> =
            rule.leaves().iter().map(|leaf| (leaf.id.to_owned(), words(leaf).join(" "))).collect();
        let found: Vec<(&str, &str)> =
            found.iter().map(|(id, words)| (id.as_str(), words.as_str())).collect();
        assert_eq!(found, leaves);
    }

    #[test]
    fn brackets_and_blanks_are_read_as_hl7_writes_them() {
        let rule: SegmentRule = " { FT1 [ { PR1 } ] }  for each charge".parse().unwrap();
        assert_eq!(rule.to_string(), "{FT1 {{PR1}}} for each charge");
    }

    #[rstest]
    #[case("FT1 for each visit", "nothing can be repeated for each `visit`")]
    #[case("{FT1 PR1} for each visit", "nothing can be repeated for each `visit`")]
    #[case("FT1 for charge", "`FT1 for charge` is not a segment")]
    #[case("{FT1 pr1} for each charge", "`{FT1 pr1} for each charge` is not a segment")]
    #[case("{FT1 PR1 for each charge", "a group of segments without its `}`")]
    #[case("{FT1 PR1]", "`{FT1 PR1]` is not a segment")]
    #[case("FT1}", "`FT1}` is not a segment")]
    #[case("{}", "`{}` is not a segment")]
    #[case("{{{{{{{{{PID}}}}}}}}}", "groups of segments are nested too deep")]
    #[case("", "`` is not a segment")]
    fn a_rule_that_makes_no_sense_is_a_mistake(#[case] text: &str, #[case] message: &str) {
        assert_eq!(text.parse::<SegmentRule>().unwrap_err().message(), message);
    }
}
