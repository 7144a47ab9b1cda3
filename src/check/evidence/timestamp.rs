//! What varies in a message, the sender's clock and its control ids, replaced by typed numbers: equal
//! values stay visibly equal while the values themselves may vary.
//!
//! Where such a value stands, and in which precision, follows from the message that the mapping
//! makes of the exam before its stamp is known. A value has a type and a sense: a time is a real one
//! in the agreed precision, and all times of a message are one within the tolerance of the mapping; a
//! control id holds no delimiter. What is not so is left as it stands, or gets a number of its own,
//! and so it shows. Does **not** judge.

use std::ops::Range;

use jiff::SignedDuration;
use jiff::civil::DateTime;

use crate::exam::Exam;
use crate::hl7::{Delimiters, Message, Segment};
use crate::mapping::{Hole, Mapping, Precision};

use crate::check::evidence::time::to_the_second;

/// The longest value that counts as a control id (HL7 v2.7: 199).
const LONGEST_CONTROL_ID: usize = 199;

/// Replaces what varies by `[time 1]` and `[control id 1]`, numbered by value.
#[derive(Debug)]
pub(crate) struct Stamps {
    places: Vec<Place>,
    within: SignedDuration,
}

/// A component of a field that the stamp writes into.
#[derive(Debug)]
struct Place {
    id: Vec<u8>,
    occurrence: usize,
    field: usize,
    /// Counted from 0.
    component: usize,
    pieces: Vec<Piece>,
}

/// A piece of such a component.
#[derive(Debug)]
enum Piece {
    Text(Vec<u8>),
    Hole(Hole),
}

/// A value that varies, where it stands in a message.
#[derive(Debug)]
struct Found {
    range: Range<usize>,
    value: Varying,
}

/// What it is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Varying {
    ControlId(Vec<u8>),
    Time(Stamp),
}

/// A time as it is written: a moment, and how many seconds that names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) at: DateTime,
    length: i64,
}

impl Stamps {
    /// For the messages that `mapping` makes of `exam`.
    pub(crate) fn of(mapping: &Mapping, exam: &Exam) -> Self {
        let form = mapping.form(exam);
        let message = Message::read(form.with_marks());
        let mut places = Vec::new();
        for segment in message.segments() {
            for (number, field) in segment.fields() {
                // MSH-1 and MSH-2 are the delimiters themselves.
                let components = field.raw().split(|&byte| byte == Delimiters::default().component);
                places.extend(components.enumerate().filter_map(|(component, raw)| {
                    let (id, occurrence) = (segment.id().to_vec(), segment.occurrence());
                    let pieces = pieces(raw)?;
                    Some(Place { id, occurrence, field: number, component, pieces })
                }));
            }
        }
        Self { places, within: SignedDuration::from_secs(mapping.stamps_within()) }
    }

    /// The same bytes with every value that varies replaced. `now` is about the time at which the
    /// message was made, if that is known: where its times contradict each other and no two of
    /// them agree, the one that is next to it counts.
    pub(crate) fn normalise(&self, payload: &[u8], now: Option<DateTime>) -> Vec<u8> {
        let message = Message::read(payload);
        let mut found = Vec::new();
        for segment in message.segments() {
            self.look_into(&segment, &mut found);
        }
        let words = self.numbered(&found, now);
        let mut out = Vec::with_capacity(payload.len());
        let mut written = 0;
        for (Found { range, .. }, word) in found.iter().zip(words) {
            out.extend_from_slice(&payload[written..range.start]);
            out.extend_from_slice(word.as_bytes());
            written = range.end;
        }
        out.extend_from_slice(&payload[written..]);
        out
    }

