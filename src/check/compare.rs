//! Lays the message that was sent beside the one that was agreed.
//!
//! Volatile values are replaced by typed numbers, so that equal values stay visibly equal while
//! the values themselves may vary. Does **not** judge.

use std::borrow::Cow;

use crate::hl7::{Delimiters, Difference, Message, Path, Segment, escape};
use crate::mapping::{Mapping, Stamp, Volatile};

use super::attempts::Sent;
use super::evidence::{Evidence, KnownExam};
use super::time::to_the_second;

/// The longest value that counts as a control id (HL7 v2.7: 199).
const LONGEST_CONTROL_ID: usize = 199;

/// Replaces volatile values by `[time 1]` and `[control id 1]`, numbered by value.
#[derive(Debug)]
pub(super) struct Normaliser {
    volatile: Vec<(Path, Volatile)>,
}

impl Normaliser {
    /// For the messages of `mapping`.
    pub(super) fn of(mapping: &Mapping) -> Self {
        let path = |(text, kind): (String, Volatile)| Some((text.parse().ok()?, kind));
        Self { volatile: mapping.volatile().into_iter().filter_map(path).collect() }
    }

    /// The same bytes with every well-formed volatile value replaced.
    pub(super) fn normalise(&self, payload: &[u8]) -> Vec<u8> {
        let message = Message::read(payload);
        let mut numbers: Vec<(Volatile, Vec<u8>)> = Vec::new();
        let mut out = Vec::with_capacity(payload.len());
        let mut written = 0;
        let varies = |segment: &Segment<'_>| {
            self.volatile.iter().any(|(path, _)| path.segment.as_bytes() == segment.id())
        };
        for segment in message.segments().filter(varies) {
            let range = segment.range();
            out.extend_from_slice(&payload[written..range.start]);
            self.segment(&segment, &mut numbers, &mut out);
            written = range.start + segment.raw().len();
        }
        out.extend_from_slice(&payload[written..]);
        out
    }

    fn segment(
        &self,
        segment: &Segment<'_>,
        numbers: &mut Vec<(Volatile, Vec<u8>)>,
        out: &mut Vec<u8>,
    ) {
        let delimiters = segment.delimiters();
        // MSH-1 is the separator itself, so that the field numbers of a header are one ahead.
        let shift = usize::from(segment.id() == b"MSH");
        for (index, part) in segment.raw().split(|&byte| byte == delimiters.field).enumerate() {
            if index == 0 {
                out.extend_from_slice(part);
            } else {
                out.push(delimiters.field);
                out.extend_from_slice(&self.field(segment, index + shift, part, numbers));
            }
        }
    }

    fn field<'v>(
        &self,
        segment: &Segment<'_>,
        number: usize,
        value: &'v [u8],
        numbers: &mut Vec<(Volatile, Vec<u8>)>,
    ) -> Cow<'v, [u8]> {
        let named = self
            .volatile
            .iter()
            .find(|(path, _)| path.segment.as_bytes() == segment.id() && path.field == number);
        let Some((path, kind)) = named else { return Cow::Borrowed(value) };
        if *kind == Volatile::ControlId && path.component.is_none() {
            return Cow::Owned(numbered(*kind, value, numbers));
        }
        let separator = segment.delimiters().component;
        let parts = value.split(|&byte| byte == separator).enumerate();
        let parts = parts.map(|(index, part)| {
            let varies = path.component.is_none_or(|component| component == index + 1);
            if varies { numbered(*kind, part, numbers) } else { part.to_vec() }
        });
        Cow::Owned(parts.collect::<Vec<_>>().join(&separator))
    }
}

/// The placeholder of a value; the value itself if it is not what its kind should be, so that it
/// shows.
fn numbered(kind: Volatile, value: &[u8], numbers: &mut Vec<(Volatile, Vec<u8>)>) -> Vec<u8> {
    let (well_formed, word) = match kind {
        Volatile::Time => (is_time(value), "time"),
        Volatile::ControlId => {
            (!value.is_empty() && value.len() <= LONGEST_CONTROL_ID, "control id")
        }
    };
    if !well_formed {
        return value.to_vec();
    }
    let same_kind = || numbers.iter().filter(|(other, _)| *other == kind);
    let known = same_kind().position(|(_, other)| other == value);
    let number = known.unwrap_or_else(|| same_kind().count()) + 1;
    if known.is_none() {
        numbers.push((kind, value.to_vec()));
    }
    format!("[{word} {number}]").into_bytes()
}

