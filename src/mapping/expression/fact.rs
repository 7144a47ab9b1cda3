//! The facts that a template may name, and what each of them says of an exam.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, DateTime};

use crate::exam::{Diagnosis, Eye, Image, Provider, Retinopathy};

use crate::mapping::expression::field_text::FieldText;
use crate::mapping::expression::form::Hole;
use crate::mapping::expression::scope::Scope;
use crate::mapping::mistake::Mistake;
use crate::mapping::place::Each;
use crate::mapping::volatile::Volatile;

/// Something that a template can name between braces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fact {
    ControlId,
    Time(Moment, Precision),
    OrderNumber,
    EmrOrderNumber,
    Application,
    ChargedOrder,
    Transaction,
    Procedure(Coded),
    Site,
    Mrn,
    PatientName,
    Family,
    Given,
    Born,
    Sex,
    Account,
    Provider(Who, Part),
    Diagnoses,
    Grade(Eye),
    ChargeNumber,
    ChargeCode,
    ChargeModifiers,
    DiagnosisNumber,
    DiagnosisCode,
    DiagnosisAsReceived,
    DiagnosisText,
    FindingNumber,
    FindingEye,
    FindingGrade,
    ImageNumber,
    ImageEye,
    ImageGradable,
}

/// A point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    Now,
    Signed,
    Captured,
    ChargeDate,
    ImageCaptured,
}

/// How much of a point in time is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// `yyyyMMddHHmmss`.
    Second,
    /// `yyyyMMddHHmm`.
    Minute,
    /// `yyyyMMdd`.
    Day,
}

impl Precision {
    /// How many digits it is written with.
    #[must_use]
    pub const fn digits(self) -> usize {
        match self {
            Self::Second => 14,
            Self::Minute => 12,
            Self::Day => 8,
        }
    }
}

/// A coded procedure, whole or in part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coded {
    Whole,
    Code,
    Text,
    System,
}

/// Which provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Ordering,
    Interpreter,
}

/// A provider, whole (as an XCN) or in part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Whole,
    Id,
    Family,
    Given,
    Prefix,
    Degree,
    IdType,
}