    /// Adds what varies in a segment. One that should not be there is read like the last of its kind
    /// that should.
    fn look_into(&self, segment: &Segment<'_>, found: &mut Vec<Found>) {
        let of_kind = || self.places.iter().filter(|place| place.id == segment.id());
        let Some(last) = of_kind().map(|place| place.occurrence).max() else { return };
        let occurrence = segment.occurrence().min(last);
        let Delimiters { field: between, component, .. } = segment.delimiters();
        // MSH-1 is the separator itself, so that the field numbers of a header are one ahead.
        let shift = usize::from(segment.id() == b"MSH");
        let mut start = segment.range().start;
        for (index, field) in segment.raw().split(|&byte| byte == between).enumerate() {
            let mut begin = start;
            start += field.len() + 1;
            for (number, raw) in field.split(|&byte| byte == component).enumerate() {
                let place = of_kind().find(|place| {
                    (place.occurrence, place.field, place.component)
                        == (occurrence, index + shift, number)
                });
                if let Some(place) = place.filter(|_| index > 0) {
                    let values = read(&place.pieces, raw, segment.delimiters());
                    found.extend(values.unwrap_or_default().into_iter().map(|(range, value)| {
                        Found { range: begin + range.start..begin + range.end, value }
                    }));
                }
                begin += raw.len() + 1;
            }
        }
    }

    /// What stands for each value. All times that agree with the one that most of them agree with
    /// are equal; any other is equal to itself alone.
    fn numbered(&self, found: &[Found], now: Option<DateTime>) -> Vec<String> {
        let times = found.iter().filter_map(|found| match found.value {
            Varying::Time(stamp) => Some(stamp),
            Varying::ControlId(_) => None,
        });
        let times: Vec<Stamp> = times.collect();
        let agreed = self.agreed(&times, now);
        let key = |stamp: &Stamp| {
            let agrees = agreed.is_some_and(|agreed| self.agree(agreed, *stamp));
            (stamp.length, (!agrees).then_some(stamp.at))
        };
        // Those that agree are numbered as they would be alone.
        let mut known = Vec::new();
        for key in times.iter().map(key).filter(|(_, other)| other.is_none()) {
            number(&mut known, key);
        }
        let mut ids = Vec::new();
        let word = |found: &Found| match &found.value {
            Varying::ControlId(id) => format!("[control id {}]", number(&mut ids, id.clone())),
            Varying::Time(stamp) => format!("[time {}]", number(&mut known, key(stamp))),
        };
        found.iter().map(word).collect()
    }

    /// The time of the message: of the most exact ones the one that most others agree with.
    fn agreed(&self, times: &[Stamp], now: Option<DateTime>) -> Option<Stamp> {
        let exact = times.iter().map(|time| time.length).min()?;
        let off = |time: &Stamp| {
            now.map_or(SignedDuration::ZERO, |now| time.at.duration_since(now).abs())
        };
        let votes = |time: &Stamp| times.iter().filter(|other| self.agree(*time, **other)).count();
        let exact = times.iter().filter(|time| time.length == exact);
        // Of several that are equal the first one is the least.
        exact.min_by_key(|time| (std::cmp::Reverse(votes(time)), off(time))).copied()
    }

    /// Whether two times may be of one moment.
    fn agree(&self, one: Stamp, other: Stamp) -> bool {
        let (first, last) = if one.at <= other.at { (one, other) } else { (other, one) };
        let end = SignedDuration::from_secs(first.length - 1);
        last.at.duration_since(first.at) <= end + self.within
    }
}

impl Stamp {
    /// A time as `yyyyMMddHHmmss`, or as so much of that as `precision` has: a real one.
    pub(crate) fn read(text: &[u8], precision: Precision) -> Option<Self> {
        let (digits, length) = shape(precision);
        if text.len() != digits {
            return None;
        }
        let mut whole = [b'0'; 14];
        whole[..digits].copy_from_slice(text);
        Some(Self { at: to_the_second(&whole)?, length })
    }
}

/// How many digits a time of this precision has, and how many seconds it names.
const fn shape(precision: Precision) -> (usize, i64) {
    match precision {
        Precision::Second => (14, 1),
        Precision::Minute => (12, 60),
        Precision::Day => (8, 24 * 60 * 60),
    }
}

/// The pieces of a component, if the stamp writes any of them.
fn pieces(raw: &[u8]) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut has_hole = false;
    for &byte in raw {
        match (Hole::marked(char::from(byte)), pieces.last_mut()) {
            (Some(hole), _) => {
                has_hole = true;
                pieces.push(Piece::Hole(hole));
            }
            (None, Some(Piece::Text(text))) => text.push(byte),
            (None, _) => pieces.push(Piece::Text(vec![byte])),
        }
    }
    has_hole.then_some(pieces)
}

