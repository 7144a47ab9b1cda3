//! Conditions: when a charge line is sent, or which of two templates a field takes.
//!
//! ```text
//! over-18 and normal
//! not ungradable
//! order.application is EPIC and diagnoses
//! ```
//! A condition is a list of tests that must all hold. A test is one of the words below, a fact
//! (which holds where it says something), or `FACT is VALUE`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::exam::Gradable;

use crate::mapping::expression::fact::Fact;
use crate::mapping::expression::field_text::FieldText;
use crate::mapping::expression::scope::Scope;
use crate::mapping::mistake::Mistake;

/// Tests that must all hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Condition {
    tests: Vec<(Sense, Test)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sense {
    Holds,
    Fails,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    Gradable(Gradable),
    Normal,
    /// Older than so many years on the date of the result.
    Over(i16),
    Says(Fact),
    Is(Fact, String),
}

const WORDS: [(&str, Test); 4] = [
    ("all-gradable", Test::Gradable(Gradable::All)),
    ("partly-gradable", Test::Gradable(Gradable::Some)),
    ("ungradable", Test::Gradable(Gradable::None)),
    ("normal", Test::Normal),
];

const OVER: &str = "over-";

impl Condition {
    /// Whether every test holds.
    pub(crate) fn holds(&self, scope: &Scope<'_>) -> bool {
        self.tests.iter().all(|(sense, test)| test.holds(scope) == (*sense == Sense::Holds))
    }

    /// The facts that it looks at.
    pub(crate) fn facts(&self) -> impl Iterator<Item = Fact> {
        self.tests.iter().filter_map(|(_, test)| match test {
            Test::Says(fact) | Test::Is(fact, _) => Some(*fact),
            _ => None,
        })
    }
}

impl Test {
    fn holds(&self, scope: &Scope<'_>) -> bool {
        let said = |fact: Fact| {
            let mut text = FieldText::default();
            fact.write(scope, &mut text);
            text.finish().to_owned()
        };
        match self {
            Self::Gradable(expected) => scope.exam.gradable() == *expected,
            Self::Normal => scope.exam.grading.is_normal(),
            Self::Over(years) => scope.exam.is_over(*years),
            Self::Says(fact) => !said(*fact).is_empty(),
            Self::Is(fact, value) => {
                let mut expected = FieldText::default();
                expected.text(value);
                said(*fact).as_str() == expected.finish()
            }
        }
    }
}

impl FromStr for Condition {
    type Err = Mistake;

    fn from_str(text: &str) -> Result<Self, Mistake> {
        let tests = text.split(" and ").map(read_test).collect::<Result<_, _>>()?;
        Ok(Self { tests })
    }
}

fn read_test(text: &str) -> Result<(Sense, Test), Mistake> {
    let text = text.trim();
    if let Some((fact, value)) = text.split_once(" is ") {
        let (sense, value) = match value.trim().strip_prefix("not ") {
            Some(value) => (Sense::Fails, value),
            None => (Sense::Holds, value),
        };
        return Ok((sense, Test::Is(fact.trim().parse()?, value.trim().to_owned())));
    }
    match text.strip_prefix("not ") {
        Some(word) => Ok((Sense::Fails, read_word(word.trim())?)),
        None => Ok((Sense::Holds, read_word(text)?)),
    }
}

fn read_word(word: &str) -> Result<Test, Mistake> {
    if let Some((_, test)) = WORDS.iter().find(|(known, _)| *known == word) {
        return Ok(test.clone());
    }
    if let Some(years) = word.strip_prefix(OVER).and_then(|years| years.parse::<u8>().ok()) {
        return Ok(Test::Over(years.into()));
    }
    word.parse().map(Test::Says).map_err(|mistake: Mistake| {
        let words = WORDS.iter().map(|(known, _)| *known).chain(["over-18"]);
        let plain = Mistake::new(format!("`{word}` is neither a condition nor a fact")).part(word);
        let near = plain.clone().nearest(word, words);
        match (near.advice(), mistake.advice()) {
            (None, Some(advice)) => plain.hint(advice),
            _ => near,
        }
    })
}

impl fmt::Display for Condition {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (sense, test)) in self.tests.iter().enumerate() {
            if index > 0 {
                out.write_str(" and ")?;
            }
            let not = if *sense == Sense::Fails { "not " } else { "" };
            match test {
                Test::Is(fact, value) => write!(out, "{fact} is {not}{value}")?,
                Test::Says(fact) => write!(out, "{not}{fact}")?,
                Test::Over(years) => write!(out, "{not}{OVER}{years}")?,
                Test::Gradable(_) | Test::Normal => {
                    let word = WORDS.iter().find(|(_, known)| known == test);
                    let word = word.expect("invariant: every such test has a word").0;
                    write!(out, "{not}{word}")?;
                }
            }
        }
        Ok(())
    }
}

impl TryFrom<String> for Condition {
    type Error = Mistake;

    fn try_from(text: String) -> Result<Self, Mistake> {
        text.parse()
    }
}

impl From<Condition> for String {
    fn from(condition: Condition) -> Self {
        condition.to_string()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::Condition;

    #[rstest]
    #[case("over-18 and normal")]
    #[case("not ungradable")]
    #[case("order.application is not EPIC and diagnoses and partly-gradable")]
    #[case("patient.family is O'Hara & Sons")]
    fn a_condition_reads_back_as_it_was_written(#[case] text: &str) {
        assert_eq!(text.parse::<Condition>().unwrap().to_string(), text);
    }

    #[rstest]
    #[case(
        "ungradeable",
        "`ungradeable` is neither a condition nor a fact (did you mean `ungradable`?)"
    )]
    #[case("over-eighteen", "`over-eighteen` is neither a condition nor a fact")]
    #[case(
        "diagnosis",
        "`diagnosis` is neither a condition nor a fact (did you mean `diagnoses`?)"
    )]
    #[case("patient.sx is F", "there is no fact `patient.sx` (did you mean `patient.sex`?)")]
    fn a_condition_that_makes_no_sense_is_a_mistake(#[case] text: &str, #[case] message: &str) {
        assert_eq!(text.parse::<Condition>().unwrap_err().to_string(), message);
    }
}
