//! A proof as labelled lines: who sent what when, what happened between, and what differs.
//!
//! It does **not** wrap or colour; every report that shows a proof shows these lines.

use super::layout::columns;
use super::wording::{moment, one_line, ordinal};
use crate::history::Micros;
use crate::verdict::{Attempt, FieldDifference, Finding, Moment, Weight};

/// One labelled line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) label: String,
    /// What stands before the text, in a column of its own: a time, or a side of a comparison.
    pub(super) lead: String,
    pub(super) text: String,
}

/// How many attempts, moments or differences are written out before the rest is only counted.
const SHOWN: usize = 24;

/// How many characters of one value are written out before the rest is only counted.
const VALUE: usize = 2_000;

/// The lines of a finding's proof, if it has one: what fits into `width` columns stands on one line.
pub(super) fn rows(finding: &Finding, width: usize) -> Vec<Row> {
    let Some(proof) = &finding.proof else { return Vec::new() };
    // Two lines of one message can be the witnesses, so that one attempt may show both.
    let of_witnesses = proof.attempts.len() > 1 || finding.weight == Weight::SentTwice;
    let mut rows = Vec::new();
    if !proof.charge.is_empty() {
        rows.push(row("charge", one_line(&proof.charge)));
    }
    rows.extend(timeline(&proof.attempts, &proof.between));
    for (index, difference) in proof.differences.iter().enumerate().take(SHOWN) {
        let label = if index == 0 { "differ" } else { "" };
        rows.extend(difference_rows(label, difference, of_witnesses, width));
    }
    if let Some(more) = proof.differences.len().checked_sub(SHOWN + 1) {
        rows.push(row("", format!("… {} more fields differ", more + 1)));
    }
    rows
}

/// A labelled line with nothing before its text.
pub(super) fn row(label: impl Into<String>, text: impl Into<String>) -> Row {
    Row { label: label.into(), lead: String::new(), text: text.into() }
}

/// Attempts and moments in the order in which they happened: by their times, and at the same time
/// by their events. An attempt counts from its first byte although its event is the last one, and
/// a moment that names the event of an attempt says how things stood when it began.
fn timeline(attempts: &[Attempt], between: &[Moment]) -> Vec<Row> {
    let mut entries: Vec<((Micros, u64, Kind), String, String)> = Vec::new();
    for (index, attempt) in attempts.iter().enumerate().take(SHOWN) {
        let label = if attempts.len() == 1 { "sent".into() } else { ordinal(index + 1) };
        entries.push(((attempt.at, attempt.event, Kind::Attempt), label, describe(attempt)));
    }
    for happened in between.iter().take(SHOWN) {
        let when = (happened.at, happened.event, Kind::Moment);
        entries.push((when, String::new(), one_line(&happened.what)));
    }
    entries.sort_by_key(|entry| entry.0);
    let width = entries.iter().map(|entry| moment(entry.0.0).len()).max().unwrap_or(0);
    let line = |((at, ..), label, text): ((Micros, u64, Kind), String, String)| {
        let lead = format!("{:>width$}  ", moment(at));
        Row { label, lead, text }
    };
    let mut rows: Vec<Row> = entries.into_iter().map(line).collect();
    for (all, what) in [(attempts.len(), "attempts"), (between.len(), "events between")] {
        if let Some(more) = all.checked_sub(SHOWN + 1) {
            rows.push(row("", format!("… {} more {what}", more + 1)));
        }
    }
    rows
}

/// Which of two entries of the same event is told first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Moment,
    Attempt,
}

fn describe(attempt: &Attempt) -> String {
    let control_id = match &*attempt.control_id {
        "" => "no MSH-10".into(),
        id => format!("MSH-10 {}", clipped(id)),
    };
    let unfinished = if attempt.complete { "" } else { ", not the whole message" };
    // A sender that somebody else started has no lives that we could tell apart.
    let life = match attempt.incarnation {
        0 => String::new(),
        life => format!(", sender run {life}"),
    };
    format!(
        "connection {}, {}{life}, {control_id}, {} {}{unfinished}",
        attempt.connection,
        one_line(&attempt.endpoint),
        attempt.bytes,
        if attempt.bytes == 1 { "byte" } else { "bytes" },
    )
}

/// A difference on one line if it fits, else its path and each side on a line of its own.
fn difference_rows(
    label: &str,
    difference: &FieldDifference,
    of_witnesses: bool,
    width: usize,
) -> Vec<Row> {
    let path = one_line(&difference.path);
    let (one, other) = (clipped(&difference.expected), clipped(&difference.found));
    let line = if of_witnesses {
        format!("{path}: {one} | {other}")
    } else {
        format!("{path}: expected {one}, got {other}")
    };
    if columns(&line) <= width {
        return vec![row(label, line)];
    }
    let (one_is, other_is) =
        if of_witnesses { ("first  ", "last   ") } else { ("expected  ", "got       ") };
    let side = |lead: &str, text| Row { label: String::new(), lead: lead.into(), text };
    vec![row(label, path), side(one_is, one), side(other_is, other)]
}

