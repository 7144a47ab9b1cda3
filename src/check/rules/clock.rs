//! The time that a message carries is the sender's clock in UTC.
//!
//! The harness has a clock of its own, and every message is seen when it arrives, soon after it was
//! made. Source: the interface page (times are UTC) and HL7 v2 chapter 2, MSH-7. Does **not** look
//! at other times: those of the exam are the mapping's business.

use std::collections::HashSet;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::history::{History, What};
use crate::hl7::{Message, Path};
use crate::mapping::{Form, Hole, Precision};
use crate::verdict::{Circumstance, Proof, Rule, Weight};

use crate::check::evidence::index::Evidence;
use crate::check::evidence::message::{Kind, Sent};
use crate::check::evidence::timestamp::Stamp;
use crate::check::findings::{Findings, Told};
use crate::check::rules::Explanation;
use crate::check::wording::circumstance::witness;
use crate::check::wording::mask::Mask;

/// Of `wire/clock`.
pub(crate) const CLOCK: Explanation = Explanation {
    title: "the message's time is UTC",
    promise: "MSH-7 is the sender's clock in UTC when the message was made: a real time, no more \
              than a few minutes off the one at which it arrived, zone or not.",
    source: "the IRIS interface page: times are UTC; HL7 v2 chapter 2, MSH-7: date and time of \
             the message, in the sender's zone unless one is written",
    how_to_read: "The message is named with its MSH-7, the time at which it arrived and the \
                  difference: whole hours point to a local time. After a jump of the sender's \
                  clock nothing is judged.",
};

/// Clocks differ by minutes; zones by quarters of an hour at least.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(10);

/// Judges MSH-7 of every charge and every agreed result until the sender's clock was moved.
pub(crate) fn judge(evidence: &Evidence<'_>, history: &History, findings: &mut Findings) {
    let Some(started) = started(history) else { return };
    if evidence.is_field_capture() {
        return; // whose clock that was, and how it was set, is not known
    }
    let jumped = evidence.events.iter().find_map(|event| match event.what {
        What::ClockJumped { .. } => Some(event.seq),
        _ => None,
    });
    let agreed = Agreed::of(evidence);
    let mut results: HashSet<&[u8]> = HashSet::new();
    let mut told = false;
    for sent in &evidence.sent {
        let place = evidence.place(sent);
        // A result that is sent again may be the same message, with the time of the first.
        let again = sent.kind == Kind::Result && !results.insert(sent.control_id);
        let Some(precision) = agreed.precision(sent) else { continue };
        if again || told || jumped.is_some_and(|jumped| place.seq > jumped) {
            continue;
        }
        if sent.written.is_empty() && !sent.whole {
            continue; // it was cut before that
        }
        findings.exercised(Rule::WireClock, 1);
        let since = SignedDuration::try_from(std::time::Duration::from(place.began));
        let arrived = started.saturating_add(since.unwrap_or_default());
        let (circumstance, message) = match utc(sent.written) {
            Some(written) => match off(written, precision, arrived) {
                Some(message) => (Circumstance::NotUtc, message),
                None => continue,
            },
            None => (Circumstance::NoTime, no_time(evidence, sent)),
        };
        told = true;
        findings.add(Rule::WireClock, Weight::Broken, || {
            let attempts = vec![witness(evidence, sent)];
            Told::plainly(circumstance, message).with(Proof { attempts, ..Proof::default() })
        });
    }
}

/// The time of day at which a history begins, UTC, if it says so.
pub(crate) fn started(history: &History) -> Option<DateTime> {
    let started = history.header.started.parse::<Timestamp>().ok()?;
    Some(started.to_zoned(TimeZone::UTC).datetime())
}

/// In which precision MSH-7 is to be the sender's clock, in charges and in results; not at all, where
/// the mapping writes something else there.
struct Agreed {
    charges: Option<Precision>,
    results: Option<Precision>,
}

impl Agreed {
    fn of(evidence: &Evidence<'_>) -> Self {
        let precision = |form: &Form| match Message::read_header(form.with_marks()).value("MSH-7") {
            [mark] => match Hole::marked(char::from(*mark)) {
                Some(Hole::Now(precision)) => Some(precision),
                _ => None,
            },
            _ => None,
        };
        let exam = evidence.exams.first();
        let result = exam.and_then(|exam| exam.result.as_deref());
        Self {
            charges: exam.and_then(|exam| precision(&exam.charge)),
            results: result.and_then(precision),
        }
    }

