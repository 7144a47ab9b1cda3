//! Charge lines: which FT1 segments a mapping sends, and what each of them charges.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::exam::Gradable;

use crate::mapping::expression::condition::Condition;
use crate::mapping::expression::fact::Moment;
use crate::mapping::expression::field_text::FieldText;
use crate::mapping::expression::template::Template;
use crate::mapping::expression::value::Value;
use crate::mapping::place::FieldName;

/// One charge line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Line {
    /// Its name in the mapping, such as `professional`.
    pub(crate) name: String,
    /// What is charged: code, text and coding system.
    pub(crate) code: Template,
    /// The event whose date the charge bears.
    pub(crate) date: ChargeDate,
    /// What `{charge.modifiers}` says.
    pub(crate) modifiers: Modifiers,
    /// When the line is sent; always, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) when: Option<Condition>,
    /// Fields in which it differs from the other lines; an empty one is left out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) fields: BTreeMap<FieldName, Value>,
}

/// The event whose date a charge bears.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ChargeDate {
    /// The grader signed: the date of a professional charge.
    Signed,
    /// The first image was captured: the date of a technical and of a CPT II charge.
    Captured,
}

impl ChargeDate {
    pub(crate) const fn moment(self) -> Moment {
        match self {
            Self::Signed => Moment::Signed,
            Self::Captured => Moment::Captured,
        }
    }
}

/// The modifiers of a line, decided: what the mapping's switches leave out is not here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Modifiers {
    /// The component that is charged: 26 or TC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) component: Option<String>,
    /// Added where some images but not all are gradable: 52.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) partly_gradable: Option<String>,
    /// Added where no image is gradable: NC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ungradable: Option<String>,
}

impl Modifiers {
    /// Writes the modifiers of an exam of which so much was gradable, the component first.
    pub(crate) fn write(&self, gradable: Gradable, out: &mut FieldText) {
        let images = match gradable {
            Gradable::All => None,
            Gradable::Some => self.partly_gradable.as_deref(),
            Gradable::None => self.ungradable.as_deref(),
        };
        for (index, modifier) in self.component.as_deref().into_iter().chain(images).enumerate() {
            if index > 0 {
                out.separator('~');
            }
            out.text(modifier);
        }
    }
}
