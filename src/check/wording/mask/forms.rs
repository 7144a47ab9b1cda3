//! The fields of which something may be shown, and the form that a value must have there.
//!
//! A field alone says too little: where a segment lost its end, a separator or its name, a patient
//! stands where an order should. So a value is shown only if it looks like what belongs there, and
//! what looks like many things, such as an order, only if the segment around it stands as it should.
//! Source: HL7 v2.4 chapters 2 and 6.

use crate::hl7::{Charset, Segment};

/// What a value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The separators themselves.
    Delimiters,
    /// The number of a segment among its like.
    SetId,
    /// A time as HL7 writes it, from the year on.
    Time,
    /// A number or an amount.
    Number,
    /// A number of an order, a transaction or a message.
    Identifier,
    /// A code of a procedure or a diagnosis.
    Code,
    /// A trigger event, `P03`.
    Trigger,
    /// A type of message, `DFT`.
    MessageType,
    /// A structure of a message, `DFT_P03`.
    Structure,
    /// A version of HL7.
    Version,
    /// A name of table 0211.
    Charset,
    /// One of these words.
    OneOf(&'static [&'static str]),
}

impl Form {
    /// Whether a value has this form.
    pub(crate) fn fits(self, value: &[u8]) -> bool {
        let text = std::str::from_utf8(value).unwrap_or("\u{fffd}");
        let digits = |text: &str, from: usize, to: usize| {
            (from..=to).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        match self {
            Self::Delimiters => {
                value.len() <= 6 && value.iter().all(|byte| byte.is_ascii_punctuation())
            }
            Self::SetId => digits(text, 1, 4),
            Self::Time => is_time(value),
            Self::Number => {
                let text = text.strip_prefix('-').unwrap_or(text);
                let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
                digits(whole, 1, 6) && digits(part, 1, 4)
            }
            Self::Identifier => is_identifier(value) && has_digit(value),
            Self::Code => is_code(value),
            Self::Trigger => is_trigger(value),
            Self::MessageType => {
                MESSAGE_TYPES.contains(&text) || matches!(value, [b'Z', ..]) && is_short_name(value)
            }
            Self::Structure => {
                let parts = value.split_at_checked(4);
                parts.is_some_and(|(kind, trigger)| {
                    kind[3] == b'_' && is_short_name(&kind[..3]) && is_trigger(trigger)
                })
            }
            Self::Version => value.len() <= 5 && text.split('.').all(|number| digits(number, 1, 2)),
            Self::Charset => Charset::named(text).is_some(),
            Self::OneOf(words) => words.contains(&text),
        }
    }

    /// Whether much else looks like this, so that the whole segment must stand as it should.
    pub(crate) fn is_ambiguous(self, value: &[u8]) -> bool {
        match self {
            Self::Number | Self::Identifier | Self::Code => true,
            // A day may be a birth date.
            Self::Time => value.len() < 12,
            _ => false,
        }
    }
}

/// The form of component `component` of field `number` in the segments called `id`.
pub(crate) fn at(id: &[u8], number: usize, component: usize) -> Option<Form> {
    use Form::{
        Charset, Code, Delimiters, Identifier, MessageType, Number, SetId, Structure, Time,
    };
    use Form::{OneOf, Trigger, Version};
    Some(match (id, number, component) {
        (b"MSH" | b"FHS" | b"BHS", 1 | 2, _) => Delimiters,
        (b"MSH" | b"FHS" | b"BHS", 7, 1) => Time,
        (b"MSH", 9, 1) => MessageType,
        (b"MSH", 9, 2) => Trigger,
        (b"MSH", 9, 3) => Structure,
        (b"MSH", 10, 1) | (b"FHS" | b"BHS", 11, 1) => Identifier,
        (b"MSH", 11, 1) => OneOf(&["P", "T", "D"]),
        (b"MSH", 12, 1) => Version,
        (b"MSH", 15 | 16, 1) => OneOf(&["AL", "NE", "ER", "SU"]),
        (b"MSH", 18, 1) => Charset,
        (b"MSA", 1, 1) => OneOf(&["AA", "AE", "AR", "CA", "CE", "CR"]),
        (b"MSA", 2, 1) => Identifier,
        (b"EVN", 1, 1) => Trigger,
        (b"EVN", 2, 1) => Time,
        (b"PV1", 2, 1) => OneOf(&["E", "I", "O", "P", "R", "B", "C", "N", "U"]),
        (b"PV1", 44 | 45, 1) => Time,
        (b"FT1" | b"PR1" | b"DG1" | b"OBX" | b"OBR" | b"NTE", 1, 1) => SetId,
        (b"PID" | b"PV1" | b"NK1" | b"GT1" | b"IN1", 1, 1) => SetId,
        (b"BTS" | b"FTS", 1, 1) => SetId,
        (b"FT1", 2 | 3, 1) | (b"FT1", 23, 1) => Identifier,
        (b"FT1", 4, 1 | 2) | (b"FT1", 5, 1) => Time,
        (b"FT1", 6, 1) => OneOf(&["CG", "CD", "PY", "AJ", "CO"]),
        (b"FT1", 10 | 11 | 12 | 22, 1) => Number,
        (b"FT1", 7 | 19 | 25 | 26, 1) | (b"PR1", 3 | 16, 1) => Code,
        (b"FT1", 7 | 19 | 25, 3) | (b"PR1" | b"DG1", 3, 3) => OneOf(CODING_SYSTEMS),
        (b"DG1", 3, 1) | (b"OBR", 4, 1) => Code,
        (b"PR1" | b"DG1", 5, 1) | (b"OBR", 7 | 22, 1) | (b"ORC", 9, 1) => Time,
        (b"DG1", 6, 1) => OneOf(&["A", "W", "F"]),
        (b"ORC", 1, 1) => OneOf(&["NW", "OK", "CA", "CR", "XO", "SC", "SN", "RE", "CN"]),
        (b"ORC", 2..=4, 1) | (b"OBR", 2 | 3, 1) => Identifier,
        (b"OBR", 25, 1) | (b"OBX", 11, 1) => OneOf(&["O", "S", "A", "P", "C", "R", "F", "X", "I"]),
        (b"OBX", 2, 1) => {
            OneOf(&["CE", "CWE", "DT", "ED", "FT", "NM", "RP", "ST", "TM", "TS", "TX"])
        }
        _ => return None,
    })
}

/// Whether every field of a segment whose form is told from others has it, and no other segment has
/// run into this one: then what stands in it is what its place says.
pub(crate) fn stands(segment: &Segment<'_>) -> bool {
    let id = segment.id();
    is_segment(id)
        && segment.fields().all(|(number, field)| {
            !holds_a_segment(field.raw())
                && field.repetitions().all(|repetition| {
                    let mut parts = (1..).zip(repetition.components());
                    parts.all(|(component, part)| {
                        part.is_empty()
                            || is_placeholder(part)
                            || is_in_place(id, (number, component), part)
                    })
                })
        })
}

fn is_in_place(id: &[u8], (number, component): (usize, usize), part: &[u8]) -> bool {
    match at(id, number, component) {
        None | Some(Form::Identifier | Form::Code) => true,
        Some(form) => form.fits(part.split(|&byte| byte == b'&').next().unwrap_or_default()),
    }
}

/// Whether the name of a patient's segment stands in a field: the end between the two was lost.
fn holds_a_segment(field: &[u8]) -> bool {
    const PATIENT: [&[u8]; 5] = [b"PID", b"PD1", b"NK1", b"GT1", b"IN1"];
    let mut words = field.split(|byte| !byte.is_ascii_alphanumeric());
    let runs_on = |before: &[u8]| before.last().is_none_or(u8::is_ascii_digit);
    words.any(|word| PATIENT.iter().any(|id| word.strip_suffix(*id).is_some_and(runs_on)))
}

/// What stands for a volatile value.
pub(crate) fn is_placeholder(part: &[u8]) -> bool {
    let number =
        [&b"[time "[..], b"[control id "].iter().find_map(|begin| part.strip_prefix(*begin));
    number.and_then(|number| number.strip_suffix(b"]")).is_some_and(|number| {
        (1..=6).contains(&number.len()) && number.iter().all(u8::is_ascii_digit)
    })
}

/// Whether this is a name of a segment: one of HL7's, or one of a site's own.
pub(crate) fn is_segment(id: &[u8]) -> bool {
    SEGMENTS.contains(&id) || id.len() == 3 && id[0] == b'Z' && is_short_name(id)
}

/// Whether a value consists of what numbers are made of. One of a patient has no other form; but a
/// name, an address or a sentence has, and a social security number, a telephone's and a date.
pub(crate) fn is_identifier(value: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._:/+".contains(byte);
    (1..=64).contains(&value.len())
        && value.iter().all(is_part)
        && !is_date(value)
        && !is_dashed(value)
}

pub(crate) fn has_digit(value: &[u8]) -> bool {
    value.iter().any(u8::is_ascii_digit)
}

/// `123-45-6789`, `555-123-4567`: three numbers and nothing else, the last of four digits.
fn is_dashed(value: &[u8]) -> bool {
    let parts: Vec<&[u8]> = value.split(|&byte| matches!(byte, b'-' | b'.')).collect();
    parts.iter().all(|part| part.iter().all(u8::is_ascii_digit))
        && matches!(parts.as_slice(), [first, second, last]
            if first.len() == 3 && matches!(second.len(), 2 | 3) && last.len() == 4)
}

/// A day in digits: `19701231`, `1970-12-31`, `31.12.1970`, `12/31/1970`.
fn is_date(value: &[u8]) -> bool {
    let parts: Vec<&[u8]> = value.split(|&byte| matches!(byte, b'-' | b'.' | b'/')).collect();
    let number = |part: &[u8]| std::str::from_utf8(part).ok()?.parse::<u32>().ok();
    let is_year = |part: &[u8]| {
        part.len() == 4 && number(part).is_some_and(|year| (1850..2150).contains(&year))
    };
    let is_day =
        |part: &[u8]| part.len() <= 2 && number(part).is_some_and(|day| (1..=31).contains(&day));
    match parts.as_slice() {
        [one] if one.len() == 8 => is_year(&one[..4]) && is_day(&one[4..6]) && is_day(&one[6..]),
        [year, month, day] if is_year(year) => is_day(month) && is_day(day),
        [month, day, year] => is_year(year) && is_day(month) && is_day(day),
        _ => false,
    }
}

fn is_time(value: &[u8]) -> bool {
    let end = value.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(value.len());
    let (digits, rest) = value.split_at(end);
    let is_rest = |byte: &u8| byte.is_ascii_digit() || b".+-".contains(byte);
    matches!(digits.len(), 4 | 6 | 8 | 10 | 12 | 14) && rest.len() <= 10 && rest.iter().all(is_rest)
}

/// `92250`, `E11.9`, or the two letters of a modifier.
fn is_code(value: &[u8]) -> bool {
    let is_part =
        |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b".-".contains(byte);
    let is_short = (1..=2).contains(&value.len());
    value.len() <= 12
        && !value.is_empty()
        && value.iter().all(is_part)
        && (is_short || has_digit(value))
        && !is_date(value)
        && !is_dashed(value)
}

fn is_trigger(value: &[u8]) -> bool {
    matches!(value, [letter, tens, ones]
        if letter.is_ascii_uppercase() && tens.is_ascii_digit() && ones.is_ascii_digit())
}

fn is_short_name(value: &[u8]) -> bool {
    value.len() == 3 && value.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// The types of message that a sender of charges may be found to send (table 0076).
const MESSAGE_TYPES: &[&str] = &[
    "ACK", "ADT", "BAR", "BHS", "DFT", "MDM", "MFN", "OML", "OMG", "ORL", "ORM", "ORR", "ORU",
    "OUL", "PPR", "QRY", "RAS", "RDE", "REF", "SIU", "SRM", "UDM", "VXU",
];

/// How the systems of codes are called (table 0396, and what is met).
const CODING_SYSTEMS: &[&str] = &[
    "C4",
    "CPT",
    "CPT4",
    "CPT-4",
    "HCPCS",
    "I10",
    "I10C",
    "I9",
    "I9C",
    "ICD10",
    "ICD-10",
    "ICD10CM",
    "ICD-10-CM",
    "L",
    "LN",
    "LOINC",
    "SCT",
    "SNOMED",
    "99LOC",
];

/// The segments of HL7 that may be met about a charge or a result.
const SEGMENTS: &[&[u8]] = &[
    b"MSH", b"MSA", b"ERR", b"EVN", b"PID", b"PD1", b"NK1", b"PV1", b"PV2", b"FT1", b"PR1", b"ROL",
    b"DG1", b"DRG", b"GT1", b"IN1", b"IN2", b"IN3", b"ACC", b"UB1", b"UB2", b"ORC", b"OBR", b"OBX",
    b"NTE", b"TXA", b"TQ1", b"TQ2", b"AL1", b"DB1", b"MRG", b"SFT", b"UAC", b"ARV", b"FHS", b"FTS",
    b"BHS", b"BTS", b"BLG", b"CTI", b"CTD", b"SPM", b"DSC", b"DSP", b"RXE", b"SCH", b"QRD",
];

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{Form, is_identifier, stands};
    use crate::hl7::Message;

    #[rstest]
    #[case::order("700001", true)]
    #[case::with_letters("ORD-2026/0001", true)]
    #[case::uuid("0f8fad5b-d9cb-469f-a165-70867728950e", true)]
    #[case::name("ROE", false)]
    #[case::whole_name("ROE^RICHARD", false)]
    #[case::ssn("123-45-6789", false)]
    #[case::telephone("555-123-4567", false)]
    #[case::birth_date("19700101", false)]
    #[case::birth_date_of_a_form("01/31/1970", false)]
    #[case::address("12 Main Street", false)]
    #[case::mail("roe7@example.org", false)]
    #[case::long(&"7".repeat(65), false)]
    fn an_identifier_is_told_by_its_form(#[case] value: &str, #[case] expected: bool) {
        assert_eq!(Form::Identifier.fits(value.as_bytes()), expected);
    }

    #[test]
    fn a_control_id_of_letters_is_made_of_what_identifiers_are() {
        assert!(is_identifier(b"abcDEF"));
    }

    #[rstest]
    #[case::charge("FT1|1||700001|20260104|20260105080000|CG|92250^Fundus^CPT|||1", true)]
    #[case::bare("FT1|1||9", true)]
    #[case::shifted_to_the_left("FT1||700001|20260104|20260105080000|CG|92250^Fundus^CPT", false)]
    #[case::a_patient_by_another_name("FT1||MRN1^^^^MRN|MRN1||ROE^RICHARD||19700101|M", false)]
    #[case::a_patient_behind_it("FT1|1||700001|20260104|20260105080000|CG|92250PID||77", false)]
    #[case::a_patient_apart("FT1|1||700001|20260104|20260105080000|CG|92250 |PID||77", false)]
    #[case::unknown("XXX|1", false)]
    fn a_segment_stands_if_what_can_be_told_is_in_place(#[case] raw: &str, #[case] expected: bool) {
        let message = Message::read(raw.as_bytes());
        let segment = message.segments().next().unwrap();
        assert_eq!(stands(&segment), expected);
    }
}