    fn precision(&self, sent: &Sent<'_>) -> Option<Precision> {
        match sent.kind {
            Kind::Charge => self.charges,
            // What was cut before it said what it is may be either.
            Kind::Untold if !sent.whole => self.charges,
            Kind::Result if sent.whole => self.results,
            _ => None,
        }
    }
}

fn no_time(evidence: &Evidence<'_>, sent: &Sent<'_>) -> String {
    let header = Message::read_header(sent.payload);
    let written = Mask::of(evidence).page(&header).at(&Path::literal("MSH-7"));
    match written.is_empty() {
        true => "MSH-7 is empty".to_owned(),
        false => format!("MSH-7 is `{written}`, which is no time"),
    }
}

/// How far a time is off the one at which its message arrived, if that is too far.
fn off(written: DateTime, precision: Precision, arrived: DateTime) -> Option<String> {
    let off = written.duration_since(arrived);
    // What is written in less precision began at that time and has not ended yet.
    let length = match precision {
        Precision::Second => SignedDuration::ZERO,
        Precision::Minute => SignedDuration::from_mins(1),
        Precision::Day => SignedDuration::from_hours(24),
    };
    if off <= TOLERANCE && off >= -(TOLERANCE + length) {
        return None;
    }
    let minutes = (off.as_secs().abs() + 30) / 60;
    let way = if off.is_negative() { "behind" } else { "ahead of" };
    Some(format!("MSH-7 is {written}, {minutes} minutes {way} UTC when the message arrived"))
}

/// `yyyyMMdd[HHmm[ss[.s…]]][+zzzz]` as UTC; without a zone it is UTC by agreement. Nothing, where it
/// is no real time.
fn utc(field: &[u8]) -> Option<DateTime> {
    let text = std::str::from_utf8(field).ok()?;
    let end = text.find(['+', '-']).unwrap_or(text.len());
    let (time, zone) = text.split_at(end);
    let time = match time.split_once('.') {
        Some((time, fraction)) => {
            let is_fraction =
                time.len() == 14 && fraction.bytes().all(|byte| byte.is_ascii_digit());
            time.get(..is_fraction.then_some(time.len())?)?
        }
        None => time,
    };
    let read = |precision| Stamp::read(time.as_bytes(), precision).map(|stamp| stamp.at);
    let time = [Precision::Second, Precision::Minute, Precision::Day].into_iter().find_map(read)?;
    if zone.is_empty() {
        return Some(time);
    }
    let digits = zone.get(1..).filter(|digits| digits.len() == 4)?;
    let (hours, minutes): (u8, u8) = (digits[..2].parse().ok()?, digits[2..].parse().ok()?);
    let offset = SignedDuration::from_mins(i64::from(hours) * 60 + i64::from(minutes));
    Some(if zone.starts_with('-') {
        time.saturating_add(offset)
    } else {
        time.saturating_sub(offset)
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::utc;

    #[rstest]
    #[case::utc("20170410151351", Some("2017-04-10T15:13:51"))]
    #[case::minutes("201704101513", Some("2017-04-10T15:13:00"))]
    #[case::fractions("20170410151351.123", Some("2017-04-10T15:13:51"))]
    #[case::behind("20170410101351-0500", Some("2017-04-10T15:13:51"))]
    #[case::ahead("20170410204351+0530", Some("2017-04-10T15:13:51"))]
    #[case::empty("", None)]
    #[case::day("20170410", Some("2017-04-10T00:00:00"))]
    #[case::zeros("00000000000000", None)]
    #[case::no_such_hour("20170410251351", None)]
    #[case::half_a_zone("20170410151351+01", None)]
    #[case::words("soon", None)]
    #[case::year("2017", None)]
    fn a_time_is_utc_unless_it_has_a_zone(#[case] field: &str, #[case] expected: Option<&str>) {
        let expected = expected.map(|text| text.parse().unwrap());
        assert_eq!(utc(field.as_bytes()), expected);
    }
}