/// What varies in a component that is written as agreed, and where; nothing if it is not.
fn read(
    pieces: &[Piece],
    raw: &[u8],
    delimiters: Delimiters,
) -> Option<Vec<(Range<usize>, Varying)>> {
    let mut found = Vec::new();
    let mut at = 0;
    for (index, piece) in pieces.iter().enumerate() {
        let rest = &raw[at..];
        let (length, value) = match piece {
            Piece::Text(text) => (rest.starts_with(text).then_some(text.len())?, None),
            Piece::Hole(Hole::Now(precision)) => {
                let length = shape(*precision).0;
                let stamp = Stamp::read(rest.get(..length)?, *precision)?;
                (length, Some(Varying::Time(stamp)))
            }
            Piece::Hole(Hole::ControlId) => {
                let length = match pieces.get(index + 1) {
                    None => rest.len(),
                    Some(Piece::Text(text)) => memchr::memmem::find(rest, text)?,
                    Some(Piece::Hole(Hole::Now(precision))) => {
                        rest.len().checked_sub(shape(*precision).0)?
                    }
                    Some(Piece::Hole(Hole::ControlId)) => rest.len() / 2,
                };
                let id = &rest[..length];
                (
                    length,
                    Some(Varying::ControlId(is_control_id(id, delimiters).then(|| id.to_vec())?)),
                )
            }
        };
        found.extend(value.map(|value| (at..at + length, value)));
        at += length;
    }
    (at == raw.len()).then_some(found)
}

/// Whether a value has the form of a control id, a string: printable, and without a delimiter (HL7
/// v2 chapter 2, ST). One that is written by its escape sequence is none.
pub(crate) fn is_control_id(value: &[u8], delimiters: Delimiters) -> bool {
    let Delimiters { component, repetition, subcomponent, .. } = delimiters;
    let is_wrong = |byte: &u8| *byte < b' ' || [component, repetition, subcomponent].contains(byte);
    !value.trim_ascii().is_empty()
        && value.len() <= LONGEST_CONTROL_ID
        && !value.iter().any(is_wrong)
}

