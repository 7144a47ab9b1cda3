//! One message on its way: what it is about, its bytes, and how often it has been tried.

use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::DateTime;

use crate::sender::journal::{Kind, Record};
use crate::sender::variant::Variant;

/// What is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Task {
    /// Number of the order.
    pub(crate) order: String,
    /// Charge or result.
    pub(crate) kind: Kind,
    /// The whole message, or what a broken sender makes of it.
    pub(crate) shape: Shape,
}

/// Which message is made of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// The one that was agreed.
    Whole,
    /// The charge once more, as event P11.
    SecondEvent,
    /// The message with this FT1 only, counted from 0.
    Line(usize),
}

/// A task that is being carried out.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) task: Task,
    /// The bytes, once a connection stands.
    pub(crate) message: Option<Written>,
    /// The record that must be stored before the first byte, by its number.
    pub(crate) ticket: u64,
    /// Whether the record of this attempt was handed to the journal.
    pub(crate) marked: bool,
    /// How often a broken sender has sent it again.
    pub(crate) resends: u32,
    /// How often a result was tried, over all lives of the sender.
    pub(crate) tries: u32,
    /// How many writes it took so far on this connection.
    pub(crate) writes: u32,
    /// Refusals in a row.
    pub(crate) refusals: u32,
    /// The order whose charge a broken sender has put into this message too.
    pub(crate) carried: Option<String>,
}

/// The bytes of a message and what its record says.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    /// Without framing.
    pub(crate) payload: Vec<u8>,
    pub(crate) control_id: String,
    pub(crate) at: DateTime,
}

impl Task {
    /// The message that was agreed for `order`.
    pub(crate) const fn whole(order: String, kind: Kind) -> Self {
        Self { order, kind, shape: Shape::Whole }
    }
}

impl Job {
    /// A task of which nothing was sent in this life; `tries` in earlier ones.
    pub(crate) const fn new(task: Task, tries: u32) -> Self {
        Self {
            task,
            message: None,
            ticket: 0,
            marked: false,
            resends: 0,
            tries,
            writes: 0,
            refusals: 0,
            carried: None,
        }
    }

    /// The record that bytes of the message may be on the wire.
    pub(crate) fn mark(&self) -> Option<Record> {
        let written = self.message.as_ref()?;
        Some(Record::Attempting {
            order: self.task.order.clone(),
            kind: self.task.kind,
            control_id: written.control_id.clone(),
            at: written.at,
        })
    }
}

/// The wall clock at `now`, to the second as HL7's `yyyyMMddHHmmss` has it.
pub(crate) fn wall_clock(epoch: DateTime, now: Duration) -> DateTime {
    let at = epoch.saturating_add(SignedDuration::try_from(now).unwrap_or(SignedDuration::MAX));
    at.saturating_sub(SignedDuration::from_nanos(i64::from(at.subsec_nanosecond())))
}

/// An MSH-10 that was not used before: the clock as `yyMMddHHmmss`, moved past `last`.
///
/// Two messages in one second would share it otherwise, and an acknowledgement of the one would
/// be credited to the other.
pub(crate) fn control_id(at: DateTime, last: Option<&str>, variant: Option<Variant>) -> String {
    if variant == Some(Variant::ControlIdCounter) {
        let used = last.and_then(|id| id.parse::<u64>().ok()).unwrap_or(0);
        return (used + 1).to_string();
    }
    if variant == Some(Variant::LongControlIds) {
        let used = last.and_then(|id| id.strip_prefix(LONG)).and_then(|id| id.parse::<u64>().ok());
        return format!("{LONG}{:015}", used.unwrap_or(0) + 1);
    }
    let id = told(at);
    match last {
        Some(last) if id.as_str() <= last => after(last).unwrap_or(id),
        _ => id,
    }
}

/// What such a control id begins with.
const LONG: &str = "CP-";

fn after(id: &str) -> Option<String> {
    let at = DateTime::strptime(CONTROL_ID, id).ok()?;
    Some(told(at.saturating_add(SignedDuration::from_secs(1))))
}

/// A time in the form of a control id.
fn told(at: DateTime) -> String {
    let year = i64::from(at.year().rem_euclid(100));
    let rest = [at.month(), at.day(), at.hour(), at.minute(), at.second()];
    let number = rest.into_iter().fold(year, |all, part| all * 100 + i64::from(part));
    format!("{number:012}")
}

/// The interface's MSH-10: `yyMMddHHmmss`.
const CONTROL_ID: &str = "%y%m%d%H%M%S";

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::civil::date;
    use rstest::rstest;

    use super::{control_id, wall_clock};

    #[rstest]
    #[case::first(None, "170410151351")]
    #[case::long_after(Some("170410151350"), "170410151351")]
    #[case::same_second(Some("170410151351"), "170410151352")]
    #[case::clock_went_back(Some("170410235959"), "170411000000")]
    fn a_control_id_is_the_clock_moved_past_the_last(
        #[case] last: Option<&str>,
        #[case] expected: &str,
    ) {
        let at = date(2017, 4, 10).at(15, 13, 51, 0);
        assert_eq!(control_id(at, last, None), expected);
    }

    #[test]
    fn the_wall_clock_has_whole_seconds() {
        let epoch = date(2017, 4, 10).at(15, 13, 51, 900_000_000);
        let at = wall_clock(epoch, Duration::from_millis(200));
        assert_eq!(at, date(2017, 4, 10).at(15, 13, 52, 0));
    }
}
