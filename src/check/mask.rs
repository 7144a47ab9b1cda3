//! Hides the values of patient fields that nobody wrote into the plan.
//!
//! An exam of the plan is synthetic, and its facts may be shown; what else stands in a patient's
//! fields may be a real person's. Masked values keep their length, so that a difference stays
//! readable. This does **not** touch snapshots, which are only taken of exams of the plan.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use crate::hl7::{Difference, Message, visible};
use crate::verdict::FieldDifference;

use super::evidence::{Evidence, KnownExam};

/// The values that may be shown.
pub(super) struct Mask<'e> {
    exams: &'e [KnownExam<'e>],
    /// Found out when a value is to be shown for the first time: most histories show none.
    known: OnceCell<BTreeSet<Vec<u8>>>,
}

impl<'e> Mask<'e> {
    /// A mask that shows what the plan's own exams have in their messages.
    pub(super) fn of(evidence: &'e Evidence<'_>) -> Self {
        Self { exams: &evidence.exams, known: OnceCell::new() }
    }

    fn known(&self) -> &BTreeSet<Vec<u8>> {
        self.known.get_or_init(|| self.collect())
    }

    fn collect(&self) -> BTreeSet<Vec<u8>> {
        let mut known = BTreeSet::new();
        for exam in self.exams {
            let message = Message::read(&exam.expected);
            for segment in message.segments().filter(|segment| holds_patient(segment.id())) {
                known.extend(parts(segment.raw()).map(<[u8]>::to_vec));
            }
            let patient = &exam.exam.patient;
            let facts = [&patient.mrn, &patient.family, &patient.given, &patient.account];
            known.extend(facts.map(|fact| fact.clone().into_bytes()));
        }
        known
    }

    /// A difference with what must not be shown masked.
    pub(super) fn difference(&self, difference: &Difference) -> FieldDifference {
        FieldDifference {
            path: difference.path.clone(),
            expected: self.value(&difference.path, &difference.expected),
            found: self.value(&difference.path, &difference.found),
        }
    }

    /// A value at `path`, made readable, with every part that must not be shown masked.
    pub(super) fn value(&self, path: &str, value: &[u8]) -> String {
        if !is_patient_field(path) {
            return visible(value);
        }
        let mut shown = String::new();
        let mut start = 0;
        let ends = value.iter().enumerate().filter(|(_, byte)| is_delimiter(**byte));
        for end in ends.map(|(end, _)| end).chain([value.len()]) {
            shown.push_str(&self.part(&value[start..end]));
            shown.push_str(&visible(&value[end..value.len().min(end + 1)]));
            start = end + 1;
        }
        shown
    }

    fn part(&self, part: &[u8]) -> String {
        if part.is_empty() || self.known().contains(part) || part.starts_with(b"[time ") {
            return visible(part);
        }
        format!("•••({})", visible(part).chars().count())
    }
}

fn holds_patient(segment: &[u8]) -> bool {
    matches!(segment, b"PID" | b"NK1" | b"GT1" | b"IN1" | b"PV1" | b"FT1")
}

fn is_patient_field(path: &str) -> bool {
    let Some(segment) = path.get(..3) else { return true };
    match segment {
        "PID" | "NK1" | "GT1" | "IN1" => true,
        // A whole visit segment holds the account number too, a whole charge the MRN.
        "PV1" => is_field(path, "19"),
        "FT1" => is_field(path, "9"),
        _ => false,
    }
}

/// Whether a path is this field of its segment, a part of it, or the whole segment.
fn is_field(path: &str, number: &str) -> bool {
    let field = path.rsplit_once('-').map(|(_, field)| field);
    field.and_then(|field| field.split(['.', '[']).next()).is_none_or(|field| field == number)
}

fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b'|' | b'^' | b'~' | b'&')
}

fn parts(raw: &[u8]) -> impl Iterator<Item = &[u8]> {
    raw.split(|&byte| is_delimiter(byte)).filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use std::collections::BTreeSet;

    use super::Mask;

    #[rstest]
    #[case::known("PID-5", "DOE^JOHN", "DOE^JOHN")]
    #[case::unknown_name("PID-5", "ROE^JANE", "•••(3)^•••(4)")]
    #[case::ssn("PID-19", "123-45-6789", "•••(11)")]
    #[case::visit("PV1-19", "987654", "•••(6)")]
    #[case::mrn_of_a_charge("FT1[2]-9", "987654", "•••(6)")]
    #[case::other_field_of_a_charge("FT1-19", "E11.9", "E11.9")]
    #[case::other_visit_field("PV1-3", "POC01", "POC01")]
    #[case::charge("FT1[2]-26", "TC~52", "TC~52")]
    #[case::whole_segment("NK1[1]", "NK1|1|ROE", "•••(3)|•••(1)|•••(3)")]
    fn patient_values_show_only_if_the_plan_has_them(
        #[case] path: &str,
        #[case] value: &str,
        #[case] shown: &str,
    ) {
        let known = ["DOE", "JOHN"].map(|name| name.as_bytes().to_vec());
        let mask = Mask { exams: &[], known: BTreeSet::from(known).into() };
        assert_eq!(mask.value(path, value.as_bytes()), shown);
    }
}