/// A value as it is shown: never empty, never endless.
fn clipped(value: &str) -> String {
    if value.is_empty() {
        return "nothing".into();
    }
    let mut shown = one_line(&value.chars().take(VALUE).collect::<String>());
    if let Some(more) = value.chars().count().checked_sub(VALUE + 1) {
        shown.push_str(&format!("… {} more characters", more + 1));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::rows;
    use crate::history::Micros;
    use crate::report::samples;
    use crate::verdict::{FieldDifference, Finding, Moment, Proof};

    fn told(finding: &Finding) -> Vec<String> {
        let line = |row: super::Row| format!("{}|{}|{}", row.label, row.lead, row.text);
        rows(finding, 88).into_iter().map(line).collect()
    }

    fn lines(proof: &Proof) -> Vec<String> {
        told(&Finding { proof: Some(proof.clone()), ..sent_twice() })
    }

    fn sent_twice() -> Finding {
        samples::duplicate().cases[0].judgement.findings[0].clone()
    }

    fn duplicate() -> Proof {
        sent_twice().proof.unwrap()
    }

    #[test]
    fn what_happened_is_told_in_the_order_of_the_history_with_times_in_one_column() {
        let mut proof = duplicate();
        proof.attempts[1].at = Micros(12_000_000);
        assert_eq!(
            lines(&proof)[1..4],
            [
                "1st| 0.412 s  |connection 1, emr, sender run 1, MSH-10 20260101120000, 1204 bytes",
                "| 0.413 s  |the EMR answered AR (answer/reject)",
                "2nd|12.000 s  |connection 2, emr, sender run 1, MSH-10 20260101120001, 1204 bytes",
            ]
        );
    }

    #[test]
    fn how_things_stood_is_told_before_the_attempt_that_was_made_regardless() {
        let mut proof = duplicate();
        let second = &proof.attempts[1];
        let moment = |event, at, what: &str| Moment { event, at, what: what.into() };
        proof.between = vec![
            moment(second.event, second.at, "the message had not been answered yet"),
            moment(20, Micros(second.at.0 + 1_000), "the EMR answered AA (answer/late)"),
        ];
        let told: Vec<String> = lines(&proof)[1..5].to_vec();
        let starts =
            ["1st|", "|0.615 s  |the message had not", "2nd|", "|0.616 s  |the EMR answered"];
        for (line, start) in told.iter().zip(starts) {
            assert!(line.starts_with(start), "{told:#?}");
        }
    }

    #[test]
    fn a_part_is_told_when_it_began_although_it_was_recorded_when_it_ended() {
        let mut proof = duplicate();
        proof.attempts[0].event = 13; // after the reset of its connection, event 11
        assert!(lines(&proof)[1].starts_with("1st|"));
    }

    #[test]
    fn two_lines_of_one_message_are_two_witnesses() {
        let mut finding = sent_twice();
        let proof = finding.proof.as_mut().unwrap();
        proof.attempts.truncate(1);
        assert!(told(&finding).contains(&"differ||MSH-10: 20260101120000 | 20260101120001".into()));
    }

    #[test]
    fn an_attempt_that_is_not_a_whole_message_says_so() {
        let mut proof = duplicate();
        proof.attempts.truncate(1);
        proof.attempts[0].complete = false;
        proof.attempts[0].control_id.clear();
        proof.attempts[0].bytes = 300;
        assert_eq!(
            lines(&proof)[1],
            "sent|0.412 s  |connection 1, emr, sender run 1, no MSH-10, 300 bytes, not the whole message"
        );
    }

    #[test]
    fn a_flood_is_counted_and_not_listed() {
        let mut proof = duplicate();
        let attempt = proof.attempts[0].clone();
        proof.attempts = vec![attempt; 25];
        let at = Micros(413_000);
        proof.between = vec![Moment { event: 11, at, what: "it answered".into() }; 1_000];
        let field = FieldDifference { path: "A".into(), expected: "1".into(), found: "2".into() };
        proof.differences = vec![field; 100];
        let lines = lines(&proof);
        assert!(lines.contains(&"||… 1 more attempts".into()), "{lines:#?}");
        assert!(lines.contains(&"||… 976 more events between".into()));
        assert!(lines.contains(&"||… 76 more fields differ".into()));
        assert!(lines.len() < 80);
    }
}
