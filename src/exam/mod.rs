//! The facts of one completed exam: what a charge is built from.
//!
//! Facts only. How they become a message is the mapping's business, and when that message is
//! sent is the sender's.

mod reading;

pub use reading::Gradable;

use jiff::civil::{Date, DateTime};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One completed and graded exam.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exam {
    /// The order that the exam fulfils.
    pub order: Order,
    /// The procedure as ordered; a mapping may name its own instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub procedure: Option<Procedure>,
    /// Site or point of care (ORM PV1-3).
    pub site: String,
    /// The patient.
    pub patient: Patient,
    /// Who ordered the exam (ORM ORC-12).
    pub ordering_provider: Provider,
    /// The grader who signed the result.
    pub interpreter: Provider,
    /// The images, in the order in which they were captured.
    pub images: Vec<Image>,
    /// What the grader found.
    pub grading: Grading,
}

/// The order: its number here and at the EMR.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// Internal order number, unique per order.
    pub number: String,
    /// The EMR's own order number (ORM ORC-2).
    pub emr_number: String,
    /// The application that placed the order (ORM MSH-3).
    #[serde(default)]
    pub application: String,
    /// The number of the order whose charge is taken back: the exam is no charge then, but a
    /// credit, and a record of its own with a number of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credits: Option<String>,
}

impl Order {
    /// The number of the order that is charged, or whose charge is taken back.
    #[must_use]
    pub fn charged(&self) -> &str {
        self.credits.as_ref().unwrap_or(&self.number)
    }

    /// What happens to the patient's account, as FT1-6 says it: `CG` for a charge, `CD` for a
    /// credit (HL7 v2.4 table 0017).
    #[must_use]
    pub const fn transaction(&self) -> &'static str {
        if self.credits.is_some() { "CD" } else { "CG" }
    }
}

/// A coded procedure: code, text, coding system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Procedure {
    /// The code, such as `92250`.
    pub code: String,
    /// What the code means.
    #[serde(default)]
    pub text: String,
    /// The coding system, such as `CPT`; empty for a local code.
    #[serde(default)]
    pub system: String,
}

/// The patient (ORM PID).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Patient {
    /// Medical record number.
    pub mrn: String,
    /// Family name.
    pub family: String,
    /// Given name.
    pub given: String,
    /// Birth date.
    pub born: Date,
    /// Administrative sex.
    pub sex: Sex,
    /// Account (visit, encounter) number.
    #[serde(default)]
    pub account: String,
}

/// Administrative sex, as HL7 table 0001 writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Sex {
    /// Female.
    F,
    /// Male.
    M,
    /// Other.
    O,
    /// Unknown.
    U,
}

/// A provider, with the parts that an XCN field carries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Provider {
    /// Identifier.
    pub id: String,
    /// Family name.
    pub family: String,
    /// Given name.
    pub given: String,
    /// Prefix, such as `DR`.
    pub prefix: String,
    /// Degree, such as `MD`.
    pub degree: String,
    /// Type of the identifier, such as `NPI`.
    pub id_type: String,
}

/// One retinal image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// Which eye.
    pub eye: Eye,
    /// When it was captured, UTC.
    pub captured: DateTime,
    /// Whether the grader could read it.
    #[serde(default = "gradable")]
    pub gradable: bool,
}

/// Laterality.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Eye {
    /// The left eye.
    Left,
    /// The right eye.
    Right,
}

/// The signed result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Grading {
    /// When the grader signed, UTC.
    pub signed: DateTime,
    /// Diabetic retinopathy of the left eye, where it was looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<Retinopathy>,
    /// Diabetic retinopathy of the right eye, where it was looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub right: Option<Retinopathy>,
    /// ICD-10-CM diagnoses of this visit, in the grader's order.
    #[serde(default)]
    pub diagnoses: Vec<Diagnosis>,
}

/// Grade of diabetic retinopathy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Retinopathy {
    None,
    Mild,
    Moderate,
    Severe,
    Proliferative,
    Indeterminable,
}

/// One ICD-10-CM diagnosis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Diagnosis {
    /// The code, with or without its dot.
    pub code: String,
    /// What the code means.
    #[serde(default)]
    pub text: String,
}

const fn gradable() -> bool {
    true
}