/// Every fact under the name that a template gives it.
const FACTS: &[(&str, Fact)] = &[
    ("now", Fact::Time(Moment::Now, Precision::Second)),
    ("now.minute", Fact::Time(Moment::Now, Precision::Minute)),
    ("now.day", Fact::Time(Moment::Now, Precision::Day)),
    ("control_id", Fact::ControlId),
    ("signed", Fact::Time(Moment::Signed, Precision::Second)),
    ("signed.minute", Fact::Time(Moment::Signed, Precision::Minute)),
    ("signed.day", Fact::Time(Moment::Signed, Precision::Day)),
    ("captured", Fact::Time(Moment::Captured, Precision::Second)),
    ("captured.minute", Fact::Time(Moment::Captured, Precision::Minute)),
    ("captured.day", Fact::Time(Moment::Captured, Precision::Day)),
    ("order.number", Fact::OrderNumber),
    ("order.emr_number", Fact::EmrOrderNumber),
    ("order.application", Fact::Application),
    ("order.charged", Fact::ChargedOrder),
    ("order.transaction", Fact::Transaction),
    ("procedure", Fact::Procedure(Coded::Whole)),
    ("procedure.code", Fact::Procedure(Coded::Code)),
    ("procedure.text", Fact::Procedure(Coded::Text)),
    ("procedure.system", Fact::Procedure(Coded::System)),
    ("site", Fact::Site),
    ("patient.mrn", Fact::Mrn),
    ("patient.name", Fact::PatientName),
    ("patient.family", Fact::Family),
    ("patient.given", Fact::Given),
    ("patient.born", Fact::Born),
    ("patient.sex", Fact::Sex),
    ("patient.account", Fact::Account),
    ("ordering_provider", Fact::Provider(Who::Ordering, Part::Whole)),
    ("ordering_provider.id", Fact::Provider(Who::Ordering, Part::Id)),
    ("ordering_provider.family", Fact::Provider(Who::Ordering, Part::Family)),
    ("ordering_provider.given", Fact::Provider(Who::Ordering, Part::Given)),
    ("ordering_provider.prefix", Fact::Provider(Who::Ordering, Part::Prefix)),
    ("ordering_provider.degree", Fact::Provider(Who::Ordering, Part::Degree)),
    ("ordering_provider.id_type", Fact::Provider(Who::Ordering, Part::IdType)),
    ("interpreter", Fact::Provider(Who::Interpreter, Part::Whole)),
    ("interpreter.id", Fact::Provider(Who::Interpreter, Part::Id)),
    ("interpreter.family", Fact::Provider(Who::Interpreter, Part::Family)),
    ("interpreter.given", Fact::Provider(Who::Interpreter, Part::Given)),
    ("interpreter.prefix", Fact::Provider(Who::Interpreter, Part::Prefix)),
    ("interpreter.degree", Fact::Provider(Who::Interpreter, Part::Degree)),
    ("interpreter.id_type", Fact::Provider(Who::Interpreter, Part::IdType)),
    ("diagnoses", Fact::Diagnoses),
    ("result.left", Fact::Grade(Eye::Left)),
    ("result.right", Fact::Grade(Eye::Right)),
    ("charge.number", Fact::ChargeNumber),
    ("charge.code", Fact::ChargeCode),
    ("charge.date", Fact::Time(Moment::ChargeDate, Precision::Second)),
    ("charge.date.minute", Fact::Time(Moment::ChargeDate, Precision::Minute)),
    ("charge.date.day", Fact::Time(Moment::ChargeDate, Precision::Day)),
    ("charge.modifiers", Fact::ChargeModifiers),
    ("diagnosis.number", Fact::DiagnosisNumber),
    ("diagnosis.code", Fact::DiagnosisCode),
    ("diagnosis.code.as_received", Fact::DiagnosisAsReceived),
    ("diagnosis.text", Fact::DiagnosisText),
    ("finding.number", Fact::FindingNumber),
    ("finding.eye", Fact::FindingEye),
    ("finding.retinopathy", Fact::FindingGrade),
    ("image.number", Fact::ImageNumber),
    ("image.eye", Fact::ImageEye),
    ("image.captured", Fact::Time(Moment::ImageCaptured, Precision::Second)),
    ("image.gradable", Fact::ImageGradable),
];

impl Fact {
    /// What makes its value vary between equal messages, if anything does.
    pub(crate) const fn volatile(self) -> Option<Volatile> {
        match self {
            Self::ControlId => Some(Volatile::ControlId),
            Self::Time(Moment::Now, _) => Some(Volatile::Time),
            _ => None,
        }
    }

    /// Whether what it says can have components or repetitions of its own.
    pub(crate) const fn has_structure(self) -> bool {
        matches!(
            self,
            Self::PatientName
                | Self::Procedure(Coded::Whole)
                | Self::Provider(_, Part::Whole)
                | Self::Diagnoses
                | Self::ChargeCode
                | Self::ChargeModifiers
        )
    }

    /// The repetition outside which it says nothing.
    pub(crate) const fn needs(self) -> Option<Each> {
        match self {
            Self::ChargeNumber
            | Self::ChargeCode
            | Self::ChargeModifiers
            | Self::Time(Moment::ChargeDate, _) => Some(Each::Charge),
            Self::DiagnosisNumber
            | Self::DiagnosisCode
            | Self::DiagnosisAsReceived
            | Self::DiagnosisText => Some(Each::Diagnosis),
            Self::FindingNumber | Self::FindingEye | Self::FindingGrade => Some(Each::Finding),
            Self::ImageNumber
            | Self::ImageEye
            | Self::ImageGradable
            | Self::Time(Moment::ImageCaptured, _) => Some(Each::Image),
            _ => None,
        }
    }