/// The number of `value` among those that were seen before, from 1.
fn number<T: PartialEq>(known: &mut Vec<T>, value: T) -> usize {
    let place = known.iter().position(|other| *other == value);
    place.unwrap_or_else(|| {
        known.push(value);
        known.len() - 1
    }) + 1
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{Stamp, Stamps};
    use crate::exam::Exam;
    use crate::mapping::{Mapping, Precision, sample};

    fn exam() -> Exam {
        sample::john_doe()
    }

    fn mapping(text: &str) -> Mapping {
        sample::mapping(&format!("mapping: m\nextends: iris/option-1\n{text}"))
    }

    /// A message with these in MSH-7, MSH-10, EVN-2 and FT1-5.
    fn message(header: &str, id: &str, event: &str, posted: &str) -> String {
        format!("MSH|^~\\&|A|A|||{header}||DFT^P03|{id}|P\rEVN|P03|{event}\rFT1|1||9||{posted}\r")
    }

    #[rstest]
    #[case::equal(["20170410151351", "7", "20170410151351", "20170410151351"],
        ["[time 1]", "[control id 1]", "[time 1]", "[time 1]"])]
    #[case::a_second_ended_between(["20170410151359", "7", "20170410151359", "20170410151400"],
        ["[time 1]", "[control id 1]", "[time 1]", "[time 1]"])]
    #[case::two_seconds(["20170410151351", "7", "20170410151351", "20170410151353"],
        ["[time 1]", "[control id 1]", "[time 1]", "[time 2]"])]
    #[case::the_header_is_another(["20160410151351", "7", "20170410151351", "20170410151351"],
        ["[time 2]", "[control id 1]", "[time 1]", "[time 1]"])]
    #[case::zone(["20170410151351-0500", "7", "20170410151351", "20170410151351"],
        ["20170410151351-0500", "[control id 1]", "[time 1]", "[time 1]"])]
    #[case::fraction(["20170410151351", "7", "20170410151351.5", "20170410151351"],
        ["[time 1]", "[control id 1]", "20170410151351.5", "[time 1]"])]
    #[case::zeros(["00000000000000", "7", "00000000000000", "00000000000000"],
        ["00000000000000", "[control id 1]", "00000000000000", "00000000000000"])]
    #[case::no_such_day(["20170230151351", "7", "20170410151351", "20170410151351"],
        ["20170230151351", "[control id 1]", "[time 1]", "[time 1]"])]
    #[case::day_alone(["20170410", "7", "20170410151351", "20170410151351"],
        ["20170410", "[control id 1]", "[time 1]", "[time 1]"])]
    #[case::component_in_an_id(["20170410151351", "A^7", "20170410151351", "20170410151351"],
        ["[time 1]", "A^7", "[time 1]", "[time 1]"])]
    #[case::repetition_in_an_id(["20170410151351", "A~7", "20170410151351", "20170410151351"],
        ["[time 1]", "A~7", "[time 1]", "[time 1]"])]
    #[case::blank_id(["20170410151351", " ", "20170410151351", "20170410151351"],
        ["[time 1]", " ", "[time 1]", "[time 1]"])]
    fn a_value_that_varies_has_a_type_and_a_sense(
        #[case] written: [&str; 4],
        #[case] replaced: [&str; 4],
    ) {
        let message = |[header, id, event, posted]: [&str; 4]| message(header, id, event, posted);
        let stamps = Stamps::of(&mapping(""), &exam());
        let found = stamps.normalise(message(written).as_bytes(), None);
        let expected = message(replaced);
        // A component that is no control id leaves the rest of its field alone.
        let expected = expected.replace("A^7", "[control id 1]^7");
        assert_eq!(String::from_utf8(found).unwrap(), expected);
    }

    #[rstest]
    #[case::as_agreed("stamps_within: 3s\n", "20170410151354", "[time 1]")]
    #[case::not_at_all("stamps_within: 0s\n", "20170410151352", "[time 2]")]
    #[case::day("fields: { FT1-5: '{now.day}' }\n", "20170410", "[time 2]")]
    #[case::minute("fields: { FT1-5: '{now.minute}' }\n", "201704101513", "[time 2]")]
    #[case::another_day("fields: { FT1-5: '{now.day}' }\n", "20170411", "[time 2]")]
    #[case::more_than_agreed(
        "fields: { FT1-5: '{now.day}' }\n",
        "20170410151351",
        "20170410151351"
    )]
    #[case::behind_a_text("fields: { FT1-5: 'T{now}-X' }\n", "T20170410151351-X", "T[time 1]-X")]
    #[case::other_text("fields: { FT1-5: 'T{now}-X' }\n", "20170410151351-X", "20170410151351-X")]
    #[case::two_in_one(
        "fields: { FT1-5: '{control_id}/{now}' }\n",
        "7/20170410151351",
        "[control id 1]/[time 1]"
    )]
    fn what_was_agreed_is_what_may_vary(
        #[case] lines: &str,
        #[case] posted: &str,
        #[case] expected: &str,
    ) {
        let stamps = Stamps::of(&mapping(lines), &exam());
        let made = message("20170410151351", "7", "20170410151351", posted);
        let found = String::from_utf8(stamps.normalise(made.as_bytes(), None)).unwrap();
        assert_eq!(found, message("[time 1]", "[control id 1]", "[time 1]", expected));
    }

    #[test]
    fn of_two_times_that_contradict_each_other_the_one_that_is_near_counts() {
        let stamps = Stamps::of(&mapping("fields: { EVN-2: '' }\n"), &exam());
        let near = |now: &str| {
            let times = [made_at("20160410151351"), made_at("20170410151351")];
            stamps.agreed(&times, Some(now.parse().unwrap()))
        };
        assert_eq!(near("2017-04-10T15:13:50"), Some(made_at("20170410151351")));
        assert_eq!(near("2016-04-10T15:13:50"), Some(made_at("20160410151351")));
    }

    fn made_at(text: &str) -> Stamp {
        Stamp::read(text.as_bytes(), Precision::Second).unwrap()
    }

    #[test]
    fn a_line_too_many_is_read_like_the_last_one_that_was_agreed() {
        let stamps = Stamps::of(&mapping(""), &exam());
        let found = stamps.normalise(b"FT1|1||9||20170410151351\rFT1|2||9||20170410151351\r", None);
        assert_eq!(found, b"FT1|1||9||[time 1]\rFT1|2||9||[time 1]\r");
    }
}