/// Whether `value` is a date or a time as HL7 writes it: 8 to 14 digits in pairs, then perhaps a
/// fraction and an offset (HL7 v2 chapter 2, TS).
fn is_time(value: &[u8]) -> bool {
    let digits = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(8..=14).contains(&digits) || digits % 2 == 1 {
        return false;
    }
    let rest = &value[digits..];
    let rest = rest.strip_prefix(b".").map_or(rest, |fraction| {
        let length = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
        &fraction[length..]
    });
    match rest {
        [] => true,
        [b'+' | b'-', offset @ ..] => offset.len() == 4 && offset.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// The first whole message of an exam.
pub(super) fn first_whole<'e, 'h>(
    evidence: &'e Evidence<'h>,
    exam: &KnownExam<'_>,
) -> Option<&'e Sent<'h>> {
    let attempts = evidence.attempts_at(&exam.order).iter();
    let mut sent = attempts.map(|attempt| &evidence.sent[attempt.sent as usize]);
    sent.find(|sent| sent.whole)
}

/// The segments of `found` that hold what the mapping agrees on with its delimiters unescaped, as
/// one difference each.
pub(super) fn unescaped(
    evidence: &Evidence<'_>,
    exam: &KnownExam<'_>,
    found: &[u8],
) -> Vec<Difference> {
    // Where the agreed message escapes nothing, nothing can have been left unescaped.
    let body = exam.expected.iter().position(|&byte| byte == b'\r').unwrap_or_default();
    if !exam.expected[body..].contains(&Delimiters::default().escape) {
        return Vec::new();
    }
    let normaliser = Normaliser::of(&evidence.plan.mapping);
    let stamped = evidence.plan.mapping.message(exam.exam, &observed_stamp(exam, found));
    let (wanted, seen) = (normaliser.normalise(&exam.expected), normaliser.normalise(found));
    // An unescaped field separator shifts the volatile fields behind it, so the message as the
    // observed clock would have made it is compared too.
    let pairs = [(wanted.as_slice(), seen.as_slice()), (stamped.as_slice(), found)];
    let mut differences: Vec<Difference> = Vec::new();
    for (wanted, seen) in pairs {
        let (wanted, seen) = (Message::read(wanted), Message::read(seen));
        for segment in seen.segments().filter(|segment| segment.id() != b"MSH") {
            let id = String::from_utf8_lossy(segment.id()).into_owned();
            let path = format!("{id}[{}]", segment.occurrence());
            let Some(agreed) = wanted.segment(&id, segment.occurrence()) else { continue };
            let known = differences.iter().any(|difference| difference.path == path);
            if !known && is_unescaped(&agreed, &segment) {
                let (expected, found) = (agreed.raw().to_vec(), segment.raw().to_vec());
                differences.push(Difference { path, expected, found });
            }
        }
    }
    differences
}

fn is_unescaped(agreed: &Segment<'_>, found: &Segment<'_>) -> bool {
    let delimiters = agreed.delimiters();
    let marks = |raw: &[u8]| raw.iter().filter(|&&byte| byte == delimiters.escape).count();
    let plain = |raw| escape::unescape(raw, delimiters);
    let agreed_plain = plain(agreed.raw());
    // A value with an escape character of its own may look like a sequence once it is unescaped.
    let same = agreed_plain == found.raw() || agreed_plain == plain(found.raw());
    marks(found.raw()) < marks(agreed.raw()) && same
}

/// Whether a message is byte for byte what the mapping makes of the exam, at the time and under the
/// control id that it bears. Then it is as agreed without being laid beside anything, which most
/// messages are.
pub(super) fn is_as_made(evidence: &Evidence<'_>, exam: &KnownExam<'_>, found: &[u8]) -> bool {
    let stamp = observed_stamp(exam, found);
    evidence.plan.mapping.message(exam.exam, &stamp) == found
}

/// The stamp that a sender with the observed clock would have used.
fn observed_stamp(exam: &KnownExam<'_>, found: &[u8]) -> Stamp {
    let message = Message::read_header(found);
    let now = to_the_second(message.value("MSH-7")).unwrap_or(exam.exam.grading.signed);
    let control_id = String::from_utf8_lossy(message.control_id()).into_owned();
    Stamp { now, control_id }
}

/// Whether a difference lies inside one of `segments`, which are named `FT1[2]`.
pub(super) fn lies_in(path: &str, segments: &[Difference]) -> bool {
    let Some(id) = path.get(..3) else { return false };
    let occurrence = path[3..].strip_prefix('[').and_then(|rest| rest.split(']').next());
    let name = format!("{id}[{}]", occurrence.unwrap_or("1"));
    segments.iter().any(|segment| segment.path == name)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{Normaliser, is_time, lies_in};
    use crate::hl7::Difference;
    use crate::mapping::Volatile;

    #[rstest]
    #[case("20170410", true)]
    #[case("20170410151351", true)]
    #[case("201704101513", true)]
    #[case("20170410151351.123", true)]
    #[case("20170410151351+0100", true)]
    #[case("2017", false)]
    #[case("201704101", false)]
    #[case("2017041015135100", false)]
    #[case("2017-04-10", false)]
    #[case("20170410151351Z", false)]
    #[case("", false)]
    fn a_time_is_eight_to_fourteen_digits(#[case] text: &str, #[case] expected: bool) {
        assert_eq!(is_time(text.as_bytes()), expected);
    }

    #[test]
    fn equal_volatile_values_have_equal_numbers() {
        let volatile = [
            ("MSH-7", Volatile::Time),
            ("MSH-10", Volatile::ControlId),
            ("EVN-2", Volatile::Time),
            ("FT1-5", Volatile::Time),
        ];
        let volatile = volatile.map(|(path, kind)| (path.parse().unwrap(), kind)).to_vec();
        let payload = b"MSH|^~\\&|A|A|||20170410151351||DFT^P03|77|P\rEVN|P03|20170410151351\r\
            FT1|1||9|20170410145901|20170410151352\rFT1|2||9||soon\r";
        let found = Normaliser { volatile }.normalise(payload);
        assert_eq!(
            String::from_utf8(found).unwrap(),
            "MSH|^~\\&|A|A|||[time 1]||DFT^P03|[control id 1]|P\rEVN|P03|[time 1]\r\
             FT1|1||9|20170410145901|[time 2]\rFT1|2||9||soon\r"
        );
    }

    #[rstest]
    #[case("FT1[2]-26", true)]
    #[case("FT1[2]", true)]
    #[case("FT1[1]-26", false)]
    #[case("FT1-26", false)]
    #[case("PID-5", true)]
    fn a_difference_lies_in_its_segment(#[case] path: &str, #[case] expected: bool) {
        let named = |path: &str| Difference {
            path: path.to_owned(),
            expected: Vec::new(),
            found: Vec::new(),
        };
        assert_eq!(lies_in(path, &[named("FT1[2]"), named("PID[1]")]), expected);
    }
}