    /// Writes what it says of the exam in `scope`; nothing where the exam does not know.
    pub(crate) fn write(self, scope: &Scope<'_>, out: &mut FieldText) {
        let exam = scope.exam;
        match self {
            Self::ControlId => match scope.stamp {
                Some(stamp) => out.text(&stamp.control_id),
                None => out.hole(Hole::ControlId),
            },
            Self::Time(Moment::Now, precision) if scope.stamp.is_none() => {
                out.hole(Hole::Now(precision));
            }
            Self::Time(moment, precision) => write_time(scope.moment(moment), precision, out),
            Self::OrderNumber => out.text(&exam.order.number),
            Self::EmrOrderNumber => out.text(&exam.order.emr_number),
            Self::Application => out.text(&exam.order.application),
            Self::ChargedOrder => out.text(exam.order.charged()),
            Self::Transaction => out.text(exam.order.transaction()),
            Self::Procedure(coded) => write_procedure(scope, coded, out),
            Self::Site => out.text(&exam.site),
            Self::Mrn => out.text(&exam.patient.mrn),
            Self::PatientName => {
                out.components([exam.patient.family.as_str(), &exam.patient.given]);
            }
            Self::Family => out.text(&exam.patient.family),
            Self::Given => out.text(&exam.patient.given),
            Self::Born => out.text(&day(exam.patient.born)),
            Self::Sex => out.text(exam.patient.sex.code()),
            Self::Account => out.text(&exam.patient.account),
            Self::Provider(Who::Ordering, part) => {
                write_provider(&exam.ordering_provider, part, out);
            }
            Self::Provider(Who::Interpreter, part) => write_provider(&exam.interpreter, part, out),
            Self::Diagnoses => write_diagnoses(&exam.grading.diagnoses, out),
            Self::Grade(Eye::Left) => write_grade(exam.grading.left, out),
            Self::Grade(Eye::Right) => write_grade(exam.grading.right, out),
            Self::ChargeNumber | Self::ChargeCode | Self::ChargeModifiers => {
                self.write_charge(scope, out);
            }
            Self::DiagnosisNumber
            | Self::DiagnosisCode
            | Self::DiagnosisAsReceived
            | Self::DiagnosisText => self.write_diagnosis(scope, out),
            Self::FindingNumber | Self::FindingEye | Self::FindingGrade => {
                self.write_finding(scope, out);
            }
            Self::ImageNumber | Self::ImageEye | Self::ImageGradable => {
                self.write_image(scope, out);
            }
        }
    }

    fn write_charge(self, scope: &Scope<'_>, out: &mut FieldText) {
        let Some((number, charge)) = &scope.charge else { return };
        match self {
            Self::ChargeNumber => out.text(&number.to_string()),
            Self::ChargeCode => charge.code.write(scope, out),
            _ => charge.modifiers.write(scope.exam.gradable(), out),
        }
    }

    fn write_diagnosis(self, scope: &Scope<'_>, out: &mut FieldText) {
        let Some((number, diagnosis)) = scope.diagnosis else { return };
        match self {
            Self::DiagnosisNumber => out.text(&number.to_string()),
            Self::DiagnosisCode => out.text(&diagnosis.dotted()),
            Self::DiagnosisAsReceived => out.text(&diagnosis.code),
            _ => out.text(&diagnosis.text),
        }
    }

    fn write_finding(self, scope: &Scope<'_>, out: &mut FieldText) {
        let Some((number, (eye, grade))) = scope.finding else { return };
        match self {
            Self::FindingNumber => out.text(&number.to_string()),
            Self::FindingEye => out.text(eye.word()),
            _ => out.text(grade.word()),
        }
    }

    fn write_image(self, scope: &Scope<'_>, out: &mut FieldText) {
        let Some((number, image)) = scope.image else { return };
        match self {
            Self::ImageNumber => out.text(&number.to_string()),
            Self::ImageEye => out.text(image.eye.word()),
            _ => out.text(Image::word(image)),
        }
    }
}

