//! The time that a message carries is the sender's clock in UTC.
//!
//! The harness has a clock of its own, and every message is seen when it arrives, soon after it was
//! made. Source: the interface page (times are UTC) and HL7 v2 chapter 2, MSH-7. Does **not** look
//! at other times: those of the exam are the mapping's business.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::history::{History, What};
use crate::hl7::Message;
use crate::verdict::{Proof, Weight};

use super::attempts::Sent;
use super::between::witness;
use super::evidence::Evidence;
use super::findings::{Findings, Told};
use super::rules::CLOCK;
use super::time::to_the_second;

/// Clocks differ by minutes; zones by quarters of an hour at least.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(10);

/// Judges MSH-7 of every charge until the sender's clock was moved.
pub(super) fn judge(evidence: &Evidence<'_>, history: &History, findings: &mut Findings) {
    let Ok(started) = history.header.started.parse::<Timestamp>() else { return };
    if evidence.is_field_capture() {
        return; // whose clock that was, and how it was set, is not known
    }
    let jumped = evidence.events.iter().find_map(|event| match event.what {
        What::ClockJumped { .. } => Some(event.seq),
        _ => None,
    });
    let started = started.to_zoned(TimeZone::UTC).datetime();
    let mut told = false;
    for sent in &evidence.sent {
        let place = evidence.place(sent);
        if !sent.may_charge() || told || jumped.is_some_and(|jumped| place.seq > jumped) {
            continue;
        }
        let Some(written) = utc(written(sent)) else { continue };
        let since = SignedDuration::try_from(std::time::Duration::from(place.began));
        let arrived = started.saturating_add(since.unwrap_or_default());
        let off = written.duration_since(arrived);
        findings.exercised(CLOCK, 1);
        if off.abs() <= TOLERANCE {
            continue;
        }
        told = true;
        findings.add(CLOCK, Weight::Broken, || {
            let (minutes, way) =
                (off.as_mins().abs(), if off.is_negative() { "behind" } else { "ahead" });
            let message = format!(
                "MSH-7 is {written}, {minutes} minutes {way} of UTC when the message arrived"
            );
            let attempts = vec![witness(evidence, sent)];
            Told::plainly("MSH-7 is not UTC", message).with(Proof { attempts, ..Proof::default() })
        });
    }
}

/// MSH-7, as far as it came.
fn written<'h>(sent: &Sent<'h>) -> &'h [u8] {
    if sent.whole { sent.written } else { Message::read_header(sent.payload).value("MSH-7") }
}

/// `yyyyMMddHHmm[ss[.s…]][+zzzz]` as UTC; without a zone it is UTC by agreement.
fn utc(field: &[u8]) -> Option<DateTime> {
    let text = std::str::from_utf8(field).ok()?;
    let end = text.find(['+', '-']).unwrap_or(text.len());
    let (time, zone) = text.split_at(end);
    let time = time.split('.').next()?;
    let format = if time.len() == 12 { "%Y%m%d%H%M" } else { "%Y%m%d%H%M%S" };
    let plain = to_the_second(time.as_bytes());
    let time = plain.or_else(|| DateTime::strptime(format, time).ok())?;
    let Some(digits) = zone.get(1..5) else { return Some(time) };
    let (hours, minutes): (i64, i64) = (digits[..2].parse().ok()?, digits[2..].parse().ok()?);
    let offset = SignedDuration::from_mins(hours * 60 + minutes);
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
    #[case::day_only("20170410", None)]
    fn a_time_is_utc_unless_it_has_a_zone(#[case] field: &str, #[case] expected: Option<&str>) {
        let expected = expected.map(|text| text.parse().unwrap());
        assert_eq!(utc(field.as_bytes()), expected);
    }
}
