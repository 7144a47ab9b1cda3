//! A mapping file as it is written: shapes only. What it means is decided when its parents are
//! known.

use std::borrow::Cow;
use std::fmt;

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::yaml::At;

use crate::mapping::OnceRule;
use crate::mapping::expression::line::ChargeDate;
use crate::mapping::place::Each;

/// Mapping instructions: how the facts of an exam become one HL7 message. Everything but the
/// name may be left out where a parent says it.
#[derive(Deserialize, JsonSchema)]
#[schemars(title = "chargeproof mapping")]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    /// The mapping's name, such as `mercy-cerner`.
    #[schemars(with = "String")]
    pub(crate) mapping: At<String>,
    /// The mapping from which this one differs in what is written here.
    #[schemars(with = "Option<String>")]
    #[serde(default)]
    pub(crate) extends: Option<At<String>>,
    /// MSH-9, such as `DFT^P03`.
    #[schemars(with = "Option<String>")]
    #[serde(default)]
    pub(crate) message: Option<At<String>>,
    /// MSH-12, in quotes, such as `"2.4"`.
    #[schemars(with = "Option<String>")]
    #[serde(default)]
    pub(crate) version: Option<At<String>>,
    /// MSH-18, such as `8859/1`; decides how characters become bytes.
    #[schemars(with = "Option<String>")]
    #[serde(default)]
    pub(crate) charset: Option<At<String>>,
    /// How far apart the stamps of one message may be, in whole seconds, such as `2s`; one second,
    /// where nothing is said. A sender may ask its clock anew for each field that wants the time.
    #[schemars(with = "Option<String>")]
    #[serde(default)]
    pub(crate) stamps_within: Option<At<String>>,
    /// The segments in their order, such as `PID`, `FT1 for each charge`, or a group that is
    /// repeated as a whole, as HL7 writes it: `{FT1 PR1} for each charge`.
    #[schemars(with = "Option<Vec<String>>")]
    #[serde(default)]
    pub(crate) segments: Option<Vec<At<String>>>,
    /// The charge lines that are sent, in their order: `professional + technical`.
    #[schemars(with = "Option<String>")]
    #[serde(default)]
    pub(crate) option: Option<At<String>>,
    /// Whether the codes tell professional and technical part apart, so that no modifier must.
    #[serde(default)]
    pub(crate) codes_tell_apart: Option<bool>,
    /// Whether the customer pays for exams of which no image is gradable.
    #[serde(default)]
    pub(crate) charge_ungradable: Option<bool>,
    /// A template for each field, such as `PID-3: "{patient.mrn}"`; an empty one removes it.
    #[schemars(with = "IndexMap<String, ValueShape>")]
    #[schemars(extend("propertyNames" = { "pattern": "^[A-Z][A-Z0-9]{2}-[1-9][0-9]*$" }))]
    #[serde(default)]
    pub(crate) fields: IndexMap<String, At<WrittenValue>>,
    /// The charge lines by name.
    #[serde(default)]
    pub(crate) charges: IndexMap<String, LineFile>,
    /// Which fields make an order and a charge.
    #[serde(default)]
    pub(crate) identity: IdentityFile,
}

/// One charge line.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LineFile {
    /// What is charged: `code^text^system`, a template.
    #[schemars(with = "Option<String>")]
    #[serde(default)]
    pub(crate) code: Option<At<String>>,
    /// The event whose date the charge bears.
    #[serde(default)]
    pub(crate) date: Option<ChargeDate>,
    /// What `{charge.modifiers}` says.
    #[serde(default)]
    pub(crate) modifiers: ModifiersFile,
    /// When the line is sent, such as `over-18 and normal`.
    #[schemars(with = "Option<String>")]
    #[serde(default)]
    pub(crate) when: Option<At<String>>,
    /// Fields in which the line differs from the others.
    #[schemars(with = "IndexMap<String, ValueShape>")]
    #[serde(default)]
    pub(crate) fields: IndexMap<String, At<WrittenValue>>,
}

/// The modifiers of a line; an empty one removes what a parent said.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ModifiersFile {
    /// The component that is charged: `26` or `TC`. Left out where the codes tell it.
    pub(crate) component: Option<String>,
    /// Added where some images but not all are gradable: `52`.
    pub(crate) partly_gradable: Option<String>,
    /// Added where no image is gradable and such exams are not charged: `NC`.
    pub(crate) ungradable: Option<String>,
}

/// Which fields make an order and a charge.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct IdentityFile {
    /// The field that identifies the order, such as `FT1-3`.
    #[schemars(with = "Option<String>")]
    pub(crate) order: Option<At<String>>,
    /// The parts of an FT1 that make it a distinct charge.
    #[schemars(with = "Option<Vec<String>>")]
    pub(crate) distinct: Option<Vec<At<String>>>,
    /// `per-order`: one message per order. `per-charge`: no FT1 line is ever repeated.
    pub(crate) rule: Option<OnceRule>,
}

/// What is written for a field.
pub(crate) enum WrittenValue {
    /// A template.
    Plain(String),
    /// A choice or a repetition.
    Chosen(Box<ChosenFile>),
}

/// A template that depends on the exam, or one for each of its parts.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChosenFile {
    /// The field repeats, once for each of these.
    #[serde(default)]
    pub(crate) each: Option<Each>,
    /// When the template is taken, such as `partly-gradable`.
    #[schemars(with = "Option<String>")]
    #[serde(default)]
    pub(crate) when: Option<At<String>>,
    /// The template.
    #[schemars(with = "String")]
    pub(crate) is: At<String>,
    /// The template where the condition does not hold.
    #[schemars(with = "Option<String>")]
    #[serde(default)]
    pub(crate) otherwise: Option<At<String>>,
}

/// The schema of what is written for a field.
struct ValueShape;

impl JsonSchema for ValueShape {
    fn schema_name() -> Cow<'static, str> {
        "Value".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let chosen = generator.subschema_for::<ChosenFile>();
        schemars::json_schema!({ "anyOf": [{ "type": "string" }, chosen] })
    }
}

impl<'de> Deserialize<'de> for WrittenValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = WrittenValue;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a template in quotes, or a map with `is` and `when` or `each`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<WrittenValue, E> {
        Ok(WrittenValue::Plain(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<WrittenValue, A::Error> {
        let chosen = ChosenFile::deserialize(MapAccessDeserializer::new(map))?;
        Ok(WrittenValue::Chosen(Box::new(chosen)))
    }
}
