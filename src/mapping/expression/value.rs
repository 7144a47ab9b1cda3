//! What a field holds: a template, one of two templates, or a template repeated.

use serde::{Deserialize, Serialize};

use crate::mapping::expression::condition::Condition;
use crate::mapping::expression::fact::Fact;
use crate::mapping::expression::field_text::FieldText;
use crate::mapping::expression::scope::Scope;
use crate::mapping::expression::template::Template;
use crate::mapping::place::Each;
use crate::mapping::volatile::Volatile;

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Value {
    /// One template.
    Plain(Template),
    /// A template that depends on the exam, or one for each of its parts.
    Chosen(Chosen),
}

/// `{ each: …, when: …, is: …, otherwise: … }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Chosen {
    /// The field repeats, once for each of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) each: Option<Each>,
    /// Which template is taken; looked at for each repetition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) when: Option<Condition>,
    /// The template, where the condition holds.
    pub(crate) is: Template,
    /// The template, where it does not.
    #[serde(default, skip_serializing_if = "Template::is_empty")]
    pub(crate) otherwise: Template,
}

impl Value {
    /// Writes the text of the field, escaped and not yet encoded.
    pub(crate) fn write(&self, scope: &Scope<'_>, out: &mut FieldText) {
        match self {
            Self::Plain(template) => template.write(scope, out),
            Self::Chosen(chosen) => chosen.write(scope, out),
        }
    }

    /// Whether it removes the field.
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Self::Plain(template) if template.is_empty())
    }

    /// What of it varies between equal messages: in the whole field (nothing), or in the
    /// component of that number.
    pub(crate) fn volatile(&self) -> Vec<(Option<usize>, Volatile)> {
        let chosen = match self {
            Self::Plain(template) => return template.volatile(),
            Self::Chosen(chosen) => chosen,
        };
        let found = chosen.is.volatile().into_iter().chain(chosen.otherwise.volatile());
        // One template may write the component that another leaves alone.
        found.map(|(_, volatile)| (None, volatile)).collect()
    }

    /// The facts that its condition looks at.
    pub(crate) fn asked(&self) -> impl Iterator<Item = Fact> {
        let condition = match self {
            Self::Plain(_) => None,
            Self::Chosen(chosen) => chosen.when.as_ref(),
        };
        condition.into_iter().flat_map(Condition::facts)
    }

    /// Every fact that it names.
    pub(crate) fn facts(&self) -> impl Iterator<Item = Fact> {
        let templates: [Option<&Template>; 2] = match self {
            Self::Plain(template) => [Some(template), None],
            Self::Chosen(chosen) => [Some(&chosen.is), Some(&chosen.otherwise)],
        };
        templates.into_iter().flatten().flat_map(Template::facts).chain(self.asked())
    }

    /// What it repeats for, if it does.
    pub(crate) const fn each(&self) -> Option<Each> {
        match self {
            Self::Plain(_) => None,
            Self::Chosen(chosen) => chosen.each,
        }
    }
}

impl Chosen {
    fn write(&self, scope: &Scope<'_>, out: &mut FieldText) {
        let Some(each) = self.each else { return self.write_one(scope, out) };
        let mut first = true;
        for turn in scope.each(each, &[]) {
            let mut text = FieldText::default();
            self.write_one(&turn, &mut text);
            let text = text.finish();
            if text.is_empty() {
                continue;
            }
            if !first {
                out.separator('~');
            }
            out.escaped(text);
            first = false;
        }
    }

    fn write_one(&self, scope: &Scope<'_>, out: &mut FieldText) {
        let holds = self.when.as_ref().is_none_or(|condition| condition.holds(scope));
        if holds { self.is.write(scope, out) } else { self.otherwise.write(scope, out) }
    }
}
