//! Templates: what an author wrote for a field, parsed once.
//!
//! `{fact}` stands for a fact. `^`, `~` and `&` are structure; every other character stands for
//! itself and is escaped where HL7 needs it. `{{` and `}}` are braces.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::mapping::expression::fact::Fact;
use crate::mapping::expression::field_text::FieldText;
use crate::mapping::expression::scope::Scope;
use crate::mapping::mistake::Mistake;
use crate::mapping::volatile::Volatile;

/// A parsed template.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Template {
    parts: Vec<Part>,
}

/// One part of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Text(String),
    Structure(char),
    Fact(Fact),
}

impl Template {
    /// Whether it says nothing at all, which is how a mapping removes a field.
    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Its parts, in their order.
    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The facts that it names.
    pub(crate) fn facts(&self) -> impl Iterator<Item = Fact> {
        self.parts.iter().filter_map(|part| match part {
            Part::Fact(fact) => Some(*fact),
            _ => None,
        })
    }

    /// What of it varies between equal messages: in the whole field (nothing), or in the
    /// component of that number, where the component can be told before the facts are known.
    pub(crate) fn volatile(&self) -> Vec<(Option<usize>, Volatile)> {
        let has = |separator| self.parts.contains(&Part::Structure(separator));
        let whole = self.facts().any(Fact::has_structure) || has('~') || !has('^');
        let mut component = 1;
        let mut found = Vec::new();
        for part in &self.parts {
            match part {
                Part::Structure('^') => component += 1,
                Part::Fact(fact) => {
                    let place = (!whole).then_some(component);
                    found.extend(fact.volatile().map(|volatile| (place, volatile)));
                }
                _ => {}
            }
        }
        found
    }

    /// Writes it, filled in.
    pub(crate) fn write(&self, scope: &Scope<'_>, out: &mut FieldText) {
        for part in &self.parts {
            match part {
                Part::Text(text) => out.text(text),
                Part::Structure(separator) => out.separator(*separator),
                Part::Fact(fact) => fact.write(scope, out),
            }
        }
    }

    fn push_char(&mut self, letter: char) {
        if let Some(Part::Text(text)) = self.parts.last_mut() {
            text.push(letter);
        } else {
            self.parts.push(Part::Text(letter.into()));
        }
    }
}

impl FromStr for Template {
    type Err = Mistake;

    fn from_str(text: &str) -> Result<Self, Mistake> {
        let mut template = Self::default();
        let mut rest = text;
        while let Some(letter) = rest.chars().next() {
            let mut taken = letter.len_utf8();
            if rest.starts_with("{{") || rest.starts_with("}}") {
                template.push_char(letter);
                taken = 2;
            } else if letter == '{' {
                let end = rest.find('}').ok_or_else(|| unclosed(text))?;
                template.parts.push(Part::Fact(rest[1..end].trim().parse()?));
                taken = end + 1;
            } else if letter == '}' {
                return Err(unopened(text));
            } else if matches!(letter, '^' | '~' | '&') {
                template.parts.push(Part::Structure(letter));
            } else {
                template.push_char(letter);
            }
            rest = &rest[taken..];
        }
        Ok(template)
    }
}

fn unclosed(text: &str) -> Mistake {
    Mistake::new(format!("a `{{` without its `}}` in `{text}`")).hint("write `{{` for a brace")
}

fn unopened(text: &str) -> Mistake {
    Mistake::new(format!("a `}}` without its `{{` in `{text}`")).hint("write `}}` for a brace")
}

impl fmt::Display for Template {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                Part::Text(text) => {
                    out.write_str(&text.replace('{', "{{").replace('}', "}}"))?;
                }
                Part::Structure(separator) => write!(out, "{separator}")?,
                Part::Fact(fact) => write!(out, "{{{fact}}}")?,
            }
        }
        Ok(())
    }
}

impl TryFrom<String> for Template {
    type Error = Mistake;

    fn try_from(text: String) -> Result<Self, Mistake> {
        text.parse()
    }
}

impl From<Template> for String {
    fn from(template: Template) -> Self {
        template.to_string()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::Template;

    #[rstest]
    #[case("")]
    #[case("{patient.mrn}^^^^MRN")]
    #[case("{{{site}}}")]
    #[case("a|b\\c&d~{now}")]
    #[case("É^{signed.day}")]
    fn a_template_reads_back_as_it_was_written(#[case] text: &str) {
        let template: Template = text.parse().unwrap();
        assert_eq!(template.to_string(), text);
        assert_eq!(template.to_string().parse::<Template>().unwrap(), template);
    }

    #[rstest]
    #[case("{site", "a `{` without its `}` in `{site`")]
    #[case("site}", "a `}` without its `{` in `site}`")]
    #[case("{}", "there is no fact ``")]
    #[case("{ sight }", "there is no fact `sight`")]
    fn a_template_that_makes_no_sense_is_a_mistake(#[case] text: &str, #[case] message: &str) {
        assert_eq!(text.parse::<Template>().unwrap_err().message(), message);
    }
}