/// HL7's TS without a time zone: the interface writes UTC.
pub(crate) fn write_time(time: Option<DateTime>, precision: Precision, out: &mut FieldText) {
    let Some(time) = time else { return };
    let mut text = day(time.date());
    let smaller = [time.hour(), time.minute(), time.second()];
    let count = match precision {
        Precision::Day => 0,
        Precision::Minute => 2,
        Precision::Second => 3,
    };
    for number in &smaller[..count] {
        push_digits(&mut text, i16::from(*number), 10);
    }
    out.text(&text);
}

fn day(date: Date) -> String {
    let mut text = String::with_capacity(14);
    push_digits(&mut text, date.year(), 1000);
    push_digits(&mut text, i16::from(date.month()), 10);
    push_digits(&mut text, i16::from(date.day()), 10);
    text
}

/// Adds the digits of `number`, the first of them worth `unit`.
fn push_digits(text: &mut String, number: i16, mut unit: i16) {
    while unit > 0 {
        let digit = u32::from((number / unit % 10).unsigned_abs());
        text.extend(char::from_digit(digit, 10));
        unit /= 10;
    }
}

fn write_procedure(scope: &Scope<'_>, coded: Coded, out: &mut FieldText) {
    let Some(procedure) = &scope.exam.procedure else { return };
    match coded {
        Coded::Whole => {
            out.components([procedure.code.as_str(), &procedure.text, &procedure.system]);
        }
        Coded::Code => out.text(&procedure.code),
        Coded::Text => out.text(&procedure.text),
        Coded::System => out.text(&procedure.system),
    }
}

/// The XCN of the interface's samples: 1 id, 2 family, 3 given, 6 prefix, 7 degree, 13 id type.
fn write_provider(provider: &Provider, part: Part, out: &mut FieldText) {
    let Provider { id, family, given, prefix, degree, id_type } = provider;
    match part {
        Part::Whole => {
            let empty = "";
            out.components([
                id, family, given, empty, empty, prefix, degree, empty, empty, empty, empty, empty,
                id_type,
            ]);
        }
        Part::Id => out.text(id),
        Part::Family => out.text(family),
        Part::Given => out.text(given),
        Part::Prefix => out.text(prefix),
        Part::Degree => out.text(degree),
        Part::IdType => out.text(id_type),
    }
}

fn write_diagnoses(diagnoses: &[Diagnosis], out: &mut FieldText) {
    for (index, diagnosis) in diagnoses.iter().enumerate() {
        if index > 0 {
            out.separator('~');
        }
        out.components([&diagnosis.dotted(), diagnosis.text.as_str(), "ICD-10-CM"]);
    }
}

fn write_grade(grade: Option<Retinopathy>, out: &mut FieldText) {
    if let Some(grade) = grade {
        out.text(grade.word());
    }
}

impl FromStr for Fact {
    type Err = Mistake;

    fn from_str(name: &str) -> Result<Self, Mistake> {
        FACTS.iter().find(|(known, _)| *known == name).map(|(_, fact)| *fact).ok_or_else(|| {
            Mistake::new(format!("there is no fact `{name}`"))
                .nearest(name, FACTS.iter().map(|(known, _)| *known))
                .part(name)
        })
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = FACTS.iter().find(|(_, fact)| fact == self).map(|(name, _)| *name);
        out.write_str(name.expect("invariant: every fact has a name"))
    }
}

#[cfg(test)]
mod tests {
    use super::{FACTS, Fact};

    #[test]
    fn every_name_is_one_fact_and_every_fact_one_name() {
        for (name, fact) in FACTS {
            assert_eq!(name.parse::<Fact>().unwrap(), *fact, "{name}");
            assert_eq!(fact.to_string(), *name);
        }
    }

    #[test]
    fn a_fact_that_does_not_exist_names_the_nearest_one() {
        let mistake = "patient.mnr".parse::<Fact>().unwrap_err();
        assert_eq!(
            mistake.to_string(),
            "there is no fact `patient.mnr` (did you mean `patient.mrn`?)"
        );
    }
}
